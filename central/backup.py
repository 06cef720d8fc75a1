"""`kiemtra backup FOLDER`: the database and the photos copied while central runs, verified, and then counted as durable.

FOLDER holds `central.sqlite` and `photos/`, laid out as central's own, so that restoring is copying them back. The copy of the
database takes the place of the one before only once every chain, reading and photo in it has been verified; then phones
are told that what it holds is durable, and may drop their own old entries.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from app.schema import write_meta
from central.database import Database
from central.holes import acked, ends_held
from central.photo_store import PhotoStore
from central.verify import Finding, altered, counted, lacking

COPY = "central.sqlite"


@dataclass(frozen=True)
class Backup:
    """What a backup holds. With `altered` it is none, and the one before it stays; `lacking` is missing at central too."""

    entries: int
    photos: int
    copied: int
    altered: Sequence[Finding] = ()
    lacking: Sequence[Finding] = ()


def back_up(db: Database, photos: Path, folder: Path, now: int) -> Backup:
    """Back up to a folder. Raises OSError when it cannot be written; what is there from before is then untouched."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / f"{COPY}.part"
    fresh.unlink(missing_ok=True)
    db.copy_to(fresh)
    held, copied = _copy_photos(photos, folder / "photos")  # after the database: every photo it names was there before
    found, ends = _looked_at(fresh, folder / "photos", held, copied)
    if found.altered:
        fresh.unlink()
        return found
    _keep(fresh, folder / COPY)
    with db.writing() as connection:
        connection.execute(text("DELETE FROM durable"))
        if ends:
            connection.execute(text("INSERT INTO durable (device, epoch, seq) VALUES (:device, :epoch, :seq)"), ends)
        write_meta(connection, "backed_up_at", str(now))
    return found


def backed_up(connection: Connection, device: str, epoch: str) -> int:
    """The last seq of a journal that the last verified backup holds, with all before it; 0 without a backup."""
    found = connection.execute(
        text("SELECT seq FROM durable WHERE device = :d AND epoch = :e"), {"d": device, "e": epoch}
    ).scalar()
    return int(found or 0)


def _looked_at(copy: Path, photos: Path, held: int, copied: int) -> tuple[Backup, list[dict[str, object]]]:
    """What a copied database holds, and the end of each journal in it; read without changing a byte of it."""
    engine = create_engine(f"sqlite:///file:{copy}?mode=ro&immutable=1&uri=true")
    try:
        with engine.connect() as connection:
            if wrong := list(altered(connection)):
                return Backup(0, held, copied, wrong), []
            ends: list[dict[str, object]] = [
                {"device": device, "epoch": epoch, "seq": acked(connection, device, epoch)}
                for device, epoch in ends_held(connection)
            ]
            missing = list(lacking(connection, PhotoStore(photos)))
            return Backup(counted(connection)["entries"], held, copied, [], missing), ends
    finally:
        engine.dispose()


def _copy_photos(source: Path, target: Path) -> tuple[int, int]:
    """Every photo that is not there yet: linked where it is the same disk, else copied, and read back; (held, new)."""
    held = copied = 0
    for photo in sorted(source.glob("??/??/*")):
        place = target / photo.relative_to(source)
        held += 1
        if place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".part")
        fresh.unlink(missing_ok=True)
        try:
            os.link(photo, fresh)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            shutil.copyfile(photo, fresh)
        if hashlib.sha256(fresh.read_bytes()).hexdigest() != photo.name:
            fresh.unlink()  # damaged on the way or at central: said below
            continue
        _keep(fresh, place)
        copied += 1
    return held, copied


def _keep(fresh: Path, place: Path) -> None:
    """A written file under its name, durably."""
    for path in (fresh, fresh.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if path == fresh:
            os.replace(fresh, place)
