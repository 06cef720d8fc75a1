"""The letters of paper: TrueType files read as far as a PDF needs them. Tinos is as wide, letter by letter, as Times New Roman.

Widths are whole thousandths of the size, as the PDF states them, so that what is measured here is what a reader draws.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

STYLES = ("Regular", "Bold", "Italic", "BoldItalic")
_EMBEDDED = ("glyf", "head", "hhea", "hmtx", "loca", "maxp")
"""Tables a reader of PDF asks of a TrueType font whose letters are named by number."""


@dataclass(frozen=True)
class Face:
    """One style. `glyphs` maps code points to glyph numbers, `widths` has each glyph's advance in thousandths."""

    name: str
    glyphs: Mapping[int, int]
    widths: tuple[int, ...]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int
    is_italic: bool
    tables: Mapping[str, bytes]
    """Of the font file, those that are embedded."""

    def glyph(self, letter: str) -> int:
        """Its glyph; 0, an empty box, for a letter the font does not have."""
        return self.glyphs.get(ord(letter), 0)

    def width(self, text: str) -> int:
        """Of a line, in thousandths of its size."""
        glyphs, widths = self.glyphs, self.widths
        return sum(widths[glyphs.get(ord(letter), 0)] for letter in text)

    def cut(self, wanted: Iterable[int]) -> tuple[bytes, dict[int, int]]:
        """A font file with these glyphs, their parts and the empty box alone, and each glyph's number in it."""
        tables = dict(self.tables)
        is_long = struct.unpack_from(">h", tables["head"], 50)[0]
        count = len(self.widths)
        places = struct.unpack_from(f">{count + 1}{'L' if is_long else 'H'}", tables["loca"])
        if not is_long:
            places = tuple(2 * place for place in places)
        drawings: dict[int, bytes] = {}
        waiting = [0, *wanted]
        while waiting:
            glyph = waiting.pop()
            if glyph not in drawings:
                drawings[glyph] = tables["glyf"][places[glyph] : places[glyph + 1]]
                waiting += [part for _, part in _parts(drawings[glyph])]
        numbers = {glyph: number for number, glyph in enumerate(sorted(drawings))}
        drawn, ends = b"", [0]
        for glyph in numbers:
            drawing = bytearray(drawings[glyph])
            for at, part in _parts(drawings[glyph]):
                struct.pack_into(">H", drawing, at, numbers[part])
            drawn += bytes(drawing) + bytes(-len(drawing) % 4)
            ends.append(len(drawn))
        measured = struct.unpack_from(">H", tables["hhea"], 34)[0]
        sizes = tables["hmtx"]

        def metric(glyph: int) -> bytes:
            if glyph < measured:
                return sizes[4 * glyph : 4 * glyph + 4]
            bearing = 4 * measured + 2 * (glyph - measured)
            return sizes[4 * measured - 4 : 4 * measured - 2] + sizes[bearing : bearing + 2]

        tables["glyf"] = drawn
        tables["loca"] = struct.pack(f">{len(ends)}L", *ends)
        tables["hmtx"] = b"".join(map(metric, numbers))
        tables["head"] = tables["head"][:50] + struct.pack(">h", 1) + tables["head"][52:]
        for tag, at in (("hhea", 34), ("maxp", 4)):
            tables[tag] = tables[tag][:at] + struct.pack(">H", len(numbers)) + tables[tag][at + 2 :]
        return _file(tables), numbers


def _parts(drawing: bytes) -> list[tuple[int, int]]:
    """(where its number stands, number) of each glyph that a drawing is put together from; none for a plain outline."""
    found: list[tuple[int, int]] = []
    if len(drawing) < 10 or struct.unpack_from(">h", drawing)[0] >= 0:
        return found
    at = 10
    while True:
        flags, part = struct.unpack_from(">HH", drawing, at)
        found.append((at + 2, part))
        at += 4 + (4 if flags & 0x0001 else 2)
        at += 2 if flags & 0x0008 else 4 if flags & 0x0040 else 8 if flags & 0x0080 else 0
        if not flags & 0x0020:
            return found


def read_face(name: str, data: bytes) -> Face:
    """A face from a TrueType file with a Unicode character map. Raises KeyError, ValueError or struct.error for another file."""
    tables = {}
    for place in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _, offset, length = struct.unpack_from(">4sLLL", data, 12 + 16 * place)
        tables[tag.decode("latin-1")] = data[offset : offset + length]
    head = tables["head"]
    unit = struct.unpack_from(">H", head, 18)[0]
    box = struct.unpack_from(">4h", head, 36)
    ascent, descent = struct.unpack_from(">2h", tables["hhea"], 4)
    measured = struct.unpack_from(">H", tables["hhea"], 34)[0]
    count = struct.unpack_from(">H", tables["maxp"], 4)[0]
    advances = [struct.unpack_from(">H", tables["hmtx"], 4 * glyph)[0] for glyph in range(measured)]
    advances += advances[-1:] * (count - measured)

    def thousandths(value: int) -> int:
        return (value * 2000 + unit) // (2 * unit)

    return Face(
        name,
        _characters(tables["cmap"]),
        tuple(thousandths(advance) for advance in advances),
        (thousandths(box[0]), thousandths(box[1]), thousandths(box[2]), thousandths(box[3])),
        thousandths(ascent),
        thousandths(descent),
        bool(struct.unpack_from(">H", head, 44)[0] & 2),
        {tag: tables[tag] for tag in _EMBEDDED},
    )


def _characters(cmap: bytes) -> dict[int, int]:
    """Code points → glyphs, from the map of the basic plane (format 4)."""
    for place in range(struct.unpack_from(">H", cmap, 2)[0]):
        platform, encoding, start = struct.unpack_from(">HHL", cmap, 4 + 8 * place)
        if (platform, encoding) == (3, 1) and struct.unpack_from(">H", cmap, start)[0] == 4:
            break
    else:
        raise ValueError("no character map of the basic plane")
    count = struct.unpack_from(">H", cmap, start + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", cmap, start + 14)
    firsts_at = start + 16 + 2 * count
    firsts = struct.unpack_from(f">{count}H", cmap, firsts_at)
    deltas = struct.unpack_from(f">{count}H", cmap, firsts_at + 2 * count)
    ranges_at = firsts_at + 4 * count
    ranges = struct.unpack_from(f">{count}H", cmap, ranges_at)
    found = {}
    for place, (first, end, delta, shift) in enumerate(zip(firsts, ends, deltas, ranges, strict=True)):
        for code in range(first, min(end, 0xFFFE) + 1):
            glyph = code
            if shift:
                glyph = struct.unpack_from(">H", cmap, ranges_at + 2 * place + shift + 2 * (code - first))[0]
                if not glyph:
                    continue
            glyph = (glyph + delta) & 0xFFFF
            if glyph:
                found[code] = glyph
    return found


def _file(tables: Mapping[str, bytes]) -> bytes:
    """A TrueType file of these tables, the same bytes for the same tables."""
    count = len(tables)
    step = count.bit_length() - 1
    head = struct.pack(">LHHHH", 0x00010000, count, 16 << step, step, 16 * (count - (1 << step)))
    offset, body, entries = 12 + 16 * count, b"", b""
    for tag in sorted(tables):
        content = tables[tag]
        if tag == "head":
            content = content[:8] + bytes(4) + content[12:]  # the sum over the whole file, put in below
        padded = content + bytes(-len(content) % 4)
        entries += struct.pack(">4sLLL", tag.encode(), _sum(padded), offset + len(body), len(content))
        if tag == "head":
            sum_at = offset + len(body) + 8
        body += padded
    whole = head + entries + body
    return whole[:sum_at] + struct.pack(">L", (0xB1B0AFBA - _sum(whole)) & 0xFFFFFFFF) + whole[sum_at + 4 :]


def _sum(padded: bytes) -> int:
    return sum(struct.unpack(f">{len(padded) // 4}L", padded)) & 0xFFFFFFFF


@lru_cache(maxsize=1)
def load_faces(folder: Path) -> dict[str, Face]:
    """The four styles from the fonts in `folder` (…/assets/fonts), by style; read once. Raises OSError."""
    return {style: read_face(f"Tinos-{style}", (folder / f"Tinos-{style}.ttf").read_bytes()) for style in STYLES}
