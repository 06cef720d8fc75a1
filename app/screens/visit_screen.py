"""One visit: its parts in the order one walks a building, each with what is done, what failed and which photos are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import flet as ft

from app.checklist import Section
from app.readings import VisitReading
from app.records import ATTENDANCE_SECTION
from app.screens.frame import bar, screen
from app.screens.item_card import photo_strip
from app.screens.item_views import photo_views
from app.screens.items import PhotoView
from app.screens.listing import differing_row, gathered, lines
from app.screens.parts import (
    Handler,
    button,
    chips,
    list_row,
    panel,
    section_card,
    text,
    warning_row,
)
from app.screens.position import position_row, switch, use_locator
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import COUNTER, EDGE, GAP, MEDIUM, Look
from app.screens.window import said, use_look
from app.screens.words import NOTHING, clock, day, day_and_moment, number
from app.state import AppState, use_app

PHOTOS_SHOWN = 8
NAME_FITS = 26
"""Characters of a unit's name that the head of a narrow screen shows."""

CARDS: dict[str, tuple[str, ft.IconData]] = {
    ATTENDANCE_SECTION: ("card_headcount", ft.Icons.GROUPS),
    "badges_conduct": ("card_badges", ft.Icons.BADGE),
    "one_stop": ("card_one_stop", ft.Icons.STOREFRONT),
    "notice_board": ("card_board", ft.Icons.DASHBOARD),
    "directives": ("card_directives", ft.Icons.DESCRIPTION),
    "internal_documents": ("card_rules", ft.Icons.RULE),
    "earlier_notices": ("card_notices", ft.Icons.HISTORY_EDU),
    "remarks": ("card_remarks", ft.Icons.EDIT_NOTE),
}
"""Section → its short title here and its icon; a section of another template shows its own title."""


@dataclass(frozen=True)
class Card:
    """A part of the visit, counted."""

    code: str
    title: str
    icon: ft.IconData
    done: int
    of: int
    progress: str | None
    failed: int
    missing_photos: int


def card_of(look: Look, visit: VisitReading, section: Section) -> Card:
    """How far a section has come, over all its rows; for the headcount the rooms are what is counted."""
    outcome = visit.outcome
    done, of = outcome.progress(section)
    rows = outcome.rows_of(section)
    progress = None
    if section.code == ATTENDANCE_SECTION:
        done, of = sum(visit.heads(row)["head_present"] is not None for row in rows), len(rows)
        progress = look.say("rooms_of", done=number(done, look.language), of=number(of, look.language))
    if section.is_repeated and not rows:
        progress = look.say("rows_none")
    key, icon = CARDS.get(section.code, ("", ft.Icons.CHECKLIST))
    return Card(
        section.code,
        look.say(key) if key else section.title[look.language],
        icon,
        done,
        of,
        progress,
        sum(f.item in {i.code for i in section.items} for f in outcome.failures),
        sum(item in {i.code for i in section.items} for _, item in outcome.missing_photos),
    )


@ft.component
def VisitScreen(visit: str) -> ft.Control:
    app, look, road, locator = use_app(), use_look(), use_road(), use_locator()
    is_choosing, set_choosing = ft.use_state(False)
    shows_all, set_shows_all = ft.use_state(False)
    is_positioned = app.book.is_positioned(visit)
    reading = app.book.visit(visit)
    names = tuple(p.id for p in reading.photos)
    shown = reading.photos if shows_all else reading.photos[-PHOTOS_SHOWN:]
    photos = ft.use_memo(
        lambda: photo_views(app, shown),
        [names, shows_all, app.revision],
    )

    def choose(mode: str) -> None:
        set_choosing(False)
        if mode == "whole_unit":
            app.tap(app.book.use_whole_unit, visit)
        else:
            app.tap(app.book.answer, visit, "attendance_mode", mode)

    def switch_position() -> None:
        app.tap(app.book.set_positioned, visit, not is_positioned)
        if not is_positioned and not reading.geopoint:
            locator.follow(app, visit, locator.ask())

    body = [
        *notes(look, app, reading),
        *differing_row(
            look,
            len(app.book.conflicts(visit)),
            road.to(visit_path(visit, "conflicts")),
            is_signed=reading.is_signed,
        ),
        *earlier_row(look, app, road, reading),
        *attendance(look, road, reading, is_choosing, set_choosing, choose),
    ]
    asked = [s for s in reading.template.sections if s.code not in ("attendance", ATTENDANCE_SECTION)]
    body += [
        _card(look, card_of(look, reading, s), road.to(visit_path(visit, "section", s.code)))
        for s in asked
        if reading.outcome.is_asked(s)
    ]
    hidden = [card_of(look, reading, s).title for s in asked if not reading.outcome.is_asked(s)]
    if hidden:
        words = look.say("not_asked", sections=", ".join(hidden))
        body.append(text(look, words, 16, color=ft.Colors.ON_SURFACE_VARIANT))
    body += position_row(look, reading, is_positioned, switch_position)
    if reading.is_open:
        body.append(band_row(look, app, visit))
    body += album(look, photos, len(names), lambda photo: road.go(f"/photo/{photo}"), lambda: set_shows_all(True))
    return draw(
        look,
        reading,
        body,
        on_back=road.back,
        on_photo=road.to(visit_path(visit, "photo")),
        on_review=road.to(visit_path(visit, "review")),
    )


def draw(
    look: Look,
    visit: VisitReading,
    body: Sequence[ft.Control],
    *,
    on_back: Handler,
    on_photo: Handler,
    on_review: Handler,
) -> ft.Control:
    begun = visit.visit_started_at
    subtitle = gathered(
        day(visit.visit_date, look.language) if visit.visit_date else look.say("visits_no_day"),
        clock(begun) if begun else "",
        look.say("visit_planned" if visit.planned == "yes" else "visit_unplanned"),
    )
    buttons = [
        button(
            look,
            look.say("visit_review"),
            on_review,
            kind="soft",
            icon=ft.Icons.FACT_CHECK,
            identifier="review",
            height=COUNTER,
            expand=True,
        )
    ]
    if visit.is_open:
        buttons.insert(
            0,
            button(
                look,
                look.say("visit_take_photo"),
                on_photo,
                kind="main",
                icon=ft.Icons.PHOTO_CAMERA,
                identifier="take-photo",
                height=COUNTER,
                expand=True,
            ),
        )
    return screen(
        body,
        head=bar(look, visit.unit_name, on_back, subtitle=subtitle),
        foot=ft.Container(ft.Row(buttons, spacing=GAP), padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8)),
    )


def notes(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """What one should know of the visit before touching it: its whole name, that it is shut, or began outside working hours."""
    found: list[ft.Control] = []
    if len(visit.unit_name) > NAME_FITS:
        found.append(text(look, visit.unit_name, 17, MEDIUM))
    found += shut_notes(look, app, visit)
    if visit.is_open and app.book.outside_hours(visit):
        found.append(panel(look, ft.Icons.SCHEDULE, [look.say("visit_outside_hours")], "amber"))
    return found


def earlier_row(look: Look, app: AppState, road: Road, visit: VisitReading) -> list[ft.Control]:
    """How much was left open before at this unit, and the way to it; nothing when nothing was."""
    earlier = app.book.earlier(visit)
    if not earlier:
        return []
    seen = sum(one.seen is not None for one in earlier)
    count = number(len(earlier), look.language)
    words = look.say("earlier_left", count=count)
    if seen:
        words = look.say("earlier_left_seen", count=count, seen=number(seen, look.language))
    return [warning_row(look, ft.Icons.HISTORY, words, road.to(visit_path(visit.id, "earlier")), "earlier")]


def shut_notes(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """That a visit is signed, or has ended and how to go on with it; nothing for an open one."""
    if visit.is_open:
        return []
    if visit.is_signed:
        return [panel(look, ft.Icons.LOCK, [look.say("visit_signed")])]

    def reopen() -> None:
        app.tap(app.book.reopen_visit, visit.id)
        if app.book.visit(visit.id).is_open:
            app.tell(said("visit_reopened"))

    ended = look.say("visit_closed", moment=day_and_moment(visit.visit_ended_at, look.language))
    return [
        panel(look, ft.Icons.CHECK_CIRCLE, [ended], "good"),
        button(look, look.say("visit_reopen"), reopen, icon=ft.Icons.LOCK_OPEN, identifier="reopen"),
    ]


def attendance(
    look: Look,
    road: Road,
    visit: VisitReading,
    is_choosing: bool,
    set_choosing: Callable[[bool], None],
    on_mode: Handler,
) -> list[ft.Control]:
    """The headcount, and how it is recorded: by room, as one, found full without figures, or not at all."""
    section = visit.template.by_section.get(ATTENDANCE_SECTION)
    item = visit.template.items.get("attendance_mode")
    if section is None or item is None:
        return []
    mode = next((o for o in item.options if o.code == visit.mode), None)
    found: list[ft.Control] = []
    if mode is None or visit.outcome.is_asked(section):
        found.append(_card(look, card_of(look, visit, section), road.to(visit_path(visit.id, "count"))))
        wrong = sum(check.is_wrong for check in visit.figures.checks.values())
        if wrong:
            words = look.say("rooms_wrong", count=number(wrong, look.language))
            on_review = road.to(visit_path(visit.id, "review"))
            found.append(warning_row(look, ft.Icons.WARNING, words, on_review, "rooms-wrong"))
    else:
        found.append(panel(look, ft.Icons.GROUPS, [look.say("mode_no_count", mode=mode.label[look.language])]))
    rows: list[ft.Control] = []
    if is_choosing and visit.is_open:
        found.append(text(look, look.say("mode_choose"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
        options = [(o.code, o.label[look.language]) for o in item.options]
        found.append(chips(look, options, [mode.code] if mode else [], on_mode, identifier="mode"))
        found.append(button(look, look.say("cancel"), lambda: set_choosing(False), kind="bare", identifier="mode-keep"))
    else:
        rows.append(
            list_row(
                look,
                look.say("mode_title"),
                (lambda: set_choosing(True)) if visit.is_open else None,
                subtitle=mode.label[look.language] if mode else NOTHING,
                icon=ft.Icons.TUNE,
                identifier="mode",
            )
        )
    checked = visit.template.items.get("rooms_checked_count")
    if checked is not None and visit.outcome.is_relevant(checked):
        rows.append(
            list_row(
                look,
                look.say("card_attendance"),
                road.to(visit_path(visit.id, "section", checked.section)),
                trailing=number(visit.figures.rooms_checked, look.language),
                icon=ft.Icons.MEETING_ROOM,
                identifier="rooms-checked",
            )
        )
    return [*found, lines(rows)] if rows else found


def band_row(look: Look, app: AppState, visit: str) -> ft.Control:
    """The switch for the band below photos of this visit, and what it says there."""
    is_on = app.book.is_banded(visit)
    state = "band_off" if not is_on else "band_says_place" if app.book.is_positioned(visit) else "band_says"
    turn = partial(app.tap, app.book.set_banded, not is_on, visit)
    return switch(look, look.say("band"), look.say(state), is_on, turn, ft.Icons.SUBTITLES, "band")


def album(look: Look, photos: Sequence[PhotoView], of: int, on_open: Handler, on_all: Handler) -> list[ft.Control]:
    """The photos of the visit, the newest ones at first."""
    said_title = f"{look.say('visit_photos')} ({number(of, look.language)})" if of else look.say("visit_photos_none")
    found: list[ft.Control] = [text(look, said_title, 16, MEDIUM, color=ft.Colors.PRIMARY)]
    if photos:
        found.append(photo_strip(look, photos, on_open, None, identifier="visit-photo"))
    if of > len(photos):
        found.append(
            button(
                look, look.say("visits_more"), on_all, kind="bare", icon=ft.Icons.EXPAND_MORE, identifier="photos-all"
            )
        )
    return found


def _card(look: Look, card: Card, on_open: Handler) -> ft.Control:
    return section_card(
        look,
        card.title,
        card.done,
        card.of,
        on_open,
        failed=card.failed,
        missing_photos=card.missing_photos,
        progress=card.progress,
        icon=card.icon,
        identifier=f"section-{card.code.replace('_', '-')}",
    )
