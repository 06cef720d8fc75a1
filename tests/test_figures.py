"""Figures: percentages, rooms that do not add up, sums over empty figures, ranks."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures import (
    DEFAULT_HOURS,
    Figures,
    SummaryVisit,
    check_row,
    is_working_time,
    percent,
    summarize,
    totals,
)
from app.records import HEADS

NO_FINDINGS = {"critical": 0, "major": 0, "minor": 0}


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (27, 40, "67.50"), (19, 22, "86.36"), (13, 40, "32.50"), (3, 22, "13.64"), (46, 62, "74.19"), (0, 40, "0.00"),
        (40, 40, "100.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 800, "0.13"), (1, 20_000, "0.01"), (1, 20_001, "0.00"),
        (33, 32, "103.13"), (5, 32, "15.63"), (1, 32, "3.13"), (201, 800, "25.13"), (9998, 9999, "99.99"),
        (None, 40, None), (27, None, None), (0, 0, None), (5, 0, None), (None, None, None),
    ],
)  # fmt: skip
def test_a_share_has_two_decimals_half_up_and_is_empty_over_nothing(
    part: int | None, whole: int | None, shown: str | None
) -> None:
    assert percent(part, whole) == shown


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_the_nearest_hundredth(part: int, whole: int) -> None:
    shown = percent(part, whole)
    assert shown is not None and len(shown.partition(".")[2]) == 2
    off = Fraction(Decimal(shown)) - Fraction(part * 100, whole)
    assert Fraction(-1, 200) < off <= Fraction(1, 200)


def heads(*figures: int | None) -> dict[str, int | None]:
    return dict(zip(HEADS, figures, strict=True))


@pytest.mark.parametrize(
    ("figures", "state", "difference", "is_wrong"),
    [
        ((None, None, None, None, None), "empty", None, False),
        ((8, None, None, None, None), "incomplete", 8, False),
        ((None, 5, None, None, None), "incomplete", None, False),
        ((8, 5, 2, None, None), "incomplete", 1, False),
        ((8, 5, 3, None, None), "incomplete", 0, False),
        ((8, 8, 0, 0, 0), "adds_up", 0, False),
        ((8, 5, 2, 0, 1), "adds_up", 0, False),
        ((0, 0, 0, 0, 0), "adds_up", 0, False),
        ((8, 5, 2, 0, 0), "short", 1, True),
        ((8, 9, None, None, None), "over", -1, True),
        ((8, 5, 2, 1, 1), "over", -1, True),
        ((0, 1, None, None, None), "over", -1, True),
    ],
)
def test_a_room_says_whether_it_adds_up(
    figures: tuple[int | None, ...], state: str, difference: int | None, is_wrong: bool
) -> None:
    check = check_row(heads(*figures))
    assert (check.state, check.difference, check.is_wrong) == (state, difference, is_wrong)


def test_an_empty_figure_makes_that_total_empty_and_no_other() -> None:
    rooms = [heads(8, 5, 3, 0, 0), heads(4, None, 1, 0, 0)]
    assert totals(rooms) == heads(12, None, 4, 0, 0)
    assert totals([]) == heads(None, None, None, None, None)
    assert totals([heads(0, 0, 0, 0, 0)]) == heads(0, 0, 0, 0, 0), "zero is a figure"


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.none() | st.integers(0, 9999)] * 5), min_size=1, max_size=12))
def test_totals_are_sums_or_empty(rooms: list[tuple[int | None, ...]]) -> None:
    summed = totals([heads(*room) for room in rooms])
    for number, code in enumerate(HEADS):
        column = [room[number] for room in rooms]
        assert summed[code] == (None if None in column else sum(v for v in column if v is not None))


def visit(name: str, figures: tuple[int | None, ...] | None, **more: Any) -> SummaryVisit:
    """A visit with five sums, or without figures for the reason given as `mode`."""
    sums = heads(*(figures or (None,) * 5))
    mode = more.pop("mode", "per_room")
    reason = more.pop("reason", None if figures and None not in figures[:2] else "incomplete")
    facts = Figures(
        attendance_mode=mode, rooms_checked=more.pop("rooms_checked", None), heads=sums, checks={},
        failed_items=more.pop("failed", []), findings_by_severity=more.pop("severity", NO_FINDINGS),
        findings_by_item=more.pop("by_item", {}), missing_required_photos=more.pop("missing", []),
        photos=more.pop("photos", 0), without_figures=reason,
    )  # fmt: skip
    return SummaryVisit(name, more.pop("code", name), name, "commune", "2026-11-21", facts)


def ranks(visits: list[SummaryVisit]) -> dict[str, tuple[int | None, str | None]]:
    return {line["visit_id"]: (line["rank"], line["unranked_reason"]) for line in summarize(visits)["visits"]}


def test_ties_share_a_rank_and_the_next_one_is_skipped() -> None:
    quarter = [
        visit("c", (8, 6, 2, 0, 0)),
        visit("a", (8, 8, 0, 0, 0)),
        visit("d", (4, 2, 2, 0, 0)),
        visit("b", (4, 3, 1, 0, 0)),
    ]
    assert ranks(quarter) == {"a": (1, None), "b": (2, None), "c": (2, None), "d": (4, None)}


def test_rates_that_are_printed_alike_rank_alike() -> None:
    assert ranks([visit("a", (3000, 2000, 0, 0, 1000)), visit("b", (3001, 2001, 0, 0, 1000))]) == {
        "a": (2, None),
        "b": (1, None),
    }
    alike = [visit("a", (30_000, 20_000, 0, 0, 10_000)), visit("b", (30_001, 20_001, 0, 0, 10_000))]
    assert {line["attendance_rate"] for line in summarize(alike)["visits"]} == {"66.67"}
    assert ranks(alike) == {"a": (1, None), "b": (1, None)}


def test_a_visit_without_figures_is_listed_unranked_with_its_reason() -> None:
    found = ranks(
        [
            visit("counted", (8, 6, 2, 0, 0)),
            visit("full", None, mode="full_no_figures", reason="full_no_figures"),
            visit("skipped", None, mode="not_checked", reason="not_checked"),
            visit("half", (8, None, 2, 0, 0)),
            visit("deserted", (0, 0, 0, 0, 0)),
        ]
    )
    assert found == {
        "counted": (1, None), "full": (None, "full_no_figures"), "skipped": (None, "not_checked"),
        "half": (None, "incomplete"), "deserted": (None, "zero_total"),
    }  # fmt: skip


def test_sums_take_visits_with_figures_only_and_findings_of_all() -> None:
    document = summarize(
        [
            visit("a", (8, 6, 2, 0, 0), severity={**NO_FINDINGS, "minor": 2}, by_item={"badge_worn_all": 2}, photos=3),
            visit("b", None, reason="not_checked", severity={**NO_FINDINGS, "critical": 1}, by_item={"alcohol_or_smoking_seen": 1}),
            visit("c", (2, None, 0, 0, 0), photos=1),
        ]
    )  # fmt: skip
    total = document["total"]
    assert (total["visit_count"], total["visits_with_figures"]) == (3, 1)
    assert total["visits_without_figures"] == {"not_checked": 1, "incomplete": 1}
    assert (total["head_total"], total["head_present"], total["attendance_rate"]) == (8, 6, "75.00")
    assert total["findings_by_severity"] == {"critical": 1, "major": 0, "minor": 2} and total["photos"] == 4
    assert total["findings_by_item"] == {"badge_worn_all": 2, "alcohol_or_smoking_seen": 1}
    assert total["units_with_findings"] == 2


def test_visits_of_one_unit_are_one_unit_and_an_empty_quarter_is_empty() -> None:
    document = summarize(
        [
            visit("am", (8, 6, 2, 0, 0), code="16831", rooms_checked=2),
            visit("pm", (8, 8, 0, 0, 0), code="16831", rooms_checked=3),
        ]
    )
    names = {unit["unit_name"] for unit in document["units"]}
    assert names == {"am", "pm"}, "a unit that was renamed stays two lines"
    same = summarize([visit("x", (8, 6, 2, 0, 0), rooms_checked=2), visit("x", (8, 8, 0, 0, 0), rooms_checked=3)])[
        "units"
    ]
    assert [(u["head_total"], u["attendance_rate"], u["rooms_checked"], u["rank"]) for u in same] == [
        (16, "87.50", 5, 1)
    ]
    nothing = summarize([])
    assert nothing["visits"] == nothing["units"] == []
    assert nothing["total"]["head_total"] is None and nothing["total"]["attendance_rate"] is None


@pytest.mark.parametrize(
    ("clock", "weekday", "inside"),
    [
        ("07:29", 0, False), ("07:30", 0, True), ("11:59", 0, True), ("12:00", 0, False), ("13:29", 4, False),
        ("13:30", 4, True), ("16:15", 4, True), ("16:59", 4, True), ("17:00", 4, False), ("09:00", 5, False),
        ("09:00", 6, False),
    ],
)  # fmt: skip
def test_working_hours(clock: str, weekday: int, inside: bool) -> None:
    assert is_working_time("2026-11-20", clock, DEFAULT_HOURS, weekday) is inside


def test_a_holiday_has_no_hours_and_a_working_saturday_has_its_own() -> None:
    assert not is_working_time("2026-09-02", "09:00", [], 2)
    assert is_working_time("2026-11-21", "09:00", [["07:30", "11:30"]], 5)
