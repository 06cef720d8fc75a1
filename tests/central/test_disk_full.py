"""Central's disk is full while phones send: a refusal that says to come back, and nothing half taken."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.valley import Pen, Valley, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@told
async def test_a_full_disk_at_central_is_a_refusal_and_the_same_batch_arrives_later(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    body = pen.body(*[pen.entry("answer", f"{valley.visit}//badge_worn_all", {"note": "x" * 2000}) for _ in range(60)])

    def count() -> int:
        with valley.app.state.db.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM entry")).scalar_one())

    async def sent() -> tuple[int, str]:
        answer = await valley.clients["cuc"].post("/api/v1/sync", content=json.dumps(body), headers=pen.headers)
        return answer.status_code, str(answer.json().get("type", "")).rpartition("/")[2]

    def leave_pages(most: int) -> None:
        with valley.app.state.db.reading() as connection:  # the pool hands the same connection to who writes next
            connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")

    before = count()
    leave_pages(1)
    assert await sent() == (503, "unavailable")
    assert count() == before
    leave_pages(1 << 30)
    assert await sent() == (200, "")
    assert count() == before + 60
