"""Positions at central: taken with the visit and its photos, shown to Home Affairs, refused when they are none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.central.conftest import PASSWORD, Office
from tests.sync.test_two_phones import photograph
from tests.valley import Pen, Valley, told

HERE = "19.3870000 104.1310000 812.5 12.3"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@told
async def test_home_affairs_see_where_a_visit_and_its_photos_were_recorded(valley: Valley) -> None:
    photo = await photograph(valley.cuc, valley.visit, 1)
    await photograph(valley.cuc, valley.visit, 2)
    valley.cuc.book.place(valley.visit, HERE, photo)
    assert await valley.sync("cuc") is None and await valley.sync("dung") is None
    assert valley.dung.book.visit(valley.visit).geopoint == HERE, "the other phone of the team knows it too"
    answer = await valley.clients["cuc"].get(f"/api/v1/visits/{valley.visit}", headers=await valley.office())
    document = answer.json()
    assert document["geopoint"] == HERE
    assert {p["id"]: p["geopoint"] for p in document["photo_list"]}[photo] == HERE
    assert sorted(str(p["geopoint"]) for p in document["photo_list"]) == [HERE, "None"]
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = office.open(f"/hq/visits/{valley.visit}").text
    assert page.count("19.3870000, 104.1310000 (±13 m)") == 2, "of the visit, and of one of two photos"
    told_how = office.open(f"/hq/visits/{valley.visit}/journal").text
    assert "vị trí: 19.3870000, 104.1310000 (±13 m)" in told_how


@told
async def test_two_phones_at_two_doors_are_no_conflict(valley: Valley) -> None:
    valley.cuc.book.place(valley.visit, HERE)
    valley.dung.book.place(valley.visit, "19.3871111 104.1312222 0 40")
    await valley.sync_until_quiet("cuc", "dung")
    with valley.dung.book.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM conflict").scalar() == 0
    assert valley.cuc.book.visit(valley.visit).geopoint == valley.dung.book.visit(valley.visit).geopoint


@pytest.mark.parametrize(
    "wrong", ["gần chợ", "91.0 104.1 0 12", "19.387 200 0 12", "19.387 104.131", "", 19, True, [19, 104], {"lat": 19}]
)
@pytest.mark.parametrize("kind", ["visit", "photo"])
@told
async def test_a_position_that_is_none_is_refused_and_stays_in_the_chain(valley: Valley, kind: str, wrong: Any) -> None:
    pen = Pen(valley.cuc)
    record = valley.visit if kind == "visit" else "0199c0de-0000-7000-8000-0000000000aa"
    patch = {"geopoint": wrong} | ({"visit": valley.visit} if kind == "photo" else {})
    body = pen.body(pen.entry(kind, record, patch), pen.entry("visit", valley.visit, {"visit_date": "2026-11-20"}))
    with TestClient(valley.app, base_url="http://testserver") as client:
        answer = client.post("/api/v1/sync", json=body, headers=pen.headers).json()
        assert answer["acked"] == 2
        (refused,) = answer["rejected"]
        assert (refused["seq"], refused["field"]) == (1, "geopoint") and refused["type"].endswith("/bad-value")
        assert refused["title"].startswith("Vị trí không đúng dạng")
        document = client.get(f"/api/v1/visits/{valley.visit}", headers=pen.headers).json()
    assert document["geopoint"] is None and document["visit_date"] == "2026-11-20" and document["photo_list"] == []
