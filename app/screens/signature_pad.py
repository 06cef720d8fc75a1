"""A field to sign in with a finger, and a signature shown as it was drawn: lines, sharp at every size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import flet as ft
import flet.canvas as cv

from app.screens.frame import bar
from app.screens.parts import Handler, button, text
from app.screens.theme import EDGE, GAP, RADIUS, Look

Strokes = tuple[tuple[int, ...], ...]
"""Each stroke is x, y, x, y, … in thousandths of the width of the field."""
HEARD_MS = 12
"""How often the finger is heard of."""
INK = 3.0


@dataclass(eq=False)
class _Finger:
    """What a finger does between two drawings: points come faster than the screen is made."""

    width: float = 0.0
    strokes: list[list[int]] = field(default_factory=list)
    turn: int = 0
    """Grows with every change, so that each is drawn."""

    def point(self, x: float, y: float) -> list[int]:
        scale = 1000 / self.width if self.width else 1.0
        return [round(x * scale), round(y * scale)]


@ft.component
def SignaturePad(look: Look, title: str, how: str, on_sign: Callable[[Strokes], None], on_back: Handler) -> ft.Control:
    """The whole screen to sign on, so that nothing scrolls under the finger; `on_sign(strokes)`."""
    finger: _Finger = ft.use_ref(_Finger).current  # type: ignore[assignment]
    _, set_drawn = ft.use_state(0)

    def show() -> None:
        finger.turn += 1
        set_drawn(finger.turn)

    def size_known(event: cv.CanvasResizeEvent) -> None:
        finger.width = event.width

    def begin(event: ft.DragStartEvent[ft.GestureDetector]) -> None:
        finger.strokes.append(finger.point(event.local_position.x, event.local_position.y))
        show()

    def go_on(event: ft.DragUpdateEvent[ft.GestureDetector]) -> None:
        if finger.strokes:
            finger.strokes[-1] += finger.point(event.local_position.x, event.local_position.y)
            show()

    def dot(event: ft.TapEvent[ft.GestureDetector]) -> None:
        if event.local_position is not None:
            finger.strokes.append(finger.point(event.local_position.x, event.local_position.y) * 2)
            show()

    def undo() -> None:
        if finger.strokes:
            finger.strokes.pop()
        show()

    def clear() -> None:
        finger.strokes.clear()
        show()

    def sign() -> None:
        on_sign(tuple(tuple(stroke) for stroke in finger.strokes))

    field_ = ft.Semantics(
        identifier="signature-pad",
        label=look.say("sign_pad_name"),
        container=True,
        expand=True,
        content=ft.Container(
            ft.GestureDetector(
                content=cv.Canvas(
                    shapes=_paths(finger.strokes, finger.width / 1000),
                    on_resize=size_known,
                    resize_interval=50,
                    expand=True,
                ),
                drag_interval=HEARD_MS,
                on_pan_start=begin,
                on_pan_update=go_on,
                on_tap_up=dot,
                expand=True,
            ),
            expand=True,
            bgcolor=ft.Colors.WHITE,
            border_radius=RADIUS,
            border=ft.Border.all(2, ft.Colors.OUTLINE),
            clip_behavior=ft.ClipBehavior.HARD_EDGE,
        ),
    )
    tools = ft.Row(
        [
            button(look, look.say("sign_pad_undo"), undo, icon=ft.Icons.UNDO, identifier="pad-undo", expand=True),
            button(look, look.say("sign_pad_clear"), clear, icon=ft.Icons.DELETE, identifier="pad-clear", expand=True),
        ],
        spacing=GAP,
    )
    save = button(look, look.say("sign_pad_save"), sign, kind="main", icon=ft.Icons.DRAW, identifier="pad-sign")
    return ft.SafeArea(
        ft.Column(
            [
                bar(look, title, on_back),
                ft.Container(
                    ft.Column(
                        [text(look, how, 16), field_, tools, save],
                        spacing=GAP,
                        expand=True,
                        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                    ),
                    padding=EDGE,
                    expand=True,
                ),
            ],
            spacing=0,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        expand=True,
    )


def shown_signature(strokes: Sequence[Sequence[int]], width: float = 200.0) -> ft.Control:
    """A signature as it was drawn, `width` logical pixels for the width of the field."""
    scale = width / 1000
    lowest = max((y for stroke in strokes for y in stroke[1::2]), default=0)
    return ft.Container(
        cv.Canvas(shapes=_paths(strokes, scale), expand=True),
        width=width,
        height=lowest * scale + 2 * INK,
        bgcolor=ft.Colors.WHITE,
        border_radius=RADIUS,
    )


def _paths(strokes: Sequence[Sequence[int]], scale: float) -> list[cv.Shape]:
    """Strokes as smooth lines: through the middles between points, bent at the points."""
    pen = ft.Paint(
        color="#10204A", stroke_width=INK, style=ft.PaintingStyle.STROKE, stroke_cap=ft.StrokeCap.ROUND,
        stroke_join=ft.StrokeJoin.ROUND,
    )  # fmt: skip
    shapes: list[cv.Shape] = []
    for stroke in strokes:
        points = [(x * scale, y * scale) for x, y in zip(stroke[::2], stroke[1::2], strict=False)]
        if not points:
            continue
        elements: list[cv.Path.PathElement] = [cv.Path.MoveTo(*points[0])]
        for (x, y), (to_x, to_y) in pairwise(points[1:]):
            elements.append(cv.Path.QuadraticTo(x, y, (x + to_x) / 2, (y + to_y) / 2))
        elements.append(cv.Path.LineTo(*points[-1]))
        shapes.append(cv.Path(elements, paint=pen))
    return shapes
