"""What a link does to packets, as numbers, and what the best imaginable program could reach on it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Rates in kbit/s, times in seconds, loss as a share of packets; `lasts_s` 0: it never drops altogether.

    After `lasts_s` nothing passes for `outage_s`, and every connection from before is dead for good: neither side is told.
    """

    up_kbit: float
    down_kbit: float
    rtt_s: float
    jitter_s: float = 0.0
    loss: float = 0.0
    lasts_s: float = 0.0
    outage_s: float = 0.0

    @property
    def share_up(self) -> float:
        """The share of time in which anything passes."""
        return self.lasts_s / (self.lasts_s + self.outage_s) if self.lasts_s else 1.0

    def limit_s(self, up_bytes: int) -> float:
        """Seconds that many bytes take upwards with not one packet, byte or round trip too many and no outage."""
        return up_bytes * 8 / (self.up_kbit * 1000)

    def reachable_s(self, up_bytes: int) -> float:
        """`limit_s` with the outages, spread evenly."""
        return self.limit_s(up_bytes) / self.share_up

    def is_out(self, t: float) -> bool:
        """Whether nothing passes `t` seconds after the start; the first outage comes after `lasts_s`."""
        return self.lasts_s > 0 and t % (self.lasts_s + self.outage_s) >= self.lasts_s

    def life(self, t: float) -> int:
        """A number that changes with every outage: connections begun under another one are dead."""
        return int((t + self.outage_s) // (self.lasts_s + self.outage_s)) if self.lasts_s else 0


P1 = Link(up_kbit=100, down_kbit=200, rtt_s=0.8, jitter_s=0.08, loss=0.02, lasts_s=60, outage_s=5)
"""2G in a valley: `sync.md`, the scenario used throughout."""
BUFFER_S = 4.0
"""How much the network before the narrow place keeps waiting, in seconds of its rate; what comes beyond is dropped."""
