"""Covering a face or a name on a photo: touched, wiped out of the pixels, kept as a new photo made of this one."""

from collections.abc import Sequence

import flet as ft

from app.screens.frame import bar, screen
from app.screens.parts import button, chips, panel, text
from app.screens.road import use_road
from app.screens.theme import COUNTER, RADIUS
from app.screens.window import said, use_look
from app.state import use_app

SHOWN_WIDTH = 320
"""Of the photo, in pixels of the screen: what the narrowest phone shows whole."""
SIZES = {"small": 24, "middle": 48, "large": 96}
"""Sides of the square a touch covers, in pixels of the screen."""

Square = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels of the screen, from the corner of the photo."""
NONE_YET: tuple[Square, ...] = ()


@ft.component
def CoverScreen(photo: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    squares, put = ft.use_state(NONE_YET)
    size, choose = ft.use_state("middle")
    is_working, set_working = ft.use_state(False)
    made, set_made = ft.use_state("")
    found = app.book.photo(photo)
    whole = ft.use_memo(lambda: app.photo_bytes(found.sha256), [found.sha256])
    scale = found.width / SHOWN_WIDTH

    def touch(event: ft.TapEvent[ft.GestureDetector]) -> None:
        if event.local_position is not None and not made and not is_working:
            x, y, reach = event.local_position.x, event.local_position.y, SIZES[size] / 2
            put(lambda placed: (*placed, (x - reach, y - reach, x + reach, y + reach)))

    async def cover() -> None:
        set_working(True)
        boxes = [(round(a * scale), round(b * scale), round(c * scale), round(d * scale)) for a, b, c, d in squares]
        try:
            set_made(await app.cover_photo(found, boxes) or "")
        finally:
            set_working(False)

    def drop() -> None:
        road.go(f"/photo/{made}", instead=True)  # first: a photo that was taken out has no screen any more
        app.tap(app.book.remove_photo, found)
        app.tell(said("photo_removed"))

    head = bar(look, look.say("cover"), road.back)
    if whole is None:
        return screen([panel(look, ft.Icons.IMAGE_NOT_SUPPORTED, [look.say("photo_not_here")])], head=head)
    body: list[ft.Control] = [text(look, look.say("cover_how"), 16)]
    picture = _picture(whole, round(SHOWN_WIDTH * found.height / found.width), squares)
    body.append(
        ft.Row(
            [
                ft.Semantics(
                    identifier="cover-picture",
                    label=look.say("cover_picture"),
                    container=True,
                    exclude_semantics=True,
                    content=ft.GestureDetector(picture, on_tap_up=touch),
                )
            ],
            alignment=ft.MainAxisAlignment.CENTER,
        )
    )
    if made:
        body += [
            panel(look, ft.Icons.HELP, [look.say("cover_done")], "amber"),
            button(look, look.say("cover_drop"), drop, kind="main", identifier="cover-drop", height=COUNTER),
            button(
                look, look.say("cover_keep"), lambda: road.go(f"/photo/{made}", instead=True), identifier="cover-keep"
            ),
        ]
    elif is_working:
        body.append(panel(look, ft.Icons.HOURGLASS_EMPTY, [look.say("photo_working")]))
    else:
        offered = [(name, look.say(f"cover_{name}")) for name in SIZES]
        body += [
            chips(look, offered, [size], choose, identifier="cover"),
            text(look, look.say("cover_count", count=str(len(squares))), 16),
            button(
                look, look.say("cover_undo"), (lambda: put(lambda placed: placed[:-1])) if squares else None,
                icon=ft.Icons.UNDO, identifier="cover-undo",
            ),
            button(
                look, look.say("cover_do"), cover if squares else None, kind="main", identifier="cover-do", height=COUNTER
            ),
        ]  # fmt: skip
    return screen(body, head=head)


def _picture(whole: bytes, height: float, squares: Sequence[Square]) -> ft.Control:
    """The photo with the places that will be covered."""
    marks = [
        ft.Container(
            left=left, top=top, width=right - left, height=bottom - top, border_radius=4,
            bgcolor=ft.Colors.with_opacity(0.75, ft.Colors.BLACK), border=ft.Border.all(2, ft.Colors.WHITE),
        )
        for left, top, right, bottom in squares
    ]  # fmt: skip
    image = ft.Image(whole, width=SHOWN_WIDTH, height=height, fit=ft.BoxFit.FILL, gapless_playback=True)
    return ft.Container(
        ft.Stack([image, *marks], width=SHOWN_WIDTH, height=height),
        width=SHOWN_WIDTH,
        height=height,
        border_radius=RADIUS,
        clip_behavior=ft.ClipBehavior.HARD_EDGE,
    )
