"""Two visits of the press report, from the first tap to what Home Affairs reads the same evening, all by touch.

Kỳ Sơn is counted room by room (its nine illustrative rooms), Lạng Khê as a whole. What must come out stands in
`assets/demo_cases.yaml`. A photo of the case that belongs to the headcount as a section is taken in its first room,
since the screens attach photos to items, rooms and the visit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.checklist import Template
from app.records import HEADS
from central.summary import COLUMNS
from tests.central.built import write_build
from tests.field import cases
from tests.ui.driver import PHONE, App, Phone, serving, until
from tests.ui.home_affairs import ROOT, Central, Officer
from tests.ui.inspector import Inspector, checklist

pytestmark = pytest.mark.long  # `make test` records one such visit without a network: test_offline.py

KY_SON, LANG_KHE = "pub_ky_son", "pub_lang_khe"
BOTH = (KY_SON, LANG_KHE)
SEARCHED = {KY_SON: "ky son", LANG_KHE: "lang khe"}
RATES = ("attendance_rate", "excused_rate", "unexcused_rate")
SEVERITIES = {"critical": "Nghiêm trọng", "major": "Phải khắc phục", "minor": "Nhắc nhở"}


def shown(rate: str) -> str:
    return rate.replace(".", ",") + "%"


@dataclass
class Day:
    """One inspector's phone and one central; each case is recorded once, when the first test asks for it."""

    app: App
    central: Central
    phone: Phone
    cases: dict[str, Any]
    template: Template
    _recorded: dict[str, str] = field(default_factory=dict)

    def label(self, item: str) -> str:
        return self.template.items[item].label.vi

    def visit(self, case: str) -> str:
        """Id of the visit of a case: recorded through the screens, closed, and sent by the phone itself."""
        if case not in self._recorded:
            self._recorded[case] = ""
            self._recorded[case] = self._record(case)
        assert self._recorded[case], f"{case} could not be recorded, see the first failure"
        return self._recorded[case]

    def _record(self, name: str) -> str:
        case, phone, hand = self.cases[name], self.phone, Inspector(self.phone, self.template)
        phone.open(self.app.url)
        until(lambda: phone.has("enrol-code") or phone.has("start-visit"), "the app is there")
        if phone.has("enrol-code"):
            hand.enrol(self.central.facts["enrolment_codes"][0])
        visit = hand.start(case, SEARCHED[name])
        if name == KY_SON:
            hand.count_by_room(case["illustrative_rows"]["rows"])
        else:
            hand.count_as_one(case["inputs"]["attendance_room"][0])
        hand.answer_sections(case["inputs"])
        if name == LANG_KHE:
            phone.tap("take-photo")
            hand.photograph()
            phone.sees("Ảnh của cuộc kiểm tra (1)")
        phone.tap("review")
        phone.sees("Tỷ lệ có mặt: ")
        phone.tap("close-visit")
        phone.sees("Đã kết thúc.")
        phone.back()
        phone.box("section-attendance-room")
        phone.back()
        phone.sees("Trung tâm đã nhận đủ")  # nobody asked for it
        return visit


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("evening")
    central = Central(folder / "central", field_app=write_build(folder / "dist")).start()
    context = chromium.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]},
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
        permissions=["camera"],
    )
    data = folder / "phone"
    try:
        with serving(ROOT / "main.py", data, KIEMTRA_DATA=str(data), KIEMTRA_CENTRAL=central.url) as app:
            yield Day(app, central.ready(), Phone(context.new_page()), cases(), checklist())
    finally:
        context.close()
        central.stop()


@pytest.fixture(scope="module")
def officer(day: Day) -> Iterator[Officer]:
    for case in BOTH:
        day.visit(case)
    officer = Officer(day.central)
    yield officer
    officer.close()


@pytest.fixture(scope="module")
def desk(day: Day, chromium: Browser) -> Iterator[Page]:
    """A browser at Home Affairs, signed in through the form."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    page = context.new_page()
    facts = day.central.facts
    page.goto(f"{day.central.url}/hq/")
    page.fill("input[name=user]", facts["hq_user"])
    page.fill("input[name=password]", facts["hq_password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/hq/")
    yield page
    context.close()


@pytest.mark.parametrize("case", BOTH)
def test_the_phones_review_gives_the_expected_figures(day: Day, case: str) -> None:
    visit, phone, expected = day.visit(case), day.phone, day.cases[case]["expected"]
    phone.page.set_viewport_size({"width": 360, "height": 4000})
    phone.open(f"{day.app.url}/visit/{visit}/review", "Tỷ lệ có mặt: ")
    read = phone.reading()
    for line in (
        f"Tỷ lệ có mặt: {expected['attendance_rate_shown']}",
        f"Tỷ lệ vắng có lý do: {shown(expected['excused_rate'])}",
        f"Tỷ lệ vắng không lý do: {shown(expected['unexcused_rate'])}",
        f"Tổng số: {expected['totals']['head_total']}",
        f"Có mặt: {expected['totals']['head_present']}",
        f"Vắng có lý do: {expected['totals']['head_absent_excused']}",
        f"Vắng không lý do: {expected['totals']['head_absent_unexcused']}",
        f"Vắng chưa rõ: {expected['totals']['head_absent_unclear']}",
        f"Phòng đã kiểm tra: {day.cases[case]['inputs']['rooms_checked_count'] or '–'}",
    ):
        assert line in read.splitlines(), line
    failed = lines_of(phone, "failed")
    assert [title for title, _ in failed] == [day.label(code) for code in expected["failed_items"]]
    counted = {code: sum(word in rest for _, rest in failed) for code, word in SEVERITIES.items()}
    assert counted == expected["findings_by_severity"]
    missing = [title for title, _ in lines_of(phone, "missing-photo")]
    assert missing == [day.label(code) for code in expected["missing_required_photos"]]
    phone.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})


def lines_of(phone: Phone, group: str) -> list[tuple[str, str]]:
    """(title, the rest) of the lines of a list on the screen, `group-1` and on."""
    found: list[tuple[str, str]] = []
    while phone.has(f"{group}-{len(found) + 1}"):
        node = phone.node(f"{group}-{len(found) + 1}")
        said = node.evaluate("e => e.querySelector('[aria-label]')?.getAttribute('aria-label') ?? e.textContent")
        title, _, rest = said.strip().partition("\n")
        found.append((title, rest))
    return found


def same_figures(line: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """A line of the summary as JSON has it, against the case."""
    for head in HEADS:
        assert line[head] == expected["totals"][head], head
    for rate in RATES:
        assert line[rate] == expected[rate], rate
    assert line["failed_items"] == expected["failed_items"]
    assert line["findings_by_severity"] == expected["findings_by_severity"]
    assert line["missing_required_photos"] == expected["missing_required_photos"]
    assert line["photos"] == 1


@pytest.mark.parametrize("case", BOTH)
def test_the_summary_has_the_same_figures_as_json_csv_and_xlsx(day: Day, officer: Officer, case: str) -> None:
    visit, expected = day.visit(case), day.cases[case]["expected"]
    line = next(line for line in officer.as_json()["visits"] if line["visit_id"] == visit)
    same_figures(line, expected)
    assert (line["unit_code"], line["rank"]) == (day.cases[case]["unit"]["code"], 1 if case == LANG_KHE else 2)

    flat = next(line for line in officer.as_csv() if line["visit_id"] == visit)
    assert [flat[head] for head in HEADS] == [str(expected["totals"][head]) for head in HEADS]
    assert [flat[rate] for rate in RATES] == [expected[rate] for rate in RATES]
    assert flat["failed_items"].split() == expected["failed_items"]
    assert flat["missing_required_photos"].split() == expected["missing_required_photos"]
    assert {severity: int(flat[severity]) for severity in SEVERITIES} == expected["findings_by_severity"]

    cells = next(row for row in officer.as_xlsx() if row["Mã cuộc"] == visit)
    assert [cells[COLUMNS[head]] for head in HEADS] == [expected["totals"][head] for head in HEADS]
    assert [cells[COLUMNS[rate]] for rate in RATES] == [float(expected[rate]) for rate in RATES]
    assert (cells["Mục không đạt"] or "") == "; ".join(day.label(code) for code in expected["failed_items"])
    assert [cells[word] for word in SEVERITIES.values()] == list(expected["findings_by_severity"].values())
    missing = "; ".join(day.label(code) for code in expected["missing_required_photos"])
    assert (cells["Thiếu ảnh bắt buộc"] or "") == missing


def test_both_visits_add_up_in_the_summary(day: Day, officer: Officer) -> None:
    total = officer.as_json()["total"]
    expected = [day.cases[case]["expected"] for case in BOTH]
    for head in HEADS:
        assert total[head] == sum(one["totals"][head] for one in expected)
    assert (total["visit_count"], total["visits_with_figures"], total["photos"]) == (2, 2, 2)
    assert total["attendance_rate"] == "70.00", "42 of 60"
    assert total["findings_by_severity"] == {"critical": 0, "major": 2, "minor": 0}
    assert total["findings_by_item"] == {"duty_roster_followed": 1, "tthc_posting_compliant": 1}


@pytest.mark.parametrize("case", BOTH)
def test_home_affairs_read_the_same_on_their_pages(day: Day, desk: Page, case: str) -> None:
    visit, expected = day.visit(case), day.cases[case]["expected"]
    desk.goto(f"{day.central.url}/hq/visits/{visit}")
    figures = desk.locator("dl.figures > div").evaluate_all(
        "all => Object.fromEntries(all.map(e => [e.querySelector('dt').innerText, e.querySelector('dd').innerText]))"
    )
    totals = expected["totals"]
    assert figures == {
        "Tổng số": str(totals["head_total"]),
        "Có mặt": str(totals["head_present"]),
        "Vắng có lý do": str(totals["head_absent_excused"]),
        "Vắng không lý do": str(totals["head_absent_unexcused"]),
        "Vắng chưa rõ": str(totals["head_absent_unclear"]),
        "Tỷ lệ có mặt": expected["attendance_rate_shown"],
        "Tỷ lệ vắng có lý do": shown(expected["excused_rate"]),
        "Tỷ lệ vắng không lý do": shown(expected["unexcused_rate"]),
    }
    findings = desk.locator("#findings + table tbody th").all_inner_texts()
    assert findings == [day.label(code) for code in expected["failed_items"]]
    read = desk.locator("main").inner_text()
    missing = "; ".join(day.label(code) for code in expected["missing_required_photos"])
    assert (f"Thiếu ảnh bắt buộc ở mục: {missing}." in read) == bool(missing)
    rooms = desk.locator("h3[id^=count-] + table tbody tr")
    wanted = (
        day.cases[case]["illustrative_rows"]["rows"] if case == KY_SON else day.cases[case]["inputs"]["attendance_room"]
    )
    assert [row.split("\t")[:6] for row in rooms.all_inner_texts()] == [
        [room["room_name"], *(str(room[head]) for head in HEADS)] for room in wanted
    ]
    picture = desk.locator("#photos ~ .photos img")
    picture.scroll_into_view_if_needed()
    until(lambda: picture.evaluate("e => e.complete && e.naturalWidth"), "the photo is drawn")

    desk.goto(f"{day.central.url}/hq/summary")
    cells = desk.locator(f'#visits + table tr:has(a[href="/hq/visits/{visit}"])').inner_text().split("\t")
    by_severity = expected["findings_by_severity"]
    for cell in (*totals.values(), expected["attendance_rate_shown"], by_severity["major"]):
        assert str(cell) in [c.strip() for c in cells], cell
    assert cells[0].strip() == ("1" if case == LANG_KHE else "2")
