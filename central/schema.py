"""Central's own tables, beside the journal's: who may do what, and from which phone.

Applied by `app.schema.migrate` as part `central`. A released step is never changed; a new one is added at the end.
"""

from app.schema import Step

CENTRAL: list[Step] = [
    [
        """CREATE TABLE "user" (
            id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, team TEXT, password_hash TEXT,
            active BIGINT NOT NULL DEFAULT 1)""",
        """CREATE TABLE device (
            id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE,
            install TEXT, enrolled_at BIGINT NOT NULL, last_seen_at BIGINT, revoked_at BIGINT)""",
        "CREATE INDEX ix_device_user_id ON device (user_id)",
        """CREATE TABLE enrolment_code (
            code_hash TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, made_by TEXT NOT NULL, made_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, used_at BIGINT, device TEXT)""",
        """CREATE TABLE session (
            token_hash TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, purpose TEXT NOT NULL,
            started_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)""",
        "CREATE INDEX ix_session_user_id ON session (user_id)",
        "CREATE TABLE attempt (bucket TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE INDEX ix_attempt_bucket ON attempt (bucket, at)",
    ],
    """CREATE TABLE upload (
        sha256 TEXT PRIMARY KEY NOT NULL, length BIGINT NOT NULL, device TEXT NOT NULL, created_at BIGINT NOT NULL)""",
    [
        # What central itself said of an entry when it took it, and which files it has said it holds: `verify` compares.
        """CREATE TABLE receipt (
            device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, hash TEXT NOT NULL, position BIGINT NOT NULL,
            effective_ms BIGINT NOT NULL, effective_counter BIGINT NOT NULL, received_at BIGINT NOT NULL,
            visit TEXT NOT NULL, team TEXT NOT NULL, verdict TEXT NOT NULL, problem TEXT, PRIMARY KEY (device, epoch, seq))""",
        """INSERT INTO receipt SELECT device, epoch, seq, hash, position, effective_ms, effective_counter, received_at,
            visit, team, verdict, problem FROM entry""",
        "CREATE TABLE received_file (sha256 TEXT PRIMARY KEY NOT NULL, received_at BIGINT NOT NULL)",
    ],
    # What central once held, or must hold before what it has, and does not (central/holes.py); `hash` of its last entry.
    """CREATE TABLE hole (
        device TEXT NOT NULL, epoch TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (device, epoch, first))""",
    # Who brought entries that did not come from their own phone: a device, or a user of the office.
    """CREATE TABLE brought (
        device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, bringer TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (device, epoch, seq))""",
    # Up to where each journal is held by the last verified backup (central/backup.py).
    "CREATE TABLE durable (device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (device, epoch))",
    # What phones whose access was withdrawn have recorded, until the office accepts it (central/quarantine.py).
    """CREATE TABLE quarantine (
        device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, ms BIGINT NOT NULL, counter BIGINT NOT NULL,
        tx BIGINT NOT NULL, seen BIGINT NOT NULL, schema_version BIGINT NOT NULL, author TEXT NOT NULL, kind TEXT NOT NULL,
        record TEXT NOT NULL, patch TEXT NOT NULL, hash TEXT NOT NULL, received_at BIGINT NOT NULL,
        PRIMARY KEY (device, epoch, seq))""",
    # What the phone's clock said when entries came: `sent_at` by its clock as it stands, `offset_ms` by which it had put their
    # times right; with the authored time and the time of receipt three facts, none of which replaces another.
    """CREATE TABLE batch (
        device TEXT NOT NULL, epoch TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, sent_at BIGINT NOT NULL,
        offset_ms BIGINT NOT NULL, received_at BIGINT NOT NULL, PRIMARY KEY (device, epoch, first))""",
    [
        "ALTER TABLE upload ADD COLUMN done BIGINT NOT NULL DEFAULT 0",
        "UPDATE upload SET done = 1 WHERE sha256 IN (SELECT sha256 FROM received_file)",
        "CREATE INDEX ix_upload_pending ON upload (device) WHERE done = 0",
    ],
    "CREATE INDEX ix_entry_pending ON entry (record) WHERE verdict = 'pending'",
    [
        # What photographed boards say (central/boards.py): `state` is reading, read or failed.
        """CREATE TABLE board_text (
            sha256 TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, text TEXT, folded TEXT, confidence REAL, reader TEXT,
            problem TEXT, tries BIGINT NOT NULL DEFAULT 0, at BIGINT NOT NULL)""",
        # What the province has announced (central/procedures.py).
        """CREATE TABLE procedure (
            code TEXT NOT NULL, name TEXT NOT NULL, level TEXT NOT NULL, field TEXT NOT NULL, decision TEXT NOT NULL,
            valid_from TEXT NOT NULL, valid_to TEXT NOT NULL, replaced_by TEXT NOT NULL, is_demo BIGINT NOT NULL DEFAULT 0,
            PRIMARY KEY (code, valid_from))""",
        # What a person has said of a procedure on a visit's boards: posted, missing or outdated.
        """CREATE TABLE board_check (
            visit TEXT NOT NULL, code TEXT NOT NULL, standing TEXT NOT NULL, decided_by TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (visit, code))""",
    ],
    # From which position on the journal was continued under which name, one each time central was opened (central/database.py).
    "CREATE TABLE opening (first BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL)",
    # A sync finds its team's entries without walking past those of others, and those of the phone's own that central has dated
    # otherwise without walking along its whole journal.
    [
        "CREATE INDEX ix_entry_team ON entry (team, position)",
        "CREATE INDEX ix_entry_capped ON entry (device, epoch) WHERE effective_ms <> ms OR effective_counter <> counter",
    ],
]
