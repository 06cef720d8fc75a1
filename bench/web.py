"""The field app in a browser, measured: how soon it opens, how soon a tap is safe, what long lists and large photos cost.

`python -m bench.web` builds ours and the plain build of the same app (bench/plain.py), serves both from this machine, and
opens them in turn in one Chromium. Ratios count; the milliseconds are this machine's.
"""

import asyncio
import contextlib
import functools
import http.server
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image
from playwright.sync_api import Page, Playwright, sync_playwright

from app.photos.pillow import PillowPictures
from app.photos.prepare import prepare
from bench import plain
from bench.measure import Timing, tell, tell_limit
from tests.web.boards import board
from tests.web.pocket import Pocket, python, shown
from web.build import build

STARTS = 4
OPENINGS = 3
"""Warm starts in each browser, one after the other: an app is opened every day, and engines learn from the first time."""
FIRST_SCREEN = "Ghi danh máy này"
MANY = 10_000
LONGEST = "notice_board"
"""The section of the shipped checklist with the most items."""

READY = """
const look = setInterval(() => {
  document.querySelector('flt-semantics-placeholder')?.click();
  if (document.querySelector('flt-semantics-host')?.outerHTML.includes(%s)) {
    clearInterval(look);
    window.readyAt = performance.now();
  }
}, 20);
"""
"""Notes when the first screen of the app can be read, in ms since the navigation began."""


class Files(http.server.SimpleHTTPRequestHandler):
    """Static files as central serves them: addresses without a file get the page; all but the page may be kept."""

    def translate_path(self, path: str) -> str:
        found = super().translate_path(path)
        return found if Path(found).is_file() else super().translate_path("/index.html")

    def end_headers(self) -> None:
        is_page = self.path in ("/", "/index.html", "/sw.js") or "." not in self.path.rpartition("/")[2]
        self.send_header("Cache-Control", "no-cache" if is_page else "max-age=31536000, immutable")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing: the figures are what counts."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def opened(pocket: Pocket, url: str) -> float:
    """Seconds from the navigation to the first screen that can be read, in a new tab which is closed again."""
    page = pocket.context.new_page()
    page.set_viewport_size({"width": 360, "height": 640})
    page.add_init_script(READY % json.dumps(FIRST_SCREEN))
    page.goto(url)
    page.wait_for_function("window.readyAt", timeout=120_000)
    seconds = float(page.evaluate("window.readyAt")) / 1000
    page.close()
    return seconds


def measure_starts(playwright: Playwright, ours: Path, theirs: Path, folder: Path) -> bool:
    """Cold: a browser that has seen nothing. Warm: again in the same browser, ours with its server gone."""
    cold: dict[str, list[float]] = {"ours": [], "plain": []}
    warm: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(STARTS):
        for name, build_folder in (("plain", theirs), ("ours", ours)):
            pocket = Pocket(playwright, folder / f"{name}-{number}").start()
            with served(build_folder) as url:
                cold[name].append(opened(pocket, url))
                if name == "ours":
                    keeper = pocket.page(f"{url}/manifest.json")
                    pocket.installed(keeper)
                    keeper.close()
                else:
                    warm[name] += [opened(pocket, url) for _ in range(OPENINGS)]
            if name == "ours":
                warm[name] += [opened(pocket, url) for _ in range(OPENINGS)]
            pocket.stop()
            pocket.forget()
    met = []
    for what, runs, goal in (("cold start", cold, 0.50), ("warm start, ours offline", warm, 0.40)):
        ratio = median(runs["ours"]) / median(runs["plain"])
        tell(f"{what}: plain Flet and Pyodide", Timing(runs["plain"]))
        tell(f"{what}: ours", Timing(runs["ours"]), f"≤ {goal:.2f} ×", ratio <= goal, f"= {ratio:.2f} × plain")
        met.append(ratio <= goal)
    return all(met)


RECORD = """
import secrets, time
from boot import _app as app
from app.recorder import Enrolment
from app.records import HEADS

book = app.book
book.enrol(Enrolment("0" * 32, "t", "s", "http://127.0.0.1:9", "u-an", "An", "inspector", "doan-1", "Đoàn liên ngành"))
visit = book.start_visit(book.find_units("muong long")[0])
rooms = book.add_rooms(visit, [(f"Phòng số {n}", 8) for n in range(12)])
taps = []
for number in range(300):
    start = time.perf_counter()
    book.set_heads(visit, rooms[number % 12], {"head_present": 1000 + number})
    taps.append(time.perf_counter() - start)
[visit, taps[20:]]
"""
"""Recorded in the worker exactly as a tap records: entry, tables, commit, flush; seconds of each."""

WRITE_MANY = """
import random
from boot import _app as app
from app.records import ATTENDANCE_SECTION, HEADS, WHOLE_UNIT_ROW
from app.sync import journal, merge
from app.sync.journal import Change
from app.sync.stamp import new_uuid7

dice, book = random.Random(2026), app.book
units = list(book.reference.units)
with book.store.writing() as connection:
    writer = journal.resume(connection, "0" * 32, journal.sha256("bench")[:32])
    changes = []
    for nth in range({first}, {last}):
        unit, started = dice.choice(units), 1_790_000_000_000 + nth * 3_600_000
        visit = new_uuid7(started, dice.randbytes(10))
        fields = {{
            "round": "r1", "team": "doan-1", "unit_code": unit.code, "unit_valid_from": unit.valid_from,
            "unit_name": unit.name, "unit_level": unit.level, "visit_kind": "surprise_visit",
            "visit_date": f"{{2020 + nth % 7}}-{{nth % 12 + 1:02}}-{{nth % 28 + 1:02}}", "visit_started_at": started,
            "status": "closed", "template": "spot_check_default", "template_version": 1,
        }}
        changes.append(Change("visit", visit, fields, visit))
    entries, _ = journal.append(connection, writer, changes, "u-an", 0, 1_790_000_000_000)
    merge.apply(connection, entries)
book.reload()
None
"""


def keystrokes(page: Page, letters: str) -> list[float]:
    """Seconds from a key's event to the frame in which the browser has drawn what it led to."""
    page.evaluate(
        """() => {
            window.keys = [];
            addEventListener('keydown', event => requestAnimationFrame(() => requestAnimationFrame(() => {
                const channel = new MessageChannel();  // runs once the frame is handed over
                channel.port1.onmessage = () => window.keys.push(performance.now() - event.timeStamp);
                channel.port2.postMessage(0);
            })), true);
        }"""
    )
    for number, letter in enumerate(letters, 1):
        page.keyboard.press(letter)
        page.wait_for_function(f"window.keys.length >= {number}")
    return [ms / 1000 for ms in page.evaluate("window.keys")]


def measure_recording(playwright: Playwright, ours: Path, folder: Path) -> bool:
    """A tap in the worker; typing a remark on the longest section; the list of 10,000 visits."""
    pocket = Pocket(playwright, folder / "recording").start()
    met = []
    with served(ours) as url:
        page = pocket.page(url)
        phone = shown(page, FIRST_SCREEN)
        visit, taps = python(page, RECORD)
        met.append(tell_limit("tap in the worker: recorded, read, flushed to OPFS", Timing(taps), 4))
        book = "from boot import _app as app\n"
        for item, value in (("one_stop_arrangement", "own_desk"), ("tthc_posting_form", "paper_board")):
            python(page, f"{book}app.book.answer({visit!r}, {item!r}, {value!r})")
        phone.open(f"{url}/visit/{visit}/section/{LONGEST}")
        phone.tap("more-tthc_posting_compliant")
        phone.settle()
        phone.tap("remark-tthc_posting_compliant")
        phone.settle()
        letters = "bang niem yet chua co danh muc moi cua tinh, da nhac can bo"
        met.append(tell_limit(f"keystroke to frame, section {LONGEST}", Timing(keystrokes(page, letters)), 50))

        for first in range(0, MANY, 500):
            python(page, WRITE_MANY.format(first=first, last=first + 500))
        phone.open(f"{url}/settings", "Ngôn ngữ")
        phone.settle()
        phone.tap("tab-visits")
        phone.sees("Các cuộc")
        phone.settle()
        total = int(python(phone.page, f"{book}app.book.visit_count()"))
        rows = phone.page.locator('[flt-semantics-identifier^="visit-"]').count()
        print(f"  {'the list of visits':<58} {total:,} recorded, {rows} built")
        met.append(rows < 60)
    pocket.stop()
    return all(met)


SHRINK = """
import time
from boot import _app as app
from app.photos.prepare import prepare
from pyodide.http import pyfetch

data = await (await pyfetch("/twelve.jpg")).bytes()
times = []
for _ in range(6):
    start = time.perf_counter()
    await prepare(data, app.device.pictures)
    times.append(time.perf_counter() - start)
times[1:]
"""


def twelve_megapixels() -> bytes:
    """A photographed board as a phone's camera gives it: 4000 × 3000 JPEG."""
    large = board().resize((4000, 3000), Image.Resampling.BICUBIC)
    noise = Image.effect_noise((4000, 3000), 24).convert("RGB")
    held = io.BytesIO()
    Image.blend(large, noise, 0.08).save(held, "JPEG", quality=92)
    return held.getvalue()


def measure_photos(playwright: Playwright, ours: Path, folder: Path) -> bool:
    """A photo of 12 megapixels made small, with its preview and its measures: a canvas in the worker beside Pillow natively."""
    picture = twelve_megapixels()
    (ours / "twelve.jpg").write_bytes(picture)
    natively = []
    with ThreadPoolExecutor(1) as aside:  # Playwright's loop is running in this thread
        for _ in range(6):
            start = time.perf_counter()
            aside.submit(asyncio.run, prepare(picture, PillowPictures())).result()
            natively.append(time.perf_counter() - start)
    pocket = Pocket(playwright, folder / "photos").start()
    with served(ours) as url:
        page = pocket.page(url)
        shown(page, FIRST_SCREEN)
        in_browser = python(page, SHRINK)
    pocket.stop()
    ratio = median(in_browser) / median(natively[1:])
    print(f"  ({len(picture) / 1e6:.1f} MB, 4000 x 3000)")
    tell("Pillow natively", Timing(natively[1:]))
    tell("canvas in the worker", Timing(in_browser), beside=f"= {ratio:.2f} × Pillow")
    return True


def main() -> None:
    cache = Path(__file__).parents[1] / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-web-", dir=cache) as name, sync_playwright() as playwright:
        folder = Path(name)
        ours, theirs = folder / "ours", plain.build(folder / "plain")
        build(ours)
        met = []
        for title, measure in (
            (
                f"Mở ứng dụng / opening the app ({STARTS} browsers each, in turn)",
                lambda: measure_starts(playwright, ours, theirs, folder),
            ),
            ("Ghi / recording", lambda: measure_recording(playwright, ours, folder)),
            ("Ảnh / photos", lambda: measure_photos(playwright, ours, folder)),
        ):
            print(title)
            met.append(measure())
    print("Đạt mọi mục tiêu. / Every goal is met." if all(met) else "Có mục tiêu chưa đạt. / A goal was missed.")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
