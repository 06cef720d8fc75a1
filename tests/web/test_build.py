"""The build: small enough for the valley, the same from the same sources, stopped when Flet is not the one it was made for."""

import json
import shutil
from pathlib import Path

import pytest

from app.screens.theme import FONTS
from web import client
from web.build import WIRE_MOST, BuildFailed, build, ensure, wire_bytes


@pytest.mark.long
def test_a_first_visit_is_light_enough(capsys: pytest.CaptureFixture[str]) -> None:
    folder = ensure()
    assert 8_000_000 < wire_bytes(folder, with_image=False) <= WIRE_MOST == 20_000_000


@pytest.mark.long
def test_the_same_sources_give_the_same_release(tmp_path: Path) -> None:
    said: list[str] = []
    again = build(tmp_path / "again", say=said.append)
    first = json.loads((ensure() / "build.json").read_text())
    assert again == first
    assert "MB qua mạng lần đầu" in said[-1]


@pytest.mark.long
def test_every_file_the_offline_copy_takes_is_there_and_nothing_else(tmp_path: Path) -> None:
    folder = ensure()
    worker = (folder / "sw.js").read_text()
    release = json.loads(worker.split("const RELEASE = ", 1)[1].split(";\n", 1)[0])
    there = {
        f"/{p.relative_to(folder).as_posix()}"
        for p in folder.rglob("*")
        if p.is_file() and p.suffix not in (".br", ".gz")
    }
    assert set(release["files"]) == there - {"/sw.js", "/build.json"}
    assert not [path for path in there if path.endswith((".py", ".map", ".d.ts", ".whl"))]


@pytest.mark.long
def test_no_file_names_a_place_on_the_network_that_is_asked(tmp_path: Path) -> None:
    """The client knows CDNs; each is either patched out or replaced by an address of ours in start.js."""
    folder = ensure()
    assert "cdn.jsdelivr.net" not in (folder / "start.js").read_text() + (folder / "worker.js").read_text()
    assert "k.src=A.dvv()" not in (folder / "main.dart.js").read_text()
    assert json.loads((folder / "pyodide" / "pyodide-lock.json").read_text())["packages"] == {}


def test_the_families_loaded_before_the_first_frame_are_those_the_screens_use() -> None:
    assert client.FONTS == FONTS


@pytest.mark.parametrize("patch", client.PATCHES, ids=lambda patch: patch.file)
def test_another_flet_stops_the_build_instead_of_breaking_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patch: client.Patch
) -> None:
    other = tmp_path / "web"
    shutil.copytree(client.client_folder(), other)
    file = other / patch.file
    file.write_text(file.read_text("utf-8").replace(patch.found, patch.found[::-1]), "utf-8")
    monkeypatch.setattr(client, "client_folder", lambda: other)
    with pytest.raises(BuildFailed, match=patch.file):
        client.copy_client(tmp_path / "out")


def test_another_version_of_flet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FLET", "1.0.6")
    with pytest.raises(BuildFailed, match=r"Cần flet-web 1\.0\.6"):
        client.client_folder()
