"""The camera screen in the browser most phones have: what is picked from the phone, what the torch says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.photos.shots import BOARD, as_file, notice_board
from tests.ui.driver import Phone, until
from tests.ui.home_affairs import Central
from tests.web.conftest import PocketMaker
from tests.web.pocket import shown
from tests.web.test_photo_files import a_visit, asked

REFUSED_CAMERA = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
TORCH_OF_A_PHONE = """
    const capabilities = MediaStreamTrack.prototype.getCapabilities;
    MediaStreamTrack.prototype.getCapabilities = function () { return {...capabilities.call(this), torch: true}; };
    globalThis.torch = [];
    MediaStreamTrack.prototype.applyConstraints = async ({advanced: [{torch: is_lit}]}) => { torch.push(is_lit); };
"""

CameraScreen = Callable[..., Phone]


@pytest.fixture
def camera_screen(new_pocket: PocketMaker, central: Central) -> CameraScreen:
    """`camera_screen("…")`: the camera screen of a visit, on a page that ran this script first."""

    def open_screen(script: str) -> Phone:
        page = a_visit(new_pocket(), central)
        page.add_init_script(script)
        page.goto(f"{central.url}/visit/{asked(page, 'visit()')}/photo")
        return shown(page, "Chọn ảnh có sẵn")

    return open_screen


class Gallery:
    """The phone's own files, chosen from by the browser's protocol: Playwright hands over none of more than 50 MB."""

    def __init__(self, phone: Phone, folder: Path):
        self.phone, self.folder = phone, folder
        self._asked: list[int] = []
        self._browser = phone.page.context.new_cdp_session(phone.page)
        self._browser.on("Page.fileChooserOpened", lambda event: self._asked.append(event["backendNodeId"]))
        self._browser.send("Page.enable")
        self._browser.send("Page.setInterceptFileChooserDialog", {"enabled": True})

    def pick(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        self.phone.tap("pick-photo")
        until(lambda: self.phone.page.evaluate("1") and self._asked, "the phone asks which file")
        chosen = {"files": [str(self.folder / name)], "backendNodeId": self._asked.pop()}
        self._browser.send("DOM.setFileInputFiles", chosen)


def test_whatever_is_picked_is_answered_in_plain_words(camera_screen: CameraScreen, tmp_path: Path) -> None:
    phone = camera_screen(REFUSED_CAMERA)
    phone.sees("Máy ảnh chưa được phép dùng")
    gallery = Gallery(phone, tmp_path)
    gallery.pick("rong.jpg", b"")
    phone.sees("Tệp ảnh trống")
    gallery.pick("ghi-chu.jpg", "Danh sách cán bộ vắng mặt".encode())
    phone.sees("Tệp này không phải ảnh")
    huge = "[await app.look_at(b'\\xff\\xd8\\xff' + bytes(50 << 20)), app.message.vi]"
    found, said = asked(phone.page, huge)
    assert found is None and "lớn hơn 50 MB" in said
    gallery.pick("bang.jpg", as_file(notice_board(4000, 3000), quality=90))
    phone.sees("Ảnh rõ")
    phone.tap("use-photo")
    phone.sees("Ảnh của cuộc kiểm tra (1)")
    assert asked(phone.page, "all(app.files.is_intact(name) for name in app.book.named_files())")


def test_a_huge_file_is_picked_and_refused_and_the_app_goes_on(camera_screen: CameraScreen, tmp_path: Path) -> None:
    """Flet's client takes about a second for a megabyte."""
    phone = camera_screen(REFUSED_CAMERA)
    gallery = Gallery(phone, tmp_path)
    gallery.pick("phim.jpg", BOARD + bytes(50 << 20))
    phone.sees("lớn hơn 50 MB", patience=400)
    gallery.pick("bang.jpg", BOARD)
    phone.sees("Ảnh rõ")


def test_the_torch_lights_on_a_phone_that_has_one(camera_screen: CameraScreen) -> None:
    """Browsers tell of a torch by yes or no; the camera plugin as it comes takes that for a fault."""
    phone = camera_screen(TORCH_OF_A_PHONE)
    phone.awake("shutter")
    phone.tap("torch")
    until(lambda: phone.page.evaluate("torch") == [False, True], "the torch is lit")
    phone.tap("shutter")
    phone.tap("use-photo")
    phone.sees("Ảnh của cuộc kiểm tra (1)")
