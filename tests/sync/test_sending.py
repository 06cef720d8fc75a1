"""A phone sends its photos to a real central, over lines that break."""

import asyncio
import hashlib
import itertools
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.sync.uploads import Refused, send
from central import access
from central.app import create_app
from central.people import add_user
from central.photo_store import PhotoStore, StoreFull
from central.settings import PasswordCost, Settings
from tests.mast import Mast

NOON = 1_795_237_200_000
MONTH_MS = 31 * 24 * 3_600_000

_numbers = itertools.count()


def photo(size: int = 200_000) -> tuple[str, bytes]:
    """(name, bytes) of a photo never sent before."""
    data = b"\xff\xd8\xff" + random.Random(next(_numbers)).randbytes(size - 3)
    return hashlib.sha256(data).hexdigest(), data


@dataclass
class Central:
    """A central with one enrolled phone; `now` is moved by hand."""

    app: FastAPI
    token: str
    now: int

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://central")

    def deliver(self, name: str, data: bytes, on_progress: Callable[[int, int], None] = lambda *_: None) -> None:
        async def story() -> None:
            async with self.client() as client:
                await send(client, name, data, token=self.token, on_progress=on_progress)

        asyncio.run(story())


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    cheap = PasswordCost(memory_kib=8, rounds=1)
    app = create_app(Settings.in_folder(tmp_path / "central", b"k" * 32, password_cost=cheap), lambda: found.now)
    found = Central(app, "", NOON)
    with app.state.db.writing() as connection:
        add_user(connection, "dung", "Phạm Dũng", "inspector", "doan-1")
        code = access.new_code(connection, app.state.settings.secret, "dung", "an", NOON)

    async def enrol() -> str:
        async with found.client() as client:
            return str((await client.post("/api/v1/devices", json={"code": code, "name": "Máy"})).json()["token"])

    found.token = asyncio.run(enrol())
    yield found
    app.state.db.close()


def test_a_photo_is_sent_and_the_screen_follows(central: Central) -> None:
    name, data = photo()
    told: list[tuple[int, int]] = []
    central.deliver(name, data, lambda done, of: told.append((done, of)))
    assert central.app.state.photos.read(name) == data
    assert told[0] == (0, len(data)) and told[-1] == (len(data), len(data))
    steps = [after - before for (before, _), (after, _) in itertools.pairwise(told)]
    assert all(0 <= step <= 16 * 1024 for step in steps), "progress in small steps, never backwards"
    told.clear()
    central.deliver(name, data, lambda done, of: told.append((done, of)))
    assert told == [(len(data), len(data))], "sending again sends nothing"


def test_a_photo_damaged_on_the_phone_is_not_sent(central: Central) -> None:
    name, data = photo()
    with pytest.raises(Refused) as refusal:
        central.deliver(name, data[:-1] + b"?")
    assert refusal.value.retry == "never" and "hỏng" in refusal.value.problem["title"]


def test_a_revoked_phone_is_told_so(central: Central) -> None:
    with central.app.state.db.writing() as connection:
        connection.execute(text("UPDATE device SET revoked_at = 1"))
    with pytest.raises(Refused) as refusal:
        central.deliver(*photo())
    assert refusal.value.problem["type"].endswith("/device-revoked") and refusal.value.retry == "never"


def test_a_phone_revoked_between_two_pieces_is_told_so(central: Central) -> None:
    def revoke(done: int, _of: int) -> None:
        if done == 65536:
            with central.app.state.db.writing() as connection:
                connection.execute(text("UPDATE device SET revoked_at = 1"))

    with pytest.raises(Refused) as refusal:
        central.deliver(*photo(), on_progress=revoke)
    assert refusal.value.problem["type"].endswith("/device-revoked")


def test_a_photo_too_large_for_central_is_refused_once_and_for_all(central: Central) -> None:
    with pytest.raises(Refused) as refusal:
        central.deliver(*photo(5 * 1024 * 1024 + 1))
    assert refusal.value.problem["type"].endswith("/too-large") and refusal.value.retry == "never"


def test_a_full_central_is_tried_again_later(central: Central) -> None:
    class Full(PhotoStore):
        def append(self, sha256: str, offset: int, data: bytes) -> int:
            raise StoreFull

    folder = central.app.state.settings.photos
    central.app.state.photos = Full(folder)
    name, data = photo()
    with pytest.raises(Refused) as refusal:
        central.deliver(name, data)
    assert refusal.value.problem["type"].endswith("/storage-full") and refusal.value.retry == "later"
    central.app.state.photos = PhotoStore(folder)
    central.deliver(name, data)
    assert central.app.state.photos.read(name) == data


def test_a_month_between_two_pieces_costs_a_new_announcement_only(central: Central) -> None:
    name, data = photo()
    told: list[int] = []

    def a_month_passes(done: int, _of: int) -> None:
        told.append(done)
        if told.count(65536) == 1 and done == 65536:
            central.now += MONTH_MS

    central.deliver(name, data, a_month_passes)
    assert central.app.state.photos.read(name) == data


def test_foreign_bytes_in_the_part_cost_one_fresh_start(central: Central) -> None:
    name, data = photo()
    central.app.state.photos.append(name, 0, b"not this photo" * 1000)
    central.deliver(name, data)
    assert central.app.state.photos.read(name) == data


def test_a_central_that_never_keeps_anything_is_left_for_later(central: Central) -> None:
    class Forgetful(PhotoStore):
        def append(self, sha256: str, offset: int, data: bytes) -> int:
            super().append(sha256, offset, bytes(len(data)))
            return offset + len(data)

    central.app.state.photos = Forgetful(central.app.state.settings.photos)
    with pytest.raises(Refused) as refusal:
        central.deliver(*photo(40_000))
    assert refusal.value.retry == "later"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, [(b"content-type", b"text/html")], b"<h1>Welcome to free wifi</h1>"),
        (201, [(b"content-type", b"text/html"), (b"location", b"/login")], b""),
        (302, [(b"location", b"http://login.wifi/")], b""),
        (502, [(b"content-type", b"text/html")], b"Bad Gateway"),
        (403, [(b"content-type", b"application/problem+json")], b"<not json>"),
        (201, [(b"tus-resumable", b"1.0.0"), (b"upload-offset", b"-7")], b""),
    ],
)
def test_whoever_answers_in_centrals_place_is_not_believed(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    async def portal(_scope: object, _receive: object, answer: Callable[[dict[str, object]], object]) -> None:
        await answer({"type": "http.response.start", "status": status, "headers": headers})  # type: ignore[misc]
        await answer({"type": "http.response.body", "body": body})  # type: ignore[misc]

    async def story() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url="http://wifi") as client:  # type: ignore[arg-type]
            await send(client, *photo(), token="x", on_progress=lambda *_: None)

    with pytest.raises(httpx.TransportError):
        asyncio.run(story())


# --- real lines that break --------------------------------------------------------------------------------------------


@pytest.fixture
def port(central: Central) -> Iterator[int]:
    """Central behind a real uvicorn."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    server = uvicorn.Server(uvicorn.Config(central.app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield sock.getsockname()[1]
    server.should_exit = True
    thread.join()
    sock.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(20, 250_000),
    up=st.lists(st.integers(1, 150_000), max_size=6),
    down=st.lists(st.integers(1, 1200), max_size=6),
)
def test_whatever_the_mast_drops_the_photo_arrives_whole(
    central: Central, port: int, size: int, up: list[int], down: list[int]
) -> None:
    name, data = photo(size)
    mast = Mast(port, list(up), list(down))

    async def story() -> int:
        async with mast.relaying() as address:
            async with httpx.AsyncClient(base_url=address, timeout=20) as client:
                for attempt in range(len(up) + len(down) + 2):
                    try:
                        await send(client, name, data, token=central.token, on_progress=lambda *_: None)
                        return attempt
                    except httpx.TransportError:
                        continue
        raise AssertionError("the mast has held for good, and still the photo did not get through")

    asyncio.run(story())
    assert central.app.state.photos.read(name) == data
    cuts = len(up) + len(down) + 1
    assert mast.sent_up <= size + cuts * (64 * 1024 + 4000), "no cut costs more than what was in the air"
