"""Who gets in: one-time codes, phones that lose an answer, passwords guessed at, and what each role is refused."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from central import access
from central.database import rows
from central.people import set_active
from tests.central.conftest import PASSWORD, Clock

Enrolled = Callable[[str], dict[str, str]]
NewCode = Callable[[str], str]

INSTALL = "0123456789abcdef0123456789abcdef"


def enrol(client: httpx.Client, code: str, **more: str) -> httpx.Response:
    return client.post("/api/v1/devices", json={"code": code, "name": "Máy của Dũng", **more})


def sign_in(client: httpx.Client, user: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/v1/sessions", json={"user": user, "password": password})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and name of a problem; anything that is not a whole problem document fails here."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code and document["retry"] in ("never", "now", "later")
    assert " / " in document["title"]
    return answer.status_code, document["type"].rsplit("/", 1)[-1]


def test_an_inspector_enrols_a_phone_once_and_central_keeps_only_hashes(
    client: httpx.Client, new_code: NewCode, central: FastAPI
) -> None:
    code = new_code("dung")

    answer = enrol(client, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"))

    assert answer.status_code == 201
    given = answer.json()
    assert given["user"] == {"id": "dung", "name": "Phạm Dũng", "role": "inspector"}
    assert given["team"] == {"id": "doan-1", "name": "doan-1"}
    assert given["server_id"] == central.state.db.server_id
    assert given["limits"] == {"max_bytes": 262_144, "max_entries": 1000, "max_photo_bytes": 5_242_880}
    with central.state.db.reading() as connection:
        kept = str(rows(connection, "SELECT * FROM device") + rows(connection, "SELECT * FROM enrolment_code"))
    assert given["token"] not in kept and code not in kept and code.replace("-", "") not in kept
    assert refusal(enrol(client, code)) == (409, "code-used")


def test_a_lost_answer_does_not_strand_the_phone(
    client: httpx.Client, new_code: NewCode, central: FastAPI, clock: Clock
) -> None:
    code = new_code("dung")
    lost = enrol(client, code, install=INSTALL).json()
    clock.pass_minutes(3)

    again = enrol(client, code, install=INSTALL)

    assert again.status_code == 201 and again.json()["device_id"] == lost["device_id"]
    assert again.json()["token"] != lost["token"]
    assert refusal(enrol(client, code, install="f" * 32)) == (409, "code-used")
    assert refusal(enrol(client, code)) == (409, "code-used")
    with central.state.db.writing() as connection:
        assert len(rows(connection, "SELECT id FROM device")) == 1
        access.revoke(connection, lost["device_id"], clock())
    assert refusal(enrol(client, code, install=INSTALL)) == (409, "code-used"), (
        "a revoked phone comes back by no old code"
    )


def test_a_code_lives_one_day(client: httpx.Client, new_code: NewCode, clock: Clock) -> None:
    unused, used = new_code("dung"), new_code("giang")
    assert enrol(client, used, install=INSTALL).status_code == 201
    clock.pass_minutes(24 * 60 - 1)
    assert enrol(client, used, install=INSTALL).status_code == 201
    clock.pass_minutes(1)

    assert refusal(enrol(client, unused)) == (410, "code-expired")
    assert refusal(enrol(client, used, install=INSTALL)) == (410, "code-expired")


def test_guessing_codes_is_stopped_and_the_wait_ends(client: httpx.Client, new_code: NewCode, clock: Clock) -> None:
    good = new_code("dung")
    for number in range(10):
        assert refusal(enrol(client, f"22222-2222{number}")) == (404, "code-unknown")

    stopped = enrol(client, good)

    assert refusal(stopped) == (429, "too-many-attempts")
    assert stopped.headers["retry-after"] == "300" and stopped.json()["retry"] == "later"
    clock.pass_minutes(5)
    assert enrol(client, good).status_code == 201


def test_a_training_room_of_forty_phones_enrols_at_one_address(client: httpx.Client, new_code: NewCode) -> None:
    for _ in range(40):
        assert enrol(client, new_code("dung")).status_code == 201


@pytest.mark.parametrize("user", ["an", "binh"])
def test_the_office_signs_in_for_half_a_day(
    client: httpx.Client, user: str, clock: Clock, central: FastAPI, opening: str
) -> None:
    answer = sign_in(client, user)

    assert answer.status_code == 201
    assert answer.json()["expires_at"] == clock() + 12 * 3_600_000
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    clock.pass_minutes(12 * 60 - 1)
    assert client.get(opening, headers=bearer).json()["user"] == user
    clock.pass_minutes(1)
    expired = client.get(opening, headers=bearer)
    assert refusal(expired) == (401, "token-expired") and expired.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("user", ["cuc", "dung"])
def test_a_right_password_does_not_let_the_field_into_the_office(client: httpx.Client, user: str) -> None:
    assert refusal(sign_in(client, user)) == (403, "role-denied")


def test_ten_wrong_passwords_lock_the_user_even_with_the_right_one(client: httpx.Client, clock: Clock) -> None:
    for number in range(10):
        clock.pass_minutes(0.1)
        assert refusal(sign_in(client, "binh", f"đoán lần thứ {number}")) == (401, "wrong-sign-in")

    stopped = sign_in(client, "binh")

    assert refusal(stopped) == (429, "too-many-attempts")
    assert int(stopped.headers["retry-after"]) == 15 * 60 - 54
    clock.pass_minutes(6)  # the address is free again, the user is not
    assert refusal(sign_in(client, "binh")) == (429, "too-many-attempts")
    assert sign_in(client, "an").status_code == 201
    clock.pass_minutes(9)
    assert sign_in(client, "binh").status_code == 201


def test_a_right_password_forgets_the_typing_mistakes_before_it(client: httpx.Client) -> None:
    for _ in range(3):
        assert sign_in(client, "binh", "gõ nhầm bàn phím").status_code == 401
    assert sign_in(client, "binh").status_code == 201
    for _ in range(6):
        assert sign_in(client, "binh", "gõ nhầm bàn phím").status_code == 401
    assert sign_in(client, "binh").status_code == 201


def test_an_unknown_user_is_refused_like_a_wrong_password_after_the_same_work(
    client: httpx.Client, central: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = central.state.passwords._hasher
    verified: list[str] = []
    real = hasher.verify
    monkeypatch.setattr(type(hasher), "verify", lambda self, hash, word: (verified.append(hash), real(hash, word))[1])

    unknown, wrong = sign_in(client, "khong-co-ai"), sign_in(client, "binh", "không phải mật khẩu này")

    assert unknown.json() == wrong.json() and unknown.status_code == wrong.status_code == 401
    assert [hash.split("$")[3] for hash in verified] == ["m=8,t=1,p=1"] * 2


@pytest.fixture
def opening(central: FastAPI) -> str:
    """A route that says who is calling, for any caller; others ask for a role or a phone."""
    from fastapi import Depends

    for path, dependency in {
        "any": access.require_caller,
        "phone": access.require_device,
        "phone-even-revoked": access.device_even_revoked,
        "office": access.require_role("administrator", "home_affairs"),
        "leader": access.require_role("team_leader"),
    }.items():
        who = Depends(dependency)
        central.add_api_route(f"/api/v1/test/{path}", _tell(who))
    return "/api/v1/test/any"


def _tell(who: object) -> Callable[..., dict[str, object]]:
    def tell(caller: access.Caller = who) -> dict[str, object]:  # type: ignore[assignment]
        return {"user": caller.user, "role": caller.role, "team": caller.team, "revoked": caller.is_revoked}

    return tell


ALLOWED = {
    "an": {"any", "office"},
    "binh": {"any", "office"},
    "cuc": {"any", "phone", "phone-even-revoked", "leader"},
    "dung": {"any", "phone", "phone-even-revoked"},
}


@pytest.mark.parametrize("user", ALLOWED)
@pytest.mark.parametrize("path", ["any", "phone", "phone-even-revoked", "office", "leader"])
def test_each_role_opens_what_it_may_and_nothing_else(
    client: httpx.Client, enrolled: Enrolled, opening: str, user: str, path: str
) -> None:
    if user in ("an", "binh"):
        bearer = {"Authorization": f"Bearer {sign_in(client, user).json()['token']}"}
    else:
        bearer = enrolled(user)

    answer = client.get(f"/api/v1/test/{path}", headers=bearer)

    if path in ALLOWED[user]:
        assert answer.status_code == 200 and answer.json()["user"] == user
    else:
        assert refusal(answer)[0] == 403


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nothing-known", "Basic YTpi", "Bearer " + "x" * 5000])
def test_no_token_no_entry(client: httpx.Client, opening: str, header: str | None) -> None:
    answer = client.get(opening, headers={"Authorization": header} if header else {})
    assert refusal(answer) == (401, "token-expired")


def test_a_revoked_phone_is_refused_but_may_still_hand_in_what_it_holds(
    client: httpx.Client, enrolled: Enrolled, opening: str, central: FastAPI, clock: Clock
) -> None:
    bearer = enrolled("dung")
    assert client.get(opening, headers=bearer).status_code == 200
    with central.state.db.writing() as connection:
        device = rows(connection, "SELECT id FROM device")[0]["id"]
        access.revoke(connection, device, clock())

    assert refusal(client.get(opening, headers=bearer)) == (403, "device-revoked")
    assert refusal(client.get("/api/v1/test/phone", headers=bearer)) == (403, "device-revoked")
    assert client.get("/api/v1/test/phone-even-revoked", headers=bearer).json()["revoked"] is True


def test_whoever_leaves_is_out_at_once_with_phone_session_and_code(
    client: httpx.Client, enrolled: Enrolled, new_code: NewCode, opening: str, central: FastAPI
) -> None:
    phone, code = enrolled("dung"), new_code("dung")
    office = {"Authorization": f"Bearer {sign_in(client, 'binh').json()['token']}"}
    with central.state.db.writing() as connection:
        set_active(connection, "dung", False)
        set_active(connection, "binh", False)

    assert refusal(client.get(opening, headers=phone)) == (403, "device-revoked")
    assert refusal(client.get(opening, headers=office)) == (401, "token-expired")
    assert refusal(enrol(client, code)) == (403, "user-inactive")
    assert refusal(sign_in(client, "binh")) == (401, "wrong-sign-in")


def test_last_seen_is_written_once_a_minute(
    client: httpx.Client, enrolled: Enrolled, opening: str, central: FastAPI, clock: Clock
) -> None:
    bearer = enrolled("dung")
    start = clock()

    def seen() -> int:
        with central.state.db.reading() as connection:
            return int(connection.execute(text("SELECT last_seen_at FROM device")).scalar_one())

    client.get(opening, headers=bearer)
    assert seen() == start
    clock.pass_minutes(0.9)
    client.get(opening, headers=bearer)
    assert seen() == start
    clock.pass_minutes(0.2)
    client.get(opening, headers=bearer)
    assert seen() == clock()
