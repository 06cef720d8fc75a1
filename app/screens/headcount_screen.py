"""Counting heads: the rooms of a count with their figures, and one room under the thumb."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flet as ft

from app.figures import check_row, totals
from app.readings import KnownRoom, RowReading, VisitReading
from app.records import ATTENDANCE_SECTION, HEADS, NAME_MAX, WHOLE_UNIT_ROW
from app.screens.add_line import AddLine
from app.screens.frame import bar, screen
from app.screens.headcount import RoomView, sum_words
from app.screens.headcount_form import HeadcountForm
from app.screens.item_views import item_view, photo_views
from app.screens.listing import fact, heading, lines
from app.screens.parts import badge, button, chips, empty_state, icon_button, keyed, list_row, text
from app.screens.recording_words import COMMON_ROOMS
from app.screens.road import Road, use_road, visit_path
from app.screens.text_line import TextLine
from app.screens.theme import COUNTER, EDGE, GAP, Look
from app.screens.window import said, use_look
from app.screens.words import clock, number
from app.state import AppState, use_app

NOTED_ON = "head_total"
"""A note on a room is the remark on its roll: the first thing said of a room."""


@ft.component
def HeadcountScreen(visit: str, row: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    reading = app.book.visit(visit)
    is_editing, edit = ft.use_state(False)
    hints = ft.use_memo(lambda: _roll_hints(app, reading), [visit, len(reading.counts)])
    room = next((r for r in reading.rows if r.id == row and r.section == ATTENDANCE_SECTION), None)
    count = _count_looked_at(road, reading)
    listed = () if room else tuple(_Counted(r.id, r.name, *reading.heads(r.id).values()) for r in reading.rooms(count))
    known = ft.use_memo(lambda: [] if room or listed else app.book.known_rooms(reading), [visit, bool(room or listed)])
    sheet = ft.use_memo(
        lambda: lines([_room_line(look, visit, r, road, place) for place, r in enumerate(listed, 1)]),
        [look, visit, listed],
    )
    if room is None:
        # Drawn here, not by a component of its own: Flet loses the context of what lies below a screen it has kept.
        return draw_rooms(app, look, road, reading, count, sheet, known, is_editing, lambda: edit(lambda was: not was))
    road.keep(f"count {visit}", room.count)
    rooms = reading.rooms(room.count)
    place = next((i for i, r in enumerate(rooms) if r.id == row), 0)

    def go(step: int) -> Callable[[], None] | None:
        if place + step < 0:
            return None
        if place + step >= len(rooms):
            return road.to(visit_path(visit, "count"))
        return road.to(visit_path(visit, "count", rooms[place + step].id))

    def set_figures(figures: dict[str, int | None]) -> None:
        app.tap(app.book.set_heads, visit, row, figures)

    def answer(code: str, value: Any) -> None:
        app.tap(app.book.answer, visit, code, value, row)

    def remark_on(code: str, words: str) -> None:
        app.tap(app.book.remark, visit, code, words, row)

    def photograph(item: str = "") -> None:
        road.go(visit_path(visit, "photo", item=item, row=row))

    is_open = reading.is_open
    return keyed(
        row,
        HeadcountForm,
        look,
        room_view(look, app, reading, room, place + 1, len(rooms), hints),
        set_figures,
        on_undo=lambda: app.tap(app.book.undo, visit),
        on_previous=go(-1),
        on_next=go(1),
        on_rooms=road.to(visit_path(visit, "count")),
        on_back=road.back,
        on_add_count=(lambda: add_count(app, road, reading, room.count)) if is_open else None,
        on_answer=answer,
        on_item_remark=remark_on,
        on_item_photo=photograph,
        on_photo=photograph,
        on_open_photo=lambda photo: road.go(f"/photo/{photo}"),
        on_remark=lambda words: remark_on(NOTED_ON, words),
    )


def room_view(
    look: Look, app: AppState, visit: VisitReading, room: RowReading, place: int, of: int, hints: dict[str, int]
) -> RoomView:
    """One room as the form draws it."""
    count = next((c for c in visit.counts if c.id == room.count), None)
    section = visit.template.by_section[ATTENDANCE_SECTION]
    items = tuple(
        item_view(look, app, visit, item, room.id)
        for item in section.items
        if item.code not in HEADS and visit.outcome.is_relevant(item, room.id)
    )
    note = visit.answers.get((room.id, NOTED_ON))
    return RoomView(
        id=room.id,
        name=room.name,
        number=place,
        of=of,
        moment_text=clock(count.moment if count else None),
        figures=visit.heads(room.id),
        roll_hint=hints.get(room.name),
        can_edit=visit.is_open,
        can_undo=app.book.can_undo(visit.id),
        items=items,
        photos=photo_views(app, [p for p in visit.photos if p.row == room.id]),
        remark=note.remark if note else "",
    )


def _roll_hints(app: AppState, visit: VisitReading) -> dict[str, int]:
    """Rolls to offer by the room's name: those of this visit's main count, else of the unit's last visit."""
    hints = {known.name: known.roll for known in app.book.known_rooms(visit) if known.roll is not None}
    for room in visit.rooms():
        roll = visit.heads(room.id)["head_total"]
        if roll is not None:
            hints[room.name] = roll
    return hints


def add_count(app: AppState, road: Road, visit: VisitReading, of: str) -> None:
    """Another walk through the same rooms, now; opens its first room."""
    moment = app.book.now()
    if any(c.moment // 60000 == moment // 60000 for c in visit.counts):
        app.tell(said("rooms_same_minute", is_problem=True, moment=clock(moment)))
        return
    rooms = visit.rooms(of)
    count = app.tap(app.book.add_count, visit.id, moment)
    ids = app.tap(app.book.add_rooms, visit.id, [(room.name, None) for room in rooms], count) if count else None
    if ids:
        road.go(visit_path(visit.id, "count", ids[0]))


class _Counted(NamedTuple):
    """A room and its figures: all that its line in the list depends on."""

    id: str
    name: str
    head_total: int | None
    head_present: int | None
    head_absent_excused: int | None
    head_absent_unexcused: int | None
    head_absent_unclear: int | None

    @property
    def heads(self) -> dict[str, int | None]:
        return dict(zip(HEADS, self[2:], strict=True))


def _count_looked_at(road: Road, visit: VisitReading) -> str:
    """The count whose rooms are listed: the one looked at last, else the main one; empty before the first."""
    kept = road.kept(f"count {visit.id}", visit.main_count)
    return kept if kept in {c.id for c in visit.counts} else visit.main_count


def draw_rooms(
    app: AppState,
    look: Look,
    road: Road,
    reading: VisitReading,
    count: str,
    sheet: ft.Control,
    known: list[KnownRoom],
    is_editing: bool,
    on_edit: Callable[[], None],
) -> ft.Control:
    """The rooms of one count: figures of each, which do not add up, the unit's total; adding, renaming, removing.

    `sheet` has a line for each room; while it is the same one, Flet passes over it.
    """
    visit = reading.id
    rooms = reading.rooms(count)

    def opened(ids: list[str] | None) -> None:
        if ids:
            road.go(visit_path(visit, "count", ids[0]))

    def add(name: str) -> bool:
        ids = app.tap(app.book.add_rooms, visit, [(name, None)], count or None)
        opened(ids)
        return bool(ids)

    def use_known() -> None:
        opened(app.tap(app.book.add_rooms, visit, [(room.name, None) for room in known], count or None))

    def use_whole() -> None:
        row = app.tap(app.book.use_whole_unit, visit, count or None)
        opened([row] if row else None)

    def look_at(chosen: str) -> None:
        road.keep(f"count {visit}", chosen)
        app.changed()

    body: list[ft.Control] = []
    if len(reading.counts) > 1:
        body += _counts(look, app, reading, count, look_at)
    can_edit = reading.is_open
    if not rooms:
        body.append(empty_state(look, ft.Icons.GROUPS, look.say("rooms_empty"), look.say("rooms_empty_how")))
        if can_edit:
            body += _beginnings(look, known, use_known, use_whole)
    elif is_editing and can_edit:
        body += [_editing(look, app, visit, room) for room in rooms]
    else:
        body.append(sheet)
        body += _total(look, reading, rooms)
    line: list[ft.Control] = []
    if can_edit and reading.mode != "whole_unit" and not is_editing:
        body += _suggested(look, add, {room.name for room in rooms})
        line.append(keyed("add", AddLine, look, look.say("rooms_add"), look.say("rooms_add_do"), add, "room", NAME_MAX))
    foot = _foot(look, road, visit, line, can_edit and bool(rooms), is_editing, on_edit)
    actions = []
    if can_edit and rooms:
        actions.append(
            icon_button(
                look,
                ft.Icons.MORE_TIME,
                look.say("count_add"),
                lambda _event: add_count(app, road, reading, count),
                identifier="add-count",
            )
        )
    head = bar(look, look.say("rooms_title"), road.to(visit_path(visit)), subtitle=reading.unit_name, actions=actions)
    return screen(body, head=head, foot=foot)


def _counts(
    look: Look, app: AppState, visit: VisitReading, chosen: str, on_choose: Callable[[str], None]
) -> list[ft.Control]:
    """The counts of the visit by their moment, and making another one the main one."""
    options = [
        (c.id, look.say("rooms_main", moment=clock(c.moment)) if c.id == visit.main_count else clock(c.moment))
        for c in visit.counts
    ]
    found = [heading(look, look.say("rooms_counts")), chips(look, options, [chosen], on_choose, identifier="count")]
    if visit.is_open and chosen != visit.main_count:
        found.append(
            button(
                look,
                look.say("rooms_make_main"),
                lambda: app.tap(app.book.set_main_count, visit.id, chosen),
                kind="bare",
                icon=ft.Icons.STAR,
                identifier="make-main",
            )
        )
    return found


def _beginnings(
    look: Look, known: list[KnownRoom], on_known: Callable[[], None], on_whole: Callable[[], None]
) -> list[ft.Control]:
    """What one tap can begin with: the rooms of last time, or the unit as one."""
    found: list[ft.Control] = []
    if known:
        words = look.say("rooms_use_known", count=number(len(known), look.language))
        found.append(
            button(
                look, words, on_known, kind="main", icon=ft.Icons.MEETING_ROOM, identifier="use-known", height=COUNTER
            )
        )
    found.append(
        button(
            look, look.say("rooms_use_whole"), on_whole, icon=ft.Icons.GROUPS, identifier="use-whole", height=COUNTER
        )
    )
    return found


def _room_line(look: Look, visit: str, room: _Counted, road: Road, place: int) -> ft.Control:
    heads = room.heads
    check = check_row(heads)
    marks = []
    if check.state in ("short", "over"):
        marks.append(badge(look, ft.Icons.ERROR, sum_words(heads, look)[1], "alarm", wraps=True))
    elif check.state == "incomplete":
        marks.append(badge(look, ft.Icons.HELP, sum_words(heads, look)[1], "amber", wraps=True))
    line = look.say("rooms_not_counted")
    if check.state != "empty":
        line = look.say(
            "rooms_line",
            present=number(heads["head_present"], look.language),
            total=number(heads["head_total"], look.language),
        )
    return list_row(
        look,
        room.name,
        road.to(visit_path(visit, "count", room.id)),
        subtitle=line,
        marks=marks,
        icon=ft.Icons.CHECK_CIRCLE if check.state == "adds_up" else ft.Icons.MEETING_ROOM,
        identifier=f"room-{place}",
    )


def _total(look: Look, visit: VisitReading, rooms: list[RowReading]) -> list[ft.Control]:
    """The five figures of the unit; one that a room has left empty stays empty."""
    sums = totals(visit.heads(room.id) for room in rooms)
    return [
        heading(look, look.say("rooms_total")),
        *(
            fact(look, look.say(code), number(sums[code], look.language), identifier=f"sum-{code.replace('_', '-')}")
            for code in HEADS
        ),
    ]


def _suggested(look: Look, on_add: Callable[[str], bool], taken: set[str]) -> list[ft.Control]:
    """The usual rooms that are not there yet, each by one tap."""
    left = [name for name in COMMON_ROOMS if name not in taken]
    if not left:
        return []
    options = [(str(COMMON_ROOMS.index(name)), name) for name in left]
    return [
        heading(look, look.say("rooms_suggested")),
        chips(look, options, [], lambda code: on_add(COMMON_ROOMS[int(code)]), identifier="usual-room"),
    ]


def _editing(look: Look, app: AppState, visit: str, room: RowReading) -> ft.Control:
    """One room while the list is edited: its name, and taking it out."""

    def remove(_event: Any) -> None:
        if app.tap(app.book.remove_row, visit, room.id) is not False:
            app.tell(said("room_removed"))

    name = keyed(
        room.id,
        TextLine,
        look,
        look.say("room_rename"),
        room.name,
        lambda words: app.tap(app.book.rename_row, visit, room.id, words),
        identifier="room-rename",
        most=NAME_MAX,
    )
    if room.name == WHOLE_UNIT_ROW:
        name = text(look, room.name, 17)
    return ft.Row(
        [
            ft.Container(name, expand=True),
            icon_button(
                look,
                ft.Icons.DELETE,
                f"{look.say('room_remove')}: {room.name}",
                remove,
                kind="plain",
                identifier="room-remove",
            ),
        ],
        spacing=GAP,
    )


def _foot(
    look: Look,
    road: Road,
    visit: str,
    line: list[ft.Control],
    can_edit: bool,
    is_editing: bool,
    on_edit: Callable[[], None],
) -> ft.Control:
    """Always under the thumb, however long the list: one more room, editing, the review."""
    buttons = [
        button(
            look,
            look.say("visit_review"),
            road.to(visit_path(visit, "review")),
            kind="soft",
            icon=ft.Icons.FACT_CHECK,
            identifier="review",
            height=COUNTER,
            expand=True,
        )
    ]
    if can_edit:
        buttons.insert(
            0,
            button(
                look,
                look.say("rooms_edit_done" if is_editing else "rooms_edit"),
                on_edit,
                icon=ft.Icons.CHECK if is_editing else ft.Icons.EDIT,
                identifier="rooms-edit",
                height=COUNTER,
                expand=True,
            ),
        )
    return ft.Container(
        ft.Column([*line, ft.Row(buttons, spacing=GAP)], spacing=GAP, tight=True),
        padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8),
    )
