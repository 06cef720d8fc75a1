"""What stands in the place of the machine while a simulated day is played, put there and taken away again.

Nothing of the project's own is replaced: only the thread pool, the disk calls of central's photo store, and SQLAlchemy's
`text`, which would parse the same two hundred statements a thousand times a second. What gives the same for the same (the
hash of an entry, a checklist read from its text) is worked out once.
"""

import asyncio
import functools
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import sqlalchemy

from app import readings
from app.checklist import read_template
from app.sync import exchange, journal
from central import database, photo_store, sync_api, uploads
from tests.simulation.disk import Disk

_ABSENT = object()
REFERENCE_TAG = '"sim"'
"""The tag of a reference document that never changes."""


class Statement(NamedTuple):
    """A statement as `central.lean.Lean` takes it."""

    text: str


_statement = functools.lru_cache(maxsize=2000)(Statement)
_selecting = functools.lru_cache(maxsize=200)(journal._selecting.__wrapped__)
"""What `journal` remembers of its statements during a day must not outlive it: they are not SQLAlchemy's."""
_entry_hash = functools.lru_cache(maxsize=5000)(journal.entry_hash)
"""Every phone and central reckon the same hashes anew, when they hear of an entry and whenever they verify a chain."""


@functools.lru_cache(maxsize=20)
def _template(body: str) -> Any:
    return read_template(json.loads(body))


def _load_templates(connection: Any) -> dict[str, Any]:
    """As `app.readings.load_templates`."""
    bodies = connection.raw.execute("SELECT body FROM template").fetchall()
    return {template.id: template for template in (_template(body) for (body,) in bodies)}


async def at_once(function: Callable[..., Any], *args: Any) -> Any:
    """What `run_in_threadpool` and `run_in_turn` do, in one thread: others may come in between, at the same points."""
    await asyncio.sleep(0)
    return function(*args)


@contextmanager
def set_up(disk: Disk, page_bytes: int, batch: int, luck: random.Random) -> Iterator[None]:
    """For as long as the block lasts; one at a time in a process."""
    ours = [module for name, module in sys.modules.items() if name.startswith(("app.", "central."))]
    speaking_sql = [module for module in ours if getattr(module, "text", None) is sqlalchemy.text]
    wanted: list[tuple[Any, str, Any]] = [(module, "text", _statement) for module in speaking_sql]
    wanted += [
        (module, "load_templates", _load_templates)
        for module in ours
        if getattr(module, "load_templates", None) is readings.load_templates
    ]
    wanted += [(journal, "entry_hash", _entry_hash), (journal, "_selecting", _selecting)]
    wanted += [(sync_api, "run_in_turn", at_once), (uploads, "run_in_threadpool", at_once)]
    wanted += [(photo_store, "os", disk), (photo_store, "fcntl", disk), (photo_store, "open", disk.read)]
    wanted.append((database, "secrets", SimpleNamespace(token_hex=lambda size: luck.randbytes(size).hex())))
    wanted += [(exchange, name, page_bytes) for name in ("PAGE_MIN", "PAGE_FIRST", "PAGE_MAX")]
    wanted += [(exchange, "MAX_ENTRIES", batch), (sync_api, "kept_tag", lambda *_: REFERENCE_TAG)]
    before = [(module, name, module.__dict__.get(name, _ABSENT)) for module, name, _ in wanted]
    for module, name, part in wanted:
        setattr(module, name, part)
    try:
        yield
    finally:
        for module, name, part in before:
            if part is _ABSENT:
                delattr(module, name)
            else:
                setattr(module, name, part)
