"""Today: the round and the team, visits under way, what is planned, what waits to be sent, and the button to start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import flet as ft

from app.screens.frame import bar, screen
from app.screens.listing import differing_row, gathered, heading, lines, meter
from app.screens.parts import (
    Handler,
    badge,
    button,
    empty_state,
    list_row,
    panel,
    pressable,
    text,
    touched,
    warning_row,
)
from app.screens.recovery_note import recovery_note
from app.screens.road import use_road, visit_path
from app.screens.theme import COUNTER, EDGE, MEDIUM, Look
from app.screens.window import hand_out, use_look
from app.screens.words import day, day_and_moment, number, size
from app.state import SyncView, use_app
from app.units import UnitReading

UNDER_WAY_SHOWN = 5
"""Visits under way listed here; the others stand among all visits."""
PLANNED_SHOWN = 5
"""Planned units listed here; the others are found by name."""


@dataclass(frozen=True)
class UnderWay:
    """A visit under way, in words."""

    id: str
    unit: str
    progress: str
    done: int
    of: int


@ft.component
def TodayScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    picker: ft.FilePicker = ft.use_ref(ft.FilePicker).current  # type: ignore[assignment]
    book = app.book
    here = book.current_round()
    plan = book.reference.rounds.get(here)
    visited = book.visited_units(here) if plan else set()
    left = [u for u in book.planned_units(here) if (u.code, u.valid_from) not in visited]
    waiting = book.waiting()
    differing = book.conflicts()
    under_way = book.visits(status="open", limit=UNDER_WAY_SHOWN + 1)

    def begin(unit: UnitReading) -> None:
        visit = app.tap(book.start_visit, unit, planned=True)
        if visit is not None:
            road.go(visit_path(visit))

    async def save_aside() -> None:
        await hand_out(app, picker, app.raw_file)

    def send() -> None:
        """One touch shows what central has and sends the rest."""
        app.sync_now()
        road.go("/sync")

    def said(count: int) -> str:
        return number(count, look.language)

    return draw(
        look,
        state=badge_of(look, app.sync),
        note=recovery_note(look, app.recovery, save_aside, app.put_recovery_away) if app.recovery else None,
        team=gathered(
            plan.name if plan else look.say("no_round"),
            (book.enrolment.team_name if book.enrolment else "") or look.say("no_team"),
        ),
        under_way=[
            UnderWay(
                v.id,
                v.unit_name,
                gathered(
                    day(v.visit_date, look.language) if v.visit_date != book.today else "",
                    look.say("rooms_of", done=said(v.rooms_counted), of=said(v.rooms)) if v.rooms else "",
                    look.say("items_of", done=said(v.answered), of=said(v.asked)),
                    look.say("photos_n", count=said(v.photos)) if v.photos else "",
                ),
                v.answered,
                v.asked,
            )
            for v in under_way[:UNDER_WAY_SHOWN]
        ],
        has_more=len(under_way) > UNDER_WAY_SHOWN,
        planned=left[:PLANNED_SHOWN],
        more=max(0, len(left) - PLANNED_SHOWN),
        is_plan_done=bool(plan and plan.planned_units and not left),
        to_send=look.say("to_send_none")
        if waiting.is_empty
        else gathered(
            look.say("to_send_visits", count=said(len(waiting.visits))),
            look.say("photos_n", count=said(waiting.photos)) if waiting.photos else "",
            size(waiting.bytes, look.language) if waiting.bytes else "",
        ),
        synced=look.say("last_synced", moment=day_and_moment(app.sync.last_success, look.language))
        if app.sync.last_success
        else look.say("never_synced"),
        tasks=waiting.rejected,
        differing=len(differing),
        clock=clock_words(look, book.clock_offset_ms) if book.is_clock_wrong else "",
        on_visit=lambda visit: road.to(visit_path(visit)),
        on_planned=begin,
        on_visits=lambda: road.tab("visits"),
        on_start=road.to("/start"),
        on_sync=send,
        on_differing=road.to(
            visit_path(differing[0].visit, "conflicts") if len({c.visit for c in differing}) == 1 else "/sync"
        ),
    )


def clock_words(look: Look, offset_ms: int) -> str:
    """That this phone's clock is wrong, by how much and what to do. `offset_ms` is central's less ours."""
    minutes = round(abs(offset_ms) / 60_000)
    unit, length = next(((u, n) for u, n in _GAPS if minutes >= 2 * n), _GAPS[-1])
    gap = look.say(f"gap_{unit}", count=number(round(minutes / length), look.language))
    return look.say("clock_fast" if offset_ms < 0 else "clock_slow", gap=gap)


_GAPS = (("years", 365 * 24 * 60), ("days", 24 * 60), ("hours", 60), ("minutes", 1))
"""Units in minutes; a gap is said in the largest of which it has at least two."""


def badge_of(look: Look, sync: SyncView) -> ft.Control | None:
    """Whether central answers, quietly; nothing until it has been asked, and no "sending" while nobody answers."""
    if sync.is_running and sync.is_online:
        return badge(look, ft.Icons.SYNC, look.say("syncing"))
    if sync.is_online is None:
        return None
    if sync.is_online:
        return badge(look, ft.Icons.CLOUD_DONE, look.say("online"))
    return badge(look, ft.Icons.CLOUD_OFF, look.say("offline"))


def draw(
    look: Look,
    *,
    state: ft.Control | None,
    note: ft.Control | None,
    team: str,
    under_way: Sequence[UnderWay],
    has_more: bool,
    planned: Sequence[UnitReading],
    more: int,
    is_plan_done: bool,
    to_send: str,
    synced: str,
    tasks: int,
    differing: int,
    clock: str,
    on_visit: Callable[[str], Handler],
    on_planned: Callable[[UnitReading], None],
    on_visits: Handler,
    on_start: Handler,
    on_sync: Handler,
    on_differing: Handler,
) -> ft.Control:
    body: list[ft.Control] = [
        text(look, team, 16, MEDIUM, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS),
        *([note] if note else []),
        *([panel(look, ft.Icons.SCHEDULE, [clock, look.say("clock_do")], "amber")] if clock else []),
    ]
    if tasks:
        words = look.say("tasks", count=number(tasks, look.language))
        body.append(warning_row(look, ft.Icons.ASSIGNMENT_LATE, words, on_sync, "tasks"))
    body += differing_row(look, differing, on_differing, is_signed=False)
    if under_way:
        body.append(heading(look, look.say("under_way")))
        body.extend(_under_way(look, visit, on_visit(visit.id)) for visit in under_way)
        if has_more:
            body.append(
                button(
                    look,
                    look.say("under_way_more"),
                    on_visits,
                    kind="bare",
                    icon=ft.Icons.FOLDER,
                    identifier="more-visits",
                )
            )
    elif not planned:
        body.append(empty_state(look, ft.Icons.ASSIGNMENT, look.say("today_empty"), look.say("today_empty_how")))
    if planned:
        body.append(heading(look, look.say("planned_here"), number(len(planned) + more, look.language)))
        body.append(lines([_planned(look, unit, on_planned) for unit in planned]))
        if more:
            words = look.say("plan_more", count=number(more, look.language))
            body.append(button(look, words, on_start, kind="bare", icon=ft.Icons.SEARCH, identifier="plan-more"))
    elif is_plan_done:
        body.append(text(look, look.say("plan_done"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    body.append(heading(look, look.say("to_send")))
    body.append(
        lines([list_row(look, to_send, on_sync, subtitle=synced, icon=ft.Icons.CLOUD_UPLOAD, identifier="to-send")])
    )
    start = button(
        look,
        look.say("start_visit"),
        on_start,
        kind="main",
        icon=ft.Icons.ADD_CIRCLE,
        identifier="start-visit",
        height=COUNTER,
        size=18,
    )
    return screen(
        body,
        head=bar(look, look.say("app"), actions=[state] if state else []),
        foot=ft.Container(start, padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8)),
    )


def _under_way(look: Look, visit: UnderWay, on_open: Handler) -> ft.Control:
    return pressable(
        ft.Column(
            [
                text(look, visit.unit, 17, MEDIUM, max_lines=3, overflow=ft.TextOverflow.ELLIPSIS),
                text(look, visit.progress, 16, color=ft.Colors.ON_SURFACE_VARIANT),
                meter(visit.done, visit.of),
            ],
            spacing=6,
            tight=True,
        ),
        touched(on_open),
        identifier=f"visit-{visit.id}",
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


def _planned(look: Look, unit: UnitReading, on_planned: Callable[[UnitReading], None]) -> ft.Control:
    return list_row(
        look,
        unit.name,
        lambda: on_planned(unit),
        subtitle=gathered(unit.parent_name, look.say("plan_start")),
        icon=ft.Icons.PLACE,
        identifier=f"planned-{unit.code}",
    )
