"""One photo of a visit: seen whole, captioned, its place and where its file is; taken out when it does not belong."""

from collections.abc import Sequence

import flet as ft

from app.readings import PhotoReading
from app.records import LIMITED
from app.screens.frame import bar, screen
from app.screens.item_card import photo_strip
from app.screens.item_views import photo_views
from app.screens.items import PhotoView
from app.screens.listing import fact
from app.screens.parts import Handler, badge, button, chips, panel
from app.screens.position import in_words
from app.screens.road import use_road
from app.screens.text_line import TextLine
from app.screens.theme import RADIUS, Look
from app.screens.window import said, use_look
from app.screens.words import day_and_moment, number
from app.state import PhotoState, use_app


@ft.component
def PhotoViewScreen(photo: str) -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    is_sure, set_sure = ft.use_state(False)
    found = app.book.photo(photo)
    visit = app.book.visit(found.visit)
    whole = ft.use_memo(lambda: app.photo_bytes(found.sha256), [found.sha256])
    small = ft.use_memo(lambda: None if whole else app.photo_bytes(found.preview), [found.preview, whole is None])
    item, section = visit.template.items.get(found.item), visit.template.by_section.get(found.item)
    label = item.label if item else section.title if section else None
    places = [visit.row_name(found.row), label[look.language] if label else ""]

    def caption(words: str) -> None:
        app.tap(app.book.edit_photo, found, caption=words)

    def limit(_code: str) -> None:
        app.tap(app.book.edit_photo, found, is_limited=found.circulation != LIMITED)

    def remove() -> None:
        road.back()  # first: a photo that was taken out has no screen any more
        app.tap(app.book.remove_photo, found)
        app.tell(said("photo_removed"))

    members = visit.photo_sets.get(found.photo_set, ())
    if found not in members:
        members = ()  # what was drawn on stands in its place

    def remove_set() -> None:
        road.back()
        app.tap(app.book.remove_photo, *members)
        app.tell(said("set_removed", count=len(members)))

    def mark() -> None:
        road.go(f"/photo/{photo}/mark", instead=True)  # from there to the new one: this may be taken out meanwhile

    def straighten() -> None:
        road.go(f"/photo/{photo}/straighten", instead=True)  # as mark

    return draw(
        look,
        whole or small,
        found.caption,
        is_whole=whole is not None,
        facts=[
            (look.say("photo_taken"), day_and_moment(found.taken_at, look.language)),
            (look.say("photo_at"), ": ".join(p for p in places if p) or look.say("photo_at_visit")),
            *([(look.say("set_of"), set_place(look, members, found))] if members else []),
            *([(look.say("position_of"), in_words(look, found.geopoint))] if found.geopoint else []),
        ],
        state=app.book.file_states().get(found.sha256),
        unit=visit.unit_name,
        is_sure=is_sure,
        on_caption=caption if visit.is_open else None,
        is_limited=found.circulation == LIMITED,
        on_limit=limit if visit.is_open else None,
        on_ask=(lambda: set_sure(True)) if visit.is_open else None,
        on_remove=remove,
        on_keep=lambda: set_sure(False),
        others=photo_views(app, members),
        on_other=lambda other: road.go(f"/photo/{other}", instead=True),
        on_remove_set=remove_set,
        on_mark=mark if visit.is_open and whole is not None else None,
        on_straighten=straighten if visit.is_open and whole is not None else None,
        on_back=road.back,
    )


def draw(
    look: Look,
    picture: bytes | None,
    caption: str,
    *,
    is_whole: bool,
    facts: Sequence[tuple[str, str]],
    state: PhotoState | None,
    unit: str,
    is_sure: bool,
    on_caption: Handler | None,
    is_limited: bool,
    on_limit: Handler | None,
    on_ask: Handler | None,
    on_remove: Handler,
    on_keep: Handler,
    others: Sequence[PhotoView],
    on_other: Handler,
    on_remove_set: Handler,
    on_mark: Handler | None,
    on_straighten: Handler | None,
    on_back: Handler,
) -> ft.Control:
    body: list[ft.Control] = []
    is_lost = not is_whole and state is not None and not state.is_received
    if not is_whole:
        said = look.say("photo_lost" if is_lost else "photo_not_here")
        body.append(panel(look, ft.Icons.IMAGE_NOT_SUPPORTED, [said], "amber" if is_lost else "quiet"))
    if picture is not None:
        name = look.say("photo_open", number=1, caption=caption or look.say("photo_uncaptioned"))
        body.append(
            ft.Image(picture, fit=ft.BoxFit.CONTAIN, border_radius=RADIUS, semantics_label=name, gapless_playback=True)
        )
    if others:
        body.append(photo_strip(look, others, on_other, None, identifier="set-photo"))
    if not is_lost:
        body.append(ft.Row([_state(look, state)], wrap=True))
    body.append(TextLine(look, look.say("photo_caption"), caption, on_caption, identifier="caption"))
    body.append(
        chips(
            look,
            [(LIMITED, look.say("paper_limited"))],
            [LIMITED] if is_limited else [],
            on_limit,
            identifier="photo",
        )
    )
    body += [fact(look, name, value) for name, value in facts]
    if on_mark and not is_sure:
        body.append(button(look, look.say("mark_open"), on_mark, icon=ft.Icons.DRAW, identifier="photo-mark"))
    if on_straighten and not is_sure:
        words = look.say("straighten")
        body.append(button(look, words, on_straighten, icon=ft.Icons.CROP_FREE, identifier="photo-straighten"))
    if is_sure:
        body += [
            panel(look, ft.Icons.HELP, [look.say("photo_remove_ask")], "amber"),
            button(look, look.say("photo_remove_yes"), on_remove, kind="alarm", identifier="photo-remove-yes"),
            *([_remove_all(look, len(others), on_remove_set)] if others else []),
            button(look, look.say("cancel"), on_keep, kind="bare", identifier="photo-keep"),
        ]
    elif on_ask:
        body.append(
            button(look, look.say("photo_remove"), on_ask, kind="bare", icon=ft.Icons.DELETE, identifier="photo-remove")
        )
    return screen(body, head=bar(look, look.say("photo_title"), on_back, subtitle=unit))


def set_place(look: Look, members: Sequence[PhotoReading], photo: PhotoReading) -> str:
    """Which of a board's shots a photo is."""
    nth = number(members.index(photo) + 1, look.language)
    return look.say("set_member", count=number(len(members), look.language), nth=nth)


def _remove_all(look: Look, count: int, on_remove: Handler) -> ft.Control:
    words = look.say("set_remove", count=number(count, look.language))
    return button(look, words, on_remove, kind="alarm", identifier="set-remove")


def _state(look: Look, state: PhotoState | None) -> ft.Control:
    if state is None:
        return badge(look, ft.Icons.PHONE_ANDROID, look.say("photo_state_elsewhere"))
    if state.is_received:
        return badge(look, ft.Icons.CLOUD_DONE, look.say("photo_state_received"), "good")
    if state.why:
        why = state.why.split(" / ")[0 if look.language == "vi" else -1]
        return badge(look, ft.Icons.INFO, look.say("photo_state_refused", why=why), "amber")
    return badge(look, ft.Icons.CLOUD_UPLOAD, look.say("photo_state_saved"))
