"""The six public cases, recorded in a notebook and synced, as Home Affairs takes them away: JSON, CSV, XLSX, one visit whole."""

import asyncio
import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from app.records import HEADS
from app.sync import journal
from app.sync.stamp import Stamp
from central import demo
from central.app import create_app
from central.settings import PasswordCost, Settings
from central.summary import COLUMNS, REASONS, Filter, as_csv, file_name
from tests.field import Phone, cases
from tools.demo import enter_case

RATES = ("attendance_rate", "excused_rate", "unexcused_rate")


class Office:
    """Home Affairs' script, and the ids of the visits by case."""

    def __init__(self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop, visits: dict[str, str]):
        self._client, self._loop, self.visits = client, loop, visits

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._loop.run_until_complete(self._client.get(path, headers=headers))

    def summary(self, query: str = "") -> dict[str, Any]:
        answer = self.get(f"/api/v1/summary{query}")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("summary")
    settings = Settings.in_folder(folder / "central", b"k" * 32, is_demo=True, password_cost=PasswordCost(8, 1))
    app = create_app(settings)
    facts = demo.make_demo(app, settings.data)
    loop = asyncio.new_event_loop()

    async def fill(client: httpx.AsyncClient) -> dict[str, str]:
        phone = Phone(folder / "phone")
        await phone.enrol(client, str(facts["seed_code"]))
        await phone.sync(client)
        visits = {
            id: await enter_case(phone.book, case, phone.photograph, round_id=demo.DEMO_ROUND)
            for id, case in cases().items()
        }
        await phone.sync(client)
        phone.close()
        session = {"user": demo.HQ_USER, "password": demo.HQ_PASSWORD}
        token = (await client.post("/api/v1/sessions", json=session)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return visits

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central")
    yield Office(client, loop, loop.run_until_complete(fill(client)))
    loop.run_until_complete(client.aclose())
    loop.close()
    app.state.db.close()


def rates_of(expected: dict[str, Any]) -> dict[str, str | None]:
    return {name: expected[name] for name in RATES if name in expected}


@pytest.mark.parametrize("case", cases())
def test_each_case_reads_the_same_in_json_csv_and_xlsx(office: Office, case: str) -> None:
    expected = cases()[case]["expected"]
    visit = office.visits[case]
    line = next(v for v in office.summary()["visits"] if v["visit_id"] == visit)
    assert {head: line[head] for head in HEADS} == expected["totals"]
    assert {name: line[name] for name in rates_of(expected)} == rates_of(expected)
    assert line["failed_items"] == expected["failed_items"]
    assert line["findings_by_severity"] == expected["findings_by_severity"]
    assert line["missing_required_photos"] == expected["missing_required_photos"]
    assert line["unranked_reason"] == expected.get("attendance_remark")

    text = office.get("/api/v1/summary?format=csv").content.decode("utf-8-sig")
    row = next(r for r in csv.DictReader(io.StringIO(text)) if r["visit_id"] == visit)
    assert [row[head] for head in HEADS] == [
        "" if expected["totals"][head] is None else str(expected["totals"][head]) for head in HEADS
    ]
    assert [row[name] for name in rates_of(expected)] == [value or "" for value in rates_of(expected).values()]
    assert row["failed_items"].split() == expected["failed_items"]
    assert row["missing_required_photos"].split() == expected["missing_required_photos"]
    assert {s: int(row[s]) for s in ("critical", "major", "minor")} == expected["findings_by_severity"]

    book = load_workbook(io.BytesIO(office.get("/api/v1/summary?format=xlsx").content))
    sheet = book["Cuộc kiểm tra"]
    heads = [cell.value for cell in sheet[3]]
    assert heads == list(COLUMNS.values())
    cells = next(
        dict(zip(COLUMNS, [c.value for c in r], strict=True)) for r in sheet.iter_rows(min_row=4) if r[0].value == visit
    )
    assert {head: cells[head] for head in HEADS} == expected["totals"]
    for name, value in rates_of(expected).items():
        assert cells[name] is None if value is None else Decimal(str(cells[name])) == Decimal(value)
    assert cells["unranked_reason"] == REASONS.get(expected.get("attendance_remark", ""))


def test_the_roll_up_counts_who_had_no_figures_and_why(office: Office) -> None:
    document = office.summary(f"?round={demo.DEMO_ROUND}")
    total = document["total"]
    assert (total["visit_count"], total["visits_with_figures"]) == (6, 3)
    assert total["visits_without_figures"] == {"full_no_figures": 2, "not_checked": 1}
    assert (total["head_total"], total["head_present"], total["attendance_rate"]) == (82, 61, "74.39")
    assert total["findings_by_item"] == {
        "one_stop_arrangement": 1, "duty_roster_followed": 1, "tthc_posting_compliant": 1,
    }  # fmt: skip
    assert total["units_with_findings"] == 2 and total["photos"] == 6
    ranks = {v["visit_id"]: v["rank"] for v in document["visits"]}
    named = {case: ranks[visit] for case, visit in office.visits.items()}
    assert named == {
        "pub_muong_long": 1, "pub_lang_khe": 2, "pub_ky_son": 3, "pub_con_cuong": None, "pub_dai_dong": None,
        "pub_thanh_chuong": None,
    }  # fmt: skip
    assert {u["unit_code"] for u in document["units"]} == {"417", "16831", "17233", "422", "17749", "428"}
    assert next(u for u in document["units"] if u["unit_code"] == "16831")["rank"] == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?from=2021-02-24&to=2021-02-24", {"pub_lang_khe"}),
        ("?from=2021-02-25", set()),
        ("?unit=16831", {"pub_muong_long"}),
        ("?round=khong-co", set()),
        ("?unit=417&round=" + demo.DEMO_ROUND, {"pub_ky_son"}),
    ],
)
def test_a_filter_gives_those_visits_and_an_empty_one_says_so(office: Office, query: str, found: set[str]) -> None:
    document = office.summary(query)
    assert {v["visit_id"] for v in document["visits"]} == {office.visits[case] for case in found}
    if not found:
        assert document["total"]["head_total"] is None and document["total"]["attendance_rate"] is None


@pytest.mark.parametrize(
    "query", ["?from=2021-13-01", "?from=hom-nay", "?from=2021-03-01&to=2021-02-01", "?format=pdf"]
)
def test_a_filter_that_is_none_is_refused_by_name(office: Office, query: str) -> None:
    answer = office.get(f"/api/v1/summary{query}")
    assert answer.status_code == 400 and answer.json()["type"].endswith("/malformed")
    assert answer.json()["field"] in ("from", "to", "format")


def test_the_form_follows_what_the_caller_accepts(office: Office) -> None:
    assert office.get("/api/v1/summary", accept="text/csv").headers["content-type"].startswith("text/csv")
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert office.get("/api/v1/summary", accept=xlsx).headers["content-type"] == xlsx
    assert office.get("/api/v1/summary").headers["content-type"] == "application/json"


def test_downloads_are_named_so_that_they_sort() -> None:
    assert file_name(Filter("2026-10-01", "2026-12-31"), "xlsx") == "tong-hop_2026-Q4_nghe-an.xlsx"
    assert file_name(Filter("2026-10-02", "2026-12-31"), "csv") == "tong-hop_2026-10-02_2026-12-31_nghe-an.csv"
    assert file_name(Filter(round="Đợt 2/2026"), "csv") == "tong-hop_dot-2-2026_nghe-an.csv"
    assert file_name(Filter(), "csv") == "tong-hop_tat-ca_nghe-an.csv"


def test_one_visit_whole_has_every_answer_and_a_journal_that_anyone_can_recompute(office: Office) -> None:
    visit = office.visits["pub_lang_khe"]
    document = office.get(f"/api/v1/visits/{visit}").json()
    answers = {a["item"]: a["value"] for a in document["answers"] if not a["row"]}
    assert answers["duty_roster_followed"] == "no" and answers["one_stop_arrangement"] == "own_desk"
    assert [f["item"] for f in document["findings"]] == cases()["pub_lang_khe"]["expected"]["failed_items"]
    assert [c["is_main"] for c in document["counts"]] == [True]
    assert document["counts"][0]["rooms"][0]["head_present"] == 15
    entries = office.get(f"/api/v1/visits/{visit}/journal").json()["entries"]
    hashes = {(e[1], e[2], e[3]): e[13] for e in entries}
    checked = 0
    for _, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, record, patch, digest in entries:
        prev = hashes.get((device, epoch, seq - 1))
        if prev:
            stamp, written = Stamp(ms, counter), journal.canonical(patch)
            assert journal.entry_hash(
                prev, device, epoch, seq, stamp, tx, seen, schema, author, kind, record, written
            ) == digest  # fmt: skip
            checked += 1
    assert checked >= len(entries) - 1
    photo = document["photo_list"][0]
    assert office.get(f"/api/v1/photos/{photo['sha256']}").headers["etag"] == f'"{photo["sha256"]}"'
    assert len(office.get(f"/api/v1/photos/{photo['sha256']}?size=preview").content) < photo["bytes"]


def test_a_name_that_begins_like_a_formula_is_disarmed() -> None:
    line = {
        "visit_id": "v",
        "unit_name": "=HYPERLINK(1)",
        "findings_by_severity": {"critical": 0, "major": 0, "minor": 0},
    }
    total = {"findings_by_severity": {"critical": 0, "major": 0, "minor": 0}}
    assert "'=HYPERLINK(1)" in as_csv({"visits": [line], "total": total}).decode("utf-8-sig")
