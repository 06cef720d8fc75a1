"""`make run`, as somebody at a terminal meets it: the real supervisor, the real build and the real central."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.valley import free_port
from web.build import ensure

pytestmark = pytest.mark.long  # the field app is built for it

ROOT = Path(__file__).parent.parent
LONGEST_SECONDS = 150
"""A run that hangs is killed then, so that its test fails instead of waiting for ever."""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """The field app is built before, so that no run spends its time on that."""
    ensure()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def run(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`make run` without the installing, in a process of its own."""
    settings = {"DATA": str(data), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "tools/run.py"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
    watchdog.start()
    with process:
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def printed_until(process: subprocess.Popen[str], words: str) -> str:
    """What the run printed up to the line with these words; the whole output when it ended without."""
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def children(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of what the supervisor has started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_taken_port_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        taken = somebody.getsockname()[1]
        with run(tmp_path / "data", taken) as process:
            output, _ = process.communicate()
            assert process.returncode == 1
            assert len(output.splitlines()) == 1
            assert str(taken) in output and "PORT=" in output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", [0, 70000])
def test_a_port_that_is_none_is_one_line(tmp_path: Path, port: int) -> None:
    with run(tmp_path / "data", port) as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    assert len(output.splitlines()) == 1


def test_ctrl_c_stops_everything_and_the_next_run_finds_the_data(tmp_path: Path) -> None:
    port = free_port()
    with run(tmp_path, port) as process:
        printed = printed_until(process, "Ctrl-C")
        demo = json.loads((tmp_path / "demo.json").read_text("utf-8"))
        assert demo["url"] == f"http://127.0.0.1:{port}"
        for fact in (f"phone  {demo['url']}/\n", f"{demo['url']}/hq/", demo["hq_user"], demo["hq_password"], "▀"):
            assert fact in printed
        assert all(code in printed for code in demo["enrolment_codes"])
        assert urllib.request.urlopen(f"{demo['url']}/hq/").status == 200
        with urllib.request.urlopen(f"{demo['url']}/?enrol={demo['enrolment_codes'][0]}") as app:
            assert app.status == 200 and "Sổ kiểm tra" in app.read().decode()
        started = children(process)
        assert len(started) == 1, "central, and nothing beside it"

        with run(tmp_path, free_port()) as second:
            said, _ = second.communicate()
            assert second.returncode == 1 and str(tmp_path) in said

        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 0
    assert not any(map(is_running, started))
    assert is_free(port)

    with run(tmp_path, port) as again:
        assert demo["hq_password"] in printed_until(again, "Ctrl-C")
        started = children(again)
        os.kill(started[0], signal.SIGKILL)
        rest, _ = again.communicate()
        assert again.returncode == 1
        assert "central" in rest
    assert not any(map(is_running, started))
    assert is_free(port)
