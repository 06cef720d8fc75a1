"""The contract at /api/v1/openapi.json against a stranger who believes every word of it and tries everything.

schemathesis reads the description from a real server and sends what it allows and what it forbids, as a phone, as Home
Affairs and as nobody; no answer may be a 5xx, undeclared, or of another form than declared.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central import demo
from central.app import create_app
from central.settings import PasswordCost, Settings
from tests.valley import free_port, serving

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)
WHOLE = 2000
"""Examples of the long run, over the three callers together."""

HOOKS = """import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
"""


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """Central with the demo's people, units and rounds."""
    settings = Settings.in_folder(
        tmp_path / "central", b"k" * 32, is_demo=True, password_cost=PasswordCost(memory_kib=8, rounds=1)
    )
    return create_app(settings)


def callers(app: FastAPI) -> dict[str, str]:
    """Authorization of a phone, of Home Affairs and of nobody."""
    facts = demo.make_demo(app, app.state.settings.data)
    client = TestClient(app)
    code = facts["enrolment_codes"][0]  # type: ignore[index]
    phone = client.post("/api/v1/devices", json={"code": code, "name": "Máy thử"}).json()["token"]
    signed_in = client.post("/api/v1/sessions", json={"user": demo.HQ_USER, "password": demo.HQ_PASSWORD}).json()
    return {"phone": f"Bearer {phone}", "home affairs": f"Bearer {signed_in['token']}", "nobody": ""}


def fuzz(url: str, authorization: str, examples: int, folder: Path) -> int:
    """Runs schemathesis; returns how many examples it sent. AssertionError with its report when it found anything."""
    (folder / "hooks.py").write_text(HOOKS, encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/api/v1/openapi.json",
        "--phases", "coverage,fuzzing", "-n", str(examples), "--seed", "1", "-c", CHECKS, "--no-color",
    ]  # fmt: skip
    if authorization:
        command += ["-H", f"Authorization: {authorization}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    report = done.stdout + done.stderr
    assert done.returncode == 0, report[-8000:]
    found = re.search(r"(\d+) generated, (\d+) passed", report)
    assert found and found[1] == found[2], report[-8000:]
    return int(found[1])


def test_a_stranger_finds_no_answer_outside_the_contract(app: FastAPI, tmp_path: Path) -> None:
    with serving(app, free_port()) as url:
        assert fuzz(url, callers(app)["phone"], 5, tmp_path) > 100


@pytest.mark.long
def test_two_thousand_examples_find_no_answer_outside_the_contract(app: FastAPI, tmp_path: Path) -> None:
    with serving(app, free_port()) as url:
        sent = sum(fuzz(url, authorization, 60, tmp_path) for authorization in callers(app).values())
    assert sent >= WHOLE


def test_every_call_of_the_design_is_described_with_its_refusals(app: FastAPI) -> None:
    document = TestClient(app).get("/api/v1/openapi.json").json()
    described = {
        (method.upper(), path)
        for path, calls in document["paths"].items()
        for method in calls
        if method != "parameters"
    }
    assert described >= {
        ("POST", "/api/v1/devices"),
        ("POST", "/api/v1/sessions"),
        ("POST", "/api/v1/sync"),
        ("GET", "/api/v1/reference"),
        ("OPTIONS", "/api/v1/uploads"),
        ("POST", "/api/v1/uploads"),
        ("HEAD", "/api/v1/uploads/{sha256}"),
        ("PATCH", "/api/v1/uploads/{sha256}"),
        ("DELETE", "/api/v1/uploads/{sha256}"),
        ("GET", "/api/v1/photos/{sha256}"),
        ("GET", "/api/v1/summary"),
        ("GET", "/api/v1/visits"),
        ("GET", "/api/v1/visits/{visit_id}"),
        ("GET", "/api/v1/visits/{visit_id}/journal"),
        ("GET", "/api/v1/healthz"),
    }
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            for status, answer in call["responses"].items():
                if status >= "400" and method != "head":
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
