"""Two phones of one team on one visit: whatever the road does, everybody ends with the same reading and nothing is lost."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from app.checklist import Refusal
from app.notebook import PhotoFacts
from app.readings import VisitReading, read_visit
from app.recorder import VisitShut
from app.sync import journal
from central.verify import verify
from tests.field import Phone
from tests.valley import CUTS, NOON, Valley, dump, free_port, serving, unit_of

IN_2031 = 1_924_000_000_000
ROOMS = ("Phòng Nội vụ", "PHÒNG  NỘI VỤ", "phòng nội vụ", "Văn phòng")
"""Three ways to write one room, and another room."""

who = st.sampled_from(("cuc", "dung"))
item_answers = st.sampled_from(
    [
        ("badge_worn_all", "yes"), ("badge_worn_all", "no"), ("badge_missing_count", 3), ("badge_missing_count", 4),
        ("one_stop_arrangement", "in_offices"), ("one_stop_arrangement", "own_desk"), ("objective_difficulty", "Đường xa"),
        ("objective_difficulty", "Mất điện"), ("badge_worn_all", None),
    ]
)  # fmt: skip
heads = st.fixed_dictionaries(
    {"head_total": st.sampled_from([4, 5]), "head_present": st.sampled_from([3, 4, None])},
    optional={"head_absent_excused": st.sampled_from([0, 1])},
)
steps = st.one_of(
    st.tuples(st.just("answer"), who, item_answers),
    st.tuples(st.just("remark"), who, st.sampled_from(["", "xem lại", "đã xem"])),
    st.tuples(st.just("count"), who, st.sampled_from([0, 20_000, 30 * 60_000])),
    st.tuples(st.just("room"), who, st.sampled_from(ROOMS)),
    st.tuples(st.just("heads"), who, heads),
    st.tuples(st.just("rename"), who, st.sampled_from(["Phòng Tài chính", "Phòng Tư pháp"])),
    st.tuples(st.just("remove room"), who, st.none()),
    st.tuples(st.just("photo"), who, st.integers(0, 2)),
    st.tuples(st.just("remove photo"), who, st.none()),
    st.tuples(st.just("caption"), who, st.sampled_from(["bảng tin", "sổ trực"])),
    st.tuples(st.just("close"), who, st.none()),
    st.tuples(st.just("reopen"), who, st.none()),
    st.tuples(st.just("undo"), who, st.none()),
    st.tuples(st.just("restart"), who, st.none()),
    st.tuples(st.just("clock"), who, st.sampled_from([NOON - 600_000, NOON + 600_000, NOON, IN_2031])),
    st.tuples(st.just("minute"), st.just("cuc"), st.none()),
    st.tuples(st.just("sync"), who, st.lists(st.sampled_from(("", *CUTS)), max_size=5)),
    st.tuples(st.just("sync"), who, st.just([])),
)


def snapshot(number: int) -> bytes:
    """A very small photo; the same number gives the same bytes on every phone."""
    return b"\xff\xd8\xff" + bytes([number]) * 300


async def photograph(phone: Phone, visit: str, number: int, item: str = "") -> str:
    data, small = snapshot(number), snapshot(number)[:50]
    sha256, preview = hashlib.sha256(data).hexdigest(), hashlib.sha256(small).hexdigest()
    await phone.files.keep(sha256, data)
    await phone.files.keep(preview, small)
    facts = PhotoFacts(sha256, len(data), 40, 30, "image/jpeg", preview, len(small))
    return phone.book.add_photo(visit, facts, item=item)


async def take(step: tuple[str, str, Any], valley: Valley, visit: str) -> None:
    """One step of a story; taps the notebook rightly refuses (the visit is closed, the room exists) change nothing."""
    action, name, given = step
    phone = valley.phones[name]
    book = phone.book
    with contextlib.suppress(Refusal, VisitShut):
        match action:
            case "answer":
                book.answer(visit, *given)
            case "remark":
                book.remark(visit, "badge_worn_all", given)
            case "count":
                book.add_count(visit, NOON + given)
            case "room":
                book.add_room(visit, given)
            case "heads" | "rename" | "remove room" if rooms := book.visit(visit).rooms():
                if action == "heads":
                    book.set_heads(visit, rooms[0].id, given)
                elif action == "rename":
                    book.rename_row(visit, rooms[-1].id, given)
                else:
                    book.remove_row(visit, rooms[-1].id)
            case "photo":
                await photograph(phone, visit, given, ["", "attendance_room", "tthc_board_photo"][given])
            case "remove photo" | "caption" if photos := book.visit(visit).photos:
                if action == "caption":
                    book.edit_photo(photos[-1], caption=given)
                else:
                    book.remove_photo(photos[0])
            case "close":
                book.close_visit(visit)
            case "reopen":
                book.reopen_visit(visit)
            case "undo":
                book.undo(visit)
            case "restart":
                valley.reopen(name)
            case "clock":
                phone.clock.ms = given  # type: ignore[attr-defined]
            case "minute":
                for clock in (valley.clock, valley.cuc.clock, valley.dung.clock):
                    clock.advance(60_000)  # type: ignore[attr-defined]
            case "sync":
                trouble = await valley.sync(name, given)
                assert trouble is None or isinstance(trouble, httpx.TransportError), repr(trouble)
                event(f"sync ended {'well' if trouble is None else 'cut'}")


def reading_at_central(valley: Valley, visit: str) -> VisitReading:
    with valley.app.state.db.reading() as connection:
        reading = read_visit(connection, visit, valley.cuc.book.reference.templates)
    assert reading is not None
    return reading


def assert_all_agree(valley: Valley, visits: list[str]) -> None:
    """Both phones of the team and central read the same; nothing recorded is missing, doubled, altered or refused."""
    central = dump(valley.app.state.db)
    with valley.app.state.db.reading() as connection:
        held = journal.select(connection, "team = 'doan-1' ORDER BY device, epoch, seq")
        for visit in visits:
            assert list(verify(connection, valley.app.state.photos, visit)) == []
    assert {entry.verdict for entry in held} <= {"applied"}
    facts = {(e.device, e.epoch, e.seq): (e.hash, e.patch, e.ms, e.author) for e in held}
    stamps = {(e.device, e.epoch, e.seq): (e.effective_ms, e.effective_counter) for e in held}
    for name in ("cuc", "dung"):
        phone = valley.phones[name]
        assert phone.book.verify() is None
        with phone.book.store.reading() as connection:
            mine = journal.select(connection, "verdict <> 'moved' ORDER BY device, epoch, seq")
        assert {(e.device, e.epoch, e.seq): (e.hash, e.patch, e.ms, e.author) for e in mine} == facts
        assert {(e.device, e.epoch, e.seq): (e.effective_ms, e.effective_counter) for e in mine} == stamps
        assert dump(phone.book.store) == central
        waiting = phone.book.waiting()
        assert waiting.is_empty and not waiting.rejected
        assert phone.book.rebuild() == len(mine)
        assert dump(phone.book.store) == central
    for visit in visits:
        reading = reading_at_central(valley, visit)
        assert valley.cuc.book.visit(visit) == valley.dung.book.visit(visit) == reading
        for photo in reading.photos:
            for sha256 in (photo.sha256, photo.preview):
                assert hashlib.sha256(valley.app.state.photos.read(sha256)).hexdigest() == sha256
    for name in ("cuc", "dung"):
        for sha256, state in valley.phones[name].book.file_states().items():
            assert state.is_received
            assert valley.app.state.photos.read(sha256) == valley.phones[name].files.read(sha256)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where 500 examples need not wait for a disk; what a disk does to a notebook is told in other stories."""

_app: list[Any] = [None]
"""The routes, kept from one example to the next."""


def own_entries(phone: Phone) -> list[tuple[str, str, int, str]]:
    """What a phone has recorded itself."""
    with phone.book.store.reading() as connection:
        enrolment = phone.book.enrolment
        assert enrolment is not None
        entries = journal.select(connection, "device = :d AND verdict <> 'moved'", d=enrolment.device)
    return [(e.device, e.epoch, e.seq, e.hash) for e in entries]


async def story(folder: Path, taps: list[tuple[str, str, Any]]) -> None:
    valley = Valley(folder, _app[0], ("cuc", "dung"))
    _app[0] = valley.app
    try:
        for tap in taps:
            await take(tap, valley, valley.visit)
        written = [tap for name in ("cuc", "dung") for tap in own_entries(valley.phones[name])]
        for name in ("cuc", "dung", "cuc"):  # the first sends, the second sends and fetches, the first fetches
            assert await valley.sync(name) is None
        assert_all_agree(valley, [valley.visit])
        with valley.app.state.db.reading() as connection:
            held = journal.select(connection, "team = 'doan-1'")
        assert sorted((e.device, e.epoch, e.seq, e.hash) for e in held) == sorted(written)
    finally:
        valley.close()


days = st.lists(steps, min_size=3, max_size=14)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taps=days)
def test_any_order_loss_and_repetition_ends_in_one_reading(
    runner: asyncio.Runner, taps: list[tuple[str, str, Any]]
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        runner.run(story(Path(folder), taps))


@pytest.mark.long
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taps=days)
def test_five_hundred_days_of_two_phones_end_in_one_reading(
    runner: asyncio.Runner, taps: list[tuple[str, str, Any]]
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        runner.run(story(Path(folder), taps))


def test_two_phones_agree_over_a_real_socket(tmp_path: Path) -> None:
    """The whole visit is recorded before central even runs; the phones say so, wait, and send when it does."""
    valley = Valley(tmp_path)
    try:
        asyncio.run(_over_a_real_socket(valley))
    finally:
        valley.close()


async def _over_a_real_socket(valley: Valley) -> None:
    port = free_port()
    clients = {
        name: httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) for name in ("cuc", "dung")
    }
    visit = valley.cuc.book.start_visit(unit_of(valley.cuc))
    for step in (
        ("room", "cuc", ROOMS[0]), ("heads", "cuc", {"head_total": 5, "head_present": 4, "head_absent_excused": 1}),
        ("answer", "cuc", ("badge_worn_all", "no")), ("photo", "cuc", 1), ("photo", "cuc", 2),
    ):  # fmt: skip
        await take(step, valley, visit)
    valley.clients = clients
    for _ in range(2):
        assert isinstance(await valley.sync("cuc"), httpx.ConnectError)
    assert valley.cuc.book.waiting().photos == 2
    with serving(valley.app, port):
        assert await valley.sync("cuc") is None
        assert await valley.sync("dung") is None
        for step in (
            ("room", "dung", ROOMS[3]), ("answer", "dung", ("badge_missing_count", 3)), ("photo", "dung", 0),
            ("answer", "cuc", ("badge_missing_count", 4)), ("close", "cuc", None),
        ):  # fmt: skip
            await take(step, valley, visit)
        await valley.sync_until_quiet()
    assert_all_agree(valley, [visit])
    assert len(valley.dung.book.visit(visit).photos) == 3
    for client in clients.values():
        await client.aclose()
