"""A signed visit, between phones and central: no road changes what was signed, and the supplement shows what came too late."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from app.carrying import carry_out, take_in
from app.checklist import Refusal
from app.notebook import PhotoFacts
from app.proof import content_hash, signed_document
from app.recorder import VisitShut
from app.records import READINGS, VISIT_KINDS
from app.sync import journal, merge
from app.sync.freeze import freeze_of
from app.sync.journal import Change
from app.sync.stamp import finding_id, signature_id
from central import access
from central.backup import back_up
from central.bundles import take_in as take_bundle
from central.relay import accept
from central.verify import verify
from tests.field import Phone
from tests.sync.test_compact import MONTH, a_month_passes, kept
from tests.sync.test_exchange import a_morning, copy_of
from tests.sync.test_two_phones import photograph
from tests.valley import NOON, Pen, Valley, dump, told, unit_of

TABLES = ("visit", *VISIT_KINDS, "other")
STROKES = [[100, 300, 250, 180, 400, 330], [420, 200, 600, 260, 760, 210]]
BADGES = "badge_worn_all"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def sign(phone: Phone, visit: str, name: str = "Vi Văn Pó", role: str = "unit_representative") -> str:
    return phone.book.sign(visit, role, name, "Chủ tịch UBND xã", strokes=STROKES)


def content(connection: Connection, visit: str) -> str:
    return content_hash(signed_document(connection, visit))


def contents(valley: Valley) -> set[str]:
    """What central and both phones have as signed."""
    found = set()
    for store in (valley.app.state.db, valley.cuc.book.store, valley.dung.book.store):
        with store.reading() as connection:
            found.add(content(connection, valley.visit))
    return found


def assert_as_signed(valley: Valley, signed: str) -> None:
    """Every replica shows the same, which is what was signed, and it is what the journals say."""
    assert contents(valley) == {signed}
    shown = dump(valley.app.state.db, TABLES)
    for phone in (valley.cuc, valley.dung):
        assert dump(phone.book.store, TABLES) == shown
        phone.book.rebuild()
        assert dump(phone.book.store, TABLES) == shown
        assert phone.book.verify() is None
    with valley.app.state.db.writing() as connection:
        assert list(verify(connection, valley.app.state.photos)) == []
        merge.rebuild(connection, list(READINGS))
    assert dump(valley.app.state.db, TABLES) == shown


async def signed_while_apart(valley: Valley) -> str:
    """Dũng writes on the visit without a line, before and after the commune's chairman signs on Cúc's phone."""
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    valley.dung.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.dung.book.answer(valley.visit, BADGES, "yes")
    valley.cuc.clock.advance(120_000)  # type: ignore[attr-defined]
    sign(valley.cuc, valley.visit)
    valley.dung.clock.advance(3_600_000)  # type: ignore[attr-defined]
    valley.dung.book.remark(valley.visit, BADGES, "xem lại")
    [photo, *_] = valley.dung.book.visit(valley.visit).photos
    valley.dung.book.edit_photo(photo, caption="không phải bảng này")
    with valley.cuc.book.store.reading() as connection:
        return content(connection, valley.visit)


@pytest.mark.parametrize("first", ["cuc", "dung"])
@told
async def test_what_another_phone_still_had_goes_to_the_supplement(valley: Valley, first: str) -> None:
    signed = await signed_while_apart(valley)
    await valley.sync(first)
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)
    reading = valley.dung.book.visit(valley.visit)
    assert reading.is_signed and reading.values[("", BADGES)] == "no"
    late = {(one.field, one.signed, one.later, one.is_own) for one in valley.dung.book.supplement_of(valley.visit)}
    assert (("value", "no", "yes", True)) in late and ("remark", None, "xem lại", True) in late
    assert [one.author for one in valley.cuc.book.supplement_of(valley.visit)] == ["dung"] * 3
    assert not any(one.is_own for one in valley.cuc.book.supplement_of(valley.visit))
    with pytest.raises(VisitShut):
        valley.dung.book.answer(valley.visit, BADGES, "yes")
    proof = valley.dung.book.proof(valley.visit)
    assert proof and proof.is_as_signed and proof.content == signed and proof.signatures_of_other_content == ()


@told
async def test_two_who_sign_on_two_phones_at_once_and_everybody_agrees_on_the_first(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    valley.dung.book.answer(valley.visit, BADGES, "yes")
    sign(valley.dung, valley.visit, "Phạm Dũng", "team_secretary")
    valley.cuc.clock.advance(60_000)  # type: ignore[attr-defined]
    sign(valley.cuc, valley.visit)
    with valley.cuc.book.store.reading() as connection:
        signed = content(connection, valley.visit)
    await valley.sync("cuc")
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)
    with valley.app.state.db.reading() as connection:
        freeze = freeze_of(connection, valley.visit)
    assert freeze and freeze.content == signed, "the one central had first, whatever the clocks say"
    proof = valley.dung.book.proof(valley.visit)
    assert proof and proof.signatures_of_other_content == ("Phạm Dũng",)


@told
async def test_raw_entries_of_an_older_or_hostile_client_change_nothing(valley: Valley) -> None:
    """Everything a member of the team can send by hand: fields, new records, moves, the signature itself, and an earlier one."""
    await a_morning(valley.cuc, valley.visit)
    signature = sign(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    [signed] = contents(valley)
    shown = dump(valley.app.state.db, TABLES)
    reading = valley.cuc.book.visit(valley.visit)
    room, photo, visit = reading.rows[0].id, reading.photos[0].id, valley.visit
    early = {"ms": NOON - 3 * 3_600_000}
    pen = Pen(valley.dung)
    covers = [[pen.device, pen.epoch, 1, 99]]
    back_dated = signature_id(visit, "", "witness", "Kẻ gian")
    writes = [
        pen.entry("answer", f"{visit}//{BADGES}", {"visit": visit, "row": "", "item": BADGES, "value": "yes"}),
        pen.entry("answer", f"{visit}/{room}/head_total", {"value": 500}, **early),
        pen.entry("row", room, {"removed": True}),
        pen.entry("row", room, {"visit": "0199c0de-7777-7000-8000-000000000001"}, **early),
        pen.entry("photo", photo, {"sha256": "ab" * 32}),
        pen.entry("photo", "new-photo", {"visit": visit, "sha256": "cd" * 32}),
        pen.entry("photo", "new-photo", {"caption": "không nói của cuộc nào"}),
        pen.entry("finding", finding_id(visit, "", BADGES), {"visit": visit, "withdrawn": "nhầm"}, **early),
        pen.entry("visit", visit, {"status": "open", "visit_ended_at": None}),
        pen.entry("visit", visit, {"unit_name": "Xã khác", "document_number": "1/BB"}),
        pen.entry("signature", back_dated, {"visit": visit, "role": "witness", "name": "Kẻ gian", "covers": covers,
                                            "method": "on_paper", "content": "0" * 64}, **early),
        pen.entry("signature", signature, {"name": "Người khác", "covers": covers}, **early),
        pen.entry("signature", signature, {"visit": None, "covers": None}),
        pen.entry("drone_flight", f"{visit}:1", {"visit": visit, "height": 30}),
    ]  # fmt: skip
    answer = await valley.clients["dung"].post("/api/v1/sync", json=pen.body(*writes), headers=pen.headers)
    assert (answer.status_code, answer.json()["acked"], answer.json()["rejected"]) == (200, len(writes), [])
    for one in (valley.cuc, valley.dung):
        await one.sync(valley.clients["cuc" if one is valley.cuc else "dung"])
    await valley.sync_until_quiet()
    assert contents(valley) == {signed}
    now = dump(valley.app.state.db, TABLES)
    assert len(now.pop("signature")) == len(shown.pop("signature")) + 1, "a signature more, and the first is as it was"
    assert now == shown
    with valley.app.state.db.reading() as connection:
        freeze = freeze_of(connection, visit)
        held = journal.select(connection, "device = :d AND epoch = :e", d=pen.device, e=pen.epoch)
    assert freeze and freeze.content == signed and len(held) == len(writes), "all of it is kept"
    late = {(one.kind, one.field, one.later) for one in valley.cuc.book.supplement_of(visit)}
    assert {("answer", "value", "yes"), ("photo", "sha256", "ab" * 32), ("visit", "unit_name", "Xã khác")} <= late
    journal_of = await valley.clients["cuc"].get(f"/api/v1/visits/{visit}/journal", headers=valley.bearer("cuc"))
    assert list(journal_of.json()["verdicts"].values()).count("supplement") == len(late_entries(valley))
    assert_as_signed(valley, signed)


def late_entries(valley: Valley) -> list[journal.JournalEntry]:
    with valley.app.state.db.reading() as connection:
        return merge.left_out(connection, valley.visit)


@pytest.mark.parametrize("road", ["file to central", "file to a phone", "a withdrawn phone, accepted"])
@told
async def test_neither_does_a_file_nor_what_was_kept_apart(valley: Valley, road: str) -> None:
    signed = await signed_while_apart(valley)
    await valley.sync("cuc")
    bundle = await carry_out(valley.dung.book, valley.dung.files, lambda *_: None)
    state = valley.app.state
    if road == "file to central":
        take_bundle(state.db, state.photos, state.readings, bundle, valley.clock(), "an")
    elif road == "file to a phone":
        await take_in(valley.cuc.book, valley.cuc.files, bundle, lambda *_: None)
        with valley.cuc.book.store.reading() as connection:
            assert content(connection, valley.visit) == signed
    else:
        device = valley.dung.book.enrolment.device  # type: ignore[union-attr]
        with state.db.writing() as connection:
            access.revoke(connection, device, valley.clock())
        assert await valley.sync("dung") is not None
        with state.db.writing() as connection:
            arrival = accept(
                connection, device, "an", valley.clock(), state.readings.templates(connection), state.db.central_device
            )
            assert arrival.taken == 3 and content(connection, valley.visit) == signed
        await valley.sync_until_quiet("cuc")
        assert len(valley.cuc.book.supplement_of(valley.visit)) == 3
        assert dump(valley.cuc.book.store, TABLES) == dump(state.db, TABLES)
        return
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)
    assert len(valley.cuc.book.supplement_of(valley.visit)) == 3


@told
async def test_it_is_still_so_when_old_entries_are_dropped_and_central_is_put_back(valley: Valley) -> None:
    signed = await signed_while_apart(valley)
    await valley.sync_until_quiet()
    back_up(valley.app.state.db, valley.settings.photos, valley.folder / "tape", valley.clock())
    await valley.sync_until_quiet()
    a_month_passes(valley)
    await valley.sync_until_quiet()
    for phone in (valley.cuc, valley.dung):
        assert kept(phone)[0] > 1, "beginnings of both journals were dropped"
    assert_as_signed(valley, signed)
    valley.restore_database("tape")
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)


@told
async def test_what_came_too_late_stays_late_when_its_beginning_was_dropped(valley: Valley) -> None:
    """Of Dũng's photo only the caption was still there: it was read as a photo that has nothing but a caption."""
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet()
    sign(valley.cuc, valley.visit)
    with valley.cuc.book.store.reading() as connection:
        signed = content(connection, valley.visit)
    late = await photograph(valley.dung, valley.visit, 3)
    valley.dung.book.remark(valley.visit, BADGES, "xem lại")
    await valley.sync("dung")
    await valley.sync("cuc")
    back_up(valley.app.state.db, valley.settings.photos, valley.folder / "tape", valley.clock())
    [photo] = [photo for photo in valley.dung.book.visit(valley.visit).photos if photo.id == late]
    valley.dung.book.edit_photo(photo, caption="bảng mới treo")
    a_month_passes(valley)
    for _ in range(2):
        await valley.sync_until_quiet()
    assert kept(valley.dung)[0] == 2, "the photo's entry was dropped, its caption is still here"
    assert_as_signed(valley, signed)
    valley.reopen("dung")
    assert late not in [photo.id for photo in valley.dung.book.visit(valley.visit).photos]


@told
async def test_a_copied_notebook_takes_nothing_for_late_that_it_signed_and_dropped(valley: Valley) -> None:
    """What the copy had signed a month ago came again from the other phone, and stood in the copy's supplement as something new."""
    await valley.sync_until_quiet()
    for value in ("yes", "no"):
        valley.cuc.book.answer(valley.visit, BADGES, value)
    with copy_of(valley, "cuc", "copy") as copy:
        sign(copy, valley.visit)
        await valley.sync("copy")
        back_up(valley.app.state.db, valley.settings.photos, valley.folder / "tape", valley.clock())
        a_month_passes(valley)
        for _ in range(2):
            await valley.sync("copy")
        assert len(kept(copy)) == 1, "the answers were dropped"
        for month in range(2):
            await valley.sync_until_quiet("cuc", "copy", "dung")
            assert [phone.book.supplement_of(valley.visit) for phone in (valley.cuc, copy, valley.dung)] == [[]] * 3
            assert dump(copy.book.store, TABLES) == dump(valley.app.state.db, TABLES)
            copy.book.close_visit(copy.book.start_visit(unit_of(copy)))
            await valley.sync("copy")
            back_up(valley.app.state.db, valley.settings.photos, valley.folder / f"tape {month}", valley.clock())
            a_month_passes(valley)
        assert copy.book.verify() is None


@told
async def test_a_late_signature_for_less_than_was_dropped_brings_the_dropped_entries_back(valley: Valley) -> None:
    """Dũng has had no line for a month and lets sign what he has; Cúc's phone has long since folded her entries together."""
    await valley.sync_until_quiet()
    await a_morning(valley.cuc, valley.visit)
    valley.cuc.book.close_visit(valley.visit)
    await valley.sync("cuc")
    back_up(valley.app.state.db, valley.settings.photos, valley.folder / "tape", valley.clock())
    await valley.sync("cuc")
    a_month_passes(valley, MONTH)
    await valley.sync("cuc")
    assert len(valley.cuc.book.visit(valley.visit).photos) == 2
    valley.dung.book.answer(valley.visit, BADGES, "yes")
    sign(valley.dung, valley.visit)
    with valley.dung.book.store.reading() as connection:
        signed = content(connection, valley.visit)
    await valley.sync("dung")
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)
    assert valley.cuc.book.visit(valley.visit).values[("", BADGES)] == "yes"
    assert {one.kind for one in valley.cuc.book.supplement_of(valley.visit)} >= {"answer", "photo", "row", "visit"}


@told
async def test_what_a_late_signature_brought_back_is_dropped_again_and_reads_as_signed(valley: Valley) -> None:
    """Dũng signed for Cúc's "yes" without having heard of her "no"; a month after that her phone drops both once more."""
    valley.cuc.book.answer(valley.visit, BADGES, "yes")
    await valley.sync_until_quiet()
    valley.cuc.book.answer(valley.visit, BADGES, "no")
    for months in range(2):
        valley.cuc.book.close_visit(valley.visit if not months else valley.cuc.book.start_visit(unit_of(valley.cuc)))
        await valley.sync("cuc")
        back_up(valley.app.state.db, valley.settings.photos, valley.folder / f"tape {months}", valley.clock())
        await valley.sync("cuc")
        a_month_passes(valley)
        await valley.sync("cuc")
        assert len(kept(valley.cuc)) == 1
        if not months:
            sign(valley.dung, valley.visit)
            with valley.dung.book.store.reading() as connection:
                signed = content(connection, valley.visit)
            await valley.sync_until_quiet("dung", "cuc")
    await valley.sync_until_quiet()
    assert valley.cuc.book.visit(valley.visit).values[("", BADGES)] == "yes"
    assert_as_signed(valley, signed)


@told
async def test_no_method_of_the_notebook_writes_on_a_signed_visit(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    sign(valley.cuc, valley.visit)
    book, visit = valley.cuc.book, valley.visit
    reading, seq = book.visit(visit), book.tally()["entries"]
    [room], photo = [r.id for r in reading.rows], reading.photos[0]
    facts = PhotoFacts("ab" * 32, 9, 4, 3, "image/jpeg", "cd" * 32, 3)
    attempts: list[Callable[[], Any]] = [
        lambda: book.answer(visit, BADGES, "yes"),
        lambda: book.remark(visit, BADGES, "x"),
        lambda: book.set_heads(visit, room, {"head_total": 9}),
        lambda: book.add_room(visit, "Văn phòng"),
        lambda: book.rename_row(visit, room, "Khác"),
        lambda: book.remove_row(visit, room),
        lambda: book.add_count(visit, NOON + 9_000_000),
        lambda: book.add_photo(visit, facts),
        lambda: book.edit_photo(photo, caption="x"),
        lambda: book.remove_photo(photo),
        lambda: book.place(visit, "19.1 104.2 0 5"),
        lambda: book.edit_visit(visit, visit_date="2026-01-01"),
        lambda: book.close_visit(visit),
        lambda: book.reopen_visit(visit),
        lambda: sign(valley.cuc, visit, "  vi văn  PÓ "),
    ]
    for attempt in attempts:
        with pytest.raises(Refusal):
            attempt()
    assert not book.can_undo(visit) and not book.undo(visit)
    assert book.tally()["entries"] == seq and book.visit(visit) == reading


@told
async def test_a_supplement_is_said_once_and_signed_like_the_minutes(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    with pytest.raises(VisitShut):
        valley.cuc.book.supplement(valley.visit, "Đếm lại phòng Kinh tế")
    sign(valley.cuc, valley.visit)
    with pytest.raises(Refusal, match="nội dung bổ sung"):
        valley.cuc.book.supplement(valley.visit, "  ")
    added = valley.cuc.book.supplement(valley.visit, "Đếm lại phòng Kinh tế: 12 người", "Máy của Dũng mất sóng")
    signature = valley.cuc.book.sign(
        valley.visit, "unit_representative", "Vi Văn Pó", strokes=STROKES, supplement=added
    )
    valley.cuc.book.give_number(valley.visit, "08/BB-ĐKT")
    valley.cuc.book.give_number(valley.visit, "09/BB-ĐKT", added)
    with valley.cuc.book.store.reading() as connection:
        signed = content(connection, valley.visit)
    valley.cuc.book._record([Change("supplement", added, {"text": "chữ khác"}, valley.visit)])
    await valley.sync_until_quiet()
    assert_as_signed(valley, signed)
    evidence = valley.dung.book.visit(valley.visit).evidence
    [said] = evidence.supplements
    assert (said.text, said.position, said.document_number) == ("Đếm lại phòng Kinh tế: 12 người", 1, "09/BB-ĐKT")
    assert evidence.facts["document_number"] == "08/BB-ĐKT"
    of_supplement = next(s for s in evidence.signatures if s.id == signature)
    assert of_supplement.supplement == added and of_supplement.content != signed and not of_supplement.covers


@pytest.mark.parametrize(
    ("strokes", "why"),
    [
        ([], "ngắn"),
        ([[500, 500]], "dấu chấm"),
        ([[500, 500, 501, 500, 500, 501, 502, 502]], "dấu chấm"),
        ([[n, n] for n in range(0, 900, 9)], "dấu chấm"),
    ],
    ids=["nothing", "a dot", "a smudge", "many dots"],
)
@told
async def test_a_dot_is_no_signature_and_nothing_is_locked(valley: Valley, strokes: list[list[int]], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        valley.cuc.book.sign(valley.visit, "witness", "Lô Thị Hoa", strokes=strokes)
    reading = valley.cuc.book.visit(valley.visit)
    assert reading.is_open and not reading.evidence.signatures


@told
async def test_strokes_are_kept_as_whole_numbers_and_a_very_long_signature_fits(valley: Valley) -> None:
    book = valley.cuc.book
    sign(valley.cuc, valley.visit)
    scribble = [[n % 997, (n * 7) % 401] for n in range(6000)]
    book.sign(valley.visit, "witness", "Lô Thị Hoa", strokes=[[c for point in scribble for c in point]])
    await valley.sync_until_quiet()
    first, second = valley.dung.book.visit(valley.visit).evidence.signatures
    assert [list(stroke) for stroke in first.strokes] == STROKES and first.content == second.content
    assert len(second.strokes[0]) > 100 and valley.cuc.book.waiting().rejected == 0


@told
async def test_a_room_that_does_not_add_up_blocks_signing_and_says_which(valley: Valley) -> None:
    book = valley.cuc.book
    room = book.add_room(valley.visit, "Phòng Nội vụ", roll=5)
    heads = {"head_present": 3, "head_absent_excused": 1, "head_absent_unexcused": 0, "head_absent_unclear": 0}
    book.set_heads(valley.visit, room, heads)
    with pytest.raises(Refusal, match="Phòng Nội vụ"):
        sign(valley.cuc, valley.visit)
    book.set_heads(valley.visit, room, {"head_present": 4})
    sign(valley.cuc, valley.visit)
    assert book.visit(valley.visit).is_signed and book.visit(valley.visit).visit_ended_at is not None


@told
async def test_on_paper_and_refused_are_signatures_too(valley: Valley) -> None:
    book = valley.cuc.book
    with pytest.raises(Refusal, match="lý do"):
        book.sign(valley.visit, "unit_representative", "Vi Văn Pó", method="refused")
    book.sign(valley.visit, "unit_representative", "Vi Văn Pó", method="refused", reason="Không nhất trí số vắng")
    book.sign(valley.visit, "team_leader", "Lê Thị Cúc", method="on_paper")
    await valley.sync_until_quiet()
    refused, on_paper = valley.dung.book.visit(valley.visit).evidence.signatures
    assert (refused.method, refused.reason, refused.strokes) == ("refused", "Không nhất trí số vắng", ())
    assert on_paper.method == "on_paper" and on_paper.content == refused.content
