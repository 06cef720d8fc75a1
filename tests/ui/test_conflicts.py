"""What two phones wrote differently, on the screens of one of them: found from today, both values read, one touched."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sync.test_conflicts import ITEM, differing
from tests.ui.driver import Phone, serving
from tests.ui.test_screens import MAIN, notebook
from tests.valley import Valley


def two_values(folder: Path) -> tuple[Path, str]:
    """The folder of Cúc's phone after both have synced, and the visit in which they differ."""
    valley = Valley(folder)
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        beside.submit(lambda: asyncio.run(differing(valley))).result()
    visit = valley.visit
    valley.close()
    return valley.cuc.folder, visit


def test_one_of_two_values_is_chosen_with_one_touch(tmp_path: Path, phone: Phone) -> None:
    data, visit = two_values(tmp_path / "valley")
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(app.url, "1 chỗ hai máy ghi khác nhau")
        phone.tap("conflicts")
        phone.sees("Chọn giá trị đúng")
        read = phone.reading()
        assert "Phạm Dũng" in read and "Lê Thị Cúc" in read and "máy này" in read
        assert read.index("đang được tính") < read.index("Lê Thị Cúc"), (
            "what counts meanwhile stands first and is marked"
        )
        assert phone.unnamed() == [] and phone.small_targets() == []
        phone.tap("conflict-1-2")
        phone.sees("Đã chọn: 3")
        phone.sees("Không còn chỗ nào hai máy ghi khác nhau")
        phone.back()
        phone.sees("Bắt đầu cuộc kiểm tra")
        assert not phone.has("conflicts")
        app.kill()
    with notebook(data) as book:
        assert book.visit(visit).values[("", ITEM)] == 3 and book.conflicts() == []


def test_once_the_minutes_are_signed_both_values_are_read_and_nothing_is_asked(tmp_path: Path, phone: Phone) -> None:
    data, visit = two_values(tmp_path / "valley")
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(f"{app.url}/visit/{visit}/sign", "1 chỗ hai máy ghi khác nhau, cần chọn")
        app.kill()
    with notebook(data) as book:
        book.sign(visit, "unit_representative", "Vi Văn Pó", "", "on_paper")
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        phone.open(app.url, "Bắt đầu cuộc kiểm tra")
        assert not phone.has("conflicts")
        phone.go(f"/visit/{visit}", "1 chỗ hai máy ghi khác nhau khi ký")
        phone.tap("conflicts")
        phone.sees("Biên bản đã ký với giá trị được đánh dấu")
        assert "Phạm Dũng" in phone.reading() and "Lê Thị Cúc" in phone.reading()
        assert phone.unnamed() == [] and phone.small_targets() == []
        phone.shot("conflicts-signed")
        app.kill()
