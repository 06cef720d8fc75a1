"""The whole app in one window: which screen an address shows, what surrounds it, what it tells."""

import asyncio
from dataclasses import dataclass
from typing import Any

import flet as ft

from app.screens.board_screen import BoardScreen
from app.screens.conflicts_screen import ConflictsScreen
from app.screens.earlier_screen import EarlierScreen
from app.screens.enrol_screen import EnrolScreen
from app.screens.failure_screen import FailureScreen
from app.screens.findings_screen import FindingsScreen
from app.screens.frame import bottom_bar
from app.screens.headcount_screen import HeadcountScreen
from app.screens.mark_screen import MarkScreen
from app.screens.meet_screen import MeetScreen
from app.screens.minutes_screen import MinutesScreen
from app.screens.parts import icon_button, text
from app.screens.people_screen import PeopleScreen
from app.screens.photo_screen import PhotoScreen
from app.screens.photo_view_screen import PhotoViewScreen
from app.screens.position import Locator, LocatorContext
from app.screens.recommendations_screen import RecommendationsScreen
from app.screens.release import ReleaseOffer
from app.screens.review_screen import ReviewScreen
from app.screens.road import TABS, Road, RoadContext, query_of, segments, use_road
from app.screens.section_screen import SectionScreen
from app.screens.settings_screen import SettingsScreen
from app.screens.signing_screen import SigningScreen
from app.screens.straighten_screen import StraightenScreen
from app.screens.sync_screen import SyncScreen
from app.screens.theme import EDGE, RADIUS, Look, dress
from app.screens.today_screen import TodayScreen
from app.screens.unit_screen import UnitScreen
from app.screens.visit_screen import VisitScreen
from app.screens.visits_screen import VisitsScreen
from app.screens.window import guarded, use_look
from app.state import AppContext, Message, Window, use_app

TAB_SCREENS = {
    "/": guarded(TodayScreen),
    "/visits": guarded(VisitsScreen),
    "/sync": guarded(SyncScreen),
    "/settings": guarded(SettingsScreen),
}
OTHER_SCREENS = {"enrol": guarded(EnrolScreen), "start": guarded(UnitScreen), "meet": guarded(MeetScreen)}
PHOTO = guarded(PhotoViewScreen)
MARK = guarded(MarkScreen)
STRAIGHTEN = guarded(StraightenScreen)
VISIT = guarded(VisitScreen)
IN_VISIT = {
    "count": guarded(HeadcountScreen),
    "section": guarded(SectionScreen),
    "photo": guarded(PhotoScreen),
    "board": guarded(BoardScreen),
    "review": guarded(ReviewScreen),
    "minutes": guarded(MinutesScreen),
    "conflicts": guarded(ConflictsScreen),
    "findings": guarded(FindingsScreen),
    "recommendations": guarded(RecommendationsScreen),
    "people": guarded(PeopleScreen),
    "earlier": guarded(EarlierScreen),
    "sign": guarded(SigningScreen),
}
FAILURE = guarded(FailureScreen)

QUIET_SECONDS = 6
"""How long good news stays; a problem stays until it is put away or one goes on."""


@dataclass(frozen=True)
class Opened:
    """What one window of the app has to itself."""

    window: Window
    road: Road
    invitation: dict[str, str]
    """What the address it was opened with says about enrolling: enrol, central."""


@ft.component
def Root(opened: Opened) -> list[ft.View]:
    """All views of a window. Two lie on each other while there is a way back, so that the system's back button works."""
    road, _ = ft.use_state(opened.road)
    locator, _ = ft.use_state(Locator)

    def views() -> list[ft.View]:
        if road.here in TAB_SCREENS:
            return [_view("/", Shown(road.here, opened.invitation))]
        return [_view("/", ft.Container()), _view("/top", Shown(road.here, opened.invitation))]

    return AppContext(opened.window, lambda: RoadContext(road, lambda: LocatorContext(locator, views)))


def _view(route: str, content: ft.Control) -> ft.View:
    return ft.View(route=route, padding=0, spacing=0, controls=[content])


@ft.component
def Shown(route: str, invitation: dict[str, str]) -> ft.Control:
    """The screen of an address, over what there is to tell, over the four tabs where they belong."""
    app, road, look = use_app(), use_road(), use_look()
    page = ft.context.page

    def dress_page() -> None:
        dress(page, look, app.theme)
        for theme in (page.theme, page.dark_theme):
            if theme is not None:
                theme.page_transitions = _AT_ONCE
        page.update()

    ft.use_effect(dress_page, [app.language, app.text_size, app.theme])
    has_tabs = app.is_enrolled and route in TAB_SCREENS
    if app.failure is not None:
        content = FAILURE(key="failure")
    elif not app.is_enrolled and not (is_reading(route) and app.book.visit_count()):
        content = OTHER_SCREENS["enrol"](invitation, key="enrol")
    else:
        content = _screen(route, invitation)
    parts: list[ft.Control] = [ft.Container(content, expand=True), Toast(look, route)]
    if has_tabs:
        parts.append(ReleaseOffer(look))
        tab = next(name for name, path in TABS.items() if path == route)
        parts.append(bottom_bar(look, tab, road.tab, waiting=len(app.book.waiting().visits)))
    return ft.Column(parts, spacing=0, expand=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


_AT_ONCE = ft.PageTransitionsTheme(
    **dict.fromkeys(("android", "ios", "linux", "macos", "windows"), ft.PageTransitionTheme.NONE)
)


def is_reading(route: str) -> bool:
    """Whether an address shows what was recorded: imported visits can be read before the phone has a place in a team."""
    return segments(route)[:1] in (["visits"], ["visit"], ["photo"])


def _screen(route: str, invitation: dict[str, str]) -> ft.Control:
    parts, query = segments(route), query_of(route)
    if route in TAB_SCREENS:
        return TAB_SCREENS[route](key=route)
    match parts:
        case ["enrol"]:
            return OTHER_SCREENS["enrol"](invitation, key=route)
        case ["start"]:
            return OTHER_SCREENS["start"](key=route)
        case ["meet"]:
            return OTHER_SCREENS["meet"](key=route)
        case ["photo", photo]:
            return PHOTO(photo, key=route)
        case ["photo", photo, "mark"]:
            return MARK(photo, key=route)
        case ["photo", photo, "straighten"]:
            return STRAIGHTEN(photo, key=route)
        case ["visit", visit]:
            return VISIT(visit, key=route)
        case ["visit", visit, "count"]:
            return IN_VISIT["count"](visit, "", key=f"count {visit}")
        case ["visit", visit, "count", row]:
            return IN_VISIT["count"](visit, row, key=f"count {visit}")
        case ["visit", visit, "section", code]:
            return IN_VISIT["section"](visit, code, key=route)
        case ["visit", visit, "photo" | "board" as part]:
            asked = (query.get(name, "") for name in ("item", "row", "finding", "remediation"))
            return IN_VISIT[part](visit, *asked, key=route)
        case [
            "visit",
            visit,
            "review" | "minutes" | "conflicts" | "findings" | "recommendations" | "people" | "earlier" | "sign" as part,
        ]:
            return IN_VISIT[part](visit, key=route)
        case _:
            return TAB_SCREENS["/"](key="/")


@dataclass(eq=False)
class _Seen:
    """The message shown, and where one was when it came."""

    message: Message | None = None
    route: str = ""


@ft.component
def Toast(look: Look, route: str) -> ft.Control:
    """What the app has to tell, under the screen instead of over it, so that it hides nothing one wants to touch."""
    app = use_app()
    message = app.message
    seen: _Seen = ft.use_ref(_Seen).current  # type: ignore[assignment]
    if message is not seen.message:
        seen.message, seen.route = message, route
    has_gone_on = message is not None and seen.route != route

    async def leave() -> None:
        if message is None or message.is_problem:
            return
        await asyncio.sleep(QUIET_SECONDS)
        if app.message is message:
            app.tell(None)

    def put_behind() -> None:
        if has_gone_on and app.message is message:
            app.tell(None)

    ft.use_effect(leave, [message])
    ft.use_effect(put_behind, [has_gone_on])
    if message is None or has_gone_on:
        return ft.Container(height=0)
    said = message.en if look.language == "en" else message.vi
    ground, ink = (
        (ft.Colors.TERTIARY_CONTAINER, ft.Colors.ON_TERTIARY_CONTAINER)
        if message.is_problem
        else (ft.Colors.PRIMARY_CONTAINER, ft.Colors.ON_PRIMARY_CONTAINER)
    )

    def put_away(_event: Any) -> None:
        app.tell(None)

    return ft.Semantics(
        identifier="toast",
        container=True,
        content=ft.Container(
            ft.Row(
                [
                    ft.Icon(
                        ft.Icons.INFO if message.is_problem else ft.Icons.CHECK_CIRCLE, size=look.size(24), color=ink
                    ),
                    ft.Semantics(live_region=True, expand=True, content=text(look, said, 16, color=ink)),
                    icon_button(look, ft.Icons.CLOSE, look.say("put_away"), put_away, identifier="toast-close"),
                ],
                spacing=8,
            ),
            bgcolor=ground,
            border_radius=RADIUS,
            margin=ft.Margin.symmetric(horizontal=6, vertical=4),
            padding=ft.Padding.only(left=EDGE),
        ),
    )
