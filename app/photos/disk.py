"""Photo files in a folder of a disk."""

import asyncio
import os
from pathlib import Path

from app.photos.store import UNFINISHED


class FolderOnDisk:
    """A `Folder`, made when missing. A file is written beside its place, flushed, and then put there in one step."""

    def __init__(self, path: Path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        _sync(path.parent)  # or its files are durable in a folder that is not

    def names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self.path)}

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def size(self, name: str) -> int | None:
        try:
            return (self.path / name).stat().st_size
        except FileNotFoundError:
            return None

    async def write(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, name, data)

    async def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        unfinished = self.path / (name + UNFINISHED)
        try:
            with open(unfinished, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.path / name)
            _sync(self.path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def _sync(folder: Path) -> None:
    """What a folder names is durable only once the folder is. Windows cannot open folders; NTFS journals names itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
