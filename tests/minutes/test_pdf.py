"""The minutes of Kỳ Sơn as a PDF: every word that was recorded can be read out of it, laid out as decree 30/2020 asks."""

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from app.minutes.blocks import BOLD, BOLD_ITALIC, ITALIC, PAGES, REGULAR, Paper, Paragraph
from app.minutes.content import minutes_of
from app.minutes.faces import STYLES, load_faces
from app.minutes.facts import Minutes
from app.minutes.layout import BOTTOM, HEIGHT, INNER, LEFT, MM, TOP, Picture, Sheet, Stroke, Words, lay_out
from app.minutes.pdf import drained, minutes_pdf, paper_pdf
from app.minutes.wording import minutes_paper
from tests.field import ASSETS, Phone
from tests.minutes import ky_son

FONTS = ASSETS / "fonts"


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    phone = Phone(tmp_path_factory.mktemp("phone"), seed=5)
    phone.enrol_alone()
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def drafted(phone: Phone) -> Minutes:
    return minutes_of(phone.book.visit(ky_son.visit_ky_son(phone)))


@pytest.fixture(scope="module")
def code(phone: Phone, drafted: Minutes) -> str:
    """The code of the visit, which is signed by now."""
    return ky_son.sign(phone, drafted.visit)


@pytest.fixture(scope="module")
def signed(phone: Phone, drafted: Minutes, code: str) -> Minutes:
    return minutes_of(phone.book.visit(drafted.visit))


def made(phone: Phone, minutes: Minutes, code: str = "") -> bytes:
    return drained(minutes_pdf(minutes, FONTS, phone.files.read, code))


def read_back(pdf: bytes) -> list[str]:
    """The text of each page, its white space made single spaces."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def laid_out(minutes: Minutes) -> list[Sheet]:
    return sheets_of(minutes_paper(minutes))


def sheets_of(paper: Paper) -> list[Sheet]:
    work = lay_out(paper, load_faces(FONTS))
    while True:
        try:
            next(work)
        except StopIteration as done:
            sheets: list[Sheet] = done.value
            return sheets


def words_on(sheet: Sheet) -> list[Words]:
    return [placed for placed in sheet.placed if isinstance(placed, Words)]


def found(sheet: Sheet, text: str) -> Words:
    return next(w for w in words_on(sheet) if text in w.words)


def test_every_word_and_figure_recorded_is_read_out_of_the_file(phone: Phone, signed: Minutes) -> None:
    text = " ".join(read_back(made(phone, signed)))
    assert unicodedata.is_normalized("NFC", text)
    wanted = [
        "ỦY BAN NHÂN DÂN TỈNH NGHỆ AN", "ĐOÀN KIỂM TRA LIÊN NGÀNH KỶ LUẬT, KỶ CƯƠNG HÀNH CHÍNH", "Số: 05/BB-ĐKT",
        "Kỳ Sơn, ngày 05 tháng 02 năm 2021", "vào hồi 08 giờ 00 phút, ngày 05 tháng 02 năm 2021", "thị trấn Mường Xén",
        "Quyết định số 246/QĐ-UBND ngày 25 tháng 01 năm 2021 của Chủ tịch Ủy ban nhân dân tỉnh Nghệ An",
        "Tổng cộng 40 27 13 0 0", "Tổng số: 40 người; có mặt: 27 người, đạt tỷ lệ 67,50%; vắng có lý do: 13 người",
        "Chỉ thị 17", "Chỉ thị 26", "Số đoàn tự kiểm tra đã lập: 10.", "31/BC-UBND ngày 09/10/2020", "khắc phục một phần",
        "Biên bản kết thúc vào hồi 10 giờ 15 phút cùng ngày, gồm 08 trang, được lập thành 03 bản", "công nhận đúng và ký tên./.",
        "không ký biên bản. Lý do: Không có thời gian đọc lại.", "Nơi nhận:", "- Lưu: VT, hồ sơ Đoàn kiểm tra.",
        "06/LCT-VP 30/01/2021 Lịch công tác tuần 5",
    ]  # fmt: skip
    wanted += [f"{n} Phòng {n} {' '.join(map(str, room.heads))}" for n, room in enumerate(signed.attendance.rooms, 1)]  # type: ignore[union-attr]
    wanted += [text for _, _, text, _ in ky_son.FINDINGS] + [text for _, text in ky_son.OBSERVATIONS]
    wanted += ["Giải trình của đơn vị: Đang trình Chủ tịch huyện ký.", *ky_son.OPINION.splitlines()]
    wanted += [name for role, name, *_ in ky_son.PEOPLE if not role.startswith("absent")]
    wanted += [f"Ảnh {n}." for n in range(1, 6)] + [photo.caption for photo in signed.photos]
    assert [words for words in wanted if words not in text] == []
    cells = " ".join(text.split())
    for words, owner, day, report_to in ky_son.recommendations():
        short = "/".join(reversed(day.split("-")))
        row = [w for part in (words, owner, short, report_to) for w in part.split()]
        assert all(w in cells for w in row)


def test_all_letters_of_vietnamese_come_back_as_they_went_in(phone: Phone) -> None:
    vowels = [
        unicodedata.normalize("NFC", vowel + tone)
        for vowel in "aăâeêioôơuưy"
        for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    ]
    letters = "".join([*vowels, *map(str.upper, vowels), "đĐÐbcdfghjklmnpqrstvwxz0123456789.,;:–—…“”()%/₫"])
    for style in STYLES:
        paper = Paper("thử", (Paragraph(((letters, style),), "left", is_indented=False),), True)
        text = (
            pypdf.PdfReader(io.BytesIO(drained(paper_pdf(paper, load_faces(FONTS), lambda _: None))))
            .pages[0]
            .extract_text()
        )
        assert letters in text.replace("\n", ""), style
    faces = load_faces(FONTS)
    assert all(face.glyph(letter) for face in faces.values() for letter in letters)


def test_letters_no_font_has_and_marks_that_turn_text_hurt_nothing() -> None:
    hostile = "Cán bộ 😀 nói \u202eabc\u202c và\u200bviết \ufeff 漢字\x00 xong"
    paper = Paper("thử", (Paragraph(((hostile, REGULAR),)), Paragraph((("x" * 400, BOLD),))), True)
    text = " ".join(read_back(drained(paper_pdf(paper, load_faces(FONTS), lambda _: None))))
    assert "Cán bộ 😀 nói abc vàviết 漢字 xong" in text
    assert text.count("x") == 401  # one in "xong"
    for sheet in sheets_of(paper):
        assert all(
            w.x + load_faces(FONTS)[w.style].width(w.words) * w.size / 1000 <= LEFT + INNER + 0.1
            for w in words_on(sheet)
        )


def test_the_head_is_as_the_decree_asks(signed: Minutes) -> None:
    first = laid_out(signed)[0]
    title, motto = found(first, "CỘNG HÒA"), found(first, "Độc lập - Tự do - Hạnh phúc")
    assert (title.style, motto.style) == (BOLD, BOLD) and (title.size, motto.size) == (12, 13)
    assert title.words == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    faces = load_faces(FONTS)
    rules = [p for p in first.placed if isinstance(p, Stroke)]
    length = faces[BOLD].width(motto.words) * 13 / 1000
    under_motto = next(r for r in rules if 0 < r.points[0][1] - motto.y < 8)
    assert under_motto.points[1][0] - under_motto.points[0][0] == pytest.approx(length, abs=0.1)
    assert under_motto.points[0][0] == pytest.approx(motto.x, abs=0.1)
    body, above = found(first, "CƯƠNG HÀNH CHÍNH"), found(first, "TỈNH NGHỆ AN")
    assert (body.style, above.style, above.size) == (BOLD, REGULAR, 12)
    under_body = next(r for r in rules if 0 < r.points[0][1] - body.y < 8)
    longest = max(
        faces[BOLD].width(w.words) * 12 / 1000
        for w in words_on(first)
        if w.size == 12 and w.style == BOLD and w.x < LEFT + INNER / 3
    )
    assert longest / 3 <= under_body.points[1][0] - under_body.points[0][0] <= longest / 2
    name, subject = found(first, "BIÊN BẢN"), found(first, "kỷ cương hành chính tại Huyện Kỳ Sơn")
    assert (name.style, name.size, subject.style, subject.size) == (BOLD, 14, BOLD, 14)
    assert found(first, "Kỳ Sơn, ngày").style == ITALIC and found(first, "Căn cứ Quyết định").style == ITALIC
    assert found(first, "Căn cứ Quyết định").x == pytest.approx(LEFT + 12.7 * MM)


def test_nothing_stands_in_the_margins_and_pages_are_numbered_from_the_second(phone: Phone, signed: Minutes) -> None:
    faces = load_faces(FONTS)
    for sheet in laid_out(signed):
        for w in words_on(sheet):
            right = w.x + faces[w.style].width(w.words) * w.size / 1000 + w.stretch * w.words.count(" ")
            assert w.x >= LEFT - 10.1 and right <= LEFT + INNER + 0.2, w
            assert TOP <= w.y <= HEIGHT - BOTTOM + 0.1, w
    pages = read_back(made(phone, signed))
    assert not pages[0].startswith("1 ") and [page.split()[0] for page in pages[1:]] == [str(n) for n in range(2, 9)]


def test_body_is_justified_at_14_with_its_first_line_indented(signed: Minutes) -> None:
    first = laid_out(signed)[0]
    start, place = found(first, "Hôm nay, vào hồi"), words_on(first).index(found(first, "Hôm nay, vào hồi"))
    follows = words_on(first)[place + 1]
    assert (start.size, start.x, follows.x) == (14, pytest.approx(LEFT + 36), LEFT)
    faces = load_faces(FONTS)
    for line in (start, follows):
        end = line.x + faces[REGULAR].width(line.words) * 14 / 1000 + line.stretch * line.words.count(" ")
        assert end == pytest.approx(LEFT + INNER, abs=0.05)


def test_signatures_stand_side_by_side_drawn_as_lines_or_left_for_a_pen(signed: Minutes) -> None:
    sheet = next(s for s in laid_out(signed) if any(w.words == "TRƯỞNG ĐOÀN" for w in words_on(s)))
    posts = [found(sheet, text) for text in ("ĐẠI DIỆN ĐƠN VỊ", "NGƯỜI GHI BIÊN BẢN", "TRƯỞNG ĐOÀN")]
    assert posts[0].x < posts[1].x < posts[2].x and len({w.y for w in posts}) == 1
    names = [found(sheet, text) for text in ("Lỳ Y Dờ", "Đặng Thị Quỳnh Ngọc", "Nguyễn Hữu Thuận")]
    assert [w.words for w in names] == ["Lỳ Y Dờ", "Đặng Thị Quỳnh Ngọc", "Nguyễn Hữu Thuận"]  # no academic title
    drawn = [p for p in sheet.placed if isinstance(p, Stroke) and p.is_round]
    assert len(drawn) == 2 * len(ky_son.STROKES)
    points = [xy for stroke in drawn for xy in stroke.points]
    assert all(posts[1].y < y < names[0].y and x > LEFT + INNER / 3 for x, y in points)
    recipients = found(sheet, "Nơi nhận:")
    assert (recipients.style, recipients.size, recipients.x) == (BOLD_ITALIC, 12, LEFT)
    assert found(sheet, "- Lưu: VT").size == 11


def test_a_photo_is_in_the_file_byte_for_byte_two_on_a_page(phone: Phone, signed: Minutes) -> None:
    pdf = made(phone, signed)
    assert all(phone.files.read(photo.sha256) in pdf for photo in signed.photos)
    pictures = [[p.photo.number for p in sheet.placed if isinstance(p, Picture)] for sheet in laid_out(signed)]
    assert [numbers for numbers in pictures if numbers] == [[1, 2], [3, 4], [5]]


def test_a_photo_that_is_not_here_or_is_damaged_leaves_its_frame(phone: Phone, signed: Minutes) -> None:
    gone, broken = signed.photos[0].sha256, signed.photos[1].sha256

    def read(sha256: str) -> bytes | None:
        return None if sha256 == gone else b"\xff\xd8\xff\xc0" if sha256 == broken else phone.files.read(sha256)

    text = " ".join(read_back(drained(minutes_pdf(signed, FONTS, read))))
    assert "Ảnh chưa có trên máy lập bản này" in text and gone[:32] in text
    assert "Tệp ảnh bị hỏng, không in được" in text and broken[:32] in text


def test_a_draft_says_so_on_every_page_and_signed_minutes_carry_the_code(
    phone: Phone, drafted: Minutes, signed: Minutes, code: str
) -> None:
    assert all("BẢN NHÁP / DRAFT" in page for page in read_back(made(phone, drafted, code)))
    assert code not in "".join(read_back(made(phone, drafted, code)))
    for page in read_back(made(phone, signed, code)):
        assert f"Mã biên bản: {code}" in page and "DRAFT" not in page


def test_the_same_minutes_are_the_same_file_and_the_number_comes_later(
    phone: Phone, signed: Minutes, code: str
) -> None:
    again = minutes_of(phone.book.visit(signed.visit))
    assert made(phone, again, code) == made(phone, signed, code)
    phone.book.give_number(signed.visit, "17/BB-ĐKT")
    proof = phone.book.proof(signed.visit)
    assert proof is not None and proof.is_as_signed and proof.code == code
    numbered = minutes_of(phone.book.visit(signed.visit))
    assert replace(numbered, document_number="5/BB-ĐKT") == signed
    assert "Số: 17/BB-ĐKT" in read_back(made(phone, numbered, code))[0]


def test_a_finding_of_ten_thousand_letters_and_a_long_recommendation_run_over_pages(signed: Minutes) -> None:
    long = "Tồn tại kéo dài " * 625
    minutes = replace(
        signed,
        findings=(replace(signed.findings[0], text=long),),
        recommendations=(replace(signed.recommendations[0], text=long),),
    )
    sheets = laid_out(minutes)
    told = " ".join(w.words for sheet in sheets for w in words_on(sheet))
    assert told.count("Tồn tại kéo dài") + told.count("kéo dài") >= 1250
    heads = [sum(w.words == "Nội dung" for w in words_on(sheet)) for sheet in sheets]
    assert max(heads) == 1 and sum(heads) >= 2  # its head again on each page it goes on to


@pytest.mark.parametrize(("rooms", "photos"), [(100, 60)])
def test_a_hundred_rooms_and_sixty_photos(phone: Phone, signed: Minutes, rooms: int, photos: int) -> None:
    attendance = signed.attendance
    assert attendance is not None
    many = tuple(
        replace(attendance.rooms[0], name=f"Phòng số {n} " + "chuyên môn nghiệp vụ " * (n % 4), heads=(n, n, 0, 0, 0))
        for n in range(1, rooms + 1)
    )
    shots = tuple(replace(signed.photos[n % 5], number=n + 1, caption=f"Ảnh thứ {n + 1}") for n in range(photos))
    minutes = replace(signed, attendance=replace(attendance, rooms=many), photos=shots)
    seen: list[float] = []
    work = minutes_pdf(minutes, FONTS, phone.files.read)
    while True:
        try:
            seen.append(next(work))
        except StopIteration as done:
            pages = read_back(done.value)
            break
    assert seen == sorted(seen) and len(seen) > len(pages) and seen[-1] <= 1
    text = " ".join(pages)
    assert "xem Phụ lục I." in text and f"gồm {len(pages)} trang" in text
    in_annex = [page for page in pages if "Phòng, bộ phận" in page]
    assert len(in_annex) >= 4 and all("Vắng chưa rõ lý do" in page for page in in_annex)
    for n in range(1, rooms + 1):
        assert re.search(rf"\b{n} Phòng số {n}\b", text), n
    assert [n for n in range(1, photos + 1) if f"Ảnh {n}. Ảnh thứ {n}." not in text] == []


def test_the_pages_said_are_the_pages_made_whatever_their_number() -> None:
    for count in (1, 9, 10, 99):
        blocks = (
            Paragraph(((f"gồm {PAGES} trang", REGULAR),)),
            *(Paragraph((("trang", REGULAR),), starts_page=True),) * (count - 1),
        )
        sheets = sheets_of(Paper("thử", blocks, False))
        assert len(sheets) == count and found(sheets[0], "gồm").words == f"gồm {count:02d} trang"


def test_fonts_that_are_not_there_are_said_plainly(tmp_path: Path, drafted: Minutes) -> None:
    load_faces.cache_clear()
    with pytest.raises(OSError):
        drained(minutes_pdf(drafted, tmp_path, lambda _: None))
    load_faces.cache_clear()
