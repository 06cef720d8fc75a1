"""Central's sealed receipts as this phone keeps them: one for each end of its journal that was acknowledged."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

RECEIPT_MAX = 1000
"""Characters."""


def keep(connection: Connection, device: str, epoch: str, done: int, answer: Mapping[str, Any]) -> None:
    """Keep the receipt for the last entry acknowledged, the first one given for it."""
    head = connection.execute(
        text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
        {"d": device, "e": epoch, "s": done},
    ).scalar()
    sealed = answer.get("receipt")
    if head is not None and isinstance(sealed, str) and 0 < len(sealed) <= RECEIPT_MAX:
        connection.execute(
            text("INSERT INTO receipt VALUES (:e, :s, :head, :at, :sealed) ON CONFLICT (epoch, seq) DO NOTHING"),
            {"e": epoch, "s": done, "head": head, "at": int(answer["now"]), "sealed": sealed},
        )


def kept(connection: Connection) -> list[str]:
    """Central's receipts as it sealed them, oldest first: what `kiemtra verify --receipts` reads."""
    return list(connection.execute(text("SELECT sealed FROM receipt ORDER BY received_at, epoch, seq")).scalars())
