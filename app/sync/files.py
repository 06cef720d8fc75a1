"""The photos and previews this phone has to send or has sent: a row each in table `file`."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, text


class PhotoState(NamedTuple):
    """Where a photo's file is. `why` is the refusal in words, empty otherwise."""

    is_received: bool
    why: str


class File(NamedTuple):
    sha256: str
    role: str
    bytes: int


def queue_photo(connection: Connection, visit: str, sha256: str, size: int, preview: str, preview_size: int) -> None:
    """Put a photo and its preview among what is to be sent; a file already there keeps its state."""
    queue_file(connection, visit, "photo", sha256, size)
    if preview:
        queue_file(connection, visit, "preview", preview, preview_size)


def queue_file(connection: Connection, visit: str, role: str, sha256: str, size: int) -> None:
    """Put one file among what is to be sent; central is asked first whether it has it. One that was refused is tried again."""
    connection.execute(
        text(
            "INSERT INTO file (sha256, role, visit, bytes, received) VALUES (:sha256, :role, :visit, :bytes, FALSE) "
            "ON CONFLICT (sha256) DO UPDATE SET why = NULL"
        ),
        {"sha256": sha256, "role": role, "visit": visit, "bytes": size},
    )


def file_states(connection: Connection) -> dict[str, PhotoState]:
    rows = connection.execute(text("SELECT sha256, received, why FROM file"))
    return {r.sha256: PhotoState(bool(r.received), r.why or "") for r in rows}


def next_files(connection: Connection, first: Collection[str] = ()) -> list[File]:
    """Files to send: every preview, then the photos named in `first`, then the others; each in the order they were taken."""
    rows = connection.execute(
        text(
            "SELECT sha256, role, bytes FROM file WHERE received IS NOT TRUE AND why IS NULL "
            "ORDER BY CASE role WHEN 'preview' THEN 0 ELSE 1 END, rowid"
        )
    )
    waiting = [File(*row) for row in rows]
    names = set(first)
    return sorted(waiting, key=lambda file: (file.role != "preview", file.role == "photo" and file.sha256 not in names))


def mark_received(connection: Connection, names: Collection[str]) -> None:
    for name in names:
        connection.execute(text("UPDATE file SET received = TRUE, why = NULL WHERE sha256 = :s"), {"s": name})


def mark_refused(connection: Connection, sha256: str, why: str) -> None:
    connection.execute(text("UPDATE file SET why = :why WHERE sha256 = :s"), {"s": sha256, "why": why})
