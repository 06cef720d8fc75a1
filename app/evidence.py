"""What a visit proves beside its answers: findings, recommendations, people, papers, signatures, as they read now."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from app.checklist import SEVERITIES, Outcome
from app.records import ABSENT_ROLES, LIMITED
from app.sync.stamp import finding_id


@dataclass(frozen=True)
class FindingReading:
    """As `records.Finding`; texts are empty where nothing stands. Withdrawn and merged ones are read too.

    One from a failed item has the item's label and severity for as long as nobody gives it others: see `in_step`.
    """

    id: str
    row: str
    item: str
    severity: str
    text: str
    withdrawn: str
    merged_into: str
    unit_explanation: str
    repeat_of: str
    repeat_date: str
    position: int
    is_kept: bool = True
    """False while only the checklist says it: its item fails, and nothing has been recorded of it."""
    is_worded: bool = True
    """Whether the words are an inspector's; else they are the item's label."""
    now_passes: bool = False
    """Its item does not fail any more; it stays because an inspector has said something of it."""

    @property
    def stands(self) -> bool:
        """Whether it counts: neither withdrawn nor merged into another."""
        return not self.withdrawn and not self.merged_into


@dataclass(frozen=True)
class ObservationReading:
    id: str
    observation_kind: str
    text: str
    position: int


@dataclass(frozen=True)
class RecommendationReading:
    """`deadline` is an ISO day, empty when none was set."""

    id: str
    finding: str
    text: str
    owner: str
    deadline: str
    report_to: str
    round_recommendation_id: str
    position: int


@dataclass(frozen=True)
class PersonReading:
    id: str
    role: str
    name: str
    post: str
    body: str
    row: str
    reason: str
    circulation: str
    position: int

    @property
    def is_limited(self) -> bool:
        """Whether the name goes into no export, no summary and no shared minutes."""
        return self.circulation == LIMITED or self.role in ABSENT_ROLES


@dataclass(frozen=True)
class PaperReading:
    """A legal ground, or a document the unit showed; `issued_on` is an ISO day or empty."""

    id: str
    document_type: str
    document_number: str
    issued_on: str
    issuer: str
    subject: str
    circulation: str
    position: int

    @property
    def is_limited(self) -> bool:
        return self.circulation == LIMITED


@dataclass(frozen=True)
class RemediationReading:
    id: str
    about_kind: str
    about: str
    text: str
    remediation_deadline: str
    remediation_status: str
    remark: str
    document_number: str
    issued_on: str
    position: int


@dataclass(frozen=True)
class SupplementReading:
    id: str
    text: str
    reason: str
    document_number: str
    position: int


@dataclass(frozen=True)
class SignatureReading:
    """As `records.Signature`, with `strokes` and `covers` read; `signed_at` is ms UTC."""

    id: str
    role: str
    person: str
    name: str
    post: str
    signed_at: int | None
    method: str
    reason: str
    strokes: tuple[tuple[int, ...], ...]
    content: str
    covers: tuple[tuple[str, str, int, int], ...]
    supplement: str


@dataclass(frozen=True)
class Evidence:
    """All of it for one visit, each in the order it is listed in."""

    findings: tuple[FindingReading, ...] = ()
    observations: tuple[ObservationReading, ...] = ()
    recommendations: tuple[RecommendationReading, ...] = ()
    persons: tuple[PersonReading, ...] = ()
    grounds: tuple[PaperReading, ...] = ()
    documents: tuple[PaperReading, ...] = ()
    remediations: tuple[RemediationReading, ...] = ()
    supplements: tuple[SupplementReading, ...] = ()
    signatures: tuple[SignatureReading, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the visit that only the minutes need: FACTS, empty text where nothing stands, `copy_count` None."""

    @cached_property
    def standing(self) -> list[FindingReading]:
        """The findings that count, critical ones first."""
        weight = {severity: place for place, severity in enumerate(SEVERITIES)}
        return sorted(
            (f for f in self.findings if f.stands),
            key=lambda f: (weight.get(f.severity, len(weight)), f.position, f.id),
        )

    @property
    def shared(self) -> "Evidence":
        """What may leave the team: without the names of people absent and without what is of limited circulation."""
        return replace(
            self,
            persons=tuple(p for p in self.persons if not p.is_limited),
            documents=tuple(d for d in self.documents if not d.is_limited),
        )

    def people(self, role: str) -> list[PersonReading]:
        return [p for p in self.persons if p.role == role]


FACTS = (
    "document_number", "parent_body_name", "issuing_body_name", "place_name", "place", "period_checked", "unit_opinion",
    "copy_count",
)  # fmt: skip

Read = TypeVar("Read")

_TABLES: dict[str, tuple[str, type[Any]]] = {
    "findings": ("finding", FindingReading),
    "observations": ("observation", ObservationReading),
    "recommendations": ("recommendation", RecommendationReading),
    "persons": ("person", PersonReading),
    "grounds": ("ground", PaperReading),
    "documents": ("document", PaperReading),
    "remediations": ("remediation", RemediationReading),
    "supplements": ("supplement", SupplementReading),
    "signatures": ("signature", SignatureReading),
}


def read_evidence(connection: Connection, visit: str) -> Evidence:
    """What stands for a visit; removed records are not read. An unknown visit reads as empty."""
    found = {name: tuple(_read(connection, kind, of, visit)) for name, (kind, of) in _TABLES.items()}
    head = connection.execute(_FACTS, {"visit": visit}).one_or_none()
    facts = {name: getattr(head, name, None) for name in FACTS}
    return Evidence(**found, facts={n: v if v is not None or n == "copy_count" else "" for n, v in facts.items()})


_FACTS = text(f"SELECT {', '.join(FACTS)} FROM visit WHERE id = :visit")


def in_step(evidence: Evidence, visit: str, outcome: Outcome, shown: Collection[str] = ()) -> Evidence:
    """The evidence with its findings in step with the checklist. `shown` are ids of findings with photos of their own.

    A failed item is a finding, recorded or not, in the item's words until an inspector gives it others. When the item does
    not fail any more its finding goes with it, unless an inspector has said something of it: then it stays and says so.
    """
    items = outcome.template.items
    failing = {(f.row, f.item): place for place, f in enumerate(outcome.failures)}
    spoken_of = {*shown, *(f.merged_into for f in evidence.findings), *(r.finding for r in evidence.recommendations)}
    found, taken = [], set()
    for finding in evidence.findings:
        item = items.get(finding.item)
        if not finding.item:
            found.append(finding)
            continue
        place = (finding.row, finding.item)
        fails, is_its_own = place in failing, finding.id == _id_of(visit, *place)
        is_touched = bool(
            finding.text or finding.severity or finding.unit_explanation or finding.withdrawn or finding.merged_into
        )
        if not fails and not is_touched and finding.id not in spoken_of:
            continue
        if is_its_own:
            taken.add(place)
        found.append(
            replace(
                finding,
                text=finding.text or (item.label.vi if item else finding.item),
                severity=finding.severity or (item.severity if item else None) or "",
                is_worded=bool(finding.text),
                now_passes=is_its_own and not fails,
            )
        )
    for failure in outcome.failures:
        row, code = place = (failure.row, failure.item)
        if place not in taken:
            found.append(
                FindingReading(
                    _id_of(visit, row, code), row, code, failure.severity, items[code].label.vi, "", "", "", "", "",
                    failing[place], is_kept=False, is_worded=False,
                )
            )  # fmt: skip
    return replace(evidence, findings=tuple(sorted(found, key=lambda f: (f.position, f.id))))


def _id_of(visit: str, row: str, item: str) -> str:
    """As `stamp.finding_id`; of a visit whose id is no UUID (nobody of ours begins one) its place in words."""
    try:
        return finding_id(visit, row, item)
    except ValueError:
        return f"{visit}/{row}/{item}"


_WORKED_OUT = ("is_kept", "is_worded", "now_passes")
"""What the journal does not say: see `in_step`."""


def _read(connection: Connection, kind: str, of: type[Read], visit: str) -> list[Read]:
    """The records of a kind as `of`, by position (signatures by time) and id."""
    kept = " AND removed IS NOT TRUE" if kind != "signature" else ""
    order = "signed_at, id" if kind == "signature" else "position, id"
    rows = connection.execute(
        text(f"SELECT * FROM {kind} WHERE visit = :visit{kept} ORDER BY {order}"), {"visit": visit}
    )
    return [
        of(**{f.name: _value(f.name, row.get(f.name)) for f in fields(of) if f.name not in _WORKED_OUT})  # type: ignore[arg-type]
        for row in rows.mappings()
    ]


def _value(name: str, value: Any) -> Any:
    if name == "strokes":
        return tuple(tuple(stroke) for stroke in json.loads(value or "[]"))
    if name == "covers":
        return tuple((device, epoch, first, last) for device, epoch, first, last in json.loads(value or "[]"))
    if name == "signed_at":
        return value
    if name == "position":
        return value or 0
    return value or ""
