"""The command `kiemtra`, as an administrator types it; real settings, a real folder, one real server."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.sync.journal import Change
from central import cli
from central.app import system_clock
from central.cli import main
from central.database import Database, rows
from central.field_app import APP_POLICY
from central.intake import write_as_central
from central.settings import Settings, SettingsError
from tests.central.built import FILES, write_build
from web.build import BuildFailed, wire_bytes

ROOT = Path(__file__).parents[2]
SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
USERS = "id,name,role,team,team_name\nbinh,Trần Thị Bình,home_affairs,,\ndung,Phạm Dũng,inspector,doan-1,Đoàn số 1\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a real central in a folder of its own."""
    for name in [name for name in os.environ if name.startswith("KIEMTRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KIEMTRA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KIEMTRA_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command; gives its status and what it said and complained of."""

    def command(*words: str | Path) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        said = capsysbinary.readouterr()
        return status, said.out.decode("utf-8", "replace"), said.err.decode()

    return command


@pytest.fixture
def office_made(run: Run, tmp_path: Path) -> Path:
    file = tmp_path / "users.csv"
    file.write_text(USERS, encoding="utf-8")
    assert run("import", "users", file)[0] == 0
    return file


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KIEMTRA_DATA", "", "KIEMTRA_DATA"),
        ("KIEMTRA_SECRET", "", "openssl rand -hex 32"),
        ("KIEMTRA_SECRET", "short", "quá ngắn hoặc dễ đoán"),
        ("KIEMTRA_SECRET", "changeme-changeme-changeme-changeme", "quá ngắn hoặc dễ đoán"),
        ("KIEMTRA_SECRET", "0" * 64, "quá ngắn hoặc dễ đoán"),
        ("KIEMTRA_PORT", "abc", "KIEMTRA_PORT"),
        ("KIEMTRA_PORT", "70000", "KIEMTRA_PORT"),
        ("KIEMTRA_PUBLIC_URL", "kiemtra.example", "KIEMTRA_PUBLIC_URL"),
        ("KIEMTRA_DATABASE_URL", "mysql://x/y", "SQLite"),
        ("KIEMTRA_PHOTOS_URL", "s3://bucket", "thư mục"),
    ],
)
def test_central_does_not_start_with_defaults_or_nonsense(
    run: Run, monkeypatch: pytest.MonkeyPatch, data: Path, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    status, _, complained = run("serve")
    assert status == 1 and said in complained and len(complained.splitlines()) == 1 and not data.exists()


def test_the_folder_of_a_demo_is_not_served_as_real(run: Run, data: Path) -> None:
    Settings.from_environment(start_demo=True)
    secret = (data / "demo-secret").read_bytes()
    assert len(secret) == 64 and (data / "demo-secret").stat().st_mode & 0o077 == 0
    status, _, complained = run("serve")
    assert status == 1 and "bản thử" in complained
    assert Settings.from_environment().secret == secret, "other commands work on the demo too"


def test_a_taken_port_gives_one_clear_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("KIEMTRA_PORT", str(taken.getsockname()[1]))
        status, _, complained = run("serve")
    assert status == 1 and "KIEMTRA_PORT" in complained and len(complained.splitlines()) == 1


def test_central_serves_until_it_is_told_to_stop(run: Run, office_made: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"KIEMTRA_PORT": str(port), "KIEMTRA_FIELD_APP": str(write_build(tmp_path / "dist"))}
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
    central = subprocess.Popen(
        [sys.executable, "-m", "central", "serve"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert central.stdout
        said = ""
        while "Chưa ai đăng nhập được" not in said:
            line = central.stdout.readline()
            assert line, said
            said += line
        assert f"http://127.0.0.1:{port}/hq/" in said
        assert f"field app: http://127.0.0.1:{port}/\n" in said
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/api/v1/healthz").json() == {"status": "ok"}
            assert "server" not in client.get("/api/v1/healthz").headers
            assert client.get("/", headers={"accept-encoding": "gzip"}).headers["content-security-policy"] == APP_POLICY
        central.send_signal(signal.SIGTERM)
        assert central.wait(20) in (0, -signal.SIGTERM)
    finally:
        if central.poll() is None:
            central.kill()
            central.wait()


def test_the_app_is_built_by_a_command_that_says_what_it_costs_a_phone(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = write_build(tmp_path / "dist")
    monkeypatch.setattr(cli, "ensure", lambda say: folder)
    monkeypatch.delenv("KIEMTRA_DATA")
    status, said, _ = run("app")
    size = f"{wire_bytes(folder):,}".replace(",", ".")
    assert status == 0
    for fact in (str(folder), "0123456789ab", f"files: {len(FILES)}\n", f"over the wire: {size} byte"):
        assert fact in said


def test_central_runs_on_when_the_app_cannot_be_built(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path
) -> None:
    def failing(say: Callable[[str], None]) -> Path:
        say("Đang dựng ứng dụng / building the field app")
        raise BuildFailed("Thiếu gói flet-web:\nhãy chạy make run. / flet-web is missing.")

    served: list[FastAPI] = []
    monkeypatch.setattr(cli, "ensure", failing)
    monkeypatch.setattr("uvicorn.run", lambda app, **_: served.append(app))
    status, said, _ = run("serve")
    line = next(line for line in said.splitlines() if "trung tâm vẫn chạy" in line)
    assert status == 0 and "Thiếu gói flet-web: hãy chạy make run." in line
    front = TestClient(served[0]).get("/")
    assert front.status_code == 503 and "kiemtra app" in front.text
    served[0].state.db.close()

    status, _, complained = run("app")
    assert status == 1 and "Thiếu gói flet-web" in complained
    monkeypatch.setattr(cli, "ensure", lambda say: tmp_path)
    status, said, _ = run("serve")
    assert status == 0 and "không đầy đủ" in said and served[1].state.settings.field_app is None
    served[1].state.db.close()
    assert "không đầy đủ" in run("app")[2]


def test_an_officer_gets_a_password_and_an_inspector_a_code(
    run: Run, office_made: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed, status, said in (("ngắn\n", 1, "từ 12 đến"), ("mưa rào Mường Lống\n", 0, "Đã đặt mật khẩu")):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        outcome = run("password", "--user", "binh")
        assert outcome[0] == status and said in outcome[1] + outcome[2]
    assert "kiemtra enrol --user dung" in run("password", "--user", "dung")[2]

    status, said, _ = run("enrol", "--user", "dung", "--hours", "48")
    code = re.search(r"code: ([0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5})\n", said)
    assert status == 0 and code and f"/?enrol={code[1]}" in said and "Hết hạn" in said and "█" in said
    assert run("enrol", "--user", "khong-co")[0] == 1
    db = Database(f"sqlite:///{data / 'central.sqlite'}")
    with db.reading() as connection:
        kept = rows(connection, "SELECT user_id, made_at, expires_at FROM enrolment_code")
        hashed = rows(connection, "SELECT password_hash FROM \"user\" WHERE id = 'binh'")[0]["password_hash"]
    db.close()
    assert [row["user_id"] for row in kept] == ["dung"] and kept[0]["expires_at"] - kept[0]["made_at"] == 48 * 3_600_000
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_faulty_file_is_named_line_by_line_and_changes_nothing(run: Run, tmp_path: Path, data: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text(
        "code,name_vi,level,parent_code,valid_from,valid_to,successor_codes\n40,,province,,,,\n41,X,la,,,,\n"
    )
    status, _, complained = run("import", "units", file)
    assert status == 1 and "dòng 2: name_vi" in complained and "dòng 3: level" in complained
    assert "Không đọc được tệp" in run("import", "template", tmp_path / "absent.yaml")[2]
    assert run("import", "units", ROOT / "assets" / "units.csv")[1].startswith("Đã nhập 1305, mới hoặc thay đổi 1305")
    template = ROOT / "tests" / "domain" / "checklist_spot_check.yaml"
    assert run("import", "template", template)[0] == 0
    assert "mới hoặc thay đổi 0" in run("import", "template", template)[1]


def test_commands_do_not_invent_a_central_where_there_is_none(run: Run, data: Path) -> None:
    for words in (["verify"], ["rebuild"], ["export"], ["enrol", "--user", "dung"], ["password", "--user", "binh"]):
        status, _, complained = run(*words)
        assert status == 1 and "KIEMTRA_DATA" in complained, words
    assert not data.exists()


def test_what_was_altered_is_named_and_rebuilt_tables_are_whole_again(run: Run, office_made: Path, data: Path) -> None:
    db = Database(f"sqlite:///{data / 'central.sqlite'}")
    with db.writing() as connection:
        plan = Change("round", "dot-1", {"name": "Đợt 1/2026", "starts_on": "2026-11-01"}, "")
        write_as_central(connection, db.central_device, "an", [plan], system_clock())

    def alter(sql: str) -> None:
        with db.writing() as connection:
            connection.exec_driver_sql(sql)

    assert run("verify")[0] == 0
    alter("UPDATE round SET name = 'Đợt khác'")
    status, said, _ = run("verify")
    assert status == 1 and "bảng round dot-1" in said
    assert run("rebuild")[0] == 0 and "Nguyên vẹn" in run("verify")[1]
    alter("UPDATE entry SET patch = replace(patch, 'Đợt 1', 'Đợt 2') WHERE kind = 'round'")
    status, said, _ = run("verify")
    assert status == 1 and f"máy {db.central_device}" in said and "mã băm không khớp" in said
    assert "Không có cuộc kiểm tra" in run("verify", "khong-co-cuoc-nay")[2]
    db.close()


def test_figures_are_exported_to_a_file_or_a_pipe(run: Run, office_made: Path, tmp_path: Path) -> None:
    status, said, _ = run("export", "--from", "2026-10-01", "--to", "2026-12-31", "--format", "json")
    document = json.loads(said)
    assert (status, document["from"], document["to"], document["visits"]) == (0, "2026-10-01", "2026-12-31", [])
    assert run("export")[1].startswith("\ufeffvisit_id,")
    assert run("export", "--format", "xlsx", "--output", tmp_path / "q4.xlsx")[0] == 0
    assert (tmp_path / "q4.xlsx").read_bytes().startswith(b"PK")
    assert "2026-10-01" in run("export", "--from", "1/10/2026")[2]
    assert run("export", "--output", tmp_path / "absent" / "x.csv")[0] == 1


def test_a_file_that_is_no_database_is_said_in_one_line(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "central.sqlite").write_bytes(b"this is no database, it is a text file that somebody renamed" * 20)
    status, _, complained = run("verify")
    assert status == 1 and "Không đọc được cơ sở dữ liệu" in complained and len(complained.splitlines()) == 1


def test_a_secret_is_never_printed_with_the_settings(data: Path) -> None:
    assert SECRET not in repr(Settings.from_environment())
    with pytest.raises(SettingsError):
        Settings.from_environment({"KIEMTRA_DATA": "x"})
