"""What central once held of a phone's journal, or must hold before what it has, and does not: ranges to be filled.

A hole opens when a restored database turns out to lack what had been acknowledged (`central.witness`), and when entries
come by another road than their own phone's before those in front of them. It closes entry by entry, whoever brings them.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.sync.journal import JournalEntry

Life = tuple[str, str]
"""(device, epoch)"""


class Hole(NamedTuple):
    """Entries `first` to `last` are missing; `digest` is the hash of the last one where it is known, else empty."""

    device: str
    epoch: str
    first: int
    last: int
    digest: str


def holes(connection: Connection, device: str = "", epoch: str = "") -> list[Hole]:
    """Every hole there is, or those of one journal, in order."""
    found = connection.execute(
        text(
            "SELECT device, epoch, first, last, hash FROM hole WHERE :d = '' OR (device = :d AND epoch = :e) "
            "ORDER BY device, epoch, first"
        ),
        {"d": device, "e": epoch},
    )
    return [Hole(*row) for row in found]


def acked(connection: Connection, device: str, epoch: str) -> int:
    """The last seq up to which central holds a journal without a hole; 0 when it holds nothing."""
    key = {"d": device, "e": epoch}
    first = connection.execute(text("SELECT min(first) FROM hole WHERE device = :d AND epoch = :e"), key).scalar()
    if first is not None:
        return int(first) - 1
    return int(
        connection.execute(text("SELECT max(seq) FROM entry WHERE device = :d AND epoch = :e"), key).scalar() or 0
    )


def last_held(connection: Connection, device: str, epoch: str) -> int:
    """The last seq central holds, or knows to be missing; 0 when it knows nothing of the journal."""
    return int(
        connection.execute(
            text(
                "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM entry WHERE device = :d AND epoch = :e "
                "UNION SELECT max(last) FROM hole WHERE device = :d AND epoch = :e)"
            ),
            {"d": device, "e": epoch},
        ).scalar()
        or 0
    )


def open_hole(connection: Connection, hole: Hole) -> None:
    connection.execute(
        text("INSERT INTO hole (device, epoch, first, last, hash) VALUES (:device, :epoch, :first, :last, :digest)"),
        hole._asdict(),
    )


def close_holes(connection: Connection, entries: Iterable[JournalEntry]) -> None:
    """Entries have come: what was missing of them is missing no more."""
    lives: dict[Life, set[int]] = {}
    for entry in entries:
        lives.setdefault((entry.device, entry.epoch), set()).add(entry.seq)
    for (device, epoch), came in lives.items():
        for hole in holes(connection, device, epoch):
            if any(hole.first <= seq <= hole.last for seq in came):
                connection.execute(
                    text("DELETE FROM hole WHERE device = :device AND epoch = :epoch AND first = :first"),
                    hole._asdict(),
                )
                for first, last in spans(seq for seq in range(hole.first, hole.last + 1) if seq not in came):
                    open_hole(connection, Hole(device, epoch, first, last, hole.digest if last == hole.last else ""))


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Rising numbers as (first, last) of their unbroken runs."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def find_lost(connection: Connection, ends: Mapping[Life, tuple[int, str]]) -> list[Hole]:
    """What was acknowledged up to `ends` (seq and hash of each journal's last entry) and is neither here nor a known hole."""
    lost = []
    for (device, epoch), (seq, digest) in ends.items():
        last = last_held(connection, device, epoch)
        if last < seq:
            lost.append(Hole(device, epoch, last + 1, seq, digest))
    return lost


def ends_held(connection: Connection) -> dict[Life, tuple[int, str]]:
    """Of each journal the last entry held: seq and hash."""
    found = connection.execute(text("SELECT device, epoch, max(seq), hash FROM entry GROUP BY device, epoch"))
    return {(device, epoch): (seq, digest) for device, epoch, seq, digest in found}
