"""The words of the project: tables that hold the journal and its readings, and the frozen readings screens draw.

Everything an inspector says is an `Entry`. The typed tables (`Visit`, `Count`, `Row`, `Answer`, `Photo`, …) are what the
journal reads as just now: a cache that can be rebuilt. In each of them `stamps` says, per field, which entry stands
(JSON `{field: [ms, counter, device, epoch, seq]}`) and `extra` keeps fields this version does not know (JSON object).

Ids are text; times are Unix ms UTC; days are ISO dates at +07:00; all text is NFC.
"""

from sqlmodel import Field, SQLModel

SCHEMA = 1
"""Version of the entries this code writes."""

TIME_ZONE_HOURS = 7
"""Viet Nam keeps UTC+07:00 all year; days of visits are days there."""

TEXT_MAX = 2000
COUNT_MAX = 9999
NAME_MAX = 300

WHOLE_UNIT_ROW = "Toàn đơn vị"
ATTENDANCE_SECTION = "attendance_room"
HEADS = ("head_total", "head_present", "head_absent_excused", "head_absent_unexcused", "head_absent_unclear")
"""The five figures of a room; the first is the sum of the other four."""
HEAD_PARTS = HEADS[1:]

OBSERVATION_KINDS = ("strength", "good_practice", "objective_cause", "subjective_cause")
PERSON_ROLES = (
    "team_leader", "team_secretary", "team_member", "unit_representative", "witness", "absent_excused",
    "absent_unexcused", "absent_unclear",
)  # fmt: skip
ABSENT_ROLES = PERSON_ROLES[-3:]
REMEDIATION_STATUSES = ("done", "partly", "not_done", "document_only", "not_due")
SIGNATURE_ROLES = ("unit_representative", "team_secretary", "team_leader", "witness")
SIGNATURE_METHODS = ("drawn_on_screen", "on_paper", "digital_certificate", "refused")
LIMITED = "limited"
"""`circulation` of what goes into no export, no summary and no shared minutes."""


class Meta(SQLModel, table=True):
    """Facts about this journal itself: schema numbers, identity of the phone, cursors."""

    key: str = Field(primary_key=True)
    value: str


class Entry(SQLModel, table=True):
    """One change of one record. Identity is (device, epoch, seq); `position` is central's, unknown for own entries on a phone."""

    device: str = Field(primary_key=True)
    epoch: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    position: int | None = Field(default=None, unique=True)
    ms: int
    counter: int
    effective_ms: int
    effective_counter: int
    tx: int
    seen: int
    schema_version: int
    author: str
    kind: str
    record: str = Field(index=True)
    patch: str
    hash: str
    visit: str = Field(default="", index=True)
    team: str = ""
    received_at: int | None = None
    verdict: str = "applied"
    """applied; pending (its visit is not known yet); rejected; moved (re-entered in a newer epoch)."""
    problem: str | None = None
    """JSON of the refusal, when rejected."""


class Reading(SQLModel):
    """What every typed table has."""

    id: str = Field(primary_key=True)
    stamps: str = "{}"
    extra: str = "{}"


class Visit(Reading, table=True):
    """One team, one unit, one day. `status` is open, closed or signed; `geopoint` as in `app.geopoint`."""

    round: str | None = Field(default=None, index=True)
    team: str | None = None
    unit_code: str | None = Field(default=None, index=True)
    unit_valid_from: str | None = None
    unit_name: str | None = None
    unit_level: str | None = None
    visit_kind: str | None = None
    visit_date: str | None = Field(default=None, index=True)
    visit_started_at: int | None = None
    visit_ended_at: int | None = None
    status: str | None = None
    template: str | None = None
    template_version: int | None = None
    main_count: str | None = None
    planned: str | None = None
    geopoint: str | None = None
    document_number: str | None = None
    """Number and mark of the minutes; the records office may give it days later, also after signing."""
    parent_body_name: str | None = None
    issuing_body_name: str | None = None
    place_name: str | None = None
    """The place in "Mường Lống, ngày 05 tháng 02 năm 2026"."""
    place: str | None = None
    """Where the visit took place, as the opening sentence says it."""
    period_checked: str | None = None
    unit_opinion: str | None = None
    copy_count: int | None = None


class Count(Reading, table=True):
    """One walk through the rooms, at a moment (ms UTC)."""

    visit: str | None = Field(default=None, index=True)
    moment: int | None = None
    note: str | None = None
    removed: bool | None = None


class Row(Reading, table=True):
    """One room of a count, one directive, one notice."""

    visit: str | None = Field(default=None, index=True)
    section: str | None = None
    count: str | None = None
    name: str | None = None
    position: int | None = None
    removed: bool | None = None


class Answer(Reading, table=True):
    """What was answered to one item; `value` is JSON (integer, text, option code, list of codes), absent when not answered."""

    visit: str | None = Field(default=None, index=True)
    row: str | None = None
    item: str | None = None
    value: str | None = None
    remark: str | None = None


class Photo(Reading, table=True):
    """A photo named by the SHA-256 of its file; `preview` is the SHA-256 of a small copy."""

    visit: str | None = Field(default=None, index=True)
    row: str | None = None
    item: str | None = None
    sha256: str | None = Field(default=None, index=True)
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    media_type: str | None = None
    taken_at: int | None = None
    caption: str | None = None
    preview: str | None = Field(default=None, index=True)
    derived_from: str | None = None
    """SHA-256 of the photo this one was made from (straightened, drawn on, a face blurred)."""
    geopoint: str | None = None
    photo_set: str | None = None
    """Id that overlapping shots of one board share."""
    finding: str | None = None
    remediation: str | None = None
    circulation: str | None = None
    removed: bool | None = None


class Finding(Reading, table=True):
    """A shortcoming. One from a failed item has the id of its place (`stamp.finding_id`), so that two phones meet on it.

    `severity` as in the checklist. `withdrawn` holds the reason it was taken back, `merged_into` the finding that says it
    now. `repeat_of` is the earlier finding on the same item, `repeat_date` the ISO day of its visit.
    """

    visit: str | None = Field(default=None, index=True)
    row: str | None = None
    item: str | None = None
    severity: str | None = None
    text: str | None = None
    withdrawn: str | None = None
    merged_into: str | None = None
    unit_explanation: str | None = None
    repeat_of: str | None = None
    repeat_date: str | None = None
    position: int | None = None
    removed: bool | None = None


class Observation(Reading, table=True):
    """What else is to be said of the unit; `observation_kind` is one of OBSERVATION_KINDS."""

    visit: str | None = Field(default=None, index=True)
    observation_kind: str | None = None
    text: str | None = None
    position: int | None = None
    removed: bool | None = None


class Recommendation(Reading, table=True):
    """What the team asks the unit to do. `deadline` is an ISO day or absent; `finding` the finding it answers, if any."""

    visit: str | None = Field(default=None, index=True)
    finding: str | None = None
    text: str | None = None
    owner: str | None = None
    deadline: str | None = None
    report_to: str | None = None
    round_recommendation_id: str | None = None
    position: int | None = None
    removed: bool | None = None


class Person(Reading, table=True):
    """Somebody who took part, or was absent; `role` is one of PERSON_ROLES. Absent people are of limited circulation."""

    visit: str | None = Field(default=None, index=True)
    role: str | None = None
    name: str | None = None
    post: str | None = None
    body: str | None = None
    row: str | None = None
    reason: str | None = None
    circulation: str | None = None
    position: int | None = None
    removed: bool | None = None


class Ground(Reading, table=True):
    """A legal ground of the visit: the decision that set up the team, a plan, a directive."""

    visit: str | None = Field(default=None, index=True)
    document_type: str | None = None
    document_number: str | None = None
    issued_on: str | None = None
    issuer: str | None = None
    subject: str | None = None
    position: int | None = None
    removed: bool | None = None


class Document(Reading, table=True):
    """A document the unit showed; `circulation` is "limited" for one that goes into no export."""

    visit: str | None = Field(default=None, index=True)
    document_type: str | None = None
    document_number: str | None = None
    issued_on: str | None = None
    issuer: str | None = None
    subject: str | None = None
    circulation: str | None = None
    position: int | None = None
    removed: bool | None = None


class Remediation(Reading, table=True):
    """What has become of an earlier finding, recommendation or notice, as seen at this visit.

    `about_kind` and `about` name it, `text` and `remediation_deadline` keep its words and its day for the minutes;
    `remediation_status` is one of REMEDIATION_STATUSES; `document_number` and `issued_on` are those of the unit's paper.
    """

    visit: str | None = Field(default=None, index=True)
    about_kind: str | None = None
    about: str | None = None
    text: str | None = None
    remediation_deadline: str | None = None
    remediation_status: str | None = None
    remark: str | None = None
    document_number: str | None = None
    issued_on: str | None = None
    position: int | None = None
    removed: bool | None = None


class Supplement(Reading, table=True):
    """What is to be said after the minutes were signed (biên bản bổ sung), numbered by `position` from 1."""

    visit: str | None = Field(default=None, index=True)
    text: str | None = None
    reason: str | None = None
    document_number: str | None = None
    position: int | None = None
    removed: bool | None = None


class Signature(Reading, table=True):
    """Somebody has signed, or refused to. `role` is one of SIGNATURE_ROLES, `method` one of SIGNATURE_METHODS.

    `strokes` is JSON: a list of strokes, each [x, y, x, y, …] in thousandths of the width of the field signed in.
    `content` is the SHA-256 of what was signed (`app.proof`); `covers` is JSON [[device, epoch, first, last], …]: the entries
    of other chains that were part of it (`app.sync.freeze`). `supplement` is the supplement signed, empty for the minutes themselves.
    """

    visit: str | None = Field(default=None, index=True)
    role: str | None = None
    person: str | None = None
    name: str | None = None
    post: str | None = None
    signed_at: int | None = None
    method: str | None = None
    reason: str | None = None
    strokes: str | None = None
    content: str | None = None
    covers: str | None = None
    supplement: str | None = None


class Round(Reading, table=True):
    """Several visits reported together."""

    name: str | None = None
    starts_on: str | None = None
    ends_on: str | None = None
    teams: str | None = None
    """JSON list of team ids."""
    planned_units: str | None = None
    """JSON list of [unit_code, unit_valid_from]."""
    is_demo: bool | None = None


class Team(Reading, table=True):
    """The inspection team; `team_kind` is inspection_team or interagency_team."""

    name: str | None = None
    team_kind: str | None = None


class Unit(Reading, table=True):
    """A unit that can be inspected. Id is `code@valid_from`; codes live on with a new meaning, so the key is both."""

    code: str | None = Field(default=None, index=True)
    name: str | None = None
    level: str | None = None
    parent_code: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    successor_codes: str | None = None
    """JSON list of codes."""
    folded: str | None = None


class Template(Reading, table=True):
    """A version of a checklist. Id is `code@version`; `body` is its JSON."""

    code: str | None = None
    version: int | None = None
    title: str | None = None
    body: str | None = None


class Notice(Reading, table=True):
    """A notice, conclusion or letter with which a unit was told what to put right."""

    unit_code: str | None = Field(default=None, index=True)
    document_number: str | None = None
    subject: str | None = None
    issued_on: str | None = None
    remediation_deadline: str | None = None
    status: str | None = None


class CalendarDay(Reading, table=True):
    """A day with its own working hours, or none (a holiday). `hours` is JSON [["07:30","12:00"],["13:30","17:00"]]."""

    __tablename__ = "calendar_day"

    day: str | None = None
    hours: str | None = None
    note: str | None = None


class Other(SQLModel, table=True):
    """Records of kinds this version does not know, kept verbatim. `fields` is JSON."""

    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    visit: str | None = Field(default=None, index=True)
    fields: str = "{}"
    stamps: str = "{}"


READINGS: dict[str, type[Reading]] = {
    "visit": Visit,
    "count": Count,
    "row": Row,
    "answer": Answer,
    "photo": Photo,
    "finding": Finding,
    "observation": Observation,
    "recommendation": Recommendation,
    "person": Person,
    "ground": Ground,
    "document": Document,
    "remediation": Remediation,
    "supplement": Supplement,
    "signature": Signature,
    "round": Round,
    "team": Team,
    "unit": Unit,
    "template": Template,
    "notice": Notice,
    "calendar_day": CalendarDay,
}
"""Kind of an entry → the typed table it is read into."""

VISIT_KINDS = (
    "count", "row", "answer", "photo", "finding", "observation", "recommendation", "person", "ground", "document",
    "remediation", "supplement", "signature",
)  # fmt: skip
"""Kinds that belong to a visit and carry its id in `visit`."""
PHONE_KINDS = ("visit", *VISIT_KINDS)
CENTRAL_KINDS = ("round", "team", "unit", "template", "notice", "calendar_day")
"""Kinds that only central writes; phones get them by `/reference`."""
