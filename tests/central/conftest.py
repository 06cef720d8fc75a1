"""A real central over a folder of its own, with a clock the story moves and people of two teams."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central import access
from central.app import create_app
from central.people import Role, add_user
from central.settings import PasswordCost, Settings

PASSWORD = "mưa rào Mường Lống 2026"
NOON = 1_795_237_200_000
"""2026-11-21 12:00 at +07:00."""


class Clock:
    """Unix ms; a story moves it by hand."""

    def __init__(self) -> None:
        self.ms = NOON

    def __call__(self) -> int:
        return self.ms

    def pass_minutes(self, minutes: float) -> None:
        self.ms += round(minutes * 60_000)


class Office(TestClient):
    """A browser of the office: keeps cookies, follows redirects, finds the token in a page and sends it with forms."""

    def open(self, path: str) -> httpx.Response:
        return self.get(path, follow_redirects=True)

    def token(self, path: str = "/hq/devices") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.open(path).text)
        assert found, "no form on the page"
        return found[1]

    def submit(self, path: str, page: str = "/hq/devices", **fields: str) -> httpx.Response:
        return self.post(path, data={"csrf": self.token(page), **fields})

    def sign_in(self, user: str, password: str = PASSWORD, next: str = "/hq/") -> httpx.Response:
        return self.submit("/hq/sign-in", "/hq/sign-in", user=user, password=password, next=next)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "central", b"k" * 32, password_cost=PasswordCost(memory_kib=8, rounds=1))


@pytest.fixture
def central(settings: Settings, clock: Clock) -> Iterator[FastAPI]:
    """Central with An (administrator), Bình (Home Affairs), and of team `doan-1` leader Cúc and inspectors Dũng and
    Giang, of `doan-2` inspector Hoa. All know PASSWORD; only the office may use it."""
    app = create_app(settings, clock)
    password_hash = app.state.passwords.hash(PASSWORD)
    people: list[tuple[str, str, Role, str | None]] = [
        ("an", "Nguyễn Văn An", "administrator", None),
        ("binh", "Trần Thị Bình", "home_affairs", None),
        ("cuc", "Lê Thị Cúc", "team_leader", "doan-1"),
        ("dung", "Phạm Dũng", "inspector", "doan-1"),
        ("giang", "Vi Thị Giang", "inspector", "doan-1"),
        ("hoa", "Lô Thị Hoa", "inspector", "doan-2"),
    ]
    with app.state.db.writing() as connection:
        for id, name, role, team in people:
            add_user(connection, id, name, role, team, password_hash)
    yield app
    app.state.db.close()


@pytest.fixture
def client(central: FastAPI) -> Iterator[httpx.Client]:
    with TestClient(central, base_url="http://testserver", follow_redirects=False) as client:
        yield client


@pytest.fixture
def new_code(central: FastAPI, clock: Clock) -> Callable[[str], str]:
    """Makes an enrolment code for a user."""

    def make(user: str) -> str:
        with central.state.db.writing() as connection:
            return access.new_code(connection, central.state.settings.secret, user, "an", clock())

    return make


@pytest.fixture
def enrolled(client: httpx.Client, new_code: Callable[[str], str]) -> Callable[[str], dict[str, str]]:
    """Enrols a phone of a user over the API; gives its Authorization header."""

    def make(user: str) -> dict[str, str]:
        answer = client.post("/api/v1/devices", json={"code": new_code(user), "name": f"Máy của {user}"})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    return make


@pytest.fixture
def browser(central: FastAPI) -> Iterator[Callable[[], Office]]:
    """Opens browsers, each with cookies of its own."""
    yield lambda: Office(central, base_url="http://testserver", follow_redirects=False)


@pytest.fixture
def office(browser: Callable[[], Office]) -> Callable[[str], Office]:
    """A browser in which somebody has signed in."""

    def make(user: str) -> Office:
        window = browser()
        answer = window.sign_in(user)
        assert answer.status_code == 303, answer.text
        return window

    return make
