"""The items of one section as cards under one another; directives and notices row by row."""

from typing import Any

import flet as ft

from app.checklist import Item, Section, naming_item
from app.readings import VisitReading
from app.records import NAME_MAX
from app.screens.add_line import AddLine
from app.screens.frame import bar, screen
from app.screens.item_card import ItemCard
from app.screens.item_views import item_view
from app.screens.listing import heading
from app.screens.parts import chips, empty_state, icon_button, keyed, text
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import GAP, MEDIUM, Look
from app.screens.window import use_look
from app.screens.words import number
from app.state import AppState, use_app


@ft.component
def SectionScreen(visit: str, code: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    ref: ft.Ref[ft.Column] = ft.use_ref(ft.Ref).current  # type: ignore[assignment]
    place = f"scroll {visit} {code}"
    reading = app.book.visit(visit)
    section = reading.template.by_section[code]

    def keep_place(event: ft.OnScrollEvent) -> None:
        road.keep(place, event.pixels)

    async def stand_as_left() -> None:
        """After a photo the item it was taken for is on the screen again."""
        if road.came_back and ref.current is not None and road.kept(place, 0):
            await ref.current.scroll_to(offset=road.kept(place, 0))

    ft.use_effect(stand_as_left, [])
    if section.is_repeated:
        body = _rows(look, app, road, reading, section)
    else:
        asked = [item for item in section.items if reading.outcome.is_relevant(item)]
        body = [_card(look, app, road, reading, item) for item in asked]
        if not asked:
            body.append(
                empty_state(look, ft.Icons.CHECKLIST, look.say("section_nothing"), look.say("section_nothing_how"))
            )
    done, of = reading.outcome.progress(section)
    subtitle = look.say("section_done", done=number(done, look.language), of=number(of, look.language))
    head = bar(look, section.title[look.language], road.back, subtitle=subtitle)
    return screen(body, head=head, ref=ref, on_scroll=keep_place)


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


def _rows(look: Look, app: AppState, road: Road, visit: VisitReading, section: Section) -> list[ft.Control]:
    """Each row under its name; below them a field for one more, and names to choose."""
    rows = visit.rows_of(section.code)
    naming = naming_item(section)
    body: list[ft.Control] = []
    for place, row in enumerate(rows, 1):
        cards = [
            _card(look, app, road, visit, item, row.id)
            for item in section.items
            if item is not naming and visit.outcome.is_relevant(item, row.id)
        ]
        body.append(
            ft.Semantics(
                identifier=f"row-{place}",
                container=True,
                content=ft.Column(
                    [_row_head(look, app, visit, row.id, row.name, place), *cards],
                    spacing=GAP,
                    tight=True,
                    horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                ),
            )
        )
    if not rows:
        key = "rows_empty_notices" if section.repeat == "per_notice" else "rows_empty_directives"
        body.append(empty_state(look, ft.Icons.DESCRIPTION, look.say(key), look.say("rows_empty_how")))
    if not visit.is_open:
        return body

    def add(name: str) -> bool:
        return bool(app.tap(app.book.add_row, visit.id, section.code, name))

    label = naming.label[look.language] if naming else look.say("rows_name")
    body.append(keyed("add", AddLine, look, label, look.say("rows_add"), add, "row", NAME_MAX))
    offered = app.book.suggested_rows(visit, section)
    if offered:
        options = [(str(i), name) for i, name in enumerate(offered)]
        body.append(heading(look, look.say("rows_suggested")))
        body.append(chips(look, options, [], lambda place: add(offered[int(place)]), identifier="row-suggested"))
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
