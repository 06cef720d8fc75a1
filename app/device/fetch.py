"""httpx over the browser's `fetch()`: one transport, so that everything above speaks httpx wherever it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import httpx
import js
from pyodide.ffi import JsException, to_js

from app.device.speed import Speed

T = TypeVar("T")

NOT_OURS = frozenset(
    [
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    ]
)
"""Request headers the browser sets itself and lets nobody else set (Fetch standard, forbidden request-headers)."""

DONE_BY_THE_BROWSER = frozenset(("content-encoding", "content-length", "transfer-encoding"))
"""Response headers that no longer hold once the browser has unpacked the body."""


class FetchTransport(httpx.AsyncBaseTransport):
    """Sends requests through `fetch`, with bodies streamed back as they come.

    Raises what httpx's own transport raises: ConnectTimeout when no answer began in the time `Speed` gives it (the client's
    own limits know nothing of the body's size), ReadTimeout when a body stalls,
    ConnectError when there was no answer (no network, refused, another origin: a browser does not say which), ReadError
    when a body broke off. Cancelling the task aborts the request. Redirects are handed to httpx's caller as the page they
    lead to; a request's body is sent whole.
    """

    def __init__(self) -> None:
        self._speed = Speed()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        limits = request.extensions.get("timeout", {})
        start = asyncio.get_running_loop().time()
        stop = js.AbortController.new()
        asked = {
            "method": request.method,
            "headers": {name: value for name, value in request.headers.items() if name.lower() not in NOT_OURS},
            "signal": stop.signal,
            "credentials": "omit",
            "cache": "no-store",
            "redirect": "follow",
        }
        if body and request.method not in ("GET", "HEAD"):
            asked["body"] = to_js(body)
        promise = js.fetch(str(request.url), to_js(asked, dict_converter=js.Object.fromEntries))
        try:
            answer = await _within(promise, self._speed.seconds_for(len(body)), stop, httpx.ConnectTimeout, request)
        except JsException as refusal:
            raise httpx.ConnectError(str(refusal), request=request) from refusal
        except httpx.ConnectTimeout:
            self._speed.gave_up()
            raise
        self._speed.moved(len(body), asyncio.get_running_loop().time() - start)
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in js.Array.from_(answer.headers.entries()).to_py()
            if name.lower() not in DONE_BY_THE_BROWSER
        ]
        return httpx.Response(
            answer.status,
            headers=headers,
            stream=_Body(answer, stop, limits.get("read"), request),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: Any, stop: Any, patience: float | None, request: httpx.Request):
        self._answer, self._stop, self._patience, self._request = answer, stop, patience, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._answer.body:  # JavaScript's null is false too
            return
        reader = self._answer.body.getReader()
        try:
            while True:
                part = await _within(reader.read(), self._patience, self._stop, httpx.ReadTimeout, self._request)
                if part.done:
                    return
                yield part.value.to_bytes()
        except JsException as broken:
            raise httpx.ReadError(str(broken), request=self._request) from broken

    async def aclose(self) -> None:
        self._stop.abort()


async def _within(
    promise: Awaitable[T], seconds: float | None, stop: Any, late: type[httpx.TimeoutException], request: httpx.Request
) -> T:
    """What the promise brings; after `seconds`, or when the task is cancelled, the request is aborted."""
    try:
        async with asyncio.timeout(seconds):
            return await promise
    except TimeoutError:
        stop.abort()
        raise late(f"no answer in {seconds} s", request=request) from None
    except asyncio.CancelledError:
        stop.abort()
        raise
