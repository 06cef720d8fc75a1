"""A PDF file, object by object (ISO 32000-1): pages of text, lines, pictures. The same calls give the same bytes.

Why not a package: fpdf2 brings fontTools, 6 MB of sources that take seconds to import in a browser and seconds more, in one
piece, to cut fonts down; reportlab does not import without Pillow, which no browser has; and their files change with their
versions, where two phones must make one and the same file of the same minutes.

Measures are points from the upper left corner of the page. Each letter has a number of its own in a font, so that what is
copied out of the file is what was put in, also where two letters look alike or the font has no picture of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.minutes.faces import Face

A4 = (595.28, 841.89)


def number(value: float) -> str:
    """A number as PDF writes it, to a hundredth."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def pdf_text(value: str) -> str:
    """A text string for the file's own facts."""
    return f"<FEFF{value.encode('utf-16-be').hex().upper()}>"


@dataclass
class Page:
    """One page being written."""

    content: list[str] = field(default_factory=list)
    faces: set[str] = field(default_factory=set)
    pictures: dict[str, int] = field(default_factory=dict)
    """Name on this page → its object."""


class PdfFile:
    """Write pages, then `finish`. `faces` by style, as `load_faces` gives them."""

    def __init__(self, faces: dict[str, Face], size: tuple[float, float] = A4):
        self._faces, self._size = faces, size
        self._objects: list[bytes] = [b"", b""]  # catalogue and page tree come last and have the first numbers
        self._letters: dict[str, dict[str, int]] = {style: {} for style in faces}
        self._pages: list[Page] = []
        self._pictures: dict[str, int] = {}

    def add_page(self) -> Page:
        page = Page()
        self._pages.append(page)
        return page

    @property
    def pages(self) -> Sequence[Page]:
        return self._pages

    def text(
        self,
        page: Page,
        x: float,
        y: float,
        words: str,
        style: str,
        size: float,
        stretch: float = 0.0,
        grey: float = 0.0,
    ) -> None:
        """A line whose letters stand on `y`. `stretch` is added to each space, in points."""
        page.faces.add(style)
        numbers, known = [], self._letters[style]
        for letter in words:
            numbers.append(f"{known.setdefault(letter, len(known) + 1):04X}")
        shown = f"<{''.join(numbers)}> Tj"
        if stretch and " " in words:
            wider = number(-stretch * 1000 / size)
            parts: list[str] = []
            for letter, code in zip(words, numbers, strict=True):
                parts.append(f"{code}> {wider} <" if letter == " " else code)
            shown = f"[<{''.join(parts)}>] TJ"
        paint, black = (f"{number(grey)} g ", " 0 g") if grey else ("", "")
        page.content.append(
            f"{paint}BT /{style} {number(size)} Tf {number(x)} {number(self._size[1] - y)} Td {shown} ET{black}"
        )

    def line(
        self, page: Page, points: Sequence[tuple[float, float]], thickness: float, *, is_round: bool = False
    ) -> None:
        """A line through points; `is_round` as a pen draws it."""
        path = " ".join(
            f"{number(x)} {number(self._size[1] - y)} {'l' if place else 'm'}" for place, (x, y) in enumerate(points)
        )
        ends = "1 J 1 j" if is_round else "0 J 0 j"
        page.content.append(f"{ends} {number(thickness)} w {path} S")

    def box(self, page: Page, x: float, y: float, width: float, height: float, *, thickness: float = 0.0) -> None:
        """A rectangle from its upper left corner: filled black, or only its edge where a thickness is given."""
        place = f"{number(x)} {number(self._size[1] - y - height)} {number(width)} {number(height)} re"
        page.content.append(f"0 J 0 j {number(thickness)} w {place} S" if thickness else f"{place} f")

    def jpeg(self, page: Page, name: str, data: bytes, x: float, y: float, width: float, height: float) -> None:
        """A photo as it is, its bytes unchanged, from its upper left corner. `name` is the same for the same photo."""
        if name not in self._pictures:
            self._pictures[name] = self._add(_picture(data))
        drawn = f"P{self._pictures[name]}"
        page.pictures[drawn] = self._pictures[name]
        page.content.append(
            f"q {number(width)} 0 0 {number(height)} {number(x)} {number(self._size[1] - y - height)} cm /{drawn} Do Q"
        )

    def finish(self, title: str, keywords: str = "") -> bytes:
        """The whole file."""
        fonts = {style: self._font(style) for style, letters in self._letters.items() if letters}
        numbers = [self._page(page, fonts) for page in self._pages]
        self._objects[0] = (
            b"<< /Type /Catalog /Pages 2 0 R /Lang (vi) /ViewerPreferences << /DisplayDocTitle true >> >>"
        )
        kids = " ".join(f"{n} 0 R" for n in numbers)
        self._objects[1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(numbers)} >>".encode()
        facts = f"<< /Title {pdf_text(title)} /Keywords {pdf_text(keywords)} /Creator {pdf_text('Sổ kiểm tra')} >>"
        about = self._add(facts.encode())
        out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for place, content in enumerate(self._objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (place, content)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % at for at in places)
        out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(places) + 1,
            about,
            start,
        )
        return bytes(out)

    def _add(self, content: bytes) -> int:
        self._objects.append(content)
        return len(self._objects)

    def _page(self, page: Page, fonts: dict[str, int]) -> int:
        content = self._add(_stream("\n".join(page.content).encode()))
        named = " ".join(f"/{style} {fonts[style]} 0 R" for style in sorted(page.faces))
        shown = " ".join(f"/{name} {n} 0 R" for name, n in page.pictures.items())
        width, height = self._size
        return self._add(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {number(width)} {number(height)}] /Contents {content} 0 R "
            f"/Resources << /Font << {named} >> /XObject << {shown} >> >> >>".encode()
        )

    def _font(self, style: str) -> int:
        face, letters = self._faces[style], self._letters[style]
        file, placed = face.cut(face.glyph(letter) for letter in letters)
        program = self._add(_stream(file, f"/Length1 {len(file)}"))
        box = " ".join(map(str, face.box))
        name = f"KTMINH+{face.name}"
        descriptor = self._add(
            f"<< /Type /FontDescriptor /FontName /{name} /Flags {6 | 64 * face.is_italic} /FontBBox [{box}] "
            f"/ItalicAngle {-16 if face.is_italic else 0} /Ascent {face.ascent} /Descent {face.descent} /CapHeight 655 "
            f"/StemV {140 if 'Bold' in style else 80} /FontFile2 {program} 0 R >>".encode()
        )
        glyphs = [0, *(face.glyph(letter) for letter in letters)]
        widths = " ".join(str(face.widths[glyph]) for glyph in glyphs)
        glyph_map = self._add(_stream(b"".join(placed[glyph].to_bytes(2, "big") for glyph in glyphs)))
        below = self._add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {descriptor} 0 R /DW 0 "
            f"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /W [0 [{widths}]] "
            f"/CIDToGIDMap {glyph_map} 0 R >>".encode()
        )
        meaning = self._add(_stream(_meaning(letters)))
        return self._add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H /DescendantFonts [{below} 0 R] "
            f"/ToUnicode {meaning} 0 R >>".encode()
        )


def _stream(content: bytes, more: str = "") -> bytes:
    # Not packed: machines pack differently, and fonts cut down to the letters used are small as they are.
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), more.encode(), content)


def _meaning(letters: dict[str, int]) -> bytes:
    """Number of a letter in the font → the letter (a ToUnicode map)."""
    lines = [f"<{n:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, n in letters.items()]
    blocks = []
    for first in range(0, len(lines), 100):  # no block may have more
        block = lines[first : first + 100]
        blocks += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
            "1 begincodespacerange <0000> <FFFF> endcodespacerange",
            *blocks,
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        ]
    ).encode()


class NotAJpeg(ValueError):
    """These bytes are no JPEG that a PDF can show."""


def jpeg_facts(data: bytes) -> tuple[int, int, int]:
    """(width, height, colours) of a JPEG: 1 grey, 3 colour, 4 printing inks. Raises NotAJpeg."""
    at = 2
    if data[:2] != b"\xff\xd8":
        raise NotAJpeg("no start of an image")
    while at + 9 < len(data):
        if data[at] != 0xFF:
            raise NotAJpeg("no marker where one must stand")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in (0xC0, 0xC1, 0xC2) or data[at + 4] != 8:
                raise NotAJpeg("a kind of JPEG that PDF does not know")
            height, width = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            colours = data[at + 9]
            if not width or not height or colours not in (1, 3, 4):
                raise NotAJpeg("a picture of no size")
            return width, height, colours
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise NotAJpeg("no frame")


def _picture(data: bytes) -> bytes:
    width, height, colours = jpeg_facts(data)
    space = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"}[colours]
    head = (
        f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace {space} /BitsPerComponent 8 "
        f"/Filter /DCTDecode /Length {len(data)} >>\nstream\n"
    )
    return head.encode() + data + b"\nendstream"
