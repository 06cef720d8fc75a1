"""A newer release of the app, offered where nothing is half done."""

import flet as ft

from app.screens.parts import button, panel
from app.screens.theme import EDGE, GAP, Look
from app.state import use_app


@ft.component
def ReleaseOffer(look: Look) -> ft.Control:
    """Nothing while there is none. Belongs on the four tabs: deeper screens may hold words that are not saved yet."""
    app = use_app()
    if not app.release_waits:
        return ft.Container(height=0)
    return ft.Container(
        ft.Column(
            [
                panel(look, ft.Icons.SYSTEM_UPDATE, [look.say("release_waits"), look.say("release_safe")]),
                button(
                    look,
                    look.say("release_switch"),
                    app.switch_release,
                    kind="soft",
                    icon=ft.Icons.RESTART_ALT,
                    identifier="switch-release",
                ),
            ],
            spacing=GAP,
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=ft.Padding.only(left=EDGE, right=EDGE, bottom=GAP),
    )
