"""`python -m tests.powercuts --cuts 50000 --seed 1`: records a day of real processes and cuts the power that often.

Ends with status 1 when something promised was lost, or when the hasty app, which must lose something, did not.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.powercuts.recorded import record
from tests.powercuts.strace import why_not

SHARES = {"central": 0.4, "phone": 0.36, "browser": 0.26}
"""Together more than 1: at some places fewer different outcomes are found than asked for."""
HASTY_SHARE = 0.1
"""Of the control, on top."""
SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.powercuts")
    parser.add_argument("--cuts", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--taps", type=int, default=0, help="of the phone's day; 0: as many as the cuts can use")
    asked = parser.parse_args()
    if reason := why_not():
        print(f"Không theo dõi được tiến trình / processes cannot be watched here: {reason}", file=sys.stderr)
        return 1
    total, is_sound = 0, True
    with tempfile.TemporaryDirectory(prefix="powercuts-") as folder:
        for day in record(Path(folder), asked.taps or min(150, 24 + asked.cuts // 300)):
            began = time.monotonic()
            is_hasty = day.name == "hasty"
            wanted = round(asked.cuts * (HASTY_SHARE if is_hasty else SHARES[day.name]))
            outcome = day.walk(wanted, random.Random(f"{asked.seed} {day.name}"))
            day.close()
            seconds = time.monotonic() - began
            print(
                f"{day.name}: {len(day.steps)} steps, {outcome.states} states, {outcome.cuts} cuts, "
                f"{len(outcome.found)} lost, {seconds:.0f} s" + (" (control: must lose)" if is_hasty else ""),
                flush=True,
            )
            if not is_hasty:
                total += outcome.cuts
                for found in outcome.found[:SHOWN]:
                    print(f"  {found}")
            is_sound = is_sound and bool(outcome.found) == is_hasty
    print(f"{total} cuts, {'nothing promised was lost' if is_sound else 'NOT sound'} (seed {asked.seed})")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
