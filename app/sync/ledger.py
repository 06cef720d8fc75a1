"""What this phone has sent and received: the next batch to push, what an answer of central changes, what waits.

Everything here is a transaction on the notebook's database; the network is `exchange`'s affair. Sending twice is harmless: a
batch is made from what central has acknowledged, and an answer may be taken twice.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.records import SCHEMA
from app.schema import Step, note_central, read_meta, write_meta
from app.sync import clock, journal, merge, receipts, relay
from app.sync.compact import checkpoint, compact, is_due
from app.sync.files import mark_received, next_files
from app.sync.freeze import read_spans
from app.sync.journal import JournalEntry
from app.sync.pulled import Behind, Taken, pull, reject, take_effective
from app.sync.stamp import Stamp, offset_in_use
from app.sync.wire import PROTOCOL, Malformed, to_central

PHONE: list[Step] = [
    [
        """CREATE TABLE file (
            sha256 TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL, visit TEXT NOT NULL, bytes BIGINT NOT NULL,
            received BOOLEAN NOT NULL DEFAULT FALSE, why TEXT)""",
        "CREATE INDEX ix_file_received ON file (received)",
        """CREATE TABLE conflict (
            kind TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id, field))""",
    ],
    # Central's sealed receipts: up to which entry (its seq and hash) it had this phone's journal, and when (ms UTC).
    """CREATE TABLE receipt (
        epoch TEXT NOT NULL, seq BIGINT NOT NULL, head TEXT NOT NULL, received_at BIGINT NOT NULL, sealed TEXT NOT NULL,
        PRIMARY KEY (epoch, seq))""",
    # From which entry of an epoch on times are put right by which difference to central's clock (ms).
    "CREATE TABLE clock (epoch TEXT NOT NULL, seq BIGINT NOT NULL, offset_ms BIGINT NOT NULL, PRIMARY KEY (epoch, seq))",
    "CREATE TABLE dismissed (epoch TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (epoch, seq))",
    "CREATE TABLE returned (device TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (device, epoch, seq))",
]
"""The phone's own tables: files to send (role preview or photo), conflicts central has told of, entries of others that were
handed to central."""


@dataclass(frozen=True)
class Waiting:
    """What has not reached central: entries, visits with such entries or files, files and their bytes, and what was refused.

    `brought` are visits with entries of other phones that came by file: whether central has them is not known here.
    """

    entries: int
    visits: frozenset[str]
    photos: int
    previews: int
    bytes: int
    rejected: int
    brought: frozenset[str]

    @property
    def is_empty(self) -> bool:
        return not (self.entries or self.photos or self.previews)


def acked(connection: Connection, epoch: str) -> int:
    """The last seq of this epoch that central has acknowledged; 0 when none."""
    return int(read_meta(connection, f"acked:{epoch}") or 0)


def _unsent(connection: Connection) -> dict[str, int]:
    """Epochs of this phone that central does not hold to their end, each with the last seq acknowledged; the present one last.

    Earlier epochs are sent again only after central was lost (`forget_central`), and only as far as they are whole here:
    what has a position came from central.
    """
    device, present = _device(connection), read_meta(connection, "epoch") or ""
    keys = connection.execute(text("SELECT key FROM meta WHERE key LIKE 'acked:%'")).scalars().all()
    epochs = [*sorted({key.partition(":")[2] for key in keys} - {present}), present]
    found = {}
    for epoch in epochs:
        done = acked(connection, epoch)
        follows = connection.execute(
            text("SELECT position FROM entry WHERE device = :d AND epoch = :e AND seq = :s AND verdict <> 'moved'"),
            {"d": device, "e": epoch, "s": done + 1},
        ).one_or_none()
        if follows and (follows.position is None or epoch == present):
            found[epoch] = done
    return found


def waiting(connection: Connection) -> Waiting:
    device = _device(connection)
    rows = [
        tuple(row)
        for epoch, done in _unsent(connection).items()
        for row in connection.execute(
            text(
                "SELECT visit, count(*) FROM entry WHERE device = :d AND epoch = :e AND seq > :acked "
                "AND verdict <> 'moved' GROUP BY visit"
            ),
            {"d": device, "e": epoch, "acked": done},
        )
    ]
    files = connection.execute(
        text("SELECT role, visit, bytes FROM file WHERE received IS NOT TRUE AND why IS NULL")
    ).all()
    rejected = connection.execute(text(f"SELECT count(*) FROM entry WHERE {_REFUSED}"), {"d": device}).scalar()
    return Waiting(
        entries=sum(number for _, number in rows),
        visits=frozenset([visit for visit, _ in rows] + [f.visit for f in files]),
        photos=sum(f.role == "photo" for f in files),
        previews=sum(f.role == "preview" for f in files),
        bytes=sum(f.bytes for f in files),
        rejected=rejected or 0,
        brought=frozenset(json.loads(read_meta(connection, "brought") or "[]")),
    )


def note_brought(connection: Connection, visits: Iterable[str] = ()) -> None:
    """Remember which visits hold entries of other phones that came by file and that central has not handed out yet."""
    visits = set(visits)
    if visits:
        relay.look_again(connection)
    known = {*json.loads(read_meta(connection, "brought") or "[]"), *visits}
    if not known:
        return
    left = connection.execute(
        text(
            "SELECT DISTINCT visit FROM entry WHERE visit IN (SELECT value FROM json_each(:visits)) "
            "AND device <> :d AND position IS NULL AND verdict = 'applied'"
        ),
        {"visits": json.dumps(sorted(known)), "d": _device(connection)},
    ).scalars()
    write_meta(connection, "brought", json.dumps(sorted(left)))


def _device(connection: Connection) -> str:
    enrolment = read_meta(connection, "enrolment")
    return str(json.loads(enrolment)["device"]) if enrolment else ""


def outgoing(
    connection: Connection, sent_at: int, *, max_entries: int, max_bytes: int, pull_bytes: int, probe: int = 200
) -> dict[str, Any]:
    """The next `POST /sync` body: entries after the last acknowledged one (no `tx` split, one schema), cursor, photo probe."""
    device = _device(connection)
    epoch = next(iter(_unsent(connection)), read_meta(connection, "epoch") or "")
    done = acked(connection, epoch)
    found = journal.select(
        connection,
        "device = :d AND epoch = :e AND seq > :a AND verdict <> 'moved' AND (seq <= :a + :n OR tx = "
        "(SELECT tx FROM entry WHERE device = :d AND epoch = :e AND seq = :a + 1)) ORDER BY seq",
        d=device,
        e=epoch,
        a=done,
        n=max_entries + 1,
    )
    offset, other = clock.offset_at(connection, epoch, done + 1)
    entries = [e for seq, e in enumerate(found, done + 1) if e.seq == seq and (other is None or seq < other)]
    batch = _whole_taps(entries, max_entries, max_bytes)
    start = checkpoint(connection, epoch)
    prev = start.head
    if done > start.seq:
        prev = connection.execute(
            text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
            {"d": device, "e": epoch, "s": done},
        ).scalar_one()
    cursor = read_meta(connection, "cursor")
    size = sum(len(entry.patch.encode()) + len(entry.record) + 80 for entry in batch)
    return {
        **relay.outgoing(connection, max_entries - len(batch), max_bytes - size),
        "protocol": PROTOCOL,
        "schema": batch[0].schema_version if batch else SCHEMA,
        **({"reads": SCHEMA} if batch and batch[0].schema_version != SCHEMA else {}),
        "server_id": _server(connection),
        "device_id": device,
        "epoch": epoch,
        "first_seq": done + 1,
        "prev_hash": prev,
        "head_hash": batch[-1].hash if batch else prev,
        "sent_at": sent_at,
        **({"clock_offset_ms": offset} if batch and offset else {}),
        "entries": [to_central(entry) for entry in batch],
        "cursor": cursor or None,
        **({"own": True} if read_meta(connection, "pull_own") else {}),
        "max_bytes": pull_bytes,
        "photos": [file.sha256 for file in next_files(connection)][:probe],
    }


def _server(connection: Connection) -> str | None:
    enrolment = read_meta(connection, "enrolment")
    return json.loads(enrolment)["server_id"] if enrolment else None


def _whole_taps(entries: Sequence[JournalEntry], max_entries: int, max_bytes: int) -> list[JournalEntry]:
    """As many entries as fit, ending where a tap ends; at least one whole tap, however large it is."""
    batch: list[JournalEntry] = []
    size = end = 0
    for i, entry in enumerate(entries):
        if batch and entry.schema_version != batch[0].schema_version:
            break
        size += len(entry.patch.encode()) + len(entry.record) + 80
        if (i >= max_entries or size > max_bytes) and end:
            break
        batch.append(entry)
        if i + 1 == len(entries) or entries[i + 1].tx != entry.tx:
            end = len(batch)
    return batch[:end] if end else batch


def take_answer(connection: Connection, request: Mapping[str, Any], answer: Mapping[str, Any], now_ms: int) -> Taken:
    """Keep what central says to a batch: acknowledgement, effective stamps, refusals, conflicts, others' entries, files it has.

    One transaction of the caller's. Raises Malformed when the answer is not one of central's, Behind when central holds
    entries of this epoch that are not here, or others under the same numbers; nothing is then kept.
    """
    if answer.get("server_id") != request["server_id"]:
        raise Malformed("server_id", "không phải máy chủ đã ghi danh / not the server this phone is enrolled at")
    device, epoch = request["device_id"], request["epoch"]
    done = answer.get("acked")
    if isinstance(done, bool) or not isinstance(done, int):
        raise Malformed("acked", "cần số nguyên / a whole number is needed")
    sent = request["first_seq"] - 1 + len(request["entries"])
    if done < sent:
        raise Malformed("acked", "thiếu các mục vừa gửi / lacks what was just sent")
    _stop_if_behind(connection, epoch, done)
    done = sent  # what central holds beyond may be of another life of this journal: the next batch will tell
    if answer.get("more") and (not answer.get("entries") or answer.get("cursor") in (None, "", request["cursor"])):
        raise Malformed("cursor", "con trỏ đứng yên / the cursor stands still")
    write_meta(connection, f"acked:{epoch}", str(max(done, acked(connection, epoch))))
    if (durable := int(answer.get("durable", 0))) > 0:
        write_meta(connection, f"durable:{epoch}", str(min(done, durable)))
    receipts.keep(connection, device, epoch, int(answer["acked"]), answer)
    taken = Taken(done, bool(answer.get("more")), missing=list(answer.get("missing", ())))
    clock.learn(connection, device, request["sent_at"], int(answer["now"]), now_ms)
    take_effective(connection, request, {seq: Stamp(ms, counter) for seq, ms, counter in answer.get("effective", ())})
    for refusal in answer.get("rejected", ()):
        if refusal["seq"] <= sent:
            reject(connection, device, epoch, refusal, taken)
    for refusal in answer.get("rejected_elsewhere", ()):
        reject(connection, device, refusal["epoch"], refusal, taken)
    pull(connection, device, answer, taken)
    if read_meta(connection, merge.FETCH_AGAIN):
        write_meta(connection, merge.FETCH_AGAIN, "")
        write_meta(connection, "pull_own", "1")
        write_meta(connection, "cursor", "")
        taken.more = True
    touched = {(raw[5], raw[6]) for raw in request["entries"]} | {
        (raw[10], raw[11]) for raw in answer.get("entries", ())
    }
    for kind, signature in [key for key in touched if key[0] == "signature"]:
        visit = merge.load(connection, kind, signature).fields.get("visit")
        touched |= set(merge.records_of(connection, visit)) if isinstance(visit, str) else set()
    for kind, record in touched:
        # Of these central has told all conflicts there are: earlier ones it does not name any more are settled.
        connection.execute(text("DELETE FROM conflict WHERE kind = :kind AND id = :id"), {"kind": kind, "id": record})
    for conflict in answer.get("conflicts", ()):
        connection.execute(
            text(
                "INSERT INTO conflict (kind, id, field, body) VALUES (:kind, :id, :field, :body) "
                "ON CONFLICT (kind, id, field) DO UPDATE SET body = excluded.body"
            ),
            {**{k: conflict[k] for k in ("kind", "id", "field")}, "body": json.dumps(conflict, ensure_ascii=False)},
        )
    is_whole = not taken.more
    if is_whole and request.get("own"):
        write_meta(connection, "pull_own", "")
    if is_whole:
        note_brought(connection)
    is_asked, visits = relay.take_answer(connection, request, answer, device, is_whole)
    taken.more |= is_asked
    taken.visits |= visits
    mark_received(connection, set(request["photos"]) - set(taken.missing))
    if "team" in answer:
        take_team(connection, answer["team"])
    if (words := str(answer.get("title") or "")) != (read_meta(connection, "too_old") or ""):
        write_meta(connection, "too_old", words)  # a problem that acknowledges: others write what this app cannot read
    write_meta(connection, "synced_at", str(now_ms))
    return taken


def take_quarantine(connection: Connection, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """This phone's access was withdrawn; central keeps apart what it has just sent. Raises as `take_answer` does."""
    epoch, done = request["epoch"], answer["acked"]
    sent = request["first_seq"] - 1 + len(request["entries"])
    if (
        answer["server_id"] != request["server_id"]
        or not isinstance(done, int)
        or done < sent
        or not request["entries"]
    ):
        raise Malformed("acked", "không phải câu trả lời của trung tâm / not an answer of central's")
    _stop_if_behind(connection, epoch, done)
    write_meta(connection, f"acked:{epoch}", str(sent))
    write_meta(connection, "handed_over", str(int(answer["quarantined"])))


def handed_over(connection: Connection) -> int:
    """Entries of this phone that central keeps apart since its access was withdrawn."""
    return int(read_meta(connection, "handed_over") or 0)


def _stop_if_behind(connection: Connection, epoch: str, done: int) -> None:
    """Raise Behind when central holds more of the epoch that is being written than there is here; an earlier one may end sooner."""
    last = connection.execute(
        text("SELECT max(seq) FROM entry WHERE device = :d AND epoch = :e"), {"d": _device(connection), "e": epoch}
    ).scalar()
    if epoch == read_meta(connection, "epoch") and done > (last or 0):
        raise Behind(epoch)


def open_epoch(connection: Connection, left: str, epoch: str) -> int:
    """Leave an epoch that central knows otherwise: begin a new one and re-enter there what central does not hold.

    Ids, authors and stamps are kept. Returns the number of entries re-entered; the old ones stay, marked as moved. With a
    signature goes again what it was put under and central got after that: by its old number the signature does not name it.
    """
    device, present = _device(connection), read_meta(connection, "epoch") or ""
    for old in (left, present):
        write_meta(connection, f"acked:{old}", str(acked(connection, old)))
    key = {"d": device, "e": left, "a": acked(connection, left)}
    where = "device = :d AND epoch = :e AND seq > :a AND position IS NULL AND verdict <> 'moved'"
    entries = journal.select(connection, f"{where} ORDER BY seq", **key)
    entries = _signed_unnamed(connection, entries) + entries
    connection.execute(text(f"UPDATE entry SET verdict = 'moved' WHERE {where}"), key)
    prev = journal.genesis(epoch)
    moved = []
    for seq, entry in enumerate(entries, 1):
        prev = journal.entry_hash(
            prev, device, epoch, seq, Stamp(entry.ms, entry.counter), entry.tx, entry.seen, entry.schema_version,
            entry.author, entry.kind, entry.record, entry.patch,
        )  # fmt: skip
        moved.append(entry._replace(epoch=epoch, seq=seq, hash=prev, position=None, verdict="applied", problem=None))
    journal.insert(connection, moved)
    write_meta(connection, "epoch", epoch)
    for kind, record in {(entry.kind, entry.record) for entry in entries}:
        merge.recompute(connection, kind, record)
    return len(moved)


def _signed_unnamed(connection: Connection, leaving: Sequence[JournalEntry]) -> list[JournalEntry]:
    """What stands in the epoch before the entries that leave it, and was signed by one of these only as "what was before it"."""
    found: dict[int, JournalEntry] = {}
    for entry in leaving:
        spans = read_spans(entry.fields.get("covers")) if entry.kind == "signature" else None
        if spans is None:
            continue
        named = [
            (first, last) for device, epoch, first, last in spans if (device, epoch) == (entry.device, entry.epoch)
        ]
        stays = journal.select(
            connection,
            "device = :d AND epoch = :e AND seq < :s AND visit = :v AND verdict = 'applied'",
            d=entry.device, e=entry.epoch, s=leaving[0].seq, v=entry.visit,
        )  # fmt: skip
        found |= {e.seq: e for e in stays if not any(first <= e.seq <= last for first, last in named)}
    return [found[seq] for seq in sorted(found)]


def rewind(connection: Connection, epoch: str, done: int, head: str | None = None) -> None:
    """Central holds less of an epoch than was thought: send again from there.

    With `head`, the hash central has there: from the beginning when that is not the one here. Raises Behind when central
    holds more than is here, or asks for what was dropped here once a backup held it.
    """
    _stop_if_behind(connection, epoch, done)
    start = checkpoint(connection, epoch).seq
    if done < start:
        raise Behind(epoch)
    if head is not None and done > start:
        here = connection.execute(
            text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
            {"d": _device(connection), "e": epoch, "s": done},
        ).scalar()
        done = done if here == head else start
    write_meta(connection, f"acked:{epoch}", str(max(0, done)))


def take_team(connection: Connection, team: Mapping[str, str]) -> None:
    """The inspector belongs to this team now."""
    enrolment = json.loads(read_meta(connection, "enrolment") or "{}")
    present = {"team": str(team["id"]), "team_name": str(team["name"])}
    if enrolment and not present.items() <= enrolment.items():
        write_meta(connection, "enrolment", json.dumps({**enrolment, **present}, ensure_ascii=False))


def pull_anew(connection: Connection, team: Mapping[str, str] | None) -> None:
    """The cursor is good no more: everything is fetched again, as a member of `team` if central says so."""
    write_meta(connection, "cursor", "")
    if team:
        take_team(connection, team)


def doubt(connection: Connection, epoch: str, at: Any) -> bool:
    """Central's entry `at` is not the one here, though it had acknowledged as much: another life of this journal was faster.

    True when the epoch is therefore offered again from where it begins here, so that what differs is found.
    """
    start = checkpoint(connection, epoch).seq
    if at != acked(connection, epoch) or at <= start:
        return False
    write_meta(connection, f"acked:{epoch}", str(start))
    return True


def forget_central(connection: Connection, server_id: str) -> None:
    """Central was restored or replaced: nothing that depends on what it held is believed any more, everything is offered again."""
    enrolment = json.loads(read_meta(connection, "enrolment") or "{}")
    note_central(connection, [enrolment["server_id"]] if enrolment.get("server_id") else [])
    enrolment["server_id"] = server_id
    write_meta(connection, "enrolment", json.dumps(enrolment, ensure_ascii=False))
    epochs = connection.execute(
        text("SELECT DISTINCT epoch FROM entry WHERE device = :d"), {"d": _device(connection)}
    ).scalars()
    for epoch in epochs.all():
        write_meta(connection, f"acked:{epoch}", str(checkpoint(connection, epoch).seq))
    write_meta(connection, "cursor", "")
    write_meta(connection, "pull_own", "1")
    write_meta(connection, "seen", "0")
    connection.execute(text("UPDATE entry SET position = NULL"))
    connection.execute(text("DELETE FROM conflict"))
    relay.forget(connection)
    connection.execute(text("UPDATE file SET received = FALSE WHERE why IS NULL"))


def compact_daily(connection: Connection, now_ms: int) -> int:
    """Once a day: drop old entries that a backup of central's holds; returns how many. `now_ms` is this phone's clock."""
    heard, offset = clock.known(connection)
    central_ms = now_ms + offset_in_use(now_ms, offset, heard)
    epoch = read_meta(connection, "epoch")
    if epoch is None or not is_due(connection, central_ms):
        return 0
    return compact(connection, _device(connection), epoch, central_ms)


def refusals(connection: Connection) -> list[dict[str, Any]]:
    """What central refused of this phone's entries, as tasks not yet dismissed: epoch, seq, visit, kind, id and the problem."""
    rows = connection.execute(
        text(f"SELECT epoch, seq, visit, kind, record, problem FROM entry WHERE {_REFUSED} ORDER BY epoch, seq"),
        {"d": _device(connection)},
    )
    return [
        {
            **json.loads(r.problem or "{}"),
            "epoch": r.epoch,
            "seq": r.seq,
            "visit": r.visit,
            "kind": r.kind,
            "id": r.record,
        }
        for r in rows
    ]


_REFUSED = (
    "device = :d AND verdict = 'rejected' AND NOT EXISTS "
    "(SELECT 1 FROM dismissed x WHERE x.epoch = entry.epoch AND x.seq = entry.seq)"
)


def dismiss(connection: Connection, epoch: str, seq: int) -> None:
    """The inspector has read that this entry was refused: no task any more. The entry stays in the chain, refused."""
    connection.execute(
        text("INSERT INTO dismissed (epoch, seq) VALUES (:e, :s) ON CONFLICT (epoch, seq) DO NOTHING"),
        {"e": epoch, "s": seq},
    )


def conflict_count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM conflict")).scalar() or 0)
