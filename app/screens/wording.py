"""Fields for what goes into the minutes: what is refused stays in the field, with the reason under it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flet as ft

from app.records import TEXT_MAX
from app.screens.date_line import DateLine
from app.screens.parts import Handler, icon_button, keyed
from app.screens.text_line import TextLine
from app.screens.theme import COUNTER, GAP, Look
from app.state import AppState

TYPED_MAX = 20_000
"""Characters a field holds: more than can be recorded, so that a long paste is refused in words and never cut in silence."""

Keep = Callable[[Any], str]
"""Records what was typed; returns why not, empty when it was kept."""


def keeping(app: AppState, look: Look, work: Callable[..., Any], *args: Any, **named: Any) -> str:
    """Do one thing in the notebook; returns the refusal's words in the screen's language, empty when it was done."""
    app.tell(None)
    if app.tap(work, *args, **named) is not None or app.message is None:
        return ""
    why = app.message.en if look.language == "en" else app.message.vi
    app.tell(None)  # it stands under the field
    return why


@ft.component
def Wording(
    look: Look,
    label: str,
    value: str,
    on_keep: Keep | None,
    *,
    identifier: str,
    lines: int = 1,
    most: int = TEXT_MAX,
) -> ft.Control:
    """A text field whose refused text stays as it was typed."""
    refused, refuse = ft.use_state(("", ""))

    def keep(typed: str) -> None:
        if on_keep is not None:
            why = on_keep(typed)
            refuse((typed, why) if why else ("", ""))

    typed, why = refused
    return TextLine(
        look,
        label,
        typed if why else value,
        keep if on_keep is not None else None,
        identifier=identifier,
        lines=lines,
        most=TYPED_MAX if most == TEXT_MAX else most,
        error=why or None,
    )


@ft.component
def Deadline(look: Look, label: str, value: str, on_keep: Keep | None, *, identifier: str) -> ft.Control:
    """A day that may be refused: it stays in the field then, with the reason under it."""
    refused, refuse = ft.use_state(("", ""))

    def keep(chosen: str | None) -> None:
        if on_keep is not None:
            why = on_keep(chosen or "")
            refuse((chosen or "", why) if why else ("", ""))

    typed, why = refused
    return DateLine(
        look,
        label,
        (typed if why else value) or None,
        keep if on_keep is not None else None,
        identifier=identifier,
        label=label,
        error=why or None,
    )


@dataclass(eq=False)
class _Typed:
    """What is in the field by now."""

    words: str = ""


@ft.component
def AddWording(look: Look, label: str, do: str, on_add: Keep, *, identifier: str, lines: int = 1) -> ft.Control:
    """A field for one more and the button that adds it; refused words stay in the field."""
    typed: _Typed = ft.use_ref(_Typed).current  # type: ignore[assignment]
    refused, refuse = ft.use_state("")
    nth, next_field = ft.use_state(0)

    def hear(words: str) -> None:
        typed.words = words

    def add(_event: Any = None) -> None:
        words = typed.words
        if not words.strip():
            return
        why = on_add(words)
        refuse(why)
        if not why:
            typed.words = ""
            next_field(lambda n: n + 1)

    field = keyed(
        f"{identifier} {nth}",
        TextLine,
        look,
        label,
        typed.words,
        lambda _words: None,
        identifier=f"{identifier}-text",
        lines=lines,
        most=TYPED_MAX,
        error=refused or None,
        on_type=hear,
    )
    add_button: Handler = add
    return ft.Row(
        [
            ft.Container(field, expand=True),
            icon_button(look, ft.Icons.ADD, do, add_button, kind="soft", size=COUNTER, identifier=f"{identifier}-add"),
        ],
        spacing=GAP,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
