"""`POST /sync`: push, pull and photo probe in one round trip (design §4)."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, text
from starlette.concurrency import run_in_threadpool

from app.checklist import Template
from app.records import CENTRAL_KINDS
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.wire import MAX_BYTES, MAX_ENTRIES, Malformed, SyncRequest, pulled, read_request
from central import quarantine, relay
from central.access import Caller, bearer, caller_even_revoked, device_even_revoked, device_revoked, given_team
from central.backup import backed_up
from central.bodies import strict_json
from central.database import opening_of
from central.intake import Intake, note_received, refused_elsewhere, take_batch
from central.judge import Sender
from central.lean import lean
from central.problems import Problem, malformed, problem_responses
from central.receipts import Facts, receipt
from central.reference import kept_tag, reference_tag

router = APIRouter(prefix="/api/v1", tags=["sync"])

PULL_MAX_BYTES = 256 * 1024
PULL_MAX_ENTRIES, ENTRY_BYTES = 2000, 280
"""An entry of usual names and a short patch weighs so many bytes: what a page holds is then read in one go."""


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
    reads: Annotated[int, Field(ge=1)] | None = None
    sent_at: Annotated[int, Field(ge=0)]
    clock_offset_ms: int = 0
    entries: list[list[Any]] = []
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    max_bytes: Annotated[int, Field(ge=1)] = 32768
    photos: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []
    holds: list[list[Any]] = []
    relayed: list[list[Any]] = []
    relayed_effective: list[list[int]] = []
    brief: bool = False


class WireLimits(BaseModel):
    max_bytes: int
    max_entries: int


class SyncGiven(BaseModel):
    """`pulled_effective` [[position, ms, counter]] tells where an entry's effective stamp differs from the authored one.

    `rejected_elsewhere` is as `rejected`, with epoch and hash, of what the phone wrote under other epochs than the batch's.
    `want` [[device, epoch, first, last]] are entries of others that central lacks and the phone may hold; `relay_refused`
    names those of them that central does not take, or has refused. `team` {id, name} comes when there was no cursor.
    `reference` is the beginning of the ETag of the reference document. To a `brief` request members may be missing.
    """

    server_id: str
    now: int
    acked: int
    durable: int
    receipt: str = ""
    effective: list[list[int]] = []
    rejected: list[dict[str, Any]] = []
    rejected_elsewhere: list[dict[str, Any]] = []
    conflicts: list[dict[str, Any]] = []
    entries: list[list[Any]] = []
    pulled_effective: list[list[int]] = []
    cursor: str = ""
    more: bool = False
    missing: list[str] = []
    want: list[list[Any]] = []
    relay_refused: list[dict[str, Any]] = []
    team: dict[str, str] | None = None
    limits: WireLimits | None = None
    reference: str = ""


class Quarantined(BaseModel):
    """What a phone whose access was withdrawn is told when it pushes: `acked` is the last seq held, in the journal or apart."""

    type: str
    title: str
    retry: str
    server_id: str
    now: int
    acked: int
    quarantined: int


@router.post(
    "/sync",
    response_model=SyncGiven,
    responses={202: {"model": Quarantined}, **problem_responses(400, 401, 403, 409, 410, 412, 413, 415, 426)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": SyncAsked.model_json_schema(by_alias=True)}},
        }
    },
)
async def post_sync(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Response:
    """Take a phone's new entries, give it those of its team it has not seen, and say which photos are missing.

    Of a phone whose access was withdrawn only entries are taken, and kept apart (202); anything else is 403 `device-revoked`,
    whose `acked` tells the phone that has nothing more to hand over up to where central holds it.
    """
    answered = await run_in_turn(_response, request, given, await request.body())
    if isinstance(answered, Response):
        return answered
    tag = await run_in_threadpool(
        reference_tag, request, answered.team
    )  # it may take a second: nobody else waits for it
    return answered.response(tag)


_thread = ThreadPoolExecutor(1, "sync")


async def run_in_turn(function: Callable[..., Any], *args: Any) -> Any:
    """Run it in a thread, one call after the other in the order in which they came: only one can write at a time, and several that
    reckon would take the interpreter from each other."""
    return await asyncio.get_running_loop().run_in_executor(_thread, function, *args)


class _Answered(NamedTuple):
    """What a phone is told, but for the tag of its team's reference document."""

    batch: SyncRequest
    team: str
    answer: dict[str, Any]
    is_too_old: bool

    def response(self, tag: str) -> Response:
        """Raises Problem 426 `app-too-old`: what was pushed is kept, and acknowledged in the problem."""
        answer = self.answer | {"reference": tag}
        if self.is_too_old:
            raise Problem(
                426, "app-too-old",
                "Ứng dụng trên máy này đã cũ. Trung tâm vẫn nhận những gì máy ghi; để xem phần người khác ghi, hãy cập nhật ứng dụng",
                "This app is too old. Central still takes what it records; to see what others record, update it",
                **answer | {"more": False, "cursor": ""},
            )  # fmt: skip
        written = _written(_brief(answer, self.batch) if self.batch.brief else answer)
        return Response(written, media_type="application/json")


def _response(request: Request, given: HTTPAuthorizationCredentials | None, raw: bytes) -> Response | _Answered:
    caller = device_even_revoked(caller_even_revoked(request, given))
    if caller.is_revoked:
        return JSONResponse(_kept_apart(request, caller, raw), 202)
    if "json" not in request.headers.get("content-type", "application/json"):
        raise Problem(415, "unsupported-media-type", "Cần nội dung JSON", "A JSON body is needed")
    answered, tag = _answer(request, caller, raw)
    return answered.response(tag) if tag else answered


def _answer(request: Request, caller: Caller, raw: bytes) -> tuple[_Answered, str]:
    """What a phone is told, and the tag of the reference document; empty while that is to be made anew."""
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
    with state.db.writing() as writing:
        connection = lean(writing)
        if batch.server_id is not None and batch.server_id != state.db.server_id:
            raise _server_changed(connection, batch, state.db.server_id)
        after = _cursor(connection, batch.cursor, caller.team)
        if after is None:
            raise _server_changed(connection, batch, state.db.server_id)
        templates = state.readings.templates(connection)
        intake = take_batch(connection, batch, sender, now, templates, after)
        refused = _take_relayed(connection, batch, sender, now, templates, state.db.central_device)
        elsewhere = refused_elsewhere(connection, batch, after)
        want = relay.wanted(connection, sender.device, sender.team, batch.holds)
        page, texts, cursor, more = _pull(connection, batch, sender, after)
        is_too_old = more and not page
        conflicts = _conflicts(connection, intake, page, caller)
        missing = state.photos.missing(batch.photos)
        note_received(connection, set(batch.photos) - set(missing), now)
        durable = backed_up(connection, batch.device, batch.epoch)
        head = _hash_at(connection, batch.device, batch.epoch, intake.acked) or ""
        team = {"team": _team(connection, caller.team)} if batch.cursor is None else {}
        tag = kept_tag(request, connection, caller.team or "")
    answer: dict[str, Any] = {
        **team,
        "server_id": state.db.server_id,
        "now": now,
        "acked": intake.acked,
        "durable": durable,
        "receipt": receipt(state.settings.secret, Facts(batch.device, batch.epoch, intake.acked, head, now)),
        "effective": intake.effective,
        "rejected": intake.rejected,
        "rejected_elsewhere": elsewhere,
        "conflicts": conflicts,
        "entries": texts,
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
    return _Answered(batch, caller.team or "", answer, is_too_old), tag


def _written(answer: dict[str, Any]) -> bytes:
    """An answer as JSON; its `entries` are written already."""
    entries = answer.pop("entries", None)
    written = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if entries is not None:
        written = f'{written[:-1]},"entries":[{",".join(entries)}]}}'
    return written.encode()


def _brief(answer: dict[str, Any], batch: SyncRequest) -> dict[str, Any]:
    """The answer without what is empty or as the phone knows it: on a bad line an empty sync shall be one small packet."""
    known = {"limits": answer["limits"], "cursor": batch.cursor}
    if not batch.entries:
        known["receipt"] = answer["receipt"]
    stays = {"acked", "durable", *(["missing"] if batch.photos else [])}
    return {
        name: value for name, value in answer.items() if name in stays or (value and (name, value) not in known.items())
    }


def _kept_apart(request: Request, caller: Caller, raw: bytes) -> dict[str, Any]:
    state = request.app.state
    try:
        batch = read_request(strict_json(raw))
    except (Malformed, Problem):
        raise device_revoked() from None
    if batch.device != caller.device:
        raise device_revoked()
    _check_limits(batch, len(raw))
    with state.db.writing() as connection:
        if batch.server_id is not None and batch.server_id != state.db.server_id:
            raise _server_changed(connection, batch, state.db.server_id)
        if not batch.entries:  # what it had handed over may be gone since, with a central that was restored
            raise device_revoked(acked=quarantine.last_held(connection, batch.device, batch.epoch))
        return quarantine.take_push(connection, batch, state.db.server_id, state.now())


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
    held = quarantine.last_held(connection, batch.device, batch.epoch)
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
) -> tuple[list[JournalEntry], list[str], str, bool]:
    """A page of the team's entries after a position, but for those the asking phone has just shown to have.

    Gives (entries, the JSON of each, next cursor, more); nothing, and more, when the next entry is of a schema the phone cannot read.
    """
    limit = min(batch.max_bytes, PULL_MAX_BYTES)
    page: list[JournalEntry] = []
    texts: list[str] = []
    size, more = 0, False
    for entry in _of_team(connection, batch, sender, after, limit // ENTRY_BYTES + 1):
        written = pulled(entry)
        size += len(written.encode()) + 1
        if entry.schema_version > batch.reads or (page and size > limit) or len(page) == PULL_MAX_ENTRIES:
            more = True
            break
        page.append(entry)
        texts.append(written)
    last = after if not page else page[-1].position or after
    if not more:
        last = _last_position(connection)
    parts = _scope(sender.team), str(last), _mark(connection, last), opening_of(connection, last)
    return page, texts, ".".join(parts), more


_OF_TEAM = (
    "team = :team AND team <> '' AND position > :after AND verdict = 'applied' "
    "AND NOT (device = :d AND epoch = :e AND seq >= :shown AND seq < :next) "
    f"AND kind NOT IN ({', '.join(map(repr, CENTRAL_KINDS))}) ORDER BY position LIMIT :n"
)


def _of_team(
    connection: Connection, batch: SyncRequest, sender: Sender, after: int, at_once: int
) -> Iterator[JournalEntry]:
    """The team's entries after a position that the asking phone has not just shown to have, read so many at once."""
    shown = {
        "team": sender.team, "d": batch.device, "e": batch.epoch, "shown": batch.first_seq if batch.own else 0,
        "next": batch.first_seq + len(batch.entries), "n": at_once,
    }  # fmt: skip
    while True:
        found = journal.select(connection, _OF_TEAM, after=after, **shown)
        yield from found
        if len(found) < at_once:
            return
        after = found[-1].position or after


def _last_position(connection: Connection) -> int:
    return int(connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0)


def _mark(connection: Connection, position: int) -> str:
    """What tells the entry at a position from another that took its place in a restored journal; empty when there is none."""
    found = connection.execute(text("SELECT hash FROM entry WHERE position = :p"), {"p": position}).scalar()
    return str(found or "")[:12]


def _scope(team: str) -> str:
    """A change of rights changes the scope: the cursor then begins anew."""
    return hashlib.sha256(f"team:{team}".encode()).hexdigest()[:12]


_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,15})\.([0-9a-f]{12})?(?:\.([0-9a-f]{12})?)?")


def _cursor(connection: Connection, cursor: str | None, team: str | None) -> int | None:
    """The position a cursor stands at; None when this journal never had what the cursor has seen: it was restored.

    Problem 410 `cursor-expired`, with the caller's present team, when it was given to a member of another team.
    """
    if cursor is None:
        return 0
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise malformed("cursor", "Con trỏ không đúng dạng", "The cursor is not one of ours")
    if parts[1] != _scope(team or ""):
        raise Problem(
            410, "cursor-expired", "Người dùng máy này đã chuyển đoàn. Máy sẽ tự lấy lại từ đầu",
            "This phone's user has changed teams; pull anew", "now", team=_team(connection, team),
        )  # fmt: skip
    position, mark, opening = int(parts[2]), parts[3] or "", parts[4] or ""
    if position > _last_position(connection) or opening != opening_of(connection, position):
        return None  # the same entry may stand there again, but not after the same ones
    if mark and _mark(connection, position) not in (mark, ""):  # an entry that was settled has moved on and left a hole
        return None
    return position


def _team(connection: Connection, team: str | None) -> dict[str, str]:
    given = given_team(connection, team)
    return {"id": given.id, "name": given.name} if given else {"id": "", "name": ""}


def _conflicts(
    connection: Connection, intake: Intake, page: list[JournalEntry], caller: Caller
) -> list[dict[str, Any]]:
    """Conflicts of the records this exchange touched; of the whole visit when that is a signature, which settles some."""
    records = [*intake.touched, *((e.kind, e.record) for e in page)]
    for signature in dict.fromkeys(record for kind, record in records if kind == "signature"):
        visit = merge.load(connection, "signature", signature).fields.get("visit")
        records += merge.records_of(connection, visit) if isinstance(visit, str) else []
    records = list(dict.fromkeys(records))
    found = []
    for kind, record in _of_several(connection, records):
        for conflict in merge.conflicts(connection, kind, record):
            found.append(
                {
                    "kind": kind,
                    "id": record,
                    "field": conflict.field,
                    "standing": _write(connection, conflict.standing, caller),
                    "other": _write(connection, conflict.other, caller),
                }
            )
    return found


def _of_several(connection: Connection, records: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the records (kind, id) that more than one phone has written to."""
    several = {(kind, record) for kind, record in connection.execute(_SEVERAL, {"keys": json.dumps(records)})}
    return [key for key in records if key in several]


_SEVERAL = text(  # the first and the last device by the index: a record may have thousands of entries
    "WITH asked AS (SELECT value ->> 0 AS kind, value ->> 1 AS record FROM json_each(:keys)) "
    "SELECT kind, record FROM asked WHERE "
    "(SELECT device FROM entry e WHERE e.record = asked.record AND e.kind = asked.kind ORDER BY device LIMIT 1) <> "
    "(SELECT device FROM entry e WHERE e.record = asked.record AND e.kind = asked.kind ORDER BY device DESC LIMIT 1)"
)


def _write(connection: Connection, write: merge.Write, caller: Caller) -> dict[str, Any]:
    """One side of a conflict: the value, who wrote it, when (ms UTC) and on which phone, as the asking phone would call it."""
    device = write.order.device
    names = connection.execute(
        text('SELECT (SELECT name FROM device WHERE id = :d), (SELECT name FROM "user" WHERE id = :u)'),
        {"d": device, "u": write.author},
    ).one()
    phone = names[0] or device
    if device == caller.device:
        phone = "máy này / this phone"
    elif write.author == caller.user:
        phone = "máy khác của bạn / your other phone"
    return {
        "device": device, "seq": write.order.seq, "value": write.value, "author": write.author,
        "author_name": names[1] or write.author, "at": write.ms, "phone": phone,
    }  # fmt: skip
