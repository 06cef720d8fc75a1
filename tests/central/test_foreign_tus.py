"""Programs that are not ours speak tus with central, and the phone's client with a tus server that is not ours; both
through a mast that drops connections. Whoever keeps to tus 1.0 gets every photo through, byte for byte.
"""

import asyncio
import contextlib
import hashlib
import io
import itertools
import os
import random
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiotus
import httpx
import pytest
from fastapi import FastAPI
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from app.sync.uploads import UPLOADS, Upload
from tests.mast import Mast
from tests.valley import free_port, serving
from web.build import CACHE
from web.packages import beside_python, from_npm

FOREIGN = Path(__file__).parents[1] / "foreign"
SIZES = (7_000, 200_000, 1_300_000)
CUTS_UP = (90_000, 400, 150_000, 1, 60_000, 300_000)
"""Bytes that the mast carries up before it drops each of the first connections; the next ones hold."""
CUTS_DOWN = (10_000, 10_000, 30, 10_000, 10_000, 10_000)
TRIES = 40

Enrol = Callable[[str], dict[str, str]]
Held = Callable[[str], bool]


@dataclass
class Server:
    """A tus server on this machine: where uploads are announced, the token it wants, and whether it has a photo whole."""

    port: int
    path: str
    token: str
    holds: Held


@contextlib.contextmanager
def ours(central: FastAPI, phone: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    with serving(central, port):
        token = phone["Authorization"].removeprefix("Bearer ")
        yield Server(port, UPLOADS, token, central.state.photos.is_intact)


@contextlib.contextmanager
def theirs(folder: Path) -> Iterator[Server]:
    """@tus/server with its file store."""
    folder.mkdir()
    command = [beside_python("node"), str(FOREIGN / "tus_server.mjs"), str(from_npm(FOREIGN, CACHE)), str(folder), "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout
        port = int(process.stdout.readline())

        def holds(name: str) -> bool:
            return any(hashlib.sha256(f.read_bytes()).hexdigest() == name for f in folder.iterdir() if f.suffix == "")

        yield Server(port, "/files", "x", holds)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # `node` from a package is a script that starts the real one
        process.wait()


@pytest.fixture(params=["central", "@tus/server"])
def server(request: pytest.FixtureRequest, central: FastAPI, enrolled: Enrol, tmp_path: Path) -> Iterator[Server]:
    with ours(central, enrolled("dung")) if request.param == "central" else theirs(tmp_path / "files") as found:
        yield found


async def with_tuspy(endpoint: str, token: str, data: bytes) -> None:
    """tuspy goes on by itself within an upload, and leaves a failed announcement to its caller."""

    def send() -> None:
        client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
        uploader = client.uploader(
            file_stream=io.BytesIO(data), retries=TRIES, retry_delay=0, chunk_size=250_000, metadata=metadata(data)
        )
        for _ in range(TRIES):
            try:
                uploader.upload()
                return
            except TusCommunicationError:
                continue

    await asyncio.to_thread(send)


async def with_aiotus(endpoint: str, token: str, data: bytes) -> None:
    named = {key: value.encode() for key, value in metadata(data).items()}
    config = aiotus.RetryConfiguration(retry_attempts=TRIES, max_retry_period_seconds=0.05)
    headers = {"Authorization": f"Bearer {token}"}
    assert await aiotus.upload(endpoint, io.BytesIO(data), named, config=config, headers=headers)


async def with_tus_js_client(endpoint: str, token: str, data: bytes, folder: Path) -> None:
    file = folder / hashlib.sha256(data).hexdigest()
    file.write_bytes(data)
    script = str(FOREIGN / "tus_client.mjs")
    modules = str(from_npm(FOREIGN, CACHE))
    done = await asyncio.create_subprocess_exec(
        beside_python("node"), script, modules, endpoint, token, str(file), stdout=asyncio.subprocess.DEVNULL
    )
    assert await done.wait() == 0


async def with_ours(endpoint: str, token: str, data: bytes) -> None:
    url = httpx.URL(endpoint)
    async with httpx.AsyncClient(base_url=url.copy_with(path="/"), timeout=20) as client:
        name = hashlib.sha256(data).hexdigest()
        upload = Upload(client, name, data, token=token, on_progress=lambda *_: None, endpoint=url.path)
        for _ in range(TRIES):
            with contextlib.suppress(httpx.TransportError):
                await upload.go_on()
                return
    raise AssertionError("our client gave up")


def metadata(data: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "filetype": "image/jpeg"}


@pytest.mark.long
@pytest.mark.parametrize("who", ["tuspy", "aiotus", "tus-js-client", "ours"])
def test_every_client_gets_every_photo_to_every_server_through_cuts(server: Server, who: str, tmp_path: Path) -> None:
    photos = [b"\xff\xd8\xff" + random.Random(size).randbytes(size - 3) for size in SIZES]
    mast = Mast(server.port, list(CUTS_UP), list(CUTS_DOWN))
    send: dict[str, Callable[[str, str, bytes], Awaitable[None]]] = {
        "tuspy": with_tuspy,
        "aiotus": with_aiotus,
        "tus-js-client": lambda endpoint, token, data: with_tus_js_client(endpoint, token, data, tmp_path),
        "ours": with_ours,
    }

    async def story() -> None:
        async with mast.relaying() as address:
            for data in photos:
                await send[who](address + server.path, server.token, data)

    asyncio.run(story())
    assert all(server.holds(hashlib.sha256(data).hexdigest()) for data in photos)
    assert not mast.up and not mast.down, "the mast dropped every connection it was to drop"


def test_two_phones_that_send_one_photo_at_once_over_real_sockets_never_mix_it(
    central: FastAPI, enrolled: Enrol
) -> None:
    data = b"\xff\xd8\xff" + random.Random(3).randbytes(400_000)
    name = hashlib.sha256(data).hexdigest()
    with ours(central, enrolled("dung")) as found:

        async def send(client: httpx.AsyncClient) -> None:
            upload = Upload(client, name, data, token=found.token, on_progress=lambda *_: None)
            for _ in itertools.count():
                with contextlib.suppress(httpx.TransportError):
                    await upload.go_on()
                    return

        async def story() -> None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{found.port}", timeout=20) as client:
                await asyncio.gather(*(send(client) for _ in range(4)))

        asyncio.run(story())
        assert found.holds(name)
