"""axe-core reads every screen as a screen reader would find it in the browser of a phone."""

from pathlib import Path
from typing import Any

from tests.ui.driver import Phone
from tests.ui.home_affairs import Central
from tests.ui.inspector import Inspector
from tests.web.boards import as_video, board
from tests.web.conftest import PocketMaker
from tests.web.pocket import python, shown
from tests.web.test_bad_days import begun
from tests.web.test_offline_visit import enrolled
from web.build import CACHE
from web.packages import from_npm

FLUTTERS_OWN = {
    "meta-viewport": "Flutter's engine writes user-scalable=no; the app has a text size of its own in settings",
}
"""Rules that Flutter 3.41's web engine breaks by itself, and why nobody is shut out by it."""


def findings(phone: Phone) -> dict[str, list[str]]:
    """What axe-core finds serious or critical on the screen just shown, rule by rule, without what Flutter imposes."""
    phone.settle()
    phone.page.evaluate((from_npm(Path(__file__).parent, CACHE) / "axe-core" / "axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = phone.page.evaluate(
        """async () => (await axe.run(document)).violations.map(rule => ({
            id: rule.id, impact: rule.impact,
            nodes: rule.nodes.map(node => document.querySelector(node.target[0]).outerHTML.replace(/ style="[^"]*"/g, '')),
        }))"""
    )
    return {
        rule["id"]: rule["nodes"]
        for rule in found
        if rule["impact"] in ("serious", "critical") and rule["id"] not in FLUTTERS_OWN
    }


def test_nothing_on_any_screen_shuts_a_reader_out(central: Central, new_pocket: PocketMaker, tmp_path: Path) -> None:
    camera = as_video(board(), tmp_path / "board.mjpeg")
    pocket = new_pocket(arguments=(f"--use-file-for-fake-video-capture={camera}",))
    page = pocket.page(f"{central.url}/?enrol={central.facts['enrolment_codes'][1]}")
    found = {"enrol": findings(shown(page, "Mã đã có sẵn"))}
    page.close()
    phone = enrolled(pocket, central)
    visit = begun(phone)
    phone.go(visit, "Đếm quân số")
    phone.tap("take-photo")
    phone.awake("shutter")
    found["camera"] = findings(phone)
    Inspector(phone).photograph()
    phone.sees("Ảnh của cuộc kiểm tra (1)")
    kept = f"from boot import _app as app\n[photo.id for photo in app.book.visit({visit.split('/')[2]!r}).photos]"
    [photo] = python(phone.page, kept)
    screens = {
        "/": "Bắt đầu cuộc kiểm tra",
        "/start": "Chọn đơn vị",
        "/visits": "Xã Mường Lống",
        "/sync": "Gửi ngay",
        "/settings": "Ngôn ngữ",
        visit: "Đếm quân số",
        f"{visit}/count": "Phòng Nội vụ",
        f"{visit}/section/one_stop": "một cửa",
        f"{visit}/section/badges_conduct": "thẻ",
        f"{visit}/review": "Tỷ lệ có mặt",
        f"/photo/{photo}": "Bỏ ảnh khỏi cuộc kiểm tra",
        "/visit/none": "Không có trang này",
    }
    for path, words in screens.items():
        phone.go(path, words)
        found[path] = findings(phone)
    told = [
        f"{screen}: {rule}: {node}"
        for screen, rules in found.items()
        for rule, nodes in rules.items()
        for node in nodes
    ]
    assert not told, "\n".join(told)
