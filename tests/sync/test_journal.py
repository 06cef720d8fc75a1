"""The journal's bytes: the vectors every implementation must give, and the JCS of another author's hand."""

import json
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

from app.schema import JOURNAL, migrate
from app.sync import journal
from app.sync.journal import BadPatch, Change, JournalEntry, Writer
from app.sync.stamp import MAX_AHEAD_MS, Stamp, answer_id, count_id, effective, fold, new_uuid7, next_stamp, nfc, row_id

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "domain" / "journal_vectors.json").read_text("utf-8"))
VISIT = VECTORS["ids"]["count"]["visit"]


def opened() -> Connection:
    """A journal in memory."""
    connection = create_engine("sqlite://").connect()
    migrate(connection, "journal", JOURNAL)
    return connection


def vector_entries() -> list[JournalEntry]:
    entries = []
    for vector in VECTORS["entries"]:
        ms, counter, tx, seen, author, kind, record, patch = vector["entry"]
        entries.append(
            JournalEntry(
                VECTORS["device"], VECTORS["epoch"], vector["seq"], None, ms, counter, ms, counter, tx, seen,
                VECTORS["schema"], author, kind, record, journal.canonical_patch(patch, kind), vector["hash"],
            )
        )  # fmt: skip
    return entries


def test_the_vectors_bytes_and_hashes() -> None:
    assert journal.genesis(VECTORS["epoch"]) == VECTORS["first_prev"]
    prev = VECTORS["first_prev"]
    for vector in VECTORS["entries"]:
        ms, counter, tx, seen, author, kind, record, patch = vector["entry"]
        written = journal.canonical_patch(patch, kind)
        assert written == vector["patch_jcs"]
        assert journal.sha256(written) == vector["patch_sha256"] and prev == vector["prev"]
        prev = journal.entry_hash(
            prev, VECTORS["device"], VECTORS["epoch"], vector["seq"], Stamp(ms, counter), tx, seen, VECTORS["schema"],
            author, kind, record, written,
        )  # fmt: skip
        assert prev == vector["hash"]


def test_the_vectors_chain_written_by_a_phone_and_verified() -> None:
    """The same taps, appended as a phone would, give the same entries: stamps, taps and hashes included."""
    connection = opened()
    writer = Writer(VECTORS["device"], VECTORS["epoch"], 0, VECTORS["first_prev"], Stamp(0, 0), 0)
    taps: dict[int, list[Any]] = {}
    for vector in VECTORS["entries"]:
        taps.setdefault(vector["entry"][2], []).append(vector["entry"])
    for group in taps.values():
        changes = [Change(kind, record, patch, VISIT) for *_, kind, record, patch in group]
        _, writer = journal.append(connection, writer, changes, "u-an", group[0][3], group[0][0])
    ((_, entries),) = journal.chains(connection)
    assert [(e.hash, e.ms, e.counter, e.tx) for e in entries] == [
        (v["hash"], v["entry"][0], v["entry"][1], v["entry"][2]) for v in VECTORS["entries"]
    ]
    assert journal.verify_chain(entries) is None and journal.verify_chain(vector_entries()) is None
    assert journal.resume(connection, writer.device, writer.epoch) == writer


def test_the_vectors_ids_and_folding() -> None:
    count, row = VECTORS["ids"]["count"], VECTORS["ids"]["row"]
    assert count_id(count["visit"], count["moment"]) == count["id"]
    assert str(uuid.uuid5(uuid.UUID(count["visit"]), count["name"])) == count["id"]
    assert row_id(row["visit"], "attendance_room", count["id"], "Phòng Kinh tế") == row["id"]
    assert row_id(row["visit"], "attendance_room", count["id"], "  PHÒNG  kinh tế ") == row["id"]
    assert str(uuid.uuid5(uuid.UUID(row["visit"]), row["name"])) == row["id"]
    assert answer_id(VISIT, "", "good_practice") == f"{VISIT}//good_practice"
    for shown, folded in VECTORS["fold"].items():
        assert fold(shown) == folded == fold(unicodedata.normalize("NFD", shown))


def test_two_taps_in_one_minute_meet_on_one_count_and_the_next_minute_is_another() -> None:
    minute = 1_790_000_040_000 // 60_000 * 60_000
    assert count_id(VISIT, minute) == count_id(VISIT, minute + 59_999) != count_id(VISIT, minute + 60_000)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(nfc)
wholes = st.integers(-journal.INTEGER_MAX, journal.INTEGER_MAX)
values = st.recursive(
    st.none() | st.booleans() | wholes | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(values)
def test_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert journal.canonical(value).encode() == rfc8785.dumps(value)


@settings(deadline=None)
@given(st.dictionaries(texts, values, max_size=5))
def test_a_patch_is_read_back_as_it_was_given(patch: dict[str, Any]) -> None:
    try:
        written = journal.canonical_patch(patch)
    except BadPatch as bad:
        assert "lồng quá" in bad.why  # nested deeper than a patch may be
    else:
        assert json.loads(written) == patch and journal.canonical_patch(json.loads(written)) == written


def test_keys_beyond_the_first_plane_are_ordered_by_utf_16() -> None:
    assert journal.canonical({"\ufb33": 1, "😂": 2, "é": 3}) == '{"é":3,"😂":2,"\ufb33":1}'


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"value": 1.0}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": 2**53}, "value"),
        ({"value": -(2**53)}, "value"),
        ({"remark": "\ud800"}, "remark"),
        ({"remark": unicodedata.normalize("NFD", "Mường")}, "remark"),
        ({unicodedata.normalize("NFD", "tỉnh"): 1}, ""),
        ({"a": {"b": ["x", 0.5]}}, "a.b"),
        ({"a": [[[[[[[[1]]]]]]]]}, "a"),
        ({"remark": "x" * 20_000}, ""),
        ({1: 2}, ""),
        ({"when": {1, 2}}, "when"),
        (["no", "object"], ""),
    ],
)
def test_what_has_no_canonical_bytes_is_refused_with_its_field(patch: Any, field: str) -> None:
    with pytest.raises(BadPatch) as refused:
        journal.canonical_patch(patch)
    assert refused.value.field == field and " / " in refused.value.why


def test_a_refused_patch_leaves_nothing_of_its_tap() -> None:
    connection = opened()
    writer = Writer("d", "0" * 32, 0, journal.genesis("0" * 32), Stamp(0, 0), 0)
    with pytest.raises(BadPatch):
        journal.append(
            connection,
            writer,
            [Change("visit", VISIT, {}, VISIT), Change("visit", VISIT, {"x": 0.5}, VISIT)],
            "u",
            0,
            1,
        )
    assert list(journal.chains(connection)) == []


@settings(deadline=None)
@given(st.integers(0, 5), st.data())
def test_any_field_of_any_entry_changed_breaks_the_chain_there(at: int, data: st.DataObject) -> None:
    entries = vector_entries()
    entry = entries[at]
    field = data.draw(
        st.sampled_from(
            ["device", "epoch", "ms", "counter", "tx", "seen", "schema_version", "author", "kind", "record", "hash"]
        )
    )
    value = getattr(entry, field)
    entries[at] = entry._replace(**{field: value + 1 if isinstance(value, int) else value + "x"})
    broken = journal.verify_chain(entries)
    assert broken is not None and broken.seq == entry.seq


def test_a_chain_with_a_gap_or_another_order_is_broken_at_the_first_place() -> None:
    entries = vector_entries()
    for number in range(len(entries) - 1):
        broken = journal.verify_chain(entries[:number] + entries[number + 1 :])
        assert broken is not None and broken.seq == number + 1 and "thiếu" in broken.why
    swapped = [entries[1], entries[0], *entries[2:]]
    assert journal.verify_chain(swapped) is not None
    for patch in ('{"status": "open"}', '{"status":1.5}', "{", '{"a":"\ufffd'):
        broken = journal.verify_chain([entries[0]._replace(patch=patch)])
        assert broken is not None and broken.seq == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**41), min_size=1, max_size=30), st.integers(0, 2**41))
def test_stamps_always_grow_whatever_the_clock_does(clock: list[int], first: int) -> None:
    last = Stamp(first, 0)
    for now in clock:
        following = next_stamp(last, now)
        assert following > last and following.ms >= now
        last = following


@settings(deadline=None)
@given(st.integers(0, 2**45), st.integers(0, 2**20), st.integers(0, 2**41))
def test_central_caps_stamps_five_minutes_ahead_and_leaves_the_others(ms: int, counter: int, received: int) -> None:
    authored, limit = Stamp(ms, counter), Stamp(received + MAX_AHEAD_MS, 0)
    capped = effective(authored, received)
    assert capped == authored if authored <= limit else capped == limit


def test_a_phone_whose_clock_fell_back_still_writes_after_what_it_has_read() -> None:
    connection = opened()
    journal.insert(connection, [vector_entries()[-1]._replace(device="other", effective_ms=2_000, effective_counter=7)])
    writer = journal.resume(connection, "mine", "0" * 32)
    (entry,), _ = journal.append(connection, writer, [Change("visit", VISIT, {"status": "open"}, VISIT)], "u", 0, 1_000)
    assert (entry.ms, entry.counter) == (2_000, 8)


def test_a_new_id_tells_its_time_and_is_a_version_7() -> None:
    made = uuid.UUID(new_uuid7(1_790_000_000_000, bytes(range(10))))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, 1_790_000_000_000)
