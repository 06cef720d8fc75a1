"""A day of one phone: installed in town, a visit in the mountains with nothing there, sent in the evening."""

import hashlib
from pathlib import Path

from tests.field import cases
from tests.ui.driver import Phone
from tests.ui.home_affairs import Central, Officer
from tests.ui.inspector import Inspector
from tests.web.boards import as_video, board
from tests.web.conftest import PocketMaker
from tests.web.pocket import Pocket, python, shown

KY_SON = "pub_ky_son"


def enrolled(pocket: Pocket, central: Central, code: int = 0) -> Phone:
    """The app opened by the link of a QR code, its place taken by one touch, installed for offline use."""
    page = pocket.page(f"{central.url}/?enrol={central.facts['enrolment_codes'][code]}")
    phone = shown(page, "Mã đã có sẵn")
    phone.tap("enrol")
    phone.sees("Bắt đầu cuộc kiểm tra")
    pocket.installed(page)
    return phone


def test_a_day_in_the_mountains(central: Central, new_pocket: PocketMaker, tmp_path: Path) -> None:
    camera = as_video(board(), tmp_path / "board.mjpeg")
    pocket = new_pocket(arguments=(f"--use-file-for-fake-video-capture={camera}",))
    phone = enrolled(pocket, central)
    installable = pocket.context.new_cdp_session(phone.page)
    assert installable.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert installable.send("Page.getAppManifest")["errors"] == []

    central.stop()
    pocket.kill()
    pocket.start()
    case = cases()[KY_SON]
    hand = Inspector(pocket.open(central.url, "Bắt đầu cuộc kiểm tra"))
    visit = hand.start(case, "ky son")
    rooms = case["illustrative_rows"]["rows"]
    hand.count_by_room(rooms[:5])

    pocket.kill()  # in the middle of the fifth room's evening: the battery ends
    pocket.start()
    hand.phone = pocket.open(f"{central.url}/visit/{visit}", "5/5 phòng")
    hand.count_by_room(rooms[5:], after=5)
    hand.answer_sections(case["inputs"])
    for _ in range(2):
        hand.phone.tap("take-photo")
        hand.photograph()
    hand.phone.sees("Ảnh của cuộc kiểm tra (3)")
    hand.phone.tap("review")
    hand.phone.sees("Tỷ lệ có mặt: ")
    hand.phone.tap("close-visit")
    hand.phone.sees("Đã kết thúc.")
    kept = python(
        hand.phone.page,
        """
import hashlib
from boot import _app as app
{name: hashlib.sha256(app.photo_bytes(name)).hexdigest() for name in app.book.named_files()}
""",
    )
    assert kept and all(name == found for name, found in kept.items())

    central.start().ready()
    hand.phone.open(central.url, "Trung tâm đã nhận đủ")
    officer = Officer(central)
    try:
        [line] = [v for v in officer.as_json()["visits"] if v["visit_id"] == visit]
        assert line["attendance_rate"] == case["expected"]["attendance_rate"]
        assert line["photos"] == 3
        for name in kept:
            answer = officer.client.get(f"/photos/{name}")
            assert answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() == name
    finally:
        officer.close()
