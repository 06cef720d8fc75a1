"""A whole visit with no central anywhere: nothing waits, fails or nags; then central is there and has it all."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.notebook import Notebook
from tests.central.built import write_build
from tests.field import ASSETS
from tests.field import Phone as FieldPhone
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until
from tests.ui.home_affairs import ROOT, Central, Officer
from tests.ui.test_forms import shows

MAIN = ROOT / "main.py"
NAGGING = ("Chưa gửi được", "không gặp trung tâm", "Đang gửi", "thử lại")


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    central = Central(tmp_path / "central", field_app=write_build(tmp_path / "dist"))
    yield central
    central.stop()


@pytest.fixture
def data(tmp_path: Path, central: Central) -> Path:
    """The data folder of a phone that was enrolled in town; then central went away."""
    folder = tmp_path / "phone"
    central.start().ready()

    async def enrol() -> None:
        phone = FieldPhone(folder, clock=lambda: time.time_ns() // 1_000_000)
        async with httpx.AsyncClient(base_url=central.url, timeout=30) as client:
            await phone.enrol(client, central.facts["enrolment_codes"][0])
            await phone.sync(client)
        phone.close()

    with ThreadPoolExecutor(1) as town:  # a loop of its own: Playwright's runs in this thread
        town.submit(lambda: asyncio.run(enrol())).result()
    central.stop()
    return folder


def calm(phone: Phone) -> None:
    """No message, nothing turning, not a word about the missing network."""
    read = phone.reading()
    assert not phone.has("toast"), read
    assert phone.page.locator('[role="progressbar"], [role="alertdialog"], [role="dialog"]').count() == 0
    for words in NAGGING:
        assert words not in read, read


def begun(phone: Phone, app: App) -> str:
    """A visit of Mường Lống is begun, its first room counted, an item failed and its photo taken; returns its id."""
    phone.open(app.url, "Bắt đầu cuộc kiểm tra")
    phone.tap("start-visit")
    phone.type_into("search", "muong long")
    phone.tap("unit-16831")
    phone.tap("section-attendance-room")
    phone.tap("usual-room-1")
    phone.tap_until("total", "Xóa số của")
    phone.tap("key-8")
    phone.tap_until("key-next", "còn 8 người chưa rõ")
    phone.tap("keypad-close")
    calm(phone)
    phone.tap("present-plus")
    shows(phone, "8 1 – – –")
    calm(phone)
    visit = phone.here().split("/")[2]
    phone.back()
    phone.tap("section-one-stop")
    phone.tap("one-stop-arrangement-own-desk")
    phone.tap_until("one-stop-equipment-adequate-no", "Cần ảnh")
    calm(phone)
    phone.tap("photo-one_stop_equipment_adequate-take")
    phone.tap(phone.awake("shutter"))
    phone.tap("use-photo")
    phone.sees("Mở ảnh 1: Quầy một cửa")
    calm(phone)
    return visit


def test_a_visit_without_any_network_then_one_touch_and_later_none(
    data: Path, central: Central, new_phone: PhoneMaker
) -> None:
    phone = new_phone(permissions=["camera"])
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        visit = begun(phone, app)
        phone.open(app.url + phone.here(), "Mở ảnh 1: Quầy một cửa")
        calm(phone)
        other = new_phone()
        with serving(MAIN, data, KIEMTRA_DATA=str(data)) as second:
            other.open(second.url, "Sổ đang mở ở một cửa sổ khác")
        phone.tap("one-stop-camera-working-no")
        until(lambda: phone.reading().count("Không đạt · Nhắc nhở") == 2, "the second failing is shown")
        app.kill()  # the moment it is on the screen
    phone.page.close()

    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone = new_phone()
        phone.open(app.url, "Xã Mường Lống")
        phone.tap(f"visit-{visit}")
        phone.tap("section-one-stop")
        phone.sees("Mở ảnh 1: Quầy một cửa")
        until(lambda: phone.reading().count("Không đạt · Nhắc nhở") == 2, "both failings are still there")
        phone.back()
        phone.tap("section-attendance-room")
        phone.tap("room-1")
        shows(phone, "8 1 – – –")
        phone.tap("present-plus")
        shows(phone, "8 2 – – –")
        phone.tap("6 người còn lại: chưa rõ")
        shows(phone, "8 2 0 0 6")
        calm(phone)
        phone.tap("title")
        phone.tap_until("review", "Tỷ lệ có mặt: 25,00%")
        phone.tap("close-visit")
        phone.sees("Đã kết thúc. Số liệu đã lưu trên máy.")
        phone.back()
        phone.sees("Cộng toàn đơn vị")
        phone.back()
        phone.box("section-attendance-room")
        phone.back()
        phone.sees("1 cuộc · 1 ảnh")
        calm(phone)

        central.start().ready()
        phone.count_taps()
        phone.tap("to-send")
        phone.sees("Trung tâm đã nhận đủ")
        assert phone.taps == 1
        officer = Officer(central)
        line = officer.as_json()["visits"][0]
        assert (line["visit_id"], line["head_total"], line["head_present"], line["photos"]) == (visit, 8, 2, 1)
        assert line["failed_items"] == [
            "head_absent_unclear",
            "one_stop_equipment_adequate",
            "one_stop_camera_working",
        ]

        phone.tap("tab-visits")
        phone.tap(f"visit-{visit}")
        phone.tap("reopen")
        until(lambda: not phone.has("reopen"), "it is open, and what lay below the button has moved up")
        phone.tap("section-badges-conduct")
        phone.tap("badge-worn-all-no")
        until(lambda: "badge_worn_all" in officer.as_json()["visits"][0]["failed_items"], "it was sent without a touch")
        officer.close()
        app.kill()
    book = Notebook(data / "notebook.sqlite", now=lambda: 0, entropy=secrets.token_bytes, assets=ASSETS)
    assert book.verify() is None
    book.close()
