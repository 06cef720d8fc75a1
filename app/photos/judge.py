"""Is this photo worth keeping? Whether the writing on it can be read, where it cannot, and a plain verdict for the inspector.

A photo with writing is judged region by region (`regions`); one without, a locked door or an empty room, by sharpness and light as
a whole. The verdict advises and never refuses: a blurred photo of a locked door is evidence too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.photos.regions import ACROSS, DOWN, Reading, Region, are_legible, readings

JUDGED_SIDE = 640
"""Longest side, in pixels, at which sharpness and light are judged, so that figures of different cameras compare."""

# Every client measures the same pixels alike; a large photo, which each shrinks in its own way, comes out within a quarter
# in sharpness and within 2 in brightness (tests/web/test_pictures.py).
SHARP_FROM = 60.0
DARK_BELOW = 45.0
BRIGHT_ABOVE = 245.0
"""White paper filling the frame lies near 235; above this, writing drowns in light."""

EVERYWHERE = 0.6
"""Where more than this share of the writing cannot be read, no corner is named."""

CLEAR = ("Ảnh rõ.", "The photo is clear.")
DARK = ("Ảnh tối quá. Hãy bật đèn hoặc đổi chỗ đứng rồi chụp lại.", "Too dark. Turn on a light or move, then retake.")
BRIGHT = ("Ảnh sáng quá. Hãy tránh nắng hắt vào rồi chụp lại.", "Too bright. Turn away from the light, then retake.")
BLURRED = ("Ảnh có thể bị mờ. Hãy giữ chắc máy rồi chụp lại.", "This may be blurred. Hold still and retake.")

UNREADABLE = {
    "small": (
        "Chữ{where} quá nhỏ. Đến gần hơn, hoặc chụp từng phần?",
        "The writing{where} is too small. Step closer, or take it in parts?",
    ),
    "blurred": (
        "Chữ{where} bị nhòe. Giữ chắc máy rồi chụp lại?",
        "The writing{where} is blurred. Hold still and retake?",
    ),
    "glare": ("Chữ{where} bị lóa. Đổi chỗ đứng rồi chụp lại?", "Glare hides the writing{where}. Move and retake?"),
    "faint": (
        "Chữ{where} quá nhạt hoặc tối. Thêm sáng rồi chụp lại?",
        "The writing{where} is too faint or dark. Add light and retake?",
    ),
}
PLACES = (
    ((" ở góc trái trên", " at the upper left"), (" ở phía trên", " at the top"), (" ở góc phải trên", " at the upper right")),
    ((" ở bên trái", " on the left"), (" ở giữa", " in the middle"), (" ở bên phải", " on the right")),
    ((" ở góc trái dưới", " at the lower left"), (" ở phía dưới", " at the bottom"), (" ở góc phải dưới", " at the lower right")),
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What to tell the inspector. `brightness` is the mean luma, 0 black to 255 white.

    `is_legible` is whether the writing can be read, None where there is none; `is_good`, that there is nothing to say against it.
    """

    sharpness: float
    brightness: float
    is_sharp: bool
    is_legible: bool | None
    message_vi: str
    message_en: str

    @property
    def is_good(self) -> bool:
        return self.message_vi == CLEAR[0]


def verdict(sharpness: float, brightness: float, regions: Sequence[Region] = ()) -> Verdict:
    """The verdict on what was measured (`prepare.Picture.measured`)."""
    is_sharp = sharpness >= SHARP_FROM
    written = readings(regions)
    is_legible = are_legible(written) if written else None
    if is_legible:
        messages = CLEAR
    elif brightness < DARK_BELOW:
        messages = DARK
    elif brightness > BRIGHT_ABOVE:
        messages = BRIGHT
    elif is_legible is not None:
        messages = _unreadable(written)
    else:
        messages = CLEAR if is_sharp else BLURRED
    return Verdict(sharpness, brightness, is_sharp, is_legible, *messages)


def _unreadable(written: Sequence[Reading]) -> tuple[str, str]:
    """What is wrong with most of the writing that cannot be read, and where that is."""
    lost = [reading for reading in written if not reading.is_legible]
    share = sum(it.letters for it in lost) / sum(it.letters for it in written)
    faults: Counter[str] = Counter()
    for reading in lost:
        faults[reading.fault] += reading.letters  # type: ignore[assignment]
    fault = max(faults, key=lambda name: faults[name])
    there = [reading for reading in lost if reading.fault == fault]
    where = ("", "")
    if share < EVERYWHERE:
        weight = sum(it.letters for it in there)
        across = sum((it.place % ACROSS + 0.5) * it.letters for it in there) / weight / ACROSS
        down = sum((it.place // ACROSS + 0.5) * it.letters for it in there) / weight / DOWN
        where = PLACES[min(2, int(down * 3))][min(2, int(across * 3))]
    vi, en = UNREADABLE[fault]
    return vi.format(where=where[0]), en.format(where=where[1])
