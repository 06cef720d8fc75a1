"""What AppState does to keep the notebook safe: everything out to a file and in from one, and a damaged one begun anew."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from app import carrying, recovery
from app.carrying import Arrived
from app.device import Device
from app.message import Message
from app.notebook import Notebook
from app.photos.store import PhotoFiles
from app.recovery import Recovery
from app.store import Damaged, InUse, StoreProblem
from app.sync.bundle import NotABundle
from app.sync.stamp import fold

log = logging.getLogger("sokiemtra")

RESERVE_BYTES = 50 * 1024 * 1024
"""Room kept for figures: new photos are refused before the disk is full."""
STEP_SHOWN_MS = 300
"""How often the screen hears how far a bundle has come."""

NO_ROOM_TO_IMPORT = Message(
    "Máy không đủ chỗ cho tệp này. Sổ trên máy không thay đổi. Xóa bớt tệp khác rồi nhập lại.",
    "The phone has no room for this file. Nothing has changed. Free some space, then import again.",
)
NOT_SET_ASIDE = Message(
    "Chưa cất được sổ hỏng, nên chưa mở sổ mới. Sổ hỏng vẫn nguyên. Hãy xóa bớt tệp khác rồi thử lại.",
    "The damaged notebook could not be set aside, so no new one was begun. It is unchanged. Free some space, try again.",
)


@dataclass(frozen=True)
class Carried:
    """How far a bundle has come: `way` out or in, entries or photos, done, of how many (0 when not known)."""

    way: str
    what: str = "entries"
    done: int = 0
    of: int = 0


class Safekeeping:
    """A part of AppState; what it shows of its work are AppState's fields."""

    device: Device
    notebook: Notebook | None
    files: PhotoFiles | None
    failure: StoreProblem | None
    message: Message | None
    carried: Carried | None
    arrived: Arrived | None
    recovery: Recovery | None

    @property
    def book(self) -> Notebook:
        """The notebook, once it is known to be open."""
        assert self.notebook is not None
        return self.notebook

    @property
    def is_damaged(self) -> bool:
        return isinstance(self.failure, Damaged)

    @property
    def is_open_elsewhere(self) -> bool:
        return isinstance(self.failure, InUse)

    def tell(self, message: Message | None) -> None:
        self.message = message

    # Files out and in

    async def raw_file(self) -> tuple[str, bytes]:
        """(name, bytes) of the notebook's file as it lies there, damaged or set aside; a ZIP when there is more than one."""
        names = self.recovery.aside if self.recovery else recovery.PARTS
        return recovery.in_one_file({name: data for name in names if (data := self.device.read_beside(name))})

    async def exported(self) -> tuple[str, bytes]:
        """(name, bytes) of a bundle with everything recorded on this phone and every photo on it."""
        assert self.files is not None
        phone = re.sub(r"[^a-z0-9]+", "-", fold(self.book.setting("phone_name"))).strip("-")
        name = "_".join(part for part in ("so-kiem-tra", self.book.today, phone) if part)
        try:
            return f"{name}.zip", await carrying.carry_out(self.book, self.files, self._stepping("out"))
        finally:
            self.carried = None

    async def take_bundle(self, data: bytes) -> None:
        """Take what a bundle holds into the notebook, `arrived` saying what; a message when nothing can be taken."""
        assert self.files is not None
        if self.carried is not None:
            return
        self.arrived = None
        free = self.device.free_bytes()
        if free is not None and free < len(data) + RESERVE_BYTES:
            self.tell(NO_ROOM_TO_IMPORT)
            return
        try:
            self.arrived = await carrying.take_in(self.book, self.files, data, self._stepping("in"))
        except NotABundle as problem:
            self.tell(Message.of(str(problem)))
        finally:
            self.carried = None

    def put_arrived_away(self) -> None:
        self.arrived = None

    def _stepping(self, way: str) -> Callable[[str, int, int], None]:
        """Shows how far a bundle has come, a few times a second."""
        self.carried = Carried(way)
        shown = self.device.now()

        def on_step(what: str, done: int, of: int) -> None:
            nonlocal shown
            if self.device.now() - shown >= STEP_SHOWN_MS:
                shown = self.device.now()
                self.carried = Carried(way, what, done, of)

        return on_step

    # A notebook begun anew

    def note_enrolment(self) -> None:
        """Who this phone is stands a second time beside the notebook, for the day that it is damaged."""
        if self.book.enrolment is None:
            return
        wanted = recovery.written(self.book.enrolment)
        try:
            if self.device.read_beside(recovery.ENROLMENT) != wanted:
                self.device.write_beside(recovery.ENROLMENT, wanted)
        except OSError as error:
            log.warning("%s was not written: %r", recovery.ENROLMENT, error)

    def set_aside(self) -> list[str] | None:
        """Move a damaged notebook out of the way, never deleting it; the names it has now, None with a message when not."""
        assert self.is_damaged
        try:
            return [name for part in recovery.PARTS if (name := self.device.set_aside(part))]
        except OSError as error:
            log.warning("the damaged notebook cannot be moved: %r", error)
            self.tell(NOT_SET_ASIDE)
            return None

    def put_recovery_away(self) -> None:
        recovery.put_away(self.book)
        self.recovery = None
