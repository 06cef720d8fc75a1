"""What goes wrong with a phone: two tabs, cleared or full or damaged storage, codes used up, no place to keep anything."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.ui.driver import Phone, until
from tests.ui.home_affairs import Central, Officer
from tests.web.conftest import PocketMaker
from tests.web.pocket import Pocket, python, worker_of
from tests.web.test_offline_visit import enrolled

MUONG_LONG = "unit-16831"


def begun(phone: Phone) -> str:
    """A visit with one room of which eight are known; its address."""
    phone.tap("start-visit")
    phone.type_into("search", "muong long")
    phone.tap(MUONG_LONG)
    phone.tap("section-attendance-room")
    phone.type_into("room-name", "Phòng Nội vụ")
    phone.tap(phone.awake("room-add"))
    phone.tap_until("total", "Xóa số của")
    phone.tap("key-8")
    phone.tap_until("key-next", "còn 8 người chưa rõ")
    phone.tap("keypad-close")
    return "/".join(phone.here().split("/")[:3])


def sent(phone: Phone, central: Central) -> None:
    """Waits until central has everything."""
    phone.open(f"{central.url}/", "Trung tâm đã nhận đủ")


def test_a_second_tab_explains_and_leaves_the_first_alone(central: Central, pocket: Pocket) -> None:
    first = enrolled(pocket, central)
    second = pocket.open(f"{central.url}/", "Sổ đang mở ở một cửa sổ khác")
    assert not second.has("start-visit") and not second.has("enrol")
    second.page.close()
    first.page.bring_to_front()
    begun(first)
    again = pocket.open(f"{central.url}/", "Sổ đang mở ở một cửa sổ khác")
    again.page.close()
    first.page.close()
    pocket.open(f"{central.url}/", "Xã Mường Lống")  # the lock went with the tab that held it


IS_LET_GO = """async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('notebook');
    const file = await folder.getFileHandle('notebook.sqlite');
    return file.createWritable({ keepExistingData: true }).then(it => it.abort().then(() => true), () => false);
}"""
"""Whether nothing has the notebook's file open: what is cleared while it is open stays shut in Chromium until it is started anew."""


@pytest.mark.long
def test_storage_cleared_by_the_system_is_said_and_what_was_sent_comes_back(central: Central, pocket: Pocket) -> None:
    phone = enrolled(pocket, central)
    visit = begun(phone)
    sent(phone, central)
    central.stop()
    phone.open(f"{central.url}{visit}/count", "Phòng Nội vụ")
    phone.type_into("room-name", "Phòng Kinh tế")
    phone.tap(phone.awake("room-add"))
    phone.sees("Phòng Kinh tế")
    phone.page.close()

    keeper = pocket.page(f"{central.url}/manifest.json")
    until(lambda: keeper.evaluate(IS_LET_GO), "the page that was closed has let go of the notebook")
    keeper.goto("about:blank")
    cleared = pocket.context.new_cdp_session(keeper)
    kinds = "cache_storage,file_systems,indexeddb,service_workers"
    cleared.send("Storage.clearDataForOrigin", {"origin": central.url, "storageTypes": kinds})
    central.start().ready()
    phone = pocket.open(
        f"{central.url}/?enrol={central.facts['enrolment_codes'][1]}", "Bộ nhớ của trình duyệt đã bị xóa"
    )
    assert "mục chưa gửi về trung tâm và không còn nữa" in phone.reading()
    phone.tap("enrol")
    phone.sees("Xã Mường Lống")
    phone.sees("0/1 phòng")  # the second room was never sent


@pytest.mark.long
def test_storage_cleared_by_the_inspector_starts_clean(central: Central, pocket: Pocket) -> None:
    phone = enrolled(pocket, central)
    begun(phone)
    sent(phone, central)
    phone.page.close()
    keeper = pocket.page("about:blank")
    pocket.context.new_cdp_session(keeper).send(
        "Storage.clearDataForOrigin", {"origin": central.url, "storageTypes": "all"}
    )
    phone = pocket.open(f"{central.url}/", "Ghi danh máy này")
    assert "đã bị xóa" not in phone.reading()
    officer = Officer(central)
    try:
        assert any(v["unit_name"] == "Xã Mường Lống" for v in officer.as_json()["visits"])
    finally:
        officer.close()


def test_a_link_used_before_says_so_and_keeps_what_was_typed(central: Central, new_pocket: PocketMaker) -> None:
    enrolled(new_pocket(), central)
    other = new_pocket()
    phone = other.open(f"{central.url}/?enrol={central.facts['enrolment_codes'][0]}", "Mã đã có sẵn")
    phone.type_into("enrol-name", "Máy thứ hai")
    phone.tap("enrol")
    phone.sees("Mã này đã dùng rồi")
    assert "Máy thứ hai" in phone.reading() and phone.has("enrol")


def test_an_expired_link_says_so_and_what_to_ask_for(central: Central, pocket: Pocket) -> None:
    code = central.facts["enrolment_codes"][0]
    central.stop()
    with sqlite3.connect(central.data / "central.sqlite") as file:
        file.execute("UPDATE enrolment_code SET expires_at = 1")
    central.start().ready()  # the demo makes others then
    phone = pocket.open(f"{central.url}/?enrol={code}", "Mã đã có sẵn")
    phone.tap("enrol")
    phone.sees("hết hạn")
    assert phone.has("enrol") and phone.has("enrol-code"), "another code can be typed at once"


def test_a_clock_of_2031_holds_nothing_up_and_is_said(central: Central, pocket: Pocket) -> None:
    phone = enrolled(pocket, central)
    worker_of(phone.page).evaluate("() => { const right = Date.now; Date.now = () => right() + 5 * 365 * 86_400_000; }")
    visit = begun(phone).removeprefix("/visit/")
    phone.go("/sync", "Đồng bộ")
    phone.tap("sync-now")
    phone.sees("Đã gửi về trung tâm lúc")
    phone.go("/", "Đồng hồ máy này nhanh 5 năm")
    phone.sees("Hãy bật ngày giờ tự động")
    phone.go(f"/visit/{visit}/count", "Phòng Nội vụ")
    phone.type_into("room-name", "Phòng Kinh tế")
    phone.tap(phone.awake("room-add"))
    phone.sees("Phòng Kinh tế")
    officer = Officer(central)
    try:

        def authored() -> list[int]:
            entries = officer.client.get(f"/visits/{visit}/journal").json()["entries"]
            return [entry[4] for entry in entries]

        until(lambda: "Kinh tế" in officer.client.get(f"/visits/{visit}").text, "the second room has come too")
        now = time.time() * 1000
        assert max(authored()) > now + 4 * 365 * 86_400_000, "what was written in 2031 stays as it was written"
        assert authored()[-1] < now + 86_400_000, "from the first answer of central on, entries have the right time"
    finally:
        officer.close()


def notebook_of(pocket: Pocket) -> Path:
    """The notebook's file where Chromium keeps it: the largest SQLite file among the origin's private files."""
    files = [
        p for p in pocket.profile.rglob("File System/**/*") if p.is_file() and p.read_bytes()[:15] == b"SQLite format 3"
    ]
    found = [p for p in files if _has_entries(p)]
    assert found, "no notebook in the profile"
    return max(found, key=lambda p: p.stat().st_size)


def _has_entries(path: Path) -> bool:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as file:
            return bool(file.execute("SELECT 1 FROM sqlite_master WHERE name = 'entry'").fetchone())
    except sqlite3.DatabaseError:
        return False


@pytest.mark.long
def test_a_damaged_notebook_is_handed_out_set_aside_and_filled_up_again(central: Central, pocket: Pocket) -> None:
    phone = enrolled(pocket, central)
    begun(phone)
    sent(phone, central)
    epoch = python(phone.page, "from boot import _app as app\napp.book.chain[1]")
    # Everything into the main file, so that the damage is not undone by the log beside it.
    python(
        phone.page,
        "from boot import _app as app\n"
        "with app.book.store.reading() as c: c.connection.rollback() or c.connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n"
        "True",
    )
    pocket.kill()
    path = notebook_of(pocket)
    whole = bytearray(path.read_bytes())
    for at in range(4096, len(whole), 4096):
        whole[at : at + 64] = b"\xff" * 64
    path.write_bytes(whole)
    pocket.start()
    phone = pocket.open(f"{central.url}/", "Sổ trên máy bị hỏng")
    with phone.page.expect_download() as handed_out:
        phone.tap("save-notebook")
    assert Path(handed_out.value.path()).stat().st_size >= len(whole)
    phone.tap("anew")
    phone.tap("anew-yes")
    phone.sees("0/1 phòng")
    assert python(phone.page, "from boot import _app as app\napp.book.chain[1]") != epoch


def test_a_window_that_keeps_nothing_says_so_before_anything_is_typed(central: Central, pocket: Pocket) -> None:
    def without_files(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        route.fulfill(response=answer, body="navigator.storage.getDirectory = undefined;\n" + answer.text())  # type: ignore[attr-defined]

    pocket.context.route("**/storage.js", without_files)
    phone = pocket.open(f"{central.url}/?enrol={central.facts['enrolment_codes'][0]}", "không giữ được dữ liệu")
    assert not phone.has("enrol") and not phone.has("enrol-code")
    assert phone.page.locator("input:not([type=file])").count() == 0


@pytest.mark.long
def test_the_browser_is_asked_to_keep_the_notebook_after_the_first_save(central: Central, pocket: Pocket) -> None:
    phone = enrolled(pocket, central)
    phone.go("/settings", "Trình duyệt giữ sổ")
    begun_at = phone.reading()
    assert "hỏi sau lần ghi đầu tiên" in begun_at or "chưa chắc" in begun_at or "không tự xóa" in begun_at
    phone.go("/", "Bắt đầu cuộc kiểm tra")
    begun(phone)
    phone.go("/settings", "Trình duyệt giữ sổ")
    until(lambda: "chưa chắc" in phone.reading() or "không tự xóa" in phone.reading(), "the answer is shown")
