"""The tap counts of the screens' design, walked through the real screens with every touch counted.

| task | at most |
|---|---|
| open app → first room's counter, planned unit | 3 |
| a room of 8 with everyone present, roll known from the last visit | 2 |
| a room of 8: 5 present, 2 excused, 1 unclear | 10, or 4 with the keypad |
| photo of the board, attached and back | 4 |
| "no" on an item with its required photo | 4 |
| from the last room to the review | 2 |

Sync at the end of the day (1) needs a central and stands in `test_offline.py`.
"""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notebook import Notebook
from app.recorder import Enrolment
from app.units import UnitReading
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until
from tests.ui.home_affairs import ROOT
from tests.ui.test_forms import shows

ROOMS = [("Phòng Kinh tế", 8), ("Văn phòng HĐND và UBND", 8), ("Phòng Văn hóa – Xã hội", 8)]
NOBODY = "http://127.0.0.1:9"
THIS_ROUND, LAST_ROUND = "dot-2", "dot-1"


class Round:
    """A phone with a plan of communes, each visited in the round before, so that its rooms and rolls are known."""

    def __init__(self, data: Path):
        self.data = data
        book = Notebook(
            data / "notebook.sqlite",
            now=lambda: time.time_ns() // 1_000_000,
            entropy=secrets.token_bytes,
            assets=ROOT / "assets",
        )
        book.enrol(Enrolment("0" * 32, "token", "server", NOBODY, "u-lan", "Lan", "inspector", "doan-1", "Đoàn 1"))
        self.planned = [u for u in book.reference.units if u.level == "commune" and not u.valid_to][:5]
        rounds = [
            (LAST_ROUND, "2000-01-01", []),
            (THIS_ROUND, "2000-07-01", [[u.code, u.valid_from] for u in self.planned]),
        ]
        book.take_reference(
            {
                "units": [_as_sent(u) for u in book.reference.units],
                "templates": [],
                "teams": [{"id": "doan-1", "name": "Đoàn 1"}],
                "rounds": [
                    {
                        "id": id,
                        "name": id,
                        "starts_on": day,
                        "ends_on": "2999-12-31",
                        "teams": ["doan-1"],
                        "planned_units": plan,
                    }
                    for id, day, plan in rounds
                ],
                "calendar": [],
            },
            "etag",
        )
        for unit in self.planned:
            before = book.start_visit(unit, round_id=LAST_ROUND)
            book.add_rooms(before, ROOMS)
            book.close_visit(before)
        book.close()
        self.app: App

    def begin(self, phone: Phone) -> UnitReading:
        """Opens the app and starts the visit of the next planned unit, up to its first room."""
        unit = self.planned.pop(0)
        phone.open(self.app.url, "Bắt đầu cuộc kiểm tra")
        phone.count_taps()
        phone.tap(f"planned-{unit.code}")
        phone.tap("section-attendance-room")
        phone.tap("use-known")
        phone.box("present-plus")
        return unit


def _as_sent(unit: UnitReading) -> dict[str, object]:
    fields = ("code", "name", "level", "parent_code", "valid_from", "valid_to", "folded")
    return {name: getattr(unit, name) for name in fields} | {"successor_codes": list(unit.successor_codes)}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    plan = Round(tmp_path_factory.mktemp("taps"))
    with serving(ROOT / "main.py", plan.data, KIEMTRA_DATA=str(plan.data)) as plan.app:
        yield plan


@pytest.fixture
def phone(new_phone: PhoneMaker) -> Phone:
    return new_phone(permissions=["camera"])


def test_rooms_from_opening_the_app_to_the_review(plan: Round, phone: Phone) -> None:
    plan.begin(phone)
    assert phone.taps <= 3, "open app → first room's counter"
    shows(phone, "– – – – –")
    phone.sees(f"1/{len(ROOMS)}")

    phone.count_taps()
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    phone.tap("offer")
    shows(phone, "8 8 0 0 0")
    assert phone.taps <= 2, "everyone present"

    phone.tap("next")
    phone.sees(f"2/{len(ROOMS)}")
    shows(phone, "– – – – –")
    phone.count_taps()
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    for _ in range(5):
        phone.tap("present-plus")
    for _ in range(2):
        phone.tap("absent-excused-plus")
    phone.tap("1 người còn lại: chưa rõ")
    shows(phone, "8 5 2 0 1")
    assert phone.taps <= 10, "a mixed room with + and −"
    phone.tap("undo")
    shows(phone, "8 5 2 – –")
    phone.tap("1 người còn lại: chưa rõ")
    shows(phone, "8 5 2 0 1")

    phone.swipe("left")
    phone.sees(f"3/{len(ROOMS)}")
    phone.swipe("right")
    phone.sees(f"2/{len(ROOMS)}")
    shows(phone, "8 5 2 0 1")
    phone.tap("next")
    phone.sees(f"3/{len(ROOMS)}")
    phone.count_taps()
    phone.tap_until("present", "Xóa số của")
    phone.tap("key-5")
    phone.tap("key-2")
    phone.tap("Tổng 8 như lần trước, 1 chưa rõ")
    phone.sees("đủ 8 người")
    assert phone.taps <= 4, "a mixed room with the keypad"
    phone.tap("keypad-close")
    shows(phone, "8 5 2 0 1")

    phone.count_taps()
    assert "Về danh sách" in phone.reading() and "Phòng sau" not in phone.reading(), "the last room says where it leads"
    phone.tap_until("next", "Cộng toàn đơn vị")
    phone.tap("review")
    phone.sees("Tỷ lệ có mặt: 75,00%")
    assert phone.taps <= 2, "from the last room to the review"
    for line in ("Tổng số: 24", "Có mặt: 18", "Vắng có lý do: 4", "Vắng không lý do: 0", "Vắng chưa rõ: 2"):
        assert line in phone.reading().splitlines()
    assert phone.complaints == []


def test_a_held_number_opens_the_keypad_and_empty_is_never_a_zero(plan: Round, phone: Phone) -> None:
    plan.begin(phone)
    phone.long_press("total")
    phone.sees("Xóa số của")
    phone.tap("key-1")
    phone.tap_until("key-2", "còn 12 người chưa rõ")
    phone.tap_until("key-clear", "chưa có tổng số")
    phone.tap("keypad-close")
    shows(phone, "– – – – –")
    phone.tap("title")
    phone.sees("Cộng toàn đơn vị")
    read = phone.reading().splitlines()
    assert "Tổng số: –" in read and "Có mặt: –" in read
    assert not [line for line in read if line.endswith(": 0")], "nothing was counted, so nothing is 0"
    phone.tap_until("review", "Tỷ lệ có mặt: –")


def photographed(phone: Phone) -> None:
    """Two touches: the shutter and «Dùng». The shutter rests until the camera is open."""
    phone.tap(phone.awake("shutter"))
    phone.tap("use-photo")


def test_the_photo_of_the_board_takes_four_taps_and_ends_where_it_began(plan: Round, phone: Phone) -> None:
    plan.begin(phone)
    phone.back()
    phone.tap("section-one-stop")
    phone.tap("one-stop-arrangement-own-desk")
    phone.sees("Trang thiết bị một cửa đầy đủ")
    phone.back()
    phone.box("section-notice-board")
    phone.count_taps()
    phone.tap("section-notice-board")
    phone.tap("photo-tthc_board_photo-take")
    photographed(phone)
    phone.sees("Mở ảnh 1: Bảng niêm yết")
    assert phone.taps <= 4

    phone.tap("photo-tthc_board_photo-1")
    phone.sees("Chụp lúc")
    phone.back()
    phone.sees("Mở ảnh 1: Bảng niêm yết")
    phone.back()
    phone.box("section-one-stop")


def test_a_no_with_its_required_photo_takes_four_taps_and_the_item_is_still_on_the_screen(
    plan: Round, phone: Phone
) -> None:
    plan.begin(phone)
    phone.back()
    phone.tap("section-one-stop")
    phone.tap("one-stop-arrangement-own-desk")
    phone.tap("duty-roster-posted-yes")
    phone.scroll_to("duty-roster-followed-no")
    phone.count_taps()
    phone.tap_until("duty-roster-followed-no", "Cần ảnh")
    phone.tap("photo-duty_roster_followed-take")
    photographed(phone)
    assert phone.taps <= 4
    phone.sees("Mở ảnh 1: Lịch trực")
    until(lambda: 0 < phone.box("photo-duty_roster_followed-1")[1] < 640 - 72, "the photo is on the screen, unscrolled")
    phone.back()
    phone.tap_until("review", "Trực đúng lịch đã niêm yết")
