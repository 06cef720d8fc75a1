"""I9: what was signed reads the same for ever, everywhere; what comes later is in the supplement and nowhere else.

When somebody puts the first signature under a visit, the entries that the phone then shows of it are noted, and what it says.
From then on every machine that goes by this signature and has those entries must read exactly that, whatever it was told
since and in whatever order; at the end of the day everybody goes by the same signature, and everything else that was
written on the visit is in the supplement.

What the system does not promise is let through by name:
- an entry that central refused after it had been signed: its value is taken away, and `verify` reports that the content differs;
- entries that a central put back to a backup dated anew when they came again: their order may be another one, and where
  nobody could tell of the restore, a phone that was answered before it goes on with the earlier date;
- entries destroyed by a disaster, and forged signatures that a restored central heard of before the honest one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from app import signing
from app.proof import content_hash, signed_document
from app.records import CENTRAL_KINDS
from app.sync import journal, merge
from app.sync.freeze import Freeze, freeze_of
from tests.simulation.oracle import WORDS, Identity, Words, words_of
from tests.simulation.signing import FORGED
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.phone import Phone
    from tests.simulation.world import World

Field = tuple[str, str, str]
"""(kind, id, field)."""
UNBOUND = {"signature", "supplement", *CENTRAL_KINDS}
PLACING = {"visit", "row", "item"}


class Signed(NamedTuple):
    """What one signature was put under."""

    visit: str
    content: str
    document: dict[str, Any]
    entries: Mapping[Words, tuple[int, int]]
    """What the phone then showed of the visit, each with its effective stamp (ms UTC, counter) there."""
    is_whole: bool
    """Whether nothing of it had been dropped on that phone: then `entries` are all there is."""
    numbers: frozenset[Identity]
    """The numbers under which the entries were there, but for those of the phone's own that central had not acknowledged."""

    @property
    def records(self) -> set[tuple[str, str]]:
        """(kind, id) of what the visit then consisted of."""
        return {(kind, id) for kind, id, _ in self.document["records"]}

    def has_under(self, number: Identity, signature: Identity) -> bool:
        """Whether what has this number was signed under it; `signature` is the number that the signature has by now."""
        return number in self.numbers or (number[:2] == signature[:2] and number[2] < signature[2])

    def knew_elsewhere(self, kind: str, record: str) -> bool:
        """Whether the phone showed that the record had been taken to another visit: its content is that one's affair."""
        named = [
            (stamp, visit)
            for words, stamp in self.entries.items()
            if (words.kind, words.record) == (kind, record) and (visit := journal.read_patch(words.patch).get("visit"))
        ]
        return bool(named) and max(named)[1] != self.visit


@dataclass
class SignedContent:
    """Every first signature that was ever given, and what each machine was last seen to make of it."""

    world: "World"
    by_signature: dict[Words, Signed] = field(default_factory=dict)
    _frozen: dict[str, Words] = field(default_factory=dict)
    """Visit → the signature that central goes by."""
    _looked_at: dict[int, int] = field(default_factory=dict)
    """Connection → its changes when it was last looked at."""

    def note(self, phone: "Phone", fresh: Iterable[Words]) -> None:
        """After a tap: what was signed, if the tap was the first signature of a visit. Raises Violation."""
        connection: Any = phone.database.connection
        for words in fresh:
            if words.kind != "signature":
                continue
            fields = journal.read_patch(words.patch)
            visit = str(fields.get("visit"))
            if "covers" not in fields or fields.get("content", FORGED) == FORGED:
                continue  # not the first one, or nobody's: a forged one laid over another leaves out what that one says
            if words != _freezing(connection, visit):
                continue
            document = signed_document(connection, visit)
            if content_hash(document) != fields["content"]:
                raise Violation("I9", f"{phone.name} signed {fields['content'][:12]} and shows otherwise: {document}")
            entries = _shown(connection, visit)
            has_dropped = "SELECT 1 FROM meta WHERE key LIKE 'checkpoint:%'"
            is_whole = connection.raw.execute(has_dropped).fetchone() is None
            bound = {w: stamp for w, stamp in entries.items() if _is_bound(w) and not _is_given_later(w)}
            numbers = _numbers(connection, visit, phone.device)
            self.by_signature[words] = Signed(visit, fields["content"], document, bound, is_whole, numbers)
            self.world.count("visits signed")

    def central_restored(self) -> None:
        """Which signature central had first it may no longer know."""
        self._frozen.clear()

    # Every now and then

    def look(self) -> None:
        """Whoever has what was signed reads it as it was signed. Raises Violation."""
        if not self.by_signature:
            return
        central = self.world.central.database.connection
        for visit in {signed.visit for signed in self.by_signature.values()}:
            signature = _freezing(central, visit)
            if signature and self._frozen.setdefault(visit, signature) != signature:
                raise Violation("I9", f"central went by {self._frozen[visit]} and now goes by {signature}")
        self._look_at(central, "central")
        for phone in self.world.phones.values():
            self._look_at(phone.database.connection, phone.name)

    def _look_at(self, connection: Any, name: str) -> None:
        if self._looked_at.get(id(connection)) == connection.raw.total_changes:
            return
        self._looked_at[id(connection)] = connection.raw.total_changes
        for visit in sorted({signed.visit for signed in self.by_signature.values()}):
            signature = _freezing(connection, visit)
            signed = self.by_signature.get(signature) if signature else None
            held = _shown(connection, visit) if signed else {}
            if signed and signed.entries.keys() <= held.keys():
                is_redated = any(held[words] != stamp for words, stamp in signed.entries.items())
                if is_redated and self.world.oracle.central_was_restored:
                    continue
                read = signed_document(connection, visit)
                if read != signed.document:
                    raise Violation("I9", f"{name} reads what was signed as {_difference(signed.document, read)}")

    # At the end of the day

    def check(self) -> None:
        """Everybody agrees on what was signed, and on what was not. Raises Violation."""
        self._looked_at.clear()
        self.look()
        central: Any = self.world.central.database.connection
        for visit in sorted({signed.visit for signed in self.by_signature.values()}):
            freeze, signature = freeze_of(central, visit), _freezing(central, visit)
            if freeze is None or signature is None:
                continue  # it went with the phone on which it was signed
            if signature not in self.by_signature:
                if self.world.oracle.central_was_restored:
                    continue
                raise Violation("I9", f"central goes by a signature nobody gave: {signature}")
            signed = self.by_signature[signature]
            read = signed_document(central, visit)
            self._check_supplement("central", central, signed)
            (team,) = central.raw.execute("SELECT team FROM visit WHERE id = ?", (visit,)).fetchone()
            for phone in self.world.phones.values():
                if phone.is_revoked or phone.team != team:
                    continue
                connection: Any = phone.database.connection
                theirs = freeze_of(connection, visit)
                if theirs != freeze and not (theirs and self._is_redated(theirs, freeze)):
                    raise Violation("I9", f"{phone.name} goes by {theirs}, central by {freeze}")
                if (shown := signed_document(connection, visit)) != read:
                    raise Violation("I9", f"{phone.name} reads what was signed as {_difference(read, shown)}")
                self._check_supplement(phone.name, connection, signed)

    def _is_redated(self, one: Freeze, other: Freeze) -> bool:
        """Whether it is one signature, dated otherwise by a central of whose restore nobody could tell."""
        is_one = one._replace(order=other.order) == other and one.order[2:] == other.order[2:]
        return is_one and self.world.oracle.was_restored_unnoticed

    def late(self, entries: Iterable[journal.JournalEntry]) -> set[Identity]:
        """The numbers of those entries that were written beside what was signed, as central goes by it.

        A phone that lives twice may enter what was signed once more: that too is beside it.
        """
        central: Any = self.world.central.database.connection
        known: list[tuple[Signed, Identity]] = []
        for visit in {signed.visit for signed in self.by_signature.values()}:
            freeze, signature = freeze_of(central, visit), _freezing(central, visit)
            if freeze and signature in self.by_signature:
                known.append((self.by_signature[signature], freeze.order[2:]))
        entries = list(entries)
        beside = {
            words
            for signed, _ in known
            for entry, words in _beside(signed, entries)
            if "visit" in entry.fields or not signed.knew_elsewhere(entry.kind, entry.record)
        }
        late = set()
        for entry in entries:
            number, words = (entry.device, entry.epoch, entry.seq), words_of(entry)
            bound = [
                signed.has_under(number, at)
                for signed, at in known
                if words in signed.entries and (words.kind, words.record) in signed.records
            ]
            if not any(bound) and (bound or words in beside):
                late.add(number)
        return late

    def _check_supplement(self, name: str, connection: Any, signed: Signed) -> None:
        """What was written beside what was signed is in the supplement, with the value that would stand; what was signed is not."""
        if not signed.is_whole:
            return
        documents = {(kind, id): fields for kind, id, fields in signed.document["records"]}
        expected = _beside(signed, journal.select(connection, "verdict = 'applied' ORDER BY record"))
        left_out = {words_of(entry) for entry in merge.left_out(connection, signed.visit, is_new=True)}
        if confused := left_out & signed.entries.keys():
            raise Violation("I9", f"{name} has in the supplement what was signed: {sorted(confused)[:2]}")
        if lost := {w for _, w in expected} - left_out:
            raise Violation("I9", f"{name} has neither signed nor in the supplement: {sorted(lost)[:2]}")
        self.world.count("late entries", len(expected) if name == "central" else 0)
        wanted: dict[Field, Any] = {}
        for entry, words in sorted(expected, key=lambda one: one[0].order):
            for field_name, value in entry.fields.items():
                wanted[words.kind, words.record, field_name] = value
        told = {(one.kind, one.id, one.field): one.later for one in signing.late_fields(connection, signed.visit, "")}
        for place, value in wanted.items():
            kind, id, field_name = place
            stood = (
                "signed" if (kind, field_name) == ("visit", "status") else documents.get((kind, id), {}).get(field_name)
            )
            if value != stood and field_name not in PLACING and told.get(place, _ABSENT) != value:
                raise Violation(
                    "I9", f"{name} does not show in the supplement: {place} {value!r}, but {told.get(place)!r}"
                )


_ABSENT = object()


def _shown(connection: Any, visit: str) -> dict[Words, tuple[int, int]]:
    """What a machine shows of a visit's records, each with its effective stamp (the latest, where it has two numbers)."""
    found = connection.raw.execute(
        f"SELECT effective_ms, effective_counter, {WORDS} FROM entry WHERE verdict = 'applied' "
        "AND (kind, record) IN (SELECT kind, record FROM entry WHERE visit = ?) ORDER BY 1, 2",
        (visit,),
    )
    return {Words(*row[2:]): row[:2] for row in found}


def _numbers(connection: Any, visit: str, device: str) -> frozenset[Identity]:
    """Under which numbers a phone shows a visit's entries, but for its own that central has not acknowledged."""
    rows = connection.raw.execute(
        "SELECT device, epoch, seq FROM entry e WHERE verdict = 'applied' AND (kind, record) IN "
        "(SELECT kind, record FROM entry WHERE visit = ?) AND NOT (device = ? AND seq > "
        "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'acked:' || e.epoch), 0) AND position IS NULL)",
        (visit, device),
    )
    return frozenset(rows)


def _beside(signed: Signed, entries: Iterable[journal.JournalEntry]) -> list[tuple[journal.JournalEntry, Words]]:
    """Entries on a visit, or on a record of what was signed, that were no part of it."""
    entries, records = list(entries), signed.records
    named = {(e.kind, e.record) for e in entries if e.visit == signed.visit}
    found = [
        (e, words_of(e))
        for e in entries
        if e.visit == signed.visit or (e.kind, e.record) in records or (not e.visit and (e.kind, e.record) in named)
    ]
    return [(e, w) for e, w in found if _is_bound(w) and not _is_given_later(w) and w not in signed.entries]


def _is_bound(words: Words) -> bool:
    return words.kind not in UNBOUND


def _is_given_later(words: Words) -> bool:
    """The number of the minutes, and that the visit is signed."""
    if words.kind != "visit":
        return False
    fields = journal.read_patch(words.patch)
    return fields.keys() <= {"document_number", "status"} and fields.get("status", "signed") == "signed"


def _freezing(connection: Any, visit: str) -> Words | None:
    """The signature by which a machine goes, as it was written; None when there is none or it was dropped here."""
    freeze = freeze_of(connection, visit)
    if freeze is None:
        return None
    found = connection.raw.execute(
        f"SELECT {WORDS} FROM entry WHERE device = ? AND epoch = ? AND seq = ?", freeze.order[2:]
    ).fetchone()
    return Words(*found) if found else None


def _difference(signed: dict[str, Any], read: dict[str, Any]) -> str:
    before, after = ({(k, i): f for k, i, f in document["records"]} for document in (signed, read))
    odd = [
        f"{key}: signed {before.get(key)}, reads {after.get(key)}"
        for key in sorted(before | after)
        if before.get(key) != after.get(key)
    ]
    return "; ".join(odd)
