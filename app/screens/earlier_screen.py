"""What earlier visits and notices left open at this unit, each marked with one touch: done, partly, not done, on paper, not due."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flet as ft

from app.matters import Earlier
from app.readings import VisitReading
from app.records import NAME_MAX, REMEDIATION_STATUSES
from app.screens.frame import bar, screen
from app.screens.item_card import photo_strip
from app.screens.item_views import photo_views
from app.screens.listing import gathered
from app.screens.parts import badge, chips, empty_state, keyed, text
from app.screens.review_screen import TONES
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.visit_screen import shut_notes
from app.screens.window import use_look
from app.screens.wording import Deadline, Wording, keeping
from app.screens.words import day
from app.state import AppState, use_app


@ft.component
def EarlierScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    reading = app.book.visit(visit)
    earlier = app.book.earlier(reading)
    body: list[ft.Control] = [*shut_notes(look, app, reading)]
    if not earlier:
        body.append(empty_state(look, ft.Icons.HISTORY, look.say("earlier_none"), look.say("earlier_none_how")))
    for nth, one in enumerate(earlier, 1):
        body.append(keyed(one.matter.id, EarlierCard, look, app, road, reading, one, nth))
    return screen(body, head=bar(look, look.say("earlier_title"), road.back, subtitle=reading.unit_name))


@ft.component
def EarlierCard(look: Look, app: AppState, road: Road, visit: VisitReading, one: Earlier, nth: int) -> ft.Control:
    """One matter: what was said, what has become of it, and once that is marked its paper, a remark and a photo."""
    matter, seen = one.matter, one.seen
    name = look.say(f"earlier_{matter.kind}")
    marks: list[ft.Control] = []
    if matter.severity in TONES:
        marks.append(badge(look, ft.Icons.FLAG, look.say(matter.severity), TONES[matter.severity]))
    if matter.deadline:
        is_over = bool(visit.visit_date) and matter.deadline < visit.visit_date
        words = look.say("earlier_overdue" if is_over else "earlier_due", day=day(matter.deadline, look.language))
        marks.append(badge(look, ft.Icons.EVENT, words, "alarm" if is_over else "quiet", wraps=True))
    under = gathered(name, day(matter.day, look.language) if matter.day else "", matter.where)
    parts: list[ft.Control] = [
        text(look, matter.text, 16, MEDIUM),
        text(look, under, 16, color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    if marks:
        parts.append(ft.Row(marks, wrap=True, spacing=6, run_spacing=6))
    if one.before:
        parts.append(text(look, look.say("earlier_before"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
        shown = photo_views(app, one.before)
        parts.append(
            photo_strip(look, shown, lambda photo: road.go(f"/photo/{photo}"), None, identifier=f"before-{nth}")
        )
    chosen = [seen.remediation_status] if seen else []
    offered = REMEDIATION_STATUSES if visit.is_open else chosen
    parts.append(
        chips(
            look,
            [(code, look.say(code)) for code in offered],
            chosen,
            (lambda status: app.tap(app.book.follow_up, visit.id, matter, status)) if visit.is_open else None,
            identifier=f"earlier-{nth}",
        )
    )
    if seen:
        parts += _seen(look, app, road, visit, one, nth)
    return ft.Container(
        ft.Column(parts, spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        padding=EDGE,
        border_radius=RADIUS,
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


def _seen(look: Look, app: AppState, road: Road, visit: VisitReading, one: Earlier, nth: int) -> list[ft.Control]:
    """What else is recorded of a matter that was looked at."""
    seen = one.seen
    assert seen is not None

    def keep(field: str) -> Callable[[Any], str] | None:
        if not visit.is_open:
            return None
        return lambda value: keeping(
            app, look, partial(app.book.amend, **{field: value}), visit.id, "remediation", seen.id
        )

    fields: list[tuple[str, ft.Control]] = [
        (
            seen.remark,
            Wording(
                look,
                look.say("earlier_remark"),
                seen.remark,
                keep("remark"),
                identifier=f"earlier-remark-{nth}",
                lines=2,
            ),
        ),
        (
            seen.document_number,
            Wording(
                look,
                look.say("earlier_document"),
                seen.document_number,
                keep("document_number"),
                identifier=f"earlier-document-{nth}",
                most=NAME_MAX,
            ),
        ),
        (
            seen.issued_on,
            Deadline(
                look,
                look.say("earlier_issued_on"),
                seen.issued_on,
                keep("issued_on"),
                identifier=f"earlier-issued-{nth}",
            ),
        ),
    ]
    take = road.to(visit_path(visit.id, "photo", remediation=seen.id)) if visit.is_open else None
    strip = photo_strip(
        look,
        photo_views(app, one.after),
        lambda photo: road.go(f"/photo/{photo}"),
        take,
        of=one.matter.text,
        identifier=f"after-{nth}",
    )
    shown = [field for said, field in fields if said or visit.is_open]
    if not visit.is_open and not one.after:
        return shown
    return [*shown, text(look, look.say("earlier_photo"), 16, color=ft.Colors.ON_SURFACE_VARIANT), strip]
