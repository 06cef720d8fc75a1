"""A real central under hostile requests: what it answers, how long it takes, how much memory it needs, what still works."""

import base64
import contextlib
import hashlib
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from tests.central.built import write_build
from tests.fuzz.hostile import Enemy, Hostile
from tests.valley import Pen, Valley, free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 2.0
"""An answer that takes longer counts as hanging."""
PATIENCE_WHEN_BUSY_S = 10.0
"""The same while more processes want the machine than it has cores for."""
MEMORY_MAX = 512 * 1024 * 1024
"""Resident bytes that central may need at most: about 115 MiB at rest; each of its 40 threads may keep what it once needed, and each
of up to 48 connections 2 MB of pages. After 100,000 requests it was 452 MiB."""
BETWEEN = 40
"""After so many hostile requests somebody honest comes by."""
LINES = 6
"""Requests under way at the same time."""
STALLED_MAX = 60
"""Lines left hanging in the middle of a request until the end."""
HANGS = b"hangs"
FULL = b"507"
"""What a phone is told that has announced more photos than it finishes: a refusal, with its problem document."""
EARLY_FROM = 60_000
"""Bytes of a request that do not leave at once."""
TELLING = 5000

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class Report:
    """What a siege came to. `faults` are told in words, each with the number of its request."""

    requests: int = 0
    honest: int = 0
    slowest_s: float = 0.0
    memory_at_first: int = 0
    memory_most: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def note(self, request: Hostile, answer: bytes, seconds: float) -> None:
        self.requests += 1
        self.slowest_s = max(self.slowest_s, seconds)
        self.statuses[answer[9:12].decode("ascii", "replace") if answer else "closed"] += 1
        if fault := wrong_with(request, answer, seconds):
            self.faults.append(f"request {self.requests} ({request.kind}): {fault}: {request.data[:300]!r}")

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))
        return (
            f"{self.requests} hostile requests, {self.honest} honest ones between them, slowest {self.slowest_s:.2f} s, "
            f"memory {self.memory_at_first >> 20} to {self.memory_most >> 20} MiB at most, {len(self.faults)} faults\n{statuses}"
        )


@contextlib.contextmanager
def central(folder: Path) -> Iterator[tuple[int, int, Valley]]:
    """`kiemtra serve` as it runs for real, over a valley's data: (port, process id, the valley, asleep)."""
    valley = Valley(folder / "valley", names=("cuc", "dung"))
    valley.close()
    port = free_port()
    environment = os.environ | {
        "KIEMTRA_DATA": str(valley.settings.data), "KIEMTRA_SECRET": secrets.token_hex(32), "KIEMTRA_PORT": str(port),
        "KIEMTRA_FIELD_APP": str(write_build(folder / "build")),
    }  # fmt: skip
    with open(folder / "central.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "central", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            while not _listens(port):
                assert process.poll() is None, (folder / "central.log").read_text("utf-8")
            yield port, process.pid, valley
        finally:
            process.kill()
            process.wait()


def besiege(folder: Path, requests: int, seed: int, tell: Callable[[Report], None] = lambda _: None) -> Report:
    """Send that many hostile requests made from a seed, with honest ones between them; `tell` hears how far it came."""
    report = Report()
    with (
        central(folder) as (port, pid, valley),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        enemy = Enemy(Pen(valley.dung), valley.visit, random.Random(seed))
        honest = Honest(client, Pen(valley.cuc, epoch=secrets.token_hex(16)), valley.visit)
        stalled = contextlib.ExitStack()
        lines = stalled.enter_context(ThreadPoolExecutor(LINES))
        while report.requests < requests:
            batch = [enemy.request() for _ in range(min(BETWEEN, requests - report.requests))]
            if report.requests < STALLED_MAX * BETWEEN:
                stalled.enter_context(stalling(port, batch[0]))
            for request, (answer, seconds) in zip(batch, lines.map(partial(exchanged, port), batch), strict=True):
                report.note(request, answer, seconds)
            if fault := honest.comes_by():
                report.faults.append(f"after request {report.requests}: {fault}")
            report.honest += 2
            memory = _memory(pid)
            report.memory_at_first = report.memory_at_first or memory
            report.memory_most = max(report.memory_most, memory)
            if report.requests % TELLING == 0:
                tell(report)
        stalled.close()
        if report.memory_most > MEMORY_MAX:
            report.faults.append(f"memory grew from {report.memory_at_first} to {report.memory_most}")
    if b"Traceback" in (folder / "central.log").read_bytes():
        report.faults.append("central wrote a traceback: " + (folder / "central.log").read_text("utf-8")[-3000:])
    shutil.rmtree(folder / "valley")
    return report


def stalling(port: int, request: Hostile) -> socket.socket:
    """A line on which half a request came and then nothing more, as long as it is kept."""
    line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    with contextlib.suppress(OSError):
        line.sendall(request.data[: len(request.data) // 2])
    return line


def exchanged(port: int, request: Hostile) -> tuple[bytes, float]:
    """What came back until the line was closed, and after how many seconds. Empty when nothing did, HANGS after too long."""
    began = time.monotonic()
    answer = _answer(port, request)
    return answer, time.monotonic() - began


def _answer(port: int, request: Hostile) -> bytes:
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_WHEN_BUSY_S) as line:
        try:
            size = max(1, len(request.data) // request.pieces + 1)
            for start in range(0, len(request.data), size):
                line.sendall(request.data[start : start + size])
            if not request.is_whole:
                line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65536):
                answer += piece
        except TimeoutError:
            return HANGS
        except OSError:
            # Central has answered before all was sent, and closed: the reset may overtake a part of the answer.
            return b"" if may_be_early(request) else bytes(answer)
    return bytes(answer).removeprefix(CONTINUE)


def patience() -> float:
    return PATIENCE_S if os.getloadavg()[0] < 1.5 * (os.cpu_count() or 1) else PATIENCE_WHEN_BUSY_S


def may_be_early(request: Hostile) -> bool:
    """Whether central may have answered and closed the line before all was sent."""
    return request.pieces > 1 or len(request.data) > EARLY_FROM


def wrong_with(request: Hostile, answer: bytes, seconds: float) -> str:
    """What is wrong with an answer, in words; empty when it is as it should be."""
    if answer == HANGS or seconds > patience():
        return f"no answer within {seconds:.1f} s"
    lines, _, body = answer.partition(b"\r\n\r\n")
    if not answer:
        return "" if may_be_early(request) or not request.is_whole else "closed without an answer"
    status = lines[9:12]
    if not status.isdigit() or (status >= b"500" and status != FULL):
        return f"answered {lines[:60]!r}"
    if status < b"400" or (request.is_head and not body):
        return ""
    headers = lines.lower()
    if b"content-type: application/problem+json" not in headers:
        return f"{status.decode()} without a problem document: {answer[:200]!r}"
    try:
        problem = json.loads(body)
    except ValueError:
        return f"{status.decode()} with a broken problem document: {body[:200]!r}"
    if not {"type", "title", "retry", "status"} <= set(problem):
        return f"{status.decode()} with half a problem document: {body[:200]!r}"
    return ""


@dataclass
class Honest:
    """A phone that writes and sends as it should, and expects to be served."""

    client: httpx.Client
    pen: Pen
    visit: str
    value: int = 0

    def comes_by(self) -> str:
        """Send an entry and a photo; what went wrong, in words."""
        self.value += 1
        answer = f"{self.visit}//good_practice"
        entry = self.pen.entry(
            "answer", answer, {"visit": self.visit, "row": "", "item": "good_practice", "remark": str(self.value)}
        )
        body = self.pen.body(entry)
        photo = secrets.token_bytes(2000)
        name = hashlib.sha256(photo).hexdigest()
        tus = self.pen.headers | {"Tus-Resumable": "1.0.0"}
        began = time.monotonic()
        taken = self.client.post("/api/v1/sync", json=body, headers=self.pen.headers)
        if taken.status_code != 200 or taken.json()["acked"] != body["first_seq"]:
            return f"an honest sync was answered {taken.status_code} {taken.text[:300]}"
        self.pen.wrote(body)
        self.pen.cursor = taken.json()["cursor"]
        metadata = "sha256 " + base64.b64encode(name.encode()).decode()
        announced = self.client.post(
            "/api/v1/uploads", headers=tus | {"Upload-Length": "2000", "Upload-Metadata": metadata}
        )
        kind = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        sent = self.client.patch(f"/api/v1/uploads/{name}", content=photo, headers=tus | kind)
        if (announced.status_code, sent.status_code) != (201, 204):
            return f"an honest photo was answered {announced.status_code}, {sent.status_code} {sent.text[:300]}"
        seconds = time.monotonic() - began
        return f"honest requests took {seconds:.1f} s" if seconds > patience() else ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _memory(pid: int) -> int:
    """Resident bytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0
