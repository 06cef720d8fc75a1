"""Taps about signatures: minutes signed on the screen, on paper or refused, and what is written after that all the same."""

import random
from collections.abc import Callable
from typing import Any

from app.notebook import Notebook
from app.records import SIGNATURE_ROLES
from app.signing import METHODS
from app.sync.journal import Change

TAPS = {"sign": 5, "late": 4, "supplement": 2, "sign supplement": 1, "number": 1}
NAMES = ("Vi Văn Pó", "Lô Thị Hoa", "Lê Thị Cúc")
STROKES = ((100, 300, 250, 180, 400, 330), (420, 200, 600, 260, 760, 210))
FORGED = "0" * 64
"""What somebody says was signed who never read it."""


def tap(book: Notebook, visit: str, what: str, rng: random.Random, number: int) -> None:
    """One tap on a visit. Raises Refusal for what the app does not let happen."""
    match what:
        case "sign":
            sign(book, visit, rng)
        case "sign supplement" if said := book.visit(visit).evidence.supplements:
            sign(book, visit, rng, rng.choice(said).id)
        case "supplement":
            book.supplement(visit, f"bổ sung {number}", rng.choice(["", "máy mất sóng"]))
        case "number":
            supplements = [s.id for s in book.visit(visit).evidence.supplements]
            book.give_number(visit, f"{number}/BB", rng.choice(["", *supplements]))
        case "late":
            change = rng.choice(LATE)(book, visit, rng, number)
            if change is not None:
                book._record([change])


def sign(book: Notebook, visit: str, rng: random.Random, supplement: str = "") -> None:
    """Somebody signs, or refuses to; rooms that do not add up are taken out before that."""
    reading = book.visit(visit)
    role, name, method = rng.choice(SIGNATURE_ROLES), rng.choice(NAMES), rng.choice(METHODS)
    for row, check in reading.figures.checks.items():
        if check.is_wrong and reading.is_open:
            book.remove_row(visit, row)
    strokes = STROKES if method == "drawn_on_screen" else ()
    book.sign(
        visit, role, name, "", method, strokes, "không đồng ý" if method == "refused" else "", supplement=supplement
    )


# What an older or a hostile app writes, whether the visit is signed or not; of a visit nobody has signed yet nothing.


def _answer(book: Notebook, visit: str, rng: random.Random, number: int) -> Change:
    item = rng.choice(["badge_worn_all", "objective_difficulty"])
    value = rng.choice(["yes", "no"]) if item == "badge_worn_all" else f"ghi sau {number}"
    return Change("answer", f"{visit}//{item}", {"visit": visit, "row": "", "item": item, "value": value}, visit)


def _room(book: Notebook, visit: str, rng: random.Random, number: int) -> Change | None:
    rooms = [room.id for room in book.visit(visit).rooms()]
    if not rooms:
        return None
    elsewhere = rng.choice([line.id for line in book.visits()])
    patch: Any = rng.choice([{"removed": True}, {"name": f"Phòng khác {number}"}, {"visit": elsewhere}])
    return Change("row", rng.choice(rooms), patch, patch.get("visit", visit))


def _brought_in(book: Notebook, visit: str, rng: random.Random, number: int) -> Change:
    """A room of its own, or one that another visit has, moved here."""
    others = [room.id for line in book.visits() if line.id != visit for room in book.visit(line.id).rooms()]
    row = rng.choice([*others, f"row-{number}"])
    return Change("row", row, {"visit": visit, "section": "attendance", "name": f"Phòng thêm {number}"}, visit)


def _visit(book: Notebook, visit: str, rng: random.Random, number: int) -> Change:
    patch: Any = rng.choice([{"unit_name": f"Xã khác {number}"}, {"status": "open", "visit_ended_at": None}])
    return Change("visit", visit, patch, visit)


def _thing(book: Notebook, visit: str, rng: random.Random, number: int) -> Change:
    return Change("drone_flight", f"{visit}:{number % 3}", {"visit": visit, "mức": number}, visit)


def _signature(book: Notebook, visit: str, rng: random.Random, number: int) -> Change | None:
    """Another signature than was given: one that stands is overwritten, or one is added that covers everything."""
    signed = [s.id for s in book.visit(visit).evidence.signatures if not s.supplement]
    if not signed or book.chain is None:
        return None
    record = rng.choice([*signed, f"forged-{number % 2}"])
    patch = {
        "visit": visit, "role": "witness", "name": f"Kẻ gian {number}", "method": "on_paper", "content": FORGED,
        "covers": [[*book.chain, 1, 10_000]],
    }  # fmt: skip
    return Change("signature", record, patch, visit)


LATE: list[Callable[[Notebook, str, random.Random, int], Change | None]] = [
    _answer, _answer, _room, _brought_in, _visit, _thing, _signature,
]  # fmt: skip
