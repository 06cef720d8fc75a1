"""The minutes as a Word file (OOXML, ECMA-376), for offices that go on working with them; made natively and at central.

The same blocks as the PDF in the same sizes. It names Times New Roman, which every Word has. Word counts its own pages.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from app.minutes.blocks import (
    BOLD,
    BOLD_ITALIC,
    ITALIC,
    PAGES,
    REGULAR,
    Block,
    Head,
    HeadLine,
    Paper,
    Paragraph,
    PhotoPlate,
    Recipients,
    Run,
    Signatures,
    Signer,
    Table,
)
from app.minutes.faces import Face, load_faces
from app.minutes.facts import Minutes
from app.minutes.layout import HEAD_LEFT, INNER, PLATE_HEIGHT, SIGNING_HEIGHT, shown
from app.minutes.pdf import DRAFT
from app.minutes.pdf_file import NotAJpeg, jpeg_facts
from app.minutes.wording import minutes_paper

_TIME = (2026, 1, 1, 0, 0, 0)
_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_JC = {"justify": "both", "left": "left", "center": "center", "right": "right"}
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def minutes_docx(minutes: Minutes, fonts: Path, read_photo: Callable[[str], bytes | None], code: str = "") -> bytes:
    """The minutes as a .docx. `fonts` is …/assets/fonts, for measuring; `read_photo` and `code` as for the PDF. Raises OSError."""
    return paper_docx(minutes_paper(minutes), load_faces(fonts), read_photo, code)


def paper_docx(
    paper: Paper, faces: Mapping[str, Face], read_photo: Callable[[str], bytes | None], code: str = ""
) -> bytes:
    """Any paper as a .docx, the same bytes for the same paper."""
    writer = _Writer(faces, read_photo)
    body = "".join(writer.block(block) for block in paper.blocks)
    words = DRAFT if paper.is_draft else f"Mã biên bản: {code}" if code else ""
    section = (
        '<w:sectPr><w:headerReference w:type="default" r:id="rId2"/><w:footerReference w:type="default" r:id="rId3"/>'
        '<w:footerReference w:type="first" r:id="rId3"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1134" w:bottom="1134" w:left="1701" w:right="1134" w:header="567" w:footer="567" w:gutter="0"/>'
        "<w:titlePg/></w:sectPr>"
    )
    number = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
    number += '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    parts = {
        "[Content_Types].xml": _HEAD
        + '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        + '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + '<Default Extension="xml" ContentType="application/xml"/><Default Extension="jpg" ContentType="image/jpeg"/>'
        + "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'wordprocessingml.{kind}+xml"/>'
            for name, kind in (
                ("document", "document.main"),
                ("styles", "styles"),
                ("header1", "header"),
                ("footer1", "footer"),
            )
        )
        + '<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        "_rels/.rels": _relations(
            [
                ("rId1", f"{_RELATIONS}/officeDocument", "word/document.xml"),
                (
                    "rId2",
                    "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
                    "docProps/core.xml",
                ),
            ]
        ),
        "docProps/core.xml": _HEAD
        + '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        + f"<dc:title>{escape(shown(paper.title))}</dc:title><dc:language>vi-VN</dc:language></cp:coreProperties>",
        "word/styles.xml": _HEAD
        + f'<w:styles {_SPACES}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Times New Roman" '
        'w:hAnsi="Times New Roman" w:cs="Times New Roman" w:eastAsia="Times New Roman"/><w:sz w:val="28"/>'
        '<w:szCs w:val="28"/><w:lang w:val="vi-VN"/></w:rPr></w:rPrDefault></w:docDefaults></w:styles>',
        "word/header1.xml": _HEAD
        + f'<w:hdr {_SPACES}><w:p><w:pPr><w:jc w:val="center"/></w:pPr>{number}</w:p></w:hdr>',
        "word/footer1.xml": _HEAD + f"<w:ftr {_SPACES}>{_paragraph(_run(words, REGULAR, 10))}</w:ftr>",
        "word/document.xml": _HEAD + f"<w:document {_SPACES}><w:body>{body}{section}</w:body></w:document>",
        "word/_rels/document.xml.rels": _relations(
            [
                ("rId1", f"{_RELATIONS}/styles", "styles.xml"),
                ("rId2", f"{_RELATIONS}/header", "header1.xml"),
                ("rId3", f"{_RELATIONS}/footer", "footer1.xml"),
                *((f"rId{n}", f"{_RELATIONS}/image", f"media/photo{n}.jpg") for n in writer.pictures),
            ]
        ),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), text.encode(), zipfile.ZIP_DEFLATED)
        for n, data in writer.pictures.items():
            archive.writestr(zipfile.ZipInfo(f"word/media/photo{n}.jpg", _TIME), data, zipfile.ZIP_STORED)
    return out.getvalue()


def _relations(listed: Iterable[tuple[str, str, str]]) -> str:
    lines = "".join(f'<Relationship Id="{id}" Type="{kind}" Target="{target}"/>' for id, kind, target in listed)
    return f'{_HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{lines}</Relationships>'


def _run(words: str, style: str, size: float) -> str:
    marks = ("<w:b/>" if style in (BOLD, BOLD_ITALIC) else "") + ("<w:i/>" if style in (ITALIC, BOLD_ITALIC) else "")
    look = f'<w:rPr>{marks}<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/></w:rPr>'
    pieces = [
        f'<w:r>{look}<w:t xml:space="preserve">{escape(piece)}</w:t></w:r>' if piece else ""
        for piece in shown_keeping_pages(words)
    ]
    counted = f'<w:fldSimple w:instr=" NUMPAGES \\# &quot;00&quot; "><w:r>{look}<w:t>1</w:t></w:r></w:fldSimple>'
    return counted.join(pieces)


def shown_keeping_pages(words: str) -> list[str]:
    """What stands before, between and after the places for the number of pages."""
    return [shown(piece) for piece in words.split(PAGES)]


def _paragraph(
    runs: str, align: str = "left", *, after: float = 0, first: float = 0, more: str = "", keeps: bool = False
) -> str:
    kept = "<w:keepNext/>" if keeps else ""
    return (
        f'<w:p><w:pPr>{kept}{more}<w:spacing w:before="0" w:after="{round(after * 20)}" w:line="240" w:lineRule="auto"/>'
        f'<w:ind w:firstLine="{round(first * 20)}"/><w:jc w:val="{_JC[align]}"/></w:pPr>{runs}</w:p>'
    )


def _rule(share: float, of: float, width: float) -> str:
    """A line in the middle of a column, as long as a share of the text above it: the lower edge of a low paragraph."""
    side = round(max(0.0, (width - min(of, width) * share) / 2) * 20)
    return (
        '<w:p><w:pPr><w:pBdr><w:bottom w:val="single" w:sz="6" w:space="0" w:color="000000"/></w:pBdr>'
        f'<w:spacing w:before="0" w:after="60" w:line="60" w:lineRule="exact"/><w:ind w:left="{side}" w:right="{side}"/>'
        '<w:rPr><w:sz w:val="4"/></w:rPr></w:pPr></w:p>'
    )


def _cell(content: str, width: float) -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{round(width * 20)}" w:type="dxa"/></w:tcPr>{content}</w:tc>'


def _grid(widths: Sequence[float], rows: str, *, has_lines: bool) -> str:
    kind = "single" if has_lines else "nil"
    sides = ("top", "left", "bottom", "right", "insideH", "insideV")
    edges = "".join(f'<w:{side} w:val="{kind}" w:sz="4" w:space="0" w:color="000000"/>' for side in sides)
    columns = "".join(f'<w:gridCol w:w="{round(width * 20)}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{round(sum(widths) * 20)}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="80" w:type="dxa"/><w:right w:w="80" w:type="dxa"/>'
        f"</w:tblCellMar></w:tblPr><w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl>"
    )


class _Writer:
    """Blocks as WordprocessingML; `pictures` gathers the photos by the number of their relation."""

    def __init__(self, faces: Mapping[str, Face], read_photo: Callable[[str], bytes | None]):
        self.faces, self.read_photo = faces, read_photo
        self.pictures: dict[int, bytes] = {}

    def width(self, words: str, style: str, size: float) -> float:
        return self.faces[style].width(words) * size / 1000

    def block(self, block: Block) -> str:
        if isinstance(block, Paragraph):
            return self.paragraph(block)
        if isinstance(block, Head):
            left = INNER * HEAD_LEFT
            cells = _cell(self.column(block.left, left), left)
            cells += _cell(self.column(block.right, INNER - left), INNER - left)
            return _grid((left, INNER - left), f"<w:tr>{cells}</w:tr>", has_lines=False) + _paragraph("", after=8)
        if isinstance(block, Table):
            return self.table(block)
        if isinstance(block, Signatures):
            return "".join(self.signers(block.signers[place : place + 3]) for place in range(0, len(block.signers), 3))
        if isinstance(block, Recipients):
            lines = [_paragraph(_run("Nơi nhận:", BOLD_ITALIC, 12), keeps=True)]
            return "".join([*lines, *(_paragraph(_run(line, REGULAR, 11)) for line in block.lines)])
        return self.plate(block)

    def paragraph(self, block: Paragraph) -> str:
        runs = "".join(_run(words, style, block.size) for words, style in block.runs)
        turn = "<w:pageBreakBefore/>" if block.starts_page else ""
        after = 0 if block.rule else block.after
        made = _paragraph(
            runs, block.align, after=after, first=36 if block.is_indented else 0, more=turn, keeps=block.level > 0
        )
        if block.rule:
            longest = min(INNER, self.total(block.runs, block.size))
            made += _rule(block.rule, longest, INNER) + _paragraph("", after=2)
        return made

    def total(self, runs: Iterable[Run], size: float) -> float:
        return sum(self.width(words, style, size) for words, style in runs)

    def column(self, lines: Sequence[HeadLine], width: float) -> str:
        made = ""
        for line in lines:
            made += _paragraph(_run(line.words, line.style, line.size), "center")
            if line.rule:
                made += _rule(line.rule, self.width(line.words, line.style, line.size), width - 8)
        return made

    def table(self, table: Table) -> str:
        widths = [column.share * INNER for column in table.columns]

        def row(cells: Sequence[str], style: str, aligns: Sequence[str], marks: str) -> str:
            made = "".join(
                _cell(_paragraph(_run(words, style, table.size), align), width)
                for words, width, align in zip(cells, widths, aligns, strict=True)
            )
            return f"<w:tr><w:trPr><w:cantSplit/>{marks}</w:trPr>{made}</w:tr>"

        aligns = [column.align for column in table.columns]
        rows = row([c.title for c in table.columns], BOLD, ["center"] * len(widths), "<w:tblHeader/>")
        rows += "".join(row(cells, REGULAR, aligns, "") for cells in table.rows)
        if table.total:
            rows += row(table.total, BOLD, aligns, "")
        return _grid(widths, rows, has_lines=True) + _paragraph("", after=2)

    def signers(self, signers: Sequence[Signer]) -> str:
        """Three rows, so that names stand side by side: who signs and how, the signature, the name."""
        width = INNER / max(2, len(signers))
        posts, drawn, names = "", "", ""
        for signer in signers:
            post = _paragraph(_run(signer.post, BOLD, 13), "center", keeps=True)
            posts += _cell(post + _paragraph(_run(signer.how, ITALIC, 11), "center", keeps=True), width)
            given = signer.signature
            strokes = given.strokes if given and given.method == "drawn_on_screen" else ()
            drawn += _cell(_paragraph(_drawn(strokes, width - 20), "center", keeps=True), width)
            names += _cell(_paragraph(_run(signer.name, BOLD, 14), "center", after=6), width)
        tall = f'<w:trHeight w:val="{round(SIGNING_HEIGHT * 20)}" w:hRule="exact"/>'
        rows = "".join(
            f"<w:tr><w:trPr><w:cantSplit/>{more}</w:trPr>{cells}</w:tr>"
            for cells, more in ((posts, ""), (drawn, tall), (names, ""))
        )
        return _grid([width] * len(signers), rows, has_lines=False) + _paragraph("")

    def plate(self, plate: PhotoPlate) -> str:
        photo = plate.photo
        data = self.read_photo(photo.sha256)
        try:
            if data is None:
                raise NotAJpeg
            jpeg_facts(data)
        except NotAJpeg:
            words = f"(Ảnh chưa có hoặc không in được, SHA-256: {photo.sha256})"
            made = _paragraph(_run(words, ITALIC, 12), "center", keeps=True)
        else:
            n = len(self.pictures) + 4
            self.pictures[n] = data
            scale = min(INNER / max(1, photo.width), PLATE_HEIGHT / max(1, photo.height)) * 12700
            made = _paragraph(
                _picture(n, round(photo.width * scale), round(photo.height * scale)), "center", keeps=True
            )
        for place, words in enumerate(plate.caption):
            last = place == len(plate.caption) - 1
            style = REGULAR if place else ITALIC
            made += _paragraph(_run(words, style, 13), "center", after=12 if last else 0, keeps=not last)
        return made


def _picture(n: int, width: int, height: int) -> str:
    """A photo in the line; measures in EMU (1/12700 of a point)."""
    return (
        f'<w:r><w:drawing><wp:inline><wp:extent cx="{width}" cy="{height}"/><wp:docPr id="{n}" name="photo{n}"/>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr>'
        f'<pic:cNvPr id="{n}" name="photo{n}.jpg"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="rId{n}"/>'
        '<a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>'
        f'<a:ext cx="{width}" cy="{height}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def _drawn(strokes: Sequence[Sequence[int]], width: float) -> str:
    """A signature as lines (VML, which Word and LibreOffice both draw), in the shape it was drawn in; nothing for no strokes."""
    paths = [tuple(zip(stroke[::2], stroke[1::2], strict=False)) for stroke in strokes if len(stroke) > 1]
    points = [point for path in paths for point in path]
    if not points:
        return ""
    left, top = min(x for x, _ in points), min(y for _, y in points)
    wide, tall = max(1, max(x for x, _ in points) - left), max(1, max(y for _, y in points) - top)
    scale = min(width / 1000, width / wide, (SIGNING_HEIGHT - 10) / tall)
    path = " ".join(
        " ".join(f"{'l' if place else 'm'}{x - left},{y - top}" for place, (x, y) in enumerate(points))
        for points in (path if len(path) > 1 else (*path, (path[0][0] + 1, path[0][1])) for path in paths)
    )
    style = f"width:{wide * scale:.1f}pt;height:{tall * scale:.1f}pt"
    return (
        f'<w:r><w:pict><v:shape coordorigin="0,0" coordsize="{wide},{tall}" style="{style}" filled="f" '
        f'strokecolor="black" strokeweight="1.1pt" path={quoteattr(f"{path} e")}/></w:pict></w:r>'
    )
