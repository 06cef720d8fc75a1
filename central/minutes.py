"""The minutes of a visit as a file, made anew from what central holds: what a phone made of the same records is the same file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathPart
from fastapi.responses import Response
from sqlalchemy import Connection, text

from app.minutes.content import file_name, minutes_of
from app.minutes.docx import minutes_docx
from app.minutes.facts import Minutes
from app.minutes.pdf import drained, minutes_pdf, supplement_pdf
from app.proof import code_of
from app.readings import VisitReading
from app.sync.freeze import freeze_of
from central.access import Caller, require_caller
from central.photo_store import Photos
from central.problems import API, Problem, problem_responses
from central.visits import allowed_visit

FONTS = Path(__file__).parents[1] / "assets" / "fonts"
PDF_TYPE = "application/pdf"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

router = APIRouter(prefix=API, tags=["minutes"])


def _given(media_type: str, *more: int) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "The minutes", "content": content}, **problem_responses(*more, 401, 403, 404)}


@router.get("/visits/{visit_id}/minutes.pdf", response_class=Response, responses=_given(PDF_TYPE))
def get_pdf(visit_id: str, request: Request, caller: Annotated[Caller, Depends(require_caller)]) -> Response:
    """The minutes as PDF; a draft until somebody has signed. Photos that have not arrived leave their frames."""
    state = request.app.state
    with state.db.reading() as connection:
        told = told_minutes(connection, allowed_visit(state.readings, connection, caller, visit_id))
    return pdf_answer(told, state.photos)


@router.get("/visits/{visit_id}/minutes.docx", response_class=Response, responses=_given(DOCX_TYPE))
def get_docx(visit_id: str, request: Request, caller: Annotated[Caller, Depends(require_caller)]) -> Response:
    """The minutes for Word; what was signed is the PDF."""
    state = request.app.state
    with state.db.reading() as connection:
        told = told_minutes(connection, allowed_visit(state.readings, connection, caller, visit_id))
    return docx_answer(told, state.photos)


@router.get("/visits/{visit_id}/supplements/{number}.pdf", response_class=Response, responses=_given(PDF_TYPE, 400))
def get_supplement(
    visit_id: str,
    number: Annotated[int, PathPart(ge=1, le=1000)],
    request: Request,
    caller: Annotated[Caller, Depends(require_caller)],
) -> Response:
    """A supplement to the minutes, numbered from 1."""
    state = request.app.state
    with state.db.reading() as connection:
        told = told_minutes(connection, allowed_visit(state.readings, connection, caller, visit_id))
    return supplement_answer(told, number)


class Told(NamedTuple):
    """The minutes of a visit, and the code of what was signed; empty while nobody has."""

    minutes: Minutes
    code: str


def told_minutes(connection: Connection, reading: VisitReading) -> Told:
    """The minutes of a visit, in the name of its team where no issuing body was written down."""
    team = connection.execute(text("SELECT name FROM team WHERE id = :id"), {"id": reading.team}).scalar()
    freeze = freeze_of(connection, reading.id)
    return Told(minutes_of(reading, team or ""), code_of(freeze.content) if freeze else "")


def pdf_answer(told: Told, photos: Photos) -> Response:
    made = drained(minutes_pdf(told.minutes, FONTS, _reading(photos), told.code))
    return as_file(made, PDF_TYPE, file_name(told.minutes, "pdf"))


def docx_answer(told: Told, photos: Photos) -> Response:
    made = minutes_docx(told.minutes, FONTS, _reading(photos), told.code)
    return as_file(made, DOCX_TYPE, file_name(told.minutes, "docx"))


def supplement_answer(told: Told, number: int) -> Response:
    """Problem 404 `not-found` where there is no such supplement."""
    minutes = told.minutes
    if not 1 <= number <= len(minutes.supplements):
        raise Problem(404, "not-found", "Không có biên bản bổ sung này", "There is no such supplement")
    supplement = minutes.supplements[number - 1]
    own = code_of(supplement.content) if supplement.content else ""
    made = drained(supplement_pdf(minutes, supplement, FONTS, told.code, own))
    return as_file(made, PDF_TYPE, file_name(minutes, "pdf", f"bien-ban-bo-sung-{number}"))


def as_file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _reading(photos: Photos) -> Callable[[str], bytes | None]:
    def read(sha256: str) -> bytes | None:
        try:
            return photos.read(sha256)
        except FileNotFoundError:
            return None

    return read
