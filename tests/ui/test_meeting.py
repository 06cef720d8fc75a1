"""Two phones side by side in a valley without a network: what is on one is on both afterwards, through the real screens."""

from pathlib import Path

import pytest

from tests.ui.conftest import PhoneMaker
from tests.ui.driver import serving
from tests.ui.test_screens import ROOT, enrol, messy_visit, notebook, there

pytestmark = pytest.mark.phone

ON_ONE_NETWORK = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import runpy
import app.meeting
app.meeting.own_addresses = lambda: ["127.0.0.1"]  # stands for the hotspot's network
runpy.run_path({str(ROOT / "main.py")!r}, run_name="__main__")
"""


def test_a_visit_goes_from_phone_to_phone_without_any_network(tmp_path: Path, new_phone: PhoneMaker) -> None:
    script = tmp_path / "main.py"
    script.write_text(ON_ONE_NETWORK, encoding="utf-8")
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    with notebook(mine) as book:
        visit = messy_visit(book, enrol(book)[0])
    with notebook(theirs) as book:
        enrol(book)
        who = book.enrolment
        assert who is not None
        book.enrol(type(who)(**{**vars(who), "device": "1" * 32}))
    leader, inspector = new_phone((360, 640)), new_phone((360, 640), dark=True)
    with (
        serving(script, theirs, KIEMTRA_DATA=str(theirs)) as waiting,
        serving(script, mine, KIEMTRA_DATA=str(mine)) as going,
    ):
        leader.open(f"{waiting.url}/settings", "Ngôn ngữ")
        leader.scroll_to("meet")
        leader.tap("meet")
        there(leader, "meet-wait")
        leader.tap("meet-wait")
        there(leader, "meet-code")
        said = leader.reading()
        address = next(word for word in said.replace("\n", " ").split() if word.startswith("127.0.0.1:"))
        digits = "".join(filter(str.isdigit, said.split(address)[1].split("Mã")[-1]))[:8]
        leader.shot("meet-waiting")
        inspector.open(f"{going.url}/meet", "Bắt đầu chuyển")
        inspector.shot("meet-dark")
        inspector.type_into("Địa chỉ", address)
        inspector.type_into("Mã", "00000000")
        inspector.tap("meet-go")
        inspector.sees("Sai mã")
        inspector.type_into("Mã", digits)
        inspector.tap("meet-go")
        there(inspector, "meet-came")
        inspector.shot("meet-done")
        there(leader, "meet-came")
        leader.shot("meet-received")
        assert leader.unnamed() == [] and leader.small_targets() == []
        for app in (waiting, going):
            app.kill()
    with notebook(mine) as one, notebook(theirs) as other:
        assert one.visit(visit).values == other.visit(visit).values
        assert one.visit(visit).figures == other.visit(visit).figures
