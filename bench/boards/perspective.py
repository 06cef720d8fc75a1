"""How four points of one plane lie on another: a board as a camera at an angle sees it, and back."""

from collections.abc import Sequence

Point = tuple[float, float]
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
