"""A browser: the notebook on OPFS, the network through `fetch`, the rest asked of the page (web/site/start.js)."""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import js

from app.device.fetch import FetchTransport

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30, connect=10)
"""`fetch` has one phase until the headers come, in which the body is sent too."""


class Browser:
    """Data lies in `/data`, which the worker has mounted on OPFS before Python began."""

    journal_mode = "WAL"
    needs_flush = True
    data = Path("/data")
    photos = Path("/photos")
    assets = Path("/unpacked/assets")

    def __init__(self) -> None:
        self.central_url = str(js.location.origin)
        self.problem = str(js.skt.problem)

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def entropy(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def client(self, base_url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, transport=FetchTransport())

    async def in_background(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0)  # there are no threads: let what waits to be drawn go first
        return work()

    def flush(self) -> None:
        js.skt.flush()

    def shown(self) -> None:
        js.skt.tell("opened", None)

    def free_bytes(self) -> int:
        return 1 << 40
