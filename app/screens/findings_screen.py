"""Findings of a visit, gravest first, each opened to be worded, weighed, explained, merged or withdrawn; and other remarks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flet as ft

from app.checklist import SEVERITIES
from app.evidence import FindingReading
from app.readings import VisitReading
from app.records import OBSERVATION_KINDS
from app.screens.frame import bar, screen
from app.screens.item_card import photo_strip
from app.screens.item_views import photo_views
from app.screens.listing import gathered, heading
from app.screens.parts import badge, button, chips, empty_state, icon_button, keyed, list_row, pressable, text
from app.screens.review_screen import TONES, section_title
from app.screens.road import Road, use_road, visit_path
from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.visit_screen import shut_notes
from app.screens.window import said, use_look
from app.screens.wording import AddWording, Wording, keeping
from app.screens.words import day, number
from app.state import AppState, use_app

Repeats = dict[str, tuple[str, str]]


@ft.component
def FindingsScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    place = f"finding open {visit}"
    opened, set_opened = ft.use_state(str(road.kept(place, "")))
    severity, set_severity = ft.use_state("major")
    reading = app.book.visit(visit)
    repeats: Repeats = dict(app.book.repeats(reading))

    def open_one(finding: str) -> None:
        road.keep(place, finding)
        set_opened(finding)

    def keep_all() -> None:
        kept = app.tap(app.book.keep_findings, visit)
        if kept:
            app.tell(said("findings_kept", count=kept))

    def add(words: str) -> str:
        return keeping(app, look, app.book.add_finding, visit, words, severity)

    standing = reading.evidence.standing
    body: list[ft.Control] = [*shut_notes(look, app, reading)]
    fresh = sum(not f.is_kept for f in standing)
    if fresh and reading.is_open:
        words = look.say("findings_keep", count=number(fresh, look.language))
        body.append(
            button(look, words, keep_all, kind="main", icon=ft.Icons.PLAYLIST_ADD_CHECK, identifier="keep-findings")
        )
    if not standing:
        body.append(empty_state(look, ft.Icons.FLAG, look.say("findings_none"), look.say("findings_none_how")))
    for nth, finding in enumerate(standing, 1):
        if finding.id == opened and reading.is_open:
            body.append(keyed(finding.id, FindingForm, look, app, road, reading, finding, repeats, open_one))
        else:
            body.append(_card(look, reading, finding, repeats, nth, partial(open_one, finding.id)))
    if reading.is_open:
        body.append(
            chips(
                look,
                [(s, look.say(s)) for s in SEVERITIES],
                [severity],
                set_severity,
                identifier="new-severity",
            )
        )
        body.append(
            keyed(
                "add", AddWording, look, look.say("finding_add"), look.say("finding_add_do"), add,
                identifier="finding", lines=2,
            )
        )  # fmt: skip
    body += _off(look, app, reading)
    for kind in OBSERVATION_KINDS:
        body += _observations(look, app, reading, kind)
    return screen(body, head=bar(look, look.say("findings_title"), road.back, subtitle=reading.unit_name))


def finding_place(look: Look, visit: VisitReading, finding: FindingReading) -> str:
    """Where a finding was made: its room, or the part of the checklist."""
    item = visit.template.items.get(finding.item)
    return visit.row_name(finding.row) or (section_title(look, visit, item.section) if item else "")


def _marks(look: Look, finding: FindingReading, repeats: Repeats) -> list[ft.Control]:
    marks = []
    if finding.severity in TONES:
        marks.append(badge(look, ft.Icons.FLAG, look.say(finding.severity), TONES[finding.severity]))
    since = finding.repeat_date or repeats.get(finding.item, ("", ""))[1]
    if since:
        words = look.say("finding_repeats", day=day(since, look.language))
        marks.append(badge(look, ft.Icons.REPEAT, words, "alarm", wraps=True))
    if finding.now_passes:
        marks.append(badge(look, ft.Icons.CHECK_CIRCLE, look.say("finding_passes"), "amber", wraps=True))
    if finding.item and not finding.is_worded:
        marks.append(badge(look, ft.Icons.CHECKLIST, look.say("finding_in_step")))
    return marks


def _card(
    look: Look, visit: VisitReading, finding: FindingReading, repeats: Repeats, nth: int, on_open: Callable[[], None]
) -> ft.Control:
    photos = len(visit.photos_of_finding(finding))
    under = gathered(
        finding_place(look, visit, finding), f"{look.say('photo')}: {number(photos, look.language)}" if photos else ""
    )
    words: list[ft.Control] = [text(look, f"{nth}. {finding.text}", 16, MEDIUM)]
    if under:
        words.append(text(look, under, 16, color=ft.Colors.ON_SURFACE_VARIANT))
    if finding.unit_explanation:
        words.append(text(look, f"{look.say('finding_explanation')}: {finding.unit_explanation}", 16))
    words.append(ft.Row(_marks(look, finding, repeats), wrap=True, spacing=6, run_spacing=6))
    return pressable(
        ft.Column(words, spacing=4, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        (lambda _event: on_open()) if visit.is_open else None,
        identifier=f"finding-{nth}",
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


@ft.component
def FindingForm(
    look: Look,
    app: AppState,
    road: Road,
    visit: VisitReading,
    finding: FindingReading,
    repeats: Repeats,
    on_open: Callable[[str], None],
) -> ft.Control:
    """One finding, open: everything that can be said of it."""
    asking, ask = ft.use_state("")
    book, id = app.book, finding.id

    def keep(work: Callable[..., Any]) -> Callable[[str], str]:
        return lambda words: keeping(app, look, work, visit.id, id, words)

    def withdraw(reason: str) -> str:
        why = keeping(app, look, book.withdraw_finding, visit.id, id, reason)
        if not why:
            on_open("")
        return why

    def merge(into: str) -> None:
        if app.tap(book.merge_finding, visit.id, id, into) is not None:
            on_open(into)

    others = [f for f in visit.evidence.standing if f.id != id]
    parts: list[ft.Control] = [
        text(look, finding_place(look, visit, finding), 16, color=ft.Colors.ON_SURFACE_VARIANT),
        ft.Row(_marks(look, finding, repeats), wrap=True, spacing=6, run_spacing=6),
        Wording(
            look, look.say("finding_text"), finding.text, keep(book.word_finding), identifier="finding-words", lines=3
        ),
        text(look, look.say("finding_severity"), 16, MEDIUM),
        chips(
            look,
            [(s, look.say(s)) for s in SEVERITIES],
            [finding.severity],
            lambda s: app.tap(book.set_severity, visit.id, id, s),
            identifier="severity",
        ),
        Wording(
            look,
            look.say("finding_explanation"),
            finding.unit_explanation,
            keep(book.explain_finding),
            identifier="finding-explanation",
            lines=2,
        ),
        photo_strip(
            look,
            photo_views(app, visit.photos_of_finding(finding)),
            lambda photo: road.go(f"/photo/{photo}"),
            road.to(visit_path(visit.id, "photo", item=finding.item, row=finding.row, finding=id)),
            identifier="finding-photo",
        ),
        ft.Row(
            [
                button(
                    look,
                    look.say(f"finding_{way}"),
                    lambda _event, step=step: app.tap(book.move_finding, visit.id, id, step),
                    icon=icon,
                    identifier=f"finding-{way}",
                    expand=True,
                )
                for way, step, icon in (("up", -1, ft.Icons.ARROW_UPWARD), ("down", 1, ft.Icons.ARROW_DOWNWARD))
            ],
            spacing=GAP,
        ),
    ]
    if asking == "merge" and others:
        parts.append(text(look, look.say("finding_merge_into"), 16, MEDIUM))
        parts += [
            list_row(look, f.text, partial(merge, f.id), icon=ft.Icons.MERGE, identifier=f"merge-into-{n}")
            for n, f in enumerate(others, 1)
        ]
    elif asking == "withdraw":
        parts.append(
            AddWording(
                look, look.say("finding_withdraw_why"), look.say("finding_withdraw_do"), withdraw, identifier="withdraw"
            )
        )
    else:
        if others:
            parts.append(
                button(
                    look,
                    look.say("finding_merge"),
                    lambda: ask("merge"),
                    icon=ft.Icons.MERGE,
                    identifier="finding-merge",
                )
            )
        parts.append(
            button(
                look,
                look.say("finding_withdraw"),
                lambda: ask("withdraw"),
                icon=ft.Icons.UNDO,
                identifier="finding-withdraw",
            )
        )
    parts.append(button(look, look.say("finding_close"), lambda: on_open(""), kind="soft", identifier="finding-close"))
    return ft.Container(
        ft.Column(parts, spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        padding=EDGE,
        border_radius=RADIUS,
        border=ft.Border.all(2, ft.Colors.PRIMARY),
    )


def _off(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """Findings that do not count any more, each with why, and the way back."""
    off = [f for f in visit.evidence.findings if not f.stands]
    if not off:
        return []
    found: list[ft.Control] = [heading(look, look.say("findings_off"), number(len(off), look.language))]
    for nth, finding in enumerate(off, 1):
        why = look.say("finding_withdrawn", why=finding.withdrawn) if finding.withdrawn else look.say("finding_merged")
        words: list[ft.Control] = [
            text(look, finding.text, 16),
            text(look, why, 16, color=ft.Colors.ON_SURFACE_VARIANT),
        ]
        if visit.is_open:
            words.append(
                button(
                    look,
                    look.say("finding_back"),
                    lambda _event, id=finding.id: app.tap(app.book.take_back_finding, visit.id, id),
                    name=look.say("finding_back_name", finding=finding.text),
                    identifier=f"finding-back-{nth}",
                )
            )
        found.append(ft.Column(words, spacing=4, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH))
    return found


def _observations(look: Look, app: AppState, visit: VisitReading, kind: str) -> list[ft.Control]:
    """Strengths, good practice, causes: a field each, emptied to take it out."""
    listed = [o for o in visit.evidence.observations if o.observation_kind == kind]
    if not listed and not visit.is_open:
        return []
    name = look.say(kind)
    slug = kind.replace("_", "-")

    def add(words: str) -> str:
        return keeping(app, look, app.book.write_down, visit.id, "observation", observation_kind=kind, text=words)

    def amend(id: str, words: str) -> str:
        if not words.strip():
            return keeping(app, look, app.book.strike, visit.id, "observation", id)
        return keeping(app, look, app.book.amend, visit.id, "observation", id, text=words)

    found: list[ft.Control] = [heading(look, name)]
    for nth, observation in enumerate(listed, 1):
        field = keyed(
            observation.id,
            Wording,
            look,
            name,
            observation.text,
            partial(amend, observation.id) if visit.is_open else None,
            identifier=f"{slug}-{nth}",
            lines=2,
        )
        remove = icon_button(
            look,
            ft.Icons.DELETE,
            look.say("line_remove", line=observation.text),
            lambda _event, id=observation.id: app.tap(app.book.strike, visit.id, "observation", id),
            kind="plain",
            identifier=f"{slug}-remove-{nth}",
        )
        row: list[ft.Control] = [ft.Container(field, expand=True), *([remove] if visit.is_open else [])]
        found.append(ft.Row(row, spacing=GAP, vertical_alignment=ft.CrossAxisAlignment.START))
    if visit.is_open:
        label = look.say("observation_add", kind=name)
        found.append(keyed(f"add {kind}", AddWording, look, label, look.say("finding_add_do"), add, identifier=slug))
    return found
