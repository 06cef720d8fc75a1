"""What screens say: both languages there, nothing unused, no glyph the shipped fonts lack, figures one can read in the sun."""

import re
import string
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from app.checklist import ITEM_TYPES, SEVERITIES, YES_NO_NA
from app.records import HEADS
from app.screens import words
from app.screens.keypad import is_full, typed_on
from app.screens.tally import stepped
from app.screens.theme import DARK, FONTS, LIGHT
from app.screens.words import WORDS, clock, day, day_and_moment, moment, number, percent, read_day, size, word

ROOT = Path(__file__).parent.parent
MORNING = 1795308300000
"""22 November 2026, 07:45 in Viet Nam."""


@pytest.mark.parametrize("font", FONTS.values())
def test_every_string_can_be_drawn_with_the_shipped_fonts(font: str) -> None:
    drawable = set(TTFont(ROOT / "assets" / font).getBestCmap())
    tofu = {
        key: sorted({c for c in text if ord(c) not in drawable})
        for key, texts in WORDS.items()
        for text in texts
        if any(ord(c) not in drawable for c in text)
    }
    assert tofu == {}


def test_the_shipped_fonts_would_give_a_tick_away() -> None:
    """The test above can fail: marks are icons because the fonts have none."""
    assert ord("✓") not in TTFont(ROOT / "assets" / FONTS["So Regular"]).getBestCmap()


def test_every_string_says_the_same_values_in_both_languages() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, texts in WORDS.items():
        assert len(texts) == 2 and all(t.strip() for t in texts), key
        assert names(texts[0]) == names(texts[1]), key


def test_no_string_is_left_that_no_screen_says() -> None:
    """A key is quoted where it is used, or put together there: `f"caption_{code}"`, `f"{kind}_how"`, `f"{kind}_{part}"`."""
    paths = [path for path in sorted((ROOT / "app").rglob("*.py")) if not path.stem.endswith("words")]
    source = "\n".join(path.read_text() for path in paths)
    quoted = {*re.findall(r"""["']([a-z][a-z0-9_]*)["']""", source), *HEADS, *SEVERITIES, *YES_NO_NA, *ITEM_TYPES}
    begun = tuple(re.findall(r'f"([a-z][a-z0-9_]*_)\{', source))
    ended = set(re.findall(r'f"\{\w+\}(_[a-z0-9_]+)"', source))
    halves = bool(re.search(r'f"\{\w+\}_\{\w+\}"', source))

    def is_said(key: str) -> bool:
        cuts = [i for i, c in enumerate(key) if c == "_"] if halves else []
        put_together = any(key[:i] in quoted and key[i + 1 :] in quoted for i in cuts)
        begins = any(key.endswith(end) and key.removesuffix(end) in quoted for end in ended)
        return key in quoted or key.startswith(begun) or begins or put_together

    assert not is_said("word_nobody_says")
    unused = [key for key in WORDS if not is_said(key)]
    assert unused == []


def test_a_missing_word_is_loud() -> None:
    with pytest.raises(KeyError):
        word("no_such_word", "vi")


def test_figures_are_written_the_vietnamese_way() -> None:
    assert [number(n) for n in (None, 0, 12, 1234, 1234567)] == ["–", "0", "12", "1.234", "1.234.567"]
    assert [percent(p) for p in (None, "67.50", "100.00", "0.00")] == ["–", "67,50%", "100,00%", "0,00%"]
    assert day("2026-11-22") == "22/11/2026" and day("2026-01-05") == "05/01/2026" and day(None) == "–"
    assert clock(MORNING) == "07:45" and clock(None) == "–"
    assert moment(MORNING) == "7 giờ 45" and moment(MORNING + 30_600_000) == "16 giờ 15"
    assert day_and_moment(MORNING) == "7 giờ 45, 22/11/2026"
    assert [size(n) for n in (0, 1, 850_000, 2_800_000, 1_200_000_000)] == [
        "0 kB",
        "1 kB",
        "850 kB",
        "2,8 MB",
        "1,2 GB",
    ]


def test_figures_are_written_the_english_way() -> None:
    assert number(1234, "en") == "1,234" and percent("67.50", "en") == "67.50%"
    assert day("2026-11-22", "en") == "22 Nov 2026" and moment(MORNING, "en") == "07:45"
    assert size(2_800_000, "en") == "2.8 MB"


def test_just_before_midnight_it_is_still_today_in_viet_nam() -> None:
    late = MORNING + (16 * 60 + 14) * 60_000
    assert day_and_moment(late) == "23 giờ 59, 22/11/2026"
    assert day_and_moment(late + 60_000) == "0 giờ 00, 23/11/2026"


@pytest.mark.parametrize("typed", ["22/11/2026", "22.11.2026", "22-11-26", "22112026", " 22 / 11 / 2026 ", "221126"])
def test_a_day_is_read_as_people_write_it(typed: str) -> None:
    assert read_day(typed) == "2026-11-22"


@pytest.mark.parametrize(
    "typed", ["31/02/2026", "2026-11-22", "22/11", "hôm qua", "32/1/2026", "1/13/2026", "22/11/226"]
)
def test_a_day_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        read_day(typed)


def test_a_blank_is_no_day() -> None:
    assert read_day("  ") is None


def test_minus_says_none_and_takes_it_back() -> None:
    assert stepped(None, 1) == 1
    assert stepped(None, -1) == 0, "− on an empty figure is how «none» is said"
    assert stepped(0, -1) is None, "− again takes it back"
    assert stepped(5, 1) == 6 and stepped(5, -1) == 4
    assert stepped(9999, 1) == 9999


def test_the_keypad_moves_on_when_no_digit_can_follow() -> None:
    assert typed_on(None, 5) == 5 and typed_on(3, 4) == 34 and typed_on(9999, 1) == 9999
    assert is_full(5, 8) and is_full(0, 40) and is_full(40, 40) and is_full(1000, None)
    assert not is_full(3, 40) and not is_full(4, 40) and not is_full(999, None)
    assert is_full(5, 40), "fifty do not fit into forty"


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("on_surface", "surface"),
        ("on_surface", "surface_container_lowest"),
        ("on_surface_variant", "surface"),
        ("on_surface_variant", "surface_container_high"),
        ("primary", "surface"),
        ("on_primary", "primary"),
        ("on_primary_container", "primary_container"),
        ("on_tertiary_container", "tertiary_container"),
        ("on_error_container", "error_container"),
        ("tertiary", "surface"),
        ("error", "surface"),
        ("error", "surface_container_lowest"),
    ],
)
def test_what_is_read_in_the_sun_has_contrast(scheme: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(scheme[ink], scheme[ground]) >= 7


def test_both_schemes_colour_the_same_roles() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert words.LANGUAGES == ("vi", "en")
