"""A phone in the simulation: the real notebook and the real sync over a file and a clock that can do anything."""

import asyncio
import contextlib
import hashlib
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx

from app import recorder
from app.checklist import Refusal
from app.notebook import Notebook, PhotoFacts
from app.photos.store import NoRoom, PhotoFiles
from app.recorder import VisitShut
from app.schema import migrate, read_meta, write_meta
from app.store import DiskFull
from app.sync import exchange
from app.sync.journal import Change
from tests.simulation import signing
from tests.simulation.clockwork import NOON
from tests.simulation.database import Database, PowerCut
from tests.simulation.network import Client, Line

if TYPE_CHECKING:
    from tests.simulation.world import World

YEAR_MS = 365 * 24 * 3_600_000


class Folder:
    """Photo files of a phone; what is written is durable when `write` returns."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.is_full = False

    def names(self) -> set[str]:
        return set(self.files)

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def size(self, name: str) -> int | None:
        return len(self.files[name]) if name in self.files else None

    async def write(self, name: str, data: bytes) -> None:
        await asyncio.sleep(0.01)
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.files[name] = data

    async def remove(self, name: str) -> None:
        self.files.pop(name, None)


def open_notebook(database: Database, now: Any, entropy: Any) -> Notebook:
    """The real notebook over a simulated file."""

    def store(_path: Path, parts: Any, *_other: Any) -> Database:
        with database.writing() as connection:
            for name, steps in parts:
                migrate(connection, name, steps)  # type: ignore[arg-type]
            if not read_meta(connection, "reference_seeded"):  # type: ignore[arg-type]
                write_meta(connection, "reference_seeded", "1")  # type: ignore[arg-type]
        return database

    with mock.patch.object(recorder, "Store", store):
        return Notebook(Path("notebook"), now=now, entropy=entropy, assets=Path("none"))


class Phone:
    """One phone. `book` is None while it is off."""

    def __init__(self, world: "World", name: str, image: bytes, files: dict[str, bytes], team: str):
        self.world, self.name, self.team = world, name, team
        self.database = Database(image)
        self.folder = Folder()
        self.folder.files.update(files)
        self.offset_ms = 0
        self.entropy = world.luck(f"entropy of {name}").randbytes
        self.backups: list[tuple[bytes, dict[str, bytes]]] = []
        self.is_revoked = False
        self.book: Notebook | None = None
        self.syncing: asyncio.Task[None] | None = None
        self.line = Line(self)
        self.client = Client(self.line)
        self.trouble: Exception | None = None
        """How the last sync ended."""

    def now(self) -> int:
        return NOON + int(self.world.loop.seconds * 1000) + self.offset_ms

    # On and off

    def on(self) -> Notebook:
        while self.book is None:
            try:
                self.book = open_notebook(self.database, self.now, self.entropy)
                self.files = PhotoFiles(self.folder)
            except DiskFull:  # not even room to open: some is made by hand
                self.fill(None)
            except PowerCut:
                self.off("loses power while it opens")
        enrolment = self.book.enrolment
        assert enrolment is not None
        self.device, self.token, self.user = enrolment.device, enrolment.token, enrolment.user
        return self.book

    def off(self, why: str) -> None:
        """The app is killed, or the battery is taken out."""
        self.world.say(self.name, why)
        if self.syncing is not None:
            self.syncing.cancel()
            self.syncing = None
        self.database.power_cut()
        left, self.database = self.database, Database(self.database.image())
        left.is_gone, self.database.is_flushing, self.database.flushed = True, left.is_flushing, left.flushed
        self.book = None

    def restore(self, image: bytes, files: dict[str, bytes]) -> None:
        """The notebook is that of a backup; what was written since is gone from here."""
        self.off("is restored from a backup")
        self.database.replace(image)
        self.folder.files = dict(files)

    def fill(self, pages: int | None) -> None:
        self.database.fill(pages)
        self.folder.is_full = pages is not None

    # Sync

    def sync(self, salt: str, rate: float) -> None:
        """Begin a sync, unless one is under way."""
        if self.syncing is not None:
            return
        self.line.rng = self.world.luck(salt)
        self.line.rate = rate
        self.syncing = self.world.loop.create_task(self._sync(self.on()))

    async def _sync(self, book: Notebook) -> None:
        async def read_file(name: str) -> bytes:
            return self.files.read(name)

        job = exchange.Run(
            book.store, self.client, self.token, self.now, self.entropy, read_file, lambda _: None,
            book.changed_by_sync, book.reload,
        )  # fmt: skip
        self.trouble = None
        try:
            await exchange.run(job)
        except (httpx.TransportError, exchange.Busy, exchange.Stopped, DiskFull) as trouble:
            self.trouble = trouble
            self.world.count(f"sync ended: {type(trouble).__name__}")
        except PowerCut:
            self.off("loses power in the middle of a sync")
        except Exception as error:
            self.world.broken.append(error)
        else:
            self.world.count("sync ended well")
        finally:
            if self.syncing is asyncio.current_task():
                self.syncing = None

    async def synced(self) -> None:
        """Wait for a sync that is under way."""
        if self.syncing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self.syncing

    # Taps

    async def tap(self, what: str, rng: random.Random) -> None:
        """One tap; what the notebook refuses (the visit is closed, the room exists) changes nothing."""
        book = self.on()
        before = self.world.oracle.before_tap(self)
        try:
            with contextlib.suppress(Refusal, VisitShut, NoRoom, DiskFull):
                await self._tap(book, what, rng)
        except PowerCut:
            self.off(f"loses power during {what}")
        self.world.oracle.after_tap(self, before, what)

    async def _tap(self, book: Notebook, what: str, rng: random.Random) -> None:
        visits = self._newest() if what != "visit" else []
        if what == "visit" or not visits:
            book.start_visit(f"Xã {rng.randrange(10**6)}")
            return
        visit = visits[-1] if rng.random() < 0.6 else rng.choice(sorted(visits))
        number = self.world.number()
        rooms = [room.id for room in book.visit(visit).rooms()] if what in ("heads", "rename", "remove room") else []
        match what:
            case "answer":
                item, value = rng.choice(
                    [
                        ("badge_missing_count", rng.choice([3, 4, number])), ("badge_missing_count", number),
                        ("badge_worn_all", rng.choice(["yes", "no", None])), ("objective_difficulty", f"lý do {number}"),
                    ]
                )  # fmt: skip
                book.answer(visit, item, value)
            case "remark":
                book.remark(visit, rng.choice(["badge_worn_all", "badge_missing_count"]), f"ghi chú {number}")
            case "room":
                book.add_room(visit, rng.choice(["Phòng Nội vụ", "phòng nội vụ", "Văn phòng", f"Phòng {number}"]))
            case "heads" if rooms:
                total = rng.choice([5, number])
                book.set_heads(visit, rng.choice(rooms), {"head_total": total, "head_present": rng.choice([3, number])})
            case "rename" if rooms:
                book.rename_row(visit, rng.choice(rooms), f"Phòng {number}")
            case "remove room" if rooms:
                book.remove_row(visit, rng.choice(rooms))
            case "photo":
                await self._photograph(book, visit, number, rng)
            case "caption" if photos := book.visit(visit).photos:
                book.edit_photo(rng.choice(photos), caption=f"ảnh {number}")
            case "remove photo" if photos := book.visit(visit).photos:
                book.remove_photo(rng.choice(photos))
            case "close":
                book.close_visit(visit)
            case "reopen":
                book.reopen_visit(visit)
            case "undo":
                book.undo(visit)
            case _ if what in signing.TAPS:
                signing.tap(book, visit, what, rng, number)
            case "foul":  # what a newer or a tampered app might write
                answer = {"visit": visit, "row": "", "item": "badge_missing_count", "value": 12_000 + number}
                book._record([Change("answer", f"{visit}//badge_missing_count", answer, visit)])
            case "unknown":
                book._record([Change("drone_flight", f"{visit}:{number % 3}", {"visit": visit, "mức": number}, visit)])

    def _newest(self) -> list[str]:
        """The visits as they stand on the first screen."""
        raw = self.database.connection.raw
        order = "visit_date DESC, visit_started_at DESC, id DESC LIMIT 30"
        return [visit for (visit,) in raw.execute(f"SELECT id FROM visit ORDER BY {order}")]

    async def _photograph(self, book: Notebook, visit: str, number: int, rng: random.Random) -> None:
        size = rng.choice([300, 3000, 3000, 20_000, 70_000, 150_000])
        full, small = rng.randbytes(size) + str(number).encode(), rng.randbytes(60)
        names = [hashlib.sha256(data).hexdigest() for data in (full, small)]
        for name, data in zip(names, (full, small), strict=True):
            self.world.files[name] = data
            await self.files.keep(name, data)
        if self.book is book:  # it was not killed meanwhile
            book.add_photo(visit, PhotoFacts(names[0], len(full), 40, 30, "image/jpeg", names[1], len(small)))
