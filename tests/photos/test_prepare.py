"""What becomes of photos on the phone, with real bytes: turned, large, damaged, foreign."""

import hashlib
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.photos.header import read_header
from app.photos.judge import Verdict, verdict
from app.photos.pillow import measure
from app.photos.prepare import NotAPhoto, PreparedPhoto
from app.photos.taken import taken_at
from tests.photos.shots import BOARD, REFUSED, as_file, camera_exif, corner_is_red, held, natively, notice_board, opened


def judge(image: Image.Image) -> Verdict:
    return verdict(*measure(image.convert("RGB")))


def test_a_phone_photo_becomes_small_and_named_by_its_hash() -> None:
    photo = natively(as_file(notice_board(), quality=95))
    kept, preview = opened(photo.data), opened(photo.preview)
    assert (kept.format, kept.size) == ("JPEG", (photo.width, photo.height))
    assert 1400 < kept.width <= 1600 and kept.width * 3 == pytest.approx(kept.height * 4, abs=4)
    assert photo.media_type == "image/jpeg"
    assert photo.sha256 == hashlib.sha256(photo.data).hexdigest()
    assert photo.preview_sha256 == hashlib.sha256(photo.preview).hexdigest()
    assert preview.size == (256, 192) and len(photo.preview) <= 8_000
    assert photo.taken_at is None
    assert photo == natively(as_file(notice_board(), quality=95)), "the same bytes must give the same photo"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_phone_was_held_the_board_stands_upright(orientation: int) -> None:
    photo = natively(held(orientation))
    assert (photo.width, photo.height) == (800, 600)
    assert corner_is_red(opened(photo.data)) and corner_is_red(opened(photo.preview))


def test_where_and_with_what_it_was_taken_is_not_passed_on() -> None:
    raw = as_file(notice_board(800, 600), exif=camera_exif(), comment=b"Nguyen Van A")
    assert b"PhoneMaker" in raw and b"Nguyen Van A" in raw
    photo = natively(raw)
    for data in (photo.data, photo.preview):
        assert b"PhoneMaker" not in data and b"Exif" not in data and b"Nguyen" not in data
        assert not opened(data).getexif()


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2026:11:20 07:52:10", None, datetime(2026, 11, 20, 7, 52, 10, 250_000, timezone(timedelta(hours=7)))),
        ("2026:11:20 07:52:10", "+09:00", datetime(2026, 11, 20, 7, 52, 10, 250_000, timezone(timedelta(hours=9)))),
        ("2026:11:20 07:52:10", "+00:00", datetime(2026, 11, 20, 7, 52, 10, 250_000, UTC)),
        ("2026:11:20 07:52:10", "here", datetime(2026, 11, 20, 7, 52, 10, 250_000, timezone(timedelta(hours=7)))),
        ("0000:00:00 00:00:00", None, None),
        ("hôm qua", None, None),
        (None, None, None),
    ],
)
def test_the_time_of_the_shutter_is_read_before_it_is_stripped(
    taken: str | None, offset: str | None, expected: datetime | None
) -> None:
    photo = natively(as_file(notice_board(400, 300), exif=camera_exif(taken=taken, offset=offset)))
    assert photo.taken_at == (None if expected is None else round(expected.timestamp() * 1000))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_time_is_found_in_every_kind_of_file(form: str) -> None:
    photo = natively(as_file(notice_board(400, 300), form, exif=camera_exif(offset="+07:00")))
    assert photo.taken_at == round(datetime(2026, 11, 20, 0, 52, 10, 250_000, UTC).timestamp() * 1000)


@settings(max_examples=1000, deadline=None)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), cut=st.floats(0, 1), tail=st.binary()
)
def test_no_damage_to_metadata_surprises_us(edits: list[tuple[float, int]], cut: float, tail: bytes) -> None:
    block = bytearray(camera_exif(6, offset="+07:00").tobytes().removeprefix(b"Exif\0\0"))
    assert taken_at(bytes(block)) is not None
    for place, value in edits:
        block[int(place * (len(block) - 1))] = value
    moment = taken_at(bytes(block[: int(cut * len(block))]) + tail)
    assert moment is None or isinstance(moment, int)


def test_metadata_made_to_hold_us_up_does_not() -> None:
    """65,535 entries, each of them said to be 64 bytes of text: bounded, where following every count would take minutes."""
    entries = b"".join(struct.pack("<HHII", 0x9003, 2, 64, 8) for _ in range(65_535))
    facts = struct.pack("<HHHII", 1, 0x8769, 4, 1, 26) + bytes(4) + struct.pack("<H", 65_535) + entries
    assert taken_at(b"II*\0" + struct.pack("<I", 8) + facts) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_header_is_read_without_decoding(form: str) -> None:
    raw = as_file(notice_board(301, 203), form, exif=camera_exif())
    header = read_header(raw)
    assert header and (header.width, header.height, header.is_whole) == (301, 203, True)
    assert header.exif[:2] in (b"II", b"MM")
    short = read_header(raw[:-3])
    assert short and (short.width, short.is_whole) == (301, False)
    assert read_header(raw[:12]) is None
    thumbnailed = as_file(notice_board(301, 203), exif=camera_exif().tobytes() + b"\xff\xd8 a thumbnail \xff\xd9")
    cut = read_header(thumbnailed[: len(thumbnailed) // 2])
    assert cut and not cut.is_whole, "the end of a thumbnail is not the end of the photo"


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"save_all": True}])
def test_every_way_to_write_a_webp_tells_its_size(options: dict[str, bool]) -> None:
    frames = {"append_images": [notice_board(90, 70)]} if "save_all" in options else {}
    header = read_header(as_file(Image.new("RGB", (90, 70), "white"), "WEBP", **options, **frames))
    assert header and (header.width, header.height, header.is_whole) == (90, 70, True)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_small_photos_of_each_kind_are_taken_and_not_enlarged(form: str) -> None:
    photo = natively(as_file(notice_board(500, 400), form))
    assert (photo.width, photo.height) == (500, 400)
    assert corner_is_red(opened(photo.data))


def test_transparent_screenshots_lie_on_white_and_odd_modes_keep_their_greys() -> None:
    clear = natively(as_file(Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "PNG"))
    assert opened(clear.data).getpixel((30, 20)) == (255, 255, 255)
    deep = natively(as_file(Image.new("I;16", (60, 40), 128 * 256), "PNG"))
    assert abs(deep.brightness - 128) < 2
    printed = natively(as_file(Image.new("CMYK", (60, 40), (0, 255, 255, 0)), "JPEG"))
    assert opened(printed.data).getpixel((30, 20))[0] > 200  # type: ignore[index]
    sliver = natively(as_file(Image.new("RGB", (6000, 1)), "PNG"))
    assert (sliver.width, sliver.height) == (1280, 1)


@pytest.mark.parametrize(("reason", "raw"), [*REFUSED, ("too-many-bytes", BOARD + b"\0" * (50 * 1024 * 1024))])
def test_what_is_no_photo_is_refused_in_plain_words(reason: str, raw: bytes) -> None:
    with pytest.raises(NotAPhoto) as refusal:
        natively(raw)
    assert refusal.value.reason == reason
    assert "Hãy" in refusal.value.message_vi or "chọn" in refusal.value.message_vi, "say what to do next"
    assert refusal.value.message_en.endswith(".")
    if reason == "heic":
        assert "JPEG" in refusal.value.message_vi


def test_a_picture_full_of_detail_still_gets_a_light_preview() -> None:
    """Gravel, foliage: where no quality is poor enough, the preview becomes smaller."""
    gravel = Image.merge("RGB", [Image.effect_noise((256, 256), 200) for _ in "RGB"])
    photo = natively(as_file(gravel, "PNG"))
    assert len(photo.preview) <= 8_000 and opened(photo.preview).width < 256


def test_fifty_megapixels_are_just_taken() -> None:
    photo = natively(as_file(Image.new("RGB", (10_000, 5_000), "grey")))
    assert (photo.width, photo.height) == (1280, 640)


@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    cut=st.floats(0, 1),
)
def test_no_damage_to_a_file_surprises_us(form: str, edits: list[tuple[float, int]], cut: float) -> None:
    raw = bytearray(DAMAGEABLE[form])
    for place, value in edits:
        raw[int(place * (len(raw) - 1))] = value
    try:
        photo = natively(bytes(raw[: int(cut * len(raw))]))
    except NotAPhoto:
        return
    assert isinstance(photo, PreparedPhoto) and opened(photo.data).size == (photo.width, photo.height)


DAMAGEABLE = {
    form: as_file(notice_board(160, 120), form, exif=camera_exif(6, offset="+07:00"))
    for form in ("JPEG", "PNG", "WEBP")
}


def test_damaged_metadata_does_not_cost_the_photo() -> None:
    raw = as_file(notice_board(400, 300), exif=camera_exif())
    head = raw.index(b"Exif\0\0") + 6
    photo = natively(raw[:head] + b"XX" + raw[head + 2 :])
    assert (photo.width, photo.height, photo.taken_at) == (400, 300, None)


def test_a_shaken_photo_is_told_from_a_steady_one() -> None:
    from PIL import ImageFilter

    steady = judge(notice_board())
    shaken = judge(notice_board().filter(ImageFilter.GaussianBlur(12)))
    assert steady.is_sharp and steady.message_vi == "Ảnh rõ."
    assert not shaken.is_sharp and not shaken.is_good and "Hãy giữ chắc máy" in shaken.message_vi
    assert steady.sharpness > 5 * shaken.sharpness


def test_too_dark_and_too_bright_are_said_before_blur() -> None:
    dark, bright = Image.new("RGB", (800, 600), (12, 12, 14)), Image.new("RGB", (800, 600), (254, 254, 254))
    assert "tối" in judge(dark).message_vi and judge(dark).brightness < 20
    assert "sáng" in judge(bright).message_vi
    assert judge(Image.new("L", (1, 1), 128)).sharpness == 0


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    from statistics import pvariance

    image = notice_board(40, 30).convert("L")
    at = image.load()
    assert at is not None
    values = [
        at[x - 1, y] + at[x + 1, y] + at[x, y - 1] + at[x, y + 1] - 4 * at[x, y]  # type: ignore[operator]
        for y in range(1, 29)
        for x in range(1, 39)
    ]
    assert judge(image).sharpness == pytest.approx(pvariance(values), rel=1e-3)


def test_the_phone_loads_these_modules_without_pillow() -> None:
    """In the browser Pillow is absent until someone needs it."""
    import subprocess
    import sys

    asked = "import sys; sys.modules['PIL'] = None; import app.photos.prepare, app.photos.judge, app.photos.store, app.state"
    subprocess.run([sys.executable, "-c", asked], check=True)
