"""What two screens share. Plain functions draw; components (PascalCase) keep something: a draft, what is open.

`look` comes first everywhere. `identifier` is what tests press (it reaches the page as a semantics identifier); the
name a screen reader says is always given in words.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flet as ft

from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, REGULAR, TOUCH, Look
from app.screens.words import number

Handler = Callable[..., Any]
"""A callback of a form; may be sync or async."""

LINE = 1.4
"""Height of a line of text over its size."""


async def tell(callback: Handler | None, *values: Any) -> None:
    """Calls a form's callback, waiting for it when it is async; None is nobody to tell."""
    if callback is None:
        return
    outcome = callback(*values)
    if inspect.isawaitable(outcome):
        await outcome


def keyed(key: str, component: Callable[..., ft.Control], *values: Any, **named: Any) -> ft.Control:
    """A component under a key: another key is another record, with a draft of its own."""
    return component(*values, key=key, **named)


def text(look: Look, value: str, size: float = 16, family: str = REGULAR, **options: Any) -> ft.Text:
    """Text of `size` pixels at 100 %; `family` is one of the theme's three (a weight would be faked)."""
    return ft.Text(value, size=look.size(size), font_family=family, **options)


# ---------------------------------------------------------------------------------------------------- pressing


_KINDS: dict[str, tuple[str, str, str | None]] = {
    "main": (ft.Colors.PRIMARY, ft.Colors.ON_PRIMARY, None),
    "soft": (ft.Colors.PRIMARY_CONTAINER, ft.Colors.ON_PRIMARY_CONTAINER, None),
    "plain": (ft.Colors.SURFACE_CONTAINER_LOWEST, ft.Colors.ON_SURFACE, ft.Colors.OUTLINE),
    "bare": (ft.Colors.TRANSPARENT, ft.Colors.PRIMARY, None),
    "amber": (ft.Colors.TERTIARY_CONTAINER, ft.Colors.ON_TERTIARY_CONTAINER, None),
    "alarm": (ft.Colors.ERROR_CONTAINER, ft.Colors.ON_ERROR_CONTAINER, ft.Colors.ERROR),
}
"""Kind of a button → its ground, its ink, its edge."""


def button(
    look: Look,
    label: str,
    on_click: Handler | None,
    *,
    kind: str = "plain",
    icon: ft.IconData | None = None,
    name: str | None = None,
    identifier: str | None = None,
    height: float = TOUCH,
    size: float = 16,
    family: str = MEDIUM,
    width: float | None = None,
    expand: bool | int | None = None,
    on_long_press: Handler | None = None,
    action: Any = None,
    lines: int = 2,
    icon_last: bool = False,
) -> ft.Control:
    """A button with words; shown as resting without `on_click` and `action`.

    `name` is said instead of `label` where the label alone would not tell two buttons apart. `height` is the least one:
    the button grows with a second line or larger text.
    """
    ground, ink, edge = _KINDS[kind]
    resting = on_click is None and action is None
    words = text(
        look, label, size, family, text_align=ft.TextAlign.CENTER, max_lines=lines, overflow=ft.TextOverflow.ELLIPSIS
    )
    words.semantics_label = name
    inside: ft.Control = words
    if icon is not None:
        words.expand = True
        words.expand_loose = True
        inside = ft.Row(
            [words, ft.Icon(icon, size=look.size(22))] if icon_last else [ft.Icon(icon, size=look.size(22)), words],
            alignment=ft.MainAxisAlignment.CENTER,
            spacing=6,
            tight=True,
        )
    line = look.size(size) * LINE
    pressed = ft.TextButton(
        content=inside,
        disabled=resting,
        on_click=on_click,
        on_long_press=on_long_press,
        action=action,
        width=width,
        style=ft.ButtonStyle(
            bgcolor={ft.ControlState.DISABLED: ft.Colors.SURFACE_CONTAINER, ft.ControlState.DEFAULT: ground},
            color={ft.ControlState.DISABLED: ft.Colors.OUTLINE, ft.ControlState.DEFAULT: ink},
            icon_color={ft.ControlState.DISABLED: ft.Colors.OUTLINE, ft.ControlState.DEFAULT: ink},
            side=ft.BorderSide(1.5, edge) if edge and not resting else None,
            shape=ft.RoundedRectangleBorder(radius=RADIUS),
            padding=ft.Padding.symmetric(horizontal=8, vertical=max(6, (height - line) / 2)),
            animation_duration=0,
        ),
    )
    return ft.Semantics(identifier=identifier, content=pressed, expand=expand)


def icon_button(
    look: Look,
    icon: ft.IconData,
    name: str,
    on_click: Handler | None,
    *,
    kind: str = "bare",
    size: float = TOUCH,
    identifier: str | None = None,
) -> ft.Control:
    """A square button with an icon, which screen readers call `name`."""
    ground, ink, edge = _KINDS[kind]
    return ft.Semantics(
        identifier=identifier,
        content=ft.IconButton(
            ft.Icon(icon, semantics_label=name, size=28),
            disabled=on_click is None,
            on_click=on_click,
            width=size,
            height=size,
            style=ft.ButtonStyle(
                bgcolor={ft.ControlState.DISABLED: ft.Colors.SURFACE_CONTAINER, ft.ControlState.DEFAULT: ground},
                icon_color={ft.ControlState.DISABLED: ft.Colors.OUTLINE, ft.ControlState.DEFAULT: ink},
                side=ft.BorderSide(1.5, edge) if edge else None,
                shape=ft.RoundedRectangleBorder(radius=RADIUS),
                padding=0,
                animation_duration=0,
            ),
        ),
    )


def pressable(
    content: ft.Control,
    on_click: Handler | None,
    *,
    identifier: str | None = None,
    ground: str = ft.Colors.SURFACE_CONTAINER_LOWEST,
    padding: Any = EDGE,
    border: ft.Border | None = None,
    expand: bool | int | None = None,
    name: str | None = None,
    selected: bool | None = None,
    radius: float = RADIUS,
) -> ft.Control:
    """Any content as one button; it is called by the texts inside, or by `name` alone."""
    one = ft.Semantics(
        identifier=identifier,
        container=True,
        button=True if on_click is not None else None,
        label=name,
        exclude_semantics=name is not None,
        selected=selected,
        content=ft.Container(
            content,
            on_click=on_click,
            ink=on_click is not None,
            bgcolor=ground,
            padding=padding,
            border=border,
            border_radius=radius,
        ),
    )
    return ft.MergeSemantics(one, expand=expand)  # content with a node of its own would be a button inside a button


def warning_row(look: Look, icon: ft.IconData, words: str, on_open: Handler, identifier: str) -> ft.Control:
    """Something to see to, pressed to get there."""
    return pressable(
        ft.Row([ft.Icon(icon, size=look.size(24)), text(look, words, 16, MEDIUM, expand=True)], spacing=10),
        touched(on_open),
        identifier=identifier,
        ground=ft.Colors.TERTIARY_CONTAINER,
    )


# ---------------------------------------------------------------------------------------------------- showing


_TONES: dict[str, tuple[str, str]] = {
    "quiet": (ft.Colors.SURFACE_CONTAINER_HIGH, ft.Colors.ON_SURFACE_VARIANT),
    "good": (ft.Colors.PRIMARY_CONTAINER, ft.Colors.ON_PRIMARY_CONTAINER),
    "amber": (ft.Colors.TERTIARY_CONTAINER, ft.Colors.ON_TERTIARY_CONTAINER),
    "alarm": (ft.Colors.ERROR_CONTAINER, ft.Colors.ON_ERROR_CONTAINER),
}
"""Tone of a badge or panel → its ground and its ink."""


def badge(look: Look, icon: ft.IconData, label: str, tone: str = "quiet", *, wraps: bool = False) -> ft.Control:
    """A state: icon and word together, never colour alone. Tones: quiet, good, amber, alarm.

    One of several words `wraps` where what holds it is no wider than the screen (a row that wraps).
    """
    ground, ink = _TONES[tone]
    return ft.Container(
        ft.Row(
            [
                ft.Icon(icon, size=look.size(18), color=ink),
                text(look, label, 15, MEDIUM, color=ink, **({"expand": True, "expand_loose": True} if wraps else {})),
            ],
            spacing=4,
            tight=True,
        ),
        bgcolor=ground,
        border_radius=6,
        padding=ft.Padding.symmetric(horizontal=8, vertical=3),
    )


def chips(
    look: Look,
    options: Sequence[tuple[str, str]],
    chosen: Sequence[str],
    on_choose: Handler | None,
    *,
    identifier: str = "chip",
) -> ft.Control:
    """(code, label) pairs as buttons that wrap over lines; `on_choose(code)` says which was touched."""
    return ft.Row(
        [
            pressable(
                ft.Row(
                    [
                        *([ft.Icon(ft.Icons.CHECK, size=look.size(20))] if code in chosen else []),
                        text(look, label, 16, MEDIUM, expand=True, expand_loose=True),
                    ],
                    spacing=4,
                    tight=True,
                ),
                partial(_said, on_choose, code) if on_choose else None,
                identifier=f"{identifier}-{code}",
                ground=ft.Colors.PRIMARY_CONTAINER if code in chosen else ft.Colors.SURFACE_CONTAINER_LOWEST,
                padding=ft.Padding.symmetric(horizontal=12, vertical=max(4, (TOUCH - look.size(16) * LINE) / 2)),
                border=ft.Border.all(1.5, ft.Colors.PRIMARY if code in chosen else ft.Colors.OUTLINE),
                selected=code in chosen,
            )
            for code, label in options
        ],
        wrap=True,
        spacing=GAP,
        run_spacing=GAP,
    )


async def _said(callback: Handler, value: Any, _event: Any = None) -> None:
    """Passes `value` to a form's callback when a control is touched."""
    await tell(callback, value)


def saying(callback: Handler | None, value: Any) -> Handler | None:
    """An event handler that calls `callback(value)`, or None when there is nobody to call."""
    return partial(_said, callback, value) if callback is not None else None


def touched(callback: Handler | None) -> Handler | None:
    """An event handler that calls `callback()` without the event, or None when there is nobody to call."""

    async def handle(_event: Any) -> None:
        await tell(callback)

    return handle if callback is not None else None


def section_card(
    look: Look,
    title: str,
    done: int,
    of: int,
    on_open: Handler | None,
    *,
    failed: int = 0,
    missing_photos: int = 0,
    progress: str | None = None,
    icon: ft.IconData = ft.Icons.CHECKLIST,
    identifier: str | None = None,
) -> ft.Control:
    """A part of the checklist: how much of it is done, what failed, which photos are missing. Pressed as a whole.

    `progress` replaces "done/of items" where other words fit better ("6/9 rooms").
    """
    marks: list[ft.Control] = []
    if failed:
        marks.append(
            badge(look, ft.Icons.CANCEL, look.say("failed_items", count=number(failed, look.language)), "alarm")
        )
    if missing_photos:
        said = look.say("missing_photos", count=number(missing_photos, look.language))
        marks.append(badge(look, ft.Icons.NO_PHOTOGRAPHY, said, "amber"))
    complete = of > 0 and done >= of
    how_far = text(look, progress or look.say("progress_of", done=done, of=of), 16)
    is_large = look.text_scale > 125  # then both do not fit beside each other
    name = text(look, title, 17, MEDIUM, expand=not is_large)
    return pressable(
        ft.Column(
            [
                ft.Row(
                    [
                        ft.Icon(
                            ft.Icons.CHECK_CIRCLE if complete else icon, size=look.size(26), color=ft.Colors.PRIMARY
                        ),
                        *(
                            [ft.Column([name, how_far], spacing=0, tight=True, expand=True)]
                            if is_large
                            else [name, how_far]
                        ),
                    ],
                    vertical_alignment=ft.CrossAxisAlignment.CENTER,
                    spacing=10,
                ),
                ft.Semantics(  # the words above say it; left to itself the bar would make a progress bar of the button
                    exclude_semantics=True,
                    content=ft.ProgressBar(
                        value=done / of if of else 0,
                        bar_height=6,
                        border_radius=3,
                        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
                        color=ft.Colors.PRIMARY,
                    ),
                ),
                *([ft.Row(marks, wrap=True, spacing=6, run_spacing=6)] if marks else []),
            ],
            spacing=8,
            tight=True,
        ),
        touched(on_open),
        identifier=identifier,
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


def list_row(
    look: Look,
    title: str,
    on_open: Handler | None,
    *,
    subtitle: str | None = None,
    trailing: str | None = None,
    icon: ft.IconData | None = None,
    marks: Sequence[ft.Control] = (),
    identifier: str | None = None,
    chosen: bool = False,
) -> ft.Control:
    """A line of a list, pressed as a whole: title, what belongs under it, a figure or word at its end."""
    words: list[ft.Control] = [text(look, title, 16, MEDIUM, max_lines=3, overflow=ft.TextOverflow.ELLIPSIS)]
    if subtitle:
        words.append(
            text(look, subtitle, 16, color=ft.Colors.ON_SURFACE_VARIANT, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS)
        )
    if marks:
        words.append(ft.Row(list(marks), wrap=True, spacing=6, run_spacing=4))
    return pressable(
        ft.Row(
            [
                *([ft.Icon(icon, size=look.size(24), color=ft.Colors.PRIMARY)] if icon is not None else []),
                ft.Column(words, spacing=2, tight=True, expand=True),
                *([text(look, trailing, 16, MEDIUM)] if trailing else []),
                *([ft.Icon(ft.Icons.CHEVRON_RIGHT, color=ft.Colors.OUTLINE)] if on_open else []),
            ],
            spacing=10,
        ),
        touched(on_open),
        identifier=identifier,
        ground=ft.Colors.PRIMARY_CONTAINER if chosen else ft.Colors.TRANSPARENT,
        padding=ft.Padding.symmetric(horizontal=EDGE, vertical=12),
        border=ft.Border.only(bottom=ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)),
        radius=0,
    )


def empty_state(look: Look, icon: ft.IconData, title: str, how: str, action: ft.Control | None = None) -> ft.Control:
    """Nothing is here yet: what will be, and how to begin."""
    return ft.Container(
        ft.Column(
            [
                ft.Icon(icon, size=48, color=ft.Colors.OUTLINE),
                text(look, title, 18, MEDIUM, text_align=ft.TextAlign.CENTER),
                text(look, how, 16, color=ft.Colors.ON_SURFACE_VARIANT, text_align=ft.TextAlign.CENTER),
                *([action] if action is not None else []),
            ],
            horizontal_alignment=ft.CrossAxisAlignment.CENTER,
            spacing=GAP,
            tight=True,
        ),
        padding=24,
        alignment=ft.Alignment.CENTER,
    )


def panel(look: Look, icon: ft.IconData, lines: Sequence[str], tone: str = "quiet") -> ft.Control:
    """A few sentences that matter, the first one stressed. It is read out when it appears."""
    ground, ink = _TONES[tone]
    return ft.Semantics(
        live_region=True,
        container=True,
        content=ft.Container(
            ft.Row(
                [
                    ft.Icon(icon, size=look.size(24), color=ink),
                    ft.Column(
                        [
                            text(look, line, 16, MEDIUM if i == 0 else REGULAR, color=ink)
                            for i, line in enumerate(lines)
                        ],
                        spacing=4,
                        tight=True,
                        expand=True,
                    ),
                ],
                vertical_alignment=ft.CrossAxisAlignment.START,
                spacing=10,
            ),
            bgcolor=ground,
            padding=EDGE,
            border_radius=RADIUS,
        ),
    )


def error_panel(
    look: Look, happened: str, safe_words: str, to_do: str, *, actions: Sequence[ft.Control] = ()
) -> ft.Control:
    """Something failed: what happened, what is safe, what to do."""
    return ft.Column(
        [panel(look, ft.Icons.ERROR, [line for line in (happened, safe_words, to_do) if line], "alarm"), *actions],
        spacing=GAP,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
