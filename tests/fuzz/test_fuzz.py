"""Two thousand hostile requests at a real central: no failure, no hanging, no growing, and honest phones go on being served."""

from pathlib import Path

from tests.fuzz.siege import besiege


def test_hostile_requests_are_refused_in_order_and_honest_phones_served(tmp_path: Path) -> None:
    report = besiege(tmp_path, 2000, seed=20261122)
    print(report)
    assert report.faults == []
    assert len(report.statuses) > 8, "requests got to different places"
    assert report.statuses["200"] + report.statuses["201"] > 50, "some got as far as the tables"
