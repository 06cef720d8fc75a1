"""Photos through the app's own state, natively: the band where it is wanted, the shots of one board as a set, what is straightened."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageChops

from app.device.native import Native
from app.photos.marks import Arrow
from app.photos.store import PhotoFiles
from app.readings import PhotoReading, VisitReading
from app.state import AppState, Shot
from app.sync.stamp import uuid7_ms
from tests.photos.shots import as_file, notice_board, opened
from tests.ui.test_screens import enrol

BOARD_ITEM = "tthc_board_photo"
HERE = "19.3870000 104.1310000 0 12"


class Phone:
    """The app without a screen, in the middle of a visit."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("KIEMTRA_DATA", str(folder))
        self.app = AppState.open(Native())
        unit = enrol(self.app.book)[0]
        self.unit_name = unit.name
        self.visit = self.app.book.start_visit(unit)
        self.loop = asyncio.new_event_loop()

    def shot(self, width: int = 800, height: int = 600) -> Shot:
        shot = self.loop.run_until_complete(self.app.look_at(as_file(notice_board(width, height), quality=90)))
        assert shot is not None
        return shot

    def keep(self, *shots: Shot, **of: str) -> list[str]:
        kept = self.loop.run_until_complete(self.app.use_photos(shots, self.visit, **of))
        assert kept is not None
        return kept

    def mark(self, photo: PhotoReading) -> str:
        made = self.loop.run_until_complete(self.app.mark_photo(photo, [Arrow((50, 50), (300, 200))]))
        assert made is not None
        return made

    @property
    def reading(self) -> VisitReading:
        return self.app.book.visit(self.visit)

    @property
    def files(self) -> PhotoFiles:
        assert self.app.files is not None
        return self.app.files


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phone]:
    phone = Phone(tmp_path, monkeypatch)
    yield phone
    phone.app.book.close()
    phone.loop.close()


def test_the_band_is_off_until_it_is_wanted_and_one_visit_may_say_otherwise(phone: Phone) -> None:
    book, shot = phone.app.book, phone.shot()
    assert not book.is_banded(phone.visit)
    (plain,) = phone.keep(shot)
    book.set_banded(True)
    assert book.is_banded(phone.visit)
    (banded,) = phone.keep(shot)
    book.set_banded(False, phone.visit)
    (again,) = phone.keep(shot)
    heights = [book.photo(photo).height for photo in (plain, banded, again)]
    assert heights == [600, heights[1], 600] and heights[1] > 620
    before, after = (opened(phone.files.read(book.photo(photo).sha256)) for photo in (plain, banded))
    above = ImageChops.difference(before, after.crop((0, 0, 800, 600))).convert("L").crop((0, 0, 800, 590))
    assert sorted(above.tobytes())[-len(above.tobytes()) // 100] < 24, "what was photographed is as it was"
    book.set_banded(True, phone.visit)
    made = book.photo(phone.mark(book.photo(banded)))
    assert made.height == heights[1], "a photo drawn on gets no second band"


def test_the_position_stands_in_the_pixels_only_while_the_visit_records_positions(phone: Phone) -> None:
    book, shot = phone.app.book, phone.shot()
    book.set_banded(True, phone.visit)
    (without,) = phone.keep(shot)
    (asked_not,) = phone.keep(shot, geopoint=HERE)
    book.set_positioned(phone.visit, True)
    (unknown,) = phone.keep(shot)
    (known,) = phone.keep(shot, geopoint=HERE)
    height = book.photo(without).height
    assert [book.photo(photo).height for photo in (asked_not, unknown)] == [height, height]
    assert book.photo(known).height > height, "one line more"


def test_shots_of_a_board_are_one_set_in_their_order_whichever_was_taken_again(phone: Phone) -> None:
    left, middle, right = phone.shot(), phone.shot(720, 600), phone.shot(640, 600)
    kept = phone.keep(left, middle, right, item=BOARD_ITEM)
    (loose,) = phone.keep(phone.shot(500, 400), item=BOARD_ITEM)
    ((name, shots),) = phone.reading.photo_sets.items()
    assert [shot.id for shot in shots] == kept and uuid7_ms(name) is not None
    assert phone.app.book.photo(loose).photo_set == ""

    made = phone.mark(shots[1])
    ((_, shots),) = phone.reading.photo_sets.items()
    assert [shot.id for shot in shots] == [kept[0], made, kept[2]], "what is drawn on a shot stands in its place"
    phone.app.book.remove_photo(phone.app.book.photo(kept[1]))
    ((_, shots),) = phone.reading.photo_sets.items()
    assert [shot.id for shot in shots] == [kept[0], made, kept[2]], "also without the one it was made of"

    phone.app.book.undo(phone.visit)
    assert len(phone.reading.photos_of("", BOARD_ITEM)) == 5
    phone.app.book.remove_photo(*phone.reading.photo_sets[name])
    assert [photo.id for photo in phone.reading.photos] == [kept[1], loose] and phone.reading.photo_sets == {}
    phone.app.book.undo(phone.visit)
    assert len(phone.reading.photo_sets[name]) == 3, "taking out a set is one tap"


def test_keeping_a_set_is_one_tap_and_a_full_phone_keeps_none_of_it(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.keep(phone.shot(), phone.shot(700, 600))
    assert len(phone.reading.photos) == 2
    phone.app.book.undo(phone.visit)
    assert phone.reading.photos == ()
    phone.app.book.close_visit(phone.visit)
    before = phone.files.names()
    assert phone.loop.run_until_complete(phone.app.use_photos([phone.shot(640, 480)] * 2, phone.visit)) is None
    assert phone.app.message is not None and phone.files.names() == before, "no file without an entry"


@pytest.mark.parametrize("band", [False, True])
def test_the_photo_taken_last_is_straightened_from_what_the_camera_gave(phone: Phone, band: bool) -> None:
    if band:
        phone.app.book.set_banded(True)
    corners = ((40.0, 30.0), (760.0, 60.0), (770.0, 560.0), (20.0, 540.0))

    def straighten(photo: str) -> str:
        found = phone.app.book.photo(photo)
        made = phone.loop.run_until_complete(phone.app.straighten_photo(found, corners))
        assert made is not None
        return phone.app.book.photo(made).sha256

    (first,) = phone.keep(phone.shot())
    at_once = straighten(first)
    (second,) = phone.keep(phone.shot(900, 600))
    assert straighten(first) != at_once, "another photo was taken since: what is kept is all there is"
    assert straighten(second) != straighten(first)
    assert len({photo.sha256 for photo in phone.reading.photos}) == 5
