"""What surrounds a screen: its head, and the four tabs at its foot."""

from collections.abc import Sequence
from typing import Any

import flet as ft

from app.screens.parts import Handler, icon_button, pressable, saying, text, touched
from app.screens.theme import BOLD, EDGE, GAP, MEDIUM, Look
from app.screens.words import number

TAB_TEXT = 17
"""The largest text of a tab: four words side by side on 360 pixels."""
SCROLL_TOLD_MS = 100
"""How often a screen hears of its scrolling."""
BAR = 56
"""Height of the head in logical pixels at 100 %."""


def bar(
    look: Look,
    title: str,
    on_back: Handler | None = None,
    *,
    subtitle: str | None = None,
    actions: Sequence[ft.Control] = (),
    on_title: Handler | None = None,
) -> ft.Control:
    """The head of a screen: back, title (one line, of large text two; screen readers say all of it), what can be done there.

    With `on_title` the title is a button (it opens the list the screen is one of).
    """
    line = {"max_lines": 2 if look.text_scale > 100 else 1, "overflow": ft.TextOverflow.ELLIPSIS}
    words = ft.Column([text(look, title, 18, MEDIUM, **line)], spacing=0, tight=True)
    if subtitle:
        words.controls.append(text(look, subtitle, 16, color=ft.Colors.ON_SURFACE_VARIANT, **line))
    padding = ft.Padding.symmetric(horizontal=4 if on_back else EDGE, vertical=2)
    return ft.Container(
        ft.Row(
            [
                *(
                    [icon_button(look, ft.Icons.ARROW_BACK, look.say("back"), touched(on_back), identifier="back")]
                    if on_back
                    else []
                ),
                pressable(
                    words,
                    touched(on_title),
                    identifier="title",
                    ground=ft.Colors.TRANSPARENT,
                    padding=padding,
                    expand=True,
                )
                if on_title
                else ft.Container(words, padding=padding, expand=True, tooltip=title),
                *actions,
            ],
            spacing=2,
        ),
        padding=ft.Padding.symmetric(horizontal=4, vertical=3),
        border=ft.Border.only(bottom=ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)),
        height=None if look.text_scale > 100 else BAR,
    )


TABS = (
    ("today", ft.Icons.TODAY),
    ("visits", ft.Icons.FOLDER),
    ("sync", ft.Icons.SYNC),
    ("settings", ft.Icons.SETTINGS),
)


def bottom_bar(look: Look, chosen: str, on_choose: Handler, *, waiting: int = 0) -> ft.Control:
    """Today, visits, sync, settings. `on_choose(tab)`; `waiting` is how many visits wait to be sent."""
    labels = {
        "today": look.say("tab_today"),
        "visits": look.say("tab_visits"),
        "sync": look.say("tab_sync"),
        "settings": look.say("tab_settings"),
    }

    def tab(code: str, icon: ft.IconData) -> ft.Control:
        here = code == chosen
        ink = ft.Colors.PRIMARY if here else ft.Colors.ON_SURFACE_VARIANT
        mark: list[ft.Control] = [ft.Icon(icon, size=26, color=ink)]
        if code == "sync" and waiting:
            mark.append(text(look, number(waiting, look.language), 15, BOLD, color=ink))
        label = text(look, labels[code], 15, BOLD if here else MEDIUM, color=ink, max_lines=1, no_wrap=True)
        label.size = min(look.size(15), TAB_TEXT)
        return pressable(
            ft.Column(
                [ft.Row(mark, spacing=2, tight=True), label],
                horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                spacing=0,
                tight=True,
            ),
            saying(on_choose, code),
            identifier=f"tab-{code}",
            ground=ft.Colors.PRIMARY_CONTAINER if here else ft.Colors.TRANSPARENT,
            padding=ft.Padding.symmetric(horizontal=2, vertical=6),
            expand=True,
            selected=here,
        )

    return ft.Container(
        ft.Row([tab(code, icon) for code, icon in TABS], spacing=2),
        bgcolor=ft.Colors.SURFACE_CONTAINER,
        padding=ft.Padding.symmetric(horizontal=4, vertical=4),
    )


def screen(
    body: Sequence[ft.Control],
    *,
    head: ft.Control | None = None,
    foot: ft.Control | None = None,
    spacing: float = GAP,
    padding: Any = EDGE,
    scrolls: bool = True,
    ref: ft.Ref[ft.Column] | None = None,
    on_scroll: Handler | None = None,
) -> ft.Control:
    """Head, scrolling body, foot, clear of notches and bars of the phone.

    `ref` gets the body, and `on_scroll` hears where it stands, for screens that one comes back to in the middle.
    """
    middle = ft.Column(
        list(body),
        spacing=spacing,
        ref=ref,
        scroll=ft.ScrollMode.AUTO if scrolls else None,
        scroll_interval=SCROLL_TOLD_MS,
        on_scroll=on_scroll,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        expand=True,
    )
    return ft.SafeArea(
        ft.Column(
            [
                *([head] if head is not None else []),
                ft.Container(middle, expand=True, padding=padding),
                *([foot] if foot is not None else []),
            ],
            spacing=0,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        expand=True,
    )
