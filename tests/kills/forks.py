"""Central and the app as processes that can be killed: forked from a warmed one, since starting Python takes seconds.

`python -m tests.kills.forks central` (or `app`, which syncs, or `recorder`, which taps without end) forks one process per line of its input, one at a time. Each waits for
SIGUSR1 before it begins, so that strace can be attached first. It says `pid N`, what the process says, and `gone STATUS`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import uvicorn
from fastapi import FastAPI

from app.device.native import Native
from app.state import AppState
from central.app import create_app
from central.database import Database
from central.photo_store import PhotoStore
from central.readings import Readings
from central.settings import Settings
from tests.test_killed import record
from tests.valley import CHEAP, NOON

ROOT = Path(__file__).parents[2]
SYNCS = ("fsync", "fdatasync")


# --- the processes ---------------------------------------------------------------------------------------------------


def say(words: str) -> None:
    os.write(1, f"{words}\n".encode())


def made_central() -> FastAPI:
    """Central's routes, once for all that are forked; its folder comes later."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings.in_folder(Path(folder), b"k" * 32, password_cost=CHEAP), lambda: NOON)
        app.state.db.close()
    return app


class Announced(uvicorn.Server):
    """Says when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say("ready")


def be_central(app: FastAPI, folder: str, port: int) -> None:
    app.state.settings = Settings.in_folder(Path(folder), b"k" * 32, password_cost=CHEAP)
    app.state.db, app.state.readings = Database(app.state.settings.database_url), Readings()
    app.state.photos = PhotoStore(app.state.settings.photos)
    server = Announced(uvicorn.Config(app, port=port, log_level="error"))

    async def serve() -> None:
        # One worker thread: strace counts the calls of each thread by itself, and every one of them is to be met.
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        await server.serve()

    asyncio.run(serve())


def be_the_app(folder: str) -> None:
    """The native app, without its screens, syncs until everything is at central."""
    os.environ["KIEMTRA_DATA"] = folder

    async def sync() -> None:
        app = AppState.open(Native())
        say("ready")
        while not await app.sync_once():
            await asyncio.sleep(0.01)  # what Patience does in the app: central is dead just now and needs the processor
        assert app.book.waiting().is_empty
        app.book.close()

    asyncio.run(sync())


def fork_on_demand(work: Callable[..., None]) -> None:
    """Forks a process for each line, a JSON list of arguments."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                signal.sigwait({signal.SIGUSR1})
                work(*json.loads(line))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(3)
        say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        say(f"gone {os.waitstatus_to_exitcode(status)}")


# --- the story's side ------------------------------------------------------------------------------------------------


class Forks:
    """Starts processes of one role, one at a time, and knows how each ended."""

    def __init__(self, role: str):
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.forks", role], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._strace: subprocess.Popen[str] | None = None
        self.pid = self.lives = 0
        self.said: list[list[str]] = []
        """What the present one has said, in words."""

    def start(self, *arguments: Any, killed_at: tuple[str, int] | None = None) -> None:
        """Start one; with `killed_at` it gets SIGKILL when it enters its nth call of that name."""
        assert self._warm.stdin
        self._warm.stdin.write(json.dumps(arguments) + "\n")
        self._warm.stdin.flush()
        self.said = []
        self.pid = int(self._until("pid")[1])
        if killed_at:
            self.attach(*killed_at)
        os.kill(self.pid, signal.SIGUSR1)
        self.lives += 1

    def attach(self, call: str, number: int) -> None:
        """From now on, SIGKILL at the nth call of that name."""
        self._strace = _attached(self.pid, call, number)

    def until_ready(self) -> bool:
        """Whether it came so far as to be ready; False when it was killed before."""
        words = self._until("ready", "gone")
        if words[0] == "gone":
            self._ended(words)
        return words[0] == "ready"

    def until_gone(self) -> int:
        """Its exit status, negative for a signal."""
        return self._ended(self._until("gone"))

    def kill(self) -> int:
        """SIGKILL now, unless it has gone already; its exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return self.until_gone()

    @property
    def was_killed(self) -> bool:
        """Whether the injected SIGKILL came; to be asked while the process may still run."""
        return self._strace is not None and self._strace.poll() is not None

    def close(self) -> None:
        assert self._warm.stdin
        self._warm.stdin.close()
        self._warm.wait()

    def _ended(self, words: Sequence[str]) -> int:
        if self._strace:
            self._strace.wait()
            assert self._strace.stderr
            self._strace.stderr.close()
            self._strace = None
        self.pid = 0
        return int(words[1])

    def _until(self, *first: str) -> list[str]:
        assert self._warm.stdout
        for line in self._warm.stdout:
            if line.split()[0] in first:
                return line.split()
            self.said.append(line.split())
        raise AssertionError(f"the process ended before it said {first}")


def _attached(pid: int, call: str, number: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        ["strace", "-f", "-p", str(pid), "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={call}:signal=SIGKILL:when={number}"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if "attached" in line:
            return process
    raise AssertionError("strace could not be attached")


def copied(prepared: Path, folder: Path) -> Path:
    """A fresh copy of a prepared folder, in place of what an earlier story left there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(prepared, folder)
    return folder


if __name__ == "__main__":
    match sys.argv[1]:
        case "central":
            central = made_central()
            fork_on_demand(lambda folder, port: be_central(central, folder, port))
        case "app":
            fork_on_demand(be_the_app)
        case "recorder":
            fork_on_demand(lambda folder, assets, seed: record(Path(folder), Path(assets), seed))
