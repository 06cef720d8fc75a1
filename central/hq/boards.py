"""What photographed boards say: searched through, and held against the procedures the province has announced."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection, text

from app.readings import VisitReading
from app.sync.journal import Change
from app.sync.stamp import finding_id
from central.boards import NoReader, Tesseract, progress, search, texts_of
from central.database import rows
from central.hq.door import AtDesk, Desk, SentFile, SentForm, go_to, page
from central.hq.words import local_day
from central.imports import Fault, ImportRefused
from central.intake import write_as_central
from central.office import Taken
from central.problems import Problem
from central.procedures import BoardLine, Compared, compare, load_procedures, take_procedures

router = APIRouter()

STANDINGS = {
    "missing": "chưa thấy niêm yết",
    "outdated": "đã hết hiệu lực",
    "unsure": "chưa chắc",
    "posted": "đã niêm yết",
}
FINDING_OF = {
    "missing": ("tthc_posting_compliant", "Chưa niêm yết"),
    "outdated": ("tthc_up_to_date", "Còn niêm yết thủ tục đã hết hiệu lực"),
}
"""Item of the checklist that a confirmed fault belongs to, and how its finding begins."""


@router.get("/boards")
def get_boards(request: Request, desk: AtDesk, q: str = "") -> Response:
    """Boards that say something, searched without marks or case."""
    with request.app.state.db.reading() as connection:
        found = search(connection, q[:200])
        state = progress(connection)
    return page(request, "boards.html", desk, q=q[:200], found=found, state=state, trouble=reader_trouble())


def reader_trouble() -> str:
    """Why boards are not read on this machine, in Vietnamese; empty when they are."""
    try:
        Tesseract()
    except (NoReader, OSError) as reason:
        return str(reason).split(" / ")[0]
    return ""


# --- one visit's boards against the list ----------------------------------------------------------------------------


@router.get("/visits/{visit}/boards")
def get_visit_boards(request: Request, visit: str, desk: AtDesk) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        reading = _visit(request, connection, visit)
        texts = texts_of(connection, [p.sha256 for p in reading.photos])
        compared, confidence = held_against(connection, reading, texts)
        checks = {r["code"]: r for r in rows(connection, "SELECT * FROM board_check WHERE visit = :v", v=visit)}
        people = {r["id"]: r["name"] for r in rows(connection, 'SELECT id, name FROM "user"')}
    photos = [(p, texts.get(p.sha256)) for p in reading.photos if not p.circulation]
    return page(
        request, "visit_boards.html", desk,
        visit=reading, photos=photos, compared=compared, confidence=confidence, checks=checks, people=people,
        standings=STANDINGS, numbers={p.sha256: n for n, p in enumerate(reading.photos, 1)},
        is_demo_list=any(c.procedure.is_demo for c in compared), trouble=reader_trouble(),
    )  # fmt: skip


def held_against(
    connection: Connection, reading: VisitReading, texts: dict[str, dict[str, Any]]
) -> tuple[list[Compared], float | None]:
    """The procedures of the unit's level against all boards of the visit that were read, and how well they could be read."""
    said = [
        texts[p.sha256] for p in reading.photos if texts.get(p.sha256, {}).get("state") == "read" and not p.circulation
    ]
    lines = [BoardLine(line, row["sha256"]) for row in said for line in (row["text"] or "").splitlines()]
    letters = sum(len(row["text"] or "") for row in said)
    confidence = sum(row["confidence"] * len(row["text"] or "") for row in said) / letters if letters else None
    procedures = load_procedures(connection, reading.unit_level)
    return compare(procedures, lines, reading.visit_date, confidence), confidence


@router.post("/visits/{visit}/boards/{code}")
def post_check(request: Request, visit: str, code: str, desk: AtDesk, form: SentForm) -> Response:
    """A person says how a procedure stands; a fault becomes a finding of the visit while it is not signed, else it is only noted."""
    state = request.app.state
    standing = str(form.get("standing", ""))
    if standing not in ("posted", "missing", "outdated", "open"):
        raise Problem(400, "malformed", "Chọn: đã niêm yết, chưa niêm yết hoặc đã hết hiệu lực", "Unknown standing")
    with state.db.writing() as connection:
        reading = _visit(request, connection, visit)
        known = next((p for p in load_procedures(connection, reading.unit_level) if p.code == code), None)
        if known is None:
            raise Problem(404, "not-found", "Không có thủ tục này", "There is no such procedure")
        before = rows(connection, "SELECT standing FROM board_check WHERE visit = :v AND code = :c", v=visit, c=code)
        _note(connection, visit, code, standing, desk, state.now())
        if not reading.is_signed:
            change = _finding(reading, known.name, code, standing, was=before[0]["standing"] if before else "open")
            if change:
                write_as_central(connection, state.db.central_device, desk.caller.user, [change], state.now())
    return go_to(f"/hq/visits/{visit}/boards#{code}")


def _note(connection: Connection, visit: str, code: str, standing: str, desk: Desk, now: int) -> None:
    values = {"visit": visit, "code": code, "standing": standing, "by": desk.caller.user, "at": now}
    connection.execute(
        text(
            "INSERT INTO board_check (visit, code, standing, decided_by, at) VALUES (:visit, :code, :standing, :by, :at) "
            "ON CONFLICT (visit, code) DO UPDATE SET standing = excluded.standing, decided_by = excluded.decided_by, "
            "at = excluded.at"
        ),
        values,
    )


def _finding(reading: VisitReading, name: str, code: str, standing: str, was: str) -> Change | None:
    """The finding a decision makes, changes or takes back; None when it means nothing for the findings."""
    id = finding_id(reading.id, "procedure", code)
    if standing in FINDING_OF:
        item, begins = FINDING_OF[standing]
        known = reading.template.items.get(item)
        words = f"{begins} «{name}» (mã {code})"
        severity = (known.severity if known else None) or "minor"
        fields = {"visit": reading.id, "item": item, "severity": severity, "text": words, "removed": None}
        return Change("finding", id, fields, reading.id)
    if was in FINDING_OF:
        return Change("finding", id, {"visit": reading.id, "removed": True}, reading.id)
    return None


def _visit(request: Request, connection: Connection, visit: str) -> VisitReading:
    reading: VisitReading = request.app.state.readings.visit(connection, visit)
    return reading


# --- the list -------------------------------------------------------------------------------------------------------


def _procedures_page(
    request: Request, desk: Desk, status: int = 200, taken: Taken | None = None, faults: Sequence[Fault] = ()
) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        procedures = load_procedures(connection)
    today = local_day(state.now())
    return page(
        request, "procedures.html", desk, status, procedures=procedures, today=today, taken=taken, faults=faults
    )


@router.get("/procedures")
def get_procedures(request: Request, desk: AtDesk) -> Response:
    return _procedures_page(request, desk)


@router.post("/procedures")
def post_procedures(request: Request, desk: AtDesk, raw: SentFile) -> Response:
    """Take a list in, whole or not at all."""
    try:
        with request.app.state.db.writing() as connection:
            taken = take_procedures(connection, raw)
    except ImportRefused as refused:
        return _procedures_page(request, desk, 422, faults=refused.faults)
    return _procedures_page(request, desk, taken=taken)
