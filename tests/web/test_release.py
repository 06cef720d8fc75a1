"""A newer release: fetched in passing, taken whole or not at all, started when the inspector says so."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ui.driver import Phone, until
from tests.ui.home_affairs import ROOT, Central
from tests.web.conftest import PocketMaker
from tests.web.pocket import Pocket, python, shown
from tests.web.test_offline_visit import enrolled
from web.build import build, ensure

LOOK = """async () => {
    const kept = await navigator.serviceWorker.getRegistration();
    try { await kept.update(); } catch (refused) { return String(refused); }
    return '';
}"""
WAITS = "async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)"
IDLE = "async () => { const k = await navigator.serviceWorker.getRegistration(); return !k.installing && !k.waiting; }"


@dataclass
class Releases:
    """Three builds of the app: as it is, with one word changed, and that one with a file missing."""

    old: Path
    new: Path
    broken: Path


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    folder = tmp_path_factory.mktemp("releases")
    changed = folder / "sources"
    for part in ("app", "assets"):
        shutil.copytree(ROOT / part, changed / part, ignore=shutil.ignore_patterns("__pycache__"))
    words = changed / "app" / "screens" / "words.py"
    text = words.read_text(encoding="utf-8")
    assert text.count('"Hôm nay"') == 1
    words.write_text(text.replace('"Hôm nay"', '"Ngày nay"'), encoding="utf-8")
    old = folder / "old"
    shutil.copytree(ensure(), old)
    new, broken = folder / "new", folder / "broken"
    build(new, root=changed)
    shutil.copytree(new, broken)
    facts = json.loads((broken / "build.json").read_text())
    del facts["files"]["/app.zip"]
    (broken / "build.json").write_text(json.dumps(facts))
    return Releases(old, new, broken)


@pytest.fixture
def central(tmp_path: Path, releases: Releases) -> Iterator[Central]:
    central = Central(tmp_path / "central", field_app=releases.old)
    yield central.start().ready()
    central.stop()


def serve(central: Central, release: Path) -> None:
    """The administrator puts another release in place."""
    central.stop()
    central.field_app = release
    central.start().ready()


@pytest.mark.long
def test_a_release_that_changes_only_the_app_costs_three_files_and_waits(
    central: Central, releases: Releases, pocket: Pocket
) -> None:
    phone = enrolled(pocket, central)
    page = phone.page
    phone.tap("start-visit")
    phone.type_into("search", "muong long")
    phone.tap("unit-16831")
    phone.box("review")
    visit = phone.here()
    phone.tap("section-attendance-room")
    phone.sees("Chưa có phòng nào")
    phone.type_into("room-name", "Phòng Văn")
    phone.awake("room-add")  # half a name, not added yet

    serve(central, releases.broken)
    page.evaluate(LOOK)
    until(lambda: page.evaluate(IDLE), "the broken release was given up")
    assert "Phòng Văn" in phone.reading()

    serve(central, releases.new)
    asked = len(pocket.requests)
    assert page.evaluate(LOOK) == ""
    until(lambda: page.evaluate(WAITS), "the new release lies ready")
    fetched = [url for url in pocket.requests[asked:] if "/api/" not in url]
    assert any("/app.zip?v=" in url for url in fetched), fetched
    assert len(fetched) <= 3, fetched
    assert not phone.has("switch-release") and "Phòng Văn" in phone.reading(), "a half-done form is not disturbed"

    pocket.context.pages[-1].reload()
    phone = Phone(page)
    pocket.reopened(page)
    phone.sees_not("Ngày nay")  # a reload alone does not switch
    phone.open(f"{central.url}/", "Hôm nay")
    phone.tap("switch-release")
    pocket.reopened(page)
    phone.sees("Ngày nay")
    phone.open(f"{central.url}{visit}", "Xã Mường Lống")
    assert page.evaluate("async () => (await caches.keys()).length") == 1


STARTED = "import os, random; [os.environ.get('PYTHONHASHSEED'), random.random()]"
"""Whether Python started from the memory image, which was made with a seed of its own; and what it rolls first."""


def test_every_phone_starts_from_the_image_with_dice_of_its_own(central: Central, new_pocket: PocketMaker) -> None:
    pages = [new_pocket().page(central.url) for _ in range(2)]
    for page in pages:
        shown(page, "Ghi danh máy này")
    (seed, one), (_, other) = (python(page, STARTED) for page in pages)
    assert seed == "0", "it started from the image"
    assert one != other


def test_an_image_that_does_not_load_costs_time_and_nothing_else(central: Central, pocket: Pocket) -> None:
    pocket.context.route("**/pyodide/image.bin", lambda road: road.fulfill(body=b"half a file"))
    phone = enrolled(pocket, central)
    assert python(phone.page, STARTED)[0] is None
    assert phone.has("start-visit")
