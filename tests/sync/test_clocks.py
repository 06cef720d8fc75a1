"""Clocks that are wrong: nothing is blocked, nothing wins by them, and both times can be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notebook import local_clock, local_day
from app.sync import exchange, journal
from app.sync.stamp import CLOCK_WRONG_MS, MAX_AHEAD_MS, learnt_offset, offset_in_use
from tests.central.conftest import Office
from tests.field import Phone
from tests.sync.test_two_phones import assert_all_agree
from tests.valley import NOON, PASSWORD, Valley, told, unit_of

IN_2031 = 1_924_000_000_000
HOUR = 3600_000
ITEM = "badge_missing_count"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def set_clock(phone: Phone, ms: int) -> None:
    phone.clock.ms = ms  # type: ignore[attr-defined]


def own(phone: Phone) -> list[journal.JournalEntry]:
    assert phone.book.chain
    with phone.book.store.reading() as connection:
        return journal.select(connection, "device = :d ORDER BY epoch, seq", d=phone.book.chain[0])


def journal_page(valley: Valley) -> str:
    window = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    assert window.sign_in("binh", PASSWORD).status_code == 303
    return window.open(f"/hq/visits/{valley.visit}/journal").text


@pytest.mark.parametrize("by", [IN_2031 - NOON, -3 * HOUR, 11 * 60_000], ids=["five years", "three hours", "minutes"])
@told
async def test_a_phone_learns_at_its_first_sync_that_its_clock_is_wrong_and_puts_its_times_right(
    valley: Valley, by: int
) -> None:
    """Ahead by five years or behind by three hours: from then on what it writes has central's time, offline too."""
    set_clock(valley.cuc, NOON + by)
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.clock_offset_ms == -by and valley.cuc.book.is_clock_wrong
    valley.reopen("cuc")
    assert valley.cuc.book.clock_offset_ms == -by, "known also after the app was closed"
    valley.cuc.clock.advance(HOUR)  # type: ignore[attr-defined]
    visit = valley.cuc.book.start_visit(unit_of(valley.cuc))
    valley.cuc.book.answer(visit, ITEM, 2)
    assert {entry.ms for entry in own(valley.cuc)[-2:]} == {NOON + HOUR}
    reading = valley.cuc.book.visit(visit)
    assert (reading.visit_date, reading.visit_started_at) == (local_day(NOON + HOUR), NOON + HOUR)
    for clock in (valley.clock, valley.dung.clock):
        clock.advance(2 * HOUR)  # type: ignore[attr-defined]
    await valley.sync("dung")
    valley.dung.book.answer(valley.visit, ITEM, 3)
    await valley.sync_until_quiet()
    assert_all_agree(valley, [valley.visit, visit])


@told
async def test_a_clock_that_is_right_is_left_alone_however_slow_the_road(valley: Valley) -> None:
    valley.cuc.clock.advance(1500)  # type: ignore[attr-defined]
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.clock_offset_ms == 0 and not valley.cuc.book.is_clock_wrong
    set_clock(valley.cuc, NOON + 5 * 60_000)
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.clock_offset_ms == -5 * 60_000 and not valley.cuc.book.is_clock_wrong, "put right, not told"


@told
async def test_a_clock_put_right_by_hand_is_believed_again(valley: Valley) -> None:
    """Known to be five years ahead, the phone is set right in the field: the old difference would now lead into 2021."""
    set_clock(valley.cuc, IN_2031)
    await valley.sync("cuc")
    set_clock(valley.cuc, NOON + HOUR)
    valley.cuc.book.answer(valley.visit, ITEM, 2)
    assert own(valley.cuc)[-1].ms == NOON + HOUR
    valley.clock.advance(HOUR)
    await valley.sync("cuc")
    assert valley.cuc.book.clock_offset_ms == 0 and not valley.cuc.book.is_clock_wrong


@told
async def test_a_battery_that_died_takes_the_clock_back_to_1970_and_no_entry_with_it(valley: Valley) -> None:
    await valley.sync("cuc")
    set_clock(valley.cuc, 0)
    valley.cuc.book.answer(valley.visit, ITEM, 2)
    valley.cuc.clock.advance(HOUR)  # type: ignore[attr-defined]
    valley.reopen("cuc")
    valley.cuc.book.answer(valley.visit, ITEM, 3)
    assert [entry.ms for entry in own(valley.cuc)[-2:]] == [NOON, NOON + HOUR], "it goes on from the last time heard of"
    assert valley.cuc.book.today == local_day(NOON) and valley.cuc.book.is_clock_wrong
    await valley.sync_until_quiet()
    assert valley.dung.book.visit(valley.visit).values[("", ITEM)] == 3


@told
async def test_a_foreign_clock_never_pulls_this_phone_s_journal_more_than_five_minutes_ahead(valley: Valley) -> None:
    set_clock(valley.cuc, IN_2031)
    valley.cuc.book.answer(valley.visit, ITEM, 1)
    await valley.sync("cuc")
    await valley.sync("dung")
    valley.dung.book.answer(valley.visit, ITEM, 2)
    assert own(valley.dung)[-1].ms <= NOON + MAX_AHEAD_MS
    valley.cuc.book.answer(valley.visit, ITEM, 4)
    assert own(valley.cuc)[-1].ms <= NOON + MAX_AHEAD_MS, "nor does it stay in 2031 itself once it knows better"


@told
async def test_home_affairs_reads_both_times_of_what_a_wrong_clock_wrote(valley: Valley) -> None:
    set_clock(valley.cuc, NOON + 3 * HOUR)
    valley.cuc.book.answer(valley.visit, ITEM, 2)  # the phone does not know yet
    valley.cuc.book.answer(valley.visit, "objective_difficulty", "Đường xa")
    await valley.sync("cuc")
    page = journal_page(valley)
    assert page.count("đồng hồ máy sai; theo trung tâm là 21/11/2026 12 giờ 00") == 2 and "đồng hồ máy chỉ" not in page
    for clock in (valley.clock, valley.cuc.clock, valley.dung.clock):
        clock.advance(6 * 60_000)  # type: ignore[attr-defined]
    valley.cuc.book.answer(valley.visit, ITEM, 3)  # now it does
    await valley.sync("cuc")
    page = journal_page(valley)
    assert page.count("đồng hồ máy chỉ 21/11/2026 15 giờ 06") == 1 and page.count("theo trung tâm là") == 2
    assert local_clock(own(valley.cuc)[-1].ms) == "12:06"
    valley.dung.book.answer(valley.visit, ITEM, 4)
    await valley.sync("dung")
    assert journal_page(valley).count("đồng hồ máy") == 3


@told
async def test_what_was_written_before_and_after_the_clock_was_found_wrong_goes_in_batches_of_their_own(
    valley: Valley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch says by how much the times in it were put right; the line broke between the two."""
    set_clock(valley.cuc, NOON + 3 * HOUR)
    for number in range(3):
        valley.cuc.book.answer(valley.visit, ITEM, number)
    first = own(valley.cuc)[-3].seq
    monkeypatch.setattr(exchange, "MAX_ENTRIES", 1)
    assert await valley.sync("cuc", ["", "before"]) is not None
    assert valley.cuc.book.clock_offset_ms == -3 * HOUR
    valley.cuc.book.answer(valley.visit, ITEM, 9)
    monkeypatch.undo()
    await valley.sync("cuc")
    with valley.app.state.db.reading() as connection:
        batches = connection.exec_driver_sql(
            f"SELECT first, last, offset_ms, received_at - sent_at FROM batch WHERE first >= {first} ORDER BY first"
        ).all()
    assert [tuple(row) for row in batches] == [
        (first, first, 0, -3 * HOUR), (first + 1, first + 2, 0, -3 * HOUR), (first + 3, first + 3, -3 * HOUR, -3 * HOUR),
    ]  # fmt: skip


def test_the_road_s_slowness_is_not_taken_for_the_clock_s() -> None:
    assert learnt_offset(0, 1000, 21_000, 41_000) == 0, "forty seconds on the way: the answer says too little"
    assert learnt_offset(0, 1000, 200_000, 41_000) == 179_000
    assert learnt_offset(179_000, 1000, 200_500, 41_000) == 179_000
    assert (
        offset_in_use(NOON, 7, 0) == 7 and offset_in_use(NOON, 0, NOON + 5) == 5 and offset_in_use(NOON, -7, NOON) == 0
    )
    assert CLOCK_WRONG_MS == 600_000
