"""Entries of others that this phone holds and central may lack: offered once, returned when central asks for them.

They came by file, or from a central that has since been restored or lost; either way they have no position of this central's.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app.checklist import is_day
from app.schema import read_meta, write_meta
from app.sync import journal, merge
from app.sync.wire import SPANNED_MAX, SPANS_MAX, Span, read_spans, to_phone


def look_again(connection: Connection) -> None:
    """There may be entries of others that central lacks: after the next whole pull it is asked."""
    write_meta(connection, "unplaced", "1")


def forget(connection: Connection) -> None:
    """Another central, or an earlier state of it: whatever was offered or returned before counts for nothing."""
    for key in ("holds", "offered", "want"):
        write_meta(connection, key, "[]")
    connection.execute(text("DELETE FROM returned"))
    look_again(connection)


def outgoing(connection: Connection, max_entries: int, max_bytes: int) -> dict[str, Any]:
    """The members of a request that offer and return entries of others; empty when there are none."""
    members: dict[str, Any] = {}
    if holds := json.loads(read_meta(connection, "holds") or "[]"):
        members["holds"] = holds
    relayed: list[Any] = []
    stamps: list[list[int]] = []
    for span in json.loads(read_meta(connection, "want") or "[]"):
        for entry in _returnable(connection, Span(*span), max_entries - len(relayed)):
            max_bytes -= len(entry.patch.encode()) + len(entry.record) + 300
            if relayed and max_bytes < 0:
                break
            number = len(relayed)
            relayed.append([number, *to_phone(entry)[1:]])
            if (entry.effective_ms, entry.effective_counter) != (entry.ms, entry.counter):
                stamps.append([number, entry.effective_ms, entry.effective_counter])
    if relayed:
        members |= {"relayed": relayed, "relayed_effective": stamps}
    return members


_RETURNABLE = (
    "device = :d AND epoch = :e AND seq BETWEEN :first AND :last AND verdict = 'applied' AND NOT EXISTS (SELECT 1 FROM "
    "returned r WHERE r.device = entry.device AND r.epoch = entry.epoch AND r.seq = entry.seq) ORDER BY seq LIMIT :n"
)


def _returnable(connection: Connection, span: Span, most: int) -> list[journal.JournalEntry]:
    return journal.select(
        connection, _RETURNABLE, d=span.device, e=span.epoch, first=span.first, last=span.last, n=max(0, most)
    )


def take_answer(
    connection: Connection, request: Mapping[str, Any], answer: Mapping[str, Any], own: str, is_whole: bool
) -> tuple[bool, set[str]]:
    """Keep what central says of entries of others; `is_whole`: nothing is left to be pulled.

    Returns whether it is to be asked again at once, and the visits whose reading has changed. Raises Malformed.
    """
    for raw in request.get("relayed", ()):
        connection.execute(
            text("INSERT INTO returned (device, epoch, seq) VALUES (:d, :e, :s) ON CONFLICT DO NOTHING"),
            {"d": raw[1], "e": raw[2], "s": raw[3]},
        )
    changed = set()
    for refusal in answer.get("relay_refused", ()):
        if "number" not in refusal and refusal["device"] != own:
            changed |= _reject(connection, refusal)
    asked = [span for span in read_spans(answer.get("want", []), "want") if span.device != own]
    # What was asked for before and found no room in this request is still wanted: central does not ask twice.
    wanted = list(dict.fromkeys([*asked, *_spans(connection, "want")]))
    wanted = [span for span in wanted if _returnable(connection, span, 1)]
    _write(connection, "want", wanted)
    if request.get("holds"):
        _write(connection, "offered", [*_spans(connection, "offered"), *(Span(*one) for one in request["holds"])])
        _write(connection, "holds", [])
    has_offer = False
    if is_whole and not wanted and read_meta(connection, "unplaced"):
        has_offer = _note_unplaced(connection, own)
    return bool(wanted) or has_offer, changed


def _note_unplaced(connection: Connection, own: str) -> bool:
    """Offer what has no position though everything was pulled; False when all of it was offered before."""
    offered: dict[tuple[str, str], list[Span]] = {}
    for span in _spans(connection, "offered"):
        offered.setdefault((span.device, span.epoch), []).append(span)
    found: list[Span] = []
    rows = connection.execute(
        text(
            "SELECT device, epoch, seq FROM entry WHERE device <> :d AND position IS NULL AND verdict = 'applied' "
            "ORDER BY device, epoch, seq"
        ),
        {"d": own},
    ).all()
    number = 0
    for device, epoch, seq in rows:
        if any(one.first <= seq <= one.last for one in offered.get((device, epoch), ())):
            continue
        if (number := number + 1) > SPANNED_MAX or len(found) == SPANS_MAX:
            break  # the rest is offered once these are answered
        if found and found[-1][:2] == (device, epoch) and found[-1].last == seq - 1:
            found[-1] = found[-1]._replace(last=seq)
        else:
            found.append(Span(device, epoch, seq, seq))
    _write(connection, "holds", found)
    if not rows:
        write_meta(connection, "unplaced", "")
    return bool(found)


def _reject(connection: Connection, refusal: Mapping[str, Any]) -> set[str]:
    """Central does not read an entry of another phone: neither does this one."""
    key = {"d": refusal["device"], "e": refusal["epoch"], "s": refusal["seq"]}
    where = "device = :d AND epoch = :e AND seq = :s AND position IS NULL"
    found = journal.select(connection, where, **key)
    for entry in found:
        connection.execute(
            text(f"UPDATE entry SET verdict = 'rejected', problem = :p WHERE {where}"),
            {**key, "p": json.dumps(dict(refusal), ensure_ascii=False)},
        )
        merge.recompute(connection, entry.kind, entry.record)
    return {entry.visit for entry in found if entry.visit}


class Unread(NamedTuple):
    """A visit that another phone began and central does not read: its unit and ISO day, why ("Vietnamese / English"), and how many
    entries of this phone's own stand on it."""

    visit: str
    unit: str
    day: str
    why: str
    own: int


def unread_visits(connection: Connection, own: str) -> list[Unread]:
    """Visits that were to be seen here until central said that it does not read their beginning: a withdrawn phone's, mostly."""
    rows = connection.execute(
        text(
            "SELECT e.record, e.patch, e.problem, (SELECT count(*) FROM entry o WHERE o.visit = e.record AND o.device = :d "
            "AND o.verdict = 'applied') AS written FROM entry e WHERE e.kind = 'visit' AND e.device <> :d "
            "AND e.verdict = 'rejected' AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.id = e.record AND v.template IS NOT NULL) "
            "ORDER BY e.seq DESC"
        ),
        {"d": own},
    )
    found: dict[str, Unread] = {}
    for record, patch, problem, written in rows:  # of each the first entry comes last: how it began
        said, why = journal.read_patch(patch), json.loads(problem or "{}").get("title", "")
        at = str(said.get("visit_date", ""))
        found[record] = Unread(record, str(said.get("unit_name", "")), at if is_day(at) else "", str(why), written)
    return sorted(found.values(), key=lambda one: (one.day, one.visit))


def _spans(connection: Connection, key: str) -> list[Span]:
    return [Span(*one) for one in json.loads(read_meta(connection, key) or "[]")]


def _write(connection: Connection, key: str, spans: list[Span]) -> None:
    written = json.dumps([list(span) for span in spans])
    if written != (read_meta(connection, key) or "[]"):
        write_meta(connection, key, written)
