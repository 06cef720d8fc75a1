"""AppState: the one observable. Screens read the notebook while drawing and change it through here.

One notebook, one AppState, however many windows show it. Every change goes through `tap`, which turns what an inspector can
be told into a message and lets bugs be loud.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

import flet as ft
import httpx

from app import carrying, recovery, safekeeping
from app.checklist import Refusal
from app.device import Device, this_device
from app.message import Message
from app.notebook import Notebook, PhotoFacts
from app.photos.judge import Verdict, verdict
from app.photos.prepare import NotAPhoto, PreparedPhoto, prepare
from app.photos.store import DiskFull as NoRoomForPhotos
from app.photos.store import PhotoFiles
from app.recorder import Enrolment
from app.safekeeping import RESERVE_BYTES, Safekeeping
from app.schema import read_meta
from app.store import DiskFull, StoreProblem
from app.sync import exchange, ledger
from app.sync.exchange import Busy, Progress, Stopped
from app.sync.files import PhotoState as FileState

log = logging.getLogger("sokiemtra")

PhotoState: TypeAlias = FileState
Waiting: TypeAlias = ledger.Waiting
Arrived: TypeAlias = carrying.Arrived
Recovery: TypeAlias = recovery.Recovery
Carried: TypeAlias = safekeeping.Carried

T = TypeVar("T")

QUIET_SECONDS = 60
"""How often an idle phone asks central for news; after a failure it waits 5, 10, 20 … up to this."""


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


@dataclass(frozen=True)
class Shot:
    """A photo taken but not yet used: its bytes are ready to be kept, its verdict to be shown."""

    prepared: PreparedPhoto
    verdict: Verdict


@ft.observable
@dataclass(eq=False)
class AppState(Safekeeping):
    device: Device
    notebook: Notebook | None = None
    files: PhotoFiles | None = None
    failure: StoreProblem | None = None
    """Why the notebook could not be opened; the app then offers its raw file and nothing else."""
    revision: int = 0
    message: Message | None = None
    sync: SyncView = field(default_factory=SyncView)
    carried: Carried | None = None
    """The bundle being written or read just now."""
    arrived: Arrived | None = None
    """What the last bundle brought, until it is put away."""
    recovery: Recovery | None = None
    """Until it is put away."""
    language: str = "vi"
    text_size: int = 100
    theme: str = "system"
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: "asyncio.Task[None] | None" = None
    _windows: "list[Window]" = field(default_factory=list)

    @classmethod
    def open(cls, device: Device | None = None) -> "AppState":
        """The app on this machine, its notebook opened (or `failure` saying why not)."""
        app = cls(device or this_device())
        app._open()
        return app

    def _open(self, aside: Sequence[str] = ()) -> None:
        """Open the notebook, or say why not. `aside` names what was set aside of a damaged one before it."""
        device, path = self.device, self.device.data / recovery.NOTEBOOK
        try:
            book = Notebook(
                path, now=device.now, entropy=device.entropy, assets=device.assets, journal_mode=device.journal_mode
            )
            if recovery.recall(book, device.read_beside(recovery.ENROLMENT)) or aside:
                recovery.begun(book, aside)
        except StoreProblem as problem:
            self.failure = problem
            return
        except DiskFull as full:
            self.failure = StoreProblem(path, full.vi, full.en)
            return
        self.notebook, self.failure = book, None
        self.note_enrolment()
        self.files = PhotoFiles(device.data / "photos")
        self.language = book.setting("language", "vi")
        self.text_size = int(book.setting("text_size", "100"))
        self.theme = book.setting("theme", "system")
        self.recovery = recovery.read(book)
        with book.store.reading() as connection:
            synced = read_meta(connection, "synced_at")
        self.sync = SyncView(last_success=int(synced) if synced else None)

    def begin_anew(self) -> None:
        """Set a damaged notebook aside and begin a new one as the same phone; the next sync brings back what central had."""
        aside = self.set_aside()
        if aside is None:
            return
        self._open(aside)
        if self.is_open:
            self.start_syncing()

    @property
    def is_open(self) -> bool:
        """Whether there is a notebook to write in; `failure` says why not."""
        return self.notebook is not None

    @property
    def is_enrolled(self) -> bool:
        return self.notebook is not None and self.notebook.enrolment is not None

    def changed(self) -> None:
        self.revision += 1

    def open_window(self) -> "Window":
        """A window that redraws with the app until it is closed; to be called inside its Flet session."""
        window = Window(self)
        self._windows.append(window)
        return window

    def close_window(self, window: "Window") -> None:
        if window in self._windows:
            self._windows.remove(window)

    def _notify(self, field: str | None) -> None:
        # Flet would redraw every component in the session whose event came last, and what syncs by itself belongs to none.
        for window in tuple(self.__dict__.get("_windows", ())):  # none yet while the app itself is being made
            try:
                window.redraw()
            except RuntimeError as gone:
                log.info("a window is gone: %s", gone)
                self.close_window(window)

    # Recording

    def tap(self, work: Callable[..., T], *args: Any, **named: Any) -> T | None:
        """Do one thing in the notebook and redraw. What the inspector can put right becomes a message, and None comes back."""
        try:
            outcome = work(*args, **named)
        except Refusal as refusal:
            self.tell(Message.of(str(refusal)))
            return None
        except DiskFull as full:
            self.tell(Message(full.vi, full.en))
            return None
        finally:
            self.changed()
        self._wake.set()
        return outcome

    def set_setting(self, name: str, value: str) -> None:
        """language (vi, en), text_size (100, 125, 150), theme (system, light, dark); kept for next time."""
        self.tap(self.book.set_setting, name, value)
        if name == "language":
            self.language = value
        elif name == "text_size":
            self.text_size = int(value)
        elif name == "theme":
            self.theme = value

    # Photos

    async def look_at(self, raw: bytes) -> Shot | None:
        """Make a raw photo ready (upright, small, stripped) beside the screens and judge it; None with a message when it is none."""
        if self.device.free_bytes() < RESERVE_BYTES:
            self.tell(Message(DiskFull.vi, DiskFull.en))
            return None
        try:
            prepared = await self.device.in_background(lambda: prepare(raw))
        except NotAPhoto as problem:
            self.tell(Message(problem.message_vi, problem.message_en))
            return None
        return Shot(prepared, verdict(prepared.sharpness, prepared.brightness))

    async def use_photo(
        self, shot: Shot, visit: str, *, item: str = "", row: str = "", caption: str = "", geopoint: str = ""
    ) -> str | None:
        """Keep the photo's files, then the entry that names them; returns the photo's id."""
        files, photo = self.files, shot.prepared
        assert files is not None

        def keep() -> None:
            files.keep(photo.sha256, photo.data)
            files.keep(photo.preview_sha256, photo.preview)

        try:
            await self.device.in_background(keep)
        except NoRoomForPhotos:
            self.tell(Message(DiskFull.vi, DiskFull.en))
            return None
        facts = PhotoFacts(
            photo.sha256, len(photo.data), photo.width, photo.height, photo.media_type, photo.preview_sha256,
            len(photo.preview), photo.taken_at,
        )  # fmt: skip
        return self.tap(self.book.add_photo, visit, facts, item=item, row=row, caption=caption, geopoint=geopoint)

    def place(self, visit: str, geopoint: str, photo: str = "") -> None:
        """Record a position that has come, for a visit and maybe a photo of it; too late for a visit that was shut meanwhile."""
        try:
            self.book.place(visit, geopoint, photo)
        except (Refusal, LookupError) as late:
            log.info("a position came too late: %s", late)
        except DiskFull as full:
            self.tell(Message(full.vi, full.en))
        self.changed()
        self._wake.set()

    def photo_bytes(self, sha256: str) -> bytes | None:
        """A photo file kept on this phone; None when only its name is here."""
        if self.files is None or not sha256 or not self.files.has(sha256):
            return None
        return self.files.read(sha256)

    # Sync

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

    _hurry: bool = False

    async def _sync_forever(self) -> None:
        wait = 0.0
        while True:
            if self.is_enrolled:
                is_fine = await self.sync_once()
                wait = QUIET_SECONDS if is_fine else min(QUIET_SECONDS, max(5.0, wait * 2))
            else:
                wait = QUIET_SECONDS
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
        book, files = self.book, self.files
        enrolment = book.enrolment
        if enrolment is None or files is None or self.sync.is_running:
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
        return failure is None

    def sync_tasks(self) -> list[dict[str, Any]]:
        """Entries central refused, as tasks: visit, kind, id, title, field."""
        with self.book.store.reading() as connection:
            return ledger.refusals(connection)

    async def take_bundle(self, data: bytes) -> None:
        await super().take_bundle(data)
        self.changed()
        self._wake.set()

    def used_bytes(self) -> tuple[int, int]:
        """(notebook, photos) on this phone."""
        folder = self.device.data
        book = sum(p.stat().st_size for p in folder.glob("notebook.sqlite*"))
        return book, self.files.used_bytes() if self.files else 0


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


@ft.observable
@dataclass(eq=False)
class Window:
    """One open window of the app. Its components redraw in its own Flet session, whoever changed the app."""

    app: AppState
    revision: int = 0
    _context: Context = field(default_factory=copy_context)

    def redraw(self) -> None:
        self._context.run(self._redraw)

    def _redraw(self) -> None:
        self.revision += 1


AppContext = ft.create_context(Window(None))


def use_app() -> AppState:
    """The app, from inside a component; the component redraws when it changes."""
    return ft.use_context(AppContext).app
