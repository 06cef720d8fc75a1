"""SIGKILL at every sync point and at random moments of a sync with photos: afterwards everything is as without kills."""

import asyncio
import contextlib
import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.notebook import PhotoFacts
from app.sync.exchange import Busy, Stopped
from central.database import Database
from central.photo_store import PhotoStore
from central.verify import verify
from tests.field import Phone
from tests.kills.forks import SYNCS, Forks, copied
from tests.powercuts.strace import why_not
from tests.test_killed import check, few_units
from tests.valley import Valley, free_port, rows_of

can_be_traced = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can be traced")

CENTRALS_TABLES = ("entry", "receipt", "visit", "count", "row", "answer", "photo", "other", "received_file")
PHONES_TABLES = ("entry", "visit", "count", "row", "answer", "photo", "other", "file", "conflict")
TRIES = 200
"""More than any story needs: a phone that does not get through by then never will."""


@dataclass
class Stage:
    """A central and a phone with an afternoon's work that is not sent, as often as a story wants them anew."""

    folder: Path
    prepared: Path
    port: int
    central: Forks
    app: Forks
    expected: Any = None
    """What both ends hold after a sync without kills."""
    seconds: float = 0.0
    """How long that sync took."""

    def set_up(self) -> None:
        for part in ("central", "cuc"):
            copied(self.prepared / part, self.folder / part)

    def start_central(self, killed_at: tuple[str, int] | None = None) -> None:
        """Central serves when this returns; the syncs at which it may be killed are counted from then on."""
        self.central.start(str(self.folder / "central"), self.port)
        assert self.central.until_ready()
        if killed_at:
            self.central.attach(*killed_at)

    def start_app(self, killed_at: tuple[str, int] | None = None) -> None:
        self.app.start(str(self.folder / "cuc"), killed_at=killed_at)

    def outcome(self) -> Any:
        """All that both ends hold; kiemtra verify must find nothing."""
        database = Database(f"sqlite:///{self.folder / 'central' / 'central.sqlite'}")
        photos = PhotoStore(self.folder / "central" / "photos")
        try:
            with database.reading() as connection:
                assert list(verify(connection, photos)) == []
                central = {table: rows_of_any(connection, table) for table in CENTRALS_TABLES}
        finally:
            database.close()
        phone = Phone(self.folder / "cuc")
        with phone.book.store.reading() as connection:
            held = {table: rows_of_any(connection, table) for table in PHONES_TABLES}
        assert phone.book.verify() is None and phone.book.waiting().is_empty
        phone.close()
        return central, held, files_in(self.folder / "central" / "photos"), files_in(self.folder / "cuc" / "photos")


def rows_of_any(connection: Any, table: str) -> Any:
    if table in ("entry", "receipt"):
        return sorted(tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}"))
    if table in ("received_file", "file", "conflict"):
        return sorted(str(tuple(row)) for row in connection.exec_driver_sql(f"SELECT * FROM {table}"))
    return rows_of(connection, table)


def files_in(folder: Path) -> dict[str, str]:
    """Every file below a folder, unfinished ones included, with its SHA-256."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


async def prepare(folder: Path, port: int) -> None:
    """Cúc has counted and photographed since her last sync, Dũng has sent what she has yet to fetch."""
    valley = Valley(folder, names=("cuc", "dung"))
    rooms = [valley.dung.book.add_room(valley.visit, name, roll=9) for name in ("Phòng Nội vụ", "Phòng Kinh tế")]
    for room in rooms:
        valley.dung.book.set_heads(valley.visit, room, {"head_total": 9, "head_present": 8})
    await valley.sync("dung")
    book, dice = valley.cuc.book, random.Random(3)
    for number in range(4):
        room = book.add_room(valley.visit, f"Phòng {number}", roll=5)
        book.set_heads(valley.visit, room, {"head_total": 5, "head_present": number})
    for size in (40_000, 150_000):
        photo, preview = dice.randbytes(size), dice.randbytes(6_000)
        names = [hashlib.sha256(data).hexdigest() for data in (photo, preview)]
        for name, data in zip(names, (photo, preview), strict=True):
            await valley.cuc.files.keep(name, data)
        facts = PhotoFacts(names[0], size, 1600, 1200, "image/jpeg", names[1], 6_000)
        book.add_photo(valley.visit, facts, item="tthc_board_photo")
    valley.close()
    for client in valley.clients.values():
        await client.aclose()
    with contextlib.closing(sqlite3.connect(folder / "cuc" / "notebook.sqlite")) as notebook, notebook:
        (who,) = notebook.execute("SELECT value FROM meta WHERE key = 'enrolment'").fetchone()
        moved = json.dumps(json.loads(who) | {"central_url": f"http://127.0.0.1:{port}"})
        notebook.execute("UPDATE meta SET value = ? WHERE key = 'enrolment'", (moved,))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, port = tmp_path_factory.mktemp("kills"), free_port()
    with contextlib.closing(Forks("central")) as central, contextlib.closing(Forks("app")) as app:
        asyncio.run(prepare(folder / "prepared", port))
        stage = Stage(folder, folder / "prepared", port, central, app)
        stage.set_up()
        stage.start_central()
        began = time.monotonic()
        stage.start_app()
        assert app.until_gone() == 0
        stage.seconds = time.monotonic() - began
        central.kill()
        stage.expected = stage.outcome()
        yield stage


async def deliver(stage: Stage) -> None:
    """Cúc's phone syncs; as often as central is killed it is started again."""
    phone = Phone(stage.folder / "cuc")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stage.port}", timeout=20) as client:
        for _ in range(TRIES):
            try:
                await phone.sync(client)
                break
            except (httpx.TransportError, Busy, Stopped):
                if stage.central.was_killed:
                    assert stage.central.until_gone() == -9
                    stage.start_central()
        else:
            raise AssertionError("the phone never got through")
    phone.close()


def kill_central_at(stage: Stage, call: str, number: int) -> bool:
    """A sync in which central is killed at its nth call of that name; False when it had fewer."""
    stage.set_up()
    lives = stage.central.lives
    stage.start_central((call, number))
    asyncio.run(deliver(stage))
    was_killed = stage.central.lives > lives + 1
    stage.central.kill()
    assert stage.outcome() == stage.expected
    return was_killed


def kill_central_starting_at(stage: Stage, call: str, number: int) -> bool:
    """As above, while central opens its data; the phone comes afterwards."""
    stage.set_up()
    stage.central.start(str(stage.folder / "central"), stage.port, killed_at=(call, number))
    was_killed = not stage.central.until_ready()
    if not was_killed:
        stage.central.kill()
    stage.start_central()
    asyncio.run(deliver(stage))
    stage.central.kill()
    assert stage.outcome() == stage.expected
    return was_killed


def kill_app_at(stage: Stage, call: str, number: int) -> bool:
    stage.set_up()
    stage.start_central()
    stage.start_app((call, number))
    status = stage.app.until_gone()
    if status == -9:
        stage.start_app()
        assert stage.app.until_gone() == 0
    stage.central.kill()
    assert stage.outcome() == stage.expected
    return status == -9


def kill_recorder_at_every(folder: Path, numbers: range) -> None:
    """The app is killed at its nth sync while an inspector taps: what was shown is there, and nothing by halves."""
    assets, shown = few_units(folder / "assets"), 0
    with contextlib.closing(Forks("recorder")) as recorder:
        for call, number in [("fsync", 1), *(("fdatasync", number) for number in numbers)]:
            phone = folder / f"{call}-{number}"
            phone.mkdir()
            recorder.start(str(phone), str(assets), number, killed_at=(call, number))
            assert recorder.until_gone() == -9
            check(phone, [line[1:] for line in recorder.said if line[0] == "saved"])
            shown += len(recorder.said)
    assert shown > len(numbers), "there were taps between the syncs"


def kill_at_every(kill: Any, stage: Stage, step: int = 1) -> int:
    """Kill at the first, second … sync of each kind until there is none any more; how many there were."""
    kills = 0
    for call in SYNCS:
        number = 1
        while kill(stage, call, number):
            kills += 1
            number += step
    print(f"{kill.__name__}: {kills} kills")
    return kills


@can_be_traced
def test_central_is_killed_at_some_sync_points(stage: Stage) -> None:
    assert kill_at_every(kill_central_at, stage, step=10) >= 3


@can_be_traced
def test_the_app_is_killed_at_some_sync_points(stage: Stage) -> None:
    assert kill_at_every(kill_app_at, stage, step=5) >= 2


@can_be_traced
def test_the_app_is_killed_at_sync_points_while_it_records(tmp_path: Path) -> None:
    kill_recorder_at_every(tmp_path, range(1, 40, 6))


@can_be_traced
@pytest.mark.long
def test_the_app_is_killed_at_every_sync_point_while_it_records(tmp_path: Path) -> None:
    kill_recorder_at_every(tmp_path, range(1, 80))


@can_be_traced
@pytest.mark.long
def test_central_is_killed_at_every_sync_point(stage: Stage) -> None:
    assert kill_at_every(kill_central_starting_at, stage) >= 2
    assert kill_at_every(kill_central_at, stage) >= 20


@can_be_traced
@pytest.mark.long
def test_the_app_is_killed_at_every_sync_point(stage: Stage) -> None:
    assert kill_at_every(kill_app_at, stage) >= 6


def kill_at_random(stage: Stage, kills: int, seed: int) -> int:
    """Central and the app are killed in turn at random moments until both have been often enough; how many times."""
    dice, done = random.Random(seed), 0
    while done < kills:
        stage.set_up()
        stage.start_central()
        stage.start_app()
        for _ in range(4):
            time.sleep(dice.random() * stage.seconds)  # the moment itself is what is random
            if dice.random() < 0.5:
                done += stage.central.kill() == -9
                stage.start_central()
            elif stage.app.kill() == -9:
                done += 1
                stage.start_app()
            else:
                break  # it was through already
        else:
            assert stage.app.until_gone() == 0
        stage.central.kill()
        assert stage.outcome() == stage.expected
    return done


def test_killed_at_random_moments_of_a_sync_all_arrives(stage: Stage) -> None:
    assert kill_at_random(stage, 12, seed=20261122) >= 12


@pytest.mark.long
def test_killed_two_hundred_times_during_a_sync_all_arrives(stage: Stage) -> None:
    assert kill_at_random(stage, 200, seed=20261123) >= 200
