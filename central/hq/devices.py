"""Enrolled phones: who has which, when it was last heard of, a code for a new one, the end of a lost one."""

from typing import Any

import segno
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from central import access, relay
from central.bundles import NotTaken, mapped, take_in
from central.database import rows
from central.hq.door import AtDesk, Desk, SentForm, go_to, page, text_of
from central.people import FIELD_ROLES, User, all_users, find_user
from central.problems import Problem

router = APIRouter()


def team_names(connection: Connection) -> dict[str, str]:
    """Team id → name."""
    return {row["id"]: row["name"] or row["id"] for row in rows(connection, "SELECT id, name FROM team")}


def may_equip(desk: Desk, role: str) -> bool:
    """Home Affairs looks after the teams' phones; a phone of the office, with its rights, only an administrator."""
    return desk.is_administrator or role in FIELD_ROLES


def _devices_page(request: Request, desk: Desk, status: int = 200, **answer: Any) -> Response:
    """The page; `answer` is what a form came to: a new code, or what a file brought."""
    with request.app.state.db.reading() as connection:
        devices = rows(
            connection,
            """SELECT d.id, d.user_id, d.name, d.enrolled_at, d.last_seen_at, d.revoked_at, u.name AS user_name, u.role,
                   u.team, u.active FROM device d JOIN "user" u ON u.id = d.user_id
               ORDER BY d.revoked_at IS NOT NULL, u.name, d.enrolled_at""",
        )
        users = [user for user in all_users(connection) if user.active and may_equip(desk, user.role)]
        teams = team_names(connection)
        apart = rows(
            connection,
            """SELECT q.device, count(*) AS entries, min(q.ms) AS first, max(q.ms) AS last, max(q.received_at) AS received,
                   d.name, u.name AS user_name, u.role
               FROM quarantine q LEFT JOIN device d ON d.id = q.device LEFT JOIN "user" u ON u.id = d.user_id
               GROUP BY q.device ORDER BY received""",
        )
    revocable = {device["id"] for device in devices if may_equip(desk, device["role"])}
    front = f"{request.app.state.settings.public_url}/"
    facts = {"code": "", "qr": "", "code_user": None, "expires_at": 0, "front": front, "arrived": None, "not_taken": ""}
    return page(
        request,
        "devices.html",
        desk,
        status,
        devices=devices,
        users=users,
        teams=teams,
        revocable=revocable,
        apart=apart,
        **{**facts, **answer},
    )


@router.get("/devices")
def get_devices(request: Request, desk: AtDesk) -> Response:
    return _devices_page(request, desk)


@router.post("/devices/codes")
def post_code(request: Request, desk: AtDesk, form: SentForm) -> Response:
    """A one-time code, shown on this one answer and kept nowhere."""
    state = request.app.state
    now = state.now()
    with state.db.writing() as connection:
        user: User | None = find_user(connection, text_of(form, "user"))
        if user is None or not user.active:
            raise Problem(404, "not-found", "Không có người dùng này", "There is no such user")
        if not may_equip(desk, user.role):
            raise access.role_denied()
        code = access.new_code(connection, state.settings.secret, user.id, desk.caller.user, now)
    link = access.enrolment_link(state.settings.public_url, code)
    qr = segno.make(link, error="m").svg_inline(scale=4, border=4, omitsize=True)
    return _devices_page(request, desk, code=code, qr=qr, code_user=user, expires_at=now + access.CODE_VALID_MS)


@router.post("/devices/bundle")
async def post_bundle(request: Request, desk: AtDesk, form: SentForm) -> Response:
    """Take in the file of a phone that cannot reach the network; harmless to repeat."""
    return await run_in_threadpool(_take_bundle, request, desk, form.get("file"))


def _take_bundle(request: Request, desk: Desk, file: object) -> Response:
    state = request.app.state
    data = mapped(file.file) if isinstance(file, UploadFile) else b""
    try:
        arrived = take_in(state.db, state.photos, state.readings, data, state.now(), desk.caller.user)
    except NotTaken as reason:
        return _devices_page(request, desk, 422, not_taken=str(reason))
    return _devices_page(request, desk, arrived=arrived)


def _check_device(connection: Connection, desk: Desk, device: str) -> None:
    """Whether this officer may decide over a phone. Problems: 404 `not-found`, 403 `role-denied`."""
    found = rows(
        connection, 'SELECT u.role FROM device d JOIN "user" u ON u.id = d.user_id WHERE d.id = :id', id=device
    )
    if not found:
        raise Problem(404, "not-found", "Không có máy này", "There is no such phone")
    if not may_equip(desk, found[0]["role"]):
        raise access.role_denied()


@router.post("/devices/{device}/revoke")
def post_revoke(request: Request, device: str, desk: AtDesk, _form: SentForm) -> Response:
    state = request.app.state
    with state.db.writing() as connection:
        _check_device(connection, desk, device)
        access.revoke(connection, device, state.now())
    return go_to("/hq/devices")


@router.post("/devices/{device}/accept")
def post_accept(request: Request, device: str, desk: AtDesk, _form: SentForm) -> Response:
    """Take what a withdrawn phone has recorded into the journal."""
    state = request.app.state
    with state.db.writing() as connection:
        _check_device(connection, desk, device)
        templates = state.readings.templates(connection)
        relay.accept(connection, device, desk.caller.user, state.now(), templates, state.db.central_device)
    return go_to("/hq/devices")
