"""What a real process asks of the disk, in order, as strace sees it: nothing in the process is replaced.

Writes, syncs, truncations and changes of folders become `Step`s; so do what the process says on standard output and what
goes over its sockets, because that is where it promises that something is kept.
"""

import functools
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

CALLS = (
    "openat,creat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,"
    "sendto,recvfrom"
)  # fmt: skip

AT_THE_END = -1
"""The place of a write that is appended, wherever the file ends by then."""


class Step(NamedTuple):
    """One thing that happened. `what` is write, truncate, sync, make, folder, remove, rename, said, sent or heard.

    A write has its `place` in the file; a truncate its new size there; a sync there the number of steps that had ended when
    it began, which are all it vouches for. `target` is the new name of a rename; of `sent` and `heard`, `path` is the socket.
    """

    what: str
    path: str
    place: int = 0
    data: bytes = b""
    target: str = ""


@functools.cache
def why_not() -> str:
    """Why processes cannot be watched here; empty when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"ptrace is forbidden here: {tried.stderr.strip()[:200]}"


def watching(command: Sequence[str], log: Path) -> list[str]:
    """The command that runs another under strace, every step of it written to `log`."""
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "2000000", "-e", f"trace={CALLS}",
            "-e", "signal=none", "-o", str(log), *command]  # fmt: skip


_LINE = re.compile(rb"(\d+) +(.*)")
_CALL = re.compile(rb"(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_UNFINISHED = b" <unfinished ...>"
_RESUMED = re.compile(rb"<\.\.\. \w+ resumed>(.*)")
_FILE = re.compile(rb"(\d+)<([^>]*)>(\(deleted\))?")
_TEXT = re.compile(rb'"([^"]*)"')


def _unhexed(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def read_steps(log: Path, under: Path) -> list[Step]:
    """The steps below a folder, in the order in which they ended; what failed did not happen."""
    steps: list[Step] = []
    begun: dict[bytes, tuple[bytes, int]] = {}
    places: dict[bytes, int] = {}
    with open(log, "rb") as lines:
        for line in lines:
            match = _LINE.match(line.rstrip(b"\n"))
            if match is None:
                continue
            thread, text = match.groups()
            if text.endswith(_UNFINISHED):
                begun[thread] = text.removesuffix(_UNFINISHED), len(steps)
                continue
            since = len(steps)
            if resumed := _RESUMED.match(text):
                start, since = begun.pop(thread)
                text = start + resumed[1]
            call = _CALL.match(text)
            if call is not None and int(call[3]) >= 0:
                steps.extend(_steps(call, since, places, str(under)))
    return steps


def _steps(call: "re.Match[bytes]", since: int, places: dict[bytes, int], under: str) -> Iterator[Step]:
    name, asked, outcome = call[1].decode(), call[2], int(call[3])
    texts = [_unhexed(text) for text in _TEXT.findall(asked)] if not name.startswith("mkdir") else []
    file = _FILE.match(asked)
    path = _unhexed(file[2]).decode() if file and name not in ("openat", "unlinkat", "renameat", "renameat2") else ""
    inside = path.startswith(under) and not (file and file[3])
    match name:
        case "openat" | "creat":
            path, flags = texts[0].decode(), asked.partition(b'", ')[2]
            places[call[3]] = AT_THE_END if b"O_APPEND" in flags else 0
            if path.startswith(under) and b"O_CREAT" in flags:
                yield Step("make", path)
            if path.startswith(under) and b"O_TRUNC" in flags:
                yield Step("truncate", path, 0)
        case "pwrite64" if inside:
            yield Step("write", path, int(asked.rpartition(b", ")[2]), texts[0][:outcome])
        case "write" if inside and file:
            yield Step("write", path, places.get(file[1], 0), texts[0][:outcome])
            if places.get(file[1], 0) != AT_THE_END:
                places[file[1]] = places.get(file[1], 0) + outcome
        case "write" if file and file[1] == b"1":
            yield Step("said", "", data=texts[0][:outcome])
        case "sendto" if file:
            yield Step("sent", path, data=texts[0][:outcome])
        case "recvfrom" if file and outcome and texts:
            yield Step("heard", path, data=texts[0][:outcome])
        case "ftruncate" if inside:
            yield Step("truncate", path, int(asked.rpartition(b", ")[2]))
        case "fsync" | "fdatasync" if inside:
            yield Step("sync", path, since)
        case "unlink" | "unlinkat" if texts[0].decode().startswith(under):
            yield Step("remove", texts[0].decode())
        case "rename" | "renameat" | "renameat2" if texts[0].decode().startswith(under):
            yield Step("rename", texts[0].decode(), target=texts[1].decode())
        case "mkdir" | "mkdirat":
            path = _unhexed(_TEXT.findall(asked)[0]).decode()
            if path.startswith(under):
                yield Step("folder", path)


def of_folder(steps: Iterable[Step], folder: Path) -> list[Step]:
    """The steps of one folder and everything that was promised, with syncs counted anew."""
    prefix = f"{folder}/"
    kept: list[Step] = []
    counts = [0]
    for step in steps:
        if step.what in ("said", "sent", "heard") or step.path == str(folder) or step.path.startswith(prefix):
            kept.append(step._replace(place=counts[step.place]) if step.what == "sync" else step)
        counts.append(len(kept))
    return kept
