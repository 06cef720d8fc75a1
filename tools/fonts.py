"""Makes assets/fonts: Roboto for screens and Tinos for paper, cut down to what Vietnamese and English texts need.

The sources are Debian's packages fonts-roboto-unhinted (Roboto 2.138, Apache License 2.0) and fonts-croscore (Tinos 1.33, SIL Open
Font License 1.1, whose letters are exactly as wide as those of Times New Roman):

    apt-get install fonts-roboto-unhinted fonts-croscore
    python tools/fonts.py [FOLDER WITH Roboto-*.ttf [FOLDER WITH Tinos-*.ttf]]
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

SOURCE = Path("/usr/share/fonts/truetype/roboto/unhinted/RobotoTTF")
TARGET = Path(__file__).parent.parent / "assets" / "fonts"
WEIGHTS = ("Regular", "Medium", "Bold")
PAPER_SOURCE = Path("/usr/share/fonts/truetype/croscore")
PAPER_STYLES = ("Regular", "Bold", "Italic", "BoldItalic")

LETTERS = [
    *range(0x20, 0x7F),  # Basic Latin
    *range(0xA0, 0x180),  # Latin-1, Latin Extended-A: â ê ô ă đ ĩ ũ and the names of neighbours
    *map(ord, "ƠơƯư"),
    *range(0x1EA0, 0x1EFA),  # the precomposed Vietnamese letters
    *(0x0300, 0x0301, 0x0302, 0x0303, 0x0306, 0x0309, 0x031B, 0x0323),  # tone marks, for text that comes decomposed
]
SIGNS = "–—…«»“”„‘’‚‹›₫€№≥≤≠≈±°½¼¾×÷−·•†‰′″²³⁄™\u2007\u2009\u200a\u202f"
PAPER_LETTERS = [*range(0x180, 0x250), *range(0x300, 0x370), *range(0x1E00, 0x1F00), *map(ord, "□■●○→←↑↓§¶‑‐−")]
"""What paper has besides: letters and marks of the other languages of the mountains (Ê Đê, Jrai, Mông), signs people paste."""
FEATURES = ["ccmp", "locl", "kern", "mark", "mkmk", "liga", "tnum", "lnum", "pnum"]


def cut(source: Path, target: Path, features: Sequence[str] = FEATURES, more: Iterable[int] = ()) -> set[int]:
    """Write the subset of the font `source` to `target`; returns the wanted code points that the font does not have."""
    options = Options(layout_features=features, hinting=False, notdef_outline=True, name_IDs=["*"])
    font = load_font(source, options)
    wanted = {*LETTERS, *map(ord, SIGNS), *more}
    missing = wanted - font.getBestCmap().keys()
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    save_font(font, target, options)
    return missing


def main() -> int:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    TARGET.mkdir(parents=True, exist_ok=True)
    for weight in WEIGHTS:
        target = TARGET / f"Roboto-{weight}.ttf"
        report(target, cut(source / target.name, target))
    paper = Path(sys.argv[2]) if len(sys.argv) > 2 else PAPER_SOURCE
    for style in PAPER_STYLES:
        target = TARGET / f"Tinos-{style}.ttf"
        report(target, cut(paper / target.name, target, features=(), more=PAPER_LETTERS))
    return 0


def report(target: Path, missing: set[int]) -> None:
    print(f"{target.name}: {target.stat().st_size} bytes; not in the font: {sorted(map(chr, missing)) or 'nothing'}")


if __name__ == "__main__":
    sys.exit(main())
