"""Counting the people of one room with one thumb: the heart of the app.

Everything fits on 360×640 without scrolling: head, five counters, the sum against the roll in a bar and in words, one
offer and undo, the room's other matters, previous and next. A number opens the keypad in the place of the counters.
The form never sets a figure by itself: each change is a key, a − or +, or a button that says what it records.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import flet as ft

from app.records import HEADS
from app.screens.frame import bar
from app.screens.headcount import Offer, RoomView, completion_offer, roll_offer, sum_words
from app.screens.keypad import Keypad
from app.screens.parts import Handler, button, icon_button, keyed, saying, tell, text, touched
from app.screens.room_matters import matter_links, matter_sheet
from app.screens.tally import Tally, stepped
from app.screens.theme import BOLD, COUNTER, EDGE, MEDIUM, TOUCH, Look
from app.screens.words import number

SWIPE = 80
"""Logical pixels: a shorter drag is a thumb that slipped. Distance and not speed, which a busy phone measures badly."""
TICK_PATIENCE_S = 0.5

log = logging.getLogger(__name__)

_BAR = (
    ("head_present", ft.Colors.PRIMARY),
    ("head_absent_excused", ft.Colors.SECONDARY),
    ("head_absent_unexcused", ft.Colors.ERROR),
    ("head_absent_unclear", ft.Colors.TERTIARY),
)
_SUM_TONES = {
    "unknown": (ft.Icons.HELP_OUTLINE, ft.Colors.ON_SURFACE),
    "left": (ft.Icons.HELP_OUTLINE, ft.Colors.TERTIARY),
    "over": (ft.Icons.ERROR, ft.Colors.ERROR),
    "open": (ft.Icons.HELP_OUTLINE, ft.Colors.TERTIARY),
    "even": (ft.Icons.CHECK_CIRCLE, ft.Colors.PRIMARY),
}


@ft.component
def HeadcountForm(
    look: Look,
    room: RoomView,
    on_set: Handler,
    *,
    on_undo: Handler | None = None,
    on_previous: Handler | None = None,
    on_next: Handler | None = None,
    on_rooms: Handler | None = None,
    on_back: Handler | None = None,
    on_add_count: Handler | None = None,
    on_answer: Handler | None = None,
    on_item_remark: Handler | None = None,
    on_item_photo: Handler | None = None,
    on_photo: Handler | None = None,
    on_open_photo: Handler | None = None,
    on_remark: Handler | None = None,
) -> ft.Control:
    """One room; key it by the room's id.

    `on_set({code: value or None, …})` records figures in one save and may be async; `on_undo()` takes the last tap
    back; `on_answer(code, value)`, `on_item_remark(code, text)`, `on_item_photo(code)` are for the room's other
    items, `on_photo()`, `on_open_photo(id)` and `on_remark(text)` for the room itself. What is None is not offered.
    """
    tally: Tally = ft.use_ref(Tally).current  # type: ignore[assignment]
    haptic: _Haptic = ft.use_ref(_Haptic).current  # type: ignore[assignment]
    touch = ft.use_ref(0.0)
    keypad_at, open_keypad = ft.use_state("")
    matter, open_matter = ft.use_state("")
    tally.meet(room.figures)

    async def put(figures: Mapping[str, int | None]) -> None:
        haptic.tick()
        await tally.put(on_set, figures)

    async def step(code: str, by: int) -> None:
        await put({code: stepped(tally.figures[code], by)})

    def met(event: ft.DragStartEvent[ft.GestureDetector]) -> None:
        touch.current = event.global_position.x

    async def swiped(event: ft.DragEndEvent[ft.GestureDetector]) -> None:
        way = event.global_position.x - (touch.current or 0)
        if abs(way) > SWIPE:
            await tell(on_next if way < 0 else on_previous)

    offer = completion_offer(room, look) if room.can_edit else None
    offered = _offer_button(look, offer, put)
    foot = ft.Container()
    is_typing = bool(keypad_at) and room.can_edit
    if is_typing:
        roll = room.figures["head_total"]
        keypad = keyed(
            keypad_at,
            Keypad,
            look,
            [(code, look.say(code)) for code in HEADS],
            room.figures,
            keypad_at,
            put,
            lambda: open_keypad(""),
            limit=room.roll_hint if roll is None else roll,
            unlimited=HEADS[:1],
            extra=[_sum_line(look, room), ft.Row([offered])],
        )
        middle: list[ft.Control] = [keypad]
    elif matter:
        middle = matter_sheet(
            look,
            room,
            matter,
            lambda: open_matter(""),
            on_answer=on_answer,
            on_item_remark=on_item_remark,
            on_item_photo=on_item_photo,
            on_photo=on_photo,
            on_open_photo=on_open_photo,
            on_remark=on_remark,
        )
    else:
        undo = button(
            look,
            look.say("undo"),
            touched(on_undo) if room.can_undo and room.can_edit else None,
            icon=ft.Icons.UNDO,
            identifier="undo",
            expand=2,
        )
        middle = [
            *(_counter(look, room, code, step, open_keypad) for code in HEADS),
            _sum_strip(look, room, put),
            *([ft.Row([offered, undo], spacing=6)] if room.can_edit else []),
            matter_links(look, room, open_matter),
        ]
        foot = ft.Container(
            ft.Row([_neighbour(look, room, -1, on_previous), _neighbour(look, room, 1, on_next)], spacing=6),
            padding=ft.Padding.symmetric(horizontal=EDGE, vertical=6),
        )
    head = bar(
        look,
        room.name,
        on_back,
        subtitle=f"{look.say('room_place', number=room.number, of=room.of)} · "
        f"{look.say('count_moment', moment=room.moment_text)}",
        on_title=on_rooms,
        actions=[
            icon_button(look, ft.Icons.MORE_TIME, look.say("count_add"), touched(on_add_count), identifier="add-count")
        ]
        if on_add_count is not None and room.can_edit
        else [],
    )
    body = ft.Column(
        middle,
        spacing=6,
        scroll=None if is_typing else ft.ScrollMode.HIDDEN,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    field = ft.Container(body, padding=ft.Padding.symmetric(horizontal=EDGE, vertical=6), expand=True)
    return ft.SafeArea(
        ft.Column(
            [
                head,
                ft.GestureDetector(
                    content=field,
                    on_horizontal_drag_start=met,
                    on_horizontal_drag_end=swiped,
                    exclude_from_semantics=True,
                    expand=True,
                )
                if not is_typing and not matter
                else field,
                foot,
            ],
            spacing=0,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        expand=True,
    )


class _Haptic:
    """A tick under the thumb, where the phone has one; the first refusal ends it for this form."""

    def __init__(self) -> None:
        self.service = ft.HapticFeedback()
        self.works = True

    def tick(self) -> None:
        if self.works:
            ft.context.page.run_task(self._tick)

    async def _tick(self) -> None:
        try:
            await asyncio.wait_for(self.service.selection_click(), TICK_PATIENCE_S)
        except (TimeoutError, RuntimeError) as problem:
            self.works = False
            log.info("no haptic feedback here: %s", problem)


def _counter(look: Look, room: RoomView, code: str, step: Handler, open_keypad: Handler) -> ft.Control:
    """One figure: its name, −, the number (opens the keypad), +."""
    figure, value = look.say(code), room.figures[code]
    slug = code.removeprefix("head_").replace("_", "-")
    said = look.say("figure_empty", figure=figure)
    if value is not None:
        said = look.say("figure_is", figure=figure, value=number(value, look.language))

    def stepping(by: int) -> Handler:
        async def touch(_event: Any) -> None:
            await step(code, by)

        return touch

    def sign(icon: ft.IconData, name: str, by: int, suffix: str) -> ft.Control:
        return icon_button(
            look,
            icon,
            look.say(name, figure=figure),
            stepping(by),
            kind="soft",
            size=COUNTER,
            identifier=f"{slug}-{suffix}",
        )

    wide = 68 + (look.text_scale - 100) * 0.4
    words = number(value, look.language)
    opens = saying(open_keypad, code)
    if not room.can_edit:
        figure_text = text(look, words, 26, BOLD, width=wide, text_align=ft.TextAlign.CENTER, semantics_label=said)
        return ft.Container(ft.Row([text(look, figure, 16, MEDIUM, expand=True), figure_text]), height=COUNTER)
    shown = button(
        look,
        words,
        opens,
        on_long_press=opens,
        name=said,
        identifier=slug,
        height=COUNTER,
        width=wide,
        size=26,
        family=BOLD,
        lines=1,
    )
    label = text(look, figure, 16, BOLD if code == HEADS[0] else MEDIUM, expand=True, max_lines=3)
    return ft.Row(
        [
            label,
            sign(ft.Icons.REMOVE, "one_less", -1, "minus"),
            shown,
            sign(ft.Icons.ADD, "one_more", 1, "plus"),
        ],
        spacing=6,
    )


def _offer_button(look: Look, offer: Offer | None, put: Handler) -> ft.Control:
    """What completes the room; resting when there is nothing to complete."""
    return button(
        look,
        offer.words if offer else look.say("all_present"),
        saying(put, offer.figures) if offer else None,
        kind="main",
        identifier="offer",
        expand=3,
    )


def _neighbour(look: Look, room: RoomView, step: int, on_go: Handler | None) -> ft.Control:
    """The button to the room before or after; from the last one it leads to the list."""
    words, icon = "room_previous", ft.Icons.CHEVRON_LEFT
    if step > 0:
        is_last = room.number == room.of
        words, icon = ("room_list", ft.Icons.LIST) if is_last else ("room_next", ft.Icons.CHEVRON_RIGHT)
    return button(
        look,
        look.say(words),
        touched(on_go),
        kind="soft" if step > 0 else "plain",
        icon=icon,
        icon_last=step > 0,
        identifier="next" if step > 0 else "previous",
        expand=1,
    )


def _sum_line(look: Look, room: RoomView) -> ft.Control:
    """The sum against the roll in words, with an icon; read out when it changes."""
    state, words = sum_words(room.figures, look)
    icon, ink = _SUM_TONES[state]
    return ft.Semantics(
        identifier="sum",
        live_region=True,
        content=ft.Row(
            [
                ft.Icon(icon, size=look.size(20), color=ink),
                text(look, words, 17, MEDIUM, color=ink, expand=True, max_lines=2),
            ],
            spacing=6,
        ),
    )


def _sum_strip(look: Look, room: RoomView, put: Handler) -> ft.Control:
    """Words over a bar of the people accounted for; beside them the roll of last time while there is none."""
    offer = roll_offer(room, look) if room.can_edit else None
    if offer is not None:
        confirm = button(
            look, offer.words, saying(put, offer.figures), kind="amber", identifier="offer-roll", expand=3, lines=2
        )
        return ft.Row([ft.Container(_sum_line(look, room), expand=2), confirm], spacing=6)
    known = [(room.figures[code] or 0, colour) for code, colour in _BAR]
    rest = max((room.figures["head_total"] or 0) - sum(people for people, _ in known), 0)
    parts = [*known, (rest, ft.Colors.SURFACE_CONTAINER_HIGHEST)]
    blocks = [ft.Container(expand=people, bgcolor=colour, height=10) for people, colour in parts if people]
    return ft.Container(
        ft.Column(
            [
                _sum_line(look, room),
                ft.Container(
                    ft.Row(blocks or [ft.Container(expand=True, height=10)], spacing=2),
                    bgcolor=ft.Colors.SURFACE_CONTAINER,
                    border_radius=5,
                    clip_behavior=ft.ClipBehavior.HARD_EDGE,
                ),
            ],
            spacing=2,
            alignment=ft.MainAxisAlignment.CENTER,
        ),
        height=TOUCH if look.text_scale == 100 else None,
    )
