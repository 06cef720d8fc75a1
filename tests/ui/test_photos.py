"""The camera screen on good and bad days: no camera, a silent one, no torch, files that are no photos, no room, files gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.photos.disk import FolderOnDisk
from app.photos.store import PhotoFiles
from tests.photos.shots import BOARD, as_file, notice_board, opened
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until
from tests.ui.home_affairs import ROOT
from tests.ui.test_screens import enrol, notebook

pytestmark = pytest.mark.phone

REFUSING = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('{words}', '{name}'))"
SLOW = """
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const go_on = new Promise(now => { globalThis.go_on = now; });
    navigator.mediaDevices.getUserMedia = async wanted => { await go_on; globalThis.went_on = true; return open(wanted); };
"""
HANGING = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {})"
WITH_TORCH = """  // a list, as Flet's own client expects; what browsers really tell is in tests/web
    const capabilities = MediaStreamTrack.prototype.getCapabilities;
    MediaStreamTrack.prototype.getCapabilities = function () { return {...capabilities.call(this), torch: [true]}; };
    globalThis.torch = [];
    MediaStreamTrack.prototype.applyConstraints = async ({torch: is_lit}) => { torch.push(is_lit); };
"""


class Visit:
    """A visit of a phone whose app is served."""

    app: App

    def __init__(self, data: Path):
        self.data = data
        with notebook(data) as book:
            self.id = book.start_visit(enrol(book)[0])

    @property
    def camera(self) -> str:
        return f"{self.app.url}/visit/{self.id}/photo"

    def files(self) -> PhotoFiles:
        """What lies in its folder of photos."""
        return PhotoFiles(FolderOnDisk(self.data / "photos"))


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    visit = Visit(tmp_path / "phone")
    with serving(ROOT / "main.py", visit.data, KIEMTRA_DATA=str(visit.data)) as visit.app:
        yield visit


def pick(phone: Phone, name: str, content: bytes) -> None:
    """A file chosen where a photo is asked for; what it is called and what it is are two things."""
    with phone.page.expect_file_chooser() as chooser:
        phone.tap("pick-photo")
    chooser.value.set_files({"name": name, "mimeType": "image/jpeg", "buffer": content})


@pytest.mark.parametrize(
    ("script", "words", "can_retry"),
    [
        (REFUSING.format(words="no", name="NotAllowedError"), "Máy ảnh chưa được phép dùng", True),
        (REFUSING.format(words="in use", name="NotReadableError"), "Máy ảnh đang bị ứng dụng khác dùng", True),
        (REFUSING.format(words="none", name="NotFoundError"), "Máy này không mở được máy ảnh", False),
        (HANGING, "Máy ảnh không trả lời", True),
    ],
    ids=["refused", "in use", "missing", "hanging"],
)
def test_a_camera_that_does_not_open_is_said_plainly_and_a_photo_can_still_be_chosen(
    visit: Visit, new_phone: PhoneMaker, script: str, words: str, can_retry: bool
) -> None:
    phone = new_phone(permissions=["camera"])
    phone.page.add_init_script("globalThis.opening = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)")
    phone.page.add_init_script(script)
    phone.open(visit.camera, words)
    assert not phone.has("shutter") and not phone.has("torch")
    assert phone.has("camera-again") == can_retry
    pick(phone, "bang.jpg", BOARD)
    phone.sees("Ảnh rõ")
    phone.tap_until("retake", words)
    if can_retry:
        # Allowed in the settings, or the other app closed.
        phone.page.evaluate("() => { navigator.mediaDevices.getUserMedia = opening; }")
        phone.tap("camera-again")
        phone.tap(phone.awake("shutter"))
        phone.tap("use-photo")
        phone.sees("Ảnh của cuộc kiểm tra (1)")
    assert phone.unnamed() == []


def test_there_is_a_torch_button_only_where_there_is_a_torch(visit: Visit, new_phone: PhoneMaker) -> None:
    phone = new_phone(permissions=["camera"])
    phone.open(visit.camera, "Chụp")
    phone.awake("shutter")
    assert not phone.has("torch")

    phone = new_phone(permissions=["camera"])
    phone.page.add_init_script(WITH_TORCH)
    phone.open(visit.camera, "Chụp")
    phone.awake("shutter")
    assert phone.page.evaluate("torch") == [False], "nothing is lit by asking"
    phone.tap("torch")
    until(lambda: phone.page.evaluate("torch") == [False, True], "the torch is lit")
    phone.tap("torch")
    until(lambda: phone.page.evaluate("torch") == [False, True, False], "the torch is out")
    phone.page.evaluate("() => { MediaStreamTrack.prototype.getCapabilities = () => ({}); }")
    phone.tap("torch")
    until(lambda: not phone.has("torch"), "a torch that is refused after all is not offered any longer")
    phone.tap(phone.awake("shutter"))
    phone.tap("use-photo")
    phone.sees("Ảnh của cuộc kiểm tra (1)")


def test_leaving_while_the_camera_opens_leaves_the_app_alive(visit: Visit, new_phone: PhoneMaker) -> None:
    """The answer comes when nobody waits for it any more."""
    phone = new_phone(permissions=["camera"])
    phone.page.add_init_script(SLOW)
    phone.open(f"{visit.app.url}/visit/{visit.id}", "Chưa có ảnh")
    phone.tap_until("take-photo", "Đang mở máy ảnh")
    phone.tap_until("back", "Chưa có ảnh")
    phone.page.evaluate("() => go_on()")
    phone.tap_until("take-photo", "Chụp")
    phone.tap_until("back", "Chưa có ảnh")
    until(lambda: phone.page.evaluate("() => went_on"), "the camera answers after all")
    phone.tap_until("review", "Tỷ lệ có mặt")


def test_whatever_is_picked_is_answered_in_plain_words_and_nothing_is_lost(visit: Visit, phone: Phone) -> None:
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    pick(phone, "bang.jpg", as_file(notice_board(4000, 3000), quality=90))
    phone.sees("Ảnh rõ")
    phone.tap_until("use-photo", "Ảnh của cuộc kiểm tra (1)")
    kept = visit.files().names()
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    for name, content, words in (
        ("rong.jpg", b"", "Tệp ảnh trống"),
        ("danh-sach.jpg", "Danh sách cán bộ vắng mặt".encode(), "Tệp này không phải ảnh"),
        ("nua.jpg", BOARD[: len(BOARD) // 2], "bị hỏng hoặc thiếu một phần"),
    ):
        pick(phone, name, content)
        phone.sees(words)
        phone.tap("toast-close")
        phone.sees_not(words)
    assert visit.files().names() == kept
    pick(phone, "bang.png", as_file(notice_board(800, 600), "PNG"))
    phone.sees("Ảnh rõ")
    phone.type_into("Chú thích", "Bảng ở cửa sau")
    phone.tap_until("use-photo", "Ảnh của cuộc kiểm tra (2)")


def test_one_touch_of_use_keeps_one_photo(visit: Visit, phone: Phone) -> None:
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    pick(phone, "bang.jpg", BOARD)
    phone.sees("Ảnh rõ")
    x, y, width, height = phone.scroll_to("use-photo")
    phone.page.mouse.dblclick(x + width / 2, y + height / 2)
    phone.sees("Ảnh của cuộc kiểm tra (1)")
    phone.open(f"{visit.app.url}/visit/{visit.id}", "Ảnh của cuộc kiểm tra (1)")


def drag(phone: Phone, tool: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger draws with a tool over the photo; places are shares of the sides of where it is shown."""
    phone.tap(tool)
    phone.settle()
    x, y, width, height = phone.box("mark-picture")
    mouse = phone.page.mouse
    mouse.move(x + start[0] * width, y + start[1] * height)
    mouse.down()
    mouse.move(x + end[0] * width, y + end[1] * height, steps=6)
    mouse.up()


def kept_board_to_mark(phone: Phone, visit: Visit) -> str:
    """Keeps the photo of a board and opens it for drawing; the name of its file."""
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    pick(phone, "bang.jpg", BOARD)
    phone.sees("Ảnh rõ")
    phone.tap_until("use-photo", "Ảnh của cuộc kiểm tra (1)")
    (kept,) = [name for name in visit.files().names() if len(visit.files().read(name)) > 9_000]
    phone.tap_until("visit-photo-1", "che mặt hoặc tên")
    phone.tap_until("photo-mark", "Ảnh, đã đặt 0 dấu")
    return kept


def test_what_is_wrong_is_shown_by_arrow_ring_and_words_on_a_new_photo(visit: Visit, new_phone: PhoneMaker) -> None:
    phone = new_phone()
    kept = kept_board_to_mark(phone, visit)
    drag(phone, "tool-arrow", (0.8, 0.8), (0.5, 0.5))
    phone.sees("đã đặt 1 dấu")
    drag(phone, "tool-ring", (0.1, 0.35), (0.4, 0.65))
    phone.sees("đã đặt 2 dấu")
    phone.tap_until("tool-words", "Chạm vào chỗ cần ghi chữ")
    x, y, width, height = phone.box("mark-picture")
    phone.page.mouse.click(x + width / 2, y + height * 0.4)
    phone.sees("Chữ ghi lên ảnh")
    phone.type_into("Chữ ghi lên ảnh", "Thiếu mức phí")
    phone.tap_until("mark-text-add", "đã đặt 3 dấu")
    assert phone.unnamed() == [] and phone.small_targets() == []
    phone.tap_until("mark-undo", "đã đặt 2 dấu")
    phone.tap_until("mark-save", "Chú thích")
    visit.app.kill()
    with notebook(visit.data) as book:
        original, photo = book.visit(visit.id).photos
    assert (original.sha256, photo.derived_from) == (kept, kept)
    before, after = (opened(visit.files().read(name)).convert("RGB") for name in (kept, photo.sha256))
    assert before.size == after.size == (800, 600)
    red = [place for place in [(400, 300), (80 + 2, 300)] if is_red(after, *place) and not is_red(before, *place)]
    assert len(red) == 2, "the tip of the arrow is where the finger stopped, the ring where it went around"


def is_red(image: Image.Image, x: int, y: int) -> bool:
    """Whether there is ink of a mark within a few pixels of a place."""
    around = [image.getpixel((x + a, y + b)) for a in range(-9, 10) for b in range(-9, 10)]
    return sum(red > 130 and green < 70 and blue < 90 for red, green, blue in around) > 20  # type: ignore[misc]


def test_a_face_is_covered_in_the_pixels_and_the_original_leaves_the_visit(visit: Visit, phone: Phone) -> None:
    kept = kept_board_to_mark(phone, visit)
    phone.tap_until("tool-cover", "Ô vừa")
    phone.settle()
    x, y, width, height = phone.box("mark-picture")
    phone.page.mouse.click(x + width / 2, y + height / 2)
    phone.sees("đã đặt 1 dấu")
    assert phone.unnamed() == []
    phone.tap_until("mark-save", "Bỏ ảnh gốc")
    phone.tap_until("cover-drop", "Chú thích")
    phone.open(f"{visit.app.url}/visit/{visit.id}", "Ảnh của cuộc kiểm tra (1)")
    visit.app.kill()
    with notebook(visit.data) as book:
        (photo,) = book.visit(visit.id).photos
    assert photo.derived_from == kept and (photo.width, photo.height) == (800, 600)
    before, after = (opened(visit.files().read(name)).convert("L") for name in (kept, photo.sha256))
    middle = (350, 250, 450, 350)  # 48 of 320 pixels of the screen are 120 of 800
    assert len(set(before.crop(middle).tobytes())) > 100
    cell = after.crop((344, 244, 366, 266)).getextrema()
    assert cell[1] - cell[0] < 24, "one of the cells of a touch in the middle of the photo"


def test_a_photo_whose_file_is_gone_is_said_and_what_nobody_names_is_cleared_away(
    visit: Visit, phone: Phone, tmp_path: Path
) -> None:
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    pick(phone, "bang.jpg", BOARD)
    phone.sees("Ảnh rõ")
    phone.tap_until("use-photo", "Ảnh của cuộc kiểm tra (1)")
    phone.open(f"{visit.app.url}/settings", "Còn trống")
    assert "không còn tệp" not in phone.reading()
    visit.app.kill()
    folder = visit.data / "photos"
    for path in folder.iterdir():
        path.unlink()
    (folder / ("a" * 64)).write_bytes(b"killed before its entry")
    (folder / ("b" * 64 + ".unfinished")).write_bytes(b"killed while it was written")
    with serving(ROOT / "main.py", visit.data, KIEMTRA_DATA=str(visit.data)) as app:
        phone.open(f"{app.url}/sync", "Máy này không còn tệp của 1 ảnh đã chụp")
        assert "an toàn" in phone.reading() and "chụp lại" in phone.reading()
        until(lambda: not list(folder.iterdir()), "the folder is swept")
        phone.open(f"{app.url}/settings", "Máy này không còn tệp của 1 ảnh đã chụp")


def test_a_large_board_is_taken_in_parts_and_kept_as_one_set(visit: Visit, phone: Phone) -> None:
    parts = [as_file(notice_board(width, 600)) for width in (800, 760, 720)]
    phone.open(visit.camera, "Chọn ảnh có sẵn")
    phone.tap_until("large-board", "Bắt đầu từ mép trái")
    for nth, part in enumerate(parts[:2], 1):
        pick(phone, "bang.jpg", part)
        phone.sees("Ảnh rõ")
        phone.tap_until("board-take", f"Mép tấm {nth} ở bên trái")
    phone.sees("Xong (2)")
    phone.tap_until("board-shot-1", "Giữ tấm này")
    phone.tap_until("board-again", "Bắt đầu từ mép trái")
    pick(phone, "bang.jpg", parts[2])
    phone.sees("Ảnh rõ")
    phone.tap_until("board-take", "Mép tấm 2 ở bên trái")
    assert phone.unnamed() == []
    phone.tap_until("board-done", "Bộ 2 ảnh")
    phone.tap_until("visit-photo-2", "Bộ 2 ảnh, tấm 2")
    visit.app.kill()
    with notebook(visit.data) as book:
        ((_, shots),) = book.visit(visit.id).photo_sets.items()
    assert [shot.width for shot in shots] == [720, 760], "the first one was taken again"
