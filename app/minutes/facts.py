"""The facts of minutes, frozen: what `content` reads out of a visit and `wording` puts into words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A ground, or a document the unit showed; `issued_on` is an ISO day or empty."""

    type: str
    number: str
    issued_on: str
    issuer: str
    subject: str


@dataclass(frozen=True)
class Person:
    role: str
    name: str
    post: str
    body: str


@dataclass(frozen=True)
class Room:
    """`heads` as HEADS, None where not counted; `difference` is roll − people accounted for where that is wrong, else 0."""

    name: str
    heads: tuple[int | None, ...]
    late: int | None
    reasons: tuple[str, ...]
    note: str
    difference: int
    photos: tuple[int, ...]


@dataclass(frozen=True)
class Recount:
    """Another walk through the rooms, which does not count for the figures; `moment` is ms UTC."""

    moment: int
    total: int | None
    present: int | None


@dataclass(frozen=True)
class Attendance:
    """`mode` as the checklist has it. Rates are text with a point, None where there is none; `moment` is ms UTC."""

    mode: str
    moment: int | None
    rooms: tuple[Room, ...]
    heads: tuple[int | None, ...]
    attendance_rate: str | None
    late: int | None
    rooms_checked: int | None
    recounts: tuple[Recount, ...]
    photos: tuple[int, ...]
    """Of the headcount as a whole."""


@dataclass(frozen=True)
class Said:
    """One answered item: yes, no, na, text, a number or an ISO day; `photos` are their numbers in the annex."""

    item: str
    label: str
    kind: str
    value: str
    remark: str
    photos: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """A row of a repeated section, or with an empty name the items of one that is not repeated."""

    name: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class Part:
    """A section of the checklist with at least one answer or photo."""

    section: str
    title: str
    lines: tuple[Line, ...]
    photos: tuple[int, ...]
    """Of the section as a whole."""


@dataclass(frozen=True)
class Finding:
    severity: str
    text: str
    item: str
    place: str
    photos: tuple[int, ...]
    unit_explanation: str
    is_repeated: bool
    repeat_date: str


@dataclass(frozen=True)
class Recommendation:
    text: str
    owner: str
    deadline: str
    report_to: str


@dataclass(frozen=True)
class Remediation:
    """What has become of an earlier finding, recommendation or notice; `status` as the glossary has it."""

    about: str
    deadline: str
    status: str
    document_number: str
    issued_on: str
    remark: str
    photos: tuple[int, ...]


@dataclass(frozen=True)
class Photo:
    """`number` is its number in the annex, `about` what it belongs to in words; `taken_at` is ms UTC."""

    number: int
    sha256: str
    width: int
    height: int
    caption: str
    taken_at: int | None
    about: str


@dataclass(frozen=True)
class Signature:
    """`strokes` are lists x, y, x, y … in thousandths of the width of the field signed in; `signed_at` is ms UTC."""

    role: str
    name: str
    post: str
    method: str
    reason: str
    signed_at: int | None
    strokes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Supplement:
    """What was to be said after the minutes were signed, numbered from 1 in the order it was written."""

    number: int
    text: str
    reason: str
    document_number: str
    content: str
    """SHA-256 of what its first signature was put under; empty while nobody has signed it."""
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Absence:
    """Somebody absent without a reason: of limited circulation, never part of Minutes."""

    name: str
    post: str
    room: str
    remark: str


@dataclass(frozen=True)
class Minutes:
    """Everything the minutes of a visit say. Days are ISO, times ms UTC; empty text and None are what is not known."""

    visit: str
    unit_name: str
    unit_level: str
    parent_body_name: str
    issuing_body_name: str
    document_number: str
    place_name: str
    place: str
    visit_date: str
    started_at: int | None
    ended_at: int | None
    period_checked: str
    copy_count: int | None
    grounds: tuple[Paper, ...]
    people: tuple[Person, ...]
    attendance: Attendance | None
    parts: tuple[Part, ...]
    remediations: tuple[Remediation, ...]
    not_checked: tuple[str, ...]
    strengths: tuple[str, ...]
    findings: tuple[Finding, ...]
    objective_causes: tuple[str, ...]
    subjective_causes: tuple[str, ...]
    recommendations: tuple[Recommendation, ...]
    unit_opinion: str
    photos: tuple[Photo, ...]
    documents: tuple[Paper, ...]
    signatures: tuple[Signature, ...]
    supplements: tuple[Supplement, ...]

    def of_role(self, *roles: str) -> list[Person]:
        """People in the order of the roles."""
        return [person for role in roles for person in self.people if person.role == role]

    @property
    def is_signed(self) -> bool:
        return bool(self.signatures)
