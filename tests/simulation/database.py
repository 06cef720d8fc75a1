"""SQLite in memory behind the lean face that central has (`central.lean`), on the phones, too.

The SQL that runs is the project's own, on the real SQLite; SQLAlchemy would be three quarters of the time. Commits are counted so that a power cut can fall before or after any of them, and what a cut
leaves is what was flushed (`is_flushing` off: what a broken flush would leave).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.store import DiskFull
from central.lean import Lean


class PowerCut(BaseException):
    """The machine is gone in the middle of what it did. Nothing may catch it but the world."""


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
        self.connection = Lean(raw)

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
    def reading(self) -> Iterator[Lean]:
        if self.is_gone:
            raise PowerCut
        yield self.connection

    @contextmanager
    def writing(self) -> Iterator[Lean]:
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
