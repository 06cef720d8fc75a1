"""Who signs the minutes and how; that they are frozen then; what came too late, beside what was signed; supplements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import flet as ft

from app.evidence import SignatureReading, SupplementReading
from app.readings import VisitReading
from app.records import SIGNATURE_ROLES
from app.screens.conflicts_screen import field_words, value_words
from app.screens.frame import bar, screen
from app.screens.listing import differing_row, fact, gathered, heading, typing_field
from app.screens.parts import Handler, button, chips, panel, text, warning_row
from app.screens.review_screen import section_title
from app.screens.road import use_road, visit_path
from app.screens.signature_pad import SignaturePad, Strokes, shown_signature
from app.screens.theme import EDGE, MEDIUM, RADIUS, Look
from app.screens.window import said, use_look, use_maybe
from app.screens.words import WORDS, day_and_moment, number
from app.state import Conflict, Late, Proof, Side, use_app

METHODS = {"drawn_on_screen": ft.Icons.DRAW, "on_paper": ft.Icons.DESCRIPTION, "refused": ft.Icons.BLOCK}


@dataclass(frozen=True)
class Draft:
    """Who is about to sign; `step` is "" (choosing), "pad" (drawing) or "refusal" (writing down why not)."""

    role: str = SIGNATURE_ROLES[0]
    person: str = ""
    name: str = ""
    post: str = ""
    reason: str = ""
    under: str = ""
    """The supplement to be signed; empty for the minutes."""
    step: str = ""


@ft.component
def SigningScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    draft, set_draft = ft.use_state(Draft())
    words, set_words = ft.use_state("")
    why, set_why = ft.use_state("")
    checked, set_checked = use_maybe(Proof)
    reading = app.book.visit(visit)

    def save(method: str, strokes: Strokes = ()) -> None:
        done = app.tap(
            app.book.sign, visit, draft.role, draft.name, draft.post, method, strokes, draft.reason,
            person=draft.person, supplement=draft.under,
        )  # fmt: skip
        if done:
            app.tell(said("sign_done", name=draft.name.strip()))
            set_draft(Draft(under=draft.under))

    def add() -> None:
        added = app.tap(app.book.supplement, visit, words, why)
        if added:
            count = len(app.book.visit(visit).evidence.supplements)
            app.tell(said("supplement_added", count=number(count)))
            set_words("")
            set_why("")
            set_draft(Draft(under=added))

    def check() -> None:
        set_checked(app.book.proof(visit))

    if draft.step == "pad":
        title = look.say(f"role_{draft.role}")
        how = look.say("sign_pad_how", name=draft.name.strip())
        return SignaturePad(
            look,
            title,
            how,
            lambda strokes: save("drawn_on_screen", strokes),
            lambda: set_draft(replace(draft, step="")),
        )
    body: list[ft.Control] = []
    wrong = sum(room.is_wrong for room in reading.figures.checks.values())
    if reading.is_signed:
        body += frozen(look, app.book.proof(visit), checked, check)
    else:
        body.append(panel(look, ft.Icons.DRAW, [look.say("sign_how")]))
        differing = len(app.book.conflicts(visit))
        body += differing_row(look, differing, road.to(visit_path(visit, "conflicts")), is_signed=False)
    body += signatures(look, reading.evidence.signatures, reading.evidence.supplements)
    if wrong and not reading.is_signed:
        review = road.to(visit_path(visit, "review"))
        shown = number(wrong, look.language)
        body.append(
            warning_row(look, ft.Icons.WARNING, look.say("sign_wrong_rooms", count=shown), review, "sign-wrong")
        )
    else:
        body += form(look, reading, draft, set_draft, save)
    if reading.is_signed:
        body += late(look, reading, app.book.supplement_of(visit))
        body += [
            heading(look, look.say("supplement_title")),
            typing_field(look, look.say("supplement_text"), words, set_words, identifier="supplement-text"),
            typing_field(look, look.say("supplement_reason"), why, set_why, identifier="supplement-reason"),
            button(
                look, look.say("supplement_add"), add if words.strip() else None, icon=ft.Icons.ADD,
                identifier="supplement-add",
            ),
        ]  # fmt: skip
    return screen(body, head=bar(look, look.say("sign_title"), road.back, subtitle=reading.unit_name), spacing=10)


def frozen(look: Look, proof: Proof | None, checked: Proof | None, on_check: Handler) -> list[ft.Control]:
    """That nothing changes any more, the code, and on asking whether this phone still holds what was signed."""
    found: list[ft.Control] = [panel(look, ft.Icons.LOCK, [look.say("sign_frozen")], "good")]
    if proof is None:
        return found
    found.append(fact(look, look.say("sign_code"), proof.code, identifier="sign-code"))
    if checked is None:
        found.append(
            button(look, look.say("sign_check"), on_check, icon=ft.Icons.VERIFIED_USER, identifier="check-code")
        )
        return found
    lines = [look.say("sign_check_good" if checked.is_as_signed else "sign_check_bad", code=checked.code)]
    if checked.signatures_of_other_content:
        lines.append(look.say("sign_check_others", names=", ".join(checked.signatures_of_other_content)))
    tone = "good" if checked.is_as_signed else "alarm"
    found.append(
        ft.Semantics(identifier="checked", container=True, content=panel(look, ft.Icons.VERIFIED_USER, lines, tone))
    )
    return found


def signatures(
    look: Look, found: Sequence[SignatureReading], supplements: Sequence[SupplementReading]
) -> list[ft.Control]:
    """Everybody who has signed, as they did."""
    if not found:
        return []
    numbers = {s.id: place for place, s in enumerate(supplements, 1)}
    drawn: list[ft.Control] = [heading(look, look.say("sign_signatures"), number(len(found), look.language))]
    for place, one in enumerate(found, 1):
        under = look.say("sign_minutes")
        if one.supplement in numbers:
            under = look.say("supplement_number", count=number(numbers[one.supplement], look.language))
        how = gathered(
            look.say(f"sign_by_{one.method}", **({"reason": one.reason} if one.method == "refused" else {})),
            day_and_moment(one.signed_at, look.language),
            under,
        )
        role = gathered(look.say(f"role_{one.role}"), one.post)
        lines: list[ft.Control] = [
            text(look, one.name, 17, MEDIUM),
            text(look, role, 16),
            text(look, how, 16, color=ft.Colors.ON_SURFACE_VARIANT),
        ]
        if one.strokes:
            lines.insert(2, ft.Row([shown_signature(one.strokes)]))
        drawn.append(_card(lines, f"signature-{place}"))
    return drawn


def form(look: Look, visit: VisitReading, draft: Draft, set_draft: Handler, on_sign: Handler) -> list[ft.Control]:
    """Who signs next, in which role, under what, and how."""
    language = look.language
    body: list[ft.Control] = [heading(look, look.say("sign_who"))]
    if visit.evidence.supplements:
        unders = [("", look.say("sign_minutes"))]
        for place, one in enumerate(visit.evidence.supplements, 1):
            unders.append((one.id, look.say("supplement_number", count=number(place, language))))
        body += [
            text(look, look.say("sign_under"), 16),
            chips(look, unders, [draft.under], lambda id: set_draft(replace(draft, under=id)), identifier="under"),
        ]
    roles = [(role, look.say(f"role_{role}")) for role in SIGNATURE_ROLES]
    body.append(
        chips(
            look, roles, [draft.role], identifier="role",
            on_choose=lambda role: set_draft(Draft(role, under=draft.under)),
        )
    )  # fmt: skip
    signed = {(s.role, s.name) for s in visit.evidence.signatures if s.supplement == draft.under}
    people = {p.id: p for p in visit.evidence.people(draft.role) if (p.role, p.name) not in signed}
    if people:

        def choose(id: str) -> None:
            chosen = people[id]
            set_draft(replace(draft, person=id, name=chosen.name, post=chosen.post))

        offered = [(p.id, gathered(p.name, p.post)) for p in people.values()]
        body.append(chips(look, offered, [draft.person], choose, identifier="person"))
    body += [
        typing_field(
            look, look.say("sign_name"), draft.name,
            lambda name: set_draft(replace(draft, name=name, person="")), identifier="sign-name",
        ),
        typing_field(
            look, look.say("sign_post"), draft.post,
            lambda post: set_draft(replace(draft, post=post)), identifier="sign-post",
        ),
    ]  # fmt: skip
    if draft.step == "refusal":
        body += [
            typing_field(
                look, look.say("sign_refused_why"), draft.reason,
                lambda reason: set_draft(replace(draft, reason=reason)), identifier="refused-why",
            ),
            button(
                look, look.say("sign_refused_save"), (lambda: on_sign("refused")) if draft.reason.strip() else None,
                kind="main", identifier="refused-save",
            ),
        ]  # fmt: skip
        return body
    ways: dict[str, Handler] = {
        "drawn_on_screen": lambda: set_draft(replace(draft, step="pad")),
        "on_paper": lambda: on_sign("on_paper"),
        "refused": lambda: set_draft(replace(draft, step="refusal")),
    }
    for method, way in ways.items():
        body.append(
            button(
                look, look.say(f"sign_do_{method}"), way if draft.name.strip() else None, icon=METHODS[method],
                kind="main" if method == "drawn_on_screen" else "plain",
                identifier=f"sign-{method.replace('_', '-')}",
            )
        )  # fmt: skip
    return body


def late(look: Look, visit: VisitReading, found: Sequence[Late]) -> list[ft.Control]:
    """What was signed and what somebody else had, or wrote later, field by field."""
    if not found:
        return []
    body: list[ft.Control] = [
        heading(look, look.say("supplement_late"), number(len(found), look.language)),
        text(look, look.say("supplement_late_how"), 16, color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    for place, one in enumerate(found, 1):
        phone = look.say("late_here" if one.is_own else "late_there")
        differing = _as_conflict(visit, one)
        lines = [
            text(look, _about(look, visit, differing), 16, MEDIUM),
            text(
                look, look.say("supplement_signed", value=value_words(look.language, visit, differing, one.signed)), 16
            ),
            text(look, look.say("supplement_later", value=value_words(look.language, visit, differing, one.later)), 16),
            text(
                look, gathered(one.author, phone, day_and_moment(one.at, look.language)), 16,
                color=ft.Colors.ON_SURFACE_VARIANT,
            ),
        ]  # fmt: skip
        body.append(_card(lines, f"late-{place}"))
    return body


def _as_conflict(visit: VisitReading, one: Late) -> Conflict:
    _, row, item = [*one.id.split("/"), "", ""][:3] if one.kind == "answer" else ("", "", "")
    nobody = Side(None, "", None, "")
    return Conflict(visit.id, one.kind, one.id, one.field, row, item, nobody, nobody)


def _about(look: Look, visit: VisitReading, one: Conflict) -> str:
    item = visit.template.items.get(one.item)
    if item is not None:
        where = visit.row_name(one.row) or section_title(look, visit, item.section)
        what = item.label[look.language]
        return gathered(where, what if one.field == "value" else f"{what}: {field_words(look, one.field)}")
    key = f"late_of_{one.kind}"
    kind = look.say(key if key in WORDS else "late_of_other")
    return gathered(kind, visit.row_name(one.id), field_words(look, one.field))


def _card(lines: Sequence[ft.Control], identifier: str) -> ft.Control:
    return ft.Semantics(
        identifier=identifier,
        container=True,
        content=ft.Container(
            ft.Column(list(lines), spacing=4, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            padding=EDGE,
            border_radius=RADIUS,
            border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
        ),
    )
