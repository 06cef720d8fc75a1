"""Central in the simulation: its own endpoints over a database and a photo disk that can lose power or be put back.

What FastAPI does around an endpoint (routing, unpacking, finding the caller) is done here in a few lines; everything from
the endpoint on is the real code. `/reference` always says "not changed": it is no part of what is simulated.
"""

import asyncio
import gzip
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import ClientDisconnect

from app.schema import read_meta
from app.sync.journal import Change
from central import access, sync_api, uploads
from central.database import Database as RealDatabase
from central.database import note_opening
from central.holes import Life, acked, ends_held
from central.intake import write_as_central
from central.lean import Lean
from central.photo_store import PhotoStore
from central.problems import Problem
from central.readings import Readings
from central.witness import Seen
from tests.simulation.clockwork import NOON
from tests.simulation.database import Database, PowerCut
from tests.simulation.disk import Disk
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.world import World

SECRET = b"k" * 32
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Witness:
    """As `central.witness.Witness`, on a disk that is not waited for: a power cut takes some of the last lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[Life, tuple[int, str]]] = []
        self.server_id: str | None = None
        self.fresh = 0
        """Lines since the last cut."""
        self.is_large = False

    def read(self) -> Seen | None:
        if self.server_id is None:
            return None
        ends: dict[Life, tuple[int, str]] = {}
        for life, end in self.lines:
            ends[life] = max(end, ends.get(life, end))
        return Seen(self.server_id, ends)

    def begin(self, server_id: str, ends: Mapping[Life, tuple[int, str]]) -> None:
        self.server_id, self.lines, self.fresh = server_id, sorted(ends.items()), 0

    def note(self, ends: Mapping[Life, tuple[int, str]]) -> None:
        self.lines += sorted(ends.items())
        self.fresh += len(ends)

    def power_cut(self, rng: random.Random) -> None:
        lost = rng.randint(0, self.fresh) if rng.random() < 0.3 else 0
        self.lines, self.fresh = self.lines[: len(self.lines) - lost], 0


class CentralDatabase(Database):
    """As `central.database.Database`, whose own code finds out here too whether this is the database phones know."""

    server_id = ""
    central_device = ""
    _look_back = RealDatabase._look_back
    restored = RealDatabase.restored

    def __init__(self, image: bytes, witness: Witness):
        super().__init__(image)
        self._witness = witness

    def start(self) -> None:
        """Opened by central."""
        self.server_id = read_meta(self.connection, "server_id") or ""  # type: ignore[arg-type]
        self.central_device = read_meta(self.connection, "central_device") or ""  # type: ignore[arg-type]
        with self.writing() as connection:
            note_opening(connection)  # type: ignore[arg-type]
        self._look_back()  # type: ignore[misc]

    @contextmanager
    def writing(self) -> Iterator[Lean]:
        ends: dict[Life, tuple[int, str]] = {}
        self.connection.info["ends"] = ends
        with super().writing() as connection:
            yield connection
        self._witness.note(ends)


class Central:
    """One central; `app.state` of its requests is `state`."""

    def __init__(self, world: "World", image: bytes, photos: dict[str, bytes]):
        self.world = world
        self.witness = Witness()
        self.database = CentralDatabase(image, self.witness)
        self.disk = Disk(lambda: self.now() / 1000)
        root = self.disk.root()
        (root / "parts").mkdir()
        self.disk.restore(photos)
        self.offset_ms = 0
        self.is_up = True
        self.torn: set[str] = set()
        """Photos under way at a power cut: of their bytes anything may be left."""
        self.backups: list[tuple[bytes, dict[str, bytes]]] = []
        self._running: set[asyncio.Task[Any]] = set()

    def now(self) -> int:
        return NOON + int(self.world.loop.seconds * 1000) + self.offset_ms

    def start(self) -> None:
        self.database.commits_left = self.disk.writes_left = None
        self.database.start()
        self.state = SimpleNamespace(
            db=self.database,
            photos=PhotoStore(self.disk.root()),  # type: ignore[arg-type]
            readings=Readings(),
            settings=SimpleNamespace(secret=SECRET),
            now=self.now,
        )

    # What reaches it

    def take(self, method: str, path: str, headers: list[tuple[bytes, bytes]], receive: Receive) -> asyncio.Task[Any]:
        """A request begins to arrive; the task gives (status, headers, body)."""
        task = self.world.loop.create_task(self._answer(method, path, headers, receive))
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, PowerCut):
            self.power_cut("in the middle of a write")
        elif error is not None:
            self.world.broken.append(error)

    async def _answer(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], receive: Receive
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        scope = {
            "type": "http", "method": method, "path": path, "headers": headers, "query_string": b"", "app": self,
            "scheme": "http", "server": ("central", 80), "root_path": "",
            "client": ("10.0.0.1", 1),
        }  # fmt: skip
        request = Request(scope, receive)
        try:
            response = await self._route(method, path, request)
        except Problem as problem:
            response = problem.response()
        except ClientDisconnect:
            return 499, [], b""  # nobody is there to hear it
        if path.startswith(f"{access.router.prefix}/uploads"):
            response.headers["Tus-Resumable"] = "1.0.0"
        return response.status_code, response.raw_headers, bytes(response.body)

    async def _route(self, method: str, path: str, request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        given = HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)
        place = path.removeprefix("/api/v1")
        if place == "/sync":
            packed = await request.body()
            request._body = gzip.decompress(packed)
            return await sync_api.post_sync(request, given)
        caller = access.device_even_revoked(access.caller_even_revoked(request, given))
        access.require_caller(caller)
        if place == "/reference":
            return Response(status_code=304)
        if place == "/uploads":
            try:
                return await uploads.post_upload(request, caller)
            finally:
                self._look_at()
        sha256 = place.removeprefix("/uploads/")
        if method == "HEAD":
            return await uploads.head_upload(sha256, request, caller)
        if method == "PATCH":
            try:
                return await uploads.patch_upload(sha256, request, caller)
            finally:
                self._look_at()
        raise AssertionError(f"nobody asks for {method} {path}")

    def _parts(self) -> dict[str, bytes]:
        """Photos under way by their names, as far as they have come."""
        return {
            path.rpartition("/")[2]: bytes(node.data)
            for path, node in self.disk.names.items()
            if path.startswith("photos/parts/")
        }

    def photo_names(self) -> set[str]:
        """Whole photos."""
        return {path.rpartition("/")[2] for path in self.disk.names if not path.startswith("photos/parts/")}

    def _look_at(self) -> None:
        """What has come of a photo is its beginning, byte for byte."""
        for sha256, part in self._parts().items():
            whole = self.world.files.get(sha256)
            if whole and sha256 not in self.torn and not whole.startswith(part):
                self.world.broken.append(Violation("I6", f"{len(part)} bytes of {sha256} are not its beginning"))

    # What it suffers

    def power_cut(self, why: str) -> None:
        """Everything under way is gone, and of what was written what was not flushed."""
        self.world.say("central", f"loses power {why}")
        self.world.count("central power cut")
        for task in list(self._running):
            task.cancel()
        self.database.power_cut()
        self.torn |= self._parts().keys()
        luck = self.world.luck(f"power cut {self.world.loop.seconds}")
        self.disk.power_cut(luck)
        self.witness.power_cut(luck)
        self.is_up = False
        self.world.loop.call_later(30, self._restart)

    def _restart(self) -> None:
        if not self.is_up:
            self.is_up = True
            self.world.say("central", "is back")
            self.start()

    def back_up(self) -> None:
        """As `central.backup.back_up`: a verified copy, of which phones then hear that it is durable."""
        self.world.say("central", "is backed up")
        self.database.commits_left = None
        self.backups.append((self.database.image(), self.disk.image()))
        with self.database.writing() as connection:
            c: Any = connection
            ends = [{"device": d, "epoch": e, "seq": acked(c, d, e)} for d, e in ends_held(c)]
            c.exec_driver_sql("DELETE FROM durable")
            c.raw.executemany("INSERT INTO durable (device, epoch, seq) VALUES (:device, :epoch, :seq)", ends)

    def restore(self, rng: random.Random) -> None:
        """Its machine is lost; in its place one of the backups, photos included, and perhaps the witness.

        Where phones have dropped entries because the last backup holds them, it is the last backup. When nothing was
        recorded since, nobody can notice, unless whoever restored it says so (`kiemtra restored`).
        """
        if not self.backups:
            return
        had = self.photo_names()
        image, photos = self.backups[-1] if self.world.has_compacted() else rng.choice(self.backups)
        self.world.count("central restored")
        for task in list(self._running):
            task.cancel()
        self.database.replace(image)
        self.disk.restore(photos)
        if rng.random() < 0.3:
            self.witness.server_id = None
        self.world.say(
            "central", f"is restored from a backup, {'with' if self.witness.server_id else 'without'} its witness"
        )
        self.world.oracle.central_restored()
        self.is_up = True
        self.start()
        if rng.random() < 0.5:
            self.database.restored()  # type: ignore[misc]
        if self.database.server_id in self.world.known_servers():
            self.world.oracle.unnoticed |= had - self.photo_names()
            self.world.oracle.was_restored_unnoticed = True

    def act(self, rng: random.Random) -> None:
        """Home Affairs writes a finding on a visit, as it does from what a notice board says: before it knows of a signature, or
        all the same."""
        self.database.commits_left = None
        with self.database.writing() as connection:
            c: Any = connection
            visit = rng.choice([*c.exec_driver_sql("SELECT id FROM visit ORDER BY id").scalars()])
            record = f"office:{visit}:{rng.randrange(2)}"
            known = self.world.oracle.shown(c, "finding", record)
            patch = {"visit": visit, "text": f"niêm yết {self.world.number()}"}
            change = Change("finding", record, patch, visit)
            [entry] = write_as_central(c, self.database.central_device, "an", [change], self.now())
        self.world.oracle.office_wrote(entry, known)

    def revoke(self, device: str) -> None:
        """Home Affairs revokes a phone, once central has power to be told."""
        self.database.commits_left = None
        with self.database.writing() as connection:
            access.revoke(connection, device, self.now())  # type: ignore[arg-type]
