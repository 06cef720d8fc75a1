"""What an answer of central changes in the journal: others' entries, its verdicts on this phone's own, its effective stamps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from app.schema import read_meta, write_meta
from app.sync import compact, journal, merge
from app.sync.journal import JournalEntry
from app.sync.stamp import Stamp
from app.sync.wire import Malformed, from_central


class Behind(Exception):
    """Central holds entries of this epoch that this phone does not have, or has otherwise: its notebook is a copy from before
    they were written.

    The way on is a new epoch; what is missing here then comes by pull, like everybody else's entries.
    """

    def __init__(self, epoch: str):
        super().__init__(epoch)
        self.epoch = epoch


@dataclass
class Taken:
    """What an answer of central brought."""

    acked: int
    more: bool
    """Central is to be asked again at once."""
    visits: set[str] = field(default_factory=set)
    """Visits whose reading may have changed."""
    missing: list[str] = field(default_factory=list)


def take_effective(connection: Connection, request: Mapping[str, Any], capped: Mapping[int, Stamp]) -> None:
    """Of what was just sent: the stamps central compares; the authored ones again where an earlier central had capped them."""
    key = {"d": request["device_id"], "e": request["epoch"]}
    first, sent = request["first_seq"], request["first_seq"] - 1 + len(request["entries"])
    lowered = connection.execute(
        text(
            "SELECT seq, ms, counter FROM entry WHERE device = :d AND epoch = :e AND seq BETWEEN :first AND :sent "
            "AND (effective_ms <> ms OR effective_counter <> counter)"
        ),
        {**key, "first": first, "sent": sent},
    ).all()
    stamps = {seq: Stamp(ms, counter) for seq, ms, counter in lowered}
    for seq, stamp in {**stamps, **capped}.items():
        if seq <= sent:
            restamp(connection, key["d"], key["e"], seq, stamp)


def restamp(connection: Connection, device: str, epoch: str, seq: int, stamp: Stamp) -> None:
    """Central caps stamps of a clock that runs ahead: the own entry takes the effective one and its record is read anew."""
    key = {"d": device, "e": epoch, "s": seq}
    where = "WHERE device = :d AND epoch = :e AND seq = :s"
    row = connection.execute(text(f"SELECT kind, record FROM entry {where}"), key).one_or_none()
    if row is None:
        return
    connection.execute(
        text(f"UPDATE entry SET effective_ms = :ms, effective_counter = :c {where}"),
        {**key, "ms": stamp.ms, "c": stamp.counter},
    )
    merge.recompute(connection, row.kind, row.record)


def reject(connection: Connection, device: str, epoch: str, refusal: Mapping[str, Any], taken: Taken) -> None:
    """A refused entry stays in the chain, is read no more and becomes a task; one of another hash than the refusal names is not
    meant."""
    key = {"d": device, "e": epoch, "s": refusal["seq"]}
    where = "WHERE device = :d AND epoch = :e AND seq = :s AND verdict <> 'moved'"
    row = connection.execute(text(f"SELECT kind, record, visit, hash FROM entry {where}"), key).one_or_none()
    if row is None or refusal.get("hash", row.hash) != row.hash:
        return
    connection.execute(
        text(f"UPDATE entry SET verdict = 'rejected', problem = :p {where}"),
        {**key, "p": json.dumps(dict(refusal), ensure_ascii=False)},
    )
    merge.recompute(connection, row.kind, row.record)
    taken.visits.add(row.visit)


def pull(connection: Connection, own: str, answer: Mapping[str, Any], taken: Taken) -> None:
    effective = {position: Stamp(ms, counter) for position, ms, counter in answer.get("pulled_effective", ())}
    fresh = []
    for raw in answer.get("entries", ()):
        entry = from_central(raw, effective)
        key = {"d": entry.device, "e": entry.epoch, "s": entry.seq}
        where = "WHERE device = :d AND epoch = :e AND seq = :s"
        known = connection.execute(
            text(f"SELECT hash, verdict, position, effective_ms, effective_counter FROM entry {where}"), key
        ).one_or_none()
        if known is not None and known.hash == entry.hash and known.verdict != "moved":
            connection.execute(text(f"UPDATE entry SET position = :p {where}"), {**key, "p": entry.position})
            stands = (known.verdict, known.effective_ms, known.effective_counter)
            if stands != ("applied", entry.effective_ms, entry.effective_counter):
                _restate(connection, entry, taken)
            continue
        if known is not None:
            if known.verdict == "moved":
                # Written again in a newer epoch; under this number central knows another life of this journal.
                connection.execute(text(f"DELETE FROM entry {where}"), key)
            elif entry.device == own:
                raise Behind(entry.epoch)
            elif known.position is None:
                _give_way(connection, entry, taken)
            else:
                raise Malformed("entries.hash", "khác mục đã có / differs from the entry already here")
        fresh.append(entry._replace(visit=merge.visit_of(connection, entry)))
    journal.insert(connection, fresh)
    merge.apply(connection, fresh)
    compact.ask_again(connection, own, fresh)
    taken.visits |= {entry.visit for entry in fresh if entry.visit}
    seen = max([int(read_meta(connection, "seen") or 0), *(raw[0] for raw in answer.get("entries", ()))])
    write_meta(connection, "seen", str(seen))
    if answer.get("cursor"):
        write_meta(connection, "cursor", answer["cursor"])


def _restate(connection: Connection, entry: JournalEntry, taken: Taken) -> None:
    """An entry that came by file is here as its writer's phone had it; now central has said when it counts, and that it does."""
    connection.execute(
        text(
            "UPDATE entry SET effective_ms = :ms, effective_counter = :c, verdict = 'applied', problem = NULL "
            "WHERE device = :d AND epoch = :e AND seq = :s"
        ),
        {
            "ms": entry.effective_ms, "c": entry.effective_counter,
            "d": entry.device, "e": entry.epoch, "s": entry.seq,
        },
    )  # fmt: skip
    merge.recompute(connection, entry.kind, entry.record)
    taken.visits.add(merge.visit_of(connection, entry))


def _give_way(connection: Connection, entry: JournalEntry, taken: Taken) -> None:
    """Another phone's entries that came by file, and that central knows otherwise from this one on: central's stand."""
    key = {"d": entry.device, "e": entry.epoch, "s": entry.seq}
    where = "device = :d AND epoch = :e AND seq >= :s AND position IS NULL"
    gone = journal.select(connection, where, **key)
    connection.execute(text(f"DELETE FROM entry WHERE {where}"), key)
    for kind, record in {(e.kind, e.record) for e in gone}:
        merge.recompute(connection, kind, record)
    taken.visits |= {e.visit for e in gone if e.visit}
