"""What a visit proves beside its answers: findings, recommendations, people, papers, signatures, as they read now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from app.checklist import SEVERITIES
from app.records import ABSENT_ROLES, LIMITED


@dataclass(frozen=True)
class FindingReading:
    """As `records.Finding`; texts are empty where nothing stands. Withdrawn and merged ones are read too."""

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
    signed: Mapping[str, str] = field(default_factory=dict)
    """Supplement (empty for the minutes) → SHA-256 of what the first signature under it was put to; nothing for unsigned ones."""
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
    return Evidence(
        **found,
        signed=_signed(connection, visit),
        facts={n: v if v is not None or n == "copy_count" else "" for n, v in facts.items()},
    )


def _signed(connection: Connection, visit: str) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT coalesce(supplement, '') AS under, content, covers, stamps FROM signature WHERE visit = :v AND content <> ''"
        ),
        {"v": visit},
    )
    # Of those under the minutes the one that covers what was signed counts (app.sync.freeze), the earliest first.
    ranked = sorted(
        (row for row in rows if row.under or row.covers is not None), key=lambda row: json.loads(row.stamps)["content"]
    )
    return {row.under: row.content for row in reversed(ranked)}


_FACTS = text(f"SELECT {', '.join(FACTS)} FROM visit WHERE id = :visit")


def _read(connection: Connection, kind: str, of: type[Read], visit: str) -> list[Read]:
    """The records of a kind as `of`, by position (signatures by time) and id."""
    kept = " AND removed IS NOT TRUE" if kind != "signature" else ""
    order = "signed_at, id" if kind == "signature" else "position, id"
    rows = connection.execute(
        text(f"SELECT * FROM {kind} WHERE visit = :visit{kept} ORDER BY {order}"), {"visit": visit}
    )
    return [of(**{f.name: _value(f.name, row.get(f.name)) for f in fields(of)}) for row in rows.mappings()]  # type: ignore[arg-type]


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
