"""What central does with a batch of entries: check the chain, the rights and the content, keep all, read what may be read.

A structural fault refuses the batch. A business fault never does: the entry stays in the chain with its verdict (`rejected`
with a problem, or `pending` while the visit it belongs to is not known) and is read by nobody.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import Refusal, Template, check_value
from app.geopoint import read_geopoint
from app.records import CENTRAL_KINDS, NAME_MAX, READINGS, TEXT_MAX, VISIT_KINDS
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.stamp import Stamp, answer_id, effective
from app.sync.wire import MAX_ENTRIES, SyncRequest, chained
from central.problems import Problem, problem_type


@dataclass(frozen=True)
class Sender:
    """Who pushes: the enrolled phone, its user, and the user's team."""

    device: str
    user: str
    team: str


@dataclass(frozen=True)
class Intake:
    """What a batch came to; `acked` is the last seq held of this epoch."""

    acked: int
    effective: list[list[int]]
    rejected: list[dict[str, Any]]
    touched: list[tuple[str, str]]
    """(kind, id) of the records that were written to, now or when the batch came first."""


def next_position(connection: Connection) -> int:
    """The next journal position; the caller is in central's one writing transaction, so no reader can skip one."""
    return int(connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0) + 1


def take_batch(
    connection: Connection,
    request: SyncRequest,
    sender: Sender,
    now: int,
    templates: Mapping[str, Template],
    told: int = 0,
) -> Intake:
    """Keep a batch, inside the caller's writing transaction.

    `told` is the position up to which the phone has heard of everything: what was refused after it is named again.
    Problems: 409 `journal-fork` when entries differ from those acknowledged or do not follow them, 409 `seq-gap` with
    `expected`, 400 `malformed` when the hashes do not match the entries.
    """
    hashes = chained(request)
    if (hashes[-1] if hashes else request.prev_hash) != request.head_hash:
        raise Problem(
            400, "malformed", "Mã băm cuối không khớp với các mục", "head_hash does not follow from the entries",
            field="head_hash",
        )  # fmt: skip
    held = {
        seq: digest
        for seq, digest in connection.execute(
            text("SELECT seq, hash FROM entry WHERE device = :d AND epoch = :e AND seq >= :from"),
            {"d": request.device, "e": request.epoch, "from": request.first_seq - 1},
        )
    }
    acked = max(held, default=0) or _acked(connection, request.device, request.epoch)
    if request.first_seq > acked + 1:
        raise Problem(
            409, "seq-gap", "Thiếu các mục ở giữa. Máy sẽ tự gửi lại từ chỗ đó", "Entries are missing in between",
            "now", expected=acked + 1,
        )  # fmt: skip
    before = held.get(request.first_seq - 1) if request.first_seq > 1 else journal.genesis(request.epoch)
    if before != request.prev_hash:
        raise _fork(acked)
    fresh: list[JournalEntry] = []
    position = next_position(connection)
    for offset, (wire, digest) in enumerate(zip(request.entries, hashes, strict=True)):
        seq = request.first_seq + offset
        if seq <= acked:
            if held[seq] != digest:
                raise _fork(acked)
            continue
        stamp = effective(Stamp(wire.ms, wire.counter), now)
        fresh.append(
            JournalEntry(
                request.device,
                request.epoch,
                seq,
                position,
                wire.ms,
                wire.counter,
                *stamp,
                wire.tx,
                wire.seen,
                request.schema,
                wire.author,
                wire.kind,
                wire.record,
                wire.patch,
                digest,
                wire.visit,
                sender.team,
                now,
            )
        )
        position += 1
    judge = _Judge(connection, templates)
    kept = []
    for entry in fresh:
        judged = judge.verdict(entry, sender)
        journal.insert(connection, [judged])
        merge.apply(connection, [judged])
        kept.append(judged)
    _write_receipts(connection, kept)
    touched = list({(entry.kind, entry.record): None for entry in request.entries})
    touched += _settle_pending(connection, judge, kept)
    refused = journal.select(
        connection,
        "device = :d AND epoch = :e AND verdict = 'rejected' AND (seq >= :from OR position > :told) ORDER BY seq LIMIT :n",
        d=request.device, e=request.epoch, told=told, n=MAX_ENTRIES, **{"from": request.first_seq},
    )  # fmt: skip
    return Intake(
        max([acked, *(entry.seq for entry in kept)]),
        _capped(connection, request),
        [{"seq": entry.seq, **json.loads(entry.problem or "{}")} for entry in refused],
        touched,
    )


RECEIPT = (
    "device", "epoch", "seq", "hash", "position", "effective_ms", "effective_counter", "received_at", "visit", "team",
    "verdict", "problem",
)  # fmt: skip
"""Columns of a receipt, as those of the entry it is for."""
_WRITE_RECEIPT = text(
    f"INSERT INTO receipt ({', '.join(RECEIPT)}) VALUES ({', '.join(f':{c}' for c in RECEIPT)}) "
    f"ON CONFLICT (device, epoch, seq) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in RECEIPT[3:])}"
)


def _write_receipts(connection: Connection, entries: Sequence[JournalEntry]) -> None:
    """Note what central said of entries; hashes vouch for what the phone wrote, this for central's own part."""
    if entries:
        connection.execute(_WRITE_RECEIPT, [{name: getattr(e, name) for name in RECEIPT} for e in entries])


def note_received(connection: Connection, names: Iterable[str], now: int) -> None:
    """Note that central holds these files whole, before a phone is told so; harmless to repeat."""
    noted = [{"sha256": name, "now": now} for name in names]
    if noted:
        connection.execute(
            text("INSERT INTO received_file VALUES (:sha256, :now) ON CONFLICT (sha256) DO NOTHING"), noted
        )


def _acked(connection: Connection, device: str, epoch: str) -> int:
    found = connection.execute(
        text("SELECT max(seq) FROM entry WHERE device = :d AND epoch = :e"), {"d": device, "e": epoch}
    ).scalar()
    return int(found or 0)


def _fork(acked: int) -> Problem:
    return Problem(
        409, "journal-fork", "Nhật ký trên máy khác với phần trung tâm đã nhận. Máy sẽ tự mở nhánh mới",
        "The phone's journal differs from what central holds; open a new epoch", "now", acked=acked,
    )  # fmt: skip


def _capped(connection: Connection, request: SyncRequest) -> list[list[int]]:
    """[seq, ms, counter] of this batch's entries whose effective stamp is not the authored one; the same when repeated."""
    rows = connection.execute(
        text(
            "SELECT seq, effective_ms, effective_counter FROM entry WHERE device = :d AND epoch = :e AND seq >= :from "
            "AND (effective_ms <> ms OR effective_counter <> counter) ORDER BY seq LIMIT :n"
        ),
        {"d": request.device, "e": request.epoch, "from": request.first_seq, "n": MAX_ENTRIES},
    )
    return [list(row) for row in rows]


class _Judge:
    """Rights and content of single entries; remembers what it has looked up for one batch."""

    def __init__(self, connection: Connection, templates: Mapping[str, Template]):
        self._connection, self._templates = connection, templates
        self._items: dict[str, Template | None] = {}

    def verdict(self, entry: JournalEntry, sender: Sender) -> JournalEntry:
        """The entry with its visit filled in and its verdict: applied, pending or rejected."""
        if entry.author != sender.user:
            return _rejected(
                entry, "wrong-author", "Người ghi không phải người của máy này", "Not this phone's user", "author"
            )
        if entry.kind in CENTRAL_KINDS:
            return _rejected(
                entry, "not-allowed", "Chỉ trung tâm được ghi loại này", "Only central writes this kind", "kind"
            )
        if not sender.team:
            return _rejected(entry, "scope-denied", "Người ghi chưa thuộc đoàn nào", "The author has no team", "author")
        if entry.kind == "visit":
            return self._visit(entry, sender)
        visit = merge.visit_of(self._connection, entry)
        entry = entry._replace(visit=visit)
        if not visit:
            if entry.kind not in VISIT_KINDS:
                return entry  # a kind of a newer version: kept, and shown to the author's team only
            return entry._replace(verdict="pending")
        owner = self._team_of(visit)
        if owner is None:
            return entry._replace(verdict="pending")
        if owner != sender.team or self._belongs_elsewhere(entry, sender):
            return _out_of_scope(entry)
        return self._content(entry)

    def _belongs_elsewhere(self, entry: JournalEntry, sender: Sender) -> bool:
        """Whether the record is already one of another team's visit: naming an own visit does not move it over."""
        if entry.kind == "answer":
            return False  # its id names its visit
        visit = merge.load(self._connection, entry.kind, entry.record).fields.get("visit")
        return isinstance(visit, str) and visit != entry.visit and self._team_of(visit) not in (None, sender.team)

    def _team_of(self, visit: str) -> str | None:
        """The team of a visit; None while the visit is not known."""
        row = self._connection.execute(text("SELECT team FROM visit WHERE id = :id"), {"id": visit}).one_or_none()
        return None if row is None else (row.team or "")

    def _visit(self, entry: JournalEntry, sender: Sender) -> JournalEntry:
        owner = self._team_of(entry.record)
        if owner is None and "team" not in entry.fields:
            return entry._replace(verdict="pending")  # a later change of a visit whose beginning is still to come
        claimed = entry.fields.get("team", owner) or ""
        if claimed != sender.team or owner not in (None, "", sender.team):
            return _out_of_scope(entry)
        return self._content(entry)

    def _content(self, entry: JournalEntry) -> JournalEntry:
        """Refuse what the record cannot hold; fields that are not known here are kept as they are."""
        fields = entry.fields
        model = READINGS.get(entry.kind)
        if model is not None:
            for name, value in fields.items():
                problem = _misfit(entry.kind, name, value)
                if problem:
                    return _rejected(entry, "bad-value", *problem, name)
        if entry.kind == "answer":
            return self._answer(entry, fields)
        return entry

    def _answer(self, entry: JournalEntry, fields: Mapping[str, Any]) -> JournalEntry:
        parts = entry.record.split("/")
        if len(parts) != 3 or any(
            fields.get(name, part) != part for name, part in zip(("visit", "row", "item"), parts, strict=True)
        ):
            return _rejected(
                entry,
                "bad-id",
                "Mã câu trả lời không khớp",
                f"An answer's id is {answer_id('visit', 'row', 'item')}",
                "id",
            )
        template = self._template(parts[0])
        if template is None:
            return entry
        item = template.items.get(parts[2])
        if item is None:
            return _rejected(
                entry, "unknown-item", "Phiếu kiểm tra không có mục này", "The checklist has no such item", "item"
            )
        value = fields.get("value")
        if value is not None:
            try:
                check_value(item, value)
            except Refusal as refusal:
                vi, _, en = str(refusal).partition(" / ")
                return _rejected(entry, "bad-value", vi, en or vi, "value")
        return entry

    def _template(self, visit: str) -> Template | None:
        if self._items.get(visit) is None:
            row = self._connection.execute(
                text("SELECT template, template_version FROM visit WHERE id = :id"), {"id": visit}
            ).one_or_none()
            self._items[visit] = self._templates.get(f"{row.template}@{row.template_version}") if row else None
        return self._items[visit]


_LONG_TEXTS = {"remark", "caption", "note"}
_WHOLE_NUMBERS = {
    "moment", "position", "bytes", "width", "height", "taken_at", "visit_started_at", "visit_ended_at", "template_version",
}  # fmt: skip
_STATUSES = ("open", "closed", "signed")


def _misfit(kind: str, name: str, value: Any) -> tuple[str, str] | None:
    """Why a known field cannot hold a value, in both languages; None when it can."""
    if value is None or (kind == "answer" and name == "value") or name not in READINGS[kind].model_fields:
        return None
    if name in ("id", "stamps", "extra"):
        return "Tên trường dành riêng", "a reserved field name"
    if name == "geopoint":
        if isinstance(value, str) and read_geopoint(value):
            return None
        return "Vị trí không đúng dạng hoặc ngoài phạm vi", "a geopoint reads: latitude longitude altitude accuracy"
    if name == "removed":
        return None if isinstance(value, bool) else ("Cần đúng hoặc sai", "true or false is needed")
    if name in _WHOLE_NUMBERS:
        is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return None if is_number else ("Cần số nguyên không âm", "a whole number, 0 or more, is needed")
    if not isinstance(value, str):
        return "Cần chữ", "text is needed"
    if name == "status" and value not in _STATUSES:
        return "Trạng thái không có", "status is open, closed or signed"
    longest = TEXT_MAX if name in _LONG_TEXTS else NAME_MAX
    if len(value) > longest:
        return f"Dài quá {longest} ký tự", f"longer than {longest} characters"
    return None


def _rejected(entry: JournalEntry, name: str, vi: str, en: str, field: str) -> JournalEntry:
    problem = {"type": problem_type(name), "title": f"{vi} / {en}", "field": field}
    return entry._replace(verdict="rejected", problem=json.dumps(problem, ensure_ascii=False))


def _out_of_scope(entry: JournalEntry) -> JournalEntry:
    return _rejected(entry, "scope-denied", "Cuộc kiểm tra của đoàn khác", "The visit belongs to another team", "visit")


def _settle_pending(connection: Connection, judge: _Judge, arrived: Sequence[JournalEntry]) -> list[tuple[str, str]]:
    """Judge anew what waited for what has arrived: its visit, or the record it changes. Returns the records that changed."""
    touched = []
    records = {(e.kind, e.record): None for e in arrived if e.verdict == "applied" and e.kind in VISIT_KINDS}
    for visit in {e.visit: None for e in arrived if e.kind == "visit"}:
        waiting = journal.select(connection, "verdict = 'pending' AND visit = :v ORDER BY position", v=visit)
        touched += [_judge_anew(connection, judge, entry) for entry in waiting]
        records |= {(e.kind, e.record): None for e in waiting}
    for kind, record in records:
        waiting = journal.select(
            connection, "record = :r AND kind = :k AND verdict = 'pending' AND visit = '' ORDER BY position",
            r=record, k=kind,
        )  # fmt: skip
        touched += [_judge_anew(connection, judge, entry) for entry in waiting]
    return touched


def _judge_anew(connection: Connection, judge: _Judge, entry: JournalEntry) -> tuple[str, str]:
    judged = judge.verdict(entry._replace(verdict="applied"), Sender(entry.device, entry.author, entry.team))
    if judged.verdict != "pending":
        _restate(connection, judged)
        merge.recompute(connection, judged.kind, judged.record)
    return judged.kind, judged.record


def _restate(connection: Connection, entry: JournalEntry) -> None:
    """Write down an entry's new verdict and give it a new position, so that those who have read past it get it too."""
    position = next_position(connection)
    connection.execute(
        text(
            "UPDATE entry SET verdict = :verdict, problem = :problem, visit = :visit, position = :position "
            "WHERE device = :d AND epoch = :e AND seq = :s"
        ),
        {
            "verdict": entry.verdict, "problem": entry.problem, "visit": entry.visit, "position": position,
            "d": entry.device, "e": entry.epoch, "s": entry.seq,
        },
    )  # fmt: skip
    _write_receipts(connection, [entry._replace(position=position)])


def write_as_central(
    connection: Connection, device: str, author: str, changes: Sequence[journal.Change], now: int
) -> list[JournalEntry]:
    """Entries that central itself writes (units, rounds, templates …): chained and read like any others."""
    row = connection.execute(
        text("SELECT epoch FROM entry WHERE device = :d ORDER BY position DESC LIMIT 1"), {"d": device}
    ).one_or_none()
    epoch = row.epoch if row else journal.sha256(f"central:{device}")[:32]
    writer = journal.resume(connection, device, epoch)
    position = next_position(connection)
    written: list[JournalEntry] = []
    entries, _ = journal.append(connection, writer, changes, author, position - 1, now)
    for offset, entry in enumerate(entries):
        placed = entry._replace(position=position + offset, received_at=now)
        written.append(placed)
    connection.execute(
        text("UPDATE entry SET position = :position, received_at = :now WHERE device = :d AND epoch = :e AND seq = :s"),
        [{"position": e.position, "now": now, "d": e.device, "e": e.epoch, "s": e.seq} for e in written],
    )
    _write_receipts(connection, written)
    merge.apply(connection, written)
    return written
