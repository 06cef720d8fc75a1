"""The first signature freezes a visit: whatever else is written, and in whatever order it arrives, what was signed reads the same."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from app.proof import content_hash, signed_document
from app.records import READINGS
from app.schema import JOURNAL, migrate
from app.signing import late_fields
from app.sync import journal, merge
from app.sync.freeze import Freezes, freeze_of, held_spans
from app.sync.journal import JournalEntry
from app.sync.stamp import Order
from tests.sync.test_merge import PHONES, entry, read_in, slow_machines_too, tables

SIGNED, OTHER = "0199c0de-1111-7000-8000-00000000000a", "0199c0de-2222-7000-8000-00000000000b"
EPOCH = "0" * 32
RECORDS = {
    "visit": [SIGNED, OTHER],
    "answer": [f"{SIGNED}//badge_worn_all", f"{OTHER}//badge_worn_all"],
    "photo": ["p1", "p2"],
    "finding": ["f1", "f2"],
    "drone_flight": ["d1"],
    "supplement": ["s1"],
}
FIELDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "visit": st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["open", "closed", "signed"]), "unit_opinion": st.sampled_from(["không", "nhất trí"]),
            "document_number": st.sampled_from(["12/BB", "13/BB"]),
        },
    ),
    "answer": st.fixed_dictionaries({"value": st.sampled_from(["yes", "no", None])}),
}  # fmt: skip
anywhere = st.fixed_dictionaries(
    {"text": st.sampled_from(["một", "hai", None])},
    optional={"visit": st.sampled_from([SIGNED, SIGNED, OTHER]), "document_number": st.just("7")},
)


@pytest.fixture
def replica() -> Iterator[Connection]:
    connection = create_engine("sqlite://").connect()
    migrate(connection, "journal", JOURNAL)
    connection.commit()
    yield connection
    connection.close()


@st.composite
def days(draw: st.DrawFn, visits: Sequence[str] = (SIGNED,)) -> list[JournalEntry]:
    """Three phones write on two visits; some sign one of `visits`, each for what it held just then: gaps in it and all."""
    written: list[JournalEntry] = []
    for device in draw(st.lists(st.sampled_from(PHONES), min_size=2, max_size=16)):
        seq, ms = sum(e.device == device for e in written) + 1, draw(st.integers(1, 9))
        if draw(st.integers(0, 4)) == 0:
            held = [e for e in written if e.device != device and draw(st.integers(0, 3))]
            covers = [[e.device, EPOCH, e.seq, e.seq] for e in held]
            record = draw(st.sampled_from(["g1", "g2"]))
            patch = {"visit": draw(st.sampled_from(visits)), "name": device, "covers": covers, "content": "c"}
            patch |= draw(st.sampled_from([{}, {}, {}, {"supplement": "s1"}]))
            written.append(entry(device, seq, ms, "signature", record, patch))
        else:
            kind = draw(st.sampled_from(list(RECORDS)))
            patch = draw(FIELDS.get(kind, anywhere).filter(bool))
            written.append(entry(device, seq, ms, kind, draw(st.sampled_from(RECORDS[kind])), patch))
    return written


@slow_machines_too
@given(days() | days((SIGNED, OTHER)), st.randoms(use_true_random=False))
def test_whatever_comes_first_every_replica_reads_the_same(
    replica: Connection, written: list[JournalEntry], dice: Any
) -> None:
    at_once = read_in(replica, [written])
    content = content_hash(signed_document(replica, SIGNED))
    shuffled = written + dice.choices(written, k=3)
    dice.shuffle(shuffled)
    cuts = sorted(dice.sample(range(1, len(shuffled)), k=min(4, len(shuffled) - 1)))
    batches = [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)])]
    assert read_in(replica, batches) == at_once
    assert content_hash(signed_document(replica, SIGNED)) == content
    for e in dice.sample(written, k=len(written)):
        merge.recompute(replica, e.kind, e.record)
    assert tables(replica) == at_once
    merge.rebuild(replica, list(READINGS))
    assert tables(replica) == at_once


@slow_machines_too
@given(days())
def test_what_is_not_covered_changes_nothing_of_what_was_signed(
    replica: Connection, written: list[JournalEntry]
) -> None:
    read_in(replica, [written])
    freeze = freeze_of(replica, SIGNED)
    everything = signed_document(replica, SIGNED)
    if freeze is None:
        return
    first = [e for e in written if e.order == freeze.order]
    # Of signatures only the one that froze: others of the same record would be another first one when read without the rest.
    covered = [e for e in written if e.kind != "signature" and freeze.covers(e.device, e.epoch, e.seq)]
    given_late = {(e.device, e.seq) for e in written if e.kind == "visit" and e.record == SIGNED}
    read_in(replica, [[*first, *covered]])
    assert signed_document(replica, SIGNED) == everything or given_late
    assert [r for r in everything["records"] if r[0] != "visit"] == [
        r for r in signed_document(replica, SIGNED)["records"] if r[0] != "visit"
    ]


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """What three phones do with a photo, one after another, each with luck of its own."""
    does = st.sampled_from(["hears", "signs", "moves", "moves", "writes"])
    return draw(st.lists(st.tuples(st.sampled_from(PHONES), does, st.integers(0, 2**16)), min_size=3, max_size=14))


@slow_machines_too
@given(moves())
def test_two_visits_read_as_they_were_signed_whatever_was_moved_between_them(
    replica: Connection, day: list[tuple[str, str, int]]
) -> None:
    written: list[JournalEntry] = []
    held: dict[str, list[JournalEntry]] = {phone: [] for phone in PHONES}
    signed: dict[Order, dict[str, Any]] = {}
    for ms, (phone, does, luck) in enumerate(day, 1):
        dice, seq = random.Random(luck), 1 + sum(e.device == phone for e in written)
        visit = dice.choice([SIGNED, OTHER])
        if does == "hears":
            held[phone] += [e for e in written if e not in held[phone] and dice.random() < 0.8]
            continue
        said = {"caption": str(ms)} | ({"visit": visit} if does == "moves" else {})
        made = entry(phone, seq, ms, "photo", "p1", said)
        if does == "signs":
            read_in(replica, [held[phone]])
            if freeze_of(replica, visit):
                continue
            spans = held_spans(replica, visit, (phone, EPOCH), 0)
            made = signature(phone, seq, ms, f"g{ms}", visit=visit, covers=spans)
            signed[made.order] = signed_document(replica, visit)
        held[phone].append(made)
        written.append(made)
    read_in(replica, [written])
    then = {visit: signed[freeze.order] for visit in (SIGNED, OTHER) if (freeze := freeze_of(replica, visit))}
    if len(then) < 2 or not all(document["records"] for document in then.values()):  # else the first of the two has it
        assert {visit: signed_document(replica, visit) for visit in then} == then


@slow_machines_too
@given(days(), st.integers(0, 15))
def test_a_signature_that_is_refused_later_freezes_nothing_any_more(
    replica: Connection, written: list[JournalEntry], which: int
) -> None:
    refused = written[which % len(written)]
    read_in(replica, [written])
    replica.execute(
        text("UPDATE entry SET verdict = 'rejected' WHERE device = :d AND seq = :s"),
        {"d": refused.device, "s": refused.seq},
    )
    merge.recompute(replica, refused.kind, refused.record)
    shown = tables(replica)
    # Its number is still taken: what comes before a signature in its own chain is told by numbers.
    replica.execute(text("DELETE FROM entry WHERE verdict = 'rejected'"))
    merge.rebuild(replica, list(READINGS))
    if refused.kind in ("signature", "supplement", "visit", "answer"):
        assert tables(replica) == shown
    else:  # the record is read anew; whether it names a signed visit may decide about its other entries
        merge.recompute(replica, refused.kind, refused.record)
        assert tables(replica) == shown


def signature(device: str, seq: int, ms: int, record: str = "g1", **said: Any) -> JournalEntry:
    return entry(device, seq, ms, "signature", record, {"visit": SIGNED, "covers": [], "content": "c", **said})


def answers(replica: Connection) -> Any:
    return merge.load(replica, "answer", f"{SIGNED}//badge_worn_all").fields.get("value")


def test_the_second_signature_of_two_at_once_is_a_signature_and_freezes_nothing(replica: Connection) -> None:
    said = entry("phone-a", 1, 10, "answer", f"{SIGNED}//badge_worn_all", {"value": "yes"})
    mine, theirs = signature("phone-a", 2, 20), signature("phone-b", 1, 15, "g2")
    read_in(replica, [[said, mine]])
    assert answers(replica) == "yes"
    journal.insert(replica, [theirs])
    merge.apply(replica, [theirs])
    assert answers(replica) is None, "the earlier one was put under minutes that did not say so"
    assert [e.seq for e in merge.left_out(replica, SIGNED)] == [1]
    assert len(tables(replica)["signature"]) == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_signature_stays_as_it_was_written(replica: Connection, order: tuple[int, ...]) -> None:
    made = [
        signature("phone-a", 1, 10, name="Lê Thị Cúc"),
        entry("phone-b", 1, 30, "signature", "g1", {"visit": OTHER, "covers": None}),
        entry("phone-a", 2, 40, "signature", "g1", {"name": "Ai đó", "covers": [["phone-b", EPOCH, 1, 9]]}),
    ]
    read_in(replica, [[made[n]] for n in order])
    fields = merge.load(replica, "signature", "g1").fields
    assert fields == {"visit": SIGNED, "name": "Lê Thị Cúc", "covers": [], "content": "c"}


def test_a_gap_in_what_the_signer_held_stays_a_gap(replica: Connection) -> None:
    """The damaged line of a bundle comes by network a day later."""
    said = [
        entry("phone-b", n, n, "answer", f"{SIGNED}//badge_worn_all", {"value": v}) for n, v in ((1, "yes"), (2, "no"))
    ]
    remark = entry("phone-b", 3, 3, "answer", f"{SIGNED}//badge_worn_all", {"remark": "tầng hai"})
    read_in(replica, [[said[0], remark]])
    spans = held_spans(replica, SIGNED, ("phone-a", EPOCH), 0)
    assert spans == [["phone-b", EPOCH, 1, 1], ["phone-b", EPOCH, 3, 3]]
    read_in(replica, [[said[0], remark, signature("phone-a", 1, 9, covers=spans)], [said[1]]])
    assert answers(replica) == "yes" and [e.seq for e in merge.left_out(replica, SIGNED)] == [2]


def test_nothing_is_moved_out_of_a_signed_visit_and_nothing_into_it(replica: Connection) -> None:
    photo = entry("phone-a", 1, 1, "photo", "p1", {"visit": SIGNED, "caption": "bảng"})
    elsewhere = entry("phone-a", 2, 2, "photo", "p2", {"visit": OTHER, "caption": "cổng"})
    signed = signature("phone-a", 3, 3)
    out = entry("phone-b", 1, 0, "photo", "p1", {"visit": OTHER})
    quiet = entry("phone-b", 2, 5, "photo", "p1", {"caption": "khác"})
    into = entry("phone-b", 3, 6, "photo", "p2", {"visit": SIGNED})
    for batches in itertools.permutations([[photo, elsewhere], [signed], [out], [quiet], [into]]):
        read_in(replica, batches)
        assert merge.load(replica, "photo", "p1").fields == {"visit": SIGNED, "caption": "bảng"}
        assert merge.load(replica, "photo", "p2").fields == {"visit": OTHER, "caption": "cổng"}
    assert Freezes(replica).of(OTHER) is None


@pytest.mark.parametrize("theirs_at", [1, 9], ids=["signed first", "signed later"])
def test_what_came_from_another_visit_before_the_minutes_were_signed_stays_in_them(
    replica: Connection, theirs_at: int
) -> None:
    """Somebody signs the visit it came from on a phone that has never heard of it."""
    photo = entry("phone-a", 1, 2, "photo", "p1", {"visit": OTHER, "caption": "bảng"})
    moved = entry("phone-a", 2, 3, "photo", "p1", {"visit": SIGNED})
    signed, theirs = signature("phone-a", 3, 4), signature("phone-b", 1, theirs_at, "g2", visit=OTHER)
    for batches in itertools.permutations([[photo], [moved], [signed], [theirs]]):
        read_in(replica, batches)
        assert merge.load(replica, "photo", "p1").fields == {"visit": SIGNED, "caption": "bảng"}
        assert merge.left_out(replica, SIGNED) == [] and merge.left_out(replica, OTHER) == [photo]
        [late] = late_fields(replica, OTHER, "")
        assert (late.field, late.signed, late.later) == ("caption", None, "bảng")


def test_what_went_to_another_visit_before_the_minutes_were_signed_does_not_come_back(replica: Connection) -> None:
    """The visit it went to was signed, too, on a phone that has never heard of it: it is only in the supplement there."""
    photo = entry("phone-a", 1, 1, "photo", "p1", {"visit": SIGNED, "caption": "bảng"})
    moved = entry("phone-a", 2, 2, "photo", "p1", {"visit": OTHER})
    signed, theirs = signature("phone-a", 3, 4), signature("phone-b", 1, 9, "g2", visit=OTHER)
    for batches in itertools.permutations([[photo], [moved], [signed], [theirs]]):
        read_in(replica, batches)
        assert merge.load(replica, "photo", "p1").fields == {}
        assert merge.left_out(replica, SIGNED) == [] and merge.left_out(replica, OTHER) == [photo, moved]


def test_a_signature_entered_again_in_a_newer_epoch_covers_what_was_entered_before_it(replica: Connection) -> None:
    """The signer's notebook had been put back from a backup: what central had not got moves to a new epoch, signature and all."""
    said = entry("phone-a", 1, 1, "answer", f"{SIGNED}//badge_worn_all", {"value": "yes"})
    remark = entry("phone-a", 2, 2, "answer", f"{SIGNED}//badge_worn_all", {"remark": "tầng hai"})
    signed = signature("phone-a", 3, 3, covers=[["phone-a", EPOCH, 1, 1]])
    clone = entry("phone-a", 2, 2, "answer", f"{SIGNED}//badge_worn_all", {"value": "no"})
    again = [e._replace(epoch="1" * 32, seq=n) for n, e in ((1, remark), (2, signed))]
    journal.insert(replica, [said, clone, *again])
    merge.apply(replica, [again[1], clone, said, again[0]])
    assert merge.load(replica, "answer", said.record).fields == {"value": "yes", "remark": "tầng hai"}
    before = tables(replica)
    merge.rebuild(replica, list(READINGS))
    assert tables(replica) == before
