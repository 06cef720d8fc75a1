"""Entries brought by others: a phone that is gone, a central that lost its journal, a file carried over the pass."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.carrying import carry_out, take_in
from app.sync import exchange, journal
from app.sync.journal import Change, JournalEntry
from app.sync.wire import MAX_ENTRIES, to_phone
from central import access
from central.holes import holes
from central.intake import write_as_central
from central.relay import Handed, take_handed
from central.verify import verify
from tests.field import Phone
from tests.sync.test_exchange import _both_worked, a_morning, entries_at_central
from tests.sync.test_two_phones import assert_all_agree, own_entries
from tests.valley import NOON, Cut, Pen, Valley, dump, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def findings(valley: Valley) -> list[str]:
    with valley.app.state.db.reading() as connection:
        return [str(finding) for finding in verify(connection, valley.app.state.photos)]


def of_phone(phone: Phone) -> list[JournalEntry]:
    device = own_entries(phone)[0][0]
    with phone.book.store.reading() as connection:
        return journal.select(connection, "device = :d ORDER BY epoch, seq", d=device)


def hand_in(valley: Valley, entries: list[JournalEntry], *, team: str | None = None, vouched: bool = False) -> Any:
    state = valley.app.state
    with state.db.writing() as connection:
        return take_handed(
            connection, [Handed(entry, vouched) for entry in entries], valley.clock(),
            state.readings.templates(connection), central_device=state.db.central_device, by="test", team=team,
        )  # fmt: skip


async def _all_but_the_backup_lost(valley: Valley) -> tuple[dict[str, Any], list[tuple[str, str, int, str]]]:
    """Both have worked and synced; then central falls back to before that. What it held."""
    valley.back_up_central("last night")
    await _both_worked(valley)
    held = dump(valley.app.state.db), entries_at_central(valley)
    valley.restore_database("last night")
    return held


@pytest.mark.parametrize("cuts", [[], ["after"], ["reply", "after"], ["", "", "after"], ["twice"] * 8], ids=str)
@told
async def test_what_a_vanished_phone_had_sent_comes_back_from_whoever_pulled_it(
    valley: Valley, cuts: list[Cut]
) -> None:
    reading, entries = await _all_but_the_backup_lost(valley)
    await valley.sync("dung", cuts)  # Cúc's phone fell into the river
    await valley.sync_until_quiet("dung")
    assert dump(valley.app.state.db) == reading == dump(valley.dung.book.store)
    assert entries_at_central(valley) == entries
    assert findings(valley) == []
    requests = len(valley.lines["dung"].asked)
    await valley.sync("dung")
    assert valley.lines["dung"].asked[requests:].count("POST /api/v1/sync") == 1, "what was returned is returned once"


@pytest.mark.parametrize("batch", [MAX_ENTRIES, 3, 1])
@told
async def test_a_central_that_lost_everything_gets_back_what_any_phone_has(
    valley: Valley, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a witness is left: the phone says of itself what it holds of others, and brings it when its own has gone."""
    monkeypatch.setattr(exchange, "MAX_ENTRIES", batch)
    await _both_worked(valley)
    reading, entries = dump(valley.app.state.db), entries_at_central(valley)
    valley.replace_central()
    await valley.sync_until_quiet("dung")
    assert (dump(valley.app.state.db), entries_at_central(valley)) == (reading, entries)
    await valley.sync_until_quiet("cuc", "dung")  # the phone that was thought lost is found in a drawer
    assert_all_agree(valley, [valley.visit])
    assert entries_at_central(valley) == entries


@told
async def test_a_phone_that_comes_back_after_others_returned_its_entries_fills_in_the_rest(valley: Valley) -> None:
    """Entries central had refused reached no other phone: only their own phone can bring them."""
    valley.back_up_central("last night")
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "yes")
    valley.cuc.book._record(
        [Change("answer", f"{valley.visit}//no_such_item", {"value": 1, "item": "no_such_item"}, valley.visit)]
    )
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    reading, entries = dump(valley.app.state.db), entries_at_central(valley)
    valley.restore_database("last night")
    await valley.sync_until_quiet("dung")
    [refused] = [e for e in of_phone(valley.cuc) if e.verdict == "rejected"]
    with valley.app.state.db.reading() as connection:
        assert [(h.first, h.last) for h in holes(connection)] == [(refused.seq, refused.seq)]
    assert [finding for finding in findings(valley) if f"mục {refused.seq}–{refused.seq}" in finding]
    assert dump(valley.app.state.db) == reading
    await valley.sync_until_quiet("cuc", "dung")
    assert entries_at_central(valley) == entries and findings(valley) == []
    assert len(valley.cuc.book.waiting().visits) == 0 and valley.cuc.book.waiting().rejected == 1


@told
async def test_what_was_brought_by_file_reaches_central_by_the_phone_that_took_it_in(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await carry_out(valley.cuc.book, valley.cuc.files, lambda *_: None)
    arrived = await take_in(valley.dung.book, valley.dung.files, data, lambda *_: None)
    assert arrived.of_others and valley.dung.book.waiting().brought == {valley.visit}
    await valley.sync_until_quiet("dung")
    assert entries_at_central(valley) == own_entries(valley.cuc)
    assert valley.dung.book.waiting().brought == frozenset() and findings(valley) == []
    with valley.app.state.db.reading() as connection:
        who = connection.exec_driver_sql("SELECT DISTINCT bringer FROM brought").scalars().all()
    assert who == [valley.dung.book.enrolment.device]  # type: ignore[union-attr]
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_phone_enrolled_anew_hands_over_what_it_recorded_as_another(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    written = own_entries(valley.cuc)
    with valley.app.state.db.writing() as connection:
        code = access.new_code(connection, valley.settings.secret, "cuc", "an", NOON)
    valley.cuc.book.install = "cd" * 16
    await valley.cuc.enrol(valley.clients["cuc"], code)
    await valley.sync_until_quiet("cuc", "dung")
    assert entries_at_central(valley) == written
    assert dump(valley.cuc.book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)


# --- what is not taken ------------------------------------------------------------------------------------------------------


@told
async def test_another_team_is_asked_for_nothing_and_can_bring_nothing(valley: Valley) -> None:
    await _all_but_the_backup_lost(valley)
    theirs = [entry for phone in (valley.cuc, valley.dung) for entry in of_phone(phone)]
    pen = Pen(valley.hoa)
    pen.server_id = valley.app.state.db.server_id
    spans = [[theirs[0].device, theirs[0].epoch, 1, len(theirs)]]
    relayed = [[i, *to_phone(entry)[1:]] for i, entry in enumerate(theirs)]
    body = pen.body(holds=spans, relayed=relayed, relayed_effective=[])
    answer = await valley.clients["hoa"].post("/api/v1/sync", json=body, headers=pen.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["want"] == []
    before = entries_at_central(valley)
    names = {refusal["type"].rpartition("/")[2] for refusal in answer.json()["relay_refused"]}
    assert names == {"scope-denied"} and len(answer.json()["relay_refused"]) == len(theirs) - len(before)
    assert entries_at_central(valley) == before


def altered(change: Callable[[JournalEntry], JournalEntry]) -> Callable[[list[JournalEntry]], list[JournalEntry]]:
    """The third entry otherwise than it was written."""
    return lambda entries: [change(entry) if i == 3 else entry for i, entry in enumerate(entries)]


DAMAGE: dict[str, tuple[Callable[[list[JournalEntry]], list[JournalEntry]], set[str]]] = {
    "another value": (altered(lambda e: e._replace(patch='{"value":5}')), {"damaged"}),
    "another hash": (altered(lambda e: e._replace(hash="ab" * 32)), {"damaged"}),
    "another author": (altered(lambda e: e._replace(author="dung")), {"damaged"}),
    "its beginning is missing": (lambda entries: entries[2:], {"damaged"}),
    "a number nobody can have reached": (altered(lambda e: e._replace(seq=10**9)), {"damaged"}),
}


@pytest.mark.parametrize("damage", DAMAGE)
@told
async def test_what_is_not_as_it_was_written_is_refused_by_name_and_the_rest_is_taken_once_it_is_whole(
    valley: Valley, damage: str
) -> None:
    await a_morning(valley.cuc, valley.visit)
    entries = of_phone(valley.cuc)
    change, names = DAMAGE[damage]
    arrival = hand_in(valley, change(entries), team="doan-1")
    assert {unfit.name for unfit in arrival.unfit} == names
    assert arrival.taken < len(entries) and findings(valley) == [
        f for f in findings(valley) if "đang chờ các máy gửi lại" in f
    ]
    again = hand_in(valley, list(reversed(entries)), team="doan-1")
    assert again.unfit == [] and again.taken + again.known == len(entries)
    assert hand_in(valley, entries * 2).known == len(entries)
    assert findings(valley) == []
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_an_entry_behind_a_gap_is_believed_when_what_follows_it_was_witnessed(valley: Valley) -> None:
    """Returned are 3 to the end of what central once acknowledged: hashes lead back from the end it remembers."""
    valley.back_up_central("last night")
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    valley.restore_database("last night")
    entries = of_phone(valley.cuc)
    tail = entries[5:]
    forged = [tail[0]._replace(hash="ab" * 32), *tail[1:]]
    assert hand_in(valley, forged).unfit, "its hash is not the one the next entry was chained to"
    valley.restore_database("last night")
    assert hand_in(valley, tail[:-1]).taken == 0, "without the end that was witnessed nothing vouches for them"
    assert hand_in(valley, tail).taken == len(tail)
    with valley.app.state.db.reading() as connection:
        [hole] = holes(connection)
    assert hole.last == tail[0].seq - 1
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_forged_entry_in_a_gap_gives_way_to_the_phone_s_own(valley: Valley) -> None:
    """Somebody of the team writes in Cúc's name, behind a gap and with sums that fit: Cúc's phone goes on under a new name."""
    await a_morning(valley.cuc, valley.visit)
    entries = of_phone(valley.cuc)
    forged = entries[4]._replace(patch=journal.canonical({"value": "forged"}))
    assert hand_in(valley, [forged], vouched=True).taken == 1
    await valley.sync_until_quiet("cuc", "dung")
    assert dump(valley.cuc.book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert valley.cuc.book.waiting().is_empty


@told
async def test_central_s_own_entries_and_those_of_nobody_are_not_taken_from_a_phone(valley: Valley) -> None:
    state = valley.app.state
    with state.db.writing() as connection:
        [own] = write_as_central(
            connection, state.db.central_device, "an", [Change("team", "doan-9", {"name": "Đoàn 9"}, "")], NOON
        )
    assert [unfit.name for unfit in hand_in(valley, [own._replace(seq=own.seq + 1)]).unfit] == ["not-allowed"]
    await a_morning(valley.cuc, valley.visit)
    first = of_phone(valley.cuc)[0]
    stranger = first._replace(device="0199c0de-0000-7000-8000-0000000000aa", epoch="cd" * 16, author="nobody", seq=1)
    stranger = stranger._replace(hash=journal.hash_after(journal.genesis(stranger.epoch), stranger))
    assert [unfit.name for unfit in hand_in(valley, [stranger]).unfit] == ["wrong-author"]


@told
async def test_what_central_refuses_of_a_carried_entry_the_bringer_stops_reading_too(valley: Valley) -> None:
    """Cúc wrote what this central does not take; Dũng had it by file and read it."""
    valley.cuc.book._record(
        [Change("answer", f"{valley.visit}//badge_missing_count", {"value": 12_000, "visit": valley.visit, "row": "",
                                                                    "item": "badge_missing_count"}, valley.visit)]
    )  # fmt: skip
    data = await carry_out(valley.cuc.book, valley.cuc.files, lambda *_: None)
    await take_in(valley.dung.book, valley.dung.files, data, lambda *_: None)
    assert valley.dung.book.visit(valley.visit).values[("", "badge_missing_count")] == 12_000
    await valley.sync_until_quiet("dung")
    assert ("", "badge_missing_count") not in valley.dung.book.visit(valley.visit).values
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert valley.dung.book.waiting().rejected == 0, "it is Cúc's task, not Dũng's"
    assert valley.dung.book.waiting().brought == frozenset()


@pytest.mark.parametrize("want", [[["a"]], "all", [["d", "ab" * 16, 5, 1]], [["d", "ab" * 16, 1, 10**9]]], ids=str)
@told
async def test_a_wish_that_cannot_be_central_s_is_not_heard(valley: Valley, want: Any) -> None:
    await a_morning(valley.cuc, valley.visit)

    def overheard(request: httpx.Request, body: bytes) -> httpx.Response | None:
        if request.url.path != "/api/v1/sync":
            return None
        asked = json.loads(gzip.decompress(body))
        given = {
            "server_id": asked["server_id"], "now": NOON, "acked": asked["first_seq"] - 1 + len(asked.get("entries", ())),
            "durable": 0, "receipt": "x", "cursor": "c", "more": False, "want": want,
        }  # fmt: skip
        return httpx.Response(200, json=given)

    before = valley.cuc.book.waiting()
    valley.lines["cuc"].overheard = overheard
    assert await valley.sync("cuc") is not None
    assert valley.cuc.book.waiting() == before


@told
async def test_whoever_asks_for_the_same_over_and_over_does_not_send_the_phone_in_circles(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    [first, *_] = of_phone(valley.cuc)
    asked: list[int] = []

    def overheard(request: httpx.Request, body: bytes) -> httpx.Response | None:
        if request.url.path != "/api/v1/sync":
            return None
        given = json.loads(gzip.decompress(body))
        asked.append(len(given.get("relayed", ())))
        assert len(asked) < 10
        answer = {
            "server_id": given["server_id"], "now": NOON, "acked": given["first_seq"] - 1 + len(given.get("entries", ())),
            "durable": 0, "receipt": "x", "cursor": given.get("cursor"), "more": False,
            "want": [[first.device, first.epoch, 1, 5]],
        }  # fmt: skip
        return httpx.Response(200, json=answer)

    valley.lines["dung"].overheard = overheard
    await valley.sync("dung")
    assert [number for number in asked if number] == [5], "returned once, whatever becomes of it"
