"""The first page: rounds with what has come of them so far."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.figures import SummaryVisit, summarize
from central.database import rows
from central.hq.devices import team_names
from central.hq.door import AtDesk, page
from central.hq.wanted import Wanted, choices

router = APIRouter()


@router.get("/")
def get_rounds(request: Request, desk: AtDesk) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        lines: dict[str, list[SummaryVisit]] = {}
        of_visit = {row["id"]: row["round"] or "" for row in rows(connection, "SELECT id, round FROM visit")}
        for line in Wanted().lines(state.readings, connection):
            lines.setdefault(of_visit[line.visit_id], []).append(line)
        plans = {row["id"]: row for row in rows(connection, "SELECT * FROM round")}
        rounds = [_round(id, name, plans.get(id, {}), lines.get(id, [])) for id, name in choices(connection).rounds]
        teams = team_names(connection)
        last = rows(connection, "SELECT max(received_at) AS at FROM entry WHERE visit <> ''")[0]["at"]
    return page(request, "rounds.html", desk, rounds=rounds, teams=teams, outside=len(lines.get("", [])), last=last)


def _round(id: str, name: str, plan: Mapping[str, Any], lines: Sequence[SummaryVisit]) -> dict[str, Any]:
    planned = json.loads(plan.get("planned_units") or "[]")
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
        "wanted": Wanted(round=id),
    }
