"""What a paper is made of, before anybody lays it out: a PDF, a Word file and the preview on the phone draw the same blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from app.minutes.facts import Photo, Signature

PAGES = "\ue000"
"""Stands in a paragraph for the number of pages, which only the layout knows."""

REGULAR, BOLD, ITALIC, BOLD_ITALIC = "Regular", "Bold", "Italic", "BoldItalic"
Run: TypeAlias = tuple[str, str]
"""(words, style)"""


@dataclass(frozen=True)
class Paragraph:
    """`align`: justify, left, center. Sizes and spaces are points; `level` 1 for a part's heading, 2 and 3 below it, 0 for text.

    `rule` is a line under it, as a share of the longest line's width; `starts` makes it begin a new page.
    """

    runs: tuple[Run, ...]
    align: str = "justify"
    size: float = 14
    is_indented: bool = True
    after: float = 6
    level: int = 0
    rule: float = 0
    starts_page: bool = False

    @property
    def words(self) -> str:
        return "".join(words for words, _ in self.runs)


@dataclass(frozen=True)
class HeadLine:
    """A line of the head of the page."""

    words: str
    style: str
    size: float
    rule: float = 0


@dataclass(frozen=True)
class Head:
    """Two columns without borders, side by side, each line centred."""

    left: tuple[HeadLine, ...]
    right: tuple[HeadLine, ...]


@dataclass(frozen=True)
class Column:
    """`share` of the width; `align` left, center or right."""

    title: str
    share: float
    align: str = "left"


@dataclass(frozen=True)
class Table:
    """Its head is repeated on every page it goes on to; `total` is its last line, bold."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    size: float = 13


@dataclass(frozen=True)
class Signer:
    """One column of the signatures: the post in capitals, how it is or was signed, the name in full."""

    post: str
    how: str
    name: str
    signature: Signature | None


@dataclass(frozen=True)
class Signatures:
    """Up to three side by side; more go below."""

    signers: tuple[Signer, ...]


@dataclass(frozen=True)
class Recipients:
    """«Nơi nhận:» and its lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class PhotoPlate:
    """A photo of the annex with the lines below it; two go on a page."""

    photo: Photo
    caption: tuple[str, ...]


Block: TypeAlias = Paragraph | Head | Table | Signatures | Recipients | PhotoPlate


@dataclass(frozen=True)
class Paper:
    """A whole paper. `is_draft` marks every page; `title` is for the file's own facts."""

    title: str
    blocks: tuple[Block, ...]
    is_draft: bool


# The paragraphs most papers are made of


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
