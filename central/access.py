"""Who is calling: enrolled phones, people with a session, and what each may open.

Secrets are random and stored only as hashes. Phones hold a token until it is revoked; people hold one for half a day.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Connection, text

from app.sync.stamp import new_uuid7, nfc
from app.sync.wire import MAX_BYTES, MAX_ENTRIES
from central import attempts
from central.bodies import StrictRoute
from central.database import Database, rows
from central.lean import lean
from central.people import OFFICE_ROLES, Role, User, find_user
from central.problems import Problem, problem_responses

MAX_PHOTO_BYTES = 5_242_880

HOUR_MS = 3_600_000
CODE_VALID_MS = 24 * HOUR_MS
SESSION_MS = 12 * HOUR_MS
SESSION_IDLE_MS = 2 * HOUR_MS
SEEN_EVERY_MS = 60_000

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10

router = APIRouter(prefix="/api/v1", route_class=StrictRoute, tags=["access"])
bearer = HTTPBearer(auto_error=False, description="Token of an enrolled phone or of a session")


@dataclass(frozen=True)
class Caller:
    """Who sent a request. `device` is None for a session; `is_revoked` only passes where a route asks for it."""

    device: str | None
    user: str
    user_name: str
    role: Role
    team: str | None
    is_revoked: bool = False


# --- enrolment codes -------------------------------------------------------------------------------------------------


def new_code(
    connection: Connection, secret: bytes, user: str, made_by: str, now: int, valid_ms: int = CODE_VALID_MS
) -> str:
    """A one-time enrolment code for a user, such as `7KQ2M-X0D4T`: 50 random bits, no letters that look alike."""
    code = "".join(secrets.choice(CROCKFORD) for _ in range(CODE_LENGTH))
    connection.execute(
        text(
            """INSERT INTO enrolment_code (code_hash, user_id, made_by, made_at, expires_at)
               VALUES (:hash, :user, :made_by, :now, :expires)"""
        ),
        {"hash": code_hash(secret, code), "user": user, "made_by": made_by, "now": now, "expires": now + valid_ms},
    )
    return f"{code[:5]}-{code[5:]}"


def enrolment_link(public_url: str, code: str) -> str:
    """What the QR code holds: the field app, with the code."""
    return f"{public_url}/?enrol={code}"


def code_hash(secret: bytes, code: str) -> str:
    """Hash of a code as typed: case, spaces and dashes do not matter, O is 0, I and L are 1."""
    typed = re.sub(r"[\s\-–]", "", code).upper().replace("O", "0").replace("I", "1").replace("L", "1")
    return hmac.new(secret, b"enrolment:" + typed.encode(), hashlib.sha256).hexdigest()


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def revoke(connection: Connection, device: str, now: int) -> None:
    """From now on the phone is refused; what it has sent stays. Repeating changes nothing."""
    connection.execute(
        text("UPDATE device SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"), {"id": device, "now": now}
    )


@dataclass(frozen=True)
class Enrolment:
    device: str
    token: str
    user: User


def enrol(
    connection: Connection, secret: bytes, code: str, name: str, install: str | None, now: int
) -> Enrolment | Problem:
    """Make the code's user a device, or say why not.

    The same code with the same `install` gives the same device and a fresh token for as long as the code lives: the
    answer to the first request may have been lost on its way.
    """
    digest = code_hash(secret, code)
    found = rows(connection, "SELECT * FROM enrolment_code WHERE code_hash = :hash", hash=digest)
    if not found:
        return Problem(404, "code-unknown", "Mã ghi danh không đúng. Hãy xem lại từng ký tự", "No such enrolment code")
    given = found[0]
    earlier = rows(
        connection, "SELECT id FROM device WHERE id = :id AND install = :install AND revoked_at IS NULL",
        id=given["device"], install=install,
    )  # fmt: skip
    if given["used_at"] is not None and not earlier:
        return Problem(
            409, "code-used", "Mã này đã dùng rồi. Hãy xin mã mới", "This code has been used. Ask for a new one"
        )
    if now >= given["expires_at"]:
        return Problem(
            410, "code-expired", "Mã này đã hết hạn. Hãy xin mã mới", "This code has expired. Ask for a new one"
        )
    user = find_user(connection, given["user_id"])
    if user is None or not user.active:
        return Problem(403, "user-inactive", "Người dùng này đã ngừng hoạt động", "This user is no longer active")
    token = secrets.token_urlsafe(32)
    device = earlier[0]["id"] if earlier else new_uuid7(now, secrets.token_bytes(10))
    connection.execute(
        text(
            """INSERT INTO device (id, user_id, name, token_hash, install, enrolled_at)
               VALUES (:id, :user, :name, :token, :install, :now)
               ON CONFLICT (id) DO UPDATE SET token_hash = excluded.token_hash, name = excluded.name"""
        ),
        {"id": device, "user": user.id, "name": name, "token": token_hash(token), "install": install, "now": now},
    )
    connection.execute(
        text("UPDATE enrolment_code SET used_at = coalesce(used_at, :now), device = :device WHERE code_hash = :hash"),
        {"now": now, "device": device, "hash": digest},
    )
    return Enrolment(device, token, user)


# --- sessions --------------------------------------------------------------------------------------------------------


def sign_in(request: Request, user_id: str, password: str) -> User:
    """The office user with this password. Problems: 401 `wrong-sign-in`, 403 `role-denied`, 429 `too-many-attempts`."""
    state = request.app.state
    now = state.now()
    of_user, of_address = attempts.of_user(user_id), attempts.of_address(address(request), "sign-in")
    with state.db.writing() as connection:
        attempts.note(connection, [of_user, of_address], now)
        user = find_user(connection, user_id)
    is_right = state.passwords.is_right(password, user.password_hash if user and user.active else None)
    if user is None or not is_right:
        raise Problem(401, "wrong-sign-in", "Sai tên hoặc mật khẩu", "Wrong user or password", headers=_CHALLENGE)
    with state.db.writing() as connection:
        attempts.forget(connection, of_user)
        attempts.take_back(connection, of_address, now)
    if user.role not in OFFICE_ROLES:
        raise role_denied()
    return user


def open_session(connection: Connection, user: str, purpose: Literal["bearer", "cookie"], now: int) -> tuple[str, int]:
    """A token for a signed-in person and the moment it expires (ms); sessions long over are cleared away."""
    token = secrets.token_urlsafe(32)
    connection.execute(text("DELETE FROM session WHERE expires_at <= :now"), {"now": now})
    connection.execute(
        text(
            """INSERT INTO session (token_hash, user_id, purpose, started_at, last_used_at, expires_at)
               VALUES (:hash, :user, :purpose, :now, :now, :expires)"""
        ),
        {"hash": token_hash(token), "user": user, "purpose": purpose, "now": now, "expires": now + SESSION_MS},
    )
    return token, now + SESSION_MS


def close_session(connection: Connection, token: str) -> None:
    connection.execute(text("DELETE FROM session WHERE token_hash = :hash"), {"hash": token_hash(token)})


def session_caller(db: Database, token: str, purpose: Literal["bearer", "cookie"], now: int) -> Caller | None:
    """Who holds this session, None when it is unknown or over: after 12 hours, at /hq/ also after 2 without use."""
    with db.reading() as connection:
        found = rows(
            connection,
            """SELECT s.last_used_at, u.id, u.name, u.role, u.team FROM session s JOIN "user" u ON u.id = s.user_id
               WHERE s.token_hash = :hash AND s.purpose = :purpose AND s.expires_at > :now AND u.active = 1
                   AND (s.purpose = 'bearer' OR s.last_used_at > :idle)""",
            hash=token_hash(token), purpose=purpose, now=now, idle=now - SESSION_IDLE_MS,
        )  # fmt: skip
    if not found or found[0]["role"] not in OFFICE_ROLES:
        return None
    session = found[0]
    if abs(now - session["last_used_at"]) > SEEN_EVERY_MS:
        with db.writing() as connection:
            connection.execute(
                text("UPDATE session SET last_used_at = :now WHERE token_hash = :hash"),
                {"now": now, "hash": token_hash(token)},
            )
    return Caller(None, session["id"], session["name"], session["role"], session["team"])


def _device_caller(db: Database, token: str, now: int) -> Caller | None:
    with db.reading() as connection:
        found = rows(
            lean(connection),
            """SELECT d.id AS device, d.last_seen_at, d.revoked_at, u.id, u.name, u.role, u.team, u.active
               FROM device d JOIN "user" u ON u.id = d.user_id WHERE d.token_hash = :hash""",
            hash=token_hash(token),
        )
    if not found:
        return None
    phone = found[0]
    is_revoked = phone["revoked_at"] is not None or not phone["active"]
    if not is_revoked and abs(now - (phone["last_seen_at"] or 0)) > SEEN_EVERY_MS:
        with db.writing() as connection:
            connection.execute(
                text("UPDATE device SET last_seen_at = :now WHERE id = :id"), {"now": now, "id": phone["device"]}
            )
    return Caller(phone["device"], phone["id"], phone["name"], phone["role"], phone["team"], is_revoked)


# --- what routes ask for ---------------------------------------------------------------------------------------------

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def address(request: Request) -> str:
    """The network address of the caller, as the server (or the proxy it trusts) reports it."""
    return request.client.host if request.client else ""


def role_denied() -> Problem:
    return Problem(403, "role-denied", "Vai trò của bạn không được làm việc này", "Your role may not do this")


def device_revoked(**extra: Any) -> Problem:
    return Problem(
        403, "device-revoked", "Máy này đã bị thu hồi. Hãy liên hệ Sở Nội vụ; đừng xóa ứng dụng",
        "This phone has been revoked. Ask Home Affairs; do not remove the app", **extra,
    )  # fmt: skip


def caller_even_revoked(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The caller by Bearer token, a revoked phone included: only what a phone has recorded may still come in."""
    state = request.app.state
    if given is not None:
        now = state.now()
        caller = _device_caller(state.db, given.credentials, now)
        caller = caller or session_caller(state.db, given.credentials, "bearer", now)
        if caller is not None:
            return caller
    raise Problem(
        401, "token-expired", "Phiên làm việc đã hết. Hãy ghi danh hoặc đăng nhập lại",
        "The token is missing, unknown or has expired. Enrol or sign in again", headers=_CHALLENGE,
    )  # fmt: skip


def require_caller(caller: Annotated[Caller, Depends(caller_even_revoked)]) -> Caller:
    """The caller by Bearer token. Problems: 401 `token-expired`, 403 `device-revoked`."""
    if caller.is_revoked:
        raise device_revoked()
    return caller


def device_even_revoked(caller: Annotated[Caller, Depends(caller_even_revoked)]) -> Caller:
    """The calling phone, even revoked (see `is_revoked`). Problems: 401 `token-expired`, 403 `not-a-device`."""
    if caller.device is None:
        raise Problem(403, "not-a-device", "Chỉ máy đã ghi danh được gọi", "Only an enrolled phone may call this")
    return caller


def require_device(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
    """The calling phone. Problems: 401 `token-expired`, 403 `device-revoked` or `not-a-device`."""
    return device_even_revoked(caller)


def require_role(*roles: Role) -> Callable[[Caller], Caller]:
    """A dependency that lets only these roles in. Problems: those of `require_caller`, 403 `role-denied`."""

    def allowed(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
        if caller.role not in roles:
            raise role_denied()
        return caller

    return allowed


# --- the API ---------------------------------------------------------------------------------------------------------

_Line = StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")


class _Asked(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class EnrolmentAsked(_Asked):
    """`install`: 32 hex digits the phone makes once and keeps; makes a repeated request harmless."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name: Annotated[str, _Line]
    install: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


class UserGiven(BaseModel):
    id: str
    name: str
    role: Role


class TeamGiven(BaseModel):
    id: str
    name: str


class Limits(BaseModel):
    max_bytes: int = MAX_BYTES
    max_entries: int = MAX_ENTRIES
    max_photo_bytes: int = MAX_PHOTO_BYTES


class EnrolmentGiven(BaseModel):
    device_id: uuid.UUID
    token: str
    server_id: str
    user: UserGiven
    team: TeamGiven | None
    limits: Limits


class SessionAsked(_Asked):
    user: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class SessionGiven(BaseModel):
    """`expires_at`: ms since the epoch, UTC."""

    token: str
    role: Role
    expires_at: int


def given_team(connection: Connection, team: str | None) -> TeamGiven | None:
    """A team by its id; its id stands for the name while its record has none."""
    if team is None:
        return None
    name: str | None = connection.execute(text("SELECT name FROM team WHERE id = :id"), {"id": team}).scalar()
    return TeamGiven(id=team, name=name or team)


@router.post("/devices", status_code=201, responses=problem_responses(400, 403, 404, 409, 410, 413, 415, 429))
def post_device(asked: EnrolmentAsked, request: Request) -> EnrolmentGiven:
    """Enrol a phone with a one-time code."""
    state = request.app.state
    now = state.now()
    bucket = attempts.of_address(address(request), "enrolment")
    with state.db.writing() as connection:
        attempts.note(connection, [bucket], now)
        outcome = enrol(connection, state.settings.secret, asked.code, nfc(asked.name), asked.install, now)
        if not isinstance(outcome, Problem) or outcome.name != "code-unknown":
            attempts.take_back(connection, bucket, now)
        if not isinstance(outcome, Problem):
            team = given_team(connection, outcome.user.team)
    if isinstance(outcome, Problem):
        raise outcome  # after the commit, so that the wrong attempt stays counted
    user = outcome.user
    return EnrolmentGiven(
        device_id=uuid.UUID(outcome.device),
        token=outcome.token,
        server_id=state.db.server_id,
        user=UserGiven(id=user.id, name=user.name, role=user.role),
        team=team,
        limits=Limits(),
    )


@router.post("/sessions", status_code=201, responses=problem_responses(400, 401, 403, 413, 415, 429))
def post_session(asked: SessionAsked, request: Request) -> SessionGiven:
    """Sign in as Home Affairs or administrator, for scripts; the pages at /hq/ use a cookie instead."""
    state = request.app.state
    user = sign_in(request, asked.user, asked.password)
    with state.db.writing() as connection:
        token, expires_at = open_session(connection, user.id, "bearer", state.now())
    return SessionGiven(token=token, role=user.role, expires_at=expires_at)
