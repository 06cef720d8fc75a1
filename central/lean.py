"""SQLite with as much of SQLAlchemy's face as the road of every entry asks of a connection.

The SQL is the same and so is the transaction; only the layer in between is left out, which took a quarter of central's time
there (bench/README.md). Everything else in central talks to SQLAlchemy itself.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any, cast

from sqlalchemy import Connection

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
            maker = _makers[names] = namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined]
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


class Lean:
    """`execute` and `exec_driver_sql` on one SQLite connection. Raises the driver's own errors (`sqlite3.Error`)."""

    dialect = _Dialect()

    def __init__(self, raw: sqlite3.Connection):
        self.raw = raw
        self.connection = _Driver(raw)
        self.info: dict[str, Any] = {}

    def execute(self, statement: Any, values: Any = ()) -> Result:
        return self.exec_driver_sql(statement.text, values)

    def exec_driver_sql(self, statement: str, values: Any = ()) -> Result:
        if isinstance(values, list):
            return Result(self.raw.executemany(statement, values))
        return Result(self.raw.execute(statement, values))


def lean(connection: Connection) -> Connection:
    """The same connection, in the midst of the same transaction, without the layer in between."""
    given: object = connection
    if isinstance(given, Lean):
        return connection
    face = Lean(cast(sqlite3.Connection, connection.connection.driver_connection))
    face.info = connection.info
    return cast(Connection, face)
