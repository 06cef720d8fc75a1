"""What the headcount form says and offers, as values: a room, its sum in words, the one tap that completes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.figures import check_row
from app.records import HEAD_PARTS, HEADS
from app.screens.items import ItemView, PhotoView
from app.screens.theme import Look
from app.screens.words import number


@dataclass(frozen=True)
class RoomView:
    """One room of one count. `figures` has the five HEADS, None where not counted; `roll_hint` is the roll of last time
    or of the plan, offered while the room has none; `items` are the room's other items that are asked just now."""

    id: str
    name: str
    number: int
    of: int
    moment_text: str
    figures: Mapping[str, int | None]
    roll_hint: int | None = None
    can_edit: bool = True
    can_undo: bool = False
    items: tuple[ItemView, ...] = ()
    photos: tuple[PhotoView, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Offer:
    """A button that says what it will record: its words, and the figures it sets."""

    words: str
    figures: Mapping[str, int | None]


def sum_words(figures: Mapping[str, int | None], look: Look) -> tuple[str, str]:
    """(state, words): the people against the roll. state: unknown, left, over, even, open (even, figures empty)."""
    check = check_row(figures)
    if check.difference is None:
        return "unknown", look.say("sum_no_roll")
    if check.difference > 0:
        return "left", look.say("sum_left", count=number(check.difference, look.language))
    if check.difference < 0:
        return "over", look.say("sum_over", count=number(-check.difference, look.language))
    total = number(figures["head_total"], look.language)
    if check.state == "incomplete":
        return "open", look.say("sum_even_open", count=total)
    return "even", look.say("sum_even", count=total)


def roll_offer(room: RoomView, look: Look) -> Offer | None:
    """The roll of last time, while this room has none."""
    if room.figures["head_total"] is not None or room.roll_hint is None:
        return None
    words = look.say("roll_as_before", roll=number(room.roll_hint, look.language))
    return Offer(words, {"head_total": room.roll_hint})


def completion_offer(room: RoomView, look: Look) -> Offer | None:
    """The one tap that completes the room as it stands: everyone present, or what remains is unclear, or is none.

    A room that has no roll yet, but one of last time, is completed against that, and the words say so.
    """
    figures = room.figures
    roll = figures["head_total"]
    stated = {} if roll is not None else {"head_total": room.roll_hint}
    roll = room.roll_hint if roll is None else roll
    absent = [figures[code] for code in HEAD_PARTS[1:]]
    if roll is None:
        return None
    if figures["head_present"] is None:
        if stated or any(absent):
            return None
        return Offer(look.say("all_present"), {"head_present": roll} | dict.fromkeys(HEAD_PARTS[1:], 0))
    rest = roll - sum(figures[code] or 0 for code in HEAD_PARTS)
    empty = {code: 0 for code in HEADS if figures[code] is None} | stated
    spoken = {"rest": number(rest, look.language), "roll": number(roll, look.language)}
    if rest > 0:
        unclear = (figures["head_absent_unclear"] or 0) + rest
        words = look.say("rest_unclear_roll" if stated else "rest_unclear", **spoken)
        return Offer(words, empty | {"head_absent_unclear": unclear})
    if rest == 0 and empty:
        return Offer(look.say("rest_none_roll" if stated else "rest_none", **spoken), empty)
    return None
