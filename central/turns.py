"""Whose turn it is to write to an upload: the newest request ends the reading of the one before it.

A request on a dead line may hang for minutes; nobody waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

IDLE_S = 20.0
"""How long a body may be silent before its connection is given up."""


class LineCut(Exception):
    """The line broke, fell silent, or a newer request took over before the body was complete."""


class Turn:
    """One PATCH while it reads its body."""

    def __init__(self) -> None:
        self.is_over = False
        self._reading: asyncio.Timeout | None = None

    def end(self) -> None:
        """Another request has taken over: read no further, and write nothing that was read meanwhile."""
        self.is_over = True
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())

    async def pieces(self, request: Request) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises LineCut."""
        stream = request.stream()
        while not self.is_over:
            try:
                async with asyncio.timeout(IDLE_S) as self._reading:
                    piece = await anext(stream)
            except StopAsyncIteration:
                return
            except (TimeoutError, ClientDisconnect) as error:
                raise LineCut from error
            finally:
                self._reading = None
            if piece and not self.is_over:
                yield piece
        raise LineCut


class Turns:
    """The running PATCH of each upload. Lives in one event loop; between processes the store's own check decides."""

    def __init__(self) -> None:
        self._running: dict[str, Turn] = {}

    def end(self, sha256: str) -> None:
        if running := self._running.pop(sha256, None):
            running.end()

    @contextmanager
    def taken(self, sha256: str) -> Iterator[Turn]:
        self.end(sha256)
        turn = self._running[sha256] = Turn()
        try:
            yield turn
        finally:
            if self._running.get(sha256) is turn:
                del self._running[sha256]
