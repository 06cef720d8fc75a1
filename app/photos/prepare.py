"""From what the camera or a file gives to what is kept: upright, small, stripped of metadata, named by its SHA-256.

Position and camera facts in the file are dropped on purpose (a photo is passed on more widely than a record); the time
it was taken is read first. The rules are here; decoding, shrinking, encoding and measuring is what a client has to offer
(`Pictures`): Pillow natively (`pillow`), a canvas in the browser (`app.device.canvas`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.photos.corners import GREY_SIDE, corners_in
from app.photos.header import Header, is_picture, read_header
from app.photos.marks import BAND_GROUND, Cover, Drawing, Lettering, Mark, band, drawing
from app.photos.perspective import Corners, Warp, flat_size, from_flat, is_board_shape, is_tilted
from app.photos.regions import MEASURED_SIDE, Region, readings, share_lost, smallest_writing, writing_in
from app.photos.taken import taken_at

BYTES_MAX = 50 * 1024 * 1024
PIXELS_MAX = 50_000_000
PREVIEW_BYTES = 6_000
"""What a preview may weigh, so that central sees all photos of a day within a minute and a half of a weak link (bench/link)."""

PREVIEW_SIDE = 256
PREVIEW_QUALITIES = (75, 60, 45, 30, 15)
PREVIEW_SMALLEST = 32
"""Side in pixels below which no preview is shrunk any further."""

KEPT_SIDE = 1600
WHOLE_SIDES = 1920, 1200
"""A photo larger than these is made smaller to KEPT_SIDE. The camera in the app gives 1920 by 1080: drawing that again, a little smaller,
costs small writing more than a poor JPEG quality does."""
KEPT_HEIGHT = 16
"""Pixels that the smallest writing keeps of its height (about that of capitals)."""
FINE_QUALITY, PLAIN_QUALITY, LOST_QUALITY = 75, 60, 40
FINE_UNTIL = 0.18
"""Writing of which no larger share is lost (`regions.share_lost`), and which is small, is kept in the fine JPEG quality whatever that
weighs, since artefacts are as large as its accents."""
ENOUGH_BYTES = 85_000
"""Where a poorer quality would do, the best that weighs no more is taken: also of a straightened photo, whose writing is larger and
stands out more than in the photo it is made from."""
SMALLEST_SIDE, NO_WRITING_SIDE = 800, 1280
STRAIGHTENED_UNTIL = 0.3
"""Where a larger share of the writing is lost, straightening takes as many letters as it brings (bench/README.md): such a photo
is better taken again, as its verdict says."""

JPEG, WEBP = "image/jpeg", "image/webp"

HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1 avif avis".split())

REASONS = {
    "empty": ("Tệp ảnh trống (0 byte). Hãy chụp lại.", "The photo file is empty (0 bytes). Take it again."),
    "too-many-bytes": (
        "Tệp ảnh lớn hơn 50 MB. Hãy chọn cỡ ảnh nhỏ hơn trong cài đặt máy ảnh.",
        "The photo file is larger than 50 MB. Choose a smaller size in the camera settings.",
    ),
    "heic": (
        "Ảnh HEIC chưa dùng được. Vào cài đặt máy ảnh, chọn JPEG (iPhone: “Tương thích nhất”) rồi chụp lại.",
        "HEIC photos cannot be used yet. In the camera settings choose JPEG (iPhone: “Most Compatible”), then retake.",
    ),
    "not-an-image": (
        "Tệp này không phải ảnh. Hãy chọn ảnh JPEG, PNG hoặc WebP.",
        "This file is not a photo. Choose a JPEG, PNG or WebP photo.",
    ),
    "too-many-pixels": (
        "Ảnh quá lớn (trên 50 triệu điểm ảnh). Hãy chọn cỡ ảnh nhỏ hơn trong cài đặt máy ảnh.",
        "The photo is too large (over 50 megapixels). Choose a smaller size in the camera settings.",
    ),
    "truncated": (
        "Tệp ảnh bị hỏng hoặc thiếu một phần. Hãy chụp lại hoặc chép lại tệp.",
        "The photo file is damaged or cut short. Take it again or copy the file again.",
    ),
}


class NotAPhoto(Exception):
    """The bytes cannot be kept as a photo; `reason` is a key of REASONS, the messages say what to do."""

    def __init__(self, reason: str):
        self.reason = reason
        self.message_vi, self.message_en = REASONS[reason]
        super().__init__(self.message_en)


@dataclass(frozen=True)
class PreparedPhoto:
    """A photo ready to be kept. `taken_at` is ms UTC, None when the file does not say; `preview` is WebP or JPEG."""

    data: bytes
    sha256: str
    width: int
    height: int
    media_type: str
    preview: bytes
    preview_sha256: str
    sharpness: float
    brightness: float
    regions: tuple[Region, ...]
    taken_at: int | None
    quality: int = FINE_QUALITY
    """Of the JPEG."""


class Undecodable(Exception):
    """The client could not make a picture of these bytes."""


class Measured(NamedTuple):
    """`sharpness` is the variance of the 4-neighbour Laplacian of luma and `brightness` the mean luma, both at JUDGED_SIDE;
    `regions` are measured at MEASURED_SIDE, and none when the picture is smaller than 32 pixels either way.

    Smaller pictures are not enlarged; below 3×3 pixels there is no Laplacian and the variance is 0.
    """

    sharpness: float
    brightness: float
    regions: tuple[Region, ...]


class Grey(NamedTuple):
    """Luma (ITU-R 601) of a picture row by row, a byte a pixel."""

    luma: bytes
    width: int
    height: int


Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are outside."""
COVER_CELLS = 4
"""A face or a name of four by four colours is nobody's."""


class Picture(Protocol):
    """A decoded picture: upright, in RGB, what was transparent white. `width` and `height` are as it stands."""

    width: int
    height: int

    async def encoded(self, media_type: str, quality: int, side: int | None = None) -> bytes | None:
        """The picture alone, without any metadata, at most `side` large; None when the client cannot write that type.

        `quality` is 1 to 100. The same picture gives the same bytes.
        """
        ...

    async def measured(self) -> Measured:
        """What there is to judge it by."""
        ...

    async def grey(self, side: int) -> Grey:
        """The picture without its colours, at most `side` large."""
        ...

    async def warp(self, warp: Warp, width: int, height: int) -> None:
        """Become the picture of that size whose places lie in this one where `warp` says; what lies outside is black."""
        ...

    async def even(self) -> None:
        """Make every place as bright as if all paper were of one white, and writing on it sharp (`light`)."""
        ...

    def cover(self, boxes: Sequence[Box]) -> None:
        """Make each box unrecognisable: no more than COVER_CELLS by COVER_CELLS colours are left of its pixels."""
        ...

    async def draw(self, shapes: Drawing, font: bytes) -> None:
        """Ink strokes and letters, each over its rim; `font` is a TrueType file."""
        ...

    def grow(self, below: int, ground: str) -> None:
        """Make it so many pixels taller at its foot, of one colour (#RRGGBB)."""
        ...

    def close(self) -> None:
        """Let go of its memory."""
        ...


class Pictures(Protocol):
    """What a client can do with pictures."""

    async def opened(self, raw: bytes, longest_side: int) -> Picture:
        """A JPEG, PNG or WebP, turned upright by its EXIF orientation and shrunk to `longest_side`. Raises Undecodable."""
        ...


async def prepare(raw: bytes, pictures: Pictures) -> PreparedPhoto:
    """A JPEG, PNG or WebP as it will be kept: a JPEG as large as its smallest writing needs, and its preview.

    At most `largest_side` large, never enlarged. The same bytes give the same photo on the same client. Raises NotAPhoto.
    """
    header = _accepted(raw)
    picture = await _opened(raw, pictures, largest_side(header.width, header.height))
    try:
        measured = await picture.measured()
        side, qualities = kept_size(picture.width, picture.height, measured.regions)
        return await _prepared(picture, measured, side, qualities, taken_at(header.exif))
    finally:
        picture.close()


async def marked(kept: bytes, marks: Sequence[Mark], lettering: Lettering, pictures: Pictures) -> PreparedPhoto:
    """A kept photo with what is covered unrecognisable in its own pixels and in its preview, and the other marks over that.

    What of a cover lies outside the photo is left out; one with nothing inside does nothing. Raises NotAPhoto.
    """
    header = _accepted(kept)
    picture = await _opened(kept, pictures, max(header.width, header.height))
    try:
        width, height = picture.width, picture.height
        boxes = [mark.box for mark in marks if isinstance(mark, Cover)]
        inside = [(max(0, a), max(0, b), min(width, c), min(height, d)) for a, b, c, d in boxes]
        picture.cover([box for box in inside if box[0] < box[2] and box[1] < box[3]])
        measured = await picture.measured()  # of what was photographed, not of what is drawn on it
        await picture.draw(drawing(marks, width, height, lettering), lettering.file)
        return await _prepared(picture, measured, max(width, height), (FINE_QUALITY,), None)
    finally:
        picture.close()


async def banded(photo: PreparedPhoto, lines: Sequence[str], lettering: Lettering, pictures: Pictures) -> PreparedPhoto:
    """A prepared photo made taller by a band that says these lines, below what was photographed; judged as it was before.

    In the quality it has and from the same corner, so its own pixels come out as they were, but for rounding. Raises NotAPhoto.
    """
    picture = await _opened(photo.data, pictures, max(photo.width, photo.height))
    try:
        below, letters = band(lines, picture.width, picture.height, lettering)
        picture.grow(below, BAND_GROUND)
        await picture.draw(letters, lettering.file)
        measured = Measured(photo.sharpness, photo.brightness, photo.regions)
        side = max(picture.width, picture.height)
        return await _prepared(picture, measured, side, (photo.quality,), photo.taken_at)
    finally:
        picture.close()


async def _opened(raw: bytes, pictures: Pictures, longest_side: int) -> Picture:
    try:
        return await pictures.opened(raw, longest_side)
    except Undecodable as error:
        raise NotAPhoto("truncated") from error


async def _prepared(
    picture: Picture, measured: Measured, side: int, qualities: Sequence[int], taken: int | None
) -> PreparedPhoto:
    """In the first of these qualities that is light enough, or in the last."""
    data = b""
    for quality in qualities:
        encoded = await picture.encoded(JPEG, quality, side)
        assert encoded is not None, "every client writes JPEG"
        data = encoded
        if len(data) <= ENOUGH_BYTES:
            break
    preview = await _preview(picture, PREVIEW_SIDE)
    width, height = fitted(picture.width, picture.height, side)
    return PreparedPhoto(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        media_type=JPEG,
        preview=preview,
        preview_sha256=hashlib.sha256(preview).hexdigest(),
        sharpness=measured.sharpness,
        brightness=measured.brightness,
        regions=measured.regions,
        taken_at=taken,
        quality=quality,
    )


def largest_side(width: int, height: int) -> int:
    """The longest side in pixels that a photo of this size may have before its writing is looked at."""
    is_kept_whole = max(width, height) <= WHOLE_SIDES[0] and min(width, height) <= WHOLE_SIDES[1]
    return WHOLE_SIDES[0] if is_kept_whole else KEPT_SIDE


def kept_size(width: int, height: int, regions: Sequence[Region]) -> tuple[int, tuple[int, ...]]:
    """(longest side in pixels, JPEG qualities from the best to the poorest that does) that leave the smallest writing readable.

    Large writing is made smaller, and lets itself be read in a plain quality; what is lost already, in the poorest. Measured with
    Tesseract on drawn boards: bench/README.md.
    """
    longest = max(width, height)
    smallest = smallest_writing(regions)
    if smallest is None:
        return min(longest, NO_WRITING_SIDE), (PLAIN_QUALITY,)
    needed = round(min(longest, MEASURED_SIDE) * KEPT_HEIGHT / smallest)
    side = min(longest, max(SMALLEST_SIDE, needed))
    if share_lost(readings(regions)) > FINE_UNTIL:
        return side, (FINE_QUALITY, PLAIN_QUALITY, LOST_QUALITY)
    return side, (FINE_QUALITY, PLAIN_QUALITY) if side < longest else (FINE_QUALITY,)


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size of a picture at most `side` large, of the same shape; never larger than it is."""
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


async def board_corners(kept: bytes, pictures: Pictures, regions: Sequence[Region] | None = None) -> Corners | None:
    """The corners of the board in a kept photo, in its pixels; None where none is found. Raises NotAPhoto.

    `regions` is what was measured of the photo, where that is known already.
    """
    header = _accepted(kept)
    picture = await _opened(kept, pictures, max(header.width, header.height))
    try:
        grey = await picture.grey(GREY_SIDE)
        if regions is None:
            regions = (await picture.measured()).regions
    finally:
        picture.close()
    found = await corners_in(*grey, writing_in(regions, grey.width, grey.height))
    if found is None:
        return None
    across, down = header.width / grey.width, header.height / grey.height
    one, two, three, four = (((x + 0.5) * across, (y + 0.5) * down) for x, y in found)
    return one, two, three, four


async def is_worth_straightening(photo: PreparedPhoto, pictures: Pictures) -> bool:
    """Whether a photo shows writing that was clearly taken from the side and can be read well enough to gain by being straightened."""
    written = readings(photo.regions)
    if not written or share_lost(written) > STRAIGHTENED_UNTIL:
        return False
    corners = await board_corners(photo.data, pictures, photo.regions)
    return corners is not None and is_tilted(corners)


async def straightened(kept: bytes, corners: Corners, pictures: Pictures, camera: bytes = b"") -> PreparedPhoto:
    """The board within these corners of a kept photo as it looks from the front in even light, no larger than the photo is.

    `camera` is what the photo was kept from, where that is at hand: it has lost nothing to a JPEG yet. Raises NotAPhoto, and
    ValueError when the corners do not go round a board.
    """
    if not is_board_shape(corners):
        raise ValueError(f"no board lies within {corners}")
    header = _accepted(kept)
    most = max(header.width, header.height)
    taken = _accepted(camera) if camera else header
    picture = await _opened(camera or kept, pictures, largest_side(taken.width, taken.height) if camera else most)
    try:
        finer = picture.width / header.width
        one, two, three, four = ((x * finer, y * finer) for x, y in corners)
        size = flat_size((one, two, three, four), max(picture.width, picture.height))
        await picture.warp(from_flat((one, two, three, four), size), *size)
        await picture.even()
        measured = await picture.measured()
        return await _prepared(picture, measured, most, (FINE_QUALITY, PLAIN_QUALITY, LOST_QUALITY), None)
    finally:
        picture.close()


def _accepted(raw: bytes) -> Header:
    """The header of what may be decoded; raises NotAPhoto for everything else, before a pixel is touched."""
    if not raw:
        raise NotAPhoto("empty")
    if len(raw) > BYTES_MAX:
        raise NotAPhoto("too-many-bytes")
    if raw[4:8] == b"ftyp" and raw[8:12] in HEIF_BRANDS:
        raise NotAPhoto("heic")
    if not is_picture(raw):
        raise NotAPhoto("not-an-image")
    header = read_header(raw)
    if header and header.width * header.height > PIXELS_MAX:
        raise NotAPhoto("too-many-pixels")
    if header is None or not header.is_whole:
        raise NotAPhoto("truncated")
    return header


async def _preview(picture: Picture, side: int) -> bytes:
    """A copy at most `side` large, WebP where the client writes it, in the best quality that fits PREVIEW_BYTES.

    Where even the poorest does not fit (foliage, gravel), a smaller one.
    """
    while True:
        for quality in PREVIEW_QUALITIES:
            data = await picture.encoded(WEBP, quality, side) or await picture.encoded(JPEG, quality, side)
            assert data is not None, "every client writes JPEG"
            if len(data) <= PREVIEW_BYTES or side <= PREVIEW_SMALLEST:
                return data
        side = side * 3 // 4
