"""Can the writing on this photo be read, region by region? What a client measures of each, and what that means.

A region is one of 8 by 8 tiles. Its figures come from the spots of ink in it (`app.photos.ink` natively, `web/site/regions.js` in
the browser: the same arithmetic in whole numbers). The weights were fitted to what Tesseract reads of drawn boards
(`bench/boards`), never to the boards that the result is measured on.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

ACROSS = DOWN = 8
"""Regions beside and below each other."""
DIAGONAL = 1.41
"""Pixels from one to the next over a corner."""
GLARE_FROM = 250
"""Luma at which paper and ink can no longer be told apart."""


class Region(NamedTuple):
    """What was measured of one region; all in pixels and luma of the photo as kept.

    `letters` is about how many stand in it, `spots` how many spots of ink; `height` the median height of the ink (of capitals,
    roughly), `ink` how much darker than its `paper` it is; the edges are their mean steepness in four directions (across, down, and both
    diagonals), luma from one pixel to the next; `glare` the share of pixels at GLARE_FROM or above.
    """

    letters: float
    spots: int
    height: float
    ink: float
    paper: float
    edge_across: float
    edge_down: float
    edge_falling: float
    edge_rising: float
    glare: float

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """How steep edges are each way, a pixel of length."""
        return self.edge_across, self.edge_down, self.edge_falling / DIAGONAL, self.edge_rising / DIAGONAL

    @property
    def has_writing(self) -> bool:
        """Or is it the grain of a wall, or the rim of a board, whose edges all run one way?"""
        flat, steep = min(self.edges), max(self.edges)
        is_rim = steep > 4 * flat or (steep > 2.5 * flat and self.ink < 0.3 * self.paper)
        return self.letters > 2 and self.spots >= 3 and not is_rim


class Reading(NamedTuple):
    """How well the writing of one region can be read: 0 and above is well. `fault` says what is most against it."""

    place: int
    letters: float
    score: float
    fault: str

    @property
    def is_legible(self) -> bool:
        return self.score >= 0


class _Terms(NamedTuple):
    """What speaks for and against; also how much each counts."""

    always: float
    small: float
    very_small: float
    soft: float
    soft_all_over: float
    contrast: float
    dim: float
    glare_near: float
    glare: float
    one_way: float
    soft_and_small: float


_WEIGHTS = _Terms(5.533, -2.648, 1.947, -1.924, 1.712, 2.847, 1.245, -1.43, -1.282, -3.517, -1.854)
DROWNS_FROM, GLARES_FROM = 0.3, 0.1
"""Shares of white above which writing beside it is lost, and from which glare is named as what is wrong."""
FAINT_BELOW = 30
"""Luma: ink less dark than that against its paper is faint rather than blurred."""
SMALL_BELOW, CRISP = 11, 2.8
"""Writing lower than so many pixels whose edges are at most so many wide is not blurred but small."""
WORST = 0.24
"""The verdict on the whole is the mean over this share of its letters, the least legible ones."""
LOST_BELOW, LOST_MOST = -1.5, 0.06
"""Regions that score less than that may hold that share of the letters at most."""
FEW = 8
"""Fewer letters than this are no writing to judge a photo by."""
WASHED = 0.25
"""Where half of the writing lies on paper with more white than this, the whole photo is bright and it is no glare."""


def readings(regions: Sequence[Region]) -> list[Reading]:
    """Of every region that has writing; none where there is hardly any."""
    written = [place for place, region in enumerate(regions) if region.has_writing]
    if sum(regions[place].letters for place in written) < FEW:
        return []
    is_washed = _middle([(regions[place].glare, regions[place].letters) for place in written], 0.5) > WASHED
    found = [_reading(regions, place, is_washed) for place in written]
    return found if is_washed else found + _drowned(regions)


def are_legible(written: Sequence[Reading]) -> bool:
    """Whether the writing as a whole can be read: judged by its least legible part, and with no corner that is quite lost."""
    letters = sum(reading.letters for reading in written)
    lost = sum(reading.letters for reading in written if reading.score < LOST_BELOW)
    left, scores = WORST * letters, 0.0
    for reading in sorted(written, key=lambda it: it.score):
        weight = min(left, reading.letters)
        scores += weight * reading.score
        left -= weight
    return scores >= 0 and lost <= LOST_MOST * letters


def smallest_writing(regions: Sequence[Region]) -> float | None:
    """Height in pixels that nine tenths of the letters reach; None where there is no writing."""
    written = [(region.height, region.letters) for region in regions if region.has_writing]
    return _middle(written, 0.1) if sum(letters for _, letters in written) >= FEW else None


def _drowned(regions: Sequence[Region]) -> list[Reading]:
    """Regions where writing beside them ends in glare: as much of it as lies beside is taken for lost."""
    found = []
    for place, region in enumerate(regions):
        if region.glare < DROWNS_FROM:
            continue
        row, column = divmod(place, ACROSS)
        beside = [regions[row * ACROSS + x] for x in (column - 1, column + 1) if 0 <= x < ACROSS]
        there = max((other.letters * (1 - other.glare) for other in beside if other.has_writing), default=0.0)
        lost = there * region.glare - (region.letters if region.has_writing else 0.0)
        if lost > 0:
            found.append(Reading(place, lost, -8.0, "glare"))
    return found


def _reading(regions: Sequence[Region], place: int, is_washed: bool) -> Reading:
    terms = _terms(regions, place, is_washed)
    score = sum(weight * term for weight, term in zip(_WEIGHTS, terms, strict=True))
    return Reading(place, regions[place].letters, max(-8.0, min(8.0, score)), _fault(regions[place], terms))


def _fault(region: Region, terms: _Terms) -> str:
    """What most distinguishes this writing from a sharp, well lit line."""
    is_crisp = region.ink < CRISP * min(region.edges)
    if terms.glare_near > GLARES_FROM:
        fault = "glare"
    elif is_crisp and region.height < SMALL_BELOW:
        fault = "small"
    elif is_crisp or region.ink < FAINT_BELOW:
        fault = "faint"
    else:
        fault = "blurred"
    return fault


def _terms(regions: Sequence[Region], place: int, is_washed: bool) -> _Terms:
    region = regions[place]
    height, ink = max(region.height, 3.0), max(region.ink, 1.0)
    flat, steep = (edge if edge > 0 else 0.5 for edge in (min(region.edges), max(region.edges)))
    small, soft = 10 / height, min(5 * region.ink / flat / height, 5.0)
    row, column = divmod(place, ACROSS)
    around = [
        regions[y * ACROSS + x].glare
        for y in range(max(0, row - 1), min(DOWN, row + 2))
        for x in range(max(0, column - 1), min(ACROSS, column + 2))
    ]
    return _Terms(
        always=1.0,
        small=small,
        very_small=small * small,
        soft=soft,
        soft_all_over=min(5 * region.ink / steep / height, 5.0),
        contrast=math.log(ink / max(region.paper, 1.0)),
        dim=20 / ink,
        glare_near=0.0 if is_washed else max(around),
        glare=0.0 if is_washed else region.glare,
        one_way=min(math.log(steep / flat), 1.5),
        soft_and_small=soft * small,
    )


def _middle(weighted: Sequence[tuple[float, float]], share: float) -> float:
    """The value below which `share` of the weight lies."""
    total, below = sum(weight for _, weight in weighted), 0.0
    for value, weight in sorted(weighted):
        below += weight
        if below >= share * total:
            return value
    return max(value for value, _ in weighted)
