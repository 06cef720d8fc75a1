"""Two phones write one field without knowing of each other: both values are shown with their authors, one is chosen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.recorder import VisitShut
from app.sync.journal import Change
from tests.central.conftest import PASSWORD, Office
from tests.sync.test_two_phones import assert_all_agree
from tests.valley import Valley, told

ITEM = "badge_missing_count"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def differing(valley: Valley) -> None:
    """Cúc counts three missing badges, Dũng a second later four, and both phones have heard of it."""
    valley.cuc.book.answer(valley.visit, ITEM, 3)
    valley.dung.clock.advance(1000)  # type: ignore[attr-defined]
    valley.dung.book.answer(valley.visit, ITEM, 4)
    await valley.sync_until_quiet("cuc", "dung")


@told
async def test_both_phones_read_who_wrote_what_when_and_where(valley: Valley) -> None:
    await differing(valley)
    [conflict] = valley.cuc.book.conflicts(valley.visit)
    assert (conflict.kind, conflict.field, conflict.row, conflict.item) == ("answer", "value", "", ITEM)
    assert (conflict.standing.value, conflict.other.value) == (4, 3), "the later one counts meanwhile"
    assert (conflict.standing.author, conflict.other.author) == ("Phạm Dũng", "Lê Thị Cúc")
    assert conflict.other.phone == "máy này / this phone" and conflict.standing.phone not in ("", conflict.other.phone)
    assert (conflict.standing.at or 0) > (conflict.other.at or 0) > 0
    assert valley.cuc.book.conflicts() == [conflict] and valley.cuc.book.conflicts("another visit") == []
    [seen_by_dung] = valley.dung.book.conflicts(valley.visit)
    assert seen_by_dung.standing.phone == "máy này / this phone"


@pytest.mark.parametrize("side, value", [("standing", 4), ("other", 3)])
@told
async def test_choosing_either_value_settles_it_on_every_phone_and_at_central(
    valley: Valley, side: str, value: int
) -> None:
    await differing(valley)
    valley.cuc.book.close_visit(valley.visit)
    await valley.sync_until_quiet("cuc", "dung")
    [conflict] = [c for c in valley.cuc.book.conflicts(valley.visit) if c.kind == "answer"]
    valley.cuc.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.cuc.book.settle(conflict, getattr(conflict, side))
    assert not [c for c in valley.cuc.book.conflicts() if c.kind == "answer"], "the screen need not wait for central"
    await valley.sync_until_quiet("cuc", "dung")
    for phone in (valley.cuc, valley.dung):
        assert not [c for c in phone.book.conflicts() if c.kind == "answer"]
        assert phone.book.visit(valley.visit).values[("", ITEM)] == value
    assert_all_agree(valley, [valley.visit])


@told
async def test_nothing_is_chosen_in_a_signed_visit(valley: Valley) -> None:
    await differing(valley)
    [conflict] = valley.cuc.book.conflicts(valley.visit)
    valley.cuc.book._record([Change("visit", valley.visit, {"status": "signed"}, valley.visit)])
    with pytest.raises(VisitShut):
        valley.cuc.book.settle(conflict, conflict.other)
    assert valley.cuc.book.conflicts(valley.visit) == [conflict]


@told
async def test_home_affairs_read_both_values_until_somebody_has_chosen(valley: Valley) -> None:
    await differing(valley)
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = office.open(f"/hq/visits/{valley.visit}").text
    told = page[page.index('id="conflicts"') : page.index('id="findings"')]
    assert "<strong>4</strong>" in told and "<strong>3</strong>" in told
    assert "Phạm Dũng" in told and "Lê Thị Cúc" in told
    [conflict] = valley.dung.book.conflicts(valley.visit)
    valley.dung.book.settle(conflict, conflict.other)
    await valley.sync_until_quiet("cuc", "dung")
    assert 'id="conflicts"' not in office.open(f"/hq/visits/{valley.visit}").text
