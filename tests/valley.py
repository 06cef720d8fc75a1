"""A whole valley for sync stories: one central, phones of two teams, and lines that break where a story says so."""

import asyncio
import contextlib
import functools
import itertools
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, text
from starlette.requests import ClientDisconnect

from app.records import VISIT_KINDS
from app.schema import write_meta
from app.sync import exchange, journal
from app.sync.journal import Change
from app.sync.stamp import Stamp
from app.units import UnitReading, unit_id
from central import access
from central.app import create_app
from central.database import Database
from central.intake import write_as_central
from central.people import Role, add_user
from central.photo_store import PhotoStore
from central.readings import Readings
from central.settings import PasswordCost, Settings
from tests.field import ASSETS, FieldClock, Phone

NOON = 1_795_237_200_000
"""2026-11-21 12:00 at +07:00."""
PASSWORD = "mưa rào Mường Lống 2026"
CHEAP = PasswordCost(memory_kib=8, rounds=1)

PEOPLE: list[tuple[str, str, Role, str | None]] = [
    ("an", "Nguyễn Văn An", "administrator", None),
    ("binh", "Trần Thị Bình", "home_affairs", None),
    ("cuc", "Lê Thị Cúc", "team_leader", "doan-1"),
    ("dung", "Phạm Dũng", "inspector", "doan-1"),
    ("hoa", "Lô Thị Hoa", "inspector", "doan-2"),
]
PHONES = {"cuc": "doan-1", "dung": "doan-1", "hoa": "doan-2"}
"""Whose phones are enrolled from the start: two of one team, one of another."""

UNITS = [
    ("16831", "Xã Mường Lống", "commune", "2025-07-01", ""),
    ("17248", "Xã Châu Khê", "commune", "2025-07-01", ""),
    ("417", "Ủy ban nhân dân huyện Kỳ Sơn", "legacy_district", "", "2025-06-30"),
]
TABLES = ("visit", *(kind for kind in VISIT_KINDS if kind in ("count", "row", "answer", "photo")), "other")


def reference_changes() -> list[Change]:
    """Two teams, one round, three units and the checklist."""
    body = json.loads((ASSETS / "checklist.json").read_text(encoding="utf-8"))
    head = body["template"]
    template = {"code": head["code"], "version": head["version"], "title": head["title_vi"], "body": body}
    changes = [
        Change("team", "doan-1", {"name": "Đoàn số 1", "team_kind": "inspection_team"}, ""),
        Change("team", "doan-2", {"name": "Đoàn số 2", "team_kind": "inspection_team"}, ""),
        Change("template", f"{head['code']}@{head['version']}", template, ""),
        Change("round", "dot-1", {"name": "Đợt 1", "starts_on": "2026-11-01", "ends_on": "2026-11-30"}, ""),
    ]
    for code, name, level, since, until in UNITS:
        unit = {"code": code, "name": name, "level": level, "valid_from": since, "valid_to": until, "folded": name}
        changes.append(Change("unit", unit_id(code, since), unit, ""))
    return changes


def people_of(app: FastAPI) -> None:
    password_hash = app.state.passwords.hash(PASSWORD)
    with app.state.db.writing() as connection:
        for id, name, role, team in PEOPLE:
            add_user(connection, id, name, role, team, password_hash)


Cut = Literal["", "before", "body", "after", "reply", "twice"]
"""Where a request is cut: before it leaves, in the middle of its body, when central is done and before a byte of the
answer, in the middle of the answer; or sent twice, as some middleboxes do."""
CUTS: tuple[Cut, ...] = ("before", "body", "after", "reply", "twice")


class Line(httpx.AsyncBaseTransport):
    """The line from one phone to a central that runs in this process; `cuts` says what happens to each request in turn."""

    def __init__(self, app: FastAPI):
        self.app = app
        self.cuts: Iterator[Cut] = iter(())
        self.asked: list[str] = []
        """What reached central, as `METHOD path`."""
        self.overheard: Callable[[httpx.Request, bytes], httpx.Response | None] = lambda _request, _body: None
        """May answer in central's place."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        cut = next(self.cuts, "")
        body = await request.aread()
        answer = self.overheard(request, body)
        if answer is not None:
            return answer
        if cut == "before":
            raise httpx.ConnectError("no line", request=request)
        self.asked.append(f"{request.method} {request.url.path}")
        if cut == "body" and body:
            with contextlib.suppress(ClientDisconnect):
                await self._deliver(request, body[: len(body) // 2], is_cut=True)
            raise httpx.WriteError("the line broke", request=request)
        status, headers, content = await self._deliver(request, body)
        if cut == "twice":
            status, headers, content = await self._deliver(request, body)
        if cut in ("after", "body"):
            raise httpx.ReadError("the line broke", request=request)
        if cut == "reply":
            return httpx.Response(status, headers=headers, stream=_Broken(content, request))
        return httpx.Response(status, headers=headers, content=content)

    async def _deliver(self, request: httpx.Request, body: bytes, is_cut: bool = False) -> Any:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method, "scheme": "http",
            "headers": [(k.lower(), v) for k, v in request.headers.raw], "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0], "query_string": request.url.query,
            "server": ("central", 80), "client": ("10.0.0.1", 1), "root_path": "",
        }  # fmt: skip
        incoming = iter([{"type": "http.request", "body": body, "more_body": is_cut}])
        is_over = asyncio.Event()
        start: dict[str, Any] = {}
        content: list[bytes] = []

        async def receive() -> Any:
            message = next(incoming, None)
            if message is None and not is_cut:
                await is_over.wait()
            return message or {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                content.append(message.get("body", b""))
                if not message.get("more_body"):
                    is_over.set()

        await self.app(scope, receive, send)
        return start["status"], start["headers"], b"".join(content)


class _Broken(httpx.AsyncByteStream):
    def __init__(self, content: bytes, request: httpx.Request):
        self._content, self._request = content, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.ReadError("the line broke", request=self._request)


class Valley:
    """Central and the phones of Cúc and Dũng (team `doan-1`) and Hoa (`doan-2`), all enrolled, reference data taken.

    `visit` is an open visit of team `doan-1`, begun by Cúc, that all of its phones know.
    """

    def __init__(self, folder: Path, app: FastAPI | None = None, names: Iterable[str] = tuple(PHONES)):
        self.folder = folder
        names = tuple(names)
        prepared, self.visit = _prepared()
        for part in ("central", *names):
            shutil.copytree(prepared / part, folder / part)
        self.clock = FieldClock(NOON)
        self.settings = Settings.in_folder(folder / "central", b"k" * 32, password_cost=CHEAP)
        if app is None:
            app = create_app(self.settings, self.clock)
        else:  # a new database under the same routes: making them anew for each of 500 examples would take minutes
            app.state.settings, app.state.now = self.settings, self.clock
            app.state.db, app.state.readings = Database(self.settings.database_url), Readings()
            app.state.photos = PhotoStore(self.settings.photos)
        self.app = app
        self.phones = {name: Phone(folder / name, FieldClock(NOON), seed=i) for i, name in enumerate(names)}
        self.lines = {name: Line(app) for name in names}
        self.clients = {
            name: httpx.AsyncClient(transport=line, base_url="http://central", trust_env=False)
            for name, line in self.lines.items()
        }

    @property
    def cuc(self) -> Phone:
        return self.phones["cuc"]

    @property
    def dung(self) -> Phone:
        return self.phones["dung"]

    @property
    def hoa(self) -> Phone:
        return self.phones["hoa"]

    def close(self) -> None:
        for phone in self.phones.values():
            phone.close()
        self.app.state.db.close()

    async def sync(self, name: str, cuts: Iterable[Cut] = ()) -> Exception | None:
        """One run of a phone's sync over its line; the trouble it ended with, if any."""
        self.lines[name].cuts = iter(cuts)
        try:
            await self.phones[name].sync(self.clients[name])
        except (httpx.TransportError, exchange.Busy, exchange.Stopped) as trouble:
            return trouble
        return None

    async def sync_until_quiet(self, *names: str) -> None:
        """The phones sync in turn over good lines until none of them learns anything new."""
        names = names or ("cuc", "dung")
        for turn in range(6):
            before = [dump(self.phones[name].book.store) for name in names]
            for name in names:
                trouble = await self.sync(name)
                assert trouble is None, f"{name}: {trouble!r}"
            if turn and before == [dump(self.phones[name].book.store) for name in names]:
                return  # in the first turn the last phone may have sent what the first has yet to fetch
        raise AssertionError("the phones never came to rest")

    def forget_reference(self, name: str) -> None:
        """The phone no longer knows which reference document it has, and asks for it whatever central says of it."""
        with self.phones[name].book.store.writing() as connection:
            write_meta(connection, "reference_etag", "")

    def reopen(self, name: str) -> None:
        """The app is closed and opened again."""
        self.phones[name].close()
        self.phones[name].open()

    def replace_central(self, folder: str | None = None) -> None:
        """Central's machine is lost; in its place stands a copy of `folder`, or one with people and reference data only."""
        self.app.state.db.close()
        central = self.settings.data
        shutil.rmtree(central)
        if folder:
            shutil.copytree(self.folder / folder, central)
        self.app.state.db, self.app.state.readings = Database(self.settings.database_url), Readings()
        self.app.state.photos = PhotoStore(self.settings.photos)
        if not folder:
            people_of(self.app)
            with self.app.state.db.writing() as connection:
                write_as_central(connection, self.app.state.db.central_device, "an", reference_changes(), NOON)
                for phone in self.phones.values():
                    enrolment = phone.book.enrolment
                    assert enrolment is not None
                    connection.execute(
                        text(
                            "INSERT OR IGNORE INTO device (id, user_id, name, token_hash, enrolled_at) "
                            "VALUES (:d, :u, 'Máy', :t, :n)"
                        ),
                        {
                            "d": enrolment.device, "u": enrolment.user, "t": access.token_hash(enrolment.token), "n": NOON,
                        },
                    )  # fmt: skip

    def restore_database(self, folder: str) -> None:
        """Central's database is put back to what `folder` has; its photos and its witness stay as they are."""
        self.app.state.db.close()
        file = self.settings.data / "central.sqlite"
        for part in self.settings.data.glob("central.sqlite-*"):
            part.unlink()
        shutil.copyfile(self.folder / folder / file.name, file)
        self.app.state.db, self.app.state.readings = Database(self.settings.database_url), Readings()

    def back_up_central(self, folder: str) -> None:
        """A copy of central's folder as it is now."""
        self.app.state.db.close()
        shutil.copytree(self.settings.data, self.folder / folder)
        self.app.state.db = Database(self.settings.database_url)

    def token(self, name: str) -> str:
        enrolment = self.phones[name].book.enrolment
        assert enrolment is not None
        return enrolment.token

    def bearer(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(name)}"}

    async def office(self, user: str = "binh") -> dict[str, str]:
        """The Authorization header of somebody of the office."""
        answer = await self.clients["cuc"].post("/api/v1/sessions", json={"user": user, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}


def dump(store: Any, tables: Iterable[str] = TABLES) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the typed tables, stamps included; `store` is a notebook's or central's database."""
    with store.reading() as connection:
        return {table: rows_of(connection, table) for table in tables}


def rows_of(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    order = "kind, id" if table == "other" else "id"
    return [tuple(row) for row in connection.execute(text(f'SELECT * FROM "{table}" ORDER BY {order}'))]


_kept = contextlib.ExitStack()


@functools.cache
def _prepared() -> tuple[Path, str]:
    """A folder with a central and three enrolled phones, made once and copied for every story; the id of the visit."""
    folder = Path(_kept.enter_context(tempfile.TemporaryDirectory(prefix="valley-", ignore_cleanup_errors=True)))
    clock = FieldClock(NOON)
    app = create_app(Settings.in_folder(folder / "central", b"k" * 32, password_cost=CHEAP), clock)
    people_of(app)
    with app.state.db.writing() as connection:
        write_as_central(connection, app.state.db.central_device, "an", reference_changes(), NOON)
        codes = {user: access.new_code(connection, app.state.settings.secret, user, "an", NOON) for user in PHONES}

    visits: list[str] = []

    async def enrol_all() -> None:
        for i, name in enumerate(PHONES):
            phone = Phone(folder / name, FieldClock(NOON), seed=1000 + i)
            async with httpx.AsyncClient(transport=Line(app), base_url="http://central", trust_env=False) as client:
                await phone.enrol(client, codes[name])
                await phone.sync(client)
                if name == "cuc":
                    visits.append(phone.book.start_visit(unit_of(phone)))
                    await phone.sync(client)
            phone.close()

    # A thread of its own: a story may already run inside an event loop.
    maker = threading.Thread(target=lambda: asyncio.run(enrol_all()))
    maker.start()
    maker.join()
    app.state.db.close()
    return folder, visits[0]


def unit_of(phone: Phone, code: str = "16831") -> UnitReading:
    """A unit as the phone knows it."""
    return next(unit for unit in phone.book.reference.units if unit.code == code)


@contextlib.contextmanager
def serving(app: FastAPI, port: int) -> Iterator[str]:
    """A real server on a real socket for as long as the block lasts; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    runner = threading.Thread(target=server.run, daemon=True)
    runner.start()
    try:
        for _ in itertools.count():
            if server.started:
                break
            if not runner.is_alive():
                raise AssertionError("the server did not start")
            runner.join(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        runner.join()


def free_port() -> int:
    """A port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def told(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A story told in coroutines, as a test; its arguments are fixtures."""

    @functools.wraps(story)
    def test(*args: Any, **named: Any) -> None:
        asyncio.run(story(*args, **named))  # type: ignore[arg-type]

    return test


class Pen:
    """Writes `POST /sync` bodies of one enrolled device by hand, for what no notebook would ever write."""

    def __init__(self, phone: Phone, epoch: str = "ab" * 16, schema: int = 1):
        enrolment = phone.book.enrolment
        assert enrolment is not None
        self.device, self.user, self.server_id = enrolment.device, enrolment.user, enrolment.server_id
        self.headers = {"Authorization": f"Bearer {enrolment.token}"}
        self.schema = schema
        self.epoch, self.seq, self.head = epoch, 0, journal.genesis(epoch)
        self.cursor: str | None = None

    def entry(self, kind: str, record: str, patch: dict[str, Any], **other: Any) -> list[Any]:
        named = {"ms": NOON, "counter": 0, "tx": self.seq + 1, "seen": 0, "author": self.user} | other
        return [*(named[k] for k in ("ms", "counter", "tx", "seen", "author")), kind, record, patch]

    def body(self, *entries: list[Any], **other: Any) -> dict[str, Any]:
        """A whole body after what was acknowledged; `other` replaces members of it."""
        head = self.head
        for seq, (ms, counter, tx, seen, author, kind, record, patch) in enumerate(entries, self.seq + 1):
            head = journal.entry_hash(
                head, self.device, self.epoch, seq, Stamp(ms, counter), tx, seen, self.schema, author, kind, record,
                journal.canonical(patch),
            )  # fmt: skip
        return {
            "protocol": 1, "schema": self.schema, "server_id": self.server_id, "device_id": self.device, "epoch": self.epoch,
            "first_seq": self.seq + 1, "prev_hash": self.head, "head_hash": head, "sent_at": NOON,
            "entries": list(entries), "cursor": self.cursor, "max_bytes": 32768, "photos": [],
        } | other  # fmt: skip

    def wrote(self, body: dict[str, Any]) -> None:
        """Central has acknowledged a body: go on after it."""
        self.seq = body["first_seq"] + len(body["entries"]) - 1
        self.head = body["head_hash"]
