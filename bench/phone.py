"""Notebooks to measure: a real file, the real units and checklist, and visits filled as far as a measurement needs."""

import random
import secrets
import time
from pathlib import Path
from typing import Any

from app.checklist import Item
from app.notebook import Notebook
from app.readings import VisitReading
from app.recorder import Enrolment
from app.records import ATTENDANCE_SECTION, HEADS, WHOLE_UNIT_ROW
from app.sync import journal, merge
from app.sync.journal import Change
from app.sync.stamp import answer_id, count_id, new_uuid7, row_id

ASSETS = Path(__file__).parents[1] / "assets"
DEVICE = "0199c0de-0000-7000-8000-000000000001"
AUTUMN = 1_790_000_000_000


def open_notebook(folder: Path) -> Notebook:
    book = Notebook(
        folder / "notebook.sqlite",
        now=lambda: time.time_ns() // 1_000_000,
        entropy=secrets.token_bytes,
        assets=ASSETS,
    )
    if book.enrolment is None:
        book.enrol(
            Enrolment(DEVICE, "t", "s", "http://127.0.0.1:1", "u-an", "An", "inspector", "doan-1", "Đoàn liên ngành")
        )
    return book


def start_visit(book: Notebook, rooms: int) -> tuple[str, list[str]]:
    """A visit whose rooms have a roll; (visit, rooms)."""
    visit = book.start_visit(book.find_units("muong long")[0])
    return visit, book.add_rooms(visit, [(f"Phòng số {number}", 8) for number in range(rooms)])


def _some_answer(item: Item) -> Any:
    if item.options:
        return [option.code for option in item.options][:2] if item.multiple else item.options[0].code
    return {"count": 2, "yes_no_na": "yes", "date": "2026-03-02"}.get(item.type, "Ghi chú của đoàn")


def answer_everything(book: Notebook, visit: str) -> VisitReading:
    """Every item of every section and row answered; directives and notices get five rows each."""
    template = book.visit(visit).template
    for section in template.sections:
        if section.is_repeated and section.code != ATTENDANCE_SECTION:
            for number in range(5):
                book.add_row(visit, section.code, f"Văn bản {number}/CT-TTg")
        rows = [row.id for row in book.visit(visit).rows_of(section.code)] if section.is_repeated else [""]
        book.answers(
            visit,
            [
                (item.code, _some_answer(item), row)
                for row in rows
                for item in section.items
                if item.type != "photo" and item.code != "attendance_mode"
            ],
        )
    return book.visit(visit)


def record_visits(book: Notebook, number: int) -> None:
    """Many closed visits of all units, each with one count of the whole unit, written straight into the journal."""
    dice = random.Random(2026)
    units = list(book.reference.units)
    with book.store.writing() as connection:
        writer = journal.resume(connection, DEVICE, journal.sha256("bench")[:32])
        for nth in range(number):
            unit, started = dice.choice(units), AUTUMN + nth * 3_600_000
            visit = new_uuid7(started, dice.randbytes(10))
            count = count_id(visit, started)
            row = row_id(visit, ATTENDANCE_SECTION, count, WHOLE_UNIT_ROW)
            total = dice.randrange(8, 60)
            present = dice.randrange(total // 2, total + 1)
            figures = dict(zip(HEADS, (total, present, total - present, 0, 0), strict=True))
            changes = [
                Change(
                    "visit", visit,
                    {
                        "round": "r1", "team": "doan-1", "unit_code": unit.code, "unit_valid_from": unit.valid_from,
                        "unit_name": unit.name, "unit_level": unit.level, "visit_kind": "surprise_visit",
                        "visit_date": f"{2020 + nth % 7}-{nth % 12 + 1:02}-{nth % 28 + 1:02}", "visit_started_at": started,
                        "status": "closed", "template": "spot_check_default", "template_version": 1,
                    },
                    visit,
                ),
                Change("count", count, {"visit": visit, "moment": started}, visit),
                Change(
                    "row", row,
                    {"visit": visit, "section": ATTENDANCE_SECTION, "count": count, "name": WHOLE_UNIT_ROW, "position": 0},
                    visit,
                ),
                *(
                    Change("answer", answer_id(visit, at, item), {"visit": visit, "row": at, "item": item, "value": v}, visit)
                    for item, v, at in [("attendance_mode", "whole_unit", ""), *((c, f, row) for c, f in figures.items())]
                ),
            ]  # fmt: skip
            _, writer = journal.append(connection, writer, changes, "u-an", 0, started)
        merge.rebuild(connection, ["visit", "count", "row", "answer", "photo"])
    book.reload()
