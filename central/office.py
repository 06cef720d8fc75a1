"""What the office brings in, written into central's own journal: units, people and their teams, checklists.

Everything is checked first (`imports`, `template_file`); what is as it was before is not written again, so importing
the same file twice changes nothing. Units that a file does not name stay as they are.
"""

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.sync.journal import BadPatch, Change, canonical
from app.sync.stamp import fold
from app.units import unit_id, unit_patch
from central.database import rows
from central.imports import Fault, ImportRefused, check_notices, check_units, check_users
from central.intake import write_as_central
from central.people import add_user, find_user
from central.template_file import check_template


class Taken(NamedTuple):
    """How many records a file named, and how many of them were new or different."""

    named: int
    changed: int


def take_units(connection: Connection, device: str, author: str, raw: bytes, now: int) -> Taken:
    """Take a units file in, in the caller's transaction. Raises ImportRefused with nothing written."""
    here = {row["id"]: row for row in rows(connection, "SELECT * FROM unit")}
    found = check_units(raw, {row["code"] for row in here.values() if row["code"]})
    changes = []
    for cells in found:
        fields = unit_patch(cells)
        id = unit_id(fields["code"], fields["valid_from"])
        if not _stands(here.get(id), fields):
            changes.append(Change("unit", id, fields, ""))
    if changes:
        write_as_central(connection, device, author, changes, now)
    return Taken(len(found), len(changes))


def take_notices(connection: Connection, device: str, author: str, raw: bytes, now: int) -> Taken:
    """Take notices that were sent to units in, in the caller's transaction. Raises ImportRefused with nothing written.

    A notice is known by its unit and number: brought in again, it is changed.
    """
    here = {row["id"]: row for row in rows(connection, "SELECT * FROM notice")}
    found = check_notices(raw, {row["code"] for row in rows(connection, "SELECT DISTINCT code FROM unit")})
    changes = []
    for cells in found:
        id = f"{cells['unit_code']}:{fold(cells['document_number'])}"
        fields = {name: cell or None for name, cell in cells.items()}
        known = here.get(id)
        if known is None or any(known[name] != value for name, value in fields.items()):
            changes.append(Change("notice", id, fields, ""))
    if changes:
        write_as_central(connection, device, author, changes, now)
    return Taken(len(found), len(changes))


def take_users(connection: Connection, device: str, author: str, raw: bytes, now: int) -> Taken:
    """Take people and their teams in, in the caller's transaction. Raises ImportRefused with nothing written."""
    teams = {row["id"]: row for row in rows(connection, "SELECT * FROM team")}
    file = check_users(raw, teams)
    changes = []
    for id, (name, kind) in file.teams.items():
        fields = {"name": name, "team_kind": kind}
        if not _stands(teams.get(id), fields):
            changes.append(Change("team", id, fields, ""))
    if changes:
        write_as_central(connection, device, author, changes, now)
    changed = 0
    for id, name, role, team in file.users:
        before = find_user(connection, id)
        is_new = before is None or (before.name, before.role, before.team, before.active) != (name, role, team, True)
        changed += is_new
        add_user(connection, id, name, role, team)  # type: ignore[arg-type]  # checked to be a role
    return Taken(len(file.users), changed)


def take_template(connection: Connection, device: str, author: str, raw: bytes, now: int) -> Taken:
    """Take a version of a checklist in, in the caller's transaction. Raises ImportRefused with nothing written.

    A version once taken is never changed: visits keep the text they were made with.
    """
    body = _without_nulls(check_template(raw))
    head = body["template"]
    id = f"{head['code']}@{head['version']}"
    before = rows(connection, "SELECT body FROM template WHERE id = :id", id=id)
    if before and canonical(json.loads(before[0]["body"])) == canonical(body):
        return Taken(1, 0)
    if before:
        line = next(number for number, text in enumerate(raw.splitlines(), 1) if b"version" in text)
        raise ImportRefused([Fault(line, f"{id} đã có với nội dung khác; hãy tăng «version» rồi nhập lại")])
    fields = {"code": head["code"], "version": head["version"], "title": head["title_vi"], "body": body}
    try:
        write_as_central(connection, device, author, [Change("template", id, fields, "")], now)
    except BadPatch as fault:
        raise ImportRefused([Fault(1, str(fault))]) from None
    return Taken(1, 1)


def _stands(row: dict[str, Any] | None, fields: dict[str, Any]) -> bool:
    """Whether a record's reading already says what a file says."""
    if row is None:
        return False
    here = {**row, "successor_codes": json.loads(row.get("successor_codes") or "[]")}
    return all(here[name] == value for name, value in fields.items())


def _without_nulls(value: Any) -> Any:
    """Data as a merge patch leaves it: an empty member is an absent one."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
