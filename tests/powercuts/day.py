"""A day's work for real processes whose every write is watched: central, and the native app without its screens.

`python -m tests.powercuts.day central FOLDER` makes a central from nothing and serves it until its input ends;
`… phone FOLDER TAPS` is the app of an inspector, which is told `ADDRESS CODE`. What a process says is a promise: by then it
must be kept.
"""

import asyncio
import itertools
import os
import random
import re
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn

from app.device.native import Native
from app.notebook import Notebook
from app.recorder import Enrolment
from app.records import HEADS
from app.state import AppState
from central import access
from central.app import create_app
from central.intake import write_as_central
from central.settings import Settings
from tests.valley import CHEAP, NOON, people_of, reference_changes
from tools.demo import draw_photo

ROOT = Path(__file__).parents[2]
BROWSERS_MODE = re.findall(r'journal_mode = "(\w+)"', (ROOT / "app/device/browser.py").read_text("utf-8"))[0]
"""Read, not imported: the module knows JavaScript."""


def say(words: str) -> None:
    """In one write, after everything before it has returned."""
    os.write(1, f"{words}\n".encode())


def heard() -> str:
    return sys.stdin.readline().strip()


def few_units(folder: Path) -> Path:
    """Assets with the real checklist and one unit: images of 60 pages instead of 600."""
    folder.mkdir()
    shutil.copy(ROOT / "assets" / "checklist.json", folder)
    lines = (ROOT / "assets" / "units.csv").read_text("utf-8").splitlines()
    muong_long = next(line for line in lines if "Mường Lống" in line)
    (folder / "units.csv").write_text("\n".join([lines[0], muong_long]), "utf-8")
    return folder


# --- central ---------------------------------------------------------------------------------------------------------


def serve(folder: Path) -> None:
    """Says `central PORT CODE CODE …` (of Cúc and Dũng) when it listens."""
    clock = itertools.count(NOON)
    app = create_app(Settings.in_folder(folder, b"k" * 32, password_cost=CHEAP), lambda: next(clock))
    people_of(app)
    with app.state.db.writing() as connection:
        write_as_central(connection, app.state.db.central_device, "an", reference_changes(), NOON)
        codes = [access.new_code(connection, b"k" * 32, user, "an", NOON) for user in ("cuc", "dung")]
    listening = socket.create_server(("127.0.0.1", 0))
    # One loop and one parser wherever the story is told: their calls are what is read.
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", loop="asyncio", http="h11"))

    async def until_told() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        say(" ".join(["central", str(listening.getsockname()[1]), *codes]))
        await asyncio.to_thread(heard)
        server.should_exit = True
        await serving

    asyncio.run(until_told())


# --- the phone -------------------------------------------------------------------------------------------------------


class Phone:
    """Taps of an inspector; after each one what stands in the journal is said."""

    def __init__(self, book: Notebook, folder: Path, dice: random.Random):
        self.book, self.folder, self.dice = book, folder, dice
        self.visit = ""
        self.rooms: list[str] = []
        self.numbers = itertools.count(1)

    def said(self) -> None:
        assert self.book._writer is not None
        say(f"saved {self.folder.name} {self.book._writer.epoch} {self.book._writer.seq} {self.book._writer.head}")

    def start(self) -> None:
        self.visit = self.book.start_visit(
            next(unit for unit in self.book.reference.units if "Mường Lống" in unit.name)
        )
        self.said()
        self.rooms = self.book.add_rooms(self.visit, [(f"Phòng {n}", n) for n in range(3)])
        self.said()

    def tap(self) -> None:
        number = next(self.numbers)
        kind = self.dice.randrange(8)
        if kind < 5:
            heads = {code: (number * 7 + i) % 999 for i, code in enumerate(HEADS)}
            self.book.set_heads(self.visit, self.dice.choice(self.rooms), heads)
        elif kind == 5:
            self.rooms += self.book.add_rooms(self.visit, [(f"Kho {number}.{n}", n) for n in range(3)])
        elif kind == 6:
            self.book.remark(self.visit, "good_practice", "Nhóm Zalo " * self.dice.randrange(1, 150))
        else:
            self.book.undo(self.visit)
            self.rooms = [row.id for row in self.book.visit(self.visit).rooms()]
        self.said()


def opened(folder: Path, assets: Path, **how: object) -> Notebook:
    book = Notebook(
        folder / "notebook.sqlite", now=Native().now, entropy=os.urandom, assets=assets, **how,  # type: ignore[arg-type]
    )  # fmt: skip
    if book.enrolment is None:
        book.enrol(Enrolment("0199c0de-0000-7000-8000-000000000001", "t", "s", "http://127.0.0.1:1", "u", "An",
                             "inspector", "doan-1", "Đoàn 1"))  # fmt: skip
    return book


def record_alone(folder: Path, assets: Path, taps: int, prepare: Callable[[Notebook], None], **how: object) -> None:
    """A notebook in the valley, closed and opened again in the middle."""
    folder.mkdir()
    book = opened(folder, assets, **how)
    prepare(book)
    phone = Phone(book, folder, random.Random(5))
    phone.start()
    for _ in range(taps // 2):
        phone.tap()
    book.close()
    phone.book = book = opened(folder, assets, **how)
    prepare(book)
    for _ in range(taps // 2):
        phone.tap()
    book.close()


def hasty(book: Notebook) -> None:
    """As many an app does it: SQLite does not wait for the disk at each commit. It can be set outside transactions only."""
    raw = book.store._engine.raw_connection()  # type: ignore[attr-defined]
    raw.driver_connection.execute("PRAGMA synchronous = NORMAL")
    raw.close()


async def inspect(folder: Path, address: str, code: str, taps: int) -> None:
    """A day of the app: enrols, records, photographs, syncs, takes what a colleague wrote, is closed and opened, syncs."""
    os.environ["KIEMTRA_DATA"] = str(folder)
    app = AppState.open(Native())
    app.device.central_url = address
    assert await app.enrol(code, "Máy của Cúc")
    phone = Phone(app.book, folder, random.Random(4))
    phone.start()
    for number in range(taps):
        phone.tap()
        if number % 20 == 5:
            await photograph(app, phone, f"Bảng niêm yết {number}")
    await synced(app, phone)
    say(f"visit {phone.visit}")
    heard()  # a colleague has written on the same visit
    await synced(app, phone)
    app.book.close()
    app = AppState.open(Native())
    phone.book = app.book
    for _ in range(taps // 2):
        phone.tap()
    await photograph(app, phone, "Sổ trực")
    await synced(app, phone)
    app.book.close()


async def photograph(app: AppState, phone: Phone, words: str) -> None:
    shot = await app.look_at(draw_photo(words))
    assert shot is not None
    assert await app.use_photo(shot, phone.visit)
    say(f"photo {phone.folder.name} {shot.prepared.sha256}")
    phone.said()


async def synced(app: AppState, phone: Phone) -> None:
    assert await app.sync_once(), app.sync.failure
    assert app.book.waiting().is_empty
    say(f"synced {phone.folder.name}")


def be_a_phone(folder: Path, taps: int) -> None:
    """The day in `phone`, the same taps as a browser keeps them in `browser`, and as a hasty app does in `hasty`."""
    assets = few_units(folder / "assets")
    os.environ["FLET_ASSETS_DIR"] = str(assets)
    (folder / "phone").mkdir()
    address, code = heard().split()
    asyncio.run(inspect(folder / "phone", address, code, taps))
    record_alone(
        folder / "browser", assets, taps, lambda _: None,
        journal_mode=BROWSERS_MODE, flush=lambda: say("flush browser"),
    )  # fmt: skip
    record_alone(folder / "hasty", assets, taps, hasty)
    say("done")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["central", folder]:
            serve(Path(folder))
        case ["phone", folder, taps]:
            be_a_phone(Path(folder), int(taps))
