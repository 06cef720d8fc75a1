"""`kiemtra verify`: walks the chains, recomputes hashes, compares the readings and the photos; names the first broken place."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.records import READINGS
from app.sync import journal, merge
from app.sync.stamp import Stamp, effective
from central.photo_store import Photos


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written; `place` says where, `why` in plain words (Vietnamese / English)."""

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def verify(connection: Connection, photos: Photos, visit: str | None = None) -> Iterator[Finding]:
    """Everything that is not as it was written, worst first within each chain; nothing when all is well.

    With a visit, chains that hold entries of it and the photos it names. The chains of its devices are walked whole: a
    later entry vouches for those before it.
    """
    for (device, epoch), entries in journal.chains(connection):
        if visit and not any(entry.visit == visit for entry in entries):
            continue
        broken = journal.verify_chain(entries)
        if broken:
            yield Finding(f"máy {device} nhánh {epoch} mục {broken.seq}", broken.why)
            continue
        for entry in entries:
            if entry.received_at is not None and device and not _stamp_holds(entry):
                yield Finding(
                    f"máy {device} nhánh {epoch} mục {entry.seq}",
                    "dấu thời gian hiệu lực bị sửa / the effective stamp was altered",
                )
            named = journal.named_visit(entry.kind, entry.record, entry.fields)
            if named and entry.visit != named:
                yield Finding(
                    f"máy {device} nhánh {epoch} mục {entry.seq}", "sai cuộc kiểm tra / filed under another visit"
                )
    yield from _readings(connection, visit)
    yield from _photos(connection, photos, visit)


def _stamp_holds(entry: journal.JournalEntry) -> bool:
    return effective(Stamp(entry.ms, entry.counter), entry.received_at or 0) == (
        entry.effective_ms,
        entry.effective_counter,
    )


def _readings(connection: Connection, visit: str | None) -> Iterator[Finding]:
    """The typed tables against what the journal reads as."""
    condition = "verdict = 'applied'" + (" AND visit = :v" if visit else "") + " ORDER BY kind, record"
    entries = journal.select(connection, condition, **({"v": visit} if visit else {}))
    seen: dict[str, set[str]] = {}
    for (kind, record_id), group in itertools.groupby(entries, key=lambda e: (e.kind, e.record)):
        expected = merge.Record({}, {})
        for entry in group:
            merge.fold_in(expected, entry)
        found = merge.load(connection, kind, record_id)
        seen.setdefault(kind, set()).add(record_id)
        if found.fields != expected.fields or found.stamps != expected.stamps:
            fields = [f for f in expected.fields | found.fields if expected.fields.get(f) != found.fields.get(f)]
            yield Finding(
                f"bảng {kind} {record_id}",
                f"khác với nhật ký ({', '.join(fields) or 'stamps'}) / differs from the journal; `kiemtra rebuild` restores it",
            )
    if visit:
        return
    for kind, model in READINGS.items():
        for record_id in connection.execute(text(f'SELECT id FROM "{model.__tablename__}"')).scalars():
            if record_id not in seen.get(kind, set()):
                yield Finding(f"bảng {kind} {record_id}", "không có trong nhật ký / is not in the journal")


def _photos(connection: Connection, photos: Photos, visit: str | None) -> Iterator[Finding]:
    condition = " WHERE visit = :v" if visit else ""
    rows = connection.execute(text(f"SELECT id, sha256, preview FROM photo{condition}"), {"v": visit} if visit else {})
    names = {(row.id, name) for row in rows for name in (row.sha256, row.preview) if name}
    for photo, name in sorted(names):
        if not photos.has(name):
            continue  # not received yet: nothing to compare, and the visit's page says so
        digest = hashlib.sha256(photos.read(name)).hexdigest()
        if digest != name:
            yield Finding(f"ảnh {photo} tệp {name}", "nội dung tệp đã bị thay đổi / the file's content was altered")


def counted(connection: Connection) -> dict[str, Any]:
    """How much there was to verify."""
    entries, visits, photos = (
        connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in ("entry", "visit", "photo")
    )
    return {"entries": entries, "visits": visits, "photos": photos}
