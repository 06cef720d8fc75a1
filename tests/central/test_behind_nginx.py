"""Central behind docs/nginx.conf, as a system administrator sets it up: a real nginx with a certificate of its own making.

Debian's package `nginx-light` is enough; without nginx these stories are skipped.
"""

import base64
import hashlib
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from central import access
from central.app import create_app
from central.database import rows
from central.field_app import APP_POLICY
from central.people import add_user
from central.settings import Settings
from tests.central.built import on_disk, sha256, write_build
from tests.central.conftest import PASSWORD, Clock
from tests.central.test_uploads_cut import photo
from tests.valley import free_port, serving

CONFIGURATION = Path(__file__).parents[2] / "docs" / "nginx.conf"
NAME = "kiemtra.example"
WORKER = "/main.dart.js"
MIB = 1024 * 1024

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""Debian puts it where only root looks. `make test` does not install it, since its package would begin to serve port 80."""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass
class Site:
    """Central as the network sees it: `url` leads to nginx."""

    app: FastAPI
    url: str
    plain_url: str
    trust: ssl.SSLContext
    port: int

    def browser(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client that trusts the certificate and comes from an address of this machine."""
        road = httpx.HTTPTransport(verify=self.trust, local_address=source)
        return httpx.Client(transport=road, base_url=self.url, headers={"Host": NAME}, timeout=20)


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key), self-signed, for the name and for this machine."""
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
         "-keyout", str(key), "-out", str(chain)],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


@pytest.fixture
def site(tmp_path: Path, settings: Settings, clock: Clock) -> Iterator[Site]:
    chain, key = certificate(tmp_path)
    behind, secure, plain = free_port(), free_port(), free_port()
    site = CONFIGURATION.read_text(encoding="utf-8")
    for ours, here in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{behind};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{secure} ssl http2;"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("/etc/ssl/kiemtra/fullchain.pem", str(chain)),
        ("/etc/ssl/kiemtra/privkey.pem", str(key)),
    ):
        assert site.count(ours) == 1, ours
        site = site.replace(ours, here)
    main = f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{\n"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        main += f"{kind}_temp_path {tmp_path}/{kind};\n"
    (tmp_path / "nginx.conf").write_text(f"{main}access_log off;\n{site}}}\n", encoding="utf-8")

    settings = replace(settings, public_url=f"https://{NAME}", field_app=write_build(tmp_path / "dist"))
    app = create_app(settings, clock)
    with app.state.db.writing() as connection:
        add_user(connection, "binh", "Trần Thị Bình", "home_affairs", None, app.state.passwords.hash(PASSWORD))
        add_user(connection, "dung", "Phạm Dũng", "inspector", "doan-1", None)
    with serving(app, behind):
        nginx = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        try:
            trust = ssl.create_default_context(cafile=str(chain))
            found = Site(app, f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}", trust, secure)
            with httpx.Client(transport=httpx.HTTPTransport(verify=trust, retries=8)) as client:
                client.get(f"{found.url}/api/v1/healthz", headers={"Host": NAME})
            assert nginx.poll() is None, (tmp_path / "error.log").read_text()
            yield found
        finally:
            nginx.terminate()
            nginx.wait()
    app.state.db.close()


def test_a_phone_is_led_to_https_and_told_to_stay_there(site: Site) -> None:
    moved = httpx.get(f"{site.plain_url}/?enrol=7KQ2M-X0D4T", headers={"Host": NAME})
    assert (moved.status_code, moved.headers["location"]) == (301, f"https://{NAME}/?enrol=7KQ2M-X0D4T")
    with site.browser() as browser:
        assert browser.get("/api/v1/healthz").json() == {"status": "ok"}
        front = browser.get("/?enrol=7KQ2M-X0D4T", headers={"Accept-Encoding": "gzip"})
        assert front.status_code == 200 and "Sổ kiểm tra" in front.text
        assert front.headers["strict-transport-security"] and front.headers["content-security-policy"] == APP_POLICY
        form = browser.get("/hq/sign-in")
        assert (
            form.status_code == 200
            and "__Host-" in form.headers["set-cookie"]
            and "Secure" in form.headers["set-cookie"]
        )


def test_packed_files_pass_through_untouched(site: Site) -> None:
    with site.browser() as browser:
        for coding in ("br", "gzip", "identity"):
            with browser.stream("GET", WORKER, headers={"Accept-Encoding": coding}) as answer:
                assert b"".join(answer.iter_raw()) == on_disk(WORKER, coding)
            assert answer.headers.get("content-encoding", "identity") == coding
            tag = answer.headers["etag"]
            assert not tag.startswith("W/")
            known = browser.get(WORKER, headers={"Accept-Encoding": coding, "If-None-Match": tag})
            assert known.status_code == 304
        kept = browser.head(f"{WORKER}?v={sha256(WORKER)[:16]}")
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_photo_arrives_whole_and_one_that_was_cut_goes_on(site: Site, clock: Clock) -> None:
    with site.app.state.db.writing() as connection:
        code = access.new_code(connection, site.app.state.settings.secret, "dung", "binh", clock())
    with site.browser() as phone:
        given = phone.post("/api/v1/devices", json={"code": code, "name": "Máy của Dũng"}).json()
        phone.headers.update({"Authorization": f"Bearer {given['token']}", "Tus-Resumable": "1.0.0"})

        def begin(size: int) -> tuple[str, bytes, str]:
            name, data = photo(size)
            named = base64.b64encode(name.encode()).decode()
            made = phone.post(
                "/api/v1/uploads", headers={"Upload-Length": str(size), "Upload-Metadata": f"sha256 {named}"}
            )
            assert made.status_code == 201, made.text
            return name, data, urlsplit(made.headers["location"]).path

        name, data, place = begin(MIB)
        sum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        sent = phone.patch(place, content=data, headers={**piece, "Upload-Checksum": f"sha256 {sum}"})
        assert (sent.status_code, sent.headers["upload-offset"]) == (204, str(MIB)), sent.text
        assert phone.get(f"/api/v1/photos/{name}").content == data

        _, data, place = begin(MIB)

        def cut() -> int:
            """Half of a photo on a line that breaks; what central then holds. Asking may end it before its first byte came."""
            with socket.create_connection(("127.0.0.1", site.port)) as wire:
                with site.trust.wrap_socket(wire, server_hostname=NAME) as line:
                    head = {**phone.headers, **piece, "Content-Length": str(MIB)}
                    line.sendall(f"PATCH {place} HTTP/1.1\r\n".encode())
                    line.sendall("".join(f"{key}: {value}\r\n" for key, value in head.items()).encode() + b"\r\n")
                    line.sendall(data[: MIB // 2])
            return int(phone.head(place).headers["upload-offset"])

        held = next(filter(None, (cut() for _ in range(200))), 0)
        assert 0 < held <= MIB // 2, "what arrived before the line broke counts"
        rest = phone.patch(place, content=data[held:], headers={**piece, "Upload-Offset": str(held)})
        assert (rest.status_code, rest.headers["upload-offset"]) == (204, str(MIB)), rest.text


def test_wrong_passwords_are_counted_for_who_typed_them_and_not_for_nginx(site: Site) -> None:
    with site.browser("127.0.0.2") as stranger:
        answer = stranger.post(
            "/api/v1/sessions",
            json={"user": "binh", "password": "đoán bừa một câu"},
            headers={"X-Forwarded-For": "10.9.8.7"},
        )
        assert answer.status_code == 401
    with site.app.state.db.reading() as connection:
        counted = {row["bucket"] for row in rows(connection, "SELECT bucket FROM attempt")}
    assert "sign-in:127.0.0.2" in counted and not any("10.9.8.7" in bucket for bucket in counted)
