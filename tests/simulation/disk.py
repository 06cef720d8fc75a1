"""A disk for photo files that forgets, at a power cut, what was not flushed.

`Disk` stands in the place of `os`, `fcntl` and `open` in `central.photo_store`: bytes of a file are safe after its fsync,
names after an fsync of a folder that came later than they did. At a cut the rest is kept in part, as the seed wills: of
names the first few changes, of a file's new bytes the first few, or as many zeros.
"""

import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.database import PowerCut


@dataclass
class _Inode:
    number: int
    data: bytearray
    flushed: bytes = b""
    changed_at: float = 0.0


@dataclass(frozen=True)
class _Stat:
    st_size: int
    st_ino: int
    st_mtime: float
    st_dev: int = 1


class Place:
    """As much of `pathlib.Path` as the store asks for."""

    def __init__(self, disk: "Disk", path: str):
        self.disk, self.path = disk, path

    def __truediv__(self, name: str) -> "Place":
        return Place(self.disk, f"{self.path}/{name}")

    @property
    def parent(self) -> "Place":
        return Place(self.disk, self.path.rpartition("/")[0])

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        parts = self.path.split("/")
        self.disk.folders.update("/".join(parts[:n]) for n in range(1, len(parts) + 1))

    def stat(self) -> _Stat:
        return self.disk.stat(self)

    def unlink(self, missing_ok: bool = False) -> None:
        if self.path not in self.disk.names:
            if missing_ok:
                return
            raise FileNotFoundError(self.path)
        self.disk.change_name(self.path, None)

    def __str__(self) -> str:
        return self.path


class Disk:
    """Files by path, in memory."""

    O_RDWR, O_CREAT, O_RDONLY, O_DIRECTORY = os.O_RDWR, os.O_CREAT, os.O_RDONLY, os.O_DIRECTORY
    LOCK_EX = 2

    class path:
        @staticmethod
        def samestat(one: _Stat, other: _Stat) -> bool:
            return one.st_ino == other.st_ino

    def __init__(self, seconds: Callable[[], float]):
        self._seconds = seconds
        self.names: dict[str, _Inode] = {}
        self.folders: set[str] = set()
        self._flushed_names: dict[str, _Inode] = {}
        self._changes: list[tuple[str, _Inode | None]] = []
        """Changes of names since the last flush of a folder, in their order."""
        self._open: dict[int, Any] = {}
        self._next = 3
        self.writes_left: int | None = None
        """After how many more writes, flushes and renames the power goes."""
        self.is_full = False

    def root(self) -> Place:
        self.folders.update(("", "photos"))
        return Place(self, "photos")

    # What `os` has

    def open(self, place: Place, flags: int, mode: int = 0o600) -> int:
        node: Any = None
        if place.path in self.folders:
            node = place.path
        elif place.path in self.names:
            node = self.names[place.path]
        elif flags & os.O_CREAT:
            self._spend()
            node = _Inode(self._number(), bytearray(), changed_at=self._seconds())
            self.change_name(place.path, node)
        else:
            raise FileNotFoundError(place.path)
        descriptor = self._number()
        self._open[descriptor] = node
        return descriptor

    def _number(self) -> int:
        self._next += 1
        return self._next

    def close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)

    def flock(self, descriptor: int, how: int) -> None:
        pass

    def fsync(self, descriptor: int) -> None:
        self._spend()
        node = self._open[descriptor]
        if isinstance(node, str):
            self._flushed_names = dict(self.names)
            self._changes.clear()
        else:
            node.flushed = bytes(node.data)

    def fstat(self, descriptor: int) -> _Stat:
        return self._stat(self._open[descriptor])

    def stat(self, place: Place) -> _Stat:
        if place.path not in self.names:
            raise FileNotFoundError(place.path)
        return self._stat(self.names[place.path])

    def _stat(self, node: _Inode) -> _Stat:
        return _Stat(len(node.data), node.number, node.changed_at)

    def pwrite(self, descriptor: int, data: bytes | memoryview, at: int) -> int:
        self._spend()
        if self.is_full:
            raise OSError(28, "No space left on device")
        node = self._open[descriptor]
        node.data[at : at + len(data)] = data
        node.changed_at = self._seconds()
        return len(data)

    def pread(self, descriptor: int, length: int, at: int) -> bytes:
        return bytes(self._open[descriptor].data[at : at + length])

    def replace(self, old: Place, new: Place) -> None:
        self._spend()
        node = self.names[old.path]
        self.change_name(new.path, node)
        self.change_name(old.path, None)

    def scandir(self, place: Place) -> Iterator[Any]:
        for path in list(self.names):
            if path.startswith(place.path + "/"):
                yield Place(self, path)

    def read(self, place: Place, mode: str = "rb") -> Any:
        """What `open` gives for reading."""
        if place.path not in self.names:
            raise FileNotFoundError(place.path)
        return io.BytesIO(bytes(self.names[place.path].data))

    # What machines suffer

    def change_name(self, path: str, node: _Inode | None) -> None:
        self._changes.append((path, node))
        if node is None:
            del self.names[path]
        else:
            self.names[path] = node

    def _spend(self) -> None:
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise PowerCut

    def power_cut(self, rng: random.Random) -> None:
        self.writes_left = None
        self._open.clear()
        names = self._flushed_names
        kept = rng.randint(0, len(self._changes))
        for path, node in self._changes[:kept]:
            if node is None:
                names.pop(path, None)
            else:
                names[path] = node
        for node in names.values():
            new = len(node.data) - len(node.flushed)
            if new > 0:
                some = rng.randint(0, new)
                tail = bytes(node.data[len(node.flushed) : len(node.flushed) + some])
                node.data = bytearray(node.flushed + (bytes(some) if rng.random() < 0.3 else tail))
            node.flushed = bytes(node.data)
        self.names, self._flushed_names, self._changes = dict(names), dict(names), []

    def image(self) -> dict[str, bytes]:
        """Every file by its path, as a backup has them."""
        return {path: bytes(node.data) for path, node in self.names.items()}

    def restore(self, image: dict[str, bytes]) -> None:
        self._open.clear()
        self.names = {path: _Inode(self._number(), bytearray(data), data) for path, data in image.items()}
        self._flushed_names, self._changes = dict(self.names), []
