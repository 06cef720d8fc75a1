"""Phone to phone on one Wi-Fi, as AppState does it: this phone waits with a code on its screen, or goes to one that waits."""

import logging
from dataclasses import dataclass, replace

from app.device import Device
from app.device.hotspot import Endpoint, Unreachable, own_addresses, way_to
from app.handover import Handed, NotHandedOver, Receiving, hand_over
from app.message import Message
from app.notebook import Notebook
from app.photos.store import PhotoFiles
from app.sync.bundle import Refused

log = logging.getLogger("sokiemtra")

NO_WIFI = Message(
    "Máy này chưa ở trong mạng Wi-Fi nào. Hãy bật điểm phát Wi-Fi (hotspot) trên một máy, nối máy kia vào đó rồi thử lại.",
    "This phone is on no Wi-Fi. Switch on the hotspot of one phone, join it with the other, then try again.",
)
NOT_REACHED = Message(
    "Không tới được máy kia. Những gì đã chuyển vẫn giữ, không có gì bị mất. Hãy xem lại hai máy có chung Wi-Fi không, địa "
    "chỉ đúng không, rồi thử lại: máy chuyển tiếp phần còn thiếu.",
    "The other phone cannot be reached. What was handed over is kept and nothing is lost. Check that both are on the same "
    "Wi-Fi and that the address is right, then try again: it goes on from there.",
)


@dataclass(frozen=True)
class Meeting:
    """What the screen shows: waiting at `address` with a `code`, or under way to another phone; what has come of it."""

    address: str = ""
    code: str = ""
    is_under_way: bool = False
    done: int = 0
    of: int = 0
    received: tuple[int, int] = (0, 0)
    """Entries and photos."""
    given: tuple[int, int] = (0, 0)
    refused: tuple[Refused, ...] = ()
    is_over: bool = False


class Meetings:
    """A part of AppState; what it shows of its work is `meeting`."""

    device: Device
    notebook: Notebook | None
    files: PhotoFiles | None
    message: Message | None
    meeting: Meeting | None
    _endpoint: Endpoint | None = None

    async def wait_for_phone(self) -> None:
        """Open this phone to another one of the team, for as long as the screen is open."""
        assert self.notebook is not None and self.files is not None
        await self.stop_meeting()
        addresses = own_addresses()
        if not addresses:
            self.message = NO_WIFI
            return
        digits = f"{int.from_bytes(self.device.entropy(8), 'big') % 10**8:08}"
        receiving = Receiving(self.notebook, self.files, lambda: self._came(receiving))
        endpoint = Endpoint(digits, receiving.answer)
        try:
            port = await endpoint.start(addresses[0])
        except OSError as error:
            log.warning("no endpoint on %s: %r", addresses[0], error)
            self.message = NO_WIFI
            return
        self._endpoint = endpoint
        self.meeting = Meeting(f"{addresses[0]}:{port}", digits)

    def _came(self, receiving: Receiving) -> None:
        if self.meeting is not None:
            arrived = receiving.arrived
            self.meeting = replace(
                self.meeting, received=(arrived.entries, arrived.photos), refused=tuple(arrived.refused)
            )

    async def stop_meeting(self) -> None:
        """Nobody can come any more. Harmless to repeat."""
        endpoint, self._endpoint = self._endpoint, None
        self.meeting = None
        if endpoint is not None:
            await endpoint.stop()

    async def go_to_phone(self, address: str, code: str) -> None:
        """Meet the phone that waits at an address; a message when that fails, and the same again goes on from there."""
        assert self.notebook is not None and self.files is not None
        if self.meeting is not None and self.meeting.is_under_way:
            return
        self.meeting = Meeting(is_under_way=True)

        def on_step(what: str, done: int, of: int) -> None:
            if what == "parts" and self.meeting is not None:
                self.meeting = replace(self.meeting, done=done, of=of)

        handed: Handed | None = None
        digits = "".join(filter(str.isdigit, code))
        try:
            handed = await hand_over(self.notebook, self.files, way_to(address.strip(), digits), on_step)
        except NotHandedOver as why:
            self.message = Message.of(str(why))
        except Unreachable as why:
            log.info("the other phone was not reached: %s", why)
            self.message = NOT_REACHED
        finally:
            self.meeting = None
        if handed is not None:
            came = handed.arrived
            self.meeting = Meeting(
                received=(came.entries, came.photos), given=(handed.entries, handed.photos),
                refused=tuple(came.refused), is_over=True,
            )  # fmt: skip
            if came.stopped:
                self.message = Message.of(came.stopped)
