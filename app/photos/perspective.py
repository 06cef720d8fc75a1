"""How four points of one plane lie on another: a board as a camera at an angle sees it, and back."""

import math
from collections.abc import Sequence

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""Of a board, clockwise from its upper left, in pixels from the upper left corner of the picture."""
Warp = tuple[float, float, float, float, float, float, float, float]
"""(a, b, c, d, e, f, g, h): (x, y) lies at ((ax + by + c) / (gx + hy + 1), (dx + ey + f) / (gx + hy + 1))."""


def warp_between(places: Sequence[Point], onto: Sequence[Point]) -> Warp:
    """The warp that takes each of four places onto its partner. Raises ValueError when three of them lie on a line."""
    rows = []
    for (x, y), (u, v) in zip(places, onto, strict=True):
        rows.append([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u])
        rows.append([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v])
    for at in range(8):
        best = max(range(at, 8), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        head = rows[at][at]
        if abs(head) < 1e-9:
            raise ValueError("three of the four corners lie on a line")
        rows[at] = [value / head for value in rows[at]]
        for other in range(8):
            if other != at and (factor := rows[other][at]):
                rows[other] = [mine - factor * his for mine, his in zip(rows[other], rows[at], strict=True)]
    a, b, c, d, e, f, g, h = (row[8] for row in rows)
    return a, b, c, d, e, f, g, h


def warped(point: Point, warp: Warp) -> Point:
    (x, y), (a, b, c, d, e, f, g, h) = point, warp
    below = g * x + h * y + 1
    return (a * x + b * y + c) / below, (d * x + e * y + f) / below


ENLARGED = 1.25
"""A straightened board is drawn so many times larger than it was, where there is room: fewer letters are lost (bench/README.md)."""


def flat_size(corners: Corners, most: int) -> tuple[int, int]:
    """(width, height) of a board seen from the front: ENLARGED from its longer sides, but none longer than `most`; 1 at least."""
    one, two, three, four = corners
    width = max(math.dist(one, two), math.dist(four, three))
    height = max(math.dist(one, four), math.dist(two, three))
    scale = min(ENLARGED, most / max(width, height, 1.0))
    return max(1, round(width * scale)), max(1, round(height * scale))


def upright(width: float, height: float) -> Corners:
    """The corners of a picture."""
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def from_flat(corners: Corners, size: tuple[int, int]) -> Warp:
    """Where each place of the board seen from the front lies in the picture. Raises ValueError when that is no board's shape."""
    return warp_between(upright(*size), corners)


def is_board_shape(corners: Corners) -> bool:
    """Whether they go round clockwise without a bend inwards, so that something can be seen from the front."""
    turns = zip(corners, (*corners[1:], corners[0]), (*corners[2:], *corners[:2]), strict=True)
    return all((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]) > 1 for a, b, c in turns)


LEANS_FROM = 0.06
"""Of a side, what it leans from upright or level by: about three and a half degrees."""


def is_tilted(corners: Corners) -> bool:
    """Whether the board was photographed clearly from the side, so that it is worth straightening."""
    one, two, three, four = corners
    leans = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in ((one, two), (four, three))]
    leans += [(b[0] - a[0]) / (b[1] - a[1]) for a, b in ((one, four), (two, three))]
    return max(map(abs, leans)) > LEANS_FROM
