"""How long to wait before the next try: at once after the first failure, then a random time under a doubling bound.

Random from the start (full jitter), so that the phones of a whole team do not come back in step when the mast does.
"""

import random
from collections.abc import Callable

FIRST_S, MOST_S = 1.0, 300.0


class Patience:
    """`dice` gives numbers from 0 to 1."""

    def __init__(self, dice: Callable[[], float] = random.random):
        self._dice = dice
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure in a row."""
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return self._dice() * min(MOST_S, FIRST_S * 2 ** min(self._failures - 2, 20))

    def succeeded(self) -> None:
        self._failures = 0
