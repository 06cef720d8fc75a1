"""Home Affairs' pages in a real browser, 1366×768: nothing hangs over the edge, nothing complains, the keyboard suffices."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from central.demo import HQ_PASSWORD, HQ_USER
from tests.central.test_hq_pages import Evening, evening
from tests.valley import free_port, serving

__all__ = ["evening"]

PAGES = ("/hq/", "/hq/visits", "/hq/summary", "/hq/units?q=ky+son", "/hq/devices", "/hq/users", "/hq/password")


@pytest.fixture
def desk(evening: Evening, chromium: Browser) -> Iterator[Page]:
    """A window in which an officer has signed in by keyboard alone; at its end nothing may have complained."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with serving(evening.app, free_port()) as address:
        page.goto(f"{address}/hq/")
        page.locator("input[name=user]:focus").wait_for()
        page.keyboard.type(HQ_USER)
        page.keyboard.press("Tab")
        page.keyboard.type(HQ_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/hq/")
        yield page
        context.close()
    assert complaints == []


def open_page(desk: Page, path: str) -> None:
    desk.goto(desk.url.split("/hq/")[0] + path)


def test_nothing_hangs_over_the_edge_and_everything_has_a_name(desk: Page, evening: Evening) -> None:
    visits = [f"/hq/visits/{evening.visits[name]}" for name in ("pub_lang_khe", "twice")]
    for path in (*PAGES, *visits, f"{visits[1]}/journal"):
        open_page(desk, path)
        assert desk.evaluate("document.documentElement.scrollWidth") <= 1366, path
        nameless = desk.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, button, a')]"
            ".filter(e => !(e.labels?.length || e.textContent.trim() || e.querySelector('img[alt]'))).map(e => e.outerHTML)"
        )
        assert nameless == [], path


def test_a_heading_sorts_by_keyboard_and_uncounted_rows_stay_last(desk: Page) -> None:
    open_page(desk, "/hq/visits?round=ban-thu-nghe-an-2021-02")
    for expected in (
        ["Xã Lạng Khê", "Xã Mường Lống", "Huyện Kỳ Sơn"],
        ["Huyện Kỳ Sơn", "Xã Mường Lống", "Xã Lạng Khê"],
    ):
        desk.get_by_role("columnheader", name="Tổng số").focus()
        desk.keyboard.press("Enter")
        assert desk.locator("tbody th").all_inner_texts()[:3] == expected


def test_photos_are_seen_small_and_open_whole(desk: Page, evening: Evening) -> None:
    open_page(desk, f"/hq/visits/{evening.visits['pub_ky_son']}")
    picture = desk.locator(".photos img").first
    picture.scroll_into_view_if_needed()
    small = picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    picture.click()
    desk.wait_for_url("**/hq/photos/*")
    whole = desk.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    assert whole > small


def test_paper_has_neither_menus_nor_forms(desk: Page) -> None:
    open_page(desk, "/hq/summary")
    desk.emulate_media(media="print")
    assert not desk.locator("nav").first.is_visible() and not desk.locator("form").first.is_visible()
    assert desk.get_by_text("BẢN THỬ – dữ liệu minh họa").is_visible()
    assert desk.get_by_text("In lúc").is_visible()
