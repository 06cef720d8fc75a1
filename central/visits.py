"""`GET /visits`, one visit whole, and its journal for whoever wants to check it."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from app.evidence import FindingReading
from app.figures import summarize
from app.readings import VisitReading
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.wire import to_phone
from central.access import Caller, require_caller
from central.limited import limited_records
from central.problems import Problem, problem_responses
from central.readings import Filter, Readings, summary_visit
from central.summary_api import Day, Named, checked_day, team_of

router = APIRouter(prefix="/api/v1", tags=["figures"])

PATCH = 12
"""Place of the patch in an entry as `POST /sync` gives it."""


class VisitsGiven(BaseModel):
    model_config = ConfigDict(extra="allow")

    visits: list[dict[str, Any]]
    total: int


class VisitGiven(BaseModel):
    """A visit as it reads now: its own fields, `counts`, `rows`, `answers`, `photos`, `findings`, `figures`."""

    model_config = ConfigDict(extra="allow")

    visit_id: str
    status: str


class JournalGiven(BaseModel):
    """`entries` as `POST /sync` gives them; `verdicts` names those that are not read: pending, rejected, or left for a
    supplement because the visit was signed without them.

    The patch of a record of limited circulation (a person absent) is text instead: the SHA-256 of its JCS bytes, which is
    what the entry's hash is made of.
    """

    entries: list[list[Any]]
    verdicts: dict[str, str]


@router.get("/visits", response_model=VisitsGiven, responses=problem_responses(400, 401, 403))
def get_visits(
    request: Request,
    caller: Annotated[Caller, Depends(require_caller)],
    first_day: Annotated[Day, Query(alias="from")] = None,
    last_day: Annotated[Day, Query(alias="to")] = None,
    round: Named = None,
    unit: Named = None,
    status: Literal["open", "closed", "signed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> JSONResponse:
    """Visits with their figures, by day and unit; inspectors get their team's."""
    wanted = Filter(
        checked_day(first_day, "from"),
        checked_day(last_day, "to"),
        round or "",
        unit or "",
        team_of(caller),
        status or "",
    )
    state = request.app.state
    with state.db.reading() as connection:
        lines = state.readings.lines(connection, wanted)
    page = summarize(lines[offset : offset + limit])["visits"]
    return JSONResponse({"visits": page, "total": len(lines)})


def allowed_visit(readings: Readings, connection: Any, caller: Caller, visit: str) -> VisitReading:
    """The visit, for those who may see it. Problem 404 `not-found`, also for a visit of another team."""
    reading = readings.visit(connection, visit)
    team = team_of(caller)
    if team is not None and (not team or reading.team != team):
        raise Problem(404, "not-found", "Không có cuộc kiểm tra này", "There is no such visit")
    return reading


@router.get("/visits/{visit_id}", response_model=VisitGiven, responses=problem_responses(401, 403, 404))
def get_visit(request: Request, visit_id: str, caller: Annotated[Caller, Depends(require_caller)]) -> JSONResponse:
    """One visit whole."""
    state = request.app.state
    with state.db.reading() as connection:
        reading = allowed_visit(state.readings, connection, caller, visit_id)
    return JSONResponse(visit_document(reading))


def visit_document(reading: VisitReading) -> dict[str, Any]:
    """A visit as JSON: every answer, every count with its figures (`is_main` marks the one that counts), evidence, photos.

    Without what is of limited circulation.
    """
    line = summarize([summary_visit(reading)])["visits"][0]
    reading = reading.shared
    said = reading.evidence
    return {
        "visit_id": reading.id,
        "status": reading.status,
        "round": reading.round or None,
        "team": reading.team or None,
        "unit_valid_from": reading.unit_valid_from or None,
        "visit_kind": reading.visit_kind or None,
        "planned": reading.planned or None,
        "geopoint": reading.geopoint or None,
        "visit_started_at": reading.visit_started_at,
        "visit_ended_at": reading.visit_ended_at,
        "template": reading.template.code,
        "template_version": reading.template.version,
        **{key: value for key, value in line.items() if key not in ("visit_id", "rank", "unranked_reason")},
        "counts": [
            {
                "id": count.id,
                "moment": count.moment,
                "note": count.note or None,
                "is_main": count.id == reading.main_count,
                "rooms": [
                    {"id": room.id, "name": room.name, **reading.heads(room.id)} for room in reading.rooms(count.id)
                ],
                **reading.figures_of(count.id).heads,
                "attendance_rate": reading.figures_of(count.id).attendance_rate,
            }
            for count in reading.counts
        ],
        "rows": [
            {"id": row.id, "section": row.section, "count": row.count or None, "name": row.name, "position": row.position}
            for row in reading.rows
        ],
        "answers": [
            {"item": a.item, "row": a.row or None, "value": a.value, "remark": a.remark or None}
            for a in reading.answers.values()
        ],
        "findings": [_finding(reading, f) for f in said.standing],
        "withdrawn_findings": [_finding(reading, f) for f in said.findings if not f.stands],
        "observations": [_fields(o) for o in said.observations],
        "recommendations": [_fields(r) for r in said.recommendations],
        "people": [_fields(p) for p in said.persons],
        "legal_grounds": [_fields(g) for g in said.grounds],
        "documents": [_fields(d) for d in said.documents],
        "remediations": [_fields(r) for r in said.remediations],
        **{name: value if value != "" else None for name, value in said.facts.items()},
        "photo_list": [
            {
                "id": p.id, "row": p.row or None, "item": p.item or None, "sha256": p.sha256, "bytes": p.bytes,
                "width": p.width, "height": p.height, "media_type": p.media_type, "taken_at": p.taken_at,
                "caption": p.caption or None, "preview": p.preview or None, "geopoint": p.geopoint or None,
                "derived_from": p.derived_from or None, "photo_set": p.photo_set or None,
            }
            for p in reading.photos
        ],
    }  # fmt: skip


def _fields(record: Any) -> dict[str, Any]:
    """A record of the evidence by its fields, null where nothing stands; its place among the others is its place here."""
    return {name: None if value == "" else value for name, value in asdict(record).items() if name != "position"}


def _finding(reading: VisitReading, finding: FindingReading) -> dict[str, Any]:
    photos = [photo.id for photo in reading.photos_of_finding(finding)]
    return _fields(finding) | {"row_name": reading.row_name(finding.row) or None, "photos": photos}


@router.get("/visits/{visit_id}/journal", response_model=JournalGiven, responses=problem_responses(401, 403, 404))
def get_journal(request: Request, visit_id: str, caller: Annotated[Caller, Depends(require_caller)]) -> JSONResponse:
    """Every entry of a visit with its hash, in the order central got them."""
    state = request.app.state
    with state.db.reading() as connection:
        allowed_visit(state.readings, connection, caller, visit_id)
        entries = journal.select(connection, "visit = :v ORDER BY position", v=visit_id)
        late = {_name(entry): "supplement" for entry in merge.left_out(connection, visit_id)}
    limited = limited_records(entries)
    given = [to_phone(entry) for entry in entries]
    for line, entry in zip(given, entries, strict=True):
        if (entry.kind, entry.record) in limited:
            line[PATCH] = journal.sha256(entry.patch)
    return JSONResponse(
        {
            "entries": given,
            "verdicts": {_name(e): e.verdict for e in entries if e.verdict != "applied"} | late,
        }
    )


def _name(entry: JournalEntry) -> str:
    return f"{entry.device}/{entry.epoch}/{entry.seq}"
