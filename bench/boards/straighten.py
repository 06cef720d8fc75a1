"""Boards photographed from the side: are their corners found, and are they read better once straightened by them?

Both as the phone does it just after the photo was taken: corners found on the photo it keeps, the board straightened by them as the
camera saw it. `python -m bench.boards straighten` measures this alone.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from app.photos.perspective import Corners, upright, warp_between, warped
from app.photos.pillow import PillowPictures
from app.photos.prepare import PreparedPhoto, board_corners, is_worth_straightening, prepare, straightened
from bench.boards.draw import Line, draw
from bench.boards.read import accuracy, words_read

SOME = 0.2
"""Share of letters below which what Tesseract reads is chance."""
ENOUGH = 0.02
"""Of the picture's width: what corners may be off by."""


@dataclass(frozen=True)
class Straightening:
    """`error` is the mean distance of the four corners found from the true ones as a share of the picture's width, None where no board
    was found; `before` and `after` are the shares of characters read (0 to 1) of the photo as kept, and of it straightened by the
    corners found, whether the phone offers that or not (`is_offered`), in as much time as `seconds` says for finding and straightening together."""

    seed: int
    done: str
    is_offered: bool
    error: float | None
    before: float
    after: float
    before_bytes: int
    after_bytes: int
    seconds: float


def straighten(seed: int) -> Straightening:
    board = draw(seed)
    kept = asyncio.run(prepare(board.data, PillowPictures()))
    scale = kept.width / board.width
    one, two, three, four = ((x * scale, y * scale) for x, y in board.corners)
    true: Corners = (one, two, three, four)
    lines = [Line(line.text, tuple((x * scale, y * scale) for x, y in line.box)) for line in board.lines]
    before = accuracy(lines, words_read(kept.data))
    began = time.perf_counter()
    found = asyncio.run(board_corners(kept.data, PillowPictures()))
    flat = asyncio.run(straightened(kept.data, found, PillowPictures(), board.data)) if found else None
    seconds = time.perf_counter() - began
    return Straightening(
        seed=seed,
        done=board.done,
        is_offered=asyncio.run(is_worth_straightening(kept, PillowPictures())),
        error=mean(map(math.dist, found, true)) / kept.width if found else None,
        before=before,
        after=_read(lines, flat, found) if found and flat else before,
        before_bytes=len(kept.data),
        after_bytes=len(flat.data) if flat else len(kept.data),
        seconds=seconds,
    )


def _read(lines: Sequence[Line], flat: PreparedPhoto, corners: Corners) -> float:
    """What is read of a straightened photo, whose lines lie where its corners took them."""
    onto = warp_between(corners, upright(flat.width, flat.height))
    return accuracy(
        [Line(line.text, tuple(warped(point, onto) for point in line.box)) for line in lines], words_read(flat.data)
    )


def tell(boards: Sequence[Straightening]) -> None:
    """In words, on the terminal."""
    errors = sorted(board.error for board in boards if board.error is not None)
    well = sum(error <= ENOUGH for error in errors) / len(boards)
    print(f"{len(boards)} boards photographed from the side")
    print(
        f"  corners off by at most {ENOUGH:.0%} of the width in {well:.1%}; no board found in {len(boards) - len(errors)}"
    )
    print(f"    mean {mean(errors):.2%}, median {median(errors):.2%}, worst {errors[-1]:.2%}")
    gains = [board.after - board.before for board in boards]
    print(
        f"  read better or equal after straightening, whatever the phone offers   {mean(gain >= 0 for gain in gains):.1%}   goal 95 %"
    )
    print(f"    within 1 point {mean(gain >= -0.01 for gain in gains):.1%}, mean gain {100 * mean(gains):+.1f} points")
    offered = [board for board in boards if board.is_offered]
    share = mean(board.after >= board.before for board in offered)
    without = mean(not board.is_offered or board.after >= board.before for board in boards)
    print(f"    of the {len(offered)} that the phone offers to straighten: {share:.1%}")
    print(f"    of all, the others left as they are: {without:.1%}   goal 95 %")
    could = [board for board in boards if max(board.before, board.after) >= SOME]
    share = mean(board.after >= board.before for board in could)
    print(f"    of the {len(could)} of which a fifth of the letters or more are read, before or after: {share:.1%}")
    sizes = [median(getattr(board, f"{which}_bytes") for board in boards) / 1000 for which in ("before", "after")]
    print(f"  median size {sizes[0]:.0f} kB before, {sizes[1]:.0f} kB after")
    print(f"  found and straightened in {median(board.seconds for board in boards):.2f} s (median)")
