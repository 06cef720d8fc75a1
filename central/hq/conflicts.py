"""What two phones wrote differently in a visit and nobody has settled, as its page shows it; the phones choose."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.sync import merge
from central.database import rows


@dataclass(frozen=True)
class Side:
    """One of two values in words, who wrote it, when (ms UTC) and on which phone."""

    text: str
    author: str
    at: int
    phone: str


@dataclass(frozen=True)
class Differing:
    """A field with two values; `standing` counts until somebody of the team chooses."""

    what: str
    record: str
    standing: Side
    other: Side


def differing(
    connection: Connection,
    visit: str,
    in_words: Callable[[str, str, str, Any], tuple[str, str]],
    limited: Collection[tuple[str, str]] = (),
) -> list[Differing]:
    """What is not settled; `in_words(kind, record, field, value)` gives (what it is about, the value) in words.

    Records that are `limited`, by (kind, id), are for the team alone.
    """
    candidates = rows(
        connection,
        """SELECT kind, record FROM entry WHERE visit = :visit AND verdict = 'applied'
           GROUP BY kind, record HAVING count(DISTINCT device) > 1 ORDER BY kind, record""",
        visit=visit,
    )
    phones = {r["id"]: r["name"] for r in rows(connection, "SELECT id, name FROM device")} if candidates else {}
    people = {r["id"]: r["name"] for r in rows(connection, 'SELECT id, name FROM "user"')} if candidates else {}

    def side(write: merge.Write, text: str) -> Side:
        device = write.order.device
        return Side(text, people.get(write.author, write.author), write.ms, phones.get(device, device))

    found = []
    for candidate in candidates:
        if (candidate["kind"], candidate["record"]) in limited:
            continue
        for c in merge.conflicts(connection, candidate["kind"], candidate["record"]):
            what, standing = in_words(c.kind, c.id, c.field, c.standing.value)
            _, other = in_words(c.kind, c.id, c.field, c.other.value)
            found.append(Differing(what, c.id, side(c.standing, standing), side(c.other, other)))
    return found
