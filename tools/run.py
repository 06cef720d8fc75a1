"""`make run`: the field app built, and central started with its marked demo, which serves it.

Takes PORT and DATA from the environment. Nothing is started when the port is taken or another run holds the data folder.
Ctrl-C, SIGTERM or the end of central ends the run; what was recorded stays in DATA for the next one.
"""

import asyncio
import contextlib
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
from pathlib import Path
from types import FrameType
from typing import Any

import segno

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from central.access import enrolment_link  # noqa: E402
from tools import demo  # noqa: E402
from web.build import BuildFailed, ensure  # noqa: E402

HOST = "127.0.0.1"
START_SECONDS = 180
"""Until central answers for the first time; the first start reads the units in."""
STOP_SECONDS = 8
"""For central to end by itself when asked to."""
STEP_SECONDS = 0.1


class CannotRun(Exception):
    """Why the run did not start or could not go on, in words for the person who typed `make run`."""


def free_port() -> int:
    """The port named by PORT; CannotRun when it is no port or somebody listens there."""
    given = os.environ.get("PORT") or "8000"
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65536:
        raise CannotRun(f"PORT={given} không phải là cổng / is not a port (1-65535).")
    port = int(given)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as reason:
            raise CannotRun(
                f"Cổng {port} đang bận, hãy chọn cổng khác / Port {port} is taken, choose another: "
                f"make run PORT={port + 1}  ({reason.strerror})"
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


def build_field_app() -> None:
    """The field app built where central will find it, when it is missing or old; without it central says so at /."""
    try:
        ensure(_say)
    except BuildFailed as reason:
        _say(f"Chưa dựng được ứng dụng, trung tâm vẫn chạy / central runs without the field app: {reason}")


def _say(line: str) -> None:
    print(line, flush=True)


def _end_with_parent() -> None:
    """Linux ends central when its supervisor was killed outright, so that no port stays taken by an orphan."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _surroundings() -> dict[str, str]:
    """The environment without settings of a real central, which a demo must not touch."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KIEMTRA_", "FLET_"))}


class Run:
    """Central with its demo in `data`, on `port`. Every end, wanted or not, goes through `stop`."""

    def __init__(self) -> None:
        self._central: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._log = Path()
        self.is_stopping = False

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def start(self, data: Path, port: int) -> None:
        """Start central in a session of its own: a Ctrl-C in the terminal reaches only this supervisor."""
        self._url = f"http://{HOST}:{port}/api/v1/healthz"
        self._log = data / "log" / "central.log"
        settings = {"KIEMTRA_DATA": str(data), "KIEMTRA_HOST": HOST, "KIEMTRA_PORT": str(port)}
        with self._log.open("wb") as log:
            self._central = subprocess.Popen(
                [sys.executable, "-m", "central", "serve", "--demo"],
                cwd=ROOT,
                env={**_surroundings(), **settings, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def check(self) -> None:
        """CannotRun, with the last words of its log, when central has ended."""
        status = self._central.poll() if self._central else None
        if status is not None:
            words = self._log.read_text("utf-8", "replace").splitlines()[-15:]
            raise CannotRun("\n".join([f"Trung tâm đã dừng / central ended ({status}), {self._log}:", *words]))

    def wait_until_it_answers(self) -> None:
        """Return when central answers or a stop was asked for; CannotRun when it ends or stays silent too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_stopping and not _answers(self._url):
            self.check()
            if time.monotonic() > deadline:
                raise CannotRun(f"Trung tâm không trả lời / central does not answer at {self._url}; see {self._log}")
            time.sleep(STEP_SECONDS)

    def wait_until_asked_to_stop(self) -> None:
        while not self.is_stopping:
            self.check()
            time.sleep(STEP_SECONDS)

    def stop(self) -> None:
        """End central by its own process id: asked first, then, with all it started, killed."""
        if self._central is None:
            return
        if self._central.poll() is None:
            self._central.terminate()
        try:
            self._central.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._central.kill()
            self._central.wait()
        # Mostly there is nobody: it had started nothing, or nothing was left.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._central.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def welcome(facts: dict[str, Any]) -> str:
    """What is printed once central answers: addresses, sign-in for Home Affairs, enrolment codes, one as QR."""
    first, *others = facts["enrolment_codes"]
    qr = io.StringIO()
    segno.make(enrolment_link(facts["url"], first), error="m").terminal(qr, compact=True)
    return f"""
DỮ LIỆU TRÌNH DIỄN / DEMO DATA: {facts["round"]}

  Mở trên điện thoại / open on the phone  {facts["url"]}/
  Mã ghi danh / enrolment code            {first}
      cho máy khác / for other phones     {", ".join(others)}
  Trang Nội vụ / Home Affairs             {facts["url"]}/hq/
      tài khoản / user                    {facts["hq_user"]}
      mật khẩu / password                 {facts["hq_password"]}

{qr.getvalue()}
Dừng / stop: Ctrl-C"""


def main() -> int:
    run = Run()
    signal.signal(signal.SIGINT, run.ask_to_stop)
    signal.signal(signal.SIGTERM, run.ask_to_stop)
    try:
        port = free_port()
        data = Path(os.environ.get("DATA") or ROOT / ".data").resolve()
        with hold(data):
            try:
                _say("Đang khởi động / starting …")
                build_field_app()
                if not run.is_stopping:
                    run.start(data, port)
                    run.wait_until_it_answers()
                if not run.is_stopping and (cases := asyncio.run(demo.seed(data))):
                    _say(f"Đã ghi và đồng bộ {cases} cuộc của bản thử / demo visits recorded and synced.")
                if not run.is_stopping:
                    _say(welcome(json.loads((data / "demo.json").read_text("utf-8"))))
                run.wait_until_asked_to_stop()
            finally:
                run.stop()
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return 1
    _say("Đã dừng, dữ liệu còn nguyên / stopped, the data is kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
