"""Giving the phone a place in a team: a code or link, a name, one button; errors stay beside what caused them.

A phone that has no place yet can also take in what another one had: recorded visits are read without being enrolled.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

import flet as ft

from app.screens.carry import take_in, use_bundle_picker
from app.screens.frame import bar, screen
from app.screens.listing import typing_field
from app.screens.parts import Handler, button, panel, text
from app.screens.road import use_road
from app.screens.scan_form import ScanForm
from app.screens.theme import COUNTER, Look
from app.screens.window import use_look, use_maybe
from app.state import Message, use_app


@ft.component
def EnrolScreen(invitation: Mapping[str, str]) -> ft.Control:
    """`invitation` is what the address says: `enrol` the code, `central` where central is when not at the address itself."""
    app, look, road = use_app(), use_look(), use_road()
    code, set_code = ft.use_state(invitation.get("enrol", ""))
    name, set_name = ft.use_state(app.book.setting("phone_name"))
    is_asking, set_asking = ft.use_state(False)
    problem, set_problem = use_maybe(Message)
    is_scanning, set_scanning = ft.use_state(False)

    def scanned(link: str) -> None:
        set_code(link)
        set_scanning(False)

    incoming = use_bundle_picker(app)
    imported = app.arrived is not None and app.book.visit_count() > 0

    async def enrol() -> None:
        if is_asking:
            return
        set_asking(True)
        set_problem(None)
        typed = code.strip()
        central = invitation.get("central", "")
        if central and typed == invitation.get("enrol"):
            typed = f"{central}/?{urlencode({'enrol': typed, 'central': central})}"
        try:
            enrolled = await app.enrol(typed, name)
        finally:
            set_asking(False)
        if enrolled:
            if road.here.startswith("/enrol"):  # else one has gone on already, while the first sync was running
                road.go("/", instead=True)
        else:
            set_problem(app.message)
            app.tell(None)

    if is_scanning:
        return ft.SafeArea(
            ft.Column(
                [
                    bar(look, look.say("scan_title"), lambda: set_scanning(False)),
                    ScanForm(look, scanned, lambda: set_scanning(False)),
                ],
                spacing=0,
                expand=True,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            ),
            expand=True,
        )
    return draw(
        look,
        code,
        name,
        lost=None if app.lost is None else app.lost.en if look.language == "en" else app.lost.vi,
        on_scan=(lambda: set_scanning(True)) if app.device.can_read_codes else None,
        is_invited=bool(code) and code == invitation.get("enrol"),
        is_again=app.is_enrolled,
        is_asking=is_asking,
        problem=None if problem is None else problem.en if look.language == "en" else problem.vi,
        on_code=set_code,
        on_name=set_name,
        on_enrol=enrol,
        on_back=road.back if app.is_enrolled else None,
        incoming=None
        if app.is_enrolled
        else take_in(
            look,
            incoming,
            app.carried,
            app.arrived,
            on_read=road.to("/visits") if imported else None,
            on_close=app.put_arrived_away,
        ),
    )


def draw(
    look: Look,
    code: str,
    name: str,
    *,
    lost: str | None = None,
    on_scan: Handler | None = None,
    is_invited: bool,
    is_again: bool,
    is_asking: bool,
    problem: str | None,
    on_code: Handler,
    on_name: Handler,
    on_enrol: Handler,
    on_back: Handler | None,
    incoming: ft.Control | None,
) -> ft.Control:
    intro = [look.say("enrol_ready" if is_invited else "enrol_intro")]
    if is_again:
        intro.append(look.say("enrol_kept"))
    body: list[ft.Control] = [
        *([panel(look, ft.Icons.WARNING, [lost], "amber")] if lost else []),
        panel(look, ft.Icons.HOW_TO_REG, intro),
        *(
            [button(look, look.say("scan"), on_scan, icon=ft.Icons.QR_CODE_SCANNER, identifier="scan", height=COUNTER)]
            if on_scan
            else []
        ),
        _field(look, "enrol-code", look.say("enrol_code"), code, on_code, on_enrol, problem, autofocus=not code),
        _field(look, "enrol-name", look.say("enrol_name"), name, on_name, on_enrol),
    ]
    if is_asking:
        body.append(
            ft.Row(
                [ft.ProgressRing(width=24, height=24), text(look, look.say("enrol_asking"), 16, expand=True)],
                spacing=10,
            )
        )
    else:
        body.append(
            button(
                look,
                look.say("enrol_do"),
                on_enrol,
                kind="main",
                icon=ft.Icons.CHECK,
                identifier="enrol",
                height=COUNTER,
            )
        )
    if incoming is not None:
        body += [ft.Divider(height=20), incoming]
    return screen(body, head=bar(look, look.say("enrol_title"), on_back), spacing=14)


def _field(
    look: Look,
    identifier: str,
    label: str,
    value: str,
    on_typed: Handler,
    on_submit: Handler,
    problem: str | None = None,
    *,
    autofocus: bool = False,
) -> ft.Control:
    field = typing_field(look, label, value, on_typed, identifier=identifier, on_submit=on_submit, autofocus=autofocus)
    beside: list[ft.Control] = [field]
    if problem:
        beside.append(
            ft.Semantics(
                identifier=f"{identifier}-problem",
                live_region=True,
                container=True,
                content=ft.Row(
                    [
                        ft.Icon(ft.Icons.ERROR, color=ft.Colors.ERROR, size=look.size(22)),
                        text(look, problem, 16, color=ft.Colors.ERROR, expand=True),
                    ],
                    vertical_alignment=ft.CrossAxisAlignment.START,
                ),
            )
        )
    return ft.Column(beside, spacing=6, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
