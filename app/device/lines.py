"""The native app's connections, watched: when several fall silent together, the line under them is dead.

The kernel gives up each connection by itself, seconds apart, once a repeated packet has been waited for (`native`). Several that wait in
vain at the same time say it sooner: on a living line an acknowledgement for one of them comes in every moment.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import httpcore
import httpx

FEWEST, SILENT_MS = 3, 2500
"""So many connections at least, every one of them waiting for so long to be acknowledged. One alone repeats a lost packet as late as that."""
LOOK_S = 0.25

_TCP_INFO = struct.Struct("=24x I 28x I")
"""Of Linux's `struct tcp_info`: packets sent and not acknowledged, milliseconds since the last acknowledgement."""


class Told(NamedTuple):
    """What the kernel tells of a connection."""

    unacknowledged: int
    silent_ms: int


class Silence:
    """Since when each connection has been waiting to be acknowledged."""

    def __init__(self) -> None:
        self._waiting: dict[Any, float] = {}

    def dead(self, told: Mapping[Any, Told], now_ms: float) -> list[Any]:
        """All connections that wait, when that means that the line is dead; none otherwise. `told` is of all there are."""
        self._waiting = {
            one: self._waiting.get(one, now_ms) for one, (unacknowledged, _) in told.items() if unacknowledged
        }
        # One that had nothing to send has heard nothing for long and is none the worse for it.
        waits = [min(told[one].silent_ms, now_ms - since) for one, since in self._waiting.items()]
        return list(self._waiting) if len(waits) >= FEWEST and min(waits) >= SILENT_MS else []


class Watched(httpx.AsyncHTTPTransport):
    """A transport that breaks its connections when their line is dead, so that whoever waits on them tries again at once.

    Only where the system tells of them (Linux, Android); elsewhere it is as httpx makes it.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        if hasattr(socket, "TCP_INFO"):
            self._pool._network_backend = _Backend(self._pool._network_backend)  # httpx has no way to name one


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections as `under` does, and looks at them as long as there are any."""

    def __init__(self, under: httpcore.AsyncNetworkBackend) -> None:
        self._under, self._open = under, list[socket.socket]()
        self._watch: asyncio.Task[None] | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._under.connect_tcp(host, port, timeout, local_address, socket_options)
        self._open.append(stream.get_extra_info("socket"))
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        return stream

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        return await self._under.connect_unix_socket(path, timeout, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._under.sleep(seconds)

    async def _look(self) -> None:
        silence = Silence()
        while self._open:
            self._open = [one for one in self._open if one.fileno() >= 0]
            for dead in silence.dead({one: _told(one) for one in self._open}, time.monotonic() * 1000):
                with contextlib.suppress(OSError):  # it broke by itself just now
                    dead.shutdown(socket.SHUT_RDWR)
                self._open.remove(dead)
            await asyncio.sleep(LOOK_S)


def _told(connection: socket.socket) -> Told:
    return Told(*_TCP_INFO.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)))
