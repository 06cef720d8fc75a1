"""A bad link for everything that talks to one port inside a network namespace, on packets, with the kernel's own TCP.

`python -m bench.link.emulator SEED JSON OUTAGES` inside the namespace, whose iptables hand packets to queue 0 (upwards) and
queue 1 (downwards). What passed is written to the file JSON, again and again until SIGTERM. OUTAGES is yes or no. Needs root
and NetfilterQueue.
"""

import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.link.shape import BUFFER_S, P1, Link

UP, DOWN = 0, 1
SYN, ACK = 0x02, 0x10


@dataclass
class Passed:
    """What the link saw; bytes are those of IP packets that were let onto the link, lost ones included."""

    up_bytes: int = 0
    down_bytes: int = 0
    up_packets: int = 0
    down_packets: int = 0
    connections: int = 0
    lost: int = 0
    dropped_full: int = 0
    dropped_out: int = 0
    dropped_dead: int = 0


class Emulator:
    """Decides each packet's fate; `now` is seconds since the start."""

    def __init__(self, link: Link, seed: int):
        self.link, self.passed = link, Passed()
        self._dice = random.Random(seed)
        self._free = [0.0, 0.0]
        self._rate = [link.up_kbit * 125, link.down_kbit * 125]
        self._born: dict[int, int] = {}
        self._waiting: list[tuple[float, int, int, Any]] = []
        self._number = 0

    def take(self, way: int, packet: Any, now: float) -> None:
        """A packet enters the link: it is dropped at once, or waits for its turn and its travel."""
        raw = packet.get_payload()
        header = (raw[0] & 15) * 4
        source, target = struct.unpack_from("!HH", raw, header)
        phone_port, flags, passed = (source if way == UP else target), raw[header + 13], self.passed
        if way == UP and flags & SYN and not flags & ACK:
            passed.connections += 1
            self._born[phone_port] = self.link.life(now)
        start = max(now, self._free[way])
        if self.link.is_out(now):
            passed.dropped_out += 1
        elif self._is_dead(phone_port, now):
            passed.dropped_dead += 1
        elif start - now > BUFFER_S:
            passed.dropped_full += 1
        else:
            if way == UP:
                passed.up_bytes, passed.up_packets = passed.up_bytes + len(raw), passed.up_packets + 1
            else:
                passed.down_bytes, passed.down_packets = passed.down_bytes + len(raw), passed.down_packets + 1
            self._free[way] = start + len(raw) / self._rate[way]
            if self._dice.random() >= self.link.loss:
                packet.retain()
                self._number += 1
                travel = self.link.rtt_s / 2 + self._dice.uniform(-1, 1) * self.link.jitter_s / 2
                heapq.heappush(self._waiting, (self._free[way] + travel, self._number, phone_port, packet))
                return
            passed.lost += 1
        packet.drop()

    def let_go(self, now: float) -> float:
        """Hand on what has arrived by now; seconds until the next packet does."""
        while self._waiting and self._waiting[0][0] <= now:
            _, _, phone_port, packet = heapq.heappop(self._waiting)
            if self.link.is_out(now) or self._is_dead(phone_port, now):
                self.passed.dropped_out += 1
                packet.drop()
            else:
                packet.accept()
        return self._waiting[0][0] - now if self._waiting else 1.0

    def end(self) -> None:
        while self._waiting:
            heapq.heappop(self._waiting)[3].drop()

    def _is_dead(self, phone_port: int, now: float) -> bool:
        return self._born.get(phone_port, 0) != self.link.life(now)


def run(link: Link, seed: int, told: Callable[[Passed], None]) -> None:
    """Emulate until SIGTERM. `told` is called once packets are being taken, and every half second from then on."""
    from netfilterqueue import NetfilterQueue

    emulator, start = Emulator(link, seed), time.monotonic()
    is_over = False

    def stop(*_: object) -> None:
        nonlocal is_over
        is_over = True

    signal.signal(signal.SIGTERM, stop)
    queues = []
    for way in (UP, DOWN):
        queue = NetfilterQueue()
        queue.bind(way, lambda packet, way=way: emulator.take(way, packet, time.monotonic() - start), max_len=4000)
        queues.append((socket.fromfd(queue.get_fd(), socket.AF_UNIX, socket.SOCK_STREAM), queue))
    wait, tell_at = 0.0, 0.0
    while not is_over:
        if time.monotonic() - start >= tell_at:
            told(emulator.passed)
            tell_at += 0.5
        ready, _, _ = select.select([sock for sock, _ in queues], [], [], min(0.02, max(0.0, wait)))
        for sock, queue in queues:
            if sock in ready:
                queue.run(block=False)
        wait = emulator.let_go(time.monotonic() - start)
    emulator.end()
    told(emulator.passed)
    for sock, queue in queues:
        sock.close()
        queue.unbind()


def main() -> None:
    seed, report = int(sys.argv[1]), Path(sys.argv[2])
    fresh = report.with_suffix(".new")

    def tell(passed: Passed) -> None:
        is_first = not report.exists()
        fresh.write_text(json.dumps(asdict(passed)), encoding="utf-8")
        fresh.replace(report)
        if is_first:
            print("ready", flush=True)

    os.nice(-10)  # a link does not slow down because the machine has other work
    run(P1 if sys.argv[3] == "yes" else replace(P1, lasts_s=0), seed, tell)


if __name__ == "__main__":
    main()
