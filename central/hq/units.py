"""Units: search as one types on the phone, and the list brought in as CSV."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.readings import load_units
from central.database import rows
from central.hq.door import AtDesk, Desk, SentFile, page
from central.hq.words import local_day
from central.imports import Fault, ImportRefused, is_day
from central.office import Taken, take_units

router = APIRouter()

LIMIT = 100


def _units_page(
    request: Request,
    desk: Desk,
    q: str,
    day: str,
    status: int = 200,
    taken: Taken | None = None,
    faults: Sequence[Fault] = (),
) -> Response:
    state = request.app.state
    day = day if is_day(day) else local_day(state.now())
    with state.db.reading() as connection:
        units = load_units(connection)
        counted = rows(connection, "SELECT unit_code, count(*) AS n FROM visit GROUP BY unit_code")
    facts: dict[str, Any] = {
        "total": len(units),
        "levels": sorted(Counter(unit.level for unit in units).items()),
        "found": units.search(q, day, LIMIT),
        "names": {unit.code: unit.name for unit in sorted(units, key=lambda unit: unit.valid_from)},
        "visits": {row["unit_code"]: row["n"] for row in counted},
    }
    return page(request, "units.html", desk, status, q=q, day=day, limit=LIMIT, taken=taken, faults=faults, **facts)


@router.get("/units")
def get_units(request: Request, desk: AtDesk, q: str = "", day: str = "") -> Response:
    return _units_page(request, desk, q[:200], day)


@router.post("/units")
def post_units(request: Request, desk: AtDesk, raw: SentFile) -> Response:
    """Take a units file in, whole or not at all."""
    state = request.app.state
    try:
        with state.db.writing() as connection:
            taken = take_units(connection, state.db.central_device, desk.caller.user, raw, state.now())
    except ImportRefused as refused:
        return _units_page(request, desk, "", "", 422, faults=refused.faults)
    return _units_page(request, desk, "", "", taken=taken)
