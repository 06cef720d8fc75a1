"""The minutes to be read through on the phone, part by part, and made into a PDF to be shared, kept or printed."""

import functools
from collections.abc import Sequence

import flet as ft

from app.minutes.blocks import (
    BOLD,
    PAGES,
    Block,
    Head,
    Paragraph,
    PhotoPlate,
    Recipients,
    Signatures,
    Table,
)
from app.screens.frame import bar, screen
from app.screens.listing import meter
from app.screens.parts import Handler, badge, button, panel, text
from app.screens.road import use_road
from app.screens.theme import EDGE, GAP, MEDIUM, RADIUS, REGULAR, Look
from app.screens.window import hand_out, said, use_look, use_maybe
from app.screens.words import number, size
from app.state import DrawnUp, ToRead, use_app

ROWS_SHOWN = 120
"""Rows of a table that are drawn; a phone would labour over more, the file has them all."""


@ft.component
def MinutesScreen(visit: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    picker: ft.FilePicker = ft.use_ref(ft.FilePicker).current  # type: ignore[assignment]
    sharing: ft.Share = ft.use_ref(ft.Share).current  # type: ignore[assignment]
    made, set_made = use_maybe(DrawnUp)
    to_read: ToRead = app.minutes(visit)
    drawn = made if made is not None and made.minutes == to_read.minutes else None

    async def make() -> None:
        try:
            set_made(await app.draw_up(visit))
        except OSError:
            app.tell(said("minutes_not_made", is_problem=True))

    async def file() -> tuple[str, bytes]:
        assert drawn is not None
        return drawn.name, drawn.data

    async def save() -> None:
        await hand_out(app, picker, file)

    async def save_word() -> None:
        await hand_out(app, picker, functools.partial(app.minutes_word, visit))

    async def save_supplement(place: int) -> None:
        await hand_out(app, picker, functools.partial(app.supplement_file, visit, place))

    async def save_absences() -> None:
        await hand_out(app, picker, functools.partial(app.absences_file, visit))

    async def share() -> None:
        """By the phone's own sheet; where there is none, the file is saved instead."""
        assert drawn is not None
        given = ft.ShareFile.from_bytes(drawn.data, mime_type="application/pdf", name=drawn.name)
        try:
            shared = await sharing.share_files([given], title=drawn.name, download_fallback_enabled=False)
        except RuntimeError:
            await save()
            return
        if shared.status == ft.ShareResultStatus.UNAVAILABLE:
            await save()

    missing = sum(app.photo_bytes(photo.sha256) is None for photo in to_read.minutes.photos)
    return screen(
        [
            *standing(look, to_read, missing),
            *cards(look, to_read.paper.blocks),
            button(look, look.say("minutes_word"), save_word, icon=ft.Icons.EDIT_DOCUMENT, identifier="save-word"),
            *(
                button(
                    look,
                    look.say("minutes_supplement", number=number(n, look.language)),
                    functools.partial(save_supplement, n),
                    icon=ft.Icons.POST_ADD,
                    identifier=f"save-supplement-{n}",
                )
                for n in range(1, len(to_read.minutes.supplements) + 1)
            ),
            *(limited(look, save_absences) if app.absences(visit) else []),
        ],
        head=bar(look, look.say("minutes_title"), road.back, subtitle=to_read.minutes.unit_name),
        foot=foot(look, app.drawing_up, drawn, make, share, save),
    )


def standing(look: Look, to_read: ToRead, missing: int) -> list[ft.Control]:
    """Draft or signed, the code, and what the file will lack."""
    mark = (
        badge(look, ft.Icons.LOCK, look.say("minutes_signed"), "good")
        if to_read.code
        else badge(look, ft.Icons.EDIT, look.say("minutes_draft"), "amber")
    )
    found: list[ft.Control] = [ft.Row([mark], wrap=True)]
    if to_read.code:
        found.append(text(look, look.say("minutes_code", code=to_read.code), 16, MEDIUM))
    else:
        found.append(text(look, look.say("minutes_how"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    if missing:
        words = look.say("minutes_photos_missing", count=number(missing, look.language))
        found.append(panel(look, ft.Icons.NO_PHOTOGRAPHY, [words], "amber"))
    return found


def foot(
    look: Look, drawing_up: float | None, drawn: DrawnUp | None, on_make: Handler, on_share: Handler, on_save: Handler
) -> ft.Control:
    """Make the file; how far it has come; then what can be done with it."""
    inside: list[ft.Control]
    if drawing_up is not None:
        done = round(drawing_up * 100)
        inside = [
            ft.Semantics(
                live_region=True, content=text(look, look.say("minutes_making", done=number(done, look.language)), 16)
            ),
            meter(done, 100),
        ]
    elif drawn is None:
        inside = [
            button(
                look, look.say("minutes_make"), on_make, kind="main", icon=ft.Icons.DESCRIPTION, identifier="make-pdf"
            )
        ]
    else:
        words = look.say("minutes_made", name=drawn.name, size=size(len(drawn.data), look.language))
        inside = [
            text(look, words, 16),
            ft.Row(
                [
                    button(
                        look, look.say("minutes_share"), on_share, kind="main", icon=ft.Icons.SHARE,
                        identifier="share-pdf", expand=True,
                    ),
                    button(
                        look, look.say("minutes_save"), on_save, icon=ft.Icons.SAVE, identifier="save-pdf", expand=True
                    ),
                ],
                spacing=GAP,
            ),
        ]  # fmt: skip
    return ft.Container(
        ft.Column(inside, spacing=6, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8),
    )


def limited(look: Look, on_save: Handler) -> list[ft.Control]:
    """The sheet with names, kept apart and said to be so."""
    return [
        panel(look, ft.Icons.LOCK, [look.say("minutes_limited_how")]),
        button(look, look.say("minutes_limited"), on_save, icon=ft.Icons.PERSON_OFF, identifier="save-absences"),
    ]


# The paper as cards


def cards(look: Look, blocks: Sequence[Block]) -> list[ft.Control]:
    """One card for the head and one for each part; a part begins with its heading."""
    groups: list[list[ft.Control]] = [[]]
    for block in blocks:
        if isinstance(block, Paragraph) and (block.level == 1 or block.starts_page) and groups[-1]:
            groups.append([])
        groups[-1] += shown(look, block)
    return [
        ft.Container(
            ft.Column(group, spacing=6, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            padding=EDGE,
            border_radius=RADIUS,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
            border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
        )
        for group in groups
    ]


def shown(look: Look, block: Block) -> list[ft.Control]:
    """A block of the paper as a phone shows it: tables row by row, signatures and photos as lines."""
    if isinstance(block, Paragraph):
        is_heading = block.level > 0 or all(style == BOLD for _, style in block.runs)
        words = block.words.replace(PAGES, "…")
        align = ft.TextAlign.CENTER if block.align == "center" else None
        return [text(look, words, 17 if block.level == 1 else 16, MEDIUM if is_heading else REGULAR, text_align=align)]
    if isinstance(block, Head):
        lines = [*block.right[:2], *block.left, *block.right[2:]]
        return [
            text(look, line.words, 16, MEDIUM if line.style == BOLD else REGULAR, text_align=ft.TextAlign.CENTER)
            for line in lines
        ]
    if isinstance(block, Table):
        rows = [row_shown(look, block, row) for row in block.rows[:ROWS_SHOWN]]
        if len(block.rows) > ROWS_SHOWN:
            rows.append(text(look, f"… {number(len(block.rows) - ROWS_SHOWN, look.language)}", 16))
        return rows + ([row_shown(look, block, block.total)] if block.total else [])
    if isinstance(block, Signatures):
        return [
            text(look, f"{s.post}: {s.name or '………'}{f' – {s.how}' if s.signature else ''}", 16) for s in block.signers
        ]
    if isinstance(block, Recipients):
        return [text(look, "\n".join(("Nơi nhận:", *block.lines)), 16)]
    assert isinstance(block, PhotoPlate)
    return [text(look, " ".join(block.caption), 16)]


def row_shown(look: Look, table: Table, row: Sequence[str]) -> ft.Control:
    """A row of a table as one text: its first words, then each further column by name."""
    place, first, *others = row
    said = [f"{column.title}: {value}" for column, value in zip(table.columns[2:], others, strict=True) if value]
    head = f"{place}. {first}" if place else first
    words = ft.Text(
        spans=[
            ft.TextSpan(head, ft.TextStyle(font_family=MEDIUM, size=look.size(16))),
            ft.TextSpan(f"\n{' · '.join(said)}" if said else "", ft.TextStyle(size=look.size(16))),
        ],
    )
    return ft.Container(
        words,
        border=ft.Border.only(bottom=ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)),
        padding=ft.Padding.only(bottom=4),
    )
