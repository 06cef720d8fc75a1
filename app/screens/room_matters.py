"""What else is recorded of a room: reasons for absences, late comers, photos, a note. Opened over the counters."""

from typing import Any

import flet as ft

from app.screens.headcount import RoomView
from app.screens.item_card import ItemCard, photo_strip
from app.screens.items import ItemView
from app.screens.parts import Handler, button, icon_button, keyed, panel, text, touched
from app.screens.text_line import TextLine
from app.screens.theme import GAP, MEDIUM, TOUCH, Look
from app.screens.words import number

LATE = "late_or_left_early_count"
MATTERS = ("reasons", "late", "photos", "note")


def items_of(room: RoomView, matter: str) -> tuple[ItemView, ...]:
    """The items of the room asked under one of the four links."""
    if matter == "late":
        return tuple(item for item in room.items if item.code == LATE)
    if matter == "reasons":
        return tuple(item for item in room.items if item.code != LATE)
    return ()


def _recorded(room: RoomView, matter: str) -> int:
    """How much is recorded under a link: answers, photos, or a note."""
    if matter == "photos":
        return len(room.photos)
    if matter == "note":
        return 1 if room.remark else 0
    return sum(item.value is not None for item in items_of(room, matter))


def matter_links(look: Look, room: RoomView, on_choose: Handler) -> ft.Control:
    """Four links in a row; a dot and a number tell where something is recorded."""

    def link(matter: str) -> ft.Control:
        count = _recorded(room, matter)
        label = look.say(f"room_{matter}")

        async def choose(_event: Any) -> None:
            on_choose(matter)

        return button(
            look,
            f"{label} · {number(count, look.language)}" if count else label,
            choose,
            kind="soft" if count else "bare",
            identifier=f"matter-{matter}",
            size=16,
            expand=True,
            lines=2,
        )

    in_a_row = 4 if look.text_scale == 100 else 2
    return ft.Column(
        [
            ft.Row([link(matter) for matter in MATTERS[i : i + in_a_row]], spacing=2)
            for i in range(0, len(MATTERS), in_a_row)
        ],
        spacing=2,
        tight=True,
    )


def matter_sheet(
    look: Look,
    room: RoomView,
    matter: str,
    on_close: Handler,
    *,
    on_answer: Handler | None,
    on_item_remark: Handler | None,
    on_item_photo: Handler | None,
    on_photo: Handler | None,
    on_open_photo: Handler | None,
    on_remark: Handler | None,
) -> list[ft.Control]:
    """The controls of one link: its title with a way back to the figures, the full name of the room, what is asked."""

    def with_code(callback: Handler | None, code: str) -> Handler | None:
        def call(*values: Any) -> Any:
            assert callback is not None
            return callback(code, *values)

        return call if callback is not None else None

    body: list[ft.Control] = []
    for item in items_of(room, matter):
        body.append(
            keyed(
                f"{room.id}-{item.code}",
                ItemCard,
                look,
                item,
                with_code(on_answer, item.code),
                on_remark=with_code(on_item_remark, item.code),
                on_photo=with_code(on_item_photo, item.code),
                on_open_photo=on_open_photo,
            )
        )
    if matter == "reasons" and not body:
        body.append(panel(look, ft.Icons.INFO, [look.say("room_reasons_none")]))
    if matter == "photos":
        body.append(photo_strip(look, room.photos, on_open_photo, on_photo if room.can_edit else None, of=room.name))
    if matter == "note":
        body.append(
            keyed(
                f"note-{room.id}",
                TextLine,
                look,
                look.say("room_note_label"),
                room.remark,
                on_remark if room.can_edit else None,
                identifier="room-note",
                lines=4,
            )
        )
    return [
        ft.Row(
            [
                text(look, look.say(f"room_{matter}"), 18, MEDIUM, expand=True),
                icon_button(
                    look,
                    ft.Icons.CLOSE,
                    look.say("to_figures"),
                    touched(on_close),
                    kind="plain",
                    size=TOUCH,
                    identifier="matter-close",
                ),
            ],
            spacing=GAP,
        ),
        text(look, room.name, 16, color=ft.Colors.ON_SURFACE_VARIANT),
        *body,
    ]
