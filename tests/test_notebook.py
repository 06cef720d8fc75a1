"""An inspector's day in the notebook: counting, mistakes, second thoughts, and what the notebook refuses."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.checklist import Refusal
from app.notebook import PhotoFacts
from app.readings import KnownRoom
from app.recorder import NotEnrolled, VisitShut
from app.records import HEADS, WHOLE_UNIT_ROW
from app.sync.journal import Change
from tests.field import ASSETS, MORNING, Phone

FIGURES = {
    "head_total": 8,
    "head_present": 5,
    "head_absent_excused": 2,
    "head_absent_unexcused": 0,
    "head_absent_unclear": 1,
}
PHOTO = PhotoFacts("a" * 64, 240_000, 1600, 1200, "image/jpeg", "b" * 64, 9_000)
HOUR = 3_600_000


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook file with units and checklist read in and a place in a team, to be copied for each story."""
    folder = tmp_path_factory.mktemp("fresh")
    phone = Phone(folder, seed=1)
    phone.enrol_alone()
    phone.close()
    return folder / "notebook.sqlite"


@pytest.fixture
def phone(tmp_path: Path, fresh: Path) -> Iterator[Phone]:
    (tmp_path / "notebook.sqlite").write_bytes(fresh.read_bytes())
    phone = Phone(tmp_path, seed=2)
    yield phone
    assert phone.book.verify() is None
    phone.close()


@pytest.fixture
def visit(phone: Phone) -> str:
    return phone.book.start_visit(phone.book.find_units("muong long")[0], planned=True)


def entries(phone: Phone) -> int:
    with phone.book.store.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM entry").scalar_one())


def names(phone: Phone, visit: str) -> list[str]:
    return [room.name for room in phone.book.visit(visit).rooms()]


# Counting


def test_the_first_room_makes_the_count_and_empty_is_not_zero(phone: Phone, visit: str) -> None:
    book = phone.book
    assert book.visit(visit).main_count == "" and book.visit(visit).mode is None
    room = book.add_room(visit, "Phòng Kinh tế")
    reading = book.visit(visit)
    assert reading.mode == "per_room" and [c.moment for c in reading.counts] == [MORNING]
    assert reading.heads(room) == dict.fromkeys(HEADS) and reading.figures.heads["head_total"] is None
    book.set_heads(visit, room, {"head_present": 0})
    assert book.visit(visit).heads(room)["head_present"] == 0
    book.set_heads(visit, room, {"head_present": None})
    assert book.visit(visit).heads(room) == dict.fromkeys(HEADS)


def test_several_counts_stand_side_by_side_and_the_main_one_counts(phone: Phone, visit: str) -> None:
    book = phone.book
    morning_room = book.add_room(visit, "Phòng Kinh tế", roll=8)
    book.set_heads(visit, morning_room, FIGURES)
    phone.clock.advance(8 * HOUR)
    afternoon = book.add_count(visit, note="sau giờ nghỉ trưa")
    room = book.add_room(visit, "Phòng Kinh tế", afternoon, roll=8)
    book.set_heads(visit, room, FIGURES | {"head_present": 8, "head_absent_excused": 0, "head_absent_unclear": 0})
    reading = book.visit(visit)
    first, second = reading.counts
    assert room != morning_room and second.id == afternoon and second.note == "sau giờ nghỉ trưa"
    assert reading.main_count == first.id and reading.figures.attendance_rate == "62.50"
    assert reading.figures_of(afternoon).attendance_rate == "100.00"
    book.set_main_count(visit, afternoon)
    assert book.visit(visit).figures.attendance_rate == "100.00"
    assert book.visit(visit).figures_of(first.id).attendance_rate == "62.50"
    with pytest.raises(Refusal):
        book.set_main_count(visit, "no such count")


def test_two_counts_in_one_minute_are_one(phone: Phone, visit: str) -> None:
    first = phone.book.add_count(visit, MORNING)
    assert phone.book.add_count(visit, MORNING + 20_000) == first
    assert phone.book.add_count(visit, MORNING + 60_000) != first
    assert len(phone.book.visit(visit).counts) == 2


def test_counting_the_unit_as_a_whole_and_then_by_room_after_all(phone: Phone, visit: str) -> None:
    book = phone.book
    whole = book.use_whole_unit(visit)
    assert book.use_whole_unit(visit) == whole and names(phone, visit) == [WHOLE_UNIT_ROW]
    book.set_heads(visit, whole, FIGURES)
    assert book.visit(visit).figures.heads == FIGURES
    book.answer(visit, "attendance_mode", "per_room")
    room = book.add_room(visit, "Phòng Kinh tế", roll=3)
    book.set_heads(visit, room, {"head_present": 3})
    reading = book.visit(visit)
    assert names(phone, visit) == ["Phòng Kinh tế"] and reading.figures.heads["head_total"] == 3
    with pytest.raises(Refusal, match="Toàn đơn vị"):
        book.add_room(visit, "toan don vi")
    assert book.use_whole_unit(visit) == whole
    assert book.visit(visit).figures.heads == FIGURES, "the first count is still there"


def test_from_rooms_to_the_whole_unit_is_one_tap(phone: Phone, visit: str) -> None:
    phone.book.add_room(visit, "Phòng Kinh tế", roll=3)
    phone.book.use_whole_unit(visit)
    assert phone.book.visit(visit).mode == "whole_unit" and names(phone, visit) == [WHOLE_UNIT_ROW]
    phone.book.undo(visit)
    assert phone.book.visit(visit).mode == "per_room" and names(phone, visit) == ["Phòng Kinh tế"]


@pytest.mark.parametrize("mode", ["full_no_figures", "not_checked"])
def test_without_figures_rooms_stay_and_count_for_nothing(phone: Phone, visit: str, mode: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế")
    book.set_heads(visit, room, FIGURES | {"head_absent_unexcused": 1})
    book.answer(visit, "attendance_mode", mode)
    figures = book.visit(visit).figures
    assert figures.heads == dict.fromkeys(HEADS) and figures.without_figures == mode and figures.failed_items == []
    assert figures.attendance_rate is None and figures.unranked_reason == mode
    book.answer(visit, "attendance_mode", "per_room")
    assert book.visit(visit).figures.heads["head_total"] == 8
    assert book.visit(visit).figures.failed_items == ["head_absent_unexcused", "head_absent_unclear"]


def test_a_room_that_does_not_add_up_is_kept_as_it_was_said(phone: Phone, visit: str) -> None:
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    phone.book.set_heads(visit, room, FIGURES | {"head_present": 9})
    figures = phone.book.visit(visit).figures
    assert figures.checks[room].state == "over" and not figures.rows_add_up and figures.heads["head_present"] == 9


# Rooms and their names


def test_a_name_is_used_once_however_it_is_written(phone: Phone, visit: str) -> None:
    book = phone.book
    book.add_room(visit, "Phòng Kinh tế")
    for twin in ("Phòng Kinh tế", "  phòng   KINH tế", "Phong Kinh te", unicodedata.normalize("NFD", "Phòng Kinh tế")):
        with pytest.raises(Refusal, match="Đã có phòng"):
            book.add_room(visit, twin)
    with pytest.raises(Refusal):
        book.add_rooms(visit, [("Kho", 1), ("KHO", 2)])
    assert names(phone, visit) == ["Phòng Kinh tế"], "of several rooms in one tap, all or none"


def test_a_room_taken_out_comes_back_with_its_figures(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế")
    book.set_heads(visit, room, FIGURES)
    book.remove_row(visit, room)
    assert names(phone, visit) == [] and book.visit(visit).figures.heads["head_total"] is None
    assert book.add_room(visit, "PHÒNG KINH TẾ") == room
    assert book.visit(visit).heads(room) == FIGURES and names(phone, visit) == ["PHÒNG KINH TẾ"]
    with pytest.raises(Refusal):
        book.remove_row(visit, "no such room")


def test_names_stay_unique_after_renaming(phone: Phone, visit: str) -> None:
    book = phone.book
    room, other = book.add_rooms(visit, [("Phòng A", 1), ("Phòng B", 2)])
    with pytest.raises(Refusal, match="Đã có"):
        book.rename_row(visit, room, "phong b")
    book.rename_row(visit, room, "Phòng C")
    with pytest.raises(Refusal, match="Đã có"):
        book.add_room(visit, "Phòng C")
    again = book.add_room(visit, "Phòng A", roll=9)
    assert again not in (room, other) and names(phone, visit) == ["Phòng C", "Phòng B", "Phòng A"]
    assert [book.visit(visit).heads(r)["head_total"] for r in (room, other, again)] == [1, 2, 9]
    book.remove_row(visit, room)
    assert book.add_room(visit, "Phòng C") == room, "it comes back under the name it had"


def test_long_names_and_text_are_kept_whole_and_longer_ones_refused(phone: Phone, visit: str) -> None:
    book = phone.book
    long = "Phòng Văn hóa – Xã hội và Thông tin truyền thông cơ sở "
    name = (long * 3)[:120].strip()
    longest = "Đ" * 300
    book.add_rooms(visit, [(name, 1), (longest, 2)])
    assert names(phone, visit) == [name, longest]
    before = entries(phone)
    for bad in ("Đ" * 301, "", "   \n "):
        with pytest.raises(Refusal):
            book.add_room(visit, bad)
    book.remark(visit, "good_practice", "đ" * 2000)
    for save in (
        lambda words: book.remark(visit, "good_practice", words),
        lambda words: book.answer(visit, "good_practice", words),
        lambda words: book.add_count(visit, note=words),
        lambda words: book.add_photo(visit, PHOTO, caption=words),
    ):
        with pytest.raises(Refusal, match="2000"):
            save("đ" * 2001)
    assert entries(phone) == before + 1, "the 2,000 characters, and nothing of what was refused"


def test_text_typed_on_another_keyboard_is_stored_one_way(phone: Phone, visit: str) -> None:
    book = phone.book
    words = unicodedata.normalize("NFD", "Đã nhắc nhở cán bộ xã Mường Lống")
    book.answer(visit, "good_practice", words)
    book.remark(visit, "objective_difficulty", words)
    book.add_room(visit, unicodedata.normalize("NFD", "Phòng Tiếp dân"))
    photo = book.add_photo(visit, PHOTO, caption=words)
    directive = book.add_row(visit, "directives", unicodedata.normalize("NFD", "Chỉ thị số 26"))
    reading = book.visit(visit)
    kept = unicodedata.normalize("NFC", words)
    assert reading.values[("", "good_practice")] == reading.answers[("", "objective_difficulty")].remark == kept
    assert book.photo(photo).caption == kept and reading.values[(directive, "directive_ref")] == "Chỉ thị số 26"
    assert names(phone, visit) == ["Phòng Tiếp dân"]


# Answers


@pytest.mark.parametrize("figure", [-1, 10_000, 99_999, 2.5, 3.0, "5", "năm", True, [5], {"n": 5}])
def test_a_count_is_a_whole_number_from_0_to_9999(phone: Phone, visit: str, figure: Any) -> None:
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    before = entries(phone)
    with pytest.raises(Refusal, match="Có mặt: "):
        phone.book.set_heads(visit, room, {"head_total": 5, "head_present": figure})
    assert entries(phone) == before and phone.book.visit(visit).heads(room) == dict.fromkeys(HEADS)
    with pytest.raises(Refusal):
        phone.book.add_room(visit, "Kho", roll=figure)
    assert names(phone, visit) == ["Phòng Kinh tế"]


def test_the_largest_count_is_kept(phone: Phone, visit: str) -> None:
    room = phone.book.add_room(visit, "Phòng Kinh tế", roll=9999)
    assert phone.book.visit(visit).heads(room)["head_total"] == 9999


def test_what_the_checklist_does_not_know_is_refused(phone: Phone, visit: str) -> None:
    book = phone.book
    for wrong in (
        lambda: book.answer(visit, "no_such_item", "yes"),
        lambda: book.remark(visit, "no_such_item", "x"),
        lambda: book.answer(visit, "badge_worn_all", "maybe"),
        lambda: book.answer(visit, "tthc_board_photo", "a photo"),
        lambda: book.answer(visit, "absence_reasons", ["party"]),
        lambda: book.add_photo(visit, PHOTO, item="no_such_item"),
        lambda: book.add_photo(visit, PHOTO, row="no such row"),
        lambda: book.add_row(visit, "no_such_section", "x"),
        lambda: book.add_row(visit, "badges_conduct", "x"),
        lambda: book.rename_row(visit, "no such row", "x"),
    ):
        with pytest.raises(Refusal):
            wrong()
    with pytest.raises(LookupError):
        book.answer("no such visit", "badge_worn_all", "yes")


def test_an_answer_for_a_row_stands_in_a_row_of_its_section(phone: Phone, visit: str) -> None:
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    for item, value, row in (("head_present", 5, ""), ("badge_worn_all", "yes", room)):
        with pytest.raises(Refusal):
            phone.book.answer(visit, item, value, row)


def test_choosing_again_clears_and_what_was_answered_comes_back(phone: Phone, visit: str) -> None:
    book = phone.book
    book.answers(visit, [("one_stop_arrangement", "own_desk", ""), ("one_stop_camera_working", "no", "")])
    assert book.visit(visit).figures.failed_items == ["one_stop_camera_working"]
    book.answer(visit, "one_stop_arrangement", "not_applicable")
    assert book.visit(visit).figures.failed_items == []
    book.answer(visit, "one_stop_arrangement", "own_desk")
    assert book.visit(visit).figures.failed_items == ["one_stop_camera_working"]
    book.answer(visit, "one_stop_camera_working", None)
    assert ("", "one_stop_camera_working") in book.visit(visit).answers
    assert book.visit(visit).outcome.value(book.visit(visit).template.items["one_stop_camera_working"]) is None


def test_saying_the_same_again_writes_nothing(phone: Phone, visit: str) -> None:
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    phone.book.set_heads(visit, room, FIGURES)
    before, revision = entries(phone), phone.book.revision
    phone.book.set_heads(visit, room, FIGURES)
    phone.book.answer(visit, "attendance_mode", "per_room")
    assert (entries(phone), phone.book.revision) == (before, revision)


def test_directives_and_notices_are_rows_of_their_own(phone: Phone, visit: str) -> None:
    book = phone.book
    first = book.add_row(visit, "directives", "Chỉ thị 26/CT-TTg")
    with pytest.raises(Refusal, match="Đã có"):
        book.add_row(visit, "directives", "chi thi 26/ct-ttg")
    notice = book.add_row(visit, "earlier_notices", "Chỉ thị 26/CT-TTg")
    book.answers(visit, [("directive_disseminated", "no", first), ("remediation_status", "not_done", notice)])
    reading = book.visit(visit)
    assert reading.values[(first, "directive_ref")] == "Chỉ thị 26/CT-TTg"
    assert [(f.item, f.row) for f in reading.outcome.failures] == [
        ("directive_disseminated", first),
        ("remediation_status", notice),
    ]
    book.rename_row(visit, first, "Công điện 280")
    assert book.visit(visit).values[(first, "directive_ref")] == "Công điện 280"
    book.remove_row(visit, first)
    assert [f.item for f in book.visit(visit).outcome.failures] == ["remediation_status"]


def test_photos_are_attached_moved_captioned_and_taken_out(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế")
    book.answer(visit, "one_stop_arrangement", "own_desk")
    assert "tthc_board_photo" in book.visit(visit).figures.missing_required_photos
    photo = book.photo(book.add_photo(visit, PHOTO, caption="Phòng khóa cửa"))
    assert (photo.item, photo.row, photo.taken_at) == ("", "", MORNING)
    book.edit_photo(photo, row=room, caption="Bàn trống")
    assert [p.caption for p in book.visit(visit).photos_of(room, "")] == ["Bàn trống"]
    book.edit_photo(book.photo(photo.id), item="tthc_board_photo", row="")
    assert "tthc_board_photo" not in book.visit(visit).figures.missing_required_photos
    assert book.waiting().photos == book.waiting().previews == 1 and book.named_files() == {"a" * 64, "b" * 64}
    book.remove_photo(book.photo(photo.id))
    assert book.visit(visit).photos == () and "tthc_board_photo" in book.visit(visit).figures.missing_required_photos
    assert book.named_files() == {"a" * 64, "b" * 64}, "the evidence stays on the phone"
    with pytest.raises(LookupError):
        book.photo(photo.id)


# Taking the last tap back


TAPS: dict[str, Callable[[Phone, str, str], Any]] = {
    "figures": lambda p, v, room: p.book.set_heads(v, room, {"head_present": 7, "head_absent_excused": None}),
    "an answer": lambda p, v, room: p.book.answer(v, "badge_worn_all", "no"),
    "an answer changed": lambda p, v, room: p.book.answer(v, "name_plate_displayed", "no"),
    "an answer cleared": lambda p, v, room: p.book.answer(v, "name_plate_displayed", None),
    "a remark": lambda p, v, room: p.book.remark(v, "name_plate_displayed", "thiếu ở hai phòng"),
    "a room": lambda p, v, room: p.book.add_room(v, "Kho", roll=3),
    "several rooms": lambda p, v, room: p.book.add_rooms(v, [("Kho", 3), ("Bếp", None)]),
    "a room renamed": lambda p, v, room: p.book.rename_row(v, room, "Phòng Tổng hợp"),
    "a room taken out": lambda p, v, room: p.book.remove_row(v, room),
    "a directive": lambda p, v, room: p.book.add_row(v, "directives", "Chỉ thị 26"),
    "a photo": lambda p, v, room: p.book.add_photo(v, PHOTO, item="tthc_board_photo"),
    "a photo moved": lambda p, v, room: p.book.edit_photo(p.book.visit(v).photos[0], item="fees_posted", caption="x"),
    "a photo taken out": lambda p, v, room: p.book.remove_photo(p.book.visit(v).photos[0]),
    "another count": lambda p, v, room: p.book.add_count(v, MORNING + HOUR, "chiều"),
    "the whole unit": lambda p, v, room: p.book.use_whole_unit(v),
}


def seen(phone: Phone, visit: str) -> tuple[Any, ...]:
    """What a screen would draw of a visit."""
    reading = phone.book.visit(visit)
    answers = {k: (a.value, a.remark) for k, a in reading.answers.items() if a.value is not None or a.remark}
    shown = {row.id for row in reading.rows}
    answers = {(row, item): said for (row, item), said in answers.items() if not row or row in shown}
    return reading.rows, reading.counts, reading.main_count, answers, reading.photos, reading.figures


@pytest.mark.parametrize("tap", list(TAPS))
def test_any_tap_can_be_taken_back(phone: Phone, visit: str, tap: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế")
    book.set_heads(visit, room, FIGURES)
    book.answer(visit, "name_plate_displayed", "yes")
    book.add_photo(visit, PHOTO, caption="Bảng niêm yết")
    before, length = seen(phone, visit), entries(phone)
    phone.clock.advance(60_000)
    TAPS[tap](phone, visit, room)
    assert seen(phone, visit) != before
    assert book.undo(visit) and seen(phone, visit) == before
    assert entries(phone) > length + 1, "the journal keeps both the tap and its undoing"
    TAPS[tap](phone, visit, room)
    assert seen(phone, visit) != before, "and it can be done again"


def test_a_morning_taken_back_tap_by_tap_to_the_bare_visit(phone: Phone, visit: str) -> None:
    states = [seen(phone, visit)]
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    states.append(seen(phone, visit))
    for tap in ("figures", "an answer", "a photo", "another count", "a room renamed", "a room taken out"):
        TAPS[tap](phone, visit, room)
        states.append(seen(phone, visit))
    while states:
        assert seen(phone, visit) == states.pop()
        assert phone.book.undo(visit) is bool(states)
    assert not phone.book.can_undo(visit)


def test_undo_ends_where_the_app_was_closed(phone: Phone, visit: str) -> None:
    phone.book.add_room(visit, "Phòng Kinh tế")
    assert phone.book.can_undo(visit)
    phone.close()
    phone.open()
    assert not phone.book.can_undo(visit) and not phone.book.undo(visit) and names(phone, visit) == ["Phòng Kinh tế"]


# Closing, reopening, signing


def test_a_closed_visit_is_read_until_it_is_reopened(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế", roll=8)
    photo = book.photo(book.add_photo(visit, PHOTO))
    phone.clock.advance(2 * HOUR)
    book.close_visit(visit)
    reading = book.visit(visit)
    assert (reading.status, reading.visit_ended_at, reading.is_open) == ("closed", MORNING + 2 * HOUR, False)
    before = entries(phone)
    for wrong in (
        lambda: book.set_heads(visit, room, {"head_present": 8}),
        lambda: book.add_room(visit, "Kho"),
        lambda: book.remove_row(visit, room),
        lambda: book.remark(visit, "good_practice", "x"),
        lambda: book.add_photo(visit, PHOTO),
        lambda: book.edit_photo(photo, caption="x"),
        lambda: book.remove_photo(photo),
        lambda: book.add_count(visit),
        lambda: book.edit_visit(visit, visit_date="2026-11-20"),
        lambda: book.undo(visit),
        lambda: book.close_visit(visit),
    ):
        with pytest.raises(VisitShut, match="Mở lại"):
            wrong()
    assert entries(phone) == before
    book.reopen_visit(visit)
    assert book.visit(visit).is_open and book.visit(visit).visit_ended_at is None
    book.set_heads(visit, room, {"head_present": 8})
    assert book.visit(visit).heads(room)["head_present"] == 8


def test_a_signed_visit_cannot_be_changed_any_more(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế", roll=8)
    book._record([Change("visit", visit, {"status": "signed"}, visit)])
    for wrong in (
        lambda: book.set_heads(visit, room, {"head_present": 8}),
        lambda: book.reopen_visit(visit),
        lambda: book.close_visit(visit),
        lambda: book.undo(visit),
    ):
        with pytest.raises(VisitShut, match="đã ký"):
            wrong()
    assert book.visit(visit).is_signed


# Units, days, what is known from before


def test_nobody_records_before_the_phone_has_a_place_in_a_team(tmp_path: Path) -> None:
    phone = Phone(tmp_path)
    with pytest.raises(NotEnrolled, match="ghi danh"):
        phone.book.start_visit(phone.book.find_units("muong long")[0])
    assert phone.book.visit_count() == 0
    phone.close()


def test_a_unit_in_no_list_is_typed(phone: Phone) -> None:
    book = phone.book
    visit = book.start_visit(unicodedata.normalize("NFD", "  Trạm  Y tế bản Xám "))
    assert book.visit(visit).unit_name == "Trạm Y tế bản Xám" and book.visit(visit).unit_code == ""
    for bad in ("", "  ", "x" * 301):
        with pytest.raises(Refusal):
            book.start_visit(bad)
    assert book.known_rooms(book.visit(visit)) == [] and book.recent_units() == []
    assert [line.unit_name for line in book.visits("tram y te")] == ["Trạm Y tế bản Xám"]


def test_a_visit_of_before_july_2025_goes_to_the_old_division(phone: Phone) -> None:
    book = phone.book
    old = book.find_units("ky son", "2021-02-24")[0]
    assert (old.level, old.valid_to) == ("legacy_district", "2025-06-30")
    before, since = (book.find_units("muong long", day)[0] for day in ("2025-06-30", "2025-07-01"))
    assert (before.level, before.parent_name, since.level) == ("legacy_commune", "Huyện Kỳ Sơn", "commune")
    assert before.code == since.code == "16831", "the code lives on with a new meaning"
    visit = book.start_visit(old, visit_date="2021-02-24", started_at=None)
    reading = book.visit(visit)
    assert (reading.unit_code, reading.unit_level, reading.visit_date) == (old.code, "legacy_district", "2021-02-24")
    assert reading.visit_started_at is None and not book.outside_hours(reading)


@pytest.mark.parametrize(
    ("day", "clock", "outside"),
    [
        (0, 0, True),  # Saturday morning
        (2, 0, False),  # Monday 07:45
        (2, -HOUR // 2, True),  # Monday 07:15
        (2, 5 * HOUR, True),  # Monday 12:45
        (2, 8 * HOUR + HOUR // 2, False),  # Monday 16:15
        (2, 10 * HOUR, True),  # Monday 17:45
    ],
)
def test_a_visit_outside_working_hours_is_told_and_not_hindered(
    phone: Phone, day: int, clock: int, outside: bool
) -> None:
    book = phone.book
    visit = book.start_visit(book.find_units("muong long")[0], started_at=MORNING + day * 24 * HOUR + clock)
    assert book.outside_hours(book.visit(visit)) is outside
    book.add_room(visit, "Phòng Kinh tế")


def test_a_holiday_and_a_working_saturday_of_the_calendar(phone: Phone) -> None:
    book = phone.book
    monday = MORNING + 2 * 24 * HOUR
    with book.store.writing() as connection:
        for day, hours in (("2026-11-23", []), ("2026-11-21", [["07:30", "11:30"]])):
            connection.exec_driver_sql(
                "INSERT INTO calendar_day (id, day, hours) VALUES (?, ?, ?)", (day, day, json.dumps(hours))
            )
    book.reload()
    unit = book.find_units("muong long")[0]
    assert book.outside_hours(book.visit(book.start_visit(unit, started_at=monday)))
    assert not book.outside_hours(book.visit(book.start_visit(unit, started_at=MORNING)))


def test_the_time_of_arrival_can_be_put_right(phone: Phone, visit: str) -> None:
    phone.book.edit_visit(visit, visit_date="2026-11-20", started_at=MORNING - 24 * HOUR)
    reading = phone.book.visit(visit)
    assert (reading.visit_date, reading.visit_started_at) == ("2026-11-20", MORNING - 24 * HOUR)


def test_rooms_are_known_from_the_last_visit_with_their_rolls(phone: Phone, visit: str) -> None:
    book = phone.book
    for name, roll in (("Phòng Kinh tế", 8), ("Văn phòng", None)):
        book.add_room(visit, name, roll=roll)
    gone = book.add_room(visit, "Kho", roll=2)
    book.remove_row(visit, gone)
    book.close_visit(visit)
    phone.clock.advance(90 * 24 * HOUR)
    unit = book.find_units("muong long")[0]
    later = book.visit(book.start_visit(unit))
    assert book.known_rooms(later) == [KnownRoom("Phòng Kinh tế", 8), KnownRoom("Văn phòng", None)]
    whole = book.start_visit(unit)
    book.use_whole_unit(whole)
    assert book.known_rooms(book.visit(book.start_visit(unit)))[0].name == "Phòng Kinh tế", "not «Toàn đơn vị»"
    elsewhere = book.visit(book.start_visit(book.find_units("dai dong")[0]))
    assert book.known_rooms(elsewhere) == []


def test_planned_and_recent_units_and_what_is_offered(phone: Phone) -> None:
    book = phone.book
    ky_son, muong_long = book.find_units("ky son")[0], book.find_units("muong long")[0]
    document = {
        "units": [
            {
                "code": u.code, "name": u.name, "level": u.level, "parent_code": u.parent_code, "valid_from": u.valid_from,
                "valid_to": u.valid_to, "successor_codes": list(u.successor_codes), "folded": u.folded,
            }
            for u in book.reference.units
        ],
        "templates": [],
        "rounds": [
            {"id": "r1", "name": "Đợt 1", "starts_on": "2026-01-01", "teams": ["doan-1"], "planned_units": []},
            {
                "id": "r2", "name": "Đợt 2", "starts_on": "2026-10-01", "teams": ["doan-1"],
                "planned_units": [[muong_long.code, muong_long.valid_from], [ky_son.code, ky_son.valid_from], ["0", ""]],
            },
            {"id": "r3", "name": "Đợt của đoàn khác", "starts_on": "2026-11-01", "teams": ["doan-2"], "planned_units": []},
        ],
        "teams": [{"id": "doan-1", "name": "Đoàn liên ngành"}],
        "calendar": [],
        "notices": [
            {"id": "n1", "unit_code": muong_long.code, "document_number": "2917/TB", "status": "open"},
            {"id": "n2", "unit_code": muong_long.code, "document_number": "1/TB", "status": "done"},
        ],
        "unit_rooms": {ky_son.code: [["Phòng Tổng hợp", 12]]},
    }  # fmt: skip
    book.take_reference(document, '"e1"')
    assert book.etag == '"e1"' and book.current_round() == "r2"
    assert book.planned_units("r2") == [muong_long, ky_son], "in the order of the plan; a unit nobody knows is left out"
    first = book.start_visit(ky_son)
    phone.clock.advance(HOUR)
    second = book.start_visit(muong_long)
    assert book.recent_units() == [muong_long, ky_son]
    assert book.visited_units("r2") == {(u.code, u.valid_from) for u in (ky_son, muong_long)}
    assert book.known_rooms(book.visit(first)) == [KnownRoom("Phòng Tổng hợp", 12)]
    reading = book.visit(second)
    assert book.suggested_rows(reading, reading.template.by_section["earlier_notices"]) == ["2917/TB"]
    book.add_row(first, "directives", "Chỉ thị 26")
    assert book.suggested_rows(reading, reading.template.by_section["directives"]) == ["Chỉ thị 26"]
    book.add_row(second, "directives", "chỉ thị 26")
    assert book.suggested_rows(book.visit(second), reading.template.by_section["directives"]) == []
    with pytest.raises((KeyError, TypeError)):
        book.take_reference({"units": []}, '"e2"')
    assert book.etag == '"e1"' and book.planned_units("r2") == [muong_long, ky_son], "a broken document changes nothing"
    book.take_reference(document | {"units": []}, '"e3"')
    assert len(book.reference.units) == 1305, "a central without units yet leaves the shipped ones"


# Lists


def test_visits_are_listed_newest_first_and_found_by_any_words(phone: Phone) -> None:
    book = phone.book
    for number in range(40):
        phone.clock.advance(24 * HOUR)
        unit = book.find_units(("muong long", "ky son", "dai dong")[number % 3])[0]
        book.start_visit(unit, round_id="r1" if number < 10 else "r2")
    days = [line.visit_date for line in book.visits(limit=100)]
    assert len(days) == 40 and days == sorted(days, reverse=True)
    assert [v.id for v in book.visits(offset=30)] == [v.id for v in book.visits(limit=100)][30:]
    found = book.visits("KỲ SƠN", limit=100)
    assert len(found) == 13 and len({line.unit_name for line in found}) == 1
    assert len(book.visits("long muong", limit=5, offset=3)) == 5
    assert (
        len(book.visits(round_id="r1", limit=100)) == 10 and len(book.visits("ky son", round_id="r1", limit=100)) == 3
    )
    book.close_visit(found[0].id)
    assert [line.id for line in book.visits(status="closed")] == [found[0].id]
    assert book.visits("khong co") == [] and book.visit_count() == 40


def test_a_line_of_the_list_follows_what_is_recorded(phone: Phone, visit: str) -> None:
    def line() -> tuple[Any, ...]:
        found = phone.book.visits()[0]
        return found.status, found.rooms, found.rooms_counted, found.attendance_rate, found.findings, found.photos

    assert line() == ("open", 0, 0, None, 0, 0)
    room = phone.book.add_room(visit, "Phòng Kinh tế")
    assert line() == ("open", 1, 0, None, 0, 0)
    phone.book.set_heads(visit, room, FIGURES)
    phone.book.add_photo(visit, PHOTO)
    phone.book.close_visit(visit)
    assert line() == ("closed", 1, 1, "62.50", 1, 1)


# The whole notebook


def test_a_phone_given_to_another_person_begins_a_new_chain(phone: Phone, visit: str) -> None:
    book = phone.book
    with book.store.reading() as connection:
        before = connection.exec_driver_sql("SELECT DISTINCT device, epoch FROM entry").all()
    phone.enrol_alone(device="0199c0de-0000-7000-8000-000000000002", user="u-binh")
    other = book.start_visit(book.find_units("dai dong")[0])
    with book.store.reading() as connection:
        after = connection.exec_driver_sql("SELECT DISTINCT device, epoch, author FROM entry").all()
    assert len(before) == 1 and len(after) == 2 and {row.author for row in after} == {"u-an", "u-binh"}
    assert {line.id for line in book.visits()} == {visit, other}


def test_settings_are_kept(phone: Phone) -> None:
    assert phone.book.setting("language", "vi") == "vi"
    phone.book.set_setting("language", "en")
    phone.close()
    phone.open()
    assert phone.book.setting("language", "vi") == "en"


def test_the_notebook_is_read_the_same_after_a_rebuild(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Kinh tế")
    book.set_heads(visit, room, FIGURES)
    book.add_photo(visit, PHOTO)
    book._record([Change("citizen_feedback", "f1", {"visit": visit, "title": "Góp ý"}, visit)])
    units = len(book.reference.units)
    before = seen(phone, visit)
    with book.store.writing() as connection:
        connection.exec_driver_sql("UPDATE answer SET value = '99'")
    assert seen(phone, visit) != before
    book.rebuild()
    assert seen(phone, visit) == before and len(book.reference.units) == units == 1305
    assert ASSETS.exists()
