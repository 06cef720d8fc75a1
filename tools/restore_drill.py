"""A restore drill: central is lost after a day of work, put back from last night's backup, and made whole by the phones.

`python -m tools.restore_drill [FOLDER]` plays it with real processes in FOLDER (or one of its own, cleared away), says each
step with the command an administrator types, and ends with status 1 when anything that was at central before is not there
after. What it does is what to do after a real loss; the README tells it in short.
"""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from app.device.native import Native
from app.state import AppState
from tools.demo import enter_case, photographer, read_cases

ROOT = Path(__file__).parents[1]
USERS = """id,name,role,team,team_name,team_kind
cuc,Lê Thị Cúc,team_leader,doan-1,Đoàn số 1,inspection_team
dung,Phạm Dũng,inspector,doan-1,Đoàn số 1,inspection_team
hoa,Lô Thị Hoa,inspector,doan-2,Đoàn số 2,inspection_team
"""
PHONES = ("cuc", "dung", "hoa")
ROUNDS = 6
"""How often the phones sync in turn after the restore; each may bring what another asks for."""


Found: TypeAlias = tuple[set[tuple[str, ...]], dict[str, str], str]
"""What central holds: entries, photos (name → SHA-256 of the content), and the figures as CSV."""


class NotWhole(Exception):
    """The drill failed; the message says where."""


@dataclass
class Drill:
    """One drill in a folder: central's data, the backup and the phones side by side."""

    folder: Path
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    phones: dict[str, AppState] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "central"

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    def command(self, *arguments: str) -> str:
        """Run `kiemtra …` as an administrator does; what it printed. Raises NotWhole when it did not end well."""
        done = subprocess.run(
            [sys.executable, "-m", "central", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise NotWhole(f"kiemtra {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Central for as long as the block lasts; killed at its end, as a machine that burns."""
        with open(self.folder / "central.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "central", "serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        try:
            while not _listens(self.port):
                if process.poll() is not None:
                    raise NotWhole((self.folder / "central.log").read_text("utf-8")[-2000:])
                time.sleep(0.02)
            yield process
        finally:
            process.kill()
            process.wait()

    def found(self) -> Found:
        """All that central holds: every entry by its hash, every photo by its content, the figures of every visit."""
        with closing(sqlite3.connect(self.data / "central.sqlite")) as database:
            entries = set(database.execute("SELECT device, epoch, seq, hash, kind, record, patch FROM entry"))
        photos = {
            photo.name: hashlib.sha256(photo.read_bytes()).hexdigest()
            for photo in (self.data / "photos").glob("??/??/*")
        }
        return entries, photos, self.command("export", "--format", "csv")


async def play(drill: Drill, say: "Said") -> None:
    """The whole story. Raises NotWhole."""
    say("Dựng trung tâm / central begins", "kiemtra import users, units, template; kiemtra enrol; kiemtra serve")
    _begin(drill)
    cases = read_cases()["visits"]
    with drill.serving():
        await _enrol(drill)
        say("Hôm qua / yesterday", "three phones record a visit each and sync")
        for name, case in zip(PHONES, cases[:3], strict=True):
            await _record(drill.phones[name], case)
        await _sync(drill)
        say("Đêm / the night", f"kiemtra backup {drill.backup.name}")
        drill.command("backup", str(drill.backup))
        say("Hôm nay / today", "phones record and sync; Hoa's last visit does not get out of the valley")
        for name, case in zip(PHONES, cases[3:6], strict=True):
            await _record(drill.phones[name], case)
            await _correct(drill.phones[name])
        await _sync(drill)
        await _correct(drill.phones["hoa"])
    before = drill.found()
    say("Mất trung tâm / central is lost", "its process is killed, its data folder is gone")
    shutil.move(drill.data, drill.folder / "lost")
    say("Khôi phục / restored", "cp -a backup/. data/; kiemtra restored; kiemtra serve")
    shutil.copytree(drill.backup, drill.data)
    drill.command("restored")
    between = drill.found()
    with drill.serving():
        say("Máy tự gửi lại / phones send again by themselves", "nothing to do but to open the app")
        await _sync(drill)
    after = drill.found()
    say("Soát / proof", "kiemtra verify: " + drill.command("verify").strip())
    compare(before, between, after)
    for app in drill.phones.values():
        app.book.close()
    say(
        "Đủ / whole",
        f"{len(before[0])} entries and {len(before[1])} photos stood before, {len(between[0])} and {len(between[1])} in "
        f"the backup, {len(after[0])} and {len(after[1])} after the phones had synced",
    )


class Said:
    """Tells each step with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, what: str, how: str) -> None:
        print(f"{time.monotonic() - self._began:5.1f} s  {what}: {how}", flush=True)


def _begin(drill: Drill) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        drill.port = probe.getsockname()[1]
    (drill.folder / "no_app").mkdir()
    drill.environment = os.environ | {
        "KIEMTRA_DATA": str(drill.data), "KIEMTRA_SECRET": secrets.token_hex(32), "KIEMTRA_PORT": str(drill.port),
        "KIEMTRA_FIELD_APP": str(drill.folder / "no_app"),
    }  # fmt: skip
    users = drill.folder / "users.csv"
    users.write_text(USERS, encoding="utf-8")
    drill.command("import", "users", str(users))
    drill.command("import", "units", str(ROOT / "assets" / "units.csv"))
    drill.command("import", "template", str(ROOT / "assets" / "checklist.json"))


async def _enrol(drill: Drill) -> None:
    for name in PHONES:
        code = re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", drill.command("enrol", "--user", name))
        assert code
        os.environ["KIEMTRA_DATA"] = str(drill.folder / name)
        device = Native()
        device.central_url = f"http://127.0.0.1:{drill.port}"
        app = drill.phones[name] = AppState.open(device)
        if not await app.enrol(code[0], f"Máy của {name}"):
            raise NotWhole(f"{name} could not enrol: {app.message}")


async def _record(app: AppState, case: dict[str, Any]) -> None:
    """One visit of the public cases, with its photos, through the notebook."""
    await app.open_photos()
    assert app.files is not None
    await enter_case(app.book, case, photographer(app.files))


async def _correct(app: AppState) -> None:
    """A remark on the newest visit, after it was reopened."""
    visit = app.book.visits()[0].id
    app.book.reopen_visit(visit)
    app.book.remark(visit, "good_practice", f"Xem lại lúc {time.time_ns()}")
    app.book.close_visit(visit)


async def _sync(drill: Drill) -> None:
    """The phones sync in turn until none has anything left to send."""
    for turn in range(ROUNDS):
        for name, app in drill.phones.items():
            if not await app.sync_once():
                raise NotWhole(f"{name} could not sync: {app.sync.failure}")
        if turn and all(app.book.waiting().is_empty for app in drill.phones.values()):
            return
    raise NotWhole("the phones never came to rest")


def compare(before: Found, between: Found, after: Found) -> None:
    """Everything that stood before stands after, byte for byte. Central's own entries are of the night or later."""
    if len(between[0]) >= len(before[0]) or len(between[1]) >= len(before[1]):
        raise NotWhole("the backup lacked nothing: the drill drilled nothing")
    if gone := before[0] - after[0]:
        raise NotWhole(f"{len(gone)} entries are gone, such as {sorted(gone)[:3]}")
    if before[1].items() - after[1].items():
        raise NotWhole("photos are gone or altered")
    if any(name != digest for name, digest in after[1].items()):
        raise NotWhole("a photo is not what its name says")
    if len(after[0]) <= len(before[0]):
        raise NotWhole("what had not left the phone before the loss is missing")
    if before[2] != after[2]:
        raise NotWhole("the figures are not those from before")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="restore-drill-") as own:
        folder = Path(arguments[0]).resolve() if arguments else Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            print(f"{folder} phải trống / must be empty", file=sys.stderr)
            return 1
        try:
            asyncio.run(play(Drill(folder), Said()))
        except NotWhole as reason:
            print(f"KHÔNG ĐỦ / NOT WHOLE: {reason}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
