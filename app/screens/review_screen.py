"""Before closing: the figures large, every count, what does not add up, what failed, what is missing; each a way to its place."""

from collections.abc import Sequence
from dataclasses import dataclass

import flet as ft

from app.checklist import SEVERITIES
from app.readings import VisitReading
from app.records import ATTENDANCE_SECTION, HEAD_PARTS
from app.screens.frame import bar, screen
from app.screens.listing import fact, heading, lines
from app.screens.parts import Handler, badge, button, list_row, panel, text
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import BOLD, COUNTER, EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.visit_screen import CARDS, shut_notes
from app.screens.window import said, use_look
from app.screens.words import clock, number, percent
from app.state import use_app

TONES = {"critical": "alarm", "major": "amber", "minor": "quiet"}
ITEMS_SHOWN = 5
"""Unanswered items named per section; beyond that their number is said."""


@dataclass(frozen=True)
class Point:
    """One thing to look at: its words, and the address of its place."""

    title: str
    where: str
    route: str


@ft.component
def ReviewScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    reading = app.book.visit(visit)
    wrong, open_rooms = rooms(look, reading)
    failed = failures(look, reading)
    missing = missing_photos(look, reading)
    unanswered = open_items(look, reading)
    still_open = len(wrong) + len(open_rooms) + len(missing) + sum(n for _, n in unanswered)

    def close() -> None:
        app.tap(app.book.close_visit, visit)
        if not app.book.visit(visit).is_open:
            app.tell(said("review_closed"))

    def make_main(count: str) -> None:
        app.tap(app.book.set_main_count, visit, count)

    body: list[ft.Control] = [*shut_notes(look, app, reading), *figures(look, reading)]
    body += counts(look, reading, make_main)
    body += points(look, road, "review_wrong_rooms", wrong, ft.Icons.WARNING, "wrong")
    if wrong:
        body.append(text(look, look.say("review_signing"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    body += points(look, road, "review_open_rooms", open_rooms, ft.Icons.PENDING, "open-room")
    body += failed_list(look, road, failed)
    body += conclusions(look, road, reading)
    body += points(look, road, "review_photos", missing, ft.Icons.NO_PHOTOGRAPHY, "missing-photo")
    body += points(look, road, "review_unanswered", [p for p, _ in unanswered], ft.Icons.HELP, "unanswered")
    if not still_open:
        body.append(panel(look, ft.Icons.CHECK_CIRCLE, [look.say("review_all_done")], "good"))
    to_minutes = road.to(visit_path(visit, "minutes"))
    body.append(button(look, look.say("minutes_open"), to_minutes, icon=ft.Icons.DESCRIPTION, identifier="minutes"))
    to_sign = road.to(visit_path(visit, "sign"))
    words = look.say("sign_see" if reading.is_signed else "sign_open")
    body.append(button(look, words, to_sign, icon=ft.Icons.DRAW, identifier="sign"))
    foot = None
    if reading.is_open:
        words = look.say("review_close_open", count=number(still_open, look.language))
        foot = ft.Container(
            button(
                look,
                words if still_open else look.say("review_close"),
                close,
                kind="main",
                icon=ft.Icons.CHECK,
                identifier="close-visit",
                height=COUNTER,
            ),
            padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8),
        )
    return screen(body, head=bar(look, look.say("review_title"), road.back, subtitle=reading.unit_name), foot=foot)


# What there is to look at: pure


def rooms(look: Look, visit: VisitReading) -> tuple[list[Point], list[Point]]:
    """(rooms that contradict themselves, rooms not complete) of the main count, and when nothing was counted at all, that."""
    wrong: list[Point] = []
    still_open: list[Point] = []
    for row, check in visit.figures.checks.items():
        if check.state == "adds_up":
            continue
        off = number(abs(check.difference), look.language) if check.difference else ""
        if check.is_wrong:
            words = look.say(f"room_{check.state}", count=off)
        elif check.state == "incomplete" and check.difference:
            words = look.say("room_incomplete_left", count=off)
        else:
            words = look.say(f"room_{check.state}")
        point = Point(visit.row_name(row), words, visit_path(visit.id, "count", row))
        (wrong if check.is_wrong else still_open).append(point)
    if not visit.figures.checks and visit.figures.without_figures in ("not_recorded", "incomplete"):
        words = look.say("without_not_recorded")
        still_open.append(Point(look.say("card_headcount"), words, visit_path(visit.id, "count")))
    return wrong, still_open


def place_of_item(visit: VisitReading, item: str, row: str = "") -> str:
    """The address where an item is answered."""
    section = visit.template.items[item].section if item in visit.template.items else item
    if section == ATTENDANCE_SECTION:
        return visit_path(visit.id, "count", row) if row else visit_path(visit.id, "count")
    return visit_path(visit.id, "section", section)


def section_title(look: Look, visit: VisitReading, code: str) -> str:
    return look.say(CARDS[code][0]) if code in CARDS else visit.template.by_section[code].title[look.language]


def failures(look: Look, visit: VisitReading) -> list[tuple[str, Point]]:
    """(severity, point) of every failing item, heaviest first; in a repeated section one per failing row."""
    found = []
    for failure in sorted(visit.outcome.failures, key=lambda f: SEVERITIES.index(f.severity)):
        item = visit.template.items[failure.item]
        where = visit.row_name(failure.row) or section_title(look, visit, item.section)
        value = visit.values.get((failure.row, failure.item))
        if item.type == "count" and isinstance(value, int):
            where = f"{where}: {number(value, look.language)}"
        point = Point(item.label[look.language], where, place_of_item(visit, failure.item, failure.row))
        found.append((failure.severity, point))
    return found


def missing_photos(look: Look, visit: VisitReading) -> list[Point]:
    """Required photos that are missing; the way leads to the camera, or to the item when nothing can be added."""
    found = []
    for row, code in visit.outcome.missing_photos:
        item = visit.template.items[code]
        where = visit.row_name(row) or section_title(look, visit, item.section)
        route = visit_path(visit.id, "photo", item=code, row=row)
        found.append(
            Point(item.label[look.language], where, route if visit.is_open else place_of_item(visit, code, row))
        )
    return found


def open_items(look: Look, visit: VisitReading) -> list[tuple[Point, int]]:
    """(point, items behind it): unanswered items by name, or by number where a section has many.

    Figures of rooms are not among them, nor photos, which are listed on their own.
    """
    found: list[tuple[Point, int]] = []
    for section in visit.template.sections:
        if section.code == ATTENDANCE_SECTION or not visit.outcome.is_asked(section):
            continue
        left = [
            (row, item)
            for row in visit.outcome.rows_of(section)
            for item in visit.outcome.open_items(section, row)
            if item.type != "photo"
            and not (item.code == "rooms_checked_count" and visit.figures.rooms_checked is not None)
        ]
        title = section_title(look, visit, section.code)
        route = visit_path(visit.id, "section", section.code)
        if len(left) > ITEMS_SHOWN:
            words = look.say("items_left", count=number(len(left), look.language))
            found.append((Point(title, words, route), len(left)))
            continue
        for row, item in left:
            place = visit_path(visit.id) if item.code == "attendance_mode" else route
            found.append((Point(item.label[look.language], visit.row_name(row) or title, place), 1))
    return found


# Drawing


def figures(look: Look, visit: VisitReading) -> list[ft.Control]:
    """Totals and rates, large; a dash where there is none, and why."""
    drawn = visit.figures
    said_reason = drawn.unranked_reason

    def cell(name: str, value: str, identifier: str, *, is_main: bool = False) -> ft.Control:
        return ft.Semantics(
            identifier=identifier,
            label=f"{name}: {value}",
            exclude_semantics=True,
            container=True,
            expand=True,
            content=ft.Container(
                ft.Column(
                    [
                        text(look, value, 34 if is_main else 26, BOLD),
                        text(look, name, 16, color=ft.Colors.ON_SURFACE_VARIANT),
                    ],
                    spacing=0,
                    tight=True,
                ),
                padding=10,
                border_radius=RADIUS,
                bgcolor=ft.Colors.PRIMARY_CONTAINER if is_main else ft.Colors.SURFACE_CONTAINER,
            ),
        )

    def head(code: str) -> ft.Control:
        return cell(look.say(code), number(drawn.heads[code], look.language), code.replace("_", "-"))

    rate = cell(look.say("review_rate"), percent(drawn.attendance_rate, look.language), "attendance-rate", is_main=True)
    found: list[ft.Control] = [
        ft.Row([rate], spacing=GAP),
        ft.Row([head("head_total"), head(HEAD_PARTS[0])], spacing=GAP),
    ]
    if said_reason:
        found.append(panel(look, ft.Icons.INFO, [look.say(f"without_{said_reason}")]))
    found += [
        fact(look, look.say(code), number(drawn.heads[code], look.language), identifier=code.replace("_", "-"))
        for code in HEAD_PARTS[1:]
    ]
    found += [
        fact(look, look.say("share_excused"), percent(drawn.excused_rate, look.language), identifier="excused-rate"),
        fact(
            look, look.say("share_unexcused"), percent(drawn.unexcused_rate, look.language), identifier="unexcused-rate"
        ),
        fact(look, look.say("review_rooms"), number(drawn.rooms_checked, look.language), identifier="rooms-checked"),
    ]
    return found


def counts(look: Look, visit: VisitReading, on_main: Handler) -> list[ft.Control]:
    """Every count with its moment and figures when there are several; one of them is the visit's."""
    if len(visit.counts) < 2:
        return []
    found: list[ft.Control] = [heading(look, look.say("review_counts"))]
    for count in visit.counts:
        figures = visit.figures_of(count.id)
        moment = clock(count.moment)
        words = look.say(
            "review_count_figures",
            present=number(figures.heads["head_present"], look.language),
            total=number(figures.heads["head_total"], look.language),
            rate=percent(figures.attendance_rate, look.language),
        )
        if figures.without_figures:
            words = look.say(f"without_{figures.without_figures}")
        drawn: list[ft.Control] = [
            text(look, look.say("review_count", moment=moment), 17, MEDIUM),
            text(look, words, 17),
        ]
        if count.id == visit.main_count:
            drawn.append(ft.Row([badge(look, ft.Icons.CHECK, look.say("review_main"), "good")], wrap=True))
        elif visit.is_open:
            drawn.append(
                button(
                    look,
                    look.say("review_make_main"),
                    lambda _event, chosen=count.id: on_main(chosen),
                    name=look.say("review_make_main_name", moment=moment),
                    identifier=f"main-count-{count.id}",
                )
            )
        found.append(
            ft.Container(
                ft.Column(drawn, spacing=4, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
                padding=EDGE,
                border_radius=RADIUS,
                border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
            )
        )
    return found


def points(
    look: Look, road: Road, title: str, found: Sequence[Point], icon: ft.IconData, identifier: str
) -> list[ft.Control]:
    if not found:
        return []
    rows = [
        list_row(look, p.title, road.to(p.route), subtitle=p.where, icon=icon, identifier=f"{identifier}-{place}")
        for place, p in enumerate(found, 1)
    ]
    return [
        heading(look, look.say(title), number(len(found), look.language)),
        lines(rows),
    ]


def conclusions(look: Look, road: Road, visit: VisitReading) -> list[ft.Control]:
    """The ways to what is concluded: findings, recommendations, people and papers, each with how much there is."""
    said = visit.evidence
    ways = [
        ("findings", ft.Icons.FLAG, len(said.standing)),
        ("recommendations", ft.Icons.ASSIGNMENT, len(said.recommendations)),
        ("people", ft.Icons.GROUPS, len(said.persons)),
    ]
    rows = [
        list_row(
            look,
            look.say(f"conclude_{way}"),
            road.to(visit_path(visit.id, way)),
            trailing=number(count, look.language),
            icon=icon,
            identifier=f"conclude-{way}",
        )
        for way, icon, count in ways
    ]
    return [heading(look, look.say("conclude")), lines(rows)]


def failed_list(look: Look, road: Road, found: Sequence[tuple[str, Point]]) -> list[ft.Control]:
    """Failing items, each with the word for how grave it is."""
    if not found:
        return [text(look, look.say("review_failed_none"), 16, color=ft.Colors.ON_SURFACE_VARIANT)]
    rows = [
        list_row(
            look,
            p.title,
            road.to(p.route),
            subtitle=p.where,
            icon=ft.Icons.CANCEL,
            marks=[badge(look, ft.Icons.FLAG, look.say(severity), TONES[severity])],
            identifier=f"failed-{place}",
        )
        for place, (severity, p) in enumerate(found, 1)
    ]
    return [
        heading(look, look.say("review_failed"), number(len(found), look.language)),
        lines(rows),
    ]
