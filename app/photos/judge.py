"""Is this photo worth keeping? Sharpness and light of the whole picture, and a plain verdict for the inspector.

Simple on purpose: one figure for the whole frame. A sharp wall round a blurred notice passes; judging region by region
(text, glare) is a later issue. The verdict advises and never refuses: a blurred photo of a locked door is evidence too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

JUDGED_SIDE = 640
"""Longest side, in pixels, at which photos are judged, so that figures of different cameras compare."""

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


def judge(image: "Image") -> Verdict:
    """The verdict on an upright or turned photo of any size and mode."""
    return verdict(*measure(image))


def verdict(sharpness: float, brightness: float) -> Verdict:
    """The verdict on figures measured elsewhere (in the browser a canvas measures them)."""
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


def measure(image: "Image") -> tuple[float, float]:
    """(variance of the 4-neighbour Laplacian of luma, mean luma), measured at 640 px; a larger variance is sharper.

    Photos smaller than that are measured as they are; below 3×3 pixels there is no Laplacian and the variance is 0.
    """
    from PIL import Image, ImageMath

    luma = image.convert("L")
    luma.thumbnail((JUDGED_SIDE, JUDGED_SIDE), Image.Resampling.BILINEAR)
    brightness = _mean(luma.convert("F"))
    width, height = luma.size
    if width < 3 or height < 3:
        return 0.0, brightness
    floats = luma.convert("F")
    shifted = {
        name: floats.crop((x, y, x + width - 2, y + height - 2))
        for name, x, y in (("middle", 1, 1), ("left", 0, 1), ("right", 2, 1), ("up", 1, 0), ("down", 1, 2))
    }
    laplacian = ImageMath.lambda_eval(
        lambda at: at["left"] + at["right"] + at["up"] + at["down"] - at["middle"] * 4, **shifted
    )
    squares = ImageMath.lambda_eval(lambda at: at["it"] * at["it"], it=laplacian)
    return max(0.0, _mean(squares) - _mean(laplacian) ** 2), brightness


def _mean(floats: "Image") -> float:
    """Mean of an image of floats; a box one pixel large is exactly that, computed in C."""
    from PIL import Image

    return float(floats.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
