"""Entries of older schemas read as the present one.

What is stored never changes, since the hash covers it; a reader lays the steps from an entry's own schema to the present one
over its patch. Each step is a pure function of (kind, record id, patch) and, once released, is never changed. An entry of a
newer schema is read as it stands: fields and kinds this version does not know are kept verbatim.
"""

from collections.abc import Callable

from app.records import SCHEMA
from app.sync.journal import JournalEntry, Patch

Step = Callable[[str, str, Patch], Patch]

STEPS: dict[int, Step] = {}
"""Schema → what makes a patch of it one of the next schema; a step for every schema below the present one."""


def present_fields(entry: JournalEntry) -> Patch:
    """The merge patch of an entry, as the present schema has it."""
    patch = entry.fields
    for version in range(entry.schema_version, SCHEMA):
        patch = STEPS[version](entry.kind, entry.record, patch)
    return patch
