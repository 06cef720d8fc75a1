"""Visits as central reads them: templates parsed once, figures worked out once per state of a visit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app.checklist import Template
from app.figures import SummaryVisit
from app.matters import Matter, matters_of, seen_since
from app.readings import VisitReading, load_templates, read_visit
from app.sync.stamp import CLOCK_WRONG_MS
from central.problems import Problem


@dataclass(frozen=True)
class Filter:
    """Which visits: days are ISO, both included; empty means any. `team` limits to one team's visits."""

    first_day: str = ""
    last_day: str = ""
    round: str = ""
    unit: str = ""
    team: str | None = None
    status: str = ""


class Document(NamedTuple):
    """A reference document: the journal position it was made at, when (ms UTC), central's own journal then, and its bytes."""

    position: int
    made_at: int
    central: tuple[str, int]
    body: bytes
    digest: str


class Readings:
    """What has been worked out of the typed tables, kept for as long as nothing has changed underneath."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._templates: tuple[Any, dict[str, Template]] = (None, {})
        self._lines: dict[str, tuple[int, SummaryVisit]] = {}
        self._matters: dict[str, tuple[int, list[Matter]]] = {}
        self._states: tuple[int, dict[str, int]] = (0, {})
        """Up to which position what is known of visits was read, and of each the position of its newest entry."""
        self.documents: dict[str | None, Document] = {}
        """Reference documents by team."""
        self.making = threading.Lock()
        """Held by whoever makes one that phones wait for."""

    def templates(self, connection: Connection) -> dict[str, Template]:
        """Every template by `code@version`."""
        state = tuple(connection.execute(text("SELECT id, stamps FROM template ORDER BY id")).all())
        with self._lock:
            if self._templates[0] != state:
                self._templates = (state, load_templates(connection))
                self._lines.clear()
                self._matters.clear()
            return self._templates[1]

    def visit(self, connection: Connection, visit: str) -> VisitReading:
        """One visit. Problem 404 `not-found` when central has none of that id."""
        reading = read_visit(connection, visit, self.templates(connection))
        if reading is None:
            raise Problem(404, "not-found", "Không có cuộc kiểm tra này", "There is no such visit")
        return reading

    def states(self, connection: Connection) -> dict[str, int]:
        """Visit → position of its newest entry; only what was written since it was last asked for is looked at."""
        last = int(connection.execute(text("SELECT max(position) FROM entry")).scalar() or 0)
        with self._lock:
            known, states = self._states
        if last < known:  # this connection sees an earlier moment than another one did
            known, states = 0, {}
        fresh = connection.execute(  # the plus has SQLite begin at the position instead of reading all in the order of visits
            text("SELECT visit, max(position) FROM entry WHERE position > :known GROUP BY +visit"), {"known": known}
        ).all()
        if fresh:
            states = states | {visit: int(state) for visit, state in fresh}
            with self._lock:
                if last > self._states[0]:
                    self._states = (last, states)
        return states

    def find(self, connection: Connection, wanted: Filter) -> list[str]:
        """Ids of the visits that fulfil a filter, by day, unit and id. With days asked for, visits without a day are left out."""
        found = connection.execute(
            text(
                "SELECT id FROM visit WHERE (:first = '' OR visit_date >= :first) AND (:last = '' OR visit_date <= :last) "
                "AND (:round = '' OR round = :round) AND (:unit = '' OR unit_code = :unit) "
                "AND (:team IS NULL OR team = :team) AND (:status = '' OR status = :status) "
                "ORDER BY visit_date, unit_name, id"
            ),
            {
                "first": wanted.first_day, "last": wanted.last_day, "round": wanted.round, "unit": wanted.unit,
                "team": wanted.team, "status": wanted.status,
            },
        )  # fmt: skip
        return list(found.scalars())

    def lines(self, connection: Connection, wanted: Filter) -> list[SummaryVisit]:
        """The visits of a filter with their figures."""
        templates = self.templates(connection)
        states = self.states(connection)
        lines = []
        for visit in self.find(connection, wanted):
            state = states.get(visit, 0)
            kept = self._lines.get(visit)
            if kept is None or kept[0] != state:
                reading = read_visit(connection, visit, templates)
                if reading is None:
                    continue
                kept = (state, summary_visit(reading))
                with self._lock:
                    self._lines[visit] = kept
            lines.append(kept[1])
        return lines

    def matters(self, connection: Connection) -> list[Matter]:
        """Every finding and recommendation of visits that are over, by day, with what was last seen of it."""
        templates = self.templates(connection)
        states = self.states(connection)
        over = connection.execute(
            text(
                "SELECT id FROM visit WHERE status <> 'open' AND unit_code <> '' "
                "ORDER BY coalesce(visit_date, ''), coalesce(visit_started_at, 0), id"
            )
        ).scalars()
        found: list[Matter] = []
        for visit in over.all():
            state = states.get(visit, 0)
            kept = self._matters.get(visit)
            if kept is None or kept[0] != state:
                reading = read_visit(connection, visit, templates)
                if reading is None:
                    continue
                kept = (state, matters_of(reading))
                with self._lock:
                    self._matters[visit] = kept
            found += kept[1]
        seen = seen_of_matters(connection)
        return seen_since(found, [(s.about_kind, s.about, s.remediation_status) for s in seen])


def seen_of_matters(connection: Connection) -> list[Any]:
    """What visits have seen of earlier matters, oldest first, each with its visit's day and unit."""
    return list(
        connection.execute(
            text(
                "SELECT r.id, r.about_kind, r.about, r.text, r.remediation_status, r.remark, r.document_number, r.issued_on, "
                "r.visit, v.visit_date, v.unit_code, v.unit_name FROM remediation r JOIN visit v ON v.id = r.visit "
                "WHERE r.removed IS NOT TRUE AND r.remediation_status IS NOT NULL "
                "ORDER BY coalesce(v.visit_date, ''), coalesce(v.visit_started_at, 0), r.id"
            )
        )
    )


def summary_visit(reading: VisitReading) -> SummaryVisit:
    return SummaryVisit(
        reading.id,
        reading.unit_code or None,
        reading.unit_name or None,
        reading.unit_level or None,
        reading.visit_date or None,
        reading.figures,
    )


def recorded(connection: Connection, visit: str) -> Sequence[Any]:
    """Who recorded what when: the entries of a visit in the order central got them."""
    return connection.execute(
        text(
            "SELECT e.position, e.device, e.epoch, e.seq, e.ms, e.received_at, e.author, e.kind, e.record, e.patch, e.verdict, "
            "e.problem, e.hash, d.name AS device_name, u.name AS author_name, b.sent_at, b.offset_ms, b.received_at AS arrived, "
            "(SELECT name FROM device WHERE id = w.bringer) AS brought_by, w.bringer FROM entry e "
            "LEFT JOIN batch b ON b.device = e.device AND b.epoch = e.epoch AND e.seq BETWEEN b.first AND b.last "
            "LEFT JOIN brought w ON w.device = e.device AND w.epoch = e.epoch AND w.seq = e.seq "
            'LEFT JOIN device d ON d.id = e.device LEFT JOIN "user" u ON u.id = e.author '
            "WHERE e.visit = :v ORDER BY e.position"
        ),
        {"v": visit},
    ).all()


def phone_clock(entry: Any) -> int | None:
    """What the phone's own clock showed when an entry was written (ms), where that is more than ten minutes off; else None."""
    shown = entry.ms - (entry.offset_ms or 0)
    return shown if entry.sent_at is not None and abs(entry.offset_ms) > CLOCK_WRONG_MS else None


def true_time(entry: Any) -> int | None:
    """When an entry was written by central's clock (ms), where its own time is more than ten minutes off; else None.

    The phone did not know then that its clock was wrong; the batch that brought the entry shows by how much.
    """
    if entry.sent_at is None:
        return None
    time: int = entry.ms - entry.offset_ms + entry.arrived - entry.sent_at
    return time if abs(time - entry.ms) > CLOCK_WRONG_MS else None
