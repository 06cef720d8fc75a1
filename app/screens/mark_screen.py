"""Drawing on a photo: arrow, circle, text, and faces or names wiped out of the pixels; kept as a new photo made of this one."""

from collections.abc import Sequence
from dataclasses import dataclass

import flet as ft
import flet.canvas as cv

from app.photos.marks import (
    INK,
    RIM,
    WORDS_MOST,
    Arrow,
    Cover,
    Lettering,
    Mark,
    Point,
    Ring,
    Stroke,
    Words,
    drawing,
    is_worth_drawing,
)
from app.screens.add_line import AddLine
from app.screens.frame import bar, screen
from app.screens.parts import Handler, button, chips, panel, pressable, saying, text
from app.screens.road import use_road
from app.screens.theme import BOLD, COUNTER, EDGE, GAP, MEDIUM, RADIUS, TOUCH, Look
from app.screens.window import said, use_look
from app.state import use_app

TOOLS = {
    "arrow": ft.Icons.NORTH_EAST,
    "ring": ft.Icons.RADIO_BUTTON_UNCHECKED,
    "words": ft.Icons.TEXT_FIELDS,
    "cover": ft.Icons.BLUR_ON,
}
SIZES = {"small": 0.075, "middle": 0.15, "large": 0.3}
"""Sides of the square a touch covers, as shares of the photo's width."""
HEARD_MS = 16
"""How often the finger is heard of."""
ASCENT = 0.928
"""Of the font of marks, over its size: where a line of text begins above its baseline."""

NONE_YET: tuple[Mark, ...] = ()
NOWHERE: tuple[Point, ...] = ()


@dataclass(eq=False)
class _Finger:
    """Where the photo lies on the screen, and what a finger does there between two drawings."""

    width: float = 0.0
    height: float = 0.0
    begun: Point | None = None
    now: Point | None = None
    turn: int = 0
    """Grows with every change, so that each is drawn."""

    def fit(self, width: int, height: int) -> tuple[float, float, float]:
        """(pixels of the screen for one of the photo, left, top) of a photo shown whole in the middle."""
        scale = min(self.width / width, self.height / height) if self.width and self.height else 1.0
        return scale, (self.width - width * scale) / 2, (self.height - height * scale) / 2

    def at(self, place: ft.Offset, width: int, height: int) -> Point:
        """The pixel of the photo under a place of the screen; the nearest one beside the photo."""
        scale, left, top = self.fit(width, height)
        x, y = (place.x - left) / scale, (place.y - top) / scale
        return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))

    def mark(self, tool: str) -> Mark | None:
        """What the finger is drawing."""
        if self.begun is None or self.now is None or tool not in ("arrow", "ring"):
            return None
        return Arrow(self.begun, self.now) if tool == "arrow" else Ring(self.begun, self.now)


@ft.component
def MarkScreen(photo: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    place = f"marks {photo}"
    marks, set_marks = ft.use_state(road.kept(place, NONE_YET))
    tool, take = ft.use_state("arrow")
    size, choose = ft.use_state("middle")
    spots, set_spots = ft.use_state(NOWHERE)  # where the text being typed will stand: one, or none
    _, set_turn = ft.use_state(0)
    is_working, set_working = ft.use_state(False)
    made, set_made = ft.use_state("")
    finger: _Finger = ft.use_ref(_Finger).current  # type: ignore[assignment]
    found = app.book.photo(photo)
    whole = ft.use_memo(lambda: app.photo_bytes(found.sha256), [found.sha256])
    head = bar(look, look.say("mark"), road.back)
    ft.use_effect(lambda: road.keep(place, marks), [marks])
    if whole is None:
        return screen([panel(look, ft.Icons.IMAGE_NOT_SUPPORTED, [look.say("photo_not_here")])], head=head)

    def show() -> None:
        finger.turn += 1
        set_turn(finger.turn)

    def put(mark: Mark) -> None:
        set_marks(lambda before: (*before, mark))

    def size_known(event: cv.CanvasResizeEvent) -> None:
        finger.width, finger.height = event.width, event.height
        show()

    def down(event: ft.DragDownEvent[ft.GestureDetector]) -> None:
        finger.begun, finger.now = finger.at(event.local_position, found.width, found.height), None

    def begin(event: ft.DragStartEvent[ft.GestureDetector]) -> None:
        finger.now = finger.at(event.local_position, found.width, found.height)
        finger.begun = finger.begun or finger.now
        show()

    def go_on(event: ft.DragUpdateEvent[ft.GestureDetector]) -> None:
        finger.now = finger.at(event.local_position, found.width, found.height)
        show()

    def end(event: ft.DragEndEvent[ft.GestureDetector]) -> None:
        if finger.now is not None:
            finger.now = finger.at(event.local_position, found.width, found.height)
        drawn = finger.mark(tool)
        finger.begun = finger.now = None
        if drawn is not None and is_worth_drawing(drawn, found.width, found.height):
            put(drawn)
        show()

    def touch(event: ft.TapEvent[ft.GestureDetector]) -> None:
        if event.local_position is None:
            return
        x, y = finger.at(event.local_position, found.width, found.height)
        if tool == "words":
            set_spots(((x, y),))
        elif tool == "cover":
            reach = SIZES[size] * found.width / 2
            put(Cover((round(x - reach), round(y - reach), round(x + reach), round(y + reach))))

    def write(typed: str) -> bool:
        words = app.writable(typed)
        if words:
            put(Words(spots[0], words))
            set_spots(())
        return bool(words)

    async def save() -> None:
        set_working(True)
        try:
            new = await app.mark_photo(found, marks)
        finally:
            set_working(False)
        if new is None:
            return
        road.keep(place, NONE_YET)
        if any(isinstance(mark, Cover) for mark in marks):
            set_made(new)
        else:
            app.tell(said("mark_saved"))
            road.go(f"/photo/{new}", instead=True)

    def drop() -> None:
        road.go(f"/photo/{made}", instead=True)  # first: a photo that was taken out has no screen any more
        app.tap(app.book.remove_photo, found)
        app.tell(said("photo_removed"))

    if made:
        return screen(_kept(look, drop, lambda: road.go(f"/photo/{made}", instead=True)), head=head)
    if is_working:
        return screen([panel(look, ft.Icons.HOURGLASS_EMPTY, [look.say("photo_working")])], head=head)
    current = finger.mark(tool)
    shapes = _shapes(
        [*marks, *([current] if current else [])], spots, finger.fit(found.width, found.height),
        (found.width, found.height), app.lettering,
    )  # fmt: skip
    easel = ft.Semantics(
        key="easel",  # the same one under other tools: a photo made anew is blank for a moment
        identifier="mark-picture",
        label=look.say("mark_picture", count=len(marks)),
        container=True,
        exclude_semantics=True,
        expand=True,
        content=ft.Container(
            ft.GestureDetector(
                ft.Stack(
                    [
                        ft.Image(whole, left=0, top=0, right=0, bottom=0, fit=ft.BoxFit.CONTAIN, gapless_playback=True),
                        cv.Canvas(
                            shapes=shapes, on_resize=size_known, resize_interval=0, left=0, top=0, right=0, bottom=0
                        ),
                    ],
                    fit=ft.StackFit.EXPAND,
                ),
                drag_interval=HEARD_MS,
                on_pan_down=down,
                on_pan_start=begin,
                on_pan_update=go_on,
                on_pan_end=end,
                on_tap_up=touch,
            ),
            expand=True,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
            border_radius=RADIUS,
            clip_behavior=ft.ClipBehavior.HARD_EDGE,
        ),
    )
    if spots:
        above: list[ft.Control] = [
            AddLine(look, look.say("mark_text"), look.say("mark_text_do"), write, "mark-text", WORDS_MOST),
            button(look, look.say("cancel"), lambda: set_spots(()), kind="bare", identifier="mark-text-not"),
        ]
        foot: ft.Control | None = None
    else:
        above = [*_tools(look, tool, take), text(look, look.say(f"mark_{tool}_how"), 16)]
        if tool == "cover":
            offered = [(name, look.say(f"cover_{name}")) for name in SIZES]
            above.append(chips(look, offered, [size], choose, identifier="cover"))
        foot = _foot(look, (lambda: set_marks(lambda before: before[:-1])) if marks else None, save if marks else None)
    return screen([*above, easel], head=head, foot=foot, scrolls=False)  # nothing scrolls under the finger


def _tools(look: Look, chosen: str, on_take: Handler) -> list[ft.Control]:
    """The four tools in a row; two rows where letters are large."""

    is_large = look.text_scale > 100

    def one(name: str, icon: ft.IconData) -> ft.Control:
        is_chosen = name == chosen
        inside: list[ft.Control] = [
            ft.Icon(icon, size=24, color=ft.Colors.PRIMARY),
            text(look, look.say(f"mark_{name}"), 16, MEDIUM, max_lines=1, text_align=ft.TextAlign.CENTER),
        ]
        return pressable(
            ft.Row(inside, alignment=ft.MainAxisAlignment.CENTER, spacing=6, height=TOUCH - 8)
            if is_large  # the photo needs the height
            else ft.Column(inside, horizontal_alignment=ft.CrossAxisAlignment.CENTER, spacing=0, tight=True),
            saying(on_take, name),
            identifier=f"tool-{name}",
            ground=ft.Colors.PRIMARY_CONTAINER if is_chosen else ft.Colors.SURFACE_CONTAINER_LOWEST,
            padding=ft.Padding.symmetric(horizontal=2, vertical=4),
            border=ft.Border.all(1.5, ft.Colors.PRIMARY if is_chosen else ft.Colors.OUTLINE),
            expand=True,
            selected=is_chosen,
        )

    each = [one(name, icon) for name, icon in TOOLS.items()]
    in_a_row = 2 if is_large else 4
    return [ft.Row(each[n : n + in_a_row], spacing=6) for n in range(0, len(each), in_a_row)]


def _foot(look: Look, on_undo: Handler | None, on_save: Handler | None) -> ft.Control:
    undo = button(
        look, look.say("mark_undo"), on_undo, icon=ft.Icons.UNDO, identifier="mark-undo", height=COUNTER, expand=True
    )
    keep = button(
        look, look.say("mark_save"), on_save, kind="main", identifier="mark-save", height=COUNTER, expand=True
    )
    return ft.Container(ft.Row([undo, keep], spacing=GAP), padding=ft.Padding.only(left=EDGE, right=EDGE, bottom=8))


def _kept(look: Look, on_drop: Handler, on_keep: Handler) -> list[ft.Control]:
    """What is left to decide once something was covered."""
    return [
        panel(look, ft.Icons.HELP, [look.say("cover_done")], "amber"),
        button(look, look.say("cover_drop"), on_drop, kind="main", identifier="cover-drop", height=COUNTER),
        button(look, look.say("cover_keep"), on_keep, identifier="cover-keep"),
    ]


def _shapes(
    marks: Sequence[Mark],
    spots: Sequence[Point],
    fit: tuple[float, float, float],
    of: tuple[int, int],
    lettering: Lettering,
) -> list[cv.Shape]:
    """The marks as they will be in the photo, in pixels of the screen."""
    scale, left, top = fit

    def there(point: Point) -> Point:
        return left + point[0] * scale, top + point[1] * scale

    found: list[cv.Shape] = []
    for mark in marks:
        if isinstance(mark, Cover):
            x, y = there((mark.box[0], mark.box[1]))
            width, height = (mark.box[2] - mark.box[0]) * scale, (mark.box[3] - mark.box[1]) * scale
            for paint in (ft.Paint(color=ft.Colors.with_opacity(0.75, ft.Colors.BLACK)), _pen(RIM, 2)):
                found.append(cv.Rect(x, y, width, height, paint=paint))
    for shape in drawing(marks, *of, lettering):
        if isinstance(shape, Stroke):
            (x, y), *others = [there(point) for point in shape.points]
            path: list[cv.Path.PathElement] = [cv.Path.MoveTo(x, y), *(cv.Path.LineTo(*point) for point in others)]
            for ink, width in ((RIM, shape.width + 2 * shape.rim), (shape.ink, shape.width)):
                found.append(cv.Path(path, paint=_pen(ink, width * scale)))
        else:
            words, size = "".join(letter for letter, _ in shape.letters), shape.size * scale
            x, y = there((shape.letters[0][1], shape.baseline))
            for style in (
                ft.TextStyle(size=size, font_family=BOLD, foreground=_pen(RIM, 2 * shape.rim * scale)),
                ft.TextStyle(size=size, font_family=BOLD, color=shape.ink),
            ):
                found.append(cv.Text(x, y - ASCENT * size, words, style=style))
    for spot in spots:
        x, y = there(spot)
        found += [cv.Circle(x, y, 9, paint=ft.Paint(color=RIM)), cv.Circle(x, y, 6, paint=ft.Paint(color=INK))]
    return found


def _pen(ink: str, width: float) -> ft.Paint:
    return ft.Paint(
        color=ink, stroke_width=width, style=ft.PaintingStyle.STROKE, stroke_cap=ft.StrokeCap.ROUND,
        stroke_join=ft.StrokeJoin.ROUND,
    )  # fmt: skip
