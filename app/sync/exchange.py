"""The road to central: enrolling, and one run of sync (figures first, then reference data, previews, photos).

Every step may be cut off and repeated: what was committed on either side is found again by asking. A run raises
`httpx.TransportError` when there is no line, `Busy` when central asks to come back later, and `Stopped` when coming back
would not help; whatever was sent before stays sent.
"""

import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import httpx
from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, ProgrammingError

from app.reference import take_reference
from app.schema import read_meta, write_meta
from app.sync import files, ledger
from app.sync.uploads import Refused, send
from app.sync.wire import MAX_BYTES, MAX_ENTRIES

PULL_BYTES = 128 * 1024
MENDS_MAX = 5
"""How often in one run the journal is put right by what an answer says; whoever asks for more of that is not central."""


class Store(Protocol):
    """Where the journal is kept: `app.store.Store`."""

    def reading(self) -> AbstractContextManager[Connection]: ...
    def writing(self) -> AbstractContextManager[Connection]: ...


class Stopped(Exception):
    """Central refuses and would refuse again; `name` is the problem's short name, the words say what to do."""

    def __init__(self, name: str, words: str):
        super().__init__(words)
        self.name, self.words = name, words


class Busy(Exception):
    """Central answers but cannot take this now; come back after `seconds`."""

    def __init__(self, seconds: int, words: str):
        super().__init__(words)
        self.seconds, self.words = seconds, words


@dataclass(frozen=True)
class Progress:
    """How far a run has come; totals are what was waiting when it began. `sending` is the file on its way, if any."""

    step: str = "figures"
    entries_sent: int = 0
    entries_total: int = 0
    previews_sent: int = 0
    previews_total: int = 0
    photos_sent: int = 0
    photos_total: int = 0
    bytes_sent: int = 0
    bytes_total: int = 0
    sending: str = ""


@dataclass(frozen=True)
class Run:
    """What a run has to work with. `read_file` gives a photo file by its SHA-256; FileNotFoundError when it is gone."""

    store: Store
    client: httpx.AsyncClient
    token: str
    now: Callable[[], int]
    entropy: Callable[[int], bytes]
    read_file: Callable[[str], Awaitable[bytes]]
    on_progress: Callable[[Progress], None]
    on_visits: Callable[[set[str]], None]
    """Called after each commit with the visits whose reading may have changed."""
    on_reference: Callable[[], None]


async def enrol(client: httpx.AsyncClient, code: str, name: str, install: str) -> dict[str, Any]:
    """Trade a one-time code for a place in a team; the answer of `POST /devices`. Raises Stopped, Busy or TransportError."""
    try:
        answer = await client.post("/api/v1/devices", json={"code": code, "name": name, "install": install})
    except httpx.DecodingError as error:
        raise _not_central() from error
    if answer.status_code != 201:
        raise _failure(answer)
    try:
        body: dict[str, Any] = answer.json()
        if not all(body[key] for key in ("device_id", "token", "server_id", "user")):
            raise KeyError
    except (ValueError, KeyError, TypeError):
        raise _not_central() from None
    return body


async def run(job: Run) -> Progress:
    """Send and fetch everything there is, in the order figures, reference data, previews, photos."""
    try:
        progress = await _figures(job)
        await _reference(job)
        progress = await _files(job, progress)
        with job.store.writing() as connection:
            ledger.compact_daily(connection, job.now())
        return progress
    except httpx.DecodingError as error:
        raise _not_central() from error


def _headers(job: Run) -> dict[str, str]:
    return {"Authorization": f"Bearer {job.token}"}


async def _figures(job: Run) -> Progress:
    with job.store.reading() as connection:
        left = ledger.waiting(connection)
    progress = Progress(
        entries_total=left.entries, previews_total=left.previews, photos_total=left.photos, bytes_total=left.bytes
    )
    job.on_progress(progress)
    max_entries, max_bytes, turns = MAX_ENTRIES, MAX_BYTES // 2, 0
    while True:
        with job.store.reading() as connection:
            body = ledger.outgoing(
                connection, job.now(), max_entries=max_entries, max_bytes=max_bytes, pull_bytes=PULL_BYTES
            )
        answer = await job.client.post(
            "/api/v1/sync",
            content=gzip.compress(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0),
            headers=_headers(job) | {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )
        if answer.status_code != 200:
            if answer.status_code == 413 and max_entries > 1:
                max_entries, max_bytes = max(1, max_entries // 2), max(1024, max_bytes // 2)
                continue
            turns += 1
            if turns > MENDS_MAX or not _mend(job, answer, body["epoch"]):
                raise _failure(answer)
            continue
        try:
            with job.store.writing() as connection:
                taken = ledger.take_answer(connection, body, _object(answer), job.now())
        except ledger.Behind as behind:
            turns += 1
            if turns > MENDS_MAX:
                raise _not_central() from behind
            _open_epoch(job, behind.epoch)
            continue
        except (ValueError, KeyError, TypeError) as error:
            raise _not_central() from error
        progress = replace(
            progress, entries_sent=min(progress.entries_total, progress.entries_sent + len(body["entries"]))
        )
        job.on_progress(progress)
        job.on_visits(taken.visits)
        with job.store.reading() as connection:
            more = taken.more or ledger.waiting(connection).entries > 0
        if not more:
            return progress


def _mend(job: Run, answer: httpx.Response, epoch: str) -> bool:
    """Put right what central says stands in the way of the journal; False when that is not ours to put right."""
    problem = _problem(answer)
    try:
        match _name(problem):
            case "journal-fork":
                raise ledger.Behind(epoch)
            case "seq-gap":
                with job.store.writing() as connection:
                    ledger.rewind(connection, epoch, int(problem["expected"]) - 1)
            case "cursor-expired":
                with job.store.writing() as connection:
                    write_meta(connection, "cursor", "")
            case "server-changed":
                with job.store.writing() as connection:
                    ledger.forget_central(connection, str(problem["server_id"]))
                    ledger.rewind(connection, epoch, int(problem["acked"]))
                job.on_reference()
            case _:
                return False
    except ledger.Behind as behind:
        _open_epoch(job, behind.epoch)
    except (ValueError, KeyError, TypeError) as error:
        raise _not_central() from error
    return True


def _open_epoch(job: Run, left: str) -> None:
    """Central's journal of this phone and the phone's own went different ways: go on under a new name."""
    with job.store.writing() as connection:
        ledger.open_epoch(connection, left, job.entropy(16).hex())
    job.on_reference()


async def _reference(job: Run) -> None:
    with job.store.reading() as connection:
        etag = read_meta(connection, "reference_etag") or ""
    headers = _headers(job) | ({"If-None-Match": etag} if etag else {})
    answer = await job.client.get("/api/v1/reference", headers=headers)
    if answer.status_code == 304:
        return
    if answer.status_code != 200:
        raise _failure(answer)
    try:
        with job.store.writing() as connection:
            take_reference(connection, _object(answer))
            write_meta(connection, "reference_etag", answer.headers.get("ETag", ""))
    except (ValueError, LookupError, TypeError, AttributeError, ProgrammingError, InterfaceError) as error:
        raise _not_central() from error  # a document that cannot be kept, or not read back; what was there stays
    job.on_reference()


async def _files(job: Run, progress: Progress) -> Progress:
    with job.store.reading() as connection:
        waiting = files.next_files(connection)
    total = sum(file.bytes for file in waiting)
    progress = replace(
        progress,
        step="previews",
        previews_total=sum(f.role == "preview" for f in waiting),
        photos_total=sum(f.role == "photo" for f in waiting),
        bytes_total=total,
    )
    sent = 0
    for file in waiting:
        progress = replace(progress, step="previews" if file.role == "preview" else "photos", sending=file.sha256)
        start = sent

        def tell(done: int, _of: int, start: int = start, base: Progress = progress) -> None:
            job.on_progress(replace(base, bytes_sent=start + done))

        job.on_progress(replace(progress, bytes_sent=sent))
        try:
            data = await job.read_file(file.sha256)
            await send(job.client, file.sha256, data, token=job.token, on_progress=tell)
        except FileNotFoundError:
            _refuse(job, file, "Tệp ảnh không còn trên máy. / The photo's file is gone from this phone.")
        except Refused as refused:
            if _name(refused.problem) in _STOPPING:
                raise Stopped(_name(refused.problem), str(refused.problem.get("title", ""))) from refused
            if refused.retry == "later":
                raise Busy(30, str(refused.problem.get("title", ""))) from refused
            _refuse(job, file, str(refused.problem.get("title", "")))
        else:
            with job.store.writing() as connection:
                files.mark_received(connection, [file.sha256])
            if file.role == "preview":
                progress = replace(progress, previews_sent=progress.previews_sent + 1)
            else:
                progress = replace(progress, photos_sent=progress.photos_sent + 1)
        sent += file.bytes
        progress = replace(progress, bytes_sent=sent, sending="")
        job.on_progress(progress)
        job.on_visits(set())
    return replace(progress, step="done")


def _refuse(job: Run, file: files.File, why: str) -> None:
    with job.store.writing() as connection:
        files.mark_refused(connection, file.sha256, why)


_STOPPING = ("token-expired", "device-revoked", "role-denied", "not-a-device")


def _problem(answer: httpx.Response) -> dict[str, Any]:
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises ValueError when it is none."""
    body = answer.json()
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def _name(problem: dict[str, Any]) -> str:
    return str(problem.get("type", "")).rpartition("/")[2]


def _not_central() -> Busy:
    return Busy(
        60,
        "Mạng này trả lời thay trung tâm (có thể là trang đăng nhập wifi). Máy sẽ tự gửi lại. / "
        "Something on this network answers in central's place (a sign-in page, perhaps). The phone will try again.",
    )


def _failure(answer: httpx.Response) -> Exception:
    """What to tell the screen about a refusal: come back later, or not."""
    problem = _problem(answer)
    if not problem:
        return _not_central()
    words = str(problem.get("title", "")) or "Trung tâm không nhận. / Central refuses."
    if problem.get("retry") == "never":
        return Stopped(_name(problem), words)
    wait = answer.headers.get("Retry-After", "")
    return Busy(int(wait) if wait.isdigit() else 30, words)
