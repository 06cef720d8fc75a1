"""The evening's sync on the link of `sync.md` (P1), several seeds, with the physical limit and two others beside it.

`python -m bench.link [--seeds 5] [--at-once 6] [--only NAMES]`. The link idles most of the time, so several roads are
measured at the same time, each in a namespace of its own; keep an eye on the load it prints.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any

from bench.link import peers
from bench.link.day import PHOTO_BYTES, PHOTOS, VISITS
from bench.link.half_open import half_open
from bench.link.road import Road, emulated, end, free_port, lacking, ready, relayed
from bench.link.shape import P1

Measured = dict[str, Any]


def ours(what: str, road: Road, seed: int, folder: Path) -> Measured:
    """The app against central; see `bench.link.phone`."""
    (folder / "central").mkdir()
    doors = [str(port) for port in dict.fromkeys((road.port, road.direct))]
    central = road.start([sys.executable, "-m", "bench.link.central", str(folder / "central"), *doors])
    try:
        code = ready(central)
        given = [what, str(seed), road.url, road.direct_url, code, str(folder)]
        phone = road.start([sys.executable, "-m", "bench.link.phone", *given])
        assert phone.stdout
        told: Measured = json.loads(phone.stdout.read().splitlines()[-1])
        phone.wait()
        return told | {"passed": road.passed()}
    finally:
        end(central)


JOBS: dict[str, Callable[[Road, int, Path], Measured]] = {
    "tus": peers.tus_visit,
    "visit": lambda road, seed, folder: ours("visit", road, seed, folder),
    "day": lambda road, seed, folder: ours("day", road, seed, folder),
    "pouch": lambda road, seed, folder: asyncio.run(peers.pouch_day(road, seed, folder)),
}


SPARED = ("pouch",)
"""Measured without outages: on a line that dies PouchDB waits for as long as the kernel does, a quarter of an hour."""


def measure(job: str, seed: int, kind: str) -> Measured | None:
    """One job on one road; None, with the reason said, when it failed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        found: AbstractContextManager[Road]
        found = (
            emulated(f"skt-{job}-{seed}", seed, job not in SPARED) if kind == "NFQUEUE" else relayed(seed, free_port())
        )
        try:
            with found as road:
                told = JOBS[job](road, seed, Path(folder))
        except (RuntimeError, ValueError, IndexError, OSError) as error:
            print(f"  {job} {seed}: {error!r}", flush=True)
            return None
    print(f"  {job} {seed}: {json.dumps(told)}", flush=True)
    return told


def line(what: str, values: list[float], unit: str, goal: float | None = None, beside: str = "") -> bool:
    """One line of the table: median, range, goal."""
    if not values:
        print(f"  {what:<62} –")
        return goal is None
    middle = median(values)
    is_met = goal is None or middle <= goal
    verdict = "" if goal is None else f"≤ {goal:g} {unit} " + ("đạt / met" if is_met else "KHÔNG ĐẠT / MISSED")
    print(
        f"  {what:<62} {middle:9.2f} {unit:<3} ({min(values):.2f}–{max(values):.2f}, n={len(values)})  {beside} {verdict}"
    )
    return is_met


def tell(found: dict[str, list[Measured]]) -> bool:
    day, visit, tus, pouch = (found.get(name, []) for name in ("day", "visit", "tus", "pouch"))
    met = []
    if day:
        body = [d["figures"][1] for d in day]
        files = median(d["previews"][1] for d in day)
        limit = P1.limit_s(int(median(body))) + 2 * P1.rtt_s
        print(f"Một ngày của đoàn / a team's day: {VISITS} visits, 607 entries, {VISITS * PHOTOS} photos")
        met += [
            line("all entries at central", [d["figures_s"] for d in day], "s", 6, f"limit {limit:.1f} s"),
            line("  requests for them", [d["figures"][0] for d in day], "", 1),
            line("  HTTP bytes both ways, headers too", [(d["figures"][1] + d["figures"][2]) / 1000 for d in day], "kB", 34),
            line("figures and previews of all photos", [d["previews_s"] for d in day], "s", 90,
                 f"limit {P1.limit_s(int(files)):.0f}, with outages {P1.reachable_s(int(files)):.0f} s"),
            line("an empty re-sync: requests", [d["empty"][0] for d in day], "", 1),
            line("  HTTP bytes both ways, headers too", [d["empty"][1] + d["empty"][2] for d in day], "B", 800),
            line("  on a new connection", [d["empty_s"] for d in day], "s", None, f"limit {2 * P1.rtt_s:.1f} s"),
        ]  # fmt: skip
    if visit:
        payload = PHOTOS * PHOTO_BYTES
        reach = P1.reachable_s(payload)
        print(
            f"Ảnh của một cuộc / one visit's {PHOTOS} photos of {PHOTO_BYTES // 1000} kB, after its entries and previews"
        )
        photos = [v["whole_s"] - v["previews_s"] for v in visit]
        all_bytes = [v["passed"]["up_bytes"] / v["payload"] for v in visit]
        met += [
            line("15 photos", photos, "s", round(1.15 * reach, 1), f"limit {P1.limit_s(payload):.0f}, with outages {reach:.0f} s"),
            line("  of the reachable limit", [p / reach for p in photos], "×", 1.15),
            line("  everything, from the first entry on", [v["whole_s"] for v in visit], "s"),
            line("IP bytes upwards, of the payload", all_bytes, "×", 1.10),
        ]  # fmt: skip
    if tus:
        print("tus-js-client 4.3 → @tus/server 2.4, one connection, the same 15 photos")
        line("15 photos", [t["whole_s"] for t in tus], "s")
        line("IP bytes upwards, of the payload", [t["up_bytes"] / (PHOTOS * PHOTO_BYTES) for t in tus], "×")
    if pouch:
        print(
            f"PouchDB 9 → express-pouchdb 4.2, the same entries as {pouch[0]['documents']} documents; WITHOUT outages"
        )
        line("all documents there", [p["full_s"] for p in pouch], "s")
        line("  IP bytes both ways", [(p["up_bytes"] + p["down_bytes"]) / 1000 for p in pouch], "kB")
        line("an empty re-sync", [p["empty_s"] for p in pouch], "s")
    return all(met)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--at-once", type=int, default=6)
    asked.add_argument("--only", default=",".join(JOBS))
    given = asked.parse_args()
    missing = lacking()
    kind = "relay" if missing else "NFQUEUE"
    print(f"Đường truyền / link: {P1}")
    if missing:
        print(
            "Bộ giả lập trong nhân không chạy được, đo qua trạm trung chuyển TCP / no emulator here, a TCP relay instead:"
        )
        for what in missing:
            print(f"  thiếu / missing: {what}")
    else:
        print(
            "NFQUEUE, kernel TCP, CUBIC"
            + ("" if peers.cubic_for_node() else " (Node: the system's default, no gcc here)")
        )
    print(peers.processors(), flush=True)
    names = [name for name in JOBS if name in given.only.split(",")]
    if {"tus", "pouch"} & set(names):
        peers.modules()  # fetched once, before the clock runs
    with ThreadPoolExecutor(given.at_once) as pool:
        running = {
            (name, seed): pool.submit(measure, name, seed, kind) for name in names for seed in range(1, given.seeds + 1)
        }
        found = {
            name: [told for seed in range(1, given.seeds + 1) if (told := running[name, seed].result())]
            for name in names
        }
    print(peers.processors())
    is_met = tell(found)
    print("Nối lại khi trung tâm còn giữ kết nối chết / going on beside a dead connection, on loopback")
    is_met &= line("80 kB more, the photo whole", half_open(), "s", 1)
    print("Đạt mọi mục tiêu. / Every goal is met." if is_met else "Có mục tiêu chưa đạt. / A goal was missed.")


if __name__ == "__main__":
    main()
