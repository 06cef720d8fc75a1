"""Signing in and out of /hq/, and changing one's password."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from central import access
from central.hq.door import (
    AtDesk,
    Desk,
    SentForm,
    check_token,
    cookie_name,
    delete_cookie,
    form_token,
    go_to,
    local_page,
    new_cookie_value,
    page,
    session_token,
    set_cookie,
    text_of,
)
from central.people import set_password
from central.problems import Problem

router = APIRouter()

DOOR_SECONDS = 3600
"""How long a sign-in form may lie open."""


def _form(request: Request, next_page: str, status: int = 200, message: str = "", user: str = "") -> Response:
    settings = request.app.state.settings
    cookie = new_cookie_value()
    csrf = form_token(settings, cookie)
    answer = page(request, "sign_in.html", None, status, csrf=csrf, next=next_page, message=message, user=user)
    set_cookie(answer, settings, "kiemtra-door", cookie, DOOR_SECONDS)
    return answer


@router.get("/sign-in")
def get_sign_in(request: Request, next: str = "/hq/") -> Response:
    return _form(request, local_page(next))


@router.post("/sign-in")
async def post_sign_in(request: Request) -> Response:
    state = request.app.state
    form = await request.form(max_files=0, max_fields=10)
    user, next_page = text_of(form, "user"), local_page(text_of(form, "next"))
    password = form.get("password")
    door = request.cookies.get(cookie_name(state.settings, "kiemtra-door"), "")
    try:
        check_token(form, form_token(state.settings, door or new_cookie_value()))
        signed_in = await run_in_threadpool(
            access.sign_in, request, user[:100], password if isinstance(password, str) else ""
        )
    except Problem as problem:
        answer = _form(request, next_page, problem.status, problem.title_vi, user)
        answer.headers.update({k: v for k, v in (problem.headers or {}).items() if k == "Retry-After"})
        return answer
    with state.db.writing() as connection:
        access.close_session(connection, session_token(request))
        token, _ = access.open_session(connection, signed_in.id, "cookie", state.now())
    answer = go_to(next_page)
    set_cookie(answer, state.settings, "kiemtra", token, access.SESSION_MS // 1000)
    delete_cookie(answer, state.settings, "kiemtra-door")
    return answer


@router.post("/sign-out")
def post_sign_out(request: Request, _form: SentForm) -> Response:
    state = request.app.state
    with state.db.writing() as connection:
        access.close_session(connection, session_token(request))
    answer = go_to("/hq/sign-in")
    delete_cookie(answer, state.settings, "kiemtra")
    return answer


@router.get("/password")
def get_password(request: Request, desk: AtDesk) -> Response:
    return page(request, "password.html", desk, message="")


@router.post("/password")
def post_password(request: Request, desk: AtDesk, form: SentForm) -> Response:
    """Change one's own password; every other session ends, this one begins anew."""
    state = request.app.state
    old, new, again = (str(form.get(name) or "") for name in ("old", "new", "again"))
    try:
        access.sign_in(request, desk.caller.user, old)
        if new != again:
            raise ValueError("Hai lần gõ mật khẩu mới không giống nhau.")
        password_hash = state.passwords.hash(new)
    except Problem as problem:
        message = "Mật khẩu đang dùng không đúng." if problem.status == 401 else problem.title_vi
        return _password_refused(request, desk, message, problem.status)
    except ValueError as fault:
        return _password_refused(request, desk, str(fault), 400)
    with state.db.writing() as connection:
        set_password(connection, desk.caller.user, password_hash)
        token, _ = access.open_session(connection, desk.caller.user, "cookie", state.now())
    answer = go_to("/hq/")
    set_cookie(answer, state.settings, "kiemtra", token, access.SESSION_MS // 1000)
    return answer


def _password_refused(request: Request, desk: Desk, message: str, status: int) -> Response:
    return page(request, "password.html", desk, status, message=message)
