"""The line from one phone to central, and everything that happens to requests on it."""

import asyncio
import functools
import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx

from tests.simulation.database import PowerCut

if TYPE_CHECKING:
    from tests.simulation.phone import Phone


_url = functools.lru_cache(maxsize=500)(httpx.URL)


class Client(httpx.AsyncClient):
    """httpx without what central never asks for: redirects, cookies, sign-in; an address is taken apart once."""

    def __init__(self, line: "Line"):
        super().__init__(transport=line, base_url="http://central", trust_env=False)
        self._line = line

    def build_request(self, method: str, url: Any, **named: Any) -> httpx.Request:
        given = {name: value for name, value in named.items() if name in ("content", "headers", "json")}
        return httpx.Request(method, _url(f"http://central{url}"), **given)

    async def send(self, request: httpx.Request, **_named: Any) -> httpx.Response:
        response = await self._line.handle_async_request(request)
        response.request = request
        await response.aread()
        return response


FAULTS = {
    "no line": 6,
    "request cut": 5,
    "half-open": 3,
    "answer lost": 7,
    "answer cut": 4,
    "doubled": 4,
    "arrives late": 4,
    "portal": 1,
}
"""What may happen to a request, and how often each beside the others. Half-open: central waits for the rest in vain."""
PATIENCE_S = 30.0
"""How long a phone waits for an answer."""


class Line(httpx.AsyncBaseTransport):
    """One phone's line. `rate` is the share of requests something happens to."""

    def __init__(self, phone: "Phone"):
        self.phone, self.world = phone, phone.world
        self.rate = 0.0
        self.rng = random.Random(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        rng = self.rng
        fault = rng.choices(list(FAULTS), list(FAULTS.values()))[0] if rng.random() < self.rate else ""
        what = f"{request.method} {request.url.path.removeprefix('/api/v1')[:17]}"
        if fault:
            self.world.count(fault)
            self.world.say(self.phone.name, f"{what}: {fault}")
        await asyncio.sleep(rng.uniform(0.05, 0.8))
        if fault == "no line" or not self.world.central.is_up:
            raise httpx.ConnectError("no line", request=request)
        if fault == "portal":
            return httpx.Response(200, html="<html>wifi</html>")
        if fault == "arrives late":
            self.world.loop.call_later(rng.uniform(1, 200), self._deliver, request, body, len(body), False)
            await asyncio.sleep(PATIENCE_S)
            raise httpx.ReadTimeout("no answer", request=request)
        if fault in ("request cut", "half-open") and body:
            self._deliver(request, body, rng.randrange(len(body)), fault == "half-open")
            await asyncio.sleep(rng.uniform(0.1, 3))
            raise httpx.WriteError("the line broke", request=request)
        if fault == "doubled":
            self.world.loop.call_later(rng.choice([0.0, 0.3, 60.0]), self._deliver, request, body, len(body), False)
        task = self._deliver(request, body, len(body), False)
        if task is None:
            raise httpx.ConnectError("no line", request=request)
        done, _ = await asyncio.wait([task], timeout=PATIENCE_S)
        if not done:
            raise httpx.ReadTimeout("no answer", request=request)
        if task.cancelled() or isinstance(task.exception(), PowerCut):
            raise httpx.ReadError("the line broke", request=request)
        status, headers, content = task.result()
        await asyncio.sleep(rng.uniform(0.05, 0.8))
        if fault in ("answer lost", "request cut", "half-open"):
            raise httpx.ReadError("the line broke", request=request)
        if fault == "answer cut":
            return httpx.Response(
                status, headers=headers, stream=_Broken(content[: rng.randrange(len(content) + 1)], request)
            )
        if status == 200 and request.url.path == "/api/v1/sync":
            self.world.oracle.told(self.phone, json.loads(gzip.decompress(body)), json.loads(content))
        return httpx.Response(status, headers=headers, content=content)

    def _deliver(
        self, request: httpx.Request, body: bytes, length: int, stays_open: bool
    ) -> "asyncio.Task[Any] | None":
        """The first `length` bytes of a request arrive at central, in pieces; less than all of it ends in a break."""
        if not self.world.central.is_up:
            return None
        rng = self.rng
        cuts = sorted(rng.randrange(length + 1) for _ in range(rng.choice([0, 0, 1, 4]))) if length > 1 else []
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, length], strict=True)]
        pauses = [rng.choice([0.0, 0.05, 2.0, 8.0]) if self.rate else 0.0 for _ in pieces]
        is_cut = length < len(body)

        async def receive() -> dict[str, Any]:
            if pieces:
                pause = pauses.pop(0)
                if pause:
                    await asyncio.sleep(pause)
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces) or is_cut}
            if stays_open:
                await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        headers = [(name.lower(), value) for name, value in request.headers.raw]
        return self.world.central.take(request.method, request.url.path, headers, receive)


class _Broken(httpx.AsyncByteStream):
    def __init__(self, content: bytes, request: httpx.Request):
        self._content, self._request = content, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        raise httpx.ReadError("the line broke", request=self._request)
