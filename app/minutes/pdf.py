"""The minutes as a PDF, made slice by slice on the phone or at central, with no network and no clock: the same facts, photos
and code give the same bytes on every machine.
"""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from app.minutes.beside import absences_paper, supplement_paper
from app.minutes.blocks import BOLD, ITALIC, REGULAR, Paper
from app.minutes.faces import Face, load_faces
from app.minutes.facts import Absence, Minutes, Supplement
from app.minutes.layout import HEIGHT, INNER, LEFT, MM, TOP, WIDTH, Picture, Sheet, Words, lay_out
from app.minutes.pdf_file import NotAJpeg, Page, PdfFile, jpeg_facts
from app.minutes.wording import minutes_paper

Slices = Generator[float, None, bytes]
"""Yields the share done so far, 0 to 1; returns the file."""

DRAFT = "BẢN NHÁP / DRAFT"
QR_SIDE = 13 * MM
FOOT = HEIGHT - 11 * MM
"""Where the words of the footer stand: in the bottom margin."""


def minutes_pdf(minutes: Minutes, fonts: Path, read_photo: Callable[[str], bytes | None], code: str = "") -> Slices:
    """The minutes of a visit. `fonts` is …/assets/fonts; `read_photo` gives a photo's bytes by SHA-256, None when they are not here.

    `code` (`app.proof.code_of`) stands under every page of signed minutes, also as a QR code. Raises OSError when the fonts cannot be
    read.
    """
    return paper_pdf(minutes_paper(minutes), load_faces(fonts), read_photo, code)


def supplement_pdf(minutes: Minutes, supplement: Supplement, fonts: Path, code: str, own_code: str) -> Slices:
    """A supplement to the minutes, which `code` belongs to; `own_code` is the supplement's once somebody has signed it."""
    return paper_pdf(supplement_paper(minutes, supplement, code), load_faces(fonts), _no_photo, own_code)


def absences_pdf(minutes: Minutes, absences: Sequence[Absence], fonts: Path) -> Slices:
    """Phụ lục IV, of limited circulation; nothing but a phone of the team makes it, and it is never kept or sent."""
    return paper_pdf(absences_paper(minutes, absences), load_faces(fonts), _no_photo)


def _no_photo(_sha256: str) -> bytes | None:
    return None


def paper_pdf(
    paper: Paper,
    faces: dict[str, Face],
    read_photo: Callable[[str], bytes | None],
    code: str = "",
) -> Slices:
    """Any paper as a PDF; a draft carries no code."""
    code = "" if paper.is_draft else code
    sheets = yield from _laid_out(paper, faces)
    squares = _squares(code) if code else ()
    file = PdfFile(faces)
    for place, sheet in enumerate(sheets, 1):
        page = file.add_page()
        _margins(file, page, faces, place, paper.is_draft, code)
        _qr(file, page, squares)
        for placed in sheet.placed:
            if isinstance(placed, Words):
                file.text(page, placed.x, placed.y, placed.words, placed.style, placed.size, placed.stretch)
            elif isinstance(placed, Picture):
                _photo(file, page, placed, read_photo(placed.photo.sha256))
            else:
                file.line(page, placed.points, placed.thickness, is_round=placed.is_round)
        yield 0.3 + 0.65 * place / len(sheets)
    return file.finish(paper.title, code)


def drained(slices: Slices) -> bytes:
    """The file at once, for whoever has nothing else to do meanwhile."""
    while True:
        try:
            next(slices)
        except StopIteration as made:
            return bytes(made.value)


def _laid_out(paper: Paper, faces: dict[str, Face]) -> Generator[float, None, list[Sheet]]:
    steps, work = 0, lay_out(paper, faces)
    while True:
        try:
            next(work)
        except StopIteration as done:
            sheets: list[Sheet] = done.value
            return sheets
        steps += 1
        yield min(0.3, 0.1 * steps / len(paper.blocks))


def _margins(file: PdfFile, page: Page, faces: dict[str, Face], place: int, is_draft: bool, code: str) -> None:
    """The page's number above, not on the first; the draft's mark or the code below."""
    if place > 1:
        number = str(place)
        wide = faces[REGULAR].width(number) * 14 / 1000
        file.text(page, (LEFT + LEFT + INNER - wide) / 2, TOP - 5 * MM, number, REGULAR, 14)
    if is_draft:
        wide = faces[BOLD].width(DRAFT) * 11 / 1000
        file.box(page, WIDTH - 20 * MM - wide - 8, FOOT - 12, wide + 8, 17, thickness=0.8)
        file.text(page, WIDTH - 20 * MM - wide - 4, FOOT, DRAFT, BOLD, 11)
        file.text(page, LEFT, FOOT, "Bản nháp, chưa ký", ITALIC, 10)
    elif code:
        file.text(page, LEFT + QR_SIDE + 6, FOOT, f"Mã biên bản: {code}", REGULAR, 10)


def _squares(content: str) -> tuple[tuple[int, int, int], ...]:
    """(column, row, length) of each black bar of a QR code, and as the last (0, 0, side)."""
    import segno

    code = segno.make(content, error="m", micro=False)
    bars = []
    rows = list(code.matrix_iter(scale=1, border=0))
    for y, row in enumerate(rows):
        start = None
        for x, is_dark in enumerate([*row, 0]):
            if is_dark and start is None:
                start = x
            elif not is_dark and start is not None:
                bars.append((start, y, x - start))
                start = None
    return (*bars, (0, 0, len(rows)))


def _qr(file: PdfFile, page: Page, squares: tuple[tuple[int, int, int], ...]) -> None:
    if not squares:
        return
    *bars, (_, _, side) = squares
    unit = QR_SIDE / side
    top = HEIGHT - 17 * MM
    for x, y, length in bars:
        file.box(page, LEFT + x * unit, top + y * unit, length * unit, unit)


def _photo(file: PdfFile, page: Page, placed: Picture, data: bytes | None) -> None:
    """The photo, or its frame saying why it is not there: minutes never wait for one."""
    words = "Ảnh chưa có trên máy lập bản này"
    if data is not None:
        try:
            jpeg_facts(data)
        except NotAJpeg:
            words = "Tệp ảnh bị hỏng, không in được"
        else:
            file.jpeg(page, placed.photo.sha256, data, placed.x, placed.y, placed.width, placed.height)
            return
    file.box(page, placed.x, placed.y, placed.width, placed.height, thickness=0.5)
    file.text(page, placed.x + 10, placed.y + 22, words, ITALIC, 12)
    file.text(page, placed.x + 10, placed.y + 38, f"SHA-256: {placed.photo.sha256[:32]}", REGULAR, 10)
    file.text(page, placed.x + 10, placed.y + 52, placed.photo.sha256[32:], REGULAR, 10)
