"""Figures of a visit and of many: totals, rates, findings, ranks. Pure; rules: glossary (Attendance, Reports) and design §5.

Empty (None) means not counted and is never zero. Rates are text with two decimals and a point ("67.50"), half up, None over
an empty or zero total. Nothing here ever changes a figure so that a sum comes out right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.checklist import SEVERITIES, Outcome, unique_items
from app.records import ATTENDANCE_SECTION, HEAD_PARTS, HEADS

Heads = Mapping[str, int | None]
"""The five figures of a room or a unit by their item codes."""

MODES_WITH_ROWS = ("per_room", "whole_unit")


def percent(part: int | None, whole: int | None) -> str | None:
    """Share in per cent, two decimals, half up; None when either is empty or the whole is zero. Rule: glossary, Attendance."""
    if part is None or not whole:
        return None
    return str((Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.01"), ROUND_HALF_UP))


@dataclass(frozen=True)
class RowCheck:
    """Whether a room adds up. `difference` = roll − people accounted for (positive: still unaccounted), None without a roll.

    state: empty (nothing counted), incomplete (figures still empty, nothing wrong so far), adds_up, short, over.
    """

    state: str
    difference: int | None
    known: int

    @property
    def is_wrong(self) -> bool:
        """The figures contradict each other: it warns at entry and blocks signing."""
        return self.state in ("short", "over")


def check_row(heads: Heads) -> RowCheck:
    """Rule `row_adds_up`: head_total = present + excused + unexcused + unclear."""
    parts = [heads.get(code) for code in HEAD_PARTS]
    total = heads.get("head_total")
    known = sum(p for p in parts if p is not None)
    if total is None:
        return RowCheck("empty" if all(p is None for p in parts) else "incomplete", None, known)
    difference = total - known
    if difference < 0:
        return RowCheck("over", difference, known)
    if any(p is None for p in parts):
        return RowCheck("incomplete", difference, known)
    return RowCheck("adds_up" if difference == 0 else "short", difference, known)


def totals(rows: Iterable[Heads]) -> dict[str, int | None]:
    """Sums over rooms. Rule `unit_adds_up`: a room with an empty figure makes that total empty; no rooms: all empty."""
    rooms = list(rows)
    return {code: _sum([room.get(code) for room in rooms]) for code in HEADS}


def _sum(values: Sequence[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if values and len(known) == len(values) else None


@dataclass(frozen=True)
class Figures:
    """What one visit counts for, over the rooms of its main count."""

    attendance_mode: str | None
    rooms_checked: int | None
    heads: dict[str, int | None]
    checks: dict[str, RowCheck]
    """Row id → check, in order of the rooms."""
    failed_items: list[str]
    findings_by_severity: dict[str, int]
    findings_by_item: dict[str, int]
    missing_required_photos: list[str]
    photos: int
    without_figures: str | None = field(default=None)
    """None when the visit has figures, else why not: full_no_figures, not_checked, not_recorded, incomplete."""

    @property
    def attendance_rate(self) -> str | None:
        return percent(self.heads["head_present"], self.heads["head_total"])

    @property
    def excused_rate(self) -> str | None:
        return percent(self.heads["head_absent_excused"], self.heads["head_total"])

    @property
    def unexcused_rate(self) -> str | None:
        return percent(self.heads["head_absent_unexcused"], self.heads["head_total"])

    @property
    def unranked_reason(self) -> str | None:
        """Why the visit has no rank: it has no figures, or (zero_total) nobody was on the roll."""
        return self.without_figures or (None if self.attendance_rate else "zero_total")

    @property
    def rows_add_up(self) -> bool:
        """No room contradicts itself and none is left incomplete."""
        return all(check.state == "adds_up" for check in self.checks.values())


def figures(outcome: Outcome, photos: int) -> Figures:
    """Figures of a visit from its answers; `outcome.rows[attendance_room]` holds the rooms of the main count."""
    template = outcome.template
    mode_item = template.items.get("attendance_mode")
    mode = outcome.value(mode_item) if mode_item else None
    section = template.by_section.get(ATTENDANCE_SECTION)
    rooms: dict[str, dict[str, int | None]] = {}
    if section and mode in MODES_WITH_ROWS and outcome.is_asked(section):
        for row in outcome.rows_of(section):
            rooms[row] = {i.code: outcome.value(i, row) for i in section.items if i.code in HEADS}
    heads = totals(rooms.values())
    checked_item = template.items.get("rooms_checked_count")
    checked = outcome.value(checked_item) if checked_item else None
    if checked is None and mode == "per_room" and rooms:
        checked = len(rooms)
    failures = outcome.failures
    by_item: dict[str, int] = {}
    for failure in failures:
        by_item[failure.item] = by_item.get(failure.item, 0) + 1
    return Figures(
        attendance_mode=mode,
        rooms_checked=checked,
        heads=heads,
        checks={row: check_row(room) for row, room in rooms.items()},
        failed_items=unique_items([f.item for f in failures]),
        findings_by_severity={s: sum(f.severity == s for f in failures) for s in SEVERITIES},
        findings_by_item=by_item,
        missing_required_photos=unique_items([item for _, item in outcome.missing_photos]),
        photos=photos,
        without_figures=_why_without(mode, heads),
    )


def _why_without(mode: str | None, heads: Heads) -> str | None:
    if mode not in MODES_WITH_ROWS:
        return mode or "not_recorded"
    if heads["head_total"] is None or heads["head_present"] is None:
        return "incomplete"
    return None


@dataclass(frozen=True)
class SummaryVisit:
    """A visit as the summary needs it."""

    visit_id: str
    unit_code: str | None
    unit_name: str | None
    unit_level: str | None
    visit_date: str | None
    figures: Figures


def _rates(heads: Heads) -> dict[str, str | None]:
    total = heads["head_total"]
    return {
        "attendance_rate": percent(heads["head_present"], total),
        "excused_rate": percent(heads["head_absent_excused"], total),
        "unexcused_rate": percent(heads["head_absent_unexcused"], total),
    }


def _rank(lines: list[dict[str, Any]]) -> None:
    """Ranks by attendance rate as printed, highest first; ties share a rank (1, 2, 2, 4); no rate, no rank."""
    rates = sorted((Decimal(line["attendance_rate"]) for line in lines if _is_ranked(line)), reverse=True)
    ranks: dict[Decimal, int] = {}
    for number, rate in enumerate(rates, 1):
        ranks.setdefault(rate, number)
    for line in lines:
        line["rank"] = ranks[Decimal(line["attendance_rate"])] if _is_ranked(line) else None


def _is_ranked(line: Mapping[str, Any]) -> bool:
    return line["attendance_rate"] is not None and line["unranked_reason"] is None


def _roll_up(visits: Sequence[SummaryVisit]) -> dict[str, Any]:
    """Sums over the visits that have figures, rates over those sums, and how many visits had none and why."""
    counted = [v.figures for v in visits if v.figures.without_figures is None]
    heads = totals(f.heads for f in counted)
    without: dict[str, int] = {}
    for visit in visits:
        reason = visit.figures.without_figures
        if reason is not None:
            without[reason] = without.get(reason, 0) + 1
    by_item: dict[str, int] = {}
    for visit in visits:
        for item, number in visit.figures.findings_by_item.items():
            by_item[item] = by_item.get(item, 0) + number
    return {
        "visit_count": len(visits),
        "visits_with_figures": len(counted),
        "visits_without_figures": without,
        **heads,
        **_rates(heads),
        "findings_by_severity": {s: sum(v.figures.findings_by_severity[s] for v in visits) for s in SEVERITIES},
        "findings_by_item": by_item,
        "photos": sum(v.figures.photos for v in visits),
    }


def summarize(visits: Sequence[SummaryVisit]) -> dict[str, Any]:
    """`visits`, `units` and `total` of `GET /summary` (design §5)."""
    lines = []
    for visit in visits:
        f = visit.figures
        lines.append(
            {
                "visit_id": visit.visit_id,
                "unit_code": visit.unit_code,
                "unit_name": visit.unit_name,
                "unit_level": visit.unit_level,
                "visit_date": visit.visit_date,
                "attendance_mode": f.attendance_mode,
                "rooms_checked": f.rooms_checked,
                **f.heads,
                **_rates(f.heads),
                "failed_items": f.failed_items,
                "findings_by_severity": f.findings_by_severity,
                "missing_required_photos": f.missing_required_photos,
                "photos": f.photos,
                "rank": None,
                "unranked_reason": f.unranked_reason,
            }
        )
    _rank(lines)
    by_unit: dict[tuple[str | None, str | None, str | None], list[SummaryVisit]] = {}
    for visit in visits:
        by_unit.setdefault((visit.unit_code, visit.unit_level, visit.unit_name), []).append(visit)
    units = []
    for (code, level, name), group in by_unit.items():
        rolled = _roll_up(group)
        reasons = list(rolled["visits_without_figures"])
        units.append(
            {
                "unit_code": code,
                "unit_name": name,
                "unit_level": level,
                **rolled,
                "rooms_checked": _sum([v.figures.rooms_checked for v in group]),
                "failed_items": unique_items([i for v in group for i in v.figures.failed_items]),
                "missing_required_photos": unique_items([i for v in group for i in v.figures.missing_required_photos]),
                "rank": None,
                "unranked_reason": None if rolled["attendance_rate"] else (reasons[0] if reasons else "zero_total"),
            }
        )
    _rank(units)
    total = _roll_up(visits)
    total["units_with_findings"] = sum(any(u["findings_by_severity"].values()) for u in units)
    return {"visits": lines, "units": units, "total": total}


DEFAULT_HOURS = (("07:30", "12:00"), ("13:30", "17:00"))
"""Working hours when the calendar says nothing else of a day; Monday to Friday."""


def is_working_time(day: str, clock: str, hours: Sequence[Sequence[str]] = DEFAULT_HOURS, weekday: int = 0) -> bool:
    """Whether a clock time (HH:MM, local) lies within the working hours of a day; a visit outside them warns, never blocks.

    `hours` is [] on a holiday; `weekday` 5 and 6 (Saturday, Sunday) have none by default.
    """
    if weekday >= 5 and hours is DEFAULT_HOURS:
        return False
    return any(start <= clock < end for start, end in hours)
