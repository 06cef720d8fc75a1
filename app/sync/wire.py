"""What goes over the wire of `POST /sync` (design §4): requests and answers as values, and the check of their structure.

An entry from a phone is `[ms, counter, tx, seen, author, kind, id, patch]`, seq counting up from `first_seq`; an entry to a
phone is `[position, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, id, patch, hash]`. Beyond the design's
members an answer carries `pulled_effective` `[[position, ms, counter], …]`: the effective stamps of pulled entries where they
differ from the authored ones, since a reader needs both (one to check the hash, one to merge), and `reference`, the beginning
of the ETag that `/reference` has at present. A request with `brief` true gets an answer without the members that are empty
or as the phone knows them; `server_id`, `now`, `acked` and `durable` always stand.

Entries that a phone holds of others travel back in the pull form: a request says under `holds` which ranges
`[device, epoch, first, last]` it holds without having them from this central, an answer names under `want` those that central
lacks, the next request brings them under `relayed` (numbered in place of a position, effective stamps in
`relayed_effective` as above), and `relay_refused` names those central does not read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.sync.journal import INTEGER_MAX, BadPatch, JournalEntry, canonical_patch, entry_hash, named_visit, quoted
from app.sync.stamp import Stamp, nfc

PROTOCOL = 1
MAX_ENTRIES = 1000
MAX_BYTES = 256 * 1024
"""Limits of one batch: entries, and bytes of its JSON before compression."""

_EPOCH = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
NAME_MAX = 200


class Malformed(ValueError):
    """A request that is not one; `field` says where, the message why. The whole batch is refused."""

    def __init__(self, field: str, why: str):
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class WireEntry(NamedTuple):
    """An entry as a phone sends it, its patch in canonical form."""

    ms: int
    counter: int
    tx: int
    seen: int
    author: str
    kind: str
    record: str
    patch: str
    visit: str


class Span(NamedTuple):
    """A range of one journal, both ends included."""

    device: str
    epoch: str
    first: int
    last: int


class SyncRequest(NamedTuple):
    schema: int
    """Of the entries sent; `reads` is the newest one the phone can read."""
    reads: int
    server_id: str | None
    device: str
    epoch: str
    first_seq: int
    prev_hash: str
    head_hash: str
    sent_at: int
    clock_offset_ms: int
    """By how much the phone had put its clock right when it wrote these entries; `sent_at` is its clock as it stands."""
    entries: list[WireEntry]
    cursor: str | None
    max_bytes: int
    own: bool
    """Whether the phone's own entries are pulled, too: central was restored, and may have dated them otherwise since."""
    photos: list[str]
    holds: list[Span]
    relayed: list[Any]
    """As they came: one that is damaged is refused alone."""
    relayed_effective: dict[int, Stamp]
    brief: bool
    """Whether the answer shall leave out what is empty."""


def _integer(body: Mapping[str, Any], field: str, low: int = 0, default: int | None = None) -> int:
    value = body.get(field, default)
    return _checked_integer(value, field, low)


def _checked_integer(value: Any, field: str, low: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(field, "cần số nguyên / a whole number is needed")
    if not low <= value <= INTEGER_MAX:
        raise Malformed(field, "số ngoài phạm vi / number out of range")
    return value


def _name(value: Any, field: str, longest: int = NAME_MAX) -> str:
    if not isinstance(value, str) or not value or len(value) > longest:
        raise Malformed(field, f"cần chữ, dài nhất {longest} ký tự / text of 1 to {longest} characters is needed")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Malformed(field, "chữ hỏng / broken text") from None
    if nfc(value) != value:
        raise Malformed(field, "chữ chưa ở dạng NFC / text is not NFC")
    return value


def _matching(value: Any, field: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed(field, "không đúng dạng / not of the expected form")
    return value


def read_request(body: Any) -> SyncRequest:
    """A `/sync` request from decoded JSON. Raises Malformed, naming the field, on anything that cannot be an entry chain."""
    if not isinstance(body, dict):
        raise Malformed("", "cần một đối tượng JSON / a JSON object is needed")
    if _integer(body, "protocol") != PROTOCOL:
        raise Malformed("protocol", f"chỉ biết giao thức {PROTOCOL} / only protocol {PROTOCOL} is known")
    raw = body.get("entries", [])
    if not isinstance(raw, list):
        raise Malformed("entries", "cần một danh sách / a list is needed")
    photos = body.get("photos", [])
    if not isinstance(photos, list) or len(photos) > 1000:
        raise Malformed("photos", "cần danh sách tối đa 1000 ảnh / a list of at most 1000 is needed")
    relayed = body.get("relayed", [])
    if not isinstance(relayed, list):
        raise Malformed("relayed", "cần một danh sách / a list is needed")
    server_id, cursor = body.get("server_id"), body.get("cursor")
    return SyncRequest(
        schema=_integer(body, "schema", 1),
        reads=_integer(body, "reads", 1, body["schema"] if "reads" not in body else None),
        server_id=None if server_id is None else _name(server_id, "server_id"),
        device=_name(body.get("device_id"), "device_id"),
        epoch=_matching(body.get("epoch"), "epoch", _EPOCH),
        first_seq=_integer(body, "first_seq", 1),
        prev_hash=_matching(body.get("prev_hash"), "prev_hash", _SHA256),
        head_hash=_matching(body.get("head_hash"), "head_hash", _SHA256),
        sent_at=_integer(body, "sent_at"),
        clock_offset_ms=_integer(body, "clock_offset_ms", -INTEGER_MAX, 0),
        entries=[_entry(entry, f"entries[{i}]") for i, entry in enumerate(raw)],
        cursor=None if cursor is None else _name(cursor, "cursor"),
        max_bytes=_integer(body, "max_bytes", 1, 32768),
        own=body.get("own") is True,
        photos=[_matching(p, f"photos[{i}]", _SHA256) for i, p in enumerate(photos)],
        holds=read_spans(body.get("holds", []), "holds"),
        relayed=relayed,
        relayed_effective=_stamps(body.get("relayed_effective", []), "relayed_effective"),
        brief=body.get("brief") is True,
    )


SPANS_MAX = 200
SPANNED_MAX = 100_000
"""Entries in all ranges of one list."""


def read_spans(raw: Any, field: str) -> list[Span]:
    """Ranges `[device, epoch, first, last]`. Raises Malformed."""
    if not isinstance(raw, list) or len(raw) > SPANS_MAX:
        raise Malformed(field, f"cần danh sách tối đa {SPANS_MAX} đoạn / a list of at most {SPANS_MAX} is needed")
    spans = []
    for i, one in enumerate(raw):
        if not isinstance(one, list) or len(one) != 4:
            raise Malformed(f"{field}[{i}]", "cần 4 phần / 4 parts are needed")
        device, epoch = _name(one[0], f"{field}[{i}]"), _matching(one[1], f"{field}[{i}]", _EPOCH)
        first, last = (_checked_integer(number, f"{field}[{i}]", 1) for number in one[2:])
        if not first <= last < first + SPANNED_MAX:
            raise Malformed(f"{field}[{i}]", "đoạn không hợp lệ / not a range")
        spans.append(Span(device, epoch, first, last))
    if sum(span.last - span.first + 1 for span in spans) > SPANNED_MAX:
        raise Malformed(field, f"quá {SPANNED_MAX} mục / more than {SPANNED_MAX} entries")
    return spans


def _stamps(raw: Any, field: str) -> dict[int, Stamp]:
    if not isinstance(raw, list) or not all(isinstance(one, list) and len(one) == 3 for one in raw):
        raise Malformed(field, "cần danh sách [số, ms, counter] / a list of [number, ms, counter] is needed")
    found = [[_checked_integer(part, field) for part in one] for one in raw]
    return {number: Stamp(ms, counter) for number, ms, counter in found}


def _entry(raw: Any, where: str) -> WireEntry:
    if not isinstance(raw, list) or len(raw) != 8:
        raise Malformed(where, "cần 8 phần / 8 parts are needed")
    ms, counter, tx, seen, author, kind, record, patch = raw
    try:
        canonical = canonical_patch(patch)
    except BadPatch as bad:
        raise Malformed(f"{where}.patch.{bad.field}".rstrip("."), bad.why) from None
    kind = _name(kind, f"{where}.kind", 60)
    record = _name(record, f"{where}.id")
    return WireEntry(
        _checked_integer(ms, f"{where}.ms"),
        _checked_integer(counter, f"{where}.counter"),
        _checked_integer(tx, f"{where}.tx"),
        _checked_integer(seen, f"{where}.seen"),
        _name(author, f"{where}.author"),
        kind,
        record,
        canonical,
        named_visit(kind, record, patch),
    )


def chained(request: SyncRequest) -> list[str]:
    """Hashes of the batch's entries, recomputed from `prev_hash`."""
    hashes = []
    prev = request.prev_hash
    for offset, e in enumerate(request.entries):
        prev = entry_hash(
            prev, request.device, request.epoch, request.first_seq + offset, Stamp(e.ms, e.counter), e.tx, e.seen,
            request.schema, e.author, e.kind, e.record, e.patch,
        )  # fmt: skip
        hashes.append(prev)
    return hashes


def to_central(entry: JournalEntry) -> list[Any]:
    """An own entry as it is pushed."""
    e = entry
    return [e.ms, e.counter, e.tx, e.seen, e.author, e.kind, e.record, e.fields]


def to_phone(entry: JournalEntry) -> list[Any]:
    """An entry as it is pulled."""
    e = entry
    return [
        e.position, e.device, e.epoch, e.seq, e.ms, e.counter, e.tx, e.seen, e.schema_version, e.author, e.kind, e.record,
        e.fields, e.hash,
    ]  # fmt: skip


def pulled(entry: JournalEntry) -> str:
    """The JSON of `to_phone`, the patch as it stands: its JCS text is JSON already."""
    e = entry
    return (
        f"[{e.position},{quoted(e.device)},{quoted(e.epoch)},{e.seq},{e.ms},{e.counter},{e.tx},{e.seen},{e.schema_version},"
        f'{quoted(e.author)},{quoted(e.kind)},{quoted(e.record)},{e.patch},"{e.hash}"]'
    )


def from_central(raw: Sequence[Any], effective: Mapping[int, Stamp]) -> JournalEntry:
    """A pulled entry. Raises Malformed when it is none; its hash can only be checked where the one before it is known."""
    if not isinstance(raw, list) or len(raw) != 14:
        raise Malformed("entries", "cần 14 phần / 14 parts are needed")
    position, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, record, patch, digest = raw
    try:
        canonical = canonical_patch(patch)
    except BadPatch as bad:
        raise Malformed(f"entries.patch.{bad.field}", bad.why) from None
    numbers = [
        _checked_integer(value, f"entries.{name}")
        for name, value in zip(
            ("position", "seq", "ms", "counter", "tx", "seen", "schema"),
            (position, seq, ms, counter, tx, seen, schema),
            strict=True,
        )
    ]
    position, seq, ms, counter, tx, seen, schema = numbers
    stamp = effective.get(position, Stamp(ms, counter))
    return JournalEntry(
        _name(device, "entries.device"), _matching(epoch, "entries.epoch", _EPOCH), seq, position, ms, counter, *stamp, tx,
        seen, schema, _name(author, "entries.author"), _name(kind, "entries.kind", 60), _name(record, "entries.id"),
        canonical, _matching(digest, "entries.hash", _SHA256), named_visit(kind, record, patch),
    )  # fmt: skip
