"""A disk on which a power cut leaves what it may: what was synced, and of the rest anything, in sectors of 512 bytes.

A file's bytes are safe once the file was synced, its name once its folder was: nothing else is taken for granted. Of what
was written since, a cut may keep any subset, each write torn at sectors; of changes of names any beginning per folder.
"""

import random
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import NamedTuple

from tests.powercuts.strace import AT_THE_END, Step

SECTOR = 512

Image = dict[str, bytes]
"""Path → content of every file that can be reached after a cut."""


Names = dict[str, int | None]
"""Path → number of the file it names; None for a folder."""


class _Change(NamedTuple):
    """A pending write (`data`) or truncation (`data` None) of a file, and which step it was."""

    number: int
    place: int
    data: bytes | None


class _Naming(NamedTuple):
    """A pending change of names; `gone` and `come` are paths, `file` what `come` names (None: a folder)."""

    number: int
    gone: str
    come: str
    file: int | None

    @property
    def folders(self) -> set[str]:
        return {str(PurePosixPath(path).parent) for path in (self.gone, self.come) if path}


class Disk:
    """`take` steps one after the other; `image` gives what a cut just now leaves. `root` is there from the start."""

    def __init__(self, root: str):
        self.root = root
        self._names: Names = {root: None}
        self._safe_names: Names = {root: None}
        self._safe: list[bytearray] = []
        self._pending: list[list[_Change]] = []
        self._sizes: list[int] = []
        self._namings: list[_Naming] = []
        self._count = 0

    def take(self, step: Step) -> None:
        path = step.path
        match step.what:
            case "make" if path not in self._names:
                self._safe.append(bytearray())
                self._pending.append([])
                self._sizes.append(0)
                self._name(_Naming(self._count, "", path, len(self._safe) - 1))
            case "folder" if path not in self._names:
                self._name(_Naming(self._count, "", path, None))
            case "remove" if path in self._names:
                self._name(_Naming(self._count, path, "", None))
            case "rename" if path in self._names:
                self._name(_Naming(self._count, path, step.target, self._names[path]))
            case "write" | "truncate":
                file = self._names[path]
                assert file is not None
                data = step.data if step.what == "write" else None
                place = self._sizes[file] if step.place == AT_THE_END else step.place
                self._sizes[file] = place if data is None else max(self._sizes[file], place + len(data))
                self._pending[file].append(_Change(self._count, place, data))
            case "sync":
                self._sync(path, step.place)
        self._count += 1

    def _name(self, naming: _Naming) -> None:
        _rename(self._names, naming)
        self._namings.append(naming)

    def _sync(self, path: str, since: int) -> None:
        """A sync vouches for what had ended when it began."""
        file = self._names.get(path)
        if file is not None:
            done = [change for change in self._pending[file] if change.number < since]
            for change in done:
                _write(self._safe[file], change.place, change.data)
            self._pending[file] = self._pending[file][len(done) :]
            return
        left = []
        for naming in self._namings:
            if path in naming.folders and naming.number < since:
                _rename(self._safe_names, naming)
            else:
                left.append(naming)
        self._namings = left

    @property
    def is_settled(self) -> bool:
        """Whether nothing is pending: a cut leaves one image only."""
        return not self._namings and not any(self._pending)

    def everything(self) -> Image:
        """As if all that was written had reached the disk: what a killed process leaves."""
        return self._image(self._names, lambda _: True, None)

    def image(self, dice: random.Random | None) -> Image:
        """What a cut may leave; with no dice the least: only what was synced."""
        if dice is None:
            return self._image(self._safe_names, lambda _: False, None)
        names, cut = dict(self._safe_names), set[str]()
        for naming in self._namings:
            if naming.folders & cut or dice.random() < 0.25:
                cut |= naming.folders
            else:
                _rename(names, naming)
        share = dice.choice((0.1, 0.5, 0.9))
        return self._image(names, lambda _: dice.random() < share, dice)

    def _image(self, names: Names, is_kept: Callable[[_Change], bool], dice: random.Random | None) -> Image:
        found: Image = {}
        for path, file in names.items():
            if file is None or not self._is_reached(path, names):
                continue
            content = bytearray(self._safe[file])
            for change in self._pending[file]:
                if not is_kept(change):
                    continue
                if dice is None or change.data is None or dice.random() < 0.5:
                    _write(content, change.place, change.data)
                else:
                    _write_torn(content, change.place, change.data, dice)
            found[path] = bytes(content)
        return found

    def _is_reached(self, path: str, names: Names) -> bool:
        folder = str(PurePosixPath(path).parent)
        return folder == self.root or (folder in names and self._is_reached(folder, names))


def _rename(names: Names, naming: _Naming) -> None:
    if naming.gone:
        names.pop(naming.gone, None)
    if naming.come:
        names[naming.come] = naming.file


def _write(content: bytearray, place: int, data: bytes | None) -> None:
    """Write at a place, or cut the file (or fill it with zeros) to that size."""
    if len(content) < place:
        content.extend(bytes(place - len(content)))
    if data is None:
        del content[place:]
    else:
        content[place : place + len(data)] = data


def _write_torn(content: bytearray, place: int, data: bytes, dice: random.Random) -> None:
    """Only some sectors of a write arrived."""
    at = 0
    while at < len(data):
        end = min(len(data), at + SECTOR - (place + at) % SECTOR)
        if dice.random() < 0.5:
            _write(content, place + at, data[at:end])
        at = end


class SlotDisk(Disk):
    """The notebook's files in a browser, as `web/site/storage.js` keeps them: slots that are always there, empty or not.

    Emscripten drops SQLite's syncs. A write to one file first flushes what was written to the other, and `flush` flushes the
    rest; a file that is removed is emptied.
    """

    def __init__(self, root: str):
        super().__init__(root)
        self._written = ""

    def take(self, step: Step) -> None:
        match step.what:
            case "make" if step.path not in self._names:
                self._settle(step.path)
                super().take(step)
                self._namings.clear()
                self._safe_names = dict(self._names)
                self._written = step.path
            case "write" | "truncate":
                self._settle(step.path)
                super().take(step)
                self._written = step.path
            case "remove":
                self.take(Step("truncate", step.path, 0))
                return
            case "said" if step.data.startswith(b"flush"):
                self._settle("")
                super().take(step)
            case _:
                super().take(Step("nothing", ""))

    def _settle(self, path: str) -> None:
        if self._written and self._written != path:
            self._sync(self._written, self._count)
            self._written = ""

    def _image(self, names: Names, is_kept: Callable[[_Change], bool], dice: random.Random | None) -> Image:
        return {path: content for path, content in super()._image(names, is_kept, dice).items() if content}
