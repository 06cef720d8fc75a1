"""The file road at central: visits carried out in a bundle, and bundles of phones (or of another central) taken in.

A file is the same thing here as on a phone (`app/sync/bundle.py`). Its entries go through the one intake (`central/relay.py`)
as their writers', its photos into the photo store, verified, like any that were uploaded. Taking a file in again, or parts
that came another way meanwhile, changes nothing; what is damaged is refused by name and the rest is taken.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection

from app.readings import photo_names
from app.records import CENTRAL_KINDS, SCHEMA
from app.schema import read_meta
from app.sync import bundle, journal
from app.sync.bundle import Bundle, File, Head, Line, NewerBundle, NotABundle, Refused
from app.sync.journal import JournalEntry
from central.database import SERVER_IDS_BEFORE, Database, rows
from central.hq.words import local_day
from central.intake import note_received
from central.photo_store import DigestMismatch, Photos, StoreFull, WrongOffset
from central.readings import Readings
from central.reference import reference_document
from central.relay import Handed, Unfit, take_handed

PAGE = 500
"""Entries taken in one transaction: others write in between."""
FILES = 20
"""Photos noted as received in one transaction."""


class NotTaken(Exception):
    """A file cannot be taken or written as a whole, and nothing has changed; the words say why and what to do."""


class Mapped(mmap):
    """A file as bytes that are read when they are needed; it stays mapped for as long as this lives."""

    def seekable(self) -> bool:
        """What `zipfile` asks of files."""
        return True


def mapped(file: BinaryIO) -> bytes | mmap:
    """The bytes of an open file, which is put on the disk if it is not there."""
    number = file.fileno()
    file.flush()
    return Mapped(number, 0, access=ACCESS_READ) if os.fstat(number).st_size else b""


# --- out ---------------------------------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """Which visits: of one team, or named ones; all when both are empty."""

    team: str = ""
    visits: tuple[str, ...] = ()


def write_bundle(
    db: Database, photos: Photos, readings: Readings, file: Path, wanted: Wanted, now: int
) -> dict[str, int]:
    """Write a bundle to `file`, whole or not at all, as central is at one moment; its counts.

    Raises NotTaken when there is no such team or visit, OSError when the file cannot be written.
    """
    unfinished = file.with_name(file.name + ".part")
    try:
        with db.reading() as connection, open(unfinished, "wb") as sink:
            counts = _write(connection, photos, readings, sink, wanted, (db.server_id, db.central_device), now)
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    os.replace(unfinished, file)
    return counts


def _write(
    connection: Connection,
    photos: Photos,
    readings: Readings,
    sink: BinaryIO,
    wanted: Wanted,
    central: tuple[str, str],
    now: int,
) -> dict[str, int]:
    visits = _visits(connection, wanted)
    chosen, binds = _chosen("team", "visit", wanted)
    chosen += f" AND kind NOT IN ({', '.join(repr(kind) for kind in CENTRAL_KINDS)})"
    held = _held(connection, photos, wanted)
    counts = {
        "entries": rows(connection, f"SELECT count(*) AS n FROM entry WHERE {chosen}", **binds)[0]["n"],
        "visits": len(visits),
        "photos": sum(file.role == "photo" for file in held),
        "previews": sum(file.role == "preview" for file in held),
    }
    server_id, device = central
    teams = set(visits.values())
    team = wanted.team or (teams.pop() if len(teams) == 1 else None)
    for _ in bundle.write(
        sink,
        Head(SCHEMA, now, device, server_id, counts),
        _pages(connection, chosen, binds),
        reference_document(readings, connection, server_id, team, local_day(now)),
        ((file, photos.read(file.sha256)) for file in held),
    ):
        pass
    return counts


def _visits(connection: Connection, wanted: Wanted) -> dict[str, str]:
    """Id → team of the visits that are wanted. Raises NotTaken."""
    every = {row["id"]: row["team"] or "" for row in rows(connection, "SELECT id, team FROM visit ORDER BY id")}
    known = rows(
        connection, 'SELECT id FROM team WHERE id = :t UNION SELECT team FROM "user" WHERE team = :t', t=wanted.team
    )
    if wanted.team and not known:
        raise NotTaken(f"Không có đoàn {wanted.team!r}. / There is no such team.")
    for visit in wanted.visits:
        if visit not in every or (wanted.team and every[visit] != wanted.team):
            raise NotTaken(
                f"Không có cuộc kiểm tra {visit!r}{' của đoàn này' if wanted.team else ''}. / There is no such visit."
            )
    return {
        visit: team
        for visit, team in every.items()
        if (not wanted.team or team == wanted.team) and (not wanted.visits or visit in wanted.visits)
    }


def _chosen(team: str, visit: str, wanted: Wanted) -> tuple[str, dict[str, str]]:
    """(SQL condition, its binds) on columns that hold a team and a visit."""
    named = {f"v{number}": id for number, id in enumerate(wanted.visits)}
    parts = [f"{team} = :team"] if wanted.team else []
    parts += [f"{visit} IN ({', '.join(f':{bind}' for bind in named)})"] if named else []
    return " AND ".join(parts) or "1 = 1", {**({"team": wanted.team} if wanted.team else {}), **named}


def _pages(connection: Connection, chosen: str, binds: dict[str, str]) -> Iterator[Sequence[JournalEntry]]:
    """Entries chain by chain; what waits for its visit here goes out as what it is, an entry like others."""
    after = ("", "", 0)
    while page := journal.select(
        connection,
        f"(device, epoch, seq) > (:d, :e, :s) AND {chosen} ORDER BY device, epoch, seq LIMIT :n",
        d=after[0], e=after[1], s=after[2], n=bundle.PAGE, **binds,
    ):  # fmt: skip
        after = (page[-1].device, page[-1].epoch, page[-1].seq)
        yield [entry._replace(verdict="applied") if entry.verdict == "pending" else entry for entry in page]


def _held(connection: Connection, photos: Photos, wanted: Wanted) -> list[File]:
    """Previews, then photos, that records of the visits name and central has."""
    chosen, binds = _chosen("v.team", "v.id", wanted)
    named = rows(
        connection,
        "SELECT p.sha256, p.preview FROM photo p JOIN visit v ON v.id = p.visit "
        f"WHERE {chosen} ORDER BY p.visit, p.taken_at, p.id",
        **binds,
    )
    listed = [File("preview", row["preview"]) for row in named] + [File("photo", row["sha256"]) for row in named]
    return [file for file in dict.fromkeys(listed) if file.sha256 and photos.has(file.sha256)]


# --- in ----------------------------------------------------------------------------------------------------------------


@dataclass
class Arrived:
    """What a bundle brought: entries and photos that are new here, what was here already, what was refused by name.

    `remarks` are no faults; `stopped` says why it ended early, if it did. Words are "Vietnamese / English".
    """

    entries: int = 0
    known: int = 0
    visits: set[str] = field(default_factory=set)
    photos: int = 0
    refused: list[Refused] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    stopped: str = ""

    @property
    def is_whole(self) -> bool:
        return not (self.refused or self.stopped)


NOT_OURS = (
    "Tệp này không phải tệp sổ do ứng dụng hay lệnh kiemtra bundle xuất ra. Chưa nhận gì, dữ liệu ở trung tâm không thay đổi. "
    "Hãy chọn tệp có tên bắt đầu bằng so-kiem-tra. / This file was not exported by the app or by kiemtra bundle. Nothing "
    "was taken and nothing has changed. Choose the file whose name begins with so-kiem-tra."
)
NEWER = (
    "Tệp do phiên bản mới hơn xuất ra. Chưa nhận gì, dữ liệu ở trung tâm không thay đổi. Hãy giữ tệp, cập nhật phần mềm của "
    "trung tâm rồi nhận lại. / A newer version exported this file. Nothing was taken and nothing has changed. Keep the file, "
    "update central, then take it in again."
)
NEWER_PARTS = (
    "Tệp có phần do phiên bản mới hơn ghi. Đã nhận và giữ nguyên; hãy cập nhật phần mềm của trung tâm để đọc được hết. / "
    "Parts of the file were written by a newer version. They are taken and kept as they are; update central to read them all."
)
FULL = (
    "Kho ảnh của trung tâm hết chỗ nên mới nhận được một phần; phần đã nhận vẫn giữ. Hãy thêm chỗ rồi nhận lại tệp này. / "
    "Central's photo store is full: only a part was taken, and is kept. Make room, then take this file in again."
)


def _of_another(server_id: str) -> str:
    return (
        f"Tệp của một trung tâm khác, có thể của tỉnh khác (mã trung tâm {server_id}). Chưa nhận gì, dữ liệu ở đây không thay "
        "đổi. Hãy gửi tệp cho tỉnh đó. Nếu đúng là tệp của đoàn mình, người quản trị máy chủ chạy: "
        f"kiemtra bundle import --from {server_id} TỆP / This file is of another central, perhaps another province's. "
        "Nothing was taken and nothing has changed. Send it to that province; if it is yours all the same, whoever runs "
        f"the server takes it in with: kiemtra bundle import --from {server_id} FILE"
    )


def take_in(
    db: Database, photos: Photos, readings: Readings, data: bytes | mmap, now: int, by: str, of: str = ""
) -> Arrived:
    """Take what a bundle holds; harmless to repeat. `by` names who brings it, `of` another central whose files are believed.

    Raises NotTaken, nothing changed, for what is no bundle, a newer format, or another province's.
    """
    try:
        opened = Bundle(data)
    except NewerBundle:
        raise NotTaken(NEWER) from None
    except NotABundle:
        raise NotTaken(NOT_OURS) from None
    with db.reading() as connection:
        is_ours = _is_ours(connection, opened.head, db.server_id, of)
    arrived = Arrived()
    _take_entries(db, readings, opened, arrived, now, by, is_ours)
    _take_files(db, photos, opened, arrived, now)
    arrived.refused = [*opened.faults, *arrived.refused]
    return arrived


def _is_ours(connection: Connection, head: Head | None, server_id: str, of: str) -> bool:
    """Whether every entry of the file is of this province; False when only its phones can tell. Raises NotTaken."""
    if head is None or head.server_id is None:
        return False
    if head.server_id in (server_id, of, *json.loads(read_meta(connection, SERVER_IDS_BEFORE) or "[]")):
        return True
    if rows(connection, "SELECT id FROM device WHERE id = :d", d=head.device_id):
        return True
    raise NotTaken(_of_another(head.server_id))


def _take_entries(
    db: Database, readings: Readings, opened: Bundle, arrived: Arrived, now: int, by: str, is_ours: bool
) -> None:
    page: list[Line] = []
    number = 0
    is_newer = False

    def take_page() -> None:
        with db.writing() as connection:
            _take_page(connection, db.central_device, readings, page, arrived, now, by, is_ours)
        page.clear()

    for number, line in enumerate(opened.lines(), 1):  # noqa: B007 - the last number is what was found
        if isinstance(line, Refused):
            arrived.refused.append(line)
            continue
        is_newer |= line.entry.schema_version > SCHEMA
        page.append(line)
        if len(page) == PAGE:
            take_page()
    take_page()
    arrived.refused += opened.lacking(number)
    if is_newer:
        arrived.remarks.append(NEWER_PARTS)


def _take_page(
    connection: Connection,
    central_device: str,
    readings: Readings,
    page: Sequence[Line],
    arrived: Arrived,
    now: int,
    by: str,
    is_ours: bool,
) -> None:
    phones = {row["id"] for row in rows(connection, "SELECT id FROM device")}
    handed: list[Handed] = []
    numbers: dict[tuple[str, str, int], int] = {}
    for number, entry, is_vouched in page:
        if entry.device == central_device and _is_held(connection, entry):
            arrived.known += 1  # what central wrote itself comes back to it
        elif is_ours or entry.device in phones:
            numbers.setdefault((entry.device, entry.epoch, entry.seq), number)
            handed.append(Handed(entry, is_vouched))
        else:
            arrived.refused.append(_refused(number, _STRANGER))
    arrival = take_handed(
        connection, handed, now, readings.templates(connection), central_device=central_device, by=by
    )  # fmt: skip
    arrived.entries += arrival.taken
    arrived.known += arrival.known
    arrived.refused += [_refused_entry(unfit, numbers) for unfit in arrival.unfit]
    arrived.visits |= arrival.visits


def _is_held(connection: Connection, entry: JournalEntry) -> bool:
    here = "SELECT 1 FROM entry WHERE device = :d AND epoch = :e AND seq = :s AND hash = :h"
    return bool(rows(connection, here, d=entry.device, e=entry.epoch, s=entry.seq, h=entry.hash))


_STRANGER = (
    "máy này chưa ghi danh ở trung tâm, mà tệp không nói thuộc trung tâm nào / "
    "this phone is not enrolled here, and the file does not say whose it is"
)


def _refused_entry(unfit: Unfit, numbers: dict[tuple[str, str, int], int]) -> Refused:
    return _refused(numbers[unfit.device, unfit.epoch, unfit.seq], unfit.title)


def _refused(number: int, why: str) -> Refused:
    vi, _, en = why.partition(" / ")
    return Refused(f"{bundle.ENTRIES}:{number}", f"Dòng {number}: {vi} / Line {number}: {en or vi}")


def _take_files(db: Database, photos: Photos, opened: Bundle, arrived: Arrived, now: int) -> None:
    received: list[str] = []

    def note() -> None:
        with db.writing() as connection:
            note_received(connection, received, now)
        received.clear()

    try:
        for file in opened.files:
            data = opened.read(file)
            if data is None:
                with db.reading() as connection:
                    arrived.refused.append(bundle.damaged_file(file, photo_names(connection, file.sha256)))
                continue
            is_new = not photos.has(file.sha256)
            keep_photo(photos, file.sha256, data)
            arrived.photos += is_new and file.role == "photo"
            received.append(file.sha256)
            if len(received) == FILES:
                note()
    except StoreFull:
        arrived.stopped = FULL
    note()


def keep_photo(photos: Photos, sha256: str, data: bytes) -> None:
    """Keep a photo that is whole, verified and durable, whatever a phone is sending of it just now. Raises StoreFull."""
    while not photos.has(sha256):
        at = photos.offset(sha256)
        try:
            if at < len(data):
                photos.append(sha256, at, data[at:])
            photos.finish(sha256)
        except (WrongOffset, DigestMismatch):
            continue  # a phone was quicker, or what it had sent was damaged and is discarded: look again
