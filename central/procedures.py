"""The administrative procedures the province has announced, held against what photographed boards say.

A comparison never decides: it says posted, missing, outdated or unsure, and a person of the office confirms. Names are
compared line by line, folded, so that "Đăng ký khai sinh" is not found in "Đăng ký khai sinh có yếu tố nước ngoài".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rapidfuzz import fuzz
from sqlalchemy import Connection, text

from app.sync.stamp import fold
from central.boards import LEGIBLE
from central.database import rows
from central.imports import check_procedures
from central.office import Taken

Standing = Literal["posted", "outdated", "unsure", "missing"]

SURE, MAYBE = 88.0, 74.0
"""Likeness in per cent (rapidfuzz `ratio`) from which a line is a procedure's name, or may be."""

_CODE = re.compile(r"\b[1-9]\.\d{6}\b")
_NUMBERING = re.compile(r"^[\W\d_]*(?:[ivx]+[.)]\s*)?")


@dataclass(frozen=True)
class Procedure:
    """As announced; `valid_to` is empty while it is in force. Days are ISO."""

    code: str
    name: str
    level: str
    field: str
    decision: str
    valid_from: str
    valid_to: str
    replaced_by: str
    is_demo: bool

    def in_force(self, day: str) -> bool:
        return self.valid_from <= day and (not self.valid_to or day <= self.valid_to)


@dataclass(frozen=True)
class BoardLine:
    """A line that was read, and from which photo (SHA-256)."""

    text: str
    photo: str


@dataclass(frozen=True)
class Compared:
    """`line` is what the standing rests on, None when nothing like it was read; `likeness` in per cent."""

    procedure: Procedure
    standing: Standing
    likeness: float
    line: BoardLine | None


def compare(
    procedures: Iterable[Procedure], lines: Sequence[BoardLine], day: str, confidence: float | None
) -> list[Compared]:
    """Each procedure in force on a day, and those no longer in force that are still posted; unsure and missing first.

    `confidence` is the reader's mean per cent over the photos, None when none was read: a board that cannot be read well
    proves no absence, so what is not found on it is unsure.
    """
    known = list(procedures)
    names = [fold(p.name) for p in known]
    best: dict[int, tuple[float, BoardLine]] = {}
    for window, line in _windows(lines):
        codes = set(_CODE.findall(line.text))
        scores = [
            100.0 if procedure.code in codes else fuzz.ratio(window, name, score_cutoff=MAYBE)
            for procedure, name in zip(known, names, strict=True)
        ]
        top = max(scores, default=0.0)
        for place, score in enumerate(scores):
            if score and score == top and score > best.get(place, (0.0, line))[0]:
                best[place] = (score, line)
    found = []
    for place, procedure in enumerate(known):
        score, line_or_none = best.get(place, (0.0, None))
        if procedure.in_force(day):
            silence: Standing = "missing" if confidence is not None and confidence >= LEGIBLE else "unsure"
            standing: Standing = "posted" if score >= SURE else "unsure" if score else silence
            found.append(Compared(procedure, standing, score, line_or_none))
        elif score >= SURE and procedure.valid_to and procedure.valid_to < day:
            found.append(Compared(procedure, "outdated", score, line_or_none))
    order = ("missing", "outdated", "unsure", "posted")
    return sorted(found, key=lambda c: (order.index(c.standing), c.procedure.field, c.procedure.code))


def _windows(lines: Sequence[BoardLine]) -> Iterable[tuple[str, BoardLine]]:
    """Each line, and each with the next one or two of its photo, since long names run over; numbering taken off."""
    for place, line in enumerate(lines):
        joined = ""
        for more in lines[place : place + 3]:
            if more.photo != line.photo:
                break
            joined = f"{joined} {more.text}".strip()
            bare = _NUMBERING.sub("", fold(_CODE.sub(" ", joined))).strip(" .;:,-")
            if bare:
                yield bare, BoardLine(joined, line.photo)


def load_procedures(connection: Connection, level: str = "") -> list[Procedure]:
    """All that were brought in, or those of one level of units."""
    where = " WHERE level = :level" if level else ""
    found = rows(
        connection,
        f'SELECT * FROM "procedure"{where} ORDER BY field, code, valid_from',
        **({"level": level} if level else {}),
    )
    return [Procedure(**{**row, "is_demo": bool(row["is_demo"])}) for row in found]


def take_procedures(connection: Connection, raw: bytes, *, is_demo: bool = False) -> Taken:
    """Take a list of procedures in, in the caller's transaction. Raises ImportRefused with nothing written.

    Procedures that a file does not name stay as they are, except that the first real list takes the demo's away.
    """
    cells = check_procedures(raw)
    if not is_demo:
        connection.execute(text('DELETE FROM "procedure" WHERE is_demo = 1'))
    changed = 0
    for row in cells:
        values: dict[str, Any] = {**row, "is_demo": int(is_demo)}
        before = rows(
            connection, 'SELECT * FROM "procedure" WHERE code = :code AND valid_from = :valid_from',
            code=row["code"], valid_from=row["valid_from"],
        )  # fmt: skip
        if before and before[0] == values:
            continue
        changed += 1
        connection.execute(
            text(
                'INSERT INTO "procedure" (code, name, level, field, decision, valid_from, valid_to, replaced_by, is_demo) '
                "VALUES (:code, :name, :level, :field, :decision, :valid_from, :valid_to, :replaced_by, :is_demo) "
                "ON CONFLICT (code, valid_from) DO UPDATE SET name = excluded.name, level = excluded.level, "
                "field = excluded.field, decision = excluded.decision, valid_to = excluded.valid_to, "
                "replaced_by = excluded.replaced_by, is_demo = excluded.is_demo"
            ),
            values,
        )
    return Taken(len(cells), changed)
