"""The file road at central: what phones carried out comes in, what central carries out phones take, and nothing twice."""

import hashlib
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.sync import bundle, journal, ledger, upcast
from central import access, bundles, judge, quarantine
from central.cli import main
from central.database import rows
from central.photo_store import StoreFull
from central.verify import verify
from tests.central.conftest import Office
from tests.central.test_hq_pages import shown
from tests.field import FieldClock, Phone
from tests.sync.test_exchange import entries_at_central
from tests.sync.test_two_phones import assert_all_agree, own_entries
from tests.sync.test_withdrawn import officer
from tests.test_carrying import NOT_BUNDLES, a_morning, into, out, packed, parts, snapshot, with_lines
from tests.valley import NOON, Valley, dump, told

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@pytest.fixture
def kiemtra(valley: Valley, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types `kiemtra bundle …` at the valley's central; gives its status, what it said and what it complained of."""
    monkeypatch.setenv("KIEMTRA_DATA", str(valley.settings.data))
    monkeypatch.setattr("central.bundle_commands.system_clock", valley.clock)

    def command(*words: str | Path) -> tuple[int, str, str]:
        status = main(["bundle", *(str(word) for word in words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def file_of(valley: Valley, data: bytes, name: str = "so-kiem-tra.zip") -> Path:
    path = valley.folder / name
    path.write_bytes(data)
    return path


def findings(valley: Valley) -> list[str]:
    with valley.app.state.db.reading() as connection:
        return [str(finding) for finding in verify(connection, valley.app.state.photos)]


def with_head(data: bytes, **other: Any) -> bytes:
    """The bundle with members of its head replaced."""
    members = parts(data)
    return packed(members | {bundle.HEAD: json.dumps({**json.loads(members[bundle.HEAD]), **other}).encode()})


def state_of(valley: Valley) -> Any:
    """Everything central holds: the journal, its readings, its photos."""
    held = sorted(path.name for path in valley.settings.photos.rglob("*") if path.is_file())
    return entries_at_central(valley), dump(valley.app.state.db), held


# --- in -----------------------------------------------------------------------------------------------------------------


@told
async def test_a_phone_that_never_met_a_network_reaches_home_affairs_by_file(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    file = file_of(valley, await out(valley.cuc))
    before = len(entries_at_central(valley))
    status, said, complained = kiemtra("import", file)
    number = len(own_entries(valley.cuc)) - before
    assert (status, complained) == (0, "")
    assert f"Đã nhận {number} mục của 1 cuộc, 2 ảnh; {before} mục đã có từ trước." in said
    assert dump(valley.app.state.db) == dump(valley.cuc.book.store) and findings(valley) == []
    with valley.app.state.db.reading() as connection:
        received = {row["sha256"] for row in rows(connection, "SELECT sha256 FROM received_file")}
        who = rows(connection, "SELECT DISTINCT bringer FROM brought")
    assert received == valley.cuc.files.names() and who == [{"bringer": "kiemtra bundle import"}]
    for photo in valley.cuc.book.visit(valley.visit).photos:
        assert valley.app.state.photos.read(photo.sha256) == valley.cuc.files.read(photo.sha256)

    held = state_of(valley)
    status, said, _ = kiemtra("import", file)
    assert status == 0 and "Đã nhận 0 mục của 0 cuộc, 0 ảnh" in said and state_of(valley) == held
    await valley.sync("cuc")
    assert state_of(valley) == held, "the phone's own sync doubles nothing"
    assert not [asked for asked in valley.lines["cuc"].asked if "uploads" in asked], "and sends no photo again"
    assert valley.cuc.book.waiting().is_empty
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_parts_in_any_order_come_to_the_same(valley: Valley, kiemtra: Run) -> None:
    """Dũng's file has some of Cúc's entries too; lines lie shuffled, and an early file comes after the late one."""
    await a_morning(valley.cuc, valley.visit)
    early = await out(valley.cuc)
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    await into(valley.dung, early)
    valley.dung.book.answer(valley.visit, "badge_worn_all", "yes")

    def shuffled(lines: list[str]) -> list[str]:
        return random.Random(3).sample(lines, len(lines))

    files = [await out(valley.dung), await out(valley.cuc), early]
    unsorted = parts(with_lines(files[1], shuffled))
    for number, data in enumerate([files[0], packed(unsorted), files[1], files[2]]):
        kiemtra("import", file_of(valley, data, f"{number}.zip"))
    await into(valley.dung, files[1])
    assert findings(valley) == []
    assert dump(valley.app.state.db) == dump(valley.dung.book.store)
    await valley.sync_until_quiet("cuc", "dung")
    assert_all_agree(valley, [valley.visit])


@told
async def test_damaged_parts_are_named_and_the_sound_rest_is_taken(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole = await out(valley.cuc)

    def fifth_altered(lines: list[str]) -> list[str]:
        line = json.loads(lines[4])
        line[12]["value"] = 26
        return [*lines[:4], json.dumps(line, ensure_ascii=False) + "\n", *lines[5:]]

    data = bytearray(with_lines(whole, fifth_altered))
    data[data.index(snapshot(1)) + 100] ^= 0xFF
    file = file_of(valley, bytes(data))
    status, said, complained = kiemtra("import", file)
    photo = valley.cuc.book.visit(valley.visit).photos[0]
    assert status == 1 and "không nhận 2 phần" in complained and "Hãy xuất tệp lại từ máy" in complained
    assert "entries.jsonl:5: Dòng 5: Mục bị hỏng" in complained
    assert f"photos/{photo.sha256}: Ảnh Bảng niêm yết, Xã Mường Lống: tệp ảnh bị hỏng" in complained
    assert not valley.app.state.photos.has(photo.sha256) and " 1 ảnh;" in said
    [waiting] = findings(valley)
    assert "mục 5–5" in waiting and "đang chờ các máy gửi lại" in waiting
    assert kiemtra("import", file_of(valley, whole))[0] == 0
    assert findings(valley) == [] and dump(valley.app.state.db) == dump(valley.cuc.book.store)


@told
async def test_one_byte_flipped_anywhere_lets_nothing_false_in(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole, known = await out(valley.cuc), set(own_entries(valley.cuc))
    before = len(entries_at_central(valley))
    chance = random.Random(4)
    for _ in range(25):
        valley.back_up_central("before")
        data = bytearray(whole)
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        status, _, complained = kiemtra("import", file_of(valley, bytes(data)))
        held = entries_at_central(valley)
        assert set(held) <= known and len(held) >= len(known) - 2, at
        photos = {path.name for path in valley.settings.photos.rglob("*") if path.is_file()}
        assert photos <= valley.cuc.files.names()
        assert all(valley.app.state.photos.is_intact(name) for name in photos)
        is_whole = len(held) == len(known) and photos == valley.cuc.files.names()
        assert is_whole or (status == 1 and complained), "what is missing is named"
        valley.replace_central("before")
        shutil.rmtree(valley.folder / "before")
        assert len(entries_at_central(valley)) == before


@told
async def test_half_a_file_gives_what_is_left_and_says_so(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    whole = await out(valley.cuc)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        places = [info.header_offset for info in archive.infolist()]
    status, said, complained = kiemtra("import", file_of(valley, whole[: max(places) + 150]))
    assert status == 1 and " 1 ảnh;" in said and "Tệp bị cắt cụt" in complained, complained
    assert "Tệp thiếu 1 ảnh so với lúc xuất" in complained or "tệp ảnh bị hỏng" in complained
    assert dump(valley.app.state.db) == dump(valley.cuc.book.store)
    status, _, complained = kiemtra("import", file_of(valley, whole[:800]))
    assert status == 1 and "Tệp bị cắt cụt" in complained
    assert kiemtra("import", file_of(valley, whole))[0] == 0 and findings(valley) == []


@pytest.mark.parametrize("what", NOT_BUNDLES)
def test_a_file_that_is_no_bundle_is_told_so_and_changes_nothing(valley: Valley, kiemtra: Run, what: str) -> None:
    held = state_of(valley)
    status, _, complained = kiemtra("import", file_of(valley, NOT_BUNDLES[what](valley.folder)))
    assert status == 1 and "Chưa nhận gì" in complained and "Nothing was taken" in complained
    assert ("cập nhật phần mềm của trung tâm" in complained) == ("newer" in what)
    assert state_of(valley) == held


def test_a_file_that_is_not_there_is_said_to_be(valley: Valley, kiemtra: Run) -> None:
    status, _, complained = kiemtra("import", valley.folder / "none.zip")
    assert status == 1 and "Không đọc được tệp" in complained


@told
async def test_a_bomb_is_refused_by_name_and_the_rest_is_taken(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    bomb = {f"photos/{'0' * 64}": bytes(bundle.FILE_MAX + 1)}
    data = packed(parts(await out(valley.cuc)) | bomb, zipfile.ZIP_DEFLATED)
    status, _, complained = kiemtra("import", file_of(valley, data))
    assert status == 1 and f"photos/{'0' * 64}: Ảnh 000000000000" in complained
    assert dump(valley.app.state.db) == dump(valley.cuc.book.store) and findings(valley) == []


# --- whose file it is ------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Valley]:
    """Another province, where somebody has the same name and a team the same number."""
    (tmp_path / "elsewhere").mkdir()
    valley = Valley(tmp_path / "elsewhere")
    valley.replace_central()  # its own id, its own devices
    with valley.app.state.db.writing() as connection:
        connection.exec_driver_sql("UPDATE device SET id = 'x' || id")
        connection.exec_driver_sql("DELETE FROM device")
        code = access.new_code(connection, valley.settings.secret, "cuc", "an", NOON)
    valley.code = code  # type: ignore[attr-defined]
    yield valley
    valley.close()


@told
async def test_another_province_s_file_is_refused_as_a_whole(valley: Valley, elsewhere: Valley, kiemtra: Run) -> None:
    phone = Phone(elsewhere.folder / "new", FieldClock(NOON), seed=77)
    await phone.enrol(elsewhere.clients["cuc"], elsewhere.code)  # type: ignore[attr-defined]
    await phone.sync(elsewhere.clients["cuc"])
    await a_morning(phone, phone.book.start_visit("Xã bên kia"))
    data = await out(phone)
    theirs = elsewhere.app.state.db.server_id
    held = state_of(valley)
    status, _, complained = kiemtra("import", file_of(valley, data))
    assert status == 1 and "của một trung tâm khác, có thể của tỉnh khác" in complained
    assert f"kiemtra bundle import --from {theirs}" in complained and state_of(valley) == held
    headless = packed({name: data for name, data in parts(data).items() if name != bundle.HEAD})
    status, _, complained = kiemtra("import", file_of(valley, headless))
    assert status == 1 and "máy này chưa ghi danh ở trung tâm" in complained
    assert (entries_at_central(valley), dump(valley.app.state.db)) == held[:2]
    assert kiemtra("import", "--from", theirs, file_of(valley, data))[0] == 0
    assert len(entries_at_central(valley)) == len(held[0]) + len(own_entries(phone))
    phone.close()


@told
async def test_a_file_from_before_central_was_restored_is_its_own(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await out(valley.cuc)
    valley.app.state.db.restored()
    valley.app.state.db.restored()
    device = valley.cuc.book.enrolment.device  # type: ignore[union-attr]
    assert kiemtra("import", file_of(valley, with_head(data, device_id="a phone of the day it was lost")))[0] == 0
    assert kiemtra("import", file_of(valley, with_head(data, server_id="forgotten", device_id=device)))[0] == 0
    assert dump(valley.app.state.db) == dump(valley.cuc.book.store)


@told
async def test_a_file_of_an_older_schema_reads_as_the_present_one(
    valley: Valley, kiemtra: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    valley.cuc.book.answer(valley.visit, "badge_worn_all", "no")
    data = await out(valley.cuc)
    for module in (upcast, journal, ledger, judge, bundles):
        monkeypatch.setattr(module, "SCHEMA", 2)
    monkeypatch.setitem(upcast.STEPS, 1, lambda _k, _r, patch: {**patch, "value": "yes"} if "value" in patch else patch)
    status, said, complained = kiemtra("import", file_of(valley, data))
    assert (status, complained) == (0, "") and "mới hơn" not in said
    with valley.app.state.db.reading() as connection:
        assert rows(connection, "SELECT value FROM answer") == [{"value": '"yes"'}]
    assert findings(valley) == []


@told
async def test_a_file_of_a_newer_schema_is_kept_as_it_is_and_says_so(
    valley: Valley, kiemtra: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (journal, ledger):
        monkeypatch.setattr(module, "SCHEMA", 2)
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 3)
    data = with_head(await out(valley.cuc), schema=2)
    monkeypatch.undo()
    monkeypatch.setenv("KIEMTRA_DATA", str(valley.settings.data))
    status, said, complained = kiemtra("import", file_of(valley, data))
    assert (status, complained) == (0, "") and "hãy cập nhật phần mềm của trung tâm để đọc được hết" in said
    assert entries_at_central(valley) == own_entries(valley.cuc) and findings(valley) == []


@told
async def test_what_a_withdrawn_phone_s_file_holds_is_kept_apart(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await out(valley.cuc)
    device = valley.cuc.book.enrolment.device  # type: ignore[union-attr]
    with valley.app.state.db.writing() as connection:
        access.revoke(connection, device, NOON)
    held = entries_at_central(valley)
    status, _, complained = kiemtra("import", file_of(valley, data))
    assert status == 1 and "Mục của máy đã bị thu hồi, chờ Sở Nội vụ xem" in complained
    with valley.app.state.db.reading() as connection:
        assert quarantine.count(connection, device) == len(own_entries(valley.cuc)) - len(held)
    assert entries_at_central(valley) == held


# --- photos ------------------------------------------------------------------------------------------------------------------


@told
async def test_a_photo_half_uploaded_by_its_phone_is_completed_from_the_file(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    data, store = await out(valley.cuc), valley.app.state.photos
    first, second = (photo.sha256 for photo in valley.cuc.book.visit(valley.visit).photos)
    store.append(first, 0, valley.cuc.files.read(first)[:100])
    store.append(second, 0, b"what a broken phone sent")
    assert kiemtra("import", file_of(valley, data))[0] == 0
    assert store.is_intact(first) and store.is_intact(second) and not list((valley.settings.photos / "parts").iterdir())


def test_a_phone_that_sends_the_same_photo_just_then_mixes_nothing_in(valley: Valley) -> None:
    store, data = valley.app.state.photos, snapshot(1) * 3
    name = hashlib.sha256(data).hexdigest()

    class Busy:
        """The store, into which a phone writes between any two looks of ours."""

        turns = 0

        def __getattr__(self, method: str) -> Any:
            if method in ("append", "finish") and self.turns < 4:
                self.turns += 1
                store.append(name, at := store.offset(name), data[at : at + 50])
            return getattr(store, method)

    bundles.keep_photo(Busy(), name, data)
    assert store.read(name) == data


@told
async def test_a_full_photo_store_says_so_and_goes_on_from_there(
    valley: Valley, kiemtra: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_morning(valley.cuc, valley.visit)
    file = file_of(valley, await out(valley.cuc))
    keep = bundles.keep_photo
    kept: list[str] = []

    def until_full(photos: Any, sha256: str, data: bytes) -> None:
        if len(kept) == 3:
            raise StoreFull("no space left")
        keep(photos, sha256, data)
        kept.append(sha256)

    monkeypatch.setattr(bundles, "keep_photo", until_full)
    status, _, complained = kiemtra("import", file)
    assert status == 1 and "Kho ảnh của trung tâm hết chỗ" in complained
    with valley.app.state.db.reading() as connection:
        assert {row["sha256"] for row in rows(connection, "SELECT sha256 FROM received_file")} == set(kept)
    monkeypatch.setattr(bundles, "keep_photo", keep)
    assert kiemtra("import", file)[0] == 0 and findings(valley) == []


# --- out ---------------------------------------------------------------------------------------------------------------------


@told
async def test_what_central_carries_out_any_phone_of_the_team_takes_in(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    theirs = valley.hoa.book.start_visit("Trạm y tế")
    await valley.sync_until_quiet("cuc", "hoa")
    file = valley.folder / "doan-1.zip"
    status, said, _ = kiemtra("export", file, "--team", "doan-1")
    assert status == 0 and f"Đã xuất 1 cuộc, {len(own_entries(valley.cuc))} mục, 2 ảnh" in said
    phone = Phone(valley.folder / "new", FieldClock(NOON), seed=8)
    arrived = await into(phone, file.read_bytes())
    assert arrived.refused == [] and arrived.photos == 2 and arrived.visits == {valley.visit}
    assert dump(phone.book.store) == dump(valley.cuc.book.store)
    assert phone.book.reference.rounds.keys() == {"dot-1"} and phone.book.verify() is None
    phone.close()
    before = dump(valley.dung.book.store)
    await into(valley.dung, file.read_bytes())
    await valley.sync_until_quiet("cuc", "dung")
    assert dump(valley.dung.book.store) == dump(valley.cuc.book.store) != before

    assert kiemtra("export", file, "--visit", theirs)[0] == 0
    assert {
        json.loads(line)[11].partition("/")[0] for line in parts(file.read_bytes())[bundle.ENTRIES].splitlines()
    } == {theirs}
    assert b"doan-1" not in parts(file.read_bytes())[bundle.REFERENCE], "the other team's plan stays here"


@told
async def test_central_takes_its_own_file_and_a_new_central_takes_it_whole(valley: Valley, kiemtra: Run) -> None:
    await a_morning(valley.cuc, valley.visit)
    valley.cuc.book._record([journal.Change("visit", "0" * 8 + valley.visit[8:], {"team": "doan-2"}, "")])
    await valley.sync_until_quiet("cuc", "dung")
    file = valley.folder / "all.zip"
    assert kiemtra("export", file)[0] == 0
    held = state_of(valley)
    status, said, _ = kiemtra("import", file)
    assert status == 0 and "Đã nhận 0 mục" in said and state_of(valley) == held
    valley.replace_central()
    former = json.loads(parts(file.read_bytes())[bundle.HEAD])["server_id"]
    assert kiemtra("import", file, "--from", former)[0] == 1
    assert state_of(valley) == held, "what had been refused is refused again, and in its place"
    assert findings(valley) == []
    await valley.sync_until_quiet("cuc", "dung")
    assert entries_at_central(valley) == held[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--team", "doan-9"], "Không có đoàn"), (["--visit", "none"], "Không có cuộc kiểm tra")],
    ids=str,
)
def test_what_is_not_there_is_not_written(valley: Valley, kiemtra: Run, words: list[str], said: str) -> None:
    file = valley.folder / "x.zip"
    status, _, complained = kiemtra("export", file, *words)
    assert status == 1 and said in complained and not list(valley.folder.glob("x.zip*"))


def test_a_folder_that_cannot_be_written_keeps_what_is_there(valley: Valley, kiemtra: Run) -> None:
    status, _, complained = kiemtra("export", valley.folder / "none" / "x.zip")
    assert status == 1 and "Không ghi được tệp" in complained


# --- at the office's door ------------------------------------------------------------------------------------------------------


def brought(window: Office, data: bytes, name: str = "so-kiem-tra.zip") -> str:
    """What the page says after the form was sent with a file."""
    answer = window.post("/hq/devices/bundle", data={"csrf": window.token()}, files={"file": (name, data)})
    assert answer.status_code in (200, 422), answer.text
    return shown(answer.text)


@told
async def test_an_officer_takes_in_a_phone_s_file_and_reads_the_visit(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    data = await out(valley.cuc)
    window = officer(valley)
    assert "2 ảnh; 1 mục đã có từ trước." in (said := brought(window, data)) and "Không nhận" not in said
    assert (
        "Xã Mường Lống" in window.open("/hq/visits").text
        and "Hai người quên thẻ" in window.open(f"/hq/visits/{valley.visit}").text
    )
    assert "Đã nhận 0 mục của 0 cuộc, 0 ảnh" in brought(window, data)
    with valley.app.state.db.reading() as connection:
        assert rows(connection, "SELECT DISTINCT bringer FROM brought") == [{"bringer": "binh"}]
    held = state_of(valley)
    await valley.sync("cuc")
    assert state_of(valley) == held and findings(valley) == []


@told
async def test_the_page_names_what_was_damaged_and_refuses_what_is_no_bundle(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    window, whole = officer(valley), await out(valley.cuc)
    data = bytearray(whole)
    data[data.index(snapshot(1)) + 100] ^= 0xFF
    said = brought(window, bytes(data))
    assert "Không nhận 1 phần" in said and "Ảnh Bảng niêm yết, Xã Mường Lống: tệp ảnh bị hỏng" in said
    held = state_of(valley)
    assert "Tệp này không phải tệp sổ" in brought(window, b"\xff\xd8\xff" + bytes(5000))
    assert "Tệp này không phải tệp sổ" in brought(window, b"")
    assert "của một trung tâm khác" in brought(window, with_head(whole, server_id="x", device_id="y"))
    without = window.post("/hq/devices/bundle", data={"csrf": window.token()})
    assert without.status_code == 422 and state_of(valley) == held


def test_nothing_of_a_file_is_read_for_whoever_is_not_signed_in(valley: Valley) -> None:
    asked = 0

    def endless() -> Iterator[bytes]:
        nonlocal asked
        while asked < 100:
            asked += 1
            yield bytes(1_000_000)

    stranger = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    answer = stranger.post(
        "/hq/devices/bundle", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 303 and answer.headers["location"].startswith("/hq/sign-in")
    window = officer(valley)
    forged = window.post("/hq/devices/bundle", data={"csrf": "0" * 64}, files={"file": ("a.zip", b"PK")})
    assert forged.status_code == 403


def test_a_file_too_large_for_the_form_is_sent_by_another_door(valley: Valley, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.bodies.BUNDLE_MAX", 3_000_000)
    window = officer(valley)
    token = window.token()
    answer = window.post("/hq/devices/bundle", data={"csrf": token}, files={"file": ("a.zip", bytes(4_000_000))})
    assert answer.status_code == 413 and "kiemtra bundle import" in answer.text
