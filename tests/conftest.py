"""What tests of the screens share, served by Python or in the browser alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One driver for a whole run: a second one beside it would be refused."""
    with sync_playwright() as playwright:
        yield playwright
