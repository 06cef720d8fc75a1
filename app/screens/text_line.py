"""A labelled text field that keeps what is typed."""

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import Any

import flet as ft

from app.records import TEXT_MAX
from app.screens.parts import Handler, tell
from app.screens.theme import RADIUS, Look
from app.screens.words import number

SAVE_AFTER_S = 0.4
"""A pause in typing this long saves the draft; leaving the field saves at once."""


@dataclass(eq=False)
class _Draft:
    """What is being typed into one field: ahead of what was saved, until the saved value changes by itself."""

    text: str | None = None
    saved: str = ""
    focused: bool = False
    pause: asyncio.Task[None] | None = None


@ft.component
def TextLine(
    look: Look,
    label: str,
    value: str,
    on_save: Handler | None,
    *,
    identifier: str | None = None,
    lines: int = 1,
    most: int = TEXT_MAX,
    keyboard: ft.KeyboardType = ft.KeyboardType.TEXT,
    hint: str | None = None,
    error: str | None = None,
    autofocus: bool = False,
    on_type: Handler | None = None,
) -> ft.Control:
    """A labelled field. `on_save(text)` gets NFC text after a pause of 400 ms and when the field is left or goes away.

    `on_type(text)` hears every key. Without `on_save` the field can only be read. A value that changes elsewhere
    replaces the draft, unless one is typing now.
    """
    draft: _Draft = ft.use_ref(_Draft).current  # type: ignore[assignment]
    _, redraw = ft.use_state(0)
    if value != draft.saved:
        draft.saved = value
        if not draft.focused:
            draft.text = None
    shown = value if draft.text is None else draft.text

    async def save() -> None:
        if draft.pause is not None:
            draft.pause.cancel()
            draft.pause = None
        if draft.text is None:
            return
        typed = unicodedata.normalize("NFC", draft.text)
        if typed != draft.saved:
            draft.saved = typed
            await tell(on_save, typed)

    async def save_after_pause() -> None:
        await asyncio.sleep(SAVE_AFTER_S)
        draft.pause = None
        await save()

    async def changed(event: ft.Event[ft.TextField]) -> None:
        draft.text = event.control.value
        if draft.pause is not None:
            draft.pause.cancel()
        draft.pause = asyncio.create_task(save_after_pause())
        redraw(lambda n: n + 1)
        await tell(on_type, draft.text)

    async def focused(_event: Any) -> None:
        draft.focused = True

    async def left(_event: Any) -> None:
        draft.focused = False
        await save()

    ft.use_effect(lambda: None, [], cleanup=save)
    length = len(shown)
    return ft.Semantics(
        identifier=identifier,
        content=ft.TextField(
            value=shown,
            label=label,
            hint_text=hint,
            error=error,
            error_max_lines=8,
            error_style=ft.TextStyle(size=look.size(15)),
            helper=look.say("text_length", length=number(length, look.language), most=number(most, look.language))
            if length > most * 3 // 4
            else None,
            max_length=most,
            counter="",
            multiline=lines > 1,
            min_lines=lines,
            max_lines=max(lines, 8) if lines > 1 else 1,
            read_only=on_save is None,
            keyboard_type=keyboard,
            autofocus=autofocus,
            text_size=look.size(16),
            border=ft.OutlineInputBorder(border_radius=RADIUS, side=ft.BorderSide(1.5, ft.Colors.OUTLINE)),
            on_change=changed,
            on_focus=focused,
            on_blur=left,
        ),
    )
