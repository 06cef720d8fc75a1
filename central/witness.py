"""What central has acknowledged, noted outside its database: so a database restored from a backup is found out by itself.

The witness is a text file, by default beside the database, better on another disk (`KIEMTRA_WITNESS`): the server id, then a
line `device epoch seq hash` for each transaction that took entries in. A line is written after its commit and before the
phone hears of it, and waits for no disk: the witness never says more than was committed, and after a power cut perhaps
less. Lines that cannot be read (torn by such a cut, sectors of zeros included) count for nothing.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from central.holes import Life

LARGEST = 4 * 1024 * 1024
"""Bytes after which the file is written anew with one line a journal, when central is opened."""

_LINE = re.compile(r"([^\s\0]{1,200}) ([0-9a-f]{32}) ([0-9]{1,16}) ([0-9a-f]{64})")


class Seen(NamedTuple):
    """What the witness says: whose database it saw, and the last entry (seq, hash) of each journal in it."""

    server_id: str
    ends: dict[Life, tuple[int, str]]


class Witness:
    """The file; several processes may note at once."""

    def __init__(self, path: Path):
        self._path = path

    def read(self) -> Seen | None:
        """None when there is no witness."""
        try:
            lines = self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return None
        ends: dict[Life, tuple[int, str]] = {}
        for line in lines[1:]:
            if found := _LINE.fullmatch(line):
                life, seq = (found[1], found[2]), int(found[3])
                if seq >= ends.get(life, (0, ""))[0]:
                    ends[life] = (seq, found[4])
        return Seen(lines[0] if lines else "", ends)

    @property
    def is_large(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > LARGEST

    def begin(self, server_id: str, ends: Mapping[Life, tuple[int, str]]) -> None:
        """Write the file anew, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with open(fresh, "w", encoding="ascii") as file:
            file.write("\n".join([server_id, *_lines(ends)]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)

    def note(self, ends: Mapping[Life, tuple[int, str]]) -> None:
        """Remember the ends of journals that have just been committed."""
        if not ends:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # A line of its own, also behind one that was torn: the two together could name a phone that never was.
            os.write(descriptor, ("\n" + "\n".join(_lines(ends)) + "\n").encode("ascii"))
        finally:
            os.close(descriptor)


def _lines(ends: Mapping[Life, tuple[int, str]]) -> list[str]:
    return [f"{device} {epoch} {seq} {digest}" for (device, epoch), (seq, digest) in sorted(ends.items())]
