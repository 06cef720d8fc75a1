"""Marks on a photo: where the finger put them, as large as the photo asks, in letters the font has."""

import io
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops

from app.lettering import band_lines
from app.photos.marks import (
    WORDS_MOST,
    Arrow,
    Cover,
    Letters,
    Mark,
    Ring,
    Words,
    drawing,
    is_worth_drawing,
    load_lettering,
    one_line,
    thickness,
)
from app.photos.pillow import PillowPictures
from app.photos.prepare import PREVIEW_BYTES, PreparedPhoto, banded, marked
from tests.photos.shots import as_file, aside, natively, notice_board, opened

LETTERING = load_lettering(Path(__file__).parents[2] / "assets")
MORNING = 1795308300000
"""22 November 2026, 07:45 in Viet Nam."""


def mark(kept: bytes, *marks: Mark) -> PreparedPhoto:
    return aside(marked(kept, marks, LETTERING, PillowPictures()))


def with_band(photo: PreparedPhoto, *lines: str) -> PreparedPhoto:
    return aside(banded(photo, lines, LETTERING, PillowPictures()))


def paper(width: int, height: int) -> bytes:
    return as_file(Image.new("RGB", (width, height), (190, 195, 200)), quality=95)


def has_ink(image: Image.Image, x: float, y: float) -> bool:
    red, green, blue = image.convert("RGB").getpixel((round(x), round(y)))  # type: ignore[misc]
    return bool(red - green > 60 and red - blue > 50)


@pytest.mark.parametrize(("width", "height"), [(1600, 1200), (900, 1600), (320, 240)])
def test_an_arrow_and_a_ring_lie_where_the_finger_put_them_at_every_size(width: int, height: int) -> None:
    kept = natively(paper(width, height))
    width, height = kept.width, kept.height

    def at(x: float, y: float) -> tuple[float, float]:
        return x * width, y * height

    photo = mark(kept.data, Arrow(at(0.1, 0.9), at(0.4, 0.5)), Ring(at(0.9, 0.1), at(0.5, 0.4)))
    image = opened(photo.data)
    assert image.size == (width, height) and photo.sha256 != kept.sha256
    for x, y in ((0.1, 0.9), (0.25, 0.7), (0.4, 0.5), (0.5, 0.25), (0.9, 0.25), (0.7, 0.1), (0.7, 0.4)):
        assert has_ink(image, *(min(c, m - 1) for c, m in zip(at(x, y), (width, height), strict=True))), (x, y)
    assert not has_ink(image, *at(0.7, 0.25)), "what is circled is not hidden"
    beside = image.convert("L").getpixel((round(0.5 * width + 0.7 * thickness(width, height)), height // 4))
    assert beside > 205 or width < 900, "a white rim, lighter than the paper"  # type: ignore[operator]


def test_covers_come_first_so_that_no_mark_over_them_is_blurred() -> None:
    kept = natively(as_file(notice_board(800, 600)))
    over = mark(kept.data, Arrow((300, 300), (600, 400)), Cover((250, 250, 550, 450)))
    assert has_ink(opened(over.data), 400, 333)
    assert (over.sharpness, over.regions) == (mark(kept.data, Cover((250, 250, 550, 450))).sharpness, over.regions)


def test_text_in_vietnamese_stays_inside_the_photo_and_gets_smaller_before_it_sticks_out() -> None:
    longest = "Ữ" * WORDS_MOST
    for words in ("Thiếu mức phí", "ỗ ặ Ự ỷ đ Đ", longest):
        for at in ((0, 0), (800, 600), (400, 300), (799, 1)):
            (letters,) = drawing([Words(at, words)], 800, 600, LETTERING)
            assert isinstance(letters, Letters) and "".join(letter for letter, _ in letters.letters) == words
            first, last = letters.letters[0][1], letters.letters[-1][1] + LETTERING.width(words[-1], letters.size)
            assert first > 0 and last < 800, (words, at)
            assert 0.7 * letters.size < letters.baseline < 600
    (short,) = drawing([Words((400, 300), "Thiếu")], 800, 600, LETTERING)
    (long,) = drawing([Words((400, 300), longest)], 800, 600, LETTERING)
    assert isinstance(short, Letters) and isinstance(long, Letters) and long.size < short.size
    kept = natively(paper(800, 600))
    photo = mark(kept.data, Words((400, 300), "Đã đóng cửa lúc 7 giờ"))
    changed = ImageChops.difference(opened(kept.data), opened(photo.data)).convert("L").point(lambda d: 255 * (d > 60))
    left, top, right, bottom = changed.getbbox()  # type: ignore[misc]
    assert 225 < left < 260 and 540 < right < 575 and top > 270 and bottom < 330


def test_typed_text_is_one_line_and_letters_that_no_font_has_are_told() -> None:
    assert one_line("  Thiếu\n mức  phi\u0301 ") == "Thiếu mức phí"
    assert len(one_line("a " * 100)) <= WORDS_MOST
    assert LETTERING.missing("Thiếu mức phí 100.000 đ/hồ sơ – Quầy số 2 (±5%)") == ""
    assert LETTERING.missing("đạt ☑ rồi 😀☑") == "☑😀" and LETTERING.missing("\u202e") == "\u202e"
    drawn = TTFont(io.BytesIO(LETTERING.file)).getBestCmap()
    assert {*LETTERING.face.glyphs} == {code for code in drawn if code <= 0xFFFF}


def test_a_tap_that_trembles_draws_nothing() -> None:
    assert not is_worth_drawing(Arrow((100, 100), (110, 104)), 1600, 1200)
    assert not is_worth_drawing(Ring((100, 100), (900, 104)), 1600, 1200)
    assert is_worth_drawing(Arrow((100, 100), (160, 140)), 1600, 1200)
    assert is_worth_drawing(Ring((900, 700), (100, 104)), 1600, 1200)


def test_the_band_stands_below_the_photo_and_hides_none_of_it() -> None:
    kept = natively(as_file(notice_board(1600, 1200)))
    lines = band_lines(MORNING, "Ủy ban nhân dân xã Mường Lống", "19.2583000 104.5083000 0 11.4")
    assert lines == ["22/11/2026 07:45:00 (+07:00)", "Ủy ban nhân dân xã Mường Lống", "19.2583000, 104.5083000 (±12 m)"]
    photo = with_band(kept, *lines)
    before, after = opened(kept.data), opened(photo.data)
    assert (photo.width, photo.height) == after.size and after.width == before.width
    assert 60 < after.height - before.height < before.height / 6
    lost = ImageChops.difference(before, after.crop((0, 0, *before.size))).convert("L")
    assert lost.crop((0, 0, before.width, before.height - 8)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) <= 1
    band = after.crop((0, before.height + 2, *after.size)).convert("L")
    assert band.getextrema()[1] > 230 and sorted(band.tobytes())[len(band.tobytes()) // 2] < 60, "white letters on dark"  # type: ignore[operator]
    assert (photo.sharpness, photo.brightness, photo.regions) == (kept.sharpness, kept.brightness, kept.regions)
    assert len(photo.preview) <= PREVIEW_BYTES and len(photo.data) < 1.25 * len(kept.data)


def test_without_a_position_the_band_says_none_and_a_long_name_goes_on_in_the_next_line() -> None:
    name = "Ban Quản lý Khu kinh tế Đông Nam và các khu công nghiệp trực thuộc Ủy ban nhân dân tỉnh – cơ sở 2 Hoàng Mai"
    assert band_lines(MORNING, name, "") == ["22/11/2026 07:45:00 (+07:00)", name]
    assert band_lines(MORNING, name, "ở đây") == ["22/11/2026 07:45:00 (+07:00)", name]
    kept = natively(paper(900, 1200))
    short, long = (
        with_band(kept, *band_lines(MORNING, "Sở Nội vụ", "")),
        with_band(kept, *band_lines(MORNING, name, "")),
    )
    assert kept.height < short.height < long.height
    below = opened(long.data).convert("L").crop((0, kept.height + 2, kept.width, long.height))
    left, _, right, _ = below.point(lambda light: 255 * (light > 140)).getbbox()  # type: ignore[misc]
    assert left > 0 and right < kept.width - 4
