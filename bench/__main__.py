"""The goals of the phone, measured: a tap, a large visit, many visits, the search for a unit."""

import json
import platform
import sqlite3
import tempfile
import time
from pathlib import Path

from app.notebook import Notebook
from app.sync import journal
from bench.measure import Timing, tell, tell_limit, timed
from bench.phone import answer_everything, open_notebook, record_visits, start_visit

ROOT = Path(__file__).parents[1]
TAPS = 400
MANY = 10_000


def bare_sqlite(path: Path) -> sqlite3.Connection:
    """What a tap is compared with: SQLite from the standard library, as durable as the notebook and as alone on its file."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    return connection


def last_entry(book: Notebook) -> str:
    """The bytes of the last tap's entry."""
    with book.store.reading() as connection:
        (entry,) = journal.select(connection, "1 = 1 ORDER BY rowid DESC LIMIT 1")
    return json.dumps(entry, ensure_ascii=False)


def measure_taps(folder: Path) -> bool:
    """A counter pressed in a visit of twelve rooms, and a bare insert and commit of the same bytes right after it, in turn."""
    book = open_notebook(folder)
    visit, rooms = start_visit(book, 12)
    answer_everything(book, visit)
    bare = bare_sqlite(folder / "bare.sqlite")
    taps, inserts = [], []
    for number in range(TAPS):
        start = time.perf_counter()
        book.set_heads(visit, rooms[number % 12], {"head_present": 1000 + number})
        taps.append(time.perf_counter() - start)
        body = last_entry(book)
        start = time.perf_counter()
        bare.execute("BEGIN")
        bare.execute("INSERT INTO entry (body) VALUES (?)", (body,))
        bare.execute("COMMIT")
        inserts.append(time.perf_counter() - start)
    bare.close()
    book.close()
    tap, insert = Timing(taps[20:]), Timing(inserts[20:])
    ratio = tap.median / insert.median
    tell("bare SQLite: insert + commit of the same bytes", insert)
    tell("tap: recorded, read, durable", tap, "≤ 4 ×", ratio <= 4, f"= {ratio:.2f} × bare")
    return ratio <= 4


def measure_large_visit(folder: Path) -> bool:
    """A visit of 100 rooms with every item answered."""
    book = open_notebook(folder)
    visit, rooms = start_visit(book, 100)
    reading = answer_everything(book, visit)

    def open_visit(_: int) -> None:
        reading = book.visit(visit)
        for section in reading.template.sections:
            reading.outcome.progress(section)
        assert reading.figures.checks

    print(f"  ({len(reading.rooms())} rooms, {len(reading.answers)} answers)")
    met = [
        tell_limit("opening it: read, figures, progress, failures", timed(open_visit, 30), 100),
        tell_limit("adding a room to it", timed(lambda n: book.add_room(visit, f"Phòng thêm {n}", roll=5), 30), 100),
    ]
    tell("a tap in it", timed(lambda n: book.set_heads(visit, rooms[n % 100], {"head_present": 2000 + n}), 100))
    book.close()
    return all(met)


def measure_many_visits(folder: Path) -> bool:
    """Listing and searching 10,000 visits; cold means that nothing of the list is remembered."""
    book = open_notebook(folder)
    record_visits(book, MANY)

    def forget(_: int) -> None:
        book.reload()

    met = [
        tell_limit("first page, cold", timed(lambda _: book.visits(), 15, forget), 50),
        tell_limit("first page, again", timed(lambda _: book.visits(), 50), 50),
        tell_limit("a page in the middle, cold", timed(lambda _: book.visits(offset=MANY // 2), 15, forget), 50),
        tell_limit("search «muong long», cold", timed(lambda _: book.visits("muong long"), 15, forget), 50),
        tell_limit("search «xa», thousands of hits, cold", timed(lambda _: book.visits("xa"), 15, forget), 50),
        tell_limit("search without a hit", timed(lambda _: book.visits("khong co"), 50), 50),
    ]
    book.close()

    def reopen(_: int) -> None:
        open_notebook(folder).close()

    tell("opening the notebook that holds them", timed(reopen, 5))
    return all(met)


def measure_units(folder: Path) -> bool:
    """The search for a unit, at every letter as it is typed."""
    book = open_notebook(folder)
    typed = ["ky son", "muong long", "dai dong", "KỲ SƠN", "xa", "thanh chuong"]
    letters = [word[: end + 1] for word in typed for end in range(len(word))]
    print(f"  ({len(book.reference.units)} units)")
    every = timed(lambda n: book.find_units(letters[n % len(letters)]), len(letters) * 10)
    met = [tell_limit("every letter of what is typed", every, 20)]
    met += [
        tell_limit(f"«{word}»", timed(lambda _, word=word: book.find_units(word), 100), 20)  # type: ignore[misc]
        for word in typed[:4]
    ]
    book.close()
    return all(met)


def main() -> None:
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}; on the disk of this folder"
    )
    met = []
    for title, measure in (
        ("Một chạm / one tap", measure_taps),
        ("Cuộc 100 phòng / a visit of 100 rooms", measure_large_visit),
        (f"{MANY:,} cuộc / visits", measure_many_visits),
        ("Tìm đơn vị / unit search", measure_units),
    ):
        print(title)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as folder:
            met.append(measure(Path(folder)))
    print("Đạt mọi mục tiêu. / Every goal is met." if all(met) else "Có mục tiêu chưa đạt. / A goal was missed.")


if __name__ == "__main__":
    main()
