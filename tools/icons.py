"""Draws the project's own icon, a notebook with a tick, into assets/ in the sizes and margins that are asked for."""

from pathlib import Path

from PIL import Image, ImageDraw

ASSETS = Path(__file__).parent.parent / "assets"
GREEN, PAPER, LINE, TICK = "#0B5D4B", "#FFFDF5", "#B9C7C1", "#D6452B"
OVERSAMPLING = 4


def draw(size: int, margin: float, background: str | None) -> Image.Image:
    """The icon as a square of `size` px; `margin` is the free share of each side, `background` None is transparent."""
    big = size * OVERSAMPLING
    image = Image.new("RGBA", (big, big), background or (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    inner = 1 - 2 * margin

    def at(x: float, y: float) -> tuple[float, float]:
        return big * (margin + inner * x), big * (margin + inner * y)

    def box(x0: float, y0: float, x1: float, y1: float, round_by: float, fill: str) -> None:
        pen.rounded_rectangle((*at(x0, y0), *at(x1, y1)), radius=big * inner * round_by, fill=fill)

    box(0.12, 0.02, 0.92, 0.98, 0.09, GREEN)
    box(0.22, 0.09, 0.85, 0.91, 0.04, PAPER)
    for y in (0.24, 0.36, 0.48):
        box(0.40, y - 0.012, 0.77, y + 0.012, 0.012, LINE)
    for y in (0.20, 0.40, 0.60, 0.80):
        box(0.03, y - 0.03, 0.26, y + 0.03, 0.03, LINE)
    stroke = round(big * inner * 0.085)
    points = [at(0.36, 0.64), at(0.50, 0.78), at(0.76, 0.47)]
    pen.line(points, fill=TICK, width=stroke, joint="curve")
    for x, y in points:
        pen.ellipse((x - stroke / 2, y - stroke / 2, x + stroke / 2, y + stroke / 2), fill=TICK)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    draw(512, 0.06, None).save(ASSETS / "icon.png", optimize=True)
    draw(512, 0.2, PAPER).save(ASSETS / "icon_maskable.png", optimize=True)
    draw(64, 0.0, None).save(ASSETS / "favicon.png", optimize=True)
    draw(512, 0.25, None).save(ASSETS / "splash.png", optimize=True)
    # 288 dp on the densest screens, the drawing within the circle that Android 12 shows of it.
    draw(1152, 0.25, None).save(ASSETS / "splash_android.png", optimize=True)


if __name__ == "__main__":
    main()
