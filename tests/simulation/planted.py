"""Bugs put in on purpose: each must be found within a thousand days, or the simulation is not looking."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tests.simulation import days

if TYPE_CHECKING:
    from tests.simulation.world import World

WITHIN = 1000
"""Days in which each must be found."""
Bug = Callable[["World"], AbstractContextManager[None]]
BUGS: dict[str, Bug] = {}


def find(name: str) -> days.Failure | None:
    """The first day that shows a bug."""
    for seed in range(WITHIN):
        found = days.play_all([seed], name)
        if found.failures:
            return found.failures[0]
    return None


def hunt(names: Sequence[str], jobs: int) -> Iterator[tuple[str, days.Failure | None]]:
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(names, pool.map(find, names), strict=True)
