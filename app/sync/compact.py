"""Old entries of the phone's own journal, folded together once a verified backup of central's holds them.

Dropped is only a beginning of the journal: up to the first entry that is younger than 30 days, of a visit still open, refused
(and not dismissed), or not yet held durably. What the dropped entries said of each record is kept in table `compacted`, stamps included, so that
records are read and merged as before; a checkpoint (seq, head) lets the chain be verified from there. Late entries on a
signed visit said nothing that is read; only that they were late is kept, and central goes on showing them. What a copy of
this phone has written again under another number stays, or is fetched again: by it that is known to be nothing new.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.schema import read_meta, write_meta
from app.sync import journal, merge
from app.sync.freeze import Freezes
from app.sync.journal import JournalEntry

OLD_MS = 30 * 24 * 3600 * 1000
EVERY_MS = 24 * 3600 * 1000
AT_ONCE = 5000
"""Entries dropped in one go: about a second on a slow phone; the rest waits for tomorrow."""


class Checkpoint(NamedTuple):
    """Entries up to `seq` were dropped; `head` is the hash of that one."""

    seq: int
    head: str


def checkpoint(connection: Connection, epoch: str) -> Checkpoint:
    """Where this epoch begins here; (0, genesis) while nothing of it was dropped."""
    kept = read_meta(connection, f"checkpoint:{epoch}")
    return Checkpoint(*json.loads(kept)) if kept else Checkpoint(0, journal.genesis(epoch))


def is_due(connection: Connection, now_ms: int) -> bool:
    """Whether it was last done a day ago, or on a day yet to come (the clock was wrong then)."""
    return abs(now_ms - int(read_meta(connection, "compacted_at") or 0)) >= EVERY_MS


def compact(connection: Connection, device: str, epoch: str, now_ms: int) -> int:
    """Drop what may be dropped of an epoch, in the caller's transaction; returns the number of entries. `now_ms` is central's time."""
    write_meta(connection, "compacted_at", str(now_ms))
    durable = int(read_meta(connection, f"durable:{epoch}") or 0)
    start = checkpoint(connection, epoch)
    # The entry that stays first is one that could be dropped too: where the chain stands is always read from an entry.
    last = connection.execute(
        text(
            "SELECT min(e.seq) FROM entry e LEFT JOIN visit v ON v.id = e.visit WHERE e.device = :d AND e.epoch = :e "
            "AND (e.seq >= :durable OR e.ms > :old OR e.verdict NOT IN ('applied', 'rejected') "
            "OR (e.verdict = 'rejected' AND NOT EXISTS (SELECT 1 FROM dismissed x WHERE x.epoch = e.epoch AND x.seq = e.seq)) "
            "OR coalesce(v.status, 'open') NOT IN ('closed', 'signed'))"
        ),
        {"d": device, "e": epoch, "durable": durable, "old": now_ms - OLD_MS},
    ).scalar()
    if last is None or last - 1 <= start.seq:
        return 0
    dropped = journal.select(
        connection, "device = :d AND epoch = :e AND seq > :from AND seq < :last ORDER BY seq LIMIT :n",
        d=device, e=epoch, last=last, n=AT_ONCE, **{"from": start.seq},
    )  # fmt: skip
    if not dropped:
        return 0
    # Those dropped before that central has handed out again go with them; what was folded of some was undone since.
    again = journal.select(
        connection, "device = :d AND epoch = :e AND seq <= :start", d=device, e=epoch, start=start.seq
    )
    applied = [e for e in [*again, *dropped] if e.verdict == "applied"]
    freezes = Freezes(connection)
    late = {
        (e.device, e.epoch, e.seq)
        for kind, record in {(e.kind, e.record) for e in applied}
        for e in merge.by_entries(connection, kind, record, freezes)[2]
    }
    merge.fold_away(connection, [e for e in applied if (e.device, e.epoch, e.seq) not in late])
    merge.note_lost_late(connection, [e for e in applied if (e.device, e.epoch, e.seq) in late])
    end = dropped[-1]
    connection.execute(
        text(f"DELETE FROM entry WHERE device = :d AND epoch = :e AND seq <= :last AND {_NOT_WRITTEN_AGAIN}"),
        {"d": device, "e": epoch, "last": end.seq},
    )
    write_meta(connection, f"checkpoint:{epoch}", json.dumps([end.seq, end.hash]))
    return len(dropped)


_NOT_WRITTEN_AGAIN = (
    "(kind, record, ms, counter, patch) NOT IN (SELECT kind, record, ms, counter, patch FROM entry "
    "WHERE device = :d AND epoch <> :e AND verdict = 'applied')"
)


def ask_again(connection: Connection, device: str, fresh: Iterable[JournalEntry]) -> None:
    """Let central be asked again for what was dropped here, where entries that have just come may say the same once more.

    These are entries of this phone, `device`, that a copy of it had to write again in an epoch of its own.
    """
    for entry in fresh:
        if entry.device != device or entry.seq <= checkpoint(connection, entry.epoch).seq:
            continue
        if merge.folded_away(connection, entry.kind, entry.record).stamps:
            write_meta(connection, merge.FETCH_AGAIN, "1")
