"""How many touches things cost on the real screens: the table of the screens' design, line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.ui.driver import App, Phone, serving, until
from tests.ui.test_screens import MAIN, enrol, notebook

LABELS = ("Tổng số", "Có mặt", "Vắng có lý do", "Vắng không lý do", "Vắng chưa rõ")


ROOMS = [("Phòng Kinh tế", 8), ("Văn phòng", 12)]


@dataclass
class Morning:
    """A phone whose round plans a commune with two known rooms of 8 and 12 people, and which has an open visit to a
    district with the same rooms, their rolls known from its last visit."""

    app: App
    planned: str
    visit: str


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    data = tmp_path_factory.mktemp("taps") / "phone"
    with notebook(data) as book:
        planned = enrol(book)[0].code
        district = book.find_units("huyện kỳ sơn")[0]
        before = book.start_visit(district)
        book.add_rooms(before, ROOMS)
        book.close_visit(before)
        visit = book.start_visit(district)
        book.add_rooms(visit, [(name, None) for name, _ in ROOMS])
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as served:
        yield Morning(served, planned, visit)


def figures(phone: Phone) -> str:
    """The five figures as a screen reader says them; – is not counted."""
    said = phone.reading()
    found = (re.search(rf"^{label}: (.+)$", said, re.M) for label in LABELS)
    return " ".join("–" if m is None or m[1] == "chưa ghi" else m[1] for m in found)


def shows(phone: Phone, wanted: str) -> None:
    until(lambda: figures(phone) == wanted, f"figures {wanted}, are {figures(phone)}", 10)


def first_room(morning: Morning, phone: Phone) -> None:
    """The counters of the first room of the open visit, nothing counted yet."""
    phone.open(f"{morning.app.url}/visit/{morning.visit}/count")
    phone.tap("room-1")
    phone.box("present-plus")
    clear(phone)
    phone.count_taps()


def visit_itself(morning: Morning, phone: Phone) -> None:
    phone.open(f"{morning.app.url}/visit/{morning.visit}")
    phone.box("take-photo")


def clear(phone: Phone) -> None:
    """Takes back what earlier stories recorded in this room."""
    for _ in range(60):
        if figures(phone) == "– – – – –":
            return
        phone.tap("undo")
        phone.settle()
    raise AssertionError(f"undo leaves {figures(phone)}")


def test_three_taps_from_opening_the_app_to_the_first_rooms_counter(morning: Morning, phone: Phone) -> None:
    phone.open(morning.app.url, "Hôm nay")
    phone.tap(f"planned-{morning.planned}")
    phone.tap("section-attendance-room")
    phone.tap("use-known")
    phone.sees("Phòng Kinh tế")
    phone.box("present-plus")
    assert phone.taps <= 3
    assert figures(phone) == "– – – – –", "nothing counts by itself"


def test_two_taps_for_a_room_with_everyone_present_and_undo_brings_each_back(morning: Morning, phone: Phone) -> None:
    first_room(morning, phone)
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    phone.tap_until("offer", "đủ 8 người")
    assert phone.taps == 2
    shows(phone, "8 8 0 0 0")
    phone.tap("undo")
    shows(phone, "8 – – – –")
    phone.tap("undo")
    shows(phone, "– – – – –")


def test_ten_taps_for_a_mixed_room_with_plus_and_four_with_the_keypad(morning: Morning, phone: Phone) -> None:
    first_room(morning, phone)
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    for _ in range(5):
        phone.tap("present-plus")
    for _ in range(2):
        phone.tap("absent-excused-plus")
    phone.sees("còn 1 người chưa rõ")
    phone.tap_until("offer", "đủ 8 người")
    assert phone.taps <= 10
    shows(phone, "8 5 2 0 1")
    clear(phone)
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    phone.count_taps()
    phone.tap_until("present", "Xóa số của")
    phone.tap("key-5")
    phone.tap_until("key-2", "còn 1 người chưa rõ")
    phone.tap_until("offer", "đủ 8 người")
    assert phone.taps == 4
    phone.tap("keypad-close")
    shows(phone, "8 5 2 0 1")


def test_a_long_press_opens_the_keypad_and_a_swipe_the_next_room(morning: Morning, phone: Phone) -> None:
    first_room(morning, phone)
    phone.long_press("total")
    phone.sees("Xóa số của")
    phone.tap("keypad-close")
    phone.box("next")
    phone.swipe("left")
    phone.sees("2/2")
    phone.tap_until("previous", "1/2")


def test_two_taps_from_the_last_room_to_the_review(morning: Morning, phone: Phone) -> None:
    first_room(morning, phone)
    phone.tap_until("next", "2/2")
    phone.count_taps()
    phone.tap("next")
    phone.sees("Cộng toàn đơn vị")
    phone.tap("review")
    phone.sees("Tỷ lệ có mặt: ")
    assert phone.taps == 2


def test_four_taps_for_a_photo_of_the_board_attached_and_back(morning: Morning, phone: Phone) -> None:
    visit_itself(morning, phone)
    phone.count_taps()
    phone.tap("take-photo")
    phone.tap(phone.awake("shutter"))
    phone.tap("caption-board")
    phone.tap("use-photo")
    phone.box("take-photo")
    phone.sees("Ảnh của cuộc kiểm tra (")
    assert phone.taps <= 4


def test_four_taps_for_a_no_with_its_required_photo(morning: Morning, phone: Phone) -> None:
    visit_itself(morning, phone)
    phone.tap("section-one-stop")
    phone.tap("one-stop-arrangement-own-desk")
    phone.sees("Trang thiết bị một cửa đầy đủ")
    phone.count_taps()
    phone.tap("one-stop-equipment-adequate-no")
    phone.sees("Cần ảnh")
    phone.tap("photo-one_stop_equipment_adequate-take")
    phone.tap(phone.awake("shutter"))
    phone.tap("use-photo")
    phone.sees("Mở ảnh 1: ")
    phone.sees_not("Cần ảnh: Trang thiết bị")
    assert phone.taps <= 4
