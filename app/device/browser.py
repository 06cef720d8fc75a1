"""A browser: the notebook on OPFS, the network through `fetch`, the rest asked of the page (web/site/start.js)."""

import asyncio
import errno
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import js
from pyodide.ffi import create_proxy, to_js

from app.device.canvas import CanvasPictures
from app.device.fetch import FetchTransport
from app.device.opfs import FolderInBrowser, room
from app.photos.prepare import Pictures

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30)
"""How long an answer's body may stall; until it begins, `FetchTransport` has limits of its own."""


SPARES = 9
"""Places web/site/storage.js keeps for what is set aside: three damaged notebooks with the two files SQLite has beside each."""


class Browser:
    """Data lies in `/data`, which the worker has mounted on OPFS before Python began."""

    journal_mode = "WAL"
    needs_flush = True
    can_be_cleared = True
    can_read_codes = True
    can_meet = False
    request_seconds: float | None = 10.0
    data = Path("/data")
    assets = Path("/unpacked/assets")

    def __init__(self) -> None:
        self.central_url = str(js.location.origin)
        self.problem = str(js.skt.problem)
        self.pictures: Pictures = CanvasPictures()
        self._room: int | None = None

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

    async def keep_safe(self) -> bool:
        return bool(await js.skt.ask("persist", None))

    def note(self, text: str) -> None:
        js.skt.tell("note", text)

    async def noted(self) -> str:
        return str(await js.skt.ask("note", None))

    def is_metered(self) -> bool | None:
        link = getattr(js.self.navigator, "connection", None)
        kind = str(getattr(link, "type", "") or "")
        if link is None or not (kind or link.saveData):
            return None
        return bool(link.saveData) or kind in ("cellular", "bluetooth")

    def heard_of_network(self, is_metered: bool | None) -> None:
        """The browser is asked itself."""

    def on_reconnect(self, tell: Callable[[], None]) -> None:
        js.self.addEventListener("online", create_proxy(lambda _event: tell()))

    def on_release(self, tell: Callable[[], None]) -> None:
        js.skt.onRelease = create_proxy(tell)
        if js.skt.releaseWaits:
            tell()

    def look_for_release(self) -> None:
        js.skt.tell("look", None)

    def switch_release(self) -> None:
        js.skt.tell("switch", None)

    async def read_code(self, picture: bytes) -> str:
        return str(await js.skt.readCode(to_js(picture)))

    def read_beside(self, name: str) -> bytes | None:
        path = self.data / name
        return path.read_bytes() if path.exists() else None

    def write_beside(self, name: str, data: bytes) -> None:
        (self.data / name).write_bytes(data)
        self.flush()

    def set_aside(self, name: str) -> str:
        path = self.data / name
        if not path.exists():
            return ""
        spare = next((p for n in range(1, SPARES + 1) if not (p := self.data / f"aside-{n}.sqlite").exists()), None)
        if spare is None:
            raise OSError(errno.ENOSPC, "all spare places hold a notebook set aside before")
        path.rename(spare)
        self.flush()
        return spare.name

    async def photo_folder(self) -> FolderInBrowser:
        return await FolderInBrowser.open()

    def free_bytes(self) -> int | None:
        return self._room

    async def refresh_room(self) -> None:
        self._room = await room()
