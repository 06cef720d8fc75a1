"""Phone to phone: wait with a code on the screen, or go to the phone that waits."""

import flet as ft

from app.screens.frame import bar, screen
from app.screens.listing import fact, heading, meter, typing_field
from app.screens.parts import Handler, button, panel, text
from app.screens.road import use_road
from app.screens.theme import Look
from app.screens.window import use_look
from app.screens.words import number
from app.state import Meeting, use_app


@ft.component
def MeetScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    address, set_address = ft.use_state("")
    code, set_code = ft.use_state("")
    ft.use_effect(lambda: None, [], cleanup=app.stop_meeting)

    async def go() -> None:
        await app.go_to_phone(address, code)

    return draw(
        look,
        app.meeting,
        address,
        code,
        on_wait=app.wait_for_phone,
        on_stop=app.stop_meeting,
        on_address=set_address,
        on_code=set_code,
        on_go=go if address.strip() and code.strip() else None,
        on_back=road.back,
    )


def draw(
    look: Look,
    meeting: Meeting | None,
    address: str,
    code: str,
    *,
    on_wait: Handler,
    on_stop: Handler,
    on_address: Handler,
    on_code: Handler,
    on_go: Handler | None,
    on_back: Handler,
) -> ft.Control:
    body: list[ft.Control] = []
    if meeting is not None and meeting.code:
        spaced = f"{meeting.code[:4]} {meeting.code[4:]}"
        body += [
            panel(look, ft.Icons.WIFI_TETHERING, [look.say("meet_waiting")]),
            fact(look, look.say("meet_address"), meeting.address, identifier="meet-address"),
            fact(look, look.say("meet_code"), spaced, identifier="meet-code"),
            *_came(look, meeting),
            button(look, look.say("meet_stop"), on_stop, kind="soft", identifier="meet-stop"),
        ]
    elif meeting is not None and meeting.is_under_way:
        body += [panel(look, ft.Icons.HOURGLASS_EMPTY, [look.say("meet_going")]), meter(meeting.done, meeting.of)]
    else:
        body += [
            panel(look, ft.Icons.WIFI_TETHERING, [look.say("meet_how")]),
            *(_came(look, meeting) if meeting else []),
            heading(look, look.say("meet_receive")),
            button(look, look.say("meet_wait"), on_wait, icon=ft.Icons.WIFI_TETHERING, identifier="meet-wait"),
            heading(look, look.say("meet_send")),
            typing_field(look, look.say("meet_address"), address, on_address, identifier="meet-address-field"),
            typing_field(look, look.say("meet_code"), code, on_code, identifier="meet-code-field"),
            button(look, look.say("meet_go"), on_go, icon=ft.Icons.SEND, identifier="meet-go"),
            text(look, look.say("meet_both"), 16, color=ft.Colors.ON_SURFACE_VARIANT),
        ]
    return screen(body, head=bar(look, look.say("meet_title"), on_back), spacing=12)


def _came(look: Look, meeting: Meeting) -> list[ft.Control]:
    """What was handed over so far; nothing to say before anything was."""

    def said(key: str, numbers: tuple[int, int]) -> str:
        return look.say(key, entries=number(numbers[0], look.language), photos=number(numbers[1], look.language))

    if not (meeting.is_over or any(meeting.received)):
        return []
    lines = [said("meet_received", meeting.received)]
    if meeting.is_over:
        lines.append(said("meet_given", meeting.given))
    for refused in meeting.refused[:12]:
        vi, _, en = refused.words.partition(" / ")
        lines.append(vi if look.language == "vi" else en or vi)
    shown = panel(look, ft.Icons.CHECK_CIRCLE, lines, "amber" if meeting.refused else "good")
    return [ft.Semantics(identifier="meet-came", container=True, content=shown)]
