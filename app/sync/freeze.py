"""The first signature of the minutes freezes a visit: which of its entries still count.

A visit's freeze is the signature of its minutes with the smallest effective stamp. What was signed are the entries that the
signer's phone held and read: those before the signature in the signer's own chain, and of every other chain the spans that
the signature names (`covers`: [[device, epoch, first, last], …]; a gap in what was held is a gap between two spans). An
entry that is not covered stays in its chain, applied as far as central is concerned, and is not read: it belongs to a
supplement. What still counts after the signature: signatures, supplements, and of the visit its document number and that it
is signed.

Everything here follows from the set of entries, never from the order in which they came, so every replica reads the same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app.records import CENTRAL_KINDS
from app.sync import journal
from app.sync.journal import JournalEntry
from app.sync.stamp import Order

WRITTEN_ONCE = ("signature", "supplement")
"""Kinds of which only the first entry of a record counts, whole: what is signed is not changed, it is added to."""
GIVEN_LATER = "document_number"
"""The number of the minutes, or of a supplement, which the records office may give days after the signature."""

Chain = tuple[str, str]
"""(device, epoch)"""


class Freeze(NamedTuple):
    """The signature that froze a visit, by its place in the order of all entries, and what its author's phone held."""

    order: Order
    spans: tuple[tuple[str, str, int, int], ...]
    content: str
    """SHA-256 of what was signed, as the signature says."""

    def covers(self, device: str, epoch: str, seq: int) -> bool:
        """Whether the entry of this name was part of what was signed."""
        if (device, epoch) == (self.order.device, self.order.epoch) and seq < self.order.seq:
            return True
        return any((d, e) == (device, epoch) and first <= seq <= last for d, e, first, last in self.spans)


def read_spans(covers: Any) -> tuple[tuple[str, str, int, int], ...] | None:
    """What a signature covers, from its field; None when that is not what a signature says."""
    if not isinstance(covers, list):
        return None
    spans = []
    for span in covers:
        if not (isinstance(span, list) and len(span) == 4 and all(isinstance(name, str) for name in span[:2])):
            return None
        if not all(type(number) is int for number in span[2:]):
            return None
        spans.append((span[0], span[1], span[2], span[3]))
    return tuple(spans)


_SIGNATURES = text(
    "SELECT covers, supplement, content, stamps FROM signature WHERE visit = :visit AND covers IS NOT NULL"
)


def freeze_of(connection: Connection, visit: str) -> Freeze | None:
    """What froze a visit; None while its minutes are not signed."""
    found = []
    for covers, supplement, content, stamps in connection.execute(_SIGNATURES, {"visit": visit}):
        spans = read_spans(json.loads(covers))
        if spans is not None and not supplement:
            found.append(Freeze(Order(*json.loads(stamps)["covers"]), spans, content or ""))
    return min(found, key=lambda freeze: freeze.order, default=None)


class Freezes:
    """The freezes of visits as they are asked for, each looked up once."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._known: dict[str, Freeze | None] = {}

    def of(self, visit: str) -> Freeze | None:
        if visit not in self._known:
            self._known[visit] = freeze_of(self._connection, visit) if visit else None
        return self._known[visit]


def is_bound(kind: str) -> bool:
    """Whether a signature binds records of this kind."""
    return kind not in WRITTEN_ONCE and kind not in CENTRAL_KINDS


def sort_out(
    freezes: Freezes, entries: Sequence[JournalEntry], folded_visit: str = "", *, has_lost_late: bool = False
) -> tuple[list[JournalEntry], list[JournalEntry]]:
    """All applied entries of one record as (those that count, those left for a supplement).

    `folded_visit` is the visit that entries dropped on this phone said the record belongs to; with `has_lost_late` one that
    did not count said so. Nothing uncovered brings a record into a signed visit. A record is part of a signed visit when the
    last covered entry that names a visit names this one, of several the one signed first: then nothing uncovered changes it,
    wherever that may want to move it. What it was before it came there does not matter to the signature of another visit.
    """
    if not entries or not is_bound(entries[0].kind):
        return list(entries), []
    named = {id(entry): journal.named_visit(entry.kind, entry.record, entry.fields) for entry in entries}
    frozen = {visit: freeze for visit in {*named.values(), folded_visit} if (freeze := freezes.of(visit))}
    if not frozen and not has_lost_late:
        return list(entries), []
    naming = sorted((entry for entry in entries if named[id(entry)]), key=lambda entry: entry.order, reverse=True)
    barred: set[int] = set()
    signed = None
    for visit, freeze in sorted(frozen.items(), key=lambda one: one[1].order):
        placed = next((entry for entry in naming if id(entry) not in barred and covers(freeze, entry)), None)
        if visit == folded_visit or (placed and named[id(placed)] == visit):
            signed = freeze
            break
        barred |= {id(e) for e in naming if named[id(e)] == visit and not covers(freeze, e) and not is_given_later(e)}
    else:
        placed = next((entry for entry in naming if id(entry) not in barred), None)
    home = named[id(placed)] if placed else folded_visit

    def is_late(entry: JournalEntry) -> bool:
        if signed and not covers(signed, entry) and not is_given_later(entry):
            return True
        was_moved_on = placed and entry.order < placed.order and home != named[id(entry)]
        return id(entry) in barred and not was_moved_on

    late = [entry for entry in entries if is_late(entry)]
    was_elsewhere = not signed and home in frozen and entries[0].kind != "visit"
    if (late or has_lost_late) and (not home or was_elsewhere):
        return [], list(entries)  # nothing that counts says where the record belongs
    return [entry for entry in entries if not is_late(entry)], late


def covers(freeze: Freeze, entry: JournalEntry) -> bool:
    """Whether an entry was part of what was signed."""
    return freeze.covers(entry.device, entry.epoch, entry.seq)


def is_given_later(entry: JournalEntry) -> bool:
    """Whether it gives the minutes their number, or only says that the visit is signed."""
    if entry.kind != "visit":
        return False
    fields = entry.fields
    return fields.keys() <= {GIVEN_LATER, "status"} and fields.get("status", "signed") == "signed"


def held_spans(connection: Connection, visit: str, own: Chain, acked: int) -> list[list[Any]]:
    """What a signature made here and now covers, beside the entries before it in the chain `own` that it is written into.

    Of that chain, what central has acknowledged is named too: should the rest have to be entered again in a newer epoch, it
    then stands before the signature there.
    """
    lives = connection.execute(
        text(
            f"SELECT device, epoch, min(seq), max(seq) FROM entry WHERE {_OF_VISIT} AND verdict = 'applied' "
            "GROUP BY device, epoch ORDER BY device, epoch"
        ),
        {"v": visit},
    ).all()
    spans: list[list[Any]] = []
    for device, epoch, first, last in lives:
        if (device, epoch) == own:
            last = min(last, acked)
        found = connection.execute(
            text(
                f"SELECT seq, {_OF_VISIT} FROM entry WHERE device = :d AND epoch = :e AND seq BETWEEN :first AND :last "
                "AND verdict = 'applied' ORDER BY seq"
            ),
            {"v": visit, "d": device, "e": epoch, "first": first, "last": last},
        )
        spans += [[device, epoch, *run] for run in _runs(found.all())]
    dropped = connection.execute(text("SELECT key, value FROM meta WHERE key LIKE 'checkpoint:%' ORDER BY key"))
    for key, value in dropped.all():
        spans.append([own[0], key.partition(":")[2], 1, json.loads(value)[0]])
    return spans


_OF_VISIT = "(kind, record) IN (SELECT kind, record FROM entry WHERE visit = :v)"
"""All entries of the visit's records: one that only changes a field may be filed under no visit."""


def _runs(held: Iterable[Sequence[Any]]) -> list[tuple[int, int]]:
    """(first, last) of the visit's entries in each unbroken run of what is held, given as (seq, whether it is one)."""
    runs: list[tuple[int, int]] = []
    before = None
    first = last = 0
    for seq, is_of_visit in held:
        if before is not None and seq != before + 1 and first:
            runs.append((first, last))
            first = 0
        before = seq
        if is_of_visit:
            first, last = first or seq, seq
    return [*runs, (first, last)] if first else runs


def lay_once(fields: dict[str, Any], stamps: dict[str, Order], order: Order, patch: Mapping[str, Any]) -> None:
    """Lay an entry over a record that is written once: it counts when it comes before the one that stood, and then alone."""
    stood = next((stamp for name, stamp in stamps.items() if name != GIVEN_LATER), None)
    if not patch or (stood is not None and stood <= order):
        return
    for name in [name for name in stamps if name != GIVEN_LATER]:
        del stamps[name]
        fields.pop(name, None)
    for name, value in patch.items():
        stamps[name] = order
        if value is not None:
            fields[name] = value
