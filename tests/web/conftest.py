"""The offline app against the real central: one build, one central with its demo, a new phone for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.ui.home_affairs import Central
from tests.web.pocket import Pocket

PocketMaker = Callable[..., Pocket]

IN_EVERY_RUN = ("test_build",)
"""The build; the stories of a browser take minutes and are told by `make phone`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/web/" in str(item.path) and item.path.stem not in IN_EVERY_RUN:
            item.add_marker(pytest.mark.phone)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    """A central of this test alone, answering."""
    central = Central(tmp_path / "central")
    yield central.start().ready()
    central.stop()


@pytest.fixture
def new_pocket(playwright: Playwright, tmp_path: Path) -> Iterator[PocketMaker]:
    """Makes phones that are on: `new_pocket(arguments=[…])`."""
    pockets: list[Pocket] = []

    def make(size: tuple[int, int] = (360, 640), arguments: tuple[str, ...] = ()) -> Pocket:
        pocket = Pocket(playwright, tmp_path / f"profile-{len(pockets)}", size, arguments)
        pockets.append(pocket)
        return pocket.start()

    yield make
    for pocket in pockets:
        pocket.stop()
    assert not [url for pocket in pockets for url in pocket.strangers], "no request leaves the origin"


@pytest.fixture
def pocket(new_pocket: PocketMaker) -> Pocket:
    return new_pocket()
