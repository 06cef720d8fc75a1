"""Entries that come by another road than the line of the phone that wrote them: one intake for all of these roads.

Another phone returns what a restored central has lost, or brings what it took in from a file or from phone to phone; an
officer imports a file. Whoever brings them, an entry is taken as its writer's: its hash must follow from the entry before
it, and its verdict is that of its own phone's user and team. Nothing here can be done twice: what is held is known.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app.checklist import Template
from app.sync import journal
from app.sync.journal import JournalEntry
from app.sync.stamp import MAX_AHEAD_MS, Stamp, effective
from app.sync.wire import SPANNED_MAX, Malformed, Span, from_central
from central import quarantine
from central.database import rows
from central.holes import Hole, Life, holes, last_held, open_hole, spans
from central.intake import keep, next_position
from central.judge import Judge, Sender
from central.people import find_user
from central.problems import problem_type

WANTED_MAX = 50
"""Ranges asked for in one answer."""
JUMP_MAX = 100_000
"""How far an entry may lie behind the last one central knows of: no phone writes as many that nobody has seen."""


class Handed(NamedTuple):
    """An entry in the pull form, its effective stamp as its bringer knows it. `is_vouched`: its road answers for its content
    where the entry before it is not known (the sums of a bundle)."""

    entry: JournalEntry
    is_vouched: bool = False


class Unfit(NamedTuple):
    """An entry that is not taken, or taken and read by nobody; `name` is a problem's, the title "Vietnamese / English"."""

    device: str
    epoch: str
    seq: int
    name: str
    title: str

    def document(self) -> dict[str, Any]:
        return {
            "device": self.device, "epoch": self.epoch, "seq": self.seq, "type": problem_type(self.name),
            "title": self.title,
        }  # fmt: skip


@dataclass
class Arrival:
    """What handed entries came to: new ones, ones that were here, visits that read differently now, what was refused."""

    taken: int = 0
    known: int = 0
    visits: set[str] = field(default_factory=set)
    unfit: list[Unfit] = field(default_factory=list)


_DAMAGED = ("damaged", "Mục bị hỏng hoặc bị sửa / The entry is damaged or was altered")
_LOOSE = ("damaged", "Không kiểm được vì thiếu mục đứng trước / Cannot be checked without the entry before it")
_FORK = ("journal-fork", "Khác mục cùng số ở trung tâm / Differs from central's entry of the same number")
_NOT_OURS = ("not-allowed", "Mục của chính trung tâm / An entry of central's own")
_NOBODY = ("wrong-author", "Không có người ghi này / There is no such author")
_APART = (
    "quarantined",
    "Mục của máy đã bị thu hồi, chờ Sở Nội vụ xem / Of a withdrawn phone: kept apart for Home Affairs",
)
_OTHER_TEAM = ("scope-denied", "Mục của đoàn khác / An entry of another team")


def take_handed(
    connection: Connection,
    handed: Iterable[Handed],
    now: int,
    templates: Mapping[str, Template],
    *,
    central_device: str,
    by: str,
    team: str | None = None,
    accepted: bool = False,
) -> Arrival:
    """Take entries of any phones, in any order, any number of times, inside the caller's writing transaction.

    `by` names who brings them (a device, or a user of the office); of a phone only entries of its own `team` are taken,
    None takes every team's. What is damaged or not to be taken is refused entry by entry; entries of a phone whose access was
    withdrawn are kept apart, unless central had them once or they are `accepted`.
    """
    arrival = Arrival()
    lives: dict[Life, dict[int, Handed]] = {}
    for one in handed:
        if one.entry.verdict == "moved":
            continue  # its own phone has entered it again in a newer epoch
        lives.setdefault((one.entry.device, one.entry.epoch), {}).setdefault(one.entry.seq, one)
    judge = Judge(connection, templates)
    for (device, epoch), given in sorted(lives.items()):
        if device == central_device:
            arrival.unfit += [Unfit(device, epoch, seq, *_NOT_OURS) for seq in sorted(given)]
            continue
        written = _as_written(connection, (device, epoch), given, arrival)
        if accepted:
            written = [(entry, True) for entry, _ in written]
        _keep(connection, judge, _in_scope(connection, written, arrival, team, now), arrival, by, now)
    return arrival


def accept(
    connection: Connection, device: str, by: str, now: int, templates: Mapping[str, Template], central_device: str
) -> Arrival:
    """Take into the journal what is kept apart of a phone; `by` is the user of the office who says so."""
    handed = [Handed(entry) for entry in quarantine.of_device(connection, device)]
    arrival = take_handed(connection, handed, now, templates, central_device=central_device, by=by, accepted=True)
    quarantine.release(connection)
    return arrival


def _as_written(
    connection: Connection, life: Life, given: Mapping[int, Handed], arrival: Arrival
) -> list[tuple[JournalEntry, bool]]:
    """The entries of one journal that are new here and as they were written, in order; with whether a hole waits for them."""
    held = _around(connection, life, given)
    missing = holes(connection, *life)
    ends = {hole.last: hole.digest for hole in missing if hole.digest}
    sure = _vouched_by_what_follows(given, held, ends)
    fit = []
    known: dict[int, str] = {seq: entry.hash for seq, entry in held.items()}
    furthest = last_held(connection, *life) + JUMP_MAX
    for seq, (entry, is_vouched) in sorted(given.items()):
        if seq in held:
            if held[seq].hash == entry.hash:
                arrival.known += 1
            else:
                arrival.unfit.append(Unfit(*life, seq, *_FORK))
            continue
        before = journal.genesis(life[1]) if seq == 1 else known.get(seq - 1)
        after = held.get(seq + 1)
        problem = None
        if not 1 <= seq <= furthest or (before is not None and journal.hash_after(before, entry) != entry.hash):
            problem = _DAMAGED
        elif ends.get(seq, entry.hash) != entry.hash or (
            after is not None and journal.hash_after(entry.hash, after) != after.hash
        ):
            problem = _FORK
        elif before is None and not is_vouched and seq not in sure:
            problem = _LOOSE
        if problem:
            arrival.unfit.append(Unfit(*life, seq, *problem))
            continue
        known[seq] = entry.hash
        fit.append((entry, any(hole.first <= seq <= hole.last for hole in missing)))
    return fit


def _around(connection: Connection, life: Life, given: Mapping[int, Handed]) -> dict[int, JournalEntry]:
    """What central holds of a journal under the numbers of the given entries, and just before and after them."""
    device, epoch = life
    found = journal.select(
        connection, "device = :d AND epoch = :e AND seq BETWEEN :first AND :last ORDER BY seq",
        d=device, e=epoch, first=min(given) - 1, last=max(given) + 1,
    )  # fmt: skip
    return {entry.seq: entry for entry in found}


def _vouched_by_what_follows(
    given: Mapping[int, Handed], held: Mapping[int, JournalEntry], ends: Mapping[int, str]
) -> set[int]:
    """Entries whose hash is certainly theirs: one that the witness saw, or that an entry with such a hash was chained to."""
    sure: set[int] = set()
    for seq in sorted(given, reverse=True):
        entry = given[seq].entry
        if seq in ends:
            is_sure = ends[seq] == entry.hash
        else:
            after = held.get(seq + 1) or (given[seq + 1].entry if seq + 1 in sure else None)
            is_sure = after is not None and journal.hash_after(entry.hash, after) == after.hash
        if is_sure:
            sure.add(seq)
    return sure


def _in_scope(
    connection: Connection, entries: Sequence[tuple[JournalEntry, bool]], arrival: Arrival, team: str | None, now: int
) -> list[tuple[JournalEntry, Sender]]:
    fit = []
    for entry, is_missed in entries:
        place = entry.device, entry.epoch, entry.seq
        sender, is_revoked = _sender(connection, entry)
        if sender is None:
            arrival.unfit.append(Unfit(*place, *_NOBODY))
        elif team is not None and sender.team != team:
            arrival.unfit.append(Unfit(*place, *_OTHER_TEAM))
        elif is_revoked and not is_missed:
            quarantine.put(connection, [entry._replace(received_at=now)])
            arrival.unfit.append(Unfit(*place, *_APART))
        else:
            fit.append((entry, sender))
    return fit


def _sender(connection: Connection, entry: JournalEntry) -> tuple[Sender | None, bool]:
    """The phone that wrote an entry, as central knows it, and whether its access was withdrawn.

    Of a phone that was enrolled after the backup central only knows the author.
    """
    found = rows(
        connection,
        'SELECT u.id, u.team, d.revoked_at FROM device d JOIN "user" u ON u.id = d.user_id WHERE d.id = :d',
        d=entry.device,
    )
    if found:
        phone = found[0]
        return Sender(entry.device, phone["id"], phone["team"] or ""), phone["revoked_at"] is not None
    user = find_user(connection, entry.author)
    return (Sender(entry.device, user.id, user.team or ""), False) if user else (None, False)


def _keep(
    connection: Connection,
    judge: Judge,
    fit: Sequence[tuple[JournalEntry, Sender]],
    arrival: Arrival,
    by: str,
    now: int,
) -> None:
    if not fit:
        return
    device, epoch = fit[0][0].device, fit[0][0].epoch
    last = last_held(connection, device, epoch)
    position = next_position(connection)
    placed = []
    for number, (entry, sender) in enumerate(fit):
        if entry.seq > last + 1:
            open_hole(connection, Hole(device, epoch, last + 1, entry.seq - 1, ""))
        last = max(last, entry.seq)
        placed.append((_dated(entry, now)._replace(position=position + number, team=sender.team), sender))
    kept, _ = keep(connection, judge, placed)
    arrival.taken += len(kept)
    for entry in kept:
        if entry.verdict == "rejected":
            arrival.unfit.append(_refusal(entry))
        elif entry.visit:
            arrival.visits.add(entry.visit)
    connection.execute(
        text("INSERT INTO brought (device, epoch, seq, bringer, at) VALUES (:device, :epoch, :seq, :by, :at)"),
        [{"device": device, "epoch": epoch, "seq": entry.seq, "by": by, "at": now} for entry in kept],
    )


def _dated(entry: JournalEntry, now: int) -> JournalEntry:
    """With its effective stamp: not later than the one that central gave it when it came first, as its bringer knows it."""
    authored, claimed = Stamp(entry.ms, entry.counter), Stamp(entry.effective_ms, entry.effective_counter)
    received = entry.received_at or now
    if claimed < authored and claimed.counter == 0 and 0 <= claimed.ms - MAX_AHEAD_MS <= now:
        received = claimed.ms - MAX_AHEAD_MS  # that stamp was capped: it tells when central had it first
    stamp = effective(authored, received)
    return entry._replace(
        effective_ms=stamp.ms, effective_counter=stamp.counter, received_at=received, verdict="applied", problem=None
    )


def _refusal(entry: JournalEntry) -> Unfit:
    problem = json.loads(entry.problem or "{}")
    name = str(problem.get("type", "")).rpartition("/")[2]
    return Unfit(entry.device, entry.epoch, entry.seq, name, str(problem.get("title", "")))


# --- on the wire -----------------------------------------------------------------------------------------------------


def read_relayed(raw: Sequence[Any], stamps: Mapping[int, Stamp]) -> tuple[list[Handed], list[dict[str, Any]]]:
    """Entries as a phone returns them, and by their number in the list those that are none."""
    handed, broken = [], []
    for number, one in enumerate(raw):
        try:
            handed.append(Handed(from_central(one, stamps)._replace(position=None)))
        except Malformed as bad:
            broken.append({"number": number, "type": problem_type("malformed"), "title": bad.why, "field": bad.field})
    return handed, broken


def wanted(connection: Connection, device: str, team: str, offered: Sequence[Span]) -> list[Span]:
    """Ranges of journals that central asks a phone for: what is known to be missing of its team, and what it offers that is new."""
    found: list[Span] = []
    missing = holes(connection)
    if not missing and not offered:
        return []
    theirs = {row["id"]: row["team"] for row in _phones(connection)}
    for hole in missing:
        if hole.device != device and theirs.get(hole.device, team) == team:
            found.append(Span(hole.device, hole.epoch, hole.first, hole.last))
    for span in offered:
        if span.device == device or theirs.get(span.device, team) != team:
            continue
        here = set(
            connection.execute(
                text("SELECT seq FROM entry WHERE device = :d AND epoch = :e AND seq BETWEEN :first AND :last"),
                {"d": span.device, "e": span.epoch, "first": span.first, "last": span.last},
            ).scalars()
        )
        found += [
            Span(span.device, span.epoch, first, last)
            for first, last in spans(seq for seq in range(span.first, span.last + 1) if seq not in here)
        ]
    asked: list[Span] = []
    room = SPANNED_MAX
    for span in list(dict.fromkeys(found))[:WANTED_MAX]:
        if room > 0:
            asked.append(span._replace(last=min(span.last, span.first + room - 1)))
            room -= asked[-1].last - span.first + 1
    return asked


def _phones(connection: Connection) -> list[dict[str, Any]]:
    return rows(connection, 'SELECT d.id, u.team FROM device d JOIN "user" u ON u.id = d.user_id')


def denied(connection: Connection, offered: Sequence[Span]) -> list[Unfit]:
    """Of what a phone offers, the entries central holds and has refused: it must not read them either."""
    found = []
    for span in offered:
        found += journal.select(
            connection, "device = :d AND epoch = :e AND seq BETWEEN :first AND :last AND verdict = 'rejected' ORDER BY seq",
            d=span.device, e=span.epoch, first=span.first, last=span.last,
        )  # fmt: skip
    return [_refusal(entry) for entry in found]
