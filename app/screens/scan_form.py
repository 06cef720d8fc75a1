"""Reading an enrolment code with the camera: one picture after the other until one of them holds it."""

import asyncio
import logging

import flet as ft
import flet_camera as fc  # type: ignore[import-untyped]

from app.screens.parts import Handler, button, panel, tell
from app.screens.photo_form import CAMERA_PATIENCE_S, SHOT_PATIENCE_S
from app.screens.theme import COUNTER, EDGE, GAP, Look
from app.state import read_link, use_app

log = logging.getLogger(__name__)


@ft.component
def ScanForm(look: Look, on_code: Handler, on_cancel: Handler) -> ft.Control:
    """`on_code(text)` gets the link once a code of ours was seen; `on_cancel()` goes back to typing."""
    app = use_app()
    said, say = ft.use_state("camera_starting")
    camera: fc.Camera = ft.use_ref(lambda: fc.Camera(expand=True)).current

    async def look_for_code() -> None:
        try:
            async with asyncio.timeout(CAMERA_PATIENCE_S):
                cameras = await camera.get_available_cameras()
                if not cameras:
                    say("camera_none")
                    return
                back = [c for c in cameras if c.lens_direction == fc.CameraLensDirection.BACK]
                await camera.initialize((back or cameras)[0], fc.ResolutionPreset.HIGH, enable_audio=False)
            say("scan_how")
            while True:
                picture = await asyncio.wait_for(camera.take_picture(), SHOT_PATIENCE_S)
                found = await app.device.read_code(picture)
                code, _ = read_link(found)
                if found and code and "://" in found:
                    await tell(on_code, found)
                    return
                if found:
                    say("scan_not_ours")
        except TimeoutError:
            say("camera_none")
        except RuntimeError as refusal:
            log.info("the camera does not read codes: %s", refusal)
            words = str(refusal).lower()
            say(
                "camera_denied"
                if "permission" in words or "denied" in words or "notallowed" in words
                else "camera_none"
            )

    ft.use_effect(look_for_code, [])
    is_looking = said in ("scan_how", "scan_not_ours")
    picture: ft.Control = ft.Stack(
        [camera, *([] if is_looking else [_words(look, said)])], fit=ft.StackFit.EXPAND, expand=True
    )
    foot: list[ft.Control] = [panel(look, ft.Icons.QR_CODE_SCANNER, [look.say(said)])] if is_looking else []
    foot.append(
        button(look, look.say("scan_type"), on_cancel, icon=ft.Icons.KEYBOARD, identifier="type-code", height=COUNTER)
    )
    return ft.Column(
        [
            ft.Container(picture, bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST, expand=True),
            ft.Container(
                ft.Column(foot, spacing=GAP, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
                padding=EDGE,
            ),
        ],
        spacing=0,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _words(look: Look, said: str) -> ft.Control:
    icon = ft.Icons.PHOTO_CAMERA if said == "camera_starting" else ft.Icons.NO_PHOTOGRAPHY
    return ft.Container(panel(look, icon, [look.say(said)]), padding=EDGE, alignment=ft.Alignment.CENTER)
