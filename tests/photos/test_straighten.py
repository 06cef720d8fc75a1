"""A board photographed from the side: its corners are found, and it is seen from the front, natively and as the browser does it."""

import asyncio
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from app.photos import light, pillow
from app.photos.corners import corners_in
from app.photos.perspective import (
    Corners,
    flat_size,
    from_flat,
    is_board_shape,
    is_tilted,
    upright,
    warp_between,
    warped,
)
from app.photos.pillow import PillowPictures
from app.photos.prepare import board_corners, is_worth_straightening, straightened
from tests.photos.shots import as_file, natively, notice_board, opened

SITE = Path(__file__).parents[2] / "web" / "site"
ON_THE_WALL: Corners = ((210.0, 120.0), (1010.0, 230.0), (1040.0, 760.0), (180.0, 860.0))
FROM_THE_FRONT: Corners = ((150.0, 110.0), (1050.0, 112.0), (1051.0, 790.0), (149.0, 788.0))


def seen_from(corners: Corners, size: tuple[int, int] = (1200, 900)) -> Image.Image:
    """A framed board as a camera sees it whose picture has the corners there."""
    flat = notice_board(900, 600)
    ImageDraw.Draw(flat).rectangle((0, 0, 899, 599), outline=(70, 45, 30), width=14)
    wall = ImageChops.add(
        Image.new("RGB", size, (186, 180, 160)), Image.merge("RGB", [Image.effect_noise(size, 8)] * 3), 1, -128
    )
    ImageDraw.Draw(wall).rectangle((0, 840, size[0], size[1]), fill=(120, 116, 104))
    back = warp_between(corners, upright(900, 600))
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    wall.paste(flat.transform(size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC), (0, 0), mask)
    return wall.filter(ImageFilter.GaussianBlur(0.8))


def off_by(found: Corners | None, true: Corners, width: int) -> float:
    """The farthest corner's distance as a share of the picture's width."""
    assert found is not None
    return max(map(math.dist, found, true)) / width


@pytest.mark.parametrize("light", [1.0, 0.3])
@pytest.mark.parametrize("true", [ON_THE_WALL, FROM_THE_FRONT])
def test_the_corners_of_a_board_are_found_in_the_sun_and_in_the_dark(true: Corners, light: float) -> None:
    kept = natively(as_file(seen_from(true).point([round(value * light) for value in range(256)] * 3)))
    scale = kept.width / 1200
    found = asyncio.run(board_corners(kept.data, PillowPictures()))
    one, two, three, four = ((x * scale, y * scale) for x, y in true)
    assert off_by(found, (one, two, three, four), kept.width) < 0.01
    assert found is not None and is_tilted(found) == (true is ON_THE_WALL)


def three_sheets_under_a_lamp() -> Image.Image:
    """A board of three sheets whose lower right corner, with most of two sides, is lost in the light of a lamp."""
    board = Image.new("RGB", (900, 600), (150, 30, 30))
    brush = ImageDraw.Draw(board)
    brush.rectangle((0, 0, 899, 599), outline=(70, 45, 30), width=14)
    for left in (30, 320, 610):
        brush.rectangle((left, 34, left + 260, 570), fill=(226, 226, 220))
        for line in range(60, 330, 40):
            brush.text((left + 24, line), "Tiếp công dân thứ Hai", (20, 20, 40), font_size=22)
    wall, mask, lamp = Image.new("RGB", (1200, 900), (150, 148, 140)), *(Image.new("L", (1200, 900)) for _ in range(2))
    back = warp_between(ON_THE_WALL, upright(900, 600))
    ImageDraw.Draw(mask).polygon(ON_THE_WALL, fill=255)
    wall.paste(board.transform(wall.size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC), (0, 0), mask)
    ImageDraw.Draw(lamp).ellipse((780, 540, 1140, 900), fill=255)
    return ImageChops.add(wall, Image.merge("RGB", [lamp.filter(ImageFilter.GaussianBlur(25))] * 3))


def test_a_side_lost_in_a_lamp_is_found_because_of_what_is_written_before_it() -> None:
    kept = natively(as_file(three_sheets_under_a_lamp()))
    scale = kept.width / 1200
    one, two, three, four = ((x * scale, y * scale) for x, y in ON_THE_WALL)
    for known in (None, kept.regions):
        found = asyncio.run(board_corners(kept.data, PillowPictures(), known))
        assert off_by(found, (one, two, three, four), kept.width) < 0.01


@pytest.mark.parametrize(
    ("true", "blur", "is_offered"), [(ON_THE_WALL, 0, True), (FROM_THE_FRONT, 0, False), (ON_THE_WALL, 5, False)]
)
def test_straightening_is_offered_for_what_hangs_aslant_and_can_be_read(
    true: Corners, blur: int, is_offered: bool
) -> None:
    kept = natively(as_file(seen_from(true).filter(ImageFilter.GaussianBlur(blur))))
    assert asyncio.run(is_worth_straightening(kept, PillowPictures())) is is_offered


def grain(width: int, height: int) -> bytes:
    return random.Random(5).randbytes(width * height)


@pytest.mark.parametrize(
    ("grey", "size"),
    [
        (bytes([200]) * (320 * 240), (320, 240)),
        (grain(320, 240), (320, 240)),
        (bytes(light // 3 for _ in range(240) for light in range(320)), (320, 240)),
        (b"".join(bytes([60 + 130 * (y > 180)]) * 320 for y in range(240)), (320, 240)),  # a wall and its skirting
        (bytes(31 * 400), (31, 400)),
        (bytes(1), (1, 1)),
    ],
)
def test_where_no_board_is_none_is_found(grey: bytes, size: tuple[int, int]) -> None:
    assert asyncio.run(corners_in(grey, *size)) is None


def test_a_straightened_board_is_upright_and_no_larger_than_its_photo() -> None:
    kept = natively(as_file(seen_from(ON_THE_WALL), quality=95))
    scale = kept.width / 1200
    one, two, three, four = ((x * scale, y * scale) for x, y in ON_THE_WALL)
    flat = asyncio.run(straightened(kept.data, (one, two, three, four), PillowPictures()))
    assert max(flat.width, flat.height) <= max(kept.width, kept.height)
    assert flat.sha256 != kept.sha256 and opened(flat.data).size == (flat.width, flat.height)
    true = notice_board(900, 600)
    ImageDraw.Draw(true).rectangle((0, 0, 899, 599), outline=(70, 45, 30), width=14)
    # Lines of writing and the red corner lie where they hang; a few pixels of blur and the rim apart.
    here, there = (image.convert("L").resize((225, 150)) for image in (opened(flat.data), pillow._evened(true)))
    box = (6, 6, 219, 144)
    apart = ImageChops.difference(here.crop(box), there.crop(box)).resize((1, 1), Image.Resampling.BOX)
    assert apart.getpixel((0, 0)) < 14  # type: ignore[operator]
    askew = opened(kept.data).convert("L").resize((225, 150))
    wrong = ImageChops.difference(askew.crop(box), there.crop(box)).resize((1, 1), Image.Resampling.BOX)
    assert wrong.getpixel((0, 0)) > 25  # type: ignore[operator]


def test_corners_that_go_round_no_board_are_refused() -> None:
    kept = natively(as_file(seen_from(ON_THE_WALL)))
    one, two, three, four = ON_THE_WALL
    for wrong in (
        (one, three, two, four),
        (two, one, four, three),
        (one, two, two, four),
        (one, two, (300.0, 250.0), four),
    ):
        assert not is_board_shape(wrong)
        with pytest.raises(ValueError, match="no board"):
            asyncio.run(straightened(kept.data, wrong, PillowPictures()))


near, far = st.floats(0, 650), st.floats(950, 1600)
boards = st.tuples(st.tuples(near, near), st.tuples(far, near), st.tuples(far, far), st.tuples(near, far))


@given(boards, st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_place_of_a_board_comes_back_to_where_it_was(corners: Corners, place: tuple[float, float]) -> None:
    assume(is_board_shape(corners))
    size = flat_size(corners, 1600)
    assert max(size) <= 1600
    back, onto = from_flat(corners, size), warp_between(corners, upright(*size))
    for corner, at in zip(corners, upright(*size), strict=True):
        assert warped(at, back) == pytest.approx(corner, abs=1e-3)
    flat = place[0] * size[0], place[1] * size[1]
    assert warped(warped(flat, back), onto) == pytest.approx(flat, abs=0.5)


ASKED = """
import { readFileSync, writeFileSync } from "node:fs";
const { warp } = await import(process.argv[2]);
const [wide, high, width, height] = process.argv.slice(4, 8).map(Number), how = JSON.parse(process.argv[8]);
const pixels = new Uint8ClampedArray(readFileSync(process.argv[3])), made = [];
for (let top = 0; top < height; top += 50) {
  const rows = new Uint8ClampedArray(4 * width * Math.min(50, height - top));
  warp(pixels, wide, high, how, rows, width, top);
  made.push(Buffer.from(rows));
}
writeFileSync(process.argv[9], Buffer.concat(made));
"""


def test_the_browser_sees_the_same_from_the_front(tmp_path: Path) -> None:
    """Within one step of 255 of Pillow everywhere; also where a corner lies outside the photo."""
    board = seen_from(ON_THE_WALL).resize((400, 300)).convert("RGBA")
    corners: Corners = ((60.0, 35.0), (330.0, 75.0), (347.5, 253.25), (-8.0, 290.0))
    size = flat_size(corners, 400)
    how = from_flat(corners, size)
    (tmp_path / "pixels").write_bytes(board.tobytes())
    module, script, made = tmp_path / "warp.mjs", tmp_path / "asked.mjs", tmp_path / "made"
    module.write_text((SITE / "warp.js").read_text())
    script.write_text(ASKED)
    node = Path(sys.executable).with_name("node")  # not resolved: it lies beside the link to Python
    asked = [script, module.as_uri(), tmp_path / "pixels", *map(str, (*board.size, *size)), str(list(how)), made]
    done = subprocess.run([node, *asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = Image.frombytes("RGBA", size, made.read_bytes())
    ours = board.convert("RGB").transform(size, Image.Transform.PERSPECTIVE, how, Image.Resampling.BICUBIC)
    apart = ImageChops.difference(theirs.convert("RGB"), ours)
    assert max(high for _, high in apart.getextrema()) <= 1  # type: ignore[misc]
    assert theirs.getextrema()[3] == (255, 255) and theirs.getpixel((0, size[1] - 1)) == (0, 0, 0, 255)  # type: ignore[misc]


EVENED = """
import { readFileSync, writeFileSync } from "node:fs";
const { cells, even, finish } = await import(process.argv[2]);
const [width, height, cell, white, down, reach, by] = process.argv.slice(5, 12).map(Number);
const pixels = new Uint8ClampedArray(readFileSync(process.argv[3])), paper = new Uint8Array(readFileSync(process.argv[4]));
const grey = Uint8Array.from({ length: width * height }, (_, at) =>
  (19595 * pixels[4 * at] + 38470 * pixels[4 * at + 1] + 7471 * pixels[4 * at + 2] + 0x8000) >> 16);
const made = [Buffer.from(cells(grey, width, height, cell))];
for (let top = 0; top < height; top += 50) {
  const rows = pixels.subarray(4 * width * top, 4 * width * Math.min(height, top + 50));
  even(rows, width, top, paper, paper.length / down, cell, white);
}
for (let top = 0; top < height; top += 50) {
  const rows = new Uint8ClampedArray(4 * width * Math.min(50, height - top));
  finish(pixels, width, height, rows, top, reach, by);
  made.push(Buffer.from(rows));
}
writeFileSync(process.argv[12], Buffer.concat(made));
"""


def in_the_shade(size: tuple[int, int] = (615, 430), brightest: float = 1.0) -> Image.Image:
    """A board of which the left hangs in the shade, in a room as bright as that."""
    board = notice_board(900, 600).resize(size)
    light = (
        Image.linear_gradient("L")
        .rotate(90)
        .resize(size)
        .point([round((130 + light * 125 / 255) * brightest) for light in range(256)])
    )
    return ImageChops.multiply(board, Image.merge("RGB", [light] * 3))


def test_paper_in_the_shade_becomes_as_white_as_paper_under_the_lamp() -> None:
    dark = in_the_shade()
    even = pillow._evened(dark)
    for x in (40, 300, 580):
        column = even.convert("L").crop((x - 20, 10, x + 20, 420))
        brightest = sorted(column.tobytes())[len(column.tobytes()) * 3 // 4]
        assert abs(brightest - light.WHITE) < 25, "whatever hangs in the shade is read against white"
    before, after = (sorted(image.convert("L").crop((10, 10, 60, 420)).tobytes()) for image in (dark, even))
    assert after[-1] - after[0] > 1.5 * (before[-1] - before[0]), "ink stays ink"


def test_a_dark_board_between_the_sheets_stays_dark() -> None:
    board = Image.new("RGB", (800, 600), (30, 60, 40))
    ImageDraw.Draw(board).rectangle((300, 200, 500, 400), fill=(220, 220, 210))
    even = pillow._evened(board)
    assert even.getpixel((100, 100))[1] < 140 < even.getpixel((400, 300))[1]  # type: ignore[index]


@pytest.mark.parametrize(("brightest", "how"), [(1.0, light.SHARPER), (0.3, light.SOFTER)])
def test_the_browser_makes_the_same_light(tmp_path: Path, brightest: float, how: light.Finish) -> None:
    board = in_the_shade(brightest=brightest).convert("RGBA")
    cells = board.convert("RGB").convert("L").reduce(light.CELL)
    white = light.paper(cells.tobytes(), *cells.size)
    assert light.finish(white) == how
    (tmp_path / "pixels").write_bytes(board.tobytes())
    (tmp_path / "paper").write_bytes(white)
    module, script, made = tmp_path / "light.mjs", tmp_path / "evened.mjs", tmp_path / "made"
    module.write_text((SITE / "light.js").read_text())
    script.write_text(EVENED)
    node = Path(sys.executable).with_name("node")
    numbers = map(str, (*board.size, light.CELL, light.WHITE, cells.height, *how))
    asked = [script, module.as_uri(), tmp_path / "pixels", tmp_path / "paper", *numbers, made]
    done = subprocess.run([node, *asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = made.read_bytes()
    seen, pixels = theirs[: cells.width * cells.height], theirs[cells.width * cells.height :]
    assert max(abs(one - other) for one, other in zip(seen, cells.tobytes(), strict=True)) <= 1
    apart = ImageChops.difference(
        Image.frombytes("RGBA", board.size, pixels).convert("RGB"), pillow._evened(board.convert("RGB"))
    )
    assert max(high for _, high in apart.getextrema()) <= 4  # type: ignore[misc]


def test_a_photo_straightened_at_once_is_made_from_what_the_camera_gave() -> None:
    raw = as_file(seen_from(ON_THE_WALL), quality=95)
    kept = natively(raw)
    corners = asyncio.run(board_corners(kept.data, PillowPictures()))
    assert corners is not None
    later, at_once = (asyncio.run(straightened(kept.data, corners, PillowPictures(), camera)) for camera in (b"", raw))
    assert max(later.width, later.height) <= max(at_once.width, at_once.height) <= max(kept.width, kept.height)
    here, there = (opened(photo.data).convert("L").resize((225, 150)) for photo in (later, at_once))
    apart = ImageChops.difference(here, there).resize((1, 1), Image.Resampling.BOX)
    assert apart.getpixel((0, 0)) < 4, "the same board, the same corners"  # type: ignore[operator]
