"""One Chromium for all tests of a run; a fresh context, as a fresh phone, for each test."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from tests.ui.driver import CHROMIUM, CHROMIUM_ARGUMENTS, PHONE, WITHOUT_WEBGL, Phone

PhoneMaker = Callable[..., Phone]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/ui/" in str(item.path):
            item.add_marker(pytest.mark.ui)


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, *WITHOUT_WEBGL])
    yield browser
    browser.close()


@pytest.fixture
def new_phone(chromium: Browser) -> Iterator[PhoneMaker]:
    """Makes phones: `new_phone(size=(360, 640), dark=False)`; `phone.complaints` holds the page's own errors."""
    contexts = []

    def make(size: tuple[int, int] = PHONE, dark: bool = False, **options: object) -> Phone:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        phone = Phone(context.new_page())
        phone.page.on("pageerror", lambda error: phone.complaints.append(str(error)))
        return phone

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def phone(new_phone: PhoneMaker) -> Phone:
    return new_phone()
