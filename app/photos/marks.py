"""What an inspector draws on a photo, and how: lines and letters in pixels of the picture, the same for every client.

Every client inks the same `Stroke`s and `Letters` (Pillow natively, a canvas in the browser), so a mark looks alike whoever
draws it. Sizes follow the longer side of the photo: marks are as large on a small photo as on a large one.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from app.minutes.faces import Face, read_face

Point: TypeAlias = tuple[float, float]
"""(x, y) in pixels of the picture, from its upper left corner."""

INK, RIM = "#B00020", "#FFFFFF"
"""Red in a white rim: 7.6:1 between the two, so one of them stands out on whatever is photographed."""
BAND_GROUND, BAND_INK = "#16211F", "#FFFFFF"
WORDS_MOST = 60
"""Characters of a text put on a photo."""

FONT = "fonts/Roboto-Bold.ttf"
"""Below the folder of assets."""

_STROKES, _TEXTS, _BAND_TEXTS = 110, 24, 48
"""How many of them the longer side of a photo is long: the width of a line, the height of letters, those of the band."""
_RIM_SHARE, _HEAD, _HEAD_ANGLE = 0.4, 5.0, math.radians(30)
_CORNERS = 72
_LOWEST = 8.0
"""Height in pixels below which no text is shrunk to fit."""


@dataclass(frozen=True)
class Arrow:
    tail: Point
    head: Point


@dataclass(frozen=True)
class Ring:
    """An ellipse that fills the rectangle between two opposite corners."""

    corner: Point
    opposite: Point


@dataclass(frozen=True)
class Words:
    """One line of text around a point; moved where it would stick out, made smaller where it would not fit."""

    at: Point
    text: str


@dataclass(frozen=True)
class Cover:
    """A rectangle whose pixels are made unrecognisable: left, top, right, bottom; the latter two are outside."""

    box: tuple[int, int, int, int]


Mark: TypeAlias = Arrow | Ring | Words | Cover


@dataclass(frozen=True)
class Stroke:
    """A line through points with round ends and corners; its rim lies `rim` wide around it. Colours are #RRGGBB."""

    points: tuple[Point, ...]
    width: float
    rim: float
    ink: str = INK


@dataclass(frozen=True)
class Letters:
    """Letters, each with the x of its origin, on one baseline; `size` is the height of the font, `rim` 0 for none."""

    letters: tuple[tuple[str, float], ...]
    baseline: float
    size: float
    rim: float
    ink: str = INK


Drawing: TypeAlias = Sequence[Stroke | Letters]


@dataclass(frozen=True)
class Lettering:
    """The font of marks: measured by `face`, drawn from `file`."""

    face: Face
    file: bytes

    def missing(self, text: str) -> str:
        """Letters of the text that the font does not have, each once."""
        return "".join(dict.fromkeys(letter for letter in text if not self.face.glyph(letter)))

    def width(self, text: str, size: float) -> float:
        return self.face.width(text) * size / 1000

    def set(self, text: str, x: float, baseline: float, size: float, rim: float, ink: str) -> Letters:
        """The text from x on; letters stand side by side without kerning, which clients do differently."""
        placed = []
        for letter in text:
            placed.append((letter, x))
            x += self.width(letter, size)
        return Letters(tuple(placed), baseline, size, rim, ink)


@lru_cache(maxsize=1)
def load_lettering(assets: Path) -> Lettering:
    """The font below the folder of assets; read once. Raises OSError."""
    file = (assets / FONT).read_bytes()
    return Lettering(read_face("Roboto-Bold", file), file)


def one_line(text: str) -> str:
    """Typed text as it is drawn: NFC, white space between words one blank, at most WORDS_MOST characters."""
    return " ".join(unicodedata.normalize("NFC", text).split())[:WORDS_MOST].rstrip()


def is_worth_drawing(mark: Mark, width: int, height: int) -> bool:
    """Whether a drag was long enough to be meant; a tap of a finger is never quite still."""
    if isinstance(mark, Arrow):
        return math.dist(mark.tail, mark.head) >= 3 * thickness(width, height)
    if isinstance(mark, Ring):
        across, down = (abs(a - b) for a, b in zip(mark.corner, mark.opposite, strict=True))
        return min(across, down) >= 2 * thickness(width, height)
    return True


def thickness(width: int, height: int) -> float:
    """Of a line on a picture of this size."""
    return max(1.0, max(width, height) / _STROKES)


def drawing(marks: Sequence[Mark], width: int, height: int, lettering: Lettering) -> list[Stroke | Letters]:
    """What is inked on a picture of this size, in order; covers are not inked."""
    line = thickness(width, height)
    found: list[Stroke | Letters] = []
    for mark in marks:
        if isinstance(mark, Arrow):
            found.append(Stroke(_arrow(mark, line), line, line * _RIM_SHARE))
        elif isinstance(mark, Ring):
            found.append(Stroke(_ring(mark), line, line * _RIM_SHARE))
        elif isinstance(mark, Words):
            found.append(_words(mark, width, height, lettering))
    return found


def _arrow(arrow: Arrow, line: float) -> tuple[Point, ...]:
    """In one stroke, so that no rim cuts through it: the shaft, and out from its tip and back for both sides of the head."""
    (x, y), (tip_x, tip_y) = arrow.tail, arrow.head
    length = math.dist(arrow.tail, arrow.head)
    reach, towards = min(_HEAD * line, length / 2), math.atan2(y - tip_y, x - tip_x)
    barbs = [
        (tip_x + reach * math.cos(towards + turn), tip_y + reach * math.sin(towards + turn))
        for turn in (-_HEAD_ANGLE, _HEAD_ANGLE)
    ]
    return (arrow.tail, arrow.head, barbs[0], arrow.head, barbs[1])


def _ring(ring: Ring) -> tuple[Point, ...]:
    (left, top), (right, bottom) = ring.corner, ring.opposite
    x, y, across, down = (left + right) / 2, (top + bottom) / 2, abs(right - left) / 2, abs(bottom - top) / 2
    turns = [2 * math.pi * n / _CORNERS for n in range(_CORNERS + 1)]
    return tuple((x + across * math.cos(turn), y + down * math.sin(turn)) for turn in turns)


def _words(words: Words, width: int, height: int, lettering: Lettering) -> Letters:
    size = max(_LOWEST, max(width, height) / _TEXTS)
    edge = size / 4
    wide = lettering.width(words.text, size)
    if wide > width - 2 * edge:
        size = max(_LOWEST, size * (width - 2 * edge) / wide)
        wide = lettering.width(words.text, size)
    x = max(edge, min(words.at[0] - wide / 2, width - edge - wide))
    ascent, descent = (share * size / 1000 for share in (lettering.face.ascent, lettering.face.descent))
    middle = words.at[1] + (ascent + descent) / 2
    baseline = max(ascent, min(middle, height + descent))
    return lettering.set(words.text, x, baseline, size, size / 9, INK)


def band(lines: Sequence[str], width: int, height: int, lettering: Lettering) -> tuple[int, list[Letters]]:
    """(height in whole pixels, letters) of a band that goes below a picture of this size and says these lines.

    A line that is too long goes on in the next one, broken between words; a single word too long is made smaller.
    """
    size = max(_LOWEST, max(width, height) / _BAND_TEXTS)
    edge, step = size / 2, size * 1.25
    wrapped = [part for line in lines for part in _wrapped(line, width - 2 * edge, size, lettering)]
    letters = []
    for place, part in enumerate(wrapped):
        wide = lettering.width(part, size)
        fits = min(size, size * (width - 2 * edge) / wide) if wide else size
        baseline = height + edge + place * step + size * 0.9
        letters.append(lettering.set(part, edge, baseline, fits, 0.0, BAND_INK))
    return math.ceil(2 * edge + len(wrapped) * step), letters


def _wrapped(line: str, room: float, size: float, lettering: Lettering) -> list[str]:
    found: list[str] = []
    for word in line.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and lettering.width(longer, size) <= room:
            found[-1] = longer
        else:
            found.append(word)
    return found
