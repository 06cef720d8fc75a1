"""Roads to measure on: a network namespace of its own with the emulator in it, or a relay where a machine allows no more."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PORT, DIRECT = 8000, 8001
"""In a namespace: the port behind the link, and one that is not."""
MTU = 1420


@dataclass
class Road:
    """Where the programs of one measurement run. `inside` goes before every command, `port` is where the far end listens,
    `entrance` where the near end connects, `direct` the far end without the link."""

    kind: str
    inside: list[str]
    port: int
    entrance: int
    direct: int
    report: Path = Path()
    """Where the link writes down what it saw, every half second and at its end."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.entrance}"

    @property
    def direct_url(self) -> str:
        return f"http://127.0.0.1:{self.direct}"

    def passed(self) -> dict[str, Any]:
        """What the link has seen, as of half a second ago."""
        seen: dict[str, Any] = json.loads(self.report.read_text(encoding="utf-8"))
        return seen

    def start(self, command: list[str], cwd: Path = ROOT, **more: str) -> "subprocess.Popen[str]":
        """A program on this road; its first line on standard output says that it is ready."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOKIO_WORKER_THREADS": "2", **more}
        return subprocess.Popen(
            [*self.inside, *command],
            cwd=cwd,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )


def lacking() -> list[str]:
    """What this machine lacks for the emulator, each with how to get it; empty when all is there."""
    found = []
    if os.geteuid() != 0:
        found.append("quyền root / root")
    for program, package in (("ip", "iproute2"), ("iptables", "iptables"), ("ethtool", "ethtool")):
        if shutil.which(program) is None:
            found.append(f"{program}: apt-get install {package}")
    if importlib.util.find_spec("netfilterqueue") is None:
        found.append(
            "NetfilterQueue: apt-get install libnetfilter-queue-dev gcc python3-dev; pip install NetfilterQueue"
        )
    if not found:
        try:
            with _namespace("skt-try"):
                pass
        except subprocess.CalledProcessError as error:
            found.append(f"nhân không cho / the kernel does not allow it: {' '.join(error.cmd)}")
    return found


@contextlib.contextmanager
def emulated(name: str, seed: int, outages: bool = True) -> Iterator[Road]:
    """A namespace called `name` whose port 8000 lies behind the emulated link, which drops every minute, or never."""
    with _namespace(name) as inside, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "passed.json"
        road = Road("NFQUEUE", inside, PORT, PORT, DIRECT, report)
        emulator = road.start(
            [sys.executable, "-m", "bench.link.emulator", str(seed), str(report), "yes" if outages else "no"]
        )
        try:
            ready(emulator)
            yield road
        finally:
            end(emulator)


@contextlib.contextmanager
def relayed(seed: int, port: int) -> Iterator[Road]:
    """A relay on this machine that delays, throttles and cuts connections to `port`; it cannot lose single packets."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "passed.json"
        road = Road("relay", [], port, 0, port, report)
        relay = road.start([sys.executable, "-m", "bench.link.relay", str(port), str(seed), str(report)])
        try:
            road.entrance = int(ready(relay))
            yield road
        finally:
            end(relay)


def free_port() -> int:
    """A port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(process: "subprocess.Popen[str]") -> str:
    """The first line a program says. Raises RuntimeError when it ends without a word."""
    assert process.stdout
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"{process.args} ended before it was ready ({process.wait()})")
    return line


def end(process: "subprocess.Popen[str]") -> None:
    """Ask a program and what it started to end, and insist after ten seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _namespace(name: str) -> Iterator[list[str]]:
    """A network namespace with a loopback like a phone's road; gives what to put before a command to run in it."""
    inside = ["ip", "netns", "exec", name]
    steps = [
        ["ip", "link", "set", "lo", "up", "mtu", str(MTU)],
        ["ethtool", "-K", "lo", "tso", "off", "gso", "off", "gro", "off"],
        ["iptables", "-A", "OUTPUT", "-p", "tcp", "--dport", str(PORT), "-j", "NFQUEUE", "--queue-num", "0"],
        ["iptables", "-A", "OUTPUT", "-p", "tcp", "--sport", str(PORT), "-j", "NFQUEUE", "--queue-num", "1"],
    ]
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
    try:
        for step in steps:
            subprocess.run([*inside, *step], check=True, capture_output=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
