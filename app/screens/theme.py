"""How the app looks: paper and ink by day, slate and mint by night; and how large its text is.

Colours are roles of the Material scheme, so that light and dark change by themselves: PRIMARY is ink, TERTIARY is amber
(not clear, not complete), ERROR is red (fails). Pairs used for figures keep a contrast of at least 7:1.
"""

from dataclasses import dataclass

import flet as ft

from app.screens.words import word

TEXT_SCALES = (100, 125, 150)
"""Per cent, offered in the settings; it multiplies what the browser or system is set to."""

TOUCH = 48
COUNTER = 56
KEY = 64
"""Heights in logical pixels of what a finger meets: anything, a counter's − and +, a key of the keypad."""
GAP = 8
EDGE = 12
RADIUS = 10

REGULAR, MEDIUM, BOLD = "So Regular", "So Medium", "So Bold"
FONTS = {REGULAR: "fonts/Roboto-Regular.ttf", MEDIUM: "fonts/Roboto-Medium.ttf", BOLD: "fonts/Roboto-Bold.ttf"}

LIGHT = {
    "primary": "#0A4A44",
    "on_primary": "#FFFFFF",
    "primary_container": "#CFE6DF",
    "on_primary_container": "#06302C",
    "secondary": "#24456B",
    "on_secondary": "#FFFFFF",
    "secondary_container": "#DBE6F3",
    "on_secondary_container": "#12283F",
    "tertiary": "#6B4300",
    "on_tertiary": "#FFFFFF",
    "tertiary_container": "#FBE6BE",
    "on_tertiary_container": "#4A2E00",
    "error": "#8E1B1B",
    "on_error": "#FFFFFF",
    "error_container": "#F9DCD8",
    "on_error_container": "#5F0E0E",
    "surface": "#FBFAF5",
    "on_surface": "#16211F",
    "on_surface_variant": "#3B4946",
    "surface_container_lowest": "#FFFFFF",
    "surface_container_low": "#F6F4EC",
    "surface_container": "#F0EEE5",
    "surface_container_high": "#E6E4D9",
    "surface_container_highest": "#DCDACE",
    "outline": "#63706D",
    "outline_variant": "#C9CCC3",
    "inverse_surface": "#16211F",
    "on_inverse_surface": "#F6F4EC",
    "surface_tint": "#FBFAF5",
}
DARK = {
    "primary": "#8ADBCB",
    "on_primary": "#00302A",
    "primary_container": "#0F4A43",
    "on_primary_container": "#C9F0E7",
    "secondary": "#B5CEEC",
    "on_secondary": "#12283F",
    "secondary_container": "#233D5A",
    "on_secondary_container": "#DBE6F3",
    "tertiary": "#FFCF85",
    "on_tertiary": "#432A00",
    "tertiary_container": "#553805",
    "on_tertiary_container": "#FFE3B5",
    "error": "#FFB4AB",
    "on_error": "#5F0E0E",
    "error_container": "#6E1D1D",
    "on_error_container": "#FFDAD6",
    "surface": "#101716",
    "on_surface": "#EEF3F0",
    "on_surface_variant": "#C3CECA",
    "surface_container_lowest": "#0B1110",
    "surface_container_low": "#151E1C",
    "surface_container": "#1A2422",
    "surface_container_high": "#24302E",
    "surface_container_highest": "#2F3C3A",
    "outline": "#93A19C",
    "outline_variant": "#3A4745",
    "inverse_surface": "#EEF3F0",
    "on_inverse_surface": "#16211F",
    "surface_tint": "#101716",
}


@dataclass(frozen=True)
class Look:
    """What every form needs to know to draw itself: the language and the text size."""

    language: str = "vi"
    text_scale: int = 100

    def say(self, key: str, **values: object) -> str:
        """The string `key` in this language; KeyError for a key that is not in the table."""
        return word(key, self.language, **values)

    def size(self, pixels: float) -> float:
        """Text of so many pixels at 100 %, as large as wanted."""
        return pixels * self.text_scale / 100


def _text_theme(ink: str, look: Look) -> ft.TextTheme:
    def style(size: float, family: str = REGULAR) -> ft.TextStyle:
        return ft.TextStyle(
            size=look.size(size), font_family=family, color=ink
        )  # without a colour: black, also at night

    return ft.TextTheme(
        body_large=style(16),
        body_medium=style(16),
        body_small=style(14),
        label_large=style(16, MEDIUM),
        label_medium=style(14, MEDIUM),
        label_small=style(14, MEDIUM),
        title_large=style(20, MEDIUM),
        title_medium=style(18, MEDIUM),
        title_small=style(16, MEDIUM),
        headline_small=style(22, BOLD),
    )


def theme(colours: dict[str, str], look: Look) -> ft.Theme:
    """A theme of the scheme `colours` (LIGHT or DARK) with the text sizes of `look`."""
    button = ft.ButtonStyle(shape=ft.RoundedRectangleBorder(radius=RADIUS), visual_density=ft.VisualDensity.STANDARD)
    return ft.Theme(
        color_scheme=ft.ColorScheme(**colours),
        font_family=REGULAR,
        text_theme=_text_theme(colours["on_surface"], look),
        scrollbar_theme=ft.ScrollbarTheme(thickness=4),
        scaffold_bgcolor=colours["surface"],
        visual_density=ft.VisualDensity.STANDARD,
        filled_button_theme=ft.FilledButtonTheme(style=button),
        outlined_button_theme=ft.OutlinedButtonTheme(style=button),
        text_button_theme=ft.TextButtonTheme(style=button),
    )


def dress(page: ft.Page, look: Look, mode: str = "system") -> None:
    """Gives the page fonts, both themes, its language and its title. `mode` is system, light or dark."""
    page.fonts = FONTS
    page.theme = theme(LIGHT, look)
    page.dark_theme = theme(DARK, look)
    page.theme_mode = ft.ThemeMode(mode)
    page.title = look.say("app")
    vietnamese, english = ft.Locale("vi", "VN"), ft.Locale("en", "GB")
    page.locale_configuration = ft.LocaleConfiguration(
        supported_locales=[vietnamese, english], current_locale=vietnamese if look.language == "vi" else english
    )
    page.padding = 0
