"""All visits on this phone, by day: unit, rate, findings, what central has; searched and read in pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import flet as ft

from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading, search_line, sent_badge
from app.screens.parts import Handler, badge, button, empty_state, list_row
from app.screens.road import use_road, visit_path
from app.screens.theme import Look
from app.screens.window import use_look
from app.screens.words import day, number, percent
from app.state import use_app

PAGE = 30

STATUS_ICONS = {"open": ft.Icons.EDIT, "closed": ft.Icons.CHECK, "signed": ft.Icons.LOCK}


@dataclass(frozen=True)
class Line:
    """A visit of the list, in words."""

    id: str
    unit: str
    day: str
    summary: str
    rate: str
    status: str
    sent: ft.Control


@ft.component
def VisitsScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    book = app.book
    query, set_query = ft.use_state(lambda: road.kept("visits query", ""))
    shown, set_shown = ft.use_state(lambda: road.kept("visits shown", PAGE))
    found = book.visits(query, limit=shown + 1)
    waiting = book.waiting()

    def search(typed: str) -> None:
        road.keep("visits query", typed)
        road.keep("visits shown", PAGE)
        set_query(typed)
        set_shown(PAGE)

    def more() -> None:
        road.keep("visits shown", shown + PAGE)
        set_shown(lambda n: n + PAGE)

    def heading_of(iso: str) -> str:
        if not iso:
            return look.say("visits_no_day")
        written = day(iso, look.language)
        return f"{look.say('today_word')}, {written}" if iso == book.today else written

    def count(key: str, value: int) -> str:
        return look.say(key, count=number(value, look.language)) if value else ""

    lines = [
        Line(
            v.id,
            v.unit_name,
            heading_of(v.visit_date),
            gathered(
                look.say(f"short_{v.without_figures}") if v.without_figures else "",
                count("findings_n", v.findings),
                count("photos_n", v.photos),
            ),
            percent(v.attendance_rate, look.language) if v.attendance_rate else "",
            v.status,
            sent_badge(look, v.id, waiting),
        )
        for v in found[:shown]
    ]
    return draw(
        look,
        query,
        lines,
        on_query=search,
        on_visit=lambda visit: road.to(visit_path(visit)),
        on_more=more if len(found) > shown else None,
        on_back=None if app.is_enrolled else road.back,
    )


def draw(
    look: Look,
    query: str,
    lines: Sequence[Line],
    *,
    on_query: Handler,
    on_visit: Callable[[str], Handler],
    on_more: Handler | None,
    on_back: Handler | None,
) -> ft.Control:
    body: list[ft.Control] = []
    last = None
    for line in lines:
        if line.day != last:
            body.append(ft.Container(heading(look, line.day), padding=ft.Padding.only(left=12, right=12, top=12)))
            last = line.day
        body.append(_line(look, line, on_visit(line.id)))
    if not lines:
        key = "visits_not_found" if query.strip() else "visits_none"
        body.append(empty_state(look, ft.Icons.FOLDER_OPEN, look.say(key), look.say(f"{key}_how")))
    if on_more:
        body.append(
            ft.Container(
                button(look, look.say("visits_more"), on_more, icon=ft.Icons.EXPAND_MORE, identifier="visits-more"),
                padding=12,
            )
        )
    head = ft.Column(
        [
            bar(look, look.say("tab_visits"), on_back),
            ft.Container(
                search_line(look, look.say("visits_search"), query, on_query),
                padding=ft.Padding.only(left=12, right=12, top=10),
            ),
        ],
        spacing=0,
        tight=True,
    )
    return screen(body, head=head, padding=0, spacing=0)


def _line(look: Look, line: Line, on_open: Handler) -> ft.Control:
    status = badge(
        look,
        STATUS_ICONS.get(line.status, ft.Icons.EDIT),
        look.say(f"status_{line.status}"),
        "good" if line.status == "open" else "quiet",
    )
    return list_row(
        look,
        line.unit,
        on_open,
        subtitle=line.summary or None,
        trailing=line.rate or None,
        marks=[status, line.sent],
        identifier=f"visit-{line.id}",
    )
