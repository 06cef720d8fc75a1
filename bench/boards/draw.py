"""A picture of a notice board from a seed: drawn flat, seen by a camera at an angle, blurred, lit, compressed.

The same seed gives the same picture with the same Pillow and fonts. Everything is known about it: the corners of the board,
the text of every line and where it lies, what was done to it.
"""

import io
import math
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from app.photos.perspective import Point, warp_between, warped
from bench.boards.texts import LINES, NAMES, TITLES

SHAPES = ((1600, 1200), (1200, 1600), (1920, 1080))
"""What phones' cameras give through the app, in pixels."""
GYRE = Path("/usr/share/texmf/fonts/opentype/public/tex-gyre")
FONTS = {
    "termes": (GYRE / "texgyretermes-regular.otf", GYRE / "texgyretermes-bold.otf"),
    "heros": (GYRE / "texgyreheros-regular.otf", GYRE / "texgyreheros-bold.otf"),
    "roboto": tuple(Path(__file__).parents[2] / "assets/fonts" / f"Roboto-{cut}.ttf" for cut in ("Regular", "Bold")),
}
"""Regular and bold. TeX Gyre (Debian's fonts-texgyre) is cut like the Times New Roman and Arial of offices, with Vietnamese."""
X_HEIGHT = {"termes": 0.450, "heros": 0.523, "roboto": 0.528}
"""Height of an x as a share of the font's size."""


@dataclass(frozen=True)
class Line:
    """Its text, and the corners of its box in the picture, clockwise from the upper left."""

    text: str
    box: tuple[Point, ...]


@dataclass(frozen=True)
class Board:
    """`data` is a JPEG as a camera writes it; `corners` clockwise from the board's upper left, in pixels."""

    seed: int
    data: bytes
    width: int
    height: int
    corners: tuple[Point, ...]
    lines: tuple[Line, ...]
    x_height: float
    """Of the smallest text before the camera's angle, in pixels."""
    is_tilted: bool
    done: str
    """What was done to it, for people."""


def is_tilted(seed: int) -> bool:
    """Whether the board of this seed is photographed well from the side: every third is."""
    return seed % 3 == 0


def draw(seed: int) -> Board:
    """The board of this seed."""
    dice = random.Random(f"board {seed}")
    width, height = dice.choice(SHAPES)
    x_height = math.exp(dice.uniform(math.log(4.5), math.log(24)))
    flat_width, flat_height = round(width * dice.uniform(0.7, 0.95)), round(height * dice.uniform(0.7, 0.95))
    flat, lines = _flat(dice, flat_width, flat_height, x_height)
    corners = _seen(dice, width, height, flat_width, flat_height, is_tilted(seed))
    edges = ((0.0, 0.0), (float(flat_width), 0.0), (float(flat_width), float(flat_height)), (0.0, float(flat_height)))
    picture = _wall(dice, width, height)
    onto, back = warp_between(edges, corners), warp_between(corners, edges)
    picture.paste(
        flat.transform((width, height), Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC),
        (0, 0),
        _inside(corners, width, height),
    )
    picture, damage = _damaged(dice, picture, corners)
    quality = dice.choice((35, 55, 70, 80, 88, 92, 95))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    placed = tuple(Line(text, tuple(warped(point, onto) for point in _box(box))) for text, box in lines)
    done = f"x {x_height:.1f} px, {damage}, JPEG {quality}" + (", tilted" if is_tilted(seed) else "")
    return Board(seed, out.getvalue(), width, height, corners, placed, x_height, is_tilted(seed), done)


def _box(box: tuple[float, float, float, float]) -> tuple[Point, ...]:
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _filled(dice: random.Random, line: str) -> str:
    return line.format(
        days=dice.randint(2, 30), fee=dice.choice((5, 8, 15, 20, 25, 50)), number=dice.randint(100, 4999),
        day=dice.randint(1, 28), month=dice.randint(1, 11), phone=f"3{dice.randint(100, 999)}.{dice.randint(100, 999)}",
        name=dice.choice(NAMES), code=f"{dice.randint(1, 9999):06}",
    )  # fmt: skip


def _flat(
    dice: random.Random, width: int, height: int, x_height: float
) -> tuple[Image.Image, list[tuple[str, tuple[float, float, float, float]]]]:
    """The board from the front with its sheets, and (text, box) of every line. The smallest text has `x_height`."""
    frame = dice.randint(8, 22)
    ground = dice.choice(((30, 74, 56), (38, 62, 110), (120, 86, 52), (150, 148, 140), (176, 40, 36)))
    flat = Image.new(
        "RGB", (width, height), dice.choice(((92, 64, 40), (170, 172, 176), (40, 40, 44), (214, 210, 200)))
    )
    brush = ImageDraw.Draw(flat)
    brush.rectangle((frame, frame, width - frame - 1, height - frame - 1), fill=ground)
    across, down = (
        dice.choice(((1, 1), (2, 1), (2, 2), (3, 1))) if width >= height else dice.choice(((1, 1), (1, 2), (2, 2)))
    )
    room = (width - 2 * frame) / across, (height - 2 * frame) / down
    budget, lines = 16 // (across * down), []
    for place in range(across * down):
        gap = dice.uniform(0.03, 0.06) * min(room)
        left, top = frame + (place % across) * room[0] + gap, frame + (place // across) * room[1] + gap
        right, bottom = left + room[0] - 2 * gap, top + room[1] - 2 * gap
        paper = dice.randint(228, 250)
        brush.rectangle((left, top, right, bottom), fill=(paper, paper, paper - dice.randint(0, 14)))
        face = dice.choice(tuple(FONTS))
        size = x_height / X_HEIGHT[face] * (1.0 if place == 0 else dice.uniform(1.0, 1.25))
        plain, bold = (ImageFont.truetype(path, size) for path in FONTS[face])
        ink = dice.choice(((10, 10, 14), (10, 10, 14), (30, 34, 90), (140, 20, 20)))
        inset, pitch = size * dice.uniform(0.6, 1.4), size * dice.uniform(1.35, 1.7)
        y = top + inset
        wanted = [(dice.choice(TITLES), bold)] + [(_filled(dice, dice.choice(LINES)), plain) for _ in range(budget)]
        for words, font in wanted:
            while font.getlength(words) > right - left - 2 * inset and " " in words:
                words = words.rsplit(" ", 1)[0]
            if y + pitch > bottom - inset or font.getlength(words) > right - left - 2 * inset:
                break
            brush.text((left + inset, y), words, ink, font)
            lines.append((words, (left + inset, y, left + inset + font.getlength(words), y + size * 1.25)))
            y += pitch
    return flat, lines


def _seen(
    dice: random.Random, width: int, height: int, board_width: int, board_height: int, is_tilted: bool
) -> tuple[Point, ...]:
    """Where the corners of a board come to lie in the picture of a camera that looks at it from somewhere."""
    turn = dice.uniform(14, 32) * dice.choice((-1, 1)) if is_tilted else dice.uniform(-5, 5)
    nod = dice.uniform(-14, 14) if is_tilted else dice.uniform(-4, 4)
    roll = dice.uniform(-5, 5) if is_tilted else dice.uniform(-1.2, 1.2)
    yaw, pitch, lean = (math.radians(angle) for angle in (turn, nod, roll))
    focal = 1.15 * max(width, height)
    corners = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        px, py, pz = x * board_width / 2, y * board_height / 2, 0.0
        px, py = px * math.cos(lean) - py * math.sin(lean), px * math.sin(lean) + py * math.cos(lean)
        px, pz = px * math.cos(yaw) + pz * math.sin(yaw), -px * math.sin(yaw) + pz * math.cos(yaw)
        py, pz = py * math.cos(pitch) - pz * math.sin(pitch), py * math.sin(pitch) + pz * math.cos(pitch)
        corners.append((px * focal / (focal + pz), py * focal / (focal + pz)))
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    shrink = min(1.0, 0.96 * width / (right - left), 0.96 * height / (bottom - top))
    free = width - shrink * (right - left), height - shrink * (bottom - top)
    at = dice.uniform(0.25, 0.75) * free[0] - shrink * left, dice.uniform(0.25, 0.75) * free[1] - shrink * top
    return tuple((shrink * x + at[0], shrink * y + at[1]) for x, y in corners)


def _inside(corners: tuple[Point, ...], width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    return mask.filter(ImageFilter.MinFilter(3))  # or what lies beyond the board shines through at its rim


def _wall(dice: random.Random, width: int, height: int) -> Image.Image:
    """Plaster in some colour, with a skirting or a door frame now and then."""
    base = dice.choice(((206, 200, 184), (176, 190, 170), (222, 222, 216), (196, 186, 150), (160, 168, 176)))
    wall = Image.new("RGB", (width, height), base)
    brush = ImageDraw.Draw(wall)
    if dice.random() < 0.4:
        low = round(height * dice.uniform(0.8, 0.97))
        brush.rectangle((0, low, width, height), fill=tuple(value * 2 // 3 for value in base))
    if dice.random() < 0.25:
        brush.rectangle((0, 0, round(width * dice.uniform(0.02, 0.08)), height), fill=(96, 72, 48))
    grain = _noise(dice, width // 4, height // 4, 4).resize((width, height), Image.Resampling.BICUBIC)
    return ImageChops.add(wall, Image.merge("RGB", (grain,) * 3), 1, -128)


def _noise(dice: random.Random, width: int, height: int, spread: float) -> Image.Image:
    """Grey 128 with noise of about that standard deviation."""
    one, other = (Image.frombytes("L", (width, height), dice.randbytes(width * height)) for _ in range(2))
    scale = spread / 52  # the mean of two even dice of 256 spreads by 52
    return Image.blend(one, other, 0.5).point([round(128 + (value - 127.5) * scale) for value in range(256)])


def _damaged(dice: random.Random, picture: Image.Image, corners: tuple[Point, ...]) -> tuple[Image.Image, str]:
    """What hand, lens, light and sensor do to it, and in words."""
    said = []
    kind = dice.random()
    if kind < 0.3:
        picture, strength = _shaken(dice, picture)
        said.append(f"shaken {strength:.1f}")
    elif kind < 0.55:
        radius = dice.uniform(0.6, 4.0)
        picture = picture.filter(ImageFilter.GaussianBlur(radius))
        said.append(f"out of focus {radius:.1f}")
    elif kind < 0.67:
        radius = dice.uniform(2.0, 5.0)
        side = Image.linear_gradient("L").rotate(dice.choice((0, 90, 180, 270))).resize(picture.size)
        side = side.point([max(0, min(255, (value - 110) * 4)) for value in range(256)])
        picture = Image.composite(picture.filter(ImageFilter.GaussianBlur(radius)), picture, side)
        said.append(f"one side out of focus {radius:.1f}")
    light = Image.linear_gradient("L").rotate(dice.choice((0, 90, 180, 270))).resize(picture.size)
    low = dice.uniform(0.6, 1.0)
    shade = light.point([round(255 * (low + (1 - low) * value / 255)) for value in range(256)])
    picture = ImageChops.multiply(picture, Image.merge("RGB", (shade,) * 3))
    gain = math.exp(dice.gauss(0, 0.18))
    if dice.random() < 0.15:
        gain = dice.choice((dice.uniform(0.1, 0.4), dice.uniform(1.4, 1.8)))
    if abs(gain - 1) > 0.3:
        said.append(f"light {gain:.2f}")
    picture = picture.point([min(255, round(value * gain)) for value in range(256)] * 3)
    if dice.random() < 0.25:
        picture, radius = _glare(dice, picture, corners)
        said.append(f"glare {radius}")
    spread = dice.uniform(1, 5) if gain > 0.4 else dice.uniform(4, 9)
    grain = _noise(dice, *picture.size, spread)
    return ImageChops.add(picture, Image.merge("RGB", (grain,) * 3), 1, -128), ", ".join(said) or "clean"


def _shaken(dice: random.Random, picture: Image.Image) -> tuple[Image.Image, float]:
    """Moved along a line while the shutter was open, by up to 14 pixels."""
    length, angle = dice.uniform(1.5, 14), dice.uniform(0, math.pi)
    steps = max(2, math.ceil(length))
    mean = picture
    for step in range(1, steps + 1):
        x, y = math.cos(angle) * length * step / steps, math.sin(angle) * length * step / steps
        moved = picture.transform(picture.size, Image.Transform.AFFINE, (1, 0, x, 0, 1, y), Image.Resampling.BILINEAR)
        mean = Image.blend(mean, moved, 1 / (step + 1))
    return mean, length


def _glare(dice: random.Random, picture: Image.Image, corners: tuple[Point, ...]) -> tuple[Image.Image, int]:
    """A lamp mirrored in the glass over the board."""
    radius = round(dice.uniform(0.05, 0.22) * min(picture.size))
    across, down = dice.random(), dice.random()
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    x = (1 - down) * ((1 - across) * x0 + across * x1) + down * ((1 - across) * x3 + across * x2)
    y = (1 - down) * ((1 - across) * y0 + across * y1) + down * ((1 - across) * y3 + across * y2)
    spot = ImageChops.invert(Image.radial_gradient("L")).resize((4 * radius, 4 * radius))
    spot = spot.point([min(255, max(0, round((value - 64) * 1.6))) for value in range(256)])
    lamp = Image.new("L", picture.size)
    lamp.paste(spot, (round(x) - 2 * radius, round(y) - 2 * radius))
    return ImageChops.add(picture, Image.merge("RGB", (lamp,) * 3)), radius
