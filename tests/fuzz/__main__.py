"""`python -m tests.fuzz --requests 100000 --seed 1`: hostile requests to a real central; status 1 when it did anything wrong."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.siege import Report, besiege

SHOWN = 10


def tell(report: Report) -> None:
    print(report, flush=True)
    for fault in report.faults[:SHOWN]:
        print(f"  {fault}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        report = besiege(Path(folder), asked.requests, asked.seed, tell)
    tell(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
