"""A broken promise."""


class Violation(AssertionError):
    """The system has broken a promise; `invariant` is its number in sync.md §6."""

    def __init__(self, invariant: str, words: str):
        super().__init__(f"{invariant}: {words}")
        self.invariant = invariant
