"""What a phone whose access was withdrawn has recorded: kept apart, whole and in order, until somebody of the office accepts it.

A withdrawn phone sees nothing any more, but what its inspector wrote before is evidence and must not die with it. Here it is
only kept; accepted entries go the way of all others (`central.relay.accept`), left ones stay.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

from app.sync import journal
from app.sync.journal import JournalEntry
from app.sync.stamp import Stamp, effective
from app.sync.wire import SyncRequest
from central import holes
from central.database import rows
from central.intake import chain_of, check_follows, fork
from central.problems import Problem, problem_type

MOST = 20_000
"""Entries kept of one phone: what a stolen one can fill central with."""

_COLUMNS = (
    "device", "epoch", "seq", "ms", "counter", "tx", "seen", "schema_version", "author", "kind", "record", "patch", "hash",
    "received_at",
)  # fmt: skip


def take_push(connection: Connection, request: SyncRequest, server_id: str, now: int) -> dict[str, Any]:
    """Keep a batch of a withdrawn phone; the body of the 202. Problems: those of `intake.take_batch`, 403 `quarantine-full`."""
    hashes = chain_of(request)
    held = _held(connection, request)
    acked = last_held(connection, request.device, request.epoch)
    check_follows(request, held, acked)
    fresh = []
    for seq, (wire, digest) in enumerate(zip(request.entries, hashes, strict=True), request.first_seq):
        if seq in held:
            if held[seq] != digest:
                raise fork(acked, seq)
            continue
        fresh.append(
            JournalEntry(
                request.device, request.epoch, seq, None, wire.ms, wire.counter, wire.ms, wire.counter, wire.tx, wire.seen,
                request.schema, wire.author, wire.kind, wire.record, wire.patch, digest, received_at=now,
            )
        )  # fmt: skip
    if count(connection, request.device) + len(fresh) > MOST:
        raise Problem(
            403, "quarantine-full", "Trung tâm không giữ thêm được của máy này", "Central keeps no more of it"
        )
    put(connection, fresh)
    return {
        "type": problem_type("quarantined"),
        "title": "Máy đã bị thu hồi; những gì đã ghi được giữ riêng chờ Sở Nội vụ xem / "
        "This phone was withdrawn; what it recorded is kept apart until Home Affairs has looked at it",
        "retry": "never",
        "server_id": server_id,
        "now": now,
        "acked": last_held(connection, request.device, request.epoch),
        "quarantined": count(connection, request.device),
    }


def put(connection: Connection, entries: Iterable[JournalEntry]) -> None:
    """Keep entries that are as they were written, with the time they were received; harmless to repeat."""
    kept = [{name: getattr(entry, name) for name in _COLUMNS} for entry in entries]
    if kept:
        connection.execute(
            text(
                f"INSERT INTO quarantine ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) "
                "ON CONFLICT (device, epoch, seq) DO NOTHING"
            ),
            kept,
        )


def of_device(connection: Connection, device: str) -> list[JournalEntry]:
    """What is kept of a phone, in order, each entry with the stamp it would have had when it came."""
    found = []
    for row in rows(connection, "SELECT * FROM quarantine WHERE device = :d ORDER BY epoch, seq", d=device):
        stamp = effective(Stamp(row["ms"], row["counter"]), row["received_at"])
        found.append(
            JournalEntry(
                **row, position=None, effective_ms=stamp.ms, effective_counter=stamp.counter,
                visit=journal.named_visit(row["kind"], row["record"], journal.read_patch(row["patch"])),
            )
        )  # fmt: skip
    return found


def release(connection: Connection) -> None:
    """Entries that are in the journal by now need not be kept apart."""
    connection.execute(
        text(
            "DELETE FROM quarantine WHERE EXISTS (SELECT 1 FROM entry e WHERE e.device = quarantine.device "
            "AND e.epoch = quarantine.epoch AND e.seq = quarantine.seq AND e.hash = quarantine.hash)"
        )
    )


def count(connection: Connection, device: str) -> int:
    return int(
        connection.execute(text("SELECT count(*) FROM quarantine WHERE device = :d"), {"d": device}).scalar() or 0
    )


def last_held(connection: Connection, device: str, epoch: str) -> int:
    """The last seq of a journal that central has, in the journal or apart, with all before it."""
    last = connection.execute(
        text("SELECT max(seq) FROM quarantine WHERE device = :d AND epoch = :e"), {"d": device, "e": epoch}
    ).scalar()
    return max(holes.acked(connection, device, epoch), int(last or 0))


def _held(connection: Connection, request: SyncRequest) -> dict[int, str]:
    found = connection.execute(
        text(
            "SELECT seq, hash FROM entry WHERE device = :d AND epoch = :e AND seq >= :from "
            "UNION SELECT seq, hash FROM quarantine WHERE device = :d AND epoch = :e AND seq >= :from"
        ),
        {"d": request.device, "e": request.epoch, "from": request.first_seq - 1},
    )
    return {seq: digest for seq, digest in found}
