"""Everything out to a file and in from one: the two buttons, how far it has come, and what came in."""

from collections.abc import Sequence
from dataclasses import dataclass

import flet as ft

from app.screens.listing import meter
from app.screens.parts import Handler, button, panel, text, touched
from app.screens.theme import GAP, Look
from app.screens.words import number
from app.state import AppState, Arrived, Carried

REFUSED_SHOWN = 12
"""Refused parts listed by name; of more only the number is told."""


def carry_out(look: Look, carried: Carried | None, on_export: Handler) -> ft.Control:
    """The button that hands everything out, or how far that has come."""
    if carried is not None and carried.way == "out":
        return _progress(look, carried)
    press = touched(on_export) if carried is None else None
    export = button(look, look.say("set_export"), press, icon=ft.Icons.SAVE_ALT, identifier="export")
    return _explained(look, export, "set_export_how")


@dataclass(eq=False)
class _Picking:
    """The file picker of one screen; it lives as long as that does."""

    picker: ft.FilePicker | None = None


def use_bundle_picker(app: AppState) -> ft.FilePicker:
    """The picker of a screen that takes a file in, from inside its component."""
    picking: _Picking = ft.use_ref(_Picking).current  # type: ignore[assignment]
    if picking.picker is None:

        async def picked(event: ft.FilePickerResultEvent) -> None:
            for file in event.files[:1]:
                await app.take_bundle(file.bytes or b"")

        picking.picker = ft.FilePicker(on_result=picked)
    return picking.picker


def take_in(
    look: Look,
    picker: ft.FilePicker,
    carried: Carried | None,
    arrived: Arrived | None,
    *,
    on_read: Handler | None,
    on_close: Handler,
) -> ft.Control:
    """The button that takes a file in, or how far that has come; what the last file brought, until it is put away.

    `on_read` leads to the visits where there is no other way to them yet.
    """
    if carried is not None and carried.way == "in":
        return _progress(look, carried)
    take = button(
        look,
        look.say("set_import"),
        None,
        action=ft.PickFiles(picker, with_data=True) if carried is None else None,
        icon=ft.Icons.UPLOAD_FILE,
        identifier="import",
    )
    parts = [_explained(look, take, "set_import_how")]
    if arrived is not None:
        parts.append(_arrived(look, arrived))
        if on_read:
            words = look.say("arrived_read")
            parts.append(button(look, words, on_read, kind="soft", icon=ft.Icons.FOLDER, identifier="read-imported"))
        parts.append(button(look, look.say("understood"), on_close, kind="bare", identifier="arrived-close"))
    return _column(parts)


def _explained(look: Look, action: ft.Control, key: str) -> ft.Control:
    return _column([action, text(look, look.say(key), 16, color=ft.Colors.ON_SURFACE_VARIANT)])


def _column(parts: Sequence[ft.Control]) -> ft.Control:
    return ft.Column(list(parts), spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _progress(look: Look, carried: Carried) -> ft.Control:
    lines = [look.say(f"carry_{carried.way}")]
    if carried.of:
        done, of = number(carried.done, look.language), number(carried.of, look.language)
        lines.append(look.say(f"carried_{carried.what}", done=done, of=of))
    return _column([panel(look, ft.Icons.HOURGLASS_EMPTY, lines), meter(carried.done, carried.of)])


def _arrived(look: Look, arrived: Arrived) -> ft.Control:
    """What a file brought, and by name what of it was damaged."""

    def said(words: str) -> str:
        vi, _, en = words.partition(" / ")
        return vi if look.language == "vi" else en or vi

    def count(value: int) -> str:
        return number(value, look.language)

    lines = [
        look.say("arrived_nothing")
        if arrived.is_nothing_new
        else look.say(
            "arrived", entries=count(arrived.entries), visits=count(len(arrived.visits)), photos=count(arrived.photos)
        )
    ]
    if arrived.known and not arrived.is_nothing_new:
        lines.append(look.say("arrived_known", count=count(arrived.known)))
    if arrived.of_others:
        lines.append(look.say("arrived_others"))
    if arrived.stopped:
        lines.append(said(arrived.stopped))
    if arrived.refused:
        lines.append(look.say("arrived_refused", count=count(len(arrived.refused))))
        lines += [said(refused.words) for refused in arrived.refused[:REFUSED_SHOWN]]
        left = len(arrived.refused) - REFUSED_SHOWN
        if left > 0:
            lines.append(look.say("arrived_more", count=count(left)))
    is_whole = not (arrived.refused or arrived.stopped)
    shown = panel(look, ft.Icons.CHECK_CIRCLE if is_whole else ft.Icons.WARNING, lines, "good" if is_whole else "amber")
    return ft.Semantics(identifier="arrived", container=True, content=shown)
