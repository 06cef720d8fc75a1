"""What every screen of a window begins with: how it looks, and a message instead of a dead window when it cannot be drawn."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import flet as ft

from app.screens.frame import bar, screen
from app.screens.parts import button, error_panel
from app.screens.road import use_road
from app.screens.theme import Look
from app.screens.words import word
from app.state import AppState, Message, use_app

T = TypeVar("T")

log = logging.getLogger(__name__)


def use_look() -> Look:
    """Language and text size as the settings have them."""
    app = use_app()
    return Look(app.language, app.text_size)


def use_maybe(_kind: type[T]) -> tuple[T | None, Callable[[T | None], None]]:
    """State that begins as nothing."""
    return ft.use_state(None)


def said(key: str, *, is_problem: bool = False, **values: object) -> Message:
    """Something to tell, from the words of the screens."""
    return Message(word(key, "vi", **values), word(key, "en", **values), is_problem)


async def hand_out(app: AppState, picker: ft.FilePicker, contents: Callable[[], Awaitable[tuple[str, bytes]]]) -> None:
    """Lets the inspector keep a file (name, bytes) outside the app, and says how it went; nothing when they changed their mind."""
    name = ""
    try:
        name, data = await contents()
        kept = await picker.save_file(file_name=name, src_bytes=data)
    except (OSError, RuntimeError) as problem:
        log.warning("%s was not saved: %r", name, problem)
        app.tell(said("save_failed", is_problem=True))
        return
    if kept or ft.context.page.web:
        app.tell(said("saved_out", name=name))


def guarded(component: Callable[..., Any]) -> Callable[..., Any]:
    """The same screen, which becomes a message with a way back when drawing it fails, and redraws only for what it watches.

    Flet stops redrawing a window for good when a component raises.
    """
    draw: Callable[..., Any] = component.__component_impl__  # type: ignore[attr-defined]

    @functools.wraps(draw)
    def guarded_draw(*values: Any, **named: Any) -> Any:
        look, road = use_look(), use_road()
        try:
            return draw(*values, **named)
        except LookupError as gone:
            log.warning("%s: nothing here by the name %s", draw.__name__, gone)
            return _message(look, "gone", road.to("/"))
        except Exception:
            log.exception("%s could not be drawn", draw.__name__)
            return _message(look, "broke", road.to("/"))

    return ft.memo(ft.component(guarded_draw))


def _message(look: Look, kind: str, home: Callable[[], None]) -> ft.Control:
    words = [look.say(f"{kind}_{part}") for part in ("title", "safe", "do")]
    way_out = button(look, look.say("go_today"), home, kind="main", icon=ft.Icons.TODAY, identifier="go-today")
    return screen([error_panel(look, *words, actions=[way_out])], head=bar(look, look.say("app")))
