"""What central has: three lines with progress, the last success and failure in words, and every visit and photo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import flet as ft

from app.readings import VisitReading
from app.screens.frame import bar, screen
from app.screens.listing import gathered, heading, lines, meter, sent_badge
from app.screens.parts import Handler, button, chips, list_row, panel, text, warning_row
from app.screens.road import use_road, visit_path
from app.screens.theme import COUNTER, EDGE, MEDIUM, Look
from app.screens.today_screen import badge_of
from app.screens.window import use_look
from app.screens.words import day, day_and_moment, number, size
from app.state import AppState, PhotoState, SyncView, Unread, Waiting, use_app

VISITS_SHOWN = 20


@dataclass(frozen=True)
class Sending:
    """One of the three lines: figures, small photos, full photos. `of` 0 is nothing to send."""

    name: str
    done: int
    of: int
    words: str


@dataclass(frozen=True)
class VisitLine:
    """A visit and what central has of it; `details` once it is opened."""

    id: str
    unit: str
    when: str
    photos: int
    is_waiting: bool
    sent: ft.Control
    details: tuple[tuple[str, str], ...] = ()
    """(what, where it is) of the figures and of every photo."""


@dataclass(frozen=True)
class Task:
    """An entry that central refused, in words; `entry` is its (epoch, seq)."""

    visit: str
    title: str
    entry: tuple[str, int]


@ft.component
def SyncScreen() -> ft.Control:
    app, look, road = use_app(), use_look(), use_road()
    book, view = app.book, app.sync
    opened, set_opened = ft.use_state("")
    waiting = book.waiting()
    states = book.file_states() if opened else {}
    known = {
        v.id: VisitLine(
            v.id,
            v.unit_name,
            day(v.visit_date, look.language),
            v.photos,
            v.id in waiting.visits,
            sent_badge(look, v.id, waiting),
        )
        for v in book.visits(limit=VISITS_SHOWN)
    }
    for visit in sorted(waiting.visits - set(known), reverse=True)[:VISITS_SHOWN]:
        try:
            reading = book.visit(visit)
        except LookupError:  # its photo came by file or from central, and its beginning not yet
            continue
        when = day(reading.visit_date, look.language)
        known[visit] = VisitLine(
            visit, reading.unit_name, when, len(reading.photos), True, sent_badge(look, visit, waiting)
        )
    if opened in known:
        line = known[opened]
        details = details_of(look, book.visit(opened), waiting, states, view)
        known[opened] = replace(line, details=details)
    refused = [
        Task(
            task["visit"],
            str(task.get("title", "")).split(" / ")[0 if look.language == "vi" else -1],
            (task["epoch"], task["seq"]),
        )
        for task in book.refusals()
    ]

    differing: dict[str, int] = {}
    for conflict in book.conflicts():
        differing[conflict.visit] = differing.get(conflict.visit, 0) + 1

    def toggle(visit: str) -> None:
        set_opened("" if opened == visit else visit)

    return draw(
        look,
        view,
        three_lines(look, view, waiting, app.holds_photos),
        rest_words(look, view, waiting),
        sorted(known.values(), key=lambda line: not line.is_waiting),
        opened,
        refused,
        [
            *photos_gone(look, app),
            *(panel(look, ft.Icons.GPP_MAYBE, unread_words(look, one), "amber") for one in book.unread_visits()),
            *(
                warning_row(
                    look,
                    ft.Icons.CALL_SPLIT,
                    f"{book.visit(visit).unit_name}: {look.say('conflicts_n', count=number(count, look.language))}",
                    road.to(visit_path(visit, "conflicts")),
                    f"conflicts-{visit}",
                )
                for visit, count in differing.items()
            ),
        ],
        on_send=app.sync_now,
        on_visit=toggle,
        on_task=lambda visit: road.to(visit_path(visit)),
        over=app.photos_over,
        on_over=app.set_photos_over,
        on_seen=lambda task: lambda: app.tap(book.dismiss_refusal, *task.entry),
    )


def photos_gone(look: Look, app: AppState) -> list[ft.Control]:
    """One plain line when files of photos taken with this phone are not on it any more."""
    gone, lost = app.missing_photos()
    if not gone:
        return []
    said = look.say("photos_lost" if lost else "photos_gone", count=number(lost or gone, look.language))
    return [panel(look, ft.Icons.IMAGE_NOT_SUPPORTED, [said], "amber" if lost else "quiet")]


def unread_words(look: Look, visit: Unread) -> list[str]:
    """Which visit is no longer to be seen, why, and what has become of what was recorded there on this phone."""
    said = [
        look.say("unread", unit=visit.unit, day=day(visit.day, look.language)),
        visit.why.split(" / ")[0 if look.language == "vi" else -1],
    ]
    return [*said, look.say("unread_own", count=number(visit.own, look.language))] if visit.own else said


def three_lines(look: Look, view: SyncView, waiting: Waiting, is_held: bool = False) -> list[Sending]:
    """While sending: sent of how many; at rest: how many wait, and whether photos wait for another network."""
    p = view.progress
    running = {
        "sync_figures": (p.entries_sent, p.entries_total),
        "sync_previews": (p.previews_sent, p.previews_total),
        "sync_photos": (p.photos_sent, p.photos_total),
    }
    left = {"sync_figures": waiting.entries, "sync_previews": waiting.previews, "sync_photos": waiting.photos}
    found = []
    for key in running:
        done, of = running[key]
        if view.is_running and of:
            words = look.say("sync_of", done=number(done, look.language), of=number(of, look.language))
            found.append(Sending(look.say(key), done, of, words))
        elif left[key] and key == "sync_photos" and is_held:
            words = look.say("sync_held", count=number(left[key], look.language))
            found.append(Sending(look.say(key), 0, left[key], words))
        elif left[key]:
            words = look.say("sync_waits", count=number(left[key], look.language))
            found.append(Sending(look.say(key), 0, left[key], words))
        else:
            found.append(Sending(look.say(key), 1, 1, look.say("sync_nothing")))
    return found


def rest_words(look: Look, view: SyncView, waiting: Waiting) -> str:
    """Bytes sent and to go, and the minutes left at the speed of this run; empty when nothing is to go."""
    p = view.progress
    if view.is_running and p.bytes_total:
        left = max(0, p.bytes_total - p.bytes_sent)
        sent = look.say("sync_bytes", sent=size(p.bytes_sent, look.language), of=size(p.bytes_total, look.language))
        return gathered(sent, _minutes(look, left, view.bytes_per_second))
    return look.say("sync_to_go", size=size(waiting.bytes, look.language)) if waiting.bytes else ""


def _minutes(look: Look, left: int, speed: float | None) -> str:
    if not speed or not left:
        return ""
    minutes = left / speed / 60
    return (
        look.say("sync_left", minutes=number(ceil(minutes), look.language))
        if minutes >= 1
        else look.say("sync_left_less")
    )


def details_of(
    look: Look, visit: VisitReading, waiting: Waiting, states: dict[str, PhotoState], view: SyncView
) -> tuple[tuple[str, str], ...]:
    """Where the figures of a visit and each of its photos are."""
    has_figures = not waiting.entries or visit.id not in waiting.visits
    figures = (
        "brought"
        if visit.id in waiting.brought
        else "received"
        if has_figures
        else "queued"
        if view.is_running
        else "saved"
    )
    lines = [(look.say("sync_figures"), look.say(f"photo_state_{figures}"))]
    for place, photo in enumerate(visit.photos, 1):
        name = look.say("photo_of", number=place, caption=photo.caption or look.say("photo_uncaptioned"))
        state = states.get(photo.sha256)
        if state is None:
            said = look.say("photo_state_elsewhere")
        elif state.is_received:
            said = look.say("photo_state_received")
        elif state.why:
            why = state.why.split(" / ")[0 if look.language == "vi" else -1]
            said = look.say("photo_state_refused", why=why)
        elif view.is_running and photo.sha256 in view.progress.sending:
            said = look.say("photo_state_sending")
        else:
            said = look.say("photo_state_queued" if view.is_running else "photo_state_saved")
        lines.append((name, said))
    return tuple(lines)


def draw(
    look: Look,
    view: SyncView,
    sendings: Sequence[Sending],
    rest: str,
    visits: Sequence[VisitLine],
    opened: str,
    refused: Sequence[Task],
    notes: Sequence[ft.Control],
    *,
    on_send: Handler,
    on_visit: Callable[[str], None],
    on_task: Callable[[str], Handler],
    on_seen: Callable[[Task], Handler],
    over: str,
    on_over: Callable[[str], None],
) -> ft.Control:
    body: list[ft.Control] = [_sending(look, line) for line in sendings]
    if rest:
        body.append(text(look, rest, 16, MEDIUM))
    if view.last_success:
        moment = day_and_moment(view.last_success, look.language)
        body.append(_quiet(look, ft.Icons.CLOUD_DONE, look.say("sync_last", moment=moment)))
    else:
        body.append(_quiet(look, ft.Icons.CLOUD_QUEUE, look.say("never_synced")))
    if view.failure:  # also while the next try runs: lines must not jump under the thumb
        said = view.failure.en if look.language == "en" else view.failure.vi
        body.append(panel(look, ft.Icons.INFO, [said], "amber"))
    body += notes
    if refused:
        body.append(heading(look, look.say("sync_tasks"), number(len(refused), look.language)))
        body += [_task(look, place, task, on_task(task.visit), on_seen(task)) for place, task in enumerate(refused, 1)]
    body.append(heading(look, look.say("sync_over")))
    networks = [(code, look.say(f"sync_over_{code}")) for code in ("any", "unmetered", "none")]
    body.append(chips(look, networks, [over], on_over, identifier="photos-over"))
    body.append(heading(look, look.say("sync_visits")))
    if not visits:
        body.append(text(look, look.say("sync_visits_none"), 16, color=ft.Colors.ON_SURFACE_VARIANT))
    if visits:
        body.append(lines([_visit(look, line, line.id == opened, on_visit) for line in visits]))
    send = button(
        look,
        look.say("sync_running" if view.is_running else "sync_now"),
        None if view.is_running else on_send,
        kind="main",
        icon=ft.Icons.CLOUD_UPLOAD,
        identifier="sync-now",
        height=COUNTER,
    )
    state = badge_of(look, view)
    return screen(
        body,
        head=bar(look, look.say("tab_sync"), actions=[state] if state else []),
        foot=ft.Container(send, padding=ft.Padding.symmetric(horizontal=EDGE, vertical=8)),
    )


def _task(look: Look, place: int, task: Task, on_open: Handler, on_seen: Handler) -> ft.Control:
    """What central refused and why; touched to get there, put away once it was read."""
    return ft.Column(
        [
            list_row(look, task.title, on_open, icon=ft.Icons.ASSIGNMENT_LATE, identifier=f"task-{place}"),
            button(
                look, look.say("task_seen"), on_seen, kind="bare", icon=ft.Icons.DONE, identifier=f"task-{place}-seen"
            ),
        ],
        spacing=0,
        tight=True,
    )


def _sending(look: Look, line: Sending) -> ft.Control:
    return ft.Semantics(
        label=f"{line.name}: {line.words}",
        exclude_semantics=True,
        container=True,
        content=ft.Column(
            [
                ft.Row([text(look, line.name, 17, MEDIUM, expand=True), text(look, line.words, 17)]),
                meter(line.done, line.of),
            ],
            spacing=4,
            tight=True,
        ),
    )


def _quiet(look: Look, icon: ft.IconData, words: str) -> ft.Control:
    ink = ft.Colors.ON_SURFACE_VARIANT
    return ft.Row(
        [ft.Icon(icon, size=look.size(22), color=ink), text(look, words, 16, color=ink, expand=True)], spacing=8
    )


def _visit(look: Look, line: VisitLine, is_open: bool, on_visit: Callable[[str], None]) -> ft.Control:
    photos = look.say("photos_n", count=number(line.photos, look.language)) if line.photos else ""
    row = list_row(
        look,
        line.unit,
        lambda: on_visit(line.id),
        subtitle=gathered(line.when, photos),
        marks=[line.sent],
        identifier=f"sync-visit-{line.id}",
        chosen=is_open,
    )
    details = [
        ft.Container(
            ft.Column(
                [text(look, what, 16, MEDIUM), text(look, where, 16, color=ft.Colors.ON_SURFACE_VARIANT)],
                spacing=0,
                tight=True,
            ),
            padding=ft.Padding.only(left=24, right=EDGE, top=4, bottom=4),
        )
        for what, where in line.details
    ]
    return ft.Column([row, *details], spacing=0, tight=True)
