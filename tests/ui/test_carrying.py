"""Everything out of one phone and into a fresh one, through the real screens, before it is enrolled anywhere and after."""

import asyncio
import hashlib
import shutil
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from app.carrying import carry_out
from app.units import UnitReading
from tests.central.built import write_build
from tests.field import Phone as FieldPhone
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import Phone, serving, until
from tests.ui.home_affairs import Central
from tests.ui.test_screens import MAIN, enrol, messy_visit, notebook, there

pytestmark = pytest.mark.phone

T = TypeVar("T")


def now() -> int:
    return time.time_ns() // 1_000_000


def alone(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine in a thread of its own: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(lambda: asyncio.run(work())).result()


def record(phone: FieldPhone, unit: UnitReading) -> str:
    """One visit and its three photos, one captioned; returns the visit."""
    visit = messy_visit(phone.book, unit)
    phone.book.set_setting("phone_name", "Máy của Lan")
    for number in range(3):
        facts = alone(lambda number=number: phone.photograph(f"Ảnh {number}"))
        phone.book.add_photo(visit, facts, item="notice_board" if number else "", caption=f"Bảng {number}")
    return visit


def lost_phone(data: Path) -> str:
    """The data of a phone that has one visit; returns the visit."""
    data.mkdir(parents=True)
    phone = FieldPhone(data, clock=now)
    visit = record(phone, enrol(phone.book)[0])
    phone.close()
    return visit


def exported(data: Path, central: Central, code: str) -> tuple[Path, str]:
    """A bundle made with the notebook's own means on a phone of that central which has not sent its visit, and the visit."""
    data.mkdir(parents=True)
    phone = FieldPhone(data, clock=now)

    async def enrolled() -> None:
        async with httpx.AsyncClient(base_url=central.url) as client:
            await phone.enrol(client, code)
            await phone.sync(client)

    alone(enrolled)
    visit = record(phone, next(u for u in phone.book.reference.units if u.level == "commune" and not u.valid_to))
    made = alone(lambda: carry_out(phone.book, phone.files, lambda *_: None))
    phone.close()
    path = data / "so-kiem-tra.zip"
    path.write_bytes(made)
    return path, visit


def choose(phone: Phone, path: Path) -> None:
    """Touches «Nhập sổ từ tệp» once the screen has come to rest, and chooses a file."""
    phone.is_moving = True
    phone.scroll_to("import")
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("import")
    chooser.value.set_files(path)


def take_in(phone: Phone, path: Path) -> None:
    choose(phone, path)
    there(phone, "arrived")


def test_everything_goes_out_and_a_fresh_phone_reads_it_before_it_is_enrolled(
    tmp_path: Path, new_phone: PhoneMaker
) -> None:
    data = tmp_path / "lost"
    visit = lost_phone(data)
    phone = new_phone()
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/settings", "Ngôn ngữ")
        phone.scroll_to("export")
        with phone.page.expect_download() as download:
            phone.tap("export")
        assert download.value.suggested_filename.endswith("_may-cua-lan.zip")
        assert download.value.suggested_filename.startswith("so-kiem-tra_20")
        bundle = tmp_path / "out.zip"
        shutil.copy(download.value.path(), bundle)
        phone.sees("Đã lưu so-kiem-tra_")
        app.kill()
    phone = new_phone()
    fresh = tmp_path / "fresh"
    with serving(MAIN, fresh, KIEMTRA_DATA=str(fresh)) as app:
        phone.open(app.url, "Ghi danh máy này")
        take_in(phone, bundle)
        phone.scroll_to("arrived-close")
        phone.sees("1 cuộc, 3 ảnh.")
        phone.page.mouse.wheel(0, 1000)
        phone.settle()
        assert phone.unnamed() == [] and phone.small_targets() == []
        phone.tap("read-imported")
        there(phone, f"visit-{visit}")
        phone.tap(f"visit-{visit}")
        phone.sees("Ảnh của cuộc kiểm tra (3)")
        phone.tap("review")
        phone.sees("Thiếu ảnh bắt buộc")
        phone.back()
        there(phone, "take-photo")
        phone.tap("section-badges-conduct")
        phone.tap("badge-worn-all-yes")
        phone.sees("Máy chưa được ghi danh. Nhập mã ghi danh trước.")
        app.kill()
    with notebook(fresh) as after, notebook(data) as before:
        assert after.visit(visit).figures == before.visit(visit).figures
        assert after.visit(visit).values == before.visit(visit).values
        for photo in before.visit(visit).photos:
            kept = (fresh / "photos" / photo.sha256).read_bytes()
            assert hashlib.sha256(kept).hexdigest() == photo.sha256 == after.photo(photo.id).sha256
        with after.store.reading() as connection:
            assert connection.exec_driver_sql("SELECT DISTINCT device FROM entry").scalars().all() == ["0" * 32]


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    central = Central(tmp_path / "central", field_app=write_build(tmp_path / "dist")).start().ready()
    yield central
    central.stop()


def photos_at(central: Central) -> set[str]:
    """Names of the photos in central's folder."""
    return {file.name for file in (central.data / "photos").rglob("*") if len(file.name) == 64}


def test_a_damaged_file_is_taken_as_far_as_it_is_whole_and_the_phone_goes_on_with_the_visit(
    tmp_path: Path, central: Central, new_phone: PhoneMaker
) -> None:
    path, visit = exported(tmp_path / "lost", central, central.facts["enrolment_codes"][1])
    damaged = bytearray(path.read_bytes())
    damaged[damaged.rindex(b"JFIF") + 2000] ^= 0xFF
    bundle = tmp_path / "damaged.zip"
    bundle.write_bytes(damaged)
    fresh = tmp_path / "fresh"
    phone = new_phone()
    with serving(MAIN, fresh, KIEMTRA_DATA=str(fresh)) as app:
        code = central.facts["enrolment_codes"][0]
        phone.open(f"{app.url}/?enrol={code}&central={central.url}", "Mã đã có sẵn")
        phone.tap("enrol")
        phone.sees("Bắt đầu cuộc kiểm tra")
        phone.tap("tab-settings")
        take_in(phone, bundle)
        phone.scroll_to("arrived-close")
        phone.sees("1 cuộc, 2 ảnh.")
        phone.sees("Không nhận 1 phần bị hỏng:")
        phone.sees("tệp ảnh bị hỏng")
        phone.tap("arrived-close")
        until(lambda: not phone.has("arrived"), "it is put away")
        phone.tap("tab-visits")
        phone.tap(f"visit-{visit}")
        phone.tap("section-badges-conduct")
        phone.tap("badge-worn-all-yes")
        phone.page.go_back()
        there(phone, "take-photo")
        names = {file.name for file in (fresh / "photos").iterdir() if len(file.name) == 64}
        assert len(names) == 5, "two photos, three previews"
        until(lambda: names <= photos_at(central), "photos of an imported visit reach central from here")
        app.kill()
    with notebook(fresh) as book:
        assert book.visit(visit).values[("", "badge_worn_all")] == "yes"
        with book.store.reading() as connection:
            devices = connection.exec_driver_sql("SELECT count(DISTINCT device) FROM entry").scalar()
        assert devices == 2 and book.verify() is None


def test_a_file_that_is_no_bundle_is_explained_and_changes_nothing(tmp_path: Path, phone: Phone) -> None:
    data = tmp_path / "phone"
    with notebook(data) as book:
        enrol(book)
        book.start_visit("Trạm y tế")
        before = book.visit_count()
    wrong = tmp_path / "ảnh.jpg"
    wrong.write_bytes(b"\xff\xd8\xff" + bytes(1000))
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/settings", "Ngôn ngữ")
        choose(phone, wrong)
        phone.sees("Tệp này không phải tệp sổ do ứng dụng xuất ra. Sổ trên máy không thay đổi.")
        assert not phone.has("arrived")
        app.kill()
    with notebook(data) as book:
        assert book.visit_count() == before
