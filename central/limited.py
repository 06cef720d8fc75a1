"""What is of limited circulation in a journal: its patches leave central as fingerprints only."""

import json
from collections.abc import Iterable
from typing import Any

from app.records import ABSENT_ROLES, LIMITED


def limited_records(entries: Iterable[Any]) -> set[tuple[str, str]]:
    """(kind, id) of the records that some entry made limited: a person absent, or anything with that circulation.

    Also when a later entry says otherwise: what stood there before must not come out. `entries` have kind, record, patch.
    """
    found = set()
    for entry in entries:
        patch = json.loads(entry.patch)
        if patch.get("circulation") == LIMITED or (entry.kind == "person" and patch.get("role") in ABSENT_ROLES):
            found.add((entry.kind, entry.record))
    return found
