"""The door of /hq/: a cookie for half a day, a token in every form, and pages drawn for whoever is inside.

A form is believed when it carries the token that belongs to the session (or, at the sign-in form, to a cookie set with
the form). Cookies are HttpOnly and SameSite=Lax, so that a mailed link still opens; over HTTPS also Secure and `__Host-`.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError
from starlette.datastructures import FormData, UploadFile

from central.access import Caller, session_caller
from central.hq.words import FILTERS
from central.problems import Problem
from central.settings import Settings

FOLDER = Path(__file__).parent
SIGN_IN = "/hq/sign-in"

_pages = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters.update(FILTERS)


@dataclass(frozen=True)
class Desk:
    """Somebody of the office at work: who, and the token their forms must carry."""

    caller: Caller
    csrf: str

    @property
    def is_administrator(self) -> bool:
        return self.caller.role == "administrator"


class SignInNeeded(Problem):
    """No session, or one that is over: the page asked for comes after signing in."""

    def __init__(self) -> None:
        super().__init__(401, "token-expired", "Phiên làm việc đã hết. Hãy đăng nhập lại", "Sign in again")


def cookie_name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if settings.is_https else name


def set_cookie(response: Response, settings: Settings, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        cookie_name(settings, name), value, max_age, path="/", secure=settings.is_https, httponly=True, samesite="lax"
    )


def delete_cookie(response: Response, settings: Settings, name: str) -> None:
    response.delete_cookie(
        cookie_name(settings, name), path="/", secure=settings.is_https, httponly=True, samesite="lax"
    )


def session_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request.app.state.settings, "kiemtra"), "")


def form_token(settings: Settings, cookie: str) -> str:
    """What a form carries to show that it was drawn for the holder of a cookie."""
    return hmac.new(settings.secret, b"form:" + cookie.encode(), hashlib.sha256).hexdigest()


def new_cookie_value() -> str:
    return secrets.token_urlsafe(32)


def require_desk(request: Request) -> Desk:
    """Who is at work, by cookie. Raises SignInNeeded."""
    state = request.app.state
    token = session_token(request)
    caller = session_caller(state.db, token, "cookie", state.now()) if token else None
    if caller is None:
        raise SignInNeeded
    return Desk(caller, form_token(state.settings, token))


AtDesk = Annotated[Desk, Depends(require_desk)]


def check_token(form: FormData, expected: str) -> None:
    """Problem 403 `form-expired` unless the form carries the token."""
    given = form.get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Problem(
            403, "form-expired", "Biểu mẫu đã hết hạn hoặc không từ trang này. Hãy mở lại trang và làm lại",
            "This form has expired or came from elsewhere. Open the page again",
        )  # fmt: skip


async def require_form(request: Request, desk: AtDesk) -> FormData:
    """A form sent by whoever is at work, its token checked. Problems: 403 `form-expired`, SignInNeeded."""
    form = await request.form(max_files=1, max_fields=50)
    check_token(form, desk.csrf)
    return form


SentForm = Annotated[FormData, Depends(require_form)]


async def sent_file(form: SentForm) -> bytes:
    """The bytes of the form's field `file`; none when nothing was chosen."""
    file = form.get("file")
    return await file.read() if isinstance(file, UploadFile) else b""


SentFile = Annotated[bytes, Depends(sent_file)]


def text_of(form: FormData, name: str) -> str:
    """A field of a form as trimmed text; empty when absent or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def page(request: Request, template: str, desk: Desk | None, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page drawn from a template; every page knows the desk, the demo mark and where it is."""
    settings: Settings = request.app.state.settings
    drawn = _pages.get_template(template).render(
        desk=desk, is_demo=settings.is_demo, path=request.url.path, now=request.app.state.now(), **facts
    )
    return HTMLResponse(drawn, status)


def go_to(path: str) -> RedirectResponse:
    """To another page after a form was taken: reloading then repeats nothing."""
    return RedirectResponse(path, 303)


def local_page(path: str) -> str:
    """A page of /hq/ named by an address bar, never another site."""
    is_ours = path.startswith("/hq/") and not path.startswith("/hq//") and "\\" not in path and path.isprintable()
    return path if is_ours else "/hq/"


def refusal_page(request: Request, problem: Problem) -> Response:
    """A refusal at /hq/ as a page, or the way to the sign-in form and back."""
    if isinstance(problem, SignInNeeded):
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(wanted, safe='')}" if request.method == "GET" and wanted != "/hq/" else ""
        return go_to(SIGN_IN + back)
    try:
        desk = require_desk(request)
    except (SignInNeeded, OperationalError):
        desk = None
    answer = page(request, "refusal.html", desk, problem.status, problem=problem)
    answer.headers.update(problem.headers or {})
    return answer
