"""The four corners of a board in a photo: where it ends and the wall begins, found in a small grey picture.

Straight edges are gathered that run roughly across or roughly down (a Hough transform); of all four-sided shapes they make, that
one is the board whose sides are edges all along and end at its corners. Each side is then moved out to the last edge that lies
there, however faint: boards have frames, and sheets lie within. Pure Python over bytes, the same in the browser and natively.
Tuned on drawn boards (`bench/boards`, seeds 0 to 299; what writing counts also on 5000 to 5299 and 6000 to 6299), never on those
that the result is measured on.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, combinations
from typing import NamedTuple

from app.photos.perspective import Corners, Point

GREY_SIDE = 320
"""Longest side, in pixels, of the picture that corners are looked for in."""
SMALLEST = 32
"""Side in pixels below which nothing is looked for."""
LIGHT = [48 * math.log2((luma + 10) / 10) for luma in range(256)]
"""Luma so that one share of light is one step, in the sun and in a dark corridor; the darkest steps less, which are noise."""
CRISP, FEEBLEST = 2.5, 4.0
"""An edge changes by so many times what the picture typically does, and by so many steps of LIGHT over two pixels at least."""
LEAN_MOST = 0.8
"""What is steeper than that is gathered as running the other way."""
SLOPE, SLOPES, DOUBT = 0.02, 32, 6
"""Lines are looked for in so many steps of slope either way; a spot may belong to lines so many steps from its own slope."""
LINES, APART = 18, 2.5
"""So many lines each way are tried as sides; lines as close to each other at both rims, in pixels, are one."""
LEAST_SIDE = 0.25
"""A board takes up that share of the picture at least, across and down."""
LEAST_SHARE, GAP, BEYOND, REACH = 0.35, 1.5, 0.6, 0.1
"""A side has an edge along that share of it at least; where it has none counts so many times against it, and so does the edge going
on beyond its ends (a skirting, a sheet beside others), looked at over that share of the picture."""
OUTWARD, INWARD, BONUS, FAINT = 7, 2, 0.04, 0.4
"""Frames are at most so many pixels wide; farther out counts by that share of a side a pixel; a change below FAINT is none."""
CAP = 6.0
"""Steps of LIGHT: changes above that count as that, or writing and lamps would draw a side to them."""
SAMPLES = 80
"""Places along a side that are looked at."""
LEFT_OUT = 600.0
"""Pixels of a side that it weighs when all of the writing lies beyond it: a lamp hides a side, and a sheet's edge is taken for it."""

Writing = tuple[float, float, float]
"""(x, y, share): so much of all that is written stands there, 0 to 1."""


class _Line(NamedTuple):
    """y = `middle` + `slope` * (x - half the width); `before[x]` pixels left of x have an edge under it.

    `above` and `below` are the shares of the writing there, 0 to 1.
    """

    middle: float
    slope: float
    before: Sequence[int] = ()
    above: float = 0.0
    below: float = 0.0


class _Edges(NamedTuple):
    """Where a picture changes most downwards: `spots` are (x, y, slope of the edge there), `near` is 1 there, above and below,
    `change` how much it changes, row by row."""

    width: int
    height: int
    spots: list[tuple[int, int, float]]
    near: bytearray
    change: list[list[float]]

    @property
    def half(self) -> float:
        return (self.width - 1) / 2


_Sides = tuple[_Line, _Line, _Line, _Line]
"""Upper, lower, left and right; the last two in the picture turned over its diagonal."""


async def corners_in(grey: bytes, width: int, height: int, writing: Sequence[Writing] = ()) -> Corners | None:
    """The board's corners in a picture of that many bytes of luma, in its pixels; None where no board is to be seen.

    The `writing` is taken to hang on the board: leaving some of it out speaks against a shape. In slices, since it takes a fifth of
    a second and several times that in a browser. Raises ValueError for a wrong number of bytes.
    """
    if len(grey) != width * height:
        raise ValueError(f"{len(grey)} bytes are no {width} by {height} pixels")
    if min(width, height) < SMALLEST:
        return None
    rows = [[LIGHT[luma] for luma in grey[at : at + width]] for at in range(0, len(grey), width)]
    across = _edges(rows)
    await asyncio.sleep(0)
    down = _edges([list(column) for column in zip(*rows, strict=True)])
    await asyncio.sleep(0)
    tops = _lines(across, writing)
    await asyncio.sleep(0)
    lefts = _lines(down, [(y, x, share) for x, y, share in writing])
    await asyncio.sleep(0)
    sides = _sides(across, tops, down, lefts)
    if sides is None:
        return None
    await asyncio.sleep(0)
    one, two, three, four = _corners(sides, across, down)
    upper = _outermost(across, sides[0], one[0], two[0], -1)
    lower = _outermost(across, sides[1], four[0], three[0], 1)
    await asyncio.sleep(0)
    left = _outermost(down, sides[2], one[1], four[1], -1)
    right = _outermost(down, sides[3], two[1], three[1], 1)
    return _corners((upper, lower, left, right), across, down)


def _edges(rows: list[list[float]]) -> _Edges:
    height, width = len(rows), len(rows[0])
    smooth = [
        [row[0], *((a + 2 * b + c) / 4 for a, b, c in zip(row, row[1:], row[2:], strict=False)), row[-1]]
        for row in rows
    ]
    still = [0.0] * width
    change = [
        still,
        *([b - a for a, b in zip(up, low, strict=True)] for up, low in zip(smooth, smooth[2:], strict=False)),
        still,
    ]
    sizes = [[abs(step) for step in line] for line in change]
    some = sorted(size for line in sizes[1:-1:3] for size in line[::3])
    least = max(FEEBLEST, CRISP * some[len(some) // 2])
    spots, near = [], bytearray(width * height)
    for y in range(2, height - 2):
        up, low, above, row, below = sizes[y - 1], sizes[y + 1], rows[y - 1], rows[y], rows[y + 1]
        for x, size in enumerate(sizes[y]):
            if size < least or size < up[x] or size <= low[x] or not 1 < x < width - 2:
                continue
            aside = above[x + 1] - above[x - 1] + 2 * (row[x + 1] - row[x - 1]) + below[x + 1] - below[x - 1]
            slope = -aside / 4 / change[y][x]
            if abs(slope) < LEAN_MOST:
                spots.append((x, y, slope))
                at = y * width + x
                near[at - width] = near[at] = near[at + width] = 1
    return _Edges(width, height, spots, near, change)


def _lines(edges: _Edges, writing: Sequence[Writing]) -> list[_Line]:
    """The lines that most spots lie on, from above."""
    votes: defaultdict[tuple[int, int], int] = defaultdict(int)
    half = edges.half
    for x, y, slope in edges.spots:
        own, off = round(slope / SLOPE), (x - half) * SLOPE
        for step in range(max(-SLOPES, own - DOUBT), min(SLOPES, own + DOUBT) + 1):
            votes[step, round(y - step * off)] += 1
    written = sum(share for _, _, share in writing)
    at_rims: list[tuple[float, float]] = []
    lines: list[_Line] = []
    for (step, middle), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0])):
        slope = step * SLOPE
        left, right = middle - slope * half, middle + slope * half
        if any(abs(left - his) < APART and abs(right - hers) < APART for his, hers in at_rims):
            continue
        at_rims.append((left, right))
        under = (int(left + 0.5 + slope * x) for x in range(edges.width))
        places = (y * edges.width + x if 0 <= y < edges.height else -1 for x, y in enumerate(under))
        before = list(accumulate((edges.near[at] if at >= 0 else 0 for at in places), initial=0))
        above = sum(share for x, y, share in writing if y < middle + slope * (x - half))
        lines.append(_Line(float(middle), slope, before, above, written - above))
        if len(lines) == LINES:
            break
    return sorted(lines)


def _sides(across: _Edges, tops: Sequence[_Line], down: _Edges, lefts: Sequence[_Line]) -> _Sides | None:
    """The sides of the shape that looks most like a board; None where none does."""
    width, height = across.width, across.height
    wide, high = LEAST_SIDE * width, LEAST_SIDE * height
    rim = 0.02 * max(width, height)
    meets = {(n, m): _meeting(top, left, across, down) for n, top in enumerate(tops) for m, left in enumerate(lefts)}
    within = {place for place, (x, y) in meets.items() if -rim <= x < width + rim and -rim <= y < height + rim}
    best, most = None, 0.0
    for n, o in combinations(range(len(tops)), 2):
        for m, k in combinations(range(len(lefts)), 2):
            if not within.issuperset(((n, m), (n, k), (o, k), (o, m))):
                continue
            one, two, three, four = meets[n, m], meets[n, k], meets[o, k], meets[o, m]
            if min(two[0] - one[0], three[0] - four[0]) < wide or min(four[1] - one[1], three[1] - two[1]) < high:
                continue
            worth = (
                _worth(tops[n], one[0], two[0])
                + _worth(tops[o], four[0], three[0])
                + _worth(lefts[m], one[1], four[1])
                + _worth(lefts[k], two[1], three[1])
                - LEFT_OUT * (tops[n].above + tops[o].below + lefts[m].above + lefts[k].below)
            )
            if worth > most:
                best, most = (tops[n], tops[o], lefts[m], lefts[k]), worth
    return best


def _worth(line: _Line, start: float, end: float) -> float:
    """What speaks for this side from x to x, in pixels; that none of it is an edge outweighs all others."""
    before, last = line.before, len(line.before) - 1
    first, end_at = max(0, round(start)), min(last, round(end))
    length, there = end_at - first, before[end_at] - before[first]
    if there < LEAST_SHARE * length:
        return -math.inf
    reach = round(REACH * last)
    ahead, behind = max(0, first - 3), min(last, end_at + 3)
    beyond = before[ahead] - before[max(0, ahead - reach)] + before[min(last, behind + reach)] - before[behind]
    return there - GAP * (length - there) - BEYOND * beyond


def _outermost(edges: _Edges, line: _Line, start: float, end: float, outward: int) -> _Line:
    """The farthest edge beside this side from x to x, `outward` 1 being downwards: first to the pixel, then in between."""
    first, last = max(0, round(start) + 2), min(edges.width - 1, round(end) - 2)
    length = last - first
    xs = range(first, last + 1, max(1, length // SAMPLES))
    ends = tuple(line.middle + line.slope * (x - edges.half) for x in (first, last))
    away = range(-INWARD, OUTWARD + 1)
    tried = [
        (ends[0] + outward * d, ends[1] + outward * e, BONUS * (d + e) / 2)
        for d in away
        for e in away
        if abs(d - e) <= 3
    ]
    lowest = edges.height - 1
    tried = [there for there in tried if 0 <= there[0] < lowest and 0 <= there[1] < lowest]
    if not tried:
        return line
    chosen, most = ends, -1.0
    for y, to, bonus in tried:
        lean = (to - y) / length
        seen = [edges.change[int(y + 0.5 + lean * (x - first))][x] for x in xs]
        share = abs(sum(step > FAINT for step in seen) - sum(step < -FAINT for step in seen)) / len(seen) + bonus
        if share > most:
            chosen, most = (y, to), share
    around = [step / 2 for step in range(-4, 5)]
    near = [(chosen[0] + d, chosen[1] + e) for d in around for e in around]
    near = [there for there in near if 0 <= there[0] < lowest and 0 <= there[1] < lowest]
    y, to = max(near, key=lambda there: abs(_change_along(edges, xs, there[0], (there[1] - there[0]) / length)))
    slope = (to - y) / length
    return _fitted(edges, y + slope * (edges.half - first), slope, first, last)


def _change_along(edges: _Edges, xs: range, y: float, lean: float) -> float:
    total = 0.0
    for x in xs:
        whole = int(y)
        part = y - whole
        step = edges.change[whole][x] * (1 - part) + edges.change[whole + 1][x] * part
        total += max(-CAP, min(CAP, step))
        y += lean * xs.step
    return total


def _fitted(edges: _Edges, middle: float, slope: float, first: int, last: int) -> _Line:
    """The line through the spots beside it, by least squares, to parts of a pixel; as it is where they are few."""
    half = edges.half
    for within in (2.0, 1.2, 1.0):
        beside = []
        for x, y, lean in edges.spots:
            off = middle + slope * (x - half)
            if first <= x <= last and abs(y - off) <= within + 0.5 and abs(lean - slope) < 0.35:
                up, here, low = (abs(edges.change[at][x]) for at in (y - 1, y, y + 1))
                bend = 2 * here - up - low
                place = y + ((low - up) / (2 * bend) if bend > 0 else 0.0)
                if abs(place - off) <= within:
                    beside.append((x - half, place))
        if len(beside) < 0.4 * (last - first):
            break
        many = len(beside)
        at_x, at_y = sum(x for x, _ in beside) / many, sum(y for _, y in beside) / many
        slope = sum((x - at_x) * (y - at_y) for x, y in beside) / sum((x - at_x) ** 2 for x, _ in beside)
        middle = at_y - slope * at_x
    return _Line(middle, slope)


def _corners(sides: _Sides, across: _Edges, down: _Edges) -> Corners:
    """Where they meet, within the picture."""
    upper, lower, left, right = sides
    inside = []
    for line, other in ((upper, left), (upper, right), (lower, right), (lower, left)):
        x, y = _meeting(line, other, across, down)
        inside.append((min(max(x, 0.0), across.width - 1.0), min(max(y, 0.0), across.height - 1.0)))
    one, two, three, four = inside
    return one, two, three, four


def _meeting(line: _Line, other: _Line, across: _Edges, down: _Edges) -> Point:
    """Where a line across meets one down."""
    x = other.middle + other.slope * (line.middle - line.slope * across.half - down.half)
    x /= 1 - line.slope * other.slope
    return x, line.middle + line.slope * (x - across.half)
