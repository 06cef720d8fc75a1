"""Two visits to one unit months apart: the phone pulled `/reference` before, and remembers offline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.matters import is_repeat, years_later
from app.minutes.content import minutes_of
from app.sync.stamp import finding_id
from tests.minutes.test_content import told as told_in
from tests.test_notebook import PHOTO
from tests.valley import Valley, told, unit_of

BADGES, RULES = "badge_worn_all", "internal_rules_updated"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def first_visit(valley: Valley) -> str:
    """Hoa's team was in Châu Khê in March: two findings, two recommendations, one of them for the badges by June."""
    book = valley.hoa.book
    visit = book.start_visit(unit_of(valley.hoa, "17248"), visit_date="2026-03-10")
    book.answers(visit, [(BADGES, "no", ""), (RULES, "no", "")])
    book.keep_findings(visit)
    badges = finding_id(visit, "", BADGES)
    book.word_finding(visit, badges, "Ba người không đeo thẻ")
    book.write_down(visit, "recommendation", text="Đeo thẻ", finding=badges, deadline="2026-06-30")
    book.write_down(visit, "recommendation", text="Ban hành nội quy")
    book.close_visit(visit)
    await valley.sync_until_quiet("hoa")
    return visit


def shown(valley: Valley, visit: str) -> list[tuple[str, str, str, str]]:
    """(kind, text, deadline, status seen) of what was open before."""
    book = valley.cuc.book
    return [
        (e.matter.kind, e.matter.text, e.matter.deadline, e.seen.remediation_status if e.seen else "")
        for e in book.earlier(book.visit(visit))
    ]


@told
async def test_months_later_another_team_sees_offline_what_was_left_open_and_marks_it(valley: Valley) -> None:
    first = await first_visit(valley)
    valley.forget_reference("cuc")
    await valley.sync_until_quiet("cuc")
    book = valley.cuc.book
    visit = book.start_visit(unit_of(valley.cuc, "17248"), visit_date="2026-11-21")  # no line from here on
    assert shown(valley, visit) == [
        ("finding", "Ba người không đeo thẻ", "2026-06-30", ""),
        ("finding", book.visit(visit).template.items[RULES].label.vi, "", ""),
        ("recommendation", "Đeo thẻ", "2026-06-30", ""),
        ("recommendation", "Ban hành nội quy", "", ""),
    ]
    rules = next(e.matter for e in book.earlier(book.visit(visit)) if e.matter.item == RULES)
    record = book.follow_up(visit, rules, "done")
    book.amend(visit, "remediation", record, remark="Có bản mới", document_number="45/UBND-VP", issued_on="2026-05-02")
    book.add_photo(visit, PHOTO, remediation=record, caption="Sau khắc phục")
    [seen] = [e for e in book.earlier(book.visit(visit)) if e.matter.item == RULES]
    assert seen.seen and (seen.seen.remediation_status, seen.seen.document_number) == ("done", "45/UBND-VP")
    assert len(seen.after) == 1
    book.answer(visit, BADGES, "no")
    assert book.keep_findings(visit) == 1
    [again] = book.visit(visit).evidence.standing
    assert (again.repeat_of, again.repeat_date) == (finding_id(first, "", BADGES), "2026-03-10")
    book.close_visit(visit)
    minutes = told_in(minutes_of(book.visit(visit)))
    assert "lặp lại tồn tại đã nêu tại cuộc kiểm tra ngày 10/03/2026" in minutes
    assert "văn bản của đơn vị: 45/UBND-VP ngày 02/05/2026; kết quả: đã khắc phục; Có bản mới (ảnh 1)" in minutes
    await valley.sync_until_quiet("cuc")
    valley.forget_reference("cuc")
    await valley.sync_until_quiet("cuc")
    assert [e for e in shown(valley, visit) if e[3] == "done"] == [
        ("finding", book.visit(visit).template.items[RULES].label.vi, "", "done")
    ], "central carries it no more, and this visit still says what it saw"
    third = book.start_visit(unit_of(valley.cuc, "17248"), visit_date="2026-12-24")
    assert [(kind, text) for kind, text, *_ in shown(valley, third)] == [
        ("finding", "Ba người không đeo thẻ"),
        ("finding", "Đeo thẻ đầy đủ khi làm việc"),
        ("recommendation", "Đeo thẻ"),
        ("recommendation", "Ban hành nội quy"),
    ]


@told
async def test_a_phone_remembers_its_own_visits_before_central_knows_of_them(valley: Valley) -> None:
    book, unit = valley.cuc.book, unit_of(valley.cuc)
    days = ("2024-11-20", "2024-11-21", "2026-11-21")
    old, before, now = (book.start_visit(unit, visit_date=day) for day in days)
    for visit in (old, before, now):
        book.answer(visit, BADGES, "no")
    assert dict(book.repeats(book.visit(now))) == {BADGES: (finding_id(before, "", BADGES), "2024-11-21")}
    assert dict(book.repeats(book.visit(before))) == {BADGES: (finding_id(old, "", BADGES), "2024-11-20")}
    assert not book.repeats(book.visit(old))
    book.withdraw_finding(before, finding_id(before, "", BADGES), "Nhầm")
    assert not book.repeats(book.visit(now)), "withdrawn findings do not count, and 20/11/2024 is over two years ago"
    [open_one] = [e.matter for e in book.earlier(book.visit(now))]
    book.follow_up(now, open_one, "partly")
    book.follow_up(now, open_one, "not_done")
    assert [e.seen.remediation_status for e in book.earlier(book.visit(now)) if e.seen] == ["not_done"]
    book.follow_up(now, open_one, "not_done")
    assert [e.seen for e in book.earlier(book.visit(now))] == [None], "touched again it is taken back"


@told
async def test_closing_or_signing_marks_what_repeats_though_nobody_wrote_it_down(valley: Valley) -> None:
    book, unit = valley.cuc.book, unit_of(valley.cuc)
    days = ("2026-03-10", "2026-10-01", "2026-11-21")
    first, closed, signed = (book.start_visit(unit, visit_date=day) for day in days)
    for visit in (first, closed, signed):
        book.answers(visit, [("attendance_mode", "not_checked", ""), (BADGES, "no", ""), (RULES, "yes", "")])
    book.close_visit(first)
    assert book.visit(first).recorded.findings == ()
    book.close_visit(closed)
    book.sign(signed, "unit_representative", "Vi Văn Sơn", method="on_paper")
    marks = {
        visit: [(f.item, f.repeat_date) for f in book.visit(visit).recorded.findings] for visit in (closed, signed)
    }
    assert marks == {closed: [(BADGES, "2026-03-10")], signed: [(BADGES, "2026-10-01")]}
    proof = book.proof(signed)
    assert proof is not None and proof.is_as_signed, "the mark is part of what was signed"


@pytest.mark.parametrize(
    ("earlier", "day", "repeats"),
    [
        ("2024-11-22", "2026-11-22", True),
        ("2024-11-21", "2026-11-22", False),
        ("2026-11-21", "2026-11-22", True),
        ("2026-11-22", "2026-11-22", False),
        ("2026-11-23", "2026-11-22", False),
        ("2024-02-29", "2026-02-28", True),
        ("2024-02-29", "2026-03-01", False),
        ("", "2026-11-22", False),
        ("2026-11-21", "", False),
    ],
)
def test_exactly_two_years_count(earlier: str, day: str, repeats: bool) -> None:
    assert is_repeat(earlier, day) is repeats


def test_years_later_is_the_last_day_of_a_shorter_month() -> None:
    assert years_later("2024-02-29", 4) == "2028-02-29" and years_later("2024-02-29", 1) == "2025-02-28"
