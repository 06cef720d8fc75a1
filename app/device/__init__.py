"""The machine the app runs on, asked through one seam: where data lies, what time it is, how the network is reached.

`this_device()` chooses once; the rest of the app never asks for the platform.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

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
        """Slow work (pictures, files) beside the screens."""
        ...

    def free_bytes(self) -> int:
        """Room left for data."""
        ...

    def read_beside(self, name: str) -> bytes | None:
        """A file of the data folder whole; None when there is none."""
        ...

    def write_beside(self, name: str, data: bytes) -> None:
        """Write a small file of the data folder, readable by its owner only; whole and durable when this returns."""
        ...

    def set_aside(self, name: str) -> str:
        """Move a file of the data folder out of the way, under a dated name, which is returned; empty when there is none."""
        ...


def this_device() -> Device:
    if sys.platform == "emscripten":
        raise RuntimeError("Bản cho trình duyệt chưa có ở phiên bản này. / There is no browser build in this version.")
    from app.device.native import Native

    return Native()
