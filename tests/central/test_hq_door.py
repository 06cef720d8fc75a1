"""The door of /hq/: who gets in, what a stolen form or a forgotten window can do, and how it is locked again."""

import re
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from central.app import create_app
from central.hq.pages import PARTS
from central.people import add_user, set_active
from central.settings import Settings
from tests.central.conftest import PASSWORD, Clock, Office

Browser = Callable[[], Office]
Signed = Callable[[str], Office]


def routes(method: str) -> list[str]:
    """Every path of /hq/ behind the door, with made-up ids."""
    found = {
        f"/hq{route.path}"
        for part in PARTS
        for route in part.router.routes
        if isinstance(route, APIRoute) and method in route.methods
    }
    behind = {path for path in found if path != "/hq/sign-in"}
    return sorted(re.sub(r"[{}]", "", path.replace("{sha256}", "0" * 64)) for path in behind)


def test_every_page_is_behind_the_door(browser: Browser, enrolled: Callable[[str], dict[str, str]]) -> None:
    stranger, phone = browser(), enrolled("dung")
    paths = routes("GET")
    assert len(paths) >= 12, paths
    for path in paths:
        for headers in ({}, phone):
            answer = stranger.get(path, headers=headers)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/hq/sign-in"), path


def test_no_form_is_taken_without_its_token(office: Signed) -> None:
    window, other = office("an"), office("binh")
    paths = routes("POST")
    assert len(paths) >= 7, paths
    for path in paths:
        for fields in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": other.token()}):
            answer = window.post(path, data={**fields, "user": "dung"})
            assert answer.status_code == 403 and "Biểu mẫu đã hết hạn" in answer.text, path
    assert office("an").open("/hq/").status_code == 200


@pytest.mark.parametrize("user", ["an", "binh"])
def test_the_office_comes_back_to_the_page_it_wanted(browser: Browser, user: str) -> None:
    window = browser()
    wanted = "/hq/visits?round=dot-1&from=2026-10-01"

    form = window.open(wanted)
    assert "Đăng nhập" in form.text
    next_page = re.search(r'name="next" value="([^"]+)"', form.text)
    assert next_page
    answer = window.sign_in(user, next=next_page[1].replace("&amp;", "&"))

    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    assert window.get(wanted).status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/hq/", "/hq//evil", "/hq/\\evil", "hq", "/"]
)
def test_the_way_back_never_leads_to_another_site(browser: Browser, elsewhere: str) -> None:
    assert browser().sign_in("binh", next=elsewhere).headers["location"] == "/hq/"


@pytest.mark.parametrize("user", ["cuc", "dung"])
def test_the_field_cannot_open_the_office(browser: Browser, user: str) -> None:
    window = browser()
    answer = window.sign_in(user)
    assert answer.status_code == 403 and "Vai trò của bạn" in answer.text
    assert "kiemtra" not in window.cookies and window.get("/hq/").status_code == 303


def test_cookies_cannot_be_read_by_scripts_nor_sent_by_other_sites(browser: Browser) -> None:
    answer = browser().sign_in("binh")
    session = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("kiemtra="))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session.split("; ")) and "Secure" not in session


def test_behind_https_cookies_belong_to_this_host_only(settings: Settings, clock: Clock) -> None:
    app = create_app(replace(settings, public_url="https://kiemtra.example"), clock)
    with app.state.db.writing() as connection:
        add_user(connection, "binh", "Trần Thị Bình", "home_affairs", None, app.state.passwords.hash(PASSWORD))
    window = Office(app, base_url="https://testserver", follow_redirects=False)
    answer = window.sign_in("binh")
    session = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-kiemtra="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(session.split("; ")) and "Domain" not in session
    assert window.get("/hq/").headers["strict-transport-security"]
    app.state.db.close()


def test_ten_wrong_passwords_at_the_form_lock_it_in_words(browser: Browser, clock: Clock) -> None:
    window = browser()
    for _ in range(10):
        assert window.sign_in("binh", "đoán bừa một câu").status_code == 401
    stopped = window.sign_in("binh")
    assert stopped.status_code == 429 and int(stopped.headers["retry-after"]) == 900
    assert "Hãy đợi 15 phút" in stopped.text
    clock.pass_minutes(15)
    assert window.sign_in("binh").status_code == 303


def test_a_sign_in_form_from_elsewhere_is_refused(browser: Browser) -> None:
    window, attacker = browser(), browser()
    token = attacker.token("/hq/sign-in")
    for fields in ({}, {"csrf": token}):
        answer = window.post("/hq/sign-in", data={**fields, "user": "binh", "password": PASSWORD})
        assert answer.status_code == 403 and "kiemtra" not in window.cookies


def test_a_forgotten_window_locks_itself(office: Signed, clock: Clock) -> None:
    window = office("binh")
    clock.pass_minutes(119)
    assert window.get("/hq/").status_code == 200
    clock.pass_minutes(121)
    assert window.get("/hq/").status_code == 303


def test_nobody_stays_longer_than_half_a_day(office: Signed, clock: Clock) -> None:
    window = office("binh")
    for _ in range(7):
        clock.pass_minutes(100)
        assert window.get("/hq/").status_code == 200
    clock.pass_minutes(20)
    assert window.get("/hq/").status_code == 303


def test_signing_out_ends_the_session_even_for_a_copied_cookie(office: Signed, browser: Browser) -> None:
    window, thief = office("binh"), browser()
    thief.cookies.update(window.cookies)
    assert thief.get("/hq/").status_code == 200
    assert window.submit("/hq/sign-out").headers["location"] == "/hq/sign-in"
    assert thief.get("/hq/").status_code == 303


def test_cookie_and_bearer_are_not_exchangeable(office: Signed, client: httpx.Client, browser: Browser) -> None:
    cookie = office("binh").cookies["kiemtra"]
    bearer = client.post("/api/v1/sessions", json={"user": "binh", "password": PASSWORD}).json()["token"]
    assert client.get("/api/v1/summary", headers={"Authorization": f"Bearer {bearer}"}).status_code == 200
    assert client.get("/api/v1/summary", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401
    window = browser()
    window.cookies["kiemtra"] = bearer
    assert window.get("/hq/").status_code == 303


def test_who_has_left_is_out_at_the_next_click(office: Signed, central: FastAPI) -> None:
    window = office("binh")
    with central.state.db.writing() as connection:
        set_active(connection, "binh", False)
    assert window.get("/hq/").status_code == 303


def test_a_new_password_closes_every_other_window(office: Signed, browser: Browser) -> None:
    window, elsewhere = office("binh"), office("binh")
    new = "suối Nậm Mộ mùa lũ"

    def change(old: str, new: str, again: str) -> httpx.Response:
        return window.submit("/hq/password", "/hq/password", old=old, new=new, again=again)

    assert "không đúng" in change("không phải", new, new).text
    assert "không giống nhau" in change(PASSWORD, new, new + "?").text
    assert "từ 12 đến" in change(PASSWORD, "ngắn", "ngắn").text
    assert elsewhere.get("/hq/").status_code == 200
    assert change(PASSWORD, new, new).status_code == 303

    assert window.get("/hq/").status_code == 200 and elsewhere.get("/hq/").status_code == 303
    assert browser().sign_in("binh").status_code == 401
    assert browser().sign_in("binh", new).status_code == 303


def test_pages_run_no_foreign_script_and_are_kept_by_no_cache(office: Signed) -> None:
    window = office("an")
    for path in (
        "/hq/",
        "/hq/visits",
        "/hq/summary",
        "/hq/units",
        "/hq/devices",
        "/hq/users",
        "/hq/password",
        "/hq/none",
    ):
        answer = window.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=\"/hq/static/)", answer.text), path


def test_a_page_that_is_not_there_says_so_in_vietnamese(office: Signed) -> None:
    answer = office("binh").get("/hq/visits/khong-co")
    assert answer.status_code == 404 and answer.headers["content-type"].startswith("text/html")
    assert "Không có cuộc kiểm tra này" in answer.text
