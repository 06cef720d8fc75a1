"""`GET /visits`: found by day, round, unit and state, page by page; one visit whole; its journal for whoever checks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.sync import journal
from app.sync.journal import Change
from app.sync.stamp import Stamp
from tests.sync.test_two_phones import photograph
from tests.valley import NOON, Valley, told, unit_of

VISITS = "/api/v1/visits"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def get(valley: Valley, path: str, headers: dict[str, str]) -> Any:
    client = valley.clients["cuc"]
    client.headers.pop("Authorization", None)
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@told
async def test_visits_are_found_by_day_round_unit_and_state_and_come_in_pages(valley: Valley) -> None:
    book = valley.cuc.book
    days = ("2026-11-03", "2026-11-10", "2026-11-17", None)
    made = [
        book.start_visit(unit_of(valley.cuc, "17248"), round_id="dot-1" if i % 2 else "", visit_date=day)
        for i, day in enumerate(days)
    ]
    book.close_visit(made[0])
    book.close_visit(made[3])
    theirs = valley.hoa.book.start_visit(unit_of(valley.hoa), visit_date="2026-11-10")
    for name in ("cuc", "hoa"):
        assert await valley.sync(name) is None
    office = await valley.office()
    a, b, c, nowhen = made
    today = valley.visit  # at the other unit, 2026-11-21
    for query, found in {
        "": {a, b, c, nowhen, today, theirs},
        "?from=2026-11-10": {b, c, today, theirs},
        "?to=2026-11-10": {a, b, theirs},
        "?from=2026-11-10&to=2026-11-10": {b, theirs},
        "?unit=16831": {today, theirs},
        "?round=dot-1": {b, nowhen, today, theirs},
        "?status=closed": {a, nowhen},
        "?status=open&unit=17248": {b, c},
        "?unit=00000": set(),
    }.items():
        document = await get(valley, VISITS + query, office)
        assert {v["visit_id"] for v in document["visits"]} == found, query
        assert document["total"] == len(found)
    paged = [
        v["visit_id"] for at in range(0, 8, 2) for v in (await get(valley, f"{VISITS}?limit=2&offset={at}", office))["visits"]
    ]  # fmt: skip
    assert len(paged) == 6 and set(paged) == {a, b, c, nowhen, today, theirs}
    assert {v["visit_id"] for v in (await get(valley, VISITS, valley.bearer("hoa")))["visits"]} == {theirs}


@told
async def test_a_visit_of_two_counts_shows_both_and_takes_its_figures_from_the_main_one(valley: Valley) -> None:
    book, visit = valley.cuc.book, valley.visit
    morning = book.add_count(visit, NOON - 4 * 3_600_000)
    evening = book.add_count(visit, NOON + 4 * 3_600_000, note="sau giờ họp")
    for count, present in ((morning, 3), (evening, 5)):
        room = book.add_room(visit, "Phòng Nội vụ", count, roll=5)
        book.set_heads(visit, room, {"head_present": present, "head_absent_excused": 5 - present})
        book.set_heads(visit, room, {"head_absent_unexcused": 0, "head_absent_unclear": 0})
    book.set_main_count(visit, evening)
    book.remark(visit, "badge_worn_all", "có hai người mới")
    await valley.sync("cuc")
    document = await get(valley, f"{VISITS}/{visit}", await valley.office())
    assert [(c["id"], c["is_main"], c["attendance_rate"], c["note"]) for c in document["counts"]] == [
        (morning, False, "60.00", None), (evening, True, "100.00", "sau giờ họp"),
    ]  # fmt: skip
    assert [c["rooms"][0]["head_present"] for c in document["counts"]] == [3, 5]
    assert (document["attendance_rate"], document["head_total"], document["rooms_checked"]) == ("100.00", 5, 1)
    assert document["visit_started_at"] == NOON and document["team"] == "doan-1" and document["status"] == "open"
    [remark] = [a for a in document["answers"] if a["remark"]]
    assert remark == {"item": "badge_worn_all", "row": None, "value": None, "remark": "có hai người mới"}


@told
async def test_a_visit_s_journal_verifies_far_from_any_central_and_names_what_was_refused(valley: Valley) -> None:
    await photograph(valley.cuc, valley.visit, 1)
    await valley.sync_until_quiet()
    valley.dung.book.answer(valley.visit, "badge_missing_count", 2)
    bad = {"visit": valley.visit, "row": "", "item": "badge_missing_count", "value": -3}
    valley.dung.book._record([Change("answer", f"{valley.visit}//badge_missing_count", bad, valley.visit)])
    valley.dung.book.answer(valley.visit, "badge_worn_all", "no")
    await valley.sync_until_quiet()
    document = await get(valley, f"{VISITS}/{valley.visit}/journal", await valley.office())
    heads: dict[tuple[str, str], str] = {}
    for _, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, record, patch, digest in document[
        "entries"
    ]:
        prev = heads.get((device, epoch), journal.genesis(epoch))
        computed = journal.entry_hash(
            prev,
            device,
            epoch,
            seq,
            Stamp(ms, counter),
            tx,
            seen,
            schema,
            author,
            kind,
            record,
            journal.canonical(patch),
        )
        assert computed == digest, f"{device} {seq}"
        heads[device, epoch] = digest
    assert len(heads) == 2
    [(refused, verdict)] = document["verdicts"].items()
    assert verdict == "rejected" and refused.endswith("/2")
