"""What a picture file says of itself before anything is decoded: its size, whether it is whole, its metadata.

Read here and not by a decoder, so that what is refused is the same everywhere and a picture of a billion pixels costs
nothing but its header.
"""

from typing import NamedTuple

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))
"""JPEG markers without a length: stuffed bytes, restarts, the start itself."""
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1


class Header(NamedTuple):
    """Pixels as stored (not turned upright), whether the file reaches its own end, its EXIF block (TIFF) or nothing."""

    width: int
    height: int
    is_whole: bool
    exif: bytes


def is_picture(raw: bytes) -> bool:
    """Whether it begins as a JPEG, PNG or WebP does."""
    return _is_jpeg(raw) or _is_png(raw) or _is_webp(raw)


def read_header(raw: bytes) -> Header | None:
    """The header of a JPEG, PNG or WebP; None when it is none or ends before it told its size. Never raises."""
    if _is_jpeg(raw):
        header = _jpeg(raw)
    elif _is_png(raw):
        header = _png(raw)
    elif _is_webp(raw):
        header = _webp(raw)
    else:
        header = None
    return header if header and header.width and header.height else None


def _is_jpeg(raw: bytes) -> bool:
    return raw[:3] == b"\xff\xd8\xff"


def _is_png(raw: bytes) -> bool:
    return raw[:8] == b"\x89PNG\r\n\x1a\n"


def _is_webp(raw: bytes) -> bool:
    return raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"


def _jpeg(raw: bytes) -> Header | None:
    at, exif, width, height = 2, b"", 0, 0
    while (at := raw.find(b"\xff", at)) >= 0 and at + 4 <= len(raw):
        code = raw[at + 1]
        if code == 0xFF or code in _ALONE:
            at += 1 if code == 0xFF else 2
            continue
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        body = raw[at + 4 : at + 2 + length]
        if code in (_SCAN, _END):
            # Within a scan FF is followed by 00 or a restart, so an end found from here on is the picture's own.
            return Header(width, height, code == _SCAN and raw.find(b"\xff\xd9", at) >= 0, exif)
        if code in _FRAMES and not width:
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        if code == _APP1 and not exif and body[:6] == b"Exif\0\0":
            exif = body[6:]
        at += 2 + max(length, 2)
    return Header(width, height, False, exif)


def _png(raw: bytes) -> Header | None:
    if raw[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    at, exif = 8, b""
    while at + 12 <= len(raw):
        length, name = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        if name == b"IEND":
            return Header(width, height, True, exif)
        if name == b"eXIf" and not exif:
            exif = raw[at + 8 : at + 8 + length]
        at += 12 + length
    return Header(width, height, False, exif)


def _webp(raw: bytes) -> Header | None:
    """The largest size its chunks claim: canvas and frame are told apart, and either could be the bomb."""
    at, exif, width, height = 12, b"", 0, 0
    while at + 8 <= len(raw):
        name, length = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        body = raw[at + 8 : at + 8 + length]
        told = (0, 0)
        if name == b"VP8X":
            told = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        elif name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
            told = int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        elif name == b"VP8L" and body[:1] == b"\x2f":
            bits = int.from_bytes(body[1:5], "little")
            told = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif name == b"EXIF" and not exif:
            exif = body.removeprefix(b"Exif\0\0")
        width, height = max((width, height), told, key=lambda size: size[0] * size[1])
        at += 8 + length + length % 2
    return Header(width, height, int.from_bytes(raw[4:8], "little") + 8 <= len(raw), exif)
