"""Cuts at every step of a recorded day, and what must be found after each: nothing promised is lost, nothing is half-done."""

import hashlib
import json
import marshal
import os
import random
import re
import shutil
import sqlite3
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.records import READINGS, VISIT_KINDS
from app.schema import JOURNAL
from app.store import Store
from app.sync import journal, merge
from app.sync.ledger import PHONE
from central.access import token_hash
from central.database import Database
from central.verify import verify
from central.witness import Witness
from tests.powercuts.disk import Disk, Image
from tests.powercuts.strace import Step

MOVES = ("write", "truncate", "sync", "make", "remove", "rename")
"""Steps after which the power may fail with another outcome than before."""


Tables = dict[str, list[tuple[Any, ...]]]
"""Every row of every table of a database."""


class Lost(AssertionError):
    """After a cut something promised is gone, or something is half there."""


@dataclass
class Outcome:
    """What a walk through a day came to. A cut is a place in the day and a distinct image of the disk."""

    cuts: int = 0
    states: int = 0
    found: list[str] = field(default_factory=list)


class Day(ABC):
    """A recorded day and what has been promised so far; `holds` says what is wrong with an image, in words."""

    database = ""

    def __init__(self, name: str, disk: Disk, steps: Sequence[Step]):
        self.name, self.disk, self.steps = name, disk, steps
        self.folder = Path(disk.root)
        """Where the database lies."""
        self._known: dict[str, int] = {}
        """Every state the database was in, by digest, in their order."""
        self._sound: set[str] = set()
        memory = Path("/dev/shm")
        self._work = Path(tempfile.mkdtemp(prefix="powercuts-", dir=memory if os.access(memory, os.W_OK) else None))

    def close(self) -> None:
        shutil.rmtree(self._work)

    # What one image says

    def rows(self, image: Image) -> Tables | None:
        """Every table of the database in an image, opened with plain sqlite3; None when there is none yet."""
        main = str(self.folder / self.database)
        if not image.get(main):
            return None
        for suffix in ("", "-wal", "-journal"):
            file = self._work / f"image.sqlite{suffix}"
            if main + suffix in image:
                file.write_bytes(image[main + suffix])
            else:
                file.unlink(missing_ok=True)
        (self._work / "image.sqlite-shm").unlink(missing_ok=True)
        with closing(sqlite3.connect(self._work / "image.sqlite")) as connection:
            try:
                connection.execute("PRAGMA synchronous = OFF")  # of the examination, not of what is examined
                whole = connection.execute("PRAGMA integrity_check").fetchall()
                if whole != [("ok",)]:
                    raise Lost(f"the database is damaged: {whole[:3]}")
                tables = connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
                ).fetchall()
                return {
                    name: connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall() for (name,) in tables
                }
            except sqlite3.DatabaseError as error:
                raise Lost(f"the database cannot be read: {error}") from error

    def _state(self, tables: Tables) -> str:
        digest = hashlib.sha256(marshal.dumps(tables, 2)).hexdigest()  # version 2 writes equal values alike
        if digest not in self._sound:
            self._sound.add(digest)
            if tables:
                self.look_deeper()
        return digest

    @abstractmethod
    def look_deeper(self) -> None:
        """What the program's own eyes find wrong with the database just opened; asked once for each state. Raises Lost."""

    # Promises

    @abstractmethod
    def promise(self, step: Step) -> None:
        """Note what a step promised."""

    @abstractmethod
    def kept(self, image: Image, tables: Tables, number: int) -> None:
        """Whether what was promised stands in an image; `number` is that of its state. Raises Lost."""

    def examine(self, image: Image) -> None:
        """All that must hold after a cut. Raises Lost."""
        tables = self.rows(image) or {}
        digest = self._state(tables)
        if digest not in self._known:
            raise Lost("the database is in a state in which it never was: a change is there in part")
        self.kept(image, tables, self._known[digest])

    # The walk

    def walk(self, cuts: int, dice: random.Random) -> Outcome:
        """Cut the power that often: with enough cuts after every step, and as often as there are different outcomes."""
        self._learn()
        outcome = Outcome(states=len(self._known))
        points = sum(step.what in MOVES for step in self.steps)
        due = 0.0
        for step in self.steps:
            self.disk.take(step)
            self.promise(step)
            if step.what not in MOVES:
                continue
            due += cuts / points if cuts >= points else (dice.random() < cuts / points)
            for image in self._images(dice, int(due), is_sparse=cuts < 2 * points):
                due -= 1
                outcome.cuts += 1
                try:
                    self.examine(image)
                except Lost as lost:
                    outcome.found.append(f"{self.name}: after step {self.disk._count} ({step.what}): {lost}")
        return outcome

    def _learn(self) -> None:
        """Walk through the day once without cuts, for every state that the database came to be in."""
        disk = type(self.disk)(self.disk.root)
        self._known = {self._state({}): 0}
        changed = False
        for step in self.steps:
            disk.take(step)
            changed = changed or (step.what in MOVES and Path(step.path).name.startswith(self.database))
            if changed and step.what in ("sync", "said", "sent"):
                changed = False
                self._known.setdefault(self._state(self.rows(disk.everything()) or {}), len(self._known))

    def _images(self, dice: random.Random, wanted: int, *, is_sparse: bool) -> Iterator[Image]:
        """Different images that a cut just now may leave, at most that many; first the least and the most."""
        if self.disk.is_settled:
            if wanted:
                yield self.disk.image(None)
            return
        seen: set[int] = set()
        for turn in range(3 * wanted):
            which = dice.randrange(4) if is_sparse else turn
            if which == 0:
                image = self.disk.image(None)
            elif which == 1:
                image = self.disk.everything()
            else:
                image = self.disk.image(dice)
            mark = hash(frozenset(image.items()))
            if mark not in seen:
                seen.add(mark)
                yield image
            if len(seen) == wanted:
                return


class PhoneDay(Day):
    """A notebook and its photos; after each promise the state must be that one or a later one."""

    database = "notebook.sqlite"

    def __init__(self, name: str, disk: Disk, steps: Sequence[Step]):
        super().__init__(name, disk, steps)
        self._least = 0
        self._promised: tuple[str, str, str] | None = None

    def promise(self, step: Step) -> None:
        words = step.data.decode().split() if step.what == "said" else [""]
        if words[0] in ("saved", "photo", "synced") and words[1] == self.folder.name:
            tables = self.rows(self.disk.everything())
            self._least = self._known[self._state(tables or {})]
            if words[0] == "saved":
                self._promised = (words[2], words[3], words[4])

    def look_deeper(self) -> None:
        store = Store(_copied(self._work), [("journal", JOURNAL), ("phone", PHONE)])
        try:
            with store.writing() as connection:
                for _, entries in journal.chains(connection):
                    if broken := journal.verify_chain(entries):
                        raise Lost(f"the chain is broken at {broken.seq}: {broken.why}")
                before = _typed(connection)
                merge.rebuild(connection, [kind for kind in ("visit", *VISIT_KINDS) if kind in READINGS])
                if _typed(connection) != before:
                    raise Lost("the typed tables are not what the journal says")
        finally:
            store.close()

    def kept(self, image: Image, tables: Tables, number: int) -> None:
        if number < self._least:
            raise Lost(f"what was shown as saved is gone: state {number}, promised {self._least}")
        if self._promised and self._promised not in _entries(tables):
            raise Lost(f"entry {self._promised[1]} was shown as saved and is gone")
        _whole_chains(tables)
        who = image.get(str(self.folder / "enrolment.json"))
        if who is not None and not json.loads(who).get("device"):
            raise Lost("the note of who this phone is was written in part")
        for sha256, *_ in tables.get("file", ()):
            content = image.get(str(self.folder / "photos" / sha256))
            if content is None or hashlib.sha256(content).hexdigest() != sha256:
                raise Lost(f"an entry names the photo {sha256[:8]}, and its file is not whole")


class Whole:
    """A photo store in which every photo is whole: files are looked at in each image, not once for each state."""

    def has(self, _sha256: str) -> bool:
        return True

    def is_intact(self, _sha256: str) -> bool:
        return True


class CentralDay(Day):
    """Central's database and photos; what it answered with success must stand."""

    database = "central.sqlite"

    def __init__(self, name: str, disk: Disk, steps: Sequence[Step]):
        super().__init__(name, disk, steps)
        self._asked: dict[str, bytes] = {}
        self._answered: dict[str, bytes] = {}
        self.acked: dict[str, int] = {}
        """Last seq acknowledged, by the hash of the phone's token."""
        self.offsets: dict[str, int] = {}
        self.devices: set[str] = set()
        last = Disk(disk.root)
        for step in steps:
            last.take(step)
        self._photos = {Path(path).name: content for path, content in last.everything().items()}

    def promise(self, step: Step) -> None:
        if step.what == "heard" and re.match(rb"[A-Z]+ /\S* HTTP/1.1\r\n", step.data):
            self._asked[step.path], self._answered[step.path] = step.data, b""
        elif step.what == "sent" and step.path in self._asked:
            self._answered[step.path] += step.data
            self._understand(self._asked[step.path], self._answered[step.path])

    def _understand(self, asked: bytes, answered: bytes) -> None:
        head, _, body = answered.partition(b"\r\n\r\n")
        headers = head.lower()
        method, address = asked.split(b" ", 2)[:2]
        if b"content-encoding: gzip" in headers:
            body = zlib.decompressobj(31).decompress(body)
        if address.startswith(b"/api/v1/uploads") and (offset := re.search(rb"upload-offset: (\d+)", headers)):
            made = re.search(rb"location: (\S+)", headers)  # a small photo may come with its announcement
            name = (made[1] if made else address).rpartition(b"/")[2].decode()
            self.offsets[name] = max(self.offsets.get(name, 0), int(offset[1]))
        elif (method, address) == (b"POST", b"/api/v1/sync") and (acked := re.search(rb'"acked":(\d+)', body)):
            token = re.search(rb"authorization: bearer (\S+)", asked, re.IGNORECASE)
            assert token
            who = token_hash(token[1].decode())
            self.acked[who] = max(self.acked.get(who, 0), int(acked[1]))
        elif (method, address) == (b"POST", b"/api/v1/devices") and (
            named := re.search(rb'"device_id":"([^"]+)"', body)
        ):
            self.devices.add(named[1].decode())

    def look_deeper(self) -> None:
        database = Database(f"sqlite:///{_copied(self._work)}")
        try:
            with database.reading() as connection:
                for finding in verify(connection, Whole()):  # type: ignore[arg-type]
                    raise Lost(f"kiemtra verify: {finding}")
        finally:
            database.close()

    def kept(self, image: Image, tables: Tables, number: int) -> None:
        tokens = {row[3]: row[0] for row in tables.get("device", ())}
        if missing := self.devices - set(tokens.values()):
            raise Lost(f"the phone {missing} was enrolled and is not known")
        held: dict[str, int] = {}
        for device, _, seq, *_ in tables.get("entry", ()):
            held[device] = max(seq, held.get(device, 0))
        for token, acked in self.acked.items():
            if held.get(tokens.get(token, ""), 0) < acked:
                raise Lost(f"entry {acked} was acknowledged; {held.get(tokens.get(token, ''), 0)} are there")
        _whole_chains(tables)
        for sha256, *_ in tables.get("received_file", ()):
            if not self._is_whole(image, sha256):
                raise Lost(f"the photo {sha256[:8]} counts as received, and is not whole")
        for sha256, offset in self.offsets.items():
            part = image.get(str(self.folder / "photos" / "parts" / sha256), b"")
            if self._is_whole(image, sha256):
                continue
            if len(part) < offset or not self._photos[sha256].startswith(part[:offset]):
                raise Lost(f"{offset} bytes of {sha256[:8]} were promised to be held; {len(part)} are there")

        self._is_not_taken_for_restored(image, tables)

    def _is_not_taken_for_restored(self, image: Image, tables: Tables) -> None:
        """The witness, which waits for no disk, may know less than the database, never more or something else."""
        file = self._work / "witness"
        file.write_bytes(image.get(str(self.folder / f"{self.database}.witness"), b""))
        seen = Witness(file).read()
        if seen is None or not seen.server_id:
            return
        if seen.server_id != dict(tables.get("meta", ())).get("server_id"):
            raise Lost("the witness names another database: phones would send everything again")
        held = {(device, epoch, seq): row[12] for device, epoch, seq, *row in tables.get("entry", ())}
        for life, (seq, digest) in seen.ends.items():
            if held.get((*life, seq)) != digest:
                raise Lost(
                    f"the witness saw entry {seq} of {life}, which is not there: phones would send everything again"
                )

    def _is_whole(self, image: Image, sha256: str) -> bool:
        content = image.get(str(self.folder / "photos" / sha256[:2] / sha256[2:4] / sha256))
        return content is not None and hashlib.sha256(content).hexdigest() == sha256


def _entries(tables: Tables) -> set[tuple[str, str, str]]:
    """(epoch, seq, hash) of every entry; columns as `app.schema` made them."""
    return {(row[1], str(row[2]), row[15]) for row in tables.get("entry", ())}


def _whole_chains(tables: Tables) -> None:
    lives: dict[tuple[str, str], list[int]] = {}
    for device, epoch, seq, *_ in tables.get("entry", ()):
        lives.setdefault((device, epoch), []).append(seq)
    for life, numbers in lives.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            raise Lost(f"the chain {life} has a hole")


def _typed(connection: Any) -> list[Any]:
    names = [*(str(READINGS[kind].__tablename__) for kind in ("visit", "count", "row", "answer", "photo")), "other"]
    return [connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY id').all() for name in names]


def _copied(work: Path) -> Path:
    """A copy of the image just opened, for those that write into it."""
    copy = work / "copy.sqlite"
    for suffix in ("-wal", "-journal", "-shm", ".witness"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(work / "image.sqlite", copy)  # plain sqlite3 has closed it, so its log is in it
    return copy
