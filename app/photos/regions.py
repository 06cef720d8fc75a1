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
MEASURED_SIDE = 1600
"""Longest side, in pixels, at which regions are measured; smaller photos are not enlarged."""
DIAGONAL = 1.41
"""Pixels from one to the next over a corner."""
GLARE_FROM = 250
"""Luma at which paper and ink can no longer be told apart."""


class Region(NamedTuple):
    """What was measured of one region; all in pixels and luma of the photo at MEASURED_SIDE.

    `letters` is about how many stand in it, `spots` how many spots of ink; `height` the median height of the ink (of capitals,
    roughly), `ink` how much darker than its `paper` it is, `darkest` what a tenth of the ink exceeds, `fill` the share of its
    boxes that is ink; the edges are their mean steepness in four directions (across, down, and both diagonals), luma from one pixel to the
    next; `glare` the share of pixels at GLARE_FROM or above; `split` is the whole photo's: what divides its dark from its light.
    """

    letters: float
    spots: int
    height: float
    ink: float
    paper: float
    darkest: float
    fill: float
    edge_across: float
    edge_down: float
    edge_falling: float
    edge_rising: float
    glare: float
    split: float

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """How steep edges are each way, a pixel of length."""
        return self.edge_across, self.edge_down, self.edge_falling / DIAGONAL, self.edge_rising / DIAGONAL

    @property
    def has_spots(self) -> bool:
        """That may be writing: more than a few, and not the rim of a board, whose edges all run one way."""
        flat, steep = min(self.edges), max(self.edges)
        is_rim = steep > 4 * flat or (steep > 2.5 * flat and self.ink < 0.3 * self.paper)
        return self.letters > 2 and self.spots >= 3 and not is_rim


class Reading(NamedTuple):
    """How well the writing of one region can be read: the share of it that may be `lost`. `fault` says what is most against it."""

    place: int
    letters: float
    lost: float
    fault: str

    @property
    def is_legible(self) -> bool:
        return self.lost <= LOST_MOST


class _Terms(NamedTuple):
    """What speaks for and against; also how much each counts."""

    always: float
    small: float
    soft: float
    contrast: float
    dim: float
    one_way: float
    soft_and_small: float
    fill: float
    uneven: float
    glare_near: float
    glare: float
    in_shade: float
    too_light: float
    white: float


_WEIGHTS = _Terms(0.649, 0.296, 0.968, -1.416, 1.517, 2.446, 0.666, -8.331, -1.687, 0.51, 1.838, 1.458, 1.305, -0.472)
"""Above 0: it takes letters away. Fitted to seeds 2000 to 2860 of `bench/boards`."""
LOST_MOST = 0.097
"""Share of the letters that may be lost by this reckoning where Tesseract still reads 95 % of them."""
GONE, GONE_MOST = 0.5, 0.06
"""Regions that lose more than the one may hold the other share of the letters at most: no corner may be quite lost."""
RIM_FROM, DROWNS_FROM = 0.02, 0.8
"""Shares of white: writing that runs into so much is taken to go on unseen where beside it there is so much."""


class _Traces(NamedTuple):
    """What tells writing from the grain of a wall and the noise of a dark photo; also how much each counts."""

    always: float
    ink: float
    width: float
    uneven: float
    fill: float
    ink_beside_the_darkest: float
    height: float


_WRITING = _Traces(-13.16, 1.61, 2.26, 6.37, 6.77, 1.9, 1.21)
SURE = 5
"""Spots from which a region's ink is what that of others is held against."""
GLARES_FROM = 0.1
"""Share of white beside writing from which glare is named as what is wrong."""
FAINT_BELOW = 30
"""Luma: ink less dark than that against its paper is faint rather than blurred."""
SMALL_BELOW, CRISP = 11, 2.8
"""Writing lower than so many pixels whose edges are at most so many wide is not blurred but small."""
FEW = 8
"""Fewer letters than this are no writing to judge a photo by."""


def readings(regions: Sequence[Region]) -> list[Reading]:
    """Of every region that has writing; none where there is hardly any."""
    written = _written(regions)
    if not written:
        return []
    # Where half of the writing lies on paper so white, the whole photo is bright and that much of it is no glare.
    white = _middle([(regions[place].glare, regions[place].letters) for place in written], 0.5)
    return [_reading(regions, place, white) for place in written] + _drowned(regions, written, white)


def share_lost(written: Sequence[Reading]) -> float:
    """Of the letters of the whole photo, 0 to 1."""
    return sum(it.letters * it.lost for it in written) / sum(it.letters for it in written)


def are_legible(written: Sequence[Reading]) -> bool:
    """Whether the writing as a whole can be read, and no corner of it is quite lost."""
    gone = sum(reading.letters for reading in written if reading.lost > GONE)
    return share_lost(written) <= LOST_MOST and gone <= GONE_MOST * sum(reading.letters for reading in written)


def writing_in(regions: Sequence[Region], width: int, height: int) -> list[tuple[float, float, float]]:
    """(x, y, share): where on a photo of that size how much stands of all that can be read, 0 to 1; by regions, each by its middle."""
    certain = [(it.place, it.letters * (1 - it.lost)) for it in readings(regions)]
    total = sum(letters for _, letters in certain)
    return [
        ((place % ACROSS + 0.5) * width / ACROSS, (place // ACROSS + 0.5) * height / DOWN, letters / total)
        for place, letters in certain
        if letters > 0
    ]


def smallest_writing(regions: Sequence[Region]) -> float | None:
    """Height in pixels that nine tenths of the letters reach; None where there is no writing."""
    written = [(regions[place].height, regions[place].letters) for place in _written(regions)]
    return _middle(written, 0.1) if written else None


def _drowned(regions: Sequence[Region], written: Sequence[int], white: float) -> list[Reading]:
    """Regions of glare that writing beside them runs into: as much as would stand there without it is taken for lost."""
    found = []
    for place, region in enumerate(regions):
        if (glare := region.glare - white) < DROWNS_FROM:
            continue
        row, column = divmod(place, ACROSS)
        beside = [at for x in (column - 1, column + 1) if 0 <= x < ACROSS and (at := row * ACROSS + x) in written]
        rims = [(regions[at].letters, regions[at].glare - white) for at in beside]
        there = max((letters / (1 - lit) for letters, lit in rims if RIM_FROM <= lit < DROWNS_FROM), default=0.0)
        lost = there * glare - (region.letters if place in written else 0.0)
        if lost > 0:
            found.append(Reading(place, lost, 1.0, "glare"))
    return found


def _written(regions: Sequence[Region]) -> list[int]:
    """Places of the regions with writing in them; none where there is hardly any."""
    spotted = [place for place, region in enumerate(regions) if region.has_spots]
    darkest = max((regions[place].ink for place in spotted if regions[place].spots >= SURE), default=1.0)
    written = [place for place in spotted if _is_writing(regions[place], max(darkest, 1.0))]
    return written if sum(regions[place].letters for place in written) >= FEW else []


def _is_writing(region: Region, darkest: float) -> bool:
    ink = max(region.ink, 1.0)
    traces = _Traces(
        always=1.0,
        ink=math.log(ink),
        width=math.log(ink / max(min(region.edges), 0.5)),
        uneven=math.log(region.darkest / ink),
        fill=region.fill,
        ink_beside_the_darkest=math.log(ink / darkest),
        height=math.log(region.height),
    )
    return sum(weight * trace for weight, trace in zip(_WRITING, traces, strict=True)) > 0


def _reading(regions: Sequence[Region], place: int, white: float) -> Reading:
    terms = _terms(regions, place, white)
    against = sum(weight * term for weight, term in zip(_WEIGHTS, terms, strict=True))
    lost = 1 / (1 + math.exp(-max(-8.0, min(8.0, against))))
    return Reading(place, regions[place].letters, lost, _fault(regions[place], terms))


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


def _terms(regions: Sequence[Region], place: int, white: float) -> _Terms:
    region = regions[place]
    height, ink = max(region.height, 3.0), max(region.ink, 1.0)
    flat, steep = (edge if edge > 0 else 0.5 for edge in (min(region.edges), max(region.edges)))
    small, soft = 10 / height, min(5 * ink / flat / height, 5.0)
    row, column = divmod(place, ACROSS)
    around = [
        regions[y * ACROSS + x].glare
        for y in range(max(0, row - 1), min(DOWN, row + 2))
        for x in range(max(0, column - 1), min(ACROSS, column + 2))
    ]
    divided = (region.split - region.paper + ink) / ink  # 0: as dark as the ink; 1: as light as the paper
    return _Terms(
        always=1.0,
        small=small * small,
        soft=soft,
        contrast=math.log(ink / max(region.paper, 1.0)),
        dim=20 / ink,
        one_way=min(math.log(steep / flat), 1.5),
        soft_and_small=soft * small,
        fill=region.fill,
        uneven=region.darkest / ink,
        glare_near=max(0.0, max(around) - white),
        glare=max(0.0, region.glare - white),
        in_shade=_within((divided - 0.9) / 0.15),
        too_light=_within((0.4 - divided) / 0.4),
        white=_within((region.paper - 235) / 20),
    )


def _within(value: float) -> float:
    return max(0.0, min(1.0, value))


def _middle(weighted: Sequence[tuple[float, float]], share: float) -> float:
    """The value below which `share` of the weight lies."""
    total, below = sum(weight for _, weight in weighted), 0.0
    for value, weight in sorted(weighted):
        below += weight
        if below >= share * total:
            return value
    return max(value for value, _ in weighted)
