"""Records a day: central and a phone as watched processes, a colleague's phone beside them; gives the days to be cut."""

import asyncio
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx

from tests.field import FieldClock
from tests.field import Phone as Colleague
from tests.powercuts.cuts import CentralDay, Day, PhoneDay
from tests.powercuts.disk import Disk, SlotDisk
from tests.powercuts.strace import of_folder, read_steps, watching
from tests.valley import NOON

ROOT = Path(__file__).parents[2]


def record(folder: Path, taps: int) -> list[Day]:
    """The days of central, of a phone, of a browser's notebook and of a hasty app, recorded below `folder`."""
    for name in ("phones", "central"):
        (folder / name).mkdir()
    day = [sys.executable, "-m", "tests.powercuts.day"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    central_log, phone_log = folder / "central.log", folder / "phone.log"
    with (
        _started(watching([*day, "central", str(folder / "central")], central_log), environment) as central,
        _started(watching([*day, "phone", str(folder / "phones"), str(taps)], phone_log), environment) as phone,
    ):
        port, code, colleagues_code = _line(central, "central")
        address = f"http://127.0.0.1:{port}"
        _tell(phone, f"{address} {code}")
        (visit,) = _line(phone, "visit")
        asyncio.run(_colleague(folder / "colleague", address, colleagues_code, visit))
        _tell(phone, "go on")
        _line(phone, "done")
        _tell(central, "stop")
    steps = read_steps(phone_log, folder / "phones")
    phones = {name: folder / "phones" / name for name in ("phone", "browser", "hasty")}
    return [
        CentralDay("central", Disk(str(folder / "central")), read_steps(central_log, folder / "central")),
        PhoneDay("phone", Disk(str(phones["phone"])), of_folder(steps, phones["phone"])),
        PhoneDay("browser", SlotDisk(str(phones["browser"])), of_folder(steps, phones["browser"])),
        PhoneDay("hasty", Disk(str(phones["hasty"])), of_folder(steps, phones["hasty"])),
    ]


async def _colleague(folder: Path, address: str, code: str, visit: str) -> None:
    """Dũng writes on the visit of the phone that is watched, a conflict with it included."""
    phone = Colleague(folder, FieldClock(NOON), seed=7)
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        await phone.enrol(client, code)
        await phone.sync(client)
        with closing(phone):
            for row in phone.book.visit(visit).rooms():
                phone.book.set_heads(visit, row.id, {"head_total": 12, "head_present": 11})
            phone.book.remark(visit, "good_practice", "Đoàn số 1 đã xem")
            await phone.sync(client)


def _started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip


def _line(process: "subprocess.Popen[str]", first: str) -> list[str]:
    """The words after `first` in the first line that begins with it."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(first + " ") or line == first + "\n":
            return line.split()[1:]
    raise AssertionError(f"the process ended before it said {first!r}")


def _tell(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stdin
    process.stdin.write(f"{words}\n")
    process.stdin.flush()
