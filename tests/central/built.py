"""A small build of the field app for stories: one file of each kind, packed beside itself as the real one is."""

import gzip
import hashlib
import json
from pathlib import Path

PAGE = "<!doctype html><html lang=vi><title>Sổ kiểm tra</title><script src=start.js></script></html>\n".encode()
FILES = {
    "/index.html": PAGE,
    "/sw.js": b"// service worker\n" * 40,
    "/start.js": b"// starts the worker beside Flutter\n" * 40,
    "/worker.js": b"// python\n" * 40,
    "/main.dart.js": b"function main(){}\n" * 20_000,
    "/app.zip": b"PK\x03\x04" + bytes(range(256)) * 40,
    "/manifest.json": b'{"name": "So kiem tra"}' + b" " * 500,
    "/build_facts.json": b"{}" + b" " * 500,
    "/canvaskit/canvaskit.wasm": b"\0asm" + bytes(4000),
    "/pyodide/pyodide.mjs": b"export const loadPyodide = 1\n" * 40,
    "/assets/AssetManifest.bin": bytes(600),
    "/assets/fonts/Roboto-Bold.ttf": b"\0\1\0\0" + bytes(2000),
    "/fonts/fallback.otf": b"OTTO" + bytes(2000),
    "/fonts/fallback.woff2": b"wOF2" + bytes(2000),
    "/icons/Icon-192.png": b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
}
UNPACKED = ("/icons/Icon-192.png", "/fonts/fallback.woff2")
"""Already packed in themselves: no sibling lies beside them."""


def sha256(address: str) -> str:
    return hashlib.sha256(FILES[address]).hexdigest()


def on_disk(address: str, coding: str = "identity") -> bytes:
    """The bytes sent in a coding. Those of `br` are none: nothing here unpacks them."""
    if coding == "br":
        return b"br " + FILES[address][: len(FILES[address]) // 8]
    return gzip.compress(FILES[address], mtime=0) if coding == "gzip" else FILES[address]


def write_build(folder: Path) -> Path:
    """Writes the build into a folder, which is given back."""
    facts = {address: {"sha256": sha256(address), "bytes": len(content)} for address, content in FILES.items()}
    for address in FILES:
        file = folder / address[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(on_disk(address))
        if address not in UNPACKED:
            file.with_name(file.name + ".br").write_bytes(on_disk(address, "br"))
            file.with_name(file.name + ".gz").write_bytes(on_disk(address, "gzip"))
    build = {"version": "0123456789ab", "fingerprint": "f" * 64, "files": facts}
    (folder / "build.json").write_text(json.dumps(build), encoding="utf-8")
    return folder
