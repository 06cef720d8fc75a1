"""Where central keeps things and what it is called, from the environment; wrong or missing settings stop it at once."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

SECRET_BYTES = 32
"""Shortest secret accepted: 256 bits."""

DEMO_SECRET = "demo-secret"
"""File in the data folder of a demo; its presence marks the folder as a demo."""

WEAK_SECRETS = ("changeme", "change-me", "secret", "password", "demo", "test", "default", "kiemtra")


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message says what to do, Vietnamese first."""


class PasswordCost(NamedTuple):
    """Argon2id with one lane: memory in KiB and rounds."""

    memory_kib: int
    rounds: int


OWASP_COST = PasswordCost(memory_kib=19456, rounds=2)
"""From the OWASP password storage cheat sheet."""


@dataclass(frozen=True)
class Settings:
    """Facts that hold while central runs. `public_url` has no slash at its end."""

    data: Path
    database_url: str
    photos: Path
    secret: bytes = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    is_demo: bool = False
    public_url: str = "http://127.0.0.1:8000"
    field_app: Path | None = None
    """The folder of the built field app, served at `/`; None: there is none."""
    password_cost: PasswordCost = OWASP_COST
    witness: Path | None = None
    """The file that tells when the database was restored; None: beside the database."""

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @classmethod
    def in_folder(
        cls, data: Path, secret: bytes, *, is_demo: bool = False, password_cost: PasswordCost = OWASP_COST
    ) -> Self:
        """Everything in one folder: a SQLite file and the photos beside it."""
        return cls(
            data=data,
            database_url=f"sqlite:///{data / 'central.sqlite'}",
            photos=data / "photos",
            secret=secret,
            is_demo=is_demo,
            password_cost=password_cost,
        )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, start_demo: bool = False, needs_secret: bool = True
    ) -> Self:
        """Settings from KIEMTRA_DATA, _DATABASE_URL, _PHOTOS_URL, _SECRET, _HOST, _PORT, _PUBLIC_URL, _FIELD_APP
        and _WITNESS.

        A demo's folder holds its own random secret, made here on the first `start_demo`; real work takes it from
        KIEMTRA_SECRET only; what signs nothing does without. Raises SettingsError.
        """
        given = os.environ if environment is None else environment
        if not given.get("KIEMTRA_DATA"):
            raise SettingsError(
                "Chưa đặt KIEMTRA_DATA: hãy chỉ thư mục chứa dữ liệu. / KIEMTRA_DATA is not set: name the data folder."
            )
        data = Path(given["KIEMTRA_DATA"]).expanduser().resolve()
        is_demo = start_demo or (data / DEMO_SECRET).exists()
        database_url = given.get("KIEMTRA_DATABASE_URL") or f"sqlite:///{data / 'central.sqlite'}"
        if not database_url.startswith("sqlite:///"):
            raise SettingsError(
                "KIEMTRA_DATABASE_URL: bản này chỉ dùng SQLite, ví dụ sqlite:////srv/kiemtra/central.sqlite. / "
                "This version runs on SQLite only, such as sqlite:////srv/kiemtra/central.sqlite."
            )
        host = given.get("KIEMTRA_HOST") or "127.0.0.1"
        port = _port(given.get("KIEMTRA_PORT") or "8000")
        public_url = (given.get("KIEMTRA_PUBLIC_URL") or f"http://{host}:{port}").rstrip("/")
        if urlsplit(public_url).scheme not in ("http", "https") or not urlsplit(public_url).netloc:
            raise SettingsError(
                "KIEMTRA_PUBLIC_URL phải có dạng https://ten-may. / KIEMTRA_PUBLIC_URL must look like https://host."
            )
        return cls(
            data=data,
            database_url=database_url,
            photos=_photos(given.get("KIEMTRA_PHOTOS_URL") or "", data),
            secret=_demo_secret(data)
            if is_demo
            else _secret(given.get("KIEMTRA_SECRET") or "")
            if needs_secret
            else b"",
            host=host,
            port=port,
            is_demo=is_demo,
            public_url=public_url,
            field_app=Path(given["KIEMTRA_FIELD_APP"]).resolve() if given.get("KIEMTRA_FIELD_APP") else None,
            witness=Path(given["KIEMTRA_WITNESS"]).resolve() if given.get("KIEMTRA_WITNESS") else None,
        )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise SettingsError(f"KIEMTRA_PORT phải là số từ 1 đến 65535: {text!r}. / KIEMTRA_PORT must be 1 to 65535.")


def _photos(url: str, data: Path) -> Path:
    if not url:
        return data / "photos"
    if url.startswith("file://"):
        return Path(unquote(urlsplit(url).path))
    raise SettingsError(
        "KIEMTRA_PHOTOS_URL: bản này chỉ lưu ảnh vào thư mục, ví dụ file:///srv/kiemtra/photos. / "
        "This version keeps photos in a folder only, such as file:///srv/kiemtra/photos."
    )


def _secret(text: str) -> bytes:
    if not text:
        raise SettingsError(
            "Chưa đặt KIEMTRA_SECRET. Tạo một lần bằng lệnh: openssl rand -hex 32. / "
            "KIEMTRA_SECRET is not set. Make one, once: openssl rand -hex 32."
        )
    is_weak = any(word in text.casefold() for word in WEAK_SECRETS) or len(set(text)) < 10
    if len(text.encode()) < SECRET_BYTES or is_weak:
        raise SettingsError(
            "KIEMTRA_SECRET quá ngắn hoặc dễ đoán. Tạo bằng lệnh: openssl rand -hex 32. / "
            "KIEMTRA_SECRET is too short or easily guessed. Make one: openssl rand -hex 32."
        )
    return text.encode()


def _demo_secret(data: Path) -> bytes:
    """The demo's own secret: random, made once, readable by its owner only."""
    path = data / DEMO_SECRET
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
    return path.read_bytes()
