"""Photo files in the browser: one file each in a folder of the origin's private file system (OPFS)."""

import errno
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from app.photos.store import UNFINISHED

FOLDER = "photos"
_AT_ONCE = 200
"""Files asked about together while the folder is being opened."""


async def room() -> int | None:
    """Bytes the client says are left for this origin; None when it does not say."""
    try:
        told = await js.navigator.storage.estimate()
        return max(0, int(told.quota) - int(told.usage))
    except (JsException, AttributeError, TypeError):
        return None


class FolderInBrowser:
    """A `Folder` for one dedicated worker; `open` makes it. The browser's file of each name is at hand, so looking needs no wait."""

    def __init__(self, folder: Any, files: dict[str, Any]):
        self._folder, self._files = folder, files

    @classmethod
    async def open(cls, name: str = FOLDER) -> "FolderInBrowser":
        """Raises OSError when the client gives no such place (some private windows do not)."""
        try:
            root = await js.navigator.storage.getDirectory()
            folder = await root.getDirectoryHandle(name, _options(create=True))
            handles = [handle async for handle in folder.values() if handle.kind == "file"]
            files: dict[str, Any] = {}
            for start in range(0, len(handles), _AT_ONCE):
                some = handles[start : start + _AT_ONCE]
                found = await js.Promise.all(to_js([handle.getFile() for handle in some]))
                files |= dict(zip([handle.name for handle in some], found, strict=True))
        except (JsException, AttributeError) as error:
            raise OSError(errno.EIO, f"no folder {name}: {error}") from error
        return cls(folder, files)

    def names(self) -> set[str]:
        return set(self._files)

    def read(self, name: str) -> bytes:
        file = self._files.get(name)
        if file is None:
            raise FileNotFoundError(name)
        try:
            return bytes(js.FileReaderSync.new().readAsArrayBuffer(file).to_bytes())
        except JsException as error:
            if error.name in ("NotFoundError", "NotReadableError"):
                raise FileNotFoundError(name) from error
            raise _explained(error) from error

    def size(self, name: str) -> int | None:
        file = self._files.get(name)
        return None if file is None else int(file.size)

    async def write(self, name: str, data: bytes) -> None:
        try:
            handle = await self._folder.getFileHandle(name + UNFINISHED, _options(create=True))
            if hasattr(handle, "move"):
                await _put(handle, data)
                await handle.move(name)
            else:
                await self.remove(name + UNFINISHED)
                handle = await self._folder.getFileHandle(name, _options(create=True))
                await _put(handle, data)
            self._files[name] = await handle.getFile()
            if self.read(name) != data:
                raise OSError(errno.EIO, f"{name} did not arrive whole")
        except (JsException, OSError) as error:
            for half in (name + UNFINISHED, name):
                await self.remove(half)
            raise error if isinstance(error, OSError) else _explained(error) from error

    async def remove(self, name: str) -> None:
        self._files.pop(name, None)
        try:
            await self._folder.removeEntry(name)
        except JsException as error:
            if error.name != "NotFoundError":
                raise _explained(error) from error


async def _put(handle: Any, data: bytes) -> None:
    """Make these bytes the whole of a file, on the disk when this returns."""
    if hasattr(handle, "createWritable"):
        stream = await handle.createWritable()
        try:
            await stream.write(to_js(data))
            await stream.close()
        except JsException:
            await stream.abort()
            raise
    else:  # Safari before 26
        access = await handle.createSyncAccessHandle()
        try:
            access.truncate(0)
            if access.write(to_js(data)) < len(data):
                raise OSError(errno.ENOSPC, "written in part")
            access.flush()
        finally:
            access.close()


def _explained(error: JsException) -> OSError:
    is_full = error.name == "QuotaExceededError"
    return OSError(errno.ENOSPC if is_full else errno.EIO, str(error))


def _options(**named: Any) -> Any:
    return to_js(named, dict_converter=js.Object.fromEntries)
