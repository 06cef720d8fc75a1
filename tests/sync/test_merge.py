"""Merging: whatever order entries arrive in, and however often, every replica reads the same."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from app.records import READINGS
from app.schema import JOURNAL, migrate
from app.sync import journal, merge
from app.sync.journal import JournalEntry
from app.sync.merge import Write, saw, unsettled
from app.sync.stamp import MAX_AHEAD_MS, Order, Stamp, effective

VISIT = "0199c0de-1111-7000-8000-00000000000a"
PHONES = ("phone-a", "phone-b", "phone-c")
ANSWER = f"{VISIT}//one_stop_arrangement"

slow_machines_too = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def replica() -> Iterator[Connection]:
    connection = create_engine("sqlite://").connect()
    migrate(connection, "journal", JOURNAL)
    connection.commit()
    yield connection
    connection.close()


def entry(
    device: str, seq: int, ms: int, kind: str, record: str, patch: dict[str, Any], *, seen: int = 0, position: int | None = None
) -> JournalEntry:  # fmt: skip
    """An entry as the merge sees it; the chain is not its business."""
    written = journal.canonical_patch(patch, kind)
    return JournalEntry(
        device, "0" * 32, seq, position, ms, 0, ms, 0, seq, seen, 1, "u", kind, record, written, "hash",
        journal.named_visit(kind, record, patch),
    )  # fmt: skip


def tables(connection: Connection) -> dict[str, list[Any]]:
    """Every typed table, row by row as it lies there."""
    names = [str(model.__tablename__) for model in READINGS.values()] + ["other"]
    return {name: [tuple(r) for r in connection.execute(text(f'SELECT * FROM "{name}" ORDER BY id'))] for name in names}


def read_in(connection: Connection, batches: Iterable[Sequence[JournalEntry]]) -> dict[str, list[Any]]:
    """The tables after these batches, from nothing; entries that are here already are only applied again."""
    connection.execute(text("DELETE FROM entry"))
    merge.rebuild(connection, list(READINGS))
    here: set[tuple[str, int]] = set()
    for batch in batches:
        fresh = list({(e.device, e.seq): e for e in batch if (e.device, e.seq) not in here}.values())
        journal.insert(connection, fresh)
        here |= {(e.device, e.seq) for e in fresh}
        merge.apply(connection, batch)
    return tables(connection)


simple = (
    st.none() | st.booleans() | st.integers(-3, 9999) | st.sampled_from(["yes", "no", "open", "closed", "signed", ""])
)
anything = simple | st.lists(simple, max_size=3) | st.dictionaries(st.sampled_from("abc"), simple, max_size=3)
FIELDS = {
    "visit": ["status", "unit_name", "visit_date", "visit_started_at", "main_count", "weather"],
    "count": ["visit", "moment", "note", "removed"],
    "row": ["visit", "section", "name", "position", "removed"],
    "answer": ["visit", "item", "value", "remark", "confidence"],
    "photo": ["visit", "sha256", "bytes", "caption", "removed"],
    "citizen_feedback": ["visit", "title", "weight", "extra", "stamps"],
}


@st.composite
def histories(draw: st.DrawFn) -> list[JournalEntry]:
    """What three phones may write on a few records, known kinds and not, known fields and not, fitting types and not."""
    entries = []
    for device in draw(st.lists(st.sampled_from(PHONES), min_size=1, max_size=14)):
        kind = draw(st.sampled_from(list(FIELDS)))
        record = VISIT if kind == "visit" else f"{kind}-{draw(st.integers(1, 2))}"
        patch = draw(st.dictionaries(st.sampled_from(FIELDS[kind]), anything, min_size=1, max_size=4))
        seq = sum(e.device == device for e in entries) + 1
        entries.append(entry(device, seq, draw(st.integers(1, 6)), kind, record, patch))
    return entries


@slow_machines_too
@given(histories(), st.randoms(use_true_random=False), st.data())
def test_any_order_any_repetition_any_batches_read_the_same(
    replica: Connection, history: list[JournalEntry], dice: Any, data: st.DataObject
) -> None:
    at_once = read_in(replica, [history])
    shuffled = history + dice.choices(history, k=len(history))
    dice.shuffle(shuffled)
    cuts = sorted(dice.sample(range(1, len(shuffled)), k=min(3, len(shuffled) - 1)))
    batches = [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)])]
    assert read_in(replica, batches) == at_once
    merge.rebuild(replica, list(READINGS))
    assert tables(replica) == at_once
    for e in history:
        merge.recompute(replica, e.kind, e.record)
    assert tables(replica) == at_once


@slow_machines_too
@given(histories(), st.integers(0, 13))
def test_a_refused_entry_is_read_no_more_and_the_rest_stands(
    replica: Connection, history: list[JournalEntry], which: int
) -> None:
    refused = history[which % len(history)]
    read_in(replica, [history])
    replica.execute(
        text("UPDATE entry SET verdict = 'rejected' WHERE device = :d AND seq = :s"),
        {"d": refused.device, "s": refused.seq},
    )
    merge.recompute(replica, refused.kind, refused.record)
    assert tables(replica) == read_in(replica, [[e for e in history if e is not refused]])


def read(connection: Connection, kind: str, record: str) -> dict[str, Any]:
    return merge.load(connection, kind, record).fields


def test_the_later_write_of_each_field_stands(replica: Connection) -> None:
    first = entry("phone-a", 1, 100, "answer", ANSWER, {"value": "own_desk", "remark": "tầng hai"})
    later = entry("phone-b", 1, 200, "answer", ANSWER, {"value": "none"})
    read_in(replica, [[later], [first]])
    assert read(replica, "answer", ANSWER) == {"value": "none", "remark": "tầng hai"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_signed_is_final_whatever_the_stamps_say(replica: Connection, order: tuple[int, ...]) -> None:
    states = [(100, "open"), (200, "signed"), (300, "closed"), (400, "open")]
    entries = [entry("phone-a", n + 1, ms, "visit", VISIT, {"status": s}) for n, (ms, s) in enumerate(states)]
    read_in(replica, [[entries[n]] for n in order])
    assert read(replica, "visit", VISIT)["status"] == "signed"
    read_in(replica, [[entries[n]] for n in order if n != 1])
    assert read(replica, "visit", VISIT)["status"] == "open", "between open and closed the later stands"


def test_null_takes_a_field_back_and_an_older_value_does_not_return(replica: Connection) -> None:
    said = entry("phone-a", 1, 100, "answer", ANSWER, {"value": 5, "remark": "x"})
    taken_back = entry("phone-a", 2, 200, "answer", ANSWER, {"value": None})
    read_in(replica, [[taken_back], [said], [said]])
    assert read(replica, "answer", ANSWER) == {"remark": "x"}
    journal.insert(replica, [again := entry("phone-a", 3, 300, "answer", ANSWER, {"value": 0})])
    merge.apply(replica, [again])
    assert read(replica, "answer", ANSWER) == {"value": 0, "remark": "x"}, "0 is a count, not an empty field"


def test_arrays_are_replaced_whole_and_objects_lose_their_nulls(replica: Connection) -> None:
    reasons = [{"value": ["meeting", "training"], "where": {"floor": 2, "door": None}}, {"value": ["other"]}]
    read_in(replica, [[entry("phone-a", n + 1, n + 1, "answer", ANSWER, patch) for n, patch in enumerate(reasons)]])
    assert read(replica, "answer", ANSWER) == {"value": ["other"], "where": {"floor": 2}}


def test_kinds_and_fields_of_a_newer_version_are_kept_as_they_came(replica: Connection) -> None:
    newer = {"visit": VISIT, "title": "Góp ý", "parts": [{"vi": "Đúng"}], "weight": 3, "id": "odd", "stamps": "odder"}
    read_in(
        replica,
        [
            [
                entry("phone-a", 1, 1, "citizen_feedback", "f1", newer),
                entry("phone-a", 2, 2, "visit", VISIT, {"weather": "mưa", "planned": {"by": "an"}, "unit_name": 7}),
            ]
        ],
    )
    assert read(replica, "citizen_feedback", "f1") == newer
    assert read(replica, "visit", VISIT) == {"weather": "mưa", "planned": {"by": "an"}, "unit_name": 7}
    row = replica.execute(text("SELECT unit_name, planned, extra FROM visit")).one()
    assert (row.unit_name, row.planned) == (None, None) and json.loads(row.extra)["unit_name"] == 7
    assert replica.execute(text("SELECT visit FROM other")).scalar() == VISIT


def test_a_clock_a_day_ahead_does_not_outshout_the_next_morning(replica: Connection) -> None:
    received = 1_790_000_000_000
    day = 24 * 3_600_000
    stamp = effective(Stamp(received + day, 0), received)
    assert stamp == (received + MAX_AHEAD_MS, 0)
    ahead = entry("phone-a", 1, received + day, "answer", ANSWER, {"value": "none"})
    ahead = ahead._replace(effective_ms=stamp.ms, effective_counter=stamp.counter)
    right = entry("phone-b", 1, received + 3_600_000, "answer", ANSWER, {"value": "own_desk"})
    read_in(replica, [[right], [ahead]])
    assert read(replica, "answer", ANSWER)["value"] == "own_desk"


# What was written without knowing of each other


def write(device: str, seq: int, ms: int, value: Any, *, position: int, seen: int = 0) -> Write:
    return Write(Order(ms, 0, device, "0" * 32, seq), position, seen, value)


def test_a_correction_is_no_conflict_and_a_concurrent_write_is() -> None:
    count = write("phone-a", 1, 100, 12, position=1)
    correction = write("phone-b", 1, 200, 14, position=2, seen=1)
    meanwhile = write("phone-b", 1, 200, 14, position=2, seen=0)
    assert unsettled([count, correction]) == (correction, [])
    assert unsettled([count, meanwhile]) == (meanwhile, [count])
    assert unsettled([count]) == (count, [])


def test_a_conflict_ends_when_somebody_who_saw_both_decides() -> None:
    mine, theirs = write("phone-a", 1, 100, 12, position=1), write("phone-b", 1, 200, 14, position=2)
    decided = write("phone-a", 2, 300, 12, position=3, seen=2)
    assert unsettled([mine, theirs])[1] == [mine]
    assert unsettled([mine, theirs, decided]) == (decided, [])


def test_a_phone_that_goes_on_counting_by_itself_contradicts_nobody_but_the_other_phone() -> None:
    own = [write("phone-a", n, 100 + n, n, position=n) for n in range(1, 6)]
    assert unsettled(own) == (own[-1], [])
    other = write("phone-b", 1, 50, 99, position=9)
    assert unsettled([*own, other]) == (own[-1], [other]), "only the last word of each is in question"


writes = st.lists(
    st.tuples(st.sampled_from(PHONES), st.integers(1, 4), st.sampled_from([1, 2]), st.integers(0, 8)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(writes, st.randoms(use_true_random=False))
def test_what_is_unsettled_does_not_depend_on_order_and_is_never_equal(given_writes: list[Any], dice: Any) -> None:
    made = [
        write(device, n, ms, value, position=n, seen=min(seen, n - 1))
        for n, (device, ms, value, seen) in enumerate(given_writes, 1)
    ]
    standing, others = unsettled(made)
    shuffled = dice.sample(made, len(made))
    assert unsettled(shuffled) == (standing, others)
    assert standing.order == max(w.order for w in made)
    for other in others:
        assert other.value != standing.value and not saw(standing, other)
        assert not any(saw(w, other) for w in made if w is not other), "nobody has overruled it"


def test_conflicts_of_a_record_name_both_values_and_spare_fields_with_rules_of_their_own(replica: Connection) -> None:
    a = {"visit": VISIT, "item": "one_stop_arrangement", "value": "own_desk", "remark": "như nhau"}
    b = {"visit": VISIT, "item": "one_stop_arrangement", "value": "none", "remark": "như nhau"}
    read_in(
        replica,
        [
            [
                entry("phone-a", 1, 100, "answer", ANSWER, a, position=1),
                entry("phone-b", 1, 200, "answer", ANSWER, b, position=2),
                entry("phone-a", 2, 100, "visit", VISIT, {"status": "open"}, position=3),
                entry("phone-b", 2, 200, "visit", VISIT, {"status": "closed"}, position=4),
            ]
        ],
    )
    (conflict,) = merge.conflicts(replica, "answer", ANSWER)
    assert (conflict.field, conflict.standing.value, conflict.other.value) == ("value", "none", "own_desk")
    assert merge.conflicts(replica, "visit", VISIT) == []
    replica.execute(text("UPDATE entry SET verdict = 'rejected' WHERE device = 'phone-a' AND seq = 1"))
    assert merge.conflicts(replica, "answer", ANSWER) == []
