"""`flet build apk` up to the point where Flutter is needed: what it reads from pyproject.toml and what it would ship.

flet_cli itself reads, checks and draws, over a working folder such as developers have, full of what must not be shipped;
only the Flutter and Android SDKs are left out.
"""

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flet_cli.commands.build import Command
from flet_cli.commands.flutter_base import BaseFlutterCommand
from packaging.requirements import Requirement
from PIL import Image

ROOT = Path(__file__).parent.parent
PYTHONS = {
    "default_python_version": "3.14",
    "pythons": {
        "3.14": {
            "full_version": "3.14.2",
            "pyodide_version": "314.0.7",
            "android_abis": ["arm64-v8a", "x86_64"],
        }
    },
}
"""The part of the list of Python builds, else downloaded, that is read here."""

DECOYS = (
    ".data/central.sqlite",
    ".cache/shots/today.png",
    ".env",
    ".venv/pyvenv.cfg",
    "app/__pycache__/state.cpython-311.pyc",
    "run/notes",
    "so_kiem_tra.egg-info/PKG-INFO",
    "web/dist/index.html",
)


@dataclass
class Apk:
    """What the build would make: the packager's options, and everything the Flutter project is drawn from."""

    folder: Path
    packing: list[str] = field(default_factory=list)
    flutter: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def given(self, option: str) -> list[str]:
        return [value for name, value in zip(self.packing, self.packing[1:], strict=False) if name == option]

    def shipped(self) -> set[str]:
        """Files as the packager copies them: it skips what is named, by its path, and all below."""
        left_out = set(self.given("--exclude"))

        def walk(folder: Path) -> Iterator[str]:
            for entry in folder.iterdir():
                name = str(entry.relative_to(self.folder))
                if name not in left_out:
                    yield from walk(entry) if entry.is_dir() else [name]

        return set(walk(self.folder))


class UpToFlutter(Command):
    """The real command; the packager it would start is only noted."""

    noted: Apk

    def run(self, args: list[str], cwd: str, env: Any = None, capture_output: bool = True) -> Any:
        self.noted.packing = args
        (self.noted.folder / "build" / "python-app").mkdir(parents=True)
        return subprocess.CompletedProcess(args, 0)


@pytest.fixture(scope="module")
def apk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apk]:
    folder = tmp_path_factory.mktemp("project")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in DECOYS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("none of the app")
    manifest = tmp_path_factory.mktemp("pythons") / "manifest.json"
    manifest.write_text(json.dumps(PYTHONS))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLET_PYTHON_BUILD_MANIFEST", str(manifest))
        patch.setattr(BaseFlutterCommand, "initialize_command", lambda command: None)
        parser = argparse.ArgumentParser()
        command = UpToFlutter(parser)
        command.options = parser.parse_args(["apk", str(folder)])
        command.target_platform = command.options.target_platform
        command.no_rich_output = True
        command.emojis = {"checkmark": "", "loading": "", "success": "", "directory": ""}
        command.dart_exe = command.flutter_exe = "no Flutter here"
        command.template_digest = ""
        command.noted = Apk(folder)

        command.initialize_command()
        command.validate_entry_point()
        command.setup_template_data()
        command.package_python_app()
        shutil.rmtree(folder / "build" / "python-app")
        command.customize_icons()
        command.customize_splash_images()
        command.add_flutter_command_args(command.noted.flutter)
        command.noted.facts = command.template_data or {}
        yield command.noted


def test_the_phone_gets_the_app_and_nothing_else(apk: Apk) -> None:
    shipped = apk.shipped()
    assert {name.split("/")[0] for name in shipped} == {"main.py", "app", "assets"}
    assert {"main.py", "app/start.py", "app/device/native.py", "app/sync/exchange.py"} <= shipped
    assert {"assets/checklist.json", "assets/units.csv", "assets/fonts/Roboto-Bold.ttf"} <= shipped
    assert shipped.isdisjoint(DECOYS) and "assets/demo_cases.yaml" not in shipped
    assert "central/sync_api.py" in {str(path.relative_to(apk.folder)) for path in apk.folder.rglob("*.py")}


def test_the_phone_gets_the_packages_of_the_app_and_none_of_central(apk: Apk) -> None:
    wanted = {Requirement(line).name for line in apk.given("-r")}
    assert {"flet", "flet-camera", "httpx", "pillow", "sqlmodel", "pydantic", "sqlalchemy"} <= wanted
    assert wanted.isdisjoint({"fastapi", "uvicorn", "flet-web", "flet-cli", "argon2-cffi", "python-docx", "pytest"})
    assert "pydantic-core" not in wanted


def test_the_phone_is_asked_for_camera_and_for_position_in_use_only(apk: Apk) -> None:
    asked = apk.facts["options"]["android_permissions"]
    assert {name.removeprefix("android.permission.") for name, is_asked in asked.items() if is_asked} == {
        "INTERNET",
        "CAMERA",
        "ACCESS_COARSE_LOCATION",
        "ACCESS_FINE_LOCATION",
    }
    assert asked["android.permission.ACCESS_BACKGROUND_LOCATION"] is False
    needed = apk.facts["options"]["android_features"]
    assert {"android.hardware.camera", "android.hardware.location.gps"} <= set(needed) and not any(needed.values())


def test_the_app_has_a_name_an_id_a_version_and_colours(apk: Apk) -> None:
    names = ("product_name", "bundle_id", "org_name", "artifact_name", "project_name", "python_module_name")
    assert [apk.facts[name] for name in names] == [
        "Sổ kiểm tra",
        "vn.sokiemtra.app",
        "vn.sokiemtra",
        "so-kiem-tra",
        "so_kiem_tra",
        "main",
    ]
    assert apk.facts["company_name"] and apk.facts["copyright"]
    assert ("--build-number", "1") in zip(apk.flutter, apk.flutter[1:], strict=False)
    assert "--build-name" in apk.flutter
    assert apk.facts["adaptive_icon_background"] == "#FFFDF5"
    assert (apk.facts["splash"]["color"], apk.facts["splash"]["android"]) == ("#FBFAF5", True)
    assert apk.facts["no_cdn"] is True and apk.facts["web_renderer"] == "canvaskit"


def test_icon_and_splash_are_drawn_from_our_own_pictures(apk: Apk) -> None:
    drawn = apk.folder / "build" / "flutter" / "android" / "app" / "src" / "main" / "res"
    for name, size in (
        ("mipmap-xxxhdpi/ic_launcher.png", 192),
        ("drawable-xxxhdpi/ic_launcher_foreground.png", 432),
        ("drawable-xxxhdpi/splash.png", 1152),
        ("drawable-xxxhdpi/android12splash.png", 1152),
    ):
        with Image.open(drawn / name) as picture:
            assert picture.size == (size, size), name
            colours = {colour[:3] for _, colour in picture.convert("RGBA").getcolors(size * size) or []}
        assert (0x0B, 0x5D, 0x4B) in colours, f"{name} is not the green notebook"
