"""A desktop, a phone with the native app, or the server mode used for development: files, threads, sockets."""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import httpx

from app.device.lines import Watched
from app.photos.disk import FolderOnDisk
from app.photos.pillow import PillowPictures
from app.photos.prepare import Pictures

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30, connect=10)
"""The kernel finds out by itself when a line is dead (`_SOCKET`); this is for what answers nothing at all."""

_SOCKET = (
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", 3000),
    ("SOL_SOCKET", "SO_KEEPALIVE", 1),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", 3),
    ("IPPROTO_TCP", "TCP_KEEPINTVL", 2),
    ("SOL_SOCKET", "SO_SNDBUF", 8 * 1024),
    ("IPPROTO_TCP", "TCP_CONGESTION", b"cubic"),
)
"""A connection is dead when a repeated packet is not acknowledged in 3 s; the kernel first waits as long as this line's answers
take, so a slow line has more. Keep-alive finds dead lines on which we only wait. What is handed to the kernel shall have nearly
left: progress is then true, and little is lost with a line. BBR, some systems' default, reaches half of 100 kbit/s."""


def _socket_options() -> "list[tuple[int, int, int] | tuple[int, int, bytes | bytearray]]":
    """Of `_SOCKET` what this system knows and allows."""
    taken: list[tuple[int, int, int] | tuple[int, int, bytes | bytearray]] = []
    with socket.socket() as trial:
        for level, name, value in _SOCKET:
            with contextlib.suppress(AttributeError, OSError):
                number = getattr(socket, level), getattr(socket, name)
                trial.setsockopt(*number, value)
                taken.append((*number, value))  # type: ignore[arg-type]
    return taken


class Native:
    """Data lies in KIEMTRA_DATA; without it where Flet keeps app data, else in a folder of the user's."""

    journal_mode = "WAL"
    needs_flush = False
    can_be_cleared = False
    can_read_codes = False
    can_meet = True
    request_seconds: float | None = None
    problem = ""

    def __init__(self) -> None:
        folder = os.environ.get("KIEMTRA_DATA") or os.environ.get("FLET_APP_STORAGE_DATA")
        self.data = Path(folder) if folder else Path.home() / ".so-kiem-tra"
        self.data.mkdir(parents=True, exist_ok=True)
        self.assets = Path(os.environ.get("FLET_ASSETS_DIR") or Path(__file__).parents[2] / "assets")
        self.central_url = os.environ.get("KIEMTRA_CENTRAL", "")
        self.pictures: Pictures = PillowPictures()

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def entropy(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def client(self, base_url: str) -> httpx.AsyncClient:
        # Mounted for everything, so that a proxy the machine names for some addresses still goes before.
        client = httpx.AsyncClient(
            base_url=base_url,
            timeout=TIMEOUT,
            mounts={"all://": Watched(socket_options=_socket_options())},
        )
        for name in ("Accept", "Accept-Encoding", "Connection", "User-Agent"):
            del client.headers[name]  # 120 previews would carry them 120 times over 100 kbit/s
        return client

    def in_background(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.to_thread(work)

    def flush(self) -> None:
        """SQLite has done it: `synchronous=FULL` waits for the disk."""

    def shown(self) -> None:
        """Nothing covers the first screen here."""

    async def keep_safe(self) -> bool:
        return True

    def note(self, text: str) -> None:
        """Not needed: nobody clears a folder behind the user's back."""

    async def noted(self) -> str:
        return ""

    def is_metered(self) -> bool | None:
        return self._is_metered

    def heard_of_network(self, is_metered: bool | None) -> None:
        self._is_metered = is_metered

    _is_metered: bool | None = None

    def on_reconnect(self, tell: Callable[[], None]) -> None:
        """Python is not told; the waits between tries are short enough."""

    def on_release(self, tell: Callable[[], None]) -> None:
        """A native app is updated by the system, not by itself."""

    def look_for_release(self) -> None:
        """As `on_release`."""

    def switch_release(self) -> None:
        """As `on_release`."""

    async def read_code(self, picture: bytes) -> str:
        return ""

    async def photo_folder(self) -> FolderOnDisk:
        return FolderOnDisk(self.data / "photos")

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.data).free

    async def refresh_room(self) -> None:
        """Nothing to do: the disk is asked each time."""

    def read_beside(self, name: str) -> bytes | None:
        try:
            return (self.data / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_beside(self, name: str, data: bytes) -> None:
        unfinished = self.data / f"{name}.unfinished"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.data / name)
        self._sync_folder()

    def set_aside(self, name: str) -> str:
        path = self.data / name
        if not path.exists():
            return ""
        when = datetime.fromtimestamp(self.now() / 1000).astimezone().strftime("%Y-%m-%d_%H%M%S")
        names = (f"{name}.{when}" + (f"-{n}" if n else "") for n in itertools.count())
        aside = next(other for other in names if not (self.data / other).exists())
        os.replace(path, self.data / aside)
        self._sync_folder()
        return aside

    def _sync_folder(self) -> None:
        """A rename is durable only once its folder is."""
        if os.name == "nt":
            return  # Windows cannot open folders; NTFS journals renames itself
        descriptor = os.open(self.data, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
