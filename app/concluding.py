"""What an inspector concludes: findings in step with the checklist, observations, recommendations, people, papers, facts.

A failed item is a finding by itself (`evidence.in_step`), in the item's words. It becomes a record once an inspector says
something of it, or when all of them are written down; only what was said is recorded, so that two phones never differ about
words nobody chose. Days are ISO dates at +07:00.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import text

from app.checklist import SEVERITIES, Refusal, is_day
from app.counting import Counting
from app.evidence import FACTS, FindingReading, PaperReading, PersonReading, RecommendationReading
from app.readings import VisitReading, read_visit
from app.recorder import clean_wording
from app.records import ABSENT_ROLES, LIMITED, NAME_MAX, OBSERVATION_KINDS, PERSON_ROLES, REMEDIATION_STATUSES, TEXT_MAX
from app.sync.journal import Change
from app.sync.stamp import fold, new_uuid7, shared_recommendation_id

COPIES_MAX = 99

_WORDS = {
    "text": ("Nội dung", "The text", TEXT_MAX),
    "remark": ("Ghi chú", "The remark", TEXT_MAX),
    "reason": ("Lý do", "The reason", TEXT_MAX),
    "subject": ("Trích yếu", "The subject", TEXT_MAX),
    "withdrawn": ("Lý do rút", "The reason", TEXT_MAX),
    "unit_explanation": ("Giải trình của đơn vị", "The unit's explanation", TEXT_MAX),
    "unit_opinion": ("Ý kiến của đơn vị", "The unit's opinion", TEXT_MAX),
    "name": ("Họ và tên", "The name", NAME_MAX),
    "post": ("Chức vụ", "The post", NAME_MAX),
    "body": ("Cơ quan", "The body", NAME_MAX),
    "owner": ("Trách nhiệm thực hiện", "Who is responsible", NAME_MAX),
    "report_to": ("Nơi nhận báo cáo", "Who gets the report", NAME_MAX),
    "document_type": ("Loại văn bản", "The type of document", NAME_MAX),
    "document_number": ("Số, ký hiệu", "The number", NAME_MAX),
    "issuer": ("Cơ quan ban hành", "The issuer", NAME_MAX),
    "parent_body_name": ("Cơ quan chủ quản", "The body above", NAME_MAX),
    "issuing_body_name": ("Cơ quan lập biên bản", "The issuing body", NAME_MAX),
    "place_name": ("Địa danh", "The place name", NAME_MAX),
    "place": ("Nơi kiểm tra", "The place", NAME_MAX),
    "period_checked": ("Thời kỳ kiểm tra", "The period checked", NAME_MAX),
}
"""Field of text → what it is called, in both languages, and its longest."""
_CODES = {
    "observation_kind": OBSERVATION_KINDS,
    "role": PERSON_ROLES,
    "severity": SEVERITIES,
    "circulation": (LIMITED,),
    "remediation_status": REMEDIATION_STATUSES,
}
_DAYS = ("deadline", "issued_on")
_PLACES = ("finding", "row")
FIELDS = {
    "observation": ("observation_kind", "text"),
    "recommendation": ("finding", "text", "owner", "deadline", "report_to"),
    "person": ("role", "name", "post", "body", "row", "reason", "circulation"),
    "ground": ("document_type", "document_number", "issued_on", "issuer", "subject"),
    "document": ("document_type", "document_number", "issued_on", "issuer", "subject", "circulation"),
    "remediation": ("remediation_status", "remark", "document_number", "issued_on"),
}
"""Kind → the fields an inspector fills in."""
_NEEDED = {"observation": "text", "recommendation": "text", "person": "name"}
"""Kind → the field without which there is nothing to record."""


class Given(NamedTuple):
    """A recommendation given to visits of a round: how many have it now, and units whose visit could not take it."""

    visits: int
    left_out: tuple[str, ...]


def day_in_words(day: str) -> str:
    """An ISO day as 22/11/2026."""
    return "/".join(reversed(day.split("-")))


class Concluding(Counting):
    """What an inspector does with findings and all that stands beside them."""

    # Findings

    def keep_findings(self, visit: str) -> int:
        """Write down all findings of failing items that are not recorded yet; returns how many there were."""
        reading = self._open(visit)
        fresh = [f for f in reading.evidence.findings if not f.is_kept]
        marks = self.repeats(reading)
        written = [self._about(reading, finding, marks) for finding in fresh]
        self._record([*written, *(c for c in self.repeat_marks(reading) if c.record not in {f.id for f in fresh})])
        return len(fresh)

    def repeat_marks(self, reading: VisitReading) -> list[Change]:
        """What is still to be written so that every finding that repeats an earlier one says so."""
        marks = self.repeats(reading)
        unmarked = [f for f in reading.evidence.standing if f.item in marks and not f.repeat_of]
        return [self._about(reading, finding, marks) for finding in unmarked]

    def add_finding(self, visit: str, words: str, severity: str = "major", row: str = "") -> str:
        """A finding that no item of the checklist asks about; returns its id."""
        reading = self._open(visit)
        self._check_row(reading, row)
        patch = {
            "visit": visit, "row": row or None, "text": _needed(words, "text"), "severity": _code("severity", severity),
            "position": _next([f.position for f in reading.evidence.findings]),
        }  # fmt: skip
        finding = new_uuid7(self.now(), self._entropy(10))
        self._record([Change("finding", finding, patch, visit)])
        return finding

    def word_finding(self, visit: str, finding: str, words: str) -> str:
        """Other words for a finding; empty, or the item's own, leave one of an item in step with the checklist again."""
        reading, found = self._finding(visit, finding)
        item = reading.template.items.get(found.item)
        clean = _clean("text", words)
        if item is None and not clean:
            raise Refusal("Nội dung tồn tại còn trống. / The finding has no words.")
        own = None if item is not None and clean == item.label.vi else clean
        return self._say(reading, found, {"text": own})

    def set_severity(self, visit: str, finding: str, severity: str) -> str:
        """How grave a finding is; the severity of its item leaves it in step with the checklist."""
        reading, found = self._finding(visit, finding)
        item = reading.template.items.get(found.item)
        chosen = _code("severity", severity)
        return self._say(reading, found, {"severity": None if item and chosen == item.severity else chosen})

    def explain_finding(self, visit: str, finding: str, words: str) -> str:
        """What the unit itself says to a finding, unchanged; empty text takes it away."""
        reading, found = self._finding(visit, finding)
        return self._say(reading, found, {"unit_explanation": _clean("unit_explanation", words)})

    def withdraw_finding(self, visit: str, finding: str, reason: str) -> str:
        """A finding no longer counts; the reason stays with it."""
        reading, found = self._finding(visit, finding)
        return self._say(reading, found, {"withdrawn": _needed(reason, "withdrawn")})

    def merge_finding(self, visit: str, finding: str, into: str) -> str:
        """Let another finding say this one too, and what was merged into this one. Its photos show there."""
        reading, found = self._finding(visit, finding)
        _, target = self._finding(visit, into)
        if not found.stands or not target.stands or found.id == target.id:
            raise Refusal("Chỉ gộp được vào một tồn tại khác đang tính. / Merge into another finding that counts.")
        marks = self.repeats(reading)
        moved = [found, *(f for f in reading.evidence.findings if f.merged_into == found.id)]
        changes = [self._about(reading, target, marks)] if not target.is_kept else []
        changes += [self._about(reading, f, marks, {"merged_into": into}) for f in moved]
        self._record(changes)
        return finding

    def take_back_finding(self, visit: str, finding: str) -> str:
        """A finding that was withdrawn or merged counts again."""
        reading, found = self._finding(visit, finding)
        return self._say(reading, found, {"withdrawn": None, "merged_into": None})

    def move_finding(self, visit: str, finding: str, by: int) -> str:
        """Put a finding before (-1) or behind (1) its neighbour of the same severity: graver ones always come first."""
        reading, found = self._finding(visit, finding)
        standing = reading.evidence.standing
        peers = [f for f in standing if f.severity == found.severity]
        place = next((i for i, f in enumerate(peers) if f.id == finding), 0)
        if not 0 <= place + by < len(peers) or not found.stands:
            return finding
        peers[place], peers[place + by] = peers[place + by], peers[place]
        turn = iter(peers)
        order = [next(turn) if f.severity == found.severity else f for f in standing]
        marks = self.repeats(reading)
        self._record([self._about(reading, f, marks, {"position": n}) for n, f in enumerate(order)])
        return finding

    def repeats(self, visit: VisitReading) -> Mapping[str, tuple[str, str]]:
        """Failing items that failed before → (the finding then, its day); `app.remembering` knows."""
        return {}

    def _finding(self, visit: str, finding: str) -> tuple[VisitReading, FindingReading]:
        reading = self._open(visit)
        found = next((f for f in reading.evidence.findings if f.id == finding), None)
        if found is None:
            raise Refusal("Tồn tại này không còn. / This finding is gone.")
        return reading, found

    def _say(self, reading: VisitReading, finding: FindingReading, patch: Mapping[str, Any]) -> str:
        marks = self.repeats(reading) if finding.item and not finding.is_kept else {}
        self._record([self._about(reading, finding, marks, patch)])
        return finding.id

    def _about(
        self, reading: VisitReading, finding: FindingReading, marks: Mapping[str, tuple[str, str]],
        patch: Mapping[str, Any] | None = None,
    ) -> Change:  # fmt: skip
        """The change that says something of a finding; the first one also says where it belongs, and that it is repeated."""
        said: dict[str, Any] = dict(patch or {})
        if not finding.is_kept:
            said = {
                "visit": reading.id, "row": finding.row or None, "item": finding.item, "removed": False,
                "position": finding.position, **said,
            }  # fmt: skip
        if finding.item in marks and not finding.repeat_of:
            said["repeat_of"], said["repeat_date"] = marks[finding.item]
        return Change("finding", finding.id, said, reading.id)

    def _check_row(self, reading: VisitReading, row: str) -> None:
        if row and row not in {r.id for r in reading.rows}:
            raise Refusal("Không có dòng này. / There is no such row.")

    # Lists: observations, recommendations, people, papers

    def write_down(self, visit: str, kind: str, **fields: Any) -> str:
        """One more of a kind in FIELDS; returns its id. Raises Refusal for what it cannot hold, nothing written."""
        reading = self._open(visit)
        patch = self._checked(reading, kind, "", fields)
        if not patch or (kind in _NEEDED and not patch.get(_NEEDED[kind])):
            what = _WORDS[_NEEDED.get(kind, "document_number")]
            raise Refusal(f"{what[0]}: còn trống / {what[1]} is empty")
        if patch.get("role") in ABSENT_ROLES:
            patch["circulation"] = LIMITED
        record = new_uuid7(self.now(), self._entropy(10))
        place = {"visit": visit, "position": _next([r.position for r in _listed(reading, kind)])}
        said = {name: value for name, value in patch.items() if value is not None}
        self._record([Change(kind, record, place | said, visit)])
        return record

    def amend(self, visit: str, kind: str, record: str, **fields: Any) -> str:
        """Other words, days or codes for one of a list; empty text takes a field away. Returns its id."""
        reading = self._open(visit)
        if record not in {r.id for r in _listed(reading, kind)}:
            raise Refusal("Mục này không còn. / This is gone.")
        patch = self._checked(reading, kind, record, fields)
        needed = _NEEDED.get(kind)
        if needed in patch and not patch[needed]:
            what = _WORDS[needed]
            raise Refusal(f"{what[0]}: còn trống / {what[1]} is empty")
        if patch.get("role"):
            patch["circulation"] = LIMITED if patch["role"] in ABSENT_ROLES else None
        self._record([Change(kind, record, patch, visit)])
        return record

    def strike(self, visit: str, kind: str, record: str) -> str:
        """Take one out of a list; it stays in the journal."""
        self._open(visit)
        self._record([Change(kind, record, {"removed": True}, visit)])
        return record

    def _checked(self, reading: VisitReading, kind: str, record: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        patch = {}
        for name, value in fields.items():
            if name not in FIELDS[kind]:
                raise KeyError(name)
            patch[name] = _value(name, value)
        if patch.get("row"):
            self._check_row(reading, patch["row"])
        if patch.get("deadline") and reading.visit_date and patch["deadline"] < reading.visit_date:
            raise Refusal(
                f"Thời hạn {day_in_words(patch['deadline'])} trước ngày kiểm tra {day_in_words(reading.visit_date)}. "
                "Chưa ghi thời hạn này, hãy sửa ngày. / The deadline is before the day of the visit; it was not kept."
            )
        leaders = [p for p in reading.evidence.people("team_leader") if p.id != record]
        if patch.get("role") == "team_leader" and leaders:
            raise Refusal(
                f"Đoàn đã có trưởng đoàn là {leaders[0].name}. Hãy đổi vai trò của người đó trước. / "
                "There is a team leader already."
            )
        return patch

    # Recommendations for a whole round

    def recommend_to_round(self, visit: str, recommendation: str) -> Given:
        """Give a recommendation of this visit to every open visit of its round on this phone, each as a copy of its own.

        A visit later than the deadline does not take it. Visits begun afterwards are offered it (`round_recommendations`).
        """
        reading = self._open(visit)
        said = next((r for r in reading.evidence.recommendations if r.id == recommendation), None)
        if said is None:
            raise Refusal("Kiến nghị này không còn. / This recommendation is gone.")
        shared = said.round_recommendation_id or said.id
        changes = [Change("recommendation", said.id, {"round_recommendation_id": shared}, visit)]
        given, left_out = 1, []
        for other in self._visits_of_round(reading):
            if any(r.round_recommendation_id == shared for r in other.evidence.recommendations):
                given += 1
            elif not other.is_open or (said.deadline and other.visit_date and said.deadline < other.visit_date):
                left_out.append(other.unit_name)
            else:
                given += 1
                changes.append(_copy(other, said, shared))
        self._record(changes)
        return Given(given, tuple(left_out))

    def round_recommendations(self, visit: VisitReading) -> list[RecommendationReading]:
        """Recommendations given to the whole round in other visits that this one does not have yet."""
        have = {r.round_recommendation_id for r in visit.evidence.recommendations}
        found: dict[str, RecommendationReading] = {}
        for other in self._visits_of_round(visit):
            for said in other.evidence.recommendations:
                if said.round_recommendation_id and said.round_recommendation_id not in have:
                    found.setdefault(said.round_recommendation_id, said)
        return [found[shared] for shared in sorted(found)]

    def take_round_recommendation(self, visit: str, shared: str) -> str:
        """Take over a recommendation that was given to the whole round; returns its id here."""
        reading = self._open(visit)
        said = next((r for r in self.round_recommendations(reading) if r.round_recommendation_id == shared), None)
        if said is None:
            raise Refusal("Kiến nghị này không còn. / This recommendation is gone.")
        self._checked(reading, "recommendation", "", {"deadline": said.deadline})
        change = _copy(reading, said, shared)
        self._record([change])
        return change.record

    def _visits_of_round(self, visit: VisitReading) -> list[VisitReading]:
        if not visit.round:
            return []
        with self.store.reading() as connection:
            others = connection.execute(
                text(
                    "SELECT id FROM visit WHERE round = :round AND id <> :id AND team = :team ORDER BY visit_date, unit_name, id"
                ),
                {"round": visit.round, "id": visit.id, "team": visit.team},
            ).scalars()
            found = [read_visit(connection, other, self.reference.templates) for other in others.all()]
        return [reading for reading in found if reading is not None]

    # People and grounds of the last visit, offered again

    def known_people(self, visit: VisitReading) -> list[PersonReading]:
        """The team as it was at its last other visit, without those this visit has already."""
        have = {(p.role, fold(p.name)) for p in visit.evidence.persons}
        has_leader = bool(visit.evidence.people("team_leader"))
        for other in self._last_visits(visit):
            team = [p for p in other.recorded.persons if p.role.startswith("team_")]
            if team:
                return [
                    p for p in team
                    if (p.role, fold(p.name)) not in have and not (has_leader and p.role == "team_leader")
                ]  # fmt: skip
        return []

    def take_known_people(self, visit: str) -> int:
        """Everybody of `known_people`, in one tap; returns how many."""
        reading = self._open(visit)
        people = self.known_people(reading)
        first = _next([p.position for p in reading.evidence.persons])
        fields = ("role", "name", "post", "body")
        self._record([self._again(reading, "person", person, fields, first + n) for n, person in enumerate(people)])
        return len(people)

    def known_grounds(self, visit: VisitReading) -> list[PaperReading]:
        """The legal grounds of this team's last other visit, without those this visit has already."""
        have = {(fold(g.document_type), fold(g.document_number), fold(g.subject)) for g in visit.evidence.grounds}
        for other in self._last_visits(visit):
            if other.recorded.grounds:
                return [
                    g for g in other.recorded.grounds
                    if (fold(g.document_type), fold(g.document_number), fold(g.subject)) not in have
                ]  # fmt: skip
        return []

    def take_known_grounds(self, visit: str) -> int:
        """All of `known_grounds`, in one tap; returns how many."""
        reading = self._open(visit)
        grounds = self.known_grounds(reading)
        first = _next([g.position for g in reading.evidence.grounds])
        changes = [self._again(reading, "ground", g, FIELDS["ground"], first + n) for n, g in enumerate(grounds)]
        self._record(changes)
        return len(grounds)

    def _again(
        self, reading: VisitReading, kind: str, record: PersonReading | PaperReading, fields: tuple[str, ...], position: int
    ) -> Change:  # fmt: skip
        said = {name: getattr(record, name) for name in fields if getattr(record, name)}
        id = new_uuid7(self.now(), self._entropy(10))
        return Change(kind, id, {"visit": reading.id, "position": position, **said}, reading.id)

    def _last_visits(self, visit: VisitReading) -> list[VisitReading]:
        """This team's last other visits, newest first."""
        with self.store.reading() as connection:
            others = connection.execute(
                text(
                    "SELECT id FROM visit WHERE team = :team AND id <> :id ORDER BY coalesce(visit_date, '') DESC, "
                    "coalesce(visit_started_at, 0) DESC, id DESC LIMIT 5"
                ),
                {"team": visit.team, "id": visit.id},
            ).scalars()
            found = [read_visit(connection, other, self.reference.templates) for other in others.all()]
        return [reading for reading in found if reading is not None]

    # Facts that only the minutes need

    def state_facts(self, visit: str, **facts: Any) -> str:
        """Fields of FACTS, empty text to take one away; returns the visit's id. The number may come later: `give_number`."""
        self._open(visit)
        patch: dict[str, Any] = {}
        for name, value in facts.items():
            if name not in FACTS:
                raise KeyError(name)
            patch[name] = _copies(value) if name == "copy_count" else _value(name, value)
        self._record([Change("visit", visit, patch, visit)])
        return visit


def _value(name: str, value: Any) -> Any:
    """A field as it is recorded, None for empty. Raises Refusal."""
    if value is None or value == "":
        return None
    if name in _CODES:
        return _code(name, value)
    if name in _DAYS:
        if not is_day(value):
            raise Refusal("Ngày không có trên lịch. / There is no such day.")
        return value
    return value if name in _PLACES else _clean(name, value)


def _clean(name: str, words: str) -> str | None:
    vi, en, most = _WORDS[name]
    return clean_wording(words, vi, en, most, keeps_lines=most == TEXT_MAX) or None


def _needed(words: str, name: str) -> str:
    clean = _clean(name, words)
    if not clean:
        raise Refusal(f"{_WORDS[name][0]}: còn trống / {_WORDS[name][1]} is empty")
    return clean


def _code(name: str, value: Any) -> str:
    if value not in _CODES[name]:
        raise Refusal("Không có lựa chọn này. / There is no such choice.")
    return str(value)


def _copies(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if (
        isinstance(value, bool)
        or not str(value).isascii()
        or not str(value).isdigit()
        or not 1 <= int(value) <= COPIES_MAX
    ):
        raise Refusal(f"Số bản: từ 1 đến {COPIES_MAX} / Copies: 1 to {COPIES_MAX}")
    return int(value)


def _next(positions: list[int]) -> int:
    return max(positions, default=-1) + 1


def _listed(reading: VisitReading, kind: str) -> tuple[Any, ...]:
    listed: tuple[Any, ...] = getattr(reading.evidence, f"{kind}s")
    return listed


def _copy(reading: VisitReading, said: RecommendationReading, shared: str) -> Change:
    fields = {name: getattr(said, name) for name in ("text", "owner", "deadline", "report_to") if getattr(said, name)}
    patch = {
        "visit": reading.id, "round_recommendation_id": shared, "removed": False,
        "position": _next([r.position for r in reading.evidence.recommendations]), **fields,
    }  # fmt: skip
    return Change("recommendation", shared_recommendation_id(reading.id, shared), patch, reading.id)
