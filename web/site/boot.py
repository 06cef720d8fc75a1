"""The first Python that runs in the worker: makes the shipped archives importable, then imports and starts the app.

Archives are stored zips of sourceless modules, imported where they lie; only what zipimport cannot give (extension modules,
data files) is unpacked into memory.
"""

import importlib.util
import random
import sys
import zipfile
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = "/packages.zip"
APP = "/app.zip"
UNPACKED = Path("/unpacked")
"""Holds the extension modules of the packages and the app's data files (`assets/`)."""


_app: Any = None


class _Extensions:
    """Finds the extension modules of packages that are imported from a zip."""

    def __init__(self, found: dict[str, str]):
        self.found = found

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self.found.get(name)
        return (
            importlib.util.spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file)) if file else None
        )


def prepare() -> None:
    """Open the archives, import the app and open the notebook: all that can be done before Flutter listens."""
    global _app
    random.seed()  # its state came with the memory image, the same on every phone
    extensions: dict[str, str] = {}
    for archive in (PACKAGES, APP):
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                suffix = next((s for s in EXTENSION_SUFFIXES if name.endswith(s)), "")
                if suffix or name.startswith("assets/"):
                    files.extract(name, UNPACKED)
                if suffix:
                    extensions[name.removesuffix(suffix).replace("/", ".")] = str(UNPACKED / name)
    sys.path.insert(1, PACKAGES)
    sys.meta_path.insert(0, _Extensions(extensions))
    from app.state import AppState

    _app = AppState.open()


def start() -> None:
    """Show the app; Flutter is listening."""
    from app.start import start as show

    show(_app)
