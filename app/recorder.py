"""Recording: one tap becomes entries, readings and what belongs to them in one durable transaction.

`Recorder` holds what every method of the notebook needs: the file, who this phone is, the reference data, where the chain
stands, and taking taps back. Times are ms UTC.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from app.checklist import Refusal, Template, check_value
from app.readings import RowReading, VisitReading, find_template, read_visit
from app.records import (
    NAME_MAX,
    TEXT_MAX,
)
from app.reference import Reference, load_reference, seed_reference, take_reference
from app.schema import JOURNAL, read_meta, write_meta
from app.store import DiskFull, Store, unreadable
from app.sync import clock, journal, merge, relay
from app.sync.freeze import freeze_of
from app.sync.journal import Change, Writer
from app.sync.ledger import PHONE
from app.sync.stamp import CLOCK_WRONG_MS, answer_id, fold, nfc, offset_in_use, row_id

Clock = Callable[[], int]
Entropy = Callable[[int], bytes]


SIGNED = "Cuộc kiểm tra đã ký, không sửa được. / The visit is signed and cannot be changed."


class VisitShut(Refusal):
    """The visit is closed (reopen it first) or signed (nothing can change it)."""


class NotEnrolled(Refusal):
    """This phone has no place in a team yet."""

    def __init__(self) -> None:
        super().__init__("Máy chưa được ghi danh. Nhập mã ghi danh trước. / Enrol this phone first.")


@dataclass(frozen=True)
class Enrolment:
    """Who this phone is: what `POST /devices` answered, and where central is."""

    device: str
    token: str
    server_id: str
    central_url: str
    user: str
    user_name: str
    role: str
    team: str
    team_name: str


@dataclass(frozen=True)
class VisitLine:
    """A visit in a list."""

    id: str
    unit_name: str
    visit_date: str
    visit_started_at: int | None
    status: str
    attendance_rate: str | None
    without_figures: str | None
    findings: int
    photos: int
    rooms_counted: int
    rooms: int
    answered: int
    asked: int


class Recorder:
    """The notebook's file and the one way to write into it."""

    def __init__(
        self,
        path: Path,
        *,
        now: Clock,
        entropy: Entropy,
        assets: Path,
        journal_mode: str = "WAL",
        flush: Callable[[], None] | None = None,
    ):
        """Open the notebook, or begin one; `flush` as `Store` has it. Raises `app.store` InUse, Damaged, Newer or DiskFull, the file untouched."""
        self._clock, self._entropy = now, entropy
        self.store = Store(path, [("journal", JOURNAL), ("phone", PHONE)], journal_mode, flush)
        self.revision = 0
        """Grows with every change, so that a reader can tell whether what it drew still stands."""
        self._undo: dict[str, list[list[Change]]] = {}
        self._lines: dict[str, VisitLine] = {}
        self._heads: dict[str, tuple[str, Template]] = {}
        try:
            with self.store.writing() as connection:
                seed_reference(connection, assets)
                if read_meta(connection, "install") is None:
                    write_meta(connection, "install", entropy(16).hex())
            self.reload()
        except (DatabaseError, LookupError, TypeError, ValueError) as error:
            # The pages are in order and what stands on them is not: a byte has changed.
            self.store.close()
            raise unreadable(path) from error
        except DiskFull:
            self.store.close()
            raise

    def reload(self) -> None:
        """Read again what is kept in memory: who this phone is, the reference data, where the chain stands."""
        with self.store.reading() as connection:
            self.reference: Reference = load_reference(connection)
            self.enrolment = _read_enrolment(connection)
            self.install = read_meta(connection, "install") or ""
            self._seen = int(read_meta(connection, "seen") or 0)
            self._heard_ms, self.clock_offset_ms = clock.known(connection)
            epoch = read_meta(connection, "epoch")
            self._writer: Writer | None = None
            if self.enrolment and epoch:
                self._writer = journal.resume(connection, self.enrolment.device, epoch)
        self._lines.clear()
        self._heads.clear()
        self.revision += 1

    def close(self) -> None:
        self.store.close()

    # What time it is

    def now(self) -> int:
        """Unix ms UTC by this phone's clock, put right by what central's answers have told of it."""
        shown = self._clock()
        self.clock_offset_ms = offset_in_use(shown, self.clock_offset_ms, self._heard_ms)
        return shown + self.clock_offset_ms

    clock_offset_ms: int
    """By how much central's clock is ahead of this phone's, in ms, as far as that is known; 0 while it is not."""

    @property
    def is_clock_wrong(self) -> bool:
        """Whether this phone's clock is wrong by more than ten minutes: to be told, never to be blocked."""
        return abs(self.clock_offset_ms) > CLOCK_WRONG_MS

    # Who this phone is

    def enrol(self, enrolment: Enrolment) -> None:
        """Take a place in a team: a new device, a new epoch. What was recorded as another device stays in the journal."""
        if self.enrolment is None or self.enrolment.device != enrolment.device or self._writer is None:
            epoch = self._entropy(16).hex()
        else:
            epoch = self._writer.epoch
        with self.store.writing() as connection:
            write_meta(connection, "enrolment", json.dumps(enrolment.__dict__, ensure_ascii=False))
            write_meta(connection, "epoch", epoch)
            relay.look_again(connection)
        self.reload()

    @property
    def chain(self) -> tuple[str, str] | None:
        """(device, epoch) that is being written; None before enrolment."""
        return (self._writer.device, self._writer.epoch) if self._writer else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever recorded here, or fetched."""
        with self.store.reading() as connection:
            return connection.execute(text("SELECT 1 FROM entry LIMIT 1")).one_or_none() is None

    # Reference data

    @property
    def etag(self) -> str:
        with self.store.reading() as connection:
            return read_meta(connection, "reference_etag") or ""

    def take_reference(self, document: Mapping[str, Any], etag: str) -> None:
        """Replace rounds, teams, units, templates, calendar and what is known of units by central's document, whole."""
        with self.store.writing() as connection:
            take_reference(connection, document)
            write_meta(connection, "reference_etag", etag)
        self.reload()

    def visit(self, visit: str) -> VisitReading:
        """The visit as it reads now. Raises LookupError when this phone has no such visit."""
        with self.store.reading() as connection:
            reading = read_visit(connection, visit, self.reference.templates)
        if reading is None:
            raise LookupError(visit)
        return reading

    # Answers

    def answer(self, visit: str, item: str, value: Any, row: str = "") -> None:
        """Answer one item; None takes the answer back (not checked)."""
        self.answers(visit, [(item, value, row)])

    def answers(self, visit: str, given: Iterable[tuple[str, Any, str]]) -> None:
        """Several answers (item, value, row) of one tap; answers that already stand are not written again."""
        template = self._writable(visit)
        self._record([answer_change(template, visit, row, item, value) for item, value, row in given])

    def remark(self, visit: str, item: str, words: str, row: str = "") -> None:
        """A free remark on an item; empty text takes it away."""
        change = answer_change(self._writable(visit), visit, row, item, None)
        patch = {key: value for key, value in change.patch.items() if key != "value"}
        patch["remark"] = clean_text(words) or None
        self._record([change._replace(patch=patch)])

    # What has been said and can be taken back

    def can_undo(self, visit: str) -> bool:
        return bool(self._undo.get(visit))

    def undo(self, visit: str) -> bool:
        """Take back the last tap on a visit by writing what stood before; False when there is nothing to take back.

        Taps can be taken back while the app stays open; the journal keeps both the tap and its undoing.
        """
        if not self._undo.get(visit):
            return False
        self._open(visit)
        self._record(self._undo[visit][-1], undoable=False)
        self._undo[visit].pop()
        return True

    # Recording

    def _open(self, visit: str) -> VisitReading:
        self._writable(visit)
        return self.visit(visit)

    def _writable(self, visit: str) -> Template:
        """The template of a visit that can be written to; cheap, for taps that need no more of the visit."""
        if visit not in self._heads:
            with self.store.reading() as connection:
                head = connection.execute(
                    text("SELECT status, template, template_version FROM visit WHERE id = :id"), {"id": visit}
                ).one_or_none()
            if head is None:
                raise LookupError(visit)
            template = find_template(self.reference.templates, head.template or "", head.template_version)
            with self.store.reading() as connection:
                is_frozen = freeze_of(connection, visit) is not None
            self._heads[visit] = ("signed" if is_frozen else head.status or "open", template)
        status, template = self._heads[visit]
        if status == "signed":
            raise VisitShut(SIGNED)
        if status != "open":
            raise VisitShut("Cuộc kiểm tra đã kết thúc. Mở lại rồi sửa. / The visit is closed; reopen it to change it.")
        return template

    def _names(self, visit: str, section: str, count: str) -> "Names":
        with self.store.reading() as connection:
            rows = connection.execute(
                text(
                    'SELECT id, name, removed FROM "row" WHERE visit = :v AND section = :s '
                    "AND coalesce(count, '') = :c ORDER BY id"
                ),
                {"v": visit, "s": section, "c": count},
            )
            return Names(visit, section, count, {r.id: (fold(r.name or ""), bool(r.removed)) for r in rows})

    def _row(self, reading: VisitReading, row: str) -> RowReading:
        found = next((r for r in reading.rows if r.id == row), None)
        if found is None:
            raise Refusal("Không có dòng này. / There is no such row.")
        return found

    def _record(
        self,
        changes: Sequence[Change],
        beside: Callable[[Connection], None] | None = None,
        *,
        undoable: bool = True,
        is_choice: bool = False,
    ) -> None:
        """One tap: entries, readings and what belongs to them in one durable transaction.

        What already stands is left out, except when it is a choice: then saying it again settles something.
        """
        if self.enrolment is None or self._writer is None:
            raise NotEnrolled
        known: dict[tuple[str, str], merge.Record] = {}
        fresh, before = [], []
        now = self.now()
        with self.store.writing() as connection:
            for change in changes:
                key = (change.kind, change.record)
                if key not in known:
                    known[key] = merge.load(connection, *key)
                fields = known[key].fields
                patch = {f: value for f, value in change.patch.items() if is_choice or fields.get(f) != value}
                if patch:
                    fresh.append(change._replace(patch=patch))
                    before.append(inverse(fresh[-1], fields))
            if fresh:
                clock.note_offset(connection, self._writer.epoch, self._writer.seq + 1, self.clock_offset_ms)
                entries, writer = journal.append(connection, self._writer, fresh, self.enrolment.user, self._seen, now)
                merge.apply(connection, entries, known)
            if beside is not None:
                beside(connection)
        if not fresh:
            return
        self._writer = writer
        self.revision += 1
        for change in fresh:
            self._lines.pop(change.visit, None)
            if change.kind == "visit":
                self._heads.pop(change.visit, None)
        if undoable and all(change.kind != "visit" for change in fresh):
            self._undo.setdefault(fresh[0].visit, []).append(before)

    def changed_by_sync(self, visits: Iterable[str]) -> None:
        """Entries of others have arrived for these visits: what was remembered of them is read again."""
        for visit in visits:
            self._lines.pop(visit, None)
            self._heads.pop(visit, None)
            self._undo.pop(visit, None)
        if self._writer is not None:
            with self.store.reading() as connection:
                epoch = read_meta(connection, "epoch") or self._writer.epoch
                self._writer = journal.resume(connection, self._writer.device, epoch)
                self._seen = int(read_meta(connection, "seen") or 0)
                self.enrolment = _read_enrolment(connection)
                self._heard_ms, self.clock_offset_ms = clock.known(connection)
        self.revision += 1


def _read_enrolment(connection: Connection) -> Enrolment | None:
    kept = read_meta(connection, "enrolment")
    return Enrolment(**json.loads(kept)) if kept else None


@dataclass
class Names:
    """The names of a count's rooms or of a section's rows; `rows` is id → (folded name, whether it was taken out)."""

    visit: str
    section: str
    count: str
    rows: dict[str, tuple[str, bool]]

    def take(self, name: str) -> str | None:
        """The row id for a new name, None when a row in use has it. A row taken out that had it comes back."""
        folded = fold(name)
        if (folded, False) in self.rows.values():
            return None
        row = row_id(self.visit, self.section, self.count, name)
        if self.rows.get(row) != (folded, True):
            back = [known for known, state in self.rows.items() if state == (folded, True)]
            if back:
                row = back[0]
            elif row in self.rows:  # of a row that has another name by now
                others = (row_id(self.visit, self.section, self.count, f"{name} #{n}") for n in itertools.count(2))
                row = next(other for other in others if other not in self.rows)
        self.rows[row] = (folded, False)
        return row


_LISTED = (
    "row", "photo", "count", "finding", "observation", "recommendation", "person", "ground", "document", "remediation",
)  # fmt: skip
"""Kinds that can be taken out: of one that was not there before, that is what takes the tap back."""
_PLACING = {
    **dict.fromkeys(_LISTED, ("visit",)),
    "count": ("visit", "moment"),
    "row": ("visit", "section", "count"),
    "answer": ("visit", "row", "item"),
    "finding": ("visit", "row", "item"),
    "remediation": ("visit", "about_kind", "about"),
}
"""Fields that say which record it is: taking a tap back leaves them."""


def inverse(change: Change, fields: Mapping[str, Any]) -> Change:
    """The change that brings back what stands now."""
    if change.kind in _LISTED and not fields:
        return change._replace(patch={"removed": True})
    placing = _PLACING.get(change.kind, ())
    return change._replace(patch={f: fields.get(f) for f in change.patch if f not in placing})


def answer_change(template: Template, visit: str, row: str, item_code: str, value: Any) -> Change:
    """The change that answers an item. Raises Refusal, naming the item, for an answer it cannot hold."""
    item = template.items.get(item_code)
    if item is None:
        raise Refusal(f"Phiếu không có mục {item_code}. / The checklist has no such item.")
    if bool(row) != template.by_section[item.section].is_repeated:
        raise Refusal(f"{item.label.vi}: sai chỗ ghi / {item.label.en}: answered in the wrong place")
    if isinstance(value, str):
        value = nfc(value)
        value = (value.strip() or None) if item.type in ("text", "date") else value
    if isinstance(value, list | tuple):
        value = list(value) or None
    if value is not None:
        try:
            check_value(item, value)
        except Refusal as refusal:
            raise Refusal(f"{item.label.vi}: {refusal}") from None
    patch = {"visit": visit, "row": row, "item": item_code, "value": value}
    return Change("answer", answer_id(visit, row, item_code), patch, visit)


def clean_name(name: str, what: str) -> str:
    clean = " ".join(nfc(name).split())
    if not clean:
        raise Refusal(f"{what}: còn trống / is empty")
    if len(clean) > NAME_MAX:
        raise Refusal(f"{what}: dài {len(clean)} ký tự, tối đa {NAME_MAX} / at most {NAME_MAX} characters")
    return clean


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters and marks that turn the direction of text: nobody sees them, and what is signed must read as typed."""


def clean_wording(words: str, vi: str, en: str, most: int, *, keeps_lines: bool) -> str:
    """Words as they go into minutes: NFC, trimmed, without marks nobody sees; on one line unless lines are kept.

    Raises Refusal, saying what (`vi`, `en`) is too long.
    """
    clean = _UNSEEN.sub("", nfc(words).replace("\r\n", "\n").replace("\r", "\n"))
    clean = clean.strip() if keeps_lines else " ".join(clean.split())
    if len(clean) > most:
        raise Refusal(
            f"{vi} dài {len(clean)} ký tự, tối đa {most}. Chưa ghi; chữ đã gõ vẫn còn, hãy rút gọn. / "
            f"{en} has {len(clean)} characters, at most {most}; it was not kept."
        )
    return clean


def clean_text(words: str) -> str:
    clean = nfc(words).strip()
    if len(clean) > TEXT_MAX:
        raise Refusal(f"Ghi chú dài {len(clean)} ký tự, tối đa {TEXT_MAX}. / At most {TEXT_MAX} characters.")
    return clean
