"""Home Affairs for the screens' stories: a real central in a process of its own, and an officer who reads its figures."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from openpyxl import load_workbook

from tests.ui.driver import free_port, until

ROOT = Path(__file__).parents[2]


@dataclass
class Central:
    """Central with its marked demo on a port of its own; started and ended as a story needs it, its data stays."""

    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    field_app: Path | None = None
    """Another build of the field app than the one made from these sources."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Central":
        """Starts it without waiting; `ready` waits."""
        self.data.mkdir(parents=True, exist_ok=True)
        settings = {"KIEMTRA_DATA": str(self.data), "KIEMTRA_HOST": "127.0.0.1", "KIEMTRA_PORT": str(self.port)}
        if self.field_app:
            settings["KIEMTRA_FIELD_APP"] = str(self.field_app)
        with (self.data / "central.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "central", "serve", "--demo"],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def ready(self) -> "Central":
        until(self._answers, f"central answers: {(self.data / 'central.log').read_text()[-2000:]}", 90)
        return self

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "central ended"
        try:
            return httpx.get(f"{self.url}/api/v1/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
        self.process = None

    @property
    def facts(self) -> dict[str, Any]:
        """What `make run` would print: codes for phones, the officer's sign-in."""
        known: dict[str, Any] = json.loads((self.data / "demo.json").read_text(encoding="utf-8"))
        return known


class Officer:
    """A script of Home Affairs, signed in over the API."""

    def __init__(self, central: Central):
        facts = central.facts
        self.client = httpx.Client(base_url=f"{central.url}/api/v1", timeout=30)
        given = self.client.post("/sessions", json={"user": facts["hq_user"], "password": facts["hq_password"]})
        given.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {given.json()['token']}"

    def close(self) -> None:
        self.client.close()

    def _summary(self, format: str) -> httpx.Response:
        answer = self.client.get("/summary", params={"format": format})
        answer.raise_for_status()
        return answer

    def as_json(self) -> dict[str, Any]:
        document: dict[str, Any] = self._summary("json").json()
        return document

    def as_csv(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self._summary("csv").content.decode("utf-8-sig"))))

    def as_xlsx(self, sheet: str = "Cuộc kiểm tra") -> list[dict[str, Any]]:
        """The lines of a sheet under the headings it has in Excel."""
        rows = load_workbook(io.BytesIO(self._summary("xlsx").content))[sheet].iter_rows(min_row=3, values_only=True)
        heads = [str(head) for head in next(rows)]
        return [dict(zip(heads, row, strict=True)) for row in rows]
