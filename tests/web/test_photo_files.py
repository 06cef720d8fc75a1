"""Photo files in the browser's own storage: whole or not at all, whatever ends the browser and whatever it lacks."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.ui.driver import until
from tests.ui.home_affairs import Central
from tests.web.pocket import WARM_SECONDS, Pocket, python, worker_of

HERE = """
import asyncio, base64, hashlib, js, os
from boot import _app as app
from app.photos.judge import verdict
from app.photos.prepare import PreparedPhoto
from app.recorder import Enrolment
from app.state import Shot

def a_shot(size=300_000):
    data, preview = os.urandom(size), os.urandom(5_000)
    names = hashlib.sha256(data).hexdigest(), hashlib.sha256(preview).hexdigest()
    photo = PreparedPhoto(data, names[0], 1600, 1200, "image/jpeg", preview, names[1], 900.0, 128.0, (), None)
    return Shot(photo, verdict(900.0, 128.0))

def visit():
    return app.book.visits()[0].id

async def folder():
    files = await js.skt.photos.open("photos")
    return sorted(files.files.to_py(depth=1))
"""
NOBODY = "http://127.0.0.1:9"


def asked(page: Page, code: str) -> Any:
    """The value of an expression in the app's Python, with HERE at hand."""
    *before, last = code.strip().splitlines()
    return python(page, "\n".join([HERE, *before, last]))


def opened(pocket: Pocket, central: Central) -> Page:
    page = pocket.page(central.url)
    page.wait_for_selector("#opening", state="detached", timeout=WARM_SECONDS * 1000)
    return page


def a_visit(pocket: Pocket, central: Central) -> Page:
    """The app open in a browser, with a place in a team and a visit begun; no central answers it."""
    page = opened(pocket, central)
    asked(
        page,
        f"""
app.book.enrol(Enrolment("0" * 32, "t", "s", {NOBODY!r}, "u-lan", "Lan", "inspector", "team-1", "Đoàn liên ngành"))
app.book.start_visit("Trạm Y tế bản Xám")
""",
    )
    return page


def again(pocket: Pocket, central: Central) -> Page:
    """The app after the browser died and was started anew, once it has cleared away what was left behind."""
    pocket.kill()
    page = opened(pocket.start(), central)
    asked(page, "await app._sweep")
    return page


@pytest.fixture
def page(pocket: Pocket, central: Central) -> Page:
    return a_visit(pocket, central)


@pytest.mark.long
def test_a_killed_browser_has_every_photo_it_said_it_kept_and_nothing_half(
    page: Page, pocket: Pocket, central: Central
) -> None:
    told: list[str] = []
    for many in (1, 4, 7):
        before = len(told)
        page.on("console", lambda said: told.append(said.text[5:]) if said.text.startswith("KEPT ") else None)
        asked(
            page,
            """
async def photograph():
    while True:
        js.console.log("KEPT " + await app.use_photo(a_shot(), visit()))

app.shooting = asyncio.ensure_future(photograph())
1
""",
        )
        until(lambda: page.evaluate("1") and len(told) >= before + many, "photos are being kept")  # noqa: B023
        page = again(pocket, central)
        photos, names, damaged = asked(
            page,
            """
photos = {p.id: (p.sha256, p.preview) for p in app.book.visit(visit()).photos}
[photos, await folder(), [name for name in app.book.named_files() if not app.files.is_intact(name)]]
""",
        )
        assert set(told) <= set(photos), "what was said to be kept is in the visit"
        assert damaged == []
        assert names == sorted(name for pair in photos.values() for name in pair), "and nothing else is in the folder"


@pytest.mark.long
def test_a_full_phone_says_so_keeps_what_it_has_and_takes_photos_again_when_there_is_room(
    page: Page, pocket: Pocket, central: Central
) -> None:
    asked(page, "await app.use_photo(a_shot(), visit())")
    used, before = asked(page, "[(await js.navigator.storage.estimate()).usage, await folder()]")
    quota = pocket.context.new_cdp_session(page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": central.url, "quotaSize": used + 30_000_000})
    kept, free = asked(page, "[bool(await app.use_photo(a_shot(), visit())), app.device.free_bytes()]")
    assert kept and free <= 30_000_000, "found out by trying: Chromium itself tells of 10 GB"
    nearly = asked(page, "[await app.look_at(b'whatever it is'), app.message.vi, app.message.en]")
    assert nearly[0] is None and "chỗ còn lại dành cho số liệu" in nearly[1] and "safe" in nearly[2]

    before = asked(page, "await folder()")
    shots = asked(page, "app.tell(None)\n[await app.use_photo(a_shot(40_000_000), visit()), app.message.vi]")
    assert shots[0] is None and "ảnh này chưa được lưu" in shots[1] and "an toàn" in shots[1]
    assert asked(page, "[await folder(), len(app.book.visit(visit()).photos)]") == [before, 2]
    assert asked(page, "all(app.files.is_intact(name) for name in app.book.named_files())")

    quota.send("Storage.overrideQuotaForOrigin", {"origin": central.url})
    assert asked(page, "app.tell(None)\n[bool(await app.use_photo(a_shot(), visit())), app.message]") == [True, None]
    assert asked(page, "app.device.free_bytes()") > 100_000_000


@pytest.mark.long
@pytest.mark.parametrize("lacking", [("move",), ("createWritable",), ("createWritable", "move")], ids=" and ".join)
def test_an_older_browser_keeps_photos_as_safely(
    page: Page, pocket: Pocket, central: Central, lacking: tuple[str, ...]
) -> None:
    """Firefox before 111 cannot move a file, Safari before 26 has no writable streams."""
    worker = worker_of(page)
    worker.evaluate("names => names.forEach(name => { delete FileSystemFileHandle.prototype[name] })", list(lacking))
    kept = asked(page, "[await app.use_photo(a_shot(), visit()) for _ in range(3)]")
    damaged = """
name = app.book.visit(visit()).photos[0].sha256
whole = app.files.read(name)
access = await (await (await js.skt.photos.open("photos")).folder.getFileHandle(name)).createSyncAccessHandle()
access.truncate(1000)
access.close()
is_new = await app.files.keep(name, whole)
[is_new, app.files.is_intact(name)]
"""
    assert asked(page, damaged) == [False, True], "a damaged file is mended"
    quota = pocket.context.new_cdp_session(page)
    used = asked(page, "(await js.navigator.storage.estimate()).usage")
    quota.send("Storage.overrideQuotaForOrigin", {"origin": central.url, "quotaSize": used + 2_000_000})
    before = asked(page, "await folder()")
    assert asked(page, "await app.use_photo(a_shot(9_000_000), visit())") is None
    assert asked(page, "await folder()") == before
    quota.send("Storage.overrideQuotaForOrigin", {"origin": central.url})
    page = again(pocket, central)
    assert sorted(kept) == sorted(asked(page, "[p.id for p in app.book.visit(visit()).photos]"))
    assert asked(page, "all(app.files.is_intact(name) for name in app.book.named_files())")


def test_a_photo_whose_file_is_gone_is_said_on_the_screens(page: Page, pocket: Pocket, central: Central) -> None:
    photo = asked(page, "[await app.use_photo(a_shot(), visit()) for _ in range(2)][0]")
    name = asked(page, f"app.book.photo({photo!r}).sha256")
    worker_of(page).evaluate(
        """async name => {
            await (await (await navigator.storage.getDirectory()).getDirectoryHandle('photos')).removeEntry(name);
        }""",
        name,
    )
    pocket.kill()
    phone = pocket.start().open(f"{central.url}/sync", "Máy này không còn tệp của 1 ảnh đã chụp")
    assert "chụp lại" in phone.reading() and "an toàn" in phone.reading()
    phone.open(f"{central.url}/settings", "Máy này không còn tệp của 1 ảnh đã chụp")
    phone.open(f"{central.url}/photo/{photo}", "Tệp của ảnh này không còn trên máy")
    assert "Đã lưu trên máy" not in phone.reading()
