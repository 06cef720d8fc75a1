"""The power fails while a phone records, sends and takes answers, and while central takes batches and photos."""

import contextlib
import random
from collections.abc import Iterator

import pytest

from tests.powercuts.cuts import CentralDay, Day
from tests.powercuts.disk import Disk
from tests.powercuts.recorded import record
from tests.powercuts.strace import Step, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can be watched")

CUTS = {"central": 220, "phone": 220, "browser": 120}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Day]]:
    recorded = {day.name: day for day in record(tmp_path_factory.mktemp("day"), taps=24)}
    yield recorded
    for day in recorded.values():
        day.close()


@pytest.mark.parametrize("name", CUTS)
def test_the_power_fails_anywhere_and_nothing_promised_is_lost(days: dict[str, Day], name: str) -> None:
    outcome = days[name].walk(CUTS[name], random.Random(20261122))
    assert outcome.found == []
    assert outcome.cuts > CUTS[name] * 0.8, "the power did fail"
    assert outcome.states > 15, "there was something to lose"


def test_central_had_promised_entries_photos_and_a_phone_its_place(days: dict[str, Day]) -> None:
    central = days["central"]
    assert isinstance(central, CentralDay)
    for step in central.steps:
        central.promise(step)
    assert sorted(central.acked.values())[-1] > 20, "of the phone that is watched; its colleague sent less"
    assert len(central.acked) == len(central.devices) == 2 and len(central.offsets) >= 4


def test_an_app_that_does_not_wait_for_the_disk_loses_what_it_showed_as_saved(days: dict[str, Day]) -> None:
    """The control: the same notebook, taps and cuts with `synchronous=NORMAL`."""
    outcome = days["hasty"].walk(60, random.Random(20261122))
    assert len(outcome.found) > outcome.cuts / 5
    assert all("shown as saved is gone" in found for found in outcome.found), "never damaged, only set back"


@pytest.mark.parametrize(
    ("name", "left_out", "what"),
    [
        ("phone", "photos", "names the photo"),
        ("phone", "notebook.sqlite-wal", "is gone"),
        ("browser", "flush", "is gone"),
        ("central", "central.sqlite-wal", "is not known"),
        ("central", "central/photos", "not whole"),
    ],
)
def test_a_sync_left_out_is_found(days: dict[str, Day], name: str, left_out: str, what: str) -> None:
    """The same day on a disk that was never asked for the syncs of one file or folder, or by a browser that never flushes."""
    steps = [
        step._replace(what="nothing")
        if (step.what == "sync" and left_out in step.path) or (step.what == "said" and left_out in step.data.decode())
        else step
        for step in days[name].steps
    ]
    disk = type(days[name].disk)(days[name].disk.root)
    with contextlib.closing(type(days[name])(name, disk, steps)) as day:
        outcome = day.walk(80, random.Random(1))
    assert any(what in found for found in outcome.found)


def test_a_disk_keeps_what_was_synced_and_of_the_rest_whole_sectors() -> None:
    disk = Disk("/d")
    for step in (
        Step("make", "/d/f"),
        Step("write", "/d/f", 0, b"a" * 600),
        Step("sync", "/d", 2),
        Step("sync", "/d/f", 2),
    ):
        disk.take(step)
    disk.take(Step("write", "/d/f", 500, b"b" * 600))
    assert disk.image(None) == {"/d/f": b"a" * 600}
    assert disk.everything() == {"/d/f": b"a" * 500 + b"b" * 600}
    torn = {disk.image(random.Random(seed))["/d/f"] for seed in range(200)}
    assert b"a" * 512 + b"b" * 512 in torn, "a middle sector alone"
    assert all(content[:500] == b"a" * 500 and len(set(content[512:600])) == 1 for content in torn)


def test_a_sync_vouches_only_for_what_had_ended_when_it_began() -> None:
    disk = Disk("/d")
    for step in (Step("make", "/d/f"), Step("sync", "/d", 1), Step("write", "/d/f", 0, b"early")):
        disk.take(step)
    disk.take(Step("write", "/d/f", 5, b"late"))
    disk.take(Step("sync", "/d/f", 3))
    assert disk.image(None) == {"/d/f": b"early"}


def test_a_new_name_is_kept_once_its_folder_is_and_not_by_the_file_itself() -> None:
    disk = Disk("/d")
    for step in (Step("make", "/d/f.unfinished"), Step("write", "/d/f.unfinished", 0, b"photo")):
        disk.take(step)
    disk.take(Step("sync", "/d/f.unfinished", 2))
    disk.take(Step("rename", "/d/f.unfinished", target="/d/f"))
    assert disk.image(None) == {}
    disk.take(Step("sync", "/d", 4))
    assert disk.image(None) == {"/d/f": b"photo"}
