"""Items of the checklist and photos as the cards draw them, from a visit as it reads."""

from collections.abc import Sequence

from app.checklist import Item, would_fail
from app.readings import PhotoReading, VisitReading, side_by_side
from app.screens.items import ItemView, OptionView, PhotoView
from app.screens.theme import Look
from app.state import AppState


def photo_views(app: AppState, photos: Sequence[PhotoReading]) -> tuple[PhotoView, ...]:
    """Photos in small, those of a set side by side; without a picture where only the name is on this phone."""
    return tuple(
        PhotoView(p.id, app.photo_bytes(p.preview or p.sha256), p.caption, p.photo_set if len(run) > 1 else "")
        for run in side_by_side(photos)
        for p in run
    )


def item_view(look: Look, app: AppState, visit: VisitReading, item: Item, row: str = "") -> ItemView:
    """One item in one row, with its answer, what it asks for, and its photos."""
    answer = visit.answers.get((row, item.code))
    value = answer.value if answer else None
    if item.type == "yes_no_na":
        options = tuple(OptionView(code, "", would_fail(item, code)) for code in ("yes", "no"))
    else:
        options = tuple(OptionView(o.code, o.label[look.language], would_fail(item, o.code)) for o in item.options)
    return ItemView(
        code=item.code,
        type=item.type,
        label=item.label[look.language],
        row=row,
        help=item.help if look.language == "vi" else "",
        legal_basis=item.legal_basis,
        options=options,
        multiple=item.multiple,
        value=tuple(value) if isinstance(value, list) else value,
        remark=answer.remark if answer else "",
        fails=visit.outcome.fails(item, row),
        severity=item.severity,
        photo_required_now=visit.outcome.misses_photo(item, row),
        photos=photo_views(app, visit.photos_of(row, item.code)),
        can_edit=visit.is_open,
    )
