"""Figures under a thumb that taps faster than the screen is redrawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.records import COUNT_MAX
from app.screens.parts import Handler, tell


def stepped(value: int | None, step: int) -> int | None:
    """A figure after − or +.

    + on empty is 1. − on empty is 0: so "none" is said. − on 0 is empty again: the thumb that met the wrong row takes
    it back where it was made, with the same key, and a 0 that was never meant does not stay behind as a count.
    """
    if value is None:
        return 1 if step > 0 else 0
    if value + step < 0:
        return None
    return min(value + step, COUNT_MAX)


@dataclass(eq=False)
class Tally:
    """The figures as the thumb left them: ahead of what is drawn while a change is still being kept."""

    figures: dict[str, int | None] = field(default_factory=dict)
    waiting: int = 0

    def meet(self, kept: Mapping[str, int | None]) -> None:
        """Takes over what is kept, once nothing is on its way any more."""
        if not self.waiting:
            self.figures = dict(kept)

    async def put(self, on_set: Handler | None, figures: Mapping[str, int | None]) -> None:
        """Hands figures on to be kept; what fails there is for `on_set` to say, and the old figures count again."""
        self.figures.update(figures)
        self.waiting += 1
        try:
            await tell(on_set, dict(figures))
        finally:
            self.waiting -= 1
