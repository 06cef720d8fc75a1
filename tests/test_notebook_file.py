"""The notebook's file when things go wrong: damaged, from a newer version, opened twice, no room left."""

import hashlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.evidence import FACTS
from app.records import READINGS, VISIT_KINDS
from app.schema import _EVIDENCE, JOURNAL, _evidence_table
from app.store import Damaged, DiskFull, InUse, Newer
from app.sync import merge
from app.sync.journal import Change
from tests.field import Phone


def a_morning(folder: Path) -> str:
    """A notebook with one visit of forty rooms in a folder, closed again; returns the visit."""
    phone = Phone(folder, seed=7)
    phone.enrol_alone()
    visit = phone.book.start_visit(phone.book.find_units("muong long")[0])
    rooms = phone.book.add_rooms(visit, [(f"Phòng {n}", 8) for n in range(40)])
    for room in rooms:
        phone.book.set_heads(visit, room, {"head_present": 6, "head_absent_excused": 2})
    phone.close()
    return visit


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound notebook, to be copied and broken."""
    folder = tmp_path_factory.mktemp("sound")
    a_morning(folder)
    return folder


def file_of(folder: Path) -> Path:
    return folder / "notebook.sqlite"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def page(data: bytes, number: int) -> slice:
    size = int.from_bytes(data[16:18], "big")
    return slice(number * size, (number + 1) * size)


def noise(data: bytes) -> bytes:
    return random.Random(1).randbytes(len(data))


def cut_short(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3 - 77]


def swapped_pages(data: bytes) -> bytes:
    first, second = page(data, 3), page(data, 4)
    return data[: first.start] + data[second] + data[first] + data[second.stop :]


def flipped_pages(data: bytes) -> bytes:
    wrong = page(data, len(data) // page(data, 0).stop // 2)
    return data[: wrong.start] + bytes(byte ^ 0xFF for byte in data[wrong]) + data[wrong.stop :]


def flipped_page_of_answers(data: bytes) -> bytes:
    """A page that nobody reads at opening, until that room is looked at."""
    wrong = page(data, data.index(b'{"item":[') // page(data, 0).stop)
    return data[: wrong.start] + bytes(byte ^ 0xFF for byte in data[wrong]) + data[wrong.stop :]


def emptied_head(data: bytes) -> bytes:
    return b"\0" * 100 + data[100:]


@pytest.mark.parametrize(
    "break_it", [noise, cut_short, swapped_pages, flipped_pages, flipped_page_of_answers, emptied_head]
)
def test_a_damaged_notebook_is_named_and_not_touched(
    tmp_path: Path, recorded: Path, break_it: Callable[[bytes], bytes]
) -> None:
    broken = break_it(file_of(recorded).read_bytes())
    path = file_of(tmp_path)
    path.write_bytes(broken)
    with pytest.raises(Damaged) as told:
        Phone(tmp_path)
    assert "hỏng" in told.value.vi and "damaged" in told.value.en and told.value.path == path
    assert path.read_bytes() == broken
    shutil.copy(file_of(recorded), path)
    Phone(tmp_path).close()  # nothing of the failed opening is left behind


def test_a_byte_changed_in_the_checklist_is_damage_too(tmp_path: Path, recorded: Path) -> None:
    data = bytearray(file_of(recorded).read_bytes())
    at = data.index(b'"schema_version"')
    data[at] ^= 0x01
    file_of(tmp_path).write_bytes(data)
    with pytest.raises(Damaged):
        Phone(tmp_path)
    assert file_of(tmp_path).read_bytes() == data


@pytest.mark.parametrize("part", ["journal", "phone"])
def test_a_notebook_of_a_newer_version_is_left_for_it(tmp_path: Path, recorded: Path, part: str) -> None:
    path = file_of(tmp_path)
    shutil.copy(file_of(recorded), path)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = value + 1 WHERE key = ?", (f"schema:{part}",))
    raw.close()
    before = digest(path)
    with pytest.raises(Newer) as told:
        Phone(tmp_path)
    assert "cập nhật" in told.value.vi and digest(path) == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("notebook")] == ["notebook.sqlite"]


def test_a_notebook_of_the_first_version_is_brought_up_to_date(tmp_path: Path, recorded: Path) -> None:
    path = file_of(tmp_path)
    shutil.copy(file_of(recorded), path)
    with sqlite3.connect(path) as raw:
        raw.execute('ALTER TABLE "count" DROP COLUMN removed')
        raw.execute("ALTER TABLE visit DROP COLUMN geopoint")
        raw.execute("ALTER TABLE photo DROP COLUMN geopoint")
        raw.execute("DROP INDEX ix_visit_newest")
        raw.execute("DROP INDEX ix_entry_refused")
        raw.execute("DROP TABLE compacted")
        for column in FACTS:
            raw.execute(f"ALTER TABLE visit DROP COLUMN {column}")
        for column in ("photo_set", "finding", "remediation", "circulation"):
            raw.execute(f"ALTER TABLE photo DROP COLUMN {column}")
        for kind in VISIT_KINDS[4:]:
            raw.execute(f"DROP TABLE {kind}")
        raw.execute("UPDATE meta SET value = '1' WHERE key = 'schema:journal'")
    raw.close()
    phone = Phone(tmp_path)
    (line,) = phone.book.visits()
    assert line.rooms == 40 and phone.book.verify() is None and len(JOURNAL) > 1
    phone.close()


@pytest.mark.parametrize("kind", VISIT_KINDS[4:])
def test_what_an_older_version_kept_verbatim_reads_as_if_this_one_had_read_it(tmp_path: Path, kind: str) -> None:
    visit = a_morning(tmp_path)
    phone = Phone(tmp_path)
    said = {
        name: {
            "position": 3,
            "signed_at": 5,
            "removed": False,
            "strokes": [[1, 2], [3, 4]],
            "covers": [["d", "e", 1, 7]],
        }.get(name, 'Chữ có dấu "ngoặc"')
        for name in READINGS[kind].model_fields
        if name not in ("id", "stamps", "extra", "visit")
    }
    misfit = {
        name: 7 if isinstance(value, str) else "bảy" for name, value in said.items() if not isinstance(value, list)
    }
    fields = [{"visit": visit, **said}, {"visit": visit, **misfit, "weather": "mưa"}, {"visit": visit}]
    phone.book._record([Change(kind, f"record-{n}", of, visit) for n, of in enumerate(fields)])

    def rows(connection: Connection) -> list[Any]:
        return connection.execute(text(f"SELECT * FROM {kind} ORDER BY id")).all()  # type: ignore[return-value]

    with phone.book.store.writing() as connection:
        read = rows(connection)
        records = [merge.load(connection, kind, f"record-{n}") for n in range(3)]
        for name in ("other", kind):
            connection.execute(text(f"DELETE FROM {name}"))
        for n, record in enumerate(records):
            connection.execute(merge._UPSERT_OTHER, merge.as_row("of an older version", f"record-{n}", record))
        connection.execute(text("UPDATE other SET kind = :kind"), {"kind": kind})
        for statement in _evidence_table(kind, _EVIDENCE[kind])[2:]:
            connection.execute(text(statement))
        assert rows(connection) == read and connection.execute(text("SELECT * FROM other")).all() == []
    phone.close()


SECOND = """
import sys
from pathlib import Path
from app.schema import JOURNAL
from app.store import InUse, Store
try:
    store = Store(Path(sys.argv[1]) / "notebook.sqlite", [("journal", JOURNAL)])
except InUse as refused:
    print("refused", refused.vi)
else:
    print("open", flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).parents[1]


def another_process(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SECOND, str(folder)], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_a_second_window_is_refused_until_the_first_is_gone_even_killed(tmp_path: Path) -> None:
    with another_process(tmp_path) as first:
        assert first.stdout and first.stdout.readline() == "open\n"
        with another_process(tmp_path) as second:
            said, _ = second.communicate()
        assert said.startswith("refused") and "Đóng cửa sổ kia" in said
        with pytest.raises(InUse):
            Phone(tmp_path)
        first.send_signal(signal.SIGKILL)
        first.wait()
        Phone(tmp_path).close()


def count_heads_until_full(phone: Phone, visit: str) -> tuple[dict[str, int | None], str]:
    """Record until there is no room; what stood before the tap that failed, and its room."""
    rooms = phone.book.visit(visit).rooms()
    for figure in range(1, 9999):
        room = rooms[figure % len(rooms)].id
        before = phone.book.visit(visit).heads(room)
        try:
            phone.book.set_heads(visit, room, {code: figure for code in before})
        except DiskFull:
            return before, room
        assert set(phone.book.visit(visit).heads(room).values()) == {figure}
    raise AssertionError("never full")


def is_sound(phone: Phone) -> bool:
    """The chain verifies, the readings equal a rebuild, and SQLite finds nothing wrong."""
    with phone.book.store.reading() as connection:
        page_check = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        tables = ("visit", '"count"', '"row"', "answer", "photo", "other")
        before = [connection.exec_driver_sql(f"SELECT * FROM {t} ORDER BY id").all() for t in tables]
    phone.book.rebuild()
    with phone.book.store.reading() as connection:
        after = [connection.exec_driver_sql(f"SELECT * FROM {t} ORDER BY id").all() for t in tables]
    return page_check == "ok" and phone.book.verify() is None and before == after


@contextmanager
def tiny_disk(folder: Path) -> Iterator[Path]:
    """A real file system of 12 MB, where this process may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a file system here; the other stories of a full disk run all the same")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_said_at_once_and_writes_nothing_half(tmp_path: Path) -> None:
    with tiny_disk(tmp_path) as disk:
        visit = a_morning(disk)
        phone = Phone(disk)
        ballast = disk / "other_app"
        free = shutil.disk_usage(disk).free
        ballast.write_bytes(b"x" * (free - 64 * 1024))
        before, room = count_heads_until_full(phone, visit)
        assert phone.book.visit(visit).heads(room) == before
        with pytest.raises(DiskFull):
            phone.book.add_rooms(visit, [(f"Kho {n}", n) for n in range(60)])
        assert len(phone.book.visit(visit).rooms()) == 40
        ballast.unlink()
        phone.book.set_heads(visit, room, {"head_present": 4711})
        phone.close()
        phone = Phone(disk)
        assert phone.book.visit(visit).heads(room)["head_present"] == 4711 and is_sound(phone)
        phone.close()


def test_a_full_database_keeps_what_was_said_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    visit = a_morning(tmp_path)
    phone = Phone(tmp_path)
    with phone.book.store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
    before, room = count_heads_until_full(phone, visit)
    assert phone.book.visit(visit).heads(room) == before
    undoable = phone.book.can_undo(visit)
    with phone.book.store.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    phone.book.set_heads(visit, room, {"head_present": 4711})
    assert undoable and phone.book.undo(visit)
    assert phone.book.visit(visit).heads(room) == before and is_sound(phone)
    phone.close()


def test_a_write_the_system_refuses_is_a_full_disk(tmp_path: Path) -> None:
    """The limit of the process on file size makes the real write fail in the middle of a commit."""
    visit = a_morning(tmp_path)
    phone = Phone(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_of(tmp_path).stat().st_size // 2, hard))
    try:
        before, room = count_heads_until_full(phone, visit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert phone.book.visit(visit).heads(room) == before
    phone.book.set_heads(visit, room, {"head_present": 4711})
    assert is_sound(phone)
    phone.close()


@pytest.mark.parametrize("left", [0, 32 * 1024])
def test_no_room_even_to_begin_a_notebook(tmp_path: Path, left: int) -> None:
    with tiny_disk(tmp_path) as disk:
        (disk / "photos").mkdir()
        (disk / "other_app").write_bytes(b"x" * (shutil.disk_usage(disk).free - left))
        with pytest.raises(DiskFull, match="Xóa bớt") as told:
            Phone(disk)
        (disk / "other_app").unlink()
        a_morning(disk)
        assert told.value is not None, "the failure is still at hand, and holds no lock"


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    phone = Phone(tmp_path)
    with phone.book.store.reading() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
    assert found == [2, "wal"], "FULL, write-ahead log"
    phone.close()
