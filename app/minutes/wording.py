"""From the facts to the words: the minutes as paragraphs and tables, in the order and form of Nghị định 30/2020, form 1.9.

Days in running text are "ngày 05 tháng 02 năm 2026", in tables 05/02/2026; clock times "16 giờ 15 phút"; numbers 1.234 and
67,50%. What is not known is left as dots for a pen.
"""

from collections.abc import Iterator, Sequence

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
    heading,
    middle,
    text,
    texts,
)
from app.minutes.checked import ROOM_LINES_MOST, checked, lines_of, rooms_table
from app.minutes.facts import Finding, Minutes, Person
from app.minutes.facts import Paper as PaperFact
from app.minutes.signing import refusals, signers
from app.minutes.written import (
    DOTS,
    clock,
    ended,
    here,
    long_day,
    number_and_mark,
    short_day,
    two_digits,
)

TITLE = "BIÊN BẢN"
SUBJECT = "Kiểm tra đột xuất việc chấp hành kỷ luật, kỷ cương hành chính tại {unit}"

NATIONAL_TITLE, MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"
RECIPIENTS = (
    "- Như thành phần;",
    "- Sở Nội vụ (để b/c);",
    "- Đơn vị được kiểm tra;",
    "- Lưu: VT, hồ sơ Đoàn kiểm tra.",
)
SEVERITIES = {"critical": "nghiêm trọng", "major": "phải khắc phục", "minor": "nhắc nhở"}
LEVELS = {
    "province": "cấp tỉnh", "provincial_department": "sở, ban, ngành", "legacy_district": "cấp huyện", "commune": "cấp xã",
    "provincial_unit": "đơn vị trực thuộc Ủy ban nhân dân tỉnh", "legacy_commune": "cấp xã",
}  # fmt: skip


def minutes_paper(minutes: Minutes) -> Paper:
    """The whole minutes with their annexes. The same facts give the same paper."""
    photos = tuple(_plates(minutes))
    rooms = rooms_table(minutes.attendance)
    is_long = minutes.attendance is not None and sum(map(lines_of, minutes.attendance.rooms)) > ROOM_LINES_MOST
    blocks: list[Block] = [*page_head(minutes), *_opening(minutes), *_people(minutes)]
    blocks += [*checked(minutes, None if is_long else rooms), *_assessed(minutes), *_recommended(minutes)]
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
