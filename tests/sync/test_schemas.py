"""Schemas of entries: journals of every released one read as they did, bytes untouched; phones old and new beside each other."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.schema import JOURNAL, migrate
from app.store import Store
from app.sync import exchange, journal, ledger, merge, receipts, upcast
from app.sync.journal import JournalEntry, Patch
from app.sync.stamp import Stamp
from app.sync.wire import from_central
from central import judge
from tests.golden.make import FOLDER, read
from tests.sync.test_exchange import a_morning
from tests.sync.test_two_phones import own_entries, snapshot
from tests.valley import Pen, Valley, told

GOLDEN = sorted(FOLDER.glob("schema*.json"))


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def golden(file: Path) -> tuple[list[JournalEntry], dict[str, Any]]:
    kept = json.loads(file.read_text(encoding="utf-8"))
    entries = []
    for *raw, ms, counter, verdict in kept["entries"]:
        entry = from_central(raw, {raw[0]: Stamp(ms, counter)})
        entries.append(entry._replace(verdict=verdict))
    return entries, kept["records"]


def replayed(folder: Path, entries: list[JournalEntry]) -> dict[str, Any]:
    """Every record as an empty notebook reads it from these entries."""
    store = Store(folder / "again.sqlite", [("journal", JOURNAL)])
    with store.writing() as connection:
        migrate(connection, "journal", JOURNAL)
        for entry in entries:
            journal.insert(connection, [entry])
            merge.apply(connection, [entry])
        for _, chain in journal.chains(connection):
            assert journal.verify_chain(chain) is None
        kept = [tuple(row) for row in journal.select(connection, "true ORDER BY position")]
        assert kept == [tuple(entry) for entry in sorted(entries, key=lambda e: e.position or 0)], (
            "bytes stay as they are"
        )
        records = {
            f"{kind} {record}": read(merge.load(connection, kind, record))
            for kind, record in {(entry.kind, entry.record) for entry in entries}
        }
        merge.rebuild(connection, ["visit", *merge.VISIT_KINDS[:4]])
        for name, reading in records.items():
            assert read(merge.load(connection, *name.split(" ", 1))) == reading
    store.close()
    return records


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
@pytest.mark.parametrize("seed", range(3))
def test_a_journal_of_every_released_schema_reads_as_it_did(tmp_path: Path, file: Path, seed: int) -> None:
    entries, records = golden(file)
    assert {entry.schema_version for entry in entries} == {int(file.stem.removeprefix("schema"))}
    assert {"visit", "count", "row", "answer", "photo", "drone_flight"} == {entry.kind for entry in entries}
    assert {entry.verdict for entry in entries} == {"applied", "rejected"}
    random.Random(seed).shuffle(entries)
    assert replayed(tmp_path, entries) == records


def test_there_is_a_golden_journal_and_a_step_for_every_schema() -> None:
    assert [file.stem for file in GOLDEN] == [f"schema{number}" for number in range(1, upcast.SCHEMA + 1)]
    assert sorted(upcast.STEPS) == list(range(1, upcast.SCHEMA))


# --- a made-up schema 2: what was "no" is "not_asked", and remarks shout ----------------------------------------------------


def to_made_up(kind: str, _record: str, patch: Patch) -> Patch:
    if kind != "answer":
        return patch
    patch = {**patch, "value": "not_asked"} if patch.get("value") == "no" else patch
    return {**patch, "remark": patch["remark"].upper()} if patch.get("remark") else patch


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (upcast, journal, ledger, judge):
        monkeypatch.setattr(module, "SCHEMA", 2)
    monkeypatch.setitem(upcast.STEPS, 1, to_made_up)


def test_old_entries_are_read_as_the_present_schema_and_their_bytes_stay(tmp_path: Path, made_up: None) -> None:
    entries, records = golden(GOLDEN[0])
    found = replayed(tmp_path, entries)
    values = {name: reading["fields"].get("value") for name, reading in found.items()}
    assert "no" not in values.values()
    changed = {name for name in found if found[name] != records[name]}
    assert changed == {name for name in records if records[name]["fields"].get("remark")} | {
        name for name in records if records[name]["fields"].get("value") == "no"
    }
    assert changed and all(found[name]["stamps"] == records[name]["stamps"] for name in found)


@told
async def test_an_updated_phone_sends_old_entries_as_they_are_and_new_ones_apart(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded before the update, sent after it: a batch holds one schema, and central reads both as the present one."""
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "no")
    for module in (upcast, journal, ledger, judge):
        monkeypatch.setattr(module, "SCHEMA", 2)
    monkeypatch.setitem(
        upcast.STEPS, 1, lambda _kind, _record, patch: {**patch, "value": "yes"} if "value" in patch else patch
    )
    valley.reopen("cuc")
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    await valley.sync_until_quiet("cuc", "dung")
    with valley.app.state.db.reading() as connection:
        held = journal.select(connection, "kind = 'answer' ORDER BY position")
        assert [(entry.schema_version, entry.fields["value"]) for entry in held] == [(1, "no"), (2, 2)]
        assert merge.load(connection, "answer", held[0].record).fields["value"] == "yes"
    assert valley.dung.book.visit(valley.visit).values[("", "badge_worn_all")] == "yes"


@told
async def test_an_old_app_still_delivers_and_is_told_why_it_sees_nothing_new(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dũng's app is of a newer schema than Cúc's, and than this central."""
    await valley.sync_until_quiet()
    pen = Pen(valley.dung, schema=2)
    newer = {"visit": valley.visit, "row": "", "item": "badge_worn_all", "value": {"mức": "mới"}, "sure": True}
    body = pen.body(pen.entry("answer", f"{valley.visit}//badge_worn_all", newer))
    answer = await valley.clients["dung"].post("/api/v1/sync", json=body, headers=pen.headers)
    assert answer.status_code == 200 and answer.json()["rejected"] == []
    with valley.app.state.db.reading() as connection:
        [kept] = journal.select(connection, "schema_version = 2")
        assert kept.patch == journal.canonical(newer) and kept.verdict == "applied"
        fields = merge.load(connection, "answer", kept.record).fields
        assert (fields["value"], fields["sure"]) == ({"mức": "mới"}, True)

    await a_morning(valley.cuc, valley.visit)
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Stopped) and trouble.name == "app-too-old"
    assert "hãy cập nhật ứng dụng" in trouble.words and "vẫn nhận" in trouble.words
    waiting = valley.cuc.book.waiting()
    assert waiting.is_empty, "figures, previews and photos have all gone"
    for number in (1, 2):
        assert valley.app.state.photos.missing([hashlib.sha256(snapshot(number)).hexdigest()]) == []
    with valley.app.state.db.reading() as connection:
        held = journal.select(connection, "device = :d", d=own_entries(valley.cuc)[0][0])
    assert len(held) == len(own_entries(valley.cuc))
    with valley.cuc.book.store.reading() as connection:
        assert journal.select(connection, "schema_version = 2") == []
        assert len(receipts.kept(connection)) > 1, "what it delivered is acknowledged and receipted"

    for module in (upcast, journal, ledger, judge):
        monkeypatch.setattr(module, "SCHEMA", 2)
    monkeypatch.setitem(upcast.STEPS, 1, lambda _kind, _record, patch: patch)
    valley.reopen("cuc")  # updated
    assert await valley.sync("cuc") is None
    with valley.cuc.book.store.reading() as connection:
        [pulled] = journal.select(connection, "schema_version = 2")
    assert pulled.patch == kept.patch and valley.cuc.book.verify() is None


@told
async def test_what_an_old_app_can_read_before_the_first_newer_entry_it_gets(valley: Valley) -> None:
    valley.dung.book.answer(valley.visit, "objective_difficulty", "Đường xa")
    await valley.sync("dung")
    pen = Pen(valley.dung, epoch="cd" * 16, schema=2)
    body = pen.body(pen.entry("answer", f"{valley.visit}//badge_worn_all", {"value": "yes"}))
    assert (await valley.clients["dung"].post("/api/v1/sync", json=body, headers=pen.headers)).status_code == 200
    assert isinstance(await valley.sync("cuc"), exchange.Stopped)
    assert valley.cuc.book.visit(valley.visit).values[("", "objective_difficulty")] == "Đường xa"
