"""Files on their way to central: in which order, how many at once, and through lines that break under all of them."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.device.speed import Speed
from app.schema import read_meta
from app.sync import exchange
from app.sync.patience import MOST_S, Patience
from app.sync.uploads import Pace
from tests.sync.test_exchange import problem
from tests.sync.test_two_phones import photograph, snapshot
from tests.valley import Valley, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path, names=("cuc",))
    yield valley
    valley.close()


def names_of(numbers: range) -> list[str]:
    return [hashlib.sha256(snapshot(number)).hexdigest() for number in numbers]


def received(valley: Valley) -> list[str]:
    """Photos and previews at central, in the order in which they were finished there."""
    with valley.app.state.db.reading() as connection:
        return list(connection.exec_driver_sql("SELECT sha256 FROM received_file ORDER BY rowid").scalars())


@told
async def test_all_previews_come_first_then_the_photos_of_findings_then_the_others(valley: Valley) -> None:
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "no")
    valley.cuc.book.answer(valley.visit, "fees_posted", "yes")
    for number in range(4):
        await photograph(valley.cuc, valley.visit, number, "fees_posted")
    for number in (4, 5):
        await photograph(valley.cuc, valley.visit, number, "badge_worn_all")
    assert await valley.sync("cuc") is None
    found, photos = received(valley), names_of(range(6))
    assert not set(found[:6]) & set(photos), "six previews before any photo"
    begun = [found.index(name) for name in photos]
    assert max(begun[4:]) < min(begun[2:4]), "what failed is there before the last of the others begin"


@told
async def test_full_photos_stay_behind_on_a_line_that_is_paid_for_and_go_later(valley: Valley) -> None:
    for number in range(5):
        await photograph(valley.cuc, valley.visit, number)
    free = False
    valley.cuc.wanted = lambda file: free or file.role == "preview"
    assert await valley.sync("cuc") is None
    left = valley.cuc.book.waiting()
    assert (left.entries, left.previews, left.photos) == (0, 0, 5) and len(received(valley)) == 5

    def one_came_on_wifi(progress: exchange.Progress) -> None:
        nonlocal free
        free = progress.photos_sent == 0

    free, valley.cuc.on_progress = True, one_came_on_wifi
    assert await valley.sync("cuc") is None
    assert 0 < valley.cuc.book.waiting().photos < 5, "what is on its way is finished, the rest waits again"
    valley.cuc.wanted, valley.cuc.on_progress = (lambda _: True), (lambda _: None)
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.waiting().is_empty


@told
async def test_several_files_are_on_their_way_at_once_and_progress_adds_up(valley: Valley) -> None:
    for number in range(12):
        await photograph(valley.cuc, valley.visit, number)
    seen: list[exchange.Progress] = []
    valley.cuc.on_progress = seen.append
    assert await valley.sync("cuc") is None
    total = seen[-1].bytes_total
    assert max(len(p.sending) for p in seen if p.step == "previews") == 6
    assert max(len(p.sending) for p in seen if p.step == "photos") == 3
    assert all(0 <= p.bytes_sent <= total for p in seen) and seen[-1].bytes_sent == total
    assert all(after.bytes_sent >= before.bytes_sent for before, after in itertools.pairwise(seen))
    assert (seen[-1].previews_sent, seen[-1].photos_sent) == (12, 12)


@told
async def test_a_line_that_breaks_under_all_files_at_once_is_tried_again_in_the_same_run(valley: Valley) -> None:
    for number in range(12):
        await photograph(valley.cuc, valley.visit, number)
    assert await valley.sync("cuc", ["", *["after"] * 5, "", "", "", *["body"] * 3]) is None
    assert valley.cuc.book.waiting().is_empty
    assert set(names_of(range(12))) <= set(received(valley))


@told
async def test_a_line_that_stays_dead_ends_the_run_and_loses_nothing(valley: Valley) -> None:
    for number in range(8):
        await photograph(valley.cuc, valley.visit, number)
    trouble = await valley.sync("cuc", ["", "", "", *["before"] * 50])
    assert isinstance(trouble, httpx.TransportError)
    left = valley.cuc.book.waiting()
    assert left.previews + len(received(valley)) == 8 and left.photos == 8 and left.entries == 0
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.waiting().is_empty


@told
async def test_one_photo_that_does_not_get_through_holds_up_no_other(valley: Valley) -> None:
    for number in range(5):
        await photograph(valley.cuc, valley.visit, number)
    stuck = names_of(range(5))[0]

    def overheard(request: httpx.Request, body: bytes) -> httpx.Response | None:
        if hashlib.sha256(body).hexdigest() == stuck or request.url.path.endswith(stuck):
            answer = problem(460, "digest-mismatch")
            answer.headers["Tus-Resumable"] = "1.0.0"
            return answer if request.method != "HEAD" else None
        return None

    valley.lines["cuc"].overheard = overheard
    trouble = await valley.sync("cuc")
    assert isinstance(trouble, exchange.Busy)
    left = valley.cuc.book.waiting()
    assert (left.previews, left.photos) == (0, 1), "it waits for the next run, the others are there"
    valley.lines["cuc"].overheard = lambda _request, _body: None
    assert await valley.sync("cuc") is None


@told
async def test_a_central_that_has_no_room_is_not_asked_for_every_photo(valley: Valley) -> None:
    for number in range(20):
        await photograph(valley.cuc, valley.visit, number)
    full = problem(507, "storage-full", retry="later")
    full.headers["Tus-Resumable"] = "1.0.0"
    asked: list[str] = []

    def overheard(request: httpx.Request, _body: bytes) -> httpx.Response | None:
        if not request.url.path.endswith("/uploads"):
            return None
        asked.append(request.method)
        return httpx.Response(507, headers=full.headers, content=full.content)

    valley.lines["cuc"].overheard = overheard
    assert isinstance(await valley.sync("cuc"), exchange.Busy)
    assert len(asked) <= 6


# --- sizes and waits --------------------------------------------------------------------------------------------------


@told
async def test_batches_and_pages_shrink_on_a_cut_and_grow_again_on_a_line_that_bears(valley: Valley) -> None:
    def sizes() -> tuple[int, ...]:
        with valley.cuc.book.store.reading() as connection:
            return tuple(int(read_meta(connection, key) or 0) for key in ("batch_bytes", "page_bytes"))

    assert await valley.sync("cuc") is None
    batch, _ = sizes()
    for _ in range(10):
        assert isinstance(await valley.sync("cuc", ["after"]), httpx.TransportError)
    assert sizes() == (exchange.BATCH_MIN, exchange.PAGE_MIN), "never so small that nothing moves"
    valley.reopen("cuc")
    assert sizes() == (exchange.BATCH_MIN, exchange.PAGE_MIN), "the next start of the app knows the line, too"
    for _ in range(10):
        assert await valley.sync("cuc") is None
    assert sizes() == (exchange.BATCH_MAX, exchange.PAGE_MAX) and batch == exchange.BATCH_MAX


def test_the_first_retry_is_immediate_and_later_ones_never_wait_longer_than_five_minutes() -> None:
    impatient, patient = Patience(lambda: 0.0), Patience(lambda: 1.0)
    assert [impatient.failed() for _ in range(5)] == [0.0] * 5
    waits = [patient.failed() for _ in range(40)]
    assert waits[:5] == [0.0, 1.0, 2.0, 4.0, 8.0] and waits[-1] == MOST_S == max(waits)
    patient.succeeded()
    assert patient.failed() == 0.0


def test_where_sockets_are_hidden_a_slow_line_is_given_time_and_a_dead_one_is_not() -> None:
    speed = Speed()
    first = speed.seconds_for(64 * 1024)
    for _ in range(6):
        speed.moved(64 * 1024, 3.0)
    assert speed.seconds_for(64 * 1024) < first
    for _ in range(12):
        speed.gave_up()
    assert speed.seconds_for(64 * 1024) > 10 * first, "perhaps it was slow, not dead"
    assert speed.seconds_for(0) < 15


def test_requests_in_a_browser_stay_short_enough_to_notice_a_dead_line() -> None:
    pace = Pace(seconds=10)
    for _ in range(8):
        pace.through(pace.chunk / 4000)  # 4 kB/s: a third of a 100 kbit/s line
    assert pace.chunk / 4000 <= 10
    native = Pace()
    for _ in range(8):
        native.through(native.chunk / 4000)
    assert native.chunk >= 1024 * 1024
