"""Virtual time: an event loop that never waits. What happens next follows from the program and the seed alone."""

import asyncio
from asyncio import base_events
from collections.abc import Coroutine
from typing import Any

NOON = 1_795_237_200_000
"""2026-11-21 12:00 at +07:00, when every simulated day begins (Unix ms)."""


class Standstill(Exception):
    """Something waits for what can never happen any more."""


class _Jump:
    """In the place of a selector: instead of waiting for the network, time moves to the next thing due."""

    def __init__(self, loop: "VirtualLoop"):
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Standstill
        if timeout > 0:
            self._loop.seconds += timeout
        return []


class VirtualLoop(base_events.BaseEventLoop):
    """asyncio as it is, but for the time and the sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._selector = _Jump(self)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.seconds

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def run(main: Coroutine[Any, Any, Any], loop: VirtualLoop) -> Any:
    """Run to the end; whatever is still under way then is dropped."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
