"""A board photographed from the side is straightened on the phone: corners found, put right with a finger, kept as a new photo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.photos.header import read_header
from tests.photos.shots import as_file, corner_is_red, opened
from tests.photos.test_straighten import ON_THE_WALL, seen_from
from tests.ui.driver import Phone, serving
from tests.ui.home_affairs import ROOT
from tests.ui.test_photos import Visit, pick
from tests.ui.test_screens import notebook


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    visit = Visit(tmp_path / "phone")
    with serving(ROOT / "main.py", visit.data, KIEMTRA_DATA=str(visit.data)) as visit.app:
        yield visit


def test_a_tilted_board_is_straightened_and_its_original_stays_or_goes(visit: Visit, phone: Phone) -> None:
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    pick(phone, "bang.jpg", as_file(seen_from(ON_THE_WALL)))
    phone.sees("Bảng chụp nghiêng")
    phone.tap_until("use-and-straighten", "Bốn góc của bảng đã được tìm")
    original = phone.here().split("/")[2]
    x, y, width, height = phone.box("straighten-picture")
    phone.page.mouse.move(x + 30, y + 30)  # beside the upper left corner
    phone.page.mouse.down()
    phone.page.mouse.move(x + width / 2, y + height - 40, steps=4)
    phone.page.mouse.move(x + width - 30, y + height - 30, steps=4)
    phone.page.mouse.up()
    phone.sees("Bốn góc đang chéo nhau")
    phone.tap(phone.awake("straighten-again"))
    phone.sees_not("Bốn góc đang chéo nhau")
    phone.tap(phone.awake("corner-up"))
    assert phone.unnamed() == []
    phone.tap_until("straighten-do", "Chú thích")
    phone.go("/settings", "Ảnh gốc sau khi nắn thẳng")
    phone.tap("original-ask")
    phone.go(f"/visit/{visit.id}", "Ảnh của cuộc kiểm tra (2)")
    phone.go(f"/photo/{original}", "Vẽ, ghi chữ")
    phone.tap_until("photo-straighten", "Bốn góc của bảng đã được tìm")
    phone.tap_until("straighten-do", "Giữ cả hai")
    phone.tap_until("straighten-drop", "Chú thích")
    phone.go(f"/visit/{visit.id}", "Ảnh của cuộc kiểm tra (2)")
    visit.app.kill()
    with notebook(visit.data) as book:
        straight, other = book.visit(visit.id).photos
    assert straight.derived_from == other.derived_from != "" and original not in (straight.id, other.id)
    flat = visit.files().read(straight.sha256)
    header = read_header(flat)
    assert header is not None and (header.width, header.height) == (straight.width, straight.height)
    assert corner_is_red(opened(flat)), "the board's own upper left corner, and nothing of the wall"
    before = opened(visit.files().read(straight.derived_from))
    assert not corner_is_red(before) and straight.width <= max(before.size)
