"""Files an office brings in: checked as a whole, every fault with its line, and nothing taken while one is left.

units.csv    code,name_vi,level,parent_code,valid_from,valid_to,successor_codes
             days as 2025-07-01, empty for open; several successors separated by spaces
procedures.csv  code,name_vi,level,field,decision,valid_from,valid_to,replaced_by
             valid_to empty while in force; replaced_by the code that took its place, or empty
notices.csv  unit_code,document_number,subject,issued_on,remediation_deadline,status
             remediation_deadline may be empty; status too, else done, partly, not_done, document_only or not_due
users.csv    id,name,role,team[,team_name[,team_kind]]
             team is an id and needs a team_name the first time it occurs; passwords are set by `kiemtra password`
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from app.records import NAME_MAX, REMEDIATION_STATUSES
from app.sync.stamp import fold, nfc
from app.units import LEVEL_WORDS
from central.people import FIELD_ROLES, ROLES

UNIT_COLUMNS = ("code", "name_vi", "level", "parent_code", "valid_from", "valid_to", "successor_codes")
PROCEDURE_COLUMNS = ("code", "name_vi", "level", "field", "decision", "valid_from", "valid_to", "replaced_by")
NOTICE_COLUMNS = ("unit_code", "document_number", "subject", "issued_on", "remediation_deadline", "status")
USER_COLUMNS = ("id", "name", "role", "team")
USER_COLUMNS_MORE = ("team_name", "team_kind")
TEAM_KINDS = ("inspection_team", "interagency_team")

_CODE = re.compile(r"[0-9A-Za-z.\-]{1,20}")
_ID = re.compile(r"[a-z0-9][a-z0-9._\-]{0,49}")


class Fault(NamedTuple):
    """What is wrong on a line (counted from 1) of a file, in Vietnamese."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"dòng {self.line}: {self.message}"


class ImportRefused(Exception):
    """The file has faults; nothing of it was taken. `faults` are in order of lines."""

    def __init__(self, faults: list[Fault]):
        super().__init__("\n".join(map(str, sorted(faults))))
        self.faults = sorted(faults)


class _Line(NamedTuple):
    number: int
    cells: dict[str, str]


def decoded(raw: bytes) -> str:
    """The text of a file in UTF-8, with or without a byte order mark, as NFC. Raises ImportRefused naming the line."""
    try:
        return nfc(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ImportRefused([Fault(line, "không phải chữ UTF-8; hãy lưu tệp lại dạng «CSV UTF-8»")]) from None


def _lines(raw: bytes, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> tuple[list[_Line], list[Fault]]:
    """Rows of a CSV file by column name, blank lines left out, and the faults of its form."""
    text = decoded(raw)
    if "\0" in text:
        raise ImportRefused([Fault(text[: text.index("\0")].count("\n") + 1, "có ký tự lạ; tệp này không phải CSV")])
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    lines: list[_Line] = []
    faults: list[Fault] = []
    try:
        columns = [cell.strip() for cell in next(reader, [])]
        absent = [name for name in needed if name not in columns]
        strange = [name for name in columns if name not in needed + more]
        if absent or strange or len(set(columns)) != len(columns):
            raise ImportRefused([Fault(1, f"dòng đầu phải là: {','.join(needed)}{''.join(f'[,{m}]' for m in more)}")])
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                faults.append(Fault(reader.line_num, f"có {len(cells)} ô, cần {len(columns)} ô"))
                continue
            lines.append(_Line(reader.line_num, {n: c.strip() for n, c in zip(columns, cells, strict=True)}))
    except csv.Error as error:
        faults.append(Fault(reader.line_num, f"không đọc được dòng CSV ({error})"))
    if not lines and not faults:
        faults.append(Fault(1, "tệp không có dòng dữ liệu nào"))
    return lines, faults


# --- units -----------------------------------------------------------------------------------------------------------


def check_units(raw: bytes, known_codes: Collection[str] = ()) -> list[dict[str, str]]:
    """Rows of a units file, as its columns name them. Raises ImportRefused.

    `known_codes` are of units here already: parents and successors may be among them.
    """
    lines, faults = _lines(raw, UNIT_COLUMNS)
    codes = {line.cells["code"] for line in lines} | set(known_codes)
    seen: dict[str, list[_Line]] = {}
    for line in lines:
        faults += [Fault(line.number, message) for message in _unit_faults(line.cells, codes)]
        faults += [
            Fault(line.number, f"mã {line.cells['code']} trùng thời gian hiệu lực với dòng {earlier.number}")
            for earlier in seen.setdefault(line.cells["code"], [])
            if _overlap(earlier.cells, line.cells)
        ]
        seen[line.cells["code"]].append(line)
    if faults:
        raise ImportRefused(faults)
    return [line.cells for line in lines]


def _unit_faults(cells: Mapping[str, str], codes: Collection[str]) -> Iterator[str]:
    if not _CODE.fullmatch(cells["code"]):
        yield f"code {cells['code']!r}: cần từ 1 đến 20 chữ số, chữ cái không dấu"
    yield from _name_faults("name_vi", cells["name_vi"])
    if cells["level"] not in LEVEL_WORDS:
        yield f"level {cells['level']!r}: chỉ nhận {', '.join(LEVEL_WORDS)}"
    if cells["parent_code"] == cells["code"] or (cells["parent_code"] and cells["parent_code"] not in codes):
        yield f"parent_code {cells['parent_code']!r}: không có đơn vị mang mã này"
    days_are_right = True
    for name in ("valid_from", "valid_to"):
        if cells[name] and not is_day(cells[name]):
            days_are_right = False
            yield f"{name} {cells[name]!r}: cần ngày dạng 2025-07-01, hoặc để trống"
    if days_are_right and cells["valid_from"] and cells["valid_to"] and cells["valid_to"] < cells["valid_from"]:
        yield f"valid_to {cells['valid_to']} trước valid_from {cells['valid_from']}"
    for successor in cells["successor_codes"].replace(";", " ").replace("|", " ").split():
        if successor not in codes:
            yield f"successor_codes {successor!r}: không có đơn vị mang mã này"


def _overlap(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two periods share a day; an empty end is open."""
    return (one["valid_from"] or "") <= (other["valid_to"] or "9999") and (other["valid_from"] or "") <= (
        one["valid_to"] or "9999"
    )


# --- procedures ------------------------------------------------------------------------------------------------------


def check_procedures(raw: bytes) -> list[dict[str, str]]:
    """Administrative procedures of a file: its columns, with `name_vi` as `name`. Raises ImportRefused."""
    lines, faults = _lines(raw, PROCEDURE_COLUMNS)
    seen: dict[str, list[_Line]] = {}
    for line in lines:
        faults += [Fault(line.number, message) for message in _procedure_faults(line.cells)]
        faults += [
            Fault(line.number, f"mã {line.cells['code']} trùng thời gian hiệu lực với dòng {earlier.number}")
            for earlier in seen.setdefault(line.cells["code"], [])
            if _overlap(earlier.cells, line.cells)
        ]
        seen[line.cells["code"]].append(line)
    if faults:
        raise ImportRefused(faults)
    return [{"name" if name == "name_vi" else name: cell for name, cell in line.cells.items()} for line in lines]


def _procedure_faults(cells: Mapping[str, str]) -> Iterator[str]:
    for column in ("code", "replaced_by"):
        if not _CODE.fullmatch(cells[column]) and (cells[column] or column == "code"):
            yield f"{column} {cells[column]!r}: cần từ 1 đến 20 chữ số, chữ cái không dấu"
    yield from _name_faults("name_vi", cells["name_vi"])
    if cells["level"] not in LEVEL_WORDS:
        yield f"level {cells['level']!r}: chỉ nhận {', '.join(LEVEL_WORDS)}"
    if not is_day(cells["valid_from"]):
        yield f"valid_from {cells['valid_from']!r}: cần ngày dạng 2025-07-01"
    if cells["valid_to"] and not is_day(cells["valid_to"]):
        yield f"valid_to {cells['valid_to']!r}: cần ngày dạng 2025-07-01, hoặc để trống"
    elif cells["valid_to"] and cells["valid_to"] < cells["valid_from"]:
        yield f"valid_to {cells['valid_to']} trước valid_from {cells['valid_from']}"
    for column in ("field", "decision"):
        if len(cells[column]) > NAME_MAX:
            yield f"{column}: quá {NAME_MAX} ký tự"


# --- notices ---------------------------------------------------------------------------------------------------------


def check_notices(raw: bytes, unit_codes: Collection[str]) -> list[dict[str, str]]:
    """Notices sent to units, as the file's columns. Raises ImportRefused."""
    lines, faults = _lines(raw, NOTICE_COLUMNS)
    first_line: dict[tuple[str, str], int] = {}
    for line in lines:
        faults += [Fault(line.number, message) for message in _notice_faults(line.cells, unit_codes)]
        key = line.cells["unit_code"], fold(line.cells["document_number"])
        if first_line.setdefault(key, line.number) != line.number:
            faults.append(Fault(line.number, f"thông báo này của đơn vị này đã có ở dòng {first_line[key]}"))
    if faults:
        raise ImportRefused(faults)
    return [line.cells for line in lines]


def _notice_faults(cells: Mapping[str, str], unit_codes: Collection[str]) -> Iterator[str]:
    if cells["unit_code"] not in unit_codes:
        yield f"unit_code {cells['unit_code']!r}: không có đơn vị mang mã này"
    yield from _name_faults("document_number", cells["document_number"])
    yield from _name_faults("subject", cells["subject"])
    if not is_day(cells["issued_on"]):
        yield f"issued_on {cells['issued_on']!r}: cần ngày dạng 2025-07-01"
    deadline = cells["remediation_deadline"]
    if deadline and not is_day(deadline):
        yield f"remediation_deadline {deadline!r}: cần ngày dạng 2025-07-01, hoặc để trống"
    elif deadline and is_day(cells["issued_on"]) and deadline < cells["issued_on"]:
        yield f"remediation_deadline {deadline} trước issued_on {cells['issued_on']}"
    if cells["status"] and cells["status"] not in REMEDIATION_STATUSES:
        yield f"status {cells['status']!r}: chỉ nhận {', '.join(REMEDIATION_STATUSES)}, hoặc để trống"


# --- users -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UsersFile:
    """`users` as (id, name, role, team or None); `teams` new or renamed ones as {id: (name, kind)}."""

    users: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    teams: dict[str, tuple[str, str]] = field(default_factory=dict)


def check_users(raw: bytes, known_teams: Collection[str] = ()) -> UsersFile:
    """The people and teams of a users file. Raises ImportRefused."""
    lines, faults = _lines(raw, USER_COLUMNS, USER_COLUMNS_MORE)
    named: dict[str, tuple[str, str]] = {}
    for line in lines:
        team, name = line.cells["team"], line.cells.get("team_name", "")
        if team and name:
            kind = line.cells.get("team_kind") or named.get(team, ("", TEAM_KINDS[0]))[1]
            if named.setdefault(team, (name, kind)) != (name, kind):
                faults.append(Fault(line.number, f"đoàn {team!r} có hai tên hoặc hai loại khác nhau"))
    file = UsersFile(teams=named)
    first_line: dict[str, int] = {}
    for line in lines:
        cells = line.cells
        faults += [Fault(line.number, message) for message in _user_faults(cells, {*known_teams, *named})]
        if first_line.setdefault(cells["id"], line.number) != line.number:
            faults.append(Fault(line.number, f"id {cells['id']!r} đã có ở dòng {first_line[cells['id']]}"))
        file.users.append((cells["id"], cells["name"], cells["role"], cells["team"] or None))
    if faults:
        raise ImportRefused(faults)
    return file


def _user_faults(cells: Mapping[str, str], teams: Collection[str]) -> Iterator[str]:
    if not _ID.fullmatch(cells["id"]):
        yield f"id {cells['id']!r}: chỉ dùng chữ thường không dấu, chữ số, chấm và gạch"
    yield from _name_faults("name", cells["name"])
    if cells["role"] not in ROLES:
        yield f"role {cells['role']!r}: chỉ nhận {', '.join(ROLES)}"
    if cells["role"] in FIELD_ROLES and not cells["team"]:
        yield f"vai trò {cells['role']} cần thuộc một đoàn (cột team)"
    if cells["role"] in ROLES and cells["role"] not in FIELD_ROLES and cells["team"]:
        yield f"vai trò {cells['role']} không thuộc đoàn nào: để trống cột team"
    if cells["team"] and not _ID.fullmatch(cells["team"]):
        yield f"team {cells['team']!r}: chỉ dùng chữ thường không dấu, chữ số, chấm và gạch"
    elif cells["team"] and cells["team"] not in teams:
        yield f"team {cells['team']!r}: chưa có đoàn này, hãy ghi tên đoàn ở cột team_name"
    if cells.get("team_name"):
        yield from _name_faults("team_name", cells["team_name"])
    if cells.get("team_kind") and cells["team_kind"] not in TEAM_KINDS:
        yield f"team_kind {cells['team_kind']!r}: chỉ nhận {', '.join(TEAM_KINDS)}"


def _name_faults(column: str, name: str) -> Iterator[str]:
    if not name:
        yield f"{column}: chưa ghi tên"
    elif len(name) > NAME_MAX or not name.isprintable():
        yield f"{column}: tên quá {NAME_MAX} ký tự hoặc có ký tự lạ"


def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar as 2025-07-01."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
