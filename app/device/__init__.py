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
    """Folder of the notebook."""
    photos: Path
    """Folder of the photos."""
    assets: Path
    """Folder of the shipped fonts, units and checklist."""
    central_url: str
    """Central's address when the machine knows it (the page's own origin, or KIEMTRA_CENTRAL), else empty."""
    journal_mode: str
    """SQLite's journal mode here."""
    needs_flush: bool
    """Whether a commit is on the disk only after `flush()`."""
    problem: str
    """Why nothing can be kept here: `in-use` (another window has it), `missing`, `failed`; empty when all is well."""

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

    def flush(self) -> None:
        """What SQLite wrote is on the disk when this returns; needed after every commit where `needs_flush` says so."""
        ...

    def shown(self) -> None:
        """The first screen has been handed to Flutter."""
        ...

    def free_bytes(self) -> int:
        """Room left for data."""
        ...


def this_device() -> Device:
    if sys.platform == "emscripten":
        from app.device.browser import Browser

        return Browser()
    from app.device.native import Native

    return Native()
