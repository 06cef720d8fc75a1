"""Where one is in the app, how one came there, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import flet as ft

TABS = {"today": "/", "visits": "/visits", "sync": "/sync", "settings": "/settings"}
"""The four screens of the bottom bar."""


def visit_path(visit: str, *parts: str, **query: str) -> str:
    """The address of a visit, or of something in it: `visit_path(id, "section", "one_stop")`."""
    asked = urlencode({name: value for name, value in query.items() if value})
    return "/".join(["/visit", visit, *parts]) + (f"?{asked}" if asked else "")


def segments(route: str) -> list[str]:
    """`/visit/1/count?x=2` → visit, 1, count; empty for today."""
    return [part for part in urlsplit(route).path.split("/") if part]


def query_of(route: str) -> dict[str, str]:
    """What stands behind the question mark; the first of several values."""
    return {name: values[0] for name, values in parse_qs(urlsplit(route).query).items()}


def parent_of(route: str) -> str:
    """Where back leads when one came from nowhere (a link, a reload)."""
    parts = segments(route)
    if len(parts) > 2 and parts[0] == "photo":
        return f"/photo/{parts[1]}"
    return visit_path(parts[1]) if len(parts) > 2 and parts[0] == "visit" else "/"


def place_of(route: str) -> tuple[str, ...]:
    """Addresses of one place share this: all rooms of a count are one place, left by one step back."""
    parts = segments(route)
    return tuple(parts[:3] if len(parts) > 3 and parts[2] == "count" else parts)


@ft.observable
@dataclass(eq=False)
class Road:
    """The trail of one window. Going to where one came from is going back, whichever button does it."""

    here: str = "/"
    came_back: bool = False
    """Whether one has come here by going back: then the screen stands as one left it."""
    _trail: list[str] = field(default_factory=list)
    _kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._trail = [self.here]

    def keep(self, name: str, value: Any) -> None:
        """What a screen wants to find again when one comes back to it (what was searched for, how far it was opened)."""
        self._kept[name] = value

    def kept(self, name: str, default: Any) -> Any:
        return self._kept.get(name, default)

    @property
    def can_go_back(self) -> bool:
        return len(self._trail) > 1 or self.here != "/"

    def go(self, route: str, *, instead: bool = False) -> None:
        """Opens a screen; `instead` of this one when there is no reason to come back to it."""
        if instead and len(self._trail) > 1:
            self._trail.pop()
        elif instead:
            self._trail = [route]
        self.arrived(route)
        ft.context.page.navigate(route)

    def to(self, route: str) -> Callable[[], None]:
        """What a button does that opens a screen."""

        def handle() -> None:
            self.go(route)

        return handle

    def tab(self, name: str) -> None:
        """One of the bottom bar's screens; the trail begins anew at today."""
        self._trail = ["/"]
        self.go(TABS[name])

    def back(self) -> None:
        self.go(self._trail[-2] if len(self._trail) > 1 else parent_of(self.here))

    def arrived(self, route: str) -> None:
        """The trail after the browser, a link or a button has led here."""
        if len(self._trail) > 1 and self._trail[-2] == route:
            self._trail.pop()
            self.came_back = True
        elif self._trail[-1] != route and place_of(self._trail[-1]) == place_of(route):
            self._trail[-1] = route
            self.came_back = False
        elif self._trail[-1] != route:
            self._trail.append(route)
            self.came_back = False
        self.here = route


RoadContext = ft.create_context(Road())


def use_road() -> Road:
    """The road, from inside a component; the component redraws when one goes on."""
    return ft.use_context(RoadContext)
