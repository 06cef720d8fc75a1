"""`POST /sync`: push, pull and photo probe in one round trip (design §4)."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, text
from starlette.concurrency import run_in_threadpool

from app.checklist import Template
from app.records import CENTRAL_KINDS
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.wire import MAX_BYTES, MAX_ENTRIES, Malformed, SyncRequest, read_request, to_phone
from central import relay
from central.access import Caller, require_device
from central.backup import backed_up
from central.bodies import strict_json
from central.holes import acked
from central.intake import Intake, note_received, take_batch
from central.judge import Sender
from central.problems import Problem, malformed, problem_responses

router = APIRouter(prefix="/api/v1", tags=["sync"])

PULL_MAX_BYTES = 256 * 1024
PULL_MAX_ENTRIES = 2000


class SyncAsked(BaseModel):
    """Documentation of the request; the body is read and checked by `app.sync.wire.read_request`."""

    model_config = ConfigDict(extra="allow")

    protocol: Annotated[int, Field(ge=1, le=1)]
    wire_schema: Annotated[int, Field(ge=1, alias="schema")]
    server_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    device_id: Annotated[str, Field(min_length=1, max_length=200)]
    epoch: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    first_seq: Annotated[int, Field(ge=1)]
    prev_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    head_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sent_at: Annotated[int, Field(ge=0)]
    entries: list[list[Any]] = []
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    max_bytes: Annotated[int, Field(ge=1)] = 32768
    photos: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []
    holds: list[list[Any]] = []
    relayed: list[list[Any]] = []
    relayed_effective: list[list[int]] = []


class WireLimits(BaseModel):
    max_bytes: int
    max_entries: int


class SyncGiven(BaseModel):
    """`pulled_effective` [[position, ms, counter]] tells where an entry's effective stamp differs from the authored one.

    `want` [[device, epoch, first, last]] are entries of others that central lacks and the phone may hold; `relay_refused`
    names those of them that central does not take, or has refused.
    """

    server_id: str
    now: int
    acked: int
    durable: int
    receipt: str
    effective: list[list[int]]
    rejected: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]
    entries: list[list[Any]]
    pulled_effective: list[list[int]]
    cursor: str
    more: bool
    missing: list[str]
    want: list[list[Any]]
    relay_refused: list[dict[str, Any]]
    limits: WireLimits


@router.post(
    "/sync",
    response_model=SyncGiven,
    responses=problem_responses(400, 401, 403, 409, 412, 413, 415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": SyncAsked.model_json_schema(by_alias=True)}},
        }
    },
)
async def post_sync(request: Request, caller: Annotated[Caller, Depends(require_device)]) -> JSONResponse:
    """Take a phone's new entries, give it those of its team it has not seen, and say which photos are missing."""
    raw = await request.body()
    if "json" not in request.headers.get("content-type", "application/json"):
        raise Problem(415, "unsupported-media-type", "Cần nội dung JSON", "A JSON body is needed")
    return JSONResponse(await run_in_threadpool(_answer, request, caller, raw))


def _answer(request: Request, caller: Caller, raw: bytes) -> dict[str, Any]:
    state = request.app.state
    try:
        batch = read_request(strict_json(raw))
    except Malformed as bad:
        vi, _, en = bad.why.partition(" / ")
        raise malformed(bad.field, vi, en or vi) from None
    _check_limits(batch, len(raw))
    if batch.device != caller.device:
        raise Problem(
            403, "scope-denied", "Máy chỉ được gửi mục của chính nó", "A phone pushes as itself only", field="device_id"
        )
    now = state.now()
    sender = Sender(batch.device, caller.user, caller.team or "")
    with state.db.writing() as connection:
        if batch.server_id is not None and batch.server_id != state.db.server_id:
            raise _server_changed(connection, batch, state.db.server_id)
        after = _cursor(connection, batch.cursor, sender.team)
        if after is None:
            raise _server_changed(connection, batch, state.db.server_id)
        templates = state.readings.templates(connection)
        intake = take_batch(connection, batch, sender, now, templates, after)
        refused = _take_relayed(connection, batch, sender, now, templates, state.db.central_device)
        want = relay.wanted(connection, sender.device, sender.team, batch.holds)
        page, cursor, more = _pull(connection, batch, sender, after)
        conflicts = _conflicts(connection, intake, page)
        missing = state.photos.missing(batch.photos)
        note_received(connection, set(batch.photos) - set(missing), now)
        durable = backed_up(connection, batch.device, batch.epoch)
        receipt = _receipt(connection, state.settings.secret, batch, intake.acked, now)
    return {
        "server_id": state.db.server_id,
        "now": now,
        "acked": intake.acked,
        "durable": durable,
        "receipt": receipt,
        "effective": intake.effective,
        "rejected": intake.rejected,
        "conflicts": conflicts,
        "entries": [to_phone(entry) for entry in page],
        "pulled_effective": [
            [e.position, e.effective_ms, e.effective_counter]
            for e in page
            if (e.effective_ms, e.effective_counter) != (e.ms, e.counter)
        ],
        "cursor": cursor,
        "more": more,
        "missing": missing,
        "want": [list(span) for span in want],
        "relay_refused": refused,
        "limits": {"max_bytes": MAX_BYTES, "max_entries": MAX_ENTRIES},
    }


def _check_limits(batch: SyncRequest, size: int) -> None:
    if len(batch.entries) + len(batch.relayed) > MAX_ENTRIES or size > MAX_BYTES:
        raise Problem(
            413, "too-large", "Lô gửi quá lớn. Máy sẽ tự chia nhỏ", "The batch is too large; send it in parts", "now",
            limits={"max_bytes": MAX_BYTES, "max_entries": MAX_ENTRIES},
        )  # fmt: skip


def _take_relayed(
    connection: Connection,
    batch: SyncRequest,
    sender: Sender,
    now: int,
    templates: Mapping[str, Template],
    central_device: str,
) -> list[dict[str, Any]]:
    """Take what the phone brings of others; what it must not read of that, or of what it offers."""
    handed, broken = relay.read_relayed(batch.relayed, batch.relayed_effective)
    arrival = relay.take_handed(
        connection, handed, now, templates, central_device=central_device, by=sender.device, team=sender.team
    )
    denied = relay.denied(connection, batch.holds)
    return broken + [unfit.document() for unfit in [*arrival.unfit, *denied]]


def _server_changed(connection: Connection, batch: SyncRequest, server_id: str) -> Problem:
    """The phone knows another central, or a later state of this one: it was replaced or restored. It says what it holds."""
    held = acked(connection, batch.device, batch.epoch)
    return Problem(
        412, "server-changed", "Trung tâm đã được khôi phục. Máy sẽ tự gửi lại phần còn thiếu",
        "Central was restored; send again from what it holds", "now",
        server_id=server_id, acked=held, head=_hash_at(connection, batch.device, batch.epoch, held),
    )  # fmt: skip


def _hash_at(connection: Connection, device: str, epoch: str, seq: int) -> str | None:
    found: str | None = connection.execute(
        text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
        {"d": device, "e": epoch, "s": seq},
    ).scalar()
    return found


def _pull(
    connection: Connection, batch: SyncRequest, sender: Sender, after: int
) -> tuple[list[JournalEntry], str, bool]:
    """A page of the team's entries after a position, but for those the asking phone has just shown to have.

    Gives (entries, next cursor, more).
    """
    central = ", ".join(f"'{kind}'" for kind in CENTRAL_KINDS)
    found = journal.select(
        connection,
        "position > :after AND team = :team AND team <> '' AND verdict = 'applied' "
        f"AND NOT (device = :d AND epoch = :e AND seq < :next) AND kind NOT IN ({central}) ORDER BY position LIMIT :n",
        after=after, team=sender.team, d=batch.device, e=batch.epoch, next=batch.first_seq + len(batch.entries),
        n=PULL_MAX_ENTRIES + 1,
    )  # fmt: skip
    page: list[JournalEntry] = []
    size, limit = 0, min(batch.max_bytes, PULL_MAX_BYTES)
    for entry in found[:PULL_MAX_ENTRIES]:
        size += len(json.dumps(to_phone(entry)[:-2])) + len(entry.patch.encode()) + 70
        if page and size > limit:
            break
        page.append(entry)
    more = len(page) < len(found)
    last = (page[-1].position or after) if more else _last_position(connection)
    return page, f"{_scope(sender.team)}.{last}.{_mark(connection, last)}", more


def _last_position(connection: Connection) -> int:
    return int(connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0)


def _mark(connection: Connection, position: int) -> str:
    """What tells the entry at a position from another that took its place in a restored journal; empty when there is none."""
    found = connection.execute(text("SELECT hash FROM entry WHERE position = :p"), {"p": position}).scalar()
    return str(found or "")[:12]


def _scope(team: str) -> str:
    """A change of rights changes the scope: the cursor then begins anew."""
    return hashlib.sha256(f"team:{team}".encode()).hexdigest()[:12]


_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,15})\.([0-9a-f]{12})?")


def _cursor(connection: Connection, cursor: str | None, team: str) -> int | None:
    """The position a cursor stands at; None when this journal never had what the cursor has seen: it was restored."""
    if cursor is None:
        return 0
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise malformed("cursor", "Con trỏ không đúng dạng", "The cursor is not one of ours")
    position, mark = int(parts[2]), parts[3] or ""
    if position > _last_position(connection):
        return None
    if mark and _mark(connection, position) not in (mark, ""):  # an entry that was settled has moved on and left a hole
        return None
    return position if parts[1] == _scope(team) else 0


def _conflicts(connection: Connection, intake: Intake, page: list[JournalEntry]) -> list[dict[str, Any]]:
    """Conflicts of the records this exchange touched."""
    records = list(dict.fromkeys([*intake.touched, *((e.kind, e.record) for e in page)]))
    found = []
    for kind, record in records:
        for conflict in merge.conflicts(connection, kind, record):
            found.append(
                {
                    "kind": kind,
                    "id": record,
                    "field": conflict.field,
                    "standing": _write(conflict.standing),
                    "other": _write(conflict.other),
                }
            )
    return found


def _write(write: merge.Write) -> dict[str, Any]:
    return {"device": write.order.device, "seq": write.order.seq, "value": write.value}


def _receipt(connection: Connection, secret: bytes, batch: SyncRequest, acked: int, now: int) -> str:
    """A seal of central's over (device, epoch, acked, head, now), for the phone to keep: central can tell its own later."""
    head = _hash_at(connection, batch.device, batch.epoch, acked) or ""
    facts = journal.canonical([batch.device, batch.epoch, acked, head, now])
    seal = hmac.new(secret, b"receipt:" + facts.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(facts.encode()).decode() + "." + base64.urlsafe_b64encode(seal).decode()
