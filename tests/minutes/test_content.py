"""What the minutes say of a visit, and what they must never say."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from app.minutes.beside import absences_paper, supplement_paper
from app.minutes.blocks import Paper, Paragraph, Table
from app.minutes.content import absences_of, bare_name, minutes_of
from app.minutes.facts import Minutes
from app.minutes.wording import minutes_paper
from app.minutes.written import long_day, number_and_mark
from app.recorder import Change
from tests.field import Phone, cases
from tests.minutes.ky_son import ENDED, STARTED, record, sign, visit_ky_son
from tools.demo import enter_case


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    phone = Phone(tmp_path_factory.mktemp("phone"), seed=6)
    phone.enrol_alone()
    yield phone
    phone.close()


def told(minutes: Minutes) -> str:
    """Everything the minutes say, one line a paragraph or a table's row."""
    return told_by(minutes_paper(minutes))


def told_by(paper: Paper) -> str:
    lines = []
    for block in paper.blocks:
        if isinstance(block, Paragraph):
            lines.append(block.words)
        elif isinstance(block, Table):
            lines += [" | ".join(row) for row in (*block.rows, block.total) if row]
    return "\n".join(lines)


def counted(phone: Phone, *rooms: dict[str, Any], mode: str = "per_room") -> str:
    visit = phone.book.start_visit("UBND xã Thử", started_at=STARTED, visit_date="2021-02-05")
    phone.book.answer(visit, "attendance_mode", mode)
    if rooms:
        count = phone.book.add_count(visit, STARTED)
        for room in rooms:
            row = phone.book.add_room(visit, room.pop("name"), count)
            phone.book.set_heads(visit, row, {k: v for k, v in room.items() if k.startswith("head_")})
            for item, value in room.items():
                if not item.startswith("head_"):
                    phone.book.answer(visit, item, value, row)
    return visit


FULL = {
    "head_total": 8, "head_present": 5, "head_absent_excused": 3, "head_absent_unexcused": 0, "head_absent_unclear": 0,
}  # fmt: skip


def test_who_was_absent_and_what_is_limited_is_in_no_minutes(phone: Phone) -> None:
    visit = visit_ky_son(phone)
    record(
        phone, visit, "finding", "n", severity="minor", text="Chị Hoàng Thị Vắng Mặt nghỉ chưa báo trước", position=9
    )
    facts = asyncio.run(phone.photograph("mặt người"))
    photo = phone.book.add_photo(visit, facts, caption="Ảnh hạn chế") if phone.book.visit(visit).is_open else ""
    if not photo:
        phone.book.reopen_visit(visit)
        photo = phone.book.add_photo(visit, facts, caption="Ảnh hạn chế")
    phone.book._record([Change("photo", photo, {"circulation": "limited"}, visit)])
    minutes = minutes_of(phone.book.visit(visit))
    everything = json.dumps(asdict(minutes), ensure_ascii=False) + told(minutes)
    for hidden in ("Vắng Mặt", "Không Phép", "Đơn nghỉ ốm", "Ảnh hạn chế", facts.sha256):
        assert hidden not in everything, hidden
    assert "Chị (không nêu tên) nghỉ chưa báo trước" in everything and "Lịch công tác tuần 5" in everything


def test_health_is_no_reason_that_is_printed_and_other_reasons_are(phone: Phone) -> None:
    visit = counted(phone, {"name": "Văn phòng", **FULL, "absence_reasons": ["field_mission", "health_or_family"]})
    text = told(minutes_of(phone.book.visit(visit)))
    assert "1 | Văn phòng | 8 | 5 | 3 | 0 | 0 | Đi công tác, đi cơ sở" in text
    assert "Ốm" not in text and "thai sản" not in text


def test_a_room_that_does_not_add_up_is_printed_as_it_was_counted(phone: Phone) -> None:
    visit = counted(phone, {"name": "Tư pháp", **FULL, "head_absent_excused": 1})
    text = told(minutes_of(phone.book.visit(visit)))
    assert "1 | Tư pháp | 8 | 5 | 1 | 0 | 0 | số liệu chưa khớp: thiếu 2 người" in text
    assert " | Tổng cộng | 8 | 5 | 1 | 0 | 0 | " in text


@pytest.mark.parametrize(
    ("mode", "rooms", "said"),
    [
        ("full_no_figures", [], "có mặt đầy đủ; Đoàn kiểm tra không đếm từng người"),
        ("not_checked", [], "Nội dung chưa kiểm tra: thời giờ làm việc;"),
        ("per_room", [{"name": "Kế toán", "head_present": 4}], "Tổng số: – người; có mặt: 4 người;"),
        ("whole_unit", [{"name": "Toàn đơn vị", "head_total": 9}], "có mặt: – người;"),
    ],
)
def test_no_rate_where_heads_were_not_counted(phone: Phone, mode: str, rooms: list[dict[str, Any]], said: str) -> None:
    minutes = minutes_of(phone.book.visit(counted(phone, *[dict(r) for r in rooms], mode=mode)))
    text = told(minutes)
    assert said in text
    assert "%" not in text and "tỷ lệ" not in text.replace("tổng và tỷ lệ", "").replace("số liệu và tỷ lệ", "")


def test_what_failed_and_nobody_wrote_down_is_not_passed_over(phone: Phone) -> None:
    visit = counted(phone)
    phone.book.answer(visit, "badge_worn_all", "no")
    phone.book.answer(visit, "badge_missing_count", 3)
    text = told(minutes_of(phone.book.visit(visit)))
    assert "Đeo thẻ đầy đủ khi làm việc: không." in text and "Số người không đeo thẻ: 3" in text
    assert "(1) Đeo thẻ đầy đủ khi làm việc: không (nhắc nhở)" in text


def test_findings_are_told_heaviest_first_with_their_merged_photos_and_without_those_taken_back(phone: Phone) -> None:
    visit = counted(phone, {"name": "Một cửa", **FULL})
    row = phone.book.visit(visit).rooms()[0].id
    kept = record(
        phone,
        visit,
        "finding",
        "a",
        severity="minor",
        item="fees_posted",
        text="Chưa công khai lệ phí",
        repeat_of="x",
        repeat_date="2020-03-09",
    )
    record(
        phone,
        visit,
        "finding",
        "b",
        severity="critical",
        row=row,
        text="Phòng khóa cửa trong giờ",
        unit_explanation="Đi họp đột xuất",
    )
    record(phone, visit, "finding", "c", severity="major", item="tthc_up_to_date", text="Bảng cũ", merged_into=kept)
    record(phone, visit, "finding", "d", severity="major", text="Ghi nhầm đơn vị", withdrawn="nhầm phòng")
    for item in ("fees_posted", "tthc_up_to_date"):
        phone.clock.advance(1000)  # type: ignore[attr-defined]
        phone.book.add_photo(visit, asyncio.run(phone.photograph(item)), item=item)
    text = told(minutes_of(phone.book.visit(visit)))
    assert (
        "(1) Phòng khóa cửa trong giờ (nghiêm trọng; Một cửa)." in text
        and "Giải trình của đơn vị: Đi họp đột xuất." in text
    )
    again = "(2) Chưa công khai lệ phí (nhắc nhở; nội dung: công khai mức phí, lệ phí; ảnh 1, 2; lặp lại tồn tại đã nêu"
    assert f"{again} tại cuộc kiểm tra ngày 09/03/2020)." in text
    assert "Bảng cũ" not in text and "Ghi nhầm" not in text


def test_a_photo_made_from_another_stands_in_its_place(phone: Phone) -> None:
    visit = counted(phone)
    original, blurred = (asyncio.run(phone.photograph(w)) for w in ("rõ mặt", "đã làm mờ"))
    phone.book.add_photo(visit, original, caption="Quầy")
    made = phone.book.add_photo(visit, blurred, caption="Quầy")
    phone.book._record([Change("photo", made, {"derived_from": original.sha256}, visit)])
    assert [p.sha256 for p in minutes_of(phone.book.visit(visit)).photos] == [blurred.sha256]


def test_an_empty_visit_still_makes_minutes_with_places_for_a_pen(phone: Phone) -> None:
    visit = phone.book.start_visit("UBND xã Trống", visit_date=None, started_at=None)
    text = told(minutes_of(phone.book.visit(visit)))
    assert "vào hồi …… giờ …… phút, ngày …… tháng …… năm ………" in text and "Đoàn kiểm tra không có kiến nghị." in text
    assert "thời giờ làm việc; toàn bộ phần “Đeo thẻ, văn hóa công sở”" in text
    assert "được lập thành …… bản" in text


def test_numbering_is_anew_for_the_sections_that_have_answers(phone: Phone) -> None:
    visit = counted(phone)
    phone.book.answer(visit, "duty_roster_posted", "yes")
    phone.book.answer(visit, "objective_difficulty", "Thiếu phòng làm việc")
    minutes = minutes_of(phone.book.visit(visit))
    headings = [b.words for b in minutes_paper(minutes).blocks if isinstance(b, Paragraph) and b.level == 2]
    assert headings[2:5] == ["1. Thời giờ làm việc", "2. Nội dung khác", "1. Ưu điểm"]


@pytest.mark.parametrize("name", list(cases()))
def test_every_public_case_makes_minutes_that_keep_their_figures(phone: Phone, name: str) -> None:
    case = cases()[name]
    visit = asyncio.run(enter_case(phone.book, case, phone.photograph))
    minutes = minutes_of(phone.book.visit(visit))
    expected, text = case["expected"], told(minutes)
    rate = expected.get("attendance_rate_shown")
    assert (f"đạt tỷ lệ {rate}" in text) if rate and rate != "–" else "đạt tỷ lệ" not in text
    failing = sum(expected["findings_by_severity"].values())
    assert len(minutes.findings) == failing and len(minutes.photos) == phone.book.visit(visit).figures.photos
    assert minutes == minutes_of(phone.book.visit(visit))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("2026-02-05", "ngày 05 tháng 02 năm 2026"), ("2026-11-21", "ngày 21 tháng 11 năm 2026"),
        ("2026-03-09", "ngày 09 tháng 3 năm 2026"), ("", "ngày …… tháng …… năm ………"),
    ],
)  # fmt: skip
def test_days_are_written_as_the_decree_asks(given: str, written: str) -> None:
    assert long_day(given) == written


def test_numbers_titles_and_times_are_written_as_the_decree_asks(phone: Phone) -> None:
    assert number_and_mark("5/BB-ĐKT") == "Số: 05/BB-ĐKT" and number_and_mark("12") == "Số: 12/BB-ĐKT"
    assert number_and_mark("") == "Số: ……/BB-ĐKT"
    assert [bare_name(n) for n in ("TS. Lê A", "PGS.TS Lê A", "ThS. BS Lê A", "Tô Sỹ An", "Bs. Sơn")] == [
        "Lê A", "Lê A", "Lê A", "Tô Sỹ An", "Sơn",
    ]  # fmt: skip
    visit = counted(phone)
    phone.book._record([Change("visit", visit, {"visit_ended_at": ENDED + 86_400_000}, visit)])
    assert "10 giờ 15 phút ngày 06 tháng 02 năm 2021, gồm" in told(minutes_of(phone.book.visit(visit)))


def test_a_supplement_points_to_the_minutes_and_leaves_them_as_they_were_signed(phone: Phone) -> None:
    visit = visit_ky_son(phone)
    code = sign(phone, visit)
    before = told(minutes_of(phone.book.visit(visit)))
    book = phone.book
    added = book.supplement(visit, "Kế hoạch số 12/KH-UBND ngày 08/02/2021", "Đơn vị gửi thêm")
    book.sign(visit, "team_leader", "Nguyễn Hữu Thuận", method="on_paper", supplement=added)
    after = minutes_of(book.visit(visit))
    assert told(after) == before
    [supplement] = after.supplements
    paper = supplement_paper(after, supplement, code)
    text = told_by(paper)
    assert not paper.is_draft and "BIÊN BẢN BỔ SUNG" in text and len(supplement.content) == 64
    assert f"Biên bản số 05/BB-ĐKT, ngày 05 tháng 02 năm 2021, có mã {code}." in text
    assert "Kế hoạch số 12/KH-UBND ngày 08/02/2021" in text and "Đơn vị gửi thêm" in text
    assert supplement_paper(after, replace(supplement, signatures=()), code).is_draft


def test_names_of_those_absent_without_a_reason_are_on_a_sheet_of_their_own(phone: Phone) -> None:
    visit = visit_ky_son(phone)
    reading = phone.book.visit(visit)
    text = told_by(absences_paper(minutes_of(reading), absences_of(reading)))
    assert "LƯU HÀNH HẠN CHẾ" in text and "1 | Trần Văn Không Phép | Nhân viên" in text and "Vắng Mặt" not in text
