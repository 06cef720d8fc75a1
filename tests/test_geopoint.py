"""Positions as they are written, checked and kept: XLSForm's geopoint, on the visit once and on each photo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checklist import Refusal
from app.geopoint import Geopoint, read_geopoint, write_geopoint
from app.notebook import PhotoFacts
from app.recorder import VisitShut
from tests.field import Phone

HERE = "19.3870000 104.1310000 812.5 12.3"
PHOTO = PhotoFacts("a" * 64, 400_000, 1200, 900, "image/jpeg", "b" * 64, 9_000)


@given(st.floats(-90, 90), st.floats(-180, 180), st.none() | st.floats(-430, 8848), st.floats(0, 100_000))
def test_any_place_on_earth_is_read_back_to_a_centimetre(
    latitude: float, longitude: float, altitude: float | None, accuracy: float
) -> None:
    written = write_geopoint(latitude, longitude, altitude, accuracy)
    point = read_geopoint(written)
    assert point is not None and len(written.split(" ")) == 4
    assert abs(float(point.latitude) - latitude) <= 6e-8 and abs(float(point.longitude) - longitude) <= 6e-8
    assert {len(part.partition(".")[2]) for part in written.split(" ")[:2]} == {7}
    assert accuracy - 0.05 <= point.accuracy_m < accuracy + 1.05, "never said to be better than it is"


def test_what_is_not_known_is_written_as_zero_and_whole_metres_without_a_point() -> None:
    assert write_geopoint(19.387, 104.131, None, 12) == "19.3870000 104.1310000 0 12"
    assert write_geopoint(-8.5, 179.9999999, -0.01, 850.24) == "-8.5000000 179.9999999 0 850.2"
    assert read_geopoint(HERE) == Geopoint("19.3870000", "104.1310000", 13)


@pytest.mark.parametrize(
    "text",
    [
        "", "Mường Lống", "19.387", "19.387 104.131", "19.387 104.131 0", "19.387, 104.131, 0, 12", "19,387 104,131 0 12",
        "91 104.131 0 12", "-90.1 0 0 0", "19.387 180.1 0 12", "19.387 -181 0 12", "19.387 104.131 0 -1", "nan nan 0 0",
        "1e1 104.131 0 12", "19.387  104.131 0 12", " 19.387 104.131 0 12", "19.387 104.131 0 12 5", "١٩ 104.131 0 12",
        "19.387 104.131 0 99999999", "19.387 104.131 999999 12",
    ],
)  # fmt: skip
def test_what_is_no_place_is_not_taken_for_one(text: str) -> None:
    assert read_geopoint(text) is None


@pytest.mark.parametrize("place", [(float("nan"), 0, 0, 0), (0, float("inf"), 0, 0), (91, 0, 0, 0), (0, 0, 0, -5)])
def test_a_position_that_is_none_is_not_written(place: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError):
        write_geopoint(*place)


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(tmp_path, seed=3)
    phone.enrol_alone()
    yield phone
    phone.close()


def test_positions_are_off_until_switched_on_for_a_visit(phone: Phone) -> None:
    book = phone.book
    one, other = book.start_visit("Trạm một"), book.start_visit("Trạm hai")
    assert not book.is_positioned(one)
    book.set_positioned(one, True)
    phone.close()
    phone.open()
    book = phone.book
    assert book.is_positioned(one) and not book.is_positioned(other)
    book.set_positioned(one, False)
    assert not book.is_positioned(one)


def test_the_visit_keeps_its_first_position_and_each_photo_its_own(phone: Phone) -> None:
    book = phone.book
    visit = book.start_visit("Trạm một")
    at_once = book.add_photo(visit, PHOTO, geopoint=HERE)
    later = book.add_photo(visit, PHOTO)
    assert book.photo(at_once).geopoint == HERE and book.visit(visit).geopoint == "" == book.photo(later).geopoint
    book.place(visit, HERE)
    book.place(visit, "20.0000000 105.0000000 0 30", later)
    reading = book.visit(visit)
    assert reading.geopoint == HERE
    assert {p.id: p.geopoint for p in reading.photos} == {at_once: HERE, later: "20.0000000 105.0000000 0 30"}
    before = book.revision
    book.place(visit, HERE)
    assert book.revision == before, "nothing new to say is not written"
    book.rebuild()
    assert book.visit(visit) == reading


def test_undo_takes_the_tap_back_and_not_the_position_that_came_after_it(phone: Phone) -> None:
    book = phone.book
    visit = book.start_visit("Trạm một")
    photo = book.add_photo(visit, PHOTO)
    book.place(visit, HERE, photo)
    assert book.undo(visit)
    assert book.visit(visit).photos == () and book.visit(visit).geopoint == HERE


def test_a_position_that_is_none_or_comes_too_late_is_refused(phone: Phone) -> None:
    book = phone.book
    visit = book.start_visit("Trạm một")
    for wrong in ("", "91 0 0 0"):
        with pytest.raises(Refusal):
            book.place(visit, wrong)
    with pytest.raises(Refusal):
        book.add_photo(visit, PHOTO, geopoint="gần chợ")
    book.close_visit(visit)
    with pytest.raises(VisitShut):
        book.place(visit, HERE)
    assert book.visit(visit).photos == () and book.visit(visit).geopoint == ""
