"""Phone to phone: two notebooks of one team tell each other what they hold, and bundles carry what the other lacks.

`Receiving` answers, `hand_over` asks; both take in by `carrying.take_in`, so whatever breaks off or comes twice is harmless and
the same again goes on with what is still lacking. Nothing is read from a notebook of another team or another central.
"""

import io
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from app.carrying import Arrived, Step, take_in
from app.notebook import Notebook
from app.photos.store import PhotoFiles
from app.records import SCHEMA
from app.reference import reference_document
from app.sync import bundle, journal
from app.sync.bundle import File, Head, NotABundle
from app.sync.journal import JournalEntry

PROTOCOL = 1
PART_BYTES = 4 * 1024 * 1024
"""Photos in one bundle: what is sent again when the line breaks."""

Ask = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
Held = set[tuple[str, str, int]]


class NotHandedOver(Exception):
    """The other phone cannot be met; the words ("Vietnamese / English") say why and what to do."""


WRONG_CODE = "Sai mã, hoặc màn hình nhận bên kia đã đóng. Hãy xem lại mã trên máy nhận. / The code is wrong, or the other phone's screen was closed. Look at its code again."
OTHER_TEAM = "Máy kia thuộc đoàn khác hoặc trung tâm khác. Không có gì được chuyển. / The other phone is of another team or central. Nothing was handed over."
OTHER_VERSION = "Hai máy dùng phiên bản ứng dụng khác nhau. Hãy cập nhật máy cũ hơn, hoặc chuyển bằng tệp. / The two phones have different versions of the app. Update the older one, or use a file."
BROKEN = "Máy kia trả lời không đúng. Những gì đã nhận vẫn giữ; hãy thử lại. / The other phone gave a broken answer. What was taken is kept; try again."


@dataclass
class Handed:
    """What a meeting came to: what was taken in here, and how many entries and photos the other phone took."""

    arrived: Arrived = field(default_factory=Arrived)
    entries: int = 0
    photos: int = 0


def _about(book: Notebook, files: PhotoFiles) -> dict[str, Any]:
    who = book.enrolment
    assert who is not None
    with book.store.reading() as connection:
        spans: list[list[Any]] = []
        for device, epoch, seq in connection.execute(
            text("SELECT device, epoch, seq FROM entry ORDER BY device, epoch, seq")
        ):
            if spans and spans[-1][:2] == [device, epoch] and spans[-1][3] == seq - 1:
                spans[-1][3] = seq
            else:
                spans.append([device, epoch, seq, seq])
    return {
        "protocol": PROTOCOL, "schema": SCHEMA, "server_id": who.server_id, "team": who.team, "holds": spans,
        "files": sorted(files.names()),
    }  # fmt: skip


def _check(book: Notebook, other: Any) -> None:
    """Raises NotHandedOver unless `other` is what a phone of the same team says of itself."""
    who = book.enrolment
    if not isinstance(other, dict) or who is None:
        raise NotHandedOver(BROKEN)
    holds, names = other.get("holds"), other.get("files")
    if not isinstance(holds, list) or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NotHandedOver(BROKEN)
    if not all(
        isinstance(span, list)
        and len(span) == 4
        and all(isinstance(name, str) for name in span[:2])
        and all(isinstance(number, int) for number in span[2:])
        for span in holds
    ):
        raise NotHandedOver(BROKEN)
    if not who.team or (other.get("server_id"), other.get("team")) != (who.server_id, who.team):
        raise NotHandedOver(OTHER_TEAM)
    if (other.get("protocol"), other.get("schema")) != (PROTOCOL, SCHEMA):
        raise NotHandedOver(OTHER_VERSION)


def _parts(book: Notebook, files: PhotoFiles, other: dict[str, Any]) -> Iterator[tuple[bytes, int, int]]:
    """(bundle, files given with it, files lacking) of what the other phone lacks: every entry in the first bundle, then
    previews and photos in small ones, so that never more than one is held."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for device, epoch, first, last in other["holds"]:
        spans.setdefault((device, epoch), []).append((first, last))
    with book.store.reading() as connection:
        every = journal.select(connection, "1 = 1 ORDER BY device, epoch, seq")
        named = connection.execute(text("SELECT sha256, preview FROM photo ORDER BY visit, taken_at, id")).all()
        reference = reference_document(connection)
    entries = [e for e in every if not any(a <= e.seq <= b for a, b in spans.get((e.device, e.epoch), ()))]
    theirs = set(other["files"])
    listed = [File("preview", row.preview) for row in named] + [File("photo", row.sha256) for row in named]
    lacking = [f for f in dict.fromkeys(listed) if f.sha256 and f.sha256 not in theirs and files.has(f.sha256)]
    if entries:
        yield _bundle(book, files, entries, [], reference), 0, len(lacking)
    group: list[File] = []
    size = 0
    for number, file in enumerate(lacking, 1):
        group.append(file)
        size += files.size_of(file.sha256)
        if size >= PART_BYTES or number == len(lacking):
            yield _bundle(book, files, [], group, reference), number, len(lacking)
            group, size = [], 0


def _bundle(
    book: Notebook, files: PhotoFiles, entries: Sequence[JournalEntry], held: Sequence[File], reference: dict[str, Any]
) -> bytes:
    who = book.enrolment
    assert who is not None
    photos = sum(file.role == "photo" for file in held)
    counts = {"entries": len(entries), "photos": photos, "previews": len(held) - photos}
    head = Head(SCHEMA, book.now(), who.device, who.server_id, counts)
    sink = io.BytesIO()
    for _ in bundle.write(sink, head, [entries], reference, ((file, files.read(file.sha256)) for file in held)):
        pass
    return sink.getvalue()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _quiet(_what: str, _done: int, _of: int) -> None:
    """The receiving phone shows what came, not how far it is."""


class Receiving:
    """The answering end, for as long as its screen is open. `arrived` is what came in so far."""

    def __init__(self, book: Notebook, files: PhotoFiles, on_arrived: Callable[[], None]):
        self._book, self._files, self._on_arrived = book, files, on_arrived
        self.arrived = Arrived()
        self.has_met = False

    async def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """`/hello` tells what is held, `/take` takes a bundle, `/give` gives the next one the asker lacks (204: none)."""
        try:
            if path == "/take" and self.has_met:
                came = await take_in(self._book, self._files, body, _quiet)
                add(self.arrived, came)
                self._on_arrived()
                return 200, json.dumps(
                    {"entries": came.entries, "photos": came.photos, "stopped": came.stopped}
                ).encode()
            if path not in ("/hello", "/give"):
                return 404, b""
            other = _read(body)
            _check(self._book, other)
            self.has_met = True
            if path == "/hello":
                return 200, json.dumps(_about(self._book, self._files)).encode()
            part = next(_parts(self._book, self._files, other), None)
            return (204, b"") if part is None else (200, part[0])
        except NotHandedOver as why:
            return 409, str(why).encode()
        except (NotABundle, ValueError, TypeError, KeyError):
            return 400, BROKEN.encode()


async def hand_over(book: Notebook, files: PhotoFiles, ask: Ask, on_step: Step) -> Handed:
    """Meet the phone that `ask` leads to, until both hold the same; harmless to break off and to repeat.

    Raises NotHandedOver, and whatever `ask` raises when the line breaks; what has come by then is kept.
    """
    handed = Handed()
    other = _read(await _asked(ask, "/hello", json.dumps(_about(book, files)).encode()))
    _check(book, other)
    for part, done, of in _parts(book, files, other):
        took = _read(await _asked(ask, "/take", part))
        if not isinstance(took, dict) or took.get("stopped"):
            raise NotHandedOver(str(took.get("stopped")) if isinstance(took, dict) else BROKEN)
        handed.entries += int(took.get("entries") or 0)
        handed.photos += int(took.get("photos") or 0)
        on_step("parts", done, of)
    asked = b""
    while (about := json.dumps(_about(book, files)).encode()) != asked:  # what is refused would be given for ever
        asked = about
        if not (part := await _asked(ask, "/give", about)):
            break
        try:
            came = await take_in(book, files, part, on_step)
        except NotABundle as broken:
            raise NotHandedOver(BROKEN) from broken
        add(handed.arrived, came)
        if came.stopped:
            break
    return handed


async def _asked(ask: Ask, path: str, body: bytes) -> bytes:
    status, answer = await ask(path, body)
    if status in (200, 204):
        return answer
    if status in (401, 429):
        raise NotHandedOver(WRONG_CODE)
    raise NotHandedOver(answer.decode(errors="replace") if status == 409 else BROKEN)


def add(sum_: Arrived, came: Arrived) -> None:
    """Several bundles' arrivals as one."""
    sum_.add(came)
    sum_.photos += came.photos
    sum_.stopped = came.stopped
