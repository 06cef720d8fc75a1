"""Blocks laid out on A4 pages by decree 30/2020, Appendix I: what stands where, with nothing drawn yet.

Measures are points. Laying out goes block by block, so that a screen can live meanwhile; the number of pages, which the
closing sentence says, is found by laying out until it stays the same.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

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
from app.minutes.faces import Face
from app.minutes.facts import Photo
from app.minutes.pdf_file import A4

MM = 72 / 25.4
WIDTH, HEIGHT = A4
TOP, BOTTOM, LEFT, RIGHT = 20 * MM, 20 * MM, 30 * MM, 20 * MM
INNER = WIDTH - LEFT - RIGHT
INDENT = 12.7 * MM
LINE = 1.15
"""Height of a single-spaced line over its size; Times New Roman has the same."""
ASCENT = 0.891
HEAD_LEFT = 0.42
"""Share of the width that the left column of the head has."""
GAP_IN_HEAD = 8.0
RULE = 0.75
CELL_SIDE, CELL_TOP = 4.0, 2.5
SIGNING_HEIGHT = 68.0
"""Room for a signature, under the post and above the name."""
STROKE = 1.1
PLATE_HEIGHT = 268.0
"""What a photo may take of the height, so that two stand on a page with their captions."""
PAGE_LIMIT = 5000


@dataclass(frozen=True)
class Words:
    x: float
    y: float
    """Where the letters stand."""
    words: str
    style: str
    size: float
    stretch: float = 0.0


@dataclass(frozen=True)
class Stroke:
    points: tuple[tuple[float, float], ...]
    thickness: float
    is_round: bool = False


@dataclass(frozen=True)
class Picture:
    photo: Photo
    x: float
    y: float
    width: float
    height: float


Placed: TypeAlias = Words | Stroke | Picture


@dataclass
class Sheet:
    """A page as it will be drawn."""

    placed: list[Placed] = field(default_factory=list)


Piece: TypeAlias = tuple[str, str]
"""(words of a line in one style, style)"""


@dataclass(frozen=True)
class TextLine:
    """A line as it was broken: its pieces, their width, and whether the next line goes on with the paragraph."""

    pieces: tuple[Piece, ...]
    width: float
    goes_on: bool

    @property
    def spaces(self) -> int:
        return sum(words.count(" ") for words, _ in self.pieces)


def shown(words: str) -> str:
    """Words as paper can hold them: no line breaks, nothing that turns or hides letters."""
    return "".join(
        " " if letter in "\t\n\r\u00a0" else letter
        for letter in words
        if letter.isprintable() or letter in "\t\n\r\u00a0"
    )


class Layout:
    """Lays one paper out. `pages` is how many pages it is said to have."""

    def __init__(self, faces: Mapping[str, Face], pages: int):
        self.faces, self.pages = faces, pages
        self.sheets = [Sheet()]
        self.y = TOP

    # Lines

    def broken(self, runs: Iterable[Run], size: float, width: float, first: float = 0.0) -> list[TextLine]:
        """Runs broken into lines of a width; the first is `first` shorter. Words longer than a line are cut."""
        lines: list[TextLine] = []
        pieces: list[list[str]] = []
        used, space_left = 0.0, width - first

        def end(goes_on: bool) -> None:
            nonlocal pieces, used, space_left
            while pieces and not pieces[-1][0].rstrip(" "):
                used -= self.faces[pieces[-1][1]].width(pieces[-1][0]) * size / 1000
                pieces.pop()
            if pieces:
                bare = pieces[-1][0].rstrip(" ")
                used -= self.faces[pieces[-1][1]].width(pieces[-1][0][len(bare) :]) * size / 1000
                pieces[-1][0] = bare
            lines.append(TextLine(tuple((words, style) for words, style in pieces), used, goes_on))
            pieces, used, space_left = [], 0.0, width

        def put(words: str, style: str, wide: float) -> None:
            nonlocal used
            if pieces and pieces[-1][1] == style:
                pieces[-1][0] += words
            else:
                pieces.append([words, style])
            used += wide

        for words, style in self._words(runs):
            face = self.faces[style]
            wide = face.width(words) * size / 1000
            bare = face.width(words.rstrip(" ")) * size / 1000
            if used + bare > space_left + 0.01 and pieces:
                end(True)
            while bare > space_left + 0.01:
                fits = max(1, self._fitting(words, face, size, space_left))
                put(words[:fits], style, face.width(words[:fits]) * size / 1000)
                words = words[fits:]
                end(True)
                wide, bare = face.width(words) * size / 1000, face.width(words.rstrip(" ")) * size / 1000
            put(words, style, wide)
        end(False)
        return lines

    def balanced(self, runs: Sequence[Run], size: float, width: float) -> list[TextLine]:
        """Lines to be centred, about equally long, and no more of them than the width asks for."""
        lines = self.broken(runs, size, width)
        narrow, wide = width / 2, width
        while len(lines) > 1 and wide - narrow > 2:
            middle = (narrow + wide) / 2
            tried = self.broken(runs, size, middle)
            if len(tried) == len(lines):
                lines, wide = tried, middle
            else:
                narrow = middle
        return lines

    def _words(self, runs: Iterable[Run]) -> Iterable[Run]:
        """Words with the spaces behind them; a word that changes its style in the middle may break there."""
        for text, style in runs:
            text = shown(text.replace(PAGES, f"{self.pages:02d}"))
            start = 0
            for place in range(1, len(text)):
                if text[place] != " " and text[place - 1] == " ":
                    yield text[start:place], style
                    start = place
            if text:
                yield text[start:], style

    @staticmethod
    def _fitting(words: str, face: Face, size: float, width: float) -> int:
        used = 0.0
        for place, letter in enumerate(words):
            used += face.width(letter) * size / 1000
            if used > width:
                return place
        return len(words)

    def put_line(
        self, line: TextLine, x: float, y: float, size: float, width: float, align: str, first: float = 0.0
    ) -> None:
        """A line with its upper edge at `y`, in the width from `x`."""
        left, stretch = x + first, 0.0
        room = width - first - line.width
        if align == "center":
            left += room / 2
        elif align == "right":
            left += room
        elif align == "justify" and line.goes_on and line.spaces:
            stretch = room / line.spaces
        for words, style in line.pieces:
            self.sheets[-1].placed.append(Words(left, y + ASCENT * size, words, style, size, stretch))
            left += self.faces[style].width(words) * size / 1000 + stretch * words.count(" ")

    # Pages

    @property
    def left_on_page(self) -> float:
        return HEIGHT - BOTTOM - self.y

    def turn(self) -> None:
        """Go on on a new page."""
        if len(self.sheets) >= PAGE_LIMIT:
            raise ValueError("the paper would never end")
        self.sheets.append(Sheet())
        self.y = TOP

    def is_fresh(self) -> bool:
        return not self.sheets[-1].placed

    def need(self, height: float) -> None:
        """Turn the page unless so much is left of it."""
        if height > self.left_on_page and not self.is_fresh():
            self.turn()

    def rule(self, points: Sequence[tuple[float, float]], thickness: float = RULE) -> None:
        self.sheets[-1].placed.append(Stroke(tuple(points), thickness))

    # Blocks

    def put(self, block: Block, following: Block | None = None) -> None:
        if isinstance(block, Paragraph):
            self.paragraph(block, following)
        elif isinstance(block, Head):
            self.head(block)
        elif isinstance(block, Table):
            self.table(block)
        elif isinstance(block, Signatures):
            self.signatures(block)
        elif isinstance(block, Recipients):
            self.recipients(block)
        else:
            self.plate(block)

    def paragraph(self, paragraph: Paragraph, following: Block | None) -> None:
        if paragraph.starts_page and not self.is_fresh():
            self.turn()
        size, height = paragraph.size, paragraph.size * LINE
        first = INDENT if paragraph.is_indented else 0.0
        is_centred = paragraph.align == "center"
        lines = (
            self.balanced(paragraph.runs, size, INNER)
            if is_centred
            else self.broken(paragraph.runs, size, INNER, first)
        )
        if paragraph.level:  # a heading never stands alone at the foot of a page
            self.need(height * len(lines) + paragraph.after + (60.0 if isinstance(following, Table) else 2 * height))
        widest = max(line.width for line in lines)
        for place, line in enumerate(lines):
            left = len(lines) - place
            # No single line of a paragraph at the foot or the head of a page.
            together = 3 if place == 0 and left == 3 else 2 if place == 0 or left == 2 else 1
            self.need(height * min(together, left))
            self.put_line(line, LEFT, self.y, size, INNER, paragraph.align, 0.0 if place else first)
            self.y += height
        if paragraph.rule:
            half, middle = widest * paragraph.rule / 2, LEFT + INNER / 2
            self.rule([(middle - half, self.y + 2.5), (middle + half, self.y + 2.5)])
            self.y += 5
        self.y += paragraph.after

    def head(self, head: Head) -> None:
        wide = INNER * HEAD_LEFT - GAP_IN_HEAD / 2
        start = self.y
        ends = []
        for lines, x, width in (
            (head.left, LEFT - 10, wide + 10),
            (head.right, LEFT + INNER * HEAD_LEFT + GAP_IN_HEAD / 2, INNER - wide - GAP_IN_HEAD),
        ):
            self.y = start
            for line in lines:
                self.head_line(line, x, width)
            ends.append(self.y)
        self.y = max(ends) + 14

    def head_line(self, line: HeadLine, x: float, width: float) -> None:
        """One line of the head; what does not fit goes on below, the rule is under the whole of it."""
        broken = self.balanced([(line.words, line.style)], line.size, width)
        for part in broken:
            self.put_line(part, x, self.y, line.size, width, "center")
            self.y += line.size * LINE
        if line.rule:
            half = max(part.width for part in broken) * line.rule / 2
            self.rule([(x + width / 2 - half, self.y + 2), (x + width / 2 + half, self.y + 2)])
            self.y += 6

    def table(self, table: Table) -> None:
        size, height = table.size, table.size * LINE
        widths = [column.share * INNER for column in table.columns]
        edges = [LEFT + sum(widths[:place]) for place in range(len(widths) + 1)]

        def cells(row: Sequence[str], style: str) -> list[list[TextLine]]:
            return [
                self.broken([(words, style)], size, wide - 2 * CELL_SIDE)
                for words, wide in zip(row, widths, strict=True)
            ]

        def tall(row: list[list[TextLine]]) -> float:
            return max(map(len, row)) * height + 2 * CELL_TOP

        def draw(row: list[list[TextLine]], aligns: Sequence[str]) -> None:
            end = self.y + tall(row)
            for lines, x, wide, align in zip(row, edges, widths, aligns, strict=False):
                for place, line in enumerate(lines):
                    at = self.y + CELL_TOP + place * height
                    self.put_line(line, x + CELL_SIDE, at, size, wide - 2 * CELL_SIDE, align)
            for x in edges:
                self.rule([(x, self.y), (x, end)], 0.5)
            for y in (self.y, end):
                self.rule([(edges[0], y), (edges[-1], y)], 0.5)
            self.y = end

        head = cells([column.title for column in table.columns], BOLD)
        aligns = [column.align for column in table.columns]
        rows = [cells(row, REGULAR) for row in table.rows]
        if table.total:
            rows.append(cells(table.total, BOLD))
        whole = HEIGHT - TOP - BOTTOM - tall(head)
        self.need(tall(head) + min(tall(rows[0]), whole) if rows else tall(head))
        draw(head, ["center"] * len(widths))
        for row in rows:
            while tall(row) > self.left_on_page:
                fits = int((self.left_on_page - 2 * CELL_TOP) // height)
                if tall(row) > whole and fits >= 2:  # no page could hold it: as much as fits here, the rest on the next
                    draw([lines[:fits] or [TextLine((), 0.0, False)] for lines in row], aligns)
                    row = [lines[fits:] or [TextLine((), 0.0, False)] for lines in row]
                self.turn()
                draw(head, ["center"] * len(widths))
            draw(row, aligns)
        self.y += 8

    def signatures(self, block: Signatures) -> None:
        for start in range(0, len(block.signers), 3):
            self.y += 6
            self._signers(block.signers[start : start + 3], len(block.signers) > 3 and start > 0)

    def _signers(self, signers: Sequence[Signer], is_more: bool) -> None:
        count = 3 if not is_more else max(2, len(signers))
        wide = INNER / count
        inside = wide - 10
        posts = [self.balanced([(s.post, BOLD)], 13, inside) for s in signers]
        hows = [self.balanced([(s.how, ITALIC)], 11, inside) for s in signers]
        names = [self.balanced([(s.name, BOLD)], 14, inside) for s in signers]
        heights = [max(map(len, lines)) for lines in (posts, hows, names)]
        down = [heights[0] * 13 * LINE, heights[1] * 11 * LINE]
        self.need(sum(down) + SIGNING_HEIGHT + heights[2] * 14 * LINE)
        for place, signer in enumerate(signers):
            x = LEFT + place * wide + 5
            at = self.y
            for lines, size, below in ((posts[place], 13, down[0]), (hows[place], 11, down[1])):
                for number, line in enumerate(lines):
                    self.put_line(line, x, at + number * size * LINE, size, inside, "center")
                at += below
            if signer.signature and signer.signature.method == "drawn_on_screen":
                self.drawn(signer.signature.strokes, x, at + 3, inside, SIGNING_HEIGHT - 6)
            at += SIGNING_HEIGHT
            for number, line in enumerate(names[place]):
                self.put_line(line, x, at + number * 14 * LINE, 14, inside, "center")
        self.y += sum(down) + SIGNING_HEIGHT + heights[2] * 14 * LINE + 8

    def drawn(self, strokes: Sequence[Sequence[int]], x: float, y: float, width: float, height: float) -> None:
        """A signature as it was drawn, as large as the field, in its middle; a dot is a dot."""
        paths = [tuple(zip(stroke[::2], stroke[1::2], strict=False)) for stroke in strokes if len(stroke) > 1]
        points = [point for path in paths for point in path]
        if not points:
            return
        left, top = min(p[0] for p in points), min(p[1] for p in points)
        wide, tall = max(p[0] for p in points) - left, max(p[1] for p in points) - top
        scale = min(width / 1000, width / wide if wide else width, height / tall if tall else height)
        start = (x + (width - wide * scale) / 2, y + (height - tall * scale) / 2)
        for path in paths:
            placed = [(start[0] + (px - left) * scale, start[1] + (py - top) * scale) for px, py in path]
            if len(placed) == 1:
                placed.append((placed[0][0] + 0.01, placed[0][1]))
            self.sheets[-1].placed.append(Stroke(tuple(placed), STROKE, is_round=True))

    def recipients(self, block: Recipients) -> None:
        self.need(12 * LINE + len(block.lines) * 11 * LINE)
        for words, style, size in [
            ("Nơi nhận:", BOLD_ITALIC, 12.0),
            *((line, REGULAR, 11.0) for line in block.lines),
        ]:
            for line in self.broken([(words, style)], size, INNER / 2):
                self.put_line(line, LEFT, self.y, size, INNER / 2, "left")
                self.y += size * LINE

    def plate(self, plate: PhotoPlate) -> None:
        photo = plate.photo
        broad, tall = max(1, photo.width), max(1, photo.height)
        scale = min(INNER / broad, PLATE_HEIGHT / tall)
        captions = [
            line
            for place, words in enumerate(plate.caption)
            for line in self.broken([(words, REGULAR if place else ITALIC)], 13, INNER)
        ][:5]
        self.need(PLATE_HEIGHT + len(captions) * 13 * LINE + 12)
        wide, high = broad * scale, tall * scale
        self.sheets[-1].placed.append(Picture(photo, LEFT + (INNER - wide) / 2, self.y, wide, high))
        self.y += high + 4
        for line in captions:
            self.put_line(line, LEFT, self.y, 13, INNER, "center")
            self.y += 13 * LINE
        self.y += 12


def lay_out(paper: Paper, faces: Mapping[str, Face]) -> Generator[None, None, list[Sheet]]:
    """The sheets of a paper; yields after every block, for whoever wants to do something else meanwhile."""
    pages = 1
    for _ in range(4):
        layout = Layout(faces, pages)
        for block, following in zip(paper.blocks, (*paper.blocks[1:], None), strict=True):
            layout.put(block, following)
            yield
        if len(layout.sheets) == pages:
            break
        pages = len(layout.sheets)
    return layout.sheets
