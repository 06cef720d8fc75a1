"""What two phones of the team wrote differently: both values, who, when and on which phone; a touch chooses one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flet as ft

from app.checklist import is_day
from app.readings import VisitReading
from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading
from app.screens.parts import Handler, badge, empty_state, pressable, text, touched
from app.screens.review_screen import section_title
from app.screens.road import use_road
from app.screens.theme import GAP, MEDIUM, Look
from app.screens.window import use_look
from app.screens.words import WORDS, day, day_and_moment, number, word
from app.state import Conflict, Message, Side, use_app

_CODED = ("severity", "remediation_status", "observation_kind", "role")
"""Fields whose codes the words of the screens name."""
_DAYS = ("visit_date", "deadline", "issued_on", "remediation_deadline")


@dataclass(frozen=True)
class Choice:
    """One of two values in words."""

    value: str
    who: str
    is_standing: bool


@ft.component
def ConflictsScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    reading = app.book.visit(visit)
    open_ones = app.book.conflicts(visit)

    def choosing(conflict: Conflict, side: Side) -> Handler:
        def choose() -> None:
            app.tap(app.book.settle, conflict, side)
            if conflict not in app.book.conflicts(visit):
                said = (
                    word("conflict_settled", at, value=value_words(at, reading, conflict, side.value))
                    for at in ("vi", "en")
                )
                app.tell(Message(*said))

        return choose

    return draw(
        look,
        reading.unit_name,
        [(place_words(look, reading, c), c, choices(look, reading, c)) for c in open_ones],
        choosing if not reading.is_signed else None,
        on_back=road.back,
    )


def choices(look: Look, visit: VisitReading, conflict: Conflict) -> list[tuple[Side, Choice]]:
    """Both sides in words, the one that counts meanwhile first."""
    found = []
    for side in (conflict.standing, conflict.other):
        phone = side.phone.split(" / ")[0 if look.language == "vi" else -1]
        when = day_and_moment(side.at, look.language) if side.at is not None else ""
        value = value_words(look.language, visit, conflict, side.value)
        found.append((side, Choice(value, gathered(side.author, phone, when), side is conflict.standing)))
    return found


def place_words(look: Look, visit: VisitReading, conflict: Conflict) -> tuple[str, str]:
    """(what it is about, where that stands)."""
    item = visit.template.items.get(conflict.item) if conflict.kind == "answer" else None
    if item is None:
        what = field_words(look, conflict.field)
        named = f"conflict_on_{conflict.kind}"
        return f"{look.say(named)}: {what}" if named in WORDS else what, record_words(visit, conflict)
    where = visit.row_name(conflict.row) or section_title(look, visit, item.section)
    what = item.label[look.language]
    return (what if conflict.field == "value" else f"{what}: {field_words(look, conflict.field)}"), where


def record_words(visit: VisitReading, conflict: Conflict) -> str:
    """What a finding, a recommendation, a person or a paper is called, as it reads now; the row of anything else."""
    said = visit.evidence
    listed: dict[str, Sequence[Any]] = {
        "finding": said.findings,
        "observation": said.observations,
        "recommendation": said.recommendations,
        "person": said.persons,
        "ground": said.grounds,
        "document": said.documents,
        "remediation": said.remediations,
    }
    found = next((r for r in listed.get(conflict.kind, ()) if r.id == conflict.id), None)
    if found is None:
        return visit.row_name(conflict.row)
    names = (getattr(found, name, "") for name in ("text", "name", "document_number", "subject"))
    return next((name for name in names if name), "")


def field_words(look: Look, field: str) -> str:
    key = f"conflict_of_{field}"
    return look.say(key if key in WORDS else "conflict_of_other")


def value_words(language: str, visit: VisitReading, conflict: Conflict, value: Any) -> str:
    """A value as an inspector would say it."""
    if value is None or value == [] or value == "":
        return word("conflict_empty", language)
    if isinstance(value, bool):
        return word("conflict_removed" if value else "conflict_kept", language)
    item = visit.template.items.get(conflict.item) if conflict.field == "value" else None
    if item is not None and item.type == "yes_no_na" and value in ("yes", "no", "na"):
        return word(value, language)
    if item is not None and item.type == "choice":
        codes = value if isinstance(value, list) else [value]
        known = {option.code: option.label[language] for option in item.options}
        return "; ".join(known.get(str(code), str(code)) for code in codes)
    if conflict.field in _CODED and str(value) in WORDS:
        return word(str(value), language)
    if conflict.field == "merged_into":
        return next((f.text for f in visit.evidence.findings if f.id == value), str(value))
    if conflict.field == "main_count":
        count = next((c for c in visit.counts if c.id == value), None)
        return day_and_moment(count.moment, language) if count else str(value)
    if (conflict.field in _DAYS and is_day(value)) or (item is not None and item.type == "date"):
        return day(str(value), language)
    if isinstance(value, int):
        is_moment = conflict.field == "moment" or conflict.field.endswith("_at")
        return day_and_moment(value, language) if is_moment else number(value, language)
    return str(value)


def draw(
    look: Look,
    unit: str,
    conflicts: Sequence[tuple[tuple[str, str], Conflict, Sequence[tuple[Side, Choice]]]],
    choosing: Callable[[Conflict, Side], Handler] | None,
    *,
    on_back: Handler,
) -> ft.Control:
    body: list[ft.Control] = []
    if conflicts:
        how = look.say("conflicts_how" if choosing else "conflicts_signed")
        body.append(text(look, how, 16, color=ft.Colors.ON_SURFACE_VARIANT))
    else:
        title, how = look.say("conflicts_none"), look.say("conflicts_none_how")
        body.append(empty_state(look, ft.Icons.CHECK_CIRCLE, title, how))
    for nth, ((what, where), conflict, sides) in enumerate(conflicts, 1):
        body.append(heading(look, what))
        if where:
            body.append(text(look, where, 16, color=ft.Colors.ON_SURFACE_VARIANT))
        for place, (side, choice) in enumerate(sides, 1):
            on_touch = choosing(conflict, side) if choosing else None
            standing = look.say("conflict_standing" if choosing else "conflict_signed")
            body.append(_choice(look, choice, standing, on_touch, f"conflict-{nth}-{place}"))
    return screen(body, head=bar(look, look.say("conflicts_title"), on_back, subtitle=unit))


def _choice(look: Look, choice: Choice, standing: str, on_touch: Handler | None, identifier: str) -> ft.Control:
    marks: list[ft.Control] = []
    if choice.is_standing:
        marks.append(badge(look, ft.Icons.PUSH_PIN, standing, "quiet"))
    return pressable(
        ft.Column(
            [
                text(look, choice.value, 20, MEDIUM),
                text(look, choice.who, 16, color=ft.Colors.ON_SURFACE_VARIANT),
                *marks,
            ],
            spacing=GAP // 2,
            tight=True,
        ),
        touched(on_touch) if on_touch else None,
        identifier=identifier,
        border=ft.Border.all(1.5, ft.Colors.PRIMARY if choice.is_standing else ft.Colors.OUTLINE_VARIANT),
    )
