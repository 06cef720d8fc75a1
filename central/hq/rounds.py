"""The first page: rounds with what has come of them so far."""

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from app.figures import summarize
from central.database import rows
from central.hq.devices import team_names
from central.hq.door import AtDesk, page
from central.hq.wanted import Wanted, choices
from central.readings import Readings

router = APIRouter()


@router.get("/")
def get_rounds(request: Request, desk: AtDesk) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        rounds = [_round(state.readings, connection, id, name) for id, name in choices(connection).rounds]
        teams = team_names(connection)
        outside = rows(connection, "SELECT count(*) AS n FROM visit WHERE coalesce(round, '') = ''")[0]["n"]
        last = rows(connection, "SELECT max(received_at) AS at FROM entry WHERE visit <> ''")[0]["at"]
    return page(request, "rounds.html", desk, rounds=rounds, teams=teams, outside=outside, last=last)


def _round(readings: Readings, connection: Connection, id: str, name: str) -> dict[str, Any]:
    found = rows(connection, "SELECT * FROM round WHERE id = :id", id=id)
    plan = found[0] if found else {}
    wanted = Wanted(round=id)
    planned = json.loads(plan.get("planned_units") or "[]")
    lines = wanted.lines(readings, connection)
    visited = {line.unit_code for line in lines}
    return {
        "id": id,
        "name": name,
        "starts_on": plan.get("starts_on"),
        "ends_on": plan.get("ends_on"),
        "teams": json.loads(plan.get("teams") or "[]"),
        "planned": len(planned),
        "planned_visited": sum(code in visited for code, _ in planned),
        "total": summarize(lines)["total"],
        "wanted": wanted,
    }
