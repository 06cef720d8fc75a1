"""Request bodies: unpacked and capped before anything reads them, and JSON read strictly.

`UnpackedBodies` wraps the whole app; `StrictRoute` makes FastAPI read JSON with `strict_json`. Uploads are left alone:
they are streamed, and measured by their own router. A bundle brought to /hq/ is only counted as it streams by, so that it
is read for nobody who has not signed in, and never held whole.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Coroutine
from typing import Any

import zstandard
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.problems import API, Problem, malformed

JSON_MAX = 1024 * 1024
"""Bytes of a request of the API, packed or unpacked."""
FORM_MAX = 4 * 1024 * 1024
"""Bytes of a form at /hq/, with its file."""
DEPTH_MAX = 8
INTEGER_MAX = 2**53
ZSTD_BITE = 128

VERIFY_FORM, VERIFY_MAX = "/verify", 16 * 1024 * 1024
"""Where anybody may hold minutes against what was signed: a PDF with its photos."""
BUNDLE_FORM, BUNDLE_MAX = "/hq/devices/bundle", 256 * 1024 * 1024
"""The form that takes a bundle, and its bytes."""

STREAMED = f"{API}/uploads"
PACK_FROM = 500
"""Bytes from which packing an answer is worth the work."""


def too_large(limit: int) -> Problem:
    return Problem(413, "too-large", "Nội dung gửi quá lớn", "The request is too large", max_bytes=limit)


class UnpackedBodies:
    """ASGI middleware: reads each request body up to its limit, undoes gzip or zstd, and hands it on as plain bytes."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(STREAMED):
            await self.app(scope, receive, send)
            return
        if scope["path"] == BUNDLE_FORM:
            await self.app(scope, _counted(receive, BUNDLE_MAX), send)
            return
        limit = FORM_MAX if scope["path"].startswith("/hq") else JSON_MAX
        if scope["path"] == VERIFY_FORM:
            limit = VERIFY_MAX
        headers = MutableHeaders(scope=scope)
        try:
            body = unpacked(await _read(receive, headers, limit), headers.get("content-encoding", ""), limit)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        del headers["content-encoding"]
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        is_given = False

        async def given() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, given, send)


def _counted(receive: Receive, limit: int) -> Receive:
    """The body as it comes; Problem 413 for whoever reads past the limit."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise Problem(
                413, "too-large",
                "Tệp lớn hơn 256 MB. Hãy chép tệp vào máy chủ rồi chạy: kiemtra bundle import TỆP",
                "The file is larger than 256 MB. Copy it to the server and run: kiemtra bundle import FILE",
                max_bytes=limit,
            )  # fmt: skip
        return message

    return counted


async def _read(receive: Receive, headers: Headers, limit: int) -> bytes:
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding (gzip, zstd or none). Problems: 415, 413 beyond `limit`, 400 if damaged."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                plain = unpacker.decompress(body, limit + 1)
            except zlib.error:
                raise _damaged() from None
            is_whole = unpacker.eof and not unpacker.unused_data
        case "zstd":
            try:
                reader = zstandard.ZstdDecompressor(max_window_size=2**23).decompressobj()
                plain, is_whole = _zstd(reader, body, limit)
            except zstandard.ZstdError:
                raise _damaged() from None
        case _:
            raise Problem(
                415,
                "unsupported-encoding",
                "Chỉ nhận nội dung nén gzip hoặc zstd",
                "Only gzip and zstd content encodings are taken",
                headers={"Accept-Encoding": "gzip, zstd"},
            )
    if len(plain) > limit:
        raise too_large(limit)
    if not is_whole:
        raise _damaged()
    return plain


def _zstd(reader: Any, body: bytes, limit: int) -> tuple[bytes, bool]:
    """Unpacked in small bites, so that a bomb is noticed while it is still small: 4 bytes can become a block of 128 KiB."""
    plain = bytearray()
    for start in range(0, len(body), ZSTD_BITE):
        if reader.eof:
            return bytes(plain), False
        plain += reader.decompress(body[start : start + ZSTD_BITE])
        if len(plain) > limit:
            break
    return bytes(plain), reader.eof and not reader.unused_data


def _damaged() -> Problem:
    return malformed("body", "Nội dung nén bị hỏng hoặc bị cắt", "The compressed body is damaged or cut off")


def strict_json(raw: bytes) -> Any:
    """JSON as the wire allows it: UTF-8, no duplicate keys, NaN or lone surrogates, integers within ±2^53, depth ≤ 8.

    Raises Problem `malformed` naming what is wrong.
    """
    if _is_too_deep(raw):
        raise _not_json(f"nesting deeper than {DEPTH_MAX}")
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_constant, parse_int=_integer, parse_float=_real
        )
    except UnicodeDecodeError:
        raise _not_json("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg}, character {error.pos}") from None
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _not_json(reason: str) -> Problem:
    return malformed("body", "Nội dung không phải JSON đúng mẫu", f"Not acceptable JSON: {reason}")


_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A JSON string, or what there is of one; never backtracks, so hostile bytes cost no more than others."""
_BRACKET = re.compile(rb"[\[\]{}]")


def _is_too_deep(raw: bytes) -> bool:
    """Depth counted over the bytes before parsing, since the parser itself recurses."""
    depth = 0
    for bracket in _BRACKET.findall(_TEXT.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _not_json("a key occurs twice")
    return found


def _constant(name: str) -> None:
    raise _not_json(name)


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > INTEGER_MAX:
        raise _not_json("an integer beyond 2^53")
    return int(digits)


def _real(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _not_json("a number beyond all bounds")
    return value


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _not_json("half of a surrogate pair")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_surrogates(inner)


class _StrictRequest(Request):
    async def json(self) -> Any:
        return strict_json(await self.body())


class StrictRoute(APIRoute):
    """A route whose JSON body is read by `strict_json`: `APIRouter(route_class=StrictRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly


class PackedAnswers:
    """ASGI middleware: gzips JSON and CSV answers of the API for callers that take it.

    An answer with an ETag is left alone: a strong validator promises its exact bytes, so its maker decides.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith(API)
        if not is_api or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def packing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not _can_be_packed(message):
                    await send(message)
                    start = None
                return
            if start is not None:
                body = message.get("body", b"")
                if len(body) >= PACK_FROM and not message.get("more_body", False):
                    body = gzip.compress(body, 6, mtime=0)
                    message = {**message, "body": body}
                    headers = MutableHeaders(raw=start["headers"])
                    headers["content-encoding"] = "gzip"
                    headers["content-length"] = str(len(body))
                if scope["method"] == "GET":  # nobody keeps the answer to anything else
                    MutableHeaders(raw=start["headers"]).add_vary_header("Accept-Encoding")
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, packing)


def _can_be_packed(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    media_type = headers.get("content-type", "").partition(";")[0]
    return (
        start["status"] != 206
        and media_type in ("application/json", "application/problem+json", "text/csv")
        and "content-encoding" not in headers
        and "etag" not in headers
    )
