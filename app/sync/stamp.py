"""Hybrid logical clock and record ids: pure, with time and randomness handed in.

A stamp is (ms, counter): Unix milliseconds UTC and a counter that grows when the clock stands still or goes back.
Order over all devices is `Order` = (ms, counter, device, epoch, seq); the last two only break ties between two lives
of one device, so that every replica picks the same entry.
"""

import re
import unicodedata
import uuid
from functools import lru_cache
from typing import NamedTuple

MAX_AHEAD_MS = 5 * 60 * 1000
"""How far ahead of central's own clock an effective stamp may lie (design §3)."""
CLOCK_WRONG_MS = 10 * 60 * 1000
"""From this difference to central's clock on people are told of it (sync.md §2.1)."""
CLOCK_JITTER_MS = 2000
"""Smaller changes of the difference are the road's, not the clock's."""


class Stamp(NamedTuple):
    ms: int
    counter: int


class Order(NamedTuple):
    """What the merge compares: the effective stamp, then who wrote."""

    ms: int
    counter: int
    device: str
    epoch: str
    seq: int


def next_stamp(last: Stamp, now_ms: int) -> Stamp:
    """The stamp of something written now: never before, nor equal to, the last one."""
    if now_ms > last.ms:
        return Stamp(now_ms, 0)
    return Stamp(last.ms, last.counter + 1)


def effective(authored: Stamp, received_ms: int) -> Stamp:
    """The stamp that the merge compares: the authored one, capped at five minutes ahead of central's clock."""
    limit = Stamp(received_ms + MAX_AHEAD_MS, 0)
    return min(authored, limit)


def learnt_offset(known_ms: int, sent_ms: int, central_ms: int, received_ms: int) -> int:
    """By how much central's clock is ahead of this phone's, from one answer: sent and received by this clock, in between central's.

    What was known stays unless the answer certainly says otherwise.
    """
    offset = central_ms - (sent_ms + received_ms) // 2
    doubt = max(CLOCK_JITTER_MS, (received_ms - sent_ms) // 2)
    return offset if abs(offset - known_ms) > doubt else known_ms


def offset_in_use(clock_ms: int, offset_ms: int, heard_ms: int) -> int:
    """What to add to this phone's clock: the known difference, as long as that does not lead before the last time heard of.

    Else the clock was set since: it is believed as it stands if it can be right, or goes on from the last time heard of.
    """
    if clock_ms + offset_ms >= heard_ms:
        return offset_ms
    return max(0, heard_ms - clock_ms)


def nfc(text: str) -> str:
    """Text as it is stored everywhere: Unicode NFC."""
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Text as it is searched and compared: case folded, đ to d, diacritics removed, white space collapsed."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", bare).strip()


def count_id(visit: str, moment_ms: int) -> str:
    """Id of the count of a visit at a moment, to the minute: two phones that count together meet on one record."""
    return str(uuid.uuid5(uuid.UUID(visit), f"count:{moment_ms // 60000}"))


def row_id(visit: str, section: str, count: str, name: str) -> str:
    """Id of a room (of a count), directive or notice (count empty) of a visit, from its folded name."""
    return str(uuid.uuid5(uuid.UUID(visit), f"row:{section}:{count}:{fold(name)}"))


def answer_id(visit: str, row: str, item: str) -> str:
    """Id of an answer: `visit/row/item`, row empty outside repeated sections."""
    return f"{visit}/{row}/{item}"


def finding_id(visit: str, row: str, item: str) -> str:
    """Id of the finding that a failed item becomes: two phones that write it down meet on one record."""
    return str(uuid.uuid5(uuid.UUID(visit), f"finding:{row}:{item}"))


def remediation_id(visit: str, about_kind: str, about: str) -> str:
    """Id of what became, at this visit, of an earlier finding, recommendation or notice."""
    return str(uuid.uuid5(uuid.UUID(visit), f"remediation:{about_kind}:{about}"))


def shared_recommendation_id(visit: str, shared: str) -> str:
    """Id of a visit's copy of a recommendation given to the whole round."""
    return str(uuid.uuid5(uuid.UUID(visit), f"recommendation:{shared}"))


def signature_id(visit: str, supplement: str, role: str, name: str) -> str:
    """Id of a person's signature under the minutes, or under a supplement to them; nobody signs twice."""
    return str(uuid.uuid5(uuid.UUID(visit), f"signature:{supplement}:{role}:{fold(name)}"))


def new_uuid7(now_ms: int, random_bytes: bytes) -> str:
    """A UUIDv7 (RFC 9562) from the time in ms and ten random bytes."""
    raw = bytearray(now_ms.to_bytes(6, "big") + random_bytes[:10])
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(raw)))


def uuid7_ms(id: str) -> int | None:
    """The time in ms that a UUIDv7 was made from; None for text that is none."""
    try:
        read = uuid.UUID(id)
    except ValueError:
        return None
    return read.int >> 80 if read.version == 7 else None
