"""`POST /sync` as central takes it: what is no chain is refused whole, what is a bad fact is kept, refused and told."""

import gzip
import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard
from sqlalchemy import text

from app.sync import journal, ledger
from app.sync.journal import Change
from app.sync.stamp import count_id, row_id
from central.verify import verify
from tests.valley import NOON, Pen, Valley, dump, told

SYNC = "/api/v1/sync"
ITEM = "badge_missing_count"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def send(valley: Valley, pen: Pen, body: Any, **headers: str) -> httpx.Response:
    """A body as JSON, or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = pen.headers | {"Content-Type": "application/json"} | headers
    return await valley.clients["hoa"].post(SYNC, content=content, headers=given)


def answer_entry(pen: Pen, visit: str, value: Any, item: str = ITEM, **other: Any) -> list[Any]:
    return pen.entry("answer", f"{visit}//{item}", {"visit": visit, "row": "", "item": item, "value": value}, **other)


def held(valley: Valley) -> tuple[int, Any]:
    """Everything central keeps: the number of entries and the readings."""
    with valley.app.state.db.reading() as connection:
        return connection.execute(text("SELECT count(*) FROM entry")).scalar(), dump(valley.app.state.db)


def name_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code and " / " in document["title"] and document["retry"]
    return str(document["type"]).rpartition("/")[2]


# --- refused whole ----------------------------------------------------------------------------------------------------

MALFORMED: dict[str, tuple[Any, str]] = {
    "an object cut off": (lambda body: json.dumps(body).encode()[:-1], "body"),
    "nothing at all": (lambda body: b"", "body"),
    "not UTF-8": (lambda body: b'{"a": "\xff"}', "body"),
    "a list": (lambda body: [body], ""),
    "a key twice": (lambda body: b'{"protocol": 2, ' + json.dumps(body).encode()[1:], "body"),
    "a key twice in a patch": (lambda body: json.dumps(body).replace('"value": 2', '"value": 2, "value": 3').encode(), "body"),
    "NaN": (lambda body: json.dumps(body).replace('"value": 2', '"value": NaN').encode(), "body"),
    "a number without end": (lambda body: json.dumps(body).replace('"value": 2', '"value": 1e999').encode(), "body"),
    "an integer of 400 digits": (lambda body: json.dumps(body).replace('"value": 2', f'"value": {"9" * 400}').encode(), "body"),
    "half of a surrogate pair": (lambda body: json.dumps(body).replace('"value": 2', '"value": "\\ud83d"').encode(), "body"),
    "half a pair as a key": (lambda body: json.dumps(body).replace('"value": 2', '"\\ude00": 2').encode(), "body"),
    "nested without end": (lambda body: json.dumps(body).replace('"value": 2', '"value": ' + "[" * 5000 + "]" * 5000).encode(), "body"),
    "a fraction": (lambda body: patched(body, 2.5), "entries[0].patch.value"),
    "a fraction that is whole": (lambda body: json.dumps(body).replace('"value": 2', '"value": 2.0').encode(), "entries[0].patch.value"),
    "an integer beyond 2^53": (lambda body: patched(body, 2**53), "entries[0].patch.value"),
    "letters taken apart (NFD)": (lambda body: patched(body, unicodedata.normalize("NFD", "Phòng")), "entries[0].patch.value"),
    "a field name in NFD": (lambda body: patched(body, {unicodedata.normalize("NFD", "phòng"): 1}), "entries[0].patch.value"),
    "more than an entry may hold": (lambda body: patched(body, "x" * 17_000), "entries[0].patch"),
    "another protocol": (lambda body: body | {"protocol": 2}, "protocol"),
    "another head": (lambda body: body | {"head_hash": "0" * 64}, "head_hash"),
    "a cursor of somebody else's": (lambda body: body | {"cursor": "hôm qua"}, "cursor"),
    "a cursor that counts in Thai": (lambda body: body | {"cursor": "0123456789ab.๓."}, "cursor"),
    "an entry of seven parts": (lambda body: body | {"entries": [body["entries"][0][:7]]}, "entries[0]"),
    "an entry that is an object": (lambda body: body | {"entries": [{}]}, "entries[0]"),
    "a patch that is a list": (lambda body: body | {"entries": [[*body["entries"][0][:7], []]]}, "entries[0].patch"),
}  # fmt: skip


def patched(body: dict[str, Any], value: Any) -> dict[str, Any]:
    entry = body["entries"][0]
    return body | {"entries": [[*entry[:7], entry[7] | {"value": value}]]}


for field, wrong in {
    "protocol": "1", "schema": 0, "server_id": 5, "device_id": None, "epoch": "AB" * 16, "first_seq": 0, "prev_hash": "",
    "head_hash": 1, "sent_at": -1, "entries": {}, "cursor": 7, "max_bytes": 0, "photos": "all",
}.items():  # fmt: skip
    MALFORMED[f"{field} is {wrong!r}"] = (lambda body, field=field, wrong=wrong: body | {field: wrong}, field)
for missing in ("protocol", "schema", "device_id", "epoch", "first_seq", "prev_hash", "head_hash", "sent_at"):
    MALFORMED[f"without {missing}"] = (
        lambda body, missing=missing: {k: v for k, v in body.items() if k != missing},
        missing,
    )
for index, (part, wrong) in enumerate(
    [("ms", 1.5), ("counter", -1), ("tx", "1"), ("seen", True), ("author", ""), ("kind", "k" * 61), ("id", None)]
):
    MALFORMED[f"{part} of an entry is {wrong!r}"] = (
        lambda body, index=index, wrong=wrong: (
            body | {"entries": [[*body["entries"][0][:index], wrong, *body["entries"][0][index + 1 :]]]}
        ),
        f"entries[0].{part}",
    )
MALFORMED["a photo that is no hash"] = (lambda body: body | {"photos": ["a" * 64, "anh.jpg"]}, "photos[1]")
MALFORMED["too many photos"] = (lambda body: body | {"photos": ["a" * 64] * 1001}, "photos")


@pytest.mark.parametrize("fault", MALFORMED)
@told
async def test_what_is_no_chain_is_refused_whole_and_names_its_place(valley: Valley, fault: str) -> None:
    pen = Pen(valley.cuc)
    make, field = MALFORMED[fault]
    good = pen.body(answer_entry(pen, valley.visit, 2))
    before = held(valley)
    answer = await send(valley, pen, make(good))
    assert answer.status_code == 400 and name_of(answer) == "malformed", answer.text
    assert answer.json()["field"] == field and answer.json()["retry"] == "never"
    assert held(valley) == before
    assert (await send(valley, pen, good)).json()["acked"] == 1


@told
async def test_too_much_at_once_is_refused_with_the_limits(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    before = held(valley)
    many = pen.body(*[answer_entry(pen, valley.visit, 2)] * 1001)
    wide = pen.body(*[answer_entry(pen, valley.visit, "x" * 15_000, "objective_difficulty")] * 20)
    for body in (many, wide):
        answer = await send(valley, pen, body)
        assert answer.status_code == 413 and name_of(answer) == "too-large" and answer.json()["retry"] == "now"
        assert answer.json()["limits"] == {"max_bytes": 262_144, "max_entries": 1000}
    flood = await send(valley, pen, b" " * 1_100_000)
    assert flood.status_code == 413 and name_of(flood) == "too-large"
    assert held(valley) == before


@told
async def test_packed_bodies_are_unpacked_and_bombs_are_not(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    body = pen.body(answer_entry(pen, valley.visit, 2))
    plain = json.dumps(body).encode()
    packed: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "identity": bytes,
    }  # fmt: skip
    before = held(valley)
    for encoding in ("gzip", "zstd"):
        bomb = await send(valley, pen, packed[encoding](b" " * 50_000_000), **{"Content-Encoding": encoding})
        assert bomb.status_code == 413 and name_of(bomb) == "too-large"
        cut = await send(valley, pen, packed[encoding](plain)[:-5], **{"Content-Encoding": encoding})
        assert cut.status_code == 400 and name_of(cut) == "malformed" and cut.json()["field"] == "body"
        double = await send(valley, pen, packed[encoding](plain) + b"x", **{"Content-Encoding": encoding})
        assert double.status_code == 400
        lying = await send(valley, pen, plain, **{"Content-Encoding": encoding})
        assert lying.status_code == 400
    assert (await send(valley, pen, plain, **{"Content-Encoding": "br"})).status_code == 415
    assert (await send(valley, pen, plain, **{"Content-Type": "text/plain"})).status_code == 415
    assert held(valley) == before
    for encoding, pack in packed.items():
        answer = await send(valley, pen, pack(plain), **{"Content-Encoding": encoding})
        assert answer.status_code == 200 and answer.json()["acked"] == 1, encoding


@told
async def test_a_gap_is_refused_and_says_where_to_go_on(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    first = pen.body(answer_entry(pen, valley.visit, 2))
    assert (await send(valley, pen, first)).json()["acked"] == 1
    pen.wrote(first)
    second = pen.body(answer_entry(pen, valley.visit, 3))
    pen.wrote(second)
    before = held(valley)
    answer = await send(valley, pen, pen.body(answer_entry(pen, valley.visit, 4)))
    assert answer.status_code == 409 and name_of(answer) == "seq-gap"
    assert answer.json()["expected"] == 2 and answer.json()["retry"] == "now"
    assert held(valley) == before


@told
async def test_a_fork_is_refused_however_it_shows(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    first = pen.body(answer_entry(pen, valley.visit, 2), answer_entry(pen, valley.visit, 3))
    assert (await send(valley, pen, first)).json()["acked"] == 2
    before = held(valley)
    altered = pen.body(answer_entry(pen, valley.visit, 2), answer_entry(pen, valley.visit, 9))
    longer = pen.body(
        answer_entry(pen, valley.visit, 8), answer_entry(pen, valley.visit, 3), answer_entry(pen, valley.visit, 4)
    )
    pen.wrote(altered)
    after_it = pen.body(answer_entry(pen, valley.visit, 4))
    rootless = Pen(valley.cuc)
    rootless.head = "0" * 64
    for body in (altered, longer, after_it, rootless.body(answer_entry(rootless, valley.visit, 2))):
        answer = await send(valley, pen, body)
        assert answer.status_code == 409 and name_of(answer) == "journal-fork"
        assert answer.json()["acked"] == 2 and answer.json()["retry"] == "now"
        assert held(valley) == before


@told
async def test_a_repeated_batch_gets_the_same_answer_and_changes_nothing(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    late = 1_924_000_000_000
    body = pen.body(
        answer_entry(pen, valley.visit, 2),
        answer_entry(pen, valley.visit, 10_000),
        answer_entry(pen, valley.visit, 5, ms=late),
    )
    first = await send(valley, pen, body)
    before = held(valley)
    valley.clock.advance(60_000)  # type: ignore[attr-defined]
    second = await send(valley, pen, body)
    assert held(valley) == before
    volatile = {"now", "receipt"}
    assert {k: v for k, v in second.json().items() if k not in volatile} == {
        k: v for k, v in first.json().items() if k not in volatile
    }
    assert [r["seq"] for r in first.json()["rejected"]] == [2]
    assert first.json()["effective"] == [[3, NOON + 300_000, 0]]


@told
async def test_a_phone_of_another_central_is_told_what_this_one_holds(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    first = pen.body(answer_entry(pen, valley.visit, 2))
    await send(valley, pen, first)
    pen.wrote(first)
    before = held(valley)
    answer = await send(valley, pen, pen.body(answer_entry(pen, valley.visit, 3), server_id="another"))
    assert answer.status_code == 412 and name_of(answer) == "server-changed"
    assert answer.json()["acked"] == 1 and answer.json()["head"] == pen.head and answer.json()["retry"] == "now"
    assert answer.json()["server_id"] == valley.app.state.db.server_id
    fresh = Pen(valley.cuc, "cd" * 16)
    answer = await send(valley, fresh, fresh.body(server_id="another"))
    assert (answer.status_code, answer.json()["acked"], answer.json()["head"]) == (412, 0, None)
    assert held(valley) == before


# --- refused entry by entry ---------------------------------------------------------------------------------------------

OTHER = "0199c0de-0000-7000-8000-0000000000aa"


def answers(item: str, value: Any) -> Callable[[Pen, str], list[Any]]:
    return lambda pen, visit: answer_entry(pen, visit, value, item)


def record(kind: str, patch: dict[str, Any], id: str = OTHER, **other: Any) -> Callable[[Pen, str], list[Any]]:
    return lambda pen, visit: pen.entry(kind, id, {"visit": visit} | patch, **other)


def change(patch: dict[str, Any], id: str = "") -> Callable[[Pen, str], list[Any]]:
    return lambda pen, visit: pen.entry("visit", id or visit, patch)


FAULTS: dict[str, tuple[Callable[[Pen, str], list[Any]], str, str]] = {
    "a count below zero": (answers(ITEM, -1), "bad-value", "value"),
    "a count above 9,999": (answers(ITEM, 10_000), "bad-value", "value"),
    "a count in text": (answers(ITEM, "5"), "bad-value", "value"),
    "a count that is true": (answers(ITEM, True), "bad-value", "value"),
    "a count that is a list": (answers(ITEM, [5]), "bad-value", "value"),
    "an option that is none": (answers("one_stop_arrangement", "tren_nui"), "bad-value", "value"),
    "neither yes nor no": (answers("badge_worn_all", "maybe"), "bad-value", "value"),
    "a remark as an answer of 2,001 letters": (answers("objective_difficulty", "x" * 2001), "bad-value", "value"),
    "a day that never was": (answers("implementing_document_date", "2026-02-30"), "bad-value", "value"),
    "an item of no checklist": (answers("mood_of_the_chief", "good"), "unknown-item", "item"),
    "an answer's id and fields that differ": (
        lambda pen, visit: pen.entry("answer", f"{visit}//{ITEM}", {"visit": visit, "row": "", "item": "badge_worn_all", "value": 1}),
        "bad-id", "id",
    ),
    "an answer's id without a row": (
        lambda pen, visit: pen.entry("answer", f"{visit}/{ITEM}", {"visit": visit, "value": 1}), "bad-id", "id",
    ),
    "a remark of 2,001 letters": (
        lambda pen, visit: pen.entry("answer", f"{visit}//{ITEM}", {"visit": visit, "row": "", "item": ITEM, "remark": "x" * 2001}),
        "bad-value", "remark",
    ),
    "a room's name of 301 letters": (record("row", {"section": "attendance_room", "name": "x" * 301}), "bad-value", "name"),
    "a moment in text": (record("count", {"moment": "07:45"}), "bad-value", "moment"),
    "a photo of minus one byte": (record("photo", {"bytes": -1}), "bad-value", "bytes"),
    "a removal that is a number": (record("photo", {"removed": 1}), "bad-value", "removed"),
    "a field central keeps for itself": (record("photo", {"stamps": "{}"}), "bad-value", "stamps"),
    "a status that is none": (change({"status": "lost"}), "bad-value", "status"),
    "a visit handed to another team": (change({"team": "doan-2"}), "scope-denied", "visit"),
    "a visit of nobody's": (change({"team": None}), "scope-denied", "visit"),
    "a new visit for another team": (change({"team": "doan-2", "unit_name": "Xã"}, OTHER), "scope-denied", "visit"),
    "somebody else's words": (record("count", {"moment": NOON}, author="hoa"), "wrong-author", "author"),
    "a unit": (lambda pen, visit: pen.entry("unit", "417@", {"name": "Của tôi"}), "not-allowed", "kind"),
    "a round": (lambda pen, visit: pen.entry("round", "dot-1", {"name": "Đợt của tôi"}), "not-allowed", "kind"),
    "a checklist": (lambda pen, visit: pen.entry("template", "spot_check@1", {"body": {}}), "not-allowed", "kind"),
    "a team": (lambda pen, visit: pen.entry("team", "doan-1", {"name": "Đoàn tôi"}), "not-allowed", "kind"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@told
async def test_a_bad_fact_is_kept_refused_and_told_and_the_rest_stands(valley: Valley, fault: str) -> None:
    pen = Pen(valley.cuc)
    make, name, field = FAULTS[fault]
    body = pen.body(
        answer_entry(pen, valley.visit, 2),
        make(pen, valley.visit),
        answer_entry(pen, valley.visit, "no", "badge_worn_all"),
    )
    answer = await send(valley, pen, body)
    assert answer.status_code == 200 and answer.json()["acked"] == 3
    [refusal] = answer.json()["rejected"]
    assert (refusal["seq"], refusal["type"].rpartition("/")[2], refusal["field"]) == (2, name, field)
    assert " / " in refusal["title"]
    with valley.app.state.db.reading() as connection:
        [kept] = journal.select(connection, "device = :d AND epoch = :e AND seq = 2", d=pen.device, e=pen.epoch)
        assert kept.verdict == "rejected"
        assert list(verify(connection, valley.app.state.photos)) == []
        reading = valley.app.state.readings.visit(connection, valley.visit)
    assert reading.values == {("", ITEM): 2, ("", "badge_worn_all"): "no"}
    assert (reading.team, reading.status, reading.photos, reading.counts) == ("doan-1", "open", (), ())
    await valley.sync("dung")
    with valley.dung.book.store.reading() as connection:
        pulled = [e.seq for e in journal.select(connection, "epoch = :e ORDER BY seq", e=pen.epoch)]
    assert pulled == [1, 3]
    assert valley.dung.book.visit(valley.visit) == reading


# --- before their time ---------------------------------------------------------------------------------------------------


@told
async def test_an_answer_before_its_visit_waits_and_is_read_once_the_visit_is_there(valley: Valley) -> None:
    early, late = Pen(valley.dung), Pen(valley.cuc)
    body = early.body(
        answer_entry(early, OTHER, 4), answer_entry(early, OTHER, 10_000, "self_inspection_team_count"),
        early.entry("photo", "0199c0de-0000-7000-8000-0000000000ab", {"caption": "bảng tin"}),
        early.entry("visit", OTHER, {"status": "closed"}, ms=NOON + 1),
    )  # fmt: skip
    answer = await send(valley, early, body)
    assert answer.status_code == 200 and answer.json()["rejected"] == [] and answer.json()["acked"] == 4
    early.wrote(body)
    early.cursor = answer.json()["cursor"]
    with valley.app.state.db.reading() as connection:
        assert {
            e.verdict for e in journal.select(connection, "epoch = :e AND device = :d", e=early.epoch, d=early.device)
        } == {"pending"}
    await valley.sync("cuc")
    assert OTHER not in [line.id for line in valley.cuc.book.visits()]
    head = json.loads((Path("assets/checklist.json")).read_text(encoding="utf-8"))["template"]
    begun = {
        "team": "doan-1",
        "status": "open",
        "unit_name": "Xã",
        "template": head["code"],
        "template_version": head["version"],
    }
    photo = {"visit": OTHER, "row": "", "item": "", "sha256": "a" * 64, "caption": ""}
    opening = late.body(
        late.entry("visit", OTHER, begun, ms=NOON - 1),
        late.entry("photo", "0199c0de-0000-7000-8000-0000000000ab", photo, ms=NOON - 1),
    )
    answer = await send(valley, late, opening)
    assert answer.json()["rejected"] == [] and answer.json()["acked"] == 2
    answer = await send(valley, early, early.body())
    assert [(r["seq"], r["field"]) for r in answer.json()["rejected"]] == [(2, "value")], (
        "told though long acknowledged"
    )
    await valley.sync_until_quiet()
    for book in (valley.cuc.book, valley.dung.book):
        visit = book.visit(OTHER)
        assert visit.values == {("", ITEM): 4} and visit.status == "closed"
        assert [p.caption for p in visit.photos] == ["bảng tin"]
    with valley.app.state.db.reading() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []


@told
async def test_what_another_team_wrote_before_a_visit_began_never_leaks_into_it(valley: Valley) -> None:
    stranger, owner = Pen(valley.hoa), Pen(valley.cuc)
    body = stranger.body(answer_entry(stranger, OTHER, 4), stranger.entry("visit", OTHER, {"status": "closed"}))
    assert (await send(valley, stranger, body)).json()["rejected"] == []
    stranger.wrote(body)
    begun = owner.body(owner.entry("visit", OTHER, {"team": "doan-1", "status": "open", "unit_name": "Xã"}))
    assert (await send(valley, owner, begun)).json()["rejected"] == []
    await valley.sync_until_quiet("cuc", "dung", "hoa")
    for phone in (valley.cuc, valley.dung):
        assert phone.book.visit(OTHER).values == {} and phone.book.visit(OTHER).status == "open"
    assert OTHER not in [line.id for line in valley.hoa.book.visits()]
    told_now = await send(valley, stranger, stranger.body())
    assert [r["type"].rpartition("/")[2] for r in told_now.json()["rejected"]] == ["scope-denied"] * 2
    with valley.app.state.db.reading() as connection:
        assert valley.app.state.readings.visit(connection, OTHER).status == "open"


@told
async def test_naming_an_own_visit_does_not_move_another_team_s_records_into_it(valley: Valley) -> None:
    """Ids of rooms and counts follow from the visit's id: whoever knows that one could name them."""
    room = valley.cuc.book.add_room(valley.visit, "Phòng Nội vụ", roll=5)
    valley.cuc.book.add_row(valley.visit, "directives", "Chỉ thị 17")
    await valley.sync_until_quiet()
    before = dump(valley.app.state.db)
    own = valley.hoa.book.start_visit("Xã của Hoa")
    count = count_id(valley.visit, NOON)
    directive = row_id(valley.visit, "directives", "", "Chỉ thị 17")
    valley.hoa.book._record(
        [
            Change("row", room, {"visit": own, "removed": True}, own),
            Change("count", count, {"visit": own, "note": "của Hoa"}, own),
            Change("row", directive, {"visit": own, "name": "Chỉ thị 18"}, own),
        ]
    )
    await valley.sync_until_quiet("hoa", "cuc", "dung")
    with valley.hoa.book.store.reading() as connection:
        assert [t["type"].rpartition("/")[2] for t in ledger.refusals(connection)] == ["scope-denied"] * 3
    after = dump(valley.app.state.db)
    assert {t: [row for row in rows if row in before[t]] for t, rows in after.items()} == before
    assert [r.name for r in valley.dung.book.visit(valley.visit).rooms()] == ["Phòng Nội vụ"]


# --- pulling ----------------------------------------------------------------------------------------------------------------


@told
async def test_a_long_pull_comes_in_pages_none_larger_than_asked_and_nothing_twice(valley: Valley) -> None:
    for number in range(60):
        valley.cuc.book.remark(valley.visit, "badge_worn_all", f"lần {number}: " + "x" * 200)
    await valley.sync("cuc")
    pen = Pen(valley.dung)
    positions: list[int] = []
    pages = 0
    while True:
        answer = (await send(valley, pen, pen.body(max_bytes=4000))).json()
        assert len(json.dumps(answer["entries"])) <= 6000 and answer["entries"]
        positions += [entry[0] for entry in answer["entries"]]
        pages, pen.cursor = pages + 1, answer["cursor"]
        if not answer["more"]:
            break
    assert positions == sorted(set(positions)) and len(positions) == 61 and pages > 4
    again = (await send(valley, pen, pen.body())).json()
    assert again["entries"] == [] and again["more"] is False


@told
async def test_another_team_pulls_nothing_and_hears_of_no_conflict(valley: Valley) -> None:
    for phone, value in ((valley.cuc, 3), (valley.dung, 4)):
        phone.book.answer(valley.visit, ITEM, value)
    await valley.sync_until_quiet()
    pen = Pen(valley.hoa)
    answer = (await send(valley, pen, pen.body())).json()
    assert (answer["entries"], answer["conflicts"], answer["rejected"]) == ([], [], [])
    assert valley.visit not in json.dumps(answer)
    borrowed = Pen(valley.cuc)
    pen.cursor = (await send(valley, borrowed, borrowed.body())).json()["cursor"]
    refused = await send(valley, pen, pen.body())
    assert (refused.status_code, name_of(refused)) == (410, "cursor-expired")
    assert refused.json()["team"] == {"id": "doan-2", "name": "Đoàn số 2"}


@told
async def test_the_receipt_can_be_told_from_any_other(valley: Valley) -> None:
    pen = Pen(valley.cuc)
    one = (await send(valley, pen, pen.body(answer_entry(pen, valley.visit, 2)))).json()["receipt"]
    facts, _, seal = one.partition(".")
    assert facts and seal
    other = Pen(valley.cuc, "cd" * 16)
    assert (await send(valley, other, other.body())).json()["receipt"].partition(".")[2] != seal


@told
async def test_a_phone_is_not_sent_what_it_has_just_shown_to_have_but_the_rest_of_its_own_journal(
    valley: Valley,
) -> None:
    """A notebook restored from a backup shows only its beginning; what it sent later comes back by pull."""
    pen = Pen(valley.cuc)
    entries = [answer_entry(pen, valley.visit, number) for number in range(3)]
    whole = (await send(valley, pen, pen.body(*entries))).json()
    assert [e[3] for e in whole["entries"] if e[2] == pen.epoch] == []
    restored = (await send(valley, pen, pen.body(*entries[:1]))).json()
    assert restored["acked"] == 3 and [e[3] for e in restored["entries"] if e[2] == pen.epoch] == [2, 3]
