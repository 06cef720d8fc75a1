"""Bugs put in on purpose: each must be found within a thousand days, or the simulation is not looking.

A bug is a few lines that take the place of a few of the project's own for one simulated day; its name says what it breaks.
"""

import functools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from app.schema import write_meta
from app.sync import journal, ledger, merge, uploads
from app.sync.stamp import Order
from central import intake, photo_store, sync_api
from tests.simulation import days, planted_signing
from tests.simulation.planting import BUGS, both, bug, instead

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["BUGS", "WITHIN", "find", "hunt", "planted_signing"]
WITHIN = 1000
"""Days in which each must be found."""


def find(name: str) -> days.Failure | None:
    """The first day that shows a bug."""
    for seed in range(WITHIN):
        found = days.play_all([seed], name)
        if found.failures:
            failure = found.failures[0]
            if failure.what in ("AttributeError", "NameError", "TypeError") or "values to unpack" in failure.words:
                raise AssertionError(f"{name} does not fit the code any more: {failure.words}")
            return failure
    return None


def hunt(names: Sequence[str], jobs: int) -> Iterator[tuple[str, days.Failure | None]]:
    """Each bug with the day that shows it, as they are found."""
    with ProcessPoolExecutor(jobs) as pool:
        looking = {pool.submit(find, name): name for name in names}
        for found in as_completed(looking):
            yield looking[found], found.result()


class _Rewritten:
    """A connection that changes the statements of one function on their way to SQLite."""

    def __init__(self, connection: Any, change: Callable[[str], str]):
        self._connection, self._change = connection, change

    def execute(self, statement: Any, values: Any = ()) -> Any:
        return self._connection.execute(statement._replace(text=self._change(statement.text)), values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _with_sql(old: str, new: str) -> Callable[[Any], Any]:
    def make(function: Any) -> Any:
        @functools.wraps(function)
        def changed(connection: Any, *args: Any, **named: Any) -> Any:
            return function(_Rewritten(connection, lambda sql: sql.replace(old, new)), *args, **named)

        return changed

    return make


# --- durability ----------------------------------------------------------------------------------------------------------


@bug
@contextmanager
def central_acknowledges_before_it_commits(world: "World") -> Iterator[None]:
    """The answer leaves while the transaction is still open; it is committed twenty seconds later."""
    database = world.central.database
    real = type(database).writing

    @contextmanager
    def writing(self: Any) -> Iterator[Any]:
        if self is not database:
            with real(self) as connection:
                yield connection
            return
        with real(self) as connection:
            before = connection.raw.serialize() if database.is_flushing else b""
            yield connection
        if before:
            database.flushed, database.is_flushing = before, False
            world.loop.call_later(20, setattr, database, "is_flushing", True)

    with mock.patch.object(type(database), "writing", writing):
        yield


@bug
@contextmanager
def central_skips_the_flush(world: "World") -> Iterator[None]:
    """A power cut takes whatever central has written since it was opened."""
    world.central.database.break_flush()
    yield


@bug
@contextmanager
def a_phone_skips_the_flush(world: "World") -> Iterator[None]:
    for phone in world.phones.values():
        phone.database.break_flush()
    yield


@bug
def a_photo_is_not_flushed_before_it_is_whole(world: "World") -> AbstractContextManager[Any]:
    return mock.patch.object(world.central.disk, "fsync", lambda descriptor: None)


# --- the journal at central ------------------------------------------------------------------------------------------------


@bug
def a_fork_is_not_noticed(_world: "World") -> AbstractContextManager[Any]:
    """What differs from what was acknowledged is passed over as if it were the same."""

    def make(take_batch: Any) -> Any:
        def taking(connection: Any, request: Any, *args: Any, **named: Any) -> Any:
            try:
                return take_batch(connection, request, *args, **named)
            except intake.Problem as problem:
                if problem.name != "journal-fork":
                    raise
                acked = max(problem.extra["acked"], request.first_seq - 1 + len(request.entries))
                return intake.Intake(acked, [], [], [])

        return taking

    return instead(sync_api, "take_batch", make)


@bug
def a_gap_is_not_noticed(_world: "World") -> AbstractContextManager[Any]:
    """Whatever a phone believes central has is believed."""

    def make(acked_of: Any) -> Any:
        return lambda connection, device, epoch: max(acked_of(connection, device, epoch), 1)

    return instead(intake, "acked_of", make)


@bug
def a_refused_entry_is_read(_world: "World") -> AbstractContextManager[Any]:
    """Central refuses an entry and shows it all the same."""

    def make(apply: Any) -> Any:
        def applying(connection: Any, entries: Any, known: Any = None) -> None:
            apply(connection, [e._replace(verdict="applied") if e.verdict == "rejected" else e for e in entries], known)

        return applying

    return instead(merge, "apply", make)


@bug
def the_effective_stamp_is_lost(_world: "World") -> AbstractContextManager[Any]:
    """Central caps a stamp and does not tell the phone that wrote it."""
    return mock.patch.object(intake, "_capped", lambda *_: [])


@bug
def a_pull_is_not_limited_to_the_team(_world: "World") -> AbstractContextManager[Any]:
    def make(select: Any) -> Any:
        def selecting(connection: Any, where: str, **values: Any) -> Any:
            return select(
                connection, where.replace("team = :team AND team <> ''", "(team <> '' OR :team = '')"), **values
            )

        return selecting

    return instead(sync_api.journal, "select", make)


@bug
def a_page_skips_an_entry(_world: "World") -> AbstractContextManager[Any]:
    """A full page's cursor stands one entry too far."""

    def make(pull: Any) -> Any:
        def pulling(connection: Any, batch: Any, sender: Any, after: int) -> Any:
            page, texts, cursor, more = pull(connection, batch, sender, after)
            some = len(page) - 1 if more and len(page) > 1 else len(page)
            return page[:some], texts[:some], cursor, more

        return pulling

    return instead(sync_api, "_pull", make)


@bug
def a_restored_central_keeps_its_name(world: "World") -> AbstractContextManager[Any]:
    """Neither the witness nor a phone's cursor gives away that central was restored."""

    def make(cursor: Any) -> Any:
        return lambda connection, given, team: (
            cursor(connection, given, team) or (0 if given is None else _position(given))
        )

    stack = mock.patch.multiple(type(world.central.database), _look_back=lambda self: None)
    return both(stack, instead(sync_api, "_cursor", make))


def _position(cursor: str) -> int:
    return int(cursor.split(".")[1])


# --- merging ---------------------------------------------------------------------------------------------------------------


@bug
def stamps_are_compared_by_their_counter_first(_world: "World") -> AbstractContextManager[Any]:
    """On the phones only: central reads the journal as it should be read."""

    def make(order: Any) -> Any:
        def wrong(entry: Any) -> Order:
            right: Order = order.fget(entry)
            if entry.received_at is not None:
                return right
            return Order(right.counter, right.ms, right.device, right.epoch, right.seq)

        return property(wrong)

    return instead(journal.JournalEntry, "order", make)


@bug
def a_tie_is_broken_by_whoever_comes_last(_world: "World") -> AbstractContextManager[Any]:
    """Two stamps that are equal, device aside: what arrives later stands."""

    def make(fold_in: Any) -> Any:
        def folding(record: Any, entry: Any) -> None:
            for name in entry.fields:
                standing = record.stamps.get(name)
                if standing and standing[:2] == (entry.effective_ms, entry.effective_counter):
                    record.stamps[name] = Order(standing.ms, standing.counter, "", "", 0)
            fold_in(record, entry)

        return folding

    return instead(merge, "fold_in", make)


@bug
def a_conflict_is_dropped(_world: "World") -> AbstractContextManager[Any]:
    """Two values written without knowing of each other: the later one is taken for a correction."""
    return mock.patch.object(merge, "saw", lambda later, earlier: later.order > earlier.order)


@bug
def what_was_seen_is_not_said(_world: "World") -> AbstractContextManager[Any]:
    """Every correction of a colleague's figure looks like a conflict."""

    def make(append: Any) -> Any:
        return lambda connection, writer, changes, author, seen, now: append(
            connection, writer, changes, author, 0, now
        )

    return instead(journal, "append", make)


# --- the phone ---------------------------------------------------------------------------------------------------------------


@bug
def the_cursor_is_kept_before_the_entries(_world: "World") -> AbstractContextManager[Any]:
    """In a transaction of its own: what comes between loses a page."""

    def make(take_answer: Any) -> Any:
        def taking(connection: Any, request: Any, answer: Mapping[str, Any], now_ms: int) -> Any:
            if answer.get("cursor"):
                write_meta(connection, "cursor", answer["cursor"])
                connection.raw.execute("COMMIT")
                connection.raw.execute("BEGIN IMMEDIATE")
            return take_answer(connection, request, answer, now_ms)

        return taking

    return instead(ledger, "take_answer", make)


@bug
def what_was_not_acknowledged_stays_in_the_old_epoch(_world: "World") -> AbstractContextManager[Any]:
    def make(open_epoch: Any) -> Any:
        def opening(connection: Any, left: str, epoch: str) -> int:
            with mock.patch.object(journal, "insert", lambda *_: None):
                return int(open_epoch(connection, left, epoch))

        return opening

    return instead(ledger, "open_epoch", make)


@bug
def a_tap_is_torn_apart(_world: "World") -> AbstractContextManager[Any]:
    """A batch ends wherever it is full; what breaks then leaves half a tap at central."""

    def make(_whole_taps: Any) -> Any:
        return lambda entries, max_entries, max_bytes: list(entries[:max_entries])

    return instead(ledger, "_whole_taps", make)


@bug
def a_sent_batch_counts_as_acknowledged(_world: "World") -> AbstractContextManager[Any]:
    """The phone notes what it sends before central has answered."""

    def make(outgoing: Any) -> Any:
        def sending(connection: Any, sent_at: int, **limits: Any) -> Any:
            body = outgoing(connection, sent_at, **limits)
            last = body["first_seq"] - 1 + len(body["entries"])
            write_meta(connection, f"acked:{body['epoch']}", str(last))
            return body

        return sending

    return instead(ledger, "outgoing", make)


@bug
def the_writer_does_not_hear_of_a_new_epoch(_world: "World") -> AbstractContextManager[Any]:
    """The app goes on writing where it was, until it is opened again."""
    from app.notebook import Notebook

    return both(
        mock.patch.object(Notebook, "reload", lambda self: None if hasattr(self, "_writer") else _reload(self)),
        mock.patch.object(Notebook, "changed_by_sync", lambda self, visits: None),
    )


def _reload(book: Any) -> None:
    from app.recorder import Recorder

    Recorder.__dict__["reload"](book)


# --- photos ------------------------------------------------------------------------------------------------------------------


@bug
def a_photo_is_whole_before_it_is_verified(_world: "World") -> AbstractContextManager[Any]:
    """All bytes have come, so it must be the right ones."""
    return both(
        mock.patch.object(photo_store, "_digest", lambda descriptor: _Anything()),
        instead(photo_store.PhotoStore, "append", lambda append: _forgetful(append)),
    )


class _Anything:
    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def _forgetful(append: Any) -> Any:
    def appending(self: Any, sha256: str, offset: int, data: bytes) -> int:
        if random.Random(f"{sha256} {offset}").random() < 0.1:
            data = bytes(len(data))  # a line that damages what it carries
        return int(append(self, sha256, offset, data))

    return appending


@bug
def a_photo_counts_as_received_when_it_was_announced(_world: "World") -> AbstractContextManager[Any]:
    async def go_on(upload: Any) -> None:
        await upload._announce()

    return mock.patch.object(uploads.Upload, "go_on", go_on)


@bug
def a_missing_photo_is_said_to_be_there(_world: "World") -> AbstractContextManager[Any]:
    """Parts count as photos when the phone asks which are missing."""

    def make(missing: Any) -> Any:
        return lambda self, names: [name for name in missing(self, names) if not self.offset(name)]

    return instead(photo_store.PhotoStore, "missing", make)
