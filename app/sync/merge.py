"""Reading the journal: for every field of every record, the entry that stands.

Merging is set union followed by reading, so order, loss and repetition of messages do not matter: `apply` may be called in
any order and gives what `rebuild` gives. A field's value is the one with the greatest effective stamp (`Order`), except that
a visit once `signed` stays signed. Fields and kinds this version does not know are kept verbatim.
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.sql.elements import TextClause

from app.records import READINGS, VISIT_KINDS
from app.schema import write_meta
from app.sync.freeze import (
    GIVEN_LATER,
    WRITTEN_ONCE,
    Freezes,
    covers,
    freeze_of,
    is_bound,
    is_given_later,
    lay_once,
    sort_out,
)
from app.sync.journal import JournalEntry, named_visit, select
from app.sync.stamp import Order
from app.sync.upcast import present_fields

_JSON_COLUMNS = {
    "answer": {"value"},
    "round": {"teams", "planned_units"},
    "unit": {"successor_codes"},
    "template": {"body"},
    "calendar_day": {"hours"},
    "signature": {"strokes", "covers"},
}


class _Table(NamedTuple):
    types: dict[str, type]
    json_columns: set[str]
    select: TextClause
    select_many: TextClause
    upsert: TextClause


def _table(kind: str) -> _Table:
    model = READINGS[kind]
    types: dict[str, type] = {}
    for name, info in model.model_fields.items():
        if name not in ("id", "stamps", "extra"):
            args: list[Any] = [
                a for a in getattr(info.annotation, "__args__", (info.annotation,)) if a is not type(None)
            ]
            types[name] = args[0]
    names = list(types)
    quoted = ", ".join(f'"{n}"' for n in names)
    values = ", ".join(f":{n}" for n in names)
    updates = ", ".join(f'"{n}" = excluded."{n}"' for n in [*names, "stamps", "extra"])
    table = model.__tablename__
    return _Table(
        types,
        _JSON_COLUMNS.get(kind, set()),
        text(f'SELECT {quoted}, stamps, extra FROM "{table}" WHERE id = :id'),
        text(f'SELECT id, {quoted}, stamps, extra FROM "{table}" WHERE id IN (SELECT value FROM json_each(:ids))'),
        text(
            f'INSERT INTO "{table}" (id, {quoted}, stamps, extra) VALUES (:id, {values}, :stamps, :extra) '
            f"ON CONFLICT (id) DO UPDATE SET {updates}"
        ),
    )


_TABLES = {kind: _table(kind) for kind in READINGS}
_SELECT_OTHER = text("SELECT fields, stamps FROM other WHERE kind = :kind AND id = :id")
_UPSERT_OTHER = text(
    "INSERT INTO other (kind, id, visit, fields, stamps) VALUES (:kind, :id, :visit, :fields, :stamps) "
    "ON CONFLICT (kind, id) DO UPDATE SET visit = excluded.visit, fields = excluded.fields, stamps = excluded.stamps"
)


class Record(NamedTuple):
    """A record while it is read: its fields (never null) and, per field ever written, the stamp that stands."""

    fields: dict[str, Any]
    stamps: dict[str, Order]


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _without_nulls(value: Any) -> Any:
    """What an RFC 7396 patch leaves when it is laid over nothing."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def fold_in(record: Record, entry: JournalEntry) -> None:
    """Lay one entry over a record being read, field by field; of a signature or supplement the first entry counts, whole."""
    order = entry.order
    fields = present_fields(entry)
    if entry.kind in WRITTEN_ONCE:
        laid = {field: _without_nulls(value) for field, value in fields.items() if field != GIVEN_LATER}
        lay_once(record.fields, record.stamps, order, laid)
        fields = {field: value for field, value in fields.items() if field == GIVEN_LATER}
    for field, value in fields.items():
        standing = record.stamps.get(field)
        if standing is not None:
            if entry.kind == "visit" and field == "status":
                signed_now, signed_new = record.fields.get(field) == "signed", value == "signed"
                if (signed_now, standing) >= (signed_new, order):
                    continue
            elif standing >= order:
                continue
        record.stamps[field] = order
        if value is None:
            record.fields.pop(field, None)
        else:
            record.fields[field] = _without_nulls(value)


def _fits(value: Any, wanted: type) -> bool:
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def load(connection: Connection, kind: str, record: str) -> Record:
    """A record as it reads now; without fields and stamps when nothing was ever written of it."""
    table = _TABLES.get(kind)
    if table is None:
        found = connection.execute(_SELECT_OTHER, {"kind": kind, "id": record}).one_or_none()
        if found is None:
            return Record({}, {})
        return Record(json.loads(found.fields), _orders(found.stamps))
    found = connection.execute(table.select, {"id": record}).one_or_none()
    if found is None:
        return Record({}, {})
    return _record(table, found)


def load_many(connection: Connection, kind: str, ids: Sequence[str]) -> dict[str, Record]:
    """Records of one kind by id, as `load` gives them: in one question where the kind has a table of its own."""
    table = _TABLES.get(kind)
    if table is None:
        return {id: load(connection, kind, id) for id in ids}
    records = {id: Record({}, {}) for id in ids}
    for id, *row in connection.execute(table.select_many, {"ids": json.dumps(list(ids))}):
        records[id] = _record(table, row)
    return records


def _record(table: _Table, row: Sequence[Any]) -> Record:
    *values, stamps, extra = row
    fields, orders = json.loads(extra), _orders(stamps)
    for (name, wanted), value in zip(table.types.items(), values, strict=True):
        if value is not None and name in orders:  # without a stamp nobody wrote it: it follows from the id
            if name in table.json_columns:
                fields[name] = json.loads(value)
            else:
                fields[name] = bool(value) if wanted is bool else value
    return Record(fields, orders)


def _orders(stamps: str) -> dict[str, Order]:
    return {field: Order(*order) for field, order in json.loads(stamps).items()}


def as_row(kind: str, record_id: str, record: Record) -> dict[str, Any]:
    """The row of its table that holds a record, column by column; equal records give equal rows."""
    stamps = _dumps({field: list(order) for field, order in record.stamps.items()})
    table = _TABLES.get(kind)
    if table is None:
        visit = record.fields.get("visit")
        values = {"kind": kind, "id": record_id, "visit": visit if isinstance(visit, str) else None}
        return {**values, "fields": _dumps(record.fields), "stamps": stamps}
    row: dict[str, Any] = {"id": record_id, "stamps": stamps}
    extra = dict(record.fields)
    for name, wanted in table.types.items():
        row[name] = None
        if name in extra:
            if name in table.json_columns:
                row[name] = _dumps(extra.pop(name))
            elif _fits(extra[name], wanted):
                row[name] = extra.pop(name)
    row["extra"] = _dumps(extra)
    # An answer's id says where it belongs, even when the entry that said so was refused or is still to come.
    parts = record_id.split("/") if kind == "answer" else []
    for name, part in zip(("visit", "row", "item"), parts if len(parts) == 3 else (), strict=False):
        if row[name] is None and name not in extra:
            row[name] = part
    return row


def _store(connection: Connection, kind: str, record_id: str, record: Record) -> None:
    table = _TABLES.get(kind)
    connection.execute(table.upsert if table else _UPSERT_OTHER, as_row(kind, record_id, record))


def apply(
    connection: Connection, entries: Iterable[JournalEntry], known: Mapping[tuple[str, str], Record] | None = None
) -> None:
    """Bring the typed tables up to date with entries that are in the journal; harmless to repeat, in any order.

    `known` spares reading records that the caller has just loaded, by (kind, id).
    """
    applied = [entry for entry in entries if entry.verdict == "applied"]
    for record_id in {entry.record: None for entry in applied if entry.kind == "signature"}:
        recompute(connection, "signature", record_id)
    freezes = Freezes(connection)
    touched: dict[tuple[str, str], Record] = {}
    signed: dict[tuple[str, str], None] = {}
    for entry in applied:
        key = (entry.kind, entry.record)
        if entry.kind == "signature" or key in signed:
            continue
        if key not in touched:
            touched[key] = known[key] if known and key in known else load(connection, *key)
        if is_bound(entry.kind) and any(freezes.of(v) for v in _named_visits(connection, entry, touched[key])):
            signed[key] = None
        else:
            fold_in(touched[key], entry)
    rows: dict[str, list[dict[str, Any]]] = {}
    for (kind, record_id), record in touched.items():
        if (kind, record_id) not in signed:
            rows.setdefault(kind, []).append(as_row(kind, record_id, record))
    for kind, of_kind in rows.items():
        table = _TABLES.get(kind)
        connection.execute(table.upsert if table else _UPSERT_OTHER, of_kind[0] if len(of_kind) == 1 else of_kind)
    for key in signed:  # what counts of these hangs on all of their entries
        recompute(connection, *key)


def _named_visits(connection: Connection, entry: JournalEntry, record: Record) -> set[str]:
    """The visits that anything says an entry's record belongs to."""
    named = {entry.visit, _visit_read(entry.kind, entry.record, record)}
    if entry.kind not in ("visit", "answer"):  # the ids of these say it
        named |= set(connection.execute(_NAMED, {"record": entry.record, "kind": entry.kind}).scalars().all())
    return named - {""}


_NAMED = text(
    "SELECT visit FROM entry WHERE record = :record AND kind = :kind UNION "
    "SELECT coalesce(json_extract(fields, '$.visit'), '') FROM compacted WHERE kind = :kind AND id = :record"
)


def _visit_read(kind: str, record_id: str, record: Record) -> str:
    """The visit a record belongs to as it reads; empty when it belongs to none."""
    if kind == "visit":
        return record_id
    visit = record_id.split("/")[0] if kind == "answer" else record.fields.get("visit")
    return visit if isinstance(visit, str) else ""


def by_entries(
    connection: Connection, kind: str, record_id: str, freezes: Freezes
) -> tuple[Record, list[JournalEntry], list[JournalEntry]]:
    """A record by its entries: what dropped ones said, the entries here that count beside that, those that do not."""
    folded = folded_away(connection, kind, record_id)
    entries = select(
        connection, "record = :record AND kind = :kind AND verdict = 'applied'", record=record_id, kind=kind
    )
    if folded.stamps:
        return folded, *sort_out(freezes, entries, _visit_read(kind, record_id, folded))
    return folded, *sort_out(
        freezes, entries, has_lost_late=bool(entries) and _has_lost_late(connection, kind, record_id)
    )


def read_anew(connection: Connection, kind: str, record_id: str, freezes: Freezes) -> Record | None:
    """A record from its entries, not from its table; None when none counts."""
    record, count, _ = by_entries(connection, kind, record_id, freezes)
    for entry in count:
        fold_in(record, entry)
    return record if count or record.stamps else None


def recompute(connection: Connection, kind: str, record_id: str) -> None:
    """Read one record anew from all its entries: needed when an entry's effective stamp or verdict has changed.

    When that changes what freezes a visit, so are all records of the visit.
    """
    record = read_anew(connection, kind, record_id, Freezes(connection))
    if kind != "signature":
        _keep(connection, kind, record_id, record)
        return
    visits = {_visit_read(kind, record_id, r) for r in (load(connection, kind, record_id), record) if r}
    before = {visit: freeze_of(connection, visit) for visit in visits if visit}
    _keep(connection, kind, record_id, record)
    for visit, freeze in before.items():
        if freeze_of(connection, visit) != freeze:
            _refreeze(connection, visit)


def _keep(connection: Connection, kind: str, record_id: str, record: Record | None) -> None:
    if record is not None:
        _store(connection, kind, record_id, record)
    elif kind in READINGS:
        table = READINGS[kind].__tablename__
        connection.execute(text(f'DELETE FROM "{table}" WHERE id = :id'), {"id": record_id})
    else:
        connection.execute(text("DELETE FROM other WHERE kind = :kind AND id = :id"), {"kind": kind, "id": record_id})


def _refreeze(connection: Connection, visit: str) -> None:
    """Another signature freezes the visit now, or none any more."""
    freeze = freeze_of(connection, visit)
    for kind, record_id in records_of(connection, visit):
        folded = folded_away(connection, kind, record_id).stamps.values()
        is_mixed = freeze and not all(freeze.covers(stamp.device, stamp.epoch, stamp.seq) for stamp in folded)
        if is_mixed or _has_lost_late(connection, kind, record_id):
            # What the signature does not cover was folded in with what it covers, or what did not count may now: central
            # is asked for the entries again.
            connection.execute(
                text("DELETE FROM compacted WHERE kind = :kind AND id = :id"), {"kind": kind, "id": record_id}
            )
            write_meta(connection, FETCH_AGAIN, "1")
        recompute(connection, kind, record_id)


FETCH_AGAIN = "fetch_again"
"""Fact: entries that were dropped here are needed after all, and central is to hand out everything anew."""


def records_of(connection: Connection, visit: str) -> list[tuple[str, str]]:
    """(kind, id) of the records that entries, dropped ones too, have named as the visit's, but for signatures and supplements."""
    rows = connection.execute(
        text(
            "SELECT kind, record FROM entry WHERE visit = :v UNION SELECT kind, id FROM compacted "
            "WHERE json_extract(fields, '$.visit') = :v OR (kind = 'visit' AND id = :v) "
            "OR (kind = 'answer' AND id LIKE :answers) ORDER BY 1, 2"
        ),
        {"v": visit, "answers": f"{visit}/%"},
    )
    return [(kind, record_id) for kind, record_id in rows if is_bound(kind)]


def left_out(connection: Connection, visit: str, *, is_new: bool = False) -> list[JournalEntry]:
    """Entries on a signed visit that its first signature does not cover: what a supplement is about, in their order.

    Those of a record that was moved on to another visit are named too, though they may count there. With `is_new` without
    those that say again, under a number in a newer epoch, what was signed under an earlier one.
    """
    freezes = Freezes(connection)
    freeze = freezes.of(visit)
    if freeze is None:
        return []
    found = []
    for kind, record_id in records_of(connection, visit):
        _, count, late = by_entries(connection, kind, record_id, freezes)
        beside = late + [entry for entry in count if entry.visit in ("", visit) and not is_given_later(entry)]
        signed = {_said(entry) for entry in count + late if is_new and covers(freeze, entry)}
        found += [entry for entry in beside if not covers(freeze, entry) and _said(entry) not in signed]
    return sorted(found, key=lambda entry: entry.order)


def _said(entry: JournalEntry) -> tuple[str, int, int, str]:
    """What an entry is, whatever number it goes by: a phone that had to begin a new epoch writes it again."""
    return entry.device, entry.ms, entry.counter, entry.patch


def folded_away(connection: Connection, kind: str, record_id: str) -> Record:
    """What entries that were dropped here and counted said of a record; without fields and stamps when there were none."""
    found = connection.execute(
        text("SELECT fields, stamps FROM compacted WHERE kind = :kind AND id = :id"), {"kind": kind, "id": record_id}
    ).one_or_none()
    return (
        Record(json.loads(found.fields), _orders(found.stamps)) if found and found.stamps != _NONE else Record({}, {})
    )


_NONE = _dumps({})


def _has_lost_late(connection: Connection, kind: str, record_id: str) -> bool:
    """Whether an entry was dropped here that said where the record belongs, and came too late for what was signed there."""
    return bool(
        connection.execute(
            text("SELECT 1 FROM compacted WHERE kind = :kind AND id = :id AND stamps = :none"),
            {"kind": kind, "id": record_id, "none": _NONE},
        ).scalar()
    )


def note_lost_late(connection: Connection, entries: Iterable[JournalEntry]) -> None:
    """Remember of late entries that are about to be dropped which visit they name: what else is written on their records is
    then as late as they were."""
    for entry in entries:
        if entry.kind in ("visit", "answer"):
            continue  # their ids say it
        if visit := named_visit(entry.kind, entry.record, entry.fields):
            connection.execute(
                text(
                    "INSERT INTO compacted (kind, id, fields, stamps) VALUES (:kind, :id, :fields, :stamps) "
                    "ON CONFLICT (kind, id) DO NOTHING"
                ),
                {"kind": entry.kind, "id": entry.record, "fields": _dumps({"visit": visit}), "stamps": _NONE},
            )


def fold_away(connection: Connection, entries: Iterable[JournalEntry]) -> None:
    """Keep what entries that are about to be dropped say, record by record; they are applied ones."""
    records: dict[tuple[str, str], Record] = {}
    for entry in entries:
        key = (entry.kind, entry.record)
        if key not in records:
            records[key] = folded_away(connection, *key)
        fold_in(records[key], entry)
    for (kind, record_id), record in records.items():
        connection.execute(
            text(
                "INSERT INTO compacted (kind, id, fields, stamps) VALUES (:kind, :id, :fields, :stamps) "
                "ON CONFLICT (kind, id) DO UPDATE SET fields = excluded.fields, stamps = excluded.stamps"
            ),
            {
                "kind": kind, "id": record_id, "fields": _dumps(record.fields),
                "stamps": _dumps({field: list(order) for field, order in record.stamps.items()}),
            },
        )  # fmt: skip


def rebuild(connection: Connection, kinds: Sequence[str]) -> int:
    """Empty the typed tables of these kinds (and of unknown ones) and read the whole journal again; returns the entries read."""
    for kind in kinds:
        connection.execute(text(f'DELETE FROM "{READINGS[kind].__tablename__}"'))
    connection.execute(text("DELETE FROM other"))
    read = 0
    dropped = {
        (kind, id): stamps for kind, id, stamps in connection.execute(text("SELECT kind, id, stamps FROM compacted"))
    }
    folded = {key for key, stamps in dropped.items() if stamps != _NONE}
    freezes = Freezes(connection)
    # Signatures first: they say what counts of the rest.
    entries = select(connection, "verdict = 'applied' ORDER BY kind <> 'signature', kind, record")
    for kind, record_id in sorted(folded, key=lambda key: (key[0] != "signature", *key)):
        _store(connection, kind, record_id, folded_away(connection, kind, record_id))
    for (kind, record_id), group in itertools.groupby(entries, key=lambda e: (e.kind, e.record)):
        if kind in READINGS and kind not in kinds:
            continue
        of_record = list(group)
        read += len(of_record)
        is_folded = (kind, record_id) in folded
        record = folded_away(connection, kind, record_id) if is_folded else Record({}, {})
        has_lost_late = (kind, record_id) in dropped and not is_folded
        visit = _visit_read(kind, record_id, record) if is_folded else ""
        count, _ = sort_out(freezes, of_record, visit, has_lost_late=has_lost_late)
        for entry in count:
            fold_in(record, entry)
        if count or is_folded:
            _store(connection, kind, record_id, record)
    return read


def visit_of(connection: Connection, entry: JournalEntry) -> str:
    """The visit a record belongs to, as far as it is known: what the entry names, else what the record's reading says.

    A record that came too late for signed minutes has no reading; of it the last entry that names a visit says it.
    """
    if entry.visit or entry.kind not in VISIT_KINDS:
        return entry.visit
    visit = load(connection, entry.kind, entry.record).fields.get("visit")
    return visit if isinstance(visit, str) else visit_filed(connection, entry.kind, entry.record)


_FILED = text(
    "SELECT visit FROM entry WHERE record = :record AND kind = :kind AND visit <> '' AND verdict = 'applied' "
    "ORDER BY effective_ms DESC, effective_counter DESC, device DESC, epoch DESC, seq DESC LIMIT 1"
)


def visit_filed(connection: Connection, kind: str, record: str) -> str:
    """The visit under which the last applied entry of a record is filed that is filed under any; empty when none is."""
    return connection.execute(_FILED, {"record": record, "kind": kind}).scalar() or ""


class Write(NamedTuple):
    """One write to one field, as central knows it."""

    order: Order
    position: int
    seen: int
    value: Any
    author: str = ""
    ms: int = 0
    """When its author says it was written."""


def saw(later: Write, earlier: Write) -> bool:
    """Whether the author of `later` knew `earlier`: it is its own device's, or central had handed it out before."""
    if later.order.device == earlier.order.device:
        return later.order > earlier.order
    return earlier.position <= later.seen


def unsettled(writes: Sequence[Write]) -> tuple[Write, list[Write]]:
    """The write that stands, and those concurrent ones with another value that nobody has seen and overruled (design §3).

    `writes` holds at least one; their order does not matter.
    """
    heads = [w for w in writes if not any(saw(other, w) for other in writes if other is not w)]
    standing = max(writes, key=lambda w: w.order)
    others = [w for w in heads if w is not standing and w.value != standing.value]
    return standing, sorted(others, key=lambda w: w.order, reverse=True)


class Conflict(NamedTuple):
    """Two phones wrote one field without knowing of each other; one stands meanwhile."""

    kind: str
    id: str
    field: str
    standing: Write
    other: Write


_QUIET_FIELDS = {
    "visit", "row", "item", "section", "count", "status", "position", "geopoint", "photo_set", "about_kind", "about",
    "repeat_of", "repeat_date", "round_recommendation_id", "finding", "remediation", "circulation",
}  # fmt: skip
"""Fields that place a record, are measured or worked out or, like status, have their own rule: never asked about."""


def conflicts(connection: Connection, kind: str, record_id: str) -> list[Conflict]:
    """The conflicts of one record, from all its applied entries that have a position at central."""
    if kind in WRITTEN_ONCE:
        return []
    entries = select(
        connection,
        "record = :record AND kind = :kind AND verdict = 'applied' AND position IS NOT NULL",
        record=record_id,
        kind=kind,
    )
    if len({entry.device for entry in entries}) < 2:
        return []
    entries, _ = sort_out(Freezes(connection), entries)
    by_field: dict[str, list[Write]] = {}
    first: dict[tuple[str, int, int, str], int] = {}
    for entry in sorted(entries, key=lambda e: e.position or 0):
        position = first.setdefault(_said(entry), entry.position or 0)  # handed out when it came first
        for field, value in present_fields(entry).items():
            if field not in _QUIET_FIELDS:
                by_field.setdefault(field, []).append(
                    Write(entry.order, position, entry.seen, value, entry.author, entry.ms)
                )
    found = []
    for field, writes in sorted(by_field.items()):
        standing, others = unsettled(writes)
        found += [Conflict(kind, record_id, field, standing, other) for other in others]
    return found
