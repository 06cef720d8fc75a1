"""Lines that break in the middle of a photo: at any byte, with central killed, with several requests at once."""

import asyncio
import contextlib
import hashlib
import itertools
import random
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sync.uploads import send
from central.app import create_app
from central.settings import Settings

Phone = dict[str, str]
Enrol = Callable[[str], Phone]

PATIENCE_S = 20.0
"""How long a story waits for another process before it fails."""


_numbers = itertools.count()


def photo(size: int = 200_000) -> tuple[str, bytes]:
    """(name, bytes) of a photo never sent before."""
    data = b"\xff\xd8\xff" + random.Random(next(_numbers)).randbytes(size - 3)
    return hashlib.sha256(data).hexdigest(), data


# --- a line that can be held, fed and cut by hand ---------------------------------------------------------------------


@dataclass
class Line:
    """One request to the app, its body fed piece by piece."""

    app: FastAPI
    method: str
    path: str
    headers: dict[str, str]
    _inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _read: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    answer: dict[str, str] = field(default_factory=dict)
    running: asyncio.Task[None] | None = None

    def start(self) -> "Line":
        path = self.path.encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": self.method, "scheme": "http",
            "path": self.path, "raw_path": path, "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
            "server": ("testserver", 80), "state": {},
            "headers": [(key.lower().encode(), value.encode()) for key, value in self.headers.items()],
        }  # fmt: skip
        self.running = asyncio.create_task(self.app(scope, self._inbox.get, self._send))
        return self

    async def _send(self, message: dict[str, Any]) -> None:  # type: ignore[misc]
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answer = {key.decode().lower(): value.decode() for key, value in message["headers"]}

    def feed(self, data: bytes, *, more: bool = True) -> None:
        self._inbox.put_nowait({"type": "http.request", "body": data, "more_body": more})

    def cut(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def answered(self) -> "Line":
        assert self.running
        async with asyncio.timeout(PATIENCE_S):
            await self.running
        return self

    @property
    def offset(self) -> int:
        return int(self.answer["upload-offset"])


@dataclass(frozen=True)
class Wire:
    """How a phone reaches the app in these stories."""

    app: FastAPI
    phone: Phone

    def _line(self, method: str, path: str, **headers: str) -> Line:
        return Line(self.app, method, path, {"Tus-Resumable": "1.0.0", **self.phone, **headers}).start()

    async def announce(self, name: str, length: int) -> Line:
        import base64

        metadata = "sha256 " + base64.b64encode(name.encode()).decode()
        line = self._line("POST", "/api/v1/uploads", **{"Upload-Length": str(length), "Upload-Metadata": metadata})
        line.feed(b"", more=False)
        return await line.answered()

    async def held(self, name: str) -> int:
        line = self._line("HEAD", f"/api/v1/uploads/{name}")
        line.feed(b"", more=False)
        return (await line.answered()).offset

    def patch(self, name: str, offset: int) -> Line:
        kind = "application/offset+octet-stream"
        return self._line("PATCH", f"/api/v1/uploads/{name}", **{"Content-Type": kind, "Upload-Offset": str(offset)})


@pytest.fixture
def wire(central: FastAPI, enrolled: Enrol) -> Wire:
    return Wire(central, enrolled("dung"))


async def until_held(app: FastAPI, name: str, size: int) -> None:
    """Until the store has that many bytes of a part; looking does not end the request that brings them."""
    part = app.state.settings.photos / "parts" / name
    async with asyncio.timeout(PATIENCE_S):
        while not part.exists() or part.stat().st_size < size:
            await asyncio.sleep(0)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(20, 300_000),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    pieces=st.integers(1, 70_000),
    asks=st.booleans(),
)
def test_wherever_the_line_breaks_what_arrived_is_kept_and_nothing_else(
    wire: Wire, size: int, cuts: list[float], pieces: int, asks: bool
) -> None:
    name, data = photo(size)

    async def story() -> None:
        await wire.announce(name, size)
        offset = 0
        for place in cuts:
            end = offset + int(place * (size - offset))
            line = wire.patch(name, offset)
            for start in range(offset, end, max(pieces, size // 20)):
                line.feed(data[start : min(end, start + max(pieces, size // 20))])
            line.cut()
            await line.answered()
            assert line.status == 408
            held = await wire.held(name) if asks else (await wire.announce(name, size)).offset
            assert held == end, "every byte that arrived is kept, and none twice"
            offset = held
        line = wire.patch(name, offset)
        line.feed(data[offset:], more=False)
        assert (await line.answered()).status == 204
        assert await wire.held(name) == size

    asyncio.run(story())
    assert wire.app.state.photos.read(name) == data


def test_a_request_on_a_dead_line_makes_way_for_the_next(wire: Wire) -> None:
    name, data = photo()

    async def story() -> None:
        await wire.announce(name, len(data))
        dead = wire.patch(name, 0)
        dead.feed(data[:70_000])
        await until_held(wire.app, name, 70_000)
        assert await wire.held(name) == 70_000, "asking does not wait for the dead line"
        await dead.answered()
        assert dead.status == 409 and dead.offset == 70_000
        dead_too = wire.patch(name, 70_000)
        dead_too.feed(data[70_000:90_000])
        await until_held(wire.app, name, 90_000)
        alive = wire.patch(name, 90_000)
        alive.feed(data[90_000:], more=False)
        assert (await alive.answered()).status == 204
        dead_too.feed(data[90_000:], more=False)  # a late echo of the old line
        assert (await dead_too.answered()).status == 409

    asyncio.run(story())
    assert wire.app.state.photos.read(name) == data


def test_a_stale_offset_is_never_appended_to(wire: Wire) -> None:
    """What one tus server did wrong: a retried PATCH at an old offset was appended, and answered with success."""
    name, data = photo()

    async def story() -> None:
        await wire.announce(name, len(data))
        first = wire.patch(name, 0)
        first.feed(data[:50_000])
        await until_held(wire.app, name, 50_000)
        retried = wire.patch(name, 0)
        retried.feed(data, more=False)
        assert (await retried.answered()).status == 409 and retried.offset == 50_000
        assert await wire.held(name) == 50_000

    asyncio.run(story())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 2), min_size=1, max_size=40), foreign=st.booleans())
def test_requests_at_once_never_mix_their_bytes(wire: Wire, order: list[int], foreign: bool) -> None:
    """Three requests for one photo, fed in any order; one may even bring other bytes."""
    name, data = photo(90_000)
    other = photo(90_000)[1] if foreign else data

    async def story() -> None:
        await wire.announce(name, len(data))
        lines = [wire.patch(name, 0) for _ in range(3)]
        fed = [0, 0, 0]
        for which in order:
            source = other if which == 2 else data
            lines[which].feed(source[fed[which] : fed[which] + 9_000])
            fed[which] += 9_000
            await asyncio.sleep(0)
        for line in lines:
            line.cut()
        await asyncio.gather(*(line.answered() for line in lines))
        assert {line.status for line in lines} <= {204, 408, 409, 413, 460}
        for _ in range(2):  # a foreign beginning costs one digest mismatch, and then the photo is right
            offset = await wire.held(name)
            line = wire.patch(name, offset)
            line.feed(data[offset:], more=False)
            if (await line.answered()).status == 204:
                break
            assert line.status == 460 and foreign

    asyncio.run(story())
    assert wire.app.state.photos.read(name) == data


# --- real sockets -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """The app behind a real uvicorn on a free port."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        sock.close()


def dying_patch(port: int, phone: Phone, name: str, data: bytes, offset: int, stop: int) -> socket.socket:
    """A raw connection that has sent the bytes up to `stop` of a PATCH that promised all of them."""
    line = socket.create_connection(("127.0.0.1", port))
    head = (
        f"PATCH /api/v1/uploads/{name} HTTP/1.1\r\nHost: central\r\nAuthorization: {phone['Authorization']}\r\n"
        f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n"
        f"Content-Length: {len(data) - offset}\r\n\r\n"
    )
    line.sendall(head.encode() + data[offset:stop])
    return line


def wait_for_part(photos: Path, name: str, size: int) -> None:
    part, deadline = photos / "parts" / name, time.monotonic() + PATIENCE_S
    while not part.exists() or part.stat().st_size < size:
        assert time.monotonic() < deadline, "central never got the bytes"


@contextlib.asynccontextmanager
async def phone_client(port: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        yield client


def deliver(port: int, phone: Phone, name: str, data: bytes) -> list[int]:
    """Send (or go on sending) with the phone's own client; what it reported as progress."""
    progress: list[int] = []
    token = phone["Authorization"].removeprefix("Bearer ")

    async def story() -> None:
        async with phone_client(port) as client:
            await send(client, name, data, token=token, on_progress=lambda done, _: progress.append(done))
            fetched = await client.get(f"/api/v1/photos/{name}", headers=phone)
            assert hashlib.sha256(fetched.content).hexdigest() == name

    asyncio.run(story())
    return progress


def announce_over(port: int, phone: Phone, name: str, size: int) -> None:
    import base64

    metadata = "sha256 " + base64.b64encode(name.encode()).decode()
    headers = phone | {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": metadata}
    assert httpx.post(f"http://127.0.0.1:{port}/api/v1/uploads", headers=headers).status_code == 201


@pytest.mark.parametrize("death", ["reset", "closed", "silent"])
def test_over_a_real_socket_a_cut_costs_only_what_was_in_the_air(central: FastAPI, enrolled: Enrol, death: str) -> None:
    phone = enrolled("dung")
    name, data = photo()
    with listening(central) as port:
        announce_over(port, phone, name, len(data))
        line = dying_patch(port, phone, name, data, 0, 120_000)
        wait_for_part(central.state.settings.photos, name, 120_000)
        if death == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if death != "silent":
            line.close()
        progress = deliver(port, phone, name, data)
        line.close()
    assert progress[0] == 120_000, "it goes on where it stopped"
    assert progress == sorted(progress) and progress[-1] == len(data)


def test_twelve_phones_with_broken_lines_at_once(central: FastAPI, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    photos = [photo(60_000 + 7_000 * number) for number in range(12)]
    token = phone["Authorization"].removeprefix("Bearer ")
    with listening(central) as port:
        for name, data in photos:
            announce_over(port, phone, name, len(data))
        lines = [dying_patch(port, phone, name, data, 0, len(data) // 2) for name, data in photos]

        async def story() -> None:
            async with phone_client(port) as client:
                await asyncio.gather(
                    *(send(client, name, data, token=token, on_progress=lambda *_: None) for name, data in photos)
                )

        asyncio.run(story())
        for line in lines:
            line.close()
    assert all(central.state.photos.is_intact(name) for name, _ in photos)


SERVE = """
    import socket, sys
    from pathlib import Path
    import uvicorn
    from central.app import create_app
    from central.settings import Settings
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    app = create_app(Settings.in_folder(Path(sys.argv[1]), b"k" * 32))
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[sock])
"""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Central as a process of its own over a folder; killed at the end."""
    command = [sys.executable, "-c", textwrap.dedent(SERVE), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def test_central_killed_in_the_middle_of_a_photo_goes_on_from_there(central: FastAPI, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    folder, photos = central.state.settings.data, central.state.settings.photos
    central.state.now = lambda: time.time_ns() // 1_000_000
    name, data = photo()
    stops = [40_000, 110_000, 180_000]
    with contextlib.ExitStack() as lines:
        offset = 0
        for stop in stops:
            with serving(folder) as (process, port):
                announce_over(port, phone, name, len(data))
                lines.enter_context(dying_patch(port, phone, name, data, offset, stop))
                wait_for_part(photos, name, stop)
                process.kill()
            offset = stop
        with serving(folder) as (_, port):
            progress = deliver(port, phone, name, data)
    assert progress[0] == stops[-1]
    reopened = create_app(Settings.in_folder(folder, b"k" * 32))
    assert reopened.state.photos.read(name) == data
    reopened.state.db.close()
