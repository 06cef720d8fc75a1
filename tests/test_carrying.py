"""Everything out in one file and into a fresh phone: what comes in is what went out, and what was damaged is named."""

import asyncio
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.carrying import Arrived, carry_out, take_in
from app.records import SCHEMA
from app.schema import note_central
from app.sync import bundle, journal
from app.sync.bundle import NotABundle
from app.sync.journal import Change, canonical_patch, entry_hash
from app.sync.stamp import Stamp
from central import access
from tests.field import FieldClock, Phone
from tests.sync.test_two_phones import assert_all_agree, photograph, snapshot
from tests.test_notebook_file import tiny_disk
from tests.valley import NOON, TABLES, UNITS, Valley, dump, told

IN_2031 = 1_924_000_000_000


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Phone]:
    """A phone on which nothing was ever recorded, enrolled nowhere."""
    phone = Phone(tmp_path / "fresh", FieldClock(NOON), seed=99)
    yield phone
    phone.close()


def quiet(_what: str, _done: int, _of: int) -> None:
    """Hears how far it has come and says nothing."""


async def out(phone: Phone) -> bytes:
    return await carry_out(phone.book, phone.files, quiet)


async def into(phone: Phone, data: bytes) -> Arrived:
    return await take_in(phone.book, phone.files, data, quiet)


async def a_morning(phone: Phone, visit: str) -> None:
    book = phone.book
    room = book.add_room(visit, "Phòng Nội vụ", roll=5)
    book.set_heads(visit, room, {"head_present": 4, "head_absent_excused": 1})
    book.answer(visit, "badge_worn_all", "no")
    book.remark(visit, "badge_worn_all", "Hai người quên thẻ")
    await photograph(phone, visit, 1, "attendance_room")
    book.edit_photo(book.visit(visit).photos[0], caption="Bảng niêm yết")
    phone.clock.advance(1000)  # type: ignore[attr-defined]
    await photograph(phone, visit, 2)


def entries(phone: Phone) -> list[journal.JournalEntry]:
    with phone.book.store.reading() as connection:
        return journal.select(connection, "1 = 1 ORDER BY device, epoch, seq")


def written(phone: Phone) -> list[tuple[str, str, int, str, str]]:
    """Who wrote what, entry by entry."""
    return [(e.device, e.epoch, e.seq, e.author, e.hash) for e in entries(phone)]


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def with_lines(data: bytes, change: Callable[[list[str]], list[str]]) -> bytes:
    """The bundle with its lines of entries changed."""
    members = parts(data)
    lines = change(members[bundle.ENTRIES].decode().splitlines(keepends=True))
    return packed(members | {bundle.ENTRIES: "".join(lines).encode()})


# --- what goes out comes in ----------------------------------------------------------------------------------------------


@told
async def test_a_visit_never_sent_is_carried_to_a_fresh_phone_as_it_was(valley: Valley, fresh: Phone) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await out(valley.cuc)
    arrived = await into(fresh, data)
    assert (arrived.entries, arrived.visits, arrived.photos) == (len(entries(valley.cuc)), {valley.visit}, 2)
    assert arrived.refused == [] and arrived.stopped == ""
    assert written(fresh) == written(valley.cuc)
    assert dump(fresh.book.store) == dump(valley.cuc.book.store)
    assert fresh.book.verify() is None
    assert fresh.book.visit(valley.visit).figures == valley.cuc.book.visit(valley.visit).figures
    for number in (1, 2):
        sha256 = fresh.book.visit(valley.visit).photos[number - 1].sha256
        assert fresh.files.read(sha256) == snapshot(number)
    assert fresh.book.reference.rounds.keys() == {"dot-1"}, "the round is known without any network"
    assert {unit.code for unit in fresh.book.reference.units} == {unit[0] for unit in UNITS}


@told
async def test_the_bundle_says_what_it_is_and_tells_no_secret(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await out(valley.cuc)
    members = parts(data)
    enrolment = valley.cuc.book.enrolment
    assert enrolment is not None
    head = json.loads(members["bundle.json"])
    number = len(entries(valley.cuc))
    assert head == {
        "format": "so-kiem-tra-bundle", "version": 1, "schema": 1, "exported_at": valley.cuc.clock(), "device_id": enrolment.device,
        "server_id": enrolment.server_id, "counts": {"entries": number, "visits": 1, "photos": 2, "previews": 2},
    }  # fmt: skip
    lines = [json.loads(line) for line in members["entries.jsonl"].splitlines()]
    assert len(lines) == number and {len(line) for line in lines} == {14}
    assert [line[3] for line in lines] == list(range(1, number + 1))
    assert enrolment.token.encode() not in data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED} and archive.testzip() is None
    assert await out(valley.cuc) == data, "the same notebook gives the same bytes"


@told
async def test_the_carried_visit_is_gone_on_with_by_its_own_device_and_reaches_central(
    valley: Valley, fresh: Phone
) -> None:
    await a_morning(valley.cuc, valley.visit)
    assert await valley.sync("cuc", ["", *["before"] * 10]) is not None, (
        "the line broke after the figures: no photo went"
    )
    await into(fresh, await out(valley.cuc))
    with valley.app.state.db.writing() as connection:
        code = access.new_code(connection, valley.app.state.settings.secret, "dung", "an", NOON)
    client = valley.clients["dung"]
    await fresh.enrol(client, code)
    fresh.book.answer(valley.visit, "badge_missing_count", 2)
    await fresh.sync(client)
    assert fresh.book.waiting().is_empty
    devices = {e.device: e.author for e in entries(fresh)}
    assert len(devices) == 2 and set(devices.values()) == {"cuc", "dung"}
    assert dump(fresh.book.store) == dump(valley.app.state.db)
    for photo in fresh.book.visit(valley.visit).photos:
        assert valley.app.state.photos.has(photo.sha256) and valley.app.state.photos.has(photo.preview)
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_twice_or_in_any_order_changes_nothing(valley: Valley, tmp_path: Path) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet("cuc", "dung")
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "yes")
    photo = valley.dung.book.visit(valley.visit).photos[0]
    valley.dung.clock.advance(60_000)  # type: ignore[attr-defined]
    valley.dung.book.edit_photo(photo, caption="bảng tin")
    await photograph(valley.dung, valley.visit, 3)
    bundles = [await out(valley.cuc), await out(valley.dung)]
    dumps = []
    for order in ([0, 1], [1, 0], [0, 1, 1, 0]):
        phone = Phone(tmp_path / f"{order}", FieldClock(NOON), seed=5)
        for number in order:
            arrived = await into(phone, bundles[number])
            assert arrived.refused == []
        assert phone.book.verify() is None
        again = await into(phone, bundles[order[0]])
        assert again.is_nothing_new and again.known > 0 and again.visits == set()
        named = {e.record: e.visit for e in entries(phone)}
        assert set(named.values()) == {valley.visit}, "whichever came first: every entry knows its visit"
        dumps.append((dump(phone.book.store), written(phone), phone.files.names(), phone.book.reference))
        phone.close()
    assert all(one[:3] == dumps[0][:3] for one in dumps)
    reading = {table: [row[0] for row in rows] for table, rows in dumps[0][0].items()}
    assert len(reading["photo"]) == 3 and set(reading) == set(TABLES)


@told
async def test_an_enrolled_phone_keeps_central_s_units_and_gets_only_the_checklists_it_lacks(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    members = parts(await out(valley.cuc))
    reference = json.loads(members[bundle.REFERENCE])
    old = json.loads(json.dumps(reference["templates"][0]))
    old["template"]["version"] = 0
    reference |= {"templates": [old], "units": [], "rounds": [], "teams": []}
    await into(valley.dung, packed(members | {bundle.REFERENCE: json.dumps(reference).encode()}))
    known = valley.dung.book.reference
    assert {t.version for t in known.templates.values()} == {0, 1}
    assert len(known.units) == 3 and known.rounds.keys() == {"dot-1"}


@told
async def test_a_tap_in_the_middle_of_carrying_is_kept_and_breaks_nothing(valley: Valley) -> None:
    for _ in range(120):
        valley.cuc.book.remark(valley.visit, "badge_worn_all", f"lần {_}")
    taps = iter(range(1000))

    def tap(what: str, _done: int, _of: int) -> None:
        if what == "entries":
            valley.cuc.book.answer(valley.visit, "badge_missing_count", next(taps))
            valley.dung.book.answer(valley.visit, "badge_missing_count", next(taps))

    before = len(entries(valley.cuc))
    data = await carry_out(valley.cuc.book, valley.cuc.files, tap)
    assert len(parts(data)[bundle.ENTRIES].splitlines()) == before, "what is tapped meanwhile is left for the next file"
    arrived = await take_in(valley.dung.book, valley.dung.files, data, tap)
    assert arrived.refused == [] and arrived.entries > 100
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_the_screen_gets_its_turn_between_any_two_photos_and_pages(valley: Valley, fresh: Phone) -> None:
    for number in range(60):
        await photograph(valley.cuc, valley.visit, number)
    turns = 0
    is_over = False

    async def screen() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await asyncio.sleep(0)

    drawing = asyncio.create_task(screen())
    data = await out(valley.cuc)
    after_writing = turns
    await into(fresh, data)
    is_over = True
    await drawing
    assert after_writing > 120 and turns - after_writing > 120, "a turn for every photo and preview"


# --- what was damaged is named ---------------------------------------------------------------------------------------------


@told
async def test_an_altered_line_is_refused_by_its_number_and_the_rest_is_taken(valley: Valley, fresh: Phone) -> None:
    await a_morning(valley.cuc, valley.visit)
    at = next(i for i, e in enumerate(entries(valley.cuc)) if '"value":"no"' in e.patch)

    def alter(lines: list[str]) -> list[str]:
        lines[at] = lines[at].replace('"no"', '"yes"')
        return lines

    arrived = await into(fresh, with_lines(await out(valley.cuc), alter))
    assert [refused.part for refused in arrived.refused] == [f"entries.jsonl:{at + 1}"]
    assert f"Dòng {at + 1}: bị hỏng hoặc bị sửa" in arrived.refused[0].words
    assert written(fresh) == [w for w in written(valley.cuc) if w[2] != at + 1]
    assert "yes" not in fresh.book.visit(valley.visit).values.values()
    whole = await into(fresh, await out(valley.cuc))
    assert whole.entries == 1 and dump(fresh.book.store) == dump(valley.cuc.book.store)


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace('","', '", "', 1)[:-3] + "\n",
        lambda line: "chữ lạ\n",
        lambda line: "[" * 100_000 + "\n",
        lambda line: json.dumps(json.loads(line)[:13]) + "\n",
        lambda line: json.dumps([*json.loads(line)[:13], "0" * 64]) + "\n",
        lambda line: json.dumps(["x", *json.loads(line)[1:]]) + "\n",
        lambda line: line.replace('"visit"', '"vi\\u0323t"', 1),
        lambda line: json.dumps([*json.loads(line)[:12], {"value": 1.5}, json.loads(line)[13]]) + "\n",
    ],
)
@told
async def test_a_line_that_is_none_costs_itself_only(
    valley: Valley, fresh: Phone, damage: Callable[[str], str]
) -> None:
    await a_morning(valley.cuc, valley.visit)

    def alter(lines: list[str]) -> list[str]:
        return [*lines[:3], damage(lines[3]), *lines[4:]]

    arrived = await into(fresh, with_lines(await out(valley.cuc), alter))
    assert [r.part for r in arrived.refused] == ["entries.jsonl:4"]
    assert written(fresh) == [w for w in written(valley.cuc) if w[2] != 4]


@told
async def test_a_line_taken_out_is_noticed_at_the_next_one_that_nothing_vouches_for(
    valley: Valley, fresh: Phone
) -> None:
    await a_morning(valley.cuc, valley.visit)
    arrived = await into(fresh, with_lines(await out(valley.cuc), lambda lines: lines[:3] + lines[4:]))
    assert [r.part for r in arrived.refused] == ["entries.jsonl:4", "entries.jsonl"]
    assert "thiếu dòng đứng trước" in arrived.refused[0].words and "Tệp thiếu 1 mục" in arrived.refused[1].words
    assert written(fresh) == [w for w in written(valley.cuc) if w[2] not in (4, 5)]


@told
async def test_a_gap_that_central_left_is_carried_as_it_is(valley: Valley, fresh: Phone) -> None:
    """What central refused never came to Dũng's phone; the entries behind it did."""
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 3)
    valley.cuc.book._record([Change("visit", "0" * 8 + valley.visit[8:], {"team": "doan-2"}, "")])  # not its own team
    await a_morning(valley.cuc, valley.visit)
    await valley.sync_until_quiet("cuc", "dung")
    seqs = [e.seq for e in entries(valley.dung)]
    assert seqs != list(range(1, len(seqs) + 1))
    arrived = await into(fresh, await out(valley.dung))
    assert arrived.refused == [] and written(fresh) == written(valley.dung) and fresh.book.verify() is None


@told
async def test_a_damaged_photo_is_refused_by_its_caption_and_unit(valley: Valley, fresh: Phone) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = bytearray(await out(valley.cuc))
    at = data.index(snapshot(1))
    data[at + 100] ^= 0xFF
    arrived = await into(fresh, bytes(data))
    photo = valley.cuc.book.visit(valley.visit).photos[0]
    assert [refused.part for refused in arrived.refused] == [f"photos/{photo.sha256}"]
    assert arrived.refused[0].words.startswith("Ảnh Bảng niêm yết, Xã Mường Lống: tệp ảnh bị hỏng")
    assert arrived.photos == 1 and not fresh.files.has(photo.sha256)
    assert written(fresh) == written(valley.cuc), "the entry that names it is there; the photo may come another way"


@told
async def test_one_byte_flipped_anywhere_lets_nothing_false_in(valley: Valley, tmp_path: Path) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole = await out(valley.cuc)
    known = set(written(valley.cuc))
    photos = valley.cuc.files.names()
    chance = random.Random(4)
    for round_ in range(40):
        data = bytearray(whole)
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        phone = Phone(tmp_path / f"flip{round_}", FieldClock(NOON), seed=5)
        arrived = await into(phone, bytes(data))
        assert set(written(phone)) <= known and len(written(phone)) >= len(known) - 2, at
        for name in phone.files.names():
            assert phone.files.is_intact(name) and name in photos
        lost = len(known) - len(written(phone)) + len(photos) - len(phone.files.names())
        assert not lost or arrived.refused, "what is missing is named"
        phone.close()
        shutil.rmtree(phone.folder)


@told
async def test_a_file_cut_short_gives_what_is_left_and_says_so(valley: Valley, tmp_path: Path) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole = await out(valley.cuc)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        places = {info.filename: info.header_offset for info in archive.infolist()}
    cuts = {
        "in the entries": places[bundle.SUMS] - 200,
        "in the last photo": max(places.values()) + 150,
        "in the list of contents": len(whole) - 40,
    }
    number, photos = len(entries(valley.cuc)), 2
    for cut, length in cuts.items():
        phone = Phone(tmp_path / cut, FieldClock(NOON), seed=5)
        arrived = await into(phone, whole[:length])
        assert "cắt cụt" in arrived.refused[0].words, cut
        match cut:
            case "in the entries":
                assert 0 < arrived.entries < number and arrived.photos == 0
                assert any("Thiếu" in r.words or "thiếu" in r.words for r in arrived.refused[1:])
            case "in the last photo":
                assert (arrived.entries, arrived.photos) == (number, photos - 1)
            case "in the list of contents":
                assert (arrived.entries, arrived.photos, len(arrived.refused)) == (number, photos, 1)
        whole_again = await into(phone, whole)
        assert whole_again.refused == [] and dump(phone.book.store) == dump(valley.cuc.book.store)
        phone.close()


NOT_BUNDLES: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda _: b"",
    "noise": lambda _: random.Random(1).randbytes(5000),
    "a photo": lambda _: snapshot(1),
    "a notebook": lambda folder: (folder / "cuc" / "notebook.sqlite").read_bytes(),
    "another ZIP": lambda _: packed({"ảnh/1.jpg": snapshot(1), "đọc tôi.txt": b"x"}),
    "a bundle of a newer version": lambda _: packed(
        {
            bundle.HEAD: json.dumps(
                {"format": bundle.FORMAT, "version": 2, "schema": 9, "exported_at": 1, "counts": {}}
            ).encode(),
            bundle.ENTRIES: b"",
        }
    ),
}


@pytest.mark.parametrize("what", NOT_BUNDLES)
@told
async def test_a_file_that_is_no_bundle_is_told_so_and_changes_nothing(valley: Valley, what: str) -> None:
    await a_morning(valley.dung, valley.visit) if what == "noise" else None
    before, names = dump(valley.dung.book.store), valley.dung.files.names()
    with pytest.raises(NotABundle, match="Sổ trên máy không thay đổi") as told_why:
        await into(valley.dung, NOT_BUNDLES[what](valley.folder))
    assert ("phiên bản mới hơn" in str(told_why.value)) == ("newer" in what)
    assert dump(valley.dung.book.store) == before and valley.dung.files.names() == names


@told
async def test_a_file_of_another_province_is_refused_until_it_turns_out_to_be_ones_own(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    members = parts(await out(valley.cuc))
    foreign = packed(
        members | {bundle.HEAD: json.dumps({**json.loads(members[bundle.HEAD]), "server_id": "t" * 32}).encode()}
    )
    before = dump(valley.dung.book.store)
    with pytest.raises(NotABundle, match=r"của một trung tâm khác, có thể của tỉnh khác\. Sổ trên máy không thay đổi"):
        await into(valley.dung, foreign)
    assert dump(valley.dung.book.store) == before
    with valley.dung.book.store.writing() as connection:
        note_central(connection, ["t" * 32])  # as `/reference` says after central was restored
    arrived = await into(valley.dung, foreign)
    assert arrived.refused == [] and arrived.entries > 0


@told
async def test_a_file_of_a_newer_schema_is_kept_as_it_is_and_read_as_far_as_it_is_known(
    valley: Valley, fresh: Phone
) -> None:
    await a_morning(valley.cuc, valley.visit)
    book = valley.cuc.book
    with book.store.writing() as connection:  # what a newer app on this phone would have written
        writer = journal.resume(connection, *(book.chain or ("", "")))
        patch = canonical_patch({"visit": valley.visit, "mood": "vui"}, "mood")
        digest = entry_hash(
            writer.head, writer.device, writer.epoch, writer.seq + 1, writer.last, writer.tx + 1, 0, SCHEMA + 1, "cuc",
            "mood", "m1", patch,
        )  # fmt: skip
        newer = journal.JournalEntry(
            writer.device, writer.epoch, writer.seq + 1, None, *writer.last, *writer.last, writer.tx + 1, 0, SCHEMA + 1,
            "cuc", "mood", "m1", patch, digest, valley.visit,
        )  # fmt: skip
        journal.insert(connection, [newer])
    arrived = await into(fresh, await out(valley.cuc))
    assert arrived.refused == [] and any(e.hash == newer.hash for e in entries(fresh))
    assert fresh.book.verify() is None and fresh.book.visit(valley.visit).photos


@told
async def test_a_bundle_packed_anew_on_an_office_pc_is_taken_too(valley: Valley, fresh: Phone) -> None:
    await a_morning(valley.cuc, valley.visit)
    arrived = await into(fresh, packed(parts(await out(valley.cuc)), zipfile.ZIP_DEFLATED))
    assert arrived.refused == [] and dump(fresh.book.store) == dump(valley.cuc.book.store) and arrived.photos == 2


@told
async def test_a_bomb_of_zeros_is_refused_and_the_rest_is_taken(valley: Valley, fresh: Phone) -> None:
    await a_morning(valley.cuc, valley.visit)
    bomb = {f"photos/{'0' * 64}": bytes(bundle.FILE_MAX + 1)}
    arrived = await into(fresh, packed(parts(await out(valley.cuc)) | bomb, zipfile.ZIP_DEFLATED))
    assert [r.part for r in arrived.refused] == [f"photos/{'0' * 64}"] and arrived.photos == 2


@told
async def test_a_full_phone_says_so_and_goes_on_from_there_later(valley: Valley, tmp_path: Path) -> None:
    for number in range(40):
        await photograph(valley.cuc, valley.visit, number)
    data = await out(valley.cuc)
    with tiny_disk(tmp_path) as disk:
        phone = Phone(disk / "phone", FieldClock(NOON), seed=5)
        ballast = disk / "other_app"
        ballast.write_bytes(b"x" * (shutil.disk_usage(disk).free - 256 * 1024))
        arrived = await into(phone, data)
        assert "Máy hết chỗ" in arrived.stopped
        ballast.unlink()
        rest = await into(phone, data)
        assert rest.stopped == "" and arrived.entries + rest.entries == len(entries(valley.cuc))
        assert arrived.photos + rest.photos == 40 and dump(phone.book.store) == dump(valley.cuc.book.store)
        phone.close()


@told
async def test_a_visit_whose_beginning_was_damaged_waits_for_it_and_its_photos_go_out(
    valley: Valley, fresh: Phone
) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole = await out(valley.cuc)
    arrived = await into(fresh, with_lines(whole, lambda lines: ["hỏng\n", *lines[1:]]))
    assert arrived.photos == 2 and fresh.book.visit_count() == 0
    assert fresh.book.waiting().photos == 2 and fresh.book.waiting().visits == {valley.visit}
    await into(fresh, whole)
    assert fresh.book.visit_count() == 1 and dump(fresh.book.store) == dump(valley.cuc.book.store)


@told
async def test_nobody_is_told_that_central_has_what_only_came_by_file(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    arrived = await into(valley.dung, await out(valley.cuc))
    assert arrived.of_others == arrived.entries > 0
    waiting = valley.dung.book.waiting()
    assert waiting.entries == 0 and waiting.brought == {valley.visit}, "whether central has them is not known yet"
    assert await valley.sync("dung", ["", "", "after"]) is not None
    assert valley.dung.book.waiting().brought == {valley.visit}, "central may have taken them and said so to nobody"
    assert await valley.sync("dung") is None
    assert valley.dung.book.waiting().brought == frozenset(), "central has handed the same entries out"
    await valley.sync_until_quiet("cuc", "dung")


# --- one's own entries, and lives that went apart ------------------------------------------------------------------------------


@told
async def test_a_phone_set_back_to_an_old_copy_takes_its_later_entries_from_its_own_file(valley: Valley) -> None:
    valley.cuc.close()
    shutil.copytree(valley.cuc.folder, valley.folder / "backup")
    valley.cuc.open()
    await a_morning(valley.cuc, valley.visit)
    data, before = await out(valley.cuc), written(valley.cuc)
    valley.cuc.close()
    shutil.rmtree(valley.cuc.folder)
    shutil.copytree(valley.folder / "backup", valley.cuc.folder)
    valley.cuc.open()
    arrived = await into(valley.cuc, data)
    assert arrived.refused == [] and written(valley.cuc) == before
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert valley.cuc.book.verify() is None and len({e.epoch for e in entries(valley.cuc)}) == 1
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_of_its_own_entries_a_phone_takes_none_behind_a_gap(valley: Valley) -> None:
    """Else its chain would have a hole that central never lets it past."""
    valley.cuc.close()
    shutil.copytree(valley.cuc.folder, valley.folder / "backup")
    valley.cuc.open()
    await a_morning(valley.cuc, valley.visit)
    data = with_lines(await out(valley.cuc), lambda lines: [*lines[:3], "hỏng\n", *lines[4:]])
    valley.cuc.close()
    shutil.rmtree(valley.cuc.folder)
    shutil.copytree(valley.folder / "backup", valley.cuc.folder)
    valley.cuc.open()
    arrived = await into(valley.cuc, data)
    assert len(entries(valley.cuc)) == 3 and "thiếu các mục đứng trước" in arrived.refused[-1].words
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    assert valley.cuc.book.verify() is None
    assert await valley.sync("cuc") is None and valley.cuc.book.waiting().entries == 0


@told
async def test_another_life_of_a_journal_is_refused_from_where_they_part(valley: Valley, fresh: Phone) -> None:
    valley.cuc.close()
    shutil.copytree(valley.cuc.folder, valley.folder / "copy")
    valley.cuc.open()
    copy = Phone(valley.folder / "copy", FieldClock(NOON), seed=6)
    for number in range(3):
        valley.cuc.book.answer(valley.visit, "badge_missing_count", number)
        copy.book.answer(valley.visit, "badge_missing_count", 7 + number)
    copy.book.answer(valley.visit, "badge_worn_all", "yes")
    await into(fresh, await out(valley.cuc))
    before = written(fresh)
    arrived = await into(fresh, await out(copy))
    copy.close()
    assert written(fresh) == before
    assert [r.part for r in arrived.refused] == [f"entries.jsonl:{n}" for n in (2, 3, 4, 5)]
    assert all("khác với mục cùng số đã có trên máy" in r.words for r in arrived.refused)


@told
async def test_what_central_knows_otherwise_stands_and_sync_goes_on(valley: Valley) -> None:
    """Cúc's notebook was carried to Dũng; then another copy of it was the one that reached central."""
    valley.cuc.close()
    shutil.copytree(valley.cuc.folder, valley.folder / "copy")
    valley.cuc.open()
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 7)
    await photograph(valley.cuc, valley.visit, 1)
    await into(valley.dung, await out(valley.cuc))
    assert len(valley.dung.book.visit(valley.visit).photos) == 1
    valley.cuc.close()
    shutil.rmtree(valley.cuc.folder)
    shutil.copytree(valley.folder / "copy", valley.cuc.folder)
    valley.cuc.open()
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 8)
    assert await valley.sync("cuc") is None
    assert await valley.sync("dung") is None
    assert dump(valley.dung.book.store) == dump(valley.app.state.db)
    assert valley.dung.book.verify() is None and valley.dung.book.visit(valley.visit).photos == ()


@told
async def test_a_clock_in_2031_is_not_carried_over(valley: Valley, fresh: Phone) -> None:
    valley.cuc.clock.ms = IN_2031  # type: ignore[attr-defined]
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 1)
    await into(fresh, await out(valley.cuc))
    late = [e for e in entries(fresh) if e.ms >= IN_2031]
    assert late and all(e.effective_ms <= NOON + 5 * 60_000 for e in late), "as authored, and counted as of about now"
    valley.clock.advance(1000)
    await valley.sync("cuc")
    with valley.app.state.db.writing() as connection:
        code = access.new_code(connection, valley.app.state.settings.secret, "dung", "an", NOON)
    await fresh.enrol(valley.clients["dung"], code)
    await fresh.sync(valley.clients["dung"])
    assert dump(fresh.book.store) == dump(valley.app.state.db), "central's word on when it counts replaces the guess"


@told
async def test_refused_and_moved_entries_are_carried_with_what_was_said_of_them(valley: Valley, fresh: Phone) -> None:
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 3)
    await valley.sync("cuc")
    with valley.cuc.book.store.writing() as connection:
        at = "WHERE seq = (SELECT max(seq) FROM entry)"
        connection.exec_driver_sql(f"UPDATE entry SET verdict = 'rejected', problem = '{{\"title\": \"x\"}}' {at}")
    valley.cuc.book.rebuild()
    data = await out(valley.cuc)
    assert len(parts(data)[bundle.VERDICTS].splitlines()) == 1
    await into(fresh, data)
    assert dump(fresh.book.store) == dump(valley.cuc.book.store)
    assert [(e.verdict, e.problem) for e in entries(fresh)] == [(e.verdict, e.problem) for e in entries(valley.cuc)], (
        "what central does not read is not read here either"
    )


@told
async def test_nobody_brings_in_units_or_rounds_as_entries(valley: Valley, fresh: Phone) -> None:
    await into(fresh, await out(valley.cuc))
    epoch, units = "ab" * 16, len(fresh.book.reference.units)
    patch: dict[str, Any] = {"code": "16831", "name": "Xã giả", "valid_from": "2025-07-01"}
    digest = journal.entry_hash(
        journal.genesis(epoch), "d" * 32, epoch, 1, Stamp(NOON, 0), 1, 0, 1, "cuc", "unit", "16831@2025-07-01",
        journal.canonical(patch),
    )  # fmt: skip
    line = [None, "d" * 32, epoch, 1, NOON, 0, 1, 0, 1, "cuc", "unit", "16831@2025-07-01", patch, digest]
    arrived = await into(
        fresh, with_lines(await out(valley.cuc), lambda lines: [*lines, json.dumps(line, ensure_ascii=False) + "\n"])
    )
    assert "loại chỉ trung tâm ghi" in arrived.refused[0].words and arrived.entries == 0
    assert fresh.book.find_units("xa gia") == [] and len(fresh.book.reference.units) == units
