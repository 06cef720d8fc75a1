"""Sending photos to central: a tus 1.0 client over whatever httpx client the device has.

Every step may be cut off and repeated: the address follows from the photo's SHA-256, and central always knows how far
it got. Nothing here needs threads, so it runs in the browser too.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

UPLOADS = "/api/v1/uploads"
SLICE = 8 * 1024
"""Bytes handed to the network at once, so that progress shows what has really left."""
AT_ONCE = 16 * 1024
"""Up to this size a file goes out in the request that announces it: one round trip instead of two."""
WATCHED = 256 * 1024
CHUNK_MIN, CHUNK_MAX = 16 * 1024, 1024 * 1024
STOPPING = ("token-expired", "device-revoked", "role-denied", "not-a-device")
"""Refusals of the phone, not of a photo."""
NO_HEADWAY = "no-headway"
TRIES = 5
"""Answers in a row that bring nothing forward before we stop asking."""


class Refused(Exception):
    """Central will not take this photo as it stands; `problem` is its RFC 9457 document.

    `retry` says whether the same request may succeed `later` (central is full, busy) or `never`.
    """

    def __init__(self, problem: dict[str, Any]):
        super().__init__(f"{problem.get('type')}: {problem.get('title')}")
        self.problem = problem
        self.retry: str = problem.get("retry", "never")
        self.name = str(problem.get("type", "")).rpartition("/")[2]

    @property
    def is_general(self) -> bool:
        """Whether every other photo would be refused too: the phone may not send at all, or central can take nothing now."""
        return self.name in STOPPING or (self.retry == "later" and self.name != NO_HEADWAY)


@dataclass
class Pace:
    """Bytes of one request, shared by the files of a run: doubled when one gets through, halved when the line breaks.

    With `seconds`, requests are kept about that long: for machines on which a dead line is silent like a slow one. Elsewhere
    `WATCHED` is a good beginning: a whole photo.
    """

    seconds: float | None = None
    chunk: int = 32 * 1024

    def through(self, seconds: float) -> None:
        """A request was answered after that time."""
        if self.seconds is None or seconds < self.seconds / 2:
            self.chunk = min(CHUNK_MAX, self.chunk * 2)
        elif seconds > self.seconds:
            self.broken()

    def broken(self) -> None:
        self.chunk = max(CHUNK_MIN, self.chunk // 2)


class Upload:
    """One photo on its way; `go_on` may be called again after the line broke, and asks how far central got.

    `endpoint` is where uploads are announced: central's, or another tus server's, whose `Location` is then followed.
    `on_progress(bytes, of bytes)` is told what has left the phone, and falls back when central holds less.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        sha256: str,
        data: bytes,
        *,
        token: str,
        on_progress: Callable[[int, int], None],
        pace: Pace | None = None,
        endpoint: str = UPLOADS,
    ):
        self._client, self._sha256, self._data, self._on_progress = client, sha256, data, on_progress
        self._pace, self._endpoint = pace or Pace(), endpoint
        self._address = f"{UPLOADS}/{sha256}" if endpoint == UPLOADS else ""
        self._headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
        self._is_begun = False
        self.held = 0
        """Bytes central has said it holds."""

    async def go_on(self) -> None:
        """Send what central lacks; returns once it has the photo whole and durably.

        Raises httpx.TransportError when the line broke or it was not central that answered (call again, at once or
        later), and Refused.
        """
        data = self._data
        if hashlib.sha256(data).hexdigest() != self._sha256:
            raise Refused(_damaged_here(self._sha256))
        if self._is_begun and self._address:
            self.held = await self._ask()
        else:
            self._is_begun = True
            self.held = await self._announce()
        self._on_progress(self.held, len(data))
        stalled = 0
        while self.held < len(data):
            before = self.held
            self.held = await self._send_from(before)
            self._on_progress(self.held, len(data))
            stalled = 0 if self.held > before else stalled + 1
            if stalled >= TRIES:
                raise Refused(_no_headway(self._sha256))

    async def _send_from(self, offset: int) -> int:
        """One piece; how much central holds then."""
        end = min(offset + self._pace.chunk, len(self._data))
        start = asyncio.get_running_loop().time()
        try:
            answer = await self._client.patch(
                self._address,
                content=self._slices(offset, end),
                headers={
                    **self._headers,
                    "Content-Type": "application/offset+octet-stream",
                    "Content-Length": str(end - offset),
                    "Upload-Offset": str(offset),
                },
            )
        except httpx.TransportError:
            self._pace.broken()
            raise
        if answer.status_code == 204:
            self._pace.through(asyncio.get_running_loop().time() - start)
            return _upload_offset(answer)
        _refuse_unless(answer, again=(404, 408, 409, 410, 460))
        return await self._ask()

    async def _announce(self, *, is_bare: bool = False) -> int:
        """Creation, harmless to repeat, with the whole photo in it when it is small; the bytes central then holds."""
        body = b"" if is_bare or len(self._data) > AT_ONCE else self._data
        given = {"Content-Type": "application/offset+octet-stream", "Content-Length": str(len(body))} if body else {}
        answer = await self._client.post(
            self._endpoint,
            content=self._slices(0, len(body)) if body else None,
            headers={
                **self._headers,
                **given,
                "Upload-Length": str(len(self._data)),
                "Upload-Metadata": f"sha256 {base64.b64encode(bytes.fromhex(self._sha256)).decode()}",
            },
        )
        if answer.status_code != 201:
            if not body:
                _refuse_unless(answer)
            _refuse_unless(answer, again=(408, 409, 460))
            return await self._announce(is_bare=True)
        offset = _upload_offset(answer, otherwise=0)
        self._address = self._address or str(answer.url.join(answer.headers.get("Location", "")))
        return offset

    async def _ask(self) -> int:
        """What central holds by now; an upload it does not know any more is announced anew."""
        answer = await self._client.head(self._address, headers=self._headers)
        if answer.status_code in (200, 204):
            return _upload_offset(answer)
        if self._endpoint != UPLOADS:
            self._address = ""
        return await self._announce()  # says in words what the answer to HEAD cannot

    async def _slices(self, start: int, end: int) -> AsyncIterator[bytes]:
        for at in range(start, end, SLICE):
            yield self._data[at : min(at + SLICE, end)]
            self._on_progress(min(at + SLICE, end), len(self._data))


async def send(
    client: httpx.AsyncClient, sha256: str, data: bytes, *, token: str, on_progress: Callable[[int, int], None]
) -> None:
    """Send one photo, going on from what central holds; see `Upload.go_on`."""
    await Upload(client, sha256, data, token=token, on_progress=on_progress).go_on()


def _upload_offset(answer: httpx.Response, otherwise: int | None = None) -> int:
    """Upload-Offset of an answer that certainly is central's: a captive portal says 200 to everything."""
    given = answer.headers.get("Upload-Offset", "" if otherwise is None else str(otherwise))
    if answer.headers.get("Tus-Resumable") != "1.0.0" or not given.isdigit():
        raise _not_central(answer)
    return int(given)


def _refuse_unless(answer: httpx.Response, again: tuple[int, ...] = ()) -> None:
    """Raise what a refusal means; return when asking again can help."""
    problem = _problem(answer)
    if problem is None:
        raise _not_central(answer)
    if answer.status_code not in again:
        raise Refused(problem)


def _problem(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.headers.get("Content-Type", "").partition(";")[0] != "application/problem+json":
        return None
    try:
        problem = answer.json()
    except ValueError:
        return None
    return problem if isinstance(problem, dict) else None


def _not_central(answer: httpx.Response) -> httpx.TransportError:
    return httpx.RemoteProtocolError(
        f"central did not answer, someone else did ({answer.status_code})", request=answer.request
    )


def _damaged_here(sha256: str) -> dict[str, Any]:
    return {
        "type": "photo-damaged",
        "title": "Tệp ảnh trên máy bị hỏng, không gửi được / The photo's file is damaged and cannot be sent",
        "retry": "never",
        "sha256": sha256,
    }


def _no_headway(sha256: str) -> dict[str, Any]:
    return {
        "type": NO_HEADWAY,
        "title": "Ảnh này chưa gửi xong được, máy sẽ gửi lại / This photo did not get through; it is sent again",
        "retry": "later",
        "sha256": sha256,
    }
