"""A phone whose access was withdrawn, and two phones of one person."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.carrying import carry_out, take_in
from app.sync import exchange, journal
from central import access, quarantine
from central.verify import verify
from tests.central.conftest import Office
from tests.field import FieldClock, Phone
from tests.sync.test_exchange import a_morning, conflicts_of, copy_of, entries_at_central
from tests.sync.test_two_phones import assert_all_agree, own_entries
from tests.valley import NOON, PASSWORD, Cut, Line, Pen, Valley, dump, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def withdraw(valley: Valley, name: str = "cuc") -> str:
    enrolment = valley.phones[name].book.enrolment
    assert enrolment is not None
    with valley.app.state.db.writing() as connection:
        access.revoke(connection, enrolment.device, valley.clock())
    return enrolment.device


def kept_apart(valley: Valley, device: str) -> list[tuple[str, str, int, str]]:
    with valley.app.state.db.reading() as connection:
        return [(e.device, e.epoch, e.seq, e.hash) for e in quarantine.of_device(connection, device)]


def officer(valley: Valley, user: str = "binh") -> Office:
    window = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    assert window.sign_in(user, PASSWORD).status_code == 303
    return window


@pytest.mark.parametrize("cuts", [[], ["after"], ["reply"], ["twice", "twice"], ["body"]], ids=str)
@told
async def test_what_a_withdrawn_phone_recorded_is_handed_over_and_nothing_comes_back(
    valley: Valley, cuts: list[Cut]
) -> None:
    await valley.sync("cuc")
    before = entries_at_central(valley)
    device = withdraw(valley)
    await a_morning(valley.cuc, valley.visit)
    valley.dung.book.answer(valley.visit, "badge_worn_all", "no")
    await valley.sync("dung")
    written = own_entries(valley.cuc)
    with_others = entries_at_central(valley)
    await valley.sync("cuc", cuts)
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Stopped) and trouble.name == "device-revoked"
    sent = [entry for entry in written if entry not in before]
    assert f"{len(sent)} mục ghi trên máy đã giao cho trung tâm" in trouble.words
    assert "withdrawn" in trouble.words and "đừng xóa ứng dụng" in trouble.words
    assert kept_apart(valley, device) == sent and entries_at_central(valley) == with_others
    assert valley.cuc.book.waiting().entries == 0
    assert {device for device, *_ in own_entries(valley.cuc)} == {device}
    with valley.cuc.book.store.reading() as connection:
        assert not journal.select(connection, "device <> :d", d=device), "nothing is pulled any more"
    asked = len(valley.lines["cuc"].asked)
    assert isinstance(await valley.sync("cuc"), exchange.Stopped)
    assert valley.lines["cuc"].asked[asked:] == ["POST /api/v1/sync"]
    for path in ("/api/v1/reference", "/api/v1/visits", "/api/v1/summary", f"/api/v1/visits/{valley.visit}"):
        answer = await valley.clients["cuc"].get(path, headers=valley.bearer("cuc"))
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "device-revoked")
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []


@told
async def test_a_phone_withdrawn_with_nothing_left_to_hand_over_is_told_so(valley: Valley) -> None:
    await valley.sync("cuc")
    withdraw(valley)
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Stopped) and "giao cho trung tâm" not in trouble.words
    assert "đừng xóa ứng dụng" in trouble.words


@told
async def test_an_officer_sees_what_was_handed_over_and_takes_it_in(valley: Valley) -> None:
    await valley.sync_until_quiet()
    device = withdraw(valley)
    await a_morning(valley.cuc, valley.visit)
    valley.cuc.book._record(
        [journal.Change("answer", f"{valley.visit}//none", {"value": 1, "item": "none"}, valley.visit)]
    )
    await valley.sync("cuc")
    written = own_entries(valley.cuc)
    count = len(kept_apart(valley, device))
    window = officer(valley)
    page = window.open("/hq/devices").text
    assert "giữ riêng, chưa vào sổ" in page and "Lê Thị Cúc" in page
    assert re.search(rf'<td class="n">{count}</td>', page)
    assert window.post(f"/hq/devices/{device}/accept", data={"csrf": "0"}).status_code == 403
    assert window.submit("/hq/devices/none/accept").status_code == 404
    valley.clock.advance(3600_000)
    assert window.submit(f"/hq/devices/{device}/accept").headers["location"] == "/hq/devices"
    assert "giữ riêng, chưa vào sổ" not in window.open("/hq/devices").text
    assert entries_at_central(valley) == written and kept_apart(valley, device) == []
    await valley.sync_until_quiet("dung")
    assert valley.dung.book.visit(valley.visit).values[("", "badge_worn_all")] == "no"
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []
        refused = journal.select(connection, "verdict = 'rejected'")
        assert [e.record for e in refused] == [f"{valley.visit}//none"], "an accepted entry is judged like any other"
        taken = journal.select(connection, "device = :d AND received_at >= :n", d=device, n=valley.clock())
        assert taken == [], "received is when it came, not when it was accepted"


@told
async def test_a_withdrawn_phone_s_file_is_kept_apart_too(valley: Valley) -> None:
    """What it could not send by itself it hands to a colleague: no way round the officer."""
    await valley.sync_until_quiet()
    device = withdraw(valley)
    await a_morning(valley.cuc, valley.visit)
    data = await carry_out(valley.cuc.book, valley.cuc.files, lambda *_: None)
    await take_in(valley.dung.book, valley.dung.files, data, lambda *_: None)
    await valley.sync_until_quiet("dung")
    assert len(kept_apart(valley, device)) == len(own_entries(valley.cuc)) - 1
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)
    officer(valley).submit(f"/hq/devices/{device}/accept")
    await valley.sync_until_quiet("dung")
    assert entries_at_central(valley) == own_entries(valley.cuc)
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert valley.dung.book.visit(valley.visit).values[("", "badge_worn_all")] == "no"


@told
async def test_a_colleague_is_told_why_a_visit_is_gone_and_sees_it_again_with_what_he_wrote(valley: Valley) -> None:
    await valley.sync_until_quiet()
    device = withdraw(valley)
    unit = valley.cuc.book.reference.units.get("17248", "2025-07-01")
    assert unit is not None
    visit = valley.cuc.book.start_visit(unit)
    data = await carry_out(valley.cuc.book, valley.cuc.files, lambda *_: None)
    await take_in(valley.dung.book, valley.dung.files, data, lambda *_: None)
    assert valley.dung.book.unread_visits() == []
    valley.dung.book.answer(visit, "badge_worn_all", "no")
    await valley.sync_until_quiet("dung")
    assert visit not in [line.id for line in valley.dung.book.visits()]
    [unread] = valley.dung.book.unread_visits()
    assert (unread.visit, unread.unit, unread.day, unread.own) == (visit, "Xã Châu Khê", "2026-11-21", 1)
    assert "máy đã bị thu hồi" in unread.why and " / " in unread.why
    officer(valley).submit(f"/hq/devices/{device}/accept")
    await valley.sync_until_quiet("dung")
    assert valley.dung.book.unread_visits() == []
    assert valley.dung.book.visit(visit).values[("", "badge_worn_all")] == "no"
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)


@told
async def test_entries_of_a_withdrawn_phone_that_central_once_had_come_back_without_asking(valley: Valley) -> None:
    valley.back_up_central("last night")
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    held = entries_at_central(valley)
    valley.restore_database("last night")
    device = withdraw(valley)
    await valley.sync_until_quiet("dung")
    assert entries_at_central(valley) == held and kept_apart(valley, device) == []


@told
async def test_what_was_handed_over_and_lost_with_central_is_handed_over_again(valley: Valley) -> None:
    """Central was put back to the night before, and nobody said so: only its refusals tell the withdrawn phone."""
    await valley.sync_until_quiet()
    device = withdraw(valley)
    valley.back_up_central("last night")
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    handed = kept_apart(valley, device)
    valley.restore_database("last night")
    assert kept_apart(valley, device) == [] != handed
    assert isinstance(await valley.sync("cuc"), exchange.Stopped)
    assert kept_apart(valley, device) == handed
    requests = len(valley.lines["cuc"].asked)
    await valley.sync("cuc")
    assert valley.lines["cuc"].asked[requests:] == ["POST /api/v1/sync"], "it is handed over again once"


@told
async def test_a_withdrawn_phone_cannot_push_what_is_no_chain_nor_as_another(valley: Valley) -> None:
    withdraw(valley)
    pen, other = Pen(valley.cuc), Pen(valley.dung)
    line: httpx.AsyncClient = valley.clients["cuc"]

    async def push(body: Any) -> tuple[int, str]:
        answer = await line.post("/api/v1/sync", json=body, headers=pen.headers)
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    entry = pen.entry("answer", f"{valley.visit}//badge_worn_all", {"value": "yes"})
    body = pen.body(entry)
    assert await push([]) == await push({}) == await push(pen.body()) == (403, "device-revoked")
    assert await push(other.body(entry)) == (403, "device-revoked")
    assert await push(body | {"head_hash": "ab" * 32}) == (400, "malformed")
    assert await push(body | {"server_id": "another"}) == (412, "server-changed")
    assert await push(body) == await push(body) == (202, "quarantined")
    pen.wrote(body)
    pen.seq += 1
    assert await push(pen.body(entry)) == (409, "seq-gap")
    fork = Pen(valley.cuc)
    assert await push(fork.body(fork.entry("answer", f"{valley.visit}//x", {"value": 1}))) == (409, "journal-fork")


@told
async def test_a_stolen_phone_cannot_fill_central(valley: Valley, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST", 5)
    await valley.sync("cuc")
    device = withdraw(valley)
    await a_morning(valley.cuc, valley.visit)
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Stopped) and trouble.name == "quarantine-full"
    assert kept_apart(valley, device) == [] and not valley.cuc.book.waiting().is_empty


# --- one person, two phones --------------------------------------------------------------------------------------------------


async def second_phone(valley: Valley, user: str = "cuc") -> Phone:
    with valley.app.state.db.writing() as connection:
        code = access.new_code(connection, valley.settings.secret, user, "an", NOON)
    phone = Phone(valley.folder / "second", FieldClock(NOON), seed=99)
    line = Line(valley.app)
    valley.phones["second"], valley.lines["second"] = phone, line
    valley.clients["second"] = httpx.AsyncClient(transport=line, base_url="http://central", trust_env=False)
    await phone.enrol(valley.clients["second"], code)
    return phone


@told
async def test_two_phones_of_one_person_are_two_journals_and_their_conflicts_say_so(valley: Valley) -> None:
    second, item = await second_phone(valley), "badge_missing_count"
    await valley.sync_until_quiet("cuc", "dung", "second")
    for phone, value in ((valley.cuc, 3), (second, 4)):
        phone.book.answer(valley.visit, item, value)
        phone.clock.advance(1000)  # type: ignore[attr-defined]
    await valley.sync_until_quiet("cuc", "dung", "second")
    assert_all_agree(valley, [valley.visit])
    authors = set()
    with valley.app.state.db.reading() as connection:
        for entry in journal.select(connection, "kind = 'answer'"):
            authors.add((entry.author, entry.device))
    assert {author for author, _ in authors} == {"cuc"} and len(authors) == 2
    sides = {}
    for name in ("cuc", "second", "dung"):
        [conflict] = conflicts_of(valley.phones[name])
        sides[name] = (conflict["standing"]["phone"], conflict["other"]["phone"])
        assert {conflict[side]["author_name"] for side in ("standing", "other")} == {"Lê Thị Cúc"}
        assert conflict["standing"]["at"] == NOON
    here, there = "máy này / this phone", "máy khác của bạn / your other phone"
    assert set(sides["cuc"]) == set(sides["second"]) == {here, there} and sides["cuc"] != sides["second"]
    assert set(sides["dung"]) == {"Máy thử"}
    second.close()


@told
async def test_a_copied_notebook_is_one_device_twice_and_not_two_phones(valley: Valley) -> None:
    """One token on two phones: every entry keeps the device it was written as, in an epoch of its own."""
    await valley.sync("cuc")
    with copy_of(valley, "cuc", "copy") as copy:
        for phone, value in ((valley.cuc, 3), (copy, 4)):
            phone.book.answer(valley.visit, "badge_missing_count", value)
        await valley.sync_until_quiet("cuc", "copy", "dung")
        assert len({device for device, *_ in own_entries(valley.cuc) + own_entries(copy)}) == 1
        assert dump(copy.book.store) == dump(valley.app.state.db)
