"""Phones, people and units as the office looks after them."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import segno
from fastapi import FastAPI

from central.database import rows
from tests.central.conftest import Clock, Office

Signed = Callable[[str], Office]
ASSETS = Path(__file__).parent.parent.parent / "assets"


def shown_code(page: str) -> str:
    found = re.search(r'class="digits">([0-9A-Z-]+)<', page)
    assert found, page
    return found[1]


def test_an_officer_makes_a_code_and_a_phone_enrols_with_it(office: Signed, client: httpx.Client, clock: Clock) -> None:
    window = office("binh")
    made = window.submit("/hq/devices/codes", user="dung")
    code = shown_code(made.text)
    drawn = segno.make(f"http://127.0.0.1:8000/?enrol={code}", error="m").svg_inline(scale=4, border=4, omitsize=True)
    assert drawn in made.text and "Mã hết hạn lúc 22/11/2026 12 giờ 00" in made.text
    for step in ("máy ảnh của điện thoại", "bằng Chrome", "Thêm vào màn hình chính", "http://127.0.0.1:8000/<"):
        assert step in made.text, "the page says what the inspector does with the code"
    assert code not in window.open("/hq/devices").text

    given = client.post("/api/v1/devices", json={"code": code, "name": "Máy <b>của</b> Dũng"}).json()
    before = window.open("/hq/devices").text
    assert "Máy &lt;b&gt;của&lt;/b&gt; Dũng" in before and "chưa lần nào" in before
    clock.pass_minutes(30)
    client.get("/api/v1/reference", headers={"Authorization": f"Bearer {given['token']}"})

    assert "21/11/2026 12 giờ 30" in window.open("/hq/devices").text


def test_a_lost_phone_is_revoked_and_stays_listed(
    office: Signed, client: httpx.Client, enrolled: Callable[[str], dict[str, str]], central: FastAPI
) -> None:
    bearer, window = enrolled("dung"), office("binh")
    with central.state.db.reading() as connection:
        device = rows(connection, "SELECT id FROM device")[0]["id"]
    assert client.get("/api/v1/reference", headers=bearer).status_code == 200

    assert window.submit(f"/hq/devices/{device}/revoke").headers["location"] == "/hq/devices"

    refused = client.get("/api/v1/reference", headers=bearer)
    assert refused.status_code == 403 and refused.json()["type"].endswith("/device-revoked")
    assert "Đã thu hồi 21/11/2026 12 giờ 00" in window.open("/hq/devices").text
    assert window.submit("/hq/devices/none/revoke").status_code == 404


def test_home_affairs_cannot_equip_itself_with_the_rights_of_an_administrator(
    office: Signed, client: httpx.Client, central: FastAPI
) -> None:
    binh, an = office("binh"), office("an")
    assert 'value="an"' not in binh.open("/hq/devices").text and 'value="an"' in an.open("/hq/devices").text
    for user in ("an", "binh"):
        assert binh.submit("/hq/devices/codes", user=user).status_code == 403
    code = shown_code(an.submit("/hq/devices/codes", user="an").text)
    client.post("/api/v1/devices", json={"code": code, "name": "Máy của An"})
    with central.state.db.reading() as connection:
        device = rows(connection, "SELECT id FROM device")[0]["id"]
    assert binh.submit(f"/hq/devices/{device}/revoke").status_code == 403
    assert an.submit(f"/hq/devices/{device}/revoke").status_code == 303
    assert an.submit("/hq/devices/codes", user="khong-co").status_code == 404


def test_only_an_administrator_stops_people_and_nobody_stops_themselves(office: Signed) -> None:
    binh, an = office("binh"), office("an")
    assert binh.submit("/hq/users/dung/stop").status_code == 403
    assert an.submit("/hq/users/an/stop").status_code == 403
    assert an.submit("/hq/users/khong-co/stop").status_code == 404
    assert an.submit("/hq/users/binh/stop").status_code == 303
    assert binh.get("/hq/").status_code == 303
    assert "Đã ngừng" in an.open("/hq/users").text
    assert an.submit("/hq/users/binh/resume").status_code == 303
    office("binh")


def test_units_are_brought_in_found_without_diacritics_and_shown_with_their_parents(office: Signed) -> None:
    window = office("binh")
    assert "Chưa có đơn vị nào" in window.open("/hq/units").text

    raw = (ASSETS / "units.csv").read_bytes()
    done = window.post("/hq/units", data={"csrf": window.token()}, files={"file": ("units.csv", raw, "text/csv")})
    assert "tệp có 1.305 đơn vị, 1.305 đơn vị mới hoặc thay đổi" in done.text
    again = window.post("/hq/units", data={"csrf": window.token()}, files={"file": ("units.csv", raw, "text/csv")})
    assert "0 đơn vị mới hoặc thay đổi" in again.text

    for query in ("dai dong", "ĐẠI ĐỒNG", "đại đồng"):
        found = window.open(f"/hq/units?q={query}").text
        assert found.index(">17713<") < found.index(">17749<"), "the current unit before the old one"
        assert "Tỉnh Nghệ An" in found and "Huyện Thanh Chương" in found and "đến 30/06/2025" in found
    assert "Không có đơn vị nào khớp với «không-đâu»" in window.open("/hq/units?q=không-đâu").text
    assert len(window.get("/hq/units?q=xa").content) < 100_000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "dòng đầu phải là"),
        ("code,name_vi,level,parent_code,valid_from,valid_to,successor_codes\n1,Xã <b>,xã,,,,\n".encode(), "level"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_faulty_units_file_is_shown_line_by_line_and_nothing_is_taken(
    office: Signed, central: FastAPI, raw: bytes, said: str
) -> None:
    window = office("binh")
    answer = window.post("/hq/units", data={"csrf": window.token()}, files={"file": ("units.csv", raw, "text/csv")})
    assert (
        answer.status_code == 422 and "Chưa nhập gì" in answer.text and said in answer.text and "<b>" not in answer.text
    )
    with central.state.db.reading() as connection:
        assert rows(connection, "SELECT * FROM unit") == []


def test_a_form_without_a_file_or_with_a_huge_one_is_told(office: Signed) -> None:
    window = office("binh")
    assert "Chưa nhập gì" in window.submit("/hq/units").text
    huge = window.post(
        "/hq/units", data={"csrf": window.token()}, files={"file": ("u.csv", bytes(5_000_000), "text/csv")}
    )
    assert huge.status_code == 413
