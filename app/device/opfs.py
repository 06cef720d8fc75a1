"""Photo files in the browser, each a file of the origin's private file system; the page's side is web/site/photos.js."""

import errno
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from app.photos.store import UNFINISHED

_NUMBERS = {"QuotaExceededError": errno.ENOSPC, "NotFoundError": errno.ENOENT, "NotReadableError": errno.ENOENT}


async def room() -> int | None:
    """Bytes left for this origin, rather too few than too many; None when the client does not say."""
    told = await js.skt.photos.room()
    return None if hasattr(told, "problem") else int(told.bytes)


class FolderInBrowser:
    """A `Folder` for one dedicated worker; `open` makes it. The browser's `File` of each name is at hand, so looking needs no wait."""

    def __init__(self, folder: Any, files: dict[str, Any]):
        self._folder, self._files = folder, files

    @classmethod
    async def open(cls) -> "FolderInBrowser":
        """The folder as the worker found it at its start. Raises OSError when the client gives no such place."""
        opened = _given(await js.skt.photos.opened)
        return cls(opened.folder, opened.files.to_py(depth=1))

    def names(self) -> set[str]:
        return set(self._files)

    def read(self, name: str) -> bytes:
        file = self._files.get(name)
        if file is None:
            raise FileNotFoundError(name)
        try:
            return bytes(js.FileReaderSync.new().readAsArrayBuffer(file).to_bytes())
        except JsException as error:
            raise _refusal(error.name) from error

    def size(self, name: str) -> int | None:
        file = self._files.get(name)
        return None if file is None else int(file.size)

    async def write(self, name: str, data: bytes) -> None:
        unfinished = name + UNFINISHED
        try:
            put = _given(await js.skt.photos.put(self._folder, name, unfinished, to_js(data)))
            self._files[name] = put.file
            if self.read(name) != data:
                raise OSError(errno.EIO, f"{name} did not arrive whole")
        except OSError:
            await self.remove(unfinished)
            await self.remove(name)
            raise

    async def remove(self, name: str) -> None:
        self._files.pop(name, None)
        told = await js.skt.photos.remove(self._folder, name)
        if getattr(told, "problem", "NotFoundError") != "NotFoundError":
            raise _refusal(told.problem)


def _given(told: Any) -> Any:
    if hasattr(told, "problem"):
        raise _refusal(told.problem)
    return told


def _refusal(problem: str) -> OSError:
    """The name of a JavaScript error as the OSError it stands for."""
    return OSError(_NUMBERS.get(problem, errno.EIO), problem)
