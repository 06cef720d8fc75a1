"""The photos of this phone, files named by their SHA-256; each is whole and on the disk before an entry names it."""

import errno
import hashlib
import os
import re
import secrets
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = ".unfinished"


class DiskFull(OSError):
    """There is no room left on the phone; nothing was kept and nothing half-written stays."""

    message_vi = "Máy hết chỗ lưu, ảnh chưa được lưu. Hãy xóa bớt tệp trên máy rồi chụp lại."
    message_en = "The phone is full and the photo was not saved. Free some space, then take it again."


class WrongHash(ValueError):
    """The bytes are not those the name promises."""


class PhotoFiles:
    """Photos in one folder, which is made when missing."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep a photo; when this returns it survives a power cut. Repeating is harmless and mends a damaged file.

        Raises WrongHash, or DiskFull.
        """
        if hashlib.sha256(data).hexdigest() != sha256:
            raise WrongHash(f"these {len(data)} bytes are not {sha256}")
        if self.is_intact(sha256):
            return
        unfinished = self.folder / f"{sha256}.{secrets.token_hex(4)}{_UNFINISHED}"
        try:
            with open(unfinished, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self._path(sha256))
            _sync_folder(self.folder)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(error.errno, DiskFull.message_vi, str(self.folder)) from error
            raise

    def read(self, sha256: str) -> bytes:
        """Raises FileNotFoundError."""
        return self._path(sha256).read_bytes()

    def has(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def is_intact(self, sha256: str) -> bool:
        """The file is there and its bytes are those its name promises."""
        try:
            return hashlib.sha256(self.read(sha256)).hexdigest() == sha256
        except FileNotFoundError:
            return False

    def size_of(self, sha256: str) -> int:
        """Bytes. Raises FileNotFoundError."""
        return self._path(sha256).stat().st_size

    def used_bytes(self) -> int:
        """Bytes of all photos together."""
        return sum(entry.stat().st_size for entry in os.scandir(self.folder) if _NAME.fullmatch(entry.name))

    def names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self.folder) if _NAME.fullmatch(entry.name)}

    def sweep(self, named: set[str]) -> tuple[set[str], set[str]]:
        """(photos no row names, rows whose photo is missing), given all names in rows; to be called at start only.

        Reports and leaves photos alone: what is not named today may be evidence of a tap that a kill interrupted.
        Only writes that never finished are deleted.
        """
        for unfinished in self.folder.glob(f"*{_UNFINISHED}"):
            unfinished.unlink(missing_ok=True)
        held = self.names()
        return held - named, named - held

    def _path(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise ValueError(f"not the name of a photo: {sha256!r}")
        return self.folder / sha256


def _sync_folder(folder: Path) -> None:
    """A rename is durable only once its folder is."""
    if os.name == "nt":
        return  # Windows cannot open folders; NTFS journals renames itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
