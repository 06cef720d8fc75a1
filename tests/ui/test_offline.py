"""A day in the valley: central is not there, the phone is killed, and in the evening everything arrives by itself."""

import asyncio
import threading
import time
from pathlib import Path

import httpx

from tests.field import Phone as FieldPhone
from tests.ui.driver import Phone, serving
from tests.ui.home_affairs import Central, Officer
from tests.ui.test_screens import MAIN, notebook


def enrolled(central: Central, data: Path) -> None:
    """A phone that was enrolled in the office, some days ago."""
    phone = FieldPhone(data, clock=lambda: time.time_ns() // 1_000_000)

    async def enrol() -> None:
        async with httpx.AsyncClient(base_url=central.url) as client:
            await phone.enrol(client, central.facts["enrolment_codes"][0])
            await phone.sync(client)

    story = threading.Thread(target=lambda: asyncio.run(enrol()))  # Chromium's driver holds this thread's event loop
    story.start()
    story.join()
    phone.close()


def test_a_visit_without_network_survives_a_kill_and_arrives_in_the_evening(tmp_path: Path, phone: Phone) -> None:
    central = Central(tmp_path / "central").start().ready()
    data = tmp_path / "phone"
    try:
        enrolled(central, data)
        central.stop()
        with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
            phone.open(app.url, "Hôm nay")
            phone.tap("planned-16831")
            phone.tap("section-attendance-room")
            phone.tap("use-whole")
            phone.tap_until("total-plus", "còn 1 người chưa rõ")
            phone.tap_until("offer", "đủ 1 người")
            assert not phone.has("toast"), "nothing nags"
            visit = phone.here().split("/visit/")[1].split("/")[0]
            phone.open(f"{app.url}/visit/{visit}/section/badges_conduct", "Đeo thẻ đầy đủ khi làm việc")
            phone.tap("badge-worn-all-no")
            phone.sees("Số người không đeo thẻ")
            assert not phone.has("toast")
            app.kill()
        with notebook(data) as book:
            reading = book.visit(visit)
            assert reading.figures.attendance_rate == "100.00" and reading.values[("", "badge_worn_all")] == "no"
            assert book.verify() is None and not book.waiting().is_empty
        with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
            phone.open(f"{app.url}/visit/{visit}/review", "Đeo thẻ đầy đủ khi làm việc")
            phone.tap("close-visit")
            phone.sees("Đã kết thúc.")
            phone.open(f"{app.url}/sync", "Đồng bộ")
            central.start().ready()
            phone.tap("sync-now")
            phone.sees("Trung tâm đã nhận đủ", 60)
        officer = Officer(central)
        line = next(v for v in officer.as_json()["visits"] if v["visit_id"] == visit)
        assert (line["attendance_rate"], line["failed_items"]) == ("100.00", ["badge_worn_all"])
    finally:
        central.stop()
