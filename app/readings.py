"""A visit as it reads now, loaded from the typed tables in a handful of queries; the same on the phone and at central."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, text

from app.checklist import Key, Outcome, Template, read_template
from app.evidence import Evidence, FindingReading, in_step, read_evidence
from app.figures import Figures, figures
from app.records import ATTENDANCE_SECTION, HEADS, LIMITED, WHOLE_UNIT_ROW
from app.sync.stamp import fold
from app.units import Units


@dataclass(frozen=True)
class CountReading:
    id: str
    moment: int
    """ms UTC"""
    note: str


@dataclass(frozen=True)
class RowReading:
    """A room of a count, a directive, a notice. Removed rows are not read."""

    id: str
    section: str
    count: str
    name: str
    position: int


@dataclass(frozen=True)
class AnswerReading:
    row: str
    item: str
    value: Any
    """integer, text, option code, list of codes; None when only a remark stands"""
    remark: str


@dataclass(frozen=True)
class PhotoReading:
    """`row` and `item` are empty for a photo of the visit as a whole; `item` may name a section."""

    id: str
    visit: str
    row: str
    item: str
    sha256: str
    bytes: int
    width: int
    height: int
    media_type: str
    taken_at: int | None
    caption: str
    preview: str
    geopoint: str
    """As in `app.geopoint`; empty when the position was not recorded."""
    derived_from: str = ""
    photo_set: str = ""
    finding: str = ""
    remediation: str = ""
    circulation: str = ""


@dataclass(frozen=True)
class KnownRoom:
    """A room of a unit as it was counted last, with its roll if known."""

    name: str
    roll: int | None


@dataclass(frozen=True)
class VisitReading:
    """Everything recorded of one visit, and what the checklist and the figures make of it."""

    id: str
    round: str
    team: str
    unit_code: str
    unit_valid_from: str
    unit_name: str
    unit_level: str
    visit_kind: str
    visit_date: str
    visit_started_at: int | None
    visit_ended_at: int | None
    status: str
    planned: str
    geopoint: str
    template: Template
    main_count: str
    """Id of the count whose figures are the visit's; empty when nothing was counted."""
    counts: tuple[CountReading, ...]
    rows: tuple[RowReading, ...]
    answers: Mapping[Key, AnswerReading]
    photos: tuple[PhotoReading, ...]
    recorded: Evidence
    """As the journal has it; `evidence` is what to show."""

    @property
    def is_signed(self) -> bool:
        return self.status == "signed"

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @cached_property
    def values(self) -> dict[Key, Any]:
        return {key: answer.value for key, answer in self.answers.items()}

    @property
    def mode(self) -> str | None:
        """Answer to attendance_mode: per_room, whole_unit, full_no_figures, not_checked; None when not answered."""
        return self.values.get(("", "attendance_mode"))

    def rooms(self, count: str | None = None) -> list[RowReading]:
        """The rooms of a count (the main one by default) in their order, as the attendance mode has them.

        Counting the whole unit there is one row, «Toàn đơn vị»; counting by room that row is left out.
        """
        wanted = self.main_count if count is None else count
        rows = [r for r in self.rows if r.section == ATTENDANCE_SECTION and r.count == wanted]
        whole = [r for r in rows if fold(r.name) == fold(WHOLE_UNIT_ROW)]
        if self.mode == "whole_unit":
            return whole or rows
        return [r for r in rows if r not in whole] or rows

    def heads(self, row: str) -> dict[str, int | None]:
        """The five figures of a room, None where not counted."""
        return {code: self.values.get((row, code)) for code in HEADS}

    def rows_of(self, section: str) -> list[RowReading]:
        """Rows of a section in order; for the headcount those of the main count."""
        if section == ATTENDANCE_SECTION:
            return self.rooms()
        return [r for r in self.rows if r.section == section]

    def outcome_of(self, count: str) -> Outcome:
        """What the checklist makes of the visit when this count's rooms are the ones looked at."""
        rows = {s.code: [r.id for r in self.rows_of(s.code)] for s in self.template.sections if s.is_repeated}
        rows[ATTENDANCE_SECTION] = [r.id for r in self.rooms(count)]
        return Outcome(self.template, self.values, rows, {(p.row, p.item) for p in self.photos if p.item})

    @cached_property
    def outcome(self) -> Outcome:
        return self.outcome_of(self.main_count)

    @cached_property
    def evidence(self) -> Evidence:
        """What the visit proves beside its answers, its findings in step with the checklist."""
        return in_step(self.recorded, self.id, self.outcome, {p.finding for p in self.photos if p.finding})

    @cached_property
    def shared(self) -> "VisitReading":
        """The visit as exports, pages and summaries show it: without what is of limited circulation, which still counts."""
        shown = tuple(p for p in self.photos if p.circulation != LIMITED)
        copy = replace(self, photos=shown, recorded=self.recorded.shared)
        copy.__dict__.update({"outcome": self.outcome, "figures": self.figures, "evidence": self.evidence.shared})
        return copy

    @cached_property
    def figures(self) -> Figures:
        return figures(self.outcome, len(self.photos))

    def figures_of(self, count: str) -> Figures:
        """Figures as they would be with this count as the main one, to be shown beside."""
        return figures(self.outcome_of(count), len(self.photos))

    def row_name(self, row: str) -> str:
        return next((r.name for r in self.rows if r.id == row), "")

    def photos_of(self, row: str, item: str) -> list[PhotoReading]:
        return [p for p in self.photos if p.row == row and p.item == item]

    @cached_property
    def photo_sets(self) -> dict[str, tuple[PhotoReading, ...]]:
        """The overlapping shots of each board in their order, by set; as `side_by_side` has them."""
        return {run[0].photo_set: run for run in side_by_side(self.photos) if len(run) > 1}

    def photos_of_finding(self, finding: FindingReading) -> list[PhotoReading]:
        """Photos attached to a finding, to its item, or to a finding that was merged into it."""
        said = {finding.id: finding} | {f.id: f for f in self.evidence.findings if f.merged_into == finding.id}
        places = {(f.row, f.item) for f in said.values() if f.item}
        return [p for p in self.photos if p.finding in said or (p.row, p.item) in places]


def side_by_side(photos: Sequence[PhotoReading]) -> list[tuple[PhotoReading, ...]]:
    """Photos as they are shown: the shots of one board as one run, any other by itself.

    A shot that was drawn on stands in its set for the one it was made of, which then stands by itself. What is left of a set
    when the others were taken out is no set any more.
    """
    made_from = {photo.derived_from for photo in photos}
    runs: dict[str, tuple[PhotoReading, ...]] = {}
    for photo in photos:
        run = photo.photo_set if photo.photo_set and photo.sha256 not in made_from else photo.id
        runs[run] = (*runs.get(run, ()), photo)
    return list(runs.values())


_VISIT = text("SELECT * FROM visit WHERE id = :id")
_COUNTS = text('SELECT id, moment, note FROM "count" WHERE visit = :id AND removed IS NOT TRUE')
_ROWS = text(
    'SELECT id, section, count AS counted, name, position FROM "row" WHERE visit = :id AND removed IS NOT TRUE'
)
_ANSWERS = text('SELECT "row", item, value, remark FROM answer WHERE visit = :id')
_PHOTOS = text(
    'SELECT id, visit, "row", item, sha256, bytes, width, height, media_type, taken_at, caption, preview, geopoint, '
    "derived_from, photo_set, finding, remediation, circulation FROM photo WHERE visit = :id AND removed IS NOT TRUE"
)


def read_visit(connection: Connection, visit_id: str, templates: Mapping[str, Template]) -> VisitReading | None:
    """A visit as it reads now; None when there is no such visit.

    `templates` by `code@version`; a visit made with one that is not known here reads with the newest of that code, else any.
    """
    head = connection.execute(_VISIT, {"id": visit_id}).one_or_none()
    if head is None:
        return None
    values = {"id": visit_id}
    counts = sorted(
        (CountReading(c.id, c.moment or 0, c.note or "") for c in connection.execute(_COUNTS, values)),
        key=lambda c: (c.moment, c.id),
    )
    rows = sorted(
        (
            RowReading(r.id, r.section or "", r.counted or "", r.name or "", r.position or 0)
            for r in connection.execute(_ROWS, values)
        ),
        key=lambda r: (r.position, fold(r.name), r.id),
    )
    answers = {
        (row or "", item or ""): AnswerReading(
            row or "", item or "", json.loads(value) if value is not None else None, remark or ""
        )
        for row, item, value, remark in connection.execute(_ANSWERS, values)
    }
    photos = sorted(
        (
            PhotoReading(
                p.id,
                p.visit,
                p.row or "",
                p.item or "",
                p.sha256 or "",
                p.bytes or 0,
                p.width or 0,
                p.height or 0,
                p.media_type or "",
                p.taken_at,
                p.caption or "",
                p.preview or "",
                p.geopoint or "",
                p.derived_from or "",
                p.photo_set or "",
                p.finding or "",
                p.remediation or "",
                p.circulation or "",
            )
            for p in connection.execute(_PHOTOS, values)
        ),
        key=lambda p: (p.taken_at or 0, p.id),
    )
    begun: dict[str, int] = {}
    for photo in photos:
        begun.setdefault(photo.photo_set, photo.taken_at or 0)
    # A set stands together, in its own order: one of its shots may have been taken again after the next ones.
    photos.sort(key=lambda p: (begun[p.photo_set] if p.photo_set else p.taken_at or 0, p.photo_set, p.id))
    ids = [c.id for c in counts]
    main = head.main_count if head.main_count in ids else (ids[0] if ids else "")
    return VisitReading(
        id=visit_id,
        round=head.round or "",
        team=head.team or "",
        unit_code=head.unit_code or "",
        unit_valid_from=head.unit_valid_from or "",
        unit_name=head.unit_name or "",
        unit_level=head.unit_level or "",
        visit_kind=head.visit_kind or "",
        visit_date=head.visit_date or "",
        visit_started_at=head.visit_started_at,
        visit_ended_at=head.visit_ended_at,
        status=head.status or "open",
        planned=head.planned or "",
        geopoint=head.geopoint or "",
        template=find_template(templates, head.template or "", head.template_version),
        main_count=main,
        counts=tuple(counts),
        rows=tuple(rows),
        answers=answers,
        photos=tuple(photos),
        recorded=read_evidence(connection, visit_id),
    )


class NoTemplate(LookupError):
    """No checklist is known here, so no visit can be read."""


def find_template(templates: Mapping[str, Template], code: str, version: int | None) -> Template:
    """The template of a visit, or the nearest one known here. Raises NoTemplate when there is none at all."""
    exact = templates.get(f"{code}@{version}")
    if exact is not None:
        return exact
    same = [t for t in templates.values() if t.code == code] or list(templates.values())
    if not same:
        raise NoTemplate("no checklist template")
    return max(same, key=lambda t: t.version)


def load_templates(connection: Connection) -> dict[str, Template]:
    """Every template known here, by `code@version`; old versions stay, since visits keep theirs."""
    bodies = connection.execute(text("SELECT body FROM template")).scalars()
    return {t.id: t for t in (read_template(json.loads(body)) for body in bodies)}


def load_units(connection: Connection) -> Units:
    """All units known here, ready to be searched."""
    return Units([dict(row) for row in connection.execute(text("SELECT * FROM unit")).mappings()])


def photo_names(connection: Connection, sha256: str) -> list[str]:
    """What the records call the file of a photo or preview: its caption, its visit's unit; empty when they do not know it."""
    found = connection.execute(
        text(
            "SELECT p.caption, v.unit_name FROM photo p LEFT JOIN visit v ON v.id = p.visit "
            "WHERE p.sha256 = :s OR p.preview = :s LIMIT 1"
        ),
        {"s": sha256},
    ).one_or_none()
    return [name for name in found or () if name]
