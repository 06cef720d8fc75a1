"""What photographed boards say: Tesseract reads each photo that has arrived, one after the other, in a process of its own.

An optional part. Where Tesseract or its Vietnamese is not installed, or it crashes, everything else works: photos stay
unread and `/hq/boards` says why. A photo on which the reader has died three times is left alone.
"""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.sync.stamp import fold, nfc
from central.database import Database, rows
from central.photo_store import Photos

PATIENCE_SECONDS = 120
"""For one photo; a board takes 2 to 10 s."""
TRIES = 3
LONGEST = 20_000
"""Characters kept of one photo."""
LEGIBLE = 60.0
"""Mean confidence, in per cent, from which silence about a procedure counts as its absence."""


class NoReader(Exception):
    """Tesseract or its Vietnamese is not here; the words say what to install."""


@dataclass(frozen=True)
class BoardText:
    """`lines` from top to bottom, NFC. `confidence` is Tesseract's mean per cent over the letters, 0 without any."""

    lines: tuple[str, ...]
    confidence: float

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Tesseract:
    """The reader installed here. Raises NoReader when it cannot read Vietnamese."""

    def __init__(self, command: str = "tesseract") -> None:
        found = shutil.which(command)
        if found is None:
            raise NoReader(
                "Chưa cài phần đọc chữ trên ảnh. Trên Debian: apt install tesseract-ocr tesseract-ocr-vie. / "
                "Tesseract is not installed."
            )
        self._command = found
        languages = self._run(["--list-langs"], b"", 30).decode("utf-8", "replace").split()
        if "vie" not in languages:
            raise NoReader(
                "Phần đọc chữ thiếu tiếng Việt. Trên Debian: apt install tesseract-ocr-vie. / Tesseract lacks Vietnamese."
            )
        self.version = " ".join(self._run(["--version"], b"", 30).decode("utf-8", "replace").split()[:2])

    def read(self, photo: bytes) -> BoardText:
        """What a photo (JPEG, PNG, WebP) says. Raises OSError or subprocess.SubprocessError when it cannot be read."""
        table = self._run(["-", "-", "-l", "vie", "--psm", "3", "tsv"], photo, PATIENCE_SECONDS)
        return _read_table(nfc(table.decode("utf-8", "replace")))

    def _run(self, arguments: list[str], given: bytes, seconds: float) -> bytes:
        # One thread: what reads boards must leave the processors to those who sync.
        return subprocess.run(
            [self._command, *arguments],
            input=given, capture_output=True, timeout=seconds, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        ).stdout  # fmt: skip


def _read_table(table: str) -> BoardText:
    """Tesseract's TSV: a row a word, with its place (block, paragraph, line) and its confidence."""
    lines: dict[tuple[str, ...], list[str]] = {}
    weight = total = 0.0
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        word, confidence = (row.get("text") or "").strip(), float(row.get("conf") or -1)
        if word and confidence >= 0:
            place = tuple(row[name] for name in ("page_num", "block_num", "par_num", "line_num"))
            lines.setdefault(place, []).append(word)
            weight += len(word)
            total += len(word) * confidence
    return BoardText(tuple(" ".join(words) for words in lines.values()), round(total / weight, 1) if weight else 0.0)


_NEXT = """
    SELECT p.sha256, min(p.item NOT LIKE '%board%') AS is_other FROM photo p
    JOIN received_file f ON f.sha256 = p.sha256 LEFT JOIN board_text b ON b.sha256 = p.sha256
    WHERE p.removed IS NOT TRUE AND (b.sha256 IS NULL OR (b.state = 'reading' AND b.tries < :tries))
    GROUP BY p.sha256 ORDER BY is_other, f.received_at LIMIT 1"""


def read_next(db: Database, photos: Photos, reader: Tesseract, now: Callable[[], int]) -> str | None:
    """Read the next photo that nobody has read, boards first; its SHA-256, None when all are read."""
    with db.reading() as connection:
        found = rows(connection, _NEXT, tries=TRIES)
    if not found:
        return None
    sha256: str = found[0]["sha256"]
    with db.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO board_text (sha256, state, tries, at) VALUES (:s, 'reading', 1, :at) "
                "ON CONFLICT (sha256) DO UPDATE SET tries = tries + 1, at = :at"
            ),
            {"s": sha256, "at": now()},
        )
    try:
        said = reader.read(photos.read(sha256))
    except (OSError, subprocess.SubprocessError) as problem:
        _keep(db, sha256, now(), state="failed", problem=type(problem).__name__)
        return sha256
    words = said.text[:LONGEST]
    _keep(
        db, sha256, now(),
        state="read", text=words, folded=fold(words), confidence=said.confidence, reader=reader.version,
    )  # fmt: skip
    return sha256


def _keep(db: Database, sha256: str, at: int, **facts: object) -> None:
    values = {name: facts.get(name) for name in ("state", "text", "folded", "confidence", "reader", "problem")}
    with db.writing() as connection:
        connection.execute(
            text(
                "UPDATE board_text SET state = :state, text = :text, folded = :folded, confidence = :confidence, "
                "reader = :reader, problem = :problem, at = :at WHERE sha256 = :s"
            ),
            {**values, "s": sha256, "at": at},
        )


def texts_of(connection: Connection, names: list[str]) -> dict[str, dict[str, Any]]:
    """What is known of photos by their SHA-256: state (reading, read, failed), text, confidence."""
    binds = {f"n{place}": name for place, name in enumerate(names)}
    if not binds:
        return {}
    found = rows(connection, f"SELECT * FROM board_text WHERE sha256 IN ({', '.join(':' + n for n in binds)})", **binds)
    return {row["sha256"]: row for row in found}


def search(connection: Connection, query: str, limit: int = 100) -> list[dict[str, Any]]:
    """Photos whose text holds all the words, whatever their case and marks; newest visit first."""
    words = fold(query).split()
    binds = {f"w{place}": f"%{word.replace('%', '').replace('_', '')}%" for place, word in enumerate(words)}
    if not binds:
        return []
    matching = " AND ".join(f"b.folded LIKE :{name}" for name in binds)
    return rows(
        connection,
        f"""SELECT p.id AS photo, p.sha256, p.caption, b.text, b.confidence, v.id AS visit, v.unit_name, v.visit_date
            FROM board_text b JOIN photo p ON p.sha256 = b.sha256 AND p.removed IS NOT TRUE
            JOIN visit v ON v.id = p.visit WHERE b.state = 'read' AND p.circulation IS NULL AND {matching}
            ORDER BY v.visit_date DESC, p.id LIMIT {int(limit)}""",
        **binds,
    )


def progress(connection: Connection) -> dict[str, int]:
    """How many photos central holds are read, failed and still waiting."""
    (found,) = rows(
        connection,
        """SELECT count(*) AS held, coalesce(sum(b.state = 'read'), 0) AS done,
            coalesce(sum(b.state = 'failed' OR (b.state = 'reading' AND b.tries >= :tries)), 0) AS failed
            FROM (SELECT DISTINCT p.sha256 FROM photo p JOIN received_file f ON f.sha256 = p.sha256
                  WHERE p.removed IS NOT TRUE) p LEFT JOIN board_text b ON b.sha256 = p.sha256""",
        tries=TRIES,
    )
    return {**found, "waiting": found["held"] - found["done"] - found["failed"]}
