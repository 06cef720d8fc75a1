"""`python -m tests.simulation`: days by the thousand, one day told, or the planted bugs found."""

import argparse
import sys
import time

from tests.simulation import days, planted

SHOWN = 5
"""Failing days told in full; of the others only how to play them again."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=500, help="how many days to play")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="play one day and tell it; a failing one is shortened")
    parser.add_argument("--with", default="", dest="bug", choices=["", *planted.BUGS], help="with this planted bug")
    parser.add_argument("--planted", action="store_true", help="find every planted bug")
    asked = parser.parse_args()
    if asked.seed is not None:
        print(days.told(asked.seed, asked.bug))
        return 0
    if asked.planted:
        return find_planted(asked.jobs)
    return simulate(range(asked.first, asked.first + asked.schedules), asked.jobs)


def simulate(seeds: range, jobs: int) -> int:
    print(f"Mô phỏng {len(seeds)} ngày / simulating {len(seeds)} days, seeds {seeds[0]}–{seeds[-1]}", flush=True)
    start = shown = time.monotonic()
    whole = days.Outcome()
    for outcome in days.play_in(jobs, seeds):
        whole.add(outcome)
        for failure in outcome.failures:
            print(f"{failure.replay}  # {failure.words[:200]}", flush=True)
        if time.monotonic() - shown > 15:
            shown = time.monotonic()
            print(
                f"  {whole.days} days, {whole.days / (shown - start):.0f}/s, {len(whole.failures)} failed", flush=True
            )
        if len(whole.failures) >= 100:
            print("  too many fail to go on")
            break
    seconds = time.monotonic() - start
    for failure in whole.failures[:SHOWN]:
        print("\n" + days.told(failure.seed))
    print(f"{whole.days} days in {seconds:.0f} s, {whole.days / seconds:.1f}/s, {len(whole.failures)} failed; they had")
    for what, times in sorted(whole.counts.items()):
        print(f"  {times:9,}  {what}")
    return 1 if whole.failures else 0


def find_planted(jobs: int) -> int:
    print(f"Tìm {len(planted.BUGS)} lỗi gài / finding {len(planted.BUGS)} planted bugs", flush=True)
    missed = 0
    for name, failure in planted.hunt(list(planted.BUGS), jobs):
        missed += failure is None
        found = f"seed {failure.seed:4}  {failure.words[:110]}" if failure else f"NOT FOUND in {planted.WITHIN} days"
        print(f"  {name:42} {found}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
