"""What is still to be put right at a unit: findings, recommendations and notices of the past, and when one is open. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.evidence import RemediationReading
from app.readings import PhotoReading, VisitReading

CLOSED = ("done", "document_only")
"""Statuses after which a matter is not asked about again. "document_only" is closed on paper."""
REPEAT_YEARS = 2


@dataclass(frozen=True)
class Matter:
    """A finding, recommendation or notice that a unit has to see to.

    `visit` is where it was said (empty for a notice), `day` the ISO day of that, `deadline` one or empty. `status` is what
    was last seen of it, one of REMEDIATION_STATUSES, or empty when nobody has looked since.
    """

    kind: str
    id: str
    unit_code: str
    day: str
    text: str
    visit: str = ""
    item: str = ""
    where: str = ""
    severity: str = ""
    deadline: str = ""
    status: str = ""

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED


@dataclass(frozen=True)
class Earlier:
    """Something left open before this visit, what this visit has seen of it (None: not looked at yet), and photos of both days."""

    matter: Matter
    seen: RemediationReading | None
    before: tuple[PhotoReading, ...]
    after: tuple[PhotoReading, ...]


def matter_document(matter: Matter) -> dict[str, Any]:
    """As `/reference` carries it; what is empty is left out."""
    return {name: value for name, value in matter.__dict__.items() if value}


def read_matter(document: dict[str, Any]) -> Matter:
    """Back from `matter_document`; fields of a newer version are passed over. Raises KeyError or TypeError on nonsense."""
    known = {name: document.get(name, "") for name in Matter.__dataclass_fields__}
    if not all(isinstance(value, str) for value in known.values()):
        raise TypeError("the fields of a matter are text")
    known |= {name: document[name] for name in ("kind", "id", "unit_code")}
    return Matter(**known)


def notice_matter(notice: Any) -> Matter:
    """A row of the notices as something to follow up."""
    words = ": ".join(part for part in (notice.document_number, notice.subject) if part)
    due, status = notice.remediation_deadline or "", notice.status or ""
    return Matter(
        "notice", notice.id, notice.unit_code or "", notice.issued_on or "", words, deadline=due, status=status
    )


def matters_of(visit: VisitReading) -> list[Matter]:
    """What a visit has left for the unit to do: its findings that count, and its recommendations.

    A finding is due when the first recommendation that answers it is.
    """
    if not visit.unit_code:
        return []
    said = visit.evidence
    due: dict[str, str] = {}
    for r in said.recommendations:
        if r.finding and r.deadline:
            due[r.finding] = min(r.deadline, due.get(r.finding, r.deadline))
    found = [
        Matter(
            "finding", f.id, visit.unit_code, visit.visit_date, f.text, visit.id, f.item, visit.row_name(f.row), f.severity,
            due.get(f.id, ""),
        )
        for f in said.standing
    ]  # fmt: skip
    return found + [
        Matter("recommendation", r.id, visit.unit_code, visit.visit_date, r.text, visit.id, deadline=r.deadline)
        for r in said.recommendations
    ]


def seen_since(matters: Iterable[Matter], statuses: Sequence[tuple[str, str, str]]) -> list[Matter]:
    """The matters with what was last seen of them: `statuses` are (kind, id, status), later ones last."""
    last = {(kind, id): status for kind, id, status in statuses}
    return [replace(m, status=last.get((m.kind, m.id), m.status)) for m in matters]


def years_later(day: str, years: int) -> str:
    """The same day of the month years later; the last day of the month where there is none (Civil Code 2015, art. 147)."""
    then = date.fromisoformat(day)
    try:
        return then.replace(year=then.year + years).isoformat()
    except ValueError:
        return then.replace(year=then.year + years, day=28).isoformat()


def is_repeat(earlier: str, day: str) -> bool:
    """Whether something found on an earlier day and again on this one is a repeat: within two years, both days counted."""
    return bool(earlier and day) and earlier < day <= years_later(earlier, REPEAT_YEARS)
