"""From the facts to the words: the minutes as paragraphs and tables, in the order and form of Nghị định 30/2020, form 1.9.

Days in running text are "ngày 05 tháng 02 năm 2026", in tables 05/02/2026; clock times "16 giờ 15 phút"; numbers 1.234 and
67,50%. What is not known is left as dots for a pen.
"""

from collections.abc import Iterable, Iterator, Sequence

from app.minutes.blocks import (
    BOLD,
    ITALIC,
    PAGES,
    REGULAR,
    Block,
    Column,
    Head,
    HeadLine,
    Paper,
    Paragraph,
    PhotoPlate,
    Recipients,
    Signatures,
    Table,
)
from app.minutes.facts import Attendance, Finding, Line, Minutes, Part, Person, Room, Said
from app.minutes.facts import Paper as PaperFact
from app.minutes.signing import refusals, signers
from app.minutes.written import (
    DOTS,
    clock,
    ended,
    figure,
    here,
    long_day,
    number_and_mark,
    percent,
    short_day,
    two_digits,
)

TITLE = "BIÊN BẢN"
SUBJECT = "Kiểm tra đột xuất việc chấp hành kỷ luật, kỷ cương hành chính tại {unit}"
ROOM_LINES_MOST = 30
"""Lines of the headcount that fit one page; a longer table becomes Phụ lục I."""
LETTERS_IN_A_LINE = 24
"""Of the column of rooms, about."""

NATIONAL_TITLE, MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"
RECIPIENTS = (
    "- Như thành phần;",
    "- Sở Nội vụ (để b/c);",
    "- Đơn vị được kiểm tra;",
    "- Lưu: VT, hồ sơ Đoàn kiểm tra.",
)
SEVERITIES = {"critical": "nghiêm trọng", "major": "phải khắc phục", "minor": "nhắc nhở"}
STATUSES = {
    "done": "đã khắc phục",
    "partly": "khắc phục một phần",
    "not_done": "chưa khắc phục",
    "document_only": "mới có văn bản, chưa kiểm chứng",
    "not_due": "chưa đến hạn",
}
LEVELS = {
    "province": "cấp tỉnh", "provincial_department": "sở, ban, ngành", "legacy_district": "cấp huyện", "commune": "cấp xã",
    "provincial_unit": "đơn vị trực thuộc Ủy ban nhân dân tỉnh", "legacy_commune": "cấp xã",
}  # fmt: skip
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


def minutes_paper(minutes: Minutes) -> Paper:
    """The whole minutes with their annexes. The same facts give the same paper."""
    photos = tuple(_plates(minutes))
    rooms = _rooms_table(minutes.attendance)
    is_long = minutes.attendance is not None and sum(map(_lines_of, minutes.attendance.rooms)) > ROOM_LINES_MOST
    blocks: list[Block] = [*page_head(minutes), *_opening(minutes), *_people(minutes)]
    blocks += [*_checked(minutes, None if is_long else rooms), *_assessed(minutes), *_recommended(minutes)]
    blocks += [*_answered(minutes), *_closing(minutes)]
    annexes: tuple[tuple[str, str, tuple[Block, ...]], ...] = (
        ("I", "Quân số theo phòng, bộ phận", (rooms,) if is_long and rooms else ()),
        ("II", "Ảnh", photos),
        ("III", "Văn bản đơn vị đã xuất trình", (_documents(minutes.documents),) if minutes.documents else ()),
    )
    for number, title, content in annexes:
        if content:
            blocks.append(middle(f"Phụ lục {number}", BOLD, 14, after=2, starts_page=True))
            blocks.append(middle(title.upper(), BOLD, 14, after=8))
            blocks += content
    return Paper(f"{TITLE.capitalize()} {SUBJECT.format(unit=minutes.unit_name)}", tuple(blocks), not minutes.is_signed)


# Sentences and paragraphs


def _photos(numbers: Sequence[int]) -> str:
    return f" (ảnh {', '.join(map(str, numbers))})" if numbers else ""


def text(words: str, style: str = REGULAR) -> Paragraph:
    return Paragraph(((words, style),))


def texts(words: str) -> Iterator[Paragraph]:
    """A paragraph for each line typed."""
    for line in words.splitlines():
        if line.strip():
            yield text(line.strip())


def heading(words: str, level: int) -> Paragraph:
    return Paragraph(((words, BOLD),), level=level)


def middle(
    words: str, style: str, size: float, *, after: float = 6, rule: float = 0, starts_page: bool = False
) -> Paragraph:
    return Paragraph(
        ((words, style),), "center", size, is_indented=False, after=after, rule=rule, level=3, starts_page=starts_page
    )


# 1.0 to 1.3: the head, the title, the opening, who was there


def page_head(minutes: Minutes, title: str = TITLE, subject: str = SUBJECT) -> Iterator[Block]:
    place = f"{minutes.place_name or DOTS}, {long_day(minutes.visit_date)}"
    yield Head(
        (
            HeadLine((minutes.parent_body_name or DOTS).upper(), REGULAR, 12),
            HeadLine((minutes.issuing_body_name or "Đoàn kiểm tra").upper(), BOLD, 12, rule=0.4),
            HeadLine(number_and_mark(minutes.document_number), REGULAR, 13),
        ),
        (
            HeadLine(NATIONAL_TITLE, BOLD, 12),
            HeadLine(MOTTO, BOLD, 13, rule=1),
            HeadLine(place, ITALIC, 13),
        ),
    )
    yield middle(title, BOLD, 14, after=0)
    yield middle(subject.format(unit=minutes.unit_name or DOTS), BOLD, 14, after=12, rule=0.4)


def _opening(minutes: Minutes) -> Iterator[Block]:
    for place, ground in enumerate(minutes.grounds, 1):
        end = "." if place == len(minutes.grounds) else ";"
        yield text(f"Căn cứ {_paper_words(ground)}".rstrip(".;") + end, ITALIC)
    level = LEVELS.get(minutes.unit_level, "")
    period = f", thời kỳ kiểm tra: {minutes.period_checked.rstrip('.')}" if minutes.period_checked else ""
    yield text(
        f"Hôm nay, vào hồi {clock(minutes.started_at)}, {long_day(minutes.visit_date)}, "
        f"tại {minutes.place or f'trụ sở {minutes.unit_name or DOTS}'}, Đoàn kiểm tra đã tiến hành kiểm tra đột xuất việc chấp "
        f"hành kỷ luật, kỷ cương hành chính tại {minutes.unit_name or DOTS}{f' ({level})' if level else ''}{period}."
    )


def _paper_words(paper: PaperFact) -> str:
    """Quyết định số 12/QĐ-UBND ngày 05 tháng 02 năm 2026 của … về …"""
    parts = [paper.type or "văn bản"]
    if paper.number:
        parts.append(f"số {paper.number}")
    if paper.issued_on:
        parts.append(long_day(paper.issued_on))
    if paper.issuer:
        parts.append(f"của {paper.issuer}")
    if paper.subject:
        parts.append(paper.subject)
    return " ".join(parts)


def _people(minutes: Minutes) -> Iterator[Block]:
    yield heading("I. THÀNH PHẦN", 1)
    groups = (
        ("Đoàn kiểm tra", (("team_leader", "Trưởng đoàn"), ("team_secretary", "Thư ký, người ghi biên bản"), ("team_member", "Thành viên"))),
        ("Đơn vị được kiểm tra", (("unit_representative", "Đại diện đơn vị"),)),
        ("Người chứng kiến", (("witness", "Người chứng kiến"),)),
    )  # fmt: skip
    number = 0
    for title, roles in groups:
        there = [(words, person) for role, words in roles for person in minutes.of_role(role)]
        if not there and roles[0][0] == "witness":
            continue
        number += 1
        yield heading(f"{number}. {title}", 2)
        for place, (words, person) in enumerate(there, 1):
            yield text(f"- {words}: {_person_words(person)}{'.' if place == len(there) else ';'}")
        if not there:
            yield text(f"- {DOTS}{DOTS}{DOTS}")


def _person_words(person: Person) -> str:
    return ", ".join(part for part in (person.name, person.post, person.body) if part)


# 1.4: what was checked, what was found

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


def _checked(minutes: Minutes, rooms: Table | None) -> Iterator[Block]:
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
    return f"{words}{remark}{_photos(said.photos)}".replace("\n", " ")


def _lines_of(room: Room) -> int:
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


def _rooms_table(attendance: Attendance | None) -> Table | None:
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
        yield text(f"- {'; '.join(p.rstrip('.;') for p in parts)}{_photos(again.photos)}.".replace("\n", " "))


# 1.5 to 1.8


def _assessed(minutes: Minutes) -> Iterator[Block]:
    yield heading("III. NHẬN XÉT, ĐÁNH GIÁ", 1)
    yield heading("1. Ưu điểm", 2)
    yield from _listed(minutes.strengths, "Không có nội dung ghi nhận.")
    yield heading("2. Tồn tại, hạn chế", 2)
    if not minutes.findings:
        yield text("Không ghi nhận tồn tại, hạn chế ở những nội dung đã kiểm tra.")
    for place, finding in enumerate(minutes.findings, 1):
        yield from _finding(place, finding)
    yield heading("3. Nguyên nhân", 2)
    if not minutes.objective_causes and not minutes.subjective_causes:
        yield text("Không có nội dung ghi nhận.")
    for title, causes in (("Khách quan", minutes.objective_causes), ("Chủ quan", minutes.subjective_causes)):
        if causes:
            yield Paragraph(((f"{title}:", ITALIC),), level=3)
            yield from _listed(causes, "")


def _listed(texts: Sequence[str], nothing: str) -> Iterator[Block]:
    if not texts and nothing:
        yield text(nothing)
    for words in texts:
        first, *more = [line.strip() for line in words.splitlines() if line.strip()] or [words]
        yield text(ended(f"- {first}"))
        yield from (text(line) for line in more)


def _finding(place: int, finding: Finding) -> Iterator[Block]:
    about = [SEVERITIES.get(finding.severity, finding.severity)]
    if finding.item and not finding.text.startswith(finding.item):
        about.append(f"nội dung: {finding.item[:1].lower()}{finding.item[1:]}")
    if finding.place:
        about.append(finding.place)
    if finding.photos:
        about.append(f"ảnh {', '.join(map(str, finding.photos))}")
    if finding.is_repeated:
        on = f" ngày {short_day(finding.repeat_date)}" if finding.repeat_date else " trước"
        about.append(f"lặp lại tồn tại đã nêu tại cuộc kiểm tra{on}")
    first, *more = [line.strip() for line in finding.text.splitlines() if line.strip()] or [finding.item or DOTS]
    yield text(f"({place}) {first.rstrip('.;')} ({'; '.join(a for a in about if a)}).")
    yield from (text(line) for line in more)
    if finding.unit_explanation:
        first, *more = [line.strip() for line in finding.unit_explanation.splitlines() if line.strip()] or [""]
        yield Paragraph((("Giải trình của đơn vị: ", ITALIC), (ended(first), REGULAR)))
        yield from (text(line) for line in more)


def _recommended(minutes: Minutes) -> Iterator[Block]:
    yield heading("IV. KIẾN NGHỊ", 1)
    if not minutes.recommendations:
        yield text("Đoàn kiểm tra không có kiến nghị.")
        return
    yield Table(
        (
            Column("STT", 0.08, "center"),
            Column("Nội dung", 0.38),
            Column("Trách nhiệm thực hiện", 0.2),
            Column("Thời hạn", 0.16, "center"),
            Column("Nơi nhận báo cáo", 0.18),
        ),
        tuple(
            (str(place), r.text, r.owner, short_day(r.deadline), r.report_to)
            for place, r in enumerate(minutes.recommendations, 1)
        ),
    )


def _answered(minutes: Minutes) -> Iterator[Block]:
    yield heading("V. Ý KIẾN CỦA ĐƠN VỊ ĐƯỢC KIỂM TRA", 1)
    if minutes.unit_opinion.strip():
        yield from texts(minutes.unit_opinion)
    else:
        yield text("(Đơn vị không nêu ý kiến.)" if minutes.is_signed else f"{DOTS}{DOTS}{DOTS}{DOTS}{DOTS}{DOTS}")


def _closing(minutes: Minutes) -> Iterator[Block]:
    yield from refusals(minutes.signatures)
    ended = "cùng ngày"
    if minutes.ended_at is not None and minutes.visit_date:
        day = here(minutes.ended_at).date().isoformat()
        ended = "cùng ngày" if day == minutes.visit_date else long_day(day)
    yield text(
        f"Biên bản kết thúc vào hồi {clock(minutes.ended_at)} {ended}, gồm {PAGES} trang, được lập thành "
        f"{two_digits(minutes.copy_count)} bản có giá trị như nhau, đã đọc lại cho những người có tên trên cùng nghe, công nhận "
        "đúng và ký tên./."
    )
    yield Signatures(tuple(signers(minutes)))
    yield Recipients(RECIPIENTS)


# 1.11: the annexes


def _plates(minutes: Minutes) -> Iterator[PhotoPlate]:
    for photo in minutes.photos:
        taken = here(photo.taken_at) if photo.taken_at is not None else None
        facts = [f"Chụp lúc {clock(photo.taken_at)}, ngày {taken:%d/%m/%Y}"] if taken else []
        facts += [photo.about] if photo.about else []
        first = f"Ảnh {photo.number}. {photo.caption}".strip().replace("\n", " ")
        yield PhotoPlate(photo, (ended(first), ended(". ".join(facts))) if facts else (ended(first),))


def _documents(papers: Sequence[PaperFact]) -> Table:
    return Table(
        (
            Column("STT", 0.08, "center"),
            Column("Loại văn bản", 0.17),
            Column("Số, ký hiệu", 0.2),
            Column("Ngày", 0.15, "center"),
            Column("Trích yếu", 0.4),
        ),
        tuple(
            (str(place), p.type, p.number, short_day(p.issued_on), " – ".join(x for x in (p.subject, p.issuer) if x))
            for place, p in enumerate(papers, 1)
        ),
    )
