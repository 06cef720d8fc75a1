"""Timing and telling: medians of enough runs, compared with a goal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Timing:
    """Seconds of every run."""

    runs: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.runs)

    @property
    def p95(self) -> float:
        return quantiles(self.runs, n=20)[-1] if len(self.runs) > 1 else self.runs[0]


def timed(work: Callable[[int], object], runs: int, before: Callable[[int], object] = lambda _: None) -> Timing:
    """Time `work(n)` for n = 0 … runs - 1; `before(n)` prepares each run outside the clock. The first run is not counted."""
    taken = []
    for number in range(-1, runs):
        before(number)
        start = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - start)
    return Timing(taken[1:])


def tell(what: str, timing: Timing, goal: str = "", is_met: bool | None = None, beside: str = "") -> None:
    """One line: median and 95th percentile in ms, what it is compared with, and whether the goal is met."""
    verdict = "" if is_met is None else ("đạt / met" if is_met else "KHÔNG ĐẠT / MISSED")
    figures = f"{timing.median * 1000:9.3f} ms  p95 {timing.p95 * 1000:9.3f} ms"
    print(f"  {what:<58} {figures}  {beside:<26} {goal:<10} {verdict}".rstrip(), flush=True)


def tell_limit(what: str, timing: Timing, limit_ms: float) -> bool:
    """A line with a goal in ms on the median; gives whether it is met."""
    is_met = timing.median * 1000 <= limit_ms
    tell(what, timing, f"≤ {limit_ms:g} ms", is_met)
    return is_met
