"""Central's database: short reading and writing transactions over one SQLAlchemy engine.

A writing transaction is the only one of its kind while it lasts (journal positions are handed out in it, so a reader
can never skip one) and is on the disk when the block ends.
"""

import secrets
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url, text

from app.schema import JOURNAL, migrate, read_meta, write_meta
from central.schema import CENTRAL

BUSY_TIMEOUT_MS = 15_000


class Database:
    """Opens or makes the database at `url` (sqlite:///…) and brings it to the newest schema.

    Raises app.schema.NewerSchema, with the file untouched, when a newer version wrote it. `server_id` names this
    database for phones; `central_device` is the device under which central itself writes entries.
    """

    def __init__(self, url: str):
        parsed = make_url(url)
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._engine = create_engine(parsed, pool_size=8, max_overflow=40)
        self._writer = threading.Lock()
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        with self.writing() as connection:
            migrate(connection, "journal", JOURNAL)
            migrate(connection, "central", CENTRAL)
            self.server_id = _once(connection, "server_id", secrets.token_hex(16))
            self.central_device = _once(connection, "central_device", str(uuid.uuid4()))

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
            with connection.begin():
                yield connection

    def close(self) -> None:
        self._engine.dispose()


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
