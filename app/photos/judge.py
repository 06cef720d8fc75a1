"""Is this photo worth keeping? Sharpness and light of the whole picture, and a plain verdict for the inspector.

Simple on purpose: one figure for the whole frame. A sharp wall round a blurred notice passes; judging region by region
(text, glare) is a later issue. The verdict advises and never refuses: a blurred photo of a locked door is evidence too.
"""

from dataclasses import dataclass

JUDGED_SIDE = 640
"""Longest side, in pixels, at which photos are judged, so that figures of different cameras compare."""

# Every client measures the same pixels alike; a large photo, which each shrinks in its own way, comes out within a quarter
# in sharpness and within 2 in brightness (tests/web/test_pictures.py).
SHARP_FROM = 60.0
DARK_BELOW = 45.0
BRIGHT_ABOVE = 245.0
"""White paper filling the frame lies near 235; above this, writing drowns in light."""


@dataclass(frozen=True)
class Verdict:
    """What to tell the inspector. `brightness` is the mean luma, 0 black to 255 white."""

    sharpness: float
    brightness: float
    is_sharp: bool
    message_vi: str
    message_en: str


def verdict(sharpness: float, brightness: float) -> Verdict:
    """The verdict on what was measured (`prepare.Picture.measured`)."""
    is_sharp = sharpness >= SHARP_FROM
    if brightness < DARK_BELOW:
        messages = (
            "Ảnh tối quá. Hãy bật đèn hoặc đổi chỗ đứng rồi chụp lại.",
            "Too dark. Turn on a light or move, then retake.",
        )
    elif brightness > BRIGHT_ABOVE:
        messages = (
            "Ảnh sáng quá. Hãy tránh nắng hắt vào rồi chụp lại.",
            "Too bright. Turn away from the light, then retake.",
        )
    elif not is_sharp:
        messages = "Ảnh có thể bị mờ. Hãy giữ chắc máy rồi chụp lại.", "This may be blurred. Hold still and retake."
    else:
        messages = "Ảnh rõ.", "The photo is clear."
    return Verdict(sharpness, brightness, is_sharp, *messages)
