"""A notebook lost and begun anew: who this phone is stands a second time beside it, and central gives back what it had.

A damaged file is set aside, never deleted. The new notebook goes on as the same device in a new epoch, so that nothing it
writes can be taken for what the lost one wrote; its first full sync pulls everything, its own earlier entries included.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.notebook import Notebook
from app.photos.store import PhotoFiles
from app.recorder import Enrolment

NOTEBOOK = "notebook.sqlite"
PARTS = (f"{NOTEBOOK}-wal", f"{NOTEBOOK}-journal", NOTEBOOK)
"""What SQLite may keep beside its file, and the file: to be set aside in this order, lest the old log be read into a new file."""
ENROLMENT = "enrolment.json"
"""The enrolment as `written` beside the notebook."""

_SETTING = "recovery"


@dataclass(frozen=True)
class Recovery:
    """A notebook begun anew: the names of what was set aside, and, once `is_done`, what central gave back."""

    aside: tuple[str, ...] = ()
    is_done: bool = False
    entries: int = 0
    visits: int = 0
    newest: int | None = None
    """ms UTC of the inspector's last entry that central had"""
    unknown_photos: int = 0
    """Files on this phone that nothing that came back names."""


def written(enrolment: Enrolment) -> bytes:
    """The enrolment, token included, as it is kept beside the notebook."""
    return json.dumps(enrolment.__dict__, ensure_ascii=False, indent=1).encode()


def recall(book: Notebook, beside: bytes | None) -> bool:
    """Make a new and empty notebook this phone's again; False when it is neither, or nothing readable stands beside it."""
    if book.enrolment is not None or beside is None or not book.is_empty:
        return False
    try:
        enrolment = Enrolment(**json.loads(beside))
    except (ValueError, TypeError):
        return False
    book.enrol(enrolment)
    return True


def begun(book: Notebook, aside: Sequence[str]) -> None:
    """Remember that what was recorded before is still to come back."""
    _keep(book, Recovery(tuple(aside)))


def read(book: Notebook) -> Recovery | None:
    """What there is to say of a notebook begun anew, None when it was not, or when that has been read and put away."""
    kept = book.setting(_SETTING)
    facts = json.loads(kept) if kept else None
    return Recovery(**{**facts, "aside": tuple(facts["aside"])}) if facts else None


def finished(book: Notebook, files: PhotoFiles, recovery: Recovery) -> Recovery:
    """What has come back, after a full sync."""
    user = book.enrolment.user if book.enrolment else ""
    with book.store.reading() as connection:
        entries = connection.execute(text("SELECT count(*) FROM entry WHERE position IS NOT NULL")).scalar_one()
        newest = connection.execute(
            text("SELECT max(ms) FROM entry WHERE position IS NOT NULL AND author = :user"), {"user": user}
        ).scalar()
    unknown = len(files.names() - book.named_files())
    done = Recovery(recovery.aside, True, entries, book.visit_count(), newest, unknown)
    _keep(book, done)
    return done


def put_away(book: Notebook) -> None:
    """It has been read."""
    book.set_setting(_SETTING, "")


def _keep(book: Notebook, recovery: Recovery) -> None:
    book.set_setting(_SETTING, json.dumps(recovery.__dict__))


def in_one_file(found: Mapping[str, bytes]) -> tuple[str, bytes]:
    """(name, bytes) of files to be handed out: the one as it is, several in a ZIP."""
    if len(found) == 1:
        return next(iter(found.items()))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return f"{NOTEBOOK}.zip", sink.getvalue()
