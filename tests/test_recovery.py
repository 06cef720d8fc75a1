"""A damaged notebook: nothing of it is thrown away, a new one begins as the same phone, and central gives back what it had."""

import io
import json
import os
import secrets
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.device.native import Native
from app.recovery import ENROLMENT, NOTEBOOK, PARTS
from app.state import AppState
from app.sync import journal
from central.verify import verify
from tests.field import ASSETS, FieldClock
from tests.sync.test_two_phones import photograph, snapshot
from tests.test_notebook_file import cut_short, emptied_head, flipped_page_of_answers, flipped_pages, noise
from tests.valley import NOON, Valley, dump, told

LATER = NOON + 3_600_000


class Handset(Native):
    """A real device, but for its clock and its line to the valley's central."""

    def __init__(self, folder: Path, valley: Valley, name: str):
        self.data, self.assets, self.central_url = folder, ASSETS, "http://central"
        self.clock = FieldClock(LATER)
        self._valley, self._name = valley, name

    def now(self) -> int:
        return self.clock()

    def client(self, base_url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._valley.lines[self._name], base_url=base_url, trust_env=False)

    def free_bytes(self) -> int:
        return 10**10


@dataclass
class Story:
    """Cúc's app, its folder, and what central had of her when the damage came."""

    valley: Valley
    app: AppState
    folder: Path

    def reopen(self) -> AppState:
        if self.app.notebook is not None:
            self.app.notebook.close()
        self.app = AppState.open(self.app.device)
        return self.app

    def break_file(self, damage: Callable[[bytes], bytes]) -> bytes:
        """Damage the closed notebook; returns its bytes as they are now."""
        self.app.book.close()
        path = self.folder / NOTEBOOK
        path.write_bytes(damage(path.read_bytes()))
        return path.read_bytes()

    def own_entries(self) -> list[journal.JournalEntry]:
        who = self.app.book.enrolment
        assert who is not None
        with self.app.book.store.reading() as connection:
            return journal.select(connection, "device = :d ORDER BY epoch, seq", d=who.device)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Cúc has recorded a morning with two photos and synced; then a tap and a photo that were never sent."""
    valley = Valley(tmp_path)
    valley.cuc.close()
    folder = valley.cuc.folder
    app = AppState.open(Handset(folder, valley, "cuc"))
    story = Story(valley, app, folder)
    yield story
    if story.app.notebook is not None:
        story.app.notebook.close()
    valley.cuc.open()
    valley.close()


async def a_synced_morning(story: Story) -> None:
    await story.app.open_photos()
    book, visit = story.app.book, story.valley.visit
    rooms = book.add_rooms(visit, [(f"Phòng {n}", 8) for n in range(40)])
    for room in rooms:
        book.set_heads(visit, room, {"head_present": 6, "head_absent_excused": 2})
    for number in (1, 2):
        await _photograph(story, number)
    assert await story.app.sync_once()
    book.answer(visit, "badge_missing_count", 5)
    await _photograph(story, 3)


async def _photograph(story: Story, number: int) -> None:
    """As `photograph`, with the app's own notebook and files."""
    phone = story.valley.cuc
    await story.app.open_photos()
    phone.book, phone.files = story.app.book, story.app.files  # type: ignore[assignment]
    await photograph(phone, story.valley.visit, number)


DAMAGES = [noise, cut_short, flipped_pages, flipped_page_of_answers, emptied_head]


@pytest.mark.parametrize("damage", DAMAGES)
@told
async def test_after_any_damage_everything_central_had_is_back_and_new_entries_go_out(
    story: Story, damage: Callable[[bytes], bytes]
) -> None:
    await a_synced_morning(story)
    epoch, device = story.own_entries()[-1].epoch, story.own_entries()[-1].device
    at_central = dump(story.valley.app.state.db)
    photos = story.app.files.names()  # type: ignore[union-attr]
    broken = story.break_file(damage)

    app = story.reopen()
    assert app.is_damaged and not app.is_open
    assert await app.raw_file() == (NOTEBOOK, broken)
    app.begin_anew()
    assert app.is_open and app.failure is None and app.book.visit_count() == 0
    (aside,) = app.recovery.aside  # type: ignore[union-attr]
    assert aside.startswith(f"{NOTEBOOK}.2026-11-21_") and (story.folder / aside).read_bytes() == broken
    assert app.book.enrolment is not None and app.book.enrolment.device == device
    assert app.book.chain is not None and app.book.chain[1] != epoch

    assert await app.sync_once()
    assert dump(app.book.store) == at_central
    assert app.book.verify() is None
    assert {e.epoch for e in story.own_entries()} == {epoch}, "its own earlier entries came back as they were"
    recovery = app.recovery
    assert recovery is not None and recovery.is_done
    assert (recovery.entries, recovery.visits, recovery.newest) == (len(story.own_entries()), 1, LATER)
    assert recovery.unknown_photos == 2, "the third photo and its preview are kept, though no entry names them any more"
    assert app.files is not None and app.files.names() == photos
    for photo in app.book.visit(story.valley.visit).photos:
        assert app.photo_bytes(photo.sha256) in (snapshot(1), snapshot(2))

    app.book.answer(story.valley.visit, "badge_missing_count", 7)
    assert await app.sync_once() and app.book.waiting().is_empty
    assert {e.epoch for e in story.own_entries()} == {epoch, app.book.chain[1]}
    assert dump(app.book.store) == dump(story.valley.app.state.db)
    with story.valley.app.state.db.reading() as connection:
        assert list(verify(connection, story.valley.app.state.photos)) == []
    app = story.reopen()
    assert app.recovery == recovery, "it stays until it has been read"
    app.put_recovery_away()
    assert story.reopen().recovery is None


@told
async def test_a_photo_central_had_not_received_yet_is_sent_from_the_file_that_is_still_here(story: Story) -> None:
    await _photograph(story, 1)
    story.valley.lines["cuc"].cuts = iter(["", *["before"] * 10])
    assert not await story.app.sync_once(), "the line broke after the figures"
    story.valley.lines["cuc"].cuts = iter(())
    photo = story.app.book.visit(story.valley.visit).photos[0]
    assert not story.valley.app.state.photos.has(photo.sha256)
    story.break_file(flipped_pages)
    app = story.reopen()
    app.begin_anew()
    assert await app.sync_once()
    assert story.valley.app.state.photos.read(photo.sha256) == snapshot(1)
    assert app.book.file_states()[photo.sha256].is_received and app.book.waiting().is_empty


@told
async def test_what_sqlite_left_beside_the_file_is_handed_out_with_it_and_set_aside_before_it(story: Story) -> None:
    await a_synced_morning(story)
    broken, journal_left = story.break_file(flipped_pages), secrets.token_bytes(5000)
    (story.folder / f"{NOTEBOOK}-journal").write_bytes(journal_left)
    app = story.reopen()
    name, data = await app.raw_file()
    assert name == "notebook.sqlite.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        there = {n: archive.read(n) for n in archive.namelist()}
    assert there == {NOTEBOOK: broken, f"{NOTEBOOK}-journal": journal_left}
    app.begin_anew()
    assert (
        app.recovery is not None and len(app.recovery.aside) == 2 and app.recovery.aside[-1].startswith(f"{NOTEBOOK}.")
    )
    _, data = await app.raw_file()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {archive.read(n) for n in archive.namelist()} == {broken, journal_left}
    assert await app.sync_once() and app.book.verify() is None


@told
async def test_a_second_damage_sets_a_second_file_aside(story: Story) -> None:
    asides = []
    for damage in (noise, flipped_pages):
        story.break_file(damage)
        app = story.reopen()
        app.begin_anew()
        assert await app.sync_once()
        assert app.recovery is not None
        asides += app.recovery.aside
        app.book.add_rooms(story.valley.visit, [(f"Phòng {secrets.token_hex(4)} {n}", 8) for n in range(40)])
        assert await app.sync_once()
    assert len(set(asides)) == 2 and all((story.folder / name).exists() for name in asides)
    epochs = {e.epoch for e in story.own_entries()}
    assert len(epochs) == 3 and dump(story.app.book.store) == dump(story.valley.app.state.db)


@told
async def test_who_the_phone_is_stands_beside_the_notebook_and_is_kept_from_others(story: Story) -> None:
    beside = story.folder / ENROLMENT
    enrolment = story.app.book.enrolment
    assert enrolment is not None and json.loads(beside.read_text(encoding="utf-8")) == enrolment.__dict__
    if os.name == "posix":
        assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    beside.unlink()
    story.reopen()
    assert json.loads(beside.read_text(encoding="utf-8")) == enrolment.__dict__, (
        "a phone of an earlier version gets it too"
    )


@told
async def test_a_notebook_that_is_simply_gone_is_begun_anew_by_itself(story: Story) -> None:
    await a_synced_morning(story)
    at_central = dump(story.valley.app.state.db)
    story.app.book.close()
    for part in PARTS:
        (story.folder / part).unlink(missing_ok=True)
    app = story.reopen()
    assert app.is_enrolled and app.recovery is not None and app.recovery.aside == ()
    assert await app.sync_once() and dump(app.book.store) == at_central
    assert app.recovery.is_done


@pytest.mark.parametrize("beside", [b"", b"{", b"[]", b'{"device": 1}', b"\xff\xfe"])
@told
async def test_without_a_readable_enrolment_the_new_notebook_is_enrolled_by_hand(story: Story, beside: bytes) -> None:
    story.break_file(noise)
    (story.folder / ENROLMENT).write_bytes(beside)
    app = story.reopen()
    app.begin_anew()
    assert app.is_open and not app.is_enrolled and app.recovery is not None


@told
async def test_a_phone_that_was_never_enrolled_begins_anew_too(tmp_path: Path) -> None:
    valley = Valley(tmp_path / "valley")
    device = Handset(tmp_path / "fresh", valley, "cuc")
    device.data.mkdir()
    (device.data / NOTEBOOK).write_bytes(b"this is no notebook" * 300)
    app = AppState.open(device)
    app.begin_anew()
    assert app.is_open and not app.is_enrolled
    app.book.close()
    valley.close()
