"""The app's own sync on a road: `python -m bench.link.phone WHAT SEED URL DIRECT_URL CODE` prints what it measured as JSON.

WHAT is `day` (figures, then the previews of all 120 photos, and an empty sync after it) or `visit` (one visit, its 15 photos
to the end). The phone enrols and records over the direct address; only what is measured goes over the link.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from app.device.native import Native
from app.notebook import Notebook
from app.photos.disk import FolderOnDisk
from app.photos.store import PhotoFiles
from app.recorder import Enrolment
from app.sync import exchange
from app.sync.patience import Patience
from bench.link.day import VISITS, record_day

T0 = time.monotonic()


class Counted:
    """HTTP requests and their bytes both ways, headers and bodies as they stand on the wire of HTTP/1.1."""

    def __init__(self, client: httpx.AsyncClient):
        self.requests = self.up = self.down = 0
        client.event_hooks = {"request": [self._asked], "response": [self._answered]}

    async def _asked(self, request: httpx.Request) -> None:
        self.requests += 1
        line = len(f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n")
        self.up += line + _headers(request.headers) + int(request.headers.get("Content-Length", 0))

    async def _answered(self, answer: httpx.Response) -> None:
        line = len(f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n")
        self.down += line + _headers(answer.headers) + int(answer.headers.get("Content-Length", 0))

    def since(self, before: "tuple[int, int, int]" = (0, 0, 0)) -> tuple[int, int, int]:
        return self.requests - before[0], self.up - before[1], self.down - before[2]


def _headers(headers: httpx.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw) + 2


async def persist(run: Callable[[], Awaitable[Any]]) -> int:
    """Sync as the app does, through failures and waits; how many runs it took."""
    patience, runs = Patience(), 0
    while True:
        runs += 1
        try:
            await run()
            return runs
        except (httpx.TransportError, exchange.Busy) as trouble:
            wait = patience.failed()
            print(f"{time.monotonic() - T0:7.2f} {trouble!r}, again in {wait:.1f} s", file=sys.stderr, flush=True)
            await asyncio.sleep(wait)


async def main() -> None:
    what, seed, url, direct_url, code = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
    folder = Path(tempfile.mkdtemp(prefix="phone-", dir=sys.argv[6]))
    device = Native()
    async with device.client(direct_url) as client:
        given: dict[str, Any] = {}

        async def enrol() -> None:
            empty = Notebook(folder / "first.sqlite", now=device.now, entropy=device.entropy, assets=device.assets)
            given.update(await exchange.enrol(client, code, "Máy đo", empty.install))
            empty.close()

        await enrol()
        enrolment = Enrolment(
            given["device_id"], given["token"], given["server_id"], url, given["user"]["id"], given["user"]["name"],
            given["user"]["role"], given["team"]["id"], given["team"]["name"],
        )  # fmt: skip
        files = PhotoFiles(FolderOnDisk(folder / "photos"))

        async def read_file(name: str) -> bytes:
            return files.read(name)

        def job(book: Notebook, client: httpx.AsyncClient, tell: Callable[[exchange.Progress], None]) -> exchange.Run:
            return exchange.Run(
                book.store, client, enrolment.token, device.now, device.entropy, read_file, tell, book.changed_by_sync,
                book.reload,
            )  # fmt: skip

        async def settle(book: Notebook) -> None:
            await exchange.run(job(book, client, lambda _: None))

        visits = VISITS if what == "day" else 1
        book = await record_day(folder, seed, enrolment, settle, visits)
    told: dict[str, Any] = {"seed": seed, "runs": 0}
    async with device.client(url) as client:
        counted, start = Counted(client), time.monotonic()

        def tell(progress: exchange.Progress) -> None:
            at = time.monotonic() - start
            if progress.entries_sent == progress.entries_total and "figures_s" not in told:
                told.update(figures_s=at, figures=counted.since())
            if "previews_s" not in told and progress.previews_total and not book.waiting().previews:
                told.update(previews_s=at, previews=counted.since())
                if what == "day":
                    raise Enough

        with contextlib.suppress(Enough):
            told["runs"] = await persist(lambda: exchange.run(job(book, client, tell)))
        told.update(whole_s=time.monotonic() - start, whole=counted.since())
    told["payload"] = told["figures"][1] + sum(path.stat().st_size for path in (folder / "photos").iterdir())
    if what == "day":
        with book.store.writing() as connection:  # the photos wait for tomorrow: an empty sync is asked for
            connection.exec_driver_sql("UPDATE file SET received = TRUE")
        async with device.client(direct_url) as client:
            await exchange.run(
                job(book, client, lambda _: None)
            )  # what the others' visits changed in the reference data
        async with device.client(url) as client:
            counted, start = Counted(client), time.monotonic()
            told["empty_runs"] = await persist(lambda: exchange.run(job(book, client, lambda _: None)))
            told.update(empty_s=time.monotonic() - start, empty=counted.since())
    print(json.dumps(told), flush=True)


class Enough(Exception):
    """What was to be measured has been."""


if __name__ == "__main__":
    asyncio.run(main())
