"""SQLite in memory, with as much of SQLAlchemy's face as app.sync, the recorder and central ask of a connection.

The SQL that runs is the project's own, on the real SQLite; only the layer in between is left out, because it would be
three quarters of the time. Commits are counted so that a power cut can fall before or after any of them, and what a cut
leaves is what was flushed (`is_flushing` off: what a broken flush would leave).
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.store import DiskFull


class PowerCut(BaseException):
    """The machine is gone in the middle of what it did. Nothing may catch it but the world."""


_makers: dict[tuple[str, ...], Callable[..., Any]] = {}


class Result:
    """Rows of one statement: tuples whose columns are attributes too."""

    def __init__(self, cursor: sqlite3.Cursor):
        self._cursor = cursor

    def _rows(self) -> list[Any]:
        found = self._cursor.fetchall()
        if not found:
            return []
        names = tuple([column[0] for column in self._cursor.description])
        maker = _makers.get(names)
        if maker is None:
            maker = _makers[names] = namedtuple("Row", names, rename=True)._make  # type: ignore[misc]
        return [maker(row) for row in found]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows())

    def all(self) -> list[Any]:
        return self._rows()

    def first(self) -> Any:
        found = self._rows()
        return found[0] if found else None

    def one_or_none(self) -> Any:
        found = self._rows()
        if len(found) > 1:
            raise LookupError("several rows where one was expected")
        return found[0] if found else None

    def one(self) -> Any:
        [row] = self._rows()
        return row

    def scalar(self) -> Any:
        found = self._cursor.fetchone()
        return found[0] if found else None

    def scalar_one(self) -> Any:
        [(value,)] = self._cursor.fetchall()
        return value

    def scalars(self) -> "Values":
        return Values(row[0] for row in self._cursor)

    def mappings(self) -> "Values":
        names = [column[0] for column in self._cursor.description]
        return Values(dict(zip(names, row, strict=True)) for row in self._cursor)

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount


class Values(list[Any]):
    """The first column of every row, or every row as a dict."""

    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None


class _Driver:
    def __init__(self, raw: sqlite3.Connection):
        self.driver_connection = raw


class _Dialect:
    name = "sqlite"


class Connection:
    """`execute` and `exec_driver_sql` on one SQLite connection."""

    dialect = _Dialect()

    def __init__(self, raw: sqlite3.Connection):
        self.raw = raw
        self.connection = _Driver(raw)
        self.info: dict[str, Any] = {}

    def execute(self, statement: Any, values: Any = ()) -> Result:
        if isinstance(values, list):
            return Result(self.raw.executemany(statement.text, values))
        return Result(self.raw.execute(statement.text, values))

    def exec_driver_sql(self, statement: str, values: Any = ()) -> Result:
        return Result(self.raw.execute(statement, values))


class Database:
    """One machine's database file: `reading()` and `writing()` as `app.store.Store` and `central.database.Database` have them."""

    def __init__(self, image: bytes | None = None):
        self._open(image)
        self.is_gone = False
        """The app that had it open is no more: whatever of it still moves writes nothing."""
        self.is_flushing = True
        self.flushed: bytes = b""
        """What a cut leaves while flushing is broken."""
        self.commits_left: int | None = None
        """After how many more commits the power goes; None for not at all. Negative: before the commit that would be it."""
        self.is_cut_before = False

    def _open(self, image: bytes | None) -> None:
        raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=400, check_same_thread=False)
        if image:
            raw.deserialize(image)
        self.connection = Connection(raw)

    def image(self) -> bytes:
        """The file as it is."""
        return self.connection.raw.serialize()

    def replace(self, image: bytes) -> None:
        """Another file in its place."""
        self.close()
        self._open(image)

    def break_flush(self) -> None:
        self.is_flushing = False
        self.flushed = self.image()

    def power_cut(self) -> None:
        """What was not committed (and flushed) is gone."""
        self.commits_left = None
        if self.connection.raw.in_transaction:
            self.connection.raw.rollback()
        if not self.is_flushing:
            self.replace(self.flushed)

    def fill(self, room: int | None) -> None:
        """Leave room for so many more pages; None for as many as there may be."""
        pages = self.connection.raw.execute("PRAGMA page_count").fetchone()[0]
        self.connection.raw.execute(f"PRAGMA max_page_count = {1 << 30 if room is None else max(1, pages + room)}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        if self.is_gone:
            raise PowerCut
        yield self.connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self.is_gone:
            raise PowerCut
        raw = self.connection.raw
        raw.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self._commit(raw)
        except sqlite3.OperationalError as error:
            self._undo(raw)
            if "full" in str(error):
                raise DiskFull from error
            raise
        except BaseException:
            self._undo(raw)
            raise

    def _undo(self, raw: sqlite3.Connection) -> None:
        if raw is self.connection.raw and raw.in_transaction:
            raw.execute("ROLLBACK")

    def _commit(self, raw: sqlite3.Connection) -> None:
        if self.commits_left is not None:
            self.commits_left -= 1
            if self.commits_left < 0 and self.is_cut_before:
                raise PowerCut
        raw.execute("COMMIT")
        if self.commits_left is not None and self.commits_left < 0:
            raise PowerCut

    def close(self) -> None:
        self.connection.raw.close()
