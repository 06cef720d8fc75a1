"""The road where a machine allows no emulator: a relay between sockets that delays, throttles and cuts.

`python -m bench.link.relay PORT SEED JSON` relays to PORT and prints its own port. It cannot lose single packets, and both
kernels see a perfect line: what is measured on it is kinder than the emulator's.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.link.shape import P1, Link

PIECE = 1368


@dataclass
class Relayed:
    """Bytes of connections' contents, no headers of packets."""

    up_bytes: int = 0
    down_bytes: int = 0
    connections: int = 0


class Relay:
    """Connections to `port`, each way at the link's rate, all of them silent for good after an outage."""

    def __init__(self, link: Link, seed: int, port: int):
        self.link, self.port, self.relayed = link, port, Relayed()
        self._dice = random.Random(seed)
        self._start = time.monotonic()
        self._free = {"up": 0.0, "down": 0.0}

    def now(self) -> float:
        return time.monotonic() - self._start

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relayed.connections += 1
        while self.link.is_out(self.now()):
            await asyncio.sleep(0.2)
        await asyncio.sleep(self.link.rtt_s)  # the handshake
        life = self.link.life(self.now())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.create_task(self._carry("up", reader, far_writer, life)),
            asyncio.create_task(self._carry("down", far_reader, writer, life)),
        ]
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(*ways)
        for end in (writer, far_writer):
            end.close()

    async def _carry(self, way: str, source: asyncio.StreamReader, to: asyncio.StreamWriter, life: int) -> None:
        rate = (self.link.up_kbit if way == "up" else self.link.down_kbit) * 125
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(24)

        async def arrive() -> None:
            while True:
                at, piece = await arriving.get()
                await asyncio.sleep(max(0.0, at - self.now()))
                if self.link.is_out(self.now()) or self.link.life(self.now()) != life:
                    await asyncio.Event().wait()  # dead: no word to either side
                if not piece:
                    to.close()
                    return
                to.write(piece)
                await to.drain()

        arrival = asyncio.create_task(arrive())
        try:
            while piece := await source.read(PIECE):
                self._free[way] = max(self.now(), self._free[way]) + len(piece) / rate
                if way == "up":
                    self.relayed.up_bytes += len(piece)
                else:
                    self.relayed.down_bytes += len(piece)
                travel = self.link.rtt_s / 2 + self._dice.uniform(-1, 1) * self.link.jitter_s / 2
                await arriving.put((self._free[way] + travel, piece))
            await arriving.put((self.now(), b""))
            await arrival
        finally:
            arrival.cancel()


async def run(port: int, seed: int, report: Path) -> None:
    relay = Relay(P1, seed, port)
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    fresh = report.with_suffix(".new")

    def tell() -> None:
        fresh.write_text(json.dumps(asdict(relay.relayed)), encoding="utf-8")
        fresh.replace(report)

    tell()
    print(server.sockets[0].getsockname()[1], flush=True)
    while not is_over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(is_over.wait(), 0.5)
        tell()
    server.close()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
