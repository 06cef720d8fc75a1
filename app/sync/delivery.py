"""Bringing all waiting files to central: several at once, previews before photos, on through cuts of the line."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

import httpx

from app.sync.files import File
from app.sync.uploads import Pace, Refused, Upload

LANES = {"preview": 6, "photo": 3}
"""How many files of a kind are on their way at once. A preview is so small that its line mostly waits for an answer."""
SILENCE_S = 2.5
"""For how long nothing may move on any line before one that breaks speaks for all."""


@dataclass
class Sent:
    """How far the files of a run have come. Bytes count what has left the phone; what a cut took with it does not count."""

    files: dict[str, int] = field(default_factory=lambda: {"preview": 0, "photo": 0})
    role: str = "preview"
    """What is being sent now."""
    bytes_done: int = 0
    under_way: dict[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return self.bytes_done + sum(self.under_way.values())


class _DeadToo(httpx.ReadError):
    """Given up because another line was found dead; no failure of this one's own."""


@dataclass
class Delivery:
    """One run's files. `received` and `refused` write down what became of a file, `told` is called whenever `sent` moved.

    `read_file` gives a file by its SHA-256; FileNotFoundError when it is gone.
    """

    client: httpx.AsyncClient
    token: str
    read_file: Callable[[str], Awaitable[bytes]]
    received: Callable[[File], None]
    refused: Callable[[File, str], None]
    told: Callable[[], None]
    pace: Pace = field(default_factory=Pace)
    wanted: Callable[[File], bool] = lambda _file: True
    """Asked before each file: one that is not to go now stays where it is."""
    sent: Sent = field(default_factory=Sent)
    _begun: dict[str, Upload] = field(default_factory=dict)
    """Uploads that a line broke under, by SHA-256: whoever takes them up asks first how much arrived."""
    _put_off: Refused | None = None
    _attempts: "dict[asyncio.Future[None], float]" = field(default_factory=dict)
    """Files on their way, each since when (seconds of the event loop)."""
    _heard_at: float = 0.0
    """When anything last moved on any line."""

    async def bring(self, waiting: Collection[File]) -> None:
        """Send files in their order, all of a role before the first of the next.

        A line that breaks is tried again at once; when that brings nothing either, it is given up. Raises
        httpx.TransportError when every line was, and Refused when central refuses all there is, or, at the end, one
        for now.
        """
        for role in dict.fromkeys(file.role for file in waiting):
            self.sent.role = role
            await self._bring(deque(file for file in waiting if file.role == role), LANES[role])
        if self._put_off:
            raise self._put_off

    async def _bring(self, queue: deque[File], lanes: int) -> None:
        lines = [asyncio.ensure_future(self._line(queue)) for _ in range(min(lanes, len(queue)))]
        broken: httpx.TransportError | None = None
        try:
            for line in asyncio.as_completed(lines):
                try:
                    await line
                except httpx.TransportError as error:
                    broken = error
        finally:
            for line_ in lines:
                line_.cancel()
            await asyncio.gather(*lines, return_exceptions=True)
            self.sent.under_way.clear()
        if broken and queue:
            raise broken

    async def _line(self, queue: deque[File]) -> None:
        """Take files from the queue until it is empty, through cuts as long as something arrives in between."""
        was_cut = False
        while queue:
            file = queue.popleft()
            if not self.wanted(file):
                continue
            held = self._held(file)
            try:
                await self._attempt(file)
            except httpx.TransportError as error:
                self.sent.under_way.pop(file.sha256, None)
                # A small file waits until the line is busy again, so that nothing idles while central is asked about it.
                (queue.append if file.role == "preview" else queue.appendleft)(file)
                if isinstance(error, _DeadToo):
                    continue
                if was_cut and self._held(file) <= held:
                    raise
                was_cut = True
            except BaseException:
                queue.appendleft(file)
                raise
            else:
                was_cut = False

    def _held(self, file: File) -> int:
        return self._begun[file.sha256].held if file.sha256 in self._begun else 0

    async def _attempt(self, file: File) -> None:
        """Deliver a file over one line. When a line breaks after all of them fell silent, those of the same age are dead too:
        each would find out by itself, seconds later.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        attempt = asyncio.ensure_future(self._deliver(file))
        self._attempts[attempt] = start
        try:
            await attempt
        except httpx.TransportError:
            if loop.time() - self._heard_at > SILENCE_S:
                for other, since in self._attempts.items():
                    if since < self._heard_at:
                        other.cancel()
            raise
        except asyncio.CancelledError:
            attempt.cancel()
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _DeadToo("the line is dead, as another has found") from None
        finally:
            del self._attempts[attempt]

    async def _deliver(self, file: File) -> None:
        def moved(done: int, _of: int) -> None:
            self._heard_at = asyncio.get_running_loop().time()
            self.sent.under_way[file.sha256] = done
            self.told()

        self.sent.under_way[file.sha256] = 0
        self.told()
        try:
            upload = self._begun.get(file.sha256)
            if upload is None:
                data = await self.read_file(file.sha256)
                upload = Upload(self.client, file.sha256, data, token=self.token, on_progress=moved, pace=self.pace)
                self._begun[file.sha256] = upload
            await upload.go_on()
        except FileNotFoundError:
            self._put_aside(file, "Tệp ảnh không còn trên máy. / The photo's file is gone from this phone.")
        except Refused as refusal:
            if refusal.is_general:
                raise
            if refusal.retry == "later":
                self._put_off = refusal
                self._begun.pop(file.sha256, None)
                self.sent.under_way.pop(file.sha256, None)
                return
            self._put_aside(file, str(refusal.problem.get("title", "")))
        else:
            self._heard_at = asyncio.get_running_loop().time()
            self.received(file)
            self.sent.files[file.role] += 1
            self._done(file)

    def _put_aside(self, file: File, why: str) -> None:
        self.refused(file, why)
        self._done(file)

    def _done(self, file: File) -> None:
        self._begun.pop(file.sha256, None)
        self.sent.under_way.pop(file.sha256, None)
        self.sent.bytes_done += file.bytes
        self.told()
