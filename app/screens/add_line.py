"""A field for the name of one more (room, directive, notice) and the button that adds it."""

from collections.abc import Callable
from dataclasses import dataclass

import flet as ft

from app.screens.listing import typing_field
from app.screens.parts import button
from app.screens.theme import COUNTER, GAP, Look


@dataclass(eq=False)
class _Typed:
    """What is in the field by now: Enter may come before the field's last letters are drawn."""

    name: str = ""


@ft.component
def AddLine(look: Look, label: str, do: str, on_add: Callable[[str], bool], identifier: str, most: int) -> ft.Control:
    """`on_add(name)` says whether the name was taken; then the field is empty again. Typing redraws this line only."""
    typed: _Typed = ft.use_ref(_Typed).current  # type: ignore[assignment]
    _, redraw = ft.use_state("")

    def type_name(name: str) -> None:
        typed.name = name
        redraw(name)

    def add() -> None:
        if on_add(typed.name):
            type_name("")

    field = typing_field(look, label, typed.name, type_name, identifier=f"{identifier}-name", on_submit=add, most=most)
    return ft.Row(
        [
            ft.Container(field, expand=True),
            button(
                look,
                do,
                add if typed.name.strip() else None,
                kind="soft",
                identifier=f"{identifier}-add",
                height=COUNTER,
            ),
        ],
        spacing=GAP,
    )
