"""Visits with filters in the address; whatever figure leads here, these are the visits behind it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.figures import summarize
from central.database import rows
from central.hq.door import AtDesk, page
from central.hq.wanted import Asked, choices, of_page, page_number

router = APIRouter()

SIZE = 60
"""Visits on a page: with all their figures it stays well below 100 kB."""


@router.get("/visits")
def get_visits(request: Request, desk: AtDesk, wanted: Asked) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        lines = wanted.lines(state.readings, connection)
        shown, number, pages = of_page(lines, page_number(request, "page"), SIZE)
        about: dict[str, Any] = {
            row["id"]: row for row in rows(connection, "SELECT id, team, round, status, visit_started_at FROM visit")
        }
        offered = choices(connection)
        templates = state.readings.templates(connection)
    newest = max(templates.values(), key=lambda template: template.version, default=None)
    item = newest.items.get(wanted.item) if newest else None
    return page(
        request,
        "visits.html",
        desk,
        wanted=wanted,
        visits=summarize(shown)["visits"],
        total=summarize(lines)["total"],
        about=about,
        choices=offered,
        item_name=item.label.vi if item else wanted.item,
        severities=newest.severities if newest else {},
        number_of_page=number,
        pages=pages,
    )
