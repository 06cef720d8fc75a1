"""What AppState does to reach central: a place in a team, and syncing by itself whenever central answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from app import carrying, recovery
from app.message import Message
from app.recorder import Enrolment
from app.safekeeping import Safekeeping
from app.store import DiskFull
from app.sync import exchange
from app.sync.exchange import Busy, Progress, Stopped
from app.sync.patience import Patience

log = logging.getLogger("sokiemtra")

QUIET_SECONDS = 60
"""How often an idle phone asks central for news; after a failure `Patience` says when it tries again."""


@dataclass(frozen=True)
class SyncView:
    """What the sync screen and the badge of today show."""

    is_running: bool = False
    is_online: bool | None = None
    """None until central has been asked once."""
    progress: Progress = field(default_factory=Progress)
    last_success: int | None = None
    """ms UTC"""
    failure: Message | None = None
    bytes_per_second: float | None = None
    """As measured in this run."""


class Sending(Safekeeping):
    """A part of AppState; what it shows of its work is `sync`."""

    sync: SyncView
    tap: Callable[..., Any]
    changed: Callable[[], None]
    open_photos: Callable[[], Awaitable[None]]
    set_setting: Callable[[str, str], None]
    _saved: Callable[[], None]
    _wake: asyncio.Event
    _loop: "asyncio.Task[None] | None"

    @property
    def is_enrolled(self) -> bool:
        return self.notebook is not None and self.notebook.enrolment is not None

    async def enrol(self, typed: str, name: str) -> bool:
        """Trade a code (or the link that carries it) for a place in a team, and fetch the reference data."""
        code, url = read_link(typed)
        url = url or self.device.central_url
        if not code or not url:
            self.tell(
                Message.of("Hãy nhập mã, hoặc dán cả đường link ghi danh. / Type the code, or paste the whole link.")
            )
            return False
        try:
            async with self.device.client(url) as client:
                given = await exchange.enrol(client, code, name.strip() or "Điện thoại", self.book.install)
        except (httpx.HTTPError, httpx.InvalidURL):
            self.tell(
                Message.of(
                    "Chưa gặp được trung tâm. Cần có mạng để ghi danh; kiểm tra mạng rồi thử lại. / "
                    "Central cannot be reached. Enrolling needs a network; check it and try again."
                )
            )
            return False
        except (Stopped, Busy) as refusal:
            self.tell(Message.of(str(refusal)))
            return False
        team = given.get("team") or {}
        user = given["user"]
        self.tap(
            self.book.enrol,
            Enrolment(
                given["device_id"], given["token"], given["server_id"], url.rstrip("/"), user["id"], user["name"],
                user["role"], team.get("id", ""), team.get("name", ""),
            ),
        )  # fmt: skip
        self.tap(self.book.set_setting, "phone_name", name.strip())
        self.note_enrolment()
        await self.sync_once()
        return True

    def start_syncing(self) -> None:
        """Sync by itself from now on, whenever central answers; harmless to repeat."""
        if self._loop is None or self._loop.done():
            self._loop = asyncio.get_running_loop().create_task(self._sync_forever())

    def sync_now(self) -> None:
        """What the button does: try at once."""
        self.sync = _with(self.sync, failure=None)
        self._hurry = True
        self._wake.set()

    @property
    def photos_over(self) -> str:
        """Which networks full photos may use: `any`, `unmetered` (not mobile data), or `none` for now; a choice of this phone."""
        return self.book.setting("photos_over", "any")

    def set_photos_over(self, networks: str) -> None:
        self.set_setting("photos_over", networks)
        self.sync_now()

    @property
    def holds_photos(self) -> bool:
        """Whether full photos wait because of that choice; figures and previews go anyway."""
        return self.photos_over == "none" or (self.photos_over == "unmetered" and bool(self.device.is_metered()))

    def _line_is_back(self) -> None:
        """The machine says there is a network again."""
        if not self.sync.is_online:
            self._hurry = True
            self._wake.set()

    _hurry: bool = False
    _not_before: float = 0.0
    """Seconds central asked to be left alone for."""

    async def _sync_forever(self) -> None:
        patience = Patience()
        self.device.on_reconnect(self._line_is_back)
        while True:
            wait = float(QUIET_SECONDS)
            if self.is_enrolled:
                self._not_before = 0.0
                if await self.sync_once():
                    patience.succeeded()
                else:
                    wait = max(patience.failed(), self._not_before)
            self._wake.clear()
            self._hurry = False
            await self._rest(wait)

    async def _rest(self, seconds: float) -> None:
        """Wait; new taps shorten the wait (to gather a few of them), the button ends it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._hurry and (left := end - loop.time()) > 0:
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return
            self._wake.clear()
            if self.sync.is_online:
                end = min(end, loop.time() + 3)

    async def sync_once(self) -> bool:
        """One run; True when everything was sent and fetched."""
        book = self.book
        enrolment = book.enrolment
        if enrolment is None:
            return False
        await self.open_photos()
        files = self.files
        if files is None or self.sync.is_running:
            return False
        started = self.device.now()
        self.sync = _with(self.sync, is_running=True, progress=Progress(), bytes_per_second=None)

        async def read_file(sha256: str) -> bytes:
            return await self.device.in_background(lambda: files.read(sha256))

        def on_progress(progress: Progress) -> None:
            seconds = (self.device.now() - started) / 1000
            speed = progress.bytes_sent / seconds if progress.bytes_sent and seconds > 0.5 else None
            self.sync = _with(self.sync, progress=progress, is_online=True, bytes_per_second=speed)

        def on_visits(visits: set[str]) -> None:
            book.changed_by_sync(visits)
            self.changed()

        def on_reference() -> None:
            book.reload()
            self.changed()

        failure: Message | None = None
        is_online = True
        try:
            async with self.device.client(enrolment.central_url) as client:
                client.headers["Authorization"] = f"Bearer {enrolment.token}"
                run = exchange.Run(
                    book.store,
                    client,
                    enrolment.token,
                    self.device.now,
                    self.device.entropy,
                    read_file,
                    on_progress,
                    on_visits,
                    on_reference,
                    first=book.photos_of_findings,
                    wanted=lambda file: file.role == "preview" or not self.holds_photos,
                    request_seconds=self.device.request_seconds,
                )
                await exchange.run(run)
                if self.recovery and not self.recovery.is_done:
                    if await carrying.queue_held(book, files):
                        await exchange.run(run)
                    self.recovery = recovery.finished(book, files, self.recovery)
        except httpx.HTTPError as error:
            log.info("no line: %r", error)
            is_online = False
            failure = Message.of(
                "Chưa gửi được: không gặp trung tâm. Số liệu vẫn an toàn trên máy, máy sẽ tự gửi lại. / "
                "Not sent: central cannot be reached. Everything is safe on this phone, which will try again."
            )
        except (Stopped, Busy) as refusal:
            failure = Message.of(str(refusal))
            self._not_before = float(refusal.seconds) if isinstance(refusal, Busy) else QUIET_SECONDS
        except DiskFull as full:
            failure = Message(full.vi, full.en)
        finally:
            self.sync = _with(
                self.sync,
                is_running=False,
                is_online=is_online,
                failure=failure,
                last_success=self.sync.last_success if failure else self.device.now(),
            )
            self.changed()
        if failure is None:
            self._saved()
            self.device.look_for_release()
        return failure is None


def _with(view: SyncView, **changes: Any) -> SyncView:
    return SyncView(**{**view.__dict__, **changes})


def read_link(typed: str) -> tuple[str, str]:
    """(code, central's address) from what was typed or scanned: a bare code, or a link `https://…/?enrol=CODE`.

    The link's `central` parameter, if any, names another address than the link's own. The address is empty for a bare code.
    """
    typed = typed.strip()
    if "://" not in typed:
        return typed, ""
    parts = urlsplit(typed)
    query = parse_qs(parts.query)
    code = (query.get("enrol") or [""])[0]
    central = (query.get("central") or [f"{parts.scheme}://{parts.netloc}"])[0]
    return code, central
