"""On Today, after a damaged notebook was begun anew: what is still to come back, then what came and what could not be known."""

import flet as ft

from app.screens.parts import Handler, button, panel
from app.screens.theme import GAP, Look
from app.screens.words import day_and_moment, number
from app.state import Recovery


def recovery_note(look: Look, recovery: Recovery, on_save: Handler, on_close: Handler) -> ft.Control:
    parts: list[ft.Control] = [
        panel(look, ft.Icons.RESTORE, lines_of(look, recovery), "good" if recovery.is_done else "quiet")
    ]
    if recovery.aside:
        words = look.say("recovery_save")
        parts.append(button(look, words, on_save, icon=ft.Icons.SAVE_ALT, identifier="save-aside"))
    if recovery.is_done:
        words = look.say("understood")
        parts.append(button(look, words, on_close, kind="bare", identifier="recovery-close"))
    return ft.Semantics(
        identifier="recovery",
        container=True,
        content=ft.Column(parts, spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
    )


def lines_of(look: Look, recovery: Recovery) -> list[str]:
    """What came back, in sentences."""
    aside = [look.say("recovery_aside", name=recovery.aside[-1])] if recovery.aside else []
    if not recovery.is_done:
        return [look.say("recovery_begun"), look.say("recovery_waits"), *aside]
    entries, visits = number(recovery.entries, look.language), number(recovery.visits, look.language)
    lines = [look.say("recovery_done", entries=entries, visits=visits)]
    if recovery.newest is None:
        lines.append(look.say("recovery_none"))
    else:
        lines.append(look.say("recovery_newest", moment=day_and_moment(recovery.newest, look.language)))
    if recovery.unknown_photos:
        lines.append(look.say("recovery_photos", count=number(recovery.unknown_photos, look.language)))
    return lines + aside
