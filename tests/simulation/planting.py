"""How a bug is put in on purpose for one simulated day: by a function that takes the place of one of the project's own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from tests.simulation.world import World

Bug = Callable[["World"], AbstractContextManager[Any]]
BUGS: dict[str, Bug] = {}


def bug(planted: Bug) -> Bug:
    BUGS[planted.__name__] = planted
    return planted


def instead(module: Any, name: str, make: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """What `make` makes of a module's function, in its place."""
    return mock.patch.object(module, name, make(getattr(module, name)))


@contextmanager
def both(one: AbstractContextManager[Any], other: AbstractContextManager[Any]) -> Iterator[None]:
    with one, other:
        yield
