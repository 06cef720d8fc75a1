"""Playing many days: one after another or in several processes, the failing ones shortened and told so that they can be
played again."""

import functools
import gc
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.schedule import Schedule, schedule, written
from tests.simulation.violation import Violation
from tests.simulation.world import World

AT_ONCE = 20
"""Days a process plays before it says how they went."""


@dataclass
class Failure:
    """A day that broke a promise: `what` is the promise's number, or the kind of error that no promise foresaw."""

    seed: int
    what: str
    words: str

    @property
    def replay(self) -> str:
        return f"python -m tests.simulation --seed {self.seed}"


@dataclass
class Outcome:
    """How some days went."""

    days: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.days += other.days
        self.counts += other.counts
        self.failures += other.failures


@functools.cache
def _settle() -> None:
    """Everything that is loaded by now stays: the collector need not look at it again a hundred times a day."""
    gc.collect()
    gc.freeze()


def play(day: Schedule, planted: str = "") -> tuple[World, Failure | None]:
    """Play one day, with a planted bug if one is named."""
    _settle()
    world = World(day, planted=planted)
    try:
        world.play()
    except Violation as violation:
        return world, Failure(day.seed, violation.invariant, str(violation))
    except Exception as error:
        return world, Failure(day.seed, type(error).__name__, f"{type(error).__name__}: {error}")
    return world, None


def play_all(seeds: Sequence[int], planted: str = "") -> Outcome:
    outcome = Outcome()
    for seed in seeds:
        world, failure = play(schedule(seed), planted)
        outcome.days += 1
        outcome.counts += world.counts
        if failure:
            outcome.failures.append(failure)
    return outcome


def play_in(jobs: int, seeds: range) -> Iterator[Outcome]:
    """Days by the dozen, in so many processes; outcomes as they come."""
    parts = [seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE)]
    if jobs == 1:
        yield from map(play_all, parts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play_all, parts)


def shortened(day: Schedule, what: str, planted: str = "", seconds: float = 20.0) -> Schedule:
    """The same day with every step left out that the failure does not need, as far as the time allows."""
    end = time.monotonic() + seconds
    steps = list(day.steps)
    size = max(1, len(steps) // 2)
    while size and time.monotonic() < end:
        at = 0
        while at < len(steps) and time.monotonic() < end:
            fewer = day._replace(steps=tuple(steps[:at] + steps[at + size :]))
            _, failure = play(fewer, planted)
            if failure and failure.what == what:
                steps = list(fewer.steps)
            else:
                at += size
        size //= 2
    return day._replace(steps=tuple(steps))


def told(seed: int, planted: str = "") -> str:
    """A day as a story: what happened when, how it ended and, when it failed, the few steps that are enough for it."""
    world, failure = play(schedule(seed), planted)
    lines = [
        f"seed {seed}: {', '.join(world.schedule.cast)}; {world.schedule.rate:.0%} of requests in trouble",
        *world.trace,
    ]
    if failure is None:
        return "\n".join([*lines, "all promises kept"])
    short = shortened(world.schedule, failure.what, planted)
    again, same = play(short, planted)
    lines += [failure.words, "", f"{len(short.steps)} of {len(world.schedule.steps)} steps are enough:"]
    lines += [f"  {step}" for step in short.steps]
    lines += ["", *again.trace, same.words if same else "", "", "to keep in remembered.py:", written(short)]
    return "\n".join(lines)
