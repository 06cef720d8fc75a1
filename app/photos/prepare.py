"""From what the camera or a file gives to what is kept: upright, small, stripped of metadata, named by its SHA-256.

Position and camera facts in the file are dropped on purpose (a photo is passed on more widely than a record); the time
it was taken is read first. Pillow is imported inside the functions: in the browser this module loads without it and a
canvas does the work.
"""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from app.photos.judge import measure
from app.records import TIME_ZONE_HOURS

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

BYTES_MAX = 50 * 1024 * 1024
PIXELS_MAX = 50_000_000
PREVIEW_BYTES = 8_000
"""What a preview may weigh, so that central sees all photos of a visit within seconds of a weak link."""

PREVIEW_QUALITIES = (75, 60, 45, 30, 15)

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

# What Pillow raises, besides its own errors, while reading damaged bytes.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)

_EXIF_IFD, _ORIENTATION = 0x8769, 0x0112
_TAKEN = ((0x9003, 0x9011, 0x9291), (0x9004, 0x9012, 0x9292))
"""Tags of time, UTC offset and fraction of a second: when taken, else when digitised."""


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
    taken_at: int | None


def prepare(raw: bytes, *, longest_side: int = 1600, quality: int = 80, preview_side: int = 256) -> PreparedPhoto:
    """A JPEG, PNG or WebP as it will be kept: a JPEG at most `longest_side` large (never enlarged), and its preview.

    The same bytes give the same photo. Raises NotAPhoto.
    """
    image, taken_at = _decode(raw, longest_side)
    data = _saved(image, "JPEG", quality)
    sharpness, brightness = measure(image)
    preview = _preview(image, preview_side)
    return PreparedPhoto(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        width=image.width,
        height=image.height,
        media_type="image/jpeg",
        preview=preview,
        preview_sha256=hashlib.sha256(preview).hexdigest(),
        sharpness=sharpness,
        brightness=brightness,
        taken_at=taken_at,
    )


def _decode(raw: bytes, longest_side: int) -> tuple["Image", int | None]:
    """The upright picture in RGB, at most `longest_side` large, and when it was taken."""
    from PIL import Image, UnidentifiedImageError

    if not raw:
        raise NotAPhoto("empty")
    if len(raw) > BYTES_MAX:
        raise NotAPhoto("too-many-bytes")
    if raw[4:8] == b"ftyp" and raw[8:12] in HEIF_BRANDS:
        raise NotAPhoto("heic")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes we refuse below, and about damaged metadata we do not need
            image: Image.Image = Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP"))
            if image.width * image.height > PIXELS_MAX:
                raise NotAPhoto("too-many-pixels")  # by its header, before a pixel is decoded
            image.draft("RGB", (2 * longest_side, 2 * longest_side))  # a large JPEG is decoded at half or a quarter
            image.load()
            exif = _exif(image)
            image = _upright(_in_rgb(image, longest_side), exif)
    except Image.DecompressionBombError as error:
        raise NotAPhoto("too-many-pixels") from error
    except UnidentifiedImageError as error:
        raise NotAPhoto("truncated" if _begins_like_a_photo(raw) else "not-an-image") from error
    except _DAMAGED as error:
        raise NotAPhoto("truncated") from error
    return image, _taken_at(exif)


def _begins_like_a_photo(raw: bytes) -> bool:
    return (
        raw[:3] == b"\xff\xd8\xff" or raw[:8] == b"\x89PNG\r\n\x1a\n" or (raw[:4] == b"RIFF" and raw[8:12] == b"WEBP")
    )


def _in_rgb(image: "Image", longest_side: int) -> "Image":
    """Small enough and in RGB; what is transparent becomes white."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = image.point(lambda grey: grey / 256).convert("L")  # 16-bit greys would be clipped to white
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return image


def _upright(image: "Image", exif: "Exif | None") -> "Image":
    """The picture as the camera was held (EXIF orientation, 1 to 8)."""
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
    turn = turns.get(exif.get(_ORIENTATION, 1)) if exif else None
    return image.transpose(turn) if turn is not None else image


def _exif(image: "Image") -> "Exif | None":
    """The metadata, None when damaged: a photo with unreadable metadata is still a photo."""
    try:
        exif = image.getexif()
        exif.get_ifd(_EXIF_IFD)
    except _DAMAGED:
        return None
    return exif


def _taken_at(exif: "Exif | None") -> int | None:
    """When the camera says it was taken, ms UTC; +07:00 when it does not say where it was."""
    if exif is None:
        return None
    facts = exif.get_ifd(_EXIF_IFD)
    for time_tag, offset_tag, fraction_tag in _TAKEN:
        try:
            local = datetime.strptime(str(facts.get(time_tag)).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        fraction = str(facts.get(fraction_tag, "")).strip("\0 ")
        ms = int(fraction[:3].ljust(3, "0")) if fraction.isascii() and fraction.isdigit() else 0
        taken = local.replace(tzinfo=_zone(str(facts.get(offset_tag, "")).strip("\0 ")))
        return round(taken.timestamp()) * 1000 + ms
    return None


def _zone(offset: str) -> timezone:
    """`+09:00` as a zone; Viet Nam's when it says nothing or nonsense."""
    try:
        given = datetime.strptime(offset, "%z").utcoffset()
    except ValueError:
        given = None
    if given is None:
        return timezone(timedelta(hours=TIME_ZONE_HOURS))
    return timezone(given) if given else UTC


def _preview(image: "Image", side: int) -> bytes:
    """A copy at most `side` large, in the best quality that fits PREVIEW_BYTES."""
    from PIL import Image, features

    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    form = "WEBP" if features.check("webp") else "JPEG"
    for quality in PREVIEW_QUALITIES:
        data = _saved(small, form, quality)
        if len(data) <= PREVIEW_BYTES:
            break
    return data


def _saved(image: "Image", form: str, quality: int) -> bytes:
    """The picture alone: no EXIF, no XMP, no profile, no thumbnail."""
    out = io.BytesIO()
    image.info = {}
    image.save(out, form, quality=quality, **({"optimize": True} if form == "JPEG" else {"method": 4}))
    return out.getvalue()
