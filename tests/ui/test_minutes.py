"""The minutes on the phone: read through part by part, made into a PDF while the screen lives on, saved; drafts and signed ones."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest

from tests.field import Phone as FieldPhone
from tests.minutes.ky_son import sign, visit_ky_son
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving
from tests.ui.test_screens import MAIN, enrol


@dataclass
class Desk:
    """A phone with the visit to Kỳ Sơn, ready to be signed, and the same visit signed."""

    app: App
    draft: str
    signed: str


def prepared(data: Path) -> tuple[str, str]:
    phone = FieldPhone(data, seed=9)
    enrol(phone.book)
    draft = visit_ky_son(phone)
    phone.clock.advance(3_600_000)  # type: ignore[attr-defined]
    signed = visit_ky_son(phone)
    sign(phone, signed)
    phone.close()
    return draft, signed


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    data = tmp_path_factory.mktemp("desk") / "phone"
    data.mkdir()
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        draft, signed = beside.submit(prepared, data).result()
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        yield Desk(app, draft, signed)


def saved(phone: Phone, button: str = "save-pdf") -> tuple[str, str]:
    """(name, text) of the PDF that a button hands out."""
    with phone.page.expect_download() as download:
        phone.tap(button)
    data = Path(download.value.path()).read_bytes()
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    return download.value.suggested_filename, " ".join(text.split())


@pytest.mark.long
def test_minutes_are_read_made_and_saved_before_anybody_signs(desk: Desk, phone: Phone) -> None:
    phone.open(f"{desk.app.url}/visit/{desk.draft}/review", "Rà soát")
    phone.tap("minutes")
    phone.sees("Bản nháp, chưa ký")
    phone.sees("ỦY BAN NHÂN DÂN TỈNH NGHỆ AN")
    assert phone.unnamed() == [] and phone.small_targets() == []
    phone.tap("make-pdf")
    phone.sees("Đã lập xong: bien-ban-nhap_2021-02-05_huyen-ky-son.pdf")
    assert phone.unnamed() == [] and phone.small_targets() == []
    name, text = saved(phone)
    assert name == "bien-ban-nhap_2021-02-05_huyen-ky-son.pdf"
    assert "BẢN NHÁP / DRAFT" in text and "67,50%" in text and "Lỳ Y Dờ" in text and "Vắng Mặt" not in text
    assert saved(phone, "share-pdf") == (name, text)  # no share sheet in this browser: the file is saved instead
    name, text = saved(phone, "save-absences")
    assert name.startswith("luu-hanh-han-che") and "Trần Văn Không Phép" in text and "Vắng Mặt" not in text
    assert phone.complaints == []


@pytest.mark.parametrize(("dark", "scale"), [(False, 100), pytest.param(True, 150, marks=pytest.mark.long)])
def test_signed_minutes_show_their_code_at_any_size(desk: Desk, new_phone: PhoneMaker, dark: bool, scale: int) -> None:
    phone = new_phone(dark=dark)
    if scale > 100:
        phone.open(f"{desk.app.url}/settings", "Cài đặt")
        phone.tap(f"text-size-{scale}")
    phone.open(f"{desk.app.url}/visit/{desk.signed}/minutes", "Mã biên bản")
    phone.shot(f"minutes-{scale}")
    phone.page.mouse.move(180, 300)
    phone.page.mouse.wheel(0, 1500)
    phone.sees("II. NỘI DUNG VÀ KẾT QUẢ KIỂM TRA")
    phone.shot(f"minutes-{scale}-table")
    phone.tap("make-pdf")
    phone.sees("Đã lập xong: bien-ban_2021-02-05_huyen-ky-son.pdf")
    assert phone.unnamed() == [] and phone.small_targets() == []
    phone.shot(f"minutes-{scale}-made")
    if scale > 100:
        phone.open(f"{desk.app.url}/settings", "Cài đặt")
        phone.tap("text-size-100")
