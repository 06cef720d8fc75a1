"""A line that dies under everything at once: the native app's connections notice together and go on over new ones."""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.device.lines import FEWEST, SILENT_MS, Silence, Told, Watched
from app.sync import exchange
from tests.sync.test_two_phones import photograph
from tests.valley import Valley, free_port, serving, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path, names=("cuc",))
    yield valley
    valley.close()


ATTACH_FILTER, DETACH_FILTER = 26, 27
DEAFENING = struct.pack("HBBI" * 4, 0x80, 0, 0, 0, 0x25, 1, 0, 60, 0x06, 0, 0, 0xFFFFFFFF, 0x06, 0, 0, 0)
"""For the kernel's packet filter: whatever is longer than a TCP header is dropped. Connections still open, and never answer again."""


class DeafMast:
    """A relay between real sockets. `deafen` ends what it hears on the connections it has and on those it takes next."""

    def __init__(self, port: int) -> None:
        self._port, self._taken, self.deaf = port, list[socket.socket](), 0
        self._to_deafen = 0

    @contextlib.asynccontextmanager
    async def relaying(self) -> AsyncIterator[str]:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        finally:
            self._server.close()

    def deafen(self, connections: int) -> None:
        """Until so many connections, those it has among them, hear nothing any more."""
        self._to_deafen = connections - len(self._taken)
        for one in (*self._taken, *self._server.sockets):
            self._filter(one, ATTACH_FILTER)
        self.deaf = len(self._taken)

    def _filter(self, one: Any, how: int) -> None:
        self._program = ctypes.create_string_buffer(DEAFENING)
        one.setsockopt(socket.SOL_SOCKET, how, struct.pack("HL", 4, ctypes.addressof(self._program)))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._taken.append(writer.get_extra_info("socket"))
        if self._to_deafen:
            self._to_deafen, self.deaf = self._to_deafen - 1, self.deaf + 1
            if not self._to_deafen:
                self._filter(self._server.sockets[0], DETACH_FILTER)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ways = (reader, far_writer), (far_reader, writer)
        carrying = [asyncio.create_task(_carry(source, to)) for source, to in ways]
        await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        far_writer.close()
        writer.transport.abort()


async def _carry(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while piece := await source.read(4096):
        to.write(piece)
        await to.drain()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux and Android tell what a connection has heard")
@told
async def test_what_goes_silent_under_all_photos_is_left_at_once_and_they_arrive_over_new_connections(
    valley: Valley,
) -> None:
    for number in range(4):
        await photograph(valley.cuc, valley.visit, number)
    port = free_port()
    with serving(valley.app, port):
        mast = DeafMast(port)

        def into_the_valley(progress: exchange.Progress) -> None:
            if progress.step == "previews" and progress.previews_sent == 0 and not mast.deaf:
                mast.deafen(4)

        valley.cuc.on_progress = into_the_valley
        async with mast.relaying() as url, asyncio.timeout(120):  # only the app's own watch ends the silence before
            async with httpx.AsyncClient(transport=Watched(), base_url=url, timeout=None) as client:
                await valley.cuc.sync(client)
        assert mast.deaf == 4
    assert valley.cuc.book.waiting().is_empty


WAITING, RESTED = Told(3, 60_000), Told(0, 60_000)


def looks(*told: Told, seconds: float) -> list[int]:
    """Which of these connections are left when they tell the same so long, looked at four times a second."""
    silence, left = Silence(), list[int]()
    for look in range(round(seconds * 4) + 1):
        left = silence.dead(dict(enumerate(told)), look * 250.0)
        if left:
            break
    return left


def test_connections_that_rested_are_given_time_to_hear_an_answer() -> None:
    long = SILENT_MS / 1000
    assert looks(*[WAITING] * FEWEST, seconds=long) == [0, 1, 2]
    assert looks(*[WAITING] * FEWEST, seconds=long - 0.25) == []


def test_one_that_hears_something_speaks_for_all_and_few_are_left_to_the_kernel() -> None:
    assert looks(*[WAITING] * 5, Told(1, 400), seconds=9) == []
    assert looks(*[WAITING] * (FEWEST - 1), RESTED, RESTED, seconds=9) == []
    assert looks(*[WAITING] * FEWEST, RESTED, seconds=9) == [0, 1, 2], "one without anything to send says nothing"


def test_what_was_acknowledged_in_between_begins_to_wait_anew() -> None:
    silence = Silence()
    for second in range(0, 60, 2):
        assert silence.dead({n: WAITING for n in range(4)}, second * 1000.0) == []
        assert silence.dead({n: RESTED for n in range(4)}, second * 1000.0 + 1000) == []
