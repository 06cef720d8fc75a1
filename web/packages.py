"""What the browser's Python needs, as stored zips of sourceless modules: the packages of `packages.lock`, and the app."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "packages.lock"
COMPILE = HERE / "compile.mjs"
IMAGE = HERE / "image.mjs"

PLATFORM = "pyemscripten_2026_0_wasm32"
"""Platform tag of the Pyodide that flet_web 1.0.5 carries; its Python is 3.14."""
PYTHON = "3.14"

LEFT_OUT = (
    "bin",
    "flutter",  # sources of Flet's Dart extensions, already compiled into main.dart.js
    "pydantic/v1",
    "pydantic/mypy.py",
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/dialects/postgresql",
    "sqlalchemy/testing",
    "anyio/pytest_plugin.py",
    "certifi/cacert.pem",
    "flet/testing",
)
"""Parts of packages that nothing on the phone imports; each must be there, so that a new version is looked at."""

PAPER_FONTS = [f"fonts/Tinos-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")]
"""Fonts that Python puts into the minutes; the screens have others."""
MARK_FONT = "fonts/Roboto-Bold.ttf"
"""The one that Python measures what is written on photos with, and hands to the canvas."""

ZIP_TIME = (2026, 1, 1, 0, 0, 0)
"""One moment for every file: the same sources give the same archive, byte for byte."""


class BuildFailed(Exception):
    """The field app cannot be built here; the message says why and what to do, Vietnamese first."""


def run(command: list[str], what: str) -> None:
    """Run a program of the build. Raises BuildFailed with its last words."""
    # Node would trust only certificates of its own, where an office's network has one that the system knows.
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NODE_USE_SYSTEM_CA": "1"})
    if done.returncode:
        words = "\n".join(line[-500:] for line in (done.stdout + done.stderr).strip().splitlines()[-12:])
        raise BuildFailed(f"{what} không xong / failed ({done.returncode}):\n{words}")


def digest(*parts: bytes) -> str:
    """One SHA-256 over several contents, each of a known length."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def beside_python(name: str) -> str:
    """A program that came with the packages of run.lock (`node`, `npm`), or the machine's own. Raises BuildFailed."""
    program = Path(sys.executable).with_name(name)
    found = str(program) if program.exists() else shutil.which(name)
    if not found:
        raise BuildFailed(f"Thiếu {name}: cài các gói của run.lock / {name} is missing: install what run.lock names")
    return found


def from_npm(listed: Path, cache: Path) -> Path:
    """The `node_modules` that the package-lock.json in `listed` names; fetched once per lock file. Raises BuildFailed."""
    folder = cache / f"npm-{digest((listed / 'package-lock.json').read_bytes())[:16]}"
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(listed / name, folder / name)
        npm = [beside_python("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        run(npm, "npm ci")
        (folder / "whole").touch()
    return folder / "node_modules"


def fetch_packages(folder: Path) -> None:
    """The packages of `packages.lock` as they come, into `folder`, which is made anew. Raises BuildFailed."""
    shutil.rmtree(folder, ignore_errors=True)
    run(
        [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON, "--platform", PLATFORM,
            "--platform", "any", "--target", str(folder), "--no-compile", "-r", str(LOCK),
        ],
        "Tải các gói cho trình duyệt / fetching the packages for the browser",
    )  # fmt: skip


def packages_zip(cache: Path, pyodide: Path, node: str) -> Path:
    """The packages in one archive; made once per lock file, then taken from `cache`."""
    key = digest(LOCK.read_bytes(), COMPILE.read_bytes(), "\n".join(LEFT_OUT).encode(), _interpreter(pyodide))[:16]
    archive = cache / f"packages-{key}.zip"
    if archive.exists():
        return archive
    folder = cache / "packages"
    fetch_packages(folder)
    for name in LEFT_OUT:
        path = folder / name
        if not path.exists():
            raise BuildFailed(f"packages.py: không còn {name} để bỏ ra / {name} is not there any more to be left out")
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for info in folder.glob("*.dist-info"):
        for file in info.rglob("*"):
            if file.is_file() and file.name != "METADATA":
                file.unlink()
    _compiled(folder, pyodide, node)
    _zip(archive, folder, (p for p in folder.rglob("*") if p.suffix not in (".pyi", ".c", ".pyx", ".typed")))
    shutil.rmtree(folder)
    return archive


def app_zip(target: Path, root: Path, cache: Path, pyodide: Path, node: str) -> None:
    """The app below `root` with its data files and the boot module, in one archive."""
    folder = cache / "app"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(root / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "site" / "boot.py", folder)
    (folder / "assets" / "fonts").mkdir(parents=True)
    for name in ("units.csv", "checklist.json", *PAPER_FONTS, MARK_FONT):
        shutil.copy(root / "assets" / name, folder / "assets" / name)
    _compiled(folder, pyodide, node)
    _zip(target, folder, folder.rglob("*"))
    shutil.rmtree(folder)


def memory_image(packages: Path, cache: Path, pyodide: Path, node: str) -> Path:
    """A memory image of the interpreter with `packages` imported, from which it starts at once; made once for what it is made of."""
    image = cache / f"image-{digest(IMAGE.read_bytes(), packages.read_bytes(), _interpreter(pyodide))[:16]}.bin"
    if not image.exists():
        unfinished = image.with_suffix(".unfinished")
        run([node, str(IMAGE), str(pyodide), str(packages), str(unfinished)], "Ảnh bộ nhớ / the memory image")
        unfinished.replace(image)
    return image


def _interpreter(pyodide: Path) -> bytes:
    return (pyodide / "pyodide.asm.wasm").read_bytes()


def _compiled(folder: Path, pyodide: Path, node: str) -> None:
    run([node, str(COMPILE), str(pyodide), str(folder)], "Biên dịch / compiling")


def _zip(target: Path, folder: Path, files: Iterable[Path]) -> None:
    unfinished = target.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(files):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix(), ZIP_TIME), file.read_bytes())
    unfinished.replace(target)
