"""An inspector's day through the real screens: the app in server mode, its own notebook, Chromium as the phone."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.notebook import Notebook, PhotoFacts
from app.readings import VisitReading
from app.recorder import Enrolment
from app.units import UnitReading
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
NOBODY = "http://127.0.0.1:9"
"""An address where no central answers."""
TEAM = "Đoàn kiểm tra liên ngành việc chấp hành kỷ luật, kỷ cương hành chính tỉnh Nghệ An"
LONG_NAME = (
    "Ban Quản lý Khu kinh tế Đông Nam và các khu công nghiệp trực thuộc Ủy ban nhân dân tỉnh – cơ sở 2 Hoàng Mai"
)


@contextmanager
def notebook(data: Path) -> Iterator[Notebook]:
    """The notebook of a data folder, while no app has it open."""
    data.mkdir(parents=True, exist_ok=True)
    book = Notebook(
        data / "notebook.sqlite",
        now=lambda: time.time_ns() // 1_000_000,
        entropy=secrets.token_bytes,
        assets=ROOT / "assets",
    )
    yield book
    book.close()


def enrol(book: Notebook) -> list[UnitReading]:
    """Gives the phone a place in a team with a round of six planned communes, which are returned."""
    book.enrol(Enrolment("0" * 32, "token", "server", NOBODY, "user-1", "Nguyễn Thị Lan", "inspector", "team-1", TEAM))
    communes = [u for u in book.reference.units if u.level == "commune" and not u.valid_to][:6]
    fields = ("code", "name", "level", "parent_code", "valid_from", "valid_to", "folded")
    book.take_reference(
        {
            "units": [
                {name: getattr(u, name) for name in fields} | {"successor_codes": list(u.successor_codes)}
                for u in book.reference.units
            ],
            "templates": [],
            "teams": [{"id": "team-1", "name": TEAM}],
            "rounds": [
                {
                    "id": "round-2",
                    "name": "Đợt 2 năm 2026",
                    "starts_on": "2026-01-01",
                    "ends_on": "2026-12-31",
                    "teams": ["team-1"],
                    "planned_units": [[u.code, u.valid_from] for u in communes],
                }
            ],
            "calendar": [],
            "unit_rooms": {communes[0].code: [["Phòng Kinh tế", 8], ["Văn phòng", 12]]},
        },
        "etag",
    )
    return communes


def messy_visit(book: Notebook, unit: UnitReading) -> str:
    """A visit as it looks in the middle: a room over, one incomplete, one not counted, findings of each severity, photos missing."""
    visit = book.start_visit(unit, planned=True)
    economy, office, _ = book.add_rooms(visit, [("Phòng Kinh tế", 8), ("Văn phòng", 12), ("Kho lưu trữ", None)])
    book.set_heads(visit, economy, {"head_present": 9, "head_absent_excused": 0, "head_absent_unexcused": 0})
    book.set_heads(visit, economy, {"head_absent_unclear": 0})
    book.set_heads(visit, office, {"head_present": 11})
    book.answers(
        visit,
        [
            ("badge_worn_all", "no", ""),
            ("alcohol_or_smoking_seen", "yes", ""),
            ("one_stop_arrangement", "own_desk", ""),
            ("duty_roster_posted", "no", ""),
        ],
    )
    return visit


def ky_son(book: Notebook) -> str:
    """The public case with figures: 27 of 40 present."""
    visit = book.start_visit(book.find_units("huyện kỳ sơn")[0], visit_date=None, started_at=None)
    row = book.use_whole_unit(visit)
    figures = {"head_total": 40, "head_present": 27, "head_absent_excused": 13}
    book.set_heads(visit, row, figures | {"head_absent_unexcused": 0, "head_absent_unclear": 0})
    book.answer(visit, "rooms_checked_count", 9)
    return visit


class Day:
    """A phone's data with an enrolled notebook: visits to look at, spare ones to change, and the app over it."""

    app: App

    def __init__(self, data: Path):
        self.data = data
        with notebook(data) as book:
            self.planned = enrol(book)
            self.messy = messy_visit(book, self.planned[0])
            self.ky_son = ky_son(book)
            self.spare = [messy_visit(book, self.planned[0]) for _ in range(2)]
            for number in range(35):
                book.close_visit(book.start_visit(f"Trạm y tế số {number + 1}"))
            self.photographed = book.start_visit("Trung tâm có ảnh")
            facts = PhotoFacts("a" * 64, 400_000, 1200, 900, "image/jpeg", "b" * 64, 9_000)
            book.add_photo(self.photographed, facts, caption="Bảng niêm yết")

    def recorded(self, visit: str) -> VisitReading:
        """What stands in the notebook's file just now, as a copy of it reads: the app goes on meanwhile."""
        with tempfile.TemporaryDirectory() as copy:
            for file in self.data.glob("notebook.sqlite*"):
                shutil.copy(file, copy)
            with notebook(Path(copy)) as book:
                return book.visit(visit)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    day = Day(tmp_path_factory.mktemp("day") / "phone")
    with serving(MAIN, day.data, KIEMTRA_DATA=str(day.data)) as day.app:
        yield day


def there(phone: Phone, name: str) -> None:
    until(lambda: phone.has(name), lambda: f"{name!r} is there:\n{phone.reading()}")


def address(phone: Phone) -> str:
    """The path shown in the browser just now."""
    return str(phone.page.evaluate("() => location.pathname"))


def typed_in(phone: Phone) -> str:
    """What stands in the field that has the focus; Flutter tells it of no other."""
    return str(phone.page.evaluate("() => document.activeElement?.value ?? ''"))


def visit_in(phone: Phone) -> str:
    """Id of the visit whose address is open."""
    until(lambda: "/visit/" in address(phone), "the address of a visit")
    return address(phone).split("/visit/")[1].split("/")[0]


def test_a_visit_is_started_by_search_without_marks_and_kept(day: Day, phone: Phone) -> None:
    phone.open(day.app.url, "Bắt đầu cuộc kiểm tra")
    phone.tap("start-visit")
    there(phone, "not-listed")
    phone.page.wait_for_function("() => document.activeElement?.tagName === 'INPUT'")
    phone.type_into("search", "muong long")
    phone.sees("Xã Mường Lống")
    assert "Tỉnh Nghệ An" in phone.reading(), "the parent tells two units of one name apart"
    phone.tap("Xã Mường Lống")
    phone.sees("Đếm quân số")
    phone.sees("ngoài kế hoạch")
    visit = day.recorded(visit_in(phone))
    assert (visit.unit_name, visit.planned, visit.round, visit.is_open) == ("Xã Mường Lống", "no", "round-2", True)


def test_a_planned_unit_is_one_tap_from_today_and_leaves_the_plan(day: Day, phone: Phone) -> None:
    phone.open(day.app.url, "Theo kế hoạch, chưa đến")
    unit = day.planned[1]
    phone.scroll_to("to-send")
    phone.count_taps()
    phone.tap(f"planned-{unit.code}")
    phone.sees("Đếm quân số")
    assert phone.taps == 1
    visit = visit_in(phone)
    phone.back()
    there(phone, f"visit-{visit}")
    assert not phone.has(f"planned-{unit.code}"), "a unit being visited is no longer waiting in the plan"
    recorded = day.recorded(visit)
    assert (recorded.unit_code, recorded.planned) == (unit.code, "yes")


def test_a_unit_of_the_old_division_warns_and_does_not_block(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/start", "Chọn đơn vị")
    phone.type_into("search", "huyen ky son")
    phone.sees("đến 30/06/2025")
    phone.tap("Huyện Kỳ Sơn")
    phone.sees("Đơn vị này chỉ có đến 30/06/2025")
    phone.tap("begin-anyway")
    phone.sees("Đếm quân số")
    assert day.recorded(visit_in(phone)).unit_code == "417"


def test_a_unit_in_no_list_is_typed(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/start", "Chọn đơn vị")
    phone.type_into("search", "khu kinh te xyz")
    phone.sees("Không thấy đơn vị nào")
    phone.tap_until("not-listed", "Ghi đúng tên trên biển")
    phone.type_into("unit-typed", LONG_NAME)
    until(lambda: phone.node("begin-typed").locator("[role=button]").count(), "the button wakes up")
    phone.tap("begin-typed")
    phone.sees("Đếm quân số")
    phone.sees(LONG_NAME)
    visit = day.recorded(visit_in(phone))
    assert (visit.unit_name, visit.unit_code) == (LONG_NAME, "")


def test_back_goes_where_one_came_from_and_a_reload_stays_where_one_is(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/", "Bắt đầu cuộc kiểm tra")
    phone.tap("tab-visits")
    phone.type_into("search", "ky son")
    phone.tap(f"visit-{day.ky_son}")
    there(phone, "take-photo")
    phone.tap("review")
    until(lambda: address(phone) == f"/visit/{day.ky_son}/review", "the review's address")
    phone.sees("67,50%")
    phone.page.go_back()
    there(phone, "take-photo")
    phone.page.go_back()
    there(phone, "search")
    phone.tap("search")
    until(lambda: typed_in(phone) == "ky son", "what was searched for is still there")
    phone.page.go_forward()
    there(phone, "take-photo")
    phone.tap("review")
    until(lambda: address(phone) == f"/visit/{day.ky_son}/review", "the review's address")
    phone.sees("67,50%")
    phone.open(phone.page.url, "67,50%")
    phone.back()
    there(phone, "take-photo")
    until(lambda: address(phone) == f"/visit/{day.ky_son}", "the visit's address")


def test_review_lists_every_open_point_and_leads_to_its_place(day: Day, phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 360, "height": 2400})
    phone.open(f"{day.app.url}/visit/{day.messy}/review", "Rà soát")
    phone.sees("Tỷ lệ có mặt: –")
    read = phone.reading()
    assert "Còn phòng chưa đếm xong, nên chưa có tỷ lệ." in read
    assert "thừa 1 người so với tổng số" in read and "còn 1 người chưa ghi" in read
    failed = [read.index(words) for words in ("Nghiêm trọng", "Nhắc nhở")]
    assert failed == sorted(failed), "what weighs most stands first"
    assert "Niêm yết lịch trực một cửa" in read and "Phát hiện uống rượu bia" in read
    assert "Thiếu ảnh bắt buộc" in read and "Ảnh nơi niêm yết thủ tục" in read
    assert "Kết thúc, còn " in read
    phone.tap("failed-1")
    until(lambda: address(phone) == f"/visit/{day.messy}/section/badges_conduct", "the item's section")
    phone.page.go_back()
    phone.sees("Tỷ lệ có mặt")
    phone.tap("wrong-1")
    until(lambda: f"/visit/{day.messy}/count/" in address(phone), "the room that does not add up")


def test_review_shows_the_public_case_large_and_exact(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/visit/{day.ky_son}/review", "Tỷ lệ có mặt: 67,50%")
    read = phone.reading()
    for figure in ("Tổng số: 40", "Có mặt: 27", "Vắng có lý do: 13", "Vắng không lý do: 0"):
        assert figure in read
    phone.scroll_to("rooms-checked")
    for rate in ("Tỷ lệ vắng có lý do: 32,50%", "Tỷ lệ vắng không lý do: 0,00%", "Phòng đã kiểm tra: 9"):
        assert rate in phone.reading()


def test_a_visit_is_closed_with_open_points_read_only_and_reopened(day: Day, phone: Phone) -> None:
    visit = day.spare[0]
    phone.open(f"{day.app.url}/visit/{visit}/review", "Kết thúc, còn ")
    phone.tap("close-visit")
    phone.sees("Đã kết thúc. Số liệu đã lưu trên máy.")
    assert not phone.has("close-visit")
    phone.back()
    there(phone, "section-badges-conduct")
    phone.sees("Chỉ xem.")
    assert not phone.has("take-photo"), "no control that does nothing"
    phone.tap("reopen")
    there(phone, "take-photo")
    phone.sees_not("Chỉ xem.")
    assert day.recorded(visit).status == "open"


def test_the_main_count_is_chosen_on_the_review(tmp_path: Path, phone: Phone) -> None:
    data = tmp_path / "phone"
    with notebook(data) as book:
        unit = enrol(book)[0]
        visit = book.start_visit(unit)
        morning = book.add_room(visit, "Phòng Kinh tế", roll=8)
        book.set_heads(visit, morning, dict.fromkeys(("head_absent_excused", "head_absent_unexcused"), 0))
        book.set_heads(visit, morning, {"head_present": 8, "head_absent_unclear": 0})
        late = book.add_count(visit, book.now() + 8 * 3600_000)
        evening = book.add_room(visit, "Phòng Kinh tế", late, roll=8)
        book.set_heads(visit, evening, {"head_present": 6, "head_absent_excused": 0, "head_absent_unexcused": 2})
        book.set_heads(visit, evening, {"head_absent_unclear": 0})
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/visit/{visit}/review", "Tỷ lệ có mặt: 100,00%")
        phone.tap(f"main-count-{late}")
        phone.scroll_to("attendance-rate")
        phone.sees("Tỷ lệ có mặt: 75,00%")
        app.kill()
    with notebook(data) as book:
        assert book.visit(visit).main_count == late


def test_heads_not_counted_are_said_in_words_and_can_be_counted_after_all(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/visit/{day.ky_son}", "Đếm quân số")
    phone.tap("mode")
    phone.tap("mode-not_checked")
    phone.sees("Không đếm quân số: Không kiểm tra nội dung này")
    assert not phone.has("section-attendance-room")
    phone.tap("review")
    phone.sees("Không kiểm tra quân số.")
    phone.sees("Tỷ lệ có mặt: –")
    phone.back()
    there(phone, "mode")
    phone.tap("mode")
    phone.tap("mode-whole_unit")
    there(phone, "section-attendance-room")
    assert day.recorded(day.ky_son).figures.attendance_rate == "67.50", "what was counted before is back"


def test_a_damaged_notebook_of_a_phone_enrolled_nowhere_is_explained_handed_out_and_begun_anew(
    tmp_path: Path, phone: Phone
) -> None:
    data = tmp_path / "phone"
    data.mkdir()
    broken = b"this is no notebook" * 300
    (data / "notebook.sqlite").write_bytes(broken)
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(app.url, "Sổ trên máy bị hỏng")
        phone.sees("ứng dụng không sửa gì vào tệp")
        assert phone.unnamed() == []
        with phone.page.expect_download() as download:
            phone.tap("save-notebook")
        assert Path(download.value.path()).read_bytes() == broken
        assert (data / "notebook.sqlite").read_bytes() == broken
        phone.tap("anew")
        phone.tap("anew-yes")
        phone.sees("Ghi danh máy này")
        assert sorted(f.read_bytes() for f in data.glob("notebook.sqlite.2*")) == [broken]


def test_a_notebook_open_elsewhere_is_refused_with_words(tmp_path: Path, phone: Phone) -> None:
    data = tmp_path / "phone"
    with notebook(data) as book:
        enrol(book)
        with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
            phone.open(app.url, "Sổ đang mở ở một cửa sổ khác")
            assert not phone.has("save-notebook") and not phone.has("anew"), "nothing is wrong with it"


def test_an_invitation_fills_the_code_in_and_its_failure_stays_beside_it(tmp_path: Path, phone: Phone) -> None:
    data = tmp_path / "phone"
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/?enrol=K7M2-9QXD&central={NOBODY}", "Mã đã có sẵn")
        assert phone.unnamed() == []
        phone.tap("enrol")
        there(phone, "enrol-code-problem")
        phone.sees("Chưa gặp được trung tâm.")
        phone.tap("enrol-code")
        until(lambda: typed_in(phone) == "K7M2-9QXD", "the code is still there to be corrected")
        phone.sees("Ghi danh")
        phone.type_into("enrol-code", "")
        phone.tap("enrol")
        phone.sees("Hãy nhập mã, hoặc dán cả đường link ghi danh.")


def test_visits_are_searched_without_marks_and_read_in_pages(day: Day, phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 360, "height": 5200})
    phone.open(f"{day.app.url}/visits", "Các cuộc")
    phone.sees("Trạm y tế số 35")
    assert "Trạm y tế số 5\n" not in phone.reading()
    phone.tap("visits-more")
    phone.sees("Trạm y tế số 5\n")
    phone.type_into("search", "tram y te so 17")
    phone.sees_not("Trạm y tế số 35")
    phone.sees("Trạm y tế số 17")
    phone.type_into("search", "không có đâu")
    phone.sees("Không thấy cuộc nào")
    phone.tap("search-clear")
    phone.sees("Trạm y tế số 35")


def test_sync_says_plainly_that_nothing_was_sent_and_what_is_safe(day: Day, phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 360, "height": 2400})
    phone.open(f"{day.app.url}/sync", "Gửi ngay")
    phone.sees("Chưa gửi được: không gặp trung tâm. Số liệu vẫn an toàn trên máy, máy sẽ tự gửi lại.")
    phone.tap(f"sync-visit-{day.photographed}")
    phone.sees("Ảnh 1: Bảng niêm yết")
    phone.sees("Đã lưu trên máy, chờ gửi")
    phone.tap("sync-now")
    phone.sees("Chưa gửi được: không gặp trung tâm.")
    for technical in ("Error", "HTTP", "500", "timeout", "Exception", "None"):
        assert technical not in phone.reading()


def test_settings_change_at_once_and_are_kept(tmp_path: Path, phone: Phone) -> None:
    data = tmp_path / "phone"
    with notebook(data) as book:
        enrol(book)
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/settings", "Ngôn ngữ")
        phone.tap_until("language-en", "Language")
        phone.tap("theme-dark")
        small = phone.box("text-size-125")
        phone.tap("text-size-125")
        until(lambda: phone.box("text-size-125") != small, "the words have grown")
        app.kill()
    with notebook(data) as book:
        assert [book.setting(name) for name in ("language", "theme", "text_size")] == ["en", "dark", "125"]


def test_enrolling_again_asks_first(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/settings", "Ngôn ngữ")
    phone.tap("enrol-again")
    phone.scroll_to("export")
    phone.sees("Ghi danh lại bằng mã mới?")
    phone.tap("enrol-again-no")
    phone.sees_not("Ghi danh lại bằng mã mới?")


def test_two_windows_of_one_app_show_the_same(day: Day, new_phone: PhoneMaker) -> None:
    one, other = new_phone(), new_phone()
    visit = f"{day.app.url}/visit/{day.spare[1]}"
    one.open(visit, "Đếm quân số")
    other.open(visit, "Đếm quân số")
    one.tap("review")
    one.tap("close-visit")
    other.sees("Chỉ xem.")
    assert not one.complaints and not other.complaints


def test_an_address_of_nothing_becomes_a_message_with_a_way_home(day: Day, phone: Phone) -> None:
    phone.open(f"{day.app.url}/visit/no-such-visit", "Không có trang này trên máy")
    phone.tap("go-today")
    phone.sees("Bắt đầu cuộc kiểm tra")


def rid_of(faults: Callable[[], list[str]], where: str) -> None:
    """The screen has no such faults, once the page before it has glided away."""
    until(lambda: not faults(), lambda: f"{where}: {faults()}", patience=5)


def test_every_button_and_field_has_a_name_and_room_for_a_finger(day: Day, phone: Phone) -> None:
    visit = f"/visit/{day.messy}"
    photo = day.recorded(day.photographed).photos[0].id
    ready = {
        "/": "start-visit",
        "/visits": "search",
        "/sync": "sync-now",
        "/start": "not-listed",
        "/enrol": "enrol",
        visit: "take-photo",
        f"{visit}/review": "close-visit",
        f"{visit}/count": "back",
        f"{visit}/section/one_stop": "back",
        f"{visit}/photo": "back",
        f"/photo/{photo}": "photo-remove",
        "/settings": "language-vi",
    }
    phone.open(f"{day.app.url}/settings", "Ngôn ngữ")
    for language, words in (("en", "Language"), ("vi", "Ngôn ngữ")):
        phone.tap_until(f"language-{language}", words)
        for path, name in ready.items():
            phone.page.set_viewport_size({"width": 360, "height": 2400 if path.endswith(("count", "photo")) else 5200})
            phone.go(path)
            there(phone, name)
            phone.settle()
            rid_of(phone.unnamed, f"{path} {language}")
            rid_of(phone.small_targets, f"{path} {language}")
        phone.page.set_viewport_size({"width": 360, "height": 640})
    assert phone.complaints == []
