"""Assembles the field app as a folder of static files that installs itself on a phone: `python -m web.build [FOLDER]`.

Needs no network but the package indexes of pip and npm, and those only when a lock file changed. The same sources give the
same files.
"""

import fcntl
import gzip
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import brotli

from web.client import ONLY, client_folder, copy_client
from web.packages import HERE, BuildFailed, app_zip, beside_python, digest, from_npm, memory_image, packages_zip

ROOT = HERE.parent
DIST = HERE / "dist"
CACHE = ROOT / ".cache" / "web"
WIRE_MOST = 20_000_000
"""Bytes a first visit may bring over the wire, without the memory image."""
IMAGE = "pyodide/image.bin"
"""The memory image from which the interpreter starts; without it, or when it does not load, it starts as usual."""

PACKED = (".br", ".gz")
BROTLI_QUALITY, GZIP_LEVEL = 9, 6

Say = Callable[[str], None]

__all__ = ["BuildFailed", "build", "ensure", "wire_bytes"]


def ensure(say: Say = print) -> Path:
    """The built app, built anew when it is missing or its sources changed; a second caller waits. Raises BuildFailed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "building").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        try:
            facts = json.loads((DIST / "build.json").read_text("utf-8"))
        except (OSError, ValueError):
            facts = {}
        if facts.get("fingerprint") != fingerprint(ROOT):
            build(DIST, say=say)
    return DIST


def build(target: Path, *, root: Path = ROOT, say: Say = print) -> dict[str, Any]:
    """Build the app of `root` into `target`, which is replaced whole; gives what build.json says. Raises BuildFailed."""
    say("Dựng ứng dụng hiện trường / building the field app")
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        node = beside_python("node")
        pyodide = client_folder() / "pyodide"
        unfinished = target.with_name(f"{target.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        copy_client(unfinished)
        for file in (HERE / "site").iterdir():
            if file.suffix in (".js", ".html"):
                shutil.copyfile(file, unfinished / file.name)
        packages = packages_zip(CACHE, pyodide, node)
        shutil.copyfile(packages, unfinished / "packages.zip")
        shutil.copyfile(memory_image(packages, CACHE, pyodide, node), unfinished / IMAGE)
        app_zip(unfinished / "app.zip", root, CACHE, pyodide, node)
        _assets(root / "assets", unfinished)
        _reader_of_codes(unfinished / "qr")
        facts = _release(unfinished, root)
        _pack(unfinished)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    except OSError as error:
        raise BuildFailed(f"Không ghi được {target} / cannot be written: {error}") from error
    first, bare = wire_bytes(target), wire_bytes(target, with_image=False)
    say(
        f"{target}: phiên bản / version {facts['version']}, {len(facts['files'])} tệp / files, "
        f"{first / 1e6:.1f} MB qua mạng lần đầu / over the wire the first time "
        f"({bare / 1e6:.1f} MB và ảnh bộ nhớ / and the memory image)"
    )
    if bare > WIRE_MOST:
        raise BuildFailed(f"Ứng dụng nặng quá {WIRE_MOST / 1e6:.0f} MB qua mạng / the app is too heavy for the wire")
    return facts


def wire_bytes(target: Path, *, with_image: bool = True) -> int:
    """Bytes a first visit with a Chromium browser brings over the wire, every file in its smallest form."""
    files = json.loads((target / "build.json").read_text("utf-8"))["files"]
    return sum(
        min(p.stat().st_size for end in ("", *PACKED) if (p := target / f"{path[1:]}{end}").exists())
        for path in files
        if ONLY.get(path, "blink") == "blink" and (with_image or path != f"/{IMAGE}")
    )


def fingerprint(root: Path) -> str:
    """Changes when anything changes that the build is made from."""
    sources = [
        *(root / "app").rglob("*.py"),
        *(root / "assets").rglob("*"),
        *HERE.glob("*.*"),
        *(HERE / "site").iterdir(),
    ]
    parts = [
        part
        for file in sorted(sources)
        if file.is_file()
        for part in (file.relative_to(HERE if HERE in file.parents else root).as_posix().encode(), file.read_bytes())
    ]
    return digest(*parts)


def _reader_of_codes(target: Path) -> None:
    """The QR reader from npm, as the lock file names it."""
    taken = from_npm(HERE, CACHE) / "qr"
    target.mkdir()
    for name in ("decode.js", "index.js", "LICENSE"):
        shutil.copyfile(taken / name, target / name)


def _assets(assets: Path, target: Path) -> None:
    """Fonts, icons and the manifest by which a phone installs the app."""
    shutil.copytree(assets / "fonts", target / "fonts", ignore=shutil.ignore_patterns("README*", "Tinos-*"))
    shutil.copyfile(assets / "favicon.png", target / "favicon.png")
    from PIL import Image

    icons = target / "icons"
    icons.mkdir()
    for name, size in (("icon", 192), ("icon", 512), ("icon-maskable", 192), ("icon-maskable", 512)):
        with Image.open(assets / f"{name.replace('-', '_')}.png") as drawn:
            drawn.resize((size, size), Image.Resampling.LANCZOS).save(icons / f"{name}-{size}.png", optimize=True)
    shutil.copyfile(icons / "icon-maskable-192.png", icons / "apple-touch-icon-192.png")
    (target / "manifest.json").write_text(json.dumps(_manifest(), ensure_ascii=False), "utf-8")


def _manifest() -> dict[str, Any]:
    return {
        "id": "/",
        "name": "Sổ kiểm tra",
        "short_name": "Sổ kiểm tra",
        "description": "Ghi cuộc kiểm tra công vụ tại chỗ, không cần mạng",
        "lang": "vi",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#FBFAF5",
        "theme_color": "#0A4A44",
        "prefer_related_applications": False,
        "icons": [
            {"src": f"icons/icon{kind}-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for kind, purpose in (("", "any"), ("-maskable", "maskable"))
            for size in (192, 512)
        ],
    }


def _replace(file: Path, found: str, put: str) -> None:
    text = file.read_text("utf-8")
    if text.count(found) != 1:
        raise BuildFailed(f"{file.name}: không thấy / not found: {found}")
    file.write_text(text.replace(found, put), "utf-8")


def _release(target: Path, root: Path) -> dict[str, Any]:
    """Name the release by the hashes of its files, and tell the service worker and central."""
    names = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file() and p.name != "sw.js")
    hashes = {f"/{name}": hashlib.sha256((target / name).read_bytes()).hexdigest() for name in names}
    worker = (HERE / "site" / "sw.js").read_bytes()
    version = digest(worker, json.dumps(hashes).encode())[:12]
    release = {"version": version, "files": hashes, "only": ONLY}
    _replace(target / "sw.js", "__RELEASE__", json.dumps(release, separators=(",", ":")))
    listed = ["/sw.js", *hashes]
    facts = {
        "version": version,
        "fingerprint": fingerprint(root),
        "files": {
            path: {
                "sha256": hashlib.sha256(content := (target / path[1:]).read_bytes()).hexdigest(),
                "bytes": len(content),
            }
            for path in listed
        },
    }
    (target / "build.json").write_text(json.dumps(facts, indent=1), "utf-8")
    return facts


def _pack(target: Path) -> None:
    """Compressed copies beside every file that gets smaller by it."""
    packed = CACHE / "packed"
    packed.mkdir(exist_ok=True)

    def pack(file: Path) -> None:
        content = file.read_bytes()
        kept = packed / hashlib.sha256(content).hexdigest()
        for end, squeeze in ((".br", _brotli), (".gz", _gzip)):
            form = kept.with_suffix(end)
            if not form.exists():
                unfinished = form.with_suffix(f"{end}.unfinished")
                unfinished.write_bytes(squeeze(content))
                unfinished.replace(form)
            if form.stat().st_size < len(content) * 0.95:
                shutil.copyfile(form, file.with_name(file.name + end))

    files = [p for p in target.rglob("*") if p.is_file() and p.name != "build.json" and p.suffix not in PACKED]
    with ThreadPoolExecutor() as pool:
        list(pool.map(pack, files))


def _brotli(content: bytes) -> bytes:
    return bytes(brotli.compress(content, quality=BROTLI_QUALITY))


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=GZIP_LEVEL, mtime=0)


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DIST)
    except BuildFailed as reason:
        sys.exit(str(reason))
