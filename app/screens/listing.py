"""What the screens that list things share: headings, a search field, a fact with its name, an amount of progress."""

from collections.abc import Sequence
from typing import Any

import flet as ft

from app.screens.parts import Handler, badge, button, icon_button, saying, tell, text, touched, warning_row
from app.screens.theme import GAP, MEDIUM, RADIUS, Look
from app.screens.words import number
from app.state import Waiting

SHORT = 12
"""Characters of a value that leaves the rest of its line to its name."""


def heading(look: Look, words: str, trailing: str | None = None) -> ft.Control:
    """The name of a group of lines."""
    return ft.Row(
        [
            text(look, words, 16, MEDIUM, color=ft.Colors.PRIMARY, expand=True),
            *([text(look, trailing, 16, color=ft.Colors.ON_SURFACE_VARIANT)] if trailing else []),
        ],
        spacing=GAP,
    )


def differing_row(look: Look, count: int, on_open: Handler, *, is_signed: bool) -> list[ft.Control]:
    """That two phones wrote something of a visit differently, and the way to choose or, once it is signed, to read both."""
    if not count:
        return []
    words = look.say("conflicts_signed_n" if is_signed else "conflicts_n", count=number(count, look.language))
    if is_signed:
        return [button(look, words, on_open, kind="bare", icon=ft.Icons.CALL_SPLIT, identifier="conflicts")]
    return [warning_row(look, ft.Icons.CALL_SPLIT, words, on_open, "conflicts")]


def fact(look: Look, name: str, value: str, identifier: str | None = None) -> ft.Control:
    """A name and what is known of it, read as one."""
    return ft.Semantics(
        identifier=identifier,
        label=f"{name}: {value}",
        exclude_semantics=True,
        container=True,
        content=ft.Row(
            [
                text(look, name, 16, color=ft.Colors.ON_SURFACE_VARIANT, expand=2),
                text(look, value, 16, MEDIUM, expand=3 if len(value) > SHORT else None, text_align=ft.TextAlign.RIGHT),
            ],
            spacing=GAP,
            vertical_alignment=ft.CrossAxisAlignment.START,
        ),
    )


def meter(done: int, of: int) -> ft.Control:
    """How much of something is done, as a bar; the words stand beside it."""
    bar = ft.ProgressBar(
        value=min(1, done / of) if of else 0,
        bar_height=8,
        border_radius=4,
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
        color=ft.Colors.PRIMARY,
    )
    return ft.Semantics(exclude_semantics=True, content=bar)  # else it would make a progress bar of a whole button


def typing_field(
    look: Look,
    label: str,
    value: str,
    on_typed: Handler,
    *,
    identifier: str,
    on_submit: Handler | None = None,
    autofocus: bool = False,
    hint: str | None = None,
    icon: ft.IconData | None = None,
    most: int | None = None,
) -> ft.Control:
    """A field whose every change is told at once: `on_typed(text)`. (What is recorded is typed into `TextLine`.)"""

    async def changed(event: ft.Event[ft.TextField]) -> None:
        await tell(on_typed, event.control.value)

    field = ft.TextField(
        value=value,
        label=label,
        hint_text=hint,
        autofocus=autofocus,
        autocorrect=False,
        enable_suggestions=False,
        text_size=look.size(16),
        border_radius=RADIUS,
        border_color=ft.Colors.OUTLINE,
        prefix_icon=icon,
        max_length=most,
        counter="",
        on_change=changed,
        on_submit=touched(on_submit),
    )
    return ft.Semantics(identifier=identifier, content=field)


def sent_badge(look: Look, visit: str, waiting: Waiting) -> ft.Control:
    """What central has of a visit, as far as this phone knows."""
    if visit in waiting.visits:
        return badge(look, ft.Icons.CLOUD_UPLOAD, look.say("waiting"), "amber")
    if visit in waiting.brought:
        return badge(look, ft.Icons.UPLOAD_FILE, look.say("brought"))
    return badge(look, ft.Icons.CLOUD_DONE, look.say("received"))


def search_line(
    look: Look, label: str, value: str, on_typed: Handler, *, hint: str | None = None, autofocus: bool = False
) -> ft.Control:
    """A field that searches as one types, and a button that empties it."""
    field = typing_field(
        look, label, value, on_typed, identifier="search", autofocus=autofocus, hint=hint, icon=ft.Icons.SEARCH
    )
    controls = [ft.Container(field, expand=True)]
    if value:
        clear = saying(on_typed, "")
        controls.append(icon_button(look, ft.Icons.CLOSE, look.say("search_clear"), clear, identifier="search-clear"))
    return ft.Row(controls, spacing=4)


def lines(rows: Sequence[ft.Control]) -> ft.Control:
    """Lines that belong together, on one sheet."""
    return ft.Container(
        ft.Column(list(rows), spacing=0, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
        border_radius=RADIUS,
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
    )


def gathered(*words: Any) -> str:
    """The words that there are, with dots between."""
    return " · ".join(str(word) for word in words if word)
