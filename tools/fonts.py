"""Makes assets/fonts: Roboto Regular, Medium and Bold, cut down to what Vietnamese and English screens and paper need.

The source is Debian's package fonts-roboto-unhinted (Roboto 2.138, Apache License 2.0):

    apt-get install fonts-roboto-unhinted
    python tools/fonts.py [FOLDER WITH Roboto-*.ttf]
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

SOURCE = Path("/usr/share/fonts/truetype/roboto/unhinted/RobotoTTF")
TARGET = Path(__file__).parent.parent / "assets" / "fonts"
WEIGHTS = ("Regular", "Medium", "Bold")

LETTERS = [
    *range(0x20, 0x7F),  # Basic Latin
    *range(0xA0, 0x180),  # Latin-1, Latin Extended-A: â ê ô ă đ ĩ ũ and the names of neighbours
    *map(ord, "ƠơƯư"),
    *range(0x1EA0, 0x1EFA),  # the precomposed Vietnamese letters
    *(0x0300, 0x0301, 0x0302, 0x0303, 0x0306, 0x0309, 0x031B, 0x0323),  # tone marks, for text that comes decomposed
]
SIGNS = "–—…«»“”„‘’‚‹›₫€№≥≤≠≈±°½¼¾×÷−·•†‰′″²³⁄™\u2007\u2009\u200a\u202f"
FEATURES = ["ccmp", "locl", "kern", "mark", "mkmk", "liga", "tnum", "lnum", "pnum"]


def cut(source: Path, target: Path) -> set[int]:
    """Write the subset of the font `source` to `target`; returns the wanted code points that the font does not have."""
    options = Options(layout_features=FEATURES, hinting=False, notdef_outline=True, name_IDs=["*"])
    font = load_font(source, options)
    wanted = {*LETTERS, *map(ord, SIGNS)}
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
        missing = cut(source / target.name, target)
        print(
            f"{target.name}: {target.stat().st_size} bytes; not in the font: {sorted(map(chr, missing)) or 'nothing'}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
