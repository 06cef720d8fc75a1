"""The machine the app runs on, asked through one seam: where data lies, what time it is, how the network is reached.

`this_device()` chooses once; the rest of the app never asks for the platform.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

from app.photos.prepare import Pictures
from app.photos.store import Folder

T = TypeVar("T")


class Device(Protocol):
    """What the app asks of the machine."""

    data: Path
    """Folder of the notebook and the photos."""
    assets: Path
    """Folder of the shipped fonts, units and checklist."""
    central_url: str
    """Central's address when the machine knows it (the page's own origin, or KIEMTRA_CENTRAL), else empty."""
    journal_mode: str
    """SQLite's journal mode here."""
    pictures: Pictures
    """What decodes, shrinks and measures photos."""

    def now(self) -> int:
        """Unix ms UTC."""
        ...

    def entropy(self, size: int) -> bytes:
        """Random bytes fit for secrets."""
        ...

    def client(self, base_url: str) -> httpx.AsyncClient:
        """A client for central; the caller closes it."""
        ...

    def in_background(self, work: Callable[[], T]) -> Awaitable[T]:
        """Slow work beside the screens."""
        ...

    async def photo_folder(self) -> Folder:
        """Where photo files lie, made when missing."""
        ...

    def free_bytes(self) -> int | None:
        """Room left for data, as of the last `refresh_room` where the machine does not know it at once; None when unknown."""
        ...

    async def refresh_room(self) -> None:
        """Look again how much room is left."""
        ...


def this_device() -> Device:
    if sys.platform == "emscripten":
        raise RuntimeError("Bản cho trình duyệt chưa có ở phiên bản này. / There is no browser build in this version.")
    from app.device.native import Native

    return Native()
