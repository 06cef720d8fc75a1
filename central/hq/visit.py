"""One visit: its figures, every count, finding, answer and photo, and who recorded what when."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.checklist import Item, Section
from app.readings import AnswerReading, PhotoReading, VisitReading, side_by_side
from app.records import ATTENDANCE_SECTION, HEADS, LIMITED
from central.database import rows
from central.hq.conflicts import differing
from central.hq.door import AtDesk, page
from central.hq.wanted import choices, of_page, page_number
from central.hq.words import (
    DASH,
    MATTERS,
    day,
    level,
    moment,
    number,
    observation,
    part_taken,
    place,
    remediation,
    size,
    status,
)
from central.limited import limited_records
from central.minutes import docx_answer, pdf_answer, supplement_answer, told_minutes
from central.photos import answer_photo
from central.problems import Problem
from central.readings import phone_clock, recorded, true_time
from central.uploads import Sha256

router = APIRouter()

JOURNAL_SIZE = 150

YES_NO_NA = {"yes": "Có", "no": "Không", "na": "Không áp dụng"}
KIND_NAMES = {
    "visit": "Cuộc kiểm tra", "count": "Lần đếm", "row": "Dòng", "answer": "Trả lời", "photo": "Ảnh",
    "finding": "Tồn tại", "observation": "Nhận xét", "recommendation": "Kiến nghị", "person": "Người",
    "ground": "Căn cứ", "document": "Tài liệu", "remediation": "Khắc phục", "supplement": "Bổ sung",
    "signature": "Chữ ký",
}  # fmt: skip
FIELD_NAMES = {
    "round": "đợt", "team": "đoàn", "unit_code": "mã đơn vị", "unit_name": "đơn vị", "unit_level": "cấp",
    "unit_valid_from": "đơn vị có hiệu lực từ", "visit_kind": "loại", "visit_date": "ngày", "status": "trạng thái",
    "visit_started_at": "bắt đầu", "visit_ended_at": "kết thúc", "template": "phiếu", "template_version": "bản phiếu",
    "main_count": "lần đếm chính", "planned": "theo kế hoạch", "moment": "thời điểm", "note": "ghi chú", "section": "phần",
    "count": "lần đếm", "name": "tên", "position": "thứ tự", "removed": "đã bỏ", "remark": "ghi chú", "caption": "chú thích",
    "taken_at": "chụp lúc", "bytes": "cỡ tệp", "width": "rộng", "height": "cao", "media_type": "dạng tệp",
    "sha256": "mã tệp", "preview": "mã ảnh xem trước", "derived_from": "làm từ ảnh", "value": "trả lời",
    "item": "mục", "row": "dòng", "geopoint": "vị trí", "photo_set": "bộ ảnh", "finding": "tồn tại",
    "remediation": "việc khắc phục", "circulation": "lưu hành", "severity": "mức độ", "text": "nội dung",
    "withdrawn": "lý do rút", "merged_into": "gộp vào", "unit_explanation": "giải trình của đơn vị",
    "repeat_of": "lặp lại của", "repeat_date": "lặp lại từ ngày", "observation_kind": "loại nhận xét",
    "owner": "trách nhiệm thực hiện", "deadline": "thời hạn", "report_to": "nơi nhận báo cáo",
    "round_recommendation_id": "kiến nghị chung của đợt", "role": "vai trò", "post": "chức vụ", "body": "cơ quan",
    "reason": "lý do", "document_type": "loại văn bản", "document_number": "số, ký hiệu", "issued_on": "ngày ban hành",
    "issuer": "cơ quan ban hành", "subject": "trích yếu", "about_kind": "về loại", "about": "về",
    "remediation_deadline": "hạn khắc phục", "remediation_status": "kết quả khắc phục",
    "parent_body_name": "cơ quan chủ quản", "issuing_body_name": "cơ quan lập biên bản", "place_name": "địa danh",
    "place": "nơi kiểm tra", "period_checked": "thời kỳ kiểm tra", "unit_opinion": "ý kiến của đơn vị",
    "copy_count": "số bản", "person": "người", "signed_at": "ký lúc", "method": "cách ký", "strokes": "nét chữ ký",
    "content": "mã nội dung đã ký", "covers": "ký đến mục", "supplement": "biên bản bổ sung",
}  # fmt: skip
MOMENTS = ("visit_started_at", "visit_ended_at", "moment", "taken_at", "signed_at")
WITHHELD = "lưu hành hạn chế, không hiển thị"
VERDICT_NAMES = {"pending": "chờ cuộc kiểm tra", "rejected": "không được nhận", "moved": "đã ghi lại ở nhánh khác"}


@dataclass(frozen=True)
class Shown:
    """One item of the checklist as the page shows it."""

    item: Item
    text: str
    remark: str
    fails: bool
    misses_photo: bool
    photos: Sequence[PhotoReading]


@dataclass(frozen=True)
class Block:
    """A section outside repeated ones, or one row of a repeated one."""

    section: Section
    row: str
    name: str
    items: Sequence[Shown]


@dataclass(frozen=True)
class CountShown:
    """One walk through the rooms with its rooms and their sums."""

    id: str
    moment: int
    note: str
    is_main: bool
    rooms: Sequence[tuple[str, str, Mapping[str, int | None], str]]
    """(row id, name, heads, what does not add up in words)"""
    heads: Mapping[str, int | None]
    rate: str | None


def answer_text(item: Item, answer: AnswerReading | None) -> str:
    """An answer in words; a dash for none."""
    value = answer.value if answer else None
    if value is None or value == "" or value == []:
        return DASH
    if item.type == "count" and isinstance(value, int):
        return number(value)
    if item.type == "yes_no_na":
        return YES_NO_NA.get(str(value), str(value))
    if item.type == "date":
        return day(str(value))
    if item.type == "choice":
        codes = value if isinstance(value, list) else [value]
        options = [item.option(str(code)) for code in codes]
        return "; ".join(o.label.vi if o else str(c) for o, c in zip(options, codes, strict=True))
    return str(value)


def _block(reading: VisitReading, section: Section, row: str) -> Block:
    outcome = reading.outcome
    items = []
    for item in section.items:
        if section.code == ATTENDANCE_SECTION and item.code in HEADS:
            continue  # in the tables of counts
        answer, photos = reading.answers.get((row, item.code)), reading.photos_of(row, item.code)
        if outcome.is_relevant(item, row) or photos:
            items.append(
                Shown(
                    item,
                    answer_text(item, answer),
                    answer.remark if answer else "",
                    outcome.fails(item, row),
                    outcome.misses_photo(item, row),
                    photos,
                )
            )
    return Block(section, row, reading.row_name(row), items)


def _blocks(reading: VisitReading) -> list[Block]:
    """What was asked, section by section; rooms only where something beyond the figures was recorded."""
    blocks = []
    for section in reading.template.sections:
        for row in reading.outcome.rows_of(section):
            block = _block(reading, section, row)
            is_said = any(shown.text != DASH or shown.remark or shown.photos for shown in block.items)
            if section.code != ATTENDANCE_SECTION or is_said:
                blocks.append(block)
    return [block for block in blocks if block.items]


def _count(reading: VisitReading, id: str, at: int, note: str) -> CountShown:
    figures = reading.figures_of(id)
    rooms = []
    for room in reading.rooms(id):
        check = figures.checks.get(room.id)
        words = ""
        if check and check.state in ("short", "over") and check.difference is not None:
            words = f"thiếu {check.difference} người" if check.difference > 0 else f"thừa {-check.difference} người"
        elif check and check.state == "incomplete":
            words = "còn ô chưa ghi"
        rooms.append((room.id, room.name, reading.heads(room.id), words))
    return CountShown(id, at, note, id == reading.main_count, rooms, figures.heads, figures.attendance_rate)


def _loose_photos(reading: VisitReading, blocks: Sequence[Block]) -> list[tuple[list[PhotoReading], str]]:
    """Photos that stand at no item shown above, those that follow each other at one place together, with what it is."""
    shown = {photo.id for block in blocks for item in block.items for photo in item.photos}
    found = []
    for (row, item), photos in groupby((p for p in reading.photos if p.id not in shown), key=lambda p: (p.row, p.item)):
        section, asked = reading.template.by_section.get(item), reading.template.items.get(item)
        place = section.title.vi if section else asked.label.vi if asked else ""
        found.append((list(photos), " – ".join(part for part in (reading.row_name(row), place) if part)))
    return found


@router.get("/visits/{visit}")
def get_visit(request: Request, visit: str, desk: AtDesk) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        reading = state.readings.visit(connection, visit)
        offered = choices(connection)
        authors = rows(
            connection,
            """SELECT coalesce(u.name, e.author) AS author, coalesce(d.name, e.device) AS device, count(*) AS entries,
                   min(e.ms) AS first, max(e.ms) AS last, max(e.received_at) AS received,
                   sum(CASE WHEN e.verdict = 'applied' THEN 0 ELSE 1 END) AS refused
               FROM entry e LEFT JOIN "user" u ON u.id = e.author LEFT JOIN device d ON d.id = e.device
               WHERE e.visit = :visit GROUP BY 1, 2, e.device, e.author ORDER BY first""",
            visit=visit,
        )
        limited = limited_records(recorded(connection, visit))
        conflicts = differing(connection, visit, lambda *write: _written(reading, *write), limited)
    reading = reading.shared
    named = {name for photo in reading.photos for name in (photo.sha256, photo.preview) if name}
    absent = set(state.photos.missing(sorted(named)))
    blocks = _blocks(reading)
    outcome = reading.outcome
    return page(
        request,
        "visit.html",
        desk,
        visit=reading,
        figures=reading.figures,
        counts=[_count(reading, count.id, count.moment, count.note) for count in reading.counts],
        heads=HEADS,
        conflicts=conflicts,
        blocks=blocks,
        said=reading.evidence,
        off=[finding for finding in reading.evidence.findings if not finding.stands],
        missing=outcome.missing_photos,
        loose_photos=_loose_photos(reading, blocks),
        side_by_side=side_by_side,
        absent=absent,
        authors=authors,
        choices=offered,
    )


@router.get("/visits/{visit}/minutes.{kind}")
def get_minutes(request: Request, visit: str, kind: Literal["pdf", "docx"], _desk: AtDesk) -> Response:
    """The minutes to print or to work on, as the API gives them."""
    state = request.app.state
    with state.db.reading() as connection:
        told = told_minutes(connection, state.readings.visit(connection, visit))
    return pdf_answer(told, state.photos) if kind == "pdf" else docx_answer(told, state.photos)


@router.get("/visits/{visit}/supplements/{number}.pdf")
def get_supplement(request: Request, visit: str, number: int, _desk: AtDesk) -> Response:
    """A supplement to the minutes."""
    state = request.app.state
    with state.db.reading() as connection:
        told = told_minutes(connection, state.readings.visit(connection, visit))
    return supplement_answer(told, number)


@router.get("/visits/{visit}/journal")
def get_journal(request: Request, visit: str, desk: AtDesk, record: str = "") -> Response:
    """Who recorded what when, whole or of the records whose id begins with `record`."""
    state = request.app.state
    with state.db.reading() as connection:
        reading = state.readings.visit(connection, visit)
        whole = recorded(connection, visit)
    limited = limited_records(whole)
    entries = [entry for entry in whole if entry.record.startswith(record)]
    shown, number_of_page, pages = of_page(entries, page_number(request, "page"), JOURNAL_SIZE)
    return page(
        request,
        "journal.html",
        desk,
        visit=reading,
        record=record,
        what=_what(reading, record, "answer") if record else "",
        entries=[(entry, *_said(reading, entry, limited), phone_clock(entry), true_time(entry)) for entry in shown],
        count=len(entries),
        number_of_page=number_of_page,
        pages=pages,
    )


def _what(reading: VisitReading, record: str, kind: str) -> str:
    """A record in words: the room and the item of an answer, the name of a row, the moment of a count."""
    if kind == "answer":
        _, row, code = [*record.split("/"), "", ""][:3]
        item = reading.template.items.get(code)
        return " – ".join(part for part in (reading.row_name(row), item.label.vi if item else code) if part)
    if kind == "finding":
        return next((f.text for f in reading.evidence.findings if f.id == record), "")
    return reading.row_name(record)


def _written(reading: VisitReading, kind: str, record: str, field: str, value: Any) -> tuple[str, str]:
    """(what a field of a record is about, its value) in words."""
    item = reading.template.items.get(record.split("/")[-1]) if kind == "answer" else None
    what = _what(reading, record, kind) or KIND_NAMES.get(kind, kind)
    if field == "value" and item is not None:
        return what, answer_text(item, AnswerReading("", item.code, value, ""))
    return f"{what}: {FIELD_NAMES.get(field, field)}", _field_text(reading, field, value)


def _said(reading: VisitReading, entry: Any, limited: Collection[tuple[str, str]]) -> tuple[str, str, str, str]:
    """(kind in words, the record in words, what the entry says, why it is not read) of a journal entry."""
    if (entry.kind, entry.record) in limited:
        return KIND_NAMES.get(entry.kind, entry.kind), DASH, WITHHELD, VERDICT_NAMES.get(entry.verdict, "")
    item = reading.template.items.get(entry.record.split("/")[-1]) if entry.kind == "answer" else None
    hidden = ("visit", "row", "item") if item else ("visit",)
    parts = []
    for name, value in json.loads(entry.patch).items():
        if name == "value" and item is not None:
            parts.append(answer_text(item, AnswerReading("", item.code, value, "")))
        elif name not in hidden and value != "":
            parts.append(f"{FIELD_NAMES.get(name, name)}: {_field_text(reading, name, value)}")
    refused = VERDICT_NAMES.get(entry.verdict, "")
    if entry.problem:
        refused = f"{refused}: {json.loads(entry.problem).get('title', '').split(' / ')[0]}"
    return KIND_NAMES.get(entry.kind, entry.kind), _what(reading, entry.record, entry.kind), "; ".join(parts), refused


def _field_text(reading: VisitReading, name: str, value: Any) -> str:
    """A field of an entry in words, as far as this version knows what it means."""
    if value is None:
        return DASH
    if isinstance(value, bool) or value in ("yes", "no"):
        return "có" if value in (True, "yes") else "không"
    if name in MOMENTS and isinstance(value, int):
        return moment(value)
    if name == "bytes" and isinstance(value, int):
        return size(value)
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    item, section = reading.template.items.get(value), reading.template.by_section.get(value)
    match name:
        case "status":
            return status(value)
        case "unit_level":
            return level(value)
        case "visit_date" | "unit_valid_from" | "deadline" | "issued_on" | "repeat_date" | "remediation_deadline":
            return day(value)
        case "severity" if value in reading.template.severities:
            return reading.template.severities[value].vi
        case "remediation_status":
            return remediation(value)
        case "observation_kind":
            return observation(value)
        case "role":
            return part_taken(value)
        case "about_kind":
            return KIND_NAMES.get(value, MATTERS.get(value, value))
        case "merged_into" | "finding":
            return next((f.text for f in reading.evidence.findings if f.id == value), value)
        case "section" | "item":
            return section.title.vi if section else item.label.vi if item else value
        case "main_count" | "count":
            return next((moment(count.moment) for count in reading.counts if count.id == value), value)
        case "geopoint":
            return place(value)
        case "row":
            return reading.row_name(value) or value
        case "visit_kind":
            return "đột xuất" if value == "surprise_visit" else value
    return f"{value[:12]}…" if name in ("sha256", "preview", "derived_from") else value


@router.get("/photos/{sha256}")
def get_photo(
    request: Request, sha256: Sha256, desk: AtDesk, wanted: Annotated[str, Query(alias="size")] = ""
) -> Response:
    """A photo for a page, by the cookie; the API asks for a token. Problem 404 for one of limited circulation."""
    with request.app.state.db.reading() as connection:
        named = rows(connection, "SELECT circulation FROM photo WHERE sha256 = :s OR preview = :s", s=sha256)
    if named and all(photo["circulation"] == LIMITED for photo in named):
        raise Problem(404, "not-found", "Không có ảnh này", "There is no such photo")
    return answer_photo(request, desk.caller, sha256, wants_preview=wanted == "preview")
