"""Marks as the browser inks them beside Pillow's: the same lines and letters, whoever draws."""

import base64
import json
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser

from app.photos.marks import Arrow, Drawing, Ring, Words, band, drawing, load_lettering
from app.photos.pillow import _draw
from tests.photos.shots import opened

ROOT = Path(__file__).parents[2]
LETTERING = load_lettering(ROOT / "assets")
GREY = (120, 130, 140)

INKED = """async ([module, font, shapes, width, height]) => {
    self.fonts = document.fonts;
    const bytes = coded => Uint8Array.from(atob(coded), c => c.charCodeAt(0));
    const { draw, ready } = await import(`data:text/javascript;base64,${module}`);
    await ready(bytes(font));
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    pen.fillStyle = 'rgb(120, 130, 140)';
    pen.fillRect(0, 0, width, height);
    draw(pen, JSON.parse(shapes));
    return canvas.toDataURL('image/png').split(',')[1];
}"""


def test_the_browser_inks_the_same_marks(chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    module = base64.b64encode((ROOT / "web" / "site" / "marks.js").read_bytes()).decode()
    font = base64.b64encode(LETTERING.file).decode()
    for width, height in ((1200, 900), (300, 400)):
        marks = [
            Arrow((width * 0.1, height * 0.9), (width * 0.55, height * 0.5)),
            Ring((width * 0.9, height * 0.1), (width * 0.6, height * 0.35)),
            Words((width * 0.5, height * 0.6), "Ữ ỗ Ặ: thiếu mức phí, lệ phí"),
        ]
        said = band(
            ["22/11/2026 07:45:00 (+07:00)", "Ủy ban nhân dân xã Mường Lống"], width, height * 3 // 4, LETTERING
        )
        shapes: Drawing = [*drawing(marks, width, height, LETTERING), *said[1]]
        plain = json.dumps([asdict(shape) for shape in shapes])
        theirs = opened(base64.b64decode(page.evaluate(INKED, [module, font, plain, width, height]))).convert("RGB")
        ours = Image.new("RGB", (width, height), GREY)
        _draw(ours, shapes, LETTERING.file)
        inked = unlike(ours, Image.new("RGB", ours.size, GREY))
        assert inked > 0.02 * width * height and unlike(ours, theirs) < 0.05 * inked
        assert unlike(ImageChops.offset(ours, 2, 0), theirs) > 0.1 * inked, "two pixels aside would be seen"
    context.close()


def unlike(one: Image.Image, other: Image.Image) -> int:
    """How many pixels clearly differ."""
    apart = ImageChops.difference(one, other).convert("L")
    return sum(count for light, count in enumerate(apart.histogram()) if light > 64)
