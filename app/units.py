"""Units that can be inspected: validity, parents, and search as one types. Pure, over units held in memory."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.sync.stamp import fold

LEVEL_WORDS = {
    "province": ("Tỉnh", "Province"),
    "commune": ("Cấp xã", "Commune"),
    "legacy_district": ("Cấp huyện cũ", "Former district"),
    "legacy_commune": ("Cấp xã cũ", "Former commune"),
}


@dataclass(frozen=True)
class UnitReading:
    """A unit and its validity; `valid_from` and `valid_to` are ISO days, empty when open. Key is (code, valid_from)."""

    code: str
    name: str
    level: str
    parent_code: str
    valid_from: str
    valid_to: str
    successor_codes: tuple[str, ...]
    folded: str
    parent_name: str = ""

    def is_valid_on(self, day: str) -> bool:
        return (not self.valid_from or self.valid_from <= day) and (not self.valid_to or day <= self.valid_to)


def unit_id(code: str, valid_from: str) -> str:
    return f"{code}@{valid_from}"


def unit_patch(row: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of kind `unit` from a checked row of units.csv."""
    successors = [
        code for code in (row.get("successor_codes") or "").replace(";", " ").replace("|", " ").split() if code
    ]
    return {
        "code": row["code"],
        "name": row["name_vi"],
        "level": row["level"],
        "parent_code": row.get("parent_code") or "",
        "valid_from": row.get("valid_from") or "",
        "valid_to": row.get("valid_to") or "",
        "successor_codes": successors,
        "folded": fold(row["name_vi"]),
    }


class Units:
    """All units of the reference data, with their parents' names."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]):
        """`rows` as table `unit` has them (successor_codes as JSON text or list)."""
        plain = [_reading(row) for row in rows]
        names: dict[str, list[UnitReading]] = {}
        for unit in plain:
            names.setdefault(unit.code, []).append(unit)
        self._all = [
            UnitReading(**{**unit.__dict__, "parent_name": _parent_name(unit, names.get(unit.parent_code, []))})
            for unit in plain
        ]
        self._by_id = {(u.code, u.valid_from): u for u in self._all}
        self._searched = [
            (u, u.folded, bare_name(u.folded), f"{u.folded} {fold(u.parent_name)}".strip()) for u in self._all
        ]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Any:
        return iter(self._all)

    def get(self, code: str, valid_from: str = "") -> UnitReading | None:
        return self._by_id.get((code, valid_from))

    def search(self, query: str, day: str, limit: int = 50) -> list[UnitReading]:
        """Units whose name (or code, or name with the parent's) holds every word of the query, folded.

        Best first: valid on `day` before others, then the whole name, then a name that begins with it, then a name that
        holds it, then a match that needs the parent's name. An empty query finds nothing.
        """
        words = fold(query).split()
        if not words:
            return []
        wanted = " ".join(words)
        found = []
        for unit, name, bare, together in self._searched:
            if all(word in name for word in words):
                closeness = (
                    0 if wanted in (name, bare) else 1 if bare.startswith(wanted) else 2 if wanted in name else 3
                )
            elif unit.code == wanted:
                closeness = 0
            elif all(word in together for word in words):
                closeness = 4
            else:
                continue
            found.append((not unit.is_valid_on(day), closeness, name, unit.code, unit.valid_from, unit))
        found.sort(key=lambda f: f[:5])
        return [f[-1] for f in found[:limit]]


_PREFIXES = ("xa ", "phuong ", "dac khu ", "thi tran ", "huyen ", "thi xa ", "thanh pho ", "tinh ")


def bare_name(folded: str) -> str:
    """A folded name without the word for its level: `xa ky son` → `ky son`."""
    return next((folded[len(p) :] for p in _PREFIXES if folded.startswith(p)), folded)


def _reading(row: Mapping[str, Any]) -> UnitReading:
    successors = row.get("successor_codes") or []
    if isinstance(successors, str):
        successors = json.loads(successors)
    name = row.get("name") or ""
    return UnitReading(
        row.get("code") or "",
        name,
        row.get("level") or "",
        row.get("parent_code") or "",
        row.get("valid_from") or "",
        row.get("valid_to") or "",
        tuple(successors),
        row.get("folded") or fold(name),
    )


def _parent_name(unit: UnitReading, candidates: list[UnitReading]) -> str:
    """The parent's name in the same period: codes live on with a new meaning."""
    day = unit.valid_from or unit.valid_to
    valid = [c for c in candidates if c.is_valid_on(day)] or candidates
    return valid[0].name if valid else ""
