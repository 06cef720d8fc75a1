"""Part II of the minutes: what was checked and what was found, section by section, the headcount first."""

from collections.abc import Iterable, Iterator

from app.minutes.blocks import Block, Column, Table, heading, text
from app.minutes.facts import Attendance, Line, Minutes, Part, Room, Said
from app.minutes.written import DOTS, clock, ended, figure, percent, photos_named, short_day

STATUSES = {
    "done": "đã khắc phục",
    "partly": "khắc phục một phần",
    "not_done": "chưa khắc phục",
    "document_only": "mới có văn bản, chưa kiểm chứng",
    "not_due": "chưa đến hạn",
}
ROOM_COLUMNS = (
    Column("STT", 0.08, "center"),
    Column("Phòng, bộ phận", 0.24),
    Column("Tổng số", 0.09, "center"),
    Column("Có mặt", 0.09, "center"),
    Column("Vắng có lý do", 0.1, "center"),
    Column("Vắng không lý do", 0.11, "center"),
    Column("Vắng chưa rõ lý do", 0.11, "center"),
    Column("Ghi chú", 0.18),
)
ROOM_LINES_MOST = 30
"""Lines of the headcount that fit one page; a longer table becomes Phụ lục I."""
LETTERS_IN_A_LINE = 24
"""Of the column of rooms, about."""

_TITLES = {
    "attendance": "Thời giờ làm việc",
    "badges_conduct": "Đeo thẻ, văn hóa công sở",
    "one_stop": "Bộ phận một cửa",
    "notice_board": "Niêm yết, công khai thủ tục hành chính",
    "directives": "Văn bản chỉ đạo và triển khai",
    "earlier_notices": "Khắc phục tồn tại theo thông báo trước",
    "remarks": "Nội dung khác",
}
_TOGETHER = {"internal_documents": "directives"}
"""A section of the checklist → the one it is told under."""


def checked(minutes: Minutes, rooms: Table | None) -> Iterator[Block]:
    yield heading("II. NỘI DUNG VÀ KẾT QUẢ KIỂM TRA", 1)
    parts: dict[str, list[Part]] = {}
    for part in minutes.parts:
        parts.setdefault(_TOGETHER.get(part.section, part.section), []).append(part)
    if minutes.attendance:
        parts.setdefault("attendance", [])
    if minutes.remediations:
        parts.setdefault("earlier_notices", [])
    order = list(_TITLES)
    own = [section for section in parts if section not in order]
    number = 0
    for section in [*order[:-1], *own, order[-1]]:
        if section not in parts:
            continue
        number += 1
        yield heading(f"{number}. {_TITLES.get(section) or parts[section][0].title}", 2)
        if section == "attendance" and minutes.attendance:
            yield from _attendance(minutes.attendance, rooms)
        for part in parts[section]:
            for line in part.lines:
                yield from _line(line)
            if part.photos:
                yield text(f"- Ảnh kèm theo: {', '.join(map(str, part.photos))}.")
        if section == "earlier_notices":
            yield from _remediations(minutes)
    if minutes.not_checked:
        yield text(f"Nội dung chưa kiểm tra: {'; '.join(_lowered(minutes.not_checked))}.")


def _lowered(labels: Iterable[str]) -> list[str]:
    return [label[:1].lower() + label[1:] for label in labels]


def _line(line: Line) -> Iterator[Block]:
    if line.name:
        told = "; ".join(_said(said) for said in line.said)
        yield text(f"- {line.name}{f': {told}' if told else ''}".rstrip(".") + ".")
        return
    for said in line.said:
        yield text(ended(f"- {_said(said)}"))


def _said(said: Said) -> str:
    value = said.value
    if said.kind == "yes_no_na":
        value = {"yes": "có", "no": "không", "na": "không áp dụng"}.get(value, value)
    elif said.kind == "date":
        value = short_day(value)
    elif said.kind == "count" and value.isdecimal():
        value = figure(int(value))
    words = f"{said.label}: {value}" if value else said.label
    remark = f" – {said.remark}" if said.remark else ""
    return f"{words}{remark}{photos_named(said.photos)}".replace("\n", " ")


def lines_of(room: Room) -> int:
    return 1 + max(len(room.name) // LETTERS_IN_A_LINE, len(_note(room)) // LETTERS_IN_A_LINE)


def _note(room: Room) -> str:
    parts = [*room.reasons]
    if room.late:
        parts.append(f"đi muộn, về sớm: {figure(room.late)}")
    if room.difference:
        parts.append(
            f"số liệu chưa khớp: {'thiếu' if room.difference > 0 else 'thừa'} {figure(abs(room.difference))} người"
        )
    if room.note:
        parts.append(room.note)
    if room.photos:
        parts.append(f"ảnh {', '.join(map(str, room.photos))}")
    return "; ".join(parts)


def rooms_table(attendance: Attendance | None) -> Table | None:
    if attendance is None or not attendance.rooms:
        return None
    rows = tuple(
        (str(place), room.name, *map(figure, room.heads), _note(room)) for place, room in enumerate(attendance.rooms, 1)
    )
    return Table(ROOM_COLUMNS, rows, ("", "Tổng cộng", *map(figure, attendance.heads), ""))


def _attendance(attendance: Attendance, rooms: Table | None) -> Iterator[Block]:
    if attendance.mode == "full_no_figures":
        yield text(
            "Tại thời điểm kiểm tra, đơn vị có mặt đầy đủ; Đoàn kiểm tra không đếm từng người nên không ghi số liệu và tỷ lệ."
        )
        return
    at = f"Số liệu đếm lúc {clock(attendance.moment)}. " if attendance.moment else ""
    checked = (
        f"Số phòng đã kiểm tra: {figure(attendance.rooms_checked)}. " if attendance.rooms_checked is not None else ""
    )
    photos = f"Ảnh kèm theo: {', '.join(map(str, attendance.photos))}." if attendance.photos else ""
    if at or checked or photos:
        yield text((at + checked + photos).strip())
    if rooms:
        yield rooms
    elif attendance.rooms:
        yield text("Quân số từng phòng, bộ phận: xem Phụ lục I.")
    total, present, excused, unexcused, unclear = attendance.heads
    if total is None and present is None:
        yield text("Quân số chưa được đếm đủ nên không tính tổng và tỷ lệ.")
        return
    rate = f", đạt tỷ lệ {percent(attendance.attendance_rate)}" if attendance.attendance_rate else ""
    yield text(
        f"Tổng số: {figure(total)} người; có mặt: {figure(present)} người{rate}; vắng có lý do: {figure(excused)} người; vắng "
        f"không lý do: {figure(unexcused)} người; vắng chưa rõ lý do: {figure(unclear)} người."
    )
    if attendance.late is not None:
        yield text(f"Đi muộn, về sớm: {figure(attendance.late)} người.")
    for again in attendance.recounts:
        yield text(
            f"Lần đếm lúc {clock(again.moment)}: tổng số {figure(again.total)} người, có mặt {figure(again.present)} người "
            "(không tính vào số liệu trên)."
        )


def _remediations(minutes: Minutes) -> Iterator[Block]:
    for again in minutes.remediations:
        parts = [again.about or DOTS]
        if again.deadline:
            parts.append(f"thời hạn {short_day(again.deadline)}")
        if again.document_number:
            issued = f" ngày {short_day(again.issued_on)}" if again.issued_on else ""
            parts.append(f"văn bản của đơn vị: {again.document_number}{issued}")
        parts.append(f"kết quả: {STATUSES.get(again.status, again.status) or 'chưa kiểm tra'}")
        if again.remark:
            parts.append(again.remark)
        yield text(f"- {'; '.join(p.rstrip('.;') for p in parts)}{photos_named(again.photos)}.".replace("\n", " "))
