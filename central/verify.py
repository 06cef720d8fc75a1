"""`kiemtra verify`: walks the chains, recomputes hashes, compares receipts, readings and photos; names each broken place.

Hashes vouch for what the phones wrote: a chain is broken at the first entry that was altered, and a missing one leaves a gap.
What central itself said of an entry (position, team, verdict, effective stamp …) is compared with the receipt written in the
same transaction, which also tells when the end of a chain is gone. The typed tables are compared, cell by cell, with what
the journal reads as; files with their names, and with what central has said it holds.
"""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from app.records import READINGS
from app.sync import journal, merge
from app.sync.freeze import WRITTEN_ONCE, Freezes, sort_out
from app.sync.journal import JournalEntry
from app.sync.stamp import Stamp, effective
from central.database import rows
from central.holes import holes
from central.intake import RECEIPT
from central.photo_store import Photos


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written; `place` says where, `why` in plain words (Vietnamese / English)."""

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def verify(connection: Connection, photos: Photos, visit: str | None = None) -> Iterator[Finding]:
    """Everything that is not as it was written; nothing when all is well.

    With a visit: the chains that hold entries of it (walked whole, since a later entry vouches for those before it), its
    readings and the files it names.
    """
    yield from altered(connection, visit)
    yield from lacking(connection, photos, visit)


def altered(connection: Connection, visit: str | None = None) -> Iterator[Finding]:
    """What of the journal and its readings is not as it was written."""
    try:
        with _broken_text_shown(connection):
            yield from _database(connection)
            yield from _chains(connection, visit)
            yield from _readings(connection, visit)
    except DatabaseError as error:
        yield _unreadable(error)


def lacking(connection: Connection, photos: Photos, visit: str | None = None) -> Iterator[Finding]:
    """What should be there and is not: entries lost when central was restored, photos."""
    try:
        with _broken_text_shown(connection):
            yield from _holes(connection, visit)
            yield from _files(connection, photos, visit)
    except DatabaseError as error:
        yield _unreadable(error)


def _unreadable(error: DatabaseError) -> Finding:
    return Finding(_DATABASE, f"không đọc được, khôi phục từ bản sao lưu / cannot be read: {error.orig}")


_DATABASE = "tệp cơ sở dữ liệu"


@contextmanager
def _broken_text_shown(connection: Connection) -> Iterator[None]:
    """A byte that makes text invalid UTF-8 is read as a replacement mark, so that its entry is named like any other."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.text_factory = lambda data: data.decode(errors="replace")
    try:
        yield
    finally:
        raw.text_factory = str


def _database(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name == "sqlite":
        for found in connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars():
            if found != "ok":
                yield Finding(_DATABASE, f"hỏng / damaged: {found}")


def _chains(connection: Connection, visit: str | None) -> Iterator[Finding]:
    lives = rows(
        connection, "SELECT device, epoch FROM entry UNION SELECT device, epoch FROM receipt ORDER BY device, epoch"
    )
    for life in lives:
        entries = journal.select(connection, "device = :device AND epoch = :epoch ORDER BY seq", **life)
        receipts = rows(
            connection,
            f"SELECT {', '.join(RECEIPT)} FROM receipt WHERE device = :device AND epoch = :epoch ORDER BY seq",
            **life,
        )
        if visit and visit not in {entry.visit for entry in entries} | {receipt["visit"] for receipt in receipts}:
            continue
        broken = journal.verify_chain(entries, is_whole=not holes(connection, life["device"], life["epoch"]))
        if broken:
            yield Finding(_place(broken.device, broken.epoch, broken.seq), broken.why)
        else:
            yield from _central_facts(entries)
        yield from _receipts(entries, receipts)


def _holes(connection: Connection, visit: str | None) -> Iterator[Finding]:
    of_visit = rows(connection, "SELECT DISTINCT device, epoch FROM entry WHERE visit = :v", v=visit) if visit else []
    for hole in holes(connection):
        if visit is None or {"device": hole.device, "epoch": hole.epoch} in of_visit:
            yield Finding(
                f"{_place(hole.device, hole.epoch, hole.first)}–{hole.last}",
                "đã mất khi khôi phục, đang chờ các máy gửi lại / lost when central was restored; phones are asked for them",
            )


def _place(device: str, epoch: str, seq: Any) -> str:
    return f"máy {device} nhánh {epoch} mục {seq}"


def _central_facts(entries: Sequence[JournalEntry]) -> Iterator[Finding]:
    """What follows from an intact entry itself: its capped stamp, the visit it names."""
    for entry in entries:
        if not isinstance(entry.received_at, int):
            continue  # the receipt tells
        stamp = effective(Stamp(entry.ms, entry.counter), entry.received_at or 0)
        given = Stamp(entry.effective_ms, entry.effective_counter)
        if stamp != given and not (entry.kind in WRITTEN_ONCE and stamp < given):
            yield Finding(
                _place(entry.device, entry.epoch, entry.seq),
                "dấu thời gian hiệu lực bị sửa / the effective stamp was altered",
            )
        named = journal.named_visit(entry.kind, entry.record, entry.fields)
        if named and entry.visit != named:
            yield Finding(_place(entry.device, entry.epoch, entry.seq), "sai cuộc kiểm tra / filed under another visit")


def _receipts(entries: Sequence[JournalEntry], receipts: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Entries against the receipts of one chain."""
    kept = {(entry.device, entry.epoch, entry.seq): entry for entry in entries}
    for receipt in receipts:
        key = (receipt["device"], receipt["epoch"], receipt["seq"])
        entry = kept.pop(key, None)
        if entry is None:
            yield Finding(_place(*key), "đã nhận mà nay không còn / was received and is gone")
            continue
        altered = [name for name in RECEIPT if getattr(entry, name) != receipt[name]]
        if altered:
            yield Finding(_place(*key), f"khác biên nhận ({', '.join(altered)}) / differs from its receipt")
    for key in kept:
        yield Finding(_place(*key), "không có biên nhận / was never received by central")


def _readings(connection: Connection, visit: str | None) -> Iterator[Finding]:
    """The typed tables, cell by cell, against what the journal reads as."""
    condition = "verdict = 'applied'" + (" AND visit = :v" if visit else "") + " ORDER BY kind, record"
    entries = journal.select(connection, condition, **({"v": visit} if visit else {}))
    expected: set[tuple[str, str]] = set()
    freezes = Freezes(connection)
    for (kind, record_id), group in itertools.groupby(entries, key=lambda e: (e.kind, e.record)):
        count = list(group)
        # Where an entry or the signature is broken it is named as such, here and there.
        with suppress(AttributeError, LookupError, TypeError, ValueError):
            count, _ = sort_out(freezes, count)
        if not count:
            continue
        expected.add((kind, record_id))
        altered = _altered_cells(connection, kind, record_id, count)
        if altered:
            yield Finding(
                f"bảng {kind} {record_id}",
                f"khác với nhật ký ({', '.join(altered)}) / differs from the journal; `kiemtra rebuild` restores it",
            )
    for kind, record_id in _held(connection, visit):
        if (kind, record_id) not in expected:
            yield Finding(f"bảng {kind} {record_id}", "không có trong nhật ký / is not in the journal")


def _altered_cells(connection: Connection, kind: str, record_id: str, entries: Sequence[JournalEntry]) -> Sequence[str]:
    record = merge.Record({}, {})
    try:
        for entry in entries:
            merge.fold_in(record, entry)
        expected = merge.as_row(kind, record_id, record)
    except (AttributeError, TypeError, ValueError):
        return ["nhật ký không đọc được"]  # an entry of it is broken, and named as such above
    table = READINGS[kind].__tablename__ if kind in READINGS else None
    where = "id = :id" if table else "kind = :kind AND id = :id"
    found = rows(connection, f'SELECT * FROM "{table or "other"}" WHERE {where}', kind=kind, id=record_id)
    if not found:
        return ["không còn"]
    return [name for name, value in expected.items() if found[0][name] != value]


def _held(connection: Connection, visit: str | None) -> Iterator[tuple[str, str]]:
    """(kind, id) of every row of the typed tables, or of those that say they belong to a visit."""
    for kind, model in READINGS.items():
        column = "id" if kind == "visit" else "visit" if "visit" in model.model_fields else None
        if visit and column is None:
            continue
        where = f" WHERE {column} = :v" if visit else ""
        for row in rows(
            connection, f'SELECT id FROM "{model.__tablename__}"{where}', **({"v": visit} if visit else {})
        ):
            yield kind, row["id"]
    where = " WHERE visit = :v" if visit else ""
    for row in rows(connection, f"SELECT kind, id FROM other{where}", **({"v": visit} if visit else {})):
        yield row["kind"], row["id"]


def _files(connection: Connection, photos: Photos, visit: str | None) -> Iterator[Finding]:
    """Photos and previews against their names; one central has said it holds must be there."""
    received = {row["sha256"] for row in rows(connection, "SELECT sha256 FROM received_file")}
    condition = " WHERE visit = :v" if visit else ""
    named = rows(
        connection, f"SELECT id, sha256, preview FROM photo{condition} ORDER BY id", **({"v": visit} if visit else {})
    )
    places = {name: f"ảnh {row['id']} tệp {name}" for row in named for name in (row["sha256"], row["preview"]) if name}
    if not visit:
        places |= {name: f"tệp {name}" for name in sorted(received) if name not in places}
    for name, place in places.items():
        if photos.has(name):
            if not photos.is_intact(name):
                yield Finding(place, "nội dung tệp đã bị thay đổi / the file's content was altered")
        elif name in received:
            yield Finding(place, "đã nhận mà nay không còn / was received and is gone")


def counted(connection: Connection) -> dict[str, Any]:
    """How much there was to verify."""
    entries, visits, photos = (
        connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in ("entry", "visit", "photo")
    )
    return {"entries": entries, "visits": visits, "photos": photos}
