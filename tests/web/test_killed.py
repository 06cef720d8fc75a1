"""Battery ends, phones that fall, systems that need the memory: what the app had said was saved is there afterwards."""

import os
import random

import pytest

from tests.ui.home_affairs import Central
from tests.web.conftest import PocketMaker
from tests.web.pocket import Pocket, python, shown, worker_of
from tests.web.test_offline_visit import enrolled

RECORDING = """
import asyncio, hashlib, random
import js
from app.notebook import PhotoFacts
from boot import _app as app

book = app.book
unit = book.find_units("muong long")[0]
visit = next((v.id for v in book.visits(status="open")), None) or app.tap(book.start_visit, unit)
reading = book.visit(visit)
rooms = [r.id for r in reading.rows] or [app.tap(book.add_room, visit, f"Phòng {n}") for n in range(3)]

async def record(seed):
    chance = random.Random(seed)
    while True:
        if chance.random() < 0.15:
            data = chance.randbytes(40_000)
            name = hashlib.sha256(data).hexdigest()
            await app.files.keep(name, data)
            app.tap(book.add_photo, visit, PhotoFacts(name, len(data), 640, 480, "image/jpeg", "", 0, book.now()))
        else:
            app.tap(book.set_heads, visit, chance.choice(rooms), {"head_present": chance.randrange(40)})
        js.console.log(f"SAVED {book.tally()['entries']}")
        await asyncio.sleep(chance.random() / 50)

recording = asyncio.ensure_future(record(SEED))
True
"""

FOUND = """
from sqlalchemy import text
from boot import _app as app

with app.book.store.reading() as connection:
    integrity = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
photos = [row for row in app.book.named_files() if not app.files.is_intact(row)]
{"entries": app.book.tally()["entries"], "integrity": integrity, "broken": app.book.verify() is not None, "photos": photos}
"""


def told(pocket: Pocket, url: str) -> dict[str, object]:
    """What the reopened app has."""
    page = pocket.page(url)
    shown(page)
    found: dict[str, object] = python(page, FOUND)
    return found


def killed(pocket: Pocket, central: Central, times: int, chance: random.Random) -> None:
    """Records, is killed in the middle and looked at again, `times` over, on one growing notebook."""
    page = pocket.context.pages[-1]
    for life in range(times):
        announced = [0]
        page.on(
            "console",
            lambda said, kept=announced: (
                kept.append(int(said.text.split()[1])) if said.text.startswith("SAVED") else None
            ),
        )
        worker_of(page)
        python(page, RECORDING.replace("SEED", str(chance.randrange(1 << 30))))
        page.wait_for_timeout(chance.uniform(60, 900))
        pocket.kill()
        pocket.start()
        found = told(pocket, central.url)
        assert found["integrity"] == "ok" and not found["broken"], (life, found)
        assert found["entries"] >= max(announced), (life, announced[-3:], found)  # type: ignore[operator]
        assert found["photos"] == [], (life, found)
        page = pocket.context.pages[-1]


@pytest.mark.long
def test_killed_again_and_again_nothing_saved_is_missing(central: Central, new_pocket: PocketMaker) -> None:
    pocket = new_pocket()
    enrolled(pocket, central)
    central.stop()
    killed(pocket, central, int(os.environ.get("KILLS", "25")), random.Random(20261122))
