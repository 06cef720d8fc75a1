"""Central's database: short reading and writing transactions over one SQLAlchemy engine.

A writing transaction is the only one of its kind while it lasts (journal positions are handed out in it, so a reader
can never skip one) and is on the disk when the block ends.
"""

import json
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url, text

from app.schema import JOURNAL, migrate, read_meta, write_meta
from app.sync.journal import JournalEntry
from central.holes import Hole, Life, ends_held, find_lost, open_hole
from central.schema import CENTRAL
from central.witness import Seen, Witness

BUSY_TIMEOUT_MS = 15_000
SERVER_IDS_BEFORE = "server_ids_before"
"""In `meta`: under which ids this central was known before it was restored; files of its phones may still name them."""


class Database:
    """Opens or makes the database at `url` (sqlite:///…) and brings it to the newest schema.

    Raises app.schema.NewerSchema, with the file untouched, when a newer version wrote it. `server_id` names this
    database for phones; `central_device` is the device under which central itself writes entries. `witness` is the file
    by which a restored database is found out, else one beside the database.
    """

    def __init__(self, url: str, witness: Path | None = None):
        parsed = make_url(url)
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = parsed.database or ""
        self._engine = create_engine(parsed, pool_size=8, max_overflow=40, pool_use_lifo=True)
        self._writer = threading.Lock()
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        self._witness = Witness(witness or Path(f"{parsed.database}.witness"))
        with self.writing() as connection:
            migrate(connection, "journal", JOURNAL)
            migrate(connection, "central", CENTRAL)
            self.server_id = _once(connection, "server_id", secrets.token_hex(16))
            self.central_device = _once(connection, "central_device", str(uuid.uuid4()))
            note_opening(connection)
        self._look_back()

    def _look_back(self) -> None:
        """Hold the journal against its witness: a database that lacks what was acknowledged was restored from a backup."""
        seen = self._witness.read()
        with self.reading() as connection:
            if seen is None:
                self._witness.begin(self.server_id, ends_held(connection))
                return
            lost = find_lost(connection, seen.ends)
        if lost or seen.server_id != self.server_id:
            self.restored()
        elif self._witness.is_large:
            self._witness.begin(self.server_id, seen.ends)

    def restored(self) -> list[Hole]:
        """This database is not the one phones know: it gets a new server id, and what the witness saw and is gone is asked for.

        Phones then say what they hold and send again what is missing. Returns what was found missing just now.
        """
        seen = self._witness.read() or Seen("", {})
        with self.writing() as connection:
            lost = find_lost(connection, seen.ends)
            for hole in lost:
                open_hole(connection, hole)
            before = {*json.loads(read_meta(connection, SERVER_IDS_BEFORE) or "[]"), self.server_id, seen.server_id} - {
                ""
            }
            write_meta(connection, SERVER_IDS_BEFORE, json.dumps(sorted(before)))
            self.server_id = secrets.token_hex(16)
            write_meta(connection, "server_id", self.server_id)
        self._witness.begin(self.server_id, seen.ends)
        return lost

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database; nothing written through it is kept."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one writing transaction: kept and durable when the block ends, undone when it raises."""
        with self._writer, self._engine.connect() as connection:
            connection = connection.execution_options(is_writing=True)
            ends: dict[Life, tuple[int, str]] = {}
            connection.info["ends"] = ends
            with connection.begin():
                yield connection
            self._witness.note(ends)

    def copy_to(self, target: Path) -> None:
        """A copy as the database is at one moment, in one file, while others go on writing."""
        with closing(sqlite3.connect(self._file)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        self._engine.dispose()


def note_opening(connection: Connection) -> None:
    """Positions given from now on bear a name of their own: a journal put back to a backup gives them anew under another."""
    connection.execute(
        text(
            "INSERT INTO opening (first, name) SELECT coalesce(max(position), 0) + 1, :name FROM entry WHERE TRUE "
            "ON CONFLICT (first) DO UPDATE SET name = excluded.name"
        ),
        {"name": secrets.token_hex(6)},
    )


def opening_of(connection: Connection, position: int) -> str:
    """The name under which a position was given; empty when that was before there were any."""
    found = connection.execute(
        text("SELECT name FROM opening WHERE first <= :position ORDER BY first DESC LIMIT 1"), {"position": position}
    ).scalar()
    return str(found or "")


def note_ends(connection: Connection, entries: Iterable[JournalEntry]) -> None:
    """The witness is to hear of these entries once they are committed."""
    ends: dict[Life, tuple[int, str]] = connection.info.setdefault("ends", {})
    for entry in entries:
        life = (entry.device, entry.epoch)
        if entry.seq > ends.get(life, (0, ""))[0]:
            ends[life] = (entry.seq, entry.hash)


def _on_connect(raw: Any, _record: object) -> None:
    """SQLite as central needs it: write-ahead log from the first byte, every commit on the disk before it returns."""
    raw.isolation_level = None  # transactions are begun below, not by the driver
    cursor = raw.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _once(connection: Connection, key: str, fresh: str) -> str:
    """A fact kept in `meta` since the first opening."""
    found = read_meta(connection, key)
    if found is None:
        write_meta(connection, key, fresh)
        return fresh
    return found


def rows(connection: Connection, sql: str, **binds: object) -> list[dict[str, Any]]:
    """All rows of a query with named binds, as dicts."""
    return [dict(row) for row in connection.execute(text(sql), binds).mappings()]
