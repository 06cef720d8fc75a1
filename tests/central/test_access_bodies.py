"""Bodies as they arrive from bad lines and bad hands: packed, cut, too large, oddly written."""

import gzip
import json
import tracemalloc

import httpx
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from central.bodies import JSON_MAX, strict_json, unpacked
from central.problems import Problem
from tests.central.test_access import PASSWORD, refusal

SIGN_IN = json.dumps({"user": "binh", "password": PASSWORD}).encode()


def post(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post("/api/v1/sessions", content=body, headers={"Content-Type": "application/json", **headers})


def test_a_phone_may_pack_what_it_sends(client: httpx.Client) -> None:
    for packed, name in (
        (gzip.compress(SIGN_IN), "gzip"),
        (zstandard.compress(SIGN_IN), "zstd"),
        (SIGN_IN, "identity"),
    ):
        assert post(client, packed, **{"Content-Encoding": name}).status_code == 201, name


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(SIGN_IN, mtime=0)[:-4], "gzip"),
        (gzip.compress(SIGN_IN, mtime=0) + b"more", "gzip"),
        (b"not gzip", "gzip"),
        (zstandard.compress(SIGN_IN)[:-4], "zstd"),
        (b"not zstd", "zstd"),
        (b"", "zstd"),
    ],
)
def test_a_damaged_or_cut_body_is_malformed(client: httpx.Client, body: bytes, encoding: str) -> None:
    assert refusal(post(client, body, **{"Content-Encoding": encoding})) == (400, "malformed")


def test_a_bomb_is_refused_by_what_it_would_become(client: httpx.Client) -> None:
    for packed, name in (
        (gzip.compress(bytes(50_000_000)), "gzip"),
        (zstandard.compress(bytes(50_000_000)), "zstd"),
        (zstandard.ZstdCompressor().compressobj().compress(bytes(300_000_000)), "zstd"),
    ):
        assert len(packed) < JSON_MAX
        assert refusal(post(client, packed, **{"Content-Encoding": name})) == (413, "too-large")


def test_a_bomb_is_noticed_while_it_is_small() -> None:
    """1 KiB of zstd can hold 32 MiB, and forty requests may come at once."""
    bomb = zstandard.compress(bytes(300_000_000))
    tracemalloc.start()
    with pytest.raises(Problem):
        unpacked(bomb, "zstd", JSON_MAX)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * JSON_MAX


def test_a_large_body_is_refused_whether_it_says_so_or_not(client: httpx.Client) -> None:
    assert refusal(post(client, bytes(JSON_MAX + 1))) == (413, "too-large")
    streamed = client.post("/api/v1/sessions", content=(bytes(65_536) for _ in range(20)))
    assert refusal(streamed) == (413, "too-large")


def test_other_encodings_are_named_as_such(client: httpx.Client) -> None:
    assert refusal(post(client, SIGN_IN, **{"Content-Encoding": "br"})) == (415, "unsupported-encoding")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"[NaN]",
        b"[-Infinity]",
        b"[1e999]",
        b"[9007199254740993]",
        b"[" + b"9" * 100_000 + b"]",
        b'["\\ud800"]',
        b'{"\\udfff": 1}',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b"[[[[[[[[[]]]]]]]]]",
        b"[" * 500_000,
        b'["' + b'\\"' * 200_000,
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        strict_json(raw)
    assert (refused.value.status, refused.value.name) == (400, "malformed")


def test_depth_is_counted_outside_text_only() -> None:
    assert strict_json(b'[[[[[[[["[[[[\\"[[[["]]]]]]]]') == [[[[[[[['[[[["[[[[']]]]]]]]
    assert strict_json('"\\ud83d\\ude00 Mường Lống"'.encode()) == "😀 Mường Lống"
    assert strict_json(b"[9007199254740991, -9007199254740991]") == [2**53 - 1, 1 - 2**53]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(1 - 2**53, 2**53 - 1)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_any_reader_reads_alike_is_read(value: object) -> None:
    raw = json.dumps(value)
    depth = max((raw[: at + 1].count("[") + raw[: at + 1].count("{") for at in range(len(raw))), default=0)
    if depth <= 8:
        raw = json.dumps(value, ensure_ascii="😀" in raw)
        assert strict_json(raw.encode()) == value


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"user": "binh"}, "password"),
        ({"user": 7, "password": PASSWORD}, "user"),
        ({"user": "", "password": PASSWORD}, "user"),
        ([], "body"),
    ],
)
def test_a_wrong_form_names_its_field(client: httpx.Client, asked: object, field: str) -> None:
    answer = client.post("/api/v1/sessions", json=asked)
    assert refusal(answer) == (400, "malformed") and answer.json()["field"] == field


def test_nothing_under_the_api_answers_outside_the_contract(client: httpx.Client) -> None:
    assert refusal(client.get("/api/v1/nowhere")) == (404, "not-found")
    assert refusal(client.get("/api/v1/sessions")) == (405, "method-not-allowed")
    assert client.get("/api/v1/healthz").json() == {"status": "ok"}
    headers = client.get("/api/v1/healthz").headers
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_contract_describes_problems_as_they_are_sent(client: httpx.Client) -> None:
    contract = client.get("/api/v1/openapi.json").json()
    refusals = contract["paths"]["/api/v1/sessions"]["post"]["responses"]
    assert {"201", "400", "401", "403", "413", "415", "429"} <= set(refusals)
    assert "application/problem+json" in refusals["401"]["content"]
    assert "422" not in json.dumps(list(refusals)) and "ProblemDocument" in contract["components"]["schemas"]
