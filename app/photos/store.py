"""The photos of this phone, files named by their SHA-256; each is whole and durable before an entry names it.

What a photo file is, is decided here; where files lie is the folder's affair: on a disk (`disk`) or in the browser's own
storage (`app.device.opfs`).
"""

import asyncio
import errno
import hashlib
import logging
import re
from collections.abc import Collection
from typing import Protocol

_NAME = re.compile(r"[0-9a-f]{64}")
UNFINISHED = ".unfinished"
"""What the name of a file ends in while it is being written."""

log = logging.getLogger(__name__)


class Folder(Protocol):
    """Files lying side by side. Looking is answered at once, changing may take a while."""

    def names(self) -> set[str]:
        """Of all files, unfinished ones included."""
        ...

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes; None when there is no such file."""
        ...

    async def write(self, name: str, data: bytes) -> None:
        """Put a file there or in place of another; durable when this returns.

        Raises OSError (ENOSPC or EDQUOT when there is no room); then nothing half-written stays.
        """
        ...

    async def remove(self, name: str) -> None:
        """Take a file away; harmless when there is none."""
        ...


class NoRoom(Exception):
    """There is no room left on the phone; nothing was kept and nothing half-written stays."""

    vi = "Máy hết chỗ lưu: ảnh này chưa được lưu, những gì đã ghi vẫn an toàn. Hãy xóa bớt tệp trên máy rồi làm lại."
    en = "The phone is full: this photo was not saved, what was recorded is safe. Free some space, then try again."

    def __init__(self) -> None:
        super().__init__(f"{self.vi} / {self.en}")


class WrongHash(ValueError):
    """The bytes are not those the name promises."""


class PhotoFiles:
    """Photos in one folder."""

    def __init__(self, folder: Folder):
        self._folder = folder
        self._left_over = {name for name in folder.names() if _NAME.match(name)}
        """Files of earlier starts, unfinished ones too, that nobody kept again since."""
        self._changing = asyncio.Lock()

    async def keep(self, sha256: str, data: bytes) -> bool:
        """Keep a file; when this returns it survives a power cut. True when it was not here before.

        Repeating is harmless and mends a damaged file. Raises WrongHash, or NoRoom.
        """
        if hashlib.sha256(data).hexdigest() != _checked(sha256):
            raise WrongHash(f"these {len(data)} bytes are not {sha256}")
        async with self._changing:
            self._left_over.discard(sha256)
            if self.is_intact(sha256):
                return False
            is_new = not self.has(sha256)
            try:
                await self._folder.write(sha256, data)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise NoRoom from error
                raise
            return is_new

    async def forget(self, names: Collection[str]) -> None:
        """Take away files that no entry came to name."""
        async with self._changing:
            for name in names:
                await self._folder.remove(_checked(name))

    def read(self, sha256: str) -> bytes:
        """Raises FileNotFoundError."""
        return self._folder.read(_checked(sha256))

    def has(self, sha256: str) -> bool:
        return self._folder.size(_checked(sha256)) is not None

    def is_intact(self, sha256: str) -> bool:
        """The file is there and its bytes are those its name promises."""
        try:
            return hashlib.sha256(self.read(sha256)).hexdigest() == sha256
        except FileNotFoundError:
            return False

    def size_of(self, sha256: str) -> int:
        """Bytes. Raises FileNotFoundError."""
        size = self._folder.size(_checked(sha256))
        if size is None:
            raise FileNotFoundError(sha256)
        return size

    def used_bytes(self) -> int:
        """Bytes of all photos together."""
        return sum(self._folder.size(name) or 0 for name in self.names())

    def names(self) -> set[str]:
        """SHA-256 of every photo here."""
        return {name for name in self._folder.names() if _NAME.fullmatch(name)}

    def missing(self, wanted: Collection[str]) -> frozenset[str]:
        """Which of these photos are not here."""
        return frozenset(wanted) - self.names()

    async def sweep(self, named: Collection[str]) -> frozenset[str]:
        """Take away what an earlier end left behind: unfinished files and those no entry names. Returns their names.

        What was kept since this start is not touched. One file at a time, so that taps and photos go on meanwhile.
        """
        removed = set()
        for name in sorted(self._left_over - set(named)):
            async with self._changing:
                if name in self._left_over:
                    try:
                        await self._folder.remove(name)
                    except OSError as problem:
                        log.warning("%s was left where it is: %s", name, problem)
                    else:
                        removed.add(name)
            await asyncio.sleep(0)
        self._left_over.clear()
        return frozenset(removed)


def _checked(sha256: str) -> str:
    if not _NAME.fullmatch(sha256):
        raise ValueError(f"not the name of a photo: {sha256!r}")
    return sha256
