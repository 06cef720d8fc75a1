"""The app is killed while an inspector records: what the screen had shown as saved is there, and nothing is half-written."""

import itertools
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app.checklist import Refusal
from app.notebook import Notebook, PhotoFacts
from app.recorder import Enrolment
from app.records import HEADS, READINGS
from app.schema import JOURNAL
from app.store import Store
from app.sync import journal, merge
from app.sync.ledger import PHONE

ROOT = Path(__file__).parents[1]
DEVICE = "0199c0de-0000-7000-8000-000000000001"


def few_units(folder: Path) -> Path:
    """Assets with the real checklist and one unit, so that two hundred openings do not read 1,305 each."""
    folder.mkdir()
    shutil.copy(ROOT / "assets" / "checklist.json", folder)
    lines = (ROOT / "assets" / "units.csv").read_text("utf-8").splitlines()
    (folder / "units.csv").write_text(
        "\n".join([lines[0], next(line for line in lines if "Mường Lống" in line)]), "utf-8"
    )
    return folder


# The app's side


def record(folder: Path, assets: Path, seed: int) -> None:
    """Taps without end, like a hurried inspector's; each is announced only after the notebook's method has returned."""
    dice, numbers = random.Random(seed), itertools.count(1)
    book = opened(folder, assets)
    lines = book.visits()
    visit = lines[0].id if lines else book.start_visit(book.find_units("muong long")[0])
    if not book.visit(visit).is_open:
        book.reopen_visit(visit)
    announce(book)
    start = dice.randrange(1000)
    rooms = book.add_rooms(visit, [(f"Phòng {seed}.{n}", None) for n in range(3)])
    for number in numbers:
        tap = dice.randrange(12) if rooms else 6
        if tap < 6:
            book.set_heads(
                visit, dice.choice(rooms), {code: (start + number * 5 + i) % 9999 for i, code in enumerate(HEADS)}
            )
        elif tap == 6:
            rooms += book.add_rooms(visit, [(f"Phòng {seed}.{number}.{n}", n) for n in range(3)])
        elif tap == 7:
            book.remark(visit, "good_practice", "Nhóm Zalo " * dice.randrange(1, 150))
        elif tap == 8:
            name = secrets.token_hex(32)
            book.add_photo(
                visit, PhotoFacts(name, 200_000, 1600, 1200, "image/jpeg", name[::-1], 9_000), item="tthc_board_photo"
            )
        elif tap == 9:
            book.undo(visit)
            rooms = [row.id for row in book.visit(visit).rooms()]
        elif tap == 10:
            book.close_visit(visit)
            announce(book)
            book.reopen_visit(visit)
        elif len(rooms) > 3:
            try:
                book.rename_row(visit, rooms[-1], f"Kho {seed}.{number}")
            except Refusal:
                book.remove_row(visit, rooms.pop())
        announce(book)


def opened(folder: Path, assets: Path) -> Notebook:
    book = Notebook(
        folder / "notebook.sqlite", now=lambda: time.time_ns() // 1_000_000, entropy=secrets.token_bytes, assets=assets
    )
    if book.enrolment is None:
        book.enrol(Enrolment(DEVICE, "t", "s", "http://127.0.0.1:1", "u-an", "An", "inspector", "doan-1", "Đoàn 1"))
    return book


def announce(book: Notebook) -> None:
    """What the screen shows as saved: how far the chain has come. One write, so that a line is whole or not there."""
    assert book._writer is not None
    os.write(1, f"saved {book._writer.epoch} {book._writer.seq} {book._writer.head}\n".encode())


def serve() -> None:
    """Forks one recording app per line `folder assets seed`; says its pid, and `gone` when it has ended."""
    warmed = False
    for line in sys.stdin:
        folder, assets, seed = line.split()
        if not warmed:
            # What every app would do first, once for all of them; closed again before anything is forked.
            book = opened(Path(folder, "warm"), Path(assets))
            room = book.add_room(book.start_visit(book.find_units("muong long")[0]), "Phòng 1", roll=5)
            book.set_heads(book.visits()[0].id, room, {"head_present": 5})
            book.close()
            warmed = True
        child = os.fork()
        if child == 0:
            try:
                record(Path(folder), Path(assets), int(seed))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(3)  # an end of its own is a fault: the parent sees no SIGKILL
        os.write(1, f"pid {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"gone {os.waitstatus_to_exitcode(status)}\n".encode())


# The story's side


@pytest.fixture(scope="module")
def phones() -> Iterator[subprocess.Popen[str]]:
    """A warmed process that forks recording apps: a fresh interpreter for each would take most of the time."""
    command = [sys.executable, "-c", "from tests.test_killed import serve; serve()"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def kill_while_recording(
    phones: subprocess.Popen[str], folder: Path, assets: Path, dice: random.Random
) -> list[list[str]]:
    """Start an app, kill it at a random moment, and give what it had announced: [epoch, seq, hash] each."""
    assert phones.stdin and phones.stdout
    phones.stdin.write(f"{folder} {assets} {dice.randrange(10**9)}\n")
    phones.stdin.flush()
    # The pid is said by another process than the taps, so a tap may come first.
    lines, child = [], 0
    while not child:
        lines.append(phones.stdout.readline().split())
        child = int(lines.pop()[1]) if lines[-1][0] == "pid" else 0
    if dice.random() < 0.8:
        for _ in range(dice.randrange(1, 16)):
            lines.append(phones.stdout.readline().split())
            assert lines[-1][0] == "saved", lines[-1]
    time.sleep(dice.random() * 0.006)  # no waiting for anything: the moment itself is what is random
    os.kill(child, signal.SIGKILL)
    while not lines or lines[-1][0] != "gone":
        lines.append(phones.stdout.readline().split())
    assert lines.pop() == ["gone", "-9"], "the app ended by itself before it was killed"
    return [line[1:] for line in lines]


def tables(connection: Connection) -> list[object]:
    names = [*(str(READINGS[k].__tablename__) for k in ("visit", "count", "row", "answer", "photo")), "other"]
    return [connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY id').all() for name in names]


def check(folder: Path, announced: list[list[str]]) -> int:
    """Open the notebook as it was left behind; returns the length of its chain."""
    store = Store(folder / "notebook.sqlite", [("journal", JOURNAL), ("phone", PHONE)])
    with store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        hashes, taps = {}, {}
        for (_, epoch), entries in journal.chains(connection):
            assert journal.verify_chain(entries) is None
            hashes |= {(epoch, str(e.seq)): e.hash for e in entries}
            for e in entries:
                taps.setdefault((epoch, e.tx), []).append(e)
        for epoch, seq, digest in announced:
            assert seq == "0" or hashes.get((epoch, seq)) == digest, f"entry {seq} was shown as saved and is not there"
        for tap in taps.values():
            heads = [e for e in tap if e.kind == "answer" and e.record.rpartition("/")[2] in HEADS]
            assert len(heads) in (0, 3, 5), "a tap was split"  # none, three new rooms, five figures
        photos = connection.exec_driver_sql("SELECT count(*) FROM photo").scalar_one()
        queued = connection.exec_driver_sql("SELECT count(*) FROM file").scalar_one()
        assert queued == 2 * photos, "a photo is named and queued in one tap, or neither"
        before = tables(connection)
        merge.rebuild(connection, ["visit", "count", "row", "answer", "photo"])
        assert tables(connection) == before
    store.close()
    return len(hashes)


def survive(phones: subprocess.Popen[str], tmp_path: Path, kills: int, seed: int) -> None:
    dice, assets = random.Random(seed), few_units(tmp_path / "assets")
    recorded = announced = 0
    for number in range(kills):
        folder = tmp_path / f"phone-{number // 5}"  # each phone is killed five times, and goes on
        folder.mkdir(exist_ok=True)
        said = kill_while_recording(phones, folder, assets, dice)
        length = check(folder, said) if (folder / "notebook.sqlite").exists() else 0
        announced += len(said)
        recorded += length if number % 5 == 4 else 0
    print(json.dumps({"kills": kills, "taps announced": announced, "entries kept": recorded}))
    assert announced > kills and recorded > kills, "the phones did record"


def test_killed_at_any_moment_nothing_shown_is_lost(phones: subprocess.Popen[str], tmp_path: Path) -> None:
    survive(phones, tmp_path, 60, seed=20261121)


@pytest.mark.long
def test_killed_two_hundred_times_nothing_shown_is_lost(phones: subprocess.Popen[str], tmp_path: Path) -> None:
    survive(phones, tmp_path, 200, seed=20261122)
