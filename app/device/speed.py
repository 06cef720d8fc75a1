"""How long a request may take before its line counts as dead, where the machine shows nothing until the answer comes.

A browser hides its sockets: all there is to go by is how fast earlier requests went.
"""

SILENCE_S = 12.0
"""For connecting, round trips and central's own work."""
SLACK = 3.0
FIRST = 4096.0
"""Bytes per second taken for granted before anything was measured: a third of a 100 kbit/s line."""


class Speed:
    """Bytes per second of one request on this line, as far as is known."""

    def __init__(self) -> None:
        self._rate = FIRST

    def seconds_for(self, size: int) -> float:
        """After which a request with a body of that many bytes is given up."""
        return SILENCE_S + SLACK * size / self._rate

    def moved(self, size: int, seconds: float) -> None:
        """A request with that many bytes was answered."""
        if size >= 4096 and seconds > 0:
            self._rate = max(128.0, (self._rate + size / seconds) / 2)

    def gave_up(self) -> None:
        """Perhaps the line was not dead but slow: be more patient next time."""
        self._rate = max(128.0, self._rate / 2)
