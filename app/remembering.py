"""Memory: what earlier visits left open at a unit, what has become of it, and what failed before, offline.

It knows the visits on this phone and what `/reference` brought; what this phone knows itself is the newer of the two.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from app.checklist import Refusal
from app.concluding import Concluding
from app.matters import Earlier, Matter, is_repeat, matters_of, seen_since
from app.readings import VisitReading, read_visit
from app.records import REMEDIATION_STATUSES
from app.sync.journal import Change
from app.sync.stamp import remediation_id

VISITS_REMEMBERED = 20
"""Visits to a unit on this phone that are looked into, newest first."""


class Remembering(Concluding):
    """What an inspector does with what was found before."""

    def earlier(self, visit: VisitReading) -> list[Earlier]:
        """What was open at this unit before this visit, gravest and oldest first; with what this visit has seen of it."""
        seen = {(r.about_kind, r.about): r for r in visit.evidence.remediations}
        others = self._earlier_visits(visit)
        photos = {
            finding.id: tuple(other.photos_of_finding(finding))
            for other in others
            for finding in other.evidence.findings
        }
        found = {(m.kind, m.id): m for m in self._matters(visit, others) if m.is_open or (m.kind, m.id) in seen}
        for key, r in seen.items():  # what central does not carry any more, since this visit has closed it
            found.setdefault(key, Matter(*key, visit.unit_code, "", r.text, deadline=r.remediation_deadline))
        weight = {"critical": 0, "major": 1, "minor": 2}
        order = sorted(found.values(), key=lambda m: (m.kind, weight.get(m.severity, 3), m.day))
        return [
            Earlier(
                m,
                seen.get((m.kind, m.id)),
                photos.get(m.id, ()),
                tuple(p for p in visit.photos if p.remediation and p.remediation == _id_of(visit, m)),
            )
            for m in order
        ]

    def follow_up(self, visit: str, matter: Matter, status: str) -> str:
        """What has become of something found earlier, in one tap; the same status again takes it back. Returns the record's id."""
        reading = self._open(visit)
        if status not in REMEDIATION_STATUSES:
            raise Refusal("Không có lựa chọn này. / There is no such choice.")
        record = remediation_id(visit, matter.kind, matter.id)
        known = {r.id: r for r in reading.evidence.remediations}
        if record in known and known[record].remediation_status == status:
            self._record([Change("remediation", record, {"removed": True}, visit)])
            return record
        patch: dict[str, Any] = {
            "visit": visit, "about_kind": matter.kind, "about": matter.id, "text": matter.text,
            "remediation_deadline": matter.deadline or None, "remediation_status": status, "removed": False,
        }  # fmt: skip
        if record not in known:
            patch["position"] = max((r.position for r in known.values()), default=-1) + 1
        self._record([Change("remediation", record, patch, visit)])
        return record

    def repeats(self, visit: VisitReading) -> Mapping[str, tuple[str, str]]:
        """Failing items that failed at this unit within two years before → (the last such finding, the day of its visit)."""
        failing = {f.item for f in visit.evidence.findings if f.item}
        if not failing or not visit.unit_code:
            return {}
        found: dict[str, tuple[str, str]] = {}
        matters = self._matters(visit, self._earlier_visits(visit))
        for matter in sorted((m for m in matters if m.kind == "finding"), key=lambda m: (m.day, m.id)):
            if matter.item in failing and matter.visit != visit.id and is_repeat(matter.day, visit.visit_date):
                found[matter.item] = (matter.id, matter.day)
        return found

    def _matters(self, visit: VisitReading, others: list[VisitReading]) -> list[Matter]:
        """Everything known of this unit from before this visit: by `/reference`, and of the visits on this phone."""
        if not visit.unit_code:
            return []
        here = [m for other in others for m in matters_of(other)]
        at_hand = {other.id for other in others}
        known = [
            m for m in self.reference.matters.get(visit.unit_code, ())
            if m.visit not in at_hand and m.visit != visit.id
            and (not m.day or not visit.visit_date or m.day <= visit.visit_date)
        ]  # fmt: skip
        brought = {(m.kind, m.id): m.status for m in self.reference.matters.get(visit.unit_code, ())}
        here = [
            m if (m.kind, m.id) not in brought else seen_since([m], [(m.kind, m.id, brought[m.kind, m.id])])[0]
            for m in here
        ]
        told = [
            (r.about_kind, r.about, r.remediation_status)
            for other in reversed(others)
            for r in other.evidence.remediations
            if r.remediation_status
        ]
        return seen_since([*known, *here], told)

    def _earlier_visits(self, visit: VisitReading) -> list[VisitReading]:
        """Other visits to this unit on this phone that began before this one, newest first."""
        if not visit.unit_code:
            return []
        with self.store.reading() as connection:
            ids = connection.execute(
                text(
                    "SELECT id FROM visit WHERE unit_code = :code AND id <> :id AND visit_date < :day "
                    "ORDER BY visit_date DESC, id DESC LIMIT :most"
                ),
                {"code": visit.unit_code, "id": visit.id, "day": visit.visit_date or "9999", "most": VISITS_REMEMBERED},
            ).scalars()
            found = [read_visit(connection, other, self.reference.templates) for other in ids.all()]
        return [reading for reading in found if reading is not None]


def _id_of(visit: VisitReading, matter: Matter) -> str:
    return remediation_id(visit.id, matter.kind, matter.id)
