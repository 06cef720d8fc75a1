"""What a sync costs central after years of use: the same work, counted in steps of SQLite, however much was recorded before."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.sync.stamp import row_id
from tests.valley import Pen, Valley, told

MANY = 900
"""Entries of one batch."""
STEP = 20
"""Instructions of SQLite's machine that are counted as one."""


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


class Work:
    """Counts what SQLite does on central's connections from now on."""

    def __init__(self, valley: Valley):
        self.steps = 0
        event.listen(valley.app.state.db._engine, "checkout", self._watch)

    def _watch(self, raw: Any, *_other: Any) -> None:
        raw.set_progress_handler(self._count, STEP)

    def _count(self) -> int:
        self.steps += 1
        return 0


async def send(valley: Valley, pen: Pen, entries: int) -> None:
    """So many rooms, each written once, and everything there is to pull."""
    more = True
    names = [f"Phòng {pen.user} {pen.seq + number}" for number in range(entries)]
    written = [
        pen.entry("row", row_id(valley.visit, "attendance", "", name), {"visit": valley.visit, "name": name})
        for name in names
    ]
    while more:
        body = pen.body(*written, max_bytes=262_144)
        headers = pen.headers | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        packed = gzip.compress(json.dumps(body).encode())
        given = (await valley.clients["hoa"].post("/api/v1/sync", content=packed, headers=headers)).json()
        assert given["acked"] == pen.seq + len(written), given
        pen.wrote(body)
        pen.cursor, more, written = given["cursor"], given["more"], []


@told
async def test_a_sync_walks_neither_along_the_phones_whole_journal_nor_past_what_other_teams_wrote(
    valley: Valley,
) -> None:
    work = Work(valley)
    cuc, dung, hoa = (Pen(phone) for phone in (valley.cuc, valley.dung, valley.hoa))

    async def cost(pen: Pen, entries: int) -> int:
        before = work.steps
        await send(valley, pen, entries)
        return work.steps - before

    await send(valley, dung, 0)
    pushed, pulled = await cost(cuc, 10), await cost(dung, 0)
    for _ in range(3):
        await send(valley, cuc, MANY)
    await send(valley, dung, 0)
    pushed_later = await cost(cuc, 10)
    await send(valley, hoa, MANY)  # of another team: central keeps what she writes here, and refuses to read it
    pulled_later = await cost(dung, 0)
    assert pushed_later < 1.3 * pushed, (pushed, pushed_later)
    assert pulled_later < 1.3 * pulled, (pulled, pulled_later)


@told
async def test_which_visits_changed_is_told_by_what_is_new_and_never_from_a_later_moment(valley: Valley) -> None:
    work = Work(valley)
    db, readings, cuc = valley.app.state.db, valley.app.state.readings, Pen(valley.cuc)
    await send(valley, cuc, MANY)
    with db.reading() as earlier:
        before = readings.states(earlier)
        await send(valley, cuc, 10)
        steps = work.steps
        with db.reading() as later:
            after = readings.states(later)
        assert work.steps - steps < MANY // STEP, "only the ten that came since are read"
        assert after[valley.visit] == before[valley.visit] + 10
        assert readings.states(earlier) == before, "what this connection sees, it sees of one moment"
    with db.reading() as now:
        assert readings.states(now) == after
