"""What Tesseract reads of a picture, line by line of what is known to stand there."""

import os
import subprocess
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from app.photos.perspective import Point
from bench.boards.draw import Line


class Word(NamedTuple):
    text: str
    left: int
    top: int
    width: int
    height: int


def words_read(data: bytes) -> list[Word]:
    """Every word Tesseract finds in a JPEG or PNG, with its box. Raises CalledProcessError, or OSError without Tesseract."""
    asked = subprocess.run(
        ["tesseract", "stdin", "stdout", "-l", "vie", "--psm", "11", "--dpi", "150", "tsv"],
        input=data, capture_output=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )  # fmt: skip
    found = []
    for row in asked.stdout.decode().splitlines()[1:]:
        cells = row.split("\t")
        if cells[0] == "5" and cells[11].strip():
            left, top, width, height = map(int, cells[6:10])
            found.append(Word(unicodedata.normalize("NFC", cells[11].strip()), left, top, width, height))
    return found


def accuracy(lines: Sequence[Line], words: Sequence[Word]) -> float:
    """Share of the lines' characters that were read, 0 to 1: one less the edit distance of each line to the words on it."""
    wrong = letters = 0
    for line in lines:
        on_it = sorted((w for w in words if _holds(line.box, w)), key=lambda word: word.left)
        wrong += min(len(line.text), edits(line.text, " ".join(word.text for word in on_it)))
        letters += len(line.text)
    return 1 - wrong / letters if letters else 1.0


def _holds(box: Sequence[Point], word: Word) -> bool:
    """Whether the middle of the word lies in the line's box, clockwise in pixels."""
    x, y = word.left + word.width / 2, word.top + word.height / 2
    sides = zip(box, [*box[1:], box[0]], strict=True)
    return all((bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0 for (ax, ay), (bx, by) in sides)


def edits(one: str, other: str) -> int:
    """Letters to put in, take out or change to make one of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for at, his in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != his))
    return row[-1]
