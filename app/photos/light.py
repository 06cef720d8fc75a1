"""Even light on a photographed board: every place as bright as if all its paper were of one white, its writing sharp.

A board hangs in the shade of its frame on one side and under a lamp on the other. OCR divides a photo into dark and light as a whole, and
so does an eye in the sun; brightness relative to the paper around is what both need. In whole numbers, the same on every client.
"""

from collections.abc import Callable
from typing import NamedTuple

CELL = 16
"""Side in pixels of the squares whose mean luma is looked at."""
AROUND = 2
"""Paper is the brightest of so many cells each way: of a place as wide as some lines of writing."""
DARKEST = 0.5
"""Of the brightest paper of the photo: what is darker all around is no paper but the board itself, and stays dark."""
BRIGHTEST = 0.95
"""Share of the cells that are no brighter than what counts as the brightest paper: lamps are."""
WHITE = 235
"""Luma that paper comes to."""
DIM = 100
"""Paper that was darker than this has become white with all the noise of a dark photo."""


class Finish(NamedTuple):
    """Each pixel comes to lie `by` times as far from the mean of those within `reach` of it: 0 softens, above 1 sharpens."""

    reach: int
    by: float


SHARPER, SOFTER = Finish(2, 1.8), Finish(1, 0.0)


def finish(white: bytes) -> Finish:
    """What writing needs whose paper was so bright before: dim photos are noisy, others a little out of focus, most of them."""
    return SOFTER if sorted(white)[len(white) // 2] < DIM else SHARPER


def paper(cells: bytes, across: int, down: int) -> bytes:
    """How bright the paper is in each of `across` times `down` cells, row by row, from their mean luma; 1 at least."""
    bright = _both_ways(cells, across, down, max)
    smooth = _both_ways(bright, across, down, _mean)
    least = max(1, int(DARKEST * sorted(smooth)[int(BRIGHTEST * (len(smooth) - 1))]))
    return bytes(max(least, light) for light in smooth)


def _mean(some: bytes) -> int:
    return (2 * sum(some) + len(some)) // (2 * len(some))


def _both_ways(cells: bytes, across: int, down: int, of: Callable[[bytes], int]) -> bytes:
    """`of` what lies AROUND each cell in its row, then of that in its column."""
    rows = [cells[at : at + across] for at in range(0, across * down, across)]
    rows = [bytes(of(row[max(0, x - AROUND) : x + AROUND + 1]) for x in range(across)) for row in rows]
    columns = [bytes(column) for column in zip(*rows, strict=True)]
    columns = [bytes(of(column[max(0, y - AROUND) : y + AROUND + 1]) for y in range(down)) for column in columns]
    return bytes(light for row in zip(*columns, strict=True) for light in row)
