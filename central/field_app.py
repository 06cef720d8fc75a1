"""The field app as central serves it: a folder built beforehand, at `/`, on the same origin as the API.

Only what the folder's `build.json` lists is served, packed as the browser likes it, and kept by the browser for ever
when it is asked for by its hash. Every other page a browser navigates to outside of /api/, /hq and /verify is the app itself: it
finds its own way from the address.
"""

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from central.photos import is_unchanged
from central.problems import Problem

APP_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What the app may load and run, for its page and its workers: nothing from another origin."""

APP_HEADERS = {
    "Content-Security-Policy": APP_POLICY,
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

INDEX = "/index.html"
NEVER_KEPT = (INDEX, "/sw.js")
"""Asked for anew each time, whatever the address says: a browser that kept them would never see a new version."""
FOREVER = "public, max-age=31536000, immutable"

ENDINGS = {"br": ".br", "gzip": ".gz", "identity": ""}
"""Content codings and what the packed file's name ends with, the smallest first."""

MEDIA_TYPES = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
"""By ending, and not from the machine's own list, so that it is the same everywhere; others are plain bytes."""


class NotBuilt(Exception):
    """The folder does not hold a whole build; the message says what is wrong, Vietnamese first."""


class Form(NamedTuple):
    """A file of the build as it lies on the disk, in one content coding. `written` is its time in ns."""

    path: Path
    size: int
    written: int

    @classmethod
    def at(cls, path: Path) -> Self:
        """The facts of a file. Raises OSError."""
        facts = os.stat(path)
        return cls(path, facts.st_size, facts.st_mtime_ns)


@dataclass(frozen=True)
class BuiltFile:
    """What is served at one address. `forms` by content coding, the most wanted first; `identity` is always there."""

    address: str
    sha256: str
    forms: Mapping[str, Form]

    @property
    def media_type(self) -> str:
        if self.address == "/manifest.json":
            return MEDIA_TYPES[".webmanifest"]
        return MEDIA_TYPES.get(Path(self.address).suffix.lower(), "application/octet-stream")

    def caching(self, query: bytes) -> str:
        """Cache-Control: for ever when asked for by its hash, else asked for anew."""
        is_by_hash = query == b"v=" + self.sha256[:16].encode() and self.address not in NEVER_KEPT
        return FOREVER if is_by_hash else "no-cache"

    def tag(self, coding: str) -> str:
        """A strong ETag: the bytes sent differ with the coding."""
        return f'"{self.sha256}"' if coding == "identity" else f'"{self.sha256}-{coding}"'


@dataclass(frozen=True)
class Build:
    """The built app: its version and its files by address."""

    folder: Path
    version: str
    files: Mapping[str, BuiltFile]


def read_build(folder: Path) -> Build:
    """The build in a folder, its facts checked against the files that are there. Raises NotBuilt."""
    try:
        facts = json.loads((folder / "build.json").read_bytes())
        files = {
            address: BuiltFile(address, str(file["sha256"]), _forms(folder, address, int(file["bytes"])))
            for address, file in facts["files"].items()
        }
        version = str(facts["version"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as reason:
        raise NotBuilt(
            f"Bản dựng ứng dụng ở {folder} không đầy đủ ({reason}). / The field app's build is not whole."
        ) from reason
    if INDEX not in files:
        raise NotBuilt(f"Bản dựng ứng dụng ở {folder} thiếu {INDEX}. / The field app's build has no page.")
    return Build(folder, version, files)


def _forms(folder: Path, address: str, size: int) -> dict[str, Form]:
    """The file and its packed siblings. Raises OSError, or ValueError when it is elsewhere or not what was built."""
    path = folder / address.removeprefix("/")
    if not address.startswith("/") or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{address!r} lies outside")
    forms = {}
    for coding, ending in ENDINGS.items():
        form = path.with_name(path.name + ending)
        if coding == "identity" or form.is_file():
            forms[coding] = Form.at(form)
    if forms["identity"].size != size:
        raise ValueError(f"{address}: {forms['identity'].size} bytes, not {size}")
    return forms


class FieldApp:
    """ASGI middleware: answers GET and HEAD for the files of the build and for the app's own pages, and nothing else."""

    def __init__(self, app: ASGIApp, build: Build):
        self.app = app
        self.build = build

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        file = self._asked_for(scope["path"], Headers(scope=scope)) if is_read else None
        if file is None:
            await self.app(scope, receive, send)
        else:
            await (await _answer(file, scope))(scope, receive, send)

    def _asked_for(self, path: str, headers: Headers) -> BuiltFile | None:
        if path.startswith(("/api/", "/hq/")) or path in ("/api", "/hq", "/verify"):
            return None
        found = self.build.files.get(INDEX if path == "/" else path)
        is_page = "." not in path.rpartition("/")[2] and "text/html" in headers.get("accept", "")
        return found or (self.build.files[INDEX] if is_page else None)


async def _answer(file: BuiltFile, scope: Scope) -> Response:
    """The file as the request's headers ask for it, nothing if it is known there, 503 when it is no longer what it was."""
    asked = Headers(scope=scope)
    coding = preferred(asked.get("accept-encoding", ""), file.forms)
    tag = file.tag(coding)
    headers = {
        **APP_HEADERS,
        "ETag": tag,
        "Cache-Control": file.caching(scope["query_string"]),
        "Vary": "Accept-Encoding",
    }
    if is_unchanged(asked.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    form = file.forms[coding]
    try:
        is_as_built = await anyio.to_thread.run_sync(Form.at, form.path) == form
    except OSError:
        is_as_built = False
    if not is_as_built:
        return Problem(
            503,
            "app-rebuilt",
            "Ứng dụng trên máy chủ đang được thay bản mới. Số liệu trên máy vẫn an toàn; hãy thử lại sau ít phút",
            "The app is being replaced at central. What is on the phone is safe; try again in a few minutes",
            "later",
            headers={"Retry-After": "60", "Cache-Control": "no-store"},
        ).response()
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return FileResponse(form.path, headers=headers, media_type=file.media_type)


_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def preferred(accept_encoding: str, codings: Collection[str]) -> str:
    """The coding among `codings` that weighs most (RFC 9110 §12.5.3), the first of equals; `identity` if none will do."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, semicolon, parameter = part.partition(";")
        weight = _WEIGHT.fullmatch(parameter)
        weights[name.strip()] = float(weight[1]) if weight else 0.0 if semicolon else 1.0
    unnamed = weights.get("*", 0.0)
    weighed = {coding: weights.get(coding, unnamed) for coding in codings}
    best = max(weighed, key=weighed.__getitem__)
    return best if weighed[best] > 0 else "identity"
