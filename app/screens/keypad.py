"""Our own keypad for figures: large keys, no system keyboard over half the screen, and a walk from figure to figure.

Typing a first digit replaces what stood there. As soon as no further digit can fit (5 in a room of 8), the next
figure is next without another tap; in a room of 40 a 3 may become 34, so the keypad waits for a digit or for «tiếp».
A figure chosen by hand in the keypad is being corrected: there it never moves on by itself, so that any number can be
typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import flet as ft

from app.records import COUNT_MAX
from app.screens.parts import Handler, button, icon_button, pressable, tell, text, touched
from app.screens.theme import BOLD, COUNTER, GAP, KEY, MEDIUM, Look
from app.screens.words import number

CELL = 46
"""Height of a figure's cell inside its border: two lines of its name."""
_STRETCH = ft.CrossAxisAlignment.STRETCH


def typed_on(before: int | None, digit: int) -> int:
    """The figure after one more digit; what does not fit under COUNT_MAX is not taken. None is a figure not begun."""
    if before is None:
        return digit
    longer = before * 10 + digit
    return longer if longer <= COUNT_MAX else before


def is_full(value: int, limit: int | None) -> bool:
    """Whether no further digit can make sense: of a zero, of four digits, or of more people than `limit` allows."""
    return value == 0 or value * 10 > (COUNT_MAX if limit is None else min(limit, COUNT_MAX))


@dataclass(eq=False)
class _Fingers:
    """Where the keypad stands; ahead of the screen when taps come faster than it is redrawn."""

    at: str
    typed: int | None = None
    corrected: set[str] = field(default_factory=set)


@ft.component
def Keypad(
    look: Look,
    figures: Sequence[tuple[str, str]],
    values: Mapping[str, int | None],
    at: str,
    on_set: Handler,
    on_close: Handler,
    *,
    limit: int | None = None,
    unlimited: Sequence[str] = (),
    extra: Sequence[ft.Control] = (),
) -> ft.Control:
    """Keys for `figures` ((code, label) in the order they are walked), opened on `at`.

    `on_set({code: value or None})` at every key, so that nothing typed is ever only on the screen; `on_close()` after
    the last figure. `limit` is the roll, which bounds every figure but those in `unlimited`. `extra` is drawn above
    the keys. A single figure is shown by whoever opened the keypad, so it has no cell here.
    """
    fingers: _Fingers = ft.use_ref(partial(_Fingers, at)).current  # type: ignore[assignment]
    _, redraw = ft.use_state(0)
    codes = [code for code, _ in figures]
    is_last = fingers.at == codes[-1]

    def move_on() -> bool:
        """Steps to the next figure; False after the last one."""
        fingers.typed = None
        if fingers.at == codes[-1]:
            return False
        fingers.at = codes[codes.index(fingers.at) + 1]
        return True

    async def drawn(is_open: bool = True) -> None:
        if is_open:
            redraw(lambda n: n + 1)
        else:
            await tell(on_close)

    async def go_on() -> None:
        await drawn(move_on())

    def digit(key: int) -> Handler:
        async def press(_event: Any) -> None:
            figure = fingers.at
            fingers.typed = value = typed_on(fingers.typed, key)
            bound = None if figure in unlimited else limit
            walks = len(codes) > 1 and figure not in fingers.corrected and is_full(value, bound)
            is_open = move_on() if walks else True  # before waiting: the next tap may already be on its way
            await tell(on_set, {figure: value})
            await drawn(is_open)

        return press

    async def clear() -> None:
        fingers.typed = None
        await tell(on_set, {fingers.at: None})

    def choose(code: str) -> Handler:
        async def chosen(_event: Any) -> None:
            fingers.at, fingers.typed = code, None
            fingers.corrected.add(code)
            redraw(lambda n: n + 1)

        return chosen

    def cell(code: str, label: str) -> ft.Control:
        here = code == fingers.at
        value = values.get(code)
        return pressable(
            ft.Row(
                [
                    text(look, label, 16, MEDIUM, expand=True, max_lines=2),
                    text(look, number(value, look.language), 24, BOLD),
                ],
                spacing=4,
                height=look.size(CELL),  # the same with one line or two: keys must not move under the thumb
            ),
            choose(code),
            identifier=f"cell-{code.replace('_', '-')}",
            ground=ft.Colors.PRIMARY_CONTAINER if here else ft.Colors.SURFACE_CONTAINER_LOWEST,
            border=ft.Border.all(2, ft.Colors.PRIMARY if here else ft.Colors.OUTLINE_VARIANT),
            padding=ft.Padding.symmetric(horizontal=7),
            expand=1,
            selected=here,
        )

    def key(
        label: str, press: Handler | None, identifier: str, name: str | None = None, kind: str = "plain"
    ) -> ft.Control:
        return button(
            look,
            label,
            press,
            kind=kind,
            name=name,
            identifier=identifier,
            height=KEY,
            size=28 if label.isdigit() else 18,
            family=BOLD if label.isdigit() else MEDIUM,
            expand=1,
            lines=1,
        )

    rows = [figures[:1], *(figures[i : i + 2] for i in range(1, len(figures), 2))] if len(figures) > 1 else []
    cells = [
        ft.Row([cell(*figure) for figure in row], spacing=6, intrinsic_height=True, vertical_alignment=_STRETCH)
        for row in rows
    ]
    labels = dict(figures)
    keys = [[key(str(n), digit(n), f"key-{n}") for n in line] for line in ((1, 2, 3), (4, 5, 6), (7, 8, 9))]
    keys.append(
        [
            key(
                look.say("key_clear"),
                touched(clear),
                "key-clear",
                look.say("key_clear_name", figure=labels[fingers.at]),
            ),
            key("0", digit(0), "key-0"),
            key(look.say("key_done" if is_last else "key_next"), touched(go_on), "key-next", None, "main"),
        ]
    )
    fills = bool(cells)
    hide = icon_button(
        look,
        ft.Icons.KEYBOARD_HIDE,
        look.say("keypad_close"),
        touched(on_close),
        kind="plain",
        size=COUNTER,
        identifier="keypad-close",
    )
    words = ft.Container(ft.Column(list(extra), spacing=4, tight=True), expand=True)
    return ft.Column(
        [
            # With large text the figures scroll; the offer and the keys stay where they are.
            *([ft.Column(cells, spacing=6, scroll=ft.ScrollMode.HIDDEN, expand=True)] if fills else []),
            *([ft.Row([words, hide], spacing=GAP)] if fills else []),
            *(ft.Row(line, spacing=6) for line in keys),
        ],
        spacing=6,
        expand=fills or None,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
