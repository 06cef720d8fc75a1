"""One simulated day: central and three phones, a schedule of steps, then calm, and the promises checked."""

import asyncio
import contextlib
import functools
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.recorder import Enrolment
from app.reference import take_reference
from app.schema import JOURNAL, migrate, read_meta, write_meta
from app.sync import ledger
from app.sync.journal import Change
from app.sync.ledger import PHONE
from central import access
from central.intake import write_as_central
from central.people import add_user
from central.schema import CENTRAL
from tests.field import ASSETS
from tests.simulation import clockwork, invariants, stage
from tests.simulation.central import Central
from tests.simulation.clockwork import NOON, VirtualLoop
from tests.simulation.database import Database
from tests.simulation.oracle import Oracle
from tests.simulation.phone import YEAR_MS, Phone, open_notebook
from tests.simulation.schedule import COPY, Schedule, Step
from tests.simulation.signed import SignedContent
from tests.simulation.violation import Violation

SERVER_ID = "5e" * 16
PEOPLE = {"cuc": ("cuc", "doan-1"), "cuc-2": ("cuc", "doan-1"), "dung": ("dung", "doan-1"), "giang": ("giang", "doan-1"), "hoa": ("hoa", "doan-2")}  # fmt: skip
"""Phone → (whose, of which team)."""
DEVICES = {name: f"0199c0de-0000-7000-8000-{number:012d}" for number, name in enumerate(PEOPLE, 1)}
ROUNDS_MAX = 10
"""I7: so many times everybody syncs after the faults have stopped, and then nothing waits any more."""


class World:
    """Everything there is, in one loop."""

    def __init__(self, schedule: Schedule, *, planted: str = "", is_prepared: bool = True):
        self.schedule, self.planted = schedule, planted
        self.loop = VirtualLoop()
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.oracle = Oracle(self)
        self.signed = SignedContent(self)
        self._number = 9
        self.files: dict[str, bytes] = {}
        """Every photo ever taken, by its name."""
        self.lost: list[Phone] = []
        """Phones that nobody will ever sync again."""
        self.broken: list[BaseException] = []
        """What failed in the background, and would be an internal error or an app that stops syncing."""
        self.loop.set_exception_handler(self._note_broken)
        central, phones = _prepared() if is_prepared else _enrolled()
        self.central = Central(self, central, {})
        self.phones = {
            name: Phone(self, name, phones[name], {}, PEOPLE[name][1]) for name in schedule.cast
        }  # fmt: skip

    # What parts of it ask for

    def luck(self, of: str) -> random.Random:
        """Luck of one thing, whatever else happens."""
        return random.Random(f"{self.schedule.seed} {of}")

    def number(self) -> int:
        """A number nobody has written yet."""
        self._number += 1
        return self._number

    def team_of(self, device: str) -> str:
        return next(PEOPLE[name][1] for name, known in DEVICES.items() if known == device)

    def say(self, who: str, words: str) -> None:
        self.trace.append(f"{self.loop.seconds:9.3f}  {who:8} {words}")

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] += times

    def has_compacted(self) -> bool:
        """Whether a phone has dropped entries that a backup holds."""
        return any(
            phone.database.connection.raw.execute("SELECT 1 FROM meta WHERE key LIKE 'checkpoint:%'").fetchone()
            for phone in self.phones.values()
        )

    def known_servers(self) -> set[str]:
        """What phones take for central: after a restore of which none has heard they cannot tell that there was another."""
        found = (read_meta(phone.database.connection, "enrolment") for phone in self.phones.values())  # type: ignore[arg-type]
        return {str(json.loads(enrolment)["server_id"]) for enrolment in found if enrolment}

    # One day

    def play(self) -> None:
        """Raises Violation, or whatever else broke."""
        with self.on_stage():
            clockwork.run(self._play(), self.loop)

    @contextlib.contextmanager
    def on_stage(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                stage.set_up(self.central.disk, self.schedule.page_bytes, self.schedule.batch, self.luck("secrets"))
            )
            if self.planted:
                from tests.simulation.planted import BUGS

                stack.enter_context(BUGS[self.planted](self))
            self.central.start()
            for phone in self.phones.values():
                phone.on()
            yield

    async def _play(self) -> None:
        for step in self.schedule.steps:
            self.raise_what_broke()
            await self.take(step)
            self.signed.look()
        await self.calm()
        invariants.check(self)

    def raise_what_broke(self) -> None:
        if self.broken:
            raise self.broken[0]

    def _note_broken(self, _loop: Any, context: dict[str, Any]) -> None:
        self.broken.append(context.get("exception") or Violation("I7", str(context.get("message"))))

    async def take(self, step: Step) -> None:
        """One step of the schedule."""
        phone = self.phones.get(step.who) or self.phones.get(step.who.rstrip(COPY))
        rng = self.luck(step.salt)
        match step.kind:
            case "wait":
                await asyncio.sleep(step.number)
            case "tap" if phone:
                await phone.tap(step.what, rng)
            case "sync" if phone:
                self.say(phone.name, "begins to sync")
                phone.sync(step.salt, self.schedule.rate)
            case "tap" | "sync":
                pass  # the phone is lost
            case _:
                self._trouble(step, phone, rng)

    def _trouble(self, step: Step, phone: Phone | None, rng: random.Random) -> None:
        self.count(step.kind)
        match step.kind:
            case "crash" if phone:
                phone.off("is killed")
            case "crash soon" if phone:
                phone.database.commits_left = int(step.number)
                phone.database.is_cut_before = rng.random() < 0.5
            case "full" if phone:
                self.say(phone.name, "has no room left")
                phone.fill(rng.choice([0, 0, 1, 2]))
            case "clock" if phone:
                self.say(phone.name, f"clock jumps by {step.number} years")
                phone.offset_ms += int(step.number * YEAR_MS)
            case "clone" if phone and f"{phone.name.rstrip(COPY)}{COPY}" not in self.phones:
                self.say(phone.name, "is copied to another phone")
                self.oracle.has_forked.add(phone.device)
                copy = Phone(self, phone.name + COPY, phone.database.image(), phone.folder.files, phone.team)
                copy.is_revoked, copy.offset_ms = phone.is_revoked, phone.offset_ms
                self.phones[copy.name] = copy
                copy.on()
            case "back up" if phone:
                phone.backups.append((phone.database.image(), dict(phone.folder.files)))
            case "restore" if phone and phone.backups:
                before = self.oracle.own_words(phone)
                phone.restore(*rng.choice(phone.backups))
                self.oracle.phone_restored(phone, before)
            case "lose" if phone and len(self.phones) > 2:
                phone.off("is lost for good")
                self.oracle.destroyed |= self.oracle.own_words(phone)
                self.lost.append(self.phones.pop(phone.name))
            case "central crash" if self.central.is_up:
                self.central.power_cut("")
            case "central crash soon" if self.central.is_up:
                if rng.random() < 0.5:
                    self.central.disk.writes_left = int(step.number)
                else:
                    self.central.database.commits_left = int(step.number)
                    self.central.database.is_cut_before = rng.random() < 0.5
            case "central back up":
                self.central.back_up()
            case "central restore":
                self.central.restore(rng)
            case "central full":
                self.central.disk.is_full = True
            case "office" if self.central.is_up:
                self.central.act(rng)
            case "revoke" if phone:
                self.say(phone.name, "is revoked")
                self.central.revoke(phone.device)
                for other in self.phones.values():
                    other.is_revoked = other.is_revoked or other.device == phone.device

    async def calm(self) -> None:
        """The faults stop; everybody syncs until nobody has anything new. Raises Violation I7 when that does not come."""
        self.say("", "the faults stop")
        self.central.disk.is_full = False
        self.central.disk.writes_left = self.central.database.commits_left = None
        for phone in self.phones.values():
            phone.fill(None)
            phone.database.commits_left = None
            phone.line.rate = 0.0
        await asyncio.sleep(400)  # what is still on its way arrives
        for phone in self.phones.values():
            await phone.synced()
        before: Any = None
        for _ in range(ROUNDS_MAX):
            for phone in self.phones.values():
                phone.sync("calm", 0.0)
                await phone.synced()
                self.raise_what_broke()
            state = [_state(phone) for phone in self.phones.values()]
            if state == before and not any(waits for _, waits in state):
                return
            before = state
        troubles = {phone.name: repr(phone.trouble) for phone in self.phones.values()}
        raise Violation("I7", f"after {ROUNDS_MAX} rounds still not at rest: {troubles} {before}")


def _state(phone: Phone) -> tuple[Any, bool]:
    """(what tells whether a sync has changed anything, whether something waits)."""
    connection: Any = phone.database.connection
    facts = connection.raw.execute(
        "SELECT key, value FROM meta WHERE key IN ('cursor', 'epoch', 'seen') OR key LIKE 'acked:%' ORDER BY key"
    ).fetchall()
    waits = not phone.is_revoked and (not ledger.waiting(connection).is_empty or phone.trouble is not None)
    return facts, waits


# --- what every day begins with ------------------------------------------------------------------------------------------


def _checklist() -> dict[str, Any]:
    """The checklist, but for what nobody answers here."""
    body = json.loads((ASSETS / "checklist.json").read_text(encoding="utf-8"))
    wanted = {
        "attendance_mode", "badge_missing_count", "badge_worn_all", "objective_difficulty", "head_total", "head_present",
        "head_absent_excused", "head_absent_unexcused", "head_absent_unclear",
    }  # fmt: skip
    for section in body["sections"]:
        section["items"] = [item for item in section["items"] if item["code"] in wanted]
    body["sections"] = [section for section in body["sections"] if section["items"]]
    return body


def _reference() -> dict[str, Any]:
    return {
        "rounds": [{"id": "dot-1", "name": "Đợt 1", "starts_on": "2026-11-01", "ends_on": "2026-11-30"}],
        "teams": [{"id": "doan-1", "name": "Đoàn số 1"}, {"id": "doan-2", "name": "Đoàn số 2"}],
        "units": [{"code": "16831", "name": "Xã Mường Lống", "level": "commune", "valid_from": "2025-07-01"}],
        "templates": [_checklist()],
        "calendar": [],
    }


def _enrolled() -> tuple[bytes, dict[str, bytes]]:
    """Central and every phone, enrolled, before anything was recorded."""
    central = Database()
    body = _checklist()
    head = body["template"]
    template = {"code": head["code"], "version": head["version"], "title": head["title_vi"], "body": body}
    with central.writing() as connection:
        c: Any = connection
        migrate(c, "journal", JOURNAL)
        migrate(c, "central", CENTRAL)
        write_meta(c, "server_id", SERVER_ID)
        write_meta(c, "central_device", "0199c0de-0000-7000-8000-0000000000ff")
        for user, team in dict(PEOPLE.values()).items():
            add_user(c, user, user, "inspector", team, None)
        for name, (user, _team) in PEOPLE.items():
            c.exec_driver_sql(
                "INSERT INTO device (id, user_id, name, token_hash, enrolled_at) VALUES (?, ?, ?, ?, ?)",
                (DEVICES[name], user, name, access.token_hash(f"token of {name}"), NOON),
            )
        changes = [
            Change("team", team, {"name": team, "team_kind": "inspection_team"}, "") for team in ("doan-1", "doan-2")
        ]
        changes.append(Change("template", f"{head['code']}@{head['version']}", template, ""))
        write_as_central(c, "0199c0de-0000-7000-8000-0000000000ff", "an", changes, NOON)
    phones = {}
    for name, (user, team) in PEOPLE.items():
        database = Database()
        with database.writing() as connection:
            c = connection
            migrate(c, "journal", JOURNAL)
            migrate(c, "phone", PHONE)
            take_reference(c, _reference())
            write_meta(c, "reference_seeded", "1")
            write_meta(c, "reference_etag", '"sim"')
        book = open_notebook(database, lambda: NOON, random.Random(f"enrol {name}").randbytes)
        book.enrol(
            Enrolment(
                DEVICES[name], f"token of {name}", SERVER_ID, "http://central", user, user, "inspector", team, team
            )
        )
        phones[name] = database.image()
    return central.image(), phones


@functools.cache
def _prepared() -> tuple[bytes, dict[str, bytes]]:
    """Central and every phone in the morning: each team has one visit that all its phones know."""
    schedule = Schedule(0, tuple(PEOPLE), 0.0, 128 * 1024, 500, ())
    world = World(schedule, is_prepared=False)
    with world.on_stage():
        for name in ("cuc", "hoa"):
            book = world.phones[name].on()
            book.start_visit(book.reference.units.get("16831", "2025-07-01") or "Xã Mường Lống")
        clockwork.run(world.calm(), world.loop)
    for phone in world.phones.values():  # what their lines bear is yet to be found out
        phone.database.connection.raw.execute("DELETE FROM meta WHERE key IN ('page_bytes', 'batch_bytes')")
    return world.central.database.image(), {name: phone.database.image() for name, phone in world.phones.items()}
