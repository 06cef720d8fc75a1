"""Days of three phones and central under a virtual clock: every promise of sync.md §6 is kept, and what was signed stays, whatever happens on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.sync import ledger
from tests.field import Phone
from tests.simulation import days, planted
from tests.simulation.remembered import REMEMBERED
from tests.simulation.schedule import schedule

ROOT = Path(__file__).parents[2]
QUICK = (
    "a_pull_is_not_limited_to_the_team", "a_phone_skips_the_flush", "the_effective_stamp_is_lost", "a_conflict_is_dropped",
    "a_photo_is_whole_before_it_is_verified", "a_signature_changes_nothing_that_is_already_shown",
    "the_second_signature_freezes_more_than_the_first", "a_supplement_drops_what_was_not_there_before",
)  # fmt: skip
"""Planted bugs that the first days show."""


def test_five_hundred_days_keep_every_promise() -> None:
    outcome = days.play_all(range(500))
    assert not outcome.failures, "\n".join(f"{failure.replay}  # {failure.words}" for failure in outcome.failures)
    never = {
        "answer lost", "request cut", "half-open", "answer cut", "doubled", "arrives late", "no line", "central power cut",
        "central restored", "clone", "restore", "revoke", "full", "clock", "conflicts", "entries", "lose", "office", "visits signed", "late entries",
    } - set(outcome.counts)  # fmt: skip
    assert not never, f"these days had none of {never}: they show less than they say"


@pytest.mark.parametrize("name", REMEMBERED)
def test_a_day_that_once_broke_a_promise_keeps_it(name: str) -> None:
    _, failure = days.play(REMEMBERED[name])
    assert failure is None, failure.words


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found_in_the_first_days(name: str) -> None:
    assert days.play_all(range(20), name).failures


def test_a_simulated_day_leaves_no_trace_in_the_process(tmp_path: Path) -> None:
    """Its statements, which only the simulated databases understand, once stayed behind in `journal`."""
    days.play(schedule(7))
    phone = Phone(tmp_path / "phone")
    phone.enrol_alone()
    with phone.book.store.reading() as connection:
        request = ledger.outgoing(connection, phone.clock(), max_entries=10, max_bytes=10_000, pull_bytes=10_000)
    assert request["entries"] == []


@pytest.mark.long
@pytest.mark.parametrize("name", planted.BUGS)
def test_a_planted_bug_is_found_within_a_thousand_days(name: str) -> None:
    assert planted.find(name) is not None


_TOLD = "import hashlib, sys; from tests.simulation import days; print(days.told(int(sys.argv[1])))"


def test_a_seed_is_the_same_day_in_every_process() -> None:
    """Whatever order Python gives its sets in that process."""

    def told(hash_seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", _TOLD, "44"], cwd=ROOT, env=environment, capture_output=True, check=True
        ).stdout

    first = told("1")
    assert first == told("2")
    assert first.decode() == days.told(44) + "\n"
    assert len(first.splitlines()) > 10


def test_a_failing_day_is_told_with_the_few_steps_that_are_enough() -> None:
    bug = "the_effective_stamp_is_lost"
    [failure, *_] = days.play_all(range(20), bug).failures
    day = schedule(failure.seed)
    short = days.shortened(day, failure.what, bug)
    assert 0 < len(short.steps) < len(day.steps) / 2
    _, again = days.play(short, bug)
    assert again is not None and again.what == failure.what
    told = days.told(failure.seed, bug)
    assert f"{len(short.steps)} of {len(day.steps)} steps are enough" in told and failure.words in told
