"""A damaged notebook through the real screens: explained, handed out, begun anew after a second touch, and filled up by central."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.central.built import write_build
from tests.field import Phone as FieldPhone
from tests.test_notebook_file import flipped_pages
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import Phone, serving, until
from tests.ui.home_affairs import Central
from tests.ui.test_screens import MAIN, Day, messy_visit, notebook, there

pytestmark = pytest.mark.phone


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    central = Central(tmp_path / "central", field_app=write_build(tmp_path / "dist")).start().ready()
    yield central
    central.stop()


def a_sent_morning(folder: Path, central: Central) -> str:
    """A phone that has recorded a visit with a photo and sent it; returns the visit."""
    visits = []

    async def morning() -> None:
        phone = FieldPhone(folder, clock=lambda: time.time_ns() // 1_000_000)
        async with httpx.AsyncClient(base_url=central.url, timeout=30) as client:
            await phone.enrol(client, central.facts["enrolment_codes"][0])
            await phone.sync(client)
            visits.append(messy_visit(phone.book, phone.book.find_units("muong long")[0]))
            phone.book.add_photo(visits[0], await phone.photograph("Bảng tin"), caption="Bảng niêm yết")
            await phone.sync(client)
        phone.close()

    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        beside.submit(lambda: asyncio.run(morning())).result()
    return visits[0]


def recorded(data: Path, visit: str) -> dict[tuple[str, str], object]:
    """What stands in the notebook's file while the app has it open."""
    day = Day.__new__(Day)
    day.data = data
    return dict(day.recorded(visit).values)


def test_a_damaged_notebook_is_handed_out_set_aside_and_filled_up_again(
    tmp_path: Path, central: Central, new_phone: PhoneMaker
) -> None:
    data = tmp_path / "phone"
    visit = a_sent_morning(data, central)
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        new_phone().open(app.url, "Xã Mường Lống")
        app.kill()
    with notebook(data) as book:  # what was never sent
        book.answer(visit, "badge_missing_count", 5)
        values = dict(book.visit(visit).values)
    path = data / "notebook.sqlite"
    broken = flipped_pages(path.read_bytes())
    path.write_bytes(broken)

    phone: Phone = new_phone()
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(app.url, "Sổ trên máy bị hỏng")
        phone.sees("Những gì đã gửi thì trung tâm vẫn giữ; ảnh vẫn nằm trên máy.")
        with phone.page.expect_download() as download:
            phone.tap("save-notebook")
        assert Path(download.value.path()).read_bytes() == broken
        phone.tap("anew")
        phone.sees("Sổ hỏng được cất sang bên, không xóa.")
        assert phone.unnamed() == [] and phone.small_targets() == []
        phone.tap("anew-no")
        until(lambda: not phone.has("anew-yes"), "one touch does nothing yet")
        assert path.read_bytes() == broken
        phone.tap("anew")
        phone.tap("anew-yes")
        phone.sees("Đã lấy lại từ trung tâm")
        phone.sees("Mục mới nhất của bạn mà trung tâm có được ghi lúc")
        assert phone.unnamed() == []
        there(phone, f"visit-{visit}")
        with phone.page.expect_download() as download:
            phone.tap("save-aside")
        assert Path(download.value.path()).read_bytes() == broken
        phone.tap("recovery-close")
        until(lambda: not phone.has("recovery"), "it is put away")
        phone.tap(f"visit-{visit}")
        phone.sees("Ảnh của cuộc kiểm tra (1)")
        phone.tap("section-badges-conduct")
        phone.tap("badge-worn-all-yes")
        until(lambda: recorded(data, visit).get(("", "badge_worn_all")) == "yes", "the answer is recorded")
        phone.page.go_back()
        there(phone, "take-photo")
        phone.page.go_back()
        phone.sees("Trung tâm đã nhận đủ")
        assert phone.complaints == []
        app.kill()
    asides = [file for file in data.iterdir() if file.name.startswith("notebook.sqlite.2")]
    assert [file.read_bytes() for file in asides] == [broken]
    with notebook(data) as book:
        now = dict(book.visit(visit).values)
        assert now.pop(("", "badge_worn_all")) == "yes" and ("", "badge_missing_count") not in now
        assert now == {key: v for key, v in values.items() if key[1] not in ("badge_worn_all", "badge_missing_count")}
        assert book.verify() is None
