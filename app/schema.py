"""Numbered migrations, applied at opening; the journal's list is the same on the phone and at central.

Each part of a database (the journal, the phone's own tables, central's own tables) has its own list. The number reached
stands in `meta` under `schema:<part>`. A step is one SQL statement or a list of them and is never changed once released.
"""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text

Step = str | Sequence[str]


class NewerSchema(Exception):
    """The database was written by a newer version of the app; it has not been touched."""

    def __init__(self, part: str, found: int, known: int):
        super().__init__(f"{part}: schema {found}, this version knows {known}")
        self.part, self.found, self.known = part, found, known


_READING = "id TEXT PRIMARY KEY NOT NULL, stamps TEXT NOT NULL DEFAULT '{}', extra TEXT NOT NULL DEFAULT '{}'"

# The columns of the evidence tables, each after its id, stamps and extra.
_EVIDENCE = {
    "finding": "visit TEXT, row TEXT, item TEXT, severity TEXT, text TEXT, withdrawn TEXT, merged_into TEXT, "
    "unit_explanation TEXT, repeat_of TEXT, repeat_date TEXT, position BIGINT, removed BOOLEAN",
    "observation": "visit TEXT, observation_kind TEXT, text TEXT, position BIGINT, removed BOOLEAN",
    "recommendation": "visit TEXT, finding TEXT, text TEXT, owner TEXT, deadline TEXT, report_to TEXT, "
    "round_recommendation_id TEXT, position BIGINT, removed BOOLEAN",
    "person": "visit TEXT, role TEXT, name TEXT, post TEXT, body TEXT, row TEXT, reason TEXT, circulation TEXT, "
    "position BIGINT, removed BOOLEAN",
    "ground": "visit TEXT, document_type TEXT, document_number TEXT, issued_on TEXT, issuer TEXT, subject TEXT, "
    "position BIGINT, removed BOOLEAN",
    "document": "visit TEXT, document_type TEXT, document_number TEXT, issued_on TEXT, issuer TEXT, subject TEXT, "
    "circulation TEXT, position BIGINT, removed BOOLEAN",
    "remediation": "visit TEXT, about_kind TEXT, about TEXT, text TEXT, remediation_deadline TEXT, "
    "remediation_status TEXT, remark TEXT, document_number TEXT, issued_on TEXT, position BIGINT, removed BOOLEAN",
    "supplement": "visit TEXT, text TEXT, reason TEXT, document_number TEXT, position BIGINT, removed BOOLEAN",
    "signature": "visit TEXT, role TEXT, person TEXT, name TEXT, post TEXT, signed_at BIGINT, method TEXT, reason TEXT, "
    "strokes JSON, content TEXT, covers JSON, supplement TEXT",
}
_FITS = {"TEXT": "= 'text'", "BIGINT": "= 'integer'", "BOOLEAN": "IN ('true', 'false')", "JSON": "IS NOT NULL"}


def _evidence_table(kind: str, columns: str) -> list[str]:
    """The table of a kind that older versions kept verbatim, and what they kept of it, as `merge.as_row` lays it down."""
    named = [column.split() for column in columns.split(", ")]
    fits = [f"json_type(fields, '$.{name}') {_FITS[held]}" for name, held in named]
    taken = [f"fields -> '$.{name}'" if held == "JSON" else f"json_extract(fields, '$.{name}')" for name, held in named]
    values = [f"CASE WHEN {fit} THEN {value} END" for fit, value in zip(fits, taken, strict=True)]
    left = [f"CASE WHEN {fit} THEN '$.{name}' ELSE '$.\"\"' END" for (name, _), fit in zip(named, fits, strict=True)]
    quoted = ", ".join(f'"{name}"' for name, _ in named)
    typed = ", ".join(f'"{name}" {held.replace("JSON", "TEXT")}' for name, held in named)
    return [
        f"CREATE TABLE {kind} ({_READING}, {typed})",
        f"CREATE INDEX ix_{kind}_visit ON {kind} (visit)",
        f"INSERT INTO {kind} (id, stamps, extra, {quoted}) SELECT id, stamps, json_remove(fields, {', '.join(left)}), "
        f"{', '.join(values)} FROM other WHERE kind = '{kind}'",
        f"DELETE FROM other WHERE kind = '{kind}'",
    ]


JOURNAL: list[Step] = [
    [
        """CREATE TABLE entry (
            device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, position BIGINT UNIQUE,
            ms BIGINT NOT NULL, counter BIGINT NOT NULL, effective_ms BIGINT NOT NULL, effective_counter BIGINT NOT NULL,
            tx BIGINT NOT NULL, seen BIGINT NOT NULL, schema_version BIGINT NOT NULL, author TEXT NOT NULL,
            kind TEXT NOT NULL, record TEXT NOT NULL, patch TEXT NOT NULL, hash TEXT NOT NULL,
            visit TEXT NOT NULL DEFAULT '', team TEXT NOT NULL DEFAULT '', received_at BIGINT,
            verdict TEXT NOT NULL DEFAULT 'applied', problem TEXT,
            PRIMARY KEY (device, epoch, seq))""",
        "CREATE INDEX ix_entry_record ON entry (record)",
        "CREATE INDEX ix_entry_visit ON entry (visit)",
        f"""CREATE TABLE visit ({_READING}, round TEXT, team TEXT, unit_code TEXT, unit_valid_from TEXT, unit_name TEXT,
            unit_level TEXT, visit_kind TEXT, visit_date TEXT, visit_started_at BIGINT, visit_ended_at BIGINT, status TEXT,
            template TEXT, template_version BIGINT, main_count TEXT, planned TEXT)""",
        "CREATE INDEX ix_visit_round ON visit (round)",
        "CREATE INDEX ix_visit_unit_code ON visit (unit_code)",
        "CREATE INDEX ix_visit_visit_date ON visit (visit_date)",
        f'CREATE TABLE "count" ({_READING}, visit TEXT, moment BIGINT, note TEXT)',
        'CREATE INDEX ix_count_visit ON "count" (visit)',
        f"""CREATE TABLE "row" ({_READING}, visit TEXT, section TEXT, count TEXT, name TEXT, position BIGINT,
            removed BOOLEAN)""",
        'CREATE INDEX ix_row_visit ON "row" (visit)',
        f'CREATE TABLE answer ({_READING}, visit TEXT, "row" TEXT, item TEXT, value TEXT, remark TEXT)',
        "CREATE INDEX ix_answer_visit ON answer (visit)",
        f"""CREATE TABLE photo ({_READING}, visit TEXT, "row" TEXT, item TEXT, sha256 TEXT, bytes BIGINT, width BIGINT,
            height BIGINT, media_type TEXT, taken_at BIGINT, caption TEXT, preview TEXT, derived_from TEXT,
            removed BOOLEAN)""",
        "CREATE INDEX ix_photo_visit ON photo (visit)",
        "CREATE INDEX ix_photo_sha256 ON photo (sha256)",
        "CREATE INDEX ix_photo_preview ON photo (preview)",
        f"""CREATE TABLE round ({_READING}, name TEXT, starts_on TEXT, ends_on TEXT, teams TEXT, planned_units TEXT,
            is_demo BOOLEAN)""",
        f"CREATE TABLE team ({_READING}, name TEXT, team_kind TEXT)",
        f"""CREATE TABLE unit ({_READING}, code TEXT, name TEXT, level TEXT, parent_code TEXT, valid_from TEXT,
            valid_to TEXT, successor_codes TEXT, folded TEXT)""",
        "CREATE INDEX ix_unit_code ON unit (code)",
        f"CREATE TABLE template ({_READING}, code TEXT, version BIGINT, title TEXT, body TEXT)",
        f"""CREATE TABLE notice ({_READING}, unit_code TEXT, document_number TEXT, subject TEXT, issued_on TEXT,
            remediation_deadline TEXT, status TEXT)""",
        "CREATE INDEX ix_notice_unit_code ON notice (unit_code)",
        f"CREATE TABLE calendar_day ({_READING}, day TEXT, hours TEXT, note TEXT)",
        """CREATE TABLE other (kind TEXT NOT NULL, id TEXT NOT NULL, visit TEXT, fields TEXT NOT NULL DEFAULT '{}',
            stamps TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (kind, id))""",
        "CREATE INDEX ix_other_visit ON other (visit)",
    ],
    [
        'ALTER TABLE "count" ADD COLUMN removed BOOLEAN',
        # Covers what lists of visits ask for, so that 10,000 visits are searched without reading their rows.
        """CREATE INDEX ix_visit_newest ON visit
            (visit_date, visit_started_at, id, unit_name, round, status, unit_code, unit_valid_from)""",
        "CREATE INDEX ix_entry_refused ON entry (device) WHERE verdict = 'rejected'",
    ],
    ["ALTER TABLE visit ADD COLUMN geopoint TEXT", "ALTER TABLE photo ADD COLUMN geopoint TEXT"],
    # What entries that a phone has dropped said of a record (app/sync/compact.py); central drops none.
    """CREATE TABLE compacted (
        kind TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL, stamps TEXT NOT NULL, PRIMARY KEY (kind, id))""",
    [
        *(
            f"ALTER TABLE visit ADD COLUMN {column}"
            for column in (
                "document_number TEXT",
                "parent_body_name TEXT",
                "issuing_body_name TEXT",
                "place_name TEXT",
                "place TEXT",
                "period_checked TEXT",
                "unit_opinion TEXT",
                "copy_count BIGINT",
            )
        ),
        *(
            f"ALTER TABLE photo ADD COLUMN {name} TEXT"
            for name in ("photo_set", "finding", "remediation", "circulation")
        ),
        *(statement for kind, columns in _EVIDENCE.items() for statement in _evidence_table(kind, columns)),
    ],
    # Says by itself whether more than one phone wrote to a record, however many entries the record has.
    ["DROP INDEX ix_entry_record", "CREATE INDEX ix_entry_record ON entry (record, kind, device)"],
]


def reached(connection: Connection, part: str) -> int:
    """The number of steps a part has had; 0 in an empty database."""
    found = connection.execute(text("SELECT value FROM meta WHERE key = :key"), {"key": f"schema:{part}"}).scalar()
    return int(found) if found is not None else 0


def migrate(connection: Connection, part: str, steps: Sequence[Step]) -> None:
    """Bring one part of the database to the newest number, inside the caller's transaction.

    Raises NewerSchema before anything is written when the database has had more steps than this version knows.
    """
    connection.execute(text("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)"))
    number = reached(connection, part)
    if number > len(steps):
        raise NewerSchema(part, number, len(steps))
    for step in steps[number:]:
        for statement in [step] if isinstance(step, str) else step:
            connection.execute(text(statement))
    if number < len(steps):
        write_meta(connection, f"schema:{part}", str(len(steps)))


def note_central(connection: Connection, server_ids: Sequence[str]) -> None:
    """Names that this phone's central had before it was restored, beside those known already."""
    before = known_centrals(connection)
    if not before.issuperset(server_ids):
        write_meta(connection, "server_ids_before", json.dumps(sorted(before.union(server_ids))))


def known_centrals(connection: Connection) -> set[str]:
    """The names noted by `note_central`."""
    return set(json.loads(read_meta(connection, "server_ids_before") or "[]"))


_WRITE_META = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def read_meta(connection: Connection, key: str) -> str | None:
    """A fact about this database, None when it was never written."""
    found: str | None = connection.execute(text("SELECT value FROM meta WHERE key = :key"), {"key": key}).scalar()
    return found


def write_meta(connection: Connection, key: str, value: str) -> None:
    connection.execute(_WRITE_META, {"key": key, "value": value})
