"""Pulling: a long first pull over a bad line, and an inspector who changes teams."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.sync import exchange, journal
from central import access
from central.people import add_user
from tests.field import FieldClock, Phone
from tests.sync.test_two_phones import assert_all_agree
from tests.valley import NOON, Line, Valley, dump, told, unit_of


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def entries_of(phone: Phone) -> int:
    with phone.book.store.reading() as connection:
        return len(journal.select(connection, "true"))


@told
async def test_a_first_pull_cut_after_every_page_goes_on_where_it_was(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(80):
        valley.cuc.book.remark(valley.visit, "badge_worn_all", f"lần {number}: " + "x" * 300)
    await valley.sync("cuc")
    with valley.app.state.db.writing() as connection:
        code = access.new_code(connection, valley.settings.secret, "dung", "an", NOON)
    fresh = Phone(valley.folder / "fresh", FieldClock(NOON), seed=7)
    line = valley.lines["fresh"] = Line(valley.app)
    valley.phones["fresh"] = fresh
    valley.clients["fresh"] = httpx.AsyncClient(transport=line, base_url="http://central", trust_env=False)
    await fresh.enrol(valley.clients["fresh"], code)
    for name in ("PULL_BYTES", "PAGE_MIN", "PAGE_FIRST", "PAGE_MAX"):
        monkeypatch.setattr(exchange, name, 4096, raising=False)
    had = [entries_of(fresh)]
    while await valley.sync("fresh", ["", "", "after"]) is not None:
        had.append(entries_of(fresh))
        valley.reopen("fresh")
        assert len(had) < 30
    assert len(had) > 3 and had == sorted(set(had)), "two pages each time, never the same ones again"
    assert entries_of(fresh) == 81
    await valley.sync_until_quiet("fresh", "cuc")
    assert dump(valley.phones["fresh"].book.store) == dump(valley.app.state.db)


@pytest.mark.parametrize("has_synced", [True, False])
@told
async def test_an_inspector_who_changes_teams_works_on_as_a_member_of_the_new_one(
    valley: Valley, has_synced: bool
) -> None:
    """What was pulled before stays to be read; what is written from now on is the new team's, and so is what is pulled."""
    valley.dung.book.answer(valley.visit, "badge_worn_all", "yes")
    theirs = valley.hoa.book.start_visit(unit_of(valley.hoa, "17248"))
    await valley.sync("hoa")
    if has_synced:
        await valley.sync_until_quiet()
    else:
        with valley.dung.book.store.writing() as connection:
            exchange.ledger.write_meta(connection, "cursor", "")
    with valley.app.state.db.writing() as connection:
        add_user(connection, "dung", "Phạm Dũng", "inspector", "doan-2")
    assert await valley.sync("dung") is None
    enrolment = valley.dung.book.enrolment
    assert enrolment and (enrolment.team, enrolment.team_name) == ("doan-2", "Đoàn số 2")
    assert {line.id for line in valley.dung.book.visits()} == {valley.visit, theirs}
    own = valley.dung.book.start_visit("Xã của Dũng")
    await valley.sync_until_quiet("dung", "hoa")
    assert own in {line.id for line in valley.hoa.book.visits()}
    assert valley.dung.book.waiting().rejected == (0 if has_synced else 1), "rights are those of the day it arrives"
    valley.dung.book.answer(valley.visit, "badge_missing_count", 1)
    valley.cuc.book.answer(valley.visit, "objective_difficulty", "Đường xa")
    await valley.sync_until_quiet("cuc", "dung", "hoa")
    [task] = valley.dung.book.refusals()[-1:]
    assert task["type"].endswith("/scope-denied")
    assert ("", "objective_difficulty") not in valley.dung.book.visit(valley.visit).values
    valley.reopen("dung")
    assert valley.dung.book.enrolment == enrolment


@told
async def test_an_inspector_who_comes_back_to_a_team_gets_what_was_missed(valley: Valley) -> None:
    await valley.sync_until_quiet()
    for team in ("doan-2", "doan-1"):
        with valley.app.state.db.writing() as connection:
            add_user(connection, "dung", "Phạm Dũng", "inspector", team)
        valley.cuc.book.remark(valley.visit, "badge_worn_all", f"khi Dũng ở {team}")
        await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])
