"""A phone's sync over lines that break and past things that are not central: nothing is lost, doubled or taken for sent."""

import contextlib
import gzip
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sync import exchange, journal, ledger
from app.sync.journal import Change
from central.verify import verify
from tests.field import Phone
from tests.sync.test_two_phones import assert_all_agree, own_entries, photograph, snapshot
from tests.valley import CUTS, Cut, Line, Valley, dump, told, unit_of

BAD_GATEWAY = "<html><body>Chào mừng đến với wifi của khách sạn</body></html>"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def a_morning(phone: Phone, visit: str) -> None:
    """Six taps and two photos."""
    book = phone.book
    room = book.add_room(visit, "Phòng Nội vụ", roll=5)
    book.set_heads(visit, room, {"head_present": 4, "head_absent_excused": 1})
    book.answer(visit, "badge_worn_all", "no")
    book.answer(visit, "objective_difficulty", "Đường xa")
    await photograph(phone, visit, 1, "attendance_room")
    await photograph(phone, visit, 2)


def entries_at_central(valley: Valley) -> list[tuple[str, str, int, str]]:
    with valley.app.state.db.reading() as connection:
        held = journal.select(connection, "team = 'doan-1' ORDER BY device, epoch, seq")
    return [(e.device, e.epoch, e.seq, e.hash) for e in held]


def problem(status: int, name: str, **extra: Any) -> httpx.Response:
    document = {"type": f"/api/v1/problems/{name}", "title": "Lời / Words", "status": status, "retry": "now", **extra}
    return httpx.Response(status, json=document, headers={"Content-Type": "application/problem+json"})


def once(path: str, answer: httpx.Response) -> Callable[[httpx.Request, bytes], httpx.Response | None]:
    """Somebody who answers the first request to a path in central's place."""
    answers = [answer]

    def overheard(request: httpx.Request, _body: bytes) -> httpx.Response | None:
        return answers.pop() if request.url.path == path and answers else None

    return overheard


# --- lines that break ------------------------------------------------------------------------------------------------


async def _run_with_cuts(folder: Path, cuts: list[Cut]) -> tuple[Any, list[str], Exception | None]:
    """(what central holds in the end, requests of the first run, how it ended) of a morning whose first sync is cut.

    Files are tried again at once within a run, figures by the next one.
    """
    valley = Valley(folder, names=("cuc",))
    try:
        await a_morning(valley.cuc, valley.visit)
        trouble = await valley.sync("cuc", cuts)
        requests = list(valley.lines["cuc"].asked)
        assert await valley.sync("cuc") is None
        assert valley.cuc.book.waiting().is_empty
        assert entries_at_central(valley) == own_entries(valley.cuc)
        assert dump(valley.app.state.db) == dump(valley.cuc.book.store)
        for number in (1, 2):
            data = snapshot(number)
            assert valley.app.state.photos.read(hashlib.sha256(data).hexdigest()) == data
        return dump(valley.app.state.db), requests, trouble
    finally:
        valley.close()


@pytest.mark.parametrize("cut", CUTS)
@told
async def test_a_line_cut_at_any_request_costs_a_resend_and_nothing_else(
    cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MAX_ENTRIES", 4)  # so that the figures take several requests too
    whole, asked, trouble = await _run_with_cuts(tmp_path / "whole", [])
    requests, figures = len(asked), asked.count("POST /api/v1/sync")
    assert trouble is None and requests >= 7 and asked[:figures] == ["POST /api/v1/sync"] * figures
    for i in range(requests):
        held, _, trouble = await _run_with_cuts(tmp_path / str(i), [*[""] * i, cut])
        assert held == whole
        assert (trouble is None) == (cut == "twice" or i >= figures), f"request {i}: {trouble}"


@told
async def test_a_line_that_never_lasts_for_more_than_four_requests_brings_everything_in_the_end(
    valley: Valley,
) -> None:
    await a_morning(valley.cuc, valley.visit)
    for _ in range(30):
        if await valley.sync("cuc", ["", "", "", "", "after"]) is None:
            break
    assert valley.cuc.book.waiting().is_empty
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


# --- what answers in central's place -----------------------------------------------------------------------------------


PORTALS: dict[str, Any] = {
    "a sign-in page": httpx.Response(200, html=BAD_GATEWAY),
    "a redirect": httpx.Response(302, headers={"Location": "http://wifi.example/"}),
    "network authentication required": httpx.Response(511, html=BAD_GATEWAY),
    "a bad gateway": httpx.Response(502, html=BAD_GATEWAY),
    "too large, says a proxy": httpx.Response(413, html=BAD_GATEWAY),
    "not found": httpx.Response(404, html=BAD_GATEWAY),
    "an unauthorized page": httpx.Response(401, html=BAD_GATEWAY),
    "an empty 200": httpx.Response(200),
    "a 204": httpx.Response(204),
    "a JSON list": httpx.Response(200, json=[]),
    "JSON null": httpx.Response(200, json=None),
    "JSON text": httpx.Response(200, json="ok"),
    "an empty object": httpx.Response(200, json={}),
    "half an answer": httpx.Response(200, content=b'{"server_id": "'),
    "a page that says it is packed": (
        200,
        {"Content-Type": "text/html", "Content-Encoding": "gzip"},
        BAD_GATEWAY.encode(),
    ),
}


@pytest.mark.parametrize("portal", PORTALS)
@told
async def test_what_is_not_central_is_waited_out_and_nothing_counts_as_sent(valley: Valley, portal: str) -> None:
    await a_morning(valley.cuc, valley.visit)
    before = valley.cuc.book.waiting()
    given = PORTALS[portal]
    status, headers, content = given if isinstance(given, tuple) else (given.status_code, given.headers, given.content)
    valley.lines["cuc"].overheard = lambda _request, _body: httpx.Response(
        status, headers=headers, stream=httpx.ByteStream(content)
    )
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Busy), repr(trouble)
    client = valley.clients["cuc"]
    with pytest.raises(exchange.Busy):
        await exchange.enrol(client, "7KQ2M-X0D4T", "Máy", "a" * 32)
    assert valley.cuc.book.waiting() == before
    valley.lines["cuc"].overheard = lambda request, _body: None
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


@pytest.mark.parametrize(
    "change",
    [
        {"server_id": "another"}, {"acked": 1}, {"acked": "12"}, {"acked": True}, {"acked": None}, {"now": "noon"},
        {"more": True, "cursor": None}, {"entries": [[1, 2, 3]]}, {"entries": {"a": 1}}, {"rejected": ["x"]},
        {"rejected_elsewhere": [{"seq": 1}]}, {"effective": [[1]]}, {"conflicts": [{"kind": "answer"}]}, {"pulled_effective": [5]},
    ],
    ids=lambda change: json.dumps(change),
)  # fmt: skip
@told
async def test_an_answer_that_cannot_be_central_s_is_not_taken(valley: Valley, change: dict[str, Any]) -> None:
    """It comes from another central, or from something in between that remembers or garbles answers."""
    await a_morning(valley.cuc, valley.visit)
    valley.lines["cuc"].overheard = garbling(valley.lines["cuc"], change)
    before, kept = valley.cuc.book.waiting(), dump(valley.cuc.book.store)
    assert isinstance(await valley.sync("cuc"), exchange.Busy)
    assert valley.cuc.book.waiting() == before
    assert dump(valley.cuc.book.store) == kept
    valley.lines["cuc"].overheard = lambda _request, _body: None
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


@told
async def test_whoever_claims_to_hold_more_than_was_ever_written_does_not_send_the_phone_in_circles(
    valley: Valley,
) -> None:
    await a_morning(valley.cuc, valley.visit)
    valley.lines["cuc"].overheard = garbling(valley.lines["cuc"], {"acked": 1000})
    assert isinstance(await valley.sync("cuc"), exchange.Busy)
    valley.lines["cuc"].overheard = lambda _request, _body: None
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


def garbling(line: Line, change: dict[str, Any]) -> Callable[[httpx.Request, bytes], httpx.Response | None]:
    """Somebody who answers `/sync` as central would to an empty request, but for one thing."""

    def overheard(request: httpx.Request, _body: bytes) -> httpx.Response | None:
        if request.url.path != "/api/v1/sync":
            return None
        given = {
            "server_id": line.app.state.db.server_id, "now": 1_795_237_200_000, "acked": 11, "durable": 11, "receipt": "x",
            "effective": [], "rejected": [], "conflicts": [], "entries": [], "pulled_effective": [], "cursor": "c",
            "more": False, "missing": [], "limits": {},
        }  # fmt: skip
        return httpx.Response(200, json=given | change)

    return overheard


@told
async def test_central_too_busy_for_now_is_asked_again_when_it_says(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    busy = problem(503, "unavailable", retry="later")
    busy.headers["Retry-After"] = "45"
    valley.lines["cuc"].overheard = once("/api/v1/sync", busy)
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Busy) and trouble.seconds == 45
    assert await valley.sync("cuc") is None


@told
async def test_a_batch_too_large_for_central_is_halved_and_no_tap_is_torn_apart(valley: Valley) -> None:
    valley.cuc.book.remark(valley.visit, "badge_worn_all", "xem lại")
    valley.cuc.book.remark(valley.visit, "badge_worn_all", "đã xem")
    await a_morning(valley.cuc, valley.visit)
    batches: list[list[int]] = []  # of each batch the taps (`tx`) of its entries

    def overheard(request: httpx.Request, body: bytes) -> httpx.Response | None:
        if request.url.path != "/api/v1/sync":
            return None
        batches.append([entry[2] for entry in json.loads(gzip.decompress(body)).get("entries", [])])
        return problem(413, "too-large") if len(batches[-1]) > 7 else None

    valley.lines["cuc"].overheard = overheard
    assert await valley.sync("cuc") is None
    assert len(batches[0]) == 12
    taken = [batch for batch in batches if 0 < len(batch) <= 7]
    assert sum(len(batch) for batch in taken) == 12 and len(taken) > 1
    assert all(before[-1] != after[0] for before, after in itertools.pairwise(taken))
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_refusal_that_will_not_change_stops_the_run_and_keeps_everything(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    valley.lines["cuc"].overheard = once("/api/v1/sync", problem(403, "device-revoked", retry="never"))
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Stopped) and trouble.name == "device-revoked"
    assert not valley.cuc.book.waiting().is_empty


# --- journals that went different ways -----------------------------------------------------------------------------------


@contextlib.contextmanager
def copy_of(valley: Valley, name: str, as_name: str) -> Iterator[Phone]:
    """The same notebook on a second phone, as a backup or a moved SIM would have it: same device, token and epoch."""
    phone = valley.phones[name]
    phone.close()
    shutil.copytree(phone.folder, valley.folder / as_name)
    phone.open()
    copy = Phone(valley.folder / as_name, phone.clock, seed=77)
    line = Line(valley.app)
    valley.phones[as_name], valley.lines[as_name] = copy, line
    valley.clients[as_name] = httpx.AsyncClient(transport=line, base_url="http://central", trust_env=False)
    yield copy


@told
async def test_two_copies_of_one_notebook_go_separate_ways_and_lose_nothing(valley: Valley) -> None:
    visit = valley.visit
    valley.cuc.book.answer(visit, "badge_worn_all", "yes")
    await valley.sync("cuc")
    with copy_of(valley, "cuc", "copy") as copy:
        valley.cuc.book.answer(visit, "objective_difficulty", "Đường xa")
        await photograph(copy, visit, 1)
        copy.book.answer(visit, "badge_worn_all", "no")
        epoch = own_entries(copy)[-1][1]
        await valley.sync_until_quiet("cuc", "copy", "dung")
        taps = {tap[3] for tap in own_entries(valley.cuc)} | {tap[3] for tap in own_entries(copy)}
        assert {hash for *_, hash in entries_at_central(valley)} == taps
        assert {e for _, e, _, _ in own_entries(copy)} > {epoch}
        copy.book.answer(visit, "badge_missing_count", 2)  # life goes on under the new name
        valley.cuc.book.answer(visit, "badge_missing_count", 3)
        await valley.sync_until_quiet("cuc", "copy", "dung")
        assert_all_agree(valley, [visit])
        assert dump(copy.book.store) == dump(valley.app.state.db)
        assert copy.book.verify() is None


@told
async def test_a_phone_hears_what_is_refused_after_it_went_on_under_a_new_name(valley: Valley) -> None:
    """Nobody could say what Cúc's note on a visit of Hoa's was worth before Hoa's phone had brought the visit."""
    visit = valley.hoa.book.start_visit(unit_of(valley.hoa))
    note = Change(
        "answer", f"{visit}//good_practice", {"visit": visit, "item": "good_practice", "remark": "đẹp"}, visit
    )
    valley.cuc.book._record([note])
    assert await valley.sync("cuc") is None
    with copy_of(valley, "cuc", "copy") as copy:
        for phone, words in ((valley.cuc, "sân sạch"), (copy, "có cây")):
            phone.book.remark(valley.visit, "good_practice", words)
        assert await valley.sync("cuc") is None and await valley.sync("copy") is None
        assert {epoch for _, epoch, *_ in own_entries(copy)} > {epoch for _, epoch, *_ in own_entries(valley.cuc)}
        assert copy.book.refusals() == [] and await valley.sync("hoa") is None
        await valley.sync_until_quiet("copy", "cuc")
        assert [task["id"] for phone in (copy, valley.cuc) for task in phone.book.refusals()] == [note.record] * 2
        assert copy.book.verify() is None


@pytest.mark.parametrize("writes_on", [False, True])
@told
async def test_a_notebook_restored_from_an_old_backup_fetches_what_it_had_sent(valley: Valley, writes_on: bool) -> None:
    visit = valley.visit
    valley.cuc.book.answer(visit, "badge_worn_all", "yes")
    await valley.sync("cuc")
    with copy_of(valley, "cuc", "backup") as backup:
        await a_morning(valley.cuc, visit)
        await valley.sync("cuc")
        if writes_on:
            backup.book.answer(visit, "objective_difficulty", "Mất điện")
            backup.book.add_room(visit, "Văn phòng")
        await valley.sync_until_quiet("backup", "dung", "cuc")
        assert dump(backup.book.store) == dump(valley.app.state.db)
        assert backup.book.verify() is None
        backup.book.answer(visit, "badge_missing_count", 2)
        await valley.sync_until_quiet("backup", "dung", "cuc")
        assert dump(backup.book.store) == dump(valley.app.state.db)
        assert_all_agree(valley, [visit])


@told
async def test_central_missing_a_stretch_is_sent_it_again(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    valley.lines["cuc"].overheard = once("/api/v1/sync", problem(409, "seq-gap", expected=3))
    assert await valley.sync("cuc") is None
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


@told
async def test_an_expired_cursor_means_pulling_anew_and_changes_nothing(valley: Valley) -> None:
    await a_morning(valley.dung, valley.visit)
    await valley.sync_until_quiet()
    before = dump(valley.cuc.book.store)
    valley.lines["cuc"].overheard = once("/api/v1/sync", problem(410, "cursor-expired"))
    assert await valley.sync("cuc") is None
    assert dump(valley.cuc.book.store) == before
    assert_all_agree(valley, [valley.visit])


# --- central lost -------------------------------------------------------------------------------------------------------


async def _both_worked(valley: Valley) -> str:
    """Both phones have worked on one visit, each on records of the other; returns a photo of Cúc's that Dũng captioned."""
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    photo = valley.dung.book.visit(valley.visit).photos[0]
    valley.dung.book.edit_photo(photo, caption="bảng tin")
    valley.dung.book.rename_row(valley.visit, valley.dung.book.visit(valley.visit).rooms()[0].id, "Phòng Tư pháp")
    await photograph(valley.dung, valley.visit, 3)
    valley.dung.book.close_visit(valley.visit)
    await valley.sync_until_quiet()
    return photo.id


@pytest.mark.parametrize("first", ["cuc", "dung"])
@told
async def test_an_empty_central_gets_everything_again_whoever_comes_first(valley: Valley, first: str) -> None:
    """Dũng's changes of Cúc's records may come before the records themselves."""
    photo = await _both_worked(valley)
    before = dump(valley.cuc.book.store)
    valley.replace_central()
    second = "dung" if first == "cuc" else "cuc"
    await valley.sync_until_quiet(first, second)
    assert_all_agree(valley, [valley.visit])
    assert dump(valley.cuc.book.store) == before
    assert valley.cuc.book.photo(photo).caption == "bảng tin"
    valley.cuc.book.reopen_visit(valley.visit)  # positions begin anew there; new entries must not trip over old ones
    await valley.sync_until_quiet(first, second)
    for number in range(30):
        valley.cuc.book.answer(valley.visit, "badge_missing_count", number)
        valley.dung.book.remark(valley.visit, "badge_worn_all", f"lần {number}")
    await valley.sync_until_quiet(first, second)
    assert_all_agree(valley, [valley.visit])


@told
async def test_an_empty_central_gets_earlier_lives_of_a_journal_too(valley: Valley) -> None:
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "yes")
    await valley.sync("cuc")
    with copy_of(valley, "cuc", "copy") as copy:
        valley.cuc.book.answer(valley.visit, "objective_difficulty", "Đường xa")
        copy.book.answer(valley.visit, "badge_worn_all", "no")
        await valley.sync_until_quiet("cuc", "copy")
        held = entries_at_central(valley)
        valley.replace_central()
        await valley.sync_until_quiet("copy")
        assert set(entries_at_central(valley)) == set(held), "both lives came, the other phone's notes in them included"
        await valley.sync_until_quiet("cuc")
        assert dump(copy.book.store) == dump(valley.cuc.book.store) == dump(valley.app.state.db)


@pytest.mark.parametrize("since", [1, 30])
@told
async def test_a_central_restored_from_a_backup_is_noticed_and_filled_up_again(valley: Valley, since: int) -> None:
    """Same identity, older content: a phone's cursor points past its end, or at an entry written since in another's place."""
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    valley.back_up_central("backup")
    await photograph(valley.cuc, valley.visit, 4)
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    valley.dung.book.answer(valley.visit, "one_stop_arrangement", "own_desk")
    await photograph(valley.dung, valley.visit, 5)
    await valley.sync_until_quiet()
    before = dump(valley.cuc.book.store)
    valley.replace_central("backup")
    assert dump(valley.app.state.db) != before
    for number in range(since):
        valley.dung.book.remark(valley.visit, "badge_worn_all", f"sau khi khôi phục {number}")
    await valley.sync_until_quiet("dung", "cuc")
    assert_all_agree(valley, [valley.visit])
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []


# --- clocks -------------------------------------------------------------------------------------------------------------


@told
async def test_a_clock_in_2031_blocks_nothing_and_wins_nothing(valley: Valley) -> None:
    visit, item = valley.visit, "badge_missing_count"
    valley.cuc.clock.ms = 1_924_000_000_000  # type: ignore[attr-defined]
    valley.cuc.book.answer(visit, item, 1)
    valley.cuc.book.answer(visit, "objective_difficulty", "Đường xa")
    await valley.sync_until_quiet()
    assert_all_agree(valley, [visit])
    for phone in (valley.cuc, valley.dung):
        with phone.book.store.reading() as connection:
            late = journal.select(connection, "ms >= 1924000000000")
        assert len(late) == 2
        assert {entry.effective_ms for entry in late} == {valley.clock.ms + 5 * 60_000}
    for clock in (valley.clock, valley.dung.clock):
        clock.advance(6 * 60_000)  # type: ignore[attr-defined]
    valley.dung.book.answer(visit, item, 2)
    await valley.sync_until_quiet()
    assert valley.cuc.book.visit(visit).values[("", item)] == 2
    assert_all_agree(valley, [visit])
    with valley.dung.book.store.reading() as connection:
        [mine] = journal.select(connection, "device = :d", d=valley.dung.book.enrolment.device)  # type: ignore[union-attr]
    assert mine.ms < valley.clock.ms + 5 * 60_000, "a foreign clock never pulls one's own far ahead"


# --- refused entries ------------------------------------------------------------------------------------------------------


@told
async def test_what_central_refuses_becomes_a_task_and_readings_agree(valley: Valley) -> None:
    """A newer or tampered app writes what this central does not take: the rest of the batch is kept, the chain stays whole."""
    visit, book = valley.visit, valley.cuc.book
    answer = journal.Change(
        "answer", f"{visit}//badge_missing_count", {"visit": visit, "row": "", "item": "badge_missing_count", "value": 12_000}, visit
    )  # fmt: skip
    book.answer(visit, "badge_missing_count", 2)
    book._record([answer, Change("answer", f"{visit}//no_such_item", {"value": 1, "item": "no_such_item"}, visit)])
    book.answer(visit, "badge_worn_all", "no")
    assert book.visit(visit).values[("", "badge_missing_count")] == 12_000
    await valley.sync_until_quiet()
    assert book.waiting().rejected == 2 and book.waiting().is_empty
    assert book.visit(visit).values[("", "badge_missing_count")] == 2
    assert book.visit(visit) == valley.dung.book.visit(visit)
    assert dump(book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert book.verify() is None and valley.dung.book.verify() is None
    with book.store.reading() as connection:
        tasks = ledger.refusals(connection)
    assert [(t["visit"], t["field"], t["type"].rpartition("/")[2]) for t in tasks] == [
        (visit, "value", "bad-value"), (visit, "item", "unknown-item"),
    ]  # fmt: skip
    assert all(" / " in t["title"] for t in tasks)
    before = dump(book.store)
    book.dismiss_refusal(tasks[0]["epoch"], tasks[0]["seq"])
    await valley.sync_until_quiet()
    valley.reopen("cuc")
    book = valley.cuc.book
    assert [t["seq"] for t in book.refusals()] == [tasks[1]["seq"]] and book.waiting().rejected == 1
    assert dump(book.store) == before and book.verify() is None, "it is read, not written: the chain stays as it is"


@told
async def test_unknown_kinds_and_fields_reach_the_other_phone_as_they_are(valley: Valley) -> None:
    """What a newer app writes is kept and handed on, letter by letter."""
    visit, book = valley.visit, valley.cuc.book
    future = {
        "visit": visit,
        "mức": {"a": [1, None, "b"], "z": {"y": "Đoàn"}},
        "n": 9_007_199_254_740_991,
        "đúng": True,
    }
    book._record(
        [
            Change("drone_flight", "0199c0de-0000-7000-8000-00000000abcd", future, visit),
            Change("answer", f"{visit}//badge_worn_all", {
                "visit": visit, "row": "", "item": "badge_worn_all", "value": "yes", "confidence": [3, "cao"]}, visit),
            Change("visit", visit, {"weather": "mưa rào"}, visit),
        ]
    )  # fmt: skip
    await valley.sync_until_quiet()
    assert not book.waiting().rejected
    assert_all_agree(valley, [visit])
    with valley.dung.book.store.reading() as connection:
        [flight] = journal.select(connection, "kind = 'drone_flight'")
        assert flight.patch == journal.canonical(future)
    other = dump(valley.dung.book.store, ("other",))["other"]
    assert json.loads(other[0][3]) == future | {"mức": {"a": [1, None, "b"], "z": {"y": "Đoàn"}}}


# --- conflicts --------------------------------------------------------------------------------------------------------------


def conflicts_of(phone: Phone) -> list[dict[str, Any]]:
    with phone.book.store.reading() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM conflict ORDER BY kind, id, field").scalars().all()
    return [json.loads(body) for body in bodies]


@pytest.mark.parametrize("cuts", [[], ["after"], ["reply"], ["twice"]], ids=str)
@told
async def test_two_different_answers_are_shown_to_both_until_somebody_settles_it(
    valley: Valley, cuts: list[Cut]
) -> None:
    visit, item = valley.visit, "badge_missing_count"
    valley.cuc.book.answer(visit, item, 3)
    valley.cuc.book.answer(visit, "badge_worn_all", "no")
    valley.dung.clock.advance(1000)  # type: ignore[attr-defined]
    valley.dung.book.answer(visit, item, 4)
    valley.dung.book.answer(visit, "badge_worn_all", "no")
    for name in ("cuc", "dung", "cuc", "dung"):
        await valley.sync(name, cuts)
    await valley.sync_until_quiet()
    assert_all_agree(valley, [visit])
    devices = [phone.book.enrolment.device for phone in (valley.cuc, valley.dung) if phone.book.enrolment]
    for phone in (valley.cuc, valley.dung):
        [conflict] = conflicts_of(phone)
        assert (conflict["kind"], conflict["id"], conflict["field"]) == ("answer", f"{visit}//{item}", "value")
        assert (conflict["other"]["device"], conflict["other"]["value"]) == (devices[0], 3)
        assert (conflict["standing"]["device"], conflict["standing"]["value"]) == (devices[1], 4)
        assert phone.book.visit(visit).values[("", item)] == 4
    valley.cuc.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.cuc.book.answer(visit, item, 5)
    await valley.sync_until_quiet()
    assert conflicts_of(valley.cuc) == conflicts_of(valley.dung) == []
    assert_all_agree(valley, [visit])


@told
async def test_a_conflict_is_told_again_when_the_answer_that_told_it_was_lost(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other phone's answer came with an earlier batch, so only the batch that was sent twice can bring it up."""
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 3)
    await valley.sync("cuc")
    monkeypatch.setattr(exchange, "MAX_ENTRIES", 1)
    valley.dung.book.remark(valley.visit, "badge_worn_all", "xem lại")
    valley.dung.book.answer(valley.visit, "badge_missing_count", 4)
    assert isinstance(await valley.sync("dung", ["", "after"]), httpx.ReadError)
    assert conflicts_of(valley.dung) == []
    assert await valley.sync("dung") is None
    assert [c["other"]["value"] for c in conflicts_of(valley.dung)] in ([3], [4])


@told
async def test_what_was_seen_at_a_lost_central_does_not_count_at_the_new_one(valley: Valley) -> None:
    """Positions begin anew there: a phone must not seem to have seen what others write from now on."""
    own = valley.hoa.book.start_visit("Xã của Hoa")
    for number in range(20):
        valley.hoa.book.remark(own, "badge_worn_all", f"lần {number}")
    await valley.sync("hoa")
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "yes")
    await valley.sync_until_quiet("cuc", "dung")
    valley.replace_central()
    await valley.sync_until_quiet("cuc", "dung")  # without Hoa, so that positions stay lower for a while
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 3)
    valley.dung.clock.advance(1000)  # type: ignore[attr-defined]
    valley.dung.book.answer(valley.visit, "badge_missing_count", 4)
    await valley.sync_until_quiet("cuc", "dung")
    assert len(conflicts_of(valley.cuc)) == len(conflicts_of(valley.dung)) == 1


@told
async def test_correcting_what_one_has_seen_is_no_conflict(valley: Valley) -> None:
    visit, item = valley.visit, "badge_missing_count"
    valley.cuc.book.answer(visit, item, 3)
    await valley.sync_until_quiet()
    valley.dung.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.dung.book.answer(visit, item, 4)
    await valley.sync_until_quiet()
    assert conflicts_of(valley.cuc) == conflicts_of(valley.dung) == []
    assert valley.cuc.book.visit(visit).values[("", item)] == 4


# --- reference data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        {"units": "none"}, {"units": ["417"]}, {"units": [{"code": {"a": 1}}]}, {"units": [{}]}, {"templates": [{}]},
        {"templates": [{"template": {"code": "x"}}]}, {"rounds": [{"id": ["a"]}]},
        {"rounds": [{"id": "r", "name": "R", "planned_units": [["417"]]}]}, {"teams": [{"id": "t"}]}, {"teams": None},
        {"calendar": [{"day": "2026-11-21"}]}, {"notices": [{"id": "n"}]}, {"unit_rooms": {"417": [["A"]]}},
    ],
    ids=lambda damage: json.dumps(damage),
)  # fmt: skip
@told
async def test_a_damaged_reference_document_leaves_the_old_data(valley: Valley, damage: dict[str, Any]) -> None:
    answer = await valley.clients["cuc"].get("/api/v1/reference", headers=valley.bearer("cuc"))
    before = valley.cuc.book.reference
    damaged = httpx.Response(200, json=answer.json() | damage, headers={"ETag": '"damaged"'})
    valley.forget_reference("cuc")
    valley.lines["cuc"].overheard = once("/api/v1/reference", damaged)
    assert isinstance(await valley.sync("cuc"), exchange.Busy)
    valley.reopen("cuc")
    after = valley.cuc.book.reference
    assert list(after.units) == list(before.units) and after.rounds == before.rounds
    assert set(after.templates) == set(before.templates)
    assert await valley.sync("cuc") is None
