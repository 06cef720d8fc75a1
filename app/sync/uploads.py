"""Sending photos to central: a tus 1.0 client over whatever httpx client the device has.

Every step may be cut off and repeated: the address follows from the photo's SHA-256, and central always knows how far
it got. Nothing here needs threads, so it runs in the browser too.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

UPLOADS = "/api/v1/uploads"
SLICE = 16 * 1024
"""Bytes handed to the network at once, so that progress shows what has really left."""
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


async def send(
    client: httpx.AsyncClient,
    sha256: str,
    data: bytes,
    *,
    token: str,
    on_progress: Callable[[int, int], None],
    chunk: int = 65536,
) -> None:
    """Send one photo, going on from what central holds; returns once central has it whole and durably.

    `client` has central's address as its base URL, `token` is the phone's. `on_progress(bytes, of bytes)` is told what
    has left the phone, and falls back when central holds less. `chunk` is the size of the first request, doubled each
    time one gets through. Raises httpx.TransportError when the line broke or it was not central that answered (wait,
    then call again), and Refused.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(_damaged_here(sha256))
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
    offset = await _announce(client, sha256, len(data), headers)
    on_progress(offset, len(data))
    stalled = 0
    while offset < len(data):
        answer = await client.patch(
            f"{UPLOADS}/{sha256}",
            content=_slices(data, offset, min(offset + chunk, len(data)), on_progress),
            headers={
                **headers,
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(min(chunk, len(data) - offset)),
                "Upload-Offset": str(offset),
            },
        )
        before = offset
        if answer.status_code == 204:
            offset = _upload_offset(answer)
            chunk *= 2
        else:
            _refuse_unless(answer, again=(404, 408, 409, 410, 460))
            offset = await _held(client, sha256, len(data), headers)
        on_progress(offset, len(data))
        stalled = 0 if offset > before else stalled + 1
        if stalled >= TRIES:
            raise Refused(_no_headway(sha256))


async def _announce(client: httpx.AsyncClient, sha256: str, length: int, headers: dict[str, str]) -> int:
    """Creation, harmless to repeat; the bytes central holds already."""
    answer = await client.post(
        UPLOADS,
        headers={
            **headers,
            "Upload-Length": str(length),
            "Upload-Metadata": f"sha256 {base64.b64encode(sha256.encode()).decode()}",
        },
    )
    if answer.status_code != 201:
        _refuse_unless(answer)
    return _upload_offset(answer, otherwise=0)


async def _held(client: httpx.AsyncClient, sha256: str, length: int, headers: dict[str, str]) -> int:
    """What central holds by now; an upload it does not know any more is announced anew."""
    answer = await client.head(f"{UPLOADS}/{sha256}", headers=headers)
    if answer.status_code in (200, 204):
        return _upload_offset(answer)
    return await _announce(client, sha256, length, headers)  # says in words what the answer to HEAD cannot


async def _slices(data: bytes, start: int, end: int, on_progress: Callable[[int, int], None]) -> AsyncIterator[bytes]:
    for at in range(start, end, SLICE):
        yield data[at : min(at + SLICE, end)]
        on_progress(min(at + SLICE, end), len(data))


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
        "type": "no-headway",
        "title": "Ảnh này chưa gửi xong được, máy sẽ gửi lại / This photo did not get through; it is sent again",
        "retry": "later",
        "sha256": sha256,
    }
