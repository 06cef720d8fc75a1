"""The notebook's file: one SQLite database, opened by one process, durable when `writing()` returns."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.pool import StaticPool

from app.schema import NewerSchema, Step, migrate


class StoreProblem(Exception):
    """The file cannot be used just now; nothing in it has been changed."""

    def __init__(self, path: Path, vi: str, en: str):
        super().__init__(f"{vi} / {en}")
        self.path, self.vi, self.en = path, vi, en


class InUse(StoreProblem):
    """Another process has the file open."""


class NoStorage(StoreProblem):
    """This machine keeps no files for the app."""


class Damaged(StoreProblem):
    """SQLite cannot read the file."""


class Newer(StoreProblem):
    """The file was written by a newer version of the app."""


class DiskFull(Exception):
    """There is no room left: nothing of the last change was written."""

    vi = "Máy đã đầy bộ nhớ: thao tác vừa rồi chưa được ghi. Xóa bớt ảnh, ứng dụng khác rồi làm lại."
    en = "The phone is full: the last tap was not saved. Free some space, then repeat it."

    def __init__(self) -> None:
        super().__init__(f"{self.vi} / {self.en}")


class Store:
    """`reading()` and `writing()` give a connection; a `writing()` block is one transaction, kept whole or not at all."""

    def __init__(
        self,
        path: Path,
        parts: Sequence[tuple[str, Sequence[Step]]],
        journal_mode: str = "WAL",
        flush: Callable[[], None] | None = None,
    ):
        """Open or create the file and bring its schema up to date.

        `flush` is called after every commit where SQLite's own waiting for the disk does nothing (in the browser).

        Raises InUse, Damaged or Newer, the file untouched; DiskFull when there is no room to create it.
        """
        self.path = path
        self._flush = flush
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        self._engine = _engine(path, journal_mode)
        try:
            with self._engine.connect() as connection:
                if not is_new:
                    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                    if found != "ok":
                        raise unreadable(path)
            if is_new and os.name == "posix" and not flush:
                _sync_folder(path.parent)
            with self.writing() as connection:
                for name, steps in parts:
                    migrate(connection, name, steps)
        except NewerSchema as newer:
            self.close()
            raise Newer(
                path,
                "Sổ này do phiên bản mới hơn của ứng dụng ghi. Hãy cập nhật ứng dụng.",
                "This notebook was written by a newer version of the app. Please update the app.",
            ) from newer
        except (Damaged, DiskFull):
            self.close()
            raise
        except DatabaseError as error:
            self.close()
            raise _explained(path, error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed and on disk when the block ends, gone without a trace when it fails.

        Raises DiskFull when there was no room.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
            if self._flush:
                self._flush()
        except DBAPIError as error:
            if "full" in str(error.orig) or "disk I/O" in str(error.orig):
                raise DiskFull from error
            raise

    def close(self) -> None:
        self._engine.dispose()


def _engine(path: Path, journal_mode: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": 0}
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are ours alone, see BEGIN below
        # Exclusive: a second process is refused instead of mixing two lives of one journal; it also spares the -shm file.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _explained(path: Path, error: DatabaseError) -> Exception:
    reason = str(error.orig)
    if "locked" in reason or "busy" in reason:
        return in_use(path)
    if "full" in reason or "disk I/O" in reason:
        return DiskFull()
    return unreadable(path)


def in_use(path: Path) -> InUse:
    return InUse(
        path,
        "Sổ đang mở ở một cửa sổ khác. Đóng cửa sổ kia rồi mở lại.",
        "The notebook is open in another window. Close that one and open again.",
    )


def no_storage(path: Path) -> NoStorage:
    return NoStorage(
        path,
        "Cửa sổ này không giữ được dữ liệu (có thể là cửa sổ ẩn danh, hoặc trình duyệt quá cũ). Hãy mở bằng Chrome, không dùng "
        "chế độ ẩn danh.",
        "This window cannot keep data (a private window, perhaps, or an old browser). Open it in Chrome, not in private mode.",
    )


def unreadable(path: Path) -> Damaged:
    return Damaged(path, "Sổ trên máy bị hỏng, không đọc được.", "The notebook file is damaged and cannot be read.")


def _sync_folder(folder: Path) -> None:
    # The new file's name must survive a power cut before anything in it is called saved.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
