"""Spots of ink on brighter paper, and what they say of each region, by Pillow; `web/site/regions.js` is the same in the browser.

Whole numbers as far as they carry, so that one set of pixels gives one set of figures on every phone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.photos.regions import ACROSS, DOWN, GLARE_FROM, Region

if TYPE_CHECKING:
    from PIL.Image import Image

REACH = (1, 2, 4, 8)
"""Together 15 pixels: paper is what is bright within so much of a place; strokes up to that width are ink."""
NOISE = 6
"""Steps of luma between neighbours below which there is no edge."""
LOWEST, HIGHEST, LONGEST = 4, 80, 60
"""Spots lower or higher than so many pixels, or so many times longer than high, are no writing."""
SHADE = 4
"""Steps of luma that count as one where a photo is divided into dark and light."""
THIN, LONG = 5, 12
"""A spot no higher than that and so many times longer is a ruled line or the rim of a board."""


class Spot(NamedTuple):
    """A connected spot: its box (inclusive), its pixels, and by how much its darkest one is darker than the paper."""

    left: int
    top: int
    right: int
    bottom: int
    pixels: int
    ink: int


def regions(luma: "Image") -> tuple[Region, ...]:
    """The regions of a picture in grey, row by row; none when it is smaller than 32 pixels either way."""
    from PIL import ImageChops, ImageFilter

    wide, high = luma.width // ACROSS, luma.height // DOWN
    if min(wide, high) < 4:
        return ()
    luma = luma.crop((0, 0, wide * ACROSS, high * DOWN))
    paper = _paper(luma.filter(ImageFilter.BoxBlur(1)))
    depth = ImageChops.subtract(paper, luma)
    inked = ImageChops.subtract(depth, paper.point([light // 8 + 6 for light in range(256)])).point([0] + [255] * 255)
    near = inked.filter(ImageFilter.MaxFilter(3))
    steep = zip(
        *(_edges(luma, near, step, (wide, high)) for step in ((-1, 0), (0, -1), (-1, -1), (1, -1))), strict=True
    )
    glare = _means(luma.point([255 * (light >= GLARE_FROM) for light in range(256)]), (wide, high))
    split = _split(luma.histogram())
    written = _by_region(spots(inked.tobytes(), depth.tobytes(), luma.width), paper.tobytes(), luma.width, wide, high)
    return tuple(
        Region._make((*_typical(parts), *edges, lit / 255, split))
        for parts, edges, lit in zip(written, steep, glare, strict=True)
    )


def _paper(luma: "Image") -> "Image":
    """What is bright around every place: a grey closing by REACH, which leaves the edge of a wall or a board where it is."""
    from PIL import ImageChops

    for brighter, way in ((ImageChops.lighter, 1), (ImageChops.darker, -1)):
        for across, down in ((way, 0), (0, way)):
            for step in REACH:
                luma = brighter(luma, _moved(luma, across * step, down * step))
    return luma


def _moved(image: "Image", across: int, down: int) -> "Image":
    """Moved by so much; what nothing moved onto stays."""
    moved = image.copy()
    box = max(0, -across), max(0, -down), image.width - max(0, across), image.height - max(0, down)
    moved.paste(image.crop(box), (max(0, across), max(0, down)))
    return moved


def _edges(luma: "Image", near: "Image", step: tuple[int, int], tile: tuple[int, int]) -> list[float]:
    """Mean steepness of the edges near ink, steep ones counting more: sum of squares by sum."""
    from PIL import ImageChops, ImageMath

    steps = ImageChops.difference(luma, ImageChops.offset(luma, *step)).point([0] * NOISE + list(range(NOISE, 256)))
    floats = ImageChops.multiply(steps, near).convert("F")
    squares = ImageMath.lambda_eval(lambda at: at["it"] * at["it"], it=floats)
    sums = zip(_means(floats, tile), _means(squares, tile), strict=True)
    return [square / plain if plain else 0.0 for plain, square in sums]


def _split(histogram: Sequence[int]) -> int:
    """The luma, in steps of SHADE, that best divides a photo into a dark and a light part (Otsu 1979), as OCR does first of all."""
    shades = [sum(histogram[light : light + SHADE]) for light in range(0, 256, SHADE)]
    pixels, mass = sum(shades), sum(shade * many for shade, many in enumerate(shades))
    below = dark = 0
    best, split = -1.0, 0
    for shade, many in enumerate(shades[:-1]):
        below, dark = below + many, dark + shade * many
        if 0 < below < pixels:
            apart = float(mass * below - dark * pixels)
            if (spread := apart * apart / (below * (pixels - below))) > best:
                best, split = spread, SHADE * (shade + 1)
    return split


def _means(image: "Image", tile: tuple[int, int]) -> list[float]:
    means = image.convert("F").reduce(tile)
    return [float(means.getpixel((x, y))) for y in range(DOWN) for x in range(ACROSS)]  # type: ignore[arg-type]


Part = tuple[int, int, int, int, float]
"""Of a spot in one region: its height, the width that lies there, its ink, its paper, the share of its box that is ink."""


def _by_region(found: Sequence[Spot], paper: bytes, width: int, wide: int, high: int) -> list[list[Part]]:
    """The parts of spots that may be writing; a long one belongs to every region it runs through."""
    parts: list[list[Part]] = [[] for _ in range(ACROSS * DOWN)]
    for left, top, right, bottom, pixels, ink in found:
        length, height = right - left + 1, bottom - top + 1
        if height < LOWEST or height > HIGHEST or length < 2 or length > LONGEST * height or pixels < 5:
            continue
        if height <= THIN and length > LONG * height:
            continue
        middle = (top + bottom) // 2
        light = max(1, paper[middle * width + (left + right) // 2])
        if height <= THIN and ink * 10 < light * 3:
            continue  # grain of a wall
        for column in range(left // wide, right // wide + 1):
            here = min(right, column * wide + wide - 1) - max(left, column * wide) + 1
            parts[middle // high * ACROSS + column].append((height, here, ink, light, pixels / (length * height)))
    return parts


def _typical(parts: Sequence[Part]) -> tuple[float, int, float, float, float, float, float]:
    """(letters, spots, height, ink, paper, darkest, fill): medians weighted by width, and of the ink what a tenth exceeds."""
    if not parts:
        return 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0
    length = sum(part[1] for part in parts)
    height, ink, light, fill = (_tenths(parts, which, length, 5) for which in (0, 2, 3, 4))
    return length / height, len(parts), height, ink, light, _tenths(parts, 2, length, 9), fill


def _tenths(parts: Sequence[Part], which: int, total: int, tenths: int) -> float:
    """The value that so many tenths of the width do not exceed."""
    below = 0
    for value, width in sorted((part[which], part[1]) for part in parts):
        below += width
        if 10 * below >= tenths * total:
            return float(value)
    raise AssertionError("widths add up to their total")


def spots(inked: bytes, depth: bytes, width: int) -> list[Spot]:
    """Spots of bytes 255 among bytes 0, connected also over corners; `depth` is how dark each pixel is."""
    found: list[list[int]] = []
    part_of: list[int] = []
    above: list[tuple[int, int, int]] = []
    for row, start in enumerate(range(0, len(inked), width)):
        end, at, nth = start + width, start, 0
        runs: list[tuple[int, int, int]] = []
        while (first := inked.find(b"\xff", at, end)) >= 0:
            at = inked.find(b"\0", first, end)
            at = end if at < 0 else at
            left, right, ink = first - start, at - start - 1, max(depth[first:at])
            while nth < len(above) and above[nth][1] < left - 1:
                nth += 1
            mine = -1
            for _, _, over in _touching(above, nth, right):
                while part_of[over] != over:
                    over = part_of[over]
                if mine < 0:
                    mine = over
                elif over != mine:
                    mine, other = min(mine, over), max(mine, over)
                    part_of[other] = mine
                    _join(found[mine], found[other])
            run = [left, row, right, row, right - left + 1, ink]
            if mine < 0:
                mine = len(found)
                found.append(run)
                part_of.append(mine)
            else:
                _join(found[mine], run)
            runs.append((left, right, mine))
        above = runs
    return [Spot(*box) for number, box in enumerate(found) if part_of[number] == number]


def _touching(above: Sequence[tuple[int, int, int]], nth: int, right: int) -> list[tuple[int, int, int]]:
    end = nth
    while end < len(above) and above[end][0] <= right + 1:
        end += 1
    return list(above[nth:end])


def _join(box: list[int], other: list[int]) -> None:
    box[0], box[1] = min(box[0], other[0]), min(box[1], other[1])
    box[2], box[3] = max(box[2], other[2]), max(box[3], other[3])
    box[4] += other[4]
    box[5] = max(box[5], other[5])
