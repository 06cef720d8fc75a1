"""Who took part, the legal grounds, the papers shown, and the facts that only the minutes need."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flet as ft

from app.evidence import PaperReading, PersonReading
from app.readings import VisitReading
from app.records import ABSENT_ROLES, LIMITED, NAME_MAX, PERSON_ROLES
from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading
from app.screens.parts import button, chips, keyed, panel, pressable, text
from app.screens.road import use_road
from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.visit_screen import shut_notes
from app.screens.window import use_look
from app.screens.wording import AddWording, Deadline, Wording, keeping
from app.screens.words import day, number
from app.state import AppState, use_app

GROUPS = {
    "people_team": ("team_leader", "team_secretary", "team_member"),
    "people_unit": ("unit_representative", "witness"),
    "people_absent": ABSENT_ROLES,
}
"""Heading → the roles under it."""
FACT_FIELDS = ("document_number", "issuing_body_name", "parent_body_name", "place_name", "place", "period_checked", "copy_count")  # fmt: skip
PAPER_FIELDS = ("document_type", "document_number", "issuer", "subject")


@ft.component
def PeopleScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    opened, set_opened = ft.use_state("")
    role, set_role = ft.use_state("unit_representative")
    reading = app.book.visit(visit)
    said = reading.evidence

    def add_person(words: str) -> str:
        return keeping(app, look, partial(app.book.write_down, role=role, name=words), visit, "person")

    body: list[ft.Control] = [*shut_notes(look, app, reading)]
    known = app.book.known_people(reading) if reading.is_open else []
    if known:
        words = look.say("people_again", count=number(len(known), look.language))
        body.append(_again(look, words, lambda: app.tap(app.book.take_known_people, visit), "people-again"))
        body.append(text(look, ", ".join(p.name for p in known), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    for key, roles in GROUPS.items():
        people = [p for role_of in roles for p in said.people(role_of)]
        if people:
            body.append(heading(look, look.say(key)))
        if people and roles == ABSENT_ROLES:
            body.append(panel(look, ft.Icons.LOCK, [look.say("people_limited")]))
        for nth, person in enumerate(people, 1):
            slug = f"{key.replace('_', '-')}-{nth}"
            if person.id == opened and reading.is_open:
                body.append(keyed(person.id, PersonForm, look, app, reading, person, lambda: set_opened("")))
            else:
                under = gathered(look.say(person.role), person.post, person.body, person.reason)
                body.append(_line(look, reading, person.name, under, partial(set_opened, person.id), slug))
    if reading.is_open:
        roles_offered = [(code, look.say(code)) for code in PERSON_ROLES]
        body.append(chips(look, roles_offered, [role], set_role, identifier="new-role"))
        body.append(_add(look, "person_add", add_person, "person"))
    for kind, papers in (("ground", said.grounds), ("document", said.documents)):
        body += _papers(look, app, reading, kind, papers, opened, set_opened)
    body += _facts(look, app, reading)
    return screen(body, head=bar(look, look.say("people_title"), road.back, subtitle=reading.unit_name))


def _again(look: Look, words: str, on_take: Callable[[], Any], identifier: str) -> ft.Control:
    return button(look, words, on_take, kind="main", icon=ft.Icons.HISTORY, identifier=identifier)


def _add(look: Look, label: str, add: Callable[[str], str], identifier: str) -> ft.Control:
    return keyed(identifier, AddWording, look, look.say(label), look.say("finding_add_do"), add, identifier=identifier)


def _line(
    look: Look, visit: VisitReading, title: str, under: str, on_open: Callable[[], None], identifier: str
) -> ft.Control:
    words: list[ft.Control] = [text(look, title, 16, MEDIUM)]
    if under:
        words.append(text(look, under, 16, color=ft.Colors.ON_SURFACE_VARIANT))
    return pressable(
        ft.Column(words, spacing=2, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        (lambda _event: on_open()) if visit.is_open else None,
        identifier=identifier,
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
    )


def _form(
    look: Look, parts: Sequence[ft.Control], on_remove: Callable[[], None], on_close: Callable[[], None], name: str
) -> ft.Control:
    return ft.Container(
        ft.Column(
            [
                *parts,
                button(
                    look,
                    look.say("line_remove", line=name),
                    on_remove,
                    kind="bare",
                    icon=ft.Icons.DELETE,
                    identifier="line-remove",
                ),
                button(look, look.say("finding_close"), on_close, kind="soft", identifier="line-close"),
            ],
            spacing=GAP,
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=EDGE,
        border_radius=RADIUS,
        border=ft.Border.all(2, ft.Colors.PRIMARY),
    )  # fmt: skip


@ft.component
def PersonForm(
    look: Look, app: AppState, visit: VisitReading, person: PersonReading, on_close: Callable[[], None]
) -> ft.Control:
    """One person, open."""

    def keep(field: str) -> Callable[[str], str]:
        return lambda words: keeping(
            app, look, partial(app.book.amend, **{field: words}), visit.id, "person", person.id
        )

    def remove() -> None:
        app.tap(app.book.strike, visit.id, "person", person.id)
        on_close()

    shown = ["name", "post", "body", *(["reason"] if person.role in ABSENT_ROLES else [])]
    parts: list[ft.Control] = [
        Wording(
            look,
            look.say(f"person_{field}"),
            getattr(person, field),
            keep(field),
            identifier=f"person-{field}",
            most=NAME_MAX,
        )
        for field in shown
    ]
    parts.append(text(look, look.say("person_role"), 16, MEDIUM))
    parts.append(
        chips(
            look,
            [(code, look.say(code)) for code in PERSON_ROLES],
            [person.role],
            lambda role: app.tap(app.book.amend, visit.id, "person", person.id, role=role),
            identifier="role",
        )
    )
    return _form(look, parts, remove, on_close, person.name)


def _papers(
    look: Look,
    app: AppState,
    visit: VisitReading,
    kind: str,
    papers: Sequence[PaperReading],
    opened: str,
    set_opened: Callable[[str], None],
) -> list[ft.Control]:
    """Grounds or documents; a number is enough to begin with."""
    known = app.book.known_grounds(visit) if kind == "ground" and visit.is_open else []
    if not papers and not visit.is_open:
        return []

    def add(words: str) -> str:
        return keeping(app, look, partial(app.book.write_down, document_number=words), visit.id, kind)

    found: list[ft.Control] = [heading(look, look.say(f"{kind}s"))]
    if known:
        words = look.say("grounds_again", count=number(len(known), look.language))
        found.append(_again(look, words, lambda: app.tap(app.book.take_known_grounds, visit.id), "grounds-again"))
    for nth, paper in enumerate(papers, 1):
        if paper.id == opened and visit.is_open:
            found.append(keyed(paper.id, PaperForm, look, app, visit, kind, paper, lambda: set_opened("")))
        else:
            title = " ".join(part for part in (paper.document_type, paper.document_number) if part)
            dated = day(paper.issued_on, look.language) if paper.issued_on else ""
            limited = look.say("paper_limited") if paper.is_limited else ""
            under = gathered(dated, paper.issuer, paper.subject, limited)
            found.append(
                _line(look, visit, title or paper.subject, under, partial(set_opened, paper.id), f"{kind}-{nth}")
            )
    if visit.is_open:
        found.append(_add(look, f"{kind}_add", add, kind))
    return found


@ft.component
def PaperForm(
    look: Look, app: AppState, visit: VisitReading, kind: str, paper: PaperReading, on_close: Callable[[], None]
) -> ft.Control:
    """One ground or document, open."""

    def keep(field: str) -> Callable[[Any], str]:
        return lambda value: keeping(app, look, partial(app.book.amend, **{field: value}), visit.id, kind, paper.id)

    def remove() -> None:
        app.tap(app.book.strike, visit.id, kind, paper.id)
        on_close()

    def limit(_code: str) -> None:
        app.tap(app.book.amend, visit.id, kind, paper.id, circulation="" if paper.is_limited else LIMITED)

    parts: list[ft.Control] = [
        Wording(
            look,
            look.say(f"paper_{field.removeprefix('document_')}"),
            getattr(paper, field),
            keep(field),
            identifier=f"paper-{field.removeprefix('document_')}",
            most=NAME_MAX,
            lines=2 if field == "subject" else 1,
        )
        for field in PAPER_FIELDS
    ]
    parts.append(
        Deadline(look, look.say("paper_issued_on"), paper.issued_on, keep("issued_on"), identifier="paper-issued-on")
    )
    if kind == "document":
        chosen = [LIMITED] if paper.is_limited else []
        parts.append(chips(look, [(LIMITED, look.say("paper_limited"))], chosen, limit, identifier="paper"))
    return _form(look, parts, remove, on_close, paper.document_number or paper.subject)


def _facts(look: Look, app: AppState, visit: VisitReading) -> list[ft.Control]:
    """What stands at the head and the foot of the minutes; the number also when the visit is over."""
    facts = visit.evidence.facts

    def keep(field: str) -> Callable[[str], str]:
        if field == "document_number":
            return lambda words: keeping(app, look, app.book.give_number, visit.id, words)
        return lambda words: keeping(app, look, partial(app.book.state_facts, **{field: words}), visit.id)

    found: list[ft.Control] = [heading(look, look.say("facts"))]
    for field in FACT_FIELDS:
        value = facts.get(field)
        found.append(
            keyed(
                field,
                Wording,
                look,
                look.say(f"fact_{field}"),
                "" if value is None else str(value),
                keep(field) if visit.is_open or field == "document_number" else None,
                identifier=f"fact-{field.replace('_', '-')}",
                most=NAME_MAX,
            )
        )
    return found
