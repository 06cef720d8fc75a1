"""Recommendations of a visit with who, until when and to whom; those of the whole round; and what the unit says to all of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flet as ft

from app.evidence import RecommendationReading
from app.readings import VisitReading
from app.records import NAME_MAX
from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading
from app.screens.parts import badge, button, chips, empty_state, keyed, pressable, text
from app.screens.road import use_road
from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.visit_screen import shut_notes
from app.screens.window import said, use_look
from app.screens.wording import AddWording, Deadline, Wording, keeping
from app.screens.words import day, number, word
from app.state import AppState, use_app


@ft.component
def RecommendationsScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    opened, set_opened = ft.use_state("")
    reading = app.book.visit(visit)

    def add(words: str) -> str:
        return keeping(app, look, app.book.write_down, visit, "recommendation", text=words)

    said_so = reading.evidence.recommendations
    body: list[ft.Control] = [*shut_notes(look, app, reading)]
    if not said_so:
        title, how = look.say("recommendations_none"), look.say("recommendations_none_how")
        body.append(empty_state(look, ft.Icons.ASSIGNMENT, title, how))
    for nth, one in enumerate(said_so, 1):
        if one.id == opened and reading.is_open:
            body.append(keyed(one.id, RecommendationForm, look, app, reading, one, lambda: set_opened("")))
        else:
            body.append(_card(look, reading, one, nth, partial(set_opened, one.id)))
    if reading.is_open:
        label, do = look.say("recommendation_add"), look.say("finding_add_do")
        body.append(keyed("add", AddWording, look, label, do, add, identifier="recommendation", lines=2))
        body += _offered(look, app, reading)
    body += _opinion(look, app, reading)
    return screen(body, head=bar(look, look.say("recommendations_title"), road.back, subtitle=reading.unit_name))


def _card(
    look: Look, visit: VisitReading, one: RecommendationReading, nth: int, on_open: Callable[[], None]
) -> ft.Control:
    due = day(one.deadline, look.language) if one.deadline else look.say("recommendation_no_deadline")
    words: list[ft.Control] = [
        text(look, f"{nth}. {one.text}", 16, MEDIUM),
        text(look, gathered(one.owner, due, one.report_to), 16, color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    if one.round_recommendation_id:
        words.append(ft.Row([badge(look, ft.Icons.GROUPS, look.say("recommendation_in_round"))], wrap=True))
    return pressable(
        ft.Column(words, spacing=4, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        (lambda _event: on_open()) if visit.is_open else None,
        identifier=f"recommendation-{nth}",
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


@ft.component
def RecommendationForm(
    look: Look, app: AppState, visit: VisitReading, one: RecommendationReading, on_close: Callable[[], None]
) -> ft.Control:
    """One recommendation, open."""
    book = app.book

    def keep(field: str) -> Callable[[Any], str]:
        return lambda value: keeping(
            app, look, partial(book.amend, **{field: value}), visit.id, "recommendation", one.id
        )

    def choose(finding: str) -> None:
        chosen = "" if finding == one.finding else finding
        app.tap(book.amend, visit.id, "recommendation", one.id, finding=chosen)

    def give() -> None:
        given = app.tap(book.recommend_to_round, visit.id, one.id)
        if given is None:
            return
        key = "recommendation_left_out" if given.left_out else "recommendation_given"
        named = {"units": ", ".join(given.left_out)} if given.left_out else {}
        app.tell(said(key, is_problem=bool(given.left_out), count=given.visits, **named))

    def remove() -> None:
        app.tap(book.strike, visit.id, "recommendation", one.id)
        on_close()

    findings = [(f.id, f.text if len(f.text) <= 60 else f"{f.text[:57]}…") for f in visit.evidence.standing]
    parts: list[ft.Control] = [
        Wording(
            look, look.say("recommendation_text"), one.text, keep("text"), identifier="recommendation-words", lines=3
        ),
        Wording(
            look,
            look.say("recommendation_owner"),
            one.owner,
            keep("owner"),
            identifier="recommendation-owner",
            most=NAME_MAX,
        ),
        Deadline(
            look,
            look.say("recommendation_deadline"),
            one.deadline,
            keep("deadline"),
            identifier="recommendation-deadline",
        ),
        Wording(
            look,
            look.say("recommendation_report_to"),
            one.report_to,
            keep("report_to"),
            identifier="recommendation-report-to",
            most=NAME_MAX,
        ),
    ]
    if findings:
        parts.append(text(look, look.say("recommendation_finding"), 16, MEDIUM))
        parts.append(chips(look, findings, [one.finding], choose, identifier="for-finding"))
    if visit.round:
        parts.append(
            button(
                look,
                look.say("recommendation_round"),
                give,
                icon=ft.Icons.GROUPS,
                identifier="recommendation-round",
            )
        )
    parts.append(
        button(
            look,
            look.say("line_remove", line=look.say("earlier_recommendation")),
            remove,
            kind="bare",
            icon=ft.Icons.DELETE,
            identifier="recommendation-remove",
        )
    )
    parts.append(button(look, look.say("finding_close"), on_close, kind="soft", identifier="recommendation-close"))
    return ft.Container(
        ft.Column(parts, spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        padding=EDGE,
        border_radius=RADIUS,
        border=ft.Border.all(2, ft.Colors.PRIMARY),
    )


def _offered(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """What other visits gave to the whole round and this one does not have."""
    offered = app.book.round_recommendations(visit)
    if not offered:
        return []
    found: list[ft.Control] = [heading(look, look.say("recommendation_offered"), number(len(offered), look.language))]
    for nth, one in enumerate(offered, 1):
        found.append(text(look, one.text, 16))
        found.append(
            button(
                look,
                look.say("recommendation_take"),
                lambda _event, shared=one.round_recommendation_id: app.tap(
                    app.book.take_round_recommendation, visit.id, shared
                ),
                icon=ft.Icons.ADD,
                name=look.say("recommendation_take_name", line=one.text),
                identifier=f"take-recommendation-{nth}",
            )
        )
    return found


def _opinion(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """The unit's own words, unchanged; agreeing is one tap."""
    opinion = str(visit.evidence.facts.get("unit_opinion") or "")
    agrees = word("opinion_agrees", "vi")  # minutes are Vietnamese

    def keep(words: str) -> str:
        return keeping(app, look, partial(app.book.state_facts, unit_opinion=words), visit.id)

    found: list[ft.Control] = [heading(look, look.say("opinion"))]
    if visit.is_open and not opinion:
        found.append(
            button(
                look,
                look.say("opinion_agrees"),
                lambda: keep(agrees),
                icon=ft.Icons.HANDSHAKE,
                identifier="opinion-agrees",
            )
        )
    field = Wording(
        look, look.say("opinion"), opinion, keep if visit.is_open else None, identifier="unit-opinion", lines=3
    )
    return [*found, field]
