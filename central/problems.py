"""Refusals and failures as RFC 9457 problem documents, and the handlers that keep every answer of the API in that form.

`title` is "Vietnamese / English". `retry` tells a phone what to do with the same request: `never` (it will not get
better), `now` (again at once) or `later` (again after a while).
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from app.readings import NoTemplate

Retry = Literal["never", "now", "later"]

API = "/api/v1"
MEDIA_TYPE = "application/problem+json"

log = logging.getLogger("kiemtra.central")


def problem_type(name: str) -> str:
    """The stable `type` of a problem, the same wherever central runs; clients compare what follows the last slash."""
    return f"{API}/problems/{name}"


class Problem(HTTPException):
    """A refusal. `extra` becomes members of the document; `headers` are sent with it.

    It is an HTTPException because FastAPI lets only those through while it reads a body.
    """

    def __init__(
        self,
        status: int,
        name: str,
        title_vi: str,
        title_en: str,
        retry: Retry = "never",
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ):
        super().__init__(status, f"{name}: {title_en}", dict(headers or {}))
        self.status, self.name, self.title_vi, self.title_en, self.retry = status, name, title_vi, title_en, retry
        self.extra = extra

    def document(self) -> dict[str, Any]:
        return {
            "type": problem_type(self.name),
            "title": f"{self.title_vi} / {self.title_en}",
            "status": self.status,
            "retry": self.retry,
            **self.extra,
        }

    def response(self) -> Response:
        return JSONResponse(self.document(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


class ProblemDocument(BaseModel):
    """RFC 9457 problem document; further members depend on `type`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    retry: Retry
    detail: str | None = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route declares in OpenAPI for the refusals it can give."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {status: {"description": "Problem", "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}


def malformed(field: str, vi: str, en: str) -> Problem:
    """A request whose form is wrong: sending it again cannot help."""
    return Problem(
        400, "malformed", "Yêu cầu không đúng mẫu", "The request is malformed", field=field, detail=f"{vi} / {en}"
    )


_TITLES = {
    400: ("malformed", "Yêu cầu không đúng mẫu", "The request is malformed"),
    404: ("not-found", "Không có địa chỉ này", "There is nothing at this address"),
    405: ("method-not-allowed", "Địa chỉ này không nhận cách gọi đó", "This address does not take that method"),
    406: ("not-acceptable", "Không có dạng trả lời được yêu cầu", "Not available in the form asked for"),
    413: ("too-large", "Nội dung gửi quá lớn", "The request is too large"),
    415: ("unsupported-media-type", "Dạng nội dung không được nhận", "This media type is not taken"),
    416: ("range-not-satisfiable", "Đoạn yêu cầu nằm ngoài nội dung", "The range lies outside the content"),
}

_FIELD_ERRORS = {
    "missing": ("Thiếu mục này", "This field is missing"),
    "json_invalid": ("Nội dung không phải JSON", "The body is not JSON"),
    "extra_forbidden": ("Mục này không có trong mẫu", "This field is not known"),
    "string_pattern_mismatch": ("Chữ không đúng mẫu", "The text does not match the pattern"),
    "string_too_short": ("Chữ quá ngắn", "The text is too short"),
    "string_too_long": ("Chữ quá dài", "The text is too long"),
}


def _of_http(status: int, headers: Mapping[str, str] | None) -> Problem:
    retry: Retry = "later" if status >= 500 else "never"
    name, vi, en = _TITLES.get(status, (f"http-{status}", "Yêu cầu bị từ chối", "The request was refused"))
    return Problem(status, name, vi, en, retry, headers)


def of_validation(errors: list[Any]) -> Problem:
    """The first thing wrong with the form of a request, named by its field."""
    first = errors[0]
    place = [str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path", "header")]
    vi, en = _FIELD_ERRORS.get(first.get("type", ""), ("Giá trị không hợp lệ", str(first.get("msg", "Not valid"))))
    return malformed(".".join(place) or "body", vi, en)


def install(app: FastAPI, pages: str, draw: Callable[[Request, Problem], Response]) -> None:
    """Make every refusal and failure of the app a problem document; below the path `pages` what `draw` makes of it."""

    def told(request: Request, problem: Problem) -> Response:
        return draw(request, problem) if request.url.path.startswith(pages) else problem.response()

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> Response:
        return told(request, problem)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return told(request, of_validation(list(error.errors())))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return told(request, _of_http(error.status_code, error.headers))

    @app.exception_handler(sqlite3.OperationalError)
    @app.exception_handler(OperationalError)
    async def _database(request: Request, error: OperationalError | sqlite3.OperationalError) -> Response:
        log.error("database: %s", getattr(error, "orig", error))
        problem = Problem(
            503,
            "unavailable",
            "Trung tâm đang bận hoặc hết chỗ lưu. Máy sẽ tự gửi lại",
            "Central is busy or out of space. The phone will try again",
            "later",
            headers={"Retry-After": "30"},
        )
        return told(request, problem)

    @app.exception_handler(NoTemplate)
    async def _template(request: Request, _error: NoTemplate) -> Response:
        problem = Problem(
            503,
            "no-template",
            "Trung tâm chưa có phiếu kiểm tra nào. Quản trị viên nạp phiếu vào trước (kiemtra import template)",
            "Central has no checklist yet. The administrator imports one first (kiemtra import template)",
            "later",
        )
        return told(request, problem)

    @app.exception_handler(Exception)
    async def _bug(request: Request, _error: Exception) -> Response:
        problem = Problem(
            500,
            "internal",
            "Trung tâm gặp lỗi. Số liệu trên máy vẫn an toàn",
            "Central failed. What is on the phone is safe",
            "later",
        )
        return told(request, problem)
