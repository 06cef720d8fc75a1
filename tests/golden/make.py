"""How `schema1.json` was made: `python -m tests.golden.make 1`. A new schema gets a file of its own; none is ever made again.

A file holds what a central had in its journal after a day of two phones, entry by entry as it hands them out (with their
effective stamps and verdicts), and how every record of it read then.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.sync import journal, merge
from app.sync.journal import Change
from app.sync.wire import to_phone
from tests.sync.test_two_phones import photograph
from tests.valley import NOON, Valley

FOLDER = Path(__file__).parent


async def a_day(valley: Valley) -> None:
    """Something of every kind, corrected, taken back, in conflict, refused, unknown, and by a clock of 2031."""
    visit, cuc, dung = valley.visit, valley.cuc.book, valley.dung.book
    rooms = [cuc.add_room(visit, name, roll=5) for name in ("Phòng Nội vụ", "Văn phòng", "Phòng Tư pháp")]
    for room, present in zip(rooms, (5, 4, 3), strict=True):
        cuc.set_heads(visit, room, {"head_present": present, "head_absent_excused": 5 - present})
    cuc.rename_row(visit, rooms[1], "Văn phòng HĐND và UBND")
    cuc.remove_row(visit, rooms[2])
    cuc.add_count(visit, NOON + 30 * 60_000)
    cuc.add_row(visit, "directives", "Chỉ thị 17")
    for item, value in (
        ("badge_worn_all", "no"),
        ("badge_missing_count", 2),
        ("objective_difficulty", "Mưa, đường sạt"),
    ):
        cuc.answer(visit, item, value)
    cuc.remark(visit, "badge_worn_all", "xem lại buổi chiều")
    cuc.answer(visit, "one_stop_arrangement", "own_desk")
    cuc.undo(visit)
    photo = await photograph(valley.cuc, visit, 1, "attendance_room")
    await photograph(valley.cuc, visit, 2)
    cuc.place(visit, "19.3912 104.1523 412 8", photo)
    await valley.sync_until_quiet()
    dung.edit_photo(dung.visit(visit).photos[0], caption="bảng tin")
    dung.remove_photo(dung.visit(visit).photos[1])
    valley.dung.clock.ms = 1_924_000_000_000  # type: ignore[attr-defined]
    dung.answer(visit, "badge_missing_count", 3)
    dung.answer(visit, "badge_worn_all", None)
    cuc.answer(visit, "badge_missing_count", 4)
    cuc._record([Change("answer", f"{visit}//no_such_item", {"value": 1, "item": "no_such_item"}, visit)])
    future = {"visit": visit, "mức": {"a": [1, None, "b"], "đúng": True}}
    cuc._record(
        [
            Change("drone_flight", "0199c0de-0000-7000-8000-00000000abcd", future, visit),
            Change("visit", visit, {"weather": "mưa rào"}, visit),
        ]
    )
    await valley.sync_until_quiet()
    cuc.close_visit(visit)
    cuc.reopen_visit(visit)
    cuc.close_visit(visit)
    await valley.sync_until_quiet()


def written(valley: Valley) -> dict[str, Any]:
    with valley.app.state.db.reading() as connection:
        entries = journal.select(connection, "team = 'doan-1' ORDER BY position")
        records = {
            f"{kind} {record}": read(merge.load(connection, kind, record))
            for kind, record in sorted({(entry.kind, entry.record) for entry in entries})
        }
    return {
        "entries": [
            [*to_phone(entry), entry.effective_ms, entry.effective_counter, entry.verdict] for entry in entries
        ],
        "records": records,
    }


def read(record: merge.Record) -> dict[str, Any]:
    """A record as it reads, without what a later version may add to it."""
    return {"fields": record.fields, "stamps": {field: list(order) for field, order in record.stamps.items()}}


def main(schema: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        valley = Valley(Path(folder))
        asyncio.run(a_day(valley))
        text = json.dumps(written(valley), ensure_ascii=False, indent=0, sort_keys=True)
        valley.close()
    (FOLDER / f"schema{schema}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
