"""What central does with a batch of entries: check the chain, keep all, read what may be read.

A structural fault refuses the batch. A business fault never does: the entry stays in the chain with the verdict that
`central.judge` gives it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import Template
from app.records import VISIT_KINDS
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.stamp import Stamp, effective
from app.sync.wire import MAX_ENTRIES, SyncRequest, chained
from central.database import note_ends
from central.holes import acked as acked_of
from central.holes import close_holes
from central.judge import Judge, Sender
from central.problems import Problem


@dataclass(frozen=True)
class Intake:
    """What a batch came to; `acked` is the last seq held of this epoch."""

    acked: int
    effective: list[list[int]]
    rejected: list[dict[str, Any]]
    touched: list[tuple[str, str]]
    """(kind, id) of the records that were written to, now or when the batch came first."""


def next_position(connection: Connection) -> int:
    """The next journal position; the caller is in central's one writing transaction, so no reader can skip one."""
    return int(connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0) + 1


def take_batch(
    connection: Connection,
    request: SyncRequest,
    sender: Sender,
    now: int,
    templates: Mapping[str, Template],
    told: int = 0,
) -> Intake:
    """Keep a batch, inside the caller's writing transaction.

    `told` is the position up to which the phone has heard of everything: what was refused after it is named again.
    Problems: 409 `journal-fork` when entries differ from those acknowledged or do not follow them, 409 `seq-gap` with
    `expected`, 400 `malformed` when the hashes do not match the entries.
    """
    hashes = chain_of(request)
    held = {
        seq: digest
        for seq, digest in connection.execute(
            text("SELECT seq, hash FROM entry WHERE device = :d AND epoch = :e AND seq >= :from"),
            {"d": request.device, "e": request.epoch, "from": request.first_seq - 1},
        )
    }
    acked = acked_of(connection, request.device, request.epoch)
    check_follows(request, held, acked)
    fresh: list[JournalEntry] = []
    position = next_position(connection)
    for offset, (wire, digest) in enumerate(zip(request.entries, hashes, strict=True)):
        seq = request.first_seq + offset
        if seq in held:
            if held[seq] != digest:
                raise fork(acked, seq)
            continue
        stamp = effective(Stamp(wire.ms, wire.counter), now)
        fresh.append(
            JournalEntry(
                request.device,
                request.epoch,
                seq,
                position,
                wire.ms,
                wire.counter,
                *stamp,
                wire.tx,
                wire.seen,
                request.schema,
                wire.author,
                wire.kind,
                wire.record,
                wire.patch,
                digest,
                wire.visit,
                sender.team,
                now,
            )
        )
        position += 1
    if fresh and fresh[-1].seq + 1 in held:
        _check_what_follows(connection, fresh[-1], acked)
    judge = Judge(connection, templates)
    kept, settled = keep(connection, judge, [(entry, sender) for entry in fresh])
    if kept:
        connection.execute(_WRITE_BATCH, {
            "d": request.device, "e": request.epoch, "first": kept[0].seq, "last": kept[-1].seq,
            "sent": request.sent_at, "offset": request.clock_offset_ms, "now": now,
        })  # fmt: skip
    touched = list({(entry.kind, entry.record): None for entry in request.entries})
    touched += settled
    refused = journal.select(  # the plus has SQLite take the index of refused entries instead of walking the whole journal
        connection,
        "device = :d AND +epoch = :e AND verdict = 'rejected' AND (seq >= :from OR position > :told) ORDER BY seq LIMIT :n",
        d=request.device, e=request.epoch, told=told, n=MAX_ENTRIES, **{"from": request.first_seq},
    )  # fmt: skip
    return Intake(
        acked_of(connection, request.device, request.epoch) if kept else acked,
        _capped(connection, request, told),
        [{"seq": entry.seq, **json.loads(entry.problem or "{}")} for entry in refused],
        touched,
    )


def refused_elsewhere(connection: Connection, request: SyncRequest, told: int) -> list[dict[str, Any]]:
    """What was refused after `told` of what the same phone wrote under its other epochs: no batch of theirs may ever come again."""
    refused = journal.select(
        connection,
        "device = :d AND epoch <> :e AND verdict = 'rejected' AND position > :told ORDER BY position LIMIT :n",
        d=request.device, e=request.epoch, told=told, n=MAX_ENTRIES,
    )  # fmt: skip
    return [
        {"epoch": entry.epoch, "seq": entry.seq, "hash": entry.hash, **json.loads(entry.problem or "{}")}
        for entry in refused
    ]


_WRITE_BATCH = text(
    "INSERT INTO batch (device, epoch, first, last, sent_at, offset_ms, received_at) "
    "VALUES (:d, :e, :first, :last, :sent, :offset, :now)"
)


def chain_of(request: SyncRequest) -> list[str]:
    """The hashes of a batch's entries. Problem 400 `malformed` when they do not lead to its `head_hash`."""
    hashes = chained(request)
    if (hashes[-1] if hashes else request.prev_hash) != request.head_hash:
        raise Problem(
            400, "malformed", "Mã băm cuối không khớp với các mục", "head_hash does not follow from the entries",
            field="head_hash",
        )  # fmt: skip
    return hashes


def keep(
    connection: Connection, judge: Judge, entries: Sequence[tuple[JournalEntry, Sender]]
) -> tuple[list[JournalEntry], list[tuple[str, str]]]:
    """Put entries that are as they were written, each with its position, into the journal: the last step of every road.

    Returns them with their verdicts, and (kind, id) of the records of others that waited for them.
    """
    judge.look_up(entry for entry, _ in entries)
    kept = [judge.judged(entry, sender) for entry, sender in entries]
    journal.insert(connection, kept)
    merge.apply(connection, kept, judge.records)
    _write_receipts(connection, kept)
    note_ends(connection, kept)
    close_holes(connection, kept)
    return kept, _settle_pending(connection, judge, kept)


def _check_what_follows(connection: Connection, last: JournalEntry, acked: int) -> None:
    """What another phone brought of this journal must follow from what its own phone brings now."""
    [after] = journal.select(
        connection, "device = :d AND epoch = :e AND seq = :s", d=last.device, e=last.epoch, s=last.seq + 1
    )
    if journal.hash_after(last.hash, after) != after.hash:
        raise fork(acked, last.seq)


RECEIPT = (
    "device", "epoch", "seq", "hash", "position", "effective_ms", "effective_counter", "received_at", "visit", "team",
    "verdict", "problem",
)  # fmt: skip
"""Columns of a receipt, as those of the entry it is for."""
_WRITE_RECEIPT = (
    f"INSERT INTO receipt ({', '.join(RECEIPT)}) VALUES ({', '.join('?' for _ in RECEIPT)}) "
    f"ON CONFLICT (device, epoch, seq) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in RECEIPT[3:])}"
)

_of_receipt = attrgetter(*RECEIPT)


def _write_receipts(connection: Connection, entries: Sequence[JournalEntry]) -> None:
    """Note what central said of entries; hashes vouch for what the phone wrote, this for central's own part."""
    if entries:
        connection.exec_driver_sql(_WRITE_RECEIPT, [_of_receipt(entry) for entry in entries])


def note_received(connection: Connection, names: Iterable[str], now: int) -> None:
    """Note that central holds these files whole, before a phone is told so; harmless to repeat."""
    noted = [{"sha256": name, "now": now} for name in names]
    if noted:
        connection.execute(
            text("INSERT INTO received_file VALUES (:sha256, :now) ON CONFLICT (sha256) DO NOTHING"), noted
        )


def check_follows(request: SyncRequest, held: Mapping[int, str], acked: int) -> None:
    """Whether a batch begins where what is held ends, or before. `held` is seq → hash from the one before the batch on.

    Problems: 409 `seq-gap` with `expected`, 409 `journal-fork`.
    """
    if request.first_seq > acked + 1:
        raise Problem(
            409, "seq-gap", "Thiếu các mục ở giữa. Máy sẽ tự gửi lại từ chỗ đó", "Entries are missing in between",
            "now", expected=acked + 1,
        )  # fmt: skip
    before = held.get(request.first_seq - 1) if request.first_seq > 1 else journal.genesis(request.epoch)
    if before != request.prev_hash:
        raise fork(acked, request.first_seq - 1)


def fork(acked: int, at: int) -> Problem:
    """`at` is the entry of the phone's that differs; when it lies before the batch, what was acknowledged is not all its own."""
    return Problem(
        409, "journal-fork", "Nhật ký trên máy khác với phần trung tâm đã nhận. Máy sẽ tự mở nhánh mới",
        "The phone's journal differs from what central holds; open a new epoch", "now", acked=acked, at=at,
    )  # fmt: skip


def _capped(connection: Connection, request: SyncRequest, told: int) -> list[list[int]]:
    """[seq, ms, counter] where the effective stamp is not the authored one: of this batch, the same when repeated, and of what
    central has by another road after `told`."""
    rows = connection.execute(
        text(
            "SELECT seq, effective_ms, effective_counter FROM entry WHERE device = :d AND epoch = :e "
            "AND (seq >= :from OR position > :told) AND (effective_ms <> ms OR effective_counter <> counter) "
            "ORDER BY seq >= :from DESC, seq LIMIT :n"
        ),
        {"d": request.device, "e": request.epoch, "from": request.first_seq, "told": told, "n": 4 * MAX_ENTRIES},
    )
    return [list(row) for row in rows]


_ANY_PENDING = text("SELECT 1 FROM entry WHERE verdict = 'pending' LIMIT 1")


def _settle_pending(connection: Connection, judge: Judge, arrived: Sequence[JournalEntry]) -> list[tuple[str, str]]:
    """Judge anew what waited for what has arrived: its visit, or the record it changes. Returns the records that changed."""
    touched: list[tuple[str, str]] = []
    if connection.execute(_ANY_PENDING).one_or_none() is None:
        return touched
    records = {(e.kind, e.record): None for e in arrived if e.verdict == "applied" and e.kind in VISIT_KINDS}
    for visit in {e.visit: None for e in arrived if e.kind == "visit"}:
        waiting = journal.select(connection, "verdict = 'pending' AND visit = :v ORDER BY position", v=visit)
        touched += [_judge_anew(connection, judge, entry) for entry in waiting]
        records |= {(e.kind, e.record): None for e in waiting}
    for kind, record in records:
        waiting = journal.select(
            connection, "record = :r AND kind = :k AND verdict = 'pending' AND visit = '' ORDER BY position",
            r=record, k=kind,
        )  # fmt: skip
        touched += [_judge_anew(connection, judge, entry) for entry in waiting]
    return touched


def _judge_anew(connection: Connection, judge: Judge, entry: JournalEntry) -> tuple[str, str]:
    judged = judge.verdict(entry._replace(verdict="applied"), Sender(entry.device, entry.author, entry.team))
    if judged.verdict != "pending":
        _restate(connection, judged)
        merge.recompute(connection, judged.kind, judged.record)
        judge.forget(judged.kind, judged.record)
    return judged.kind, judged.record


def _restate(connection: Connection, entry: JournalEntry) -> None:
    """Write down an entry's new verdict and give it a new position, so that those who have read past it get it too."""
    position = next_position(connection)
    connection.execute(
        text(
            "UPDATE entry SET verdict = :verdict, problem = :problem, visit = :visit, position = :position "
            "WHERE device = :d AND epoch = :e AND seq = :s"
        ),
        {
            "verdict": entry.verdict, "problem": entry.problem, "visit": entry.visit, "position": position,
            "d": entry.device, "e": entry.epoch, "s": entry.seq,
        },
    )  # fmt: skip
    _write_receipts(connection, [entry._replace(position=position)])


def write_as_central(
    connection: Connection, device: str, author: str, changes: Sequence[journal.Change], now: int
) -> list[JournalEntry]:
    """Entries that central itself writes (units, rounds, templates …): chained and read like any others.

    What belongs to a visit goes to the phones of its team.
    """
    row = connection.execute(
        text("SELECT epoch FROM entry WHERE device = :d ORDER BY position DESC LIMIT 1"), {"d": device}
    ).one_or_none()
    epoch = row.epoch if row else journal.sha256(f"central:{device}")[:32]
    writer = journal.resume(connection, device, epoch)
    position = next_position(connection)
    written: list[JournalEntry] = []
    entries, _ = journal.append(connection, writer, changes, author, position - 1, now)
    teams = {
        visit: merge.load(connection, "visit", visit).fields.get("team") or "" for visit in {e.visit for e in entries}
    }
    for offset, entry in enumerate(entries):
        team = str(teams[entry.visit]) if entry.visit else ""
        written.append(entry._replace(position=position + offset, received_at=now, team=team))
    connection.execute(
        text(
            "UPDATE entry SET position = :position, received_at = :now, team = :t "
            "WHERE device = :d AND epoch = :e AND seq = :s"
        ),
        [{"position": e.position, "now": now, "t": e.team, "d": e.device, "e": e.epoch, "s": e.seq} for e in written],
    )
    _write_receipts(connection, written)
    note_ends(connection, written)
    merge.apply(connection, written)
    return written
