"""`kiemtra verify` names the place where anything that central keeps of a visit is no longer as it was written."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, text

from app.records import READINGS
from app.sync import merge
from app.sync.journal import Change, JournalEntry, select
from app.sync.stamp import new_uuid7
from central import access
from central.app import create_app
from central.database import Database
from central.intake import write_as_central
from central.people import add_user
from central.photo_store import PhotoStore
from central.settings import PasswordCost, Settings
from central.verify import verify
from tests.field import MORNING, FieldClock, Phone

COLUMNS = JournalEntry._fields
EVIDENCE: dict[str, dict[str, Any]] = {
    "finding": {"item": "badge_worn_all", "severity": "major", "text": "Ba người không đeo thẻ", "position": 1},
    "observation": {"observation_kind": "strength", "text": "Niêm yết đủ"},
    "recommendation": {"text": "Đeo thẻ khi làm việc", "owner": "Chủ tịch UBND xã", "deadline": "2026-03-31"},
    "person": {"role": "team_leader", "name": "Lê Văn An", "post": "Trưởng đoàn", "body": "Sở Nội vụ"},
    "ground": {"document_type": "decision", "document_number": "12/QĐ-SNV", "issued_on": "2026-01-05"},
    "document": {"document_type": "plan", "document_number": "3/KH-UBND", "circulation": "limited"},
    "remediation": {"about_kind": "notice", "about": "n1", "remediation_status": "partly", "removed": True},
    "supplement": {"text": "Đếm lại phòng Kinh tế", "position": 1},
    "signature": {"role": "team_leader", "method": "drawn_on_screen", "strokes": [[1, 2, 30, 40]], "signed_at": 5,
                  "covers": [["d", "e", 1, 7]], "content": "ab" * 32, "supplement": "s1"},
}  # fmt: skip


@dataclass
class Evening:
    """Central after two phones have synced one visit."""

    app: FastAPI
    folder: Path
    visit: str

    def findings(self, visit: str | None = None) -> list[str]:
        with self.app.state.db.reading() as connection:
            return [str(finding) for finding in verify(connection, self.app.state.photos, visit)]

    def findings_after(self, alter: Callable[[Connection], object]) -> list[str]:
        """What is found after an alteration, which is then taken back."""
        with self.app.state.db.writing() as connection:
            alter(connection)
            found = [str(finding) for finding in verify(connection, self.app.state.photos)]
            connection.rollback()
        return found

    def entries(self) -> list[JournalEntry]:
        with self.app.state.db.reading() as connection:
            return select(connection, "1 = 1 ORDER BY device, epoch, seq")


async def record_and_sync(app: FastAPI, folder: Path) -> str:
    clock = FieldClock(MORNING)
    phones = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central") as client:
        for number, user in enumerate(("cuc", "dung")):
            with app.state.db.writing() as connection:
                code = access.new_code(connection, app.state.settings.secret, user, "an", MORNING)
            phone = Phone(folder / user, clock, seed=number)
            await phone.enrol(client, code)
            phones.append(phone)
        cuc, dung = phones
        visit = cuc.book.start_visit(cuc.book.find_units("muong long")[0])
        kitchen = cuc.book.add_room(visit, "Phòng Kinh tế", roll=8)
        cuc.book.set_heads(visit, kitchen, {"head_present": 6, "head_absent_unexcused": 2})
        cuc.book.answers(visit, [("one_stop_arrangement", "own_desk", ""), ("absence_reasons", ["meeting"], kitchen)])
        cuc.book.remark(visit, "one_stop_arrangement", "Quầy đặt ở tầng hai")
        cuc.book.add_photo(visit, await cuc.photograph("bảng niêm yết"), item="tthc_board_photo", caption="Bảng giấy")
        directive = cuc.book.add_row(visit, "directives", "Chỉ thị 26/CT-TTg")
        await cuc.sync(client)
        await dung.sync(client)
        clock.advance(60_000)
        dung.book.set_heads(visit, kitchen, {"head_present": 7})
        dung.book.remove_row(visit, directive)
        gone = dung.book.visit(visit).photos[0]
        dung.book.remove_photo(gone)
        unknown = {"visit": visit, "title": "Góp ý của người dân", "weight": 3}
        elsewhere = new_uuid7(MORNING, bytes(10))
        second = cuc.book.start_visit("Trạm Y tế bản Xám")
        with_future = [
            Change("citizen_feedback", elsewhere, unknown, visit),
            Change("answer", f"{visit}//no_such_item", {"value": "yes"}, visit),
            Change("answer", f"{elsewhere}//good_practice", {"value": "…"}, elsewhere),
            Change("answer", f"{second}//good_practice", {"value": "Trước khi cuộc được gửi về"}, second),
            Change("visit", visit, {"weather": "mưa", "planned": 7}, visit),
        ]
        dung.book._record(with_future)
        dung.book._record(
            [Change(kind, f"{kind}-1", {"visit": visit, **said}, visit) for kind, said in EVIDENCE.items()]
        )
        clock.advance(24 * 3_600_000)  # this phone's clock runs a day ahead
        dung.book.remark(visit, "good_practice", "Nhóm Zalo")
        await dung.sync(client)
        await cuc.sync(client)
        for phone in phones:
            phone.close()
    return visit


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder = tmp_path_factory.mktemp("evening")
    settings = Settings.in_folder(folder / "central", b"k" * 32, password_cost=PasswordCost(memory_kib=8, rounds=1))
    app = create_app(settings, lambda: MORNING)
    with app.state.db.writing() as connection:
        for user in ("cuc", "dung"):
            add_user(connection, user, user, "inspector", "doan-1")
        body = Phone(folder / "office").book.reference.templates["spot_check_default@1"].body
        changes = [
            Change("team", "doan-1", {"name": "Đoàn số 1", "team_kind": "inspection_team"}, ""),
            Change("unit", "16831@2025-07-01", {"code": "16831", "name": "Xã Mường Lống", "folded": "x"}, ""),
            Change("round", "dot-1", {"name": "Đợt 1", "teams": ["doan-1"], "is_demo": True}, ""),
            Change("notice", "n1", {"unit_code": "16831", "document_number": "2917/TB"}, ""),
            Change("calendar_day", "2026-09-02", {"day": "2026-09-02", "hours": [], "note": "Quốc khánh"}, ""),
            Change("template", "spot_check_default@1", {"code": "spot_check_default", "version": 1, "body": dict(body)}, ""),
        ]  # fmt: skip
        write_as_central(connection, app.state.db.central_device, "an", changes, MORNING)
    visit = asyncio.run(record_and_sync(app, folder))
    yield Evening(app, folder, visit)
    app.state.db.close()


def test_an_evening_with_every_kind_of_entry_is_clean(evening: Evening) -> None:
    entries = evening.entries()
    assert {e.verdict for e in entries} == {"applied", "rejected", "pending"}
    assert {e.kind for e in entries} >= {"visit", "count", "row", "answer", "photo", "citizen_feedback", "template"}
    early = next(e for e in entries if e.fields.get("value") == "Trước khi cuộc được gửi về")
    assert early.verdict == "applied" and early.position == max(e.position or 0 for e in entries), "settled later"
    assert any((e.effective_ms, e.effective_counter) != (e.ms, e.counter) for e in entries), "one stamp was capped"
    assert evening.findings() == [] and evening.findings(evening.visit) == []


def altered(value: Any, dice: random.Random) -> list[Any]:
    """Other values for a cell: for text a byte changed, broken, cut, emptied; for numbers one more and one with another bit."""
    if value is None:
        return ["x", 1]
    if isinstance(value, int):
        return [value + 1, value ^ (1 << dice.randrange(6))]
    if not value:
        return ["x"]
    data = value.encode()
    at = dice.randrange(len(data))
    flipped = data[:at] + bytes([data[at] ^ 1 << dice.randrange(7)]) + data[at + 1 :]
    broken = data[:at] + b"\xff" + data[at + 1 :]
    return [flipped, broken, data[:-1], b""]


def write_cell(connection: Connection, table: str, column: str, where: dict[str, Any], value: Any) -> None:
    """Bytes are written as text that SQLite does not look into, as a slip of the disk would."""
    written = "CAST(:value AS TEXT)" if isinstance(value, bytes) else ":value"
    condition = " AND ".join(f"{key} = :where_{key}" for key in where)
    values = {f"where_{key}": given for key, given in where.items()}
    statement = text(f'UPDATE "{table}" SET "{column}" = {written} WHERE {condition}')
    assert connection.execute(statement, {"value": value, **values}).rowcount == 1


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_an_entry_vouches_for_itself(evening: Evening, column: str) -> None:
    dice = random.Random(column)
    entries = evening.entries()
    telling = [
        next(e for e in entries if e.verdict == "rejected"),
        next(e for e in entries if e.verdict == "pending"),
        next(e for e in entries if e.effective_ms != e.ms),
        next(e for e in entries if e.kind == "photo" and "sha256" in e.fields),
        next(e for e in entries if e.kind == "calendar_day"),
        entries[-1],
    ]
    for entry in telling:
        where = {"device": entry.device, "epoch": entry.epoch, "seq": entry.seq}
        present = getattr(entry, column)
        # Numbers that stand for one entry alone cannot be made those of another: the database refuses it.
        for value in [present + 100_000] if column in ("seq", "position") else altered(present, dice):
            found = evening.findings_after(lambda c, v=value, w=where: write_cell(c, "entry", column, w, v))
            place = f"máy {entry.device} nhánh {entry.epoch} mục {entry.seq}: "
            assert any(line.startswith(place) for line in found), (column, value, found)


def test_two_entries_that_change_places_are_noticed(evening: Evening) -> None:
    first, second = [e for e in evening.entries() if e.kind == "answer"][:2]

    def swap(connection: Connection) -> None:
        for entry, other in ((first, second), (second, first)):
            where = {"device": entry.device, "epoch": entry.epoch, "seq": entry.seq}
            for column in ("record", "patch"):
                write_cell(connection, "entry", column, where, getattr(other, column))

    assert any(f"mục {first.seq}: " in line for line in evening.findings_after(swap))


@pytest.mark.parametrize("which", ["first", "middle", "last", "last two", "all"])
@pytest.mark.parametrize("table", ["entry", "receipt"])
def test_an_entry_taken_out_anywhere_is_missed(evening: Evening, which: str, table: str) -> None:
    chain = [e for e in evening.entries() if e.kind not in READINGS or e.author == "cuc"]
    epoch, last = chain[0].epoch, max(e.seq for e in chain if e.epoch == chain[0].epoch)
    gone = {
        "first": [1],
        "middle": [last // 2],
        "last": [last],
        "last two": [last - 1, last],
        "all": [*range(1, last + 1)],
    }[which]

    def take_out(connection: Connection) -> None:
        for seq in gone:
            where = "WHERE epoch = :epoch AND seq = :seq"
            assert connection.execute(text(f"DELETE FROM {table} {where}"), {"epoch": epoch, "seq": seq}).rowcount == 1

    found = evening.findings_after(take_out)
    for seq in gone:
        assert any(f"nhánh {epoch} mục {seq}: " in line for line in found), found


def test_an_entry_slipped_in_at_the_end_is_noticed(evening: Evening) -> None:
    last = evening.entries()[-1]
    slipped = last._replace(seq=last.seq + 1, position=(last.position or 0) + 10_000)

    def slip(connection: Connection) -> None:
        names = ", ".join(COLUMNS)
        statement = text(f"INSERT INTO entry ({names}) VALUES ({', '.join(f':{c}' for c in COLUMNS)})")
        connection.execute(statement, slipped._asdict())

    assert any(f"mục {last.seq + 1}: " in line for line in evening.findings_after(slip))


def cells(evening: Evening) -> list[tuple[str, str, str, Any]]:
    """(kind, id, column, value) of everything in the typed tables."""
    found = []
    with evening.app.state.db.reading() as connection:
        for kind in [*READINGS, "other"]:
            table = READINGS[kind].__tablename__ if kind in READINGS else "other"
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                named = row["kind"] if kind == "other" else kind
                found += [(named, row["id"], column, value) for column, value in row.items()]
    return found


@pytest.mark.parametrize("kind", [*READINGS, "citizen_feedback"])
def test_every_cell_of_the_readings_is_compared_with_the_journal(evening: Evening, kind: str) -> None:
    dice = random.Random(kind)
    table = str(READINGS[kind].__tablename__) if kind in READINGS else "other"
    mine = [cell for cell in cells(evening) if cell[0] == kind]
    assert mine or kind == "team", kind
    for _, record_id, column, value in mine:
        other = dice.choice(altered(value, dice))
        if column in ("id", "kind") and other == b"":
            other = b"x"
        found = evening.findings_after(
            lambda c, r=record_id, col=column, o=other: write_cell(c, table, col, {"id": r}, o)
        )
        assert any(line.startswith(f"bảng {kind} {record_id}: ") for line in found), (column, value, other, found)


def test_a_row_taken_out_of_the_readings_or_put_in_is_noticed(evening: Evening) -> None:
    for kind, record_id, column, _ in cells(evening):
        if column != "id":
            continue
        table = str(READINGS[kind].__tablename__) if kind in READINGS else "other"
        found = evening.findings_after(
            lambda c, t=table, r=record_id: c.execute(text(f'DELETE FROM "{t}" WHERE id = :id'), {"id": r})
        )
        assert any(line.startswith(f"bảng {kind} {record_id}: ") for line in found)
    for table, kind in (("answer", "answer"), ("other", "rumour")):
        columns, values = ("kind, id", ":k, 'made-up'") if table == "other" else ("id", "'made-up'")
        put_in = text(f"INSERT INTO {table} ({columns}) VALUES ({values})")
        found = evening.findings_after(lambda c, s=put_in, k=kind: c.execute(s, {"k": k} if ":k" in str(s) else {}))
        assert any(line.startswith(f"bảng {kind} made-up: ") for line in found)


def test_a_rebuild_puts_the_readings_right_again(evening: Evening) -> None:
    def alter_then_rebuild(connection: Connection) -> None:
        write_cell(connection, "visit", "unit_name", {"id": evening.visit}, "Xã Khác")
        assert list(verify(connection, evening.app.state.photos, evening.visit))
        merge.rebuild(connection, list(READINGS))

    assert evening.findings_after(alter_then_rebuild) == []


def photo_files(evening: Evening) -> dict[str, Path]:
    """The photo of the visit and its preview, by role."""
    with evening.app.state.db.reading() as connection:
        photo, preview = connection.execute(text("SELECT sha256, preview FROM photo")).one()
    folder = evening.app.state.settings.photos
    return {role: next(folder.rglob(name)) for role, name in (("photo", photo), ("preview", preview))}


@pytest.mark.parametrize("role", ["photo", "preview"])
def test_one_byte_of_a_photo_is_enough(evening: Evening, role: str) -> None:
    file = photo_files(evening)[role]
    sound = file.read_bytes()
    dice = random.Random(role)
    for at in (0, len(sound) - 1, *(dice.randrange(len(sound)) for _ in range(5))):
        try:
            file.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << dice.randrange(8)]) + sound[at + 1 :])
            (line,) = evening.findings()
            assert f"tệp {file.name}: nội dung" in line and line.startswith("ảnh ")
            assert evening.findings(evening.visit) == [line]
        finally:
            file.write_bytes(sound)
    for shorter in (sound[:-1], b""):
        file.write_bytes(shorter)
        assert len(evening.findings()) == 1
        file.write_bytes(sound)
    assert evening.findings() == []


@pytest.mark.parametrize("role", ["photo", "preview"])
def test_a_photo_that_was_received_and_is_gone_is_named(evening: Evening, role: str) -> None:
    file = photo_files(evening)[role]
    sound = file.read_bytes()
    file.unlink()
    try:
        (line,) = evening.findings()
        assert f"tệp {file.name}: đã nhận mà nay không còn" in line
    finally:
        file.write_bytes(sound)


def test_a_photo_that_never_came_is_no_fault(evening: Evening) -> None:
    file = photo_files(evening)["photo"]
    sound = file.read_bytes()
    file.unlink()
    try:
        found = evening.findings_after(lambda c: c.execute(text("DELETE FROM received_file")))
        assert found == []
    finally:
        file.write_bytes(sound)


def copied(evening: Evening, to: Path) -> Path:
    """Central's database as one file at rest."""
    raw = sqlite3.connect(evening.folder / "central" / "central.sqlite")
    raw.execute("VACUUM INTO ?", (str(to),))
    raw.close()
    return to


def test_a_flipped_byte_in_the_file_itself_is_found(evening: Evening, tmp_path: Path) -> None:
    """Bytes of entries, wherever the file keeps them (tables and indexes), flipped one at a time behind SQLite's back."""
    sound = copied(evening, tmp_path / "sound.sqlite")
    data = sound.read_bytes()
    dice = random.Random(7)
    mine = [entry for entry in evening.entries() if entry.visit == evening.visit]
    photos: Any = PhotoStore(evening.app.state.settings.photos)
    for entry in dice.sample(mine, 8):
        for value in (entry.hash, entry.patch, entry.record):
            places = [at for at in range(len(data)) if data.startswith(value.encode(), at)]
            assert places
            at = dice.choice(places) + dice.randrange(len(value.encode()))
            broken = tmp_path / "broken.sqlite"
            broken.write_bytes(data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :])
            try:
                db = Database(f"sqlite:///{broken}")
            except Exception as refused:  # the schema itself could not be read: central does not start
                raise AssertionError(f"byte {at} keeps central from starting") from refused
            with db.reading() as connection:
                assert list(verify(connection, photos)), (entry.seq, value, at)
            db.close()
    shutil.copy(sound, tmp_path / "again.sqlite")
    again = Database(f"sqlite:///{tmp_path / 'again.sqlite'}")
    with again.reading() as connection:
        assert list(verify(connection, photos)) == []
    again.close()


def test_a_torn_page_is_said_and_not_a_crash(evening: Evening, tmp_path: Path) -> None:
    torn = copied(evening, tmp_path / "torn.sqlite")
    with sqlite3.connect(torn) as raw:
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'answer'").fetchone()
    raw.close()
    data = bytearray(torn.read_bytes())
    data[(root - 1) * size : root * size] = random.Random(1).randbytes(size)
    torn.write_bytes(data)
    db = Database(f"sqlite:///{torn}")
    with db.reading() as connection:
        found = [str(f) for f in verify(connection, PhotoStore(evening.app.state.settings.photos))]
    assert any(line.startswith("tệp cơ sở dữ liệu: ") for line in found)
    db.close()
