"""Pictures by Pillow, beside the event loop. Imported late: it takes a while, and the browser has none."""

import asyncio
import io
import math
import struct
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.photos.ink import regions
from app.photos.judge import JUDGED_SIDE
from app.photos.light import CELL, WHITE, finish, paper
from app.photos.marks import RIM, Drawing, Letters, Stroke
from app.photos.perspective import Warp
from app.photos.prepare import COVER_CELLS, JPEG, WEBP, Box, Grey, Measured, Undecodable, fitted
from app.photos.regions import MEASURED_SIDE

if TYPE_CHECKING:
    from PIL.Image import Image

# What Pillow raises, besides its own errors, while reading damaged bytes.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)

_ORIENTATION = 0x0112


class PillowPictures:
    """`Pictures` where Pillow is installed."""

    async def opened(self, raw: bytes, longest_side: int) -> "PillowPicture":
        return await asyncio.to_thread(lambda: PillowPicture(_decoded(raw, longest_side)))


class PillowPicture:
    """A `Picture` in RGB."""

    def __init__(self, image: "Image"):
        self.width, self.height = image.size
        self._image = image

    async def encoded(self, media_type: str, quality: int, side: int | None = None) -> bytes | None:
        return await asyncio.to_thread(lambda: _encoded(self._image, media_type, quality, side))

    async def measured(self) -> Measured:
        return await asyncio.to_thread(lambda: measure(self._image))

    async def grey(self, side: int) -> Grey:
        return await asyncio.to_thread(lambda: _grey(self._image, side))

    async def warp(self, warp: Warp, width: int, height: int) -> None:
        from PIL import Image

        how = Image.Transform.PERSPECTIVE, warp, Image.Resampling.BICUBIC
        flat = await asyncio.to_thread(lambda: self._image.transform((width, height), *how))
        self._image.close()
        self._image, self.width, self.height = flat, width, height

    async def even(self) -> None:
        evened = await asyncio.to_thread(lambda: _evened(self._image))
        self._image.close()
        self._image = evened

    def cover(self, boxes: Sequence[Box]) -> None:
        from PIL import Image

        for left, top, right, bottom in boxes:
            cells = min(COVER_CELLS, right - left), min(COVER_CELLS, bottom - top)
            few = self._image.crop((left, top, right, bottom)).resize(cells, Image.Resampling.BOX)
            self._image.paste(few.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    async def draw(self, shapes: Drawing, font: bytes) -> None:
        await asyncio.to_thread(lambda: _draw(self._image, shapes, font))

    def grow(self, below: int, ground: str) -> None:
        from PIL import Image

        taller = Image.new("RGB", (self.width, self.height + below), ground)
        taller.paste(self._image, (0, 0))
        self._image.close()
        self._image, self.height = taller, self.height + below

    def close(self) -> None:
        self._image.close()


FINENESS = 4
"""Marks are inked this many times larger and shrunk, for smooth edges."""


def _draw(image: "Image", shapes: Drawing, font: bytes) -> None:
    """As `draw` in web/site/marks.js."""
    for shape in shapes:
        left, top, right, bottom = _reach(shape, image.width, image.height)
        if left >= right or top >= bottom:
            continue
        for ink, rim in ([(RIM, shape.rim)] if shape.rim else []) + [(shape.ink, 0.0)]:
            mask = _inked(shape, rim, font, left, top, right - left, bottom - top)
            image.paste(ink, (left, top), mask)


def _evened(image: "Image") -> "Image":
    """As `even` in web/site/light.js."""
    from PIL import Image, ImageFilter, ImageMath

    cells = image.convert("L").reduce(CELL)
    found = paper(cells.tobytes(), *cells.size)
    box = 0.0, 0.0, image.width / CELL, image.height / CELL
    white = Image.frombytes("L", cells.size, found).resize(image.size, Image.Resampling.BILINEAR, box)
    bands = [
        ImageMath.lambda_eval(
            lambda at: at["convert"](at["min"](at["light"] * WHITE / at["white"], at["most"]), "L"),
            light=band, white=white, most=Image.new("L", image.size, 255),
        )
        for band in image.split()
    ]  # fmt: skip
    even = Image.merge("RGB", bands)
    reach, by = finish(found)
    return Image.blend(even.filter(ImageFilter.BoxBlur(reach)), even, by)


def _reach(shape: Stroke | Letters, width: int, height: int) -> Box:
    """The part of a picture that a shape can touch."""
    if isinstance(shape, Stroke):
        xs, ys, around = [x for x, _ in shape.points], [y for _, y in shape.points], shape.width / 2 + shape.rim + 2
    else:
        xs, ys, around = [x for _, x in shape.letters], [shape.baseline], 1.5 * shape.size + shape.rim
    found = min(xs) - around, min(ys) - around, max(xs) + around, max(ys) + around
    return (
        max(0, math.floor(found[0])), max(0, math.floor(found[1])),
        min(width, math.ceil(found[2])), min(height, math.ceil(found[3])),
    )  # fmt: skip


def _inked(shape: Stroke | Letters, rim: float, font: bytes, left: int, top: int, width: int, height: int) -> "Image":
    """How much of each pixel of that part is inked, 0 to 255."""
    from PIL import Image, ImageDraw, ImageFont

    large = Image.new("L", (width * FINENESS, height * FINENESS))
    pen = ImageDraw.Draw(large)
    if isinstance(shape, Stroke):
        # Pillow's places are middles of pixels, ours are their corners.
        points = [((x - left) * FINENESS - 0.5, (y - top) * FINENESS - 0.5) for x, y in shape.points]
        around = (shape.width / 2 + rim) * FINENESS
        pen.line(points, fill=255, width=round(2 * around))
        for x, y in points:
            pen.ellipse((x - around, y - around, x + around, y + around), fill=255)
    else:
        letters = ImageFont.truetype(io.BytesIO(font), shape.size * FINENESS, layout_engine=ImageFont.Layout.BASIC)
        baseline = (shape.baseline - top) * FINENESS
        for letter, x in shape.letters:
            place = (x - left) * FINENESS, baseline
            pen.text(place, letter, 255, letters, anchor="ls", stroke_width=rim * FINENESS)
    return large.resize((width, height), Image.Resampling.BOX)


def _decoded(raw: bytes, longest_side: int) -> "Image":
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes we accept, and about damaged metadata we do not need
            image: Image.Image = Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP"))
            image.draft("RGB", (2 * longest_side, 2 * longest_side))  # a large JPEG is decoded at half or a quarter
            image.load()
            turn = _turn(image)
            image = _shrunk(_in_rgb(image), longest_side)
            return image.transpose(turn) if turn is not None else image
    except (Image.DecompressionBombError, *_DAMAGED) as error:
        raise Undecodable from error


def _grey(image: "Image", side: int) -> Grey:
    from PIL import Image

    grey = image.convert("L").resize(fitted(*image.size, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Grey(grey.tobytes(), *grey.size)


def _in_rgb(image: "Image") -> "Image":
    """In RGB; what is transparent becomes white."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = image.point(lambda grey: grey / 256).convert("L")  # 16-bit greys would be clipped to white
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _shrunk(image: "Image", side: int) -> "Image":
    from PIL import Image

    return image.resize(fitted(*image.size, side), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _turn(image: "Image") -> "Image.Transpose | None":  # type: ignore[name-defined]
    """What brings the picture upright, by its EXIF orientation (1 to 8); damaged metadata turns nothing."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        return turns.get(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGED:
        return None


def _encoded(image: "Image", media_type: str, quality: int, side: int | None) -> bytes | None:
    """The picture alone: no EXIF, no XMP, no profile, no thumbnail."""
    from PIL import features

    if media_type == WEBP and not features.check("webp"):
        return None
    form = {JPEG: "JPEG", WEBP: "WEBP"}[media_type]
    image = _shrunk(image, side) if side else image
    image.info = {}
    out = io.BytesIO()
    image.save(out, form, quality=quality, **({"optimize": True} if form == "JPEG" else {"method": 4}))
    return out.getvalue()


def measure(image: "Image") -> Measured:
    """As `Measured` promises.

    `web/site/measure.js` is the same in the browser: luma by ITU-R 601 in whole numbers, shrunk by a triangle filter.
    """
    from PIL import Image, ImageMath

    whole = _shrunk(image, MEASURED_SIDE).convert("L")
    luma = whole.resize(fitted(*whole.size, JUDGED_SIDE), Image.Resampling.BILINEAR)
    brightness = _mean(luma.convert("F"))
    width, height = luma.size
    if width < 3 or height < 3:
        return Measured(0.0, brightness, ())
    floats = luma.convert("F")
    shifted = {
        name: floats.crop((x, y, x + width - 2, y + height - 2))
        for name, x, y in (("middle", 1, 1), ("left", 0, 1), ("right", 2, 1), ("up", 1, 0), ("down", 1, 2))
    }
    laplacian = ImageMath.lambda_eval(
        lambda at: at["left"] + at["right"] + at["up"] + at["down"] - at["middle"] * 4, **shifted
    )
    squares = ImageMath.lambda_eval(lambda at: at["it"] * at["it"], it=laplacian)
    return Measured(max(0.0, _mean(squares) - _mean(laplacian) ** 2), brightness, regions(whole))


def _mean(floats: "Image") -> float:
    """Mean of an image of floats; a box one pixel large is exactly that, computed in C."""
    from PIL import Image

    return float(floats.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
