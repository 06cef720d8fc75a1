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
    """Folder of the notebook."""
    assets: Path
    """Folder of the shipped fonts, units and checklist."""
    central_url: str
    """Central's address when the machine knows it (the page's own origin, or KIEMTRA_CENTRAL), else empty."""
    journal_mode: str
    """SQLite's journal mode here."""
    pictures: Pictures
    """What decodes, shrinks and measures photos."""
    needs_flush: bool
    """Whether a commit is on the disk only after `flush()`."""
    can_be_cleared: bool
    """Whether the system may clear the app's data by itself (a browser when the phone is full)."""
    can_read_codes: bool
    """Whether `read_code` can find anything here."""
    can_meet: bool
    """Whether another phone can be met here (`app.device.hotspot`): a browser can neither listen nor ask plain HTTP."""
    request_seconds: float | None
    """How long one piece of a photo should take to send, so that a dead line is noticed soon; None where the system sees it."""
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
        """Slow work beside the screens."""
        ...

    def flush(self) -> None:
        """What SQLite wrote is on the disk when this returns; needed after every commit where `needs_flush` says so."""
        ...

    def shown(self) -> None:
        """The first screen has been handed to Flutter."""
        ...

    async def keep_safe(self) -> bool:
        """Ask the system never to clear the app's data by itself; whether it promised."""
        ...

    def note(self, text: str) -> None:
        """Leave a word outside the notebook's storage, to know after a loss what there was."""
        ...

    async def noted(self) -> str:
        """The word left last; empty when there is none."""
        ...

    def is_metered(self) -> bool | None:
        """Whether what is sent now is paid for by amount (mobile data); None where the machine does not say."""
        ...

    def heard_of_network(self, is_metered: bool | None) -> None:
        """What a native client says of its network; Python itself is not told."""
        ...

    def on_reconnect(self, tell: Callable[[], None]) -> None:
        """`tell` is called when the machine has a network again, where it says so."""
        ...

    def on_release(self, tell: Callable[[], None]) -> None:
        """`tell` is called once a newer release of the app lies ready on this phone."""
        ...

    def look_for_release(self) -> None:
        """Fetch a newer release beside the work, if there is one; only `on_release` says so."""
        ...

    def switch_release(self) -> None:
        """Start anew with the release that lies ready; everything not yet saved is gone."""
        ...

    async def read_code(self, picture: bytes) -> str:
        """The text of the QR code in a JPEG or PNG; empty when none can be read."""
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
        from app.device.browser import Browser

        return Browser()
    from app.device.native import Native

    return Native()
