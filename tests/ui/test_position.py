"""Recording where one is: off until switched on for a visit, and never in the way, whatever the phone says to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.readings import VisitReading
from tests.ui.conftest import PhoneMaker
from tests.ui.driver import App, Phone, serving, until
from tests.ui.test_screens import MAIN, Day, enrol, notebook, there

pytestmark = pytest.mark.phone

MUONG_LONG = {"latitude": 19.387, "longitude": 104.131, "accuracy": 12}
WRITTEN = "19.3870000 104.1310000 0 12"
SHOWN = "19.3870000, 104.1310000 (±12 m)"
OTHERWISE = "Mọi thứ khác vẫn ghi bình thường"


@dataclass
class Visit:
    """An open visit on a phone of its own, and what stands in its notebook."""

    app: App
    id: str
    other: str

    def recorded(self, visit: str = "") -> VisitReading:
        day = Day.__new__(Day)
        day.data = self.app.data
        return day.recorded(visit or self.id)


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    data = tmp_path / "phone"
    with notebook(data) as book:
        unit = enrol(book)[0]
        visit, other = book.start_visit(unit), book.start_visit("Trạm y tế")
    with serving(MAIN, data, KIEMTRA_DATA=str(data)) as app:
        yield Visit(app, visit, other)


def open_visit(phone: Phone, visit: Visit) -> None:
    phone.open(f"{visit.app.url}/visit/{visit.id}", "Đếm quân số")
    phone.is_moving = True
    phone.scroll_to("position")
    phone.sees("Tắt")


def photograph(phone: Phone, visit: Visit) -> None:
    """One photo of the visit, kept."""
    before = len(visit.recorded().photos)
    phone.tap("take-photo")
    phone.tap(phone.awake("shutter"))
    phone.tap("use-photo")
    there(phone, "review")
    until(lambda: len(visit.recorded().photos) == before + 1, "the photo is kept")


def test_switched_on_for_a_visit_it_goes_with_the_visit_once_and_with_each_photo(
    visit: Visit, new_phone: PhoneMaker
) -> None:
    phone = new_phone(permissions=["camera", "geolocation"], geolocation=MUONG_LONG)
    open_visit(phone, visit)
    photograph(phone, visit)
    assert visit.recorded().photos[0].geopoint == "" and visit.recorded().geopoint == "", "off until it is switched on"
    phone.tap("position")
    phone.sees(SHOWN)
    assert visit.recorded().geopoint == WRITTEN
    assert phone.unnamed() == [] and phone.node("position").get_attribute("aria-checked") in ("true", None)
    phone.page.context.set_geolocation({"latitude": -8.5, "longitude": 179.9999999, "accuracy": 850.2})
    photograph(phone, visit)
    own = "-8.5000000 179.9999999 0 850.2"
    until(
        lambda: visit.recorded().photos[-1].geopoint == own, lambda: f"the photo has its own: {visit.recorded().photos}"
    )
    assert visit.recorded().geopoint == WRITTEN, "the visit keeps the first"
    phone.tap("visit-photo-2")
    phone.sees("Vị trí: -8.5000000, 179.9999999 (±851 m)")
    phone.back()
    phone.tap("position")
    phone.sees("Tắt")
    photograph(phone, visit)
    assert visit.recorded().photos[-1].geopoint == "", "switched off again"
    phone.open(f"{visit.app.url}/visit/{visit.other}", "Đếm quân số")
    phone.scroll_to("position")
    phone.sees("Tắt")
    assert not phone.complaints


REFUSING = {
    "refused": "",
    "missing": """navigator.geolocation.getCurrentPosition =
        (_, fail) => fail({code: 2, message: 'Position unavailable', POSITION_UNAVAILABLE: 2});""",
    "hanging": "navigator.geolocation.getCurrentPosition = () => {};",
}
SAID = {
    "refused": "máy chưa được phép",
    "missing": "máy không có định vị, hoặc định vị đang tắt",
    "hanging": "Chưa bắt được vị trí trong 10 giây",
}


@pytest.mark.parametrize("trouble", REFUSING)
def test_a_phone_that_gives_no_position_says_so_once_and_everything_else_goes_on(
    visit: Visit, new_phone: PhoneMaker, trouble: str
) -> None:
    allowed = ["camera"] if trouble == "refused" else ["camera", "geolocation"]  # what is not named is denied
    phone = new_phone(permissions=allowed, geolocation=MUONG_LONG)
    phone.page.add_init_script(REFUSING[trouble])
    open_visit(phone, visit)
    phone.tap("position")
    phone.sees("chưa có vị trí")
    phone.sees(SAID[trouble])
    assert OTHERWISE in phone.reading()
    phone.tap("toast-close")
    photograph(phone, visit)
    photograph(phone, visit)
    phone.sees("Ảnh của cuộc kiểm tra (2)")
    if trouble != "hanging":
        assert SAID[trouble] not in phone.reading(), "once is enough"
    assert {photo.geopoint for photo in visit.recorded().photos} == {""} and visit.recorded().geopoint == ""
    assert not phone.complaints


def test_a_browser_that_was_never_asked_is_no_trouble_either(visit: Visit, new_phone: PhoneMaker) -> None:
    """No permission given or taken: headless Chromium answers the question itself, as somebody who looks away."""
    phone = new_phone()
    open_visit(phone, visit)
    phone.tap("position")
    phone.sees(OTHERWISE)
    photograph(phone, visit)


def test_a_slow_fix_holds_no_photo_back_and_is_added_when_it_comes(visit: Visit, new_phone: PhoneMaker) -> None:
    phone = new_phone(permissions=["camera", "geolocation"], geolocation=MUONG_LONG)
    phone.page.add_init_script(
        """const now = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
        window.asked = 0;
        navigator.geolocation.getCurrentPosition = (done, fail, how) => {
            window.asked++;
            window.fix = () => now(done, fail, how);
        };"""
    )
    open_visit(phone, visit)
    phone.tap("position")
    until(lambda: phone.page.evaluate("window.asked"), "the phone was asked")
    photograph(phone, visit)
    assert visit.recorded().photos[0].geopoint == "", "kept without waiting"
    phone.page.evaluate("window.fix()")
    until(lambda: visit.recorded().photos[0].geopoint == WRITTEN, "the position has come")
    phone.sees(SHOWN)
    with_entries = visit.recorded()
    assert with_entries.geopoint == WRITTEN and len(with_entries.photos) == 1
