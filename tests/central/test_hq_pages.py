"""The evening of a day in the field: what six cases, a visit with two counts and one of a hundred rooms look like at /hq/."""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.app import create_app
from central.demo import DEMO_ROUND, HQ_PASSWORD, HQ_USER, TRY_ROUND, make_demo
from central.hq.words import number, percent
from central.settings import PasswordCost, Settings
from tests.central.conftest import NOON, Office
from tests.field import FieldClock, Phone
from tools.demo import enter_case, read_cases

PAGE_MAX = 100_000

CASES: dict[str, Any] = {case["id"]: case for case in read_cases()["visits"]}


class Evening:
    """Central after two phones have synced, and an officer's window; visits by the id of their case."""

    def __init__(self, app: FastAPI, visits: dict[str, str]):
        self.app, self.visits = app, visits
        self.window = Office(app, base_url="http://testserver", follow_redirects=False)
        assert self.window.submit("/hq/sign-in", "/hq/sign-in", user=HQ_USER, password=HQ_PASSWORD).status_code == 303

    def page(self, path: str) -> str:
        answer = self.window.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        assert len(answer.content) < PAGE_MAX, (path, len(answer.content))
        return answer.text

    def visit(self, case: str) -> str:
        return self.page(f"/hq/visits/{self.visits[case]}")


async def record(app: FastAPI, folder: Path, facts: dict[str, Any]) -> dict[str, str]:
    """Two phones record and sync; the cases by one team, two larger visits by the other."""
    visits: dict[str, str] = {}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        first = Phone(folder / "first", FieldClock(), seed=1)
        await first.enrol(client, facts["seed_code"])
        for case in CASES.values():
            visits[case["id"]] = await enter_case(first.book, case, first.photograph, round_id=DEMO_ROUND)
        await first.sync(client)
        first.close()
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        clock = FieldClock()
        second = Phone(folder / "second", clock, seed=2)
        await second.enrol(client, facts["enrolment_codes"][2])
        book = second.book
        await second.sync(client)
        unit = next(unit for unit in book.reference.units if unit.code == "16831" and unit.valid_from)
        twice = book.start_visit(unit, round_id=TRY_ROUND)
        book.answer(twice, "attendance_mode", "per_room")
        for figures in ((8, 8, 0, 0, 0), (8, 5, 2, 0, 1)):
            count = book.add_count(twice, clock(), note="đếm lại lúc cuối giờ" if figures[1] == 5 else "")
            room = book.add_room(twice, "Phòng Kinh tế <Hạ tầng>", count)
            heads = (
                "head_total",
                "head_present",
                "head_absent_excused",
                "head_absent_unexcused",
                "head_absent_unclear",
            )
            book.set_heads(twice, room, dict(zip(heads, figures, strict=True)))
            if figures[1] == 8:
                wrong = book.add_room(twice, "Văn phòng", count)
                book.set_heads(twice, wrong, {"head_total": 6, "head_present": 5, "head_absent_excused": 2})
            clock.advance(8 * 3_600_000)
        book.answer(twice, "badge_worn_all", "no")
        book.remark(twice, "badge_worn_all", "Hai người ở bộ phận một cửa")
        book.answer(twice, "badge_worn_all", "yes")
        book.answer(twice, "badge_worn_all", "no")
        visits["twice"] = twice
        large = book.start_visit(
            next(unit for unit in book.reference.units if unit.code == "40"),
            round_id=TRY_ROUND,
            visit_date="2026-10-05",
        )
        book.answer(large, "attendance_mode", "per_room")
        count = book.add_count(large, clock())
        for room_number in range(100):
            room = book.add_room(large, f"Phòng chuyên môn nghiệp vụ số {room_number + 1}", count)
            figures = (1200 + room_number, 1200, room_number, 0, 0)
            book.set_heads(large, room, dict(zip(heads, figures, strict=True)))
        visits["large"] = large
        await second.sync(client)
        second.close()
    return visits


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder = tmp_path_factory.mktemp("evening")
    settings = Settings.in_folder(folder / "central", b"k" * 32, is_demo=True, password_cost=PasswordCost(8, 1))
    app = create_app(settings, lambda: NOON)
    facts = make_demo(app, settings.data)
    with ThreadPoolExecutor(1) as elsewhere:  # a browser test keeps an event loop running in this thread
        visits = elsewhere.submit(asyncio.run, record(app, folder, facts)).result()
    yield Evening(app, visits)
    app.state.db.close()


def shown(page: str) -> str:
    """The text of a page as a reader sees it, white space collapsed."""

    class Text(HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_data(self, data: str) -> None:
            self.found.append(data)

    parser = Text()
    parser.found = []
    parser.feed(page)
    return " ".join(" ".join(parser.found).split())


def section(page: str, heading: str) -> str:
    """What stands under a heading."""
    after = page.split(f">{heading}</h2>", 1)[1]
    return after.split("<h2", 1)[0]


def cells(row: str) -> list[str]:
    return [shown(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]


def row_of(page: str, name: str) -> list[str]:
    """The cells of the first table row that holds a name."""
    for row in re.findall(r"<tr[^>]*>.*?</tr>", page, re.S):
        if name in shown(row):
            return cells(row)
    raise AssertionError(f"no row with {name}")


@pytest.mark.parametrize("case", list(CASES))
def test_a_case_reads_at_home_affairs_as_the_oracle_has_it(evening: Evening, case: str) -> None:
    expected, page = CASES[case]["expected"], evening.visit(case)
    totals, text = expected["totals"], shown(page)

    if totals["head_total"] is None:
        assert "không có số liệu quân số" in text and "Tỷ lệ có mặt" not in text
    else:
        figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section(page, "Quân số")))
        figures = {name: shown(value) for name, value in figures.items()}
        assert figures["Tổng số"] == number(totals["head_total"])
        assert figures["Có mặt"] == number(totals["head_present"])
        assert figures["Vắng có lý do"] == number(totals["head_absent_excused"])
        assert figures["Tỷ lệ có mặt"] == expected["attendance_rate_shown"]
        assert figures["Tỷ lệ vắng không lý do"] == percent(expected["unexcused_rate"])
    findings = section(page, "Tồn tại")
    items = re.findall(r'href="#item--([a-z_]+)"', findings)
    assert items == expected["failed_items"]
    if items:
        counts = expected["findings_by_severity"]
        said = f"Nghiêm trọng: {counts['critical']}; Phải khắc phục: {counts['major']}; Nhắc nhở: {counts['minor']}"
        assert said in shown(findings)
    assert page.count('<span class="warn">thiếu ảnh</span>') == len(expected["missing_required_photos"])


def test_every_answer_of_a_case_stands_on_its_page(evening: Evening) -> None:
    text = shown(evening.visit("pub_ky_son"))
    for words in ("Chỉ thị 17", "Chỉ thị 26", "Văn bản chỉ đạo, chấn chỉnh năm 2021 (không nêu số)", "Số đoàn tự kiểm tra đã lập 10",
                  "Đếm chung toàn đơn vị", "9 phòng đã kiểm tra", "Toàn đơn vị 40 27 13 0 0 khớp"):  # fmt: skip
        assert words in text, words
    assert "Lập nhóm Zalo cán bộ xã" in shown(evening.visit("pub_dai_dong"))


def test_both_counts_are_shown_and_the_first_is_the_main_one(evening: Evening) -> None:
    page = evening.visit("twice")
    text = shown(page)
    assert "Lần đếm 21/11/2026 07 giờ 45 lần chính" in text
    assert "Lần đếm 21/11/2026 15 giờ 45 (không tính vào số liệu của cuộc)" in text and "đếm lại lúc cuối giờ" in text
    assert "Phòng Kinh tế <Hạ tầng> 8 8 0 0 0 khớp" in text and "Phòng Kinh tế <Hạ tầng> 8 5 2 0 1 khớp" in text
    assert "Văn phòng 6 5 2 – – thừa 1 người" in text
    assert "<Hạ tầng>" not in page


def test_who_recorded_what_when_is_kept_even_when_it_was_changed(evening: Evening) -> None:
    visit = evening.visits["twice"]
    assert "Vi Văn Cường (bản thử)" in shown(section(evening.visit("twice"), "Ai ghi, lúc nào"))
    link = next(
        h for h in re.findall(r'href="([^"]+journal\?record=[^"]+)"', evening.visit("twice")) if "badge_worn_all" in h
    )
    journal = evening.page(link.replace("&amp;", "&"))
    said = [cells(row)[6] for row in re.findall(r"<tr>\s*<td.*?</tr>", journal, re.S)]
    assert [word for word in said if word in ("Có", "Không")] == ["Không", "Có", "Không"]
    assert "Hai người ở bộ phận một cửa" in shown(journal)
    whole = evening.page(f"/hq/visits/{visit}/journal")
    assert "trạng thái: Đang làm" in shown(whole) and "visit_kind" not in whole


def test_photos_open_for_the_office_only(evening: Evening) -> None:
    page = evening.visit("pub_ky_son")
    sources = re.findall(r'(?:src|href)="(/hq/photos/[^"]+)"', page)
    assert len(sources) == 2
    preview, full = (evening.window.get(source) for source in sorted(sources, key=len, reverse=True))
    assert preview.headers["content-type"].startswith("image/") and full.headers["content-type"].startswith("image/")
    assert len(preview.content) < len(full.content)
    stranger = TestClient(evening.app, follow_redirects=False)
    assert stranger.get(sources[0]).status_code == 303


def test_rounds_show_what_has_come_of_them(evening: Evening) -> None:
    page = evening.page("/hq/")
    assert row_of(page, "theo báo chí")[4:13] == ["6", "3", "82", "61", "74,39%", "0", "3", "0", "6"]
    planned = row_of(page, "Đợt 2/2026")
    assert planned[3] == "1/6 đơn vị" and planned[4] == "2"


def test_the_summary_adds_up_ranks_and_says_what_was_not_counted(evening: Evening) -> None:
    page = evening.page(f"/hq/summary?round={DEMO_ROUND}")
    figures = {name: shown(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)}
    assert (figures["Số cuộc"], figures["Có số liệu quân số"]) == ("6", "3")
    assert (figures["Tổng số người"], figures["Có mặt"], figures["Tỷ lệ có mặt"]) == ("82", "61", "74,39%")
    assert "2 cuộc có mặt đầy đủ, không ghi số ; 1 cuộc không kiểm tra quân số" in shown(page)
    units = section(page, "Theo đơn vị")
    ranks = [(row[0], row[1]) for row in map(cells, re.findall(r"<tr>.*?</tr>", units, re.S)[1:-1])]
    assert ranks[:3] == [("1", "Xã Mường Lống"), ("2", "Xã Lạng Khê"), ("3", "Huyện Kỳ Sơn")]
    assert [rank for rank, _ in ranks[3:]] == ["–", "–", "–"]
    assert row_of(units, "Huyện Con Cuông")[-1] == "Có mặt đầy đủ, không ghi số"
    items = section(page, "Tồn tại theo mục")
    assert row_of(items, "Trực đúng lịch đã niêm yết")[1:] == ["Phải khắc phục", "1", "1"]
    assert row_of(section(page, "Theo tháng"), "02/2021")[1:5] == ["1", "1", "20", "15"]


def test_the_roll_up_of_two_visits_is_the_oracles(evening: Evening) -> None:
    expected = read_cases()["roll_up_example"]["expected"]
    page = evening.page(f"/hq/visits?round={DEMO_ROUND}&q=ky+son")
    assert "1 cuộc" in shown(page)
    both = evening.page(f"/hq/summary?round={DEMO_ROUND}")
    rates = {
        row[1]: row[9] for row in map(cells, re.findall(r"<tr>.*?</tr>", section(both, "Theo đơn vị"), re.S)[1:-1])
    }
    assert rates["Xã Mường Lống"] == percent(expected["ranking_by_attendance_rate"][0]["attendance_rate"])
    assert rates["Huyện Kỳ Sơn"] == percent(expected["ranking_by_attendance_rate"][1]["attendance_rate"])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"round={DEMO_ROUND}&severity=major", ["Xã Mường Lống", "Xã Lạng Khê"]),
        (f"round={DEMO_ROUND}&item=duty_roster_followed", ["Xã Lạng Khê"]),
        (f"round={DEMO_ROUND}&reason=not_checked", ["Xã Đại Đồng"]),
        (f"round={DEMO_ROUND}&reason=figures", ["Huyện Kỳ Sơn", "Xã Mường Lống", "Xã Lạng Khê"]),
        ("q=KY SON", ["Huyện Kỳ Sơn"]),
        ("q=417", ["Huyện Kỳ Sơn"]),
        ("unit=16831&team=doan-2", ["Xã Mường Lống"]),
        ("from=2021-01-01&to=2021-12-31", ["Xã Lạng Khê"]),
        ("from=2026-10-01&to=2026-10-31&status=open", ["Tỉnh Nghệ An"]),
        ("status=signed", []),
        ("q=không có ở đâu", []),
        ("from=hôm nay&to=2021-02-30&status=x&page=-1", None),
    ],
)
def test_a_filter_in_the_address_finds_its_visits(evening: Evening, query: str, names: list[str] | None) -> None:
    page = evening.page(f"/hq/visits?{query}")
    found = [shown(name) for name in re.findall(r'<th scope="row">(.*?)</th>', page, re.S)]
    if names is None:
        assert len(found) == 8
    else:
        assert sorted(found) == sorted(names)
        assert names or "Không có cuộc kiểm tra nào khớp" in page


def test_every_link_on_every_page_leads_somewhere(evening: Evening) -> None:
    """A figure is a link: whatever is clicked opens, and every page carries the mark of the demo."""
    todo, kinds, seen = ["/hq/"], Counter[str](), 0
    while todo:
        path = todo.pop()
        answer = evening.window.get(path)
        seen += 1
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert "BẢN THỬ – dữ liệu minh họa" in answer.text and len(answer.content) < PAGE_MAX, path
        ids = set(re.findall(r'id="([^"]+)"', answer.text))
        for link in set(re.findall(r'(?:href|src)="(/hq/[^"]*|#[^"]*)"', answer.text)):
            target, _, anchor = link.replace("&amp;", "&").partition("#")
            kind = re.sub(r"[0-9a-f-]{36}|[0-9a-f]{64}|=[^&]*", "", target)
            if not target:
                assert anchor in ids, (path, link)
            elif kinds[kind] < 4:
                kinds[kind] += 1
                todo.append(target)
    assert seen > 60 and len(kinds) > 20


def test_downloads_hold_the_figures_of_the_page_under_a_name_that_sorts(evening: Evening) -> None:
    table = evening.window.get(f"/hq/summary.csv?round={DEMO_ROUND}")
    lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(lines) == 7 and lines[-1]["visit_id"] == "total" and lines[-1]["attendance_rate"] == "74.39"

    quarter = evening.window.get("/hq/summary.xlsx?from=2026-10-01&to=2026-12-31")
    assert 'filename="tong-hop_2026-Q4_nghe-an.xlsx"' in quarter.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(quarter.content))
    words = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert any("BẢN THỬ" in word for word in words)
    assert "Xã Mường Lống" in words and "Tỉnh Nghệ An" in words and "Huyện Kỳ Sơn" not in words


def test_a_visit_of_a_hundred_rooms_stays_light(evening: Evening) -> None:
    page = evening.visit("large")
    assert len(page.encode()) < PAGE_MAX and "124.950" in shown(page)
    assert page.count("khớp</td>") == 100


def test_an_empty_central_says_what_will_be_here(client: httpx.Client, office: Any) -> None:
    window = office("binh")
    for path, words in {
        "/hq/": "Chưa có đợt kiểm tra nào",
        "/hq/visits": "Khi các đoàn đồng bộ, các cuộc sẽ hiện ở đây",
        "/hq/summary": "Không có cuộc kiểm tra nào trong phạm vi này",
        "/hq/units": "Chưa có đơn vị nào",
        "/hq/devices": "Chưa có máy nào",
    }.items():
        page = window.get(path).text
        assert words in page and "BẢN THỬ" not in page, path
