"""Choosing the unit of a new visit: searched as one types, planned and recent ones at hand, typed as the last resort."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flet as ft

from app.records import NAME_MAX
from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading, lines, search_line, typing_field
from app.screens.parts import Handler, badge, button, empty_state, list_row, panel, text
from app.screens.road import use_road, visit_path
from app.screens.theme import COUNTER, Look
from app.screens.window import use_look, use_maybe
from app.screens.words import LANGUAGES, day
from app.state import use_app
from app.units import LEVEL_WORDS, UnitReading

FOUND_SHOWN = 30

Unit = tuple[str, str]


@ft.component
def UnitScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    book = app.book
    query, set_query = ft.use_state("")
    doubted, set_doubted = use_maybe(UnitReading)
    typed, set_typed = use_maybe(str)
    here = book.current_round()
    plan = book.planned_units(here)
    in_plan = {(u.code, u.valid_from) for u in plan}
    visited = book.visited_units(here)

    def begin(unit: UnitReading | str) -> None:
        planned = not isinstance(unit, str) and (unit.code, unit.valid_from) in in_plan
        visit = app.tap(book.start_visit, unit, planned=planned)
        if visit is not None:
            road.go(visit_path(visit), instead=True)

    def choose(unit: UnitReading) -> None:
        if unit.is_valid_on(book.today):
            begin(unit)
        else:
            set_doubted(unit)

    if doubted is not None:
        successors = [u for code in doubted.successor_codes for u in book.reference.units if u.code == code]
        current = [u for u in successors if u.is_valid_on(book.today)]
        return draw_doubt(look, doubted, current, on_begin=begin, on_other=lambda: set_doubted(None), today=book.today)
    if typed is not None:
        return draw_typed(
            look, typed, on_typed=set_typed, on_begin=lambda: begin(typed), on_back=lambda: set_typed(None)
        )
    return draw(
        look,
        query,
        found=book.find_units(query, limit=FOUND_SHOWN + 1) if query.strip() else [],
        planned=[u for u in plan if (u.code, u.valid_from) not in visited],
        recent=book.recent_units(),
        marks=lambda unit: _marks(look, unit, in_plan, visited, book.today),
        on_query=set_query,
        on_choose=choose,
        on_type=lambda: set_typed(query.strip()),
        on_back=road.back,
    )


def _marks(look: Look, unit: UnitReading, in_plan: set[Unit], visited: set[Unit], today: str) -> list[ft.Control]:
    key = (unit.code, unit.valid_from)
    marks = []
    if not unit.is_valid_on(today):
        words = (
            look.say("unit_until", day=day(unit.valid_to, look.language))
            if unit.valid_to and unit.valid_to < today
            else look.say("unit_from", day=day(unit.valid_from, look.language))
        )
        marks.append(badge(look, ft.Icons.HISTORY, words, "amber"))
    if key in visited:
        marks.append(badge(look, ft.Icons.CHECK, look.say("unit_visited")))
    elif key in in_plan:
        marks.append(badge(look, ft.Icons.EVENT, look.say("unit_in_plan"), "good"))
    return marks


def level_words(look: Look, unit: UnitReading) -> str:
    words = LEVEL_WORDS.get(unit.level)
    return words[LANGUAGES.index(look.language)] if words else ""


def draw(
    look: Look,
    query: str,
    *,
    found: Sequence[UnitReading],
    planned: Sequence[UnitReading],
    recent: Sequence[UnitReading],
    marks: Callable[[UnitReading], list[ft.Control]],
    on_query: Handler,
    on_choose: Callable[[UnitReading], None],
    on_type: Handler,
    on_back: Handler,
) -> ft.Control:
    def line(unit: UnitReading, group: str) -> ft.Control:
        return list_row(
            look,
            unit.name,
            lambda: on_choose(unit),
            subtitle=gathered(level_words(look, unit), unit.parent_name),
            marks=marks(unit) if group != "planned" else (),
            identifier=f"{group}-{unit.code}",
        )

    def group(name: str, code: str, units: Sequence[UnitReading]) -> list[ft.Control]:
        if not units:
            return []
        return [heading(look, look.say(name)), lines([line(u, code) for u in units])]

    body: list[ft.Control] = []
    if query.strip():
        if found:
            body.append(lines([line(u, "unit") for u in found[:FOUND_SHOWN]]))
        else:
            body.append(empty_state(look, ft.Icons.SEARCH_OFF, look.say("unit_none"), look.say("unit_none_how")))
        if len(found) > FOUND_SHOWN:
            body.append(text(look, look.say("unit_more"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    else:
        body += group("unit_planned", "planned", planned[:FOUND_SHOWN]) + group("unit_recent", "recent", recent)
    body.append(
        button(look, look.say("unit_not_listed"), on_type, icon=ft.Icons.EDIT, identifier="not-listed", height=COUNTER)
    )
    search = search_line(look, look.say("unit_search"), query, on_query, hint=look.say("unit_hint"), autofocus=True)
    head = ft.Column(
        [
            bar(look, look.say("unit_title"), on_back),
            ft.Container(search, padding=ft.Padding.only(left=12, right=12, top=10)),
        ],
        spacing=0,
        tight=True,
    )
    return screen(body, head=head)


def draw_doubt(
    look: Look,
    unit: UnitReading,
    successors: Sequence[UnitReading],
    *,
    on_begin: Callable[[Any], None],
    on_other: Handler,
    today: str,
) -> ft.Control:
    """A unit that is not valid today: said in words, with what stands in its place, and never forbidden."""
    has_ended = bool(unit.valid_to and unit.valid_to < today)
    until = day(unit.valid_to if has_ended else unit.valid_from, look.language)
    lines = [unit.name, look.say("unit_old" if has_ended else "unit_young", day=until)]
    if successors:
        lines.append(look.say("unit_now", names=", ".join(u.name for u in successors)))
    body: list[ft.Control] = [panel(look, ft.Icons.HISTORY, lines, "amber")]
    body += [
        button(
            look,
            u.name,
            partial(on_begin, u),
            kind="soft",
            icon=ft.Icons.ARROW_FORWARD,
            identifier=f"successor-{u.code}",
            height=COUNTER,
        )
        for u in successors[:6]
    ]
    body.append(
        button(look, look.say("unit_anyway"), lambda: on_begin(unit), identifier="begin-anyway", height=COUNTER)
    )
    body.append(button(look, look.say("unit_other"), on_other, kind="bare", identifier="choose-other"))
    return screen(body, head=bar(look, look.say("unit_title"), on_other))


def draw_typed(look: Look, typed: str, *, on_typed: Handler, on_begin: Handler, on_back: Handler) -> ft.Control:
    """A unit that is in no list, by its name."""
    begin = on_begin if typed.strip() else None
    return screen(
        [
            panel(look, ft.Icons.EDIT, [look.say("unit_not_listed"), look.say("unit_typed_how")]),
            typing_field(
                look, look.say("unit_typed"), typed, on_typed, identifier="unit-typed", most=NAME_MAX, autofocus=True
            ),
            button(look, look.say("unit_begin"), begin, kind="main", identifier="begin-typed", height=COUNTER),
        ],
        head=bar(look, look.say("unit_not_listed"), on_back),
    )
