"""When the notebook cannot be opened: what happened, what is safe, what to do, and its file handed out as it lies there.

A damaged one can be set aside and a new one begun, after a second touch.
"""

import flet as ft

from app.screens.frame import bar, screen
from app.screens.parts import Handler, button, error_panel, panel, touched
from app.screens.theme import Look
from app.screens.window import hand_out, use_look
from app.state import use_app


@ft.component
def FailureScreen() -> ft.Control:
    app, look = use_app(), use_look()
    picker: ft.FilePicker = ft.use_ref(ft.FilePicker).current  # type: ignore[assignment]
    is_sure, set_sure = ft.use_state(False)
    if app.failure is None:  # begun anew: the other screens come next
        return ft.Container()

    async def save() -> None:
        await hand_out(app, picker, app.raw_file)

    async def begin_anew() -> None:
        set_sure(False)
        app.begin_anew()

    return draw(
        look,
        app.failure.en if look.language == "en" else app.failure.vi,
        is_damaged=app.is_damaged,
        is_sure=is_sure,
        on_save=None if app.is_open_elsewhere else save,
        on_ask=lambda: set_sure(True),
        on_not=lambda: set_sure(False),
        on_anew=touched(begin_anew),
    )


def draw(
    look: Look,
    happened: str,
    *,
    is_damaged: bool,
    is_sure: bool,
    on_save: Handler | None,
    on_ask: Handler,
    on_not: Handler,
    on_anew: Handler | None,
) -> ft.Control:
    actions = []
    if on_save:
        save = look.say("failure_save")
        actions.append(button(look, save, on_save, kind="main", icon=ft.Icons.SAVE_ALT, identifier="save-notebook"))
    if is_damaged and is_sure:
        actions += [
            panel(look, ft.Icons.HELP, [look.say("anew_ask"), look.say("anew_loses")], "amber"),
            button(look, look.say("anew_yes"), on_anew, kind="amber", identifier="anew-yes"),
            button(look, look.say("cancel"), on_not, kind="bare", identifier="anew-no"),
        ]
    elif is_damaged:
        actions.append(button(look, look.say("anew"), on_ask, icon=ft.Icons.NOTE_ADD, identifier="anew"))
    safe = look.say("failure_safe") + (f" {look.say('failure_sent')}" if is_damaged else "")
    to_do = look.say("failure_steps") if is_damaged else look.say("failure_do") if on_save else ""
    return screen(
        [error_panel(look, f"{look.say('failure_title')}. {happened}", safe, to_do, actions=actions)],
        head=bar(look, look.say("app")),
    )
