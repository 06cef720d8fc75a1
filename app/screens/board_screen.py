"""A board too large for one photo: shot after shot, each beside the edge of the one before it, kept as one set."""

import asyncio

import flet as ft

from app.screens.frame import bar, screen
from app.screens.listing import gathered
from app.screens.parts import Handler, button, keyed, panel, pressable, saying, text
from app.screens.photo_form import Verdict, Viewfinder, verdict_panel
from app.screens.photo_screen import SUGGESTED_CAPTIONS, Keeping, place_in_words, verdict_of
from app.screens.position import use_locator
from app.screens.road import use_road
from app.screens.theme import COUNTER, EDGE, GAP, MEDIUM, RADIUS, TOUCH, Look
from app.screens.window import use_look, use_maybe
from app.screens.words import number
from app.state import Shot, use_app

EDGE_WIDTH = 72
"""Of the strip that shows how the shot before ends, in pixels of the screen."""
OVERLAP = 1 / 3
"""Of a shot that the next one shows again."""
NEXT = -1
"""In place of a shot's place: the one after the last."""
NONE_YET: tuple[Shot, ...] = ()


@ft.component
def BoardScreen(visit: str, item: str, row: str, finding: str = "", remediation: str = "") -> ft.Control:
    app, look, road, locator = use_app(), use_look(), use_road(), use_locator()
    kept_under = f"board {visit} {item} {row} {finding} {remediation}"
    shots, set_shots = ft.use_state(road.kept(kept_under, NONE_YET))
    place, set_place = ft.use_state(NEXT)  # of the shot that is taken, or looked at
    is_looking, look_again = ft.use_state(False)
    fresh, show = use_maybe(Shot)
    fix, follow = use_maybe(asyncio.Task)
    is_working, set_working = ft.use_state(False)
    keeping: Keeping = ft.use_ref(Keeping).current  # type: ignore[assignment]
    reading = app.book.visit(visit)
    ft.use_effect(lambda: road.keep(kept_under, shots), [shots])
    nth = len(shots) if place == NEXT else place

    async def look_at(raw: bytes) -> None:
        set_working(True)
        follow(locator.ask() if app.book.is_positioned(visit) else None)
        try:
            show(await app.look_at(raw))
        finally:
            set_working(False)

    def take_in() -> None:
        assert fresh is not None
        set_shots((*shots[:nth], fresh, *shots[nth + 1 :]))
        show(None)
        set_place(NEXT)

    def open_one(at: int) -> None:
        set_place(at)
        look_again(True)

    def close_one() -> None:
        set_place(NEXT)
        look_again(False)

    def take_out() -> None:
        set_shots((*shots[:nth], *shots[nth + 1 :]))
        close_one()

    async def keep() -> None:
        if keeping.is_busy:
            return
        keeping.is_busy = True
        set_working(True)
        has_come = fix is not None and fix.done() and fix.exception() is None
        geopoint = fix.result() if fix is not None and has_come else ""
        caption = SUGGESTED_CAPTIONS.get(item, "caption_board")
        of = {"item": item, "row": row, "finding": finding, "remediation": remediation}
        try:
            kept = await app.use_photos(shots, visit, **of, caption=look.say(caption), geopoint=geopoint)
        finally:
            keeping.is_busy = False
            set_working(False)
        if kept is None:
            return
        if fix is not None:
            for photo in kept:
                locator.follow(app, visit, fix, "" if geopoint else photo)
        road.keep(kept_under, NONE_YET)
        set_shots(NONE_YET)
        road.back()

    of_what = place_in_words(look, reading, item, row, finding, remediation)
    head = bar(look, look.say("board"), road.back, subtitle=gathered(look.say("board_nth", nth=nth + 1), of_what))
    if is_working:
        return screen([panel(look, ft.Icons.HOURGLASS_EMPTY, [look.say("photo_working")])], head=head)
    if fresh is not None:
        buttons = [
            button(look, look.say("photo_again"), lambda: show(None), icon=ft.Icons.REPLAY, identifier="retake",
                   height=COUNTER, expand=1),
            button(look, look.say("board_take"), take_in, kind="main", icon=ft.Icons.CHECK, identifier="board-take",
                   height=COUNTER, expand=1),
        ]  # fmt: skip
        return _looked_at(look, head, fresh, buttons)
    if is_looking and place in range(len(shots)):
        buttons = [
            button(look, look.say("board_again"), lambda: look_again(False), icon=ft.Icons.REPLAY,
                   identifier="board-again", height=COUNTER, expand=1),
            button(look, look.say("board_good"), close_one, kind="main", identifier="board-good", height=COUNTER, expand=1),
        ]  # fmt: skip
        out = button(look, look.say("board_out"), take_out, kind="bare", icon=ft.Icons.DELETE, identifier="board-out")
        return _looked_at(look, head, shots[place], buttons, out)
    before = shots[nth - 1] if nth else None
    hint = look.say("board_first" if before is None else "board_overlap", nth=nth)
    finder: list[ft.Control] = [ft.Container(keyed(f"finder {nth}", Viewfinder, look, look_at, True), expand=True)]
    if before is not None:
        finder.insert(0, _edge_of(look, before, nth))
    parts: list[ft.Control] = [
        head,
        ft.Container(text(look, hint, 16), padding=ft.Padding.symmetric(horizontal=EDGE, vertical=4)),
        ft.Row(finder, spacing=0, expand=True, vertical_alignment=ft.CrossAxisAlignment.STRETCH),
    ]
    if shots:
        parts.append(_taken(look, shots, place, open_one, keep))
    return ft.SafeArea(
        ft.Column(parts, spacing=0, expand=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH), expand=True
    )


def _edge_of(look: Look, shot: Shot, nth: int) -> ft.Control:
    """The right third of the shot before, as the left edge of the next one should look."""
    photo = shot.prepared
    height = EDGE_WIDTH / OVERLAP * photo.height / photo.width
    return ft.Container(
        ft.Stack(
            [
                ft.Image(
                    photo.data, width=EDGE_WIDTH / OVERLAP, height=height, right=0, top=0, fit=ft.BoxFit.FILL,
                    gapless_playback=True, semantics_label=look.say("board_edge", nth=nth),
                )
            ],
            width=EDGE_WIDTH,
            height=height,
        ),
        width=EDGE_WIDTH,
        alignment=ft.Alignment.CENTER,
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        border=ft.Border.only(right=ft.BorderSide(3, ft.Colors.PRIMARY)),
        clip_behavior=ft.ClipBehavior.HARD_EDGE,
    )  # fmt: skip


def _looked_at(
    look: Look, head: ft.Control, shot: Shot, buttons: list[ft.Control], under: ft.Control | None = None
) -> ft.Control:
    """One shot with its verdict, and what can be done with it."""
    picture = ft.Container(
        ft.Image(shot.prepared.data, fit=ft.BoxFit.CONTAIN, semantics_label=look.say("photo_shown")),
        height=300,
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        alignment=ft.Alignment.CENTER,
    )
    said: Verdict = verdict_of(look, shot)
    foot = ft.Container(ft.Row(buttons, spacing=GAP), padding=ft.Padding.symmetric(horizontal=EDGE, vertical=GAP))
    return screen([picture, verdict_panel(look, said), *([under] if under else [])], head=head, foot=foot)


def _taken(look: Look, shots: tuple[Shot, ...], place: int, on_open: Handler, on_done: Handler) -> ft.Control:
    """The shots there are, each with what was said of it, and the end."""

    def one(at: int, shot: Shot) -> ft.Control:
        is_good = shot.verdict.is_good
        state = look.say("board_is_good" if is_good else "board_is_doubtful")
        return pressable(
            ft.Row(
                [
                    ft.Icon(ft.Icons.CHECK_CIRCLE if is_good else ft.Icons.WARNING, size=look.size(20)),
                    text(look, number(at + 1, look.language), 18, MEDIUM),
                ],
                spacing=4,
                tight=True,
            ),
            saying(on_open, at),
            identifier=f"board-shot-{at + 1}",
            ground=ft.Colors.PRIMARY_CONTAINER if is_good else ft.Colors.TERTIARY_CONTAINER,
            padding=ft.Padding.symmetric(horizontal=10, vertical=(TOUCH - 24) / 2),
            border=ft.Border.all(2, ft.Colors.PRIMARY) if at == place else None,
            name=look.say("board_open", nth=at + 1, state=state),
        )

    row = ft.Row([one(at, shot) for at, shot in enumerate(shots)], spacing=6, scroll=ft.ScrollMode.AUTO, expand=True)
    done = button(
        look, look.say("board_done", count=number(len(shots), look.language)), on_done, kind="main",
        icon=ft.Icons.CHECK, identifier="board-done", height=COUNTER,
    )  # fmt: skip
    return ft.Container(
        ft.Row([row, done], spacing=GAP),
        padding=ft.Padding.only(left=EDGE, right=EDGE, bottom=GAP),
        border_radius=RADIUS,
    )
