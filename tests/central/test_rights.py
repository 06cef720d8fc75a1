"""Who may open what: every call of the API as every kind of caller, and a phone that claims to be another."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from app.sync import ledger
from app.sync.journal import Change
from central import access
from central.people import set_active
from tests.valley import Valley, told

CALLERS = (
    "nobody",
    "wrong token",
    "inspector",
    "other team",
    "team leader",
    "revoked phone",
    "stopped user",
    "office",
    "admin",
)
PHONES_OF_THE_TEAM = {"inspector", "team leader"}
EVERYONE = {"inspector", "team leader", "other team", "office", "admin"}
OFFICE = {"office", "admin"}


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    there = Valley(tmp_path)
    yield there
    there.close()


async def authorization(valley: Valley, caller: str) -> dict[str, str]:
    """The header of a caller, made ready to be refused where its name says so."""
    if caller in ("nobody", "wrong token"):
        return {} if caller == "nobody" else {"Authorization": "Bearer khong-phai-ma"}
    if caller in ("office", "admin"):
        return await valley.office("binh" if caller == "office" else "an")
    name = {"team leader": "cuc", "other team": "hoa"}.get(caller, "dung")
    enrolment = valley.phones[name].book.enrolment
    assert enrolment is not None
    with valley.app.state.db.writing() as connection:
        if caller == "revoked phone":
            access.revoke(connection, enrolment.device, valley.clock())
        if caller == "stopped user":
            set_active(connection, enrolment.user, False)
    return valley.bearer(name)


def expected(caller: str, allowed: set[str], else_status: int) -> int:
    if caller in ("nobody", "wrong token"):
        return 401
    if caller in ("revoked phone", "stopped user"):
        return 403
    return 200 if caller in allowed else else_status


@pytest.mark.parametrize("caller", CALLERS)
def test_each_caller_reads_what_is_theirs_and_nothing_else(valley: Valley, caller: str) -> None:
    @told
    async def story() -> None:
        cuc = valley.cuc
        facts = await cuc.photograph("bảng niêm yết")
        cuc.book.add_photo(valley.visit, facts, item="tthc_board_photo")
        await valley.sync_until_quiet()
        headers = await authorization(valley, caller)
        line = valley.clients["hoa"]
        line.headers.pop("Authorization", None)
        visit = f"/api/v1/visits/{valley.visit}"
        calls = {
            "/api/v1/reference": (EVERYONE, 0),
            "/api/v1/visits": (EVERYONE, 0),
            "/api/v1/summary": (EVERYONE, 0),
            "/api/v1/summary?format=csv": (EVERYONE, 0),
            "/api/v1/summary?format=xlsx": (EVERYONE, 0),
            visit: (PHONES_OF_THE_TEAM | OFFICE, 404),
            f"{visit}/journal": (PHONES_OF_THE_TEAM | OFFICE, 404),
            f"/api/v1/photos/{facts.sha256}": (PHONES_OF_THE_TEAM | OFFICE, 403),
            f"/api/v1/photos/{facts.sha256}?size=preview": (PHONES_OF_THE_TEAM | OFFICE, 403),
        }
        for path, (allowed, else_status) in calls.items():
            answer = await line.get(path, headers=headers)
            wanted = expected(caller, allowed, else_status)
            if wanted == 403 and path.startswith("/api/v1/photos"):
                assert answer.status_code in (403, 404), (path, answer.status_code)
            else:
                assert answer.status_code == wanted, (path, answer.status_code, answer.text[:200])
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert valley.visit not in answer.text and "Mường Lống" not in answer.text

    story()


PUBLIC = {("post", "/api/v1/devices"), ("post", "/api/v1/sessions"), ("get", "/api/v1/healthz")}
FOR_PHONES = ("/api/v1/sync", "/api/v1/uploads")


@pytest.mark.parametrize("caller", CALLERS)
def test_every_call_there_is_asks_who_is_calling(valley: Valley, caller: str) -> None:
    """Generated from the description of the API, so that a new call cannot be forgotten."""

    @told
    async def story() -> None:
        headers = await authorization(valley, caller) | {"Tus-Resumable": "1.0.0"}
        line = valley.clients["hoa"]
        line.headers.pop("Authorization", None)
        calls = [
            (method, path)
            for path, methods in (await line.get("/api/v1/openapi.json")).json()["paths"].items()
            for method in methods
            if method != "parameters"
        ]
        assert len(calls) >= 15 and set(calls) >= PUBLIC
        for method, path in calls:
            answer = await line.request(
                method, path.format(sha256="a" * 64, visit_id=valley.visit, number=1), headers=headers
            )
            name = "" if method == "head" or answer.is_success else answer.json()["type"].rpartition("/")[2]
            if (method, path) in PUBLIC:
                assert answer.status_code in (200, 400), (method, path)
            elif caller in ("nobody", "wrong token"):
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), (method, path)
                assert name in ("token-expired", "")
            elif caller in ("revoked phone", "stopped user"):
                assert (answer.status_code, name or "device-revoked") == (403, "device-revoked"), (method, path)
            elif caller in ("office", "admin") and path.startswith(FOR_PHONES):
                assert (answer.status_code, name or "not-a-device") == (403, "not-a-device"), (method, path)
            else:
                assert answer.status_code not in (401, 403), (method, path)

    story()


@pytest.mark.parametrize("caller", CALLERS)
def test_only_enrolled_phones_that_are_not_revoked_push(valley: Valley, caller: str) -> None:
    @told
    async def story() -> None:
        dung = valley.dung
        dung.book.answer(valley.visit, "badge_worn_all", "yes")
        headers = await authorization(valley, caller)
        with dung.book.store.reading() as connection:
            body = ledger.outgoing(connection, dung.clock(), max_entries=500, max_bytes=10**5, pull_bytes=10**5)
        line = valley.clients["hoa"]
        line.headers.pop("Authorization", None)
        answer = await line.post("/api/v1/sync", json=body, headers=headers)
        apart = {"revoked phone": 202, "stopped user": 202}  # kept, and read by nobody
        assert answer.status_code == {"nobody": 401, "wrong token": 401, "inspector": 200, **apart}.get(caller, 403)
        with valley.app.state.db.reading() as connection:
            reading = valley.app.state.readings.visit(connection, valley.visit)
        assert (reading.values.get(("", "badge_worn_all")) == "yes") is (caller == "inspector")

    story()


def test_another_team_sees_its_own_figures_only(valley: Valley) -> None:
    @told
    async def story() -> None:
        theirs = valley.cuc.book.visit(valley.visit).unit_code
        unit = next(u for u in valley.hoa.book.reference.units if u.code != theirs and u.level == "commune")
        valley.hoa.book.start_visit(unit)
        await valley.sync_until_quiet("cuc", "dung", "hoa")
        for name, units in {"hoa": {unit.code}, "cuc": {theirs}}.items():
            line = valley.clients[name]
            document = (await line.get("/api/v1/summary")).json()
            assert {v["unit_code"] for v in document["visits"]} == units
            sheet = load_workbook(io.BytesIO((await line.get("/api/v1/summary?format=xlsx")).content))
            text = "\n".join(str(c.value) for w in sheet for row in w.iter_rows() for c in row if c.value is not None)
            assert (unit.name in text) is (name == "hoa")
            assert {v["unit_code"] for v in (await line.get("/api/v1/visits")).json()["visits"]} == units
        assert valley.cuc.book.visit_count() == 1 and valley.hoa.book.visit_count() == 1
        assert [t["id"] for t in (await valley.clients["hoa"].get("/api/v1/reference")).json()["teams"]] == ["doan-2"]

    story()


async def pushed_by(valley: Valley, pusher: str, author_of: str) -> httpx.Response:
    """One phone's batch, sent with another phone's token."""
    phone = valley.phones[author_of]
    with phone.book.store.reading() as connection:
        body = ledger.outgoing(connection, phone.clock(), max_entries=500, max_bytes=10**5, pull_bytes=10**5)
    line = valley.clients[pusher]
    line.headers.pop("Authorization", None)
    return await line.post("/api/v1/sync", json=body, headers=valley.bearer(pusher))


@pytest.mark.parametrize("pusher", ["cuc", "hoa"])
def test_a_phone_cannot_push_as_another_one(valley: Valley, pusher: str) -> None:
    @told
    async def story() -> None:
        valley.dung.book.answer(valley.visit, "badge_worn_all", "no")
        answer = await pushed_by(valley, pusher, "dung")
        assert answer.status_code == 403 and answer.json()["type"].endswith("/scope-denied")
        assert answer.json()["field"] == "device_id"
        with valley.app.state.db.reading() as connection:
            reading = valley.app.state.readings.visit(connection, valley.visit)
        assert ("", "badge_worn_all") not in reading.answers

    story()


def test_a_phone_that_writes_in_another_teams_visit_is_refused_entry_by_entry(valley: Valley) -> None:
    """Hoa's phone knows the id of a visit of the other team: what it writes there is kept, refused, and read by nobody."""

    @told
    async def story() -> None:
        hoa = valley.hoa
        enrolment = hoa.book.enrolment
        assert enrolment is not None
        own = hoa.book.start_visit(next(iter(hoa.book.reference.units)))
        forged: list[Any] = [
            ("answer", f"{valley.visit}//badge_worn_all", {"visit": valley.visit, "row": "", "item": "badge_worn_all", "value": "no"}),
            ("visit", valley.visit, {"status": "closed"}),
            ("visit", valley.visit, {"team": "doan-2"}),
            ("visit", "0199c0de-9999-7000-8000-000000000001", {"team": "doan-1", "unit_name": "Của đoàn khác"}),
        ]  # fmt: skip
        hoa.book._record([Change(kind, record, patch, valley.visit) for kind, record, patch in forged])
        hoa.book.answer(own, "badge_worn_all", "yes")
        await valley.sync_until_quiet("cuc", "dung", "hoa")
        with hoa.book.store.reading() as connection:
            tasks = ledger.refusals(connection)
        assert [t["type"].rpartition("/")[2] for t in tasks] == ["scope-denied"] * 4
        with valley.app.state.db.reading() as connection:
            reading = valley.app.state.readings.visit(connection, valley.visit)
            mine = valley.app.state.readings.visit(connection, own)
        assert reading.is_open and reading.team == "doan-1" and not reading.answers
        assert mine.values[("", "badge_worn_all")] == "yes"
        assert valley.cuc.book.visit(valley.visit).is_open
        assert valley.cuc.book.visit_count() == 1

    story()
