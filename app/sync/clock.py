"""What this phone knows of its own clock: by how much central's is ahead, learnt from answers, and which entries that put right."""

from sqlalchemy import Connection, text

from app.schema import read_meta, write_meta
from app.sync.stamp import learnt_offset


def known(connection: Connection) -> tuple[int, int]:
    """(the last time heard of central's clock, by how much it is ahead of this phone's), ms; 0 while nothing was heard."""
    return int(read_meta(connection, "central_now") or 0), int(read_meta(connection, "clock_offset_ms") or 0)


def learn(connection: Connection, device: str, sent_ms: int, central_ms: int, now_ms: int) -> None:
    heard, before = known(connection)
    write_meta(connection, "central_now", str(max(heard, central_ms)))
    offset = learnt_offset(before, sent_ms, central_ms, now_ms)
    epoch = read_meta(connection, "epoch") or ""
    last = connection.execute(
        text("SELECT max(seq) FROM entry WHERE device = :d AND epoch = :e"), {"d": device, "e": epoch}
    ).scalar()
    note_offset(connection, epoch, (last or 0) + 1, offset)


def note_offset(connection: Connection, epoch: str, seq: int, offset_ms: int) -> None:
    """From this entry on times are put right by another difference; nothing is written when it is the same."""
    if offset_ms == known(connection)[1]:
        return
    write_meta(connection, "clock_offset_ms", str(offset_ms))
    connection.execute(
        text(
            "INSERT INTO clock (epoch, seq, offset_ms) VALUES (:e, :s, :o) "
            "ON CONFLICT (epoch, seq) DO UPDATE SET offset_ms = excluded.offset_ms"
        ),
        {"e": epoch, "s": seq, "o": offset_ms},
    )


def offset_at(connection: Connection, epoch: str, seq: int) -> tuple[int, int | None]:
    """(the difference by which an entry's time was put right, the first entry after it with another one)."""
    rows = connection.execute(
        text("SELECT seq, offset_ms FROM clock WHERE epoch = :e ORDER BY seq"), {"e": epoch}
    ).all()
    before = [row.offset_ms for row in rows if row.seq <= seq]
    after = [row.seq for row in rows if row.seq > seq]
    return before[-1] if before else 0, after[0] if after else None
