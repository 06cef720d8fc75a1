"""What is covered is gone from the stored pixels: from the photo and from its preview, natively and as the browser does it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from app.photos.marks import Cover, load_lettering
from app.photos.pillow import PillowPictures
from app.photos.prepare import COVER_CELLS, PreparedPhoto, marked
from tests.photos.shots import as_file, aside, camera_exif, natively, notice_board, opened

ROOT = Path(__file__).parents[2]
SITE = ROOT / "web" / "site"
LETTERING = load_lettering(ROOT / "assets")
NAME = (200, 120, 520, 180)


def cover(kept: bytes, *boxes: tuple[int, int, int, int]) -> PreparedPhoto:
    covers = [Cover(box) for box in boxes]
    return aside(marked(kept, covers, LETTERING, PillowPictures()))


def colours(image: Image.Image) -> int:
    """How many clearly different colours there are."""
    return len(image.convert("L").point([light // 24 for light in range(256)]).getcolors())  # type: ignore[arg-type]


def test_a_covered_name_is_gone_from_the_pixels_and_the_rest_is_as_it_was() -> None:
    kept = natively(as_file(notice_board(800, 600), exif=camera_exif()))
    photo = cover(kept.data, NAME)
    before, after = opened(kept.data), opened(photo.data)
    assert after.size == before.size and photo.sha256 != kept.sha256
    inner = tuple(side + step for side, step in zip(NAME, (8, 8, -8, -8), strict=True))
    assert colours(before.crop(inner)) >= 6 and colours(after.crop(inner)) <= 4
    cell = after.convert("L").crop((208, 122, 272, 132)).getextrema()
    assert cell[1] - cell[0] < 24, "within one of the four by four cells nothing is left"  # type: ignore[operator]
    rest = ImageChops.difference(before.crop((0, 300, 800, 600)), after.crop((0, 300, 800, 600))).convert("L")
    assert rest.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) < 6  # type: ignore[operator]
    preview = opened(photo.preview)
    place = tuple(round(side * preview.width / 800) for side in inner)
    assert colours(preview.crop(place)) <= 4
    assert b"Exif" not in photo.data and photo.taken_at is None


def test_what_lies_outside_the_photo_is_left_out() -> None:
    kept = natively(as_file(notice_board(400, 300)))
    assert opened(cover(kept.data, (380, 280, 900, 700), (-50, -50, 2, 1), (500, 0, 600, 50)).data).size == (400, 300)


ASKED = """
import { readFileSync } from "node:fs";
const { cover } = await import(process.argv[2]);
const pixels = new Uint8ClampedArray(readFileSync(process.argv[3]));
cover(pixels, Number(process.argv[4]), Number(process.argv[5]), Number(process.argv[6]));
console.log(JSON.stringify(Array.from(pixels)));
"""


@pytest.mark.parametrize("size", [(64, 40), (50, 31), (3, 2)])
def test_the_browser_covers_alike(tmp_path: Path, size: tuple[int, int]) -> None:
    part = notice_board(400, 300).crop((40, 20, 40 + size[0], 20 + size[1])).convert("RGBA")
    (tmp_path / "pixels").write_bytes(part.tobytes())
    module, script = tmp_path / "measure.mjs", tmp_path / "asked.mjs"
    module.write_text((SITE / "measure.js").read_text())
    script.write_text(ASKED)
    node = Path(sys.executable).with_name("node")  # not resolved: it lies beside the link to Python
    asked = [node, script, module.as_uri(), tmp_path / "pixels", *map(str, size), str(COVER_CELLS)]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = Image.frombytes("RGBA", size, bytes(json.loads(done.stdout)))
    cells = min(COVER_CELLS, size[0]) * min(COVER_CELLS, size[1])
    assert len(theirs.getcolors(10_000)) <= cells and theirs.getextrema()[3] == (255, 255)  # type: ignore[arg-type]
    mean = [round(theirs.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))[n]) for n in range(3)]  # type: ignore[index]
    assert mean == pytest.approx(part.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))[:3], abs=2)  # type: ignore[index]


def test_of_an_animated_picture_the_first_frame_is_kept() -> None:
    frames = [notice_board(400, 300), Image.new("RGB", (400, 300), "blue")]
    for form in ("WEBP", "PNG"):
        photo = natively(as_file(frames[0], form, save_all=True, append_images=frames[1:], duration=200))
        assert opened(photo.data).format == "JPEG" and getattr(opened(photo.data), "n_frames", 1) == 1
        assert opened(photo.data).convert("L").resize((1, 1)).getpixel((0, 0)) > 100  # type: ignore[operator]


def test_a_black_photo_is_kept_and_said_to_be_too_dark() -> None:
    from app.photos.judge import verdict

    photo = natively(as_file(Image.new("RGB", (4000, 3000))))
    said = verdict(photo.sharpness, photo.brightness, photo.regions)
    assert "tối quá" in said.message_vi and said.is_legible is None and len(photo.data) < 30_000
