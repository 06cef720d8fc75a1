"""`python -m bench.boards [straighten] [COUNT [FIRST]]`: 300 boards nobody tuned on, measured; about a quarter of an hour on two cores.

With `straighten` only what is told of boards photographed from the side, every third of them. What was measured is kept in
`.cache/boards.jsonl` and `.cache/straightened.jsonl`, so that a run that was stopped goes on.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from multiprocessing import Pool
from pathlib import Path
from statistics import mean, median
from typing import TypeVar

from bench.boards import straighten
from bench.boards.draw import is_tilted
from bench.boards.measure import Measurement, measure

CACHE = Path(__file__).parents[2] / ".cache"
HELD_OUT, HELD_OUT_TILTED = 5000, 8000
"""First seeds of the boards that nothing was tuned on: neither the verdict and the size, nor straightening. Tuning used 0 to 299 and 2000 to
2860, for straightening also 5000 to 5299 and 6000 to 6299; 1000 to 1299 were looked at before."""

M = TypeVar("M", Measurement, straighten.Straightening)


def measured(seeds: Sequence[int], work: Callable[[int], M], kind: type[M], cache: Path) -> list[M]:
    cache.parent.mkdir(exist_ok=True)
    known: dict[int, M] = {}
    if cache.exists():
        lines = map(json.loads, cache.read_text().splitlines())
        names = {field.name for field in fields(kind)}
        known = {line["seed"]: kind(**line) for line in lines if line.keys() == names}
    with Pool() as pool, cache.open("a") as file:
        for found in pool.imap_unordered(work, [seed for seed in seeds if seed not in known]):
            known[found.seed] = found
            print(json.dumps(asdict(found), ensure_ascii=False), file=file, flush=True)
    return [known[seed] for seed in seeds]


def tell(boards: Sequence[Measurement]) -> None:
    agree = mean(board.is_legible == board.is_readable for board in boards)
    as_taken = mean(board.is_legible == (board.taken >= 0.95) for board in boards)
    print(f"{len(boards)} boards, {mean(board.is_readable for board in boards):.0%} of them readable")
    print(f"  verdict agrees with the reading   {agree:.1%}   goal 90 %   (read only as taken: {as_taken:.1%})")
    for name, is_legible in (("said legible, is not", True), ("said illegible, is not", False)):
        print(f"    {name:<24} {sum(b.is_legible == is_legible != b.is_readable for b in boards)}")
    readable = [board for board in boards if board.taken >= 0.95]
    for name, some in (("all", boards), ("read well as taken", readable)):
        print(f"  {name}: {len(some)}")
        for what in ("taken", "kept", "peer"):
            sizes = [getattr(board, f"{what}_bytes") / 1000 for board in some]
            wrong = mean(1 - getattr(board, what) for board in some)
            print(
                f"    {what:<6} median {median(sizes):6.1f} kB   mean {mean(sizes):6.1f} kB   characters not read {wrong:6.2%}"
            )
        print(
            f"    kept, longest tenth {sorted(board.kept_bytes for board in some)[len(some) * 9 // 10] / 1000:.0f} kB"
        )


if __name__ == "__main__":
    asked = sys.argv[1:]
    only_straighten = asked[:1] == ["straighten"]
    asked = asked[only_straighten:]
    count = int(asked[0]) if asked else 300
    first, first_tilted = (int(asked[1]),) * 2 if asked[1:] else (HELD_OUT, HELD_OUT_TILTED)
    if not only_straighten:
        tell(measured(range(first, first + count), measure, Measurement, CACHE / "boards.jsonl"))
    tilted = [seed for seed in range(first_tilted, first_tilted + count) if is_tilted(seed)]
    straighten.tell(measured(tilted, straighten.straighten, straighten.Straightening, CACHE / "straightened.jsonl"))
