"""Planted bugs about what was signed: each changes it, or hides what was said after that."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from unittest import mock

from app import signing
from app.sync import freeze, merge
from app.sync.freeze import Freeze
from central.judge import Judge
from tests.simulation.planting import both, bug, instead

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.sync.journal import JournalEntry
    from tests.simulation.world import World


@bug
def a_signature_changes_nothing_that_is_already_shown(_world: "World") -> AbstractContextManager[Any]:
    """What had come before the signature, and is not covered by it, stays in the minutes."""
    return mock.patch.object(merge, "_refreeze", lambda *_: None)


@bug
def what_was_signed_is_told_by_the_clock(_world: "World") -> AbstractContextManager[Any]:
    """Whatever is older than the signature counts as signed."""

    def covers(frozen: Freeze, entry: "JournalEntry") -> bool:
        return (entry.effective_ms, entry.effective_counter) <= frozen.order[:2]

    return both(mock.patch.object(freeze, "covers", covers), mock.patch.object(merge, "covers", covers))


@bug
def the_second_signature_freezes_more_than_the_first(_world: "World") -> AbstractContextManager[Any]:
    """Two sign at once, and what either of them held is taken for signed."""

    def make(freeze_of: Any) -> Any:
        def freezing(connection: "Connection", visit: str) -> Freeze | None:
            first = freeze_of(connection, visit)
            if first is None:
                return None
            found = connection.execute(freeze._SIGNATURES, {"visit": visit})
            spans = [spans for row in found if (spans := freeze.read_spans(freeze.json.loads(row.covers)))]
            return Freeze(first.order, tuple(sorted({span for some in spans for span in some})), first.content)

        return freezing

    wider = make(freeze.freeze_of)
    return both(mock.patch.object(freeze, "freeze_of", wider), mock.patch.object(merge, "freeze_of", wider))


@bug
def a_supplement_drops_what_was_not_there_before(_world: "World") -> AbstractContextManager[Any]:
    """It shows what would have been changed, and not what would have been added."""

    def make(late_fields: Any) -> Any:
        return lambda connection, visit, own: [
            one for one in late_fields(connection, visit, own) if one.signed is not None
        ]

    return instead(signing, "late_fields", make)


@bug
def a_supplement_keeps_the_first_late_value(_world: "World") -> AbstractContextManager[Any]:
    def make(left_out: Any) -> Any:
        return lambda connection, visit, **named: list(reversed(left_out(connection, visit, **named)))

    return instead(merge, "left_out", make)


@bug
def a_signature_can_be_written_over(_world: "World") -> AbstractContextManager[Any]:
    """The last entry of it stands, field by field, as of any other record."""
    return mock.patch.object(merge, "WRITTEN_ONCE", ())


@bug
def a_signature_counts_from_when_its_author_says(_world: "World") -> AbstractContextManager[Any]:
    """A phone whose clock is slow signs before a signature that central has had for hours."""
    return mock.patch.object(Judge, "_after_those_held", lambda self, entry: entry)


@bug
def a_signature_names_entries_that_central_has_not_got(_world: "World") -> AbstractContextManager[Any]:
    """When a copy of the phone is faster, its entries stand under these numbers."""

    def make(held_spans: Any) -> Any:
        return lambda connection, visit, own, acked: held_spans(connection, visit, own, 10**6)

    return instead(signing, "held_spans", make)


@bug
def what_comes_too_late_belongs_nowhere(_world: "World") -> AbstractContextManager[Any]:
    """A change of a record that is in the supplement only is filed under no visit."""
    return mock.patch.object(merge, "visit_filed", lambda *_: "")
