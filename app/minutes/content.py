"""The minutes as data: what a visit's records say, and nothing of how it is worded or laid out.

What is of limited circulation, and who was absent for what reason, is left out here and so can reach no form of the minutes.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from app.checklist import Item, Section
from app.evidence import FindingReading, PaperReading, PersonReading, SignatureReading
from app.minutes.facts import (
    Absence,
    Attendance,
    Finding,
    Line,
    Minutes,
    Paper,
    Part,
    Person,
    Photo,
    Recommendation,
    Recount,
    Remediation,
    Room,
    Said,
    Signature,
    Supplement,
)
from app.readings import PhotoReading, RowReading, VisitReading
from app.records import ATTENDANCE_SECTION, HEADS, LIMITED

NOTED_ON = "head_total"
"""A note on a room is the remark on its roll."""
LATE = "late_or_left_early_count"
REASONS = "absence_reasons"
UNSAID_REASONS = ("health_or_family",)
"""A room of few people would tell whose health it is."""
GOOD_PRACTICE = "good_practice"
EARLIER_NOTICES = "earlier_notices"
STRENGTHS = ("strength", "good_practice")
NAME_LEFT_OUT = "(không nêu tên)"

_ACADEMIC = re.compile(
    r"^(?:(?:GS|PGS|TS|TSKH|ThS|Th\.S|CN|KS|BS|DS|LS|CKI|CKII|GS\.TS|PGS\.TS|Tiến sĩ|Tiến sỹ|Thạc sĩ|Thạc sỹ|Cử nhân|Kỹ sư|Bác sĩ)"
    r"(?:\.\s*|\s+))+",
    re.IGNORECASE,
)


def file_name(minutes: Minutes, kind: str, paper: str = "") -> str:
    """A name that sorts: `bien-ban_2026-11-21_uy-ban-nhan-dan-xa-muong-long.pdf`; a draft says `nhap`, another paper its own name."""
    plain = (
        unicodedata.normalize("NFD", minutes.unit_name.casefold().replace("đ", "d")).encode("ascii", "ignore").decode()
    )
    name = re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-")
    parts = [paper or ("bien-ban" if minutes.is_signed else "bien-ban-nhap"), minutes.visit_date, name]
    return f"{'_'.join(part for part in parts if part)}.{kind}"


def minutes_of(visit: VisitReading, team_name: str = "") -> Minutes:
    """The minutes of a visit as its records read now; `team_name` stands where no issuing body was given."""
    return _Making(visit).minutes(team_name)


class _Making:
    """The parts of one visit's minutes, with the numbers of its photos and the names that are not to be told."""

    def __init__(self, visit: VisitReading):
        self.visit, self.evidence = visit, visit.evidence
        made_from = {photo.derived_from for photo in visit.photos}
        self.photos = [p for p in visit.photos if p.circulation != LIMITED and p.sha256 not in made_from]
        self.numbers = {photo.id: number for number, photo in enumerate(self.photos, 1)}
        self.unsaid = [
            re.compile(r"(?<!\w)" + re.escape(person.name) + r"(?!\w)", re.IGNORECASE)
            for person in self.evidence.persons
            if person.role == "absent_excused" and " " in person.name
        ]

    def minutes(self, team_name: str) -> Minutes:
        visit, evidence, facts = self.visit, self.evidence, self.evidence.facts
        parts = [p for section in visit.template.sections if (p := self.part(section))]
        return Minutes(
            visit=visit.id,
            unit_name=visit.unit_name,
            unit_level=visit.unit_level,
            parent_body_name=facts["parent_body_name"],
            issuing_body_name=facts["issuing_body_name"] or team_name,
            document_number=facts["document_number"],
            place_name=facts["place_name"],
            place=facts["place"],
            visit_date=visit.visit_date,
            started_at=visit.visit_started_at,
            ended_at=visit.visit_ended_at,
            period_checked=facts["period_checked"],
            copy_count=facts["copy_count"],
            grounds=_papers(evidence.grounds),
            people=tuple(_person(p) for p in evidence.persons if not p.is_limited),
            attendance=self.attendance(),
            parts=tuple(parts),
            remediations=tuple(
                Remediation(
                    self.told(r.text), r.remediation_deadline, r.remediation_status, r.document_number, r.issued_on,
                    self.told(r.remark), self.numbered(p for p in self.photos if p.remediation == r.id),
                )
                for r in evidence.remediations
            ),
            not_checked=tuple(self.not_checked()),
            strengths=(*self.observed(*STRENGTHS), *self.practice()),
            findings=tuple(self.findings()),
            objective_causes=self.observed("objective_cause"),
            subjective_causes=self.observed("subjective_cause"),
            recommendations=tuple(
                Recommendation(self.told(r.text), r.owner, r.deadline, r.report_to) for r in evidence.recommendations
            ),
            unit_opinion=facts["unit_opinion"],
            photos=tuple(self.photo(photo) for photo in self.photos),
            documents=_papers(evidence.documents),
            signatures=_signatures(evidence.signatures, ""),
            supplements=tuple(
                Supplement(
                    number, s.text, s.reason, s.document_number,
                    next((g.content for g in evidence.signatures if g.supplement == s.id), ""),
                    _signatures(evidence.signatures, s.id),
                )
                for number, s in enumerate(evidence.supplements, 1)
            ),
        )  # fmt: skip

    def told(self, words: str) -> str:
        """Words of the team without the names of people listed as absent with a reason."""
        for name in self.unsaid:
            words = name.sub(NAME_LEFT_OUT, words)
        return words

    def numbered(self, photos: Any) -> tuple[int, ...]:
        return tuple(self.numbers[photo.id] for photo in photos)

    # The headcount

    def attendance(self) -> Attendance | None:
        """None when nothing was recorded of it, and when it was not checked."""
        visit, figures = self.visit, self.visit.figures
        if visit.mode in (None, "not_checked"):
            return None
        has_rooms = bool(figures.checks)
        moment = next((c.moment for c in visit.counts if c.id == visit.main_count), None) if has_rooms else None
        recounts = [(c.moment, visit.figures_of(c.id)) for c in visit.counts if c.id != visit.main_count]
        late = [n for row in figures.checks if isinstance(n := visit.values.get((row, LATE)), int)]
        return Attendance(
            mode=visit.mode,
            moment=moment or None,
            rooms=tuple(self.room(room) for room in visit.rooms() if room.id in figures.checks),
            heads=tuple(figures.heads[code] for code in HEADS),
            attendance_rate=figures.attendance_rate if figures.without_figures is None else None,
            late=sum(late) if late else None,
            rooms_checked=figures.rooms_checked,
            recounts=tuple(
                Recount(at, f.heads["head_total"], f.heads["head_present"])
                for at, f in recounts
                if has_rooms and f.without_figures is None
            ),
            photos=self.numbered(p for p in self.photos if p.item == ATTENDANCE_SECTION and not p.row),
        )

    def room(self, room: RowReading) -> Room:
        visit = self.visit
        check = visit.figures.checks[room.id]
        reasons = visit.template.items.get(REASONS)
        chosen = visit.outcome.value(reasons, room.id) if reasons else None
        named = [reasons.option(c) for c in chosen or () if c not in UNSAID_REASONS] if reasons else []
        late = visit.values.get((room.id, LATE))
        note = visit.answers.get((room.id, NOTED_ON))
        return Room(
            room.name,
            tuple(visit.heads(room.id)[code] for code in HEADS),
            late if isinstance(late, int) else None,
            tuple(option.label.vi for option in named if option),
            self.told(note.remark) if note else "",
            (check.difference or 0) if check.is_wrong else 0,
            self.numbered(p for p in self.photos if p.row == room.id),
        )

    # The other sections

    def part(self, section: Section) -> Part | None:
        if section.code == ATTENDANCE_SECTION:
            return None
        lines = []
        for row in self.visit.outcome.rows_of(section):
            said = tuple(s for item in section.items if (s := self.said(item, row)))
            name = self.visit.row_name(row) if row else ""
            if said or name:
                lines.append(Line(name, tuple(s for s in said if not name or s.value != name)))
        photos = self.numbered(p for p in self.photos if p.item == section.code)
        return Part(section.code, section.title.vi, tuple(lines), photos) if lines or photos else None

    def said(self, item: Item, row: str) -> Said | None:
        """What stands at an item that is told here: the headcount, photos alone and good practice have their own places."""
        if item.code in ("attendance_mode", "rooms_checked_count", GOOD_PRACTICE):
            return None
        answer, value = self.visit.answers.get((row, item.code)), self.visit.outcome.value(item, row)
        photos = self.numbered(p for p in self.photos if (p.row, p.item) == (row, item.code))
        remark = self.told(answer.remark) if answer and self.visit.outcome.is_relevant(item, row) else ""
        words = self.told(_words(item, value))
        if not words and not remark and not photos:
            return None
        return Said(item.code, item.label.vi, item.type, words, remark, photos)

    def not_checked(self) -> list[str]:
        """Items that were asked and have no answer; a section with none at all by its title."""
        visit, found = self.visit, []
        if visit.mode in (None, "not_checked"):
            found.append("thời giờ làm việc")
        elif visit.mode in ("per_room", "whole_unit") and not visit.figures.checks:
            found.append("quân số từng phòng")
        for section in visit.template.sections:
            if section.code in ("attendance", ATTENDANCE_SECTION) or not visit.outcome.is_asked(section):
                continue
            left = [i for row in visit.outcome.rows_of(section) for i in visit.outcome.open_items(section, row)]
            left = [item for item in {item.code: item for item in left}.values() if item.type != "text"]
            asked = [item for item in section.items if item.type != "text"]
            if section.code == EARLIER_NOTICES and self.evidence.remediations:
                continue
            is_untouched = not any(self.said(i, r) for r in visit.outcome.rows_of(section) for i in section.items)
            if is_untouched and (asked or section.is_repeated):
                found.append(f"toàn bộ phần “{section.title.vi}”")
            else:
                found += [item.label.vi for item in left]
        return found

    # Assessment

    def observed(self, *kinds: str) -> tuple[str, ...]:
        return tuple(self.told(o.text) for o in self.evidence.observations if o.observation_kind in kinds and o.text)

    def practice(self) -> Sequence[str]:
        """Good practice told at its item, unless an observation says it in the same words."""
        value = self.visit.values.get(("", GOOD_PRACTICE))
        said = {o.text for o in self.evidence.observations}
        return [self.told(value)] if isinstance(value, str) and value and value not in said else []

    def findings(self) -> list[Finding]:
        """Those that count, critical ones first; one nobody has worded says how its item was answered."""
        merged = {
            f.id: [f, *(m for m in self.evidence.findings if m.merged_into == f.id)] for f in self.evidence.standing
        }
        return [self.finding(finding, merged[finding.id]) for finding in self.evidence.standing]

    def finding(self, finding: FindingReading, with_merged: Sequence[FindingReading]) -> Finding:
        item = self.visit.template.items.get(finding.item)
        words = finding.text
        if item and not finding.is_worded:
            words = f"{item.label.vi}: {_shown(item, self.visit.values.get((finding.row, finding.item)))}"
        rooms = dict.fromkeys(name for f in with_merged if (name := self.visit.row_name(f.row)))
        shown = {photo.id for photo in self.visit.photos_of_finding(finding)}
        return Finding(
            finding.severity,
            self.told(words),
            item.label.vi if item else "",
            ", ".join(rooms),
            self.numbered(photo for photo in self.photos if photo.id in shown),
            finding.unit_explanation,
            bool(finding.repeat_of or finding.repeat_date),
            finding.repeat_date,
        )

    def photo(self, photo: PhotoReading) -> Photo:
        item, section = self.visit.template.items.get(photo.item), self.visit.template.by_section.get(photo.item)
        about = item.label.vi if item else section.title.vi if section else ""
        return Photo(
            self.numbers[photo.id], photo.sha256, photo.width, photo.height, self.told(photo.caption), photo.taken_at,
            " – ".join(part for part in (self.visit.row_name(photo.row), about) if part),
        )  # fmt: skip


def absences_of(visit: VisitReading) -> tuple[Absence, ...]:
    """Who was absent without a reason, for the sheet of limited circulation that a team may need beside the minutes."""
    people = visit.evidence.people("absent_unexcused")
    return tuple(Absence(p.name, p.post, visit.row_name(p.row), p.reason) for p in people)


def _signatures(given: Sequence[SignatureReading], supplement: str) -> tuple[Signature, ...]:
    return tuple(
        Signature(s.role, bare_name(s.name), s.post, s.method, s.reason, s.signed_at, s.strokes)
        for s in given
        if s.supplement == supplement
    )


def bare_name(name: str) -> str:
    """A name as it stands under a signature: without academic titles (Appendix I of decree 30/2020)."""
    return _ACADEMIC.sub("", name).strip() or name


def _person(person: PersonReading) -> Person:
    return Person(person.role, person.name, person.post, person.body)


def _papers(papers: Sequence[PaperReading]) -> tuple[Paper, ...]:
    return tuple(
        Paper(p.document_type, p.document_number, p.issued_on, p.issuer, p.subject) for p in papers if not p.is_limited
    )


def _words(item: Item, value: Any) -> str:
    """An answer as it is kept in the minutes: options by their labels, days as ISO, yes, no and na as they are."""
    if value is None or value == "" or value == []:
        return ""
    if item.type == "choice":
        codes = value if isinstance(value, list) else [value]
        return "; ".join(option.label.vi if (option := item.option(str(c))) else str(c) for c in codes)
    return str(value)


def _shown(item: Item, value: Any) -> str:
    return (
        {"yes": "có", "no": "không"}.get(str(value), _words(item, value))
        if item.type == "yes_no_na"
        else _words(item, value)
    )
