"""One item of the checklist as a card: its question, its answer, and what belongs to a failing."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

import flet as ft

from app.screens.date_line import DateLine
from app.screens.items import ItemView, OptionView, PhotoView
from app.screens.keypad import Keypad
from app.screens.parts import (
    LINE,
    Handler,
    badge,
    button,
    icon_button,
    pressable,
    saying,
    tell,
    text,
    touched,
)
from app.screens.tally import Tally, stepped
from app.screens.text_line import TextLine
from app.screens.theme import BOLD, COUNTER, EDGE, GAP, MEDIUM, RADIUS, Look
from app.screens.words import number

THUMB = 72


def photo_strip(
    look: Look,
    photos: Sequence[PhotoView],
    on_open: Handler | None,
    on_take: Handler | None,
    *,
    of: str = "",
    identifier: str = "photo",
) -> ft.Control:
    """Photos in small, each opened by a touch, and the button that takes one more. `of` names what they belong to."""

    def thumb(place: int, photo: PhotoView) -> ft.Control:
        inside: ft.Control = ft.Icon(ft.Icons.PHOTO, size=32)
        if photo.src is not None:
            inside = ft.Image(
                photo.src,
                width=THUMB,
                height=THUMB,
                fit=ft.BoxFit.COVER,
                exclude_from_semantics=True,
                border_radius=RADIUS,
            )
        return pressable(
            ft.Container(inside, width=THUMB, height=THUMB, alignment=ft.Alignment.CENTER),
            saying(on_open, photo.id),
            identifier=f"{identifier}-{place}",
            ground=ft.Colors.SURFACE_CONTAINER_HIGH,
            padding=0,
            name=look.say("photo_open", number=place, caption=photo.caption or look.say("photo_uncaptioned")),
        )

    take = [
        button(
            look,
            look.say("photo_take"),
            touched(on_take),
            icon=ft.Icons.PHOTO_CAMERA,
            name=look.say("photo_take_for", item=of) if of else None,
            identifier=f"{identifier}-take",
            height=COUNTER,
        )
    ]
    drawn: list[ft.Control] = []
    numbered = enumerate(photos, 1)
    for _, run in groupby(numbered, key=lambda pair: pair[1].photo_set or pair[1].id):
        thumbs = [thumb(place, photo) for place, photo in run]
        drawn += [_set_of(look, thumbs)] if len(thumbs) > 1 else thumbs
    return ft.Row(
        [*drawn, *(take if on_take is not None else [])],
        wrap=True,
        spacing=GAP,
        run_spacing=GAP,
    )


def _set_of(look: Look, thumbs: Sequence[ft.Control]) -> ft.Control:
    """The overlapping shots of one board, side by side under one name."""
    return ft.Container(
        ft.Column(
            [
                text(look, look.say("set", count=number(len(thumbs), look.language)), 16, MEDIUM),
                ft.Row(list(thumbs), wrap=True, spacing=2, run_spacing=2),
            ],
            spacing=2,
            tight=True,
        ),
        padding=4,
        border=ft.Border.all(1.5, ft.Colors.PRIMARY),
        border_radius=RADIUS,
    )


@ft.component
def ItemCard(
    look: Look,
    item: ItemView,
    on_answer: Handler,
    *,
    on_remark: Handler | None = None,
    on_photo: Handler | None = None,
    on_open_photo: Handler | None = None,
) -> ft.Control:
    """A card for any type of item; key it by row and code.

    `on_answer(value)` gets what the journal keeps (a number, a code, a list of codes, text, an ISO day) or None when
    the answer is taken back; `on_remark(text)`; `on_photo()` takes one, `on_open_photo(id)` shows one. A failing
    opens remark and photo in place.
    """
    is_told, tell_basis = ft.use_state(False)
    is_wide, widen = ft.use_state(False)
    marks: list[ft.Control] = []
    if item.fails:
        said = look.say("fails")
        if item.severity:
            said = f"{said} · {look.say(item.severity)}"
        marks.append(badge(look, ft.Icons.CANCEL, said, "alarm"))
    if item.photo_required_now:
        marks.append(badge(look, ft.Icons.PHOTO_CAMERA, look.say("photo_needed"), "amber"))
    shows_rest = item.fails or is_wide or item.photo_required_now or bool(item.remark) or bool(item.photos)
    shows_photos = shows_rest or item.type == "photo"

    def toggle_basis(_event: Any) -> None:
        tell_basis(lambda before: not before)

    def open_rest(_event: Any) -> None:
        widen(True)

    tools: list[ft.Control] = []
    if item.can_edit and not shows_rest and item.type != "text":
        tools.append(
            button(
                look,
                look.say("remark") if item.type == "photo" else f"{look.say('remark')} · {look.say('photo')}",
                open_rest,
                kind="bare",
                icon=ft.Icons.EDIT_NOTE,
                name=look.say("remark_on", item=item.label),
                identifier=f"more-{item.code}",
            )
        )
    if item.legal_basis:
        tools.append(
            button(
                look,
                look.say("legal_basis"),
                toggle_basis,
                kind="bare",
                icon=ft.Icons.MENU_BOOK,
                name=look.say("legal_basis_of", item=item.label),
                identifier=f"basis-{item.code}",
            )
        )
    answer = {
        "yes_no_na": _yes_no_na,
        "choice": _choice,
        "count": _count,
        "text": _text,
        "date": _date,
        "photo": _photo,
    }[item.type]
    return ft.Container(
        ft.Column(
            [
                text(look, item.label, 17, MEDIUM),
                *([text(look, item.help, 16, color=ft.Colors.ON_SURFACE_VARIANT)] if item.help else []),
                *([ft.Row(marks, wrap=True, spacing=6, run_spacing=6)] if marks else []),
                *answer(look, item, on_answer if item.can_edit else None),
                *(
                    [
                        photo_strip(
                            look,
                            item.photos,
                            on_open_photo,
                            on_photo if item.can_edit else None,
                            of=item.label,
                            identifier=f"photo-{item.code}",
                        )
                    ]
                    if shows_photos
                    else []
                ),
                *(
                    [
                        TextLine(
                            look,
                            look.say("remark_on", item=item.label),
                            item.remark,
                            on_remark if item.can_edit else None,
                            identifier=f"remark-{item.code}",
                            lines=2,
                        )
                    ]
                    if shows_rest
                    else []
                ),
                *([ft.Row(tools, wrap=True, spacing=4, run_spacing=0)] if tools else []),
                *([text(look, item.legal_basis, 16)] if is_told else []),
            ],
            spacing=GAP,
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=EDGE,
        border_radius=RADIUS,
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
        border=ft.Border.all(1.5 if item.fails else 1, ft.Colors.ERROR if item.fails else ft.Colors.OUTLINE_VARIANT),
    )


def _option(
    look: Look, item: ItemView, option: OptionView, is_chosen: bool, on_touch: Handler | None, *, centred: bool = False
) -> ft.Control:
    """A wide answer. The failing one says so by icon and word, chosen or not."""
    fails = ft.Row(
        [
            ft.Icon(ft.Icons.CANCEL, size=look.size(16), color=ft.Colors.ERROR),
            text(look, look.say("fails"), 14, MEDIUM, color=ft.Colors.ERROR, expand=True, expand_loose=True),
        ],
        spacing=3,
        tight=True,
        alignment=ft.MainAxisAlignment.CENTER if centred else ft.MainAxisAlignment.START,
    )
    ground = ft.Colors.SURFACE_CONTAINER_LOWEST
    edge = ft.Colors.OUTLINE
    if is_chosen:
        ground = ft.Colors.ERROR_CONTAINER if option.fails else ft.Colors.PRIMARY_CONTAINER
        edge = ft.Colors.ERROR if option.fails else ft.Colors.PRIMARY
    words = text(
        look,
        option.label,
        16,
        BOLD if is_chosen else MEDIUM,
        text_align=ft.TextAlign.CENTER if centred else ft.TextAlign.START,
    )
    inside = ft.Column(
        [words, *([fails] if option.fails else [])],
        spacing=0,
        tight=True,
        alignment=ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER if centred else ft.CrossAxisAlignment.STRETCH,
    )
    if centred:
        content: ft.Control = inside
    else:
        inside.expand = True
        marks = (ft.Icons.CHECK_BOX, ft.Icons.CHECK_BOX_OUTLINE_BLANK)
        if not item.multiple:
            marks = (ft.Icons.RADIO_BUTTON_CHECKED, ft.Icons.RADIO_BUTTON_UNCHECKED)
        content = ft.Row([ft.Icon(marks[0] if is_chosen else marks[1], size=look.size(24)), inside], spacing=10)
    return pressable(
        content,
        on_touch,
        identifier=f"{item.code}-{option.code}".replace("_", "-"),
        ground=ground,
        padding=ft.Padding.symmetric(
            horizontal=4 if centred else EDGE,
            vertical=max(6, (COUNTER - look.size(16) * LINE) / 2) if not option.fails else 6,
        ),
        border=ft.Border.all(2.5 if is_chosen else 1.5, edge),
        expand=1 if centred else None,
        name=look.say("answer_of", answer=option.label, item=item.label)
        + (f" ({look.say('fails')})" if option.fails else ""),
        selected=is_chosen,
    )


def _yes_no_na(look: Look, item: ItemView, on_answer: Handler | None) -> list[ft.Control]:
    failing = {option.code for option in item.options if option.fails}
    answers = [OptionView(code, look.say(code), code in failing) for code in ("yes", "no", "na")]
    return [
        ft.Row(
            [
                _option(
                    look,
                    item,
                    answer,
                    item.value == answer.code,
                    saying(on_answer, None if item.value == answer.code else answer.code),
                    centred=True,
                )
                for answer in answers
            ],
            spacing=6,
            intrinsic_height=True,
            vertical_alignment=ft.CrossAxisAlignment.STRETCH,
        )
    ]


def _choice(look: Look, item: ItemView, on_answer: Handler | None) -> list[ft.Control]:
    chosen = item.value if isinstance(item.value, tuple) else (item.value,)

    def after(code: str) -> Any:
        """The answer once `code` is touched."""
        if not item.multiple:
            return None if code in chosen else code
        kept = [o.code for o in item.options if (o.code in chosen) != (o.code == code)]
        return kept or None

    return [
        _option(look, item, option, option.code in chosen, saying(on_answer, after(option.code)))
        for option in item.options
    ]


def _count(look: Look, item: ItemView, on_answer: Handler | None) -> list[ft.Control]:
    return [CountLine(look, item, on_answer)]


@ft.component
def CountLine(look: Look, item: ItemView, on_answer: Handler | None) -> ft.Control:
    """− number +, and the keypad under it when the number is touched."""
    is_open, open_keypad = ft.use_state(False)
    tally: Tally = ft.use_ref(Tally).current  # type: ignore[assignment]
    value = item.value if isinstance(item.value, int) else None
    tally.meet({item.code: value})
    slug = item.code.replace("_", "-")

    async def keep(figures: dict[str, int | None]) -> None:
        await tell(on_answer, figures[item.code])

    async def step(by: int, _event: Any) -> None:
        await tally.put(keep, {item.code: stepped(tally.figures[item.code], by)})

    def toggle(_event: Any) -> None:
        open_keypad(lambda before: not before)

    said = (
        look.say("figure_empty", figure=item.label)
        if value is None
        else look.say("figure_is", figure=item.label, value=number(value, look.language))
    )
    can = on_answer is not None
    row = ft.Row(
        [
            icon_button(
                look,
                ft.Icons.REMOVE,
                look.say("one_less", figure=item.label),
                partial(step, -1) if can else None,
                kind="soft",
                size=COUNTER,
                identifier=f"{slug}-minus",
            ),
            button(
                look,
                number(value, look.language),
                toggle if can else None,
                on_long_press=toggle if can else None,
                name=said,
                identifier=slug,
                height=COUNTER,
                size=26,
                family=BOLD,
                expand=True,
                lines=1,
            ),
            icon_button(
                look,
                ft.Icons.ADD,
                look.say("one_more", figure=item.label),
                partial(step, 1) if can else None,
                kind="soft",
                size=COUNTER,
                identifier=f"{slug}-plus",
            ),
        ],
        spacing=6,
    )
    keypad = Keypad(look, [(item.code, item.label)], {item.code: value}, item.code, keep, lambda: open_keypad(False))
    return ft.Column([row, *([keypad] if is_open and can else [])], spacing=GAP, tight=True)


def _text(look: Look, item: ItemView, on_answer: Handler | None) -> list[ft.Control]:
    async def save(words: str) -> None:
        await tell(on_answer, words.strip() or None)

    return [
        TextLine(
            look,
            item.label,
            item.value if isinstance(item.value, str) else "",
            save if on_answer is not None else None,
            identifier=f"text-{item.code}".replace("_", "-"),
            lines=2,
        )
    ]


def _date(look: Look, item: ItemView, on_answer: Handler | None) -> list[ft.Control]:
    value = item.value if isinstance(item.value, str) else None
    return [DateLine(look, item.label, value, on_answer, identifier=f"date-{item.code}".replace("_", "-"))]


def _photo(_look: Look, _item: ItemView, _on_answer: Handler | None) -> list[ft.Control]:
    return []  # its photos are its answer; the strip below shows them
