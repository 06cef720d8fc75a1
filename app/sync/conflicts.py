"""Fields that two phones wrote without knowing of each other, as central has told this one (design §3); choosing settles them."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.sync import merge


@dataclass(frozen=True)
class Side:
    """One of the two values, and who wrote it, when (ms UTC) and on which phone ("Vietnamese / English" or its name)."""

    value: Any
    author: str
    at: int | None
    phone: str


@dataclass(frozen=True)
class Conflict:
    """A field with two values; `standing` is the one that counts until somebody chooses.

    `kind` and `id` name the record. `row` and `item` say where in the visit it is, empty for the visit as a whole.
    """

    visit: str
    kind: str
    id: str
    field: str
    row: str
    item: str
    standing: Side
    other: Side


def load(connection: Connection, visit: str = "") -> list[Conflict]:
    """What is not settled, of one visit, or of all that can still be settled: not of signed ones. In the order of their ids."""
    rows = connection.execute(text("SELECT kind, id, field, body FROM conflict ORDER BY kind, id, field"))
    signed = set(connection.execute(text("SELECT id FROM visit WHERE status = 'signed'")).scalars()) - {visit}
    found = []
    for kind, record, field, body in rows.all():
        told = json.loads(body)
        fields = merge.load(connection, kind, record).fields
        at = _visit_of(kind, record, fields)
        if at and visit in ("", at) and at not in signed:
            row = record if kind == "row" else str(fields.get("row") or "")
            sides = [_side(told[name]) for name in ("standing", "other")]
            found.append(Conflict(at, kind, record, field, row, str(fields.get("item") or ""), *sides))
    return found


def forget(connection: Connection, conflict: Conflict) -> None:
    """It is settled; central will say the same once it has the choice."""
    connection.execute(
        text("DELETE FROM conflict WHERE kind = :kind AND id = :id AND field = :field"),
        {"kind": conflict.kind, "id": conflict.id, "field": conflict.field},
    )


def _visit_of(kind: str, record: str, fields: dict[str, Any]) -> str:
    named = record if kind == "visit" else record.split("/")[0] if kind == "answer" else fields.get("visit")
    return named if isinstance(named, str) else ""


def _side(told: dict[str, Any]) -> Side:
    at = told.get("at")
    return Side(
        told.get("value"),
        str(told.get("author_name") or told.get("author") or ""),
        at if isinstance(at, int) and not isinstance(at, bool) else None,
        str(told.get("phone") or told.get("device") or ""),
    )
