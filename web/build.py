"""The field app as a folder of files that a browser keeps offline: a placeholder with one page, until the build is here."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

DIST = Path(__file__).parent / "dist"
PAGE = "<!doctype html><html lang=vi><meta charset=utf-8><title>Sổ kiểm tra</title><p>Sổ kiểm tra</p></html>\n".encode()


class BuildFailed(Exception):
    """The app cannot be built; the message says why and what to do, Vietnamese first."""


def ensure(say: Callable[[str], None] = print) -> Path:
    """The folder of the built field app, built when missing or stale. Raises BuildFailed."""
    digest = hashlib.sha256(PAGE).hexdigest()
    facts = {
        "version": digest[:12],
        "fingerprint": digest,
        "files": {"/index.html": {"sha256": digest, "bytes": len(PAGE)}},
    }
    try:
        DIST.mkdir(parents=True, exist_ok=True)
        (DIST / "index.html").write_bytes(PAGE)
        (DIST / "build.json").write_text(json.dumps(facts), encoding="utf-8")
    except OSError as reason:
        raise BuildFailed(f"Không dựng được ứng dụng ({reason}). / The field app cannot be built.") from reason
    say(f"Đã dựng ứng dụng / field app built: {digest[:12]}")
    return DIST
