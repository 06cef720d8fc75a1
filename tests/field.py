"""Phones for stories: a real notebook and real photo files in a folder, a clock the story moves, the real sync over HTTP."""

import random
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from app.notebook import Notebook
from app.photos.disk import FolderOnDisk
from app.photos.store import PhotoFiles
from app.recorder import Enrolment
from app.sync import exchange
from app.sync.files import File
from tools.demo import keeper, photographer, read_cases

ASSETS = Path(__file__).parents[1] / "assets"
MORNING = 1_795_221_900_000
"""2026-11-21 07:45 at +07:00."""


class FieldClock:
    """Unix ms of one phone; `advance` moves it."""

    def __init__(self, ms: int = MORNING):
        self.ms = ms

    def __call__(self) -> int:
        return self.ms

    def advance(self, ms: int) -> None:
        self.ms += ms


class Phone:
    """One phone in the field."""

    def __init__(self, folder: Path, clock: Callable[[], int] | None = None, seed: int | None = None):
        self.folder, self.clock = folder, clock or FieldClock()
        self._entropy = random.Random(seed).randbytes if seed is not None else secrets.token_bytes
        self.files = PhotoFiles(FolderOnDisk(folder / "photos"))
        self.photograph, self.keep = photographer(self.files), keeper(self.files)
        self.on_progress: Callable[[exchange.Progress], None] = lambda _: None
        self.wanted: Callable[[File], bool] = lambda _: True
        self.open()

    def open(self) -> None:
        self.book = Notebook(self.folder / "notebook.sqlite", now=self.clock, entropy=self._entropy, assets=ASSETS)

    def close(self) -> None:
        self.book.close()

    def enrol_alone(
        self, device: str = "0199c0de-0000-7000-8000-000000000001", user: str = "u-an", team: str = "doan-1"
    ) -> None:
        """A place in a team without any central, for stories that never leave the valley."""
        self.book.enrol(
            Enrolment(device, "token", "server", "http://127.0.0.1:1", user, "An", "inspector", team, "Đoàn liên ngành")
        )

    async def enrol(self, client: httpx.AsyncClient, code: str) -> None:
        """Enrol at a real central."""
        given = await exchange.enrol(client, code, "Máy thử", self.book.install)
        team = given["team"] or {"id": "", "name": ""}
        self.book.enrol(
            Enrolment(
                given["device_id"], given["token"], given["server_id"], str(client.base_url).rstrip("/"),
                given["user"]["id"], given["user"]["name"], given["user"]["role"], team["id"], team["name"],
            )
        )  # fmt: skip

    async def sync(self, client: httpx.AsyncClient) -> exchange.Progress:
        """One run of the real sync."""
        enrolment = self.book.enrolment
        assert enrolment is not None
        client.headers["Authorization"] = f"Bearer {enrolment.token}"

        async def read_file(name: str) -> bytes:
            return self.files.read(name)

        return await exchange.run(
            exchange.Run(
                self.book.store, client, enrolment.token, self.clock, self._entropy, read_file, self.on_progress,
                self.book.changed_by_sync, self.book.reload, first=self.book.photos_of_findings,
                wanted=self.wanted,
            )
        )  # fmt: skip


def cases() -> dict[str, Any]:
    """The six public cases by id."""
    return {case["id"]: case for case in read_cases()["visits"]}
