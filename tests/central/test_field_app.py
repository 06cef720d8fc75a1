"""The field app as browsers and strangers meet it at central: packed, kept, resumed, never shadowing what is not its own."""

import http.client
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from central.app import PAGE_POLICY, create_app
from central.field_app import APP_POLICY, NotBuilt, preferred, read_build
from central.settings import Settings
from tests.central.built import FILES, PAGE, UNPACKED, on_disk, sha256, write_build
from tests.central.conftest import Clock
from tests.valley import free_port, serving

NAVIGATING = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CHROME = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate, br, zstd"}
PLAIN = {"Accept-Encoding": "identity"}
WORKER = "/main.dart.js"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return write_build(tmp_path / "dist")


@pytest.fixture
def opened(settings: Settings, clock: Clock) -> Iterator[Callable[..., TestClient]]:
    """Opens a central with changed settings."""
    apps = []

    def make(**changes: object) -> TestClient:
        apps.append(create_app(replace(settings, **changes), clock))  # type: ignore[arg-type]
        return TestClient(
            apps[-1], base_url="http://testserver", headers={"Accept-Encoding": "gzip"}, follow_redirects=False
        )

    yield make
    for app in apps:
        app.state.db.close()


@pytest.fixture
def central_with_app(opened: Callable[..., TestClient], build: Path) -> TestClient:
    return opened(field_app=build)


def raw(client: httpx.Client, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    """An answer and its body as it went over the wire."""
    with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br ; Q=0.001 , gzip;q=0", "br"),
        ("BR", "br"),
        ("*", "br"),
        ("*;q=0.2, br;q=0", "gzip"),
        ("identity;q=0.9, gzip;q=0.5", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("gzip;q=0, br;q=0", "identity"),
        ("*;q=0", "identity"),
        ("gzip;q=lots, br;q=2", "identity"),
        ("zstd, deflate", "identity"),
    ],
)
def test_a_browser_gets_the_packing_it_likes_best(
    central_with_app: TestClient, accepted: str | None, coding: str
) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    assert preferred(accepted or "", ("br", "gzip", "identity")) == coding
    if accepted is None:
        del central_with_app.headers["accept-encoding"]
    answer, body = raw(central_with_app, WORKER, headers)

    assert answer.status_code == 200 and body == on_disk(WORKER, coding)
    assert answer.headers.get("content-encoding", "identity") == coding
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("address", UNPACKED)
def test_what_is_packed_in_itself_is_sent_as_it_is(central_with_app: TestClient, address: str) -> None:
    answer, body = raw(central_with_app, address, CHROME)
    assert body == FILES[address] and "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("address", "media_type"),
    [
        ("/index.html", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/pyodide/pyodide.mjs", "text/javascript; charset=utf-8"),
        ("/canvaskit/canvaskit.wasm", "application/wasm"),
        ("/manifest.json", "application/manifest+json"),
        ("/build_facts.json", "application/json"),
        ("/app.zip", "application/zip"),
        ("/assets/AssetManifest.bin", "application/octet-stream"),
        ("/assets/fonts/Roboto-Bold.ttf", "font/ttf"),
        ("/fonts/fallback.otf", "font/otf"),
        ("/fonts/fallback.woff2", "font/woff2"),
        ("/icons/Icon-192.png", "image/png"),
    ],
)
def test_every_kind_of_file_has_its_media_type_packed_or_not(
    central_with_app: TestClient, address: str, media_type: str
) -> None:
    for headers in (CHROME, PLAIN):
        assert raw(central_with_app, address, headers)[0].headers["content-type"] == media_type


def test_what_a_browser_has_is_not_sent_again(central_with_app: TestClient) -> None:
    tags = {}
    for coding in ("br", "gzip", "identity"):
        answer, _ = raw(central_with_app, WORKER, {"Accept-Encoding": coding})
        tags[coding] = answer.headers["etag"]
        assert not tags[coding].startswith("W/")
        for known in (tags[coding], f'"other", {tags[coding]}', f"W/{tags[coding]}", "*"):
            again, body = raw(central_with_app, WORKER, {"Accept-Encoding": coding, "If-None-Match": known})
            assert (again.status_code, body) == (304, b"")
            assert again.headers["etag"] == tags[coding] and again.headers["vary"] == "Accept-Encoding"
            assert again.headers["cache-control"] == "no-cache"
    assert len(set(tags.values())) == 3, "packed bytes are other bytes"
    answer, body = raw(central_with_app, WORKER, {"Accept-Encoding": "br", "If-None-Match": tags["gzip"]})
    assert answer.status_code == 200 and body == on_disk(WORKER, "br")


def test_a_file_asked_for_by_its_hash_is_kept_for_ever_and_others_are_asked_for_again(
    central_with_app: TestClient,
) -> None:
    def caching(path: str) -> str:
        return str(central_with_app.head(path).headers["cache-control"])

    assert caching(f"{WORKER}?v={sha256(WORKER)[:16]}") == "public, max-age=31536000, immutable"
    for query in ("", "?v=", "?v=0123456789abcdef", f"?v={sha256(WORKER)}", f"?w={sha256(WORKER)[:16]}"):
        assert caching(WORKER + query) == "no-cache", query
    for address in ("/sw.js", "/index.html"):
        assert caching(f"{address}?v={sha256(address)[:16]}") == "no-cache", "a new version must be seen"


@pytest.mark.parametrize("path", ["/", "/?enrol=7KQ2M-X0D4T", "/visit/12", "/visit/12/room/a%20b?x=1.5", "/settings"])
def test_every_page_of_the_app_is_the_app_which_finds_its_own_way(central_with_app: TestClient, path: str) -> None:
    answer = central_with_app.get(path, headers=NAVIGATING)
    assert answer.status_code == 200 and answer.content == PAGE
    assert answer.headers["cache-control"] == "no-cache"


def test_the_front_page_is_there_for_whoever_asks(central_with_app: TestClient) -> None:
    assert central_with_app.get("/", headers={"Accept": "*/*"}).content == PAGE


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/visit/12", {"Accept": "*/*"}),
        ("/missing.js", NAVIGATING),
        ("/assets/missing.png", CHROME),
        ("/build.json", NAVIGATING),
        ("/main.dart.js.br", CHROME),
        ("/index.html.gz", NAVIGATING),
    ],
)
def test_what_the_build_does_not_list_is_not_there(
    central_with_app: TestClient, path: str, headers: dict[str, str]
) -> None:
    answer = central_with_app.get(path, headers=headers)
    assert answer.status_code == 404 and answer.json()["type"].endswith("/not-found")


def test_the_api_and_the_office_are_as_they_were_before(
    central_with_app: TestClient, opened: Callable[..., TestClient]
) -> None:
    without = opened(field_app=None)
    for method, path in (
        ("GET", "/api/v1/healthz"),
        ("GET", "/api/v1/nowhere"),
        ("GET", "/api"),
        ("GET", "/api/v1/devices"),
        ("HEAD", "/api/v1/summary"),
        ("GET", "/hq"),
        ("GET", "/hq/"),
        ("GET", "/hq/sign-in"),
        ("GET", "/hq/static/hq.css"),
        ("GET", "/favicon.ico"),
        ("POST", "/"),
        ("POST", "/visit/12"),
        ("DELETE", WORKER),
    ):
        before = without.request(method, path, headers=NAVIGATING)
        after = central_with_app.request(method, path, headers=NAVIGATING)
        assert after.status_code == before.status_code, (method, path)
        for answer in (before, after):
            for changing in ("set-cookie", "content-length"):
                answer.headers.pop(changing, None)
        if path != "/":
            assert after.headers == before.headers, (method, path)
    assert central_with_app.get("/hq/sign-in").headers["content-security-policy"] == PAGE_POLICY


def test_page_workers_and_all_else_come_with_the_policy_of_the_app(
    central_with_app: TestClient, opened: Callable[..., TestClient], build: Path
) -> None:
    for path in ("/", "/visit/12", "/worker.js", "/sw.js", "/canvaskit/canvaskit.wasm"):
        headers = central_with_app.get(path, headers=NAVIGATING).headers
        assert headers["content-security-policy"] == APP_POLICY, path
        assert headers["permissions-policy"] == "camera=(self), geolocation=(self), microphone=()"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers
    policy = {part.split()[0]: part.split()[1:] for part in APP_POLICY.split("; ")}
    assert policy["default-src"] == ["'self'"] and "'unsafe-inline'" not in policy["script-src"]
    assert not any("//" in source or source == "*" for sources in policy.values() for source in sources)
    secure = opened(field_app=build, public_url="https://kiemtra.example")
    assert secure.get("/").headers["strict-transport-security"]


def test_a_download_cut_in_the_valley_goes_on_where_it_broke(central_with_app: TestClient) -> None:
    whole = on_disk(WORKER, "br")
    answer, _ = raw(central_with_app, WORKER, CHROME)
    resumed, rest = raw(
        central_with_app, WORKER, {**CHROME, "Range": "bytes=1000-", "If-Range": answer.headers["etag"]}
    )
    assert resumed.status_code == 206 and rest == whole[1000:]
    other, all_of_it = raw(central_with_app, WORKER, {**CHROME, "Range": "bytes=1000-", "If-Range": '"other"'})
    assert other.status_code == 200 and all_of_it == whole


def test_no_address_leads_out_of_the_build_and_a_head_has_no_body(
    settings: Settings, clock: Clock, build: Path
) -> None:
    (build.parent / "central.sqlite").write_bytes(b"figures")
    app = create_app(replace(settings, field_app=build), clock)
    with serving(app, free_port()) as address:
        line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)

        def ask(method: str, target: str) -> tuple[int, bytes, http.client.HTTPMessage]:
            line.request(method, target, headers={**CHROME, **NAVIGATING})
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers

        for target in (
            "/../central.sqlite",
            "/%2e%2e/central.sqlite",
            "/assets/..%2f..%2fcentral.sqlite",
            "/assets/%2e%2e/build.json",
            "//etc/hosts.txt",
            "/%2fetc%2fhosts.txt",
            f"/{build}/index.html",
            "/index.html%00.js",
            "/assets\\..\\build.json",
        ):
            status, body, _ = ask("GET", target)
            assert status == 404 and b"figures" not in body, target
        for target in ("/", WORKER, f"{WORKER}?v={sha256(WORKER)[:16]}", "/icons/Icon-192.png"):
            _, sent, got = ask("GET", target)
            status, nothing, told = ask("HEAD", target)
            assert (status, nothing) == (200, b"")
            assert told["Content-Length"] == str(len(sent)), target
            for name in ("ETag", "Cache-Control", "Content-Type", "Content-Encoding", "Vary"):
                assert told[name] == got[name], (target, name)
        line.close()
    app.state.db.close()


@pytest.mark.parametrize("loss", ["replaced", "touched", "gone"])
def test_a_build_that_changes_under_central_is_never_taken_for_the_old_one(
    central_with_app: TestClient, build: Path, loss: str
) -> None:
    file = build / "main.dart.js.br"
    if loss == "replaced":
        file.write_bytes(b"br of another version")
    elif loss == "touched":
        file.write_bytes(file.read_bytes()[::-1])
        os.utime(file, ns=(1, 1))
    else:
        file.unlink()
    by_hash = f"{WORKER}?v={sha256(WORKER)[:16]}"
    answer, body = raw(central_with_app, by_hash, CHROME)
    assert answer.status_code == 503 and answer.headers["cache-control"] == "no-store"
    assert "vẫn an toàn" in json.loads(body)["title"] and answer.headers["retry-after"]
    assert raw(central_with_app, by_hash, PLAIN)[1] == FILES[WORKER], "what is as it was is still served"


def test_a_build_that_is_not_whole_is_not_served(build: Path, settings: Settings, clock: Clock) -> None:
    facts = (build / "build.json").read_text()

    def reason() -> str:
        with pytest.raises(NotBuilt) as refused:
            create_app(replace(settings, field_app=build), clock)
        (build / "build.json").write_text(facts)
        return str(refused.value)

    assert read_build(build).version == "0123456789ab"
    (build / "build.json").write_text(facts[:200])
    assert "không đầy đủ" in reason()
    (build / "build.json").write_text(facts.replace('"/index.html"', '"/page.html"'))
    assert "page.html" in reason()
    (build / "build.json").write_text(facts.replace('"/sw.js"', '"/../secret"'))
    (build.parent / "secret").write_bytes(FILES["/sw.js"])
    assert "lies outside" in reason()
    (build / "build.json").write_text('{"version": "x", "files": {}}')
    assert "/index.html" in reason()
    (build / "sw.js").write_bytes(b"another")
    assert "/sw.js: 7 bytes, not " in reason()
    (build / "sw.js").unlink()
    (build / "sw.js").symlink_to(build.parent / "secret")
    assert "lies outside" in reason()
    (build / "build.json").unlink()
    assert "build.json" in reason()


def test_without_a_build_the_front_page_says_what_to_do_and_keeps_the_code(opened: Callable[..., TestClient]) -> None:
    client = opened(field_app=None)
    bare = client.get("/", headers=NAVIGATING)
    assert bare.status_code == 503 and bare.headers["content-type"].startswith("text/html")
    assert "kiemtra app" in bare.text and 'href="/hq/"' in bare.text and "Mã ghi danh" not in bare.text
    assert bare.headers["content-security-policy"] == PAGE_POLICY and bare.headers["cache-control"] == "no-store"

    invited = client.get("/?enrol=7KQ2M-X0D4T", headers=NAVIGATING)
    assert invited.status_code == 503 and "7KQ2M-X0D4T" in invited.text
    assert "<script>" not in client.get("/?enrol=<script>").text
    assert client.get("/visit/12", headers=NAVIGATING).status_code == 404
