"""All an inspector can do, as methods, with no screen attached.

Each method that records is one tap: its entries are appended, applied to the typed tables and committed durably before it
returns. Times are ms UTC, days ISO dates at +07:00. Bad input raises `Refusal` (nothing written) with a message for the
inspector; writing into a closed or signed visit raises `VisitShut`.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from app.checklist import Refusal, Section, Template, check_value, naming_item
from app.figures import DEFAULT_HOURS, is_working_time
from app.readings import KnownRoom, PhotoReading, RowReading, VisitReading, find_template, read_visit
from app.records import (
    ATTENDANCE_SECTION,
    NAME_MAX,
    READINGS,
    SCHEMA,
    TEXT_MAX,
    TIME_ZONE_HOURS,
    VISIT_KINDS,
    WHOLE_UNIT_ROW,
)
from app.reference import Reference, load_reference, seed_reference, take_reference
from app.schema import JOURNAL, read_meta, write_meta
from app.store import DiskFull, Store, unreadable
from app.sync import journal, merge
from app.sync.journal import Change, Writer
from app.sync.ledger import PHONE, PhotoState, Waiting, file_states, queue_photo, waiting
from app.sync.stamp import answer_id, count_id, fold, new_uuid7, nfc, row_id
from app.units import UnitReading

Clock = Callable[[], int]
Entropy = Callable[[int], bytes]


class VisitShut(Refusal):
    """The visit is closed (reopen it first) or signed (nothing can change it)."""


class NotEnrolled(Refusal):
    """This phone has no place in a team yet."""

    def __init__(self) -> None:
        super().__init__("Máy chưa được ghi danh. Nhập mã ghi danh trước. / Enrol this phone first.")


@dataclass(frozen=True)
class Enrolment:
    """Who this phone is: what `POST /devices` answered, and where central is."""

    device: str
    token: str
    server_id: str
    central_url: str
    user: str
    user_name: str
    role: str
    team: str
    team_name: str


@dataclass(frozen=True)
class VisitLine:
    """A visit in a list."""

    id: str
    unit_name: str
    visit_date: str
    visit_started_at: int | None
    status: str
    attendance_rate: str | None
    without_figures: str | None
    findings: int
    photos: int
    rooms_counted: int
    rooms: int
    answered: int
    asked: int


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of a photo whose files are already kept; `bytes` is the size of the full photo."""

    sha256: str
    bytes: int
    width: int
    height: int
    media_type: str
    preview: str
    preview_bytes: int
    taken_at: int | None = None


def local_day(ms: int) -> str:
    """The ISO day at +07:00 of a moment."""
    return (datetime.fromtimestamp(ms / 1000, UTC) + timedelta(hours=TIME_ZONE_HOURS)).date().isoformat()


def local_clock(ms: int) -> str:
    """HH:MM at +07:00 of a moment."""
    return (datetime.fromtimestamp(ms / 1000, UTC) + timedelta(hours=TIME_ZONE_HOURS)).strftime("%H:%M")


class Notebook:
    """One inspector's notebook in one file."""

    def __init__(self, path: Path, *, now: Clock, entropy: Entropy, assets: Path, journal_mode: str = "WAL"):
        """Open the notebook, or begin one. Raises `app.store` InUse, Damaged, Newer or DiskFull, the file untouched."""
        self.now, self._entropy = now, entropy
        self.store = Store(path, [("journal", JOURNAL), ("phone", PHONE)], journal_mode)
        self.revision = 0
        """Grows with every change, so that a reader can tell whether what it drew still stands."""
        self._undo: dict[str, list[list[Change]]] = {}
        self._lines: dict[str, VisitLine] = {}
        self._heads: dict[str, tuple[str, Template]] = {}
        try:
            with self.store.writing() as connection:
                seed_reference(connection, assets)
                if read_meta(connection, "install") is None:
                    write_meta(connection, "install", entropy(16).hex())
            self.reload()
        except (DatabaseError, LookupError, TypeError, ValueError) as error:
            # The pages are in order and what stands on them is not: a byte has changed.
            self.store.close()
            raise unreadable(path) from error
        except DiskFull:
            self.store.close()
            raise

    def reload(self) -> None:
        """Read again what is kept in memory: who this phone is, the reference data, where the chain stands."""
        with self.store.reading() as connection:
            self.reference: Reference = load_reference(connection)
            enrolment = read_meta(connection, "enrolment")
            self.enrolment = Enrolment(**json.loads(enrolment)) if enrolment else None
            self.install = read_meta(connection, "install") or ""
            self._seen = int(read_meta(connection, "seen") or 0)
            epoch = read_meta(connection, "epoch")
            self._writer: Writer | None = None
            if self.enrolment and epoch:
                self._writer = journal.resume(connection, self.enrolment.device, epoch)
        self._lines.clear()
        self._heads.clear()
        self.revision += 1

    def close(self) -> None:
        self.store.close()

    # Who this phone is

    def enrol(self, enrolment: Enrolment) -> None:
        """Take a place in a team: a new device, a new epoch. What was recorded as another device stays in the journal."""
        if self.enrolment is None or self.enrolment.device != enrolment.device or self._writer is None:
            epoch = self._entropy(16).hex()
        else:
            epoch = self._writer.epoch
        with self.store.writing() as connection:
            write_meta(connection, "enrolment", json.dumps(enrolment.__dict__, ensure_ascii=False))
            write_meta(connection, "epoch", epoch)
        self.reload()

    # Reference data

    @property
    def etag(self) -> str:
        with self.store.reading() as connection:
            return read_meta(connection, "reference_etag") or ""

    def take_reference(self, document: Mapping[str, Any], etag: str) -> None:
        """Replace rounds, teams, units, templates, calendar and what is known of units by central's document, whole."""
        with self.store.writing() as connection:
            take_reference(connection, document)
            write_meta(connection, "reference_etag", etag)
        self.reload()

    def find_units(self, query: str, day: str | None = None, limit: int = 50) -> list[UnitReading]:
        """Units by folded words, those valid on the day first."""
        return self.reference.units.search(query, day or self.today, limit)

    @property
    def today(self) -> str:
        return local_day(self.now())

    def planned_units(self, round_id: str) -> list[UnitReading]:
        """Units of a round's plan, in its order."""
        plan = self.reference.rounds[round_id].planned_units if round_id in self.reference.rounds else ()
        return [u for code, since in plan if (u := self.reference.units.get(code, since))]

    def visited_units(self, round_id: str) -> set[tuple[str, str]]:
        """(code, valid_from) of the units that already have a visit in a round."""
        with self.store.reading() as connection:
            rows = connection.execute(
                text(
                    "SELECT DISTINCT unit_code, unit_valid_from FROM visit INDEXED BY ix_visit_newest WHERE round = :round"
                ),
                {"round": round_id},
            )
            return {(code or "", since or "") for code, since in rows}

    def recent_units(self, limit: int = 5) -> list[UnitReading]:
        """Units visited last, newest first."""
        with self.store.reading() as connection:
            rows = connection.execute(
                text(
                    "SELECT unit_code, unit_valid_from, max(visit_started_at) AS last FROM visit INDEXED BY ix_visit_newest "
                    "WHERE unit_code <> '' GROUP BY unit_code, unit_valid_from ORDER BY last DESC LIMIT :limit"
                ),
                {"limit": limit},
            ).all()
        return [u for r in rows if (u := self.reference.units.get(r.unit_code, r.unit_valid_from or ""))]

    def current_round(self) -> str:
        """The round visits go to unless said otherwise: the newest one of this team; empty when there is none."""
        team = self.enrolment.team if self.enrolment else ""
        mine = [r for r in self.reference.rounds.values() if not r.teams or team in r.teams]
        return max(mine, key=lambda r: (r.starts_on, r.id)).id if mine else ""

    def known_rooms(self, visit: VisitReading) -> list[KnownRoom]:
        """Rooms of the unit as counted at its last other visit, here or (by `/reference`) anywhere."""
        with self.store.reading() as connection:
            last = connection.execute(
                text(
                    "SELECT id FROM visit WHERE unit_code = :code AND unit_code <> '' AND id <> :id "
                    "ORDER BY visit_started_at DESC LIMIT 3"
                ),
                {"code": visit.unit_code, "id": visit.id},
            ).scalars()
            for other in last.all():
                reading = read_visit(connection, other, self.reference.templates)
                rooms = reading.rooms() if reading else []
                if reading and rooms and reading.mode != "whole_unit":
                    return [KnownRoom(r.name, reading.heads(r.id)["head_total"]) for r in rooms]
        return [KnownRoom(name, roll) for name, roll in self.reference.unit_rooms.get(visit.unit_code, ())]

    def suggested_rows(self, visit: VisitReading, section: Section) -> list[str]:
        """Names to offer for a new row: open notices of the unit, directives used in other visits."""
        taken = {fold(r.name) for r in visit.rows_of(section.code)}
        if section.repeat == "per_notice":
            names = [n for n in self.reference.notices.get(visit.unit_code, ())]
        else:
            with self.store.reading() as connection:
                found = connection.execute(
                    text(
                        'SELECT name, count(*) FROM "row" WHERE section = :s AND visit <> :v AND removed IS NOT TRUE '
                        "GROUP BY name ORDER BY 2 DESC LIMIT 10"
                    ),
                    {"s": section.code, "v": visit.id},
                )
                names = [name for name, _ in found if name]
        return [name for name in names if fold(name) not in taken]

    # Visits

    def start_visit(
        self,
        unit: UnitReading | str,
        *,
        round_id: str | None = None,
        planned: bool = False,
        visit_date: str | None = "",
        started_at: int | None = 0,
    ) -> str:
        """Begin a visit now and return its id. `unit` is typed text only when it is in no list.

        `visit_date` "" means today, `started_at` 0 means now; None leaves them unknown (visits written down afterwards).
        """
        if self.enrolment is None:
            raise NotEnrolled
        now = self.now()
        template = max(self.reference.templates.values(), key=lambda t: (t.code, t.version))
        patch: dict[str, Any] = {
            "round": self.current_round() if round_id is None else round_id,
            "team": self.enrolment.team,
            "visit_kind": "surprise_visit",
            "status": "open",
            "template": template.code,
            "template_version": template.version,
            "planned": "yes" if planned else "no",
        }
        if isinstance(unit, str):
            name = _clean_name(unit, "Tên đơn vị / The unit's name")
            patch |= {"unit_code": "", "unit_valid_from": "", "unit_name": name, "unit_level": ""}
        else:
            patch |= {
                "unit_code": unit.code, "unit_valid_from": unit.valid_from, "unit_name": unit.name,
                "unit_level": unit.level,
            }  # fmt: skip
        day = self.today if visit_date == "" else visit_date
        if day is not None:
            patch["visit_date"] = day
        started = now if started_at == 0 else started_at
        if started is not None:
            patch["visit_started_at"] = started
        visit = new_uuid7(now, self._entropy(10))
        self._record([Change("visit", visit, patch, visit)])
        return visit

    def visit(self, visit: str) -> VisitReading:
        """The visit as it reads now. Raises LookupError when this phone has no such visit."""
        with self.store.reading() as connection:
            reading = read_visit(connection, visit, self.reference.templates)
        if reading is None:
            raise LookupError(visit)
        return reading

    def photo(self, photo: str) -> PhotoReading:
        """A photo as it reads now. Raises LookupError when this phone has none by that id, or it was taken out."""
        with self.store.reading() as connection:
            visit = connection.execute(text("SELECT visit FROM photo WHERE id = :id"), {"id": photo}).scalar()
        found = [p for p in self.visit(visit).photos if p.id == photo] if visit else []
        if not found:
            raise LookupError(photo)
        return found[0]

    def visits(
        self, query: str = "", *, round_id: str = "", status: str = "", limit: int = 30, offset: int = 0
    ) -> list[VisitLine]:
        """Visits, newest first, whose unit's name holds every word of the query, folded."""
        words = fold(query).split()
        wanted = {"round": round_id, "status": status}
        conditions = [f"{field} = :{field}" for field, value in wanted.items() if value]
        with self.store.reading() as connection:
            if words:
                names = connection.execute(
                    text("SELECT DISTINCT unit_name FROM visit INDEXED BY ix_visit_newest")
                ).scalars()
                hits = [name for name in names if name and all(word in fold(name) for word in words)]
                wanted["named"] = json.dumps(hits, ensure_ascii=False)
                conditions.append("unit_name IN (SELECT value FROM json_each(:named))")
            where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
            ids = connection.execute(
                text(
                    f"SELECT id FROM visit INDEXED BY ix_visit_newest {where}"
                    "ORDER BY visit_date DESC, visit_started_at DESC, id DESC LIMIT :limit OFFSET :offset"
                ),
                {**wanted, "limit": limit, "offset": offset},
            ).scalars()
            return [self._line(connection, visit) for visit in ids.all()]

    def visit_count(self) -> int:
        with self.store.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM visit")).scalar() or 0)

    def _line(self, connection: Connection, visit: str) -> VisitLine:
        if visit not in self._lines:
            reading = read_visit(connection, visit, self.reference.templates)
            assert reading is not None
            figures = reading.figures
            progress = [reading.outcome.progress(s) for s in reading.template.sections if reading.outcome.is_asked(s)]
            rooms = reading.rooms()
            self._lines[visit] = VisitLine(
                visit,
                reading.unit_name,
                reading.visit_date,
                reading.visit_started_at,
                reading.status,
                figures.attendance_rate,
                figures.without_figures,
                sum(figures.findings_by_severity.values()),
                len(reading.photos),
                sum(reading.heads(r.id)["head_present"] is not None for r in rooms),
                len(rooms),
                sum(done for done, _ in progress),
                sum(asked for _, asked in progress),
            )
        return self._lines[visit]

    def outside_hours(self, visit: VisitReading) -> bool:
        """Whether the visit began outside working hours or on a day off; it warns and never blocks."""
        if visit.visit_started_at is None:
            return False
        day, clock = local_day(visit.visit_started_at), local_clock(visit.visit_started_at)
        weekday = datetime.fromisoformat(day).weekday()
        hours = self.reference.calendar.get(day, DEFAULT_HOURS)
        return not is_working_time(day, clock, hours, weekday)

    def edit_visit(self, visit: str, *, visit_date: str | None = None, started_at: int | None = None) -> None:
        """Correct the day or the time of arrival."""
        self._open(visit)
        patch: dict[str, Any] = {}
        if visit_date is not None:
            patch["visit_date"] = visit_date
        if started_at is not None:
            patch["visit_started_at"] = started_at
        self._record([Change("visit", visit, patch, visit)])

    def close_visit(self, visit: str) -> None:
        """End the visit; open points stay listed. It can be reopened until it is signed."""
        self._open(visit)
        self._record([Change("visit", visit, {"status": "closed", "visit_ended_at": self.now()}, visit)])

    def reopen_visit(self, visit: str) -> None:
        reading = self.visit(visit)
        if reading.is_signed:
            raise VisitShut("Cuộc kiểm tra đã ký, không mở lại được. / The visit is signed and cannot be reopened.")
        self._record([Change("visit", visit, {"status": "open", "visit_ended_at": None}, visit)])

    # Counting heads

    def add_count(self, visit: str, moment: int | None = None, note: str = "") -> str:
        """A new count at a moment (now unless given), to the minute; returns its id. The first one is the main count."""
        self._open(visit)
        moment = self.now() if moment is None else moment
        count = count_id(visit, moment)
        patch: dict[str, Any] = {"visit": visit, "moment": moment, "removed": False}
        if note:
            patch["note"] = _clean_text(note)
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
        changes = [_answer_change(reading.template, visit, "", "attendance_mode", mode)]
        wanted = count or reading.main_count
        if not wanted:
            moment = self.now()
            wanted = count_id(visit, moment)
            changes.append(Change("count", wanted, {"visit": visit, "moment": moment, "removed": False}, visit))
        ids = []
        names = self._names(visit, ATTENDANCE_SECTION, wanted)
        position = max((r.position for r in reading.rows if r.count == wanted), default=-1)
        for name, roll in rooms:
            clean = _clean_name(name, "Tên phòng / The room's name")
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
                changes.append(_answer_change(reading.template, visit, row, "head_total", roll))
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
        clean = _clean_name(name, "Tên / The name")
        mine = self._row(reading, row)
        if any(
            r.id != row and r.section == mine.section and r.count == mine.count and fold(r.name) == fold(clean)
            for r in reading.rows
        ):
            raise Refusal(f"Đã có «{clean}». / That name is already used.")
        changes = [Change("row", row, {"name": clean}, visit)]
        naming = naming_item(reading.template.by_section[mine.section])
        if naming:
            changes.append(_answer_change(reading.template, visit, row, naming.code, clean))
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
        clean = _clean_name(name, "Số, ký hiệu / The number")
        row = self._names(visit, section, "").take(clean)
        if row is None:
            raise Refusal(f"Đã có «{clean}». / That name is already used.")
        position = max((r.position for r in reading.rows_of(section)), default=-1) + 1
        patch = {"visit": visit, "section": section, "name": clean, "position": position, "removed": False}
        changes = [Change("row", row, patch, visit)]
        naming = naming_item(part)
        if naming:
            changes.append(_answer_change(reading.template, visit, row, naming.code, clean))
        self._record(changes)
        return row

    # Answers

    def answer(self, visit: str, item: str, value: Any, row: str = "") -> None:
        """Answer one item; None takes the answer back (not checked)."""
        self.answers(visit, [(item, value, row)])

    def answers(self, visit: str, given: Iterable[tuple[str, Any, str]]) -> None:
        """Several answers (item, value, row) of one tap; answers that already stand are not written again."""
        template = self._writable(visit)
        self._record([_answer_change(template, visit, row, item, value) for item, value, row in given])

    def remark(self, visit: str, item: str, words: str, row: str = "") -> None:
        """A free remark on an item; empty text takes it away."""
        change = _answer_change(self._writable(visit), visit, row, item, None)
        patch = {key: value for key, value in change.patch.items() if key != "value"}
        patch["remark"] = _clean_text(words) or None
        self._record([change._replace(patch=patch)])

    # Photos

    def add_photo(self, visit: str, facts: PhotoFacts, *, item: str = "", row: str = "", caption: str = "") -> str:
        """Attach a photo whose files are already kept, to an item, a section, a room or the visit; returns its id."""
        reading = self._open(visit)
        self._check_place(reading, item, row)
        now = self.now()
        photo = new_uuid7(now, self._entropy(10))
        patch: dict[str, Any] = {
            "visit": visit, "row": row, "item": item, "sha256": facts.sha256, "bytes": facts.bytes,
            "width": facts.width, "height": facts.height, "media_type": facts.media_type,
            "taken_at": facts.taken_at or now, "caption": _clean_text(caption), "preview": facts.preview,
        }  # fmt: skip

        def queue(connection: Connection) -> None:
            queue_photo(connection, visit, facts.sha256, facts.bytes, facts.preview, facts.preview_bytes)

        self._record([Change("photo", photo, patch, visit)], queue)
        return photo

    def edit_photo(
        self, photo: PhotoReading, *, item: str | None = None, row: str | None = None, caption: str | None = None
    ) -> None:
        """Attach a photo elsewhere or caption it anew."""
        reading = self._open(photo.visit)
        patch: dict[str, Any] = {}
        if item is not None or row is not None:
            patch |= {"item": photo.item if item is None else item, "row": photo.row if row is None else row}
            self._check_place(reading, patch["item"], patch["row"])
        if caption is not None:
            patch["caption"] = _clean_text(caption)
        self._record([Change("photo", photo.id, patch, photo.visit)])

    def remove_photo(self, photo: PhotoReading) -> None:
        """Take a photo out of the visit; the file and the entry stay."""
        self._open(photo.visit)
        self._record([Change("photo", photo.id, {"removed": True}, photo.visit)])

    def _check_place(self, reading: VisitReading, item: str, row: str) -> None:
        if item and item not in reading.template.items and item not in reading.template.by_section:
            raise Refusal(f"Phiếu không có mục {item}. / The checklist has no such item.")
        if row and row not in {r.id for r in reading.rows}:
            raise Refusal("Không có dòng này. / There is no such row.")

    # What has been said and can be taken back

    def can_undo(self, visit: str) -> bool:
        return bool(self._undo.get(visit))

    def undo(self, visit: str) -> bool:
        """Take back the last tap on a visit by writing what stood before; False when there is nothing to take back.

        Taps can be taken back while the app stays open; the journal keeps both the tap and its undoing.
        """
        if not self._undo.get(visit):
            return False
        self._open(visit)
        self._record(self._undo[visit][-1], undoable=False)
        self._undo[visit].pop()
        return True

    # Recording

    def _open(self, visit: str) -> VisitReading:
        self._writable(visit)
        return self.visit(visit)

    def _writable(self, visit: str) -> Template:
        """The template of a visit that can be written to; cheap, for taps that need no more of the visit."""
        if visit not in self._heads:
            with self.store.reading() as connection:
                head = connection.execute(
                    text("SELECT status, template, template_version FROM visit WHERE id = :id"), {"id": visit}
                ).one_or_none()
            if head is None:
                raise LookupError(visit)
            template = find_template(self.reference.templates, head.template or "", head.template_version)
            self._heads[visit] = (head.status or "open", template)
        status, template = self._heads[visit]
        if status == "signed":
            raise VisitShut("Cuộc kiểm tra đã ký, không sửa được. / The visit is signed and cannot be changed.")
        if status != "open":
            raise VisitShut("Cuộc kiểm tra đã kết thúc. Mở lại rồi sửa. / The visit is closed; reopen it to change it.")
        return template

    def _names(self, visit: str, section: str, count: str) -> "_Names":
        with self.store.reading() as connection:
            rows = connection.execute(
                text(
                    'SELECT id, name, removed FROM "row" WHERE visit = :v AND section = :s '
                    "AND coalesce(count, '') = :c ORDER BY id"
                ),
                {"v": visit, "s": section, "c": count},
            )
            return _Names(visit, section, count, {r.id: (fold(r.name or ""), bool(r.removed)) for r in rows})

    def _row(self, reading: VisitReading, row: str) -> RowReading:
        found = next((r for r in reading.rows if r.id == row), None)
        if found is None:
            raise Refusal("Không có dòng này. / There is no such row.")
        return found

    def _record(
        self, changes: Sequence[Change], beside: Callable[[Connection], None] | None = None, *, undoable: bool = True
    ) -> None:
        """One tap: entries, readings and what belongs to them in one durable transaction. What already stands is left out."""
        if self.enrolment is None or self._writer is None:
            raise NotEnrolled
        known: dict[tuple[str, str], merge.Record] = {}
        fresh, before = [], []
        with self.store.writing() as connection:
            for change in changes:
                key = (change.kind, change.record)
                if key not in known:
                    known[key] = merge.load(connection, *key)
                fields = known[key].fields
                patch = {field: value for field, value in change.patch.items() if fields.get(field) != value}
                if patch:
                    fresh.append(change._replace(patch=patch))
                    before.append(_inverse(fresh[-1], fields))
            if fresh:
                entries, writer = journal.append(
                    connection, self._writer, fresh, self.enrolment.user, self._seen, self.now()
                )
                merge.apply(connection, entries, known)
            if beside is not None:
                beside(connection)
        if not fresh:
            return
        self._writer = writer
        self.revision += 1
        for change in fresh:
            self._lines.pop(change.visit, None)
            if change.kind == "visit":
                self._heads.pop(change.visit, None)
        if undoable and all(change.kind != "visit" for change in fresh):
            self._undo.setdefault(fresh[0].visit, []).append(before)

    def changed_by_sync(self, visits: Iterable[str]) -> None:
        """Entries of others have arrived for these visits: what was remembered of them is read again."""
        for visit in visits:
            self._lines.pop(visit, None)
            self._heads.pop(visit, None)
            self._undo.pop(visit, None)
        if self._writer is not None:
            with self.store.reading() as connection:
                epoch = read_meta(connection, "epoch") or self._writer.epoch
                self._writer = journal.resume(connection, self._writer.device, epoch)
                self._seen = int(read_meta(connection, "seen") or 0)
        self.revision += 1

    # What waits, what is kept

    def waiting(self) -> Waiting:
        """What has not reached central yet."""
        with self.store.reading() as connection:
            return waiting(connection)

    def file_states(self) -> dict[str, PhotoState]:
        """Of every photo file this phone has to send or has sent: where it is."""
        with self.store.reading() as connection:
            return file_states(connection)

    def setting(self, name: str, default: str = "") -> str:
        with self.store.reading() as connection:
            return read_meta(connection, f"setting:{name}") or default

    def set_setting(self, name: str, value: str) -> None:
        with self.store.writing() as connection:
            write_meta(connection, f"setting:{name}", value)
        self.revision += 1

    def export_journal(self) -> Iterable[str]:
        """The whole journal as JSON lines: a head, then every entry with its hash, as the wire writes them. No token."""
        who = self.enrolment
        head = {
            "format": "so-kiem-tra-journal", "version": 1, "schema": SCHEMA, "exported_at": self.now(),
            "device_id": who.device if who else None, "server_id": who.server_id if who else None,
        }  # fmt: skip
        yield json.dumps(head, ensure_ascii=False) + "\n"
        with self.store.reading() as connection:
            for _, entries in journal.chains(connection):
                for e in entries:
                    line = [
                        e.position, e.device, e.epoch, e.seq, e.ms, e.counter, e.tx, e.seen, e.schema_version, e.author,
                        e.kind, e.record, e.fields, e.hash,
                    ]  # fmt: skip
                    yield json.dumps(line, ensure_ascii=False) + "\n"

    def named_files(self) -> set[str]:
        """SHA-256 of every photo file that some entry names."""
        with self.store.reading() as connection:
            rows = connection.execute(text("SELECT sha256, preview FROM photo")).all()
        return {name for row in rows for name in row if name}

    def verify(self) -> journal.BrokenLink | None:
        """The first place where a chain on this phone does not verify; None when all is as written."""
        mine = (self._writer.device, self._writer.epoch) if self._writer else ()
        with self.store.reading() as connection:
            for life, entries in journal.chains(connection):
                broken = journal.verify_chain(entries, is_whole=life == mine)
                if broken:
                    return broken
        return None

    def rebuild(self) -> int:
        """Read the typed tables anew from the journal; returns the number of entries read."""
        with self.store.writing() as connection:
            read = merge.rebuild(connection, [k for k in ("visit", *VISIT_KINDS) if k in READINGS])
        self._lines.clear()
        self.revision += 1
        return read


@dataclass
class _Names:
    """The names of a count's rooms or of a section's rows; `rows` is id → (folded name, whether it was taken out)."""

    visit: str
    section: str
    count: str
    rows: dict[str, tuple[str, bool]]

    def take(self, name: str) -> str | None:
        """The row id for a new name, None when a row in use has it. A row taken out that had it comes back."""
        folded = fold(name)
        if (folded, False) in self.rows.values():
            return None
        row = row_id(self.visit, self.section, self.count, name)
        if self.rows.get(row) != (folded, True):
            back = [known for known, state in self.rows.items() if state == (folded, True)]
            if back:
                row = back[0]
            elif row in self.rows:  # of a row that has another name by now
                others = (row_id(self.visit, self.section, self.count, f"{name} #{n}") for n in itertools.count(2))
                row = next(other for other in others if other not in self.rows)
        self.rows[row] = (folded, False)
        return row


_PLACING = {
    "count": ("visit", "moment"),
    "row": ("visit", "section", "count"),
    "answer": ("visit", "row", "item"),
    "photo": ("visit",),
}
"""Fields that say which record it is: taking a tap back leaves them."""


def _inverse(change: Change, fields: Mapping[str, Any]) -> Change:
    """The change that brings back what stands now."""
    if change.kind in ("row", "photo", "count") and not fields:
        return change._replace(patch={"removed": True})
    placing = _PLACING.get(change.kind, ())
    return change._replace(patch={f: fields.get(f) for f in change.patch if f not in placing})


def _answer_change(template: Template, visit: str, row: str, item_code: str, value: Any) -> Change:
    """The change that answers an item. Raises Refusal, naming the item, for an answer it cannot hold."""
    item = template.items.get(item_code)
    if item is None:
        raise Refusal(f"Phiếu không có mục {item_code}. / The checklist has no such item.")
    if bool(row) != template.by_section[item.section].is_repeated:
        raise Refusal(f"{item.label.vi}: sai chỗ ghi / {item.label.en}: answered in the wrong place")
    if isinstance(value, str):
        value = nfc(value)
        value = (value.strip() or None) if item.type in ("text", "date") else value
    if isinstance(value, list | tuple):
        value = list(value) or None
    if value is not None:
        try:
            check_value(item, value)
        except Refusal as refusal:
            raise Refusal(f"{item.label.vi}: {refusal}") from None
    patch = {"visit": visit, "row": row, "item": item_code, "value": value}
    return Change("answer", answer_id(visit, row, item_code), patch, visit)


def _clean_name(name: str, what: str) -> str:
    clean = " ".join(nfc(name).split())
    if not clean:
        raise Refusal(f"{what}: còn trống / is empty")
    if len(clean) > NAME_MAX:
        raise Refusal(f"{what}: dài {len(clean)} ký tự, tối đa {NAME_MAX} / at most {NAME_MAX} characters")
    return clean


def _clean_text(words: str) -> str:
    clean = nfc(words).strip()
    if len(clean) > TEXT_MAX:
        raise Refusal(f"Ghi chú dài {len(clean)} ký tự, tối đa {TEXT_MAX}. / At most {TEXT_MAX} characters.")
    return clean
