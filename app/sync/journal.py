"""The journal: append-only, hash-chained entries, and nothing that can change one once written.

The chain is per (device, epoch): `hash` = SHA-256 over the RFC 8785 (JCS) bytes of
`["skt1", prev, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, id, SHA-256(JCS(patch))]`;
`prev` is the hash before it, for seq 1 the SHA-256 of the epoch (design §3). `journal_vectors.json` holds the exact bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from app.records import CENTRAL_KINDS, SCHEMA
from app.sync.stamp import Order, Stamp, next_stamp, nfc

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 8
PATCH_MAX_BYTES = 16 * 1024
TEMPLATE_MAX_BYTES = 512 * 1024
TEMPLATE_DEPTH_MAX = 20
"""A checklist is one record; only central writes it, and it never travels in a batch."""

Patch = dict[str, Any]


class BadPatch(ValueError):
    """A patch that cannot be hashed or kept; `field` is where, the message says why."""

    def __init__(self, field: str, why: str):
        super().__init__(f"{field}: {why}" if field else why)
        self.field, self.why = field, why


class JournalEntry(NamedTuple):
    """One row of table `entry`, as a value. `patch` is its JCS text."""

    device: str
    epoch: str
    seq: int
    position: int | None
    ms: int
    counter: int
    effective_ms: int
    effective_counter: int
    tx: int
    seen: int
    schema_version: int
    author: str
    kind: str
    record: str
    patch: str
    hash: str
    visit: str = ""
    team: str = ""
    received_at: int | None = None
    verdict: str = "applied"
    problem: str | None = None

    @property
    def order(self) -> Order:
        return Order(self.effective_ms, self.effective_counter, self.device, self.epoch, self.seq)

    @property
    def fields(self) -> Patch:
        """Its merge patch, to be read only: a short one is read from its text once."""
        return _read_once(self.patch) if len(self.patch) <= SHORT else read_patch(self.patch)


def read_patch(written: str) -> Patch:
    """A patch from its JCS text."""
    patch: Patch = json.loads(written)
    return patch


SHORT = 500
"""Characters of a patch that is worth remembering: central and the merge ask for the same one several times in a row."""
_read_once = lru_cache(maxsize=1000)(read_patch)


class Change(NamedTuple):
    """What is to be written: a merge patch on one record of a visit (visit empty for records outside visits)."""

    kind: str
    record: str
    patch: Patch
    visit: str


class Writer(NamedTuple):
    """Where a device's chain stands: what the next entry needs to know of all before it."""

    device: str
    epoch: str
    seq: int
    head: str
    last: Stamp
    tx: int


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> str:
    """RFC 8785 text of text, integers, booleans, null, lists and objects. Floats are the caller's to refuse."""
    if isinstance(value, str):
        return quoted(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, dict):
        # JCS orders keys by UTF-16 code units; Python's own order differs only beyond the Basic Multilingual Plane.
        keys = sorted(value) if "".join(value).isascii() else sorted(value, key=_utf16)
        return "{" + ",".join([f"{quoted(key)}:{canonical(value[key])}" for key in keys]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    return _written(value)


def sha256(data: str) -> str:
    return hashlib.sha256(data.encode()).hexdigest()


def genesis(epoch: str) -> str:
    """What stands as `prev` before the first entry of an epoch."""
    return sha256(epoch)


def entry_hash(
    prev: str,
    device: str,
    epoch: str,
    seq: int,
    stamp: Stamp,
    tx: int,
    seen: int,
    schema: int,
    author: str,
    kind: str,
    record: str,
    patch: str,
) -> str:
    """Hash of one entry, hex; `patch` is the JCS text of its merge patch."""
    return sha256(
        f'["skt1",{quoted(prev)},{quoted(device)},{quoted(epoch)},{seq},{stamp[0]},{stamp[1]},{tx},{seen},{schema},'
        f'{quoted(author)},{quoted(kind)},{quoted(record)},"{sha256(patch)}"]'
    )


def check_value(value: Any, field: str, depth: int = 1, deepest: int = DEPTH_MAX) -> None:
    """Refuse with BadPatch what has no canonical bytes: floats, huge integers, lone surrogates, text outside NFC."""
    if depth > deepest:
        raise BadPatch(field, f"lồng quá {deepest} tầng / nested deeper than {deepest}")
    if isinstance(value, str):
        if value.isascii():
            return
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadPatch(field, "chữ hỏng / broken text (lone surrogate)") from None
        if nfc(value) != value:
            raise BadPatch(field, "chữ chưa ở dạng NFC / text is not NFC")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise BadPatch(field, "tên trường phải là chữ / a field name is not text")
            check_value(key, field, depth, deepest)
            check_value(inner, f"{field}.{key}" if field else key, depth + 1, deepest)
    elif isinstance(value, list):
        for inner in value:
            check_value(inner, field, depth + 1, deepest)
    elif isinstance(value, float):
        raise BadPatch(field, "chỉ nhận số nguyên / numbers are integers")
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > INTEGER_MAX:
        raise BadPatch(field, "số quá lớn / number out of range")
    elif value is not None and not isinstance(value, bool | int):
        raise BadPatch(field, f"kiểu {type(value).__name__} không ghi được / cannot be kept")


def canonical_patch(patch: Any, kind: str = "") -> str:
    """JCS text of a merge patch on a record of this kind. Raises BadPatch with the field when it cannot be kept."""
    if not isinstance(patch, dict):
        raise BadPatch("", "bản ghi phải là một đối tượng / a patch is an object")
    is_template = kind == "template"
    check_value(patch, "", deepest=TEMPLATE_DEPTH_MAX if is_template else DEPTH_MAX)
    written = canonical(patch)
    limit = TEMPLATE_MAX_BYTES if is_template else PATCH_MAX_BYTES
    if len(written.encode()) > limit:
        raise BadPatch("", f"quá {limit} byte / larger than {limit} bytes")
    return written


def named_visit(kind: str, record: str, patch: Patch) -> str:
    """The visit an entry names by itself: its own id, the head of an answer's id, or field `visit`; else empty."""
    if kind == "visit":
        return record
    if kind == "answer" and "/" in record:
        return record.split("/", 1)[0]
    named = patch.get("visit") if kind not in CENTRAL_KINDS else None
    return named if isinstance(named, str) else ""


_COLUMNS = JournalEntry._fields
_INSERT = f"INSERT INTO entry ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"
SELECT = f"SELECT {', '.join(_COLUMNS)} FROM entry"


def insert(connection: Connection, entries: Sequence[JournalEntry]) -> None:
    """Put entries into the table as they are; an identity already there is an error (the caller has checked)."""
    if entries:
        connection.exec_driver_sql(_INSERT, entries[0] if len(entries) == 1 else list(entries))


def select(connection: Connection, where: str, **values: Any) -> list[JournalEntry]:
    """Entries that fulfil an SQL condition (`where` may carry ORDER BY and LIMIT)."""
    return [JournalEntry(*row) for row in connection.execute(_selecting(where), values)]


@lru_cache(maxsize=200)
def _selecting(where: str) -> TextClause:
    return text(f"{SELECT} WHERE {where}")


def append(
    connection: Connection, writer: Writer, changes: Sequence[Change], author: str, seen: int, now_ms: int
) -> tuple[list[JournalEntry], Writer]:
    """Write the changes of one tap as entries of one `tx`, inside the caller's transaction.

    Returns the entries and the writer that comes after them. Raises BadPatch before anything is written.
    """
    written: list[JournalEntry] = []
    tx = writer.tx + 1
    prev, seq, last = writer.head, writer.seq, writer.last
    for change in changes:
        patch = canonical_patch(change.patch, change.kind)
        seq += 1
        last = next_stamp(last, now_ms)
        prev = entry_hash(
            prev, writer.device, writer.epoch, seq, last, tx, seen, SCHEMA, author, change.kind, change.record, patch
        )
        written.append(
            JournalEntry(
                writer.device,
                writer.epoch,
                seq,
                None,
                *last,
                *last,
                tx,
                seen,
                SCHEMA,
                author,
                change.kind,
                change.record,
                patch,
                prev,
                change.visit,
            )
        )
    insert(connection, written)
    return written, writer._replace(seq=seq, head=prev, last=last, tx=tx)


def resume(connection: Connection, device: str, epoch: str) -> Writer:
    """The writer of a device's epoch as the database has it; its clock has seen every effective stamp known here."""
    end = connection.execute(
        text("SELECT seq, hash FROM entry WHERE device = :d AND epoch = :e ORDER BY seq DESC LIMIT 1"),
        {"d": device, "e": epoch},
    ).one_or_none()
    tx = connection.execute(text("SELECT max(tx) FROM entry WHERE device = :d"), {"d": device}).scalar() or 0
    ms = connection.execute(text("SELECT max(effective_ms) FROM entry")).scalar() or 0
    counter = (
        connection.execute(
            text("SELECT max(effective_counter) FROM entry WHERE effective_ms = :ms"), {"ms": ms}
        ).scalar()
        or 0
    )
    seq, head = (end.seq, end.hash) if end else (0, genesis(epoch))
    return Writer(device, epoch, seq, head, Stamp(ms, counter), tx)


def hash_after(prev: str, entry: JournalEntry) -> str:
    """The hash an entry's content gives after an entry with the hash `prev`; the entry's own one when nothing was altered."""
    return entry_hash(
        prev, entry.device, entry.epoch, entry.seq, Stamp(entry.ms, entry.counter), entry.tx, entry.seen,
        entry.schema_version, entry.author, entry.kind, entry.record, entry.patch,
    )  # fmt: skip


class BrokenLink(NamedTuple):
    """The first place where a chain does not verify; `why` in plain words."""

    device: str
    epoch: str
    seq: int
    why: str


def verify_chain(
    entries: Iterable[JournalEntry], *, is_whole: bool = True, after: tuple[int, str] = (0, "")
) -> BrokenLink | None:
    """Walk the entries of one (device, epoch) in order of seq and recompute every hash; None when all is as written.

    `after` is (seq, hash) of the entry they follow, where those before were dropped.

    A chain pulled from central is not `is_whole`: what central refused or does not show this team is missing from it. An
    entry behind such a gap is taken as it is, since the hash before it is not known here; those after it are checked again.
    """
    expected, prev = after[0] + 1, after[1]
    for entry in entries:
        place = (entry.device, entry.epoch, entry.seq)
        if entry.seq == 1:
            prev = genesis(entry.epoch)
        if entry.seq > expected and not is_whole:
            prev, expected = entry.hash, entry.seq + 1
            continue
        if entry.seq != expected:
            return BrokenLink(*place[:2], expected, f"thiếu mục, thấy mục {entry.seq} / entry missing")
        try:
            patch = canonical_patch(json.loads(entry.patch), entry.kind)
        except (ValueError, RecursionError):
            return BrokenLink(*place, "nội dung không đọc được / content cannot be read")
        if patch != entry.patch:
            return BrokenLink(*place, "nội dung không ở dạng chuẩn / content is not in canonical form")
        if hash_after(prev, entry) != entry.hash:
            return BrokenLink(*place, "mã băm không khớp / hash does not match")
        prev, expected = entry.hash, expected + 1
    return None


def chains(connection: Connection) -> Iterator[tuple[tuple[str, str], list[JournalEntry]]]:
    """Every (device, epoch) with its entries in order of seq."""
    lives = connection.execute(text("SELECT DISTINCT device, epoch FROM entry ORDER BY device, epoch")).all()
    for device, epoch in lives:
        yield (device, epoch), select(connection, "device = :d AND epoch = :e ORDER BY seq", d=device, e=epoch)
