"""The six public cases, entered through the notebook, give exactly what is expected of them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from app.figures import SummaryVisit, is_working_time, summarize
from app.readings import VisitReading
from app.screens.words import percent as shown
from tests.field import Phone, cases
from tools.demo import enter_case, read_cases

CASES = cases()


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    phone = Phone(tmp_path_factory.mktemp("phone"), seed=2021)
    phone.enrol_alone()
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def entered(phone: Phone) -> dict[str, str]:
    """Case id → visit, each recorded, closed and then read from the file again."""
    visits = {}
    for name, case in CASES.items():
        phone.clock.advance(3_600_000)
        visits[name] = asyncio.run(enter_case(phone.book, case, phone.photograph))
    phone.close()
    phone.open()
    return visits


def seen(reading: VisitReading, expected: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """What the notebook makes of a visit, under the names of the expectations; only those that are expected of it."""
    figures, outcome = reading.figures, reading.outcome
    statuses = [outcome.values.get((row.id, "remediation_status")) for row in reading.rows_of("earlier_notices")]
    not_asked = [item.code for item in reading.template.items.values() if not outcome.is_relevant(item)]
    found: dict[str, Any] = {
        "totals": figures.heads,
        "attendance_rate": figures.attendance_rate,
        "attendance_rate_shown": shown(figures.attendance_rate),
        "excused_rate": figures.excused_rate,
        "unexcused_rate": figures.unexcused_rate,
        "rows_add_up": figures.rows_add_up and bool(figures.checks),
        "failed_items": figures.failed_items,
        "findings_by_severity": figures.findings_by_severity,
        "missing_required_photos": figures.missing_required_photos,
        "attendance_remark": figures.without_figures,
        "not_relevant_items_include": [c for c in expected.get("not_relevant_items_include", ()) if c in not_asked],
        "open_notices_after_visit": sum(status != "done" for status in statuses),
        "has_good_practice": bool(reading.values.get(("", "good_practice"))),
        "within_working_hours": is_working_time("2021-02-24", str(case.get("visit_started_at_clock")), weekday=2),
    }
    return {name: found[name] for name in expected}


@pytest.mark.parametrize("name", list(CASES))
def test_a_case_gives_every_figure_that_is_expected(phone: Phone, entered: dict[str, str], name: str) -> None:
    case = CASES[name]
    reading = phone.book.visit(entered[name])
    assert seen(reading, case["expected"], case) == case["expected"]
    assert reading.unit_code == case["unit"]["code"] and reading.visit_date == (case["visit_date"] or "")
    assert reading.figures.rooms_checked == case["inputs"].get("rooms_checked_count")
    assert reading.figures.photos == sum(photo["count"] for photo in case["inputs"].get("photos", ()))
    assert reading.status == "closed" and not reading.is_signed


def test_all_six_are_there_and_each_says_what_it_expects() -> None:
    assert len(CASES) == 6
    assert all(
        {"totals", "failed_items", "findings_by_severity", "missing_required_photos"} <= set(c["expected"])
        for c in CASES.values()
    )


def test_the_invented_rooms_give_the_same_sums_as_the_one_count(phone: Phone, entered: dict[str, str]) -> None:
    case = CASES["pub_ky_son"]
    by_room = phone.book.visit(asyncio.run(enter_case(phone.book, case, phone.photograph, rooms=True)))
    at_once = phone.book.visit(entered["pub_ky_son"])
    assert [room.name for room in by_room.rooms()] == [f"Phòng {n}" for n in range(1, 10)]
    assert seen(by_room, case["expected"], case) == case["expected"]
    assert by_room.figures.heads == at_once.figures.heads and by_room.figures.rooms_checked == 9
    assert [check.state for check in by_room.figures.checks.values()] == ["adds_up"] * 9


def summary_visit(phone: Phone, name: str, visit: str) -> SummaryVisit:
    reading = phone.book.visit(visit)
    return SummaryVisit(
        name, reading.unit_code, reading.unit_name, reading.unit_level, reading.visit_date, reading.figures
    )


def test_two_of_them_rolled_up(phone: Phone, entered: dict[str, str]) -> None:
    example = read_cases()["roll_up_example"]
    document = summarize([summary_visit(phone, name, entered[name]) for name in example["visits"]])
    total, expected = document["total"], example["expected"]
    assert {"totals": {code: total[code] for code in expected["totals"]}} == {"totals": expected["totals"]}
    for name in ("visit_count", "visits_with_figures", "attendance_rate", "findings_by_severity"):
        assert total[name] == expected[name], name
    ranked = sorted((line for line in document["visits"] if line["rank"]), key=lambda line: line["rank"])
    assert [
        {"rank": line["rank"], "visit": line["visit_id"], "attendance_rate": line["attendance_rate"]} for line in ranked
    ] == expected["ranking_by_attendance_rate"]


def test_all_six_rolled_up(phone: Phone, entered: dict[str, str]) -> None:
    document = summarize([summary_visit(phone, name, visit) for name, visit in entered.items()])
    total = document["total"]
    assert (total["visit_count"], total["visits_with_figures"], total["head_total"], total["head_present"]) == (
        6,
        3,
        82,
        61,
    )
    assert total["visits_without_figures"] == {"full_no_figures": 2, "not_checked": 1}
    assert total["findings_by_severity"] == {"critical": 0, "major": 3, "minor": 0} and total["photos"] == 6
    ranked = {line["visit_id"]: (line["rank"], line["unranked_reason"]) for line in document["visits"]}
    assert ranked == {
        "pub_muong_long": (1, None), "pub_lang_khe": (2, None), "pub_ky_son": (3, None),
        "pub_con_cuong": (None, "full_no_figures"), "pub_dai_dong": (None, "not_checked"),
        "pub_thanh_chuong": (None, "full_no_figures"),
    }  # fmt: skip


def test_the_journal_of_the_day_verifies_and_reads_the_same_when_rebuilt(phone: Phone, entered: dict[str, str]) -> None:
    before = {name: phone.book.visit(visit) for name, visit in entered.items()}
    assert phone.book.verify() is None
    assert phone.book.rebuild() > 100
    assert {name: phone.book.visit(visit) for name, visit in entered.items()} == before
