"""What an inspector concludes before leaving Kỳ Sơn: findings, recommendations, people, papers; and what the notebook refuses."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.checklist import Refusal
from app.evidence import FindingReading
from app.recorder import VisitShut
from app.records import LIMITED
from app.sync.stamp import finding_id
from tests.field import Phone, cases
from tests.test_notebook import PHOTO
from tools.demo import enter_case

BADGES, ROSTER, ARRANGEMENT = "badge_worn_all", "duty_roster_posted", "one_stop_arrangement"
DAY = 86_400_000


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A notebook with the Kỳ Sơn visit, room by room, open again; three items fail."""
    phone = Phone(tmp_path_factory.mktemp("fresh"), seed=1)
    phone.enrol_alone()
    case = {**cases()["pub_ky_son"], "visit_date": "2026-11-21"}
    visit = asyncio.run(enter_case(phone.book, case, phone.photograph, rooms=True))
    phone.book.reopen_visit(visit)
    phone.book.answers(visit, [(BADGES, "no", ""), (ARRANGEMENT, "own_desk", ""), (ROSTER, "no", "")])
    phone.book.answer(visit, "private_activity_seen", "yes")
    phone.close()
    return phone.folder / "notebook.sqlite", visit


@pytest.fixture
def phone(tmp_path: Path, fresh: tuple[Path, str]) -> Iterator[Phone]:
    (tmp_path / "notebook.sqlite").write_bytes(fresh[0].read_bytes())
    phone = Phone(tmp_path, seed=2)
    yield phone
    assert phone.book.verify() is None
    phone.close()


@pytest.fixture
def visit(fresh: tuple[Path, str]) -> str:
    return fresh[1]


def found(phone: Phone, visit: str) -> dict[str, FindingReading]:
    """The findings that count, by their item."""
    return {f.item: f for f in phone.book.visit(visit).evidence.standing}


def kept(phone: Phone) -> int:
    with phone.book.store.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM finding WHERE removed IS NOT TRUE").scalar_one())


def test_failed_items_are_findings_in_the_items_words_before_anything_is_recorded(phone: Phone, visit: str) -> None:
    standing = phone.book.visit(visit).evidence.standing
    assert [(f.item, f.severity, f.is_kept) for f in standing] == [
        ("private_activity_seen", "major", False), (BADGES, "minor", False), (ROSTER, "minor", False),
    ]  # fmt: skip
    assert standing[1].text == "Đeo thẻ đầy đủ khi làm việc" and kept(phone) == 0
    assert phone.book.keep_findings(visit) == 3 and kept(phone) == 3 and phone.book.keep_findings(visit) == 0
    assert [(f.item, f.is_kept) for f in phone.book.visit(visit).evidence.standing] == [
        (f.item, True) for f in standing
    ]
    assert {f.id for f in standing} == {finding_id(visit, "", f.item) for f in standing}


def test_an_item_that_passes_after_all_takes_its_untouched_finding_along_and_leaves_a_worded_one(
    phone: Phone, visit: str
) -> None:
    book = phone.book
    book.keep_findings(visit)
    book.word_finding(visit, found(phone, visit)[BADGES].id, "Hai người ở một cửa không đeo thẻ")
    book.answers(visit, [(BADGES, "yes", ""), (ROSTER, "yes", "")])
    left = found(phone, visit)
    assert set(left) == {BADGES, "private_activity_seen"}
    assert left[BADGES].now_passes and left[BADGES].text == "Hai người ở một cửa không đeo thẻ"
    book.word_finding(visit, left[BADGES].id, "")
    assert BADGES not in found(phone, visit), "back in the item's words it is in step again"
    book.answer(visit, BADGES, "no")
    back = found(phone, visit)[BADGES]
    assert back.text == "Đeo thẻ đầy đủ khi làm việc" and not back.is_worded and not back.now_passes


@pytest.mark.parametrize("spoken", ["severity", "explanation", "photo", "recommendation"])
def test_whatever_was_said_of_a_finding_keeps_it(phone: Phone, visit: str, spoken: str) -> None:
    book, finding = phone.book, found(phone, visit)[BADGES].id
    if spoken == "severity":
        book.set_severity(visit, finding, "critical")
        assert found(phone, visit)[BADGES].severity == "critical"
    elif spoken == "explanation":
        book.explain_finding(visit, finding, "Thẻ đang cấp lại")
    elif spoken == "photo":
        book.keep_findings(visit)
        book.add_photo(visit, PHOTO, finding=finding)
    else:
        book.write_down(visit, "recommendation", text="Cấp thẻ", finding=finding)
        book.keep_findings(visit)
    book.answer(visit, BADGES, "yes")
    assert found(phone, visit)[BADGES].now_passes
    while book.undo(visit):
        pass
    assert not found(phone, visit)[BADGES].now_passes and kept(phone) == 0, "tap by tap all of it can be taken back"


def test_findings_are_withdrawn_with_a_reason_merged_and_taken_back(phone: Phone, visit: str) -> None:
    book = phone.book
    finding = found(phone, visit)
    with pytest.raises(Refusal, match="Lý do rút: còn trống"):
        book.withdraw_finding(visit, finding[ROSTER].id, "  ")
    book.withdraw_finding(visit, finding[ROSTER].id, "Lịch trực dán ở cổng, đoàn chưa thấy")
    book.add_photo(visit, PHOTO, item=BADGES)
    book.merge_finding(visit, finding[BADGES].id, finding["private_activity_seen"].id)
    assert set(found(phone, visit)) == {"private_activity_seen"}
    target = found(phone, visit)["private_activity_seen"]
    assert len(book.visit(visit).photos_of_finding(target)) == 1, "its photo shows where it is said now"
    with pytest.raises(Refusal, match="Chỉ gộp được"):
        book.merge_finding(visit, target.id, finding[ROSTER].id)
    with pytest.raises(Refusal, match="Chỉ gộp được"):
        book.merge_finding(visit, target.id, target.id)
    for item in (ROSTER, BADGES):
        book.take_back_finding(visit, finding[item].id)
    assert len(found(phone, visit)) == 3


def test_a_finding_of_ones_own_and_the_order_within_a_severity(phone: Phone, visit: str) -> None:
    book = phone.book
    own = book.add_finding(visit, "Cổng khóa lúc 7 giờ 45", "minor")
    assert [f.item for f in book.visit(visit).evidence.standing] == ["private_activity_seen", BADGES, ROSTER, ""]
    book.move_finding(visit, own, -1)
    book.move_finding(visit, own, -1)
    book.move_finding(visit, own, -1)
    assert [f.item for f in book.visit(visit).evidence.standing] == ["private_activity_seen", "", BADGES, ROSTER]
    with pytest.raises(Refusal, match="còn trống"):
        book.word_finding(visit, own, " ")
    book.strike(visit, "finding", own)
    assert "" not in found(phone, visit)


def test_a_finding_of_10_000_characters_is_refused_and_strange_ones_are_kept_readable(phone: Phone, visit: str) -> None:
    book = phone.book
    with pytest.raises(Refusal, match=r"dài 10000 ký tự, tối đa 2000.*chữ đã gõ vẫn còn"):
        book.add_finding(visit, "ậ" * 10_000)
    with pytest.raises(Refusal, match="còn trống"):
        book.add_finding(visit, "\u202e\u200f \u2066")
    own = book.add_finding(visit, "Biển \u202egnahk gnohp\u202c bị che 🚪\u200f\r\nhai chỗ")
    words = next(f.text for f in book.visit(visit).evidence.standing if f.id == own)
    assert words == "Biển gnahk gnohp bị che 🚪\nhai chỗ", "emoji stay; marks that turn the text around do not"
    assert book.add_finding(visit, "ậ" * 2000)


def test_four_recommendations_and_a_deadline_before_the_visit(phone: Phone, visit: str) -> None:
    book = phone.book
    finding = found(phone, visit)[BADGES].id
    with pytest.raises(Refusal, match="Thời hạn 20/11/2026 trước ngày kiểm tra 21/11/2026"):
        book.write_down(visit, "recommendation", text="Cấp thẻ", deadline="2026-11-20")
    given = [
        book.write_down(
            visit, "recommendation", text=f"Việc {n}", finding=finding, owner="Chủ tịch UBND", deadline=f"2026-12-0{n}",
            report_to="Sở Nội vụ",
        )
        for n in range(1, 5)
    ]  # fmt: skip
    with pytest.raises(Refusal, match="trước ngày kiểm tra"):
        book.amend(visit, "recommendation", given[0], deadline="2026-01-01")
    with pytest.raises(Refusal, match="Ngày không có trên lịch"):
        book.amend(visit, "recommendation", given[0], deadline="2027-02-30")
    book.amend(visit, "recommendation", given[0], deadline="2026-11-21", owner="")
    said = book.visit(visit).evidence.recommendations
    assert [(r.text, r.owner, r.deadline) for r in said[:2]] == [
        ("Việc 1", "", "2026-11-21"), ("Việc 2", "Chủ tịch UBND", "2026-12-02"),
    ]  # fmt: skip
    assert len(said) == 4 and {r.finding for r in said} == {finding}


def test_a_recommendation_for_the_whole_round_is_a_copy_in_each_open_visit(phone: Phone) -> None:
    book = phone.book
    one, two, ended, later = (
        book.start_visit(f"Đơn vị {n}", round_id="dot-9", visit_date=day)
        for n, day in enumerate(("2026-11-21", "2026-11-22", "2026-11-22", "2027-01-05"))
    )
    book.close_visit(ended)
    said = book.write_down(one, "recommendation", text="Niêm yết lịch trực", deadline="2026-12-31")
    given = book.recommend_to_round(one, said)
    assert given == (2, ("Đơn vị 2", "Đơn vị 3")) and book.recommend_to_round(one, said).visits == 2
    [copy] = book.visit(two).evidence.recommendations
    assert (copy.text, copy.deadline, copy.round_recommendation_id) == ("Niêm yết lịch trực", "2026-12-31", said)
    book.amend(two, "recommendation", copy.id, text="Niêm yết lịch trực ở cửa")
    begun = book.start_visit("Đơn vị 9", round_id="dot-9", visit_date="2026-11-23")
    [offered] = book.round_recommendations(book.visit(begun))
    book.take_round_recommendation(begun, offered.round_recommendation_id)
    assert book.round_recommendations(book.visit(begun)) == []
    with pytest.raises(Refusal, match="trước ngày kiểm tra"):
        book.take_round_recommendation(later, said)


def test_people_grounds_and_facts_are_offered_again_at_the_next_visit(phone: Phone, visit: str) -> None:
    book = phone.book
    book.write_down(visit, "person", role="team_leader", name="Lê Thị Cúc", post="Phó Giám đốc", body="Sở Nội vụ")
    book.write_down(visit, "person", role="team_secretary", name="Phạm Dũng")
    book.write_down(visit, "person", role="unit_representative", name="Vi Văn Sơn", post="Chánh Văn phòng")
    absent = book.write_down(visit, "person", role="absent_unexcused", name="Moong Văn Bảy")
    book.write_down(visit, "ground", document_type="Quyết định", document_number="12/QĐ-UBND", issued_on="2026-10-01")
    with pytest.raises(Refusal, match="Đoàn đã có trưởng đoàn là Lê Thị Cúc"):
        book.write_down(visit, "person", role="team_leader", name="Người khác")
    with pytest.raises(Refusal, match="Họ và tên: còn trống"):
        book.write_down(visit, "person", role="witness", name=" ")
    people = {p.id: p for p in book.visit(visit).evidence.persons}
    assert people[absent].circulation == LIMITED and people[absent].is_limited
    after = book.start_visit("Đơn vị sau", visit_date="2026-11-22")
    assert [p.name for p in book.known_people(book.visit(after))] == ["Lê Thị Cúc", "Phạm Dũng"]
    assert (book.take_known_people(after), book.take_known_grounds(after)) == (2, 1)
    assert (book.take_known_people(after), book.take_known_grounds(after)) == (0, 0)
    [leader] = book.visit(after).evidence.people("team_leader")
    assert (leader.name, leader.post, leader.body) == ("Lê Thị Cúc", "Phó Giám đốc", "Sở Nội vụ")


def test_the_number_may_come_when_the_visit_is_over_and_nothing_else_may(phone: Phone, visit: str) -> None:
    book = phone.book
    book.state_facts(visit, place_name="Mường Xén", unit_opinion="Đơn vị nhất trí", copy_count="3")
    with pytest.raises(Refusal, match="Số bản"):
        book.state_facts(visit, copy_count="0")
    book.close_visit(visit)
    book.give_number(visit, "07/BB-ĐKT")
    with pytest.raises(VisitShut):
        book.state_facts(visit, unit_opinion="Khác")
    with pytest.raises(VisitShut):
        book.withdraw_finding(visit, finding_id(visit, "", BADGES), "đã đóng")
    facts = book.visit(visit).evidence.facts
    assert (facts["document_number"], facts["unit_opinion"], facts["copy_count"]) == ("07/BB-ĐKT", "Đơn vị nhất trí", 3)
