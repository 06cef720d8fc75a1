"""Whether the writing on a board can be read, and where it cannot: on drawn boards, as natively and as in the browser."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from app.photos.ink import Spot, regions, spots
from app.photos.judge import Verdict, verdict
from app.photos.pillow import measure
from app.photos.prepare import ENOUGH_BYTES, FINE_QUALITY, LOST_QUALITY
from app.photos.regions import Region, smallest_writing
from tests.field import ASSETS
from tests.photos.shots import as_file, natively, opened

SITE = Path(__file__).parents[2] / "web" / "site"
FONT = ASSETS / "fonts" / "Roboto-Regular.ttf"
LINES = (
    "THỦ TỤC HÀNH CHÍNH CẤP XÃ",
    "Đăng ký khai sinh lưu động, lệ phí 8.000 đồng",
    "Chứng thực chữ ký trong giấy tờ, văn bản",
    "Cấp bản sao trích lục hộ tịch: trong ngày",
    "Tiếp công dân: thứ Năm hằng tuần",
)


def board(size: int = 34, lines: int = 16) -> Image.Image:
    """A sheet of paper on a green wall, 1600 by 1200, full of writing of that size."""
    image = Image.new("RGB", (1600, 1200), (96, 128, 104))
    brush = ImageDraw.Draw(image)
    brush.rectangle((60, 60, 1540, 1140), (238, 236, 228))
    for line in range(lines):
        words = LINES[line % len(LINES)] + "   " + LINES[(line + 2) % len(LINES)]
        brush.text((100, 100 + line * (1000 // lines)), words, (20, 20, 30), ImageFont.truetype(FONT, size))
    return image


def judged(image: Image.Image) -> Verdict:
    return verdict(*measure(image))


def blurred(image: Image.Image, box: tuple[int, int, int, int], radius: float = 9) -> Image.Image:
    image = image.copy()
    image.paste(image.filter(ImageFilter.GaussianBlur(radius)).crop(box), box[:2])
    return image


def grainy(image: Image.Image, spread: float, size: tuple[int, int], dice: random.Random) -> Image.Image:
    even = Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))
    grain = even.point([round(128 + (value - 127.5) * spread / 74) for value in range(256)]).resize(image.size)
    return ImageChops.add(image, Image.merge("RGB", (grain,) * 3), 1, -128)


def test_a_sharp_board_is_clear() -> None:
    said = judged(board())
    assert said.is_legible and said.is_good and said.message_vi == "Ảnh rõ."


@pytest.mark.parametrize(
    ("box", "where"),
    [
        ((800, 0, 1600, 600), "ở góc phải trên"),
        ((0, 600, 800, 1200), "ở góc trái dưới"),
        ((0, 0, 620, 1200), "ở bên trái"),
    ],
)
def test_where_the_writing_is_blurred_is_said(box: tuple[int, int, int, int], where: str) -> None:
    """What one figure for the whole picture never saw: the rest is as sharp as ever."""
    said = judged(blurred(board(), box, 4))
    assert said.is_sharp and said.is_legible is False and not said.is_good
    assert said.message_vi.startswith(f"Chữ {where} bị nhòe"), said.message_vi


def test_a_shaken_board_is_blurred_as_a_whole() -> None:
    assert judged(board().filter(ImageFilter.GaussianBlur(3))).message_vi.startswith("Chữ bị nhòe")


def test_writing_photographed_from_too_far_is_too_small() -> None:
    far = board(lines=30).resize((480, 360), Image.Resampling.LANCZOS)
    wall = Image.new("RGB", (1600, 1200), (96, 128, 104))
    wall.paste(far, (500, 400))
    said = judged(wall)
    assert said.is_legible is False and "quá nhỏ" in said.message_vi, said.message_vi


def test_glare_over_the_writing_is_said() -> None:
    image = board().point([round(light * 0.8) for light in range(256)] * 3)
    spot = Image.new("L", image.size)
    ImageDraw.Draw(spot).ellipse((860, 480, 1500, 1120), fill=255)
    image.paste(Image.new("RGB", image.size, "white"), (0, 0), spot.filter(ImageFilter.GaussianBlur(30)))
    said = judged(image)
    assert said.is_legible is False and "bị lóa" in said.message_vi, said.message_vi


def test_the_grain_of_a_dark_photo_is_no_small_writing() -> None:
    """Noise and plaster leave spots too, all alike and hardly darker than what is around them; the board itself is large and sharp."""
    dice = random.Random(5)
    wall = grainy(Image.new("RGB", (1600, 1200), (176, 180, 170)), 6, (400, 300), dice)
    wall.paste(board(60, 8).resize((1000, 750), Image.Resampling.LANCZOS), (300, 200))
    dark = grainy(wall.point([round(light * 0.4) for light in range(256)] * 3), 6, wall.size, dice)
    assert judged(dark).message_vi == "Ảnh rõ."


def test_a_picture_without_writing_is_judged_by_its_sharpness_alone() -> None:
    door = Image.new("RGB", (800, 600), (120, 110, 90))
    ImageDraw.Draw(door).rectangle((250, 80, 550, 600), (70, 50, 30))
    said = judged(door)
    assert said.is_legible is None
    assert judged(Image.new("RGB", (1600, 1200))).message_vi.startswith("Ảnh tối quá")


def test_large_writing_is_kept_small_and_small_writing_large() -> None:
    large, small = natively(as_file(board(90, 8), quality=95)), natively(as_file(board(15, 40), quality=95))
    assert large.width < 1000 and len(large.data) < 90_000
    assert small.width == 1600
    height = smallest_writing(measure(opened(large.data)).regions)
    assert height is not None and height >= 14


@pytest.mark.parametrize(
    ("taken", "kept"),
    [
        ((1920, 1080), (1920, 1080)),
        ((1080, 1920), (1080, 1920)),
        ((3840, 2160), (1600, 900)),
        ((3200, 2400), (1600, 1200)),
        ((1900, 1425), (1600, 1200)),
    ],
)
def test_small_writing_keeps_the_pixels_of_the_camera_in_the_app(taken: tuple[int, int], kept: tuple[int, int]) -> None:
    photo = natively(as_file(board(11, 50).resize(taken), quality=95))
    assert (photo.width, photo.height) == opened(photo.data).size == kept


def test_a_photo_is_judged_alike_however_many_of_its_pixels_are_kept() -> None:
    large = board().resize((1920, 1080), Image.Resampling.LANCZOS)
    small = large.resize((1600, 900), Image.Resampling.LANCZOS, reducing_gap=2.0)
    assert measure(large) == measure(small)


def test_what_nobody_can_read_is_kept_light_and_small_writing_fine() -> None:
    """Artefacts hide the accents of small writing; where blur hid them already, the best quality that is light, and noise gets the poorest."""
    small = natively(as_file(board(15, 40), quality=95))
    assert judged(opened(small.data)).is_legible and small.quality == FINE_QUALITY and len(small.data) > ENOUGH_BYTES
    shaken = blurred(board(18, 36), (0, 0, 1600, 1200), 3)
    light = natively(as_file(shaken, quality=95))
    assert light.quality == FINE_QUALITY and light.width == 1600 and len(light.data) <= ENOUGH_BYTES
    noisy = natively(as_file(grainy(shaken, 30, shaken.size, random.Random(5)), quality=95))
    assert noisy.quality == LOST_QUALITY and noisy.width == 1600
    assert not judged(opened(light.data)).is_legible and not judged(opened(noisy.data)).is_legible


def test_spots_are_connected_over_corners_and_counted_once() -> None:
    drawn = ["..#..#", ".#....", "#..###", "...#.#", "...###"]
    inked = b"".join(bytes(255 * (cell == "#") for cell in row) for row in drawn)
    depth = bytes(range(30))
    assert spots(inked, depth, 6) == [Spot(0, 0, 2, 2, 3, 12), Spot(5, 0, 5, 0, 1, 5), Spot(3, 2, 5, 4, 8, 29)]


ASKED = """
import { readFileSync } from "node:fs";
const { regions } = await import(process.argv[2]);
const [, , , luma, width, height] = process.argv;
console.log(JSON.stringify(Array.from(regions(new Uint8Array(readFileSync(luma)), Number(width), Number(height)))));
"""


@pytest.mark.parametrize("size", [(1600, 1200), (1203, 901), (40, 33), (31, 400)])
def test_the_browser_measures_the_same_regions(tmp_path: Path, size: tuple[int, int]) -> None:
    """The same pixels give the same figures to four digits; most are whole numbers and equal."""
    luma = blurred(board(), (900, 0, 1600, 700), 2).resize(size).convert("L")
    (tmp_path / "luma").write_bytes(luma.tobytes())
    module = tmp_path / "regions.mjs"
    module.write_text((SITE / "regions.js").read_text())
    asked = [str(tmp_path / "luma"), *map(str, size)]
    script = tmp_path / "asked.mjs"
    script.write_text(ASKED)
    node = Path(sys.executable).with_name("node")  # not resolved: it lies beside the link to Python
    done = subprocess.run([node, script, module.as_uri(), *asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures, many = json.loads(done.stdout), len(Region._fields)
    theirs = [figures[at : at + many] for at in range(0, len(figures), many)]
    ours = regions(luma)
    assert len(theirs) == len(ours) == (64 if min(size) >= 32 else 0)
    for mine, his in zip(ours, theirs, strict=True):
        assert his == pytest.approx(list(mine), rel=1e-4)
