"""All an inspector can do, as methods, with no screen attached.

Each method that records is one tap: its entries are appended, applied to the typed tables and committed durably before it
returns. Times are ms UTC, days ISO dates at +07:00. Bad input raises `Refusal` (nothing written) with a message for the
inspector; writing into a closed or signed visit raises `VisitShut`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import Refusal, Section
from app.figures import DEFAULT_HOURS, is_working_time
from app.geopoint import read_geopoint
from app.readings import KnownRoom, PhotoReading, VisitReading, read_visit
from app.recorder import SIGNED, NotEnrolled, VisitLine, VisitShut, clean_name, clean_text
from app.records import (
    LIMITED,
    READINGS,
    TIME_ZONE_HOURS,
    VISIT_KINDS,
)
from app.remembering import Remembering
from app.schema import read_meta, write_meta
from app.signing import Signing
from app.sync import conflicts, journal, ledger, merge, relay
from app.sync.compact import checkpoint
from app.sync.conflicts import Conflict, Side
from app.sync.files import PhotoState, file_states, queue_photo
from app.sync.journal import Change
from app.sync.ledger import Waiting, acked, waiting
from app.sync.stamp import fold, new_uuid7, uuid7_ms
from app.units import UnitReading


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


class Notebook(Remembering, Signing):
    """One inspector's notebook in one file."""

    # Reference data

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
            name = clean_name(unit, "Tên đơn vị / The unit's name")
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
        """End the visit; open points stay listed. It can be reopened until it is signed.

        Findings that repeat an earlier one are marked so with it.
        """
        marks = self.repeat_marks(self._open(visit))
        self._record([*marks, Change("visit", visit, {"status": "closed", "visit_ended_at": self.now()}, visit)])

    def sign(self, visit: str, *values: Any, **named: Any) -> str:
        """As `Signing.sign`; what repeats an earlier finding is marked before it is signed."""
        reading = self.visit(visit)
        if reading.is_open and not reading.evidence.signatures:
            self._record(self.repeat_marks(reading))
        return super().sign(visit, *values, **named)

    def reopen_visit(self, visit: str) -> None:
        reading = self.visit(visit)
        if reading.is_signed:
            raise VisitShut("Cuộc kiểm tra đã ký, không mở lại được. / The visit is signed and cannot be reopened.")
        self._record([Change("visit", visit, {"status": "open", "visit_ended_at": None}, visit)])

    # Photos

    def add_photo(self, visit: str, facts: PhotoFacts, **place: str) -> str:
        """One photo, as `add_photos` has it; returns its id."""
        return self.add_photos(visit, [facts], **place)[0]

    def add_photos(
        self,
        visit: str,
        facts: Sequence[PhotoFacts],
        *,
        item: str = "",
        row: str = "",
        caption: str = "",
        geopoint: str = "",
        finding: str = "",
        remediation: str = "",
        derived_from: str = "",
        photo_set: str = "",
    ) -> list[str]:
        """Attach photos whose files are already kept, to an item, a section, a room or the visit; returns their ids.

        Several are a set, the overlapping shots of one board, which reads in this order; one goes into `photo_set`, where that is
        said. `finding` and `remediation` say what they show besides, `derived_from` (a SHA-256) which photo one was made of.
        `geopoint` says where they were taken, if that is known by now; else see `place`.
        """
        reading = self._open(visit)
        self._check_place(reading, item, row)
        now = self.now()
        if len(facts) > 1:
            photo_set = new_uuid7(now, self._entropy(10))
        origin = next((p for p in reading.photos if photo_set and p.sha256 == derived_from), None)
        begun = (origin and uuid7_ms(origin.id)) or now  # what is made of a shot takes its place in the set
        besides = {
            "geopoint": _checked(geopoint) if geopoint else "", "finding": finding, "remediation": remediation,
            "derived_from": derived_from, "photo_set": photo_set,
        }  # fmt: skip
        changes = []
        for place, photo in enumerate(facts):
            patch: dict[str, Any] = {
                "visit": visit, "row": row, "item": item, "sha256": photo.sha256, "bytes": photo.bytes,
                "width": photo.width, "height": photo.height, "media_type": photo.media_type,
                "taken_at": photo.taken_at or now, "caption": clean_text(caption), "preview": photo.preview,
            }  # fmt: skip
            patch |= {name: value for name, value in besides.items() if value}
            changes.append(Change("photo", new_uuid7(begun + place, self._entropy(10)), patch, visit))

        def queue(connection: Connection) -> None:
            for photo in facts:
                queue_photo(connection, visit, photo.sha256, photo.bytes, photo.preview, photo.preview_bytes)

        self._record(changes, queue)
        return [change.record for change in changes]

    def edit_photo(
        self,
        photo: PhotoReading,
        *,
        item: str | None = None,
        row: str | None = None,
        caption: str | None = None,
        is_limited: bool | None = None,
    ) -> None:
        """Attach a photo elsewhere, caption it anew, or keep it within the team."""
        reading = self._open(photo.visit)
        patch: dict[str, Any] = {}
        if item is not None or row is not None:
            patch |= {"item": photo.item if item is None else item, "row": photo.row if row is None else row}
            self._check_place(reading, patch["item"], patch["row"])
        if caption is not None:
            patch["caption"] = clean_text(caption)
        if is_limited is not None:
            patch["circulation"] = LIMITED if is_limited else None
        self._record([Change("photo", photo.id, patch, photo.visit)])

    def remove_photo(self, photo: PhotoReading, *others: PhotoReading) -> None:
        """Take a photo, or all those of a set, out of the visit; files and entries stay."""
        self._open(photo.visit)
        self._record([Change("photo", one.id, {"removed": True}, photo.visit) for one in (photo, *others)])

    # Positions

    def is_positioned(self, visit: str) -> bool:
        """Whether positions are recorded in this visit; off until it is switched on, on this phone."""
        return self.setting(f"position:{visit}") == "on"

    def set_positioned(self, visit: str, is_on: bool) -> None:
        self.set_setting(f"position:{visit}", "on" if is_on else "")

    # The band below photos

    def is_banded(self, visit: str = "") -> bool:
        """Whether a band below new photos of this visit says when and where; without a visit, of those that do not say otherwise.

        Off until it is switched on, on this phone.
        """
        here = self.setting(f"band:{visit}") if visit else ""
        return (here or self.setting("band")) == "on"

    def set_banded(self, is_on: bool, visit: str = "") -> None:
        self.set_setting(f"band:{visit}" if visit else "band", "on" if is_on else "off")

    def place(self, visit: str, geopoint: str, photo: str = "") -> None:
        """Say where a photo was taken, and the visit too if that is not known yet. It is no tap: undo leaves it alone."""
        reading = self._open(visit)
        patch = {"geopoint": _checked(geopoint)}
        changes = [Change("photo", photo, patch, visit)] if photo else []
        if not reading.geopoint:
            changes.append(Change("visit", visit, patch, visit))
        self._record(changes, undoable=False)

    def _check_place(self, reading: VisitReading, item: str, row: str) -> None:
        if item and item not in reading.template.items and item not in reading.template.by_section:
            raise Refusal(f"Phiếu không có mục {item}. / The checklist has no such item.")
        if row and row not in {r.id for r in reading.rows}:
            raise Refusal("Không có dòng này. / There is no such row.")

    # What waits, what is kept

    def waiting(self) -> Waiting:
        """What has not reached central yet."""
        with self.store.reading() as connection:
            return waiting(connection)

    def refusals(self) -> list[dict[str, Any]]:
        """What central refused of this phone's entries, as tasks: epoch, seq, visit, kind, id, type, title, field."""
        with self.store.reading() as connection:
            return ledger.refusals(connection)

    def dismiss_refusal(self, epoch: str, seq: int) -> None:
        """The inspector has read that an entry was refused and is done with it; a setting of this phone, not an entry."""
        with self.store.writing() as connection:
            ledger.dismiss(connection, epoch, seq)
        self.revision += 1

    def unread_visits(self) -> list[relay.Unread]:
        """Visits begun on other phones that central does not read, and that are no longer to be seen here for that."""
        with self.store.reading() as connection:
            return relay.unread_visits(connection, self.enrolment.device) if self.enrolment else []

    def file_states(self) -> dict[str, PhotoState]:
        """Of every photo file this phone has to send or has sent: where it is."""
        with self.store.reading() as connection:
            return file_states(connection)

    def photos_of_findings(self) -> set[str]:
        """SHA-256 of the photos that show what failed in visits with something to send: Home Affairs asks for them first."""
        names: set[str] = set()
        for visit in self.waiting().visits:
            with self.store.reading() as connection:
                reading = read_visit(connection, visit, self.reference.templates)
            if reading is None:
                continue
            items = reading.template.items
            failed = {(f.row, code) for f in reading.outcome.failures for code in (f.item, items[f.item].section)}
            names |= {photo.sha256 for photo in reading.photos if (photo.row, photo.item) in failed}
        return names

    def setting(self, name: str, default: str = "") -> str:
        with self.store.reading() as connection:
            return read_meta(connection, f"setting:{name}") or default

    def set_setting(self, name: str, value: str) -> None:
        with self.store.writing() as connection:
            write_meta(connection, f"setting:{name}", value)
        self.revision += 1

    def tally(self) -> dict[str, int]:
        """Own entries of this epoch, and how many of them central has not acknowledged."""
        if self._writer is None:
            return {"entries": 0, "unsent": 0}
        with self.store.reading() as connection:
            return {"entries": self._writer.seq, "unsent": self._writer.seq - acked(connection, self._writer.epoch)}

    def named_files(self) -> set[str]:
        """SHA-256 of every photo file that some entry names."""
        with self.store.reading() as connection:
            rows = connection.execute(text("SELECT sha256, preview FROM photo")).all()
        return {name for row in rows for name in row if name}

    def own_photos(self) -> set[str]:
        """SHA-256 of the photos taken with this phone; those of other phones are named by entries but were never here."""
        with self.store.reading() as connection:
            return set(connection.execute(text("SELECT sha256 FROM file WHERE role = 'photo'")).scalars())

    def conflicts(self, visit: str = "") -> list[Conflict]:
        """What two phones wrote differently and nobody has settled, of one visit, or of all in which that can still be done."""
        with self.store.reading() as connection:
            return conflicts.load(connection, visit)

    def settle(self, conflict: Conflict, side: Side) -> None:
        """Choose one of two values. Also in a visit that has ended; raises VisitShut for a signed one."""
        if self.visit(conflict.visit).is_signed:
            raise VisitShut(SIGNED)
        change = Change(conflict.kind, conflict.id, {conflict.field: side.value}, conflict.visit)
        self._record([change], lambda c: conflicts.forget(c, conflict), undoable=False, is_choice=True)

    def verify(self) -> journal.BrokenLink | None:
        """The first place where a chain on this phone does not verify; None when all is as written.

        Entries written again in a newer epoch are left out: under their numbers central may know another life of this journal.
        """
        mine = self.chain
        with self.store.reading() as connection:
            for life, entries in journal.chains(connection):
                start = checkpoint(connection, life[1])
                kept = [entry for entry in entries if entry.seq > start.seq and entry.verdict != "moved"]
                broken = journal.verify_chain(kept, is_whole=life == mine, after=start)
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


def _checked(geopoint: str) -> str:
    if read_geopoint(geopoint) is None:
        raise Refusal("Vị trí không đúng. / This is no position.")
    return geopoint
