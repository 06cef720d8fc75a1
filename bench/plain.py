"""The same app as Flet's own files make it: what our build is measured against. `python -m bench.plain FOLDER`.

Flet's index.html, worker and client as they come (prepared by flet_web's own functions, nothing from a CDN), the app and its
packages as sources in one tar.gz, imported after Flutter has asked for them. Two lines make it start at all without
a network: the interpreter's address, and no patch of ours. The notebook lies in memory, since Flet's worker knows no OPFS.
"""

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from flet.controls.types import WebRenderer
from flet_web import get_package_web_dir, patch_font_manifest_json, patch_index_html

from web.packages import fetch_packages

ROOT = Path(__file__).parents[1]
PYODIDE = "314.0.7"
"""Version that flet_web 1.0.5 carries; only shown by Flet's page."""

MAIN = '''
from pathlib import Path
from pyodide.code import run_js

run_js("""
self.skt = {
  problem: "", flush() {}, onRelease: null, releaseWaits: false, tell() {}, ask: async () => "",
  photos: { opened: Promise.resolve({ problem: "missing" }), room: async () => ({ problem: "missing" }) },
};
""")
Path("/data").mkdir(exist_ok=True)
Path("/unpacked").mkdir(exist_ok=True)
Path("/unpacked/assets").symlink_to(Path(__file__).parent / "assets")
from app.start import start

start()
'''
"""What stands in place of web/site/worker.js's answers to Python."""


def build(target: Path) -> Path:
    """The plain build in `target`, which is replaced."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(get_package_web_dir(), target)
    patch_index_html(
        str(target / "index.html"),
        "/",
        app_name="Sổ kiểm tra",
        pyodide=True,
        pyodide_script_path="main.py",
        pyodide_version=PYODIDE,
        app_package_url="app.tar.gz",
        web_renderer=WebRenderer.CANVAS_KIT,
        no_cdn=True,
    )
    patch_font_manifest_json(str(target / "assets/FontManifest.json"))
    index = target / "index.html"
    text = index.read_text("utf-8")
    bare, whole = 'flet.pyodideUrl="pyodide/pyodide.mjs"', 'flet.pyodideUrl="/pyodide/pyodide.mjs"'
    assert bare in text, "Flet's page names its interpreter differently now"
    index.write_text(text.replace(bare, whole), "utf-8")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(target / "app.tar.gz", "w:gz") as archive:
        packages, main = Path(folder, "packages"), Path(folder, "main.py")
        fetch_packages(packages)
        main.write_text(MAIN, "utf-8")
        archive.add(main, "main.py")
        archive.add(ROOT / "app", "app", filter=_no_leftovers)
        for name in ("units.csv", "checklist.json"):
            archive.add(ROOT / "assets" / name, f"assets/{name}")
        archive.add(packages, "__pypackages__", filter=_no_leftovers)
    return target


def _no_leftovers(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info


if __name__ == "__main__":
    print(build(Path(sys.argv[1]).resolve()))
