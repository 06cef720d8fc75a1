"""When the notebook cannot be opened: what happened, what is safe, what to do, and its file handed out as it lies there."""

import flet as ft

from app.screens.frame import bar, screen
from app.screens.parts import Handler, button, error_panel
from app.screens.theme import Look
from app.screens.window import hand_out, use_look
from app.state import use_app


@ft.component
def FailureScreen() -> ft.Control:
    app, look = use_app(), use_look()
    picker: ft.FilePicker = ft.use_ref(ft.FilePicker).current  # type: ignore[assignment]
    assert app.failure is not None
    failure = app.failure

    async def save() -> None:
        await hand_out(app, picker, failure.path.name, app.raw_file)

    return draw(look, failure.en if look.language == "en" else failure.vi, save)


def draw(look: Look, happened: str, on_save: Handler) -> ft.Control:
    save = button(
        look, look.say("failure_save"), on_save, kind="main", icon=ft.Icons.SAVE_ALT, identifier="save-notebook"
    )
    lines = (f"{look.say('failure_title')}. {happened}", look.say("failure_safe"), look.say("failure_do"))
    return screen([error_panel(look, *lines, actions=[save])], head=bar(look, look.say("app")))
