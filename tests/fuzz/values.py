"""What no phone would send: values, keys, headers, names and packed bodies for `hostile`."""

import base64
import gzip
import hashlib
from typing import Any

import zstandard

from tests.valley import NOON

RAW = "\x00raw:"
"""A string that begins so is written into JSON without its quotes."""

GZIP_BOMB = gzip.compress(bytes(100_000_000))
ZSTD_BOMB = zstandard.compress(bytes(300_000_000))
ZSTD_ENDLESS = zstandard.ZstdCompressor().compressobj().compress(bytes(200_000_000))

NUMBERS = (0, 1, -1, 2**31, 2**53 - 1, 2**53, NOON + 10**9)
PLAIN: tuple[Any, ...] = (
    None, True, False, "", "x", "0", "a" * 300, "Phòng \U0001f600", "2026-13-45", "yes", "signed", "open", "\u0000", "'; --",
    "../..", [], {}, "e\u0301", *NUMBERS,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *PLAIN, 0.1, -0.0, 1e300, f"{RAW}NaN", f"{RAW}-Infinity", f"{RAW}1e999", f"{RAW}{'9' * 5000}", f"{RAW}-0", f"{RAW}01",
    f"{RAW}{'[' * 5000}{']' * 5000}", f"{RAW}{'[' * 20000}", f"{RAW}{'{' * 9}", f'{RAW}"\\ud800"', f'{RAW}"\\udc00\\ud800"',
    f'{RAW}"\\u0000"', f'{RAW}"\\x"', f'{RAW}"', f"{RAW}tru", "a" * 300_000, "\ud800", ["x"] * 70_000, f"{RAW}1_000",
    f"{RAW}{'1' * 400}.5e5", f"{RAW}{{}}{{}}", f"{RAW}/*", {f"k{i}": i for i in range(3000)}, "e\u0301" * 100,
)  # fmt: skip
KEYS = (
    "",
    "protocol",
    "entries",
    "\u0000",
    "__proto__",
    "id",
    "stamps",
    "extra",
    "a" * 1000,
    "visit",
    "value",
    "e\u0301",
    "$ref",
)
FIELDS = (
    "value", "visit", "row", "item", "remark", "status", "team", "removed", "geopoint", "id", "stamps", "extra", "moment", "sha256",
    "name", "section", "template", "template_version", "preview", "bytes", "x", "unit_code", "count", "main_count", "rowid", "visit_date",
)  # fmt: skip
FRAGMENTS = (
    b"\xff",
    b"\x00",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b'"',
    b"\\u",
    b"NaN",
    b"[[[[[[[[[",
    b"}}",
    b"1e99999",
    b"\\ud83d",
)
TYPES = (
    b"", b"text/html", b"application/json; charset=utf-16", b"multipart/form-data; boundary=x", b"application/xml", b"json",
    b"application/x-www-form-urlencoded", b"\xff\xfe", b"a" * 3000,
)  # fmt: skip
TOKENS = (
    b"",
    b"Bearer",
    b"Bearer ",
    b"Bearer x",
    b"Basic YTpi",
    b"Bearer " + b"a" * 9000,
    b"Bearer \xff\xfe",
    b"bearer\tx",
    b"Bearer \xc3\xa9",
)
LENGTHS = (
    b"0", b"1", b"10", b"3000", b"70000", b"5242880", b"5242881", b"-1", b"1.5", b"9" * 40, b"", b"abc", b"+5", b"0x10",
    "٣".encode(), b" 7 ", b"1_0",
)  # fmt: skip
NAMES = (
    *(hashlib.sha256(bytes([n])).hexdigest() for n in range(8)), "A" * 64, "0" * 63, "0" * 65, "..", "%2e%2e%2f", "x" * 500,
    "é" * 64, "٣" * 64, "0" * 64 + "%0a",
)  # fmt: skip
METADATA = (
    b"",
    b"sha256",
    b"sha256 !!!",
    b"sha256 " + b"A" * 9000,
    b"filename YQ==",
    b",,,",
    b"\xff \xff",
    b"sha256 4pyT",
    b"a b," * 500,
)
CHECKSUMS = (
    b"sha256 " + base64.b64encode(bytes(32)), b"sha256 x", b"sha1 " + base64.b64encode(bytes(20)), b"", b"md5", b"sha256 \xff",
    b"sha256 " + base64.b64encode(bytes(33)),
)  # fmt: skip
