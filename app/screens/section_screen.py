"""The items of one section as cards under one another; directives and notices row by row."""

from collections.abc import Callable
from typing import Any

import flet as ft

from app.checklist import Item, Section, naming_item
from app.readings import VisitReading
from app.screens.frame import bar, screen
from app.screens.item_card import ItemCard
from app.screens.item_views import item_view
from app.screens.listing import heading, typing_field
from app.screens.parts import button, chips, empty_state, icon_button, keyed, text
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import COUNTER, GAP, MEDIUM, Look
from app.screens.window import use_look
from app.screens.words import number
from app.state import AppState, use_app


@ft.component
def SectionScreen(visit: str, code: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    typed, type_name = ft.use_state("")
    reading = app.book.visit(visit)
    section = reading.template.by_section[code]
    if section.is_repeated:
        body = _rows(look, app, road, reading, section, typed, type_name)
    else:
        asked = [item for item in section.items if reading.outcome.is_relevant(item)]
        body = [_card(look, app, road, reading, item) for item in asked]
        if not asked:
            body.append(
                empty_state(look, ft.Icons.CHECKLIST, look.say("section_nothing"), look.say("section_nothing_how"))
            )
    done, of = reading.outcome.progress(section)
    subtitle = look.say("section_done", done=number(done, look.language), of=number(of, look.language))
    return screen(body, head=bar(look, section.title[look.language], road.back, subtitle=subtitle))


def _card(look: Look, app: AppState, road: Road, visit: VisitReading, item: Item, row: str = "") -> ft.Control:
    def answer(value: Any) -> None:
        app.tap(app.book.answer, visit.id, item.code, value, row)

    def remark(words: str) -> None:
        app.tap(app.book.remark, visit.id, item.code, words, row)

    return keyed(
        f"{row} {item.code}",
        ItemCard,
        look,
        item_view(look, app, visit, item, row),
        answer,
        on_remark=remark,
        on_photo=road.to(visit_path(visit.id, "photo", item=item.code, row=row)),
        on_open_photo=lambda photo: road.go(f"/photo/{photo}"),
    )


def _rows(
    look: Look,
    app: AppState,
    road: Road,
    visit: VisitReading,
    section: Section,
    typed: str,
    on_typed: Callable[[str], None],
) -> list[ft.Control]:
    """Each row under its name; below them a field for one more, and names to choose."""
    rows = visit.rows_of(section.code)
    naming = naming_item(section)
    body: list[ft.Control] = []
    for place, row in enumerate(rows, 1):
        body.append(_row_head(look, app, visit, row.id, row.name, place))
        body += [
            _card(look, app, road, visit, item, row.id)
            for item in section.items
            if item is not naming and visit.outcome.is_relevant(item, row.id)
        ]
    if not rows:
        key = "rows_empty_notices" if section.repeat == "per_notice" else "rows_empty_directives"
        body.append(empty_state(look, ft.Icons.DESCRIPTION, look.say(key), look.say("rows_empty_how")))
    if not visit.is_open:
        return body

    def add(name: str) -> None:
        if app.tap(app.book.add_row, visit.id, section.code, name):
            on_typed("")

    label = naming.label[look.language] if naming else look.say("rows_name")
    body.append(
        ft.Row(
            [
                ft.Container(
                    typing_field(
                        look, label, typed, on_typed, identifier="row-name", on_submit=lambda: add(typed), most=300
                    ),
                    expand=True,
                ),
                button(
                    look,
                    look.say("rows_add"),
                    (lambda: add(typed)) if typed.strip() else None,
                    kind="soft",
                    identifier="row-add",
                    height=COUNTER,
                ),
            ],
            spacing=GAP,
        )
    )
    offered = app.book.suggested_rows(visit, section)
    if offered:
        options = [(str(i), name) for i, name in enumerate(offered)]
        body.append(heading(look, look.say("rows_suggested")))
        body.append(chips(look, options, [], lambda i: add(offered[int(i)]), identifier="row-suggested"))
    return body


def _row_head(look: Look, app: AppState, visit: VisitReading, row: str, name: str, place: int) -> ft.Control:
    """The name of a row and the way to take it out."""
    controls: list[ft.Control] = [text(look, f"{place}. {name}", 18, MEDIUM, expand=True)]
    if visit.is_open:
        controls.append(
            icon_button(
                look,
                ft.Icons.DELETE,
                look.say("row_remove", name=name),
                lambda _event: app.tap(app.book.remove_row, visit.id, row),
                kind="plain",
                identifier="row-remove",
            )
        )
    return ft.Row(controls, spacing=GAP)
