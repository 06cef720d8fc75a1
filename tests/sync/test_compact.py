"""Backups and what they allow: what a verified backup holds is durable, and only that may be dropped on a phone."""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sync import compact, journal, ledger
from central.backup import back_up
from central.cli import main
from central.verify import verify
from tests.field import Phone
from tests.sync.test_exchange import a_morning
from tests.sync.test_two_phones import own_entries, snapshot
from tests.valley import Pen, Valley, dump, told, unit_of

MONTH = 31 * 24 * 3600 * 1000


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def backed_up(valley: Valley, folder: str = "tape") -> Path:
    state = valley.app.state
    backup = back_up(state.db, valley.settings.photos, valley.folder / folder, valley.clock())
    assert (list(backup.altered), list(backup.lacking)) == ([], [])
    return valley.folder / folder


def a_month_passes(valley: Valley, ms: int = MONTH) -> None:
    for clock in {valley.clock, *(phone.clock for phone in valley.phones.values())}:
        clock.advance(ms)  # type: ignore[attr-defined]


def durable_of(phone: Phone) -> int:
    assert phone.book.chain
    with phone.book.store.reading() as connection:
        return int(ledger.read_meta(connection, f"durable:{phone.book.chain[1]}") or 0)


def kept(phone: Phone) -> list[int]:
    return [seq for _, _, seq, _ in own_entries(phone)]


async def _a_closed_visit(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    valley.cuc.book.close_visit(valley.visit)
    await valley.sync_until_quiet()


@told
async def test_without_a_backup_nothing_is_called_durable_and_nothing_is_dropped(valley: Valley) -> None:
    await _a_closed_visit(valley)
    before = kept(valley.cuc)
    a_month_passes(valley)
    await valley.sync_until_quiet()
    assert durable_of(valley.cuc) == 0 and kept(valley.cuc) == before
    pen = Pen(valley.cuc)
    answer = await valley.clients["cuc"].post("/api/v1/sync", json=pen.body(), headers=pen.headers)
    assert answer.json()["durable"] == 0


@told
async def test_a_backup_holds_everything_and_can_be_put_back(valley: Valley) -> None:
    await _a_closed_visit(valley)
    held = dump(valley.app.state.db)
    tape = backed_up(valley)
    assert hashlib.sha256((tape / "central.sqlite").read_bytes()).hexdigest()
    for number in (1, 2):
        name = hashlib.sha256(snapshot(number)).hexdigest()
        assert (tape / "photos" / name[:2] / name[2:4] / name).read_bytes() == snapshot(number)
    other = valley.cuc.book.start_visit(unit_of(valley.cuc))
    valley.cuc.book.answer(other, "badge_worn_all", "no")
    await valley.sync_until_quiet()
    assert sorted(p.name for p in tape.glob("central.sqlite*")) == ["central.sqlite"], "one file, nothing beside it"
    valley.restore_database("tape")
    assert dump(valley.app.state.db) == held
    await valley.sync_until_quiet("cuc", "dung")
    assert dump(valley.app.state.db) == dump(valley.cuc.book.store) != held
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []


@told
async def test_a_damaged_central_is_not_backed_up_over_a_whole_backup(
    valley: Valley, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await _a_closed_visit(valley)
    monkeypatch.setenv("KIEMTRA_DATA", str(valley.settings.data))
    tape = valley.folder / "tape"
    assert main(["backup", str(tape)]) == 0
    said = capsys.readouterr().out
    assert "Đã sao lưu và soát" in said and "cùng ổ đĩa" in said
    before = (tape / "central.sqlite").read_bytes()
    with valley.app.state.db.writing() as connection:
        connection.exec_driver_sql("UPDATE entry SET patch = '{\"value\":9}' WHERE seq = 3 AND team = 'doan-1'")
    assert main(["backup", str(tape)]) == 1
    captured = capsys.readouterr()
    assert "bản sao lần trước vẫn giữ" in captured.err and "mục 3" in captured.out
    assert (tape / "central.sqlite").read_bytes() == before


@told
async def test_a_lost_photo_is_named_and_the_rest_is_backed_up(valley: Valley) -> None:
    await _a_closed_visit(valley)
    name = hashlib.sha256(snapshot(1)).hexdigest()
    (valley.settings.photos / name[:2] / name[2:4] / name).unlink()
    backup = back_up(valley.app.state.db, valley.settings.photos, valley.folder / "tape", valley.clock())
    assert backup.altered == [] and [name in finding.place for finding in backup.lacking] == [True]
    with sqlite3.connect(valley.folder / "tape" / "central.sqlite") as copy:
        assert copy.execute("SELECT count(*) FROM entry").fetchone()[0] == backup.entries > 0


@told
async def test_old_entries_of_closed_visits_are_dropped_and_everything_still_reads(valley: Valley) -> None:
    await _a_closed_visit(valley)
    reading, rows = valley.cuc.book.visit(valley.visit), dump(valley.cuc.book.store)
    before = kept(valley.cuc)
    backed_up(valley)
    await valley.sync_until_quiet()
    assert durable_of(valley.cuc) == before[-1] and kept(valley.cuc) == before, "too young to be dropped"
    a_month_passes(valley)
    await valley.sync_until_quiet()
    assert kept(valley.cuc) == before[-1:], "the last one stays: where the chain stands is read from it"
    valley.reopen("cuc")
    assert valley.cuc.book.verify() is None
    assert valley.cuc.book.visit(valley.visit) == reading and dump(valley.cuc.book.store) == rows
    assert valley.cuc.book.rebuild() >= 1
    assert dump(valley.cuc.book.store) == rows
    valley.cuc.book.reopen_visit(valley.visit)
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    await valley.sync_until_quiet()
    assert kept(valley.cuc) == [before[-1], before[-1] + 1, before[-1] + 2]
    assert dump(valley.cuc.book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert valley.cuc.book.verify() is None
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []


@pytest.mark.parametrize(
    "why",
    [
        "the visit is open",
        "not in the backup",
        "refused",
        "refused, and dismissed",
        "dropped today already",
        "a day old",
    ],
)
@told
async def test_what_must_stay_stays_with_all_that_came_after_it(valley: Valley, why: str) -> None:
    await a_morning(valley.cuc, valley.visit)
    if "refused" in why:
        change = journal.Change("answer", f"{valley.visit}//none", {"value": 1, "item": "none"}, valley.visit)
        valley.cuc.book._record([change])
    if why == "not in the backup":
        await valley.sync_until_quiet()
        backed_up(valley)
    if why != "the visit is open":
        valley.cuc.book.close_visit(valley.visit)
    await valley.sync_until_quiet()
    if why != "not in the backup":
        backed_up(valley)
    if why == "dropped today already":
        with valley.cuc.book.store.writing() as connection:
            ledger.write_meta(connection, "compacted_at", str(valley.clock() + MONTH - 3600_000))
    before = kept(valley.cuc)
    if why == "refused, and dismissed":
        [task] = valley.cuc.book.refusals()
        valley.cuc.book.dismiss_refusal(task["epoch"], task["seq"])
    a_month_passes(valley, 25 * 3600 * 1000 if why == "a day old" else MONTH)
    valley.cuc.book.start_visit(unit_of(valley.cuc))
    unsent = kept(valley.cuc)[-1]
    await valley.sync_until_quiet()
    match why:
        case "the visit is open":
            assert kept(valley.cuc)[0] == 1
        case "refused":
            assert kept(valley.cuc)[0] == before[-2] and valley.cuc.book.waiting().rejected == 1
        case "refused, and dismissed":
            assert kept(valley.cuc)[0] == before[-1] and valley.cuc.book.waiting().rejected == 0
            assert valley.cuc.book.rebuild() == 2
            assert dump(valley.cuc.book.store) == dump(valley.app.state.db)
        case "not in the backup":
            assert kept(valley.cuc)[0] == before[-2]
        case "dropped today already" | "a day old":
            assert kept(valley.cuc) == [*before, unsent]
    assert unsent in kept(valley.cuc)
    assert valley.cuc.book.verify() is None


@told
async def test_what_was_dropped_stands_again_when_what_came_after_it_is_refused(valley: Valley) -> None:
    """A record is read anew from its entries when one of them turns out to be refused; some are not there any more."""
    item = "badge_missing_count"
    valley.cuc.book.answer(valley.visit, item, 2)
    valley.cuc.book.remark(valley.visit, item, "đếm hai lần")
    await _a_closed_visit(valley)
    backed_up(valley)
    a_month_passes(valley)
    for _ in range(2):
        await valley.sync_until_quiet()
    assert len(kept(valley.cuc)) == 1
    valley.cuc.book.reopen_visit(valley.visit)
    foul = {"visit": valley.visit, "row": "", "item": item, "value": 12_000}
    valley.cuc.book._record([journal.Change("answer", f"{valley.visit}//{item}", foul, valley.visit)])
    await valley.sync_until_quiet()
    assert valley.cuc.book.waiting().rejected == 1
    assert valley.cuc.book.visit(valley.visit).values[("", item)] == 2
    assert dump(valley.cuc.book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)


@told
async def test_a_central_restored_from_the_backup_goes_on_where_the_phone_begins(valley: Valley) -> None:
    await _a_closed_visit(valley)
    backed_up(valley)
    a_month_passes(valley)
    await valley.sync_until_quiet()
    await valley.sync_until_quiet()
    assert kept(valley.cuc)[0] > 1
    valley.cuc.book.start_visit(unit_of(valley.cuc))
    await valley.sync_until_quiet()
    valley.restore_database("tape")
    await valley.sync_until_quiet("cuc", "dung")
    assert dump(valley.cuc.book.store) == dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert len({epoch for _, epoch, _, _ in own_entries(valley.cuc)}) == 1


@told
async def test_a_central_restored_from_before_the_backup_gets_what_is_left_under_a_new_name(valley: Valley) -> None:
    """Somebody put back an older copy than the one phones were told of: what they dropped is on that newer backup only."""
    valley.back_up_central("much older")
    await _a_closed_visit(valley)
    backed_up(valley)
    a_month_passes(valley)
    for _ in range(2):
        await valley.sync_until_quiet("cuc")
    assert kept(valley.cuc)[0] > 1
    newest = valley.cuc.book.start_visit(unit_of(valley.cuc))
    valley.restore_database("much older")
    await valley.sync_until_quiet("cuc", "dung")
    assert valley.cuc.book.waiting().is_empty
    assert newest in {line.id for line in valley.dung.book.visits()}
    assert valley.cuc.book.verify() is None


def test_the_checkpoint_of_a_chain_that_was_never_shortened_is_its_beginning(tmp_path: Path) -> None:
    phone = Phone(tmp_path)
    phone.enrol_alone()
    with phone.book.store.reading() as connection:
        assert phone.book.chain
        assert compact.checkpoint(connection, phone.book.chain[1]) == (0, journal.genesis(phone.book.chain[1]))
    phone.close()
