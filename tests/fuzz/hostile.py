"""Requests to /sync and /uploads as no phone would send them, made from a seed: the same seed, the same requests."""

import base64
import gzip
import hashlib
import json
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard

from tests.fuzz.values import (
    CHECKSUMS,
    FIELDS,
    FRAGMENTS,
    GZIP_BOMB,
    KEYS,
    LENGTHS,
    METADATA,
    NAMES,
    NUMBERS,
    PLAIN,
    RAW,
    TOKENS,
    TYPES,
    VALUES,
    ZSTD_BOMB,
    ZSTD_ENDLESS,
)
from tests.valley import Pen

SYNC, UPLOADS = "/api/v1/sync", "/api/v1/uploads"
Headers = list[tuple[bytes, bytes]]


@dataclass
class Hostile:
    """One request. `is_whole`: a server can see its end, so it must answer."""

    kind: str
    data: bytes
    is_whole: bool = True
    is_head: bool = False
    pieces: int = 1
    """In how many parts it is sent."""


@dataclass
class Enemy:
    """Makes requests in the name of one enrolled phone, whose pen writes what would be right."""

    pen: Pen
    visit: str
    dice: random.Random
    _sent: list[str] = field(default_factory=list)

    def request(self) -> Hostile:
        made: Callable[[], Hostile] = self.dice.choice(
            (self.sync_values, self.sync_values, self.sync_chained, self.sync_chained, self.sync_bytes, self.sync_packed,
             self.sync_headers, self.framing, self.upload, self.upload, self.upload_part, self.address)
        )  # fmt: skip
        request = made()
        if self.dice.random() < 0.1:
            request.pieces = self.dice.randrange(2, 6)
        return request

    # --- /sync -------------------------------------------------------------------------------------------------------

    def body(self) -> dict[str, Any]:
        """A body that central would take."""
        self.pen = with_new_epoch(self.pen, self.dice)
        room = f"{self.visit}/row-{self.dice.randrange(9)}"
        entries = [
            self.pen.entry(
                "row",
                f"row-{self.dice.randrange(9)}",
                {"visit": self.visit, "section": "attendance", "name": "Phòng 1"},
            ),
            self.pen.entry("answer", f"{room}/head_present", {"value": self.dice.randrange(50)}, tx=2),
        ][: self.dice.randrange(3)]
        return self.pen.body(*entries, photos=[hashlib.sha256(b"1").hexdigest()])

    def sync_values(self) -> Hostile:
        """Right JSON, wrong values anywhere: types, sizes, depths, keys twice or missing."""
        body: Any = self.body()
        for _ in range(self.dice.randrange(1, 4)):
            body = self._wrong(body)
        return self._sync("values", written(body).encode("utf-8", "surrogatepass"))

    def sync_chained(self) -> Hostile:
        """Entries that hash as they should and hold what they should not, so that they get as far as the tables."""
        self.pen = with_new_epoch(self.pen, self.dice)
        entries = []
        for tx in range(self.dice.randrange(1, 6)):
            kind = self.dice.choice(
                (
                    "visit",
                    "count",
                    "row",
                    "answer",
                    "photo",
                    "finding",
                    "signature",
                    "unit",
                    "template",
                    "x",
                    "other",
                    "entry",
                )
            )
            patch = {self.dice.choice(FIELDS): self._value(2) for _ in range(self.dice.randrange(0, 5))}
            record = self.dice.choice(
                (self.visit, f"{self.visit}/{{}}/head_total", "//", "a/b/c/d", "r1", "'; --", "%", "\u0300a")
            )
            other = {name: self.dice.choice(NUMBERS) for name in ("ms", "counter", "seen") if self.dice.random() < 0.2}
            entries.append(self.pen.entry(kind, record, patch, tx=tx, **other))
        try:
            body = self.pen.body(*entries)
        except (ValueError, TypeError, RecursionError):
            return self.sync_values()
        return self._sync("chained", json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def sync_bytes(self) -> Hostile:
        """A right body with bytes flipped, cut out, doubled or strewn in."""
        data = bytearray(json.dumps(self.body(), ensure_ascii=False).encode())
        for _ in range(self.dice.randrange(1, 8)):
            place = self.dice.randrange(len(data) or 1)
            match self.dice.randrange(5):
                case 0:
                    data[place : place + 1] = bytes([self.dice.randrange(256)])
                case 1:
                    del data[place : place + self.dice.randrange(40)]
                case 2:
                    data[place:place] = data[place : place + self.dice.randrange(200)]
                case 3:
                    data[place:place] = self.dice.randbytes(self.dice.randrange(20))
                case _:
                    data[place:place] = self.dice.choice(FRAGMENTS)
        return self._sync("bytes", bytes(data))

    def sync_packed(self) -> Hostile:
        """Bombs, cut and damaged archives, and encodings that are not what they are called."""
        plain = json.dumps(self.body()).encode()
        name, data = self.dice.choice(
            (
                (b"gzip", GZIP_BOMB), (b"gzip", GZIP_BOMB[: len(GZIP_BOMB) // 2]), (b"zstd", ZSTD_BOMB), (b"zstd", ZSTD_ENDLESS),
                (b"gzip", gzip.compress(gzip.compress(plain))), (b"gzip, gzip", gzip.compress(gzip.compress(plain))),
                (b"gzip", gzip.compress(plain)[: self.dice.randrange(60)]), (b"gzip", gzip.compress(plain) * 2),
                (b"zstd", zstandard.compress(plain)[: self.dice.randrange(60)]), (b"zstd", zstandard.compress(plain) * 2),
                (b"zstd", gzip.compress(plain)), (b"gzip", zstandard.compress(plain)), (b"gzip", plain), (b"zstd", plain),
                (b"deflate", zlib.compress(plain)), (b"br", plain), (b"GZIP", gzip.compress(plain)), (b"", plain),
                (b"identity", plain), (b"x" * 5000, plain), (b"gzip", gzip.compress(b"[" * 900_000)),
                (b"zstd", zstandard.compress(b'{"a":' * 150_000)), (b"gzip", gzip.compress(b'"' + b"\\" * 900_000)),
            )
        )  # fmt: skip
        data = bytearray(data)
        if self.dice.random() < 0.3 and data:
            data[self.dice.randrange(len(data))] ^= 1 << self.dice.randrange(8)
        return self._sync("packed", bytes(data), [(b"Content-Encoding", name)])

    def sync_headers(self) -> Hostile:
        data = json.dumps(self.body()).encode()
        header = self.dice.choice(
            (
                (b"Content-Type", self.dice.choice(TYPES)), (b"Authorization", self.dice.choice(TOKENS)),
                (b"Accept-Encoding", b"gzip;q=0, *"), (b"Accept", b"text/html"), (b"Range", b"bytes=5-1"),
                (b"If-None-Match", b"*"), (b"X-Forwarded-For", b"1.2.3.4, \xff"), (b"Forwarded", b"for=\xff"),
                (b"Content-Length", b"%d" % len(data)), (b"Cookie", b"a=" + b"b" * 3000), (b"Expect", b"100-continue"),
                (b"Content-Encoding", b"\xff"), (b"Connection", b"upgrade"), (b"Origin", b"null"),
            )
        )  # fmt: skip
        return self._sync("headers", data, [header])

    def _sync(self, kind: str, data: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> Hostile:
        named = {name.lower() for name, _ in headers}
        usual: Headers = [
            (b"Content-Type", b"application/json"),
            (b"Authorization", self.pen.headers["Authorization"].encode()),
            (b"Content-Length", str(len(data)).encode()),
        ]
        kept = [header for header in usual if header[0].lower() not in named]
        if self.dice.random() < 0.05 and b"content-length" not in named:
            kept = [header for header in kept if header[0] != b"Content-Length"] + [(b"Transfer-Encoding", b"chunked")]
            data = chunked(data, self.dice)
        return Hostile(f"sync {kind}", head(b"POST", SYNC.encode(), [*kept, *headers]) + data)

    def _wrong(self, body: Any) -> Any:
        """The body with one thing in it changed."""
        if isinstance(body, dict) and body and self.dice.random() < 0.9:
            key = self.dice.choice(list(body))
            match self.dice.randrange(6):
                case 0:
                    return {k: v for k, v in body.items() if k != key}
                case 1:
                    return body | {self.dice.choice(KEYS): self._value()}
                case 2:
                    return body | {key: self._value()}
                case 3:
                    return body | {f"{RAW}{json.dumps(key)}": body[key]}  # the same key twice
                case _:
                    return body | {key: self._wrong(body[key])}
        if isinstance(body, list) and body and self.dice.random() < 0.9:
            at = self.dice.randrange(len(body))
            match self.dice.randrange(5):
                case 0:
                    return body[:at] + body[at + 1 :]
                case 1:
                    return [*body[:at], *[body[at]] * self.dice.choice((2, 3, 600)), *body[at + 1 :]]
                case _:
                    return [*body[:at], self._wrong(body[at]), *body[at + 1 :]]
        return self._value()

    def _value(self, depth: int = 0) -> Any:
        if depth and self.dice.random() < 0.2:
            return {self.dice.choice(KEYS): self._value(depth - 1)}
        if depth and self.dice.random() < 0.1:
            return [self._value(depth - 1) for _ in range(self.dice.randrange(4))]
        return self.dice.choice(VALUES) if not depth else self.dice.choice(PLAIN)

    # --- /uploads ----------------------------------------------------------------------------------------------------

    def upload(self) -> Hostile:
        """Every method of tus with headers that are missing, wrong, doubled or huge."""
        method = self.dice.choice((b"POST", b"HEAD", b"PATCH", b"DELETE", b"OPTIONS", b"GET", b"PUT", b"QUERY"))
        address = UPLOADS if method in (b"POST", b"OPTIONS") else f"{UPLOADS}/{self.dice.choice(NAMES)}"
        data = self.dice.randbytes(self.dice.choice((0, 1, 100, 70_000)))
        named = base64.b64encode(self.dice.choice(NAMES).encode("utf-8", "replace"))
        headers: Headers = [
            (b"Tus-Resumable", self.dice.choice((b"1.0.0",) * 6 + (b"0.2.2", b"", b"1.0.0\xff"))),
            (b"Upload-Length", self.dice.choice(LENGTHS)),
            (b"Upload-Offset", self.dice.choice(LENGTHS)),
            (b"Upload-Metadata", self.dice.choice((b"sha256 " + named,) * 3 + METADATA)),
            (b"Upload-Checksum", self.dice.choice(CHECKSUMS)),
            (b"Content-Type", self.dice.choice((b"application/offset+octet-stream",) * 4 + TYPES)),
            (b"Upload-Defer-Length", b"1"), (b"X-HTTP-Method-Override", b"DELETE"), (b"Content-Encoding", b"gzip"),
            (b"Upload-Concat", b"partial"),
        ]  # fmt: skip
        kept = [header for header in headers if self.dice.random() < 0.75]
        return self._upload("upload", method, address, kept, data)

    def upload_part(self) -> Hostile:
        """A photo announced as it should be, then a piece that is too long, wrong, late or cut off."""
        if not self._sent or self.dice.random() < 0.4:
            photo = self.dice.randbytes(self.dice.choice((1, 10, 3000, 100_000)))
            self._sent.append(hashlib.sha256(photo).hexdigest())
            metadata = b"sha256 " + base64.b64encode(self._sent[-1].encode())
            headers = [(b"Upload-Length", str(len(photo)).encode()), (b"Upload-Metadata", metadata)]
            return self._upload("announce", b"POST", UPLOADS, [(b"Tus-Resumable", b"1.0.0"), *headers], b"")
        data = self.dice.randbytes(self.dice.choice((0, 1, 10, 2999, 3001, 120_000)))
        headers = [
            (b"Tus-Resumable", b"1.0.0"),
            (b"Content-Type", b"application/offset+octet-stream"),
            (b"Upload-Offset", self.dice.choice((b"0", b"0", b"1", b"10", b"3000"))),
        ]
        if self.dice.random() < 0.3:
            headers.append((b"Upload-Checksum", self.dice.choice(CHECKSUMS)))
        method = self.dice.choice((b"PATCH", b"PATCH", b"PATCH", b"HEAD", b"DELETE"))
        return self._upload("part", method, f"{UPLOADS}/{self.dice.choice(self._sent[-20:])}", headers, data)

    def _upload(self, kind: str, method: bytes, address: str, headers: Headers, data: bytes) -> Hostile:
        is_whole = True
        claims = len(data)
        if data and self.dice.random() < 0.1:
            claims, is_whole = claims + self.dice.randrange(1, 5000), False
        token = (b"Authorization", self.pen.headers["Authorization"].encode())
        if claims == len(data) and self.dice.random() < 0.15:
            framed = [(b"Transfer-Encoding", b"chunked")]
            data = chunked(data, self.dice)
        else:
            framed = [(b"Content-Length", str(claims).encode())]
        asked = head(method, address.encode("utf-8", "surrogatepass"), [token, *headers, *framed])
        return Hostile(f"{kind} {method.decode()}", asked + data, is_whole, is_head=method == b"HEAD")

    # --- below the bodies --------------------------------------------------------------------------------------------

    def framing(self) -> Hostile:
        """What is wrong before any body is read: lengths, chunks, lines."""
        data = json.dumps(self.body()).encode()
        token = (b"Authorization", self.pen.headers["Authorization"].encode())
        length = str(len(data)).encode()
        framed = self.dice.choice(
            (
                [(b"Content-Length", b"-1")], [(b"Content-Length", b"x")],
                [(b"Content-Length", b"9" * 30)], [(b"Content-Length", length), (b"Content-Length", b"1")],
                [(b"Content-Length", length), (b"Transfer-Encoding", b"chunked")],
                [(b"Transfer-Encoding", b"chunked, gzip")], [(b"Transfer-Encoding", b"gzip")],
                [(b"Content-Length", str(len(data) + 500).encode())], [(b"X-Long", b"a" * 200_000)],
                [(b"Bad Name", b"x"), (b"Content-Length", length)], [(b"", b"x"), (b"Content-Length", length)],
                [(b"X", b"a\r\n b"), (b"Content-Length", length)], [(b"X", b"\x00"), (b"Content-Length", length)],
                [(b"X", b"y")] * 300 + [(b"Content-Length", length)], [(b"Host", b"a")] * 3,
            )
        )  # fmt: skip
        lines = head(b"POST", SYNC.encode(), [token, (b"Content-Type", b"application/json"), *framed])
        match self.dice.randrange(6):
            case 0:
                lines = lines.replace(
                    b"HTTP/1.1", self.dice.choice((b"HTTP/1.0", b"HTTP/9.9", b"HTTP/1.1 x", b"", b"http/1.1"))
                )
            case 1:
                lines = lines.replace(b"\r\n", b"\n")
            case 2:
                lines = lines[: self.dice.randrange(len(lines))]
        if (b"Transfer-Encoding", b"chunked") in framed or self.dice.random() < 0.2:
            data = self.dice.choice(
                (b"5;x=y\r\nhello\r\n0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello", b"fffffffffffffffff\r\nhello",
                 b"5\r\nhello\r\n", b"5\r\nhel", b"0\r\nX: y\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n")
            )  # fmt: skip
        return Hostile("framing", lines + data, is_whole=False)

    def address(self) -> Hostile:
        """Addresses near ours."""
        address = self.dice.choice(
            (b"/api/v1/sync/", b"/api/v1/sync?x=%ff", b"/api/v1//sync", b"/api/v1/SYNC", b"/api/v1/sync%00", b"/api/v1/uploads/",
             b"/api/v1/uploads/..%2f..%2fetc%2fpasswd", b"/api/v1/uploads/%f0%28%8c%28", b"/api/v1/uploads/" + b"a" * 4000,
             b"/api/v1/uploads/../sync", b"/api/v1/uploadsx", b"/api/v1/sync;a=b", b"/api/v1/uploads?sha256=x", b"/api/v1/photos/zz")
        )  # fmt: skip
        method = self.dice.choice((b"POST", b"GET", b"PATCH", b"HEAD", b"TRACE", b"DELETE"))
        data = self.dice.choice((b"", b"{}", b"\xff" * 100))
        token = (b"Authorization", self.pen.headers["Authorization"].encode())
        lines = head(method, address, [token, (b"Content-Length", str(len(data)).encode())])
        return Hostile("address", lines + data, is_head=method == b"HEAD")


def with_new_epoch(pen: Pen, dice: random.Random) -> Pen:
    """The same phone's pen with a new epoch."""
    again = Pen.__new__(Pen)
    again.__dict__.update(pen.__dict__)
    again.epoch = dice.randbytes(16).hex()
    again.seq, again.cursor = 0, None
    again.head = hashlib.sha256(again.epoch.encode()).hexdigest()
    return again


def head(method: bytes, address: bytes, headers: Headers) -> bytes:
    lines = [method + b" " + address + b" HTTP/1.1", b"Host: central", b"Connection: close"]
    return b"\r\n".join([*lines, *(name + b": " + value for name, value in headers), b"", b""])


def chunked(data: bytes, dice: random.Random) -> bytes:
    parts, at = [], 0
    while at < len(data):
        size = dice.choice((1, 7, 1000, 65536))
        piece = data[at : at + size]
        parts.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        at += len(piece)
    return b"".join([*parts[:2000], b"".join(parts[2000:]), b"0\r\n\r\n"])


def written(value: Any) -> str:
    """JSON, in which what begins with RAW stands as it is."""
    if isinstance(value, str):
        return value.removeprefix(RAW) if value.startswith(RAW) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner) for inner in value) + "]"
    return json.dumps(value)
