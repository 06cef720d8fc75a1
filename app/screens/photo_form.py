"""Taking a photo: through the live camera where it opens, by choosing a file (or the phone's own camera) everywhere."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import flet as ft
import flet_camera as fc  # type: ignore[import-untyped]

from app.screens.frame import bar
from app.screens.parts import Handler, button, chips, panel, tell, text, touched
from app.screens.text_line import TextLine
from app.screens.theme import COUNTER, EDGE, GAP, KEY, MEDIUM, Look

CAMERA_PATIENCE_S = 8.0
"""A camera that has not opened by then is taken for one that will not."""
SHOT_PATIENCE_S = 10.0
CAPTIONS = ("board", "roster", "desk", "locked", "empty_room", "document")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a shot, in words; tone is good, amber or alarm."""

    words: str
    tone: str = "quiet"


@ft.component
def PhotoForm(
    look: Look,
    shot: str | bytes | None,
    verdict: Verdict | None,
    on_raw: Handler,
    on_use: Handler,
    on_retake: Handler,
    *,
    on_straighten: Handler | None = None,
    on_back: Handler | None = None,
    has_camera: bool = True,
    is_working: bool = False,
    caption: str = "",
    of: str = "",
    on_large: Handler | None = None,
) -> ft.Control:
    """Viewfinder while there is no `shot`, then the shot with its verdict and caption.

    `on_raw(bytes)` gets an image file as taken or chosen; `shot` is what to show of it (bytes, data URI or address),
    `is_working` while it is being prepared. `on_use(caption)` keeps it, `on_retake()` drops it, `on_straighten(caption)` keeps it
    and goes on to straighten it, where that is worth offering. `has_camera` says whether this device can show a live camera
    at all, `of` what the photo will belong to.
    """
    head = bar(look, look.say("photo"), on_back, subtitle=of or None)
    if is_working:
        return _framed([head, panel(look, ft.Icons.HOURGLASS_EMPTY, [look.say("photo_working")])])
    if shot is None:
        large = button(
            look, look.say("board"), on_large, kind="bare", icon=ft.Icons.PANORAMA_HORIZONTAL, identifier="large-board"
        )
        return _framed([head, *([large] if on_large else []), Viewfinder(look, on_raw, has_camera)])
    return _framed([head, Shot(look, shot, verdict, on_use, on_straighten, on_retake, caption)])


def _framed(controls: Sequence[ft.Control]) -> ft.Control:
    return ft.SafeArea(
        ft.Column(list(controls), spacing=0, expand=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        expand=True,
    )


@dataclass(eq=False)
class _Lens:
    """The camera and file picker of one viewfinder; services live as long as it does."""

    camera: fc.Camera | None = None
    opened: int = -1
    """For which attempt the camera was made: one that hung is not asked again."""
    picker: ft.FilePicker | None = None
    on_raw: Handler | None = None


WAITING, READY, NONE = "camera_starting", "camera_ready", "camera_none"
DENIED, BUSY, SILENT = "camera_denied", "camera_busy", "camera_silent"
"""How it stands with the camera; all but READY are said in these words."""

_REFUSALS = {
    DENIED: ("denied", "permission", "notallowed", "security"),
    BUSY: ("notreadable", "in use", "abort"),
}
"""What clients' own words for a refusal have in them; any other is a camera that is not there."""


def _refused(refusal: Exception) -> str:
    said = str(refusal).lower()
    return next((state for state, hints in _REFUSALS.items() if any(hint in said for hint in hints)), NONE)


async def _open(camera: fc.Camera) -> tuple[str, bool]:
    """(how it stands with the camera, whether it has a torch) after trying to open the one that looks away from us."""
    try:
        async with asyncio.timeout(CAMERA_PATIENCE_S):
            cameras = await camera.get_available_cameras()
            if not cameras:
                return NONE, False
            back = [c for c in cameras if c.lens_direction == fc.CameraLensDirection.BACK]
            await camera.initialize((back or cameras)[0], fc.ResolutionPreset.VERY_HIGH, enable_audio=False)
            return READY, await _has_torch(camera)
    except TimeoutError:
        return SILENT, False
    except RuntimeError as refusal:
        log.info("the camera did not open: %s", refusal)
        return _refused(refusal), False


async def _has_torch(camera: fc.Camera) -> bool:
    """Nobody can be asked; but where there is no torch a browser refuses to put it out, too."""
    try:
        await camera.set_flash_mode(fc.FlashMode.OFF)
    except RuntimeError as refusal:
        log.info("no torch here: %s", refusal)
        return False
    return True


@ft.component
def Viewfinder(look: Look, on_raw: Handler, has_camera: bool) -> ft.Control:
    """The live picture with the shutter under the thumb, and the other way: a file or the phone's own camera."""
    lens: _Lens = ft.use_ref(_Lens).current  # type: ignore[assignment]
    state, set_state = ft.use_state(WAITING if has_camera else NONE)
    attempt, try_again = ft.use_state(0)
    has_torch, set_torch = ft.use_state(False)
    is_lit, light = ft.use_state(False)
    is_busy, set_busy = ft.use_state(False)
    lens.on_raw = on_raw
    if lens.picker is None:

        async def picked(event: ft.FilePickerResultEvent) -> None:
            for file in event.files[:1]:
                await tell(lens.on_raw, file.bytes or b"")

        lens.picker = ft.FilePicker(on_result=picked)
    if has_camera and lens.opened != attempt:
        lens.camera, lens.opened = fc.Camera(expand=True), attempt

    async def start() -> None:
        if lens.camera is not None:
            found, torch = await _open(lens.camera)
            set_torch(torch)
            set_state(found)

    async def shoot() -> None:
        if lens.camera is None or is_busy:
            return
        set_busy(True)
        try:
            raw = await asyncio.wait_for(lens.camera.take_picture(), SHOT_PATIENCE_S)
        except (TimeoutError, RuntimeError) as refusal:
            log.warning("no picture came from the camera: %s", refusal)
            set_busy(False)
            set_state(SILENT)
            return
        await tell(on_raw, raw)

    async def torch() -> None:
        if lens.camera is None:
            return
        try:
            mode = fc.FlashMode.OFF if is_lit else fc.FlashMode.TORCH
            await asyncio.wait_for(lens.camera.set_flash_mode(mode), SHOT_PATIENCE_S)
        except (TimeoutError, RuntimeError) as refusal:
            log.info("no torch here: %s", refusal)
            set_torch(False)
        else:
            light(not is_lit)

    def again() -> None:
        set_state(WAITING)
        light(False)
        try_again(attempt + 1)

    ft.use_effect(start, [attempt])
    layers: list[ft.Control] = []
    if lens.camera is not None and state in (WAITING, READY):
        layers.append(lens.camera)
    if state != READY:
        icon = ft.Icons.PHOTO_CAMERA if state == WAITING else ft.Icons.NO_PHOTOGRAPHY
        words = panel(look, icon, [look.say(state)])
        layers.append(ft.Container(words, padding=EDGE, alignment=ft.Alignment.CENTER))
    ready = state == READY and not is_busy
    rows: list[ft.Control] = []
    if state in (WAITING, READY):
        rows.append(
            _release(look, touched(shoot) if ready else None, touched(torch) if ready else None, has_torch, is_lit)
        )
    elif state in (DENIED, BUSY, SILENT):
        retry = button(
            look, look.say("camera_again"), touched(again), icon=ft.Icons.REPLAY, identifier="camera-again",
            height=COUNTER, expand=True,
        )  # fmt: skip
        rows.append(ft.Row([retry]))
    pick = button(
        look,
        look.say("photo_pick"),
        None,
        kind="plain" if state in (WAITING, READY) else "main",
        action=ft.PickFiles(lens.picker, file_type=ft.FilePickerFileType.IMAGE, with_data=True),
        icon=ft.Icons.PHOTO_LIBRARY,
        identifier="pick-photo",
        height=COUNTER,
        expand=True,
    )
    return ft.Column(
        [
            ft.Container(
                ft.Stack(layers, fit=ft.StackFit.EXPAND, expand=True),
                bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
                expand=True,
                alignment=ft.Alignment.CENTER,
            ),
            ft.Container(ft.Column([*rows, ft.Row([pick])], spacing=GAP, tight=True), padding=EDGE),
        ],
        spacing=0,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _release(
    look: Look, on_shoot: Handler | None, on_torch: Handler | None, has_torch: bool, is_lit: bool
) -> ft.Control:
    """The shutter, and the torch where there is one."""
    torch = button(
        look,
        look.say("torch"),
        on_torch,
        kind="soft" if is_lit else "plain",
        icon=ft.Icons.FLASHLIGHT_ON,
        identifier="torch",
        height=KEY,
        expand=1,
    )
    shutter = button(
        look,
        look.say("shutter"),
        on_shoot,
        kind="main",
        icon=ft.Icons.PHOTO_CAMERA,
        identifier="shutter",
        height=KEY,
        size=18,
        expand=2,
    )
    return ft.Row([*([torch] if has_torch else []), shutter], spacing=GAP)


@ft.component
def Shot(
    look: Look,
    shot: str | bytes,
    verdict: Verdict | None,
    on_use: Handler,
    on_straighten: Handler | None,
    on_retake: Handler,
    caption: str,
) -> ft.Control:
    """The photo just taken, what the judge says of it, its caption by one touch or in words, «Dùng» and «Chụp lại»."""
    said, say = ft.use_state(caption)
    offered = [(code, look.say(f"caption_{code}")) for code in CAPTIONS]
    chosen = [code for code, words in offered if words == said]

    def choose(code: str) -> None:
        say("" if code in chosen else look.say(f"caption_{code}"))

    async def use() -> None:
        await tell(on_use, said.strip())

    async def straighten() -> None:
        await tell(on_straighten, said.strip())

    return ft.Column(
        [
            ft.Container(
                ft.Column(
                    [
                        ft.Container(
                            ft.Image(shot, fit=ft.BoxFit.CONTAIN, semantics_label=look.say("photo_shown")),
                            height=236,
                            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
                            alignment=ft.Alignment.CENTER,
                        ),
                        *([verdict_panel(look, verdict)] if verdict else []),
                        *([_offer(look, touched(straighten))] if on_straighten else []),
                        text(look, look.say("photo_caption"), 16, MEDIUM),
                        chips(look, offered, chosen, choose, identifier="caption"),
                        TextLine(
                            look, look.say("photo_caption"), said, say, on_type=say, most=300, identifier="caption"
                        ),
                    ],
                    spacing=GAP,
                    scroll=ft.ScrollMode.AUTO,
                    horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                ),
                padding=ft.Padding.symmetric(horizontal=EDGE, vertical=GAP),
                expand=True,
            ),
            ft.Container(
                ft.Row(
                    [
                        button(
                            look,
                            look.say("photo_again"),
                            touched(on_retake),
                            icon=ft.Icons.REPLAY,
                            identifier="retake",
                            height=COUNTER,
                            expand=1,
                        ),
                        button(
                            look,
                            look.say("photo_use"),
                            touched(use),
                            kind="main",
                            icon=ft.Icons.CHECK,
                            identifier="use-photo",
                            height=COUNTER,
                            size=18,
                            expand=1,
                        ),
                    ],
                    spacing=GAP,
                ),
                padding=ft.Padding.symmetric(horizontal=EDGE, vertical=GAP),
            ),
        ],
        spacing=0,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _offer(look: Look, on_straighten: Handler) -> ft.Control:
    words = look.say("straighten_offer")
    return button(look, words, on_straighten, kind="soft", icon=ft.Icons.CROP_FREE, identifier="use-and-straighten")


def verdict_panel(look: Look, verdict: Verdict) -> ft.Control:
    icons = {"good": ft.Icons.CHECK_CIRCLE, "amber": ft.Icons.WARNING, "alarm": ft.Icons.ERROR}
    return panel(look, icons.get(verdict.tone, ft.Icons.INFO), [verdict.words], verdict.tone)
