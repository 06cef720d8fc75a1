"""Home Affairs follows what was found: due, overdue, closed, and the chain from the notice over the unit's paper to the check."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sync.journal import Change
from app.sync.stamp import finding_id
from central.intake import write_as_central
from tests.central.conftest import Office
from tests.central.test_hq_pages import shown
from tests.valley import NOON, PASSWORD, Valley, told, unit_of


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@told
async def test_the_chain_from_the_notice_over_the_paper_to_the_check(valley: Valley) -> None:
    notice = {
        "unit_code": "17248", "document_number": "15/TB-SNV", "subject": "Kết quả kiểm tra", "issued_on": "2026-04-01",
        "remediation_deadline": "2026-05-01",
    }  # fmt: skip
    central = valley.app.state.db
    with central.writing() as connection:
        write_as_central(connection, central.central_device, "an", [Change("notice", "tb-15", notice, "")], NOON)
    book = valley.cuc.book
    first = book.start_visit(unit_of(valley.cuc, "17248"), visit_date="2026-03-10")
    book.answers(first, [("badge_worn_all", "no", ""), ("internal_rules_updated", "no", "")])
    badges = finding_id(first, "", "badge_worn_all")
    book.write_down(first, "recommendation", text="Đeo thẻ khi làm việc", finding=badges, deadline="2026-12-31")
    book.close_visit(first)
    await valley.sync_until_quiet("cuc")
    valley.forget_reference("cuc")
    await valley.sync_until_quiet("cuc")
    second = book.start_visit(unit_of(valley.cuc, "17248"), visit_date="2026-11-20")
    earlier = {e.matter.id: e.matter for e in book.earlier(book.visit(second))}
    assert earlier["tb-15"].text == "15/TB-SNV: Kết quả kiểm tra"
    record = book.follow_up(second, earlier["tb-15"], "done")
    book.amend(
        second, "remediation", record, document_number="88/UBND-VP", issued_on="2026-04-20", remark="Đã xem bản gốc"
    )
    book.follow_up(second, earlier[badges], "partly")
    book.answer(second, "badge_worn_all", "no")
    book.keep_findings(second)
    book.close_visit(second)
    await valley.sync_until_quiet("cuc")
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = shown(office.open("/hq/follow-up").text)
    assert "Tổng số 5 Chưa xong 4 Trong đó quá hạn 0 Đã xong 1 Tỷ lệ đã xong 20,00%" in page
    notice_line = page[page.index("15/TB-SNV") :]
    assert "88/UBND-VP, 20/04/2026 20/11/2026 : Đã khắc phục (Đã xem bản gốc) Đã xong" in notice_line
    open_ones = shown(office.open("/hq/follow-up?state=open&unit=17248&kind=finding").text)
    assert "3 việc" in open_ones and "15/TB-SNV" not in open_ones.split("việc, tính đến")[1]
    assert "0 việc" not in open_ones and "Không có việc nào khớp" in shown(office.open("/hq/follow-up?q=muong").text)
    lines = list(csv.DictReader(io.StringIO(office.get("/hq/follow-up.csv").content.decode("utf-8-sig"))))
    assert [(x["kind"], x["state"], x["deadline"], x["document_number"]) for x in lines] == [
        ("finding", "open", "2026-12-31", ""), ("recommendation", "open", "2026-12-31", ""),
        ("finding", "open", "", ""), ("finding", "open", "", ""), ("notice", "closed", "2026-05-01", "88/UBND-VP"),
    ]  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(office.get("/hq/follow-up.xlsx?state=closed").content)) as sheet:
        assert "88/UBND-VP" in sheet.read("xl/sharedStrings.xml").decode()
    visit_page = shown(office.open(f"/hq/visits/{second}").text)
    assert "lặp lại từ 10/03/2026" in visit_page and "Khắc phục tồn tại lần trước" in visit_page
    valley.clock.advance(60 * 86_400_000)
    office.sign_in("binh", PASSWORD)
    assert "Trong đó quá hạn 2" in shown(office.open("/hq/follow-up").text), (
        "in January what was due in December is overdue"
    )
