"""When a photo was taken, from its EXIF block: three tags of two lists, read without any library.

A reader of everything EXIF can hold follows offsets and counts that a damaged file made up; this one looks at no more than
two lists of at most 65,535 entries and at the few bytes of the times.
"""

import struct
from datetime import UTC, datetime, timedelta, timezone

from app.records import TIME_ZONE_HOURS

_EXIF_LIST, _TEXT = 0x8769, 2
_TAKEN = ((0x9003, 0x9011, 0x9291), (0x9004, 0x9012, 0x9292))
"""Tags of time, UTC offset and fraction of a second: when taken, else when digitised."""
_LONGEST = 64
"""Bytes of the longest text looked at; a time has 20."""


def taken_at(exif: bytes) -> int | None:
    """When the camera says it was taken, ms UTC; +07:00 when it does not say where it was. None when it says nothing."""
    facts = _facts(exif)
    for time_tag, offset_tag, fraction_tag in _TAKEN:
        try:
            local = datetime.strptime(facts.get(time_tag, ""), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        fraction = facts.get(fraction_tag, "")
        ms = int(fraction[:3].ljust(3, "0")) if fraction.isascii() and fraction.isdigit() else 0
        taken = local.replace(tzinfo=_zone(facts.get(offset_tag, "")))
        return round(taken.timestamp()) * 1000 + ms
    return None


def _facts(tiff: bytes) -> dict[int, str]:
    """Texts of the tags above, as far as the block can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4], "")
    if not order:
        return {}
    wanted = {tag for tags in _TAKEN for tag in tags}
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        for tag, _, _, value in _entries(tiff, order, first):
            if tag == _EXIF_LIST:
                (facts,) = struct.unpack(f"{order}I", value)
                return {
                    tag: _text(tiff, order, count, value)
                    for tag, kind, count, value in _entries(tiff, order, facts)
                    if tag in wanted and kind == _TEXT and count <= _LONGEST
                }
    except struct.error:
        return {}  # a list begins beyond the block
    return {}


def _entries(tiff: bytes, order: str, at: int) -> list[tuple[int, int, int, bytes]]:
    """(tag, kind, count, four bytes of value or offset) of a list; of a list cut short what is there."""
    (number,) = struct.unpack_from(f"{order}H", tiff, at)
    places = range(at + 2, min(at + 2 + 12 * number, len(tiff) - 11), 12)
    return [struct.unpack_from(f"{order}HHI4s", tiff, place) for place in places]


def _text(tiff: bytes, order: str, count: int, value: bytes) -> str:
    if count > 4:
        (at,) = struct.unpack(f"{order}I", value)
        value = tiff[at : at + count]
    return value[:count].decode("latin-1").strip("\0 ")


def _zone(offset: str) -> timezone:
    """`+09:00` as a zone; Viet Nam's when it says nothing or nonsense."""
    try:
        given = datetime.strptime(offset, "%z").utcoffset()
    except ValueError:
        given = None
    if given is None:
        return timezone(timedelta(hours=TIME_ZONE_HOURS))
    return timezone(given) if given else UTC
