"""The promises of sync.md §6, I1–I8, and I9 of `signed`, as they must hold when the faults have stopped and everybody has synced.

What the system does not promise is let through by name:
- photos of a revoked phone (its entries central keeps apart);
- what a colleague wrote on a visit that is kept apart: a central that was restored without its witness takes the beginning of
  the visit, which it had before, for something new of a revoked phone; all of it waits for Home Affairs;
- photos received after a backup that central was put back to, when nothing was recorded since and nobody says `kiemtra restored`:
  neither central nor a phone can tell;
- conflicts after central was restored: what a phone had seen is counted in positions of the central that is gone.
"""

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from app.records import VISIT_KINDS
from app.sync import journal, merge
from central.holes import holes
from tests.simulation.oracle import WORDS, Identity, Words
from tests.simulation.phone import Phone
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.world import World

TYPED = ("visit", "count", "row", "answer", "photo", "finding", "signature", "supplement", "other")
_KINDS = ("visit", *(kind for kind in VISIT_KINDS if kind in TYPED))


def check(world: "World") -> None:
    """Raises Violation."""
    entries_acknowledged(world)
    nothing_missing(world)
    chains(world)
    files(world)
    replicas(world)
    conflicts(world)
    world.signed.check()


def entries_acknowledged(world: "World") -> None:
    """I1: each acknowledged entry is in central's journal, once."""
    held = world.oracle.central_identities()
    for identity, digest in world.oracle.acked.items():
        if held.get(identity) != digest:
            raise Violation("I1", f"acknowledged and not held: {identity}")
    raw = world.central.database.connection.raw
    counted = Counter(Words(*row) for row in raw.execute(f"SELECT {WORDS} FROM entry"))
    for words, times in counted.items():
        if times > max(1, world.oracle.tapped[words]) and words.device not in world.oracle.has_forked:
            raise Violation("I1", f"held {times} times: {words}")


def nothing_missing(world: "World") -> None:
    """I2: whatever was recorded is at central, unless a disaster has destroyed it."""
    raw = world.central.database.connection.raw
    held = {Words(*row) for row in raw.execute(f"SELECT {WORDS} FROM entry UNION SELECT {WORDS} FROM quarantine")}
    own = {words for phone in world.phones.values() for words in _held(phone) if words.device == phone.device}
    copies = {words for phone in world.phones.values() if not phone.is_revoked for words in _held(phone)}
    for words in world.oracle.written:
        if words in held:
            continue
        if words in own:
            raise Violation("I2", f"never sent: {words}")
        if words in copies:
            raise Violation("I2", f"not brought back by those who have it: {words}")
        if words not in world.oracle.destroyed:
            raise Violation("I2", f"vanished: {words}")


def _held(phone: Phone) -> set[Words]:
    raw = phone.database.connection.raw
    found = f"SELECT {WORDS} FROM entry WHERE verdict <> 'moved' AND (verdict <> 'rejected' OR device = ?)"
    return {Words(*row) for row in raw.execute(found, (phone.device,))}


def chains(world: "World") -> None:
    """I4: every chain verifies, at central and on the phones, and central's receipts say what its journal says."""
    connection: Any = world.central.database.connection
    for _, entries in journal.chains(connection):
        broken = journal.verify_chain(entries, is_whole=not holes(connection, entries[0].device, entries[0].epoch))
        if broken:
            raise Violation("I4", f"central: {broken}")
    columns = "device, epoch, seq, hash, position, effective_ms, effective_counter, visit, team, verdict, problem"
    for one, other in (("entry", "receipt"), ("receipt", "entry")):
        odd = connection.raw.execute(f"SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other}").fetchone()
        if odd:
            raise Violation("I4", f"{one} without its {other}: {odd}")
    for phone in world.phones.values():
        broken = phone.on().verify()
        if broken:
            raise Violation("I4", f"{phone.name}: {broken}")


def files(world: "World") -> None:
    """I6: every file is what its name says, and central has those it is believed to have."""
    names = set()
    for path, node in world.central.disk.names.items():
        folder, _, name = path.rpartition("/")
        if folder != "photos/parts":
            names.add(name)
            if hashlib.sha256(node.data).hexdigest() != name:
                raise Violation("I6", f"central holds another file under the name {name}")
    for phone in world.phones.values():
        if phone.is_revoked:
            continue
        raw = phone.database.connection.raw
        for name, received, why in raw.execute("SELECT sha256, received, why FROM file"):
            if name in world.oracle.unnoticed:
                continue
            if received and name not in names:
                raise Violation("I6", f"{phone.name} believes central has {name}")
            if name in phone.folder.files and name not in names:
                raise Violation("I6", f"{phone.name} has not sent {name}: {why}")


def replicas(world: "World") -> None:
    """I3: what phones and central show is equal, byte for byte, and is what the journal reads as."""
    central = world.central.database
    whole = _dump(central.connection)
    if lost := central.connection.raw.execute("SELECT id FROM answer WHERE visit IS NULL").fetchone():
        raise Violation("I3", f"an answer that is in no visit: {lost}")
    _rebuild(central)
    if _dump(central.connection) != whole:
        raise Violation("I3", "central shows what its journal does not say")
    waiting = _waiting_for_the_office(central.connection)
    apart = set(waiting.values())
    for phone in world.phones.values():
        shown = _dump(phone.database.connection)
        phone.on().rebuild()
        if _dump(phone.database.connection) != shown:
            raise Violation("I3", f"{phone.name} shows what its journal does not say")
        if phone.is_revoked:
            continue
        dropped = _dropped(phone)
        ours, theirs = (_entries(c, phone.team, dropped) for c in (phone.database.connection, central.connection))
        ours = {row for row in ours if row[:3] not in waiting}
        if ours != theirs:
            if world.oracle.was_restored_unnoticed and {row[:4] for row in ours} == {row[:4] for row in theirs}:
                continue  # only dated otherwise: a copy of a request came to a central that had forgotten the first
            raise Violation("I3", f"{phone.name} and central hold different entries: {sorted(ours ^ theirs)[:4]}")
        of_team = _of_team(central.connection, whole, phone.team)
        for table in TYPED:
            for rows in (shown, of_team):
                rows[table] = [
                    row for row in rows[table] if (row[:2] if table == "other" else (table, row[0])) not in apart
                ]
            if shown[table] != of_team[table]:
                odd = [row for row in shown[table] if row not in of_team[table]] + [
                    row for row in of_team[table] if row not in shown[table]
                ]
                raise Violation("I3", f"{phone.name} and central show different rows of {table}: {odd[:2]}")


def _waiting_for_the_office(connection: Any) -> dict[Identity, tuple[str, str]]:
    """What was written on visits that central keeps apart, by its number: (kind, id) of its record."""
    rows = connection.raw.execute(
        "WITH apart AS (SELECT record FROM quarantine WHERE kind = 'visit'), hung AS (SELECT kind, record FROM entry "
        "WHERE verdict = 'pending' AND (visit IN apart OR (kind = 'visit' AND record IN apart))) "
        "SELECT device, epoch, seq, kind, record FROM entry WHERE verdict = 'pending' AND (kind, record) IN hung"
    )
    return {row[:3]: row[3:] for row in rows}


def _rebuild(database: Any) -> None:
    with database.writing() as connection:
        merge.rebuild(connection, _KINDS)


def _dump(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: connection.raw.execute(
            f'SELECT * FROM "{table}" ORDER BY {"kind, id" if table == "other" else "id"}'
        ).fetchall()
        for table in TYPED
    }


def _of_team(connection: Any, dump: dict[str, list[tuple[Any, ...]]], team: str) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of the records that the team has written to."""
    rows = connection.raw.execute("SELECT kind, record FROM entry WHERE team = ? AND verdict = 'applied'", (team,))
    records = set(rows)
    return {
        table: [row for row in rows if (row[:2] if table == "other" else (table, row[0])) in records]
        for table, rows in dump.items()
    }


def _entries(connection: Any, team: str, dropped: dict[tuple[str, str], int]) -> set[tuple[Any, ...]]:
    where = "verdict = 'applied' AND kind NOT IN ('round', 'team', 'unit', 'template', 'notice', 'calendar_day')"
    rows = connection.raw.execute(
        f"SELECT device, epoch, seq, hash, effective_ms, effective_counter, team FROM entry WHERE {where}"
    )
    return {row[:-1] for row in rows if row[-1] in ("", team) and row[2] > dropped.get(row[:2], 0)}


def _dropped(phone: Phone) -> dict[tuple[str, str], int]:
    """Up to where a phone has dropped its own journals."""
    rows = phone.database.connection.raw.execute("SELECT key, value FROM meta WHERE key LIKE 'checkpoint:%'")
    return {(phone.device, key.partition(":")[2]): json.loads(value)[0] for key, value in rows}


def conflicts(world: "World") -> None:
    """I5: the phones name exactly those concurrent writes that nobody has settled."""
    if world.oracle.central_was_restored:
        return
    for team in sorted({phone.team for phone in world.phones.values()}):
        entries = journal.select(
            world.central.database.connection,
            "team = :team AND verdict = 'applied'",
            team=team,  # type: ignore[arg-type]
        )
        expected = world.oracle.conflicts(entries)
        world.count("conflicts", len(expected))
        for phone in world.phones.values():
            if phone.team != team or phone.is_revoked:
                continue
            bodies = phone.database.connection.raw.execute("SELECT kind, id, field, body FROM conflict")
            named = set()
            for kind, record, name, body in bodies:
                told = json.loads(body)
                standing, other = told["standing"], told["other"]
                named.add((kind, record, name, standing["device"], standing["seq"], other["device"], other["seq"]))
            if not _same(named, expected):
                raise Violation("I5", f"{phone.name} names {sorted(named - expected)}, not {sorted(expected - named)}")


def _same(named: set[tuple[Any, ...]], expected: set[tuple[Any, ...]]) -> bool:
    """A phone keeps one conflict of a field; when there are several, any of them will do."""
    return named <= expected and {c[:3] for c in named} == {c[:3] for c in expected}
