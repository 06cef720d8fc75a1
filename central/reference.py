"""`GET /reference`: what phones carry with them, one document a team, with a strong ETag and ranges."""

import gzip
import hashlib
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, text

from app.matters import REPEAT_YEARS, matter_document, years_later
from app.readings import read_visit
from app.schema import read_meta
from central.access import Caller, require_caller
from central.database import SERVER_IDS_BEFORE
from central.hq.words import local_day
from central.problems import Problem, problem_responses
from central.readings import Document, Readings
from central.summary_api import team_of

router = APIRouter(prefix="/api/v1", tags=["sync"])

STALE_MS = 60_000
"""How old the document may be whose tag a phone is told."""


class ReferenceGiven(BaseModel):
    """Rounds, teams, units, templates, calendar; per unit its notices, what visits found and recommended, rooms and rolls.

    A finding or recommendation: `kind`, `id`, `unit_code`, `day` (of its visit), `text`, `visit`, `item`, `where` (room),
    `severity`, `deadline`, `status` (what was last seen of it); what is empty is left out.
    """

    model_config = ConfigDict(extra="allow")

    server_id: str
    server_ids_before: list[str]
    """What this central called itself before it was restored: files that phones wrote then are still its own."""
    rounds: list[dict[str, Any]]
    teams: list[dict[str, Any]]
    units: list[dict[str, Any]]
    templates: list[dict[str, Any]]
    calendar: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    recommendations: list[dict[str, Any]]
    unit_rooms: dict[str, list[Any]]


def reference_document(
    readings: Readings, connection: Connection, server_id: str, team: str | None, today: str
) -> dict[str, Any]:
    """What a team's phones get; `team` None means everything. `today` is the local ISO day."""
    rounds = []
    for r in connection.execute(text("SELECT * FROM round ORDER BY id")).mappings():
        teams = json.loads(r["teams"] or "[]")
        if team is None or not teams or team in teams:
            rounds.append(
                {
                    "id": r["id"], "name": r["name"], "starts_on": r["starts_on"], "ends_on": r["ends_on"], "teams": teams,
                    "planned_units": json.loads(r["planned_units"] or "[]"), "is_demo": bool(r["is_demo"]),
                }
            )  # fmt: skip
    units = [
        {
            **{k: u[k] for k in ("code", "name", "level", "parent_code", "valid_from", "valid_to", "folded")},
            "successor_codes": json.loads(u["successor_codes"] or "[]"),
        }
        for u in connection.execute(text("SELECT * FROM unit ORDER BY id")).mappings()
    ]
    teams = connection.execute(text("SELECT id, name, team_kind FROM team ORDER BY id")).mappings()
    days = connection.execute(text("SELECT day, hours, note FROM calendar_day ORDER BY day")).mappings()
    notices = connection.execute(
        text(
            "SELECT id, unit_code, document_number, subject, issued_on, remediation_deadline, status FROM notice ORDER BY id"
        )
    ).mappings()
    remembered = _remembered(readings, connection, today)
    return {
        "server_id": server_id,
        "server_ids_before": json.loads(read_meta(connection, SERVER_IDS_BEFORE) or "[]"),
        "rounds": rounds,
        "teams": [dict(t) for t in teams if team is None or t["id"] == team],
        "units": units,
        "templates": [dict(t.body) for t in readings.templates(connection).values()],
        "calendar": [{"day": d["day"], "hours": json.loads(d["hours"] or "[]"), "note": d["note"]} for d in days],
        "notices": [dict(n) for n in notices],
        "findings": remembered["finding"],
        "recommendations": remembered["recommendation"],
        "unit_rooms": _unit_rooms(readings, connection),
    }


def _unit_rooms(readings: Readings, connection: Connection) -> dict[str, list[Any]]:
    """Of each unit's last visit that is over: its rooms with their rolls."""
    last = connection.execute(
        text(
            "SELECT unit_code, id FROM (SELECT unit_code, id, row_number() OVER (PARTITION BY unit_code "
            "ORDER BY coalesce(visit_date, '') DESC, coalesce(visit_started_at, 0) DESC, id DESC) AS n FROM visit "
            "WHERE unit_code <> '' AND status <> 'open') AS ranked WHERE n = 1 ORDER BY unit_code"
        )
    ).all()
    templates = readings.templates(connection)
    rooms: dict[str, list[Any]] = {}
    for unit_code, visit in last:
        reading = read_visit(connection, visit, templates)
        if reading is not None and reading.mode == "per_room" and reading.rooms():
            rooms[unit_code] = [[r.name, reading.heads(r.id)["head_total"]] for r in reading.rooms()]
    return rooms


def _remembered(readings: Readings, connection: Connection, today: str) -> dict[str, list[dict[str, Any]]]:
    """What visits that are over have left for their units, as long as it is open or could be found again as a repeat."""
    found: dict[str, list[dict[str, Any]]] = {"finding": [], "recommendation": []}
    for matter in readings.matters(connection):
        can_repeat = matter.kind == "finding" and matter.item and matter.day
        is_recent = can_repeat and years_later(matter.day, REPEAT_YEARS) >= today
        if matter.is_open or is_recent:
            found[matter.kind].append(
                matter_document(matter) | ({"visit_id": matter.visit, "visit_date": matter.day or None})
            )
    return found


@router.get(
    "/reference",
    response_model=ReferenceGiven,
    responses={
        206: {"description": "A range of the document", "content": {"application/json": {}}},
        304: {"description": "Not changed"},
        **problem_responses(401, 403, 416),
    },
)
def get_reference(request: Request, caller: Annotated[Caller, Depends(require_caller)]) -> Response:
    """The reference data of the caller's team."""
    with request.app.state.db.reading() as connection:
        document = _document(request, connection, team_of(caller))
    return _served(request, document)


def kept_tag(request: Request, connection: Connection, team: str) -> str:
    """The beginning of the ETag of a team's document as it was last made, for phones to see whether theirs is old; empty when it is
    to be made anew (`reference_tag`).

    What phones brought in the last minute may be missing from it: working the document out anew for each of their batches
    would cost more than the batch. What central itself wrote is never missing.
    """
    kept = request.app.state.readings.documents.get(team)
    if (
        kept is None
        or request.app.state.now() - kept.made_at >= STALE_MS
        or _wrote_since(connection, request.app.state.db.central_device, kept)
    ):
        return ""
    return str(kept.digest[:16])


def reference_tag(request: Request, team: str) -> str:
    """The same of the document as it is now; of several who ask at once the first has it made."""
    with request.app.state.readings.making, request.app.state.db.reading() as connection:
        return kept_tag(request, connection, team) or str(_document(request, connection, team).digest[:16])


def _document(request: Request, connection: Connection, team: str | None) -> Document:
    """The document as it is now, made only when the journal has grown."""
    state = request.app.state
    position = connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0
    kept: Document | None = state.readings.documents.get(team)
    if kept is None or kept.position != position:
        own = connection.execute(
            text("SELECT epoch, seq FROM entry WHERE device = :d ORDER BY position DESC LIMIT 1"),
            {"d": state.db.central_device},
        ).one_or_none()
        given = reference_document(state.readings, connection, state.db.server_id, team, local_day(state.now()))
        body = json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
        kept = Document(position, state.now(), (own.epoch, own.seq) if own else ("", 0), body, _digest(body))
    elif kept.made_at != state.now():
        kept = kept._replace(made_at=state.now())
    state.readings.documents[team] = kept
    return kept


def _wrote_since(connection: Connection, device: str, kept: Document) -> bool:
    """Whether central has written entries of its own since the document was made."""
    epoch, seq = kept.central
    found = connection.execute(
        text("SELECT 1 FROM entry WHERE device = :d AND epoch = :e AND seq = :next"),
        {"d": device, "e": epoch, "next": seq + 1},
    )
    return found.first() is not None


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _served(request: Request, document: Document) -> Response:
    """The document whole, packed, in part, or not at all, as the request's headers ask (RFC 9110 §13, §14)."""
    body, digest = document.body, document.digest
    plain, packed = f'"{digest}"', f'"{digest}-gzip"'
    headers = {"ETag": plain, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if "*" in known or plain in known or packed in known:
        tag = packed if packed in known else plain
        return Response(status_code=304, headers=headers | {"ETag": tag})
    asked = request.headers.get("range", "")
    if asked and request.headers.get("if-range", plain) == plain:
        span = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", asked)
        if span and (span[1] or span[2]) and not (span[1] and span[2] and int(span[2]) < int(span[1])):
            start = int(span[1]) if span[1] else max(0, len(body) - int(span[2]))
            end = min(int(span[2]), len(body) - 1) if span[1] and span[2] else len(body) - 1
            if start > end or start >= len(body):
                raise Problem(
                    416, "range-not-satisfiable", "Đoạn yêu cầu nằm ngoài nội dung", "The range lies outside the document",
                    headers={"Content-Range": f"bytes */{len(body)}"},
                )  # fmt: skip
            part = {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
            return Response(body[start : end + 1], 206, headers | part, media_type="application/json")
    if "gzip" in request.headers.get("accept-encoding", ""):
        packed_body = gzip.compress(body, 6, mtime=0)
        return Response(
            packed_body, headers=headers | {"ETag": packed, "Content-Encoding": "gzip"}, media_type="application/json"
        )
    return Response(body, headers=headers, media_type="application/json")
