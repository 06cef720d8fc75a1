"""Home Affairs follows what was found: due, overdue, closed, and the chain from the notice over the unit's paper to the check."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.sync.stamp import finding_id
from central.database import rows
from tests.central.conftest import Office
from tests.central.test_hq_pages import shown
from tests.valley import PASSWORD, Valley, told, unit_of


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def bring(office: Office, *lines: str) -> str:
    """What the page says of a file of notices."""
    file = "\n".join(["unit_code,document_number,subject,issued_on,remediation_deadline,status", *lines])
    form = {"csrf": office.token("/hq/follow-up")}
    answer = office.post("/hq/follow-up", data=form, files={"file": ("thong-bao.csv", file.encode(), "text/csv")})
    assert answer.status_code in (200, 422)
    return shown(answer.text)


@told
async def test_a_file_of_notices_is_taken_whole_or_not_at_all(valley: Valley) -> None:
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = bring(
        office,
        "17248,15/TB-SNV,Kết quả kiểm tra,2026-04-01,2026-05-01,",
        "17248,15/tb-snv,Trùng số,2026-04-01,,",
        "00000,16/TB-SNV,Không có đơn vị,2026-04-31,,",
        "17248,17/TB-SNV,Hạn trước ngày ra,2026-04-01,2026-03-01,quên",
    )
    for told_of in (
        "đã có ở dòng 2", "không có đơn vị mang mã này", "cần ngày dạng", "trước issued_on", "chỉ nhận done", "Chưa nhập gì",
    ):  # fmt: skip
        assert told_of in page
    with valley.app.state.db.reading() as connection:
        assert rows(connection, "SELECT id FROM notice") == []


@told
async def test_the_chain_from_the_notice_over_the_paper_to_the_check(valley: Valley) -> None:
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    assert "tệp có 1 thông báo, 1 thông báo mới" in bring(
        office, "17248,15/TB-SNV,Kết quả kiểm tra,2026-04-01,2026-05-01,"
    )
    assert "tệp có 1 thông báo, 0 thông báo mới" in bring(
        office, "17248,15/TB-SNV,Kết quả kiểm tra,2026-04-01,2026-05-01,"
    )
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
    assert earlier["17248:15/tb-snv"].text == "15/TB-SNV: Kết quả kiểm tra"
    record = book.follow_up(second, earlier["17248:15/tb-snv"], "done")
    book.amend(
        second, "remediation", record, document_number="88/UBND-VP", issued_on="2026-04-20", remark="Đã xem bản gốc"
    )
    book.follow_up(second, earlier[badges], "partly")
    book.answer(second, "badge_worn_all", "no")
    book.keep_findings(second)
    book.close_visit(second)
    await valley.sync_until_quiet("cuc")
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


@told
async def test_a_central_without_a_checklist_says_so_on_every_road(valley: Valley) -> None:
    visit = valley.cuc.book.start_visit(unit_of(valley.cuc, "17248"), visit_date="2026-11-20")
    valley.cuc.book.close_visit(visit)
    await valley.sync_until_quiet("cuc")
    with valley.app.state.db.writing() as connection:  # restored from a file in which nobody had imported one
        connection.execute(text("DELETE FROM template"))
    office = Office(valley.app, raise_server_exceptions=False)
    office.sign_in("binh", PASSWORD)
    for path in (f"/hq/visits/{visit}", "/hq/follow-up", "/hq/summary"):
        answer = office.get(path)
        assert answer.status_code == 503 and "Trung tâm chưa có phiếu kiểm tra nào" in shown(answer.text), path
    asked = office.get("/api/v1/summary", headers=await valley.office())
    assert (asked.status_code, asked.json()["type"]) == (503, "/api/v1/problems/no-template")
