"""Taking a photo of an item, a room or the visit."""

import asyncio
from dataclasses import dataclass
from functools import partial

import flet as ft

from app.readings import VisitReading
from app.screens.photo_form import PhotoForm, Verdict
from app.screens.position import use_locator
from app.screens.road import use_road, visit_path
from app.screens.theme import Look
from app.screens.window import use_look, use_maybe
from app.state import Shot, use_app

SUGGESTED_CAPTIONS = {
    "tthc_board_photo": "caption_board",
    "tthc_posting_compliant": "caption_board",
    "duty_roster_posted": "caption_roster",
    "duty_roster_followed": "caption_roster",
    "one_stop_equipment_adequate": "caption_desk",
}
"""Item → the caption its photo most often has; it can be changed before «Dùng»."""


STILL_HERE_MS = 10 * 60_000
"""A photo that was chosen and says it was taken longer ago than this was not taken where the phone is now."""


@dataclass(eq=False)
class Keeping:
    """Whether «Dùng» is being done: a second touch meanwhile keeps no second photo."""

    is_busy: bool = False


@ft.component
def PhotoScreen(visit: str, item: str, row: str, finding: str = "", remediation: str = "") -> ft.Control:
    app, look, road, locator = use_app(), use_look(), use_road(), use_locator()
    fix, follow = use_maybe(asyncio.Task)
    shot, show = use_maybe(Shot)
    tilted, set_tilted = use_maybe(Shot)
    is_working, set_working = ft.use_state(False)
    keeping: Keeping = ft.use_ref(Keeping).current  # type: ignore[assignment]
    reading = app.book.visit(visit)

    async def look_at(raw: bytes) -> None:
        set_working(True)
        follow(locator.ask() if app.book.is_positioned(visit) else None)
        try:
            seen = await app.look_at(raw)
            show(seen)
        finally:
            set_working(False)
        if seen is not None and await app.is_worth_straightening(seen.prepared):
            set_tilted(seen)

    async def keep(caption: str, *, and_straighten: bool = False) -> None:
        if shot is None or keeping.is_busy:
            return
        taken_at = shot.prepared.taken_at
        is_from_here = taken_at is None or abs(app.device.now() - taken_at) < STILL_HERE_MS
        on_its_way = fix if is_from_here else None
        has_come = on_its_way is not None and on_its_way.done() and on_its_way.exception() is None
        geopoint = on_its_way.result() if on_its_way and has_come else ""
        keeping.is_busy = True
        try:
            place = {"item": item, "row": row, "finding": finding, "remediation": remediation}
            photo = await app.use_photo(shot, visit, **place, caption=caption, geopoint=geopoint)
        finally:
            keeping.is_busy = False
        if photo is None:
            return
        if on_its_way:
            locator.follow(app, visit, on_its_way, "" if geopoint else photo)
        if and_straighten:
            road.go(f"/photo/{photo}/straighten", instead=True)
        else:
            road.back()  # the photo stands there: that says it is kept

    caption = "caption_after" if remediation else SUGGESTED_CAPTIONS.get(item, "")
    return PhotoForm(
        look,
        shot.prepared.data if shot else None,
        verdict_of(look, shot) if shot else None,
        look_at,
        keep,
        lambda: show(None),
        on_straighten=partial(keep, and_straighten=True) if shot is not None and tilted is shot else None,
        on_back=road.back,
        is_working=is_working,
        caption=look.say(caption) if caption else "",
        of=place_in_words(look, reading, item, row, finding, remediation),
        on_large=lambda: road.go(
            visit_path(visit, "board", item=item, row=row, finding=finding, remediation=remediation), instead=True
        ),
    )


def verdict_of(look: Look, shot: Shot) -> Verdict:
    verdict = shot.verdict
    words = verdict.message_en if look.language == "en" else verdict.message_vi
    return Verdict(words, "good" if verdict.is_good else "amber")


def place_in_words(look: Look, visit: VisitReading, item: str, row: str, finding: str, remediation: str) -> str:
    """What the photo will belong to, in words."""
    said = [f.text for f in visit.evidence.findings if f.id == finding]
    said += [r.text for r in visit.evidence.remediations if r.id == remediation]
    if said:
        name = said[0]
    elif item in visit.template.items:
        name = visit.template.items[item].label[look.language]
    elif item in visit.template.by_section:
        name = visit.template.by_section[item].title[look.language]
    else:
        name = visit.row_name(row) or visit.unit_name
    return name
