"""The overlapping shots of one board at central: one set for every phone of the team, in the pages and in what the API tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notebook import PhotoFacts
from tests.central.conftest import Office
from tests.sync.test_two_phones import photograph
from tests.valley import PASSWORD, Valley, told

ITEM = "tthc_board_photo"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@told
async def test_home_affairs_see_the_shots_of_a_board_side_by_side_in_their_order(valley: Valley) -> None:
    book, visit = valley.cuc.book, valley.visit
    await photograph(valley.cuc, visit, 1, ITEM)
    facts = [
        PhotoFacts(f"{nth}{'e' * 63}", 90_000, 800, 600, "image/jpeg", f"{nth}{'f' * 63}", 8_000) for nth in (3, 1, 2)
    ]
    kept = book.add_photos(visit, facts, item=ITEM, caption="Bảng niêm yết")
    loose = book.add_photos(visit, facts[:1])
    await valley.sync_until_quiet()
    ((name, shots),) = valley.dung.book.visit(visit).photo_sets.items()
    assert [shot.id for shot in shots] == kept, "the other phone of the team has the same set"

    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = office.get(f"/hq/visits/{visit}").text
    (drawn,) = re.findall(r'<section class="set" aria-label="Bộ 3 ảnh">(.*?)</section>', page, re.S)
    assert re.findall(r"Tấm (\d)", drawn) == ["1", "2", "3"] and drawn.count("<figure>") == 3
    assert page.count("<figure>") == 5, "each photo once, those by themselves outside the set"
    answer = office.get(f"/api/v1/visits/{visit}", headers=await valley.office()).json()
    told_sets = {photo["id"]: photo["photo_set"] for photo in answer["photo_list"]}
    assert [told_sets[photo] for photo in kept] == [name] * 3 and told_sets[loose[0]] is None
    assert [photo["id"] for photo in answer["photo_list"] if photo["photo_set"]] == kept

    book.remove_photo(*book.visit(visit).photo_sets[name])
    await valley.sync_until_quiet()
    assert "Bộ 3 ảnh" not in office.get(f"/hq/visits/{visit}").text
