"""What must be true, kept beside the system and told only what really happened: who wrote what, knowing what; what central
has acknowledged; what a disaster has destroyed."""

import base64
import hashlib
import hmac
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from app.sync import journal
from app.sync.freeze import WRITTEN_ONCE
from tests.simulation.central import SECRET
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.phone import Phone
    from tests.simulation.world import World

QUIET_FIELDS = {"visit", "row", "item", "section", "count", "status", "position", "geopoint"}
"""Fields nobody is asked about: they place a record, are measured, or have a rule of their own."""


class Words(NamedTuple):
    """What an entry says, whatever number it goes by: a phone that had to begin a new epoch writes it again."""

    device: str
    ms: int
    counter: int
    author: str
    kind: str
    record: str
    patch: str


WORDS = ", ".join(Words._fields)


def words_of(entry: journal.JournalEntry) -> Words:
    return Words(*(getattr(entry, name) for name in Words._fields))


Identity = tuple[str, str, int]
"""(device, epoch, seq)."""


@dataclass
class Oracle:
    world: "World"
    written: dict[Words, frozenset[Words]] = field(default_factory=dict)
    """Every entry ever recorded, and what its author's phone then showed of the same record."""
    tapped: Counter[Words] = field(default_factory=Counter)
    """How often the same words were recorded: a clock that was put right may show one moment twice."""
    acked: dict[Identity, str] = field(default_factory=dict)
    """What central has acknowledged and not lost since in a restore, by its hash."""
    destroyed: set[Words] = field(default_factory=set)
    """What went with a phone that was put back to an old backup."""
    unnoticed: set[str] = field(default_factory=set)
    """Photos that went when central was restored and nobody could tell: nothing had been recorded since the backup."""
    was_restored_unnoticed: bool = False
    """A restore that nobody could tell: what arrived late, or twice, may since have been dated anew."""
    has_forked: set[str] = field(default_factory=set)
    """Devices that live, or have lived, twice: what they wrote may be there under two numbers."""
    central_was_restored: bool = False
    restored_at: int = 0
    """When that was last, by central's clock."""

    # Recording

    def before_tap(self, phone: "Phone") -> tuple[str, int]:
        """(epoch, last seq) before a tap."""
        raw = phone.database.connection.raw
        (epoch,) = raw.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        (seq,) = raw.execute(
            "SELECT coalesce(max(seq), 0) FROM entry WHERE device = ? AND epoch = ?", (phone.device, epoch)
        ).fetchone()
        return epoch, seq

    def after_tap(self, phone: "Phone", before: tuple[str, int], what: str) -> None:
        """Note what a tap has left in the journal, if it was kept at all."""
        raw = phone.database.connection.raw
        found = raw.execute(
            f"SELECT {WORDS} FROM entry WHERE device = ? AND epoch = ? AND seq > ?", (phone.device, *before)
        )
        fresh = [Words(*row) for row in found]
        self.world.say(phone.name, f"{what}: {len(fresh)} entries")
        for words in fresh:
            self.tapped[words] += 1
            self.written[words] = self.shown(phone.database.connection, words.kind, words.record) - {words}
        self.world.count("entries", len(fresh))
        self.world.signed.note(phone, fresh)

    def office_wrote(self, entry: journal.JournalEntry, known: frozenset[Words]) -> None:
        """Home Affairs has written an entry, knowing all that central knew of the record."""
        words = words_of(entry)
        self.world.say("central", f"Home Affairs writes {words.record}")
        self.tapped[words] += 1
        self.written[words] = known

    # Central's word

    def told(self, phone: "Phone", request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Central has answered a sync, and the phone has heard it. What is acknowledged is what the request has shown; of
        what central holds beyond, the phone may have another life."""
        for raw in answer.get("entries", ()):
            if self._team_of(raw[1], raw[12]) != phone.team:
                raise Violation("I8", f"{phone.name} was given an entry of another team: {raw}")
        device, epoch = request["device_id"], request["epoch"]
        request = {"entries": [], **request}
        sent = request["first_seq"] - 1 + len(request["entries"])
        if answer["acked"] < sent:
            raise Violation("I1", f"not acknowledged: {device} {epoch} {sent}")
        if "receipt" in answer:
            self._read_receipt(answer["receipt"], request, answer["acked"])
        elif request["entries"]:
            raise Violation("I4", "no receipt for what was sent")
        next_tx = phone.database.connection.raw.execute(
            "SELECT tx FROM entry WHERE device = ? AND epoch = ? AND seq = ? AND verdict <> 'moved'",
            (device, epoch, sent + 1),
        ).fetchone()
        if next_tx and request["entries"] and next_tx[0] == request["entries"][-1][2]:
            raise Violation("I2", f"half a tap is at central: {device} {epoch} {sent}")
        mine = phone.database.connection.raw.execute(
            "SELECT seq, hash FROM entry WHERE device = ? AND epoch = ? AND seq <= ? AND verdict <> 'moved'",
            (device, epoch, sent),
        ).fetchall()
        heard = {(device, epoch, seq): digest for seq, digest in mine}
        if answer["now"] <= self.restored_at:  # central has forgotten since what it says here
            held = self.central_identities()
            heard = {identity: digest for identity, digest in heard.items() if identity in held}
        self.acked |= heard

    def _team_of(self, device: str, patch: dict[str, Any]) -> str:
        """The team that may see an entry: its author's, of Home Affairs' the visit's."""
        central = self.world.central.database
        if device != central.central_device:
            return self.world.team_of(device)
        found = central.connection.raw.execute("SELECT team FROM visit WHERE id = ?", (patch["visit"],)).fetchone()
        return str(found[0])

    def _read_receipt(self, receipt: str, request: dict[str, Any], acked: int) -> None:
        facts, _, seal = receipt.partition(".")
        written = base64.urlsafe_b64decode(facts)
        expected = hmac.new(SECRET, b"receipt:" + written, hashlib.sha256).digest()
        if base64.urlsafe_b64decode(seal) != expected:
            raise Violation("I4", "a receipt that is not central's")
        device, epoch, seq, head, _received = json.loads(written)
        if (device, epoch, seq) != (request["device_id"], request["epoch"], acked):
            raise Violation("I4", f"a receipt for something else: {written!r}")
        sent = request["first_seq"] - 1 + len(request["entries"])
        if acked == sent > 0 and head != request["head_hash"]:
            raise Violation("I4", f"a receipt for another entry than {sent}")

    def central_restored(self) -> None:
        """What central forgot in a restore may be missing until it is sent again."""
        self.central_was_restored, self.restored_at = True, self.world.central.now()
        self.world.signed.central_restored()
        kept = self.central_identities()
        self.acked = {identity: digest for identity, digest in self.acked.items() if identity in kept}

    def phone_restored(self, phone: "Phone", before: set[Words]) -> None:
        """A phone was put back; `before` is what it held of its own."""
        self.has_forked.add(phone.device)
        self.destroyed |= before - self.own_words(phone)

    # Looking

    def shown(self, connection: Any, kind: str, record: str) -> frozenset[Words]:
        """What a machine shows of a record."""
        found = connection.raw.execute(
            f"SELECT {WORDS} FROM entry WHERE record = ? AND kind = ? AND verdict = 'applied'", (record, kind)
        )
        return frozenset(Words(*row) for row in found)

    def held(self, connection: Any) -> set[Words]:
        return {Words(*row) for row in connection.raw.execute(f"SELECT {WORDS} FROM entry")}

    def own_words(self, phone: "Phone") -> set[Words]:
        return {words for words in self.held(phone.database.connection) if words.device == phone.device}

    def central_identities(self) -> dict[Identity, str]:
        raw = self.world.central.database.connection.raw
        return {(d, e, s): h for d, e, s, h in raw.execute("SELECT device, epoch, seq, hash FROM entry")}

    def conflicts(self, entries: list[journal.JournalEntry]) -> set[tuple[Any, ...]]:
        """(kind, id, field, standing device, standing seq, other device, other seq) of all that nobody has settled.

        Of what was written beside signed minutes there are none. Two writes of one device always know of each other, in the order of their stamps, even when the device lives twice.
        """
        found = set()
        late = self.world.signed.late(entries)
        by_field: dict[tuple[str, str, str], list[tuple[journal.JournalEntry, Any, Words]]] = {}
        for entry in entries:
            if (entry.device, entry.epoch, entry.seq) in late or entry.kind in WRITTEN_ONCE:
                continue
            words = words_of(entry)
            for name, value in entry.fields.items():
                if name not in QUIET_FIELDS:
                    by_field.setdefault((entry.kind, entry.record, name), []).append((entry, value, words))
        for place, writes in by_field.items():
            if len({entry.device for entry, _, _ in writes}) < 2:
                continue
            known = {one[0].order for one, other in itertools.permutations(writes, 2) if self._knows(other, one)}
            standing = max(writes, key=lambda write: write[0].order)
            for write in writes:
                if write is not standing and write[0].order not in known and write[1] != standing[1]:
                    found.add((*place, standing[0].device, standing[0].seq, write[0].device, write[0].seq))
        return found

    def _knows(
        self, later: tuple[journal.JournalEntry, Any, Words], earlier: tuple[journal.JournalEntry, Any, Words]
    ) -> bool:
        if later[0].device == earlier[0].device:
            return later[0].order > earlier[0].order
        return earlier[2] in self.written.get(later[2], frozenset())
