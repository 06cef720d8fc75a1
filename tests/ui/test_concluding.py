"""Before leaving Kỳ Sơn: findings worded and weighed, a recommendation refused and put right, people, and what was left from before."""

from pathlib import Path

import pytest

from app.notebook import Notebook
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import Phone, serving
from tests.ui.test_screens import MAIN, enrol, notebook

SCREENS = {
    "findings": "Tồn tại khác: nội dung",
    "recommendations": "Kiến nghị: nội dung",
    "people": "Người vắng",
    "earlier": "Cấp đủ thẻ cho công chức",
}


def prepared(book: Notebook) -> str:
    """A visit where three items fail, at a unit where one thing was left open in spring."""
    unit = enrol(book)[0]
    spring = book.start_visit(unit, visit_date="2026-03-02")
    book.answer(spring, "badge_worn_all", "no")
    book.write_down(spring, "recommendation", text="Cấp đủ thẻ cho công chức", deadline="2026-06-30")
    book.write_down(spring, "person", role="team_leader", name="Lê Thị Cúc", post="Phó Giám đốc")
    book.close_visit(spring)
    visit = book.start_visit(unit, visit_date="2026-11-21")
    book.answers(
        visit,
        [("badge_worn_all", "no", ""), ("private_activity_seen", "yes", ""), ("dress_and_manner_proper", "no", "")],
    )
    return visit


def test_a_visit_is_concluded_with_the_thumb(tmp_path: Path, phone: Phone) -> None:
    with notebook(tmp_path) as book:
        visit = prepared(book)
    with serving(MAIN, tmp_path, KIEMTRA_DATA=str(tmp_path)) as app:
        phone.open(f"{app.url}/visit/{visit}", "Lần trước còn tồn tại: 2")
        phone.tap("earlier")
        phone.sees("Cấp đủ thẻ cho công chức")
        phone.tap("earlier-2-partly")
        phone.sees("Số văn bản khắc phục")
        phone.go(f"/visit/{visit}/findings", "Lập tồn tại từ 3 mục không đạt")
        phone.tap("keep-findings")
        phone.sees("Đã lập 3 tồn tại")
        phone.sees("lặp lại từ 02/03/2026")
        phone.tap("finding-3")
        phone.tap("severity-critical")
        phone.sees("Nghiêm trọng")
        phone.type_into("finding-words", "Ba người ở bộ phận một cửa không đeo thẻ")
        phone.tap("finding-close")
        phone.sees("1. Ba người ở bộ phận một cửa không đeo thẻ")
        phone.go(f"/visit/{visit}/recommendations", "Chưa có kiến nghị nào")
        phone.type_into("recommendation-text", "Niêm yết mức phí")
        phone.tap("recommendation-add")
        phone.tap("recommendation-1")
        phone.type_into("recommendation-deadline", "20/11/2026")
        phone.tap("recommendation-words")  # what is left is saved
        phone.sees("trước ngày kiểm tra")
        assert "20/11/2026" in phone.reading(), "what was refused stays in its field"
        phone.type_into("recommendation-deadline", "31/12/2026")
        phone.tap("recommendation-close")
        phone.sees("31/12/2026")
        phone.go(f"/visit/{visit}/people", "Lê Thị Cúc")
        phone.tap("people-again")
        phone.sees("Trưởng đoàn · Phó Giám đốc")
        assert phone.unnamed() == []
        app.kill()
    with notebook(tmp_path) as book:
        said = book.visit(visit).evidence
        assert [(f.severity, f.is_worded) for f in said.standing] == [
            ("critical", True), ("major", False), ("major", False),
        ]  # fmt: skip
        assert [(r.text, r.deadline) for r in said.recommendations] == [("Niêm yết mức phí", "2026-12-31")]
        assert [(r.about_kind, r.remediation_status) for r in said.remediations] == [("recommendation", "partly")]


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
def test_what_is_concluded_can_be_read_at_150_per_cent(tmp_path: Path, new_phone: PhoneMaker, dark: bool) -> None:
    with notebook(tmp_path) as book:
        visit = prepared(book)
        book.keep_findings(visit)
        book.write_down(
            visit, "recommendation", text="Niêm yết mức phí, lệ phí tại nơi tiếp nhận hồ sơ", owner="Chủ tịch"
        )
        book.write_down(visit, "person", role="absent_unexcused", name="Moong Văn Bảy")
        book.set_setting("text_size", "150")
    phone = new_phone(dark=dark)
    with serving(MAIN, tmp_path, KIEMTRA_DATA=str(tmp_path)) as app:
        phone.open(f"{app.url}/visit/{visit}/review", "Tồn tại, nhận xét")
        for part, seeing in SCREENS.items():
            phone.go(f"/visit/{visit}/{part}", seeing)
            phone.settle()
            phone.shot(f"{part}-150-{'dark' if dark else 'light'}")
            assert phone.unnamed() == [], part
