"""Where central keeps photos: whole ones named by their SHA-256, and the parts of those still on their way.

`Photos` is what the rest of central asks of a store, so that one on another kind of storage can stand beside it.
All methods block and may be called from any thread or process; names that are not 64 hex digits are never held.
"""

import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_NAME = re.compile(r"[0-9a-f]{64}")
_STEP = 1024 * 1024


class WrongOffset(Exception):
    """Somebody else has written meanwhile, or nobody has: `expected` bytes are held."""

    def __init__(self, expected: int):
        super().__init__(f"{expected} bytes are held")
        self.expected = expected


class DigestMismatch(Exception):
    """All bytes arrived, and they are not those the name promises; they have been discarded."""


class StoreFull(Exception):
    """There is no room left for photos; what was held before is untouched."""


class Photos(Protocol):
    """A store of photos and of parts on their way."""

    def offset(self, sha256: str) -> int:
        """Bytes held of a part, durably; 0 when nothing has come."""
        ...

    def append(self, sha256: str, offset: int, data: bytes) -> int:
        """Add bytes to a part at `offset`, its present end; the new end. Raises WrongOffset or StoreFull."""
        ...

    def finish(self, sha256: str) -> None:
        """Make a complete part a photo, durably; harmless to repeat. Raises DigestMismatch, or WrongOffset if none."""
        ...

    def discard(self, sha256: str) -> None:
        """Forget a part; a finished photo stays."""
        ...

    def expire(self, before_ms: int) -> int:
        """Forget parts that have not grown since `before_ms` (UTC); how many."""
        ...

    def has(self, sha256: str) -> bool: ...

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are not held whole, in their order."""
        ...

    def size(self, sha256: str) -> int | None:
        """Bytes of a whole photo, None when it is not held."""
        ...

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes `start` to `end` (exclusive) of a whole photo. Raises FileNotFoundError."""
        ...

    def is_intact(self, sha256: str) -> bool:
        """The photo is held and its bytes are those its name promises."""
        ...

    def healthy(self) -> bool:
        """Whether photos can be written now."""
        ...


class PhotoStore:
    """Photos in a folder: whole ones under `ab/cd/<sha256>`, parts under `parts/<sha256>`.

    How much of a part is held is the size of its file and stands nowhere else. Each write locks the file for as long as
    it takes, compares its end with the offset it was meant for, and only then appends: whoever comes second is told.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._parts = folder / "parts"
        self._parts.mkdir(parents=True, exist_ok=True)
        for above in (folder, folder.parent):
            _sync_folder(above)  # or photos are durable in a folder that is not

    def offset(self, sha256: str) -> int:
        try:
            descriptor = os.open(self._part(sha256), os.O_RDWR)
        except FileNotFoundError:
            return 0
        try:
            os.fsync(descriptor)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def append(self, sha256: str, offset: int, data: bytes) -> int:
        with _full_disk_told(), self._locked(sha256, os.O_RDWR | (os.O_CREAT if offset == 0 else 0)) as descriptor:
            end = os.fstat(descriptor).st_size
            if end != offset:
                raise WrongOffset(end)
            if end == 0:
                _sync_folder(self._parts)
            rest = memoryview(data)
            while rest:
                written = os.pwrite(descriptor, rest, end)
                end += written
                rest = rest[written:]
            return end

    def finish(self, sha256: str) -> None:
        if self.has(sha256):
            self.discard(sha256)
            return
        with _full_disk_told(), self._locked(sha256, os.O_RDWR) as descriptor:
            if _digest(descriptor) != sha256:
                self.discard(sha256)
                raise DigestMismatch(sha256)
            os.fsync(descriptor)
            photo = self._photo(sha256)
            photo.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._part(sha256), photo)
            for folder in (photo.parent, photo.parent.parent, self._folder, self._parts):
                _sync_folder(folder)

    def discard(self, sha256: str) -> None:
        self._part(sha256).unlink(missing_ok=True)

    def expire(self, before_ms: int) -> int:
        count = 0
        for part in os.scandir(self._parts):
            if part.stat().st_mtime * 1000 < before_ms:
                Path(part.path).unlink(missing_ok=True)
                count += 1
        return count

    def has(self, sha256: str) -> bool:
        return self.size(sha256) is not None

    def missing(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self.has(name)]

    def size(self, sha256: str) -> int | None:
        if not _NAME.fullmatch(sha256):
            return None
        try:
            return self._photo(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> bytes:
        with open(self._photo(sha256), "rb") as file:
            file.seek(start)
            return file.read(-1 if end is None else max(0, end - start))

    def is_intact(self, sha256: str) -> bool:
        return self.has(sha256) and hashlib.sha256(self.read(sha256)).hexdigest() == sha256

    def healthy(self) -> bool:
        probe = self._parts / f"probe-{secrets.token_hex(8)}"
        try:
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError:
            return False
        return True

    def _photo(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:4] / _named(sha256)

    def _part(self, sha256: str) -> Path:
        return self._parts / _named(sha256)

    @contextmanager
    def _locked(self, sha256: str, flags: int) -> Iterator[int]:
        """The part's file, locked, and certainly still the part: another request may have finished or dropped it."""
        try:
            descriptor = os.open(self._part(sha256), flags, 0o600)
        except FileNotFoundError:
            raise WrongOffset(self.size(sha256) or 0) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not self._is_part(sha256, descriptor):
                raise WrongOffset(self.size(sha256) or self.offset(sha256))
            yield descriptor
        finally:
            os.close(descriptor)

    def _is_part(self, sha256: str, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._part(sha256)), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def _named(sha256: str) -> str:
    if not _NAME.fullmatch(sha256):
        raise ValueError(f"not the name of a photo: {sha256!r}")
    return sha256


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    at = 0
    while step := os.pread(descriptor, _STEP, at):
        digest.update(step)
        at += len(step)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """A new or renamed file is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(str(error)) from error
        raise
