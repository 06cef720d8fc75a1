"""Settings: language, text size, light and dark, this phone, its storage, everything out to a file and in from one, about."""

from importlib import metadata

import flet as ft

from app.screens.carry import carry_out, take_in, use_bundle_picker
from app.screens.frame import bar, screen
from app.screens.listing import fact, heading
from app.screens.parts import Handler, button, chips, panel, text
from app.screens.position import switch
from app.screens.road import use_road
from app.screens.sync_screen import photos_gone
from app.screens.theme import TEXT_SCALES, Look
from app.screens.window import hand_out, use_look
from app.screens.words import NOTHING, day_and_moment, size
from app.state import use_app

THEMES = ("light", "dark", "system")


@ft.component
def SettingsScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    picker: ft.FilePicker = ft.use_ref(ft.FilePicker).current  # type: ignore[assignment]
    incoming = use_bundle_picker(app)
    is_sure, set_sure = ft.use_state(False)
    book, who = app.book, app.book.enrolment
    assert who is not None
    plan = book.reference.rounds.get(book.current_round())
    used_book, used_photos = app.used_bytes()
    free = app.device.free_bytes()

    async def export() -> None:
        await hand_out(app, picker, app.exported)

    return screen(
        [
            *choices(look, app.theme, app.set_setting),
            *original(look, book.setting("straighten_original", "keep"), app.set_setting),
            switch(
                look,
                look.say("band"),
                look.say("band_new_on" if book.is_banded() else "band_new_off"),
                book.is_banded(),
                lambda: app.tap(book.set_banded, not book.is_banded()),
                ft.Icons.SUBTITLES,
                "band",
            ),
            heading(look, look.say("set_phone")),
            fact(look, look.say("set_phone_name"), book.setting("phone_name") or NOTHING),
            fact(look, look.say("set_user"), who.user_name or NOTHING),
            fact(look, look.say("set_team"), who.team_name or NOTHING),
            fact(look, look.say("set_round"), plan.name if plan else NOTHING),
            fact(
                look,
                look.say("set_synced"),
                day_and_moment(app.sync.last_success, look.language)
                if app.sync.last_success
                else look.say("never_synced"),
            ),
            *enrol_again(look, is_sure, lambda: set_sure(True), lambda: set_sure(False), road.to("/enrol")),
            heading(look, look.say("set_storage")),
            fact(look, look.say("set_book"), size(used_book, look.language), identifier="used-book"),
            fact(look, look.say("set_photos"), size(used_photos, look.language), identifier="used-photos"),
            fact(look, look.say("set_free"), NOTHING if free is None else size(free, look.language)),
            *(kept_safe(look, app.is_kept_safe) if app.device.can_be_cleared else []),
            *photos_gone(look, app),
            carry_out(look, app.carried, export),
            take_in(look, incoming, app.carried, app.arrived, on_read=None, on_close=app.put_arrived_away),
            *(meet(look, road.to("/meet")) if app.device.can_meet else []),
            heading(look, look.say("set_about")),
            text(look, f"{look.say('app')} · {look.say('set_version', version=version())}", 16),
            text(look, look.say("set_about_words"), 16, color=ft.Colors.ON_SURFACE_VARIANT),
        ],
        head=bar(look, look.say("tab_settings")),
        spacing=10,
    )


def version() -> str:
    """The version installed; a dash where the app runs without having been installed."""
    try:
        return metadata.version("so-kiem-tra")
    except metadata.PackageNotFoundError:
        return NOTHING


def kept_safe(look: Look, is_kept: bool | None) -> list[ft.Control]:
    """Whether the browser promised to keep the notebook; nothing to say where nobody clears it."""
    if is_kept:
        return [fact(look, look.say("kept_safe"), look.say("kept_safe_yes"), identifier="kept-safe")]
    answer = look.say("kept_safe_unasked" if is_kept is None else "kept_safe_no")
    return [
        fact(look, look.say("kept_safe"), answer, identifier="kept-safe"),
        text(look, look.say("kept_safe_how"), 16, color=ft.Colors.ON_SURFACE_VARIANT),
    ]


def choices(look: Look, theme: str, on_set: Handler) -> list[ft.Control]:
    """Language, text size, light or dark."""
    return [
        heading(look, look.say("set_language")),
        chips(
            look,
            [("vi", look.say("set_vi")), ("en", look.say("set_en"))],
            [look.language],
            lambda code: on_set("language", code),
            identifier="language",
        ),
        heading(look, look.say("set_text")),
        chips(
            look,
            [(str(scale), look.say(f"set_text_{scale}")) for scale in TEXT_SCALES],
            [str(look.text_scale)],
            lambda code: on_set("text_size", code),
            identifier="text-size",
        ),
        heading(look, look.say("set_theme")),
        chips(
            look,
            [(code, look.say(f"set_{code}")) for code in THEMES],
            [theme],
            lambda code: on_set("theme", code),
            identifier="theme",
        ),
    ]


def original(look: Look, chosen: str, on_set: Handler) -> list[ft.Control]:
    """What becomes of a photo once a straightened one was made of it."""
    return [
        heading(look, look.say("set_original")),
        chips(
            look,
            [(code, look.say(f"set_original_{code}")) for code in ("keep", "ask")],
            [chosen],
            lambda code: on_set("straighten_original", code),
            identifier="original",
        ),
    ]


def meet(look: Look, on_go: Handler) -> list[ft.Control]:
    """The way to another phone, where this one can be met."""
    return [
        button(look, look.say("meet_title"), on_go, icon=ft.Icons.WIFI_TETHERING, identifier="meet"),
        text(look, look.say("meet_title_how"), 16, color=ft.Colors.ON_SURFACE_VARIANT),
    ]


def enrol_again(look: Look, is_sure: bool, on_ask: Handler, on_not: Handler, on_go: Handler) -> list[ft.Control]:
    """Asked first, in place: enrolling again is rare and must not happen by a slip of the thumb."""
    if not is_sure:
        return [button(look, look.say("set_enrol"), on_ask, icon=ft.Icons.HOW_TO_REG, identifier="enrol-again")]
    return [
        panel(look, ft.Icons.HELP, [look.say("set_enrol_ask")], "amber"),
        button(look, look.say("set_enrol_yes"), on_go, kind="amber", identifier="enrol-again-yes"),
        button(look, look.say("cancel"), on_not, kind="bare", identifier="enrol-again-no"),
    ]
