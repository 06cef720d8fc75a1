"""The forms under a thumb, in Chromium: how many taps things take, what fits, what everything is called.

They are drawn by `forms_app.py` on a state in memory; the real screens have tests of their own.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until

pytestmark = pytest.mark.long  # the same taps are walked on the real screens in `make test`

SHOTS_OF = ("/headcount?long=1&rooms=100", "/items", "/photo?nocamera=1", "/parts")


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with serving(Path(__file__).with_name("forms_app.py"), tmp_path_factory.mktemp("forms")) as app:
        yield app


def figures(phone: Phone) -> str:
    """The five figures as a screen reader says them: total, present, excused, unexcused, unclear; – is not counted."""
    said = phone.reading()
    labels = ("Tổng số", "Có mặt", "Vắng có lý do", "Vắng không lý do", "Vắng chưa rõ")
    found = (re.search(rf"^{label}: (.+)$", said, re.M) for label in labels)
    return " ".join("–" if m is None or m[1] == "chưa ghi" else m[1] for m in found)


def shows(phone: Phone, wanted: str) -> None:
    until(lambda: figures(phone) == wanted, f"figures {wanted}, are {figures(phone)}", 10)


def test_everyone_present_takes_two_taps(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    shows(phone, "– – – – –")
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    shows(phone, "8 – – – –")
    phone.tap_until("offer", "đủ 8 người")
    shows(phone, "8 8 0 0 0")
    assert phone.taps == 2
    phone.tap("undo")
    shows(phone, "8 – – – –")
    phone.tap("undo")
    shows(phone, "– – – – –")


def test_a_mixed_room_takes_four_taps_with_the_keypad(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    phone.count_taps()
    phone.tap_until("present", "Xóa số của")
    phone.tap("key-5")
    phone.tap_until("key-2", "còn 1 người chưa rõ")
    phone.tap_until("1 người còn lại: chưa rõ", "đủ 8 người")
    assert phone.taps == 4
    phone.tap("keypad-close")
    shows(phone, "8 5 2 0 1")


def test_even_an_untouched_room_takes_four_taps_when_last_time_is_known(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap_until("present", "Xóa số của")
    phone.tap("key-5")
    phone.tap("key-2")
    phone.tap_until("Tổng 8 như lần trước, 1 chưa rõ", "đủ 8 người")
    assert phone.taps == 4
    phone.tap("keypad-close")
    shows(phone, "8 5 2 0 1")


def test_a_mixed_room_takes_at_most_ten_taps_without_the_keypad(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    for _ in range(5):
        phone.tap("present-plus")  # as fast as the thumb goes, without looking
    for _ in range(2):
        phone.tap("absent-excused-plus")
    phone.tap_until("1 người còn lại: chưa rõ", "đủ 8 người")
    shows(phone, "8 5 2 0 1")
    assert phone.taps <= 10


def test_a_larger_room_waits_for_the_second_digit(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount?roll=40", "chưa có tổng số")
    phone.tap_until("offer-roll", "còn 40 người chưa rõ")
    phone.tap_until("present", "Xóa số của")
    phone.tap_until("key-3", "còn 37 người chưa rõ")
    phone.tap_until("key-4", "còn 6 người chưa rõ")
    phone.tap_until("key-6", "Các ô trống: ghi 0")
    phone.tap("Các ô trống: ghi 0")
    phone.sees_not("còn ô trống")
    phone.tap("keypad-close")
    shows(phone, "40 34 6 0 0")


def test_a_figure_chosen_again_can_be_any_number(forms: App, phone: Phone) -> None:
    """The roll says 8 and twelve are there: recorded as found, said in words, nothing evened out."""
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap_until("offer-roll", "còn 8 người chưa rõ")
    phone.tap_until("present", "Xóa số của")
    phone.tap_until("cell-head-present", "Xóa số của")
    phone.tap("key-1")
    phone.tap_until("key-2", "thừa 4 người so với tổng số")
    phone.tap_until("key-clear", "còn 8 người chưa rõ")
    phone.tap("key-7")
    phone.tap_until("key-next", "còn 1 người chưa rõ")
    phone.tap("keypad-close")
    shows(phone, "8 7 – – –")


def test_the_keypad_closes_itself_after_the_last_figure(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount?roll=0", "chưa có tổng số")
    assert not phone.has("offer-roll")
    phone.long_press("total")
    phone.sees("Xóa số của")
    phone.tap("key-8")
    phone.tap("key-next")
    for key in ("key-5", "key-2", "key-0"):
        phone.tap(key)
    phone.tap_until("key-1", "Phòng sau")
    shows(phone, "8 5 2 0 1")


def test_minus_on_empty_says_none_and_again_takes_it_back(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap("absent-unexcused-minus")
    shows(phone, "– – – 0 –")
    phone.tap("absent-unexcused-minus")
    shows(phone, "– – – – –")


def test_rooms_are_walked_by_button_and_by_swipe_and_keep_their_figures(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount?rooms=100", "1/100")
    phone.tap("total-plus")
    phone.tap_until("next", "2/100")
    shows(phone, "– – – – –")
    phone.swipe("left")
    phone.sees("3/100")
    phone.swipe("right")
    phone.sees("2/100")
    phone.tap_until("previous", "1/100")
    shows(phone, "1 – – – –")


def test_the_whole_room_fits_a_small_phone_without_scrolling(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount?long=1&rooms=100", "chưa có tổng số")
    for control in (
        "back",
        "title",
        "total-minus",
        "absent-unclear-plus",
        "sum",
        "undo",
        "matter-note",
        "previous",
        "next",
    ):
        _, y, _, height = phone.box(control)
        assert y >= 0 and y + height <= 640, control
    for control in ("total", "present", "absent-excused", "absent-unexcused", "absent-unclear"):
        for sign in ("minus", "plus"):
            _, _, width, height = phone.box(f"{control}-{sign}")
            assert width > 55.9 and height > 55.9
    assert phone.small_targets() == []
    phone.tap_until("present", "Xóa số của")
    for key in ("key-1", "key-0", "key-next"):
        _, y, width, height = phone.box(key)
        assert height > 63.9 and width > 63.9 and y + height <= 640, key
    assert phone.small_targets() == []


def test_what_else_there_is_about_a_room_opens_in_place(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount", "chưa có tổng số")
    phone.tap_until("matter-late", "Đi muộn, về sớm")
    phone.tap("late-or-left-early-count-plus")
    phone.sees("Không đạt · Nhắc nhở")
    phone.tap_until("matter-close", "Đi muộn · 1")
    phone.tap("matter-note")
    phone.type_into("Ghi chú về phòng", "Phòng khóa cửa lúc 7 giờ 50")
    phone.tap_until("matter-close", "Ghi chú · 1")
    phone.tap("matter-reasons")
    phone.tap("absence-reasons-reason-1")
    phone.tap("absence-reasons-reason-0")
    phone.tap_until("matter-close", "Lý do · 1")


def test_a_signed_room_has_no_buttons_that_do_nothing(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/headcount?signed=1", "chưa có tổng số")
    for control in ("total-plus", "offer-roll", "offer", "undo", "add-count"):
        assert not phone.has(control), control
    phone.tap_until("next", "2/9")


def test_answers_of_every_type_are_kept(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/items", "Đeo thẻ đầy đủ")
    phone.tap_until("badge-worn-all-no", "Không đạt · Nhắc nhở")
    phone.tap("one-stop-arrangement-own-desk")
    phone.tap("self-inspection-team-count-plus")
    phone.type_into("Văn bản chỉ đạo", "Chỉ thị số 26/CT-TTg")
    phone.type_into("Ngày (ngày/tháng/năm)", "5.9.2016")
    phone.tap("photo-tthc_board_photo-take")
    for answer in (
        "badge_worn_all='no'",
        "one_stop_arrangement='own_desk'",
        "self_inspection_team_count=1",
        "directive_ref='Chỉ thị số 26/CT-TTg'",
        "implementing_document_date='2016-09-05'",
    ):
        phone.sees(answer)


def test_a_failing_opens_remark_and_photo_in_place_and_a_second_touch_clears(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/items", "Đeo thẻ đầy đủ")
    assert not phone.has("remark-badge_worn_all")
    phone.tap_until("badge-worn-all-no", "Cần ảnh")
    phone.type_into("remark-badge_worn_all", "Hai người ở quầy")
    phone.tap("photo-badge_worn_all-take")
    phone.sees("Mở ảnh 1: Bảng niêm yết")
    assert phone.taps <= 4
    phone.tap("badge-worn-all-no")
    phone.sees_not("Không đạt · Nhắc nhở")
    phone.sees("ghi chú: Hai người ở quầy")


def test_a_day_that_does_not_exist_is_said_at_once_and_not_kept(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/items", "Đeo thẻ đầy đủ")
    phone.type_into("Ngày (ngày/tháng/năm)", "31/02/2026")
    phone.sees("Hãy ghi ngày như 22/11/2026")
    assert "implementing_document_date" not in phone.reading()
    phone.type_into("Ngày (ngày/tháng/năm)", "28/02/2026")
    phone.sees("implementing_document_date='2026-02-28'")


def test_a_photo_from_the_camera_is_used_in_three_taps(forms: App, new_phone: PhoneMaker) -> None:
    phone = new_phone(permissions=["camera"])
    phone.open(forms.url + "/photo", "Chụp")
    phone.sees_not("Đang mở máy ảnh")
    phone.tap_until("shutter", "Ảnh rõ")
    phone.tap("caption-board")
    phone.tap_until("use-photo", "đã dùng: Bảng niêm yết")
    assert phone.taps == 3


def test_a_photo_can_be_chosen_where_no_camera_opens(forms: App, phone: Phone, tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "#0A4A44").save(picture, "JPEG")
    phone.open(forms.url + "/photo?nocamera=1", "Máy này không mở được máy ảnh")
    assert not phone.has("shutter")
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("pick-photo")
    chooser.value.set_files({"name": "bang.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    phone.sees("Ảnh rõ")
    phone.tap_until("retake", "Máy này không mở được máy ảnh")
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("pick-photo")
    chooser.value.set_files({"name": "bang.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    phone.sees("Ảnh rõ")
    phone.type_into("Chú thích", "Cửa sau")
    phone.tap_until("use-photo", "đã dùng: Cửa sau")


def test_a_refused_camera_is_an_ordinary_state(forms: App, new_phone: PhoneMaker) -> None:
    phone = new_phone()
    phone.page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    phone.open(forms.url + "/photo", "Chọn ảnh có sẵn")
    phone.sees("Máy ảnh chưa được phép dùng")
    phone.sees_not("Đèn")


def test_typing_is_kept_after_a_pause_and_in_nfc(forms: App, phone: Phone) -> None:
    phone.open(forms.url + "/parts", "Sổ kiểm tra")
    phone.type_into("note", "Tru\u031bo\u031b\u0309ng phòng vắng")
    phone.sees("đã lưu: Trưởng phòng vắng")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("form", SHOTS_OF)
def test_everything_that_can_be_pressed_has_a_name(forms: App, phone: Phone, form: str, language: str) -> None:
    phone.open(f"{forms.url}{form}{'&' if '?' in form else '?'}lang={language}")
    until(lambda: len(phone.texts()) > 2 and "Working" not in phone.reading(), "the form")
    assert phone.unnamed() == []
    assert phone.complaints == []
