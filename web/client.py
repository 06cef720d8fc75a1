"""Flet's client for the browser, trimmed to what the field app uses and patched where it must be.

Every patch asserts that it found what it replaces, so that another Flet version stops the build instead of breaking the app.
"""

import json
import shutil
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from web.packages import BuildFailed

FLET = "1.0.5"

KEPT = (
    "main.dart.js",
    "flutter_bootstrap.js",
    "canvaskit/canvaskit.js",
    "canvaskit/canvaskit.wasm",
    "canvaskit/chromium/canvaskit.js",
    "canvaskit/chromium/canvaskit.wasm",
    "pyodide/pyodide.mjs",
    "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm",
    "pyodide/pyodide-lock.json",
    "pyodide/python_stdlib.zip",
    "assets/AssetManifest.bin",
    "assets/AssetManifest.bin.json",
    "assets/FontManifest.json",
    "assets/fonts/MaterialIcons-Regular.otf",
    "assets/fonts/roboto.woff2",
    "assets/packages/wakelock_plus/assets/no_sleep.js",
    "assets/shaders/ink_sparkle.frag",
    "assets/shaders/stretch_effect.frag",
)

ONLY = {
    **{f"/canvaskit/chromium/canvaskit.{end}": "blink" for end in ("js", "wasm")},
    **{f"/canvaskit/canvaskit.{end}": "other" for end in ("js", "wasm")},
}
"""Files that only one kind of browser loads: the offline copy leaves the others' out."""


FONTS = {f"So {weight}": f"fonts/Roboto-{weight}.ttf" for weight in ("Regular", "Medium", "Bold")}
"""The families of app.screens.theme and their files (a test holds them equal)."""


class Patch(NamedTuple):
    file: str
    found: str
    put: str
    why: str


PATCHES = (
    Patch(
        "flutter_bootstrap.js",
        '    serviceWorkerSettings: {\n        serviceWorkerVersion: "1804020039" /* Flutter\'s service worker is deprecated '
        "and will be removed in a future Flutter release. */,\n    },\n",
        "",
        "Flutter's own service worker would take the place of ours and then remove itself",
    ),
    Patch(
        "main.dart.js",
        "k.src=A.dvv()+a\n",
        "",
        "the animation library Rive would be fetched from a CDN at every start; the app draws none",
    ),
    Patch(
        "main.dart.js",
        "q=r.getCapabilities().torch\nif(q==null)q=null\n"
        'else q=J.mb(t.TP.b(q)?q:new A.cS(q,A.a0(q).i("cS<1,I>")))\nif(q===!0)r.applyConstraints({torch:a})\n',
        "q=r.getCapabilities().torch\nif(q===!0||q instanceof Array&&q.includes(!0))"
        "r.applyConstraints({advanced:[{torch:a}]})\n",
        "the torch: the camera plugin expects a list where browsers tell yes or no, and fails on every phone that has one "
        "(flutter/packages 12647)",
    ),
    Patch(
        "pyodide/pyodide.asm.mjs",
        "return Module.HEAP8.set(t),l}",
        "const more=t.length-Module.HEAP8.length;if(more>0){wasmMemory.grow(more/65536);updateMemoryViews()}"
        "return Module.HEAP8.set(t),l}",
        "a memory image larger than the memory that the interpreter begins with (30 MB) would not fit",
    ),
)


def client_folder() -> Path:
    """Where flet_web keeps its client. Raises BuildFailed when it is missing or another version."""
    try:
        installed = metadata.version("flet-web")
    except metadata.PackageNotFoundError:
        raise BuildFailed("Thiếu gói flet-web / flet-web is not installed: pip install -r run.lock") from None
    if installed != FLET:
        raise BuildFailed(f"Cần flet-web {FLET}, đang có {installed} / flet-web {FLET} is needed, {installed} is here")
    import flet_web

    return Path(flet_web.__file__).parent / "web"


def copy_client(target: Path) -> None:
    """Flet's client into `target`, trimmed and patched. Raises BuildFailed when it is not as it was when this was written."""
    source = client_folder()
    for name in KEPT:
        if not (source / name).is_file():
            raise BuildFailed(f"flet_web không còn tệp {name} / {name} is not in flet_web any more")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    for patch in PATCHES:
        text = (target / patch.file).read_text("utf-8")
        if text.count(patch.found) != 1:
            raise BuildFailed(
                f"{patch.file}: không thấy chỗ cần sửa / what is to be patched is not there ({patch.why})"
            )
        (target / patch.file).write_text(text.replace(patch.found, patch.put), "utf-8")
    _fonts(target / "assets" / "FontManifest.json")
    lock = target / "pyodide" / "pyodide-lock.json"
    known = json.loads(lock.read_text("utf-8"))
    lock.write_text(json.dumps({**known, "packages": {}}), "utf-8")  # nothing is ever installed from Pyodide's CDN


def _fonts(manifest: Path) -> None:
    """Only families whose files are shipped: Roboto from here instead of from Google, and ours before the first frame.

    A text drawn before its family is there makes Flutter look for another font on the network.
    """
    shipped = [family for family in json.loads(manifest.read_text("utf-8")) if family["family"] == "MaterialIcons"]
    if not shipped:
        raise BuildFailed("FontManifest.json: thiếu MaterialIcons / MaterialIcons is missing")
    shipped.append({"family": "Roboto", "fonts": [{"asset": "fonts/roboto.woff2"}]})
    shipped += [{"family": family, "fonts": [{"asset": f"../{file}"}]} for family, file in FONTS.items()]
    manifest.write_text(json.dumps(shipped), "utf-8")
