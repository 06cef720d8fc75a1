"""Two phones write one field without knowing of each other: both values are shown with their authors, one is chosen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.recorder import VisitShut
from app.screens.conflicts_screen import choices, place_words
from app.screens.theme import Look
from app.sync.journal import Change
from app.sync.stamp import finding_id
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
    assert valley.cuc.book.conflicts(valley.visit) == [conflict], "both values can still be read"
    assert valley.cuc.book.conflicts() == [], "and nobody is asked for what can no longer be done"


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


@told
async def test_two_phones_that_word_one_finding_differently_are_asked_in_its_words(valley: Valley) -> None:
    """What the checklist says by itself is nobody's words: writing all findings down overrules none."""
    book, visit = valley.cuc.book, valley.visit
    book.answer(visit, "badge_worn_all", "no")
    await valley.sync_until_quiet("cuc", "dung")
    finding = finding_id(visit, "", "badge_worn_all")
    book.word_finding(visit, finding, "Hai người không đeo thẻ")
    valley.dung.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.dung.book.keep_findings(visit)
    await valley.sync_until_quiet("cuc", "dung")
    assert book.conflicts(visit) == []
    for phone in (valley.cuc, valley.dung):
        assert [f.text for f in phone.book.visit(visit).evidence.standing] == ["Hai người không đeo thẻ"]
    valley.dung.book.set_severity(visit, finding, "critical")
    valley.dung.book.word_finding(visit, finding, "Ba người không đeo thẻ")
    book.word_finding(visit, finding, "Hai người một cửa không đeo thẻ")
    book.set_severity(visit, finding, "major")
    await valley.sync_until_quiet("cuc", "dung")
    reading, look = book.visit(visit), Look()
    told_of = {c.field: c for c in book.conflicts(visit)}
    assert {place_words(look, reading, c)[0] for c in told_of.values()} == {"Tồn tại: Nội dung", "Tồn tại: Mức độ"}
    severities = {choice.value for _, choice in choices(look, reading, told_of["severity"])}
    assert severities == {"Nghiêm trọng", "Phải khắc phục"}
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    page = office.open(f"/hq/visits/{visit}").text
    differing_part = page[page.index('id="conflicts"') : page.index('id="findings"')]
    assert "mức độ" in differing_part and "Nghiêm trọng" in differing_part and "nội dung" in differing_part
