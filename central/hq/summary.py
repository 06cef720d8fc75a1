"""The summary: totals, rates and findings of the visits wanted, by unit, visit, round and month, each figure a link."""

from calendar import monthrange
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.figures import SummaryVisit, summarize
from central.database import rows
from central.hq.door import AtDesk, page
from central.hq.wanted import Asked, Wanted, choices, of_page, page_number, quarters

router = APIRouter()

SIZE = 40
"""Lines of the long tables on one page."""


@router.get("/summary")
def get_summary(request: Request, desk: AtDesk, wanted: Asked) -> Response:
    state = request.app.state
    wanted = wanted.for_figures
    with state.db.reading() as connection:
        lines = wanted.lines(state.readings, connection)
        about = {row["id"]: row for row in rows(connection, "SELECT id, round FROM visit")}
        offered = choices(connection)
        templates = state.readings.templates(connection)
    document = summarize(lines)
    newest = max(templates.values(), key=lambda template: template.version, default=None)
    units, units_page, units_pages = of_page(_ranked(document["units"]), page_number(request, "units"), SIZE)
    visits, visits_page, visits_pages = of_page(_ranked(document["visits"]), page_number(request, "visits"), SIZE)
    by_item = sorted(document["total"]["findings_by_item"].items(), key=lambda pair: (-pair[1], pair[0]))
    return page(
        request,
        "summary.html",
        desk,
        wanted=wanted,
        total=document["total"],
        units=units,
        units_page=units_page,
        units_pages=units_pages,
        visits=visits,
        visits_page=visits_page,
        visits_pages=visits_pages,
        by_item=[(code, newest.items.get(code) if newest else None, count) for code, count in by_item],
        item_visits={code: sum(code in line.figures.findings_by_item for line in lines) for code, _ in by_item},
        by_round=_groups(lines, lambda line: about[line.visit_id]["round"] or ""),
        by_month=_groups(lines, lambda line: (line.visit_date or "")[:7]),
        of_month=_of_month,
        choices=offered,
        severities=newest.severities if newest else {},
        quarters=quarters(state.now()),
    )


def _ranked(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By rank, those without a rank at the end by name."""
    return sorted(
        lines, key=lambda line: (line["rank"] or 10**9, line["unit_name"] or "", line.get("visit_date") or "")
    )


def _groups(lines: Sequence[SummaryVisit], key: Callable[[SummaryVisit], str]) -> list[tuple[str, dict[str, Any]]]:
    """(key, sums of the visits that share it), by key; visits without one at the end."""
    found: dict[str, list[SummaryVisit]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return [(name, summarize(found[name])["total"]) for name in sorted(found, key=lambda name: (not name, name))]


def _of_month(wanted: Wanted, path: str, month: str) -> str:
    """The address of a month's visits within what is wanted."""
    year, number = (int(part) for part in month.split("-"))
    first, last = f"{month}-01", f"{month}-{monthrange(year, number)[1]:02}"
    return wanted.address(path, first=max(first, wanted.first), last=min(last, wanted.last or last))
