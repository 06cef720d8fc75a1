"""Receipts: what central has acknowledged, sealed, for the phone to keep.

A receipt is `<facts>.<seal>`, both base64url: the facts are the JCS text of [device, epoch, seq, head, received_at (ms UTC)], the
seal its HMAC-SHA-256 under KIEMTRA_SECRET. Only central can make one, and only central (who holds the secret) can tell that
it is genuine: a receipt handed in shows whether what was received then is still there.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.sync import journal
from central.verify import Finding


class Facts(NamedTuple):
    device: str
    epoch: str
    seq: int
    head: str
    received_at: int


def receipt(secret: bytes, facts: Facts) -> str:
    written = journal.canonical(list(facts)).encode()
    return f"{_coded(written)}.{_coded(_seal(secret, written))}"


def read_receipt(secret: bytes, handed: str) -> Facts | None:
    """The facts of a receipt; None when central never gave it."""
    first, _, last = handed.partition(".")
    try:
        written, seal = base64.urlsafe_b64decode(first), base64.urlsafe_b64decode(last)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(seal, _seal(secret, written)):
        return None
    return Facts(*json.loads(written))


def broken(connection: Connection, secret: bytes, handed: Iterable[str]) -> Iterator[Finding]:
    """Receipts, one each, that are not central's, or for which it does not hold any more what it received."""
    for number, one in enumerate(handed, 1):
        facts = read_receipt(secret, one.strip())
        if facts is None:
            yield Finding(f"biên nhận {number}", "không phải của trung tâm này / was not given by this central")
            continue
        held = connection.execute(
            text("SELECT hash FROM entry WHERE device = :d AND epoch = :e AND seq = :s"),
            {"d": facts.device, "e": facts.epoch, "s": facts.seq},
        ).scalar()
        if held != facts.head:
            yield Finding(
                f"máy {facts.device} nhánh {facts.epoch} mục {facts.seq}",
                "khác biên nhận máy giữ / differs from the receipt that the phone keeps"
                if held
                else "đã nhận, máy còn giữ biên nhận, mà nay không còn / was received, the phone has a receipt, and is gone",
            )


def _seal(secret: bytes, written: bytes) -> bytes:
    return hmac.new(secret, b"receipt:" + written, hashlib.sha256).digest()


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
