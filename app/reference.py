"""Reference data on the phone: rounds, teams, units, templates, calendar and what is remembered of units.

It comes from the shipped assets until central's `/reference` replaces it, whole; it is no part of the journal.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import Template, read_template
from app.matters import Matter, matter_document, notice_matter, read_matter
from app.readings import load_templates, load_units
from app.schema import note_central, read_meta, write_meta
from app.units import Units, unit_id, unit_patch


@dataclass(frozen=True)
class RoundReading:
    """Several visits reported together. `planned_units` are (code, valid_from) in the order of the plan."""

    id: str
    name: str
    starts_on: str
    ends_on: str
    teams: tuple[str, ...]
    planned_units: tuple[tuple[str, str], ...]
    is_demo: bool


@dataclass(frozen=True)
class Reference:
    rounds: dict[str, RoundReading]
    teams: dict[str, str]
    """Team id → name."""
    units: Units
    templates: dict[str, Template]
    """By `code@version`."""
    calendar: dict[str, Sequence[Sequence[str]]]
    """Day → working hours of that day, [] on a holiday."""
    notices: dict[str, list[str]]
    """Unit code → numbers of notices not yet put right."""
    unit_rooms: dict[str, list[tuple[str, int | None]]]
    """Unit code → rooms and rolls of its last visit by anyone."""
    matters: dict[str, list[Matter]]
    """Unit code → what earlier visits found and recommended, and the notices it got."""


_NOTICE = ("document_number", "subject", "issued_on", "remediation_deadline", "status")


def seed_reference(connection: Connection, assets: Path) -> None:
    """Fill an empty notebook from the shipped units and checklist, so that a visit can begin before any network."""
    if read_meta(connection, "reference_seeded"):
        return
    with (assets / "units.csv").open(encoding="utf-8", newline="") as file:
        units = [unit_patch(row) for row in csv.DictReader(file)]
    body = json.loads((assets / "checklist.json").read_text(encoding="utf-8"))
    _replace_units(connection, units)
    _replace_templates(connection, [body])
    write_meta(connection, "reference_seeded", "1")


def take_reference(connection: Connection, document: Mapping[str, Any]) -> None:
    """Replace all reference data by central's document (`GET /reference`), in the caller's transaction.

    Raises KeyError, TypeError, ValueError or AttributeError on a document that is not one or cannot be read back; the
    transaction then leaves everything as it was.
    """
    note_central(connection, [str(id) for id in document.get("server_ids_before") or ()])
    if document["units"]:  # a central without units or checklists yet leaves the shipped ones in place
        _replace_units(connection, document["units"])
    if document["templates"]:
        _replace_templates(connection, document["templates"])
    connection.execute(text("DELETE FROM round"))
    for item in document["rounds"]:
        connection.execute(
            text(
                "INSERT INTO round (id, name, starts_on, ends_on, teams, planned_units, is_demo) "
                "VALUES (:id, :name, :starts_on, :ends_on, :teams, :planned_units, :is_demo)"
            ),
            {
                **{key: item.get(key) for key in ("id", "name", "starts_on", "ends_on")},
                "teams": json.dumps(item.get("teams") or []),
                "planned_units": json.dumps(item.get("planned_units") or []),
                "is_demo": bool(item.get("is_demo")),
            },
        )
    connection.execute(text("DELETE FROM team"))
    for team in document["teams"]:
        connection.execute(
            text("INSERT INTO team (id, name) VALUES (:id, :name)"), {"id": team["id"], "name": team["name"]}
        )
    connection.execute(text("DELETE FROM calendar_day"))
    for day in document["calendar"]:
        connection.execute(
            text("INSERT INTO calendar_day (id, day, hours) VALUES (:day, :day, :hours)"),
            {"day": day["day"], "hours": json.dumps(day["hours"])},
        )
    connection.execute(text("DELETE FROM notice"))
    for notice in document.get("notices", ()):
        connection.execute(
            text(
                f"INSERT INTO notice (id, unit_code, {', '.join(_NOTICE)}) "
                f"VALUES (:id, :unit_code, {', '.join(f':{name}' for name in _NOTICE)})"
            ),
            {
                "id": notice["id"],
                "unit_code": notice["unit_code"],
                **{name: notice.get(name) for name in _NOTICE},
                "document_number": notice["document_number"],
            },
        )
    matters = [
        read_matter(m) for name in ("findings", "recommendations") for m in document.get(name) or () if "id" in m
    ]
    write_meta(connection, "unit_matters", json.dumps([matter_document(m) for m in matters], ensure_ascii=False))
    write_meta(connection, "unit_rooms", json.dumps(document.get("unit_rooms") or {}, ensure_ascii=False))
    load_reference(connection)


def reference_document(connection: Connection) -> dict[str, Any]:
    """The reference data kept here, as a document that `take_reference` takes."""
    rounds = connection.execute(text("SELECT * FROM round ORDER BY id")).mappings()
    units = connection.execute(text("SELECT * FROM unit ORDER BY id")).mappings()
    columns = ("code", "name", "level", "parent_code", "valid_from", "valid_to", "folded")
    templates = connection.execute(text("SELECT body FROM template ORDER BY id")).scalars()
    teams = connection.execute(text("SELECT id, name FROM team ORDER BY id")).mappings()
    days = connection.execute(text("SELECT day, hours FROM calendar_day ORDER BY day"))
    notices = connection.execute(text(f"SELECT id, unit_code, {', '.join(_NOTICE)} FROM notice ORDER BY id"))
    matters = json.loads(read_meta(connection, "unit_matters") or "[]")
    return {
        "rounds": [
            {key: r[key] for key in ("id", "name", "starts_on", "ends_on")}
            | {
                "teams": json.loads(r["teams"] or "[]"), "planned_units": json.loads(r["planned_units"] or "[]"),
                "is_demo": bool(r["is_demo"]),
            }
            for r in rounds
        ],
        "teams": [dict(t) for t in teams],
        "units": [
            {key: u[key] for key in columns} | {"successor_codes": json.loads(u["successor_codes"] or "[]")} for u in units
        ],
        "templates": [json.loads(body) for body in templates],
        "calendar": [{"day": d.day, "hours": json.loads(d.hours or "[]")} for d in days],
        "notices": [dict(n) for n in notices.mappings()],
        "findings": [m for m in matters if m["kind"] == "finding"],
        "recommendations": [m for m in matters if m["kind"] == "recommendation"],
        "unit_rooms": json.loads(read_meta(connection, "unit_rooms") or "{}"),
    }  # fmt: skip


def take_templates(connection: Connection, document: Mapping[str, Any]) -> None:
    """Add the checklists of a document that are not known here, and change nothing else. Raises as `take_reference`."""
    known = load_templates(connection)
    _replace_templates(connection, [body for body in document["templates"] if read_template(body).id not in known])
    load_templates(connection)


def _replace_units(connection: Connection, units: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(text("DELETE FROM unit"))
    columns = ("code", "name", "level", "parent_code", "valid_from", "valid_to", "folded")
    connection.execute(
        text(
            "INSERT INTO unit (id, code, name, level, parent_code, valid_from, valid_to, successor_codes, folded) "
            "VALUES (:id, :code, :name, :level, :parent_code, :valid_from, :valid_to, :successor_codes, :folded)"
        ),
        [
            {
                **{c: unit.get(c) or "" for c in columns},
                "id": unit_id(unit["code"], unit.get("valid_from") or ""),
                "successor_codes": json.dumps(list(unit.get("successor_codes") or ())),
            }
            for unit in units
        ],
    )


def _replace_templates(connection: Connection, bodies: Sequence[Mapping[str, Any]]) -> None:
    for body in bodies:
        template = read_template(body)
        connection.execute(
            text(
                "INSERT INTO template (id, code, version, title, body) VALUES (:id, :code, :version, :title, :body) "
                "ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body"
            ),
            {
                "id": template.id, "code": template.code, "version": template.version, "title": template.title.vi,
                "body": json.dumps(body, ensure_ascii=False),
            },
        )  # fmt: skip


def load_reference(connection: Connection) -> Reference:
    rounds = {
        r.id: RoundReading(
            r.id,
            r.name or "",
            r.starts_on or "",
            r.ends_on or "",
            tuple(json.loads(r.teams or "[]")),
            tuple((code, since) for code, since in json.loads(r.planned_units or "[]")),
            bool(r.is_demo),
        )
        for r in connection.execute(text("SELECT * FROM round"))
    }
    notices: dict[str, list[str]] = {}
    matters: dict[str, list[Matter]] = {}
    for document in json.loads(read_meta(connection, "unit_matters") or "[]"):
        matters.setdefault(document["unit_code"], []).append(read_matter(document))
    for n in connection.execute(text(f"SELECT id, unit_code, {', '.join(_NOTICE)} FROM notice ORDER BY id")):
        if n.status is None or n.status != "done":
            notices.setdefault(n.unit_code, []).append(n.document_number)
        matters.setdefault(n.unit_code, []).append(notice_matter(n))
    return Reference(
        rounds,
        {t.id: t.name or "" for t in connection.execute(text("SELECT id, name FROM team"))},
        load_units(connection),
        load_templates(connection),
        {d.day: json.loads(d.hours or "[]") for d in connection.execute(text("SELECT day, hours FROM calendar_day"))},
        notices,
        {
            code: [(name, roll) for name, roll in rooms]
            for code, rooms in json.loads(read_meta(connection, "unit_rooms") or "{}").items()
        },
        matters,
    )
