"""AppState: the one observable. Screens read the notebook while drawing and change it through here.

One notebook, one AppState, however many windows show it. Every change goes through `tap`, which turns what an inspector can
be told into a message and lets bugs be loud.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import flet as ft

from app import carrying, recovery, safekeeping, signing
from app.checklist import Refusal
from app.device import Device, this_device
from app.lettering import LettersOnPhotos
from app.meeting import Meeting as MeetingView
from app.meeting import Meetings
from app.message import Message
from app.notebook import Notebook, PhotoFacts
from app.paperwork import DrawnUp as DrawnUpFile
from app.paperwork import Paperwork
from app.paperwork import ToRead as MinutesToRead
from app.photos.judge import Verdict, verdict
from app.photos.marks import Mark
from app.photos.prepare import NotAPhoto, PreparedPhoto, marked, prepare
from app.photos.store import NoRoom, PhotoFiles
from app.readings import PhotoReading
from app.safekeeping import RESERVE_BYTES
from app.schema import read_meta
from app.sending import Sending, SyncView
from app.sending import read_link as read_link
from app.store import DiskFull, StoreProblem, in_use, no_storage
from app.straightening import Corners as BoardCorners
from app.straightening import Straightening
from app.sync import conflicts, ledger, relay
from app.sync.files import PhotoState as FileState

log = logging.getLogger("sokiemtra")

PhotoState: TypeAlias = FileState
Waiting: TypeAlias = ledger.Waiting
Unread: TypeAlias = relay.Unread
Conflict: TypeAlias = conflicts.Conflict
Side: TypeAlias = conflicts.Side
Late: TypeAlias = signing.Late
Proof: TypeAlias = signing.Proof
Arrived: TypeAlias = carrying.Arrived
Recovery: TypeAlias = recovery.Recovery
Carried: TypeAlias = safekeeping.Carried
Meeting: TypeAlias = MeetingView
DrawnUp: TypeAlias = DrawnUpFile
ToRead: TypeAlias = MinutesToRead
Corners: TypeAlias = BoardCorners

T = TypeVar("T")

RESERVED = (
    "Máy sắp hết chỗ lưu: chỗ còn lại dành cho số liệu nên chưa nhận thêm ảnh. Những gì đã ghi vẫn an toàn. "
    "Hãy xóa bớt tệp trên máy rồi chụp lại. / "
    "The phone is nearly full: what room is left is for figures, so no more photos are taken. What was recorded is safe. "
    "Free some space, then take the photo again."
)
NO_PLACE = (
    "Máy không mở được chỗ lưu ảnh nên chưa chụp được. Số liệu vẫn ghi được và an toàn. Hãy đóng hẳn rồi mở lại ứng dụng. / "
    "This phone's place for photos cannot be opened, so none can be taken. Figures are recorded and safe. "
    "Close the app altogether and open it again."
)
NOT_HERE = (
    "Máy này không có tệp của ảnh nên chưa vẽ được. Ảnh vẫn như cũ. Hãy vẽ trên máy đã chụp. / "
    "This phone does not have the photo's file, so nothing was drawn. The photo is as it was. "
    "Draw on the phone that took it."
)


@dataclass(frozen=True)
class Shot:
    """A photo taken but not yet used: its bytes are ready to be kept, its verdict to be shown."""

    prepared: PreparedPhoto
    verdict: Verdict


@ft.observable
@dataclass(eq=False)
class AppState(Sending, Meetings, Paperwork, LettersOnPhotos, Straightening):
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
    meeting: Meeting | None = None
    """Another phone waited for, or gone to."""
    drawing_up: float | None = None
    """How far the file of the minutes being made has come, 0 to 1."""
    recovery: Recovery | None = None
    """Until it is put away."""
    language: str = "vi"
    text_size: int = 100
    theme: str = "system"
    release_waits: bool = False
    """A newer release of the app lies ready; `switch_release` starts it."""
    is_kept_safe: bool | None = None
    """Whether the system promised never to clear our data by itself; None until asked, and where nobody clears it."""
    lost: Message | None = None
    """What is gone when the storage was cleared since the last time; None when nothing is known to be."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _sweep: "asyncio.Task[None] | None" = None
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
        if device.problem:
            self.failure = in_use(path) if device.problem == "in-use" else no_storage(path)
            return
        try:
            book = Notebook(
                path,
                now=device.now,
                entropy=device.entropy,
                assets=device.assets,
                journal_mode=device.journal_mode,
                flush=device.flush if device.needs_flush else None,
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

    # This phone

    async def settle_in(self) -> None:
        """What is found out once a window is open: what was lost since last time, whether a newer release lies ready."""
        self.device.on_release(self._release_came)
        if self.notebook is not None and self.device.can_be_cleared:
            kept = self.book.setting("kept_safe")
            self.is_kept_safe = kept == "yes" if kept else None
            if not self.is_enrolled:
                self.lost = lost_since(await self.device.noted())

    def switch_release(self) -> None:
        """Start anew with the newer release. Everything is saved at its tap; what is being typed on this screen is not."""
        self.device.switch_release()

    def _release_came(self) -> None:
        self.release_waits = True

    def _saved(self) -> None:
        """Something was recorded: leave word of it, and ask once for the storage to be kept."""
        if not self.device.can_be_cleared or not self.is_enrolled:
            return
        self.device.note(json.dumps({**self.book.tally(), "phone": self.book.setting("phone_name")}))
        if not self.is_kept_safe and not self._asks:
            self._asks = True
            asyncio.get_running_loop().create_task(self._keep_safe())

    _asks: bool = False

    async def _keep_safe(self) -> None:
        self.is_kept_safe = await self.device.keep_safe()
        self.book.set_setting("kept_safe", "yes" if self.is_kept_safe else "no")

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
        self._saved()
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

    async def open_photos(self) -> None:
        """Find the photo files, and clear away beside the screens what an earlier end left behind. Harmless to repeat.

        Where there is no place for photos, everything else still works.
        """
        async with self._opening:
            if self.notebook is None or self.files is not None:
                return
            try:
                files = PhotoFiles(await self.device.photo_folder())
            except OSError as problem:
                log.error("no photo can be kept or shown: %s", problem)
                return
            await self.device.refresh_room()
            self.files = files
            self._sweep = asyncio.get_running_loop().create_task(self._sweep_photos(files))

    async def _sweep_photos(self, files: PhotoFiles) -> None:
        book = self.book
        named = book.named_files() | set(book.file_states())
        try:
            named |= self._photos_before(files.names() - named)
        except DiskFull:
            log.warning("photo files are not swept: no room to note which were here before")
            return
        if removed := await files.sweep(named):
            log.info("%d photo files that an earlier end left behind were cleared away", len(removed))

    def _photos_before(self, unnamed: set[str]) -> set[str]:
        """Photo files without entries that were here before this notebook was.

        They belong to another notebook (damaged, set aside, not yet fetched back), so this one must not clear them away.
        """
        noted = self.book.setting("photos_before")
        if not noted:
            noted = json.dumps(sorted(unnamed))
            self.book.set_setting("photos_before", noted)
        return set(json.loads(noted))

    async def look_at(self, raw: bytes) -> Shot | None:
        """Make a raw photo ready (upright, small, stripped) beside the screens and judge it; None with a message when it is none."""
        await self.open_photos()
        free = self.device.free_bytes()
        if self.files is None:
            self.tell(Message.of(NO_PLACE))
            return None
        if free is not None and free < RESERVE_BYTES:
            self.tell(Message.of(RESERVED))
            return None
        try:
            prepared = await prepare(raw, self.device.pictures)
        except NotAPhoto as problem:
            self.tell(Message(problem.message_vi, problem.message_en))
            return None
        self._camera = prepared.sha256, raw
        return Shot(prepared, verdict(prepared.sharpness, prepared.brightness, prepared.regions))

    async def use_photo(
        self, shot: Shot, visit: str, *, caption: str = "", geopoint: str = "", **place: str
    ) -> str | None:
        """Keep one photo, as `use_photos` has it; returns its id."""
        kept = await self.use_photos([shot], visit, caption=caption, geopoint=geopoint, **place)
        return kept[0] if kept else None

    async def use_photos(
        self, shots: Sequence[Shot], visit: str, *, caption: str = "", geopoint: str = "", **place: str
    ) -> list[str] | None:
        """Keep the files of photos, then the entries that name them; returns their ids. `place` as `add_photos` has it.

        None with a message when they could not be kept; then their files are not kept either.
        """
        files = self.files
        assert files is not None
        photos = [shot.prepared for shot in shots]
        if not place.get("derived_from"):
            photos = [await self.with_band(photo, visit, geopoint) for photo in photos]
        added, kept = set(), None
        try:
            for photo in photos:
                for name, data in ((photo.preview_sha256, photo.preview), (photo.sha256, photo.data)):
                    if await files.keep(name, data):
                        added.add(name)
            kept = self._add_photos(photos, visit, caption=caption, geopoint=geopoint, **place)
            name, camera = self._camera
            if name == shots[-1].prepared.sha256:  # a band below it changes nothing of what was photographed
                self._camera = photos[-1].sha256, camera
        except NoRoom as full:
            self.tell(Message(full.vi, full.en))
        finally:
            if kept is None:
                await files.forget(added)
            await self.device.refresh_room()
        return kept

    async def mark_photo(self, photo: PhotoReading, marks: Sequence[Mark]) -> str | None:
        """Keep the photo anew with these marks in its pixels, as one made of it; returns the new photo's id.

        None with a message when that could not be done; the photo itself stays as it is.
        """
        await self.open_photos()
        whole = self.photo_bytes(photo.sha256)
        if whole is None or self.files is None:
            self.tell(Message.of(NO_PLACE) if self.files is None else Message.of(NOT_HERE))
            return None
        try:
            made = replace(await marked(whole, marks, self.lettering, self.device.pictures), taken_at=photo.taken_at)
        except NotAPhoto as problem:
            self.tell(Message(problem.message_vi, problem.message_en))
            return None
        return await self.keep_made(photo, made)

    async def keep_made(self, photo: PhotoReading, made: PreparedPhoto) -> str | None:
        """Keep a photo that was made of this one where this one belongs; returns its id, None with a message when it cannot be kept."""
        if self.files is None:
            self.tell(Message.of(NO_PLACE))
            return None
        shot = Shot(made, verdict(made.sharpness, made.brightness, made.regions))
        kept = await self.use_photo(
            shot, photo.visit, item=photo.item, row=photo.row, caption=photo.caption, geopoint=photo.geopoint,
            derived_from=photo.sha256, finding=photo.finding, remediation=photo.remediation, photo_set=photo.photo_set,
        )  # fmt: skip
        if kept and photo.circulation:
            self.tap(self.book.edit_photo, self.book.photo(kept), is_limited=True)
        return kept

    def _add_photos(self, photos: Sequence[PreparedPhoto], visit: str, **place: str) -> list[str] | None:
        facts = [
            PhotoFacts(
                photo.sha256, len(photo.data), photo.width, photo.height, photo.media_type, photo.preview_sha256,
                len(photo.preview), photo.taken_at,
            )
            for photo in photos
        ]  # fmt: skip
        return self.tap(self.book.add_photos, visit, facts, **place)

    def missing_photos(self) -> tuple[int, int]:
        """Photos taken with this phone whose files are not on it any more: (how many, how many of them central lacks)."""
        if self.files is None:
            return 0, 0
        states = self.book.file_states()
        gone = self.files.missing(self.book.own_photos())
        return len(gone), sum(not states[name].is_received for name in gone)

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

    async def take_bundle(self, data: bytes) -> None:
        await super().take_bundle(data)
        self.changed()
        self._wake.set()

    def used_bytes(self) -> tuple[int, int]:
        """(notebook, photos) on this phone."""
        folder = self.device.data
        book = sum(p.stat().st_size for p in folder.glob("notebook.sqlite*"))
        return book, self.files.used_bytes() if self.files else 0


def lost_since(note: str) -> Message | None:
    """What a cleared notebook held, from the word it left; None when it left none."""
    if not note:
        return None
    held = json.loads(note)
    phone, entries, unsent = str(held["phone"]), int(held["entries"]), int(held["unsent"])
    vi = f"Bộ nhớ của trình duyệt đã bị xóa. Sổ trước đây trên máy này{f' ({phone})' if phone else ''} có {entries} mục đã ghi"
    en = f"The browser's storage was cleared. The notebook here{f' ({phone})' if phone else ''} held {entries} entries"
    if unsent:
        vi += f", trong đó {unsent} mục chưa gửi về trung tâm và không còn nữa. Ghi danh lại để lấy về phần đã gửi."
        en += f", {unsent} of them not yet sent and gone now. Enrol again to get back what was sent."
    else:
        vi += ", tất cả đã gửi về trung tâm. Ghi danh lại để lấy về."
        en += ", all of them sent. Enrol again to get them back."
    return Message(vi, en)


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
