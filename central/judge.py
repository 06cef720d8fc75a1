"""Rights and content of single entries: what each may be read as, whoever brings it.

A verdict never drops an entry: it stays in its chain, applied, `pending` while the visit it belongs to is not known, or
`rejected` with a problem that becomes a task on the phone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import SEVERITIES, Refusal, Template, check_value, is_day
from app.geopoint import read_geopoint
from app.records import (
    CENTRAL_KINDS,
    LIMITED,
    NAME_MAX,
    OBSERVATION_KINDS,
    PERSON_ROLES,
    READINGS,
    REMEDIATION_STATUSES,
    SCHEMA,
    SIGNATURE_METHODS,
    SIGNATURE_ROLES,
    TEXT_MAX,
    VISIT_KINDS,
)
from app.sync import merge
from app.sync.freeze import GIVEN_LATER, WRITTEN_ONCE, read_spans
from app.sync.journal import JournalEntry
from app.sync.stamp import Order, answer_id
from app.sync.upcast import present_fields
from central.problems import problem_type


@dataclass(frozen=True)
class Sender:
    """Who wrote: the enrolled phone, its user, and the user's team."""

    device: str
    user: str
    team: str


class Judge:
    """Rights and content of single entries, inside one writing transaction.

    It knows the records it has looked at as the entries it has judged leave them, before these are written; whoever changes
    a record otherwise tells it to `forget`.
    """

    def __init__(self, connection: Connection, templates: Mapping[str, Template]):
        self._connection, self._templates = connection, templates
        self._items: dict[str, Template | None] = {}
        self.records: dict[tuple[str, str], merge.Record] = {}
        """By (kind, id)."""
        self._last_signed: dict[str, Order | None] = {}
        """Visit → the greatest stamp of its signatures."""

    def look_up(self, entries: Iterable[JournalEntry]) -> None:
        """Read what is known of the records that these entries write to, all at once."""
        wanted: dict[str, set[str]] = {}
        for entry in entries:
            if (entry.kind, entry.record) not in self.records:
                wanted.setdefault(entry.kind, set()).add(entry.record)
        for kind, ids in wanted.items():
            found = merge.load_many(self._connection, kind, sorted(ids))
            self.records |= {(kind, id): record for id, record in found.items()}

    def forget(self, kind: str, record: str) -> None:
        self.records.pop((kind, record), None)
        self._items.pop(record, None)

    def judged(self, entry: JournalEntry, sender: Sender) -> JournalEntry:
        """The entry with its verdict; if it is applied, the next one is judged as if it were written.

        What is written once gets an effective stamp after what central holds of it: nobody signs before a signature that
        central has had, whatever time he says it was.
        """
        entry = self.verdict(entry, sender)
        if entry.verdict == "applied":
            if entry.kind in WRITTEN_ONCE:
                entry = self._after_those_held(entry)
            merge.fold_in(self._record(entry.kind, entry.record), entry)
        return entry

    def _after_those_held(self, entry: JournalEntry) -> JournalEntry:
        fields = present_fields(entry)
        if fields.keys() <= {GIVEN_LATER}:
            return entry
        held: list[Order] = [
            stamp for name, stamp in self._record(entry.kind, entry.record).stamps.items() if name != GIVEN_LATER
        ]
        if entry.kind == "signature" and (last := self._last_signature(entry.visit)):
            held.append(last)
        if held and (newest := max(held)) >= entry.order:
            entry = entry._replace(effective_ms=newest.ms, effective_counter=newest.counter + 1)
        if entry.kind == "signature":
            self._last_signed[entry.visit] = max(entry.order, *held) if held else entry.order
        return entry

    def _last_signature(self, visit: str) -> Order | None:
        if visit not in self._last_signed:
            stamps = self._connection.execute(
                text("SELECT stamps FROM signature WHERE visit = :visit"), {"visit": visit}
            )
            orders = [Order(*order) for written in stamps.scalars() for order in json.loads(written).values()]
            self._last_signed[visit] = max(orders, default=None)
        return self._last_signed[visit]

    def _record(self, kind: str, record: str) -> merge.Record:
        key = kind, record
        if key not in self.records:
            self.records[key] = merge.load(self._connection, kind, record)
        return self.records[key]

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
        visit = self._visit_of(entry)
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
        visit = self._record(entry.kind, entry.record).fields.get("visit")
        return isinstance(visit, str) and visit != entry.visit and self._team_of(visit) not in (None, sender.team)

    def _visit_of(self, entry: JournalEntry) -> str:
        """As `merge.visit_of`."""
        if entry.visit or entry.kind not in VISIT_KINDS:
            return entry.visit
        visit = self._record(entry.kind, entry.record).fields.get("visit")
        return visit if isinstance(visit, str) else merge.visit_filed(self._connection, entry.kind, entry.record)

    def _team_of(self, visit: str) -> str | None:
        """The team of a visit; None while the visit is not known."""
        record = self._record("visit", visit)
        if not record.stamps:
            return None
        team = record.fields.get("team")
        return team if isinstance(team, str) else ""

    def _visit(self, entry: JournalEntry, sender: Sender) -> JournalEntry:
        owner = self._team_of(entry.record)
        fields = present_fields(entry)
        if owner is None and "team" not in fields:
            return entry._replace(verdict="pending")  # a later change of a visit whose beginning is still to come
        claimed = fields.get("team", owner) or ""
        if claimed != sender.team or owner not in (None, "", sender.team):
            return _out_of_scope(entry)
        return self._content(entry)

    def _content(self, entry: JournalEntry) -> JournalEntry:
        """Refuse what the record cannot hold; fields that are not known here, or newer than this version, are kept as they are."""
        if entry.schema_version > SCHEMA:
            return entry
        fields = present_fields(entry)
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
            fields = self._record("visit", visit).fields
            self._items[visit] = self._templates.get(f"{fields.get('template')}@{fields.get('template_version')}")
        return self._items[visit]


_LONG_TEXTS = {
    "remark",
    "caption",
    "note",
    "text",
    "unit_opinion",
    "unit_explanation",
    "withdrawn",
    "reason",
    "subject",
}
_WHOLE_NUMBERS = {
    "moment", "position", "bytes", "width", "height", "taken_at", "visit_started_at", "visit_ended_at", "template_version",
    "copy_count", "signed_at",
}  # fmt: skip
_DAYS = {"deadline", "issued_on", "repeat_date", "remediation_deadline"}
_STATUSES = ("open", "closed", "signed")
_CODES = {
    "severity": SEVERITIES,
    "observation_kind": OBSERVATION_KINDS,
    "remediation_status": REMEDIATION_STATUSES,
    "method": SIGNATURE_METHODS,
    "circulation": (LIMITED,),
}
_ROLES = {"person": PERSON_ROLES, "signature": SIGNATURE_ROLES}
_MOST_STROKES = 60_000
"""Characters of the JSON of a signature's strokes."""


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
    if kind == "signature" and name == "strokes":
        return (
            None if _is_drawn(value) else ("Nét chữ ký không đọc được", "strokes are lists of whole numbers, x and y")
        )
    if kind == "signature" and name == "covers":
        is_said = read_spans(value) is not None
        return None if is_said else ("Thiếu chỗ đã ký đến", "covers is a list of [device, epoch, first, last]")
    if not isinstance(value, str):
        return "Cần chữ", "text is needed"
    codes = _ROLES.get(kind, ()) if name == "role" else _CODES.get(name, ())
    if codes and value not in codes:
        return "Mã này không có", f"one of {', '.join(codes)} is needed"
    if name in _DAYS and not is_day(value):
        return "Ngày không đúng", "an ISO day is needed"
    if name == "status" and value not in _STATUSES:
        return "Trạng thái không có", "status is open, closed or signed"
    longest = TEXT_MAX if name in _LONG_TEXTS else NAME_MAX
    if len(value) > longest:
        return f"Dài quá {longest} ký tự", f"longer than {longest} characters"
    return None


def _is_drawn(value: Any) -> bool:
    if not isinstance(value, list) or len(json.dumps(value)) > _MOST_STROKES:
        return False
    return all(isinstance(s, list) and len(s) % 2 == 0 and all(type(n) is int for n in s) for s in value)


def _rejected(entry: JournalEntry, name: str, vi: str, en: str, field: str) -> JournalEntry:
    problem = {"type": problem_type(name), "title": f"{vi} / {en}", "field": field}
    return entry._replace(verdict="rejected", problem=json.dumps(problem, ensure_ascii=False))


def _out_of_scope(entry: JournalEntry) -> JournalEntry:
    return _rejected(entry, "scope-denied", "Cuộc kiểm tra của đoàn khác", "The visit belongs to another team", "visit")
