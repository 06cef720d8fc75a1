"""One board through everything: what is read of it, what the phone says of it, what the phone keeps of it."""

import asyncio
import io
import math
from dataclasses import dataclass

from PIL import Image

from app.photos.judge import verdict
from app.photos.perspective import warp_between, warped
from app.photos.pillow import PillowPictures
from app.photos.prepare import prepare
from bench.boards.draw import Board, Line, draw
from bench.boards.read import accuracy, words_read

PEER_SIDE, PEER_QUALITY = 1024, 70
"""A peer's fixed rule for every photo."""
WELL = 0.95
"""Share of its characters from which a board counts as read."""


@dataclass(frozen=True)
class Measurement:
    """Shares of characters read (0 to 1): of the picture as taken; where that did not go well, of it laid flat by its known
    corners; of what the phone keeps; of what the peer's rule keeps. Sizes in bytes."""

    seed: int
    done: str
    is_tilted: bool
    taken: float
    flat: float
    kept: float
    peer: float
    taken_bytes: int
    kept_bytes: int
    peer_bytes: int
    is_legible: bool
    said: str

    @property
    def is_readable(self) -> bool:
        """Whether 95 % of its characters can be read, as taken or laid flat: a slanted line troubles Tesseract, not the eye."""
        return max(self.taken, self.flat) >= WELL


def measure(seed: int) -> Measurement:
    board = draw(seed)
    photo = asyncio.run(prepare(board.data, PillowPictures()))
    said = verdict(photo.sharpness, photo.brightness, photo.regions)
    peer = _peers(board.data)
    taken = accuracy(board.lines, words_read(board.data))
    return Measurement(
        seed=seed,
        done=board.done,
        is_tilted=board.is_tilted,
        taken=taken,
        flat=taken if taken >= WELL else _flat(board),
        kept=_scaled(board, photo.data, photo.width),
        peer=_scaled(board, peer, Image.open(io.BytesIO(peer)).width),
        taken_bytes=len(board.data),
        kept_bytes=len(photo.data),
        peer_bytes=len(peer),
        is_legible=said.is_legible is True,
        said=said.message_vi,
    )


def _scaled(board: Board, data: bytes, width: int) -> float:
    scale = width / board.width
    lines = [Line(line.text, tuple((x * scale, y * scale) for x, y in line.box)) for line in board.lines]
    return accuracy(lines, words_read(data))


def _peers(data: bytes) -> bytes:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.thumbnail((PEER_SIDE, PEER_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=PEER_QUALITY)
    return out.getvalue()


def _flat(board: Board) -> float:
    one, two, three, four = board.corners
    width = round(max(math.dist(one, two), math.dist(four, three)))
    height = round(max(math.dist(one, four), math.dist(two, three)))
    edges = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    onto, back = warp_between(board.corners, edges), warp_between(edges, board.corners)
    image = Image.open(io.BytesIO(board.data)).convert("RGB")
    flat = image.transform((width, height), Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    flat.save(out, "PNG")
    lines = [Line(line.text, tuple(warped(point, onto) for point in line.box)) for line in board.lines]
    return accuracy(lines, words_read(out.getvalue()))
