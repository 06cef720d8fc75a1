"""The notebook carried out in a bundle, and bundles taken in: by slices, with a rest after each, so that no screen waits.

What is taken in stays what it was: entries keep their device, author, stamps and hashes, and merge with what is here in any
order and any number of times. What is not as it was written is refused by name, and the rest is taken.
"""

import asyncio
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text
from sqlalchemy.exc import InterfaceError, ProgrammingError

from app.notebook import Notebook
from app.photos.store import NoRoom, PhotoFiles
from app.readings import photo_names
from app.records import CENTRAL_KINDS, SCHEMA, VISIT_KINDS
from app.reference import reference_document, take_reference, take_templates
from app.schema import known_centrals, read_meta, write_meta
from app.store import DiskFull
from app.sync import bundle, compact, journal, merge, receipts
from app.sync.bundle import Bundle, File, Head, Line, Refused
from app.sync.files import queue_file
from app.sync.journal import JournalEntry
from app.sync.ledger import note_brought
from app.sync.stamp import Stamp, effective

SLICE = 20
"""Entries taken in between two rests: about 10 ms on a desktop, 30 in a browser."""

Step = Callable[[str, int, int], None]
"""Hears how far it has come: entries or photos, done, of how many (0 when not known)."""


@dataclass
class Arrived:
    """What a bundle brought: what is new here, what was here already, what was refused, and why it ended early if it did.

    Words are "Vietnamese / English".
    """

    entries: int = 0
    known: int = 0
    visits: set[str] = field(default_factory=set)
    photos: int = 0
    of_others: int = 0
    """New entries that are not this phone's own: central gets them from the phones that wrote them."""
    refused: list[Refused] = field(default_factory=list)
    stopped: str = ""

    @property
    def is_nothing_new(self) -> bool:
        return not (self.entries or self.photos or self.refused or self.stopped)

    def add(self, more: "Arrived") -> None:
        """What a slice brought, once it is kept."""
        self.entries += more.entries
        self.known += more.known
        self.visits |= more.visits
        self.of_others += more.of_others
        self.refused += more.refused


async def carry_out(book: Notebook, files: PhotoFiles, on_step: Step) -> bytes:
    """A bundle of everything in the notebook, with every photo and preview that is on this phone."""
    with book.store.reading() as connection:
        last = connection.execute(text("SELECT max(rowid) FROM entry")).scalar() or 0
        number = connection.execute(
            text("SELECT count(*) FROM entry WHERE rowid <= :last"), {"last": last}
        ).scalar_one()
        visits = connection.execute(text("SELECT count(*) FROM visit")).scalar_one()
        named = connection.execute(text("SELECT sha256, preview FROM photo ORDER BY visit, taken_at, id")).all()
        reference = reference_document(connection)
        kept = receipts.kept(connection)
    listed = [File("preview", row.preview) for row in named] + [File("photo", row.sha256) for row in named]
    held = [file for file in dict.fromkeys(listed) if file.sha256 and files.has(file.sha256)]
    photos = sum(file.role == "photo" for file in held)
    head = Head(
        SCHEMA,
        book.now(),
        book.enrolment.device if book.enrolment else None,
        book.enrolment.server_id if book.enrolment else None,
        {"entries": number, "visits": visits, "photos": photos, "previews": len(held) - photos},
    )
    sink = io.BytesIO()
    for _ in bundle.write(
        sink, head, _pages(book, last, number, on_step), reference, _read(files, held, photos, on_step), kept
    ):
        await asyncio.sleep(0)
    return sink.getvalue()


def _pages(book: Notebook, last: int, of: int, on_step: Step) -> Iterator[Sequence[JournalEntry]]:
    """Entries up to a row, chain by chain; what is recorded meanwhile is left for the next bundle."""
    after, done = ("", "", 0), 0
    while True:
        with book.store.reading() as connection:
            page = journal.select(
                connection,
                "(device, epoch, seq) > (:d, :e, :s) AND rowid <= :last ORDER BY device, epoch, seq LIMIT :n",
                d=after[0], e=after[1], s=after[2], last=last, n=bundle.PAGE,
            )  # fmt: skip
        if not page:
            return
        after, done = (page[-1].device, page[-1].epoch, page[-1].seq), done + len(page)
        on_step("entries", done, of)
        yield page


def _read(files: PhotoFiles, held: Sequence[File], of: int, on_step: Step) -> Iterator[tuple[File, bytes]]:
    done = 0
    for file in held:
        if files.has(file.sha256):
            yield file, files.read(file.sha256)
        if file.role == "photo":
            done += 1
            on_step("photos", done, of)


async def take_in(book: Notebook, files: PhotoFiles, data: bytes, on_step: Step) -> Arrived:
    """Take what a bundle holds into the notebook; harmless to repeat. Raises `bundle.NotABundle`, nothing changed.

    Photos that central may lack are put among what is to be sent: any phone may send any photo.
    """
    opened = Bundle(data)
    _refuse_another_central_s(book, opened)
    arrived = Arrived()
    try:
        await _take_reference(book, opened)
        await _take_entries(book, opened, arrived, on_step)
        kept = await _take_files(book, files, opened, arrived, on_step)
        await queue_held(book, files, kept)
    except (DiskFull, NoRoom):
        arrived.stopped = (
            "Máy hết chỗ nên mới nhập được một phần; phần đã nhập vẫn giữ. Xóa bớt tệp khác rồi nhập lại tệp này. / "
            "The phone is full: only a part was imported, and is kept. Free some space, then import this file again."
        )
    finally:
        book.changed_by_sync(arrived.visits)
    arrived.refused = [*opened.faults, *arrived.refused]
    return arrived


def _refuse_another_central_s(book: Notebook, opened: Bundle) -> None:
    """A phone that has a place at one central takes no file of another: visits of two provinces must not mix."""
    of = opened.head.server_id if opened.head else None
    if book.enrolment is None or of in (None, book.enrolment.server_id):
        return
    with book.store.reading() as connection:
        if of in known_centrals(connection):
            return
    raise bundle.NotABundle(
        "Tệp này của một trung tâm khác, có thể của tỉnh khác. Sổ trên máy không thay đổi. Nếu trung tâm vừa được khôi phục, "
        "hãy đồng bộ một lần rồi nhập lại. / This file is of another central, perhaps another province's. Nothing on this "
        "phone has changed. If central has just been restored, sync once, then import it again."
    )


async def _take_reference(book: Notebook, opened: Bundle) -> None:
    """Units, rounds and checklists for a phone that has never had central's; for others only checklists they lack."""
    await asyncio.sleep(0)
    document = opened.reference()
    await asyncio.sleep(0)
    if document is None:
        return
    exported_at = opened.head.exported_at if opened.head else 0
    try:
        with book.store.writing() as connection:
            has_central_s = bool(read_meta(connection, "reference_etag"))
            if has_central_s or exported_at <= int(read_meta(connection, "reference_carried") or 0):
                take_templates(connection, document)
            else:
                take_reference(connection, document)
                write_meta(connection, "reference_carried", str(exported_at))
    except (ValueError, LookupError, TypeError, AttributeError, ProgrammingError, InterfaceError):
        words = "Danh mục đơn vị, phiếu kiểm tra trong tệp bị hỏng / The units and checklists in the file are damaged"
        opened.faults.append(Refused(bundle.REFERENCE, words))
    else:
        await asyncio.sleep(0)
        book.reload()
        await asyncio.sleep(0)


@dataclass
class _Chain:
    """How far one (device, epoch) of the file has been read."""

    seq: int = 0
    hashes: tuple[str, ...] = ()
    """What may stand before the next entry: two of a damaged one, as it says and as its content gives."""
    is_another_life: bool = False
    """From some entry on the notebook holds other entries under the same numbers."""


async def _take_entries(book: Notebook, opened: Bundle, arrived: Arrived, on_step: Step) -> None:
    of = opened.head.counts.get("entries", 0) if opened.head else 0
    chains: dict[tuple[str, str], _Chain] = {}
    own_epochs: set[str] = set()
    page: list[Line | Refused] = []
    number = 0

    async def take_page() -> None:
        mine, kept = book.chain, Arrived()
        with book.store.writing() as connection:
            for line in page:
                if isinstance(line, Refused):
                    kept.refused.append(line)
                elif taken := _take_entry(connection, line, chains, mine, kept, book.now()):
                    own_epochs.update({taken.epoch} if mine and taken.device == mine[0] else ())
        arrived.add(kept)
        if mine and mine[1] in own_epochs and kept.entries:
            book.changed_by_sync(())  # a tap between two slices must follow what has just been put before it
        page.clear()
        on_step("entries", number, of)
        await asyncio.sleep(0)

    for number, line in enumerate(opened.lines(), 1):  # noqa: B007 - the last number is what was found
        page.append(line)
        if len(page) == SLICE:
            await take_page()
    await take_page()
    arrived.refused += opened.lacking(number)
    with book.store.writing() as connection:
        _name_visits(connection)
        note_brought(connection, arrived.visits)
        for epoch in own_epochs - {book.chain[1] if book.chain else ""}:
            if read_meta(connection, f"acked:{epoch}") is None:
                write_meta(connection, f"acked:{epoch}", "0")  # an earlier life of this phone: offered to central again


def _take_entry(
    connection: Connection,
    line: Line,
    chains: dict[tuple[str, str], _Chain],
    mine: tuple[str, str] | None,
    arrived: Arrived,
    now: int,
) -> JournalEntry | None:
    """Take one entry if it is as it was written and not here yet; None when it was not taken. `mine` is the chain being written."""
    number, entry, is_vouched = line
    key = entry.device, entry.epoch
    chain = chains.setdefault(key, _Chain())
    before = _before(connection, chain, entry)
    computed = tuple(journal.hash_after(prev, entry) for prev in before)
    chain.seq, chain.hashes = entry.seq, tuple(dict.fromkeys((entry.hash, *computed)))
    if entry.seq < 1 or (entry.hash not in computed if before else not is_vouched):
        why = (
            None
            if before
            else "không kiểm được vì thiếu dòng đứng trước / cannot be checked without the line before it"
        )
        arrived.refused.append(bundle.damaged_line(number, why))
        return None
    chain.hashes = (entry.hash,)
    known = _hash_at(connection, entry, entry.seq)
    if known == entry.hash:
        arrived.known += 1
        return None
    if known is not None or chain.is_another_life:
        chain.is_another_life = True
        words = (
            f"Dòng {number}: khác với mục cùng số đã có trên máy / "
            f"Line {number}: differs from the entry of the same number on this phone"
        )
        arrived.refused.append(Refused(f"{bundle.ENTRIES}:{number}", words))
        return None
    if entry.kind in CENTRAL_KINDS:
        words = f"Dòng {number}: loại chỉ trung tâm ghi / Line {number}: of a kind that only central writes"
        arrived.refused.append(Refused(f"{bundle.ENTRIES}:{number}", words))
        return None
    if key == mine and entry.seq > 1 and _hash_at(connection, entry, entry.seq - 1) not in before:
        words = (
            f"Dòng {number}: thiếu các mục đứng trước của chính máy này / "
            f"Line {number}: the entries of this phone that come before it are missing"
        )
        arrived.refused.append(Refused(f"{bundle.ENTRIES}:{number}", words))
        return None
    stamp = effective(Stamp(entry.effective_ms, entry.effective_counter), now)
    taken = entry._replace(effective_ms=stamp.ms, effective_counter=stamp.counter)
    taken = taken._replace(visit=merge.visit_of(connection, taken))
    journal.insert(connection, [taken])
    merge.apply(connection, [taken])
    if mine:
        compact.ask_again(connection, mine[0], [taken])
    arrived.entries += 1
    arrived.of_others += mine is None or taken.device != mine[0]
    if taken.visit:
        arrived.visits.add(taken.visit)
    return taken


def _before(connection: Connection, chain: _Chain, entry: JournalEntry) -> tuple[str, ...]:
    """Hashes of which one must stand before the entry; none where nobody knows what stood there."""
    if entry.seq == 1:
        return (journal.genesis(entry.epoch),)
    if chain.seq == entry.seq - 1:
        return chain.hashes
    known = _hash_at(connection, entry, entry.seq - 1)
    return (known,) if known else ()


def _hash_at(connection: Connection, entry: JournalEntry, seq: int) -> str | None:
    found: str | None = connection.execute(
        text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
        {"d": entry.device, "e": entry.epoch, "s": seq},
    ).scalar()
    return found


def _name_visits(connection: Connection) -> None:
    """Entries that came before the record they change did not know their visit; now it is known."""
    rows = connection.execute(text("SELECT DISTINCT kind, record FROM entry WHERE visit = ''")).all()
    for kind, record in rows:
        visit = merge.load(connection, kind, record).fields.get("visit") if kind in VISIT_KINDS else None
        if isinstance(visit, str):
            connection.execute(
                text("UPDATE entry SET visit = :v WHERE visit = '' AND kind = :k AND record = :r"),
                {"v": visit, "k": kind, "r": record},
            )


async def _take_files(book: Notebook, files: PhotoFiles, opened: Bundle, arrived: Arrived, on_step: Step) -> set[str]:
    """Keep the photos and previews that are whole; returns the names of those that were not here."""
    of = sum(file.role == "photo" for file in opened.files)
    kept: set[str] = set()
    done = 0
    for file in opened.files:
        data = opened.read(file)
        if data is None:
            arrived.refused.append(_damaged_file(book, file))
        else:
            is_new = not files.has(file.sha256)
            await _keep(files, file.sha256, data)
            if is_new:
                kept.add(file.sha256)
                arrived.photos += file.role == "photo"
        if file.role == "photo":
            done += 1
            on_step("photos", done, of)
        await asyncio.sleep(0)
    return kept


async def _keep(files: PhotoFiles, sha256: str, data: bytes) -> None:
    await files.keep(sha256, data)


def _damaged_file(book: Notebook, file: File) -> Refused:
    """The refusal of a photo, called what the notebook calls it."""
    with book.store.reading() as connection:
        return bundle.damaged_file(file, photo_names(connection, file.sha256))


async def queue_held(book: Notebook, files: PhotoFiles, again: Collection[str] = ()) -> int:
    """Put every photo that an entry names and that is kept here among what is to be sent; returns how many files that is.

    Those that are there already stay as they are, except `again`: refused once, offered anew.
    """
    with book.store.reading() as connection:
        there = {sha256: why for sha256, why in connection.execute(text("SELECT sha256, why FROM file"))}
        rows = connection.execute(text("SELECT visit, sha256, preview, bytes FROM photo ORDER BY taken_at, id")).all()
    wanted: list[tuple[str, str, str]] = []
    for row in rows:
        for role, name in (("preview", row.preview), ("photo", row.sha256)):
            is_waiting = name in there and not (name in again and there[name])
            if name and not is_waiting and files.has(name):
                wanted.append((row.visit or "", role, name))
    for at in range(0, len(wanted), SLICE):
        with book.store.writing() as connection:
            for visit, role, name in wanted[at : at + SLICE]:
                queue_file(connection, visit, role, name, files.size_of(name))
        await asyncio.sleep(0)
    return len(wanted)
