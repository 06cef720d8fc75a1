"""`make run`: central with its marked demo and the field app, started together and ended together.

Takes PORT, APP_PORT and DATA from the environment. Nothing is started when a port is taken or another run holds the
data folder. Ctrl-C, SIGTERM or the end of one part ends both; what was recorded stays in DATA for the next run.
"""

import asyncio
import ctypes
import fcntl
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import segno

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from central.access import enrolment_link  # noqa: E402
from tools import demo  # noqa: E402

HOST = "127.0.0.1"
START_SECONDS = 180
"""Until a part answers for the first time; the first start reads the units and the six cases in."""
STOP_SECONDS = 8
"""For a part to end by itself when asked to."""
STEP_SECONDS = 0.1


class CannotRun(Exception):
    """Why the run did not start or could not go on, in words for the person who typed `make run`."""


@dataclass(frozen=True)
class Part:
    """One program of the run: how it is started, where it answers, where its words go."""

    name: str
    command: list[str]
    environment: dict[str, str]
    answers_at: str
    log: Path


def parts_of_the_run(data: Path, port: int, app_port: int) -> list[Part]:
    """Central and the field app (its own notebook in DATA/phone), the only place that knows their commands."""
    central = Part(
        name="trung tâm / central",
        command=[sys.executable, "-m", "central", "serve", "--demo"],
        environment={
            "KIEMTRA_DATA": str(data),
            "KIEMTRA_HOST": HOST,
            "KIEMTRA_PORT": str(port),
            "KIEMTRA_APP_URL": f"http://{HOST}:{app_port}",
        },
        answers_at=f"http://{HOST}:{port}/api/v1/healthz",
        log=data / "log" / "central.log",
    )
    phone = Part(
        name="ứng dụng / field app",
        command=[sys.executable, "main.py"],
        environment={
            "KIEMTRA_DATA": str(data / "phone"),
            "KIEMTRA_CENTRAL": f"http://{HOST}:{port}",
            "FLET_FORCE_WEB_SERVER": "true",
            "FLET_SERVER_IP": HOST,
            "FLET_SERVER_PORT": str(app_port),
        },
        answers_at=f"http://{HOST}:{app_port}/",
        log=data / "log" / "phone.log",
    )
    return [central, phone]


def free_port(variable: str, default: int) -> int:
    """The port named by an environment variable; CannotRun when it is no port or somebody listens there."""
    given = os.environ.get(variable) or str(default)
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65536:
        raise CannotRun(f"{variable}={given} không phải là cổng / is not a port (1-65535).")
    port = int(given)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as reason:
            raise CannotRun(
                f"Cổng {port} đang bận, hãy chọn cổng khác / Port {port} is taken, choose another: "
                f"make run {variable}={port + 1}  ({reason.strerror})"
            ) from reason
    return port


def hold(data: Path) -> io.TextIOWrapper:
    """Make the data folder and hold it for this run; CannotRun when another run holds it."""
    (data / "log").mkdir(parents=True, exist_ok=True)
    lock = (data / "run.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(
            f"Một lần chạy khác đang dùng {data} / another run is using it; choose another folder: make run DATA=…"
        ) from None
    return lock


def _end_with_parent() -> None:
    """Linux ends a part whose supervisor was killed outright, so that no port stays taken by an orphan."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _surroundings() -> dict[str, str]:
    """The environment without settings of a real central, which a demo must not touch."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KIEMTRA_", "FLET_"))}


class Run:
    """The running parts. Every end, wanted or not, goes through `stop`."""

    def __init__(self) -> None:
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []
        self.is_stopping = False

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def start(self, part: Part) -> None:
        """Start a part in a session of its own: a Ctrl-C in the terminal reaches only this supervisor."""
        with part.log.open("wb") as log:
            process = subprocess.Popen(
                part.command,
                cwd=ROOT,
                env={**_surroundings(), **part.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        self._running.append((part, process))

    def check(self) -> None:
        """CannotRun, with the last words of its log, when a part has ended."""
        for part, process in self._running:
            status = process.poll()
            if status is not None:
                words = part.log.read_text("utf-8", "replace").splitlines()[-15:]
                raise CannotRun("\n".join([f"{part.name} đã dừng / ended ({status}), {part.log}:", *words]))

    def wait_until_all_answer(self) -> None:
        """Return when every part answers or a stop was asked for; CannotRun when one ends or stays silent too long."""
        deadline = time.monotonic() + START_SECONDS
        for part, _ in self._running:
            while not self.is_stopping and not _answers(part.answers_at):
                self.check()
                if time.monotonic() > deadline:
                    raise CannotRun(f"{part.name} không trả lời / does not answer at {part.answers_at}; see {part.log}")
                time.sleep(STEP_SECONDS)

    def wait_until_asked_to_stop(self) -> None:
        while not self.is_stopping:
            self.check()
            time.sleep(STEP_SECONDS)

    def stop(self) -> None:
        """End every part by its own process id: asked first, then, with all it started, killed."""
        for _, process in self._running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _, process in self._running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # the usual case: it had started nothing, or nothing was left


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def welcome(facts: dict[str, Any], app_port: int) -> str:
    """What is printed once both parts answer: addresses, sign-in for Home Affairs, enrolment codes, one as QR."""
    first, *others = facts["enrolment_codes"]
    qr = io.StringIO()
    segno.make(enrolment_link(facts["url"], first), error="m").terminal(qr, compact=True)
    return f"""
DỮ LIỆU TRÌNH DIỄN / DEMO DATA: {facts["round"]}

  Ứng dụng trên điện thoại / field app    http://{HOST}:{app_port}/
  Trung tâm / central                     {facts["url"]}
  Trang Nội vụ / Home Affairs             {facts["url"]}/hq/
      tài khoản / user                    {facts["hq_user"]}
      mật khẩu / password                 {facts["hq_password"]}
  Mã ghi danh / enrolment code            {first}
      cho máy khác / for other phones     {", ".join(others)}

{qr.getvalue()}
Dừng / stop: Ctrl-C"""


def main() -> int:
    run = Run()
    signal.signal(signal.SIGINT, run.ask_to_stop)
    signal.signal(signal.SIGTERM, run.ask_to_stop)
    try:
        port, app_port = free_port("PORT", 8000), free_port("APP_PORT", 8550)
        if port == app_port:
            raise CannotRun(f"PORT và APP_PORT phải khác nhau / must differ (both {port}).")
        data = Path(os.environ.get("DATA") or ROOT / ".data").resolve()
        with hold(data):
            try:
                print("Đang khởi động / starting …", flush=True)
                central, phone = parts_of_the_run(data, port, app_port)
                run.start(central)
                run.start(phone)
                run.wait_until_all_answer()
                if not run.is_stopping and (cases := asyncio.run(demo.seed(data))):
                    print(f"Đã ghi và đồng bộ {cases} cuộc của bản thử / demo visits recorded and synced.", flush=True)
                if not run.is_stopping:
                    print(welcome(json.loads((data / "demo.json").read_text("utf-8")), app_port), flush=True)
                run.wait_until_asked_to_stop()
            finally:
                run.stop()
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return 1
    print("Đã dừng, dữ liệu còn nguyên / stopped, the data is kept.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
