"""Photos as Chromium makes them ready, beside Pillow: one set of rules, one verdict, whoever does the work."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import Page, Playwright

from app.photos.judge import verdict
from app.photos.marks import Arrow, Cover, Ring, Words, load_lettering
from app.photos.pillow import PillowPictures
from app.photos.prepare import PREVIEW_BYTES, banded, board_corners, marked, straightened
from app.photos.regions import LOST_MOST, Region, readings, share_lost
from tests.photos.shots import (
    BOARD,
    REFUSED,
    as_file,
    aside,
    camera_exif,
    corner_is_red,
    held,
    natively,
    notice_board,
    opened,
)
from tests.photos.test_straighten import ON_THE_WALL, seen_from
from tests.ui.home_affairs import Central
from tests.web.pocket import WARM_SECONDS, Pocket, python, worker_of

SHARPNESS_WITHIN = 1.25
"""Ratio of the sharpness of one photo as two clients measure it, when each has shrunk it in its own way."""
BRIGHTNESS_WITHIN = 2.0
LOST_WITHIN = 0.08
"""Share of the letters that one client takes for lost and the other does not, again after each has shrunk in its own way."""
AT_THE_BOUND = "a phone's 12 megapixels"
"""Small writing, shrunk to 10 pixels: so near to what may be lost at most that the two may disagree about the whole."""


@pytest.fixture(scope="module")
def page(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The app in a browser; these stories only use its Python."""
    folder = tmp_path_factory.mktemp("pictures")
    central = Central(folder / "central").start()
    pocket = Pocket(playwright, folder / "profile")
    try:
        central.ready()
        page = pocket.start().page(central.url)
        page.wait_for_selector("#opening", state="detached", timeout=WARM_SECONDS * 1000)
        yield page
    finally:
        pocket.stop()
        central.stop()


def in_browser(page: Page, raw: bytes) -> dict[str, Any]:
    """What the app in the browser makes of a file: a photo, or why it refuses."""
    found: dict[str, Any] = python(
        page,
        f"""
import base64
from app.device.canvas import CanvasPictures
from app.photos.prepare import NotAPhoto, prepare

async def made():
    raw = base64.b64decode({base64.b64encode(raw).decode()!r})
    try:
        photo = await prepare(raw, CanvasPictures())
    except NotAPhoto as refusal:
        return {{"refused": refusal.reason}}
    hold = lambda data: base64.b64encode(data).decode()
    return {{**vars(photo), "data": hold(photo.data), "preview": hold(photo.preview)}}

await made()
""",
    )
    for name in ("data", "preview"):
        if name in found:
            found[name] = base64.b64decode(found[name])
    return found


def blurred(radius: float) -> bytes:
    return as_file(notice_board().filter(ImageFilter.GaussianBlur(radius)), quality=95)


SHOTS = {
    "a phone's 12 megapixels": as_file(notice_board(4000, 3000), quality=90, exif=camera_exif(6)),
    "the camera in the app": as_file(notice_board(1920, 1080), quality=92),
    "a sharp board": as_file(notice_board(), quality=95, exif=camera_exif(offset="+07:00")),
    "a slight shake": blurred(3),
    "a shake": blurred(6),
    "a bad shake": blurred(12),
    "gravel": as_file(Image.effect_noise((3000, 2000), 60).convert("RGB"), quality=90),
    "a dark cellar": as_file(Image.effect_noise((2000, 1500), 20).convert("RGB").point(lambda light: light // 5)),
    "into the sun": as_file(Image.new("RGB", (2000, 1500), (252, 253, 254))),
    "a WebP of a chat": as_file(notice_board(1200, 900), "WEBP", exif=camera_exif()),
}


@pytest.mark.parametrize("shot", SHOTS)
def test_one_photo_gets_one_verdict_whoever_judges(page: Page, shot: str) -> None:
    raw = SHOTS[shot]
    ours, theirs = natively(raw), in_browser(page, raw)
    assert (theirs["width"], theirs["height"], theirs["taken_at"]) == (ours.width, ours.height, ours.taken_at)
    assert 1 / SHARPNESS_WITHIN < theirs["sharpness"] / max(ours.sharpness, 1e-6) < SHARPNESS_WITHIN or (
        ours.sharpness < 1 and theirs["sharpness"] < 1
    )
    assert theirs["brightness"] == pytest.approx(ours.brightness, abs=BRIGHTNESS_WITHIN)
    said = verdict(theirs["sharpness"], theirs["brightness"], [Region(*figures) for figures in theirs["regions"]])
    mine = verdict(ours.sharpness, ours.brightness, ours.regions)
    written, his = readings(ours.regions), readings([Region(*figures) for figures in theirs["regions"]])
    assert bool(his) == bool(written)
    if written:
        assert share_lost(his) == pytest.approx(share_lost(written), abs=LOST_WITHIN)
    if shot == AT_THE_BOUND:
        assert share_lost(written) == pytest.approx(LOST_MOST, abs=LOST_WITHIN)
        return
    assert (said.is_legible, said.is_good) == (mine.is_legible, mine.is_good)
    # A large photo, which each shrinks in its own way, may have one region more or less in doubt: the advice is the same.
    assert said.message_vi.rpartition(". ")[2] == mine.message_vi.rpartition(". ")[2]


def test_the_same_pixels_are_measured_alike(page: Page) -> None:
    """Nothing was shrunk or lost on the way: measure.js and Pillow's figures differ in the last digits only."""
    for size in ((1600, 1200), (641, 900), (500, 400), (2, 9)):
        raw = as_file(notice_board(*size), "PNG")
        ours, theirs = natively(raw), in_browser(page, raw)
        assert theirs["sharpness"] == pytest.approx(ours.sharpness, rel=2e-3), size
        assert theirs["brightness"] == pytest.approx(ours.brightness, abs=0.05), size
        for mine, his in zip(ours.regions, theirs["regions"], strict=True):
            assert his == pytest.approx(list(mine), rel=1e-4), size


def test_what_is_kept_is_small_upright_and_says_nothing_of_its_maker(page: Page) -> None:
    photo = in_browser(page, SHOTS["a phone's 12 megapixels"])
    kept, preview = opened(photo["data"]), opened(photo["preview"])
    assert (kept.format, kept.size) == ("JPEG", (1200, 1600)) and len(photo["data"]) < 700_000
    assert (preview.format, preview.size) == ("WEBP", (192, 256)) and len(photo["preview"]) <= PREVIEW_BYTES
    for data in (photo["data"], photo["preview"]):
        assert b"PhoneMaker" not in data and b"Exif" not in data and not opened(data).getexif()
    assert photo == in_browser(page, SHOTS["a phone's 12 megapixels"]), "the same bytes must give the same photo"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_phone_was_held_the_board_stands_upright(page: Page, orientation: int) -> None:
    photo = in_browser(page, held(orientation))
    assert (photo["width"], photo["height"]) == (800, 600)
    assert corner_is_red(opened(photo["data"])) and corner_is_red(opened(photo["preview"]))


def test_what_is_transparent_becomes_white(page: Page) -> None:
    clear = in_browser(page, as_file(Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "PNG"))
    assert opened(clear["data"]).getpixel((30, 20)) == (255, 255, 255)


def test_a_picture_full_of_detail_still_gets_a_light_preview(page: Page) -> None:
    gravel = Image.merge("RGB", [Image.effect_noise((256, 256), 200) for _ in "RGB"])
    photo = in_browser(page, as_file(gravel, "PNG"))
    assert len(photo["preview"]) <= PREVIEW_BYTES


def test_a_client_that_writes_no_webp_gives_a_jpeg_preview(page: Page) -> None:
    """As Safari's canvas does: asked for WebP it answers with a PNG."""
    worker = worker_of(page)
    worker.evaluate(
        """() => {
            const whole = self.wrote = OffscreenCanvas.prototype.convertToBlob;
            OffscreenCanvas.prototype.convertToBlob = function (options) {
                return whole.call(this, options.type === 'image/webp' ? { type: 'image/png' } : options);
            };
        }"""
    )
    try:
        preview = in_browser(page, BOARD)["preview"]
    finally:
        worker.evaluate("() => { OffscreenCanvas.prototype.convertToBlob = self.wrote; }")
    assert opened(preview).format == "JPEG" and len(preview) <= PREVIEW_BYTES


@pytest.mark.parametrize(("reason", "raw"), REFUSED)
def test_what_is_no_photo_is_refused_before_a_pixel_is_decoded(page: Page, reason: str, raw: bytes) -> None:
    worker = worker_of(page)
    worker.evaluate(
        """() => {
            const whole = self.decoded = self.createImageBitmap;
            self.decoding = 0;
            self.createImageBitmap = function (...asked) { self.decoding++; return whole.apply(self, asked); };
        }"""
    )
    try:
        assert in_browser(page, raw) == {"refused": reason}
        assert worker.evaluate("() => self.decoding") == 0
    finally:
        worker.evaluate("() => { self.createImageBitmap = self.decoded; }")


def test_what_only_a_decoder_can_find_broken_is_refused_in_the_same_words(page: Page) -> None:
    broken = bytearray(BOARD)
    middle = broken.index(b"\xff\xda") + 200
    broken[middle : middle + 400] = b"\xff" * 400
    assert in_browser(page, bytes(broken)) == {"refused": "truncated"}


def test_a_tilted_board_is_found_and_straightened_as_natively(page: Page) -> None:
    """Corners within half a per cent of the width of each other's, and the same board from the front."""
    kept = natively(as_file(seen_from(ON_THE_WALL), quality=92))
    found = aside(board_corners(kept.data, PillowPictures()))
    assert found is not None
    theirs = python(
        page,
        f"""
import base64
from app.device.canvas import CanvasPictures
from app.photos.prepare import board_corners, straightened

async def made():
    kept = base64.b64decode({base64.b64encode(kept.data).decode()!r})
    flat = await straightened(kept, {found!r}, CanvasPictures())
    return {{"found": await board_corners(kept, CanvasPictures()), "flat": base64.b64encode(flat.data).decode()}}

await made()
""",
    )
    for mine, his in zip(found, theirs["found"], strict=True):
        assert tuple(his) == pytest.approx(mine, abs=0.005 * kept.width)
    ours, flat = (
        opened(data).convert("RGB")
        for data in (
            aside(straightened(kept.data, found, PillowPictures())).data,
            base64.b64decode(theirs["flat"]),
        )
    )
    assert flat.size == ours.size
    apart = ImageChops.difference(flat, ours).convert("L").resize((1, 1), Image.Resampling.BOX)
    assert apart.getpixel((0, 0)) < 3  # type: ignore[operator]


MARKS = [
    Arrow((100, 500), (400, 300)),
    Ring((700, 80), (450, 250)),
    Words((400, 420), "Thiếu mức phí, ỗ Ặ Ữ"),
    Cover((500, 300, 700, 360)),
]
LINES = ["22/11/2026 07:45:00 (+07:00)", "Ủy ban nhân dân xã Mường Lống"]


def test_a_photo_is_drawn_on_and_gets_its_band_alike_whoever_does_it(page: Page) -> None:
    """With the app's own font, in the worker, from what lies in the browser."""
    kept = natively(BOARD)
    found: dict[str, Any] = python(
        page,
        f"""
import base64
from pathlib import Path
from app.device.canvas import CanvasPictures
from app.photos.marks import Arrow, Cover, Ring, Words, load_lettering
from app.photos.prepare import banded, marked

async def made():
    lettering, pictures = load_lettering(Path("/unpacked/assets")), CanvasPictures()
    photo = await marked(base64.b64decode({base64.b64encode(kept.data).decode()!r}), {MARKS!r}, lettering, pictures)
    below = await banded(photo, {LINES!r}, lettering, pictures)
    return [[made.height, base64.b64encode(made.data).decode(), list(made.regions)] for made in (photo, below)]

await made()
""",
    )
    lettering, pictures = load_lettering(Path(__file__).parents[2] / "assets"), PillowPictures()
    ours = aside(marked(kept.data, MARKS, lettering, pictures))
    below = aside(banded(ours, LINES, lettering, pictures))
    for mine, (height, data, regions) in zip((ours, below), found, strict=True):
        assert height == mine.height and len(regions) == len(mine.regions)
        one, other = opened(mine.data).convert("RGB"), opened(base64.b64decode(data)).convert("RGB")
        apart = ImageChops.difference(one, other).convert("L").histogram()
        assert sum(apart[64:]) < 0.01 * one.width * one.height, "no more than edges differ"
    assert below.height > ours.height
