"""Central restored from a backup: it is found out by itself, phones send again what is missing, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sync import exchange
from app.sync.journal import Change
from central.cli import main
from central.database import Database
from central.holes import holes
from central.intake import write_as_central
from central.verify import verify
from central.witness import Witness
from tests.sync.test_exchange import _both_worked, a_morning, copy_of, entries_at_central
from tests.sync.test_two_phones import assert_all_agree, own_entries
from tests.valley import Valley, dump, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def missing(valley: Valley) -> list[tuple[str, int, int]]:
    """(device, first, last) of what central knows to be missing."""
    with valley.app.state.db.reading() as connection:
        return [(hole.device, hole.first, hole.last) for hole in holes(connection)]


def findings(valley: Valley) -> list[str]:
    with valley.app.state.db.reading() as connection:
        return [str(finding) for finding in verify(connection, valley.app.state.photos)]


@told
async def test_a_restored_database_is_found_out_named_and_filled_up_again(valley: Valley) -> None:
    valley.cuc.book.answer(valley.visit, "objective_difficulty", "Mất điện")
    await valley.sync_until_quiet()
    valley.back_up_central("last night")
    known_as = valley.app.state.db.server_id
    await _both_worked(valley)
    before = dump(valley.app.state.db)
    devices = sorted(own_entries(valley.phones[name])[0][0] for name in ("cuc", "dung"))
    valley.restore_database("last night")
    assert valley.app.state.db.server_id != known_as
    assert sorted(device for device, *_ in missing(valley)) == devices
    assert all("khôi phục" in finding for finding in findings(valley)) and findings(valley)
    await valley.sync_until_quiet("cuc", "dung")
    assert missing(valley) == [] and findings(valley) == []
    assert dump(valley.app.state.db) == before
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_database_that_was_not_restored_keeps_its_name(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    known_as = valley.app.state.db.server_id
    for _ in range(2):
        valley.app.state.db.close()
        valley.app.state.db = Database(valley.settings.database_url)
    assert valley.app.state.db.server_id == known_as
    with open(valley.settings.data / "central.sqlite.witness", "a", encoding="ascii") as witness:
        witness.write("0199c0de-0000-7000-8000-000000000001 abab")  # torn by a power cut
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url)
    assert valley.app.state.db.server_id == known_as and missing(valley) == []


@told
@pytest.mark.parametrize(
    "torn", ["0199c0de-00", "\0" * 120 + "0199c0de-0000-7000-8000-000000000009 " + "ab" * 16 + " 9 " + "cd" * 32 + "\n"]
)
async def test_central_goes_on_after_a_cut_that_tore_its_witness(valley: Valley, torn: str) -> None:
    """What follows a torn line, and the end of a line whose beginning became zeros, name no phone that never was."""
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    known_as = valley.app.state.db.server_id
    with open(valley.settings.data / "central.sqlite.witness", "a", encoding="ascii") as witness:
        witness.write(torn)
    valley.dung.book.remark(valley.visit, "good_practice", "sau khi mất điện")
    await valley.sync_until_quiet()
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url)
    assert valley.app.state.db.server_id == known_as and missing(valley) == []


@told
async def test_a_backup_restored_twice_over_is_found_out_twice(valley: Valley) -> None:
    valley.back_up_central("last night")
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    names = {valley.app.state.db.server_id}
    for _ in range(2):
        valley.restore_database("last night")
        names.add(valley.app.state.db.server_id)
        assert len(missing(valley)) == 1
    await valley.sync_until_quiet()
    assert len(names) == 3 and missing(valley) == []
    assert_all_agree(valley, [valley.visit])


@told
async def test_the_command_names_what_a_restored_central_lacks(
    valley: Valley, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    valley.back_up_central("last night")
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    [(device, *_)] = own_entries(valley.cuc)[:1]
    valley.restore_database("last night")
    known_as = valley.app.state.db.server_id
    monkeypatch.setenv("KIEMTRA_DATA", str(valley.settings.data))
    assert main(["restored"]) == 0
    said = capsys.readouterr().out
    assert device in said and known_as not in said
    assert main(["verify"]) == 1 and "đang chờ các máy gửi lại" in capsys.readouterr().out
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url)
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_witness_on_another_disk_tells_of_a_folder_restored_whole(valley: Valley, tmp_path: Path) -> None:
    """With everything restored from one folder nothing beside the database knows better; a witness elsewhere does."""
    apart = tmp_path / "apart" / "witness"
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url, apart)
    valley.back_up_central("last night")
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url, apart)
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    seen = Witness(apart).read()
    assert seen and (entries_at_central(valley)[-1][2], entries_at_central(valley)[-1][3]) in seen.ends.values()
    known_as = valley.app.state.db.server_id
    valley.replace_central("last night")
    assert valley.app.state.db.server_id == known_as
    valley.app.state.db.close()
    valley.app.state.db = Database(valley.settings.database_url, apart)
    assert valley.app.state.db.server_id != known_as and len(missing(valley)) == 1


@told
async def test_a_copied_notebook_hears_how_a_restored_central_dates_what_the_other_copy_sent_again(
    valley: Valley,
) -> None:
    """Its clock ran ahead, so what counts is when central had it first; and for a restored central that is later."""
    valley.back_up_central("last night")
    valley.cuc.clock.advance(3600_000)  # type: ignore[attr-defined]
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert await valley.sync("cuc") is None
    with copy_of(valley, "cuc", "copy") as copy:
        valley.restore_database("last night")
        for clock in (valley.clock, valley.cuc.clock):
            clock.advance(7 * 60_000)  # type: ignore[attr-defined]
        await valley.sync_until_quiet("cuc", "copy", "dung")
        assert dump(valley.cuc.book.store) == dump(valley.app.state.db) == dump(copy.book.store)
        asked = len(valley.lines["copy"].asked)
        assert await valley.sync("copy") is None
        assert valley.lines["copy"].asked[asked:].count("POST /api/v1/sync") == 1


@told
async def test_a_copied_notebook_hears_what_a_restored_central_refused_before_it_had_to_go_on_under_a_new_name(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the refused entry is shown nowhere else: the copy showed it for ever."""
    valley.back_up_central("last night")
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert await valley.sync("cuc") is None
    foul = Change("answer", f"{valley.visit}//none", {"value": 1, "item": "none"}, valley.visit)
    valley.cuc.book._record([foul])
    valley.cuc.book.answer(valley.visit, "objective_difficulty", "Đường xa")
    with copy_of(valley, "cuc", "copy") as copy:
        valley.restore_database("last night")
        monkeypatch.setattr(exchange, "MAX_ENTRIES", 2)
        await valley.sync("cuc", ["", "", "before"])  # the answer and what is refused have arrived
        await valley.sync("copy", ["", "before"])  # it has been told so, and no more
        valley.cuc.book.answer(valley.visit, "badge_worn_all", "no")
        assert await valley.sync("cuc") is None
        await valley.sync_until_quiet("copy", "cuc", "dung")
        assert dump(copy.book.store) == dump(valley.cuc.book.store) == dump(valley.app.state.db)
        assert len(valley.cuc.book.refusals()) == len(copy.book.refusals()) == 1
        assert copy.book.verify() is None


@told
async def test_a_restore_shows_though_the_entry_a_phone_had_heard_of_last_comes_to_its_old_place_again(
    valley: Valley,
) -> None:
    """The folder was put back whole, its witness too: Cúc's phone never showed what Home Affairs had found since."""
    await valley.sync_until_quiet()
    valley.back_up_central("last night")
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert await valley.sync("cuc") is None
    valley.dung.book.remark(valley.visit, "good_practice", "sân sạch")
    assert await valley.sync("dung", ["after"]) is not None
    assert await valley.sync("cuc") is None
    valley.replace_central("last night")
    db = valley.app.state.db
    found = Change(
        "finding", "01a1fc79-c080-7000-8000-00000000000f", {"visit": valley.visit, "text": "Thiếu biển"}, valley.visit
    )
    with db.writing() as connection:  # it stands where Cúc's answer stood, and Dũng's remark comes behind it as before
        write_as_central(connection, db.central_device, "an", [found], valley.clock())
    assert await valley.sync("dung") is None
    await valley.sync_until_quiet("cuc", "dung")
    assert [finding.text for finding in valley.cuc.book.visit(valley.visit).evidence.findings] == ["Thiếu biển"]
    assert_all_agree(valley, [valley.visit])


@told
async def test_a_copied_notebook_that_goes_on_under_a_new_name_hears_what_was_refused_under_the_old_one(
    valley: Valley,
) -> None:
    """A restored central told the copy that it had these entries, and then that the other phone had gone on differently."""
    valley.back_up_central("last night")
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert await valley.sync("cuc") is None
    foul = Change("answer", f"{valley.visit}//none", {"value": 1, "item": "none"}, valley.visit)
    valley.cuc.book._record([foul])
    with copy_of(valley, "cuc", "copy") as copy:
        valley.restore_database("last night")
        await valley.sync("cuc", ["", "after"])  # what is refused has arrived
        copy.book.answer(valley.visit, "objective_difficulty", "Đường xa")
        await valley.sync("copy", ["", "before"])
        valley.cuc.book.answer(valley.visit, "badge_worn_all", "no")
        assert await valley.sync("cuc") is None
        await valley.sync_until_quiet("copy", "cuc", "dung")
        assert dump(copy.book.store) == dump(valley.cuc.book.store) == dump(valley.app.state.db)
        assert len(valley.cuc.book.refusals()) == len(copy.book.refusals()) == 1
        assert copy.book.verify() is None
