"""Minutes made on a phone's browser with no network: the same file, byte for byte, that any other machine makes of the visit."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pypdf

from app.carrying import carry_out
from app.minutes.content import minutes_of
from app.minutes.pdf import drained, minutes_pdf
from tests.field import ASSETS
from tests.field import Phone as FieldPhone
from tests.minutes.ky_son import OPINION, sign, visit_ky_son
from tests.ui.home_affairs import Central
from tests.ui.test_carrying import take_in
from tests.ui.test_screens import enrol
from tests.web.conftest import PocketMaker
from tests.web.pocket import shown


def carried(folder: Path) -> tuple[Path, str, bytes]:
    """A bundle with the signed visit to Kỳ Sơn, the visit, and its minutes as a native phone makes them."""
    folder.mkdir()
    phone = FieldPhone(folder, seed=11)
    enrol(phone.book)
    visit = visit_ky_son(phone)
    code = sign(phone, visit)
    bundle = folder / "so-kiem-tra.zip"
    bundle.write_bytes(asyncio.run(carry_out(phone.book, phone.files, lambda *_: None)))
    natively = drained(minutes_pdf(minutes_of(phone.book.visit(visit)), ASSETS / "fonts", phone.files.read, code))
    phone.close()
    return bundle, visit, natively


def test_minutes_are_made_in_the_browser_offline_and_are_the_same_file(
    central: Central, new_pocket: PocketMaker, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        bundle, visit, natively = beside.submit(carried, tmp_path / "native").result()
    pocket = new_pocket()
    page = pocket.page(central.url)
    phone = shown(page)
    pocket.installed(page)
    central.stop()
    take_in(phone, bundle)
    phone.go(f"/visit/{visit}/minutes", "Mã biên bản")
    phone.tap("make-pdf")
    phone.sees("Đã lập xong: bien-ban_2021-02-05_huyen-ky-son.pdf")
    with page.expect_download() as download:
        phone.tap("save-pdf")
    made = Path(download.value.path()).read_bytes()
    text = " ".join(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(made)).pages).split())
    assert "67,50%" in text and "Nguyễn Hữu Thuận" in text and all(line in text for line in OPINION.splitlines())
    assert "Vắng Mặt" not in text and "Không Phép" not in text
    assert made == natively
