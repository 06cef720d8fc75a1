"""The road to central: enrolling, and one run of sync (figures first, then reference data, previews, photos).

Every step may be cut off and repeated: what was committed on either side is found again by asking. A run raises
`httpx.TransportError` when there is no line, `Busy` when central asks to come back later, and `Stopped` when coming back
would not help; whatever was sent before stays sent.
"""

import gzip
import json
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import httpx
from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, ProgrammingError

from app.reference import take_reference
from app.schema import read_meta, write_meta
from app.sync import files, ledger
from app.sync.delivery import Delivery
from app.sync.uploads import STOPPING, WATCHED, Pace, Refused
from app.sync.wire import MAX_BYTES, MAX_ENTRIES

BATCH_MIN, BATCH_MAX = 8 * 1024, MAX_BYTES * 3 // 4
"""Bytes of entries in one request, before packing. A day fits into one; halved when a line breaks, doubled when it bears."""
PAGE_MIN, PAGE_FIRST, PAGE_MAX = 8 * 1024, 16 * 1024, 128 * 1024
"""Bytes of others' entries asked for at once, in the same way (sync.md §2.10)."""
PROBE_FIRST, PROBE_MAX = 16, 200
"""Files asked about: those that may have been on their way when an answer was lost; more once central knows most of them."""
BRIEF = {"brief": True}
"""Central leaves out of its answer what is empty."""
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
    """How far a run has come; totals are what was waiting when it began. `sending` are the files on their way."""

    step: str = "figures"
    entries_sent: int = 0
    entries_total: int = 0
    previews_sent: int = 0
    previews_total: int = 0
    photos_sent: int = 0
    photos_total: int = 0
    bytes_sent: int = 0
    bytes_total: int = 0
    sending: frozenset[str] = frozenset()


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
    first: Callable[[], Collection[str]] = tuple
    """Names of the photos that matter most, those of findings: they go before the others."""
    wanted: Callable[[files.File], bool] = lambda _file: True
    """Whether a file is to be sent now; asked before each, so that one may change one's mind while others go."""
    request_seconds: float | None = None
    """How long one piece of a photo should take to send; see `uploads.Pace`."""


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
    """Send and fetch everything there is, in the order figures, reference data if it changed, previews, photos."""
    telling = _Telling(job.on_progress)
    try:
        await _reference(job, await _figures(job, telling))
        await _files(job, telling)
        progress = telling.tell(step="done", sending=frozenset())
        with job.store.writing() as connection:
            ledger.compact_daily(connection, job.now())
            too_old = read_meta(connection, "too_old")
        if too_old:
            raise Stopped("app-too-old", too_old)
        return progress
    except httpx.DecodingError as error:
        raise _not_central() from error


class _Telling:
    """How far the run has come, put together from its parts."""

    def __init__(self, on_progress: Callable[[Progress], None]):
        self._on_progress, self.progress = on_progress, Progress()

    def tell(self, **changed: Any) -> Progress:
        self.progress = replace(self.progress, **changed)
        self._on_progress(self.progress)
        return self.progress


def _headers(job: Run) -> dict[str, str]:
    return {"Authorization": f"Bearer {job.token}"}


async def _figures(job: Run, telling: _Telling) -> str:
    """Push, pull and probe until there is nothing more; the tag of central's reference document."""
    with job.store.reading() as connection:
        left = ledger.waiting(connection)
        batch = int(read_meta(connection, "batch_bytes") or BATCH_MAX)
        page = int(read_meta(connection, "page_bytes") or PAGE_FIRST)
    telling.tell(
        entries_total=left.entries, previews_total=left.previews, photos_total=left.photos, bytes_total=left.bytes
    )
    max_entries, probe, turns = MAX_ENTRIES, PROBE_FIRST, 0
    while True:
        with job.store.reading() as connection:
            body = ledger.outgoing(
                connection, job.now(), max_entries=max_entries, max_bytes=batch, pull_bytes=page, probe=probe
            )
        packed = _packed({name: value for name, value in body.items() if value != []} | BRIEF)
        try:
            answer = await job.client.post(
                "/api/v1/sync",
                content=packed,
                headers=_headers(job)
                | {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "gzip"},
            )
        except httpx.TransportError:
            _note_sizes(job, max(BATCH_MIN, batch // 2), max(PAGE_MIN, page // 2))
            raise
        if answer.status_code == 202:
            _hand_over(job, body, answer)
            continue
        if answer.status_code != 200 and _name(_problem(answer)) != "app-too-old":  # that one acknowledges, too
            if _name(_problem(answer)) == "device-revoked":
                turns += 1
                if turns > MENDS_MAX or not _has_forgotten(job, answer, body["epoch"]):
                    raise _withdrawn(job, answer)
                continue
            if answer.status_code == 413 and max_entries > 1:
                max_entries = max(1, min(max_entries, len(body["entries"])) // 2)  # a tap is sent whole, however large
                batch = max(1024, batch // 2)
                continue
            turns += 1
            if turns > MENDS_MAX or not _mend(job, answer, body["epoch"]):
                raise _failure(answer)
            continue
        try:
            given = _object(answer)
            with job.store.writing() as connection:
                taken = ledger.take_answer(connection, body, given, job.now())
        except ledger.Behind as behind:
            turns += 1
            if turns > MENDS_MAX:
                raise _not_central() from behind
            _open_epoch(job, behind.epoch)
            continue
        except (ValueError, KeyError, TypeError) as error:
            raise _not_central() from error
        sent = telling.progress.entries_sent + len(body["entries"])
        telling.tell(entries_sent=min(left.entries, sent))
        job.on_visits(taken.visits)
        with job.store.reading() as connection:
            more = taken.more or ledger.waiting(connection).entries > 0
        asked, known = len(body["photos"]), len(body["photos"]) - len(taken.missing)
        if asked and known * 2 >= asked:  # not only the last answer was lost: central was restored, or others sent them
            more, probe = True, PROBE_MAX
        batch, page = min(BATCH_MAX, batch * 2), min(PAGE_MAX, page * 2)
        if not more:
            _note_sizes(job, batch, page)
            return str(given.get("reference", ""))


def _packed(body: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)


def _note_sizes(job: Run, batch: int, page: int) -> None:
    """Remember what this line bears, over the end of the app too."""
    wanted = {"batch_bytes": str(batch), "page_bytes": str(page)}
    with job.store.reading() as connection:
        if all(read_meta(connection, key) == value for key, value in wanted.items()):
            return
    with job.store.writing() as connection:
        for key, value in wanted.items():
            write_meta(connection, key, value)


def _hand_over(job: Run, body: dict[str, Any], answer: httpx.Response) -> None:
    """This phone's access was withdrawn; what it has recorded still goes to central, which keeps it apart."""
    try:
        with job.store.writing() as connection:
            ledger.take_quarantine(connection, body, _object(answer))
    except ledger.Behind as behind:
        _open_epoch(job, behind.epoch)
    except (ValueError, KeyError, TypeError) as error:
        raise _not_central() from error
    job.on_visits(set())


def _has_forgotten(job: Run, answer: httpx.Response, epoch: str) -> bool:
    """Whether central holds less of this withdrawn phone than it once took: then that is handed over again."""
    held = _problem(answer).get("acked")
    if isinstance(held, bool) or not isinstance(held, int):
        return False
    try:
        with job.store.writing() as connection:
            if held >= ledger.acked(connection, epoch):
                return False
            ledger.rewind(connection, epoch, held)
    except ledger.Behind as behind:
        _open_epoch(job, behind.epoch)
    return True


def _withdrawn(job: Run, answer: httpx.Response) -> Exception:
    with job.store.reading() as connection:
        handed = ledger.handed_over(connection)
    if not handed:
        return _failure(answer)
    return Stopped(
        "device-revoked",
        f"Quyền dùng của máy này đã bị thu hồi. {handed} mục ghi trên máy đã giao cho trung tâm giữ riêng, chờ Sở Nội vụ xem; "
        "ảnh chưa gửi vẫn ở trên máy. Hãy liên hệ Sở Nội vụ, đừng xóa ứng dụng. / "
        f"This phone's access was withdrawn. {handed} entries recorded on it were handed to central, which keeps them apart "
        "until Home Affairs has looked at them; photos not sent are still on the phone. Ask Home Affairs; do not remove the app.",
    )


def _mend(job: Run, answer: httpx.Response, epoch: str) -> bool:
    """Put right what central says stands in the way of the journal; False when that is not ours to put right."""
    problem = _problem(answer)
    try:
        match _name(problem):
            case "journal-fork":
                with job.store.writing() as connection:
                    is_doubtful = ledger.doubt(connection, epoch, problem.get("at"))
                if not is_doubtful:
                    raise ledger.Behind(epoch)
            case "seq-gap":
                with job.store.writing() as connection:
                    ledger.rewind(connection, epoch, int(problem["expected"]) - 1)
            case "cursor-expired":
                with job.store.writing() as connection:
                    ledger.pull_anew(connection, problem.get("team"))
                job.on_reference()
            case "server-changed":
                with job.store.writing() as connection:
                    ledger.forget_central(connection, str(problem["server_id"]))
                    ledger.rewind(connection, epoch, int(problem["acked"]), str(problem.get("head") or ""))
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


async def _reference(job: Run, tag: str) -> None:
    """Fetch the reference document unless `tag`, its present ETag as far as central told it, says that it is here."""
    with job.store.reading() as connection:
        etag = read_meta(connection, "reference_etag") or ""
    if tag and tag in etag:
        return
    headers = _headers(job) | {"Accept-Encoding": "gzip"} | ({"If-None-Match": etag} if etag else {})
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


async def _files(job: Run, telling: _Telling) -> None:
    first = job.first()
    with job.store.reading() as connection:
        found = files.next_files(connection, first)
    waiting = [file for file in found if job.wanted(file)]  # who is asked may read the notebook, once at a time

    def told() -> None:
        sent = delivery.sent
        telling.tell(
            step=f"{sent.role}s",
            previews_sent=sent.files["preview"],
            photos_sent=sent.files["photo"],
            bytes_sent=sent.bytes,
            sending=frozenset(sent.under_way),
        )

    def received(file: files.File) -> None:
        with job.store.writing() as connection:
            files.mark_received(connection, [file.sha256])
        job.on_visits(set())

    def refused(file: files.File, why: str) -> None:
        with job.store.writing() as connection:
            files.mark_refused(connection, file.sha256, why)
        job.on_visits(set())

    telling.tell(
        previews_total=sum(f.role == "preview" for f in waiting),
        photos_total=sum(f.role == "photo" for f in waiting),
        bytes_total=sum(f.bytes for f in waiting),
    )
    delivery = Delivery(
        job.client,
        job.token,
        job.read_file,
        received,
        refused,
        told,
        pace=Pace(job.request_seconds) if job.request_seconds else Pace(chunk=WATCHED),
        wanted=job.wanted,
    )
    try:
        await delivery.bring(waiting)
    except Refused as refusal:
        words = str(refusal.problem.get("title", ""))
        raise (Stopped(refusal.name, words) if refusal.name in STOPPING else Busy(30, words)) from refusal


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
