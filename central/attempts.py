"""Wrong passwords and codes are counted, per user and per address; after ten, all must wait until the oldest fades.

An attempt is noted before it is checked, so that many at once cannot slip through, and forgotten when it was right.
A right password during the wait is refused like a wrong one: otherwise the answer would tell.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from central.problems import Problem

LIMIT = 10
MINUTE_MS = 60_000
USER_WINDOW_MS = 15 * MINUTE_MS
ADDRESS_WINDOW_MS = 5 * MINUTE_MS
"""Shorter: a whole office, or a mobile network, may share an address."""


class Bucket(NamedTuple):
    """Attempts counted together, and for how long each counts."""

    name: str
    window_ms: int


def of_user(user: str) -> Bucket:
    return Bucket(f"user:{user}", USER_WINDOW_MS)


def of_address(address: str, purpose: str) -> Bucket:
    return Bucket(f"{purpose}:{address}", ADDRESS_WINDOW_MS)


def note(connection: Connection, buckets: Sequence[Bucket], now: int) -> None:
    """Count one attempt in each bucket. Problem 429 `too-many-attempts` with Retry-After when one of them is full."""
    oldest = now - max(USER_WINDOW_MS, ADDRESS_WINDOW_MS)
    connection.execute(text("DELETE FROM attempt WHERE at <= :oldest OR at > :now"), {"oldest": oldest, "now": now})
    wait_ms = max(_wait_ms(connection, bucket, now) for bucket in buckets)
    if wait_ms > 0:
        seconds = -(-wait_ms // 1000)
        raise Problem(
            429,
            "too-many-attempts",
            f"Đã thử sai quá nhiều lần. Hãy đợi {-(-seconds // 60)} phút rồi thử lại",
            "Too many wrong attempts. Wait, then try again",
            "later",
            headers={"Retry-After": str(seconds)},
        )
    for bucket in buckets:
        connection.execute(
            text("INSERT INTO attempt (bucket, at) VALUES (:bucket, :at)"), {"bucket": bucket.name, "at": now}
        )


def take_back(connection: Connection, bucket: Bucket, noted_at: int) -> None:
    """The attempt of that moment was no guess. The others stay, or one right answer would cover for many guesses."""
    connection.execute(
        text("DELETE FROM attempt WHERE bucket = :name AND at = :at"), {"name": bucket.name, "at": noted_at}
    )


def forget(connection: Connection, bucket: Bucket) -> None:
    """Start afresh: the user has shown the right password."""
    connection.execute(text("DELETE FROM attempt WHERE bucket = :name"), {"name": bucket.name})


def _wait_ms(connection: Connection, bucket: Bucket, now: int) -> int:
    """Milliseconds until the bucket has room again; 0 when it has."""
    tenth_newest: int | None = connection.execute(
        text("SELECT at FROM attempt WHERE bucket = :name AND at > :since ORDER BY at DESC LIMIT 1 OFFSET :before"),
        {"name": bucket.name, "since": now - bucket.window_ms, "before": LIMIT - 1},
    ).scalar()
    return 0 if tenth_newest is None else tenth_newest + bucket.window_ms - now
