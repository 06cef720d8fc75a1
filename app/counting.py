"""Counting heads: counts of a visit, their rooms, and the rows of directives and notices."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.checklist import Refusal, naming_item
from app.readings import VisitReading
from app.recorder import Recorder, answer_change, clean_name, clean_text
from app.records import (
    ATTENDANCE_SECTION,
    WHOLE_UNIT_ROW,
)
from app.sync.journal import Change
from app.sync.stamp import count_id, fold


class Counting(Recorder):
    """What an inspector does with rooms and other rows."""

    # Counting heads

    def add_count(self, visit: str, moment: int | None = None, note: str = "") -> str:
        """A new count at a moment (now unless given), to the minute; returns its id. The first one is the main count."""
        self._open(visit)
        moment = self.now() if moment is None else moment
        count = count_id(visit, moment)
        patch: dict[str, Any] = {"visit": visit, "moment": moment, "removed": False}
        if note:
            patch["note"] = clean_text(note)
        self._record([Change("count", count, patch, visit)])
        return count

    def set_main_count(self, visit: str, count: str) -> None:
        """Let this count's figures be the visit's."""
        reading = self._open(visit)
        if count not in {c.id for c in reading.counts}:
            raise Refusal("Không có lần đếm này. / There is no such count.")
        self._record([Change("visit", visit, {"main_count": count}, visit)])

    def add_room(self, visit: str, name: str, count: str | None = None, roll: int | None = None) -> str:
        """A room to count in (of the main count unless given); makes the first count and says "by room" when nothing is said yet.

        Returns the row id. Raises Refusal for a name used twice in the count.
        """
        return self.add_rooms(visit, [(name, roll)], count)[0]

    def add_rooms(self, visit: str, rooms: Sequence[tuple[str, int | None]], count: str | None = None) -> list[str]:
        """Several rooms in one tap, each with its roll where the inspector has confirmed it."""
        reading = self._open(visit)
        whole = any(fold(name) == fold(WHOLE_UNIT_ROW) for name, _ in rooms)
        if whole and reading.mode not in (None, "whole_unit"):
            raise Refusal(
                f"Tên «{WHOLE_UNIT_ROW}» chỉ dùng khi đếm chung toàn đơn vị. / This name is for one count of all."
            )
        return self._add_rooms(reading, rooms, count, reading.mode or ("whole_unit" if whole else "per_room"))

    def _add_rooms(
        self, reading: VisitReading, rooms: Sequence[tuple[str, int | None]], count: str | None, mode: str
    ) -> list[str]:
        visit = reading.id
        changes = [answer_change(reading.template, visit, "", "attendance_mode", mode)]
        wanted = count or reading.main_count
        if not wanted:
            moment = self.now()
            wanted = count_id(visit, moment)
            changes.append(Change("count", wanted, {"visit": visit, "moment": moment, "removed": False}, visit))
        ids = []
        names = self._names(visit, ATTENDANCE_SECTION, wanted)
        position = max((r.position for r in reading.rows if r.count == wanted), default=-1)
        for name, roll in rooms:
            clean = clean_name(name, "Tên phòng / The room's name")
            row = names.take(clean)
            if row is None:
                raise Refusal(f"Đã có phòng «{clean}» trong lần đếm này. / This count already has that room.")
            position += 1
            patch = {
                "visit": visit,
                "section": ATTENDANCE_SECTION,
                "count": wanted,
                "name": clean,
                "position": position,
            }
            changes.append(Change("row", row, {**patch, "removed": False}, visit))
            if roll is not None:
                changes.append(answer_change(reading.template, visit, row, "head_total", roll))
            ids.append(row)
        self._record(changes)
        return ids

    def use_whole_unit(self, visit: str, count: str | None = None) -> str:
        """Count the unit as one: sets the mode and makes its single row; returns the row id."""
        reading = self._open(visit)
        wanted = count or reading.main_count
        for row in reading.rows:
            if row.count == wanted and row.section == ATTENDANCE_SECTION and fold(row.name) == fold(WHOLE_UNIT_ROW):
                if reading.mode != "whole_unit":
                    self.answer(visit, "attendance_mode", "whole_unit")
                return row.id
        return self._add_rooms(reading, [(WHOLE_UNIT_ROW, None)], count, "whole_unit")[0]

    def set_heads(self, visit: str, row: str, figures: Mapping[str, int | None]) -> None:
        """Figures of a room, one tap; None makes a figure empty again (not counted)."""
        self.answers(visit, [(code, value, row) for code, value in figures.items()])

    def rename_row(self, visit: str, row: str, name: str) -> None:
        """Give a room, directive or notice another name; its figures stay with it."""
        reading = self._open(visit)
        clean = clean_name(name, "Tên / The name")
        mine = self._row(reading, row)
        if any(
            r.id != row and r.section == mine.section and r.count == mine.count and fold(r.name) == fold(clean)
            for r in reading.rows
        ):
            raise Refusal(f"Đã có «{clean}». / That name is already used.")
        changes = [Change("row", row, {"name": clean}, visit)]
        naming = naming_item(reading.template.by_section[mine.section])
        if naming:
            changes.append(answer_change(reading.template, visit, row, naming.code, clean))
        self._record(changes)

    def remove_row(self, visit: str, row: str) -> None:
        """Take a room, directive or notice out of the visit; it stays in the journal and adding its name brings it back."""
        self._row(self._open(visit), row)
        self._record([Change("row", row, {"removed": True}, visit)])

    def add_row(self, visit: str, section: str, name: str) -> str:
        """A directive or a notice, by its number; returns the row id. Raises Refusal for a name used twice."""
        reading = self._open(visit)
        part = reading.template.by_section.get(section)
        if part is None or not part.is_repeated or section == ATTENDANCE_SECTION:
            raise Refusal("Phần này không có dòng. / This section has no rows.")
        clean = clean_name(name, "Số, ký hiệu / The number")
        row = self._names(visit, section, "").take(clean)
        if row is None:
            raise Refusal(f"Đã có «{clean}». / That name is already used.")
        position = max((r.position for r in reading.rows_of(section)), default=-1) + 1
        patch = {"visit": visit, "section": section, "name": clean, "position": position, "removed": False}
        changes = [Change("row", row, patch, visit)]
        naming = naming_item(part)
        if naming:
            changes.append(answer_change(reading.template, visit, row, naming.code, clean))
        self._record(changes)
        return row
