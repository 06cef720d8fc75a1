"""A day, written as one writes it on paper, or chosen on a calendar."""

from datetime import date
from typing import Any

import flet as ft

from app.screens.parts import Handler, icon_button, tell
from app.screens.text_line import TextLine
from app.screens.theme import COUNTER, Look
from app.screens.words import read_day


@ft.component
def DateLine(
    look: Look,
    name: str,
    value: str | None,
    on_save: Handler | None,
    *,
    identifier: str | None = None,
    label: str | None = None,
    error: str | None = None,
) -> ft.Control:
    """A field for a day. `value` is an ISO day; `on_save(ISO day or None)` is called for days that exist only.

    `name` is what the day is of; `label` stands on the field where that is not said above it.
    """
    wrong, set_wrong = ft.use_state("")
    is_open, open_calendar = ft.use_state(False)

    async def save(typed: str) -> None:
        try:
            read = read_day(typed)
        except ValueError:
            set_wrong(typed)
            return
        set_wrong("")
        if read != value:
            await tell(on_save, read)

    async def chosen(event: ft.Event[ft.DatePicker]) -> None:
        open_calendar(False)
        if event.control.value is not None:
            set_wrong("")
            await tell(on_save, event.control.value.strftime("%Y-%m-%d"))

    ft.use_dialog(
        ft.DatePicker(
            value=date.fromisoformat(value) if value else None,
            help_text=look.say("date_choose"),
            cancel_text=look.say("cancel"),
            confirm_text=look.say("ok"),
            field_label_text=look.say("date_label"),
            error_format_text=look.say("date_wrong"),
            error_invalid_text=look.say("date_wrong"),
            on_change=chosen,
            on_dismiss=lambda _event: open_calendar(False),
        )
        if is_open
        else None
    )

    def pick(_event: Any) -> None:
        open_calendar(True)

    return ft.Row(
        [
            ft.Container(
                TextLine(
                    look,
                    label or look.say("date_label"),
                    wrong or (f"{date.fromisoformat(value):%d/%m/%Y}" if value else ""),
                    save if on_save is not None else None,
                    identifier=identifier,
                    most=20,
                    keyboard=ft.KeyboardType.DATETIME,
                    error=look.say("date_wrong") if wrong else error,
                ),
                expand=True,
            ),
            *(
                [
                    icon_button(
                        look,
                        ft.Icons.CALENDAR_MONTH,
                        look.say("date_pick", item=name),
                        pick,
                        kind="soft",
                        size=COUNTER,
                        identifier=f"{identifier}-pick" if identifier else None,
                    )
                ]
                if on_save is not None
                else []
            ),
        ],
        spacing=6,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
