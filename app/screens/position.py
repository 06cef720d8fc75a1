"""Where the phone is, asked beside what goes on: nothing waits for it, and a refusal is told once and then left alone."""

import asyncio
import logging
from dataclasses import dataclass, field

import flet as ft
import flet_geolocator as fg  # type: ignore[import-untyped]

from app.geopoint import read_geopoint, write_geopoint
from app.readings import VisitReading
from app.screens.listing import fact, gathered
from app.screens.parts import Handler, text, touched
from app.screens.theme import EDGE, MEDIUM, RADIUS, Look
from app.screens.window import said
from app.screens.words import number
from app.state import AppState

PATIENCE_S = 10.0
"""How long a fix may take; a photo is kept without it meanwhile."""

log = logging.getLogger(__name__)


class NoPosition(Exception):
    """The phone does not say where it is; `reason` is refused, none (no such service here, or switched off) or late."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(eq=False)
class Locator:
    """The position service of one window. It is made when it is first needed, so that nobody is asked who records none."""

    _service: fg.Geolocator | None = None
    _asking: asyncio.Task[str] | None = None
    _told: set[tuple[str, str]] = field(default_factory=set)
    _following: set[asyncio.Task[None]] = field(default_factory=set)

    def ask(self) -> "asyncio.Task[str]":
        """The geopoint of here, on its way; NoPosition when it does not come. What is under way is not asked again."""
        if self._service is None:
            self._service = fg.Geolocator()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_geopoint(self._service))
            self._asking.add_done_callback(_heard)
        return self._asking

    def follow(self, app: AppState, visit: str, fix: "asyncio.Task[str]", photo: str = "") -> None:
        """Record a position once it comes, whatever is on the screen by then; say once why there is none."""

        async def record() -> None:
            try:
                app.place(visit, await asyncio.shield(fix), photo)
            except NoPosition as problem:
                if (visit, problem.reason) not in self._told:
                    self._told.add((visit, problem.reason))
                    app.tell(said(f"no_position_{problem.reason}", is_problem=True))

        following = asyncio.create_task(record())
        self._following.add(following)
        following.add_done_callback(self._following.discard)


def _heard(fix: "asyncio.Task[str]") -> None:
    """Whoever asked and went away leaves an answer that nobody fetches, which is no fault."""
    if not fix.cancelled() and fix.exception() is not None:
        log.info("no position: %r", fix.exception())


async def _geopoint(service: fg.Geolocator) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _allowed(service)
            # A browser left to itself gives where one was up to five minutes ago.
            how = fg.GeolocatorWebConfiguration(maximum_age=ft.Duration()) if service.page.web else None
            found = await service.get_current_position(how)
        return write_geopoint(found.latitude, found.longitude, found.altitude, found.accuracy)
    except TimeoutError:
        raise NoPosition("late") from None
    except RuntimeError as refusal:
        log.info("the phone gives no position: %s", refusal)
        words = str(refusal).lower()
        is_refused = any(word in words for word in ("denied", "permission", "not allowed"))
        raise NoPosition("refused" if is_refused else "none") from None
    except (TypeError, ValueError) as nonsense:
        log.warning("the phone gives a position that is none: %r", nonsense)
        raise NoPosition("none") from None


async def _allowed(service: fg.Geolocator) -> None:
    """Ask for the right where that is done beforehand. Raises NoPosition."""
    refused = (fg.GeolocatorPermissionStatus.DENIED, fg.GeolocatorPermissionStatus.DENIED_FOREVER)
    status = await service.get_permission_status()
    if status == fg.GeolocatorPermissionStatus.DENIED:
        status = await service.request_permission()
    if status in refused:
        raise NoPosition("refused")
    if not await service.is_location_service_enabled():
        raise NoPosition("none")


LocatorContext = ft.create_context(Locator())


def use_locator() -> Locator:
    """The locator of this window, from inside a component."""
    locator: Locator = ft.use_context(LocatorContext)
    return locator


def in_words(look: Look, geopoint: str) -> str:
    """A recorded position as coordinates a map takes, and how far off they may be."""
    point = read_geopoint(geopoint)
    if point is None:
        return ""
    return look.say(
        "position_at",
        latitude=point.latitude,
        longitude=point.longitude,
        accuracy=number(point.accuracy_m, look.language),
    )


def position_row(look: Look, visit: VisitReading, is_on: bool, on_switch: Handler) -> list[ft.Control]:
    """The switch that records where one is, and what was recorded; of a shut visit only that."""
    found = in_words(look, visit.geopoint)
    if not visit.is_open:
        return [fact(look, look.say("position_of"), found, identifier="visit-position")] if found else []
    state = look.say("position_on" if is_on else "position_off")
    words = gathered(state, found or (look.say("position_not_yet") if is_on else ""))
    return [switch(look, look.say("position"), words, is_on, on_switch, ft.Icons.LOCATION_ON, "position")]


def switch(
    look: Look, title: str, state: str, is_on: bool, on_switch: Handler, icon: ft.IconData, identifier: str
) -> ft.Control:
    """Something that is on or off, pressed as a whole; the state is said in words too."""
    words = ft.Column(
        [text(look, title, 16, MEDIUM), text(look, state, 16, color=ft.Colors.ON_SURFACE_VARIANT)],
        spacing=2,
        tight=True,
        expand=True,
    )
    mark = ft.Icons.TOGGLE_ON if is_on else ft.Icons.TOGGLE_OFF
    return ft.Semantics(
        identifier=identifier,
        container=True,
        toggled=is_on,
        content=ft.Container(
            ft.Row(
                [
                    ft.Icon(icon, size=look.size(24), color=ft.Colors.PRIMARY),
                    words,
                    ft.Icon(mark, size=44, color=ft.Colors.PRIMARY if is_on else ft.Colors.OUTLINE),
                ],
                spacing=10,
            ),
            on_click=touched(on_switch),
            ink=True,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
            border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
            border_radius=RADIUS,
            padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8),
        ),
    )
