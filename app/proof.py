"""What was signed, as bytes anybody can make again, and the short code printed under it.

`signed_document` is everything the visit says, read from the entries the signature covers; `content_hash` is the SHA-256 over
its RFC 8785 (JCS) bytes, hex. The code is the first 80 bits of it in Crockford's base 32: sixteen letters and figures
without I, L, O and U, in groups of four, fit to be read out over the telephone.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.sync import merge
from app.sync.freeze import GIVEN_LATER, Freezes
from app.sync.journal import canonical, sha256

CODE_LENGTH = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")


def code_of(content_hash: str) -> str:
    """The code of what was signed, e.g. "7K3M-9QXZ-04TB-W8N2". Raises ValueError for anything but 64 hex digits."""
    if re.fullmatch(r"[0-9a-f]{64}", content_hash) is None:
        raise ValueError("a content hash is 64 hex digits")
    bits = int(content_hash[: CODE_LENGTH * 5 // 4], 16)
    figures = [_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(CODE_LENGTH))]
    return "-".join("".join(figures[at : at + 4]) for at in range(0, CODE_LENGTH, 4))


def hex_of(code: str) -> str:
    """The twenty hex digits that a code stands for: with these the content's hash begins."""
    bits = 0
    for figure in code.replace("-", ""):
        bits = bits << 5 | _ALPHABET.index(figure)
    return f"{bits:0{CODE_LENGTH * 5 // 4}x}"


def read_code(words: str) -> str | None:
    """A code as somebody types it (case, spaces and hyphens as they like, O for 0, I and L for 1); None when it is none."""
    bare = re.sub(r"[\s.–-]", "", words).upper().translate(_MISREAD)
    if len(bare) != CODE_LENGTH or any(figure not in _ALPHABET for figure in bare):
        return None
    return "-".join(bare[at : at + 4] for at in range(0, CODE_LENGTH, 4))


_UNSIGNED = ("status", GIVEN_LATER)
"""Fields of the visit that change when, and after, it is signed."""


def signed_document(connection: Connection, visit: str, closing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything a visit says, record by record, read from its entries: of a signed visit those its first signature covers.

    Photos are named by their `sha256`. Signatures, supplements, the status and the number of the minutes are no part of it.
    `closing` are fields of the visit about to be written together with the signature.
    """
    freezes = Freezes(connection)
    records = []
    for kind, record_id in merge.records_of(connection, visit):
        record = merge.read_anew(connection, kind, record_id, freezes)
        if record is None:
            continue
        fields = dict(record.fields)
        if kind == "visit":
            fields = {n: v for n, v in {**fields, **(closing or {})}.items() if n not in _UNSIGNED and v is not None}
        elif kind != "answer" and fields.get("visit") != visit:
            continue  # it belongs to another visit by now
        records.append([kind, record_id, fields])
    return {"signed": 1, "visit": visit, "records": sorted(records, key=lambda r: (r[0], r[1]))}


def supplement_document(visit: str, supplement: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is signed when a supplement is signed; `fields` as its record has them."""
    said = {name: value for name, value in fields.items() if name != GIVEN_LATER}
    return {"signed": 1, "visit": visit, "supplement": supplement, "fields": said}


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 over the JCS bytes of what is signed, hex."""
    return sha256(canonical(dict(document)))
