"""Picture files for the stories of photos: as cameras make them, as they break, as nobody should send them."""

import asyncio
import io
import struct
import zlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from PIL import Image, ImageDraw

from app.photos.pillow import PillowPictures
from app.photos.prepare import PreparedPhoto, prepare

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
T = TypeVar("T")
_ASIDE = ThreadPoolExecutor(1)


def aside(work: Coroutine[Any, Any, T]) -> T:
    """What the work gives, done in a thread of its own: Playwright has an event loop in this one."""
    return _ASIDE.submit(asyncio.run, work).result()


def natively(raw: bytes) -> PreparedPhoto:
    """Prepared as the app does it with Pillow; to be called from anywhere, also while an event loop runs."""
    return aside(prepare(raw, PillowPictures()))


def notice_board(width: int = 2400, height: int = 1800) -> Image.Image:
    """A notice board with a red upper left corner, so that turning it the wrong way shows."""
    board = Image.new("RGB", (width, height), (205, 200, 190))
    draw = ImageDraw.Draw(board)
    for line in range(20, height, 60):
        draw.text((20, line), "LỊCH TIẾP CÔNG DÂN – thứ Hai, thứ Năm hằng tuần " * 4, fill=(20, 20, 40), font_size=36)
    draw.rectangle((0, 0, width // 4, height // 4), fill=(220, 0, 0))
    return board


def as_file(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def camera_exif(
    orientation: int = 1, taken: str | None = "2026:11:20 07:52:10", offset: str | None = None
) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PhoneMaker"
    facts = exif.get_ifd(EXIF_IFD)
    if taken:
        facts[0x9003] = taken
        facts[0x9291] = "25"
    if offset:
        facts[0x9011] = offset
    exif.get_ifd(GPS_IFD)[1] = "N"
    exif.get_ifd(GPS_IFD)[2] = (19.0, 15.0, 30.0)
    return exif


def held(orientation: int) -> bytes:
    """The board as a phone held in one of the eight ways of EXIF writes it, 800×600 once it stands upright."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    board = notice_board(800, 600)
    as_sensed = board.transpose(turns[orientation]) if orientation in turns else board
    return as_file(as_sensed, exif=camera_exif(orientation))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def corner_is_red(image: Image.Image) -> bool:
    red, green, _ = image.convert("RGB").getpixel((image.width // 10, image.height // 10))  # type: ignore[misc]
    return bool(red > 170 and green < 70)


def hundred_megapixels_png() -> bytes:
    """The header of a 10,000 × 10,000 PNG; if anyone decoded it, it would be truncated instead."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


def webp_that_says(width: int, height: int) -> bytes:
    """A real WebP whose canvas claims another size than its frame."""
    raw = bytearray(as_file(notice_board(64, 64), "WEBP", exif=camera_exif()))
    canvas = raw.index(b"VP8X") + 12
    raw[canvas : canvas + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(raw)


def jpeg_that_says(width: int, height: int) -> bytes:
    """A real JPEG whose frame header claims another size."""
    raw = bytearray(as_file(notice_board(64, 64)))
    frame = raw.index(b"\xff\xc0")
    raw[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(raw)


BOARD = as_file(notice_board(800, 600))


REFUSED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("not-an-image", b"PK\x03\x04 a spreadsheet called photo.jpg" * 50),
    ("not-an-image", b"\0"),
    ("not-an-image", as_file(Image.new("RGB", (40, 40)), "GIF")),
    ("truncated", BOARD[: len(BOARD) // 2]),
    ("truncated", BOARD[:20]),
    ("truncated", as_file(notice_board(300, 200), "PNG")[:-2000]),
    ("truncated", as_file(notice_board(300, 200), "WEBP")[:-500]),
    ("too-many-pixels", hundred_megapixels_png()),
    ("too-many-pixels", jpeg_that_says(10_000, 10_000)),
    ("too-many-pixels", webp_that_says(16_000, 16_000)),
    ("too-many-pixels", jpeg_that_says(60_000, 60_000)),
    ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 500),
    ("heic", b"\0\0\0\x1cftypmif1\0\0\0\0mif1heix" + b"\0" * 500),
    ("heic", as_file(Image.new("RGB", (40, 40)), "AVIF")),
]
"""Why a file is refused, and the file."""
