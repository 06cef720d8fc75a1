"""The minutes for Word: the same words as on the PDF, and LibreOffice opens them to the same paper."""

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pypdf
import pytest

from app.minutes.blocks import PAGES, Paragraph, Table
from app.minutes.content import minutes_of
from app.minutes.docx import minutes_docx
from app.minutes.facts import Minutes
from app.minutes.pdf import drained, minutes_pdf
from app.minutes.wording import minutes_paper
from tests.field import ASSETS, Phone
from tests.minutes.ky_son import sign, visit_ky_son

FONTS = ASSETS / "fonts"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    phone = Phone(tmp_path_factory.mktemp("phone"), seed=7)
    phone.enrol_alone()
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def minutes(phone: Phone) -> Minutes:
    visit = visit_ky_son(phone)
    sign(phone, visit)
    return minutes_of(phone.book.visit(visit))


def words_of_pdf(pdf: bytes) -> list[str]:
    """Words in alphabetical order, without what stands in the margins and how often the heads of tables come again."""
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    text = re.sub(r"Mã biên bản: \S+", "", text)
    return sorted({word for word in text.split() if not word.isdigit()})


def test_word_says_what_the_pdf_says(phone: Phone, minutes: Minutes) -> None:
    made = minutes_docx(minutes, FONTS, phone.files.read)
    assert made == minutes_docx(minutes, FONTS, phone.files.read)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, content in parts.items():
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(content)
    document = ElementTree.fromstring(parts["word/document.xml"])
    text = " ".join("".join(t.text or "" for t in p.iter(f"{WORD}t")) for p in document.iter(f"{WORD}p"))
    pdf = drained(minutes_pdf(minutes, FONTS, phone.files.read))
    assert sorted({word for word in text.split() if not word.isdigit()}) == words_of_pdf(pdf)
    photos = [content for name, content in parts.items() if name.startswith("word/media/")]
    assert photos == [phone.files.read(photo.sha256) for photo in minutes.photos]
    assert parts["word/document.xml"].count(b"<v:shape ") == 2 and b"NUMPAGES" in parts["word/document.xml"]
    assert parts["word/document.xml"].count(b"<w:tblHeader/>") == 3
    margins = document.find(f".//{WORD}pgMar")
    assert margins is not None and [margins.get(f"{WORD}{side}") for side in ("top", "bottom", "left", "right")] == [
        "1134", "1134", "1701", "1134",
    ]  # fmt: skip


def test_a_photo_that_is_not_here_leaves_its_words(minutes: Minutes) -> None:
    made = minutes_docx(minutes, FONTS, lambda _: None)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.read("word/document.xml").count(b"SHA-256: ") == 5
        assert not [name for name in archive.namelist() if "media" in name]


@pytest.mark.long
def test_libreoffice_opens_it_to_the_same_paper(phone: Phone, minutes: Minutes, tmp_path: Path) -> None:
    file = tmp_path / "bien-ban.docx"
    file.write_bytes(minutes_docx(minutes, FONTS, phone.files.read))
    for kind in ("pdf", "txt:Text (encoded):UTF8"):
        office = [
            "soffice", f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", kind,
            "--outdir", str(tmp_path), str(file),
        ]  # fmt: skip
        subprocess.run(office, check=True, capture_output=True, timeout=120)
    text = "".join((tmp_path / "bien-ban.txt").read_text("utf-8-sig").split())
    paper = minutes_paper(minutes)
    paragraphs = [b.words for b in paper.blocks if isinstance(b, Paragraph) and PAGES not in b.words]
    cells = [cell for b in paper.blocks if isinstance(b, Table) for row in (*b.rows, b.total) for cell in row]
    assert len(paragraphs) > 50 and len(cells) > 70
    assert [words for words in (*paragraphs, *cells) if "".join(words.split()) not in text] == []
    pages = pypdf.PdfReader(tmp_path / "bien-ban.pdf").pages
    expected = pypdf.PdfReader(io.BytesIO(drained(minutes_pdf(minutes, FONTS, phone.files.read)))).pages
    assert abs(len(pages) - len(expected)) <= 1  # Word's own fonts stand in for ours
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    assert len({image.data for page in pages for image in page.images}) == 5
