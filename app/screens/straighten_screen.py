"""Straightening a board photographed from the side: its four corners found, put right by hand, kept as a new photo made of this one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import flet as ft
import flet.canvas as cv

from app.screens.frame import bar, screen
from app.screens.parts import button, icon_button, panel, text
from app.screens.road import use_road
from app.screens.theme import COUNTER, EDGE, GAP, TOUCH, Look
from app.screens.window import said, use_look
from app.state import Corners, use_app

STAGE_WIDTH, STAGE_HEIGHT = 344, 300
"""Of the field the photo lies in, in pixels of the screen: what the narrowest phone shows beside everything else."""
RIM = TOUCH / 2
"""Around the photo, so that a finger finds a corner at its very edge."""
LOUPE, NEARER = 104, 4
"""Side of the loupe in pixels of the screen, and how many times larger it shows the place of a corner."""
STEP = 0.004
"""What a touch of an arrow moves a corner by, as a share of the photo's longer side."""
HEARD_MS = 16
NOWHERE: Corners = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
"""Until they were looked for."""
ARROWS = (
    ("to_left", ft.Icons.ARROW_BACK, -1, 0),
    ("up", ft.Icons.ARROW_UPWARD, 0, -1),
    ("down", ft.Icons.ARROW_DOWNWARD, 0, 1),
    ("to_right", ft.Icons.ARROW_FORWARD, 1, 0),
)


@dataclass(eq=False)
class _Finger:
    """What a finger does between two drawings: places come faster than the screen is made."""

    corners: Corners = NOWHERE
    began: Corners = NOWHERE
    """Where they were at first, to come back to."""
    corner: int = 0
    start: tuple[float, float] = (0.0, 0.0)
    """Where the finger came down, in pixels of the screen, and `origin` where the corner was then."""
    origin: tuple[float, float] = (0.0, 0.0)
    turn: int = 0
    """Grows with every change, so that each is drawn."""

    def nearest(self, x: float, y: float) -> int:
        return min(range(4), key=lambda n: (self.corners[n][0] - x) ** 2 + (self.corners[n][1] - y) ** 2)

    def place(self, x: float, y: float, width: int, height: int) -> None:
        """The chosen corner there, but within the photo."""
        places = list(self.corners)
        places[self.corner] = min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
        one, two, three, four = places
        self.corners = (one, two, three, four)


@ft.component
def StraightenScreen(photo: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    found = app.book.photo(photo)
    width, height = found.width, found.height
    whole = ft.use_memo(lambda: app.photo_bytes(found.sha256), [found.sha256])
    rim: Corners = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    finger: _Finger = ft.use_ref(_Finger).current  # type: ignore[assignment]
    _, set_drawn = ft.use_state(0)
    state, set_state = ft.use_state("looking")
    made, set_made = ft.use_state("")
    scale = min((STAGE_WIDTH - 2 * RIM) / width, (STAGE_HEIGHT - 2 * RIM) / height)

    def show() -> None:
        finger.turn += 1
        set_drawn(finger.turn)

    async def look_for_corners() -> None:
        await asyncio.sleep(0)  # the photo first
        corners = await app.find_corners(found)
        finger.corners = finger.began = corners or rim
        set_state("found" if corners else "not_found")

    ft.use_effect(look_for_corners, [found.sha256])

    def choose_next() -> None:
        finger.corner = (finger.corner + 1) % 4
        show()

    def begin(event: ft.DragStartEvent[ft.GestureDetector]) -> None:
        x, y = event.local_position.x, event.local_position.y
        finger.corner = finger.nearest((x - RIM) / scale, (y - RIM) / scale)
        finger.start, finger.origin = (x, y), finger.corners[finger.corner]
        show()

    def drag(event: ft.DragUpdateEvent[ft.GestureDetector]) -> None:
        across, down = event.local_position.x - finger.start[0], event.local_position.y - finger.start[1]
        finger.place(finger.origin[0] + across / scale, finger.origin[1] + down / scale, width, height)
        show()

    def nudge(across: int, down: int) -> None:
        x, y = finger.corners[finger.corner]
        step = STEP * max(width, height)
        finger.place(x + across * step, y + down * step, width, height)
        show()

    def reset() -> None:
        finger.corners = finger.began
        show()

    async def straighten() -> None:
        set_state("working")
        kept = None
        try:
            kept = await app.straighten_photo(found, finger.corners)
        finally:
            set_state("found")
        if kept is None:
            return
        if app.book.setting("straighten_original", "keep") == "keep":
            road.go(f"/photo/{kept}", instead=True)  # it stands there: that says it is kept
        else:
            set_made(kept)

    def drop() -> None:
        road.go(f"/photo/{made}", instead=True)  # first: a photo that was taken out has no screen any more
        app.tap(app.book.remove_photo, found)
        app.tell(said("photo_removed"))

    head = bar(look, look.say("straighten"), road.back)
    if whole is None:
        return screen([panel(look, ft.Icons.IMAGE_NOT_SUPPORTED, [look.say("photo_not_here")])], head=head)
    if made:
        return screen(
            [
                panel(look, ft.Icons.HELP, [look.say("straighten_done")], "amber"),
                button(look, look.say("straighten_drop"), drop, kind="main", identifier="straighten-drop", height=COUNTER),
                button(
                    look, look.say("straighten_keep"), lambda: road.go(f"/photo/{made}", instead=True),
                    identifier="straighten-keep",
                ),
            ],
            head=head,
        )  # fmt: skip
    is_busy = state in ("looking", "working")
    stage = _stage(look, whole, finger, scale, (width * scale, height * scale), is_busy)
    field = stage
    if not is_busy:
        field = ft.GestureDetector(stage, drag_interval=HEARD_MS, on_pan_start=begin, on_pan_update=drag)
    named = ft.Semantics(
        identifier="straighten-picture", label=look.say("straighten_picture"), container=True,
        exclude_semantics=True, content=field,
    )  # fmt: skip
    body: list[ft.Control] = []
    is_right = app.can_straighten(finger.corners)
    if is_busy:
        words = look.say("photo_working" if state == "working" else "straighten_looking")
        body.append(panel(look, ft.Icons.HOURGLASS_EMPTY, [words]))
    else:
        do = button(
            look, look.say("straighten_do"), straighten if is_right else None, kind="main",
            identifier="straighten-do", height=COUNTER,
        )  # fmt: skip
        how = (
            text(look, look.say(f"straighten_{state}"), 16)
            if is_right
            else panel(look, ft.Icons.WARNING, [look.say("straighten_wrong")], "amber")
        )
        body += [do, how, *_by_buttons(look, finger, choose_next, nudge, reset)]
    top = ft.Column(
        [head, ft.Row([named], alignment=ft.MainAxisAlignment.CENTER)],
        spacing=GAP,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    return screen(body, head=top, padding=ft.Padding.symmetric(horizontal=EDGE, vertical=GAP))


def _stage(
    look: Look, whole: bytes, finger: _Finger, scale: float, size: tuple[float, float], is_busy: bool
) -> ft.Control:
    """The photo with the shape and its handles over it, and the place of the chosen corner through a loupe in the middle."""
    width, height = size
    picture = ft.Image(whole, width=width, height=height, fit=ft.BoxFit.FILL, gapless_playback=True, left=RIM, top=RIM)
    layers: list[ft.Control] = [picture]
    if not is_busy:
        places = [(RIM + x * scale, RIM + y * scale) for x, y in finger.corners]
        canvas = cv.Canvas(_shapes(places, finger.corner), width=width + 2 * RIM, height=height + 2 * RIM)
        layers += [canvas, _loupe(whole, finger.corners[finger.corner], scale, size)]
    return ft.Stack(layers, width=width + 2 * RIM, height=height + 2 * RIM)


def _shapes(places: list[tuple[float, float]], chosen: int) -> list[cv.Shape]:
    """Each line twice, light over dark, so that it is seen on every wall."""
    shapes: list[cv.Shape] = []
    outline = [cv.Path.MoveTo(*places[0]), *(cv.Path.LineTo(*place) for place in places[1:]), cv.Path.Close()]
    for colour, wide in ((ft.Colors.BLACK, 5.0), (ft.Colors.YELLOW_ACCENT_400, 2.0)):
        pen = ft.Paint(color=colour, stroke_width=wide, style=ft.PaintingStyle.STROKE)
        shapes.append(cv.Path(outline, paint=pen))
        for number, (x, y) in enumerate(places):
            shapes.append(cv.Circle(x, y, 15 if number == chosen else 10, paint=pen))
    return shapes


def _loupe(whole: bytes, corner: tuple[float, float], scale: float, size: tuple[float, float]) -> ft.Control:
    width, height = size
    large = scale * NEARER
    half = LOUPE / 2
    image = ft.Image(
        whole, width=width * NEARER, height=height * NEARER, fit=ft.BoxFit.FILL, gapless_playback=True,
        left=half - corner[0] * large, top=half - corner[1] * large,
    )  # fmt: skip
    hairs = [
        ft.Container(left=half - 1, top=0, width=2, height=LOUPE, bgcolor=ft.Colors.YELLOW_ACCENT_400),
        ft.Container(left=0, top=half - 1, width=LOUPE, height=2, bgcolor=ft.Colors.YELLOW_ACCENT_400),
    ]
    return ft.Container(
        ft.Stack([image, *hairs], width=LOUPE, height=LOUPE, clip_behavior=ft.ClipBehavior.HARD_EDGE),
        left=RIM + (width - LOUPE) / 2,
        top=RIM + (height - LOUPE) / 2,
        width=LOUPE,
        height=LOUPE,
        bgcolor=ft.Colors.BLACK,
        border_radius=half,
        border=ft.Border.all(2, ft.Colors.BLACK),
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
    )


def _by_buttons(
    look: Look,
    finger: _Finger,
    choose_next: Callable[[], None],
    nudge: Callable[[int, int], None],
    reset: Callable[[], None],
) -> list[ft.Control]:
    """The corner by name, four arrows, and the way back: for whoever has no finger on the photo."""
    corner = look.say(f"corner_{finger.corner + 1}")
    which = button(
        look, look.say("straighten_corner", corner=corner), choose_next, name=look.say("straighten_next", corner=corner),
        identifier="corner-next", expand=True,
    )  # fmt: skip
    again = icon_button(
        look, ft.Icons.UNDO, look.say("straighten_again"), reset if finger.corners != finger.began else None,
        kind="plain", identifier="straighten-again",
    )  # fmt: skip
    arrows = [
        icon_button(
            look, icon, look.say(f"corner_{way}"), partial(nudge, across, down), kind="plain",
            identifier=f"corner-{way}".replace("_", "-"),
        )
        for way, icon, across, down in ARROWS
    ]  # fmt: skip
    return [
        ft.Row([which, again], spacing=GAP),
        ft.Row(arrows, alignment=ft.MainAxisAlignment.SPACE_EVENLY, spacing=GAP),
    ]
