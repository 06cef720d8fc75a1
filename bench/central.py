"""Central under fifty phones at once: durable entries a second over HTTP, how long a batch of 64 takes, memory, where time goes.

`python -m bench.central [--batches 60] [--profile]` serves a central of its own from this machine (SQLite, one process) and
sends from another process, so that both share the two cores a province's server would have. Phones of a team pull each
other's entries meanwhile, as they do.
"""

import argparse
import asyncio
import cProfile
import gzip
import json
import os
import pstats
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from unittest import mock

import uvicorn

from app.records import HEADS, SCHEMA
from app.sync.journal import canonical_patch, entry_hash, genesis
from app.sync.stamp import Stamp, answer_id, count_id, new_uuid7, row_id
from central import access, sync_api
from central.app import create_app
from central.parser import Parser
from central.people import add_user
from central.settings import PasswordCost, Settings

ROOT = Path(__file__).parents[1]
PHONES, TEAM, BATCH = 50, 3, 64
GOAL_RATE, GOAL_P99_MS = 15_000, 250


# --- the server -------------------------------------------------------------------------------------------------------


def serve(folder: Path, port: int, is_profiled: bool) -> None:
    app = create_app(_settings(folder))
    with _profiled(folder / "profile.json") if is_profiled else nullcontext():
        uvicorn.run(app, port=port, http=Parser, log_level="error", server_header=False)


@contextmanager
def _profiled(target: Path) -> Iterator[None]:
    """Keeps count of the time each function takes in the thread that answers phones; written down when central is told to end."""
    profile, answered = cProfile.Profile(), sync_api._response
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn hands the signal on once it has ended
    with mock.patch.object(sync_api, "_response", lambda *asked: profile.runcall(answered, *asked)):
        try:
            yield
        finally:
            spent = {place: own for place, (_, _, own, _, _) in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
            target.write_text(
                json.dumps(sorted(((_named(*p), own) for p, own in spent.items()), key=lambda one: -one[1]))
            )


def _named(file: str, _line: int, function: str) -> str:
    path = Path(file)
    return f"{path.relative_to(ROOT) if ROOT in path.parents else path.name}:{function}" if path.suffix else function


def _settings(folder: Path) -> Settings:
    return Settings.in_folder(folder, b"k" * 32, password_cost=PasswordCost(memory_kib=8, rounds=1))


# --- the phones -------------------------------------------------------------------------------------------------------


@dataclass
class Phone:
    """One phone with its whole day written beforehand; `batches` are (first_seq, prev_hash, head_hash, entries as JSON)."""

    device: str
    token: str
    epoch: str
    batches: list[tuple[int, str, str, str]]
    cursor: str | None = None
    took: list[float] = field(default_factory=list)
    pulled: int = 0


def a_day(
    device: str, user: str, team: str, batches: int, dice: random.Random
) -> tuple[str, list[tuple[int, str, str, str]]]:
    """(epoch, batches) of a phone that counts heads in one visit after the other."""
    epoch = dice.randbytes(16).hex()
    head, seq, now, visit = genesis(epoch), 0, 1_795_221_900_000, ""
    rows: list[str] = []
    made = []
    for _ in range(batches):
        first, prev, entries = seq + 1, head, []
        for _ in range(BATCH):
            seq, now = seq + 1, now + 700
            nth = seq % 320
            if nth == 1:
                visit = new_uuid7(now, dice.randbytes(10))
                kind, record = "visit", visit
                patch: dict[str, Any] = {
                    "team": team, "unit_code": "16831", "unit_name": "Xã Mường Lống", "unit_level": "commune",
                    "visit_date": "2026-11-21", "visit_started_at": now, "status": "open",
                    "template": "spot_check_default", "template_version": 1,
                }  # fmt: skip
            elif nth == 2:
                kind, record, patch = "count", count_id(visit, now), {"visit": visit, "moment": now}
                rows = []
                counted = record
            elif nth < 13:
                name = f"Phòng số {nth}"
                kind, record = "row", row_id(visit, "attendance_room", counted, name)
                rows.append(record)
                patch = {"visit": visit, "section": "attendance_room", "count": counted, "name": name, "position": nth}
            else:
                row, item = rows[nth % len(rows)], HEADS[nth % 5]
                kind, record = "answer", answer_id(visit, row, item)
                patch = {"value": dice.randrange(40)}
            text = canonical_patch(patch, kind)
            head = entry_hash(head, device, epoch, seq, Stamp(now, 0), seq, 0, SCHEMA, user, kind, record, text)
            entries.append(f'[{now},0,{seq},0,"{user}","{kind}","{record}",{text}]')
        made.append((first, prev, head, ",".join(entries)))
    return epoch, made


async def send_day(phone: Phone, port: int) -> None:
    """All batches over one connection, one after the other, each as soon as the last was acknowledged."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for first, prev, head, entries in phone.batches:
        body = gzip.compress(
            (
                f'{{"protocol":1,"schema":{SCHEMA},"server_id":null,"device_id":"{phone.device}","epoch":"{phone.epoch}",'
                f'"first_seq":{first},"prev_hash":"{prev}","head_hash":"{head}","sent_at":{int(time.time() * 1000)},'
                f'"entries":[{entries}],"cursor":{json.dumps(phone.cursor)},"max_bytes":32768,"photos":[],"brief":true}}'
            ).encode(),
            1,
        )
        start = time.perf_counter()
        writer.write(
            f"POST /api/v1/sync HTTP/1.1\r\nHost: central\r\nAuthorization: Bearer {phone.token}\r\n"
            f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        status, answer = await _answer(reader)
        phone.took.append(time.perf_counter() - start)
        told = json.loads(answer)
        if status != 200 or told["acked"] != first + BATCH - 1:
            raise SystemExit(f"{status}: {answer[:300]!r}")
        phone.cursor = told.get("cursor", phone.cursor)
        phone.pulled += len(told.get("entries", ()))
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
    return int(head.split(" ", 2)[1]), await reader.readexactly(length)


# --- the measurement --------------------------------------------------------------------------------------------------


def prepared(folder: Path, batches: int) -> list[Phone]:
    """Central with its people, and phones that are enrolled there and have their day before them."""
    app, dice = create_app(_settings(folder)), random.Random(2026)
    phones = []
    with app.state.db.writing() as connection:
        for number in range(PHONES):
            user, team, device = f"u{number}", f"doan-{number // TEAM}", str(uuid.UUID(int=dice.getrandbits(128)))
            add_user(connection, user, f"Kiểm tra viên {number}", "inspector", team)
            code = access.new_code(connection, app.state.settings.secret, user, "an", app.state.now())
            phones.append((user, team, code, device))
    app.state.db.close()
    return [Phone(device, code, *a_day(device, user, team, 0, dice)) for user, team, code, device in phones]


def enrolled(phones: list[Phone], port: int, batches: int) -> None:
    dice = random.Random(7)
    for number, phone in enumerate(phones):
        body = json.dumps({"code": phone.token, "name": f"Máy {number}"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/devices", body, {"Content-Type": "application/json"}
        )
        given = json.load(urllib.request.urlopen(request))
        phone.device, phone.token = given["device_id"], given["token"]
        phone.epoch, phone.batches = a_day(phone.device, f"u{number}", f"doan-{number // TEAM}", batches, dice)


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    (line,) = [s for s in Path(f"/proc/{pid}/status").read_text().splitlines() if s.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


async def measure(phones: list[Phone], port: int, pid: int) -> tuple[float, list[float]]:
    """(seconds until all was acknowledged, memory in MB at ten moments of it)."""
    total, memory = sum(len(phone.batches) for phone in phones), [memory_mb(pid)]

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.5)
            if sum(len(phone.took) for phone in phones) >= total * len(memory) / 10:
                memory.append(memory_mb(pid))

    watching = asyncio.create_task(watch())
    start = time.perf_counter()
    await asyncio.gather(*(send_day(phone, port) for phone in phones))
    seconds = time.perf_counter() - start
    watching.cancel()
    return seconds, memory


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--batches", type=int, default=60, help="of 64 entries, for each of the 50 phones")
    asked.add_argument("--profile", action="store_true", help="say where central's time goes (which slows it)")
    asked.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    wanted = asked.parse_args()
    if wanted.serve:
        serve(Path(wanted.serve[0]), int(wanted.serve[1]), wanted.profile)
        return
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-central-", dir=cache) as name:
        folder = Path(name)
        phones = prepared(folder, wanted.batches)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        command = [sys.executable, "-m", "bench.central", "--serve", name, str(port)]
        central = subprocess.Popen([*command, *(["--profile"] if wanted.profile else [])], cwd=ROOT)
        try:
            while not _listens(port):
                assert central.poll() is None, "central ended"
            enrolled(phones, port, wanted.batches)
            used = _cpu(central.pid)
            seconds, memory = asyncio.run(measure(phones, port, central.pid))
            used = _cpu(central.pid) - used
        finally:
            central.terminate()
            central.wait()
        entries, took = PHONES * wanted.batches * BATCH, sorted(t for phone in phones for t in phone.took)
        rate, p99 = entries / seconds, quantiles(took, n=100)[-1] * 1000
        print(
            f"  {entries:,} entries of {PHONES} phones in {seconds:.1f} s; pulled meanwhile {sum(p.pulled for p in phones):,}"
        )
        print(
            f"  durable entries a second     {rate:9,.0f}   ≥ {GOAL_RATE:,}   {'met' if rate >= GOAL_RATE else 'MISSED'}"
        )
        print(f"  entries per second of central's processor {entries / used:9,.0f}")
        print(
            f"  a batch of {BATCH}: median {median(took) * 1000:.0f} ms, p99 {p99:.0f} ms   ≤ {GOAL_P99_MS} ms   "
            f"{'met' if p99 <= GOAL_P99_MS else 'MISSED'}"
        )
        print("  memory, MB at every tenth of the run: " + ", ".join(f"{m:.0f}" for m in memory))
        if wanted.profile:
            seen = json.loads((folder / "profile.json").read_text())
            whole = sum(own for _, own in seen)
            for where, own in seen[:24]:
                print(f"  {100 * own / whole:5.1f} %  {where}")


def _listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def _cpu(pid: int) -> float:
    """Processor seconds a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
