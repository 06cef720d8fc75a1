"""The minutes, as AppState draws them up: to be read on the screen, and slice by slice as a file, so that the app lives on meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.device import Device
from app.minutes.blocks import Paper
from app.minutes.content import absences_of, file_name, minutes_of
from app.minutes.facts import Absence, Minutes
from app.minutes.wording import minutes_paper
from app.notebook import Notebook
from app.proof import code_of
from app.sync.freeze import freeze_of

STEP_SHOWN_MS = 200
"""How often the screen hears how far the file has come."""


@dataclass(frozen=True)
class DrawnUp:
    """A visit's minutes as a file, of the facts it was made from."""

    minutes: Minutes
    name: str
    data: bytes


@dataclass(frozen=True)
class ToRead:
    """A visit's minutes to be read: what they say, how they are laid out, their code once somebody has signed."""

    minutes: Minutes
    paper: Paper
    code: str


class Paperwork:
    """A part of AppState; how far a file has come is `drawing_up`, 0 to 1, None when none is being made."""

    device: Device
    notebook: Notebook | None
    drawing_up: float | None
    open_photos: Callable[[], Awaitable[None]]
    photo_bytes: Callable[[str], bytes | None]

    def minutes(self, visit: str) -> ToRead:
        """The minutes as the notebook has them now. Raises LookupError for a visit this phone does not know."""
        assert self.notebook is not None
        reading = self.notebook.visit(visit)
        minutes = minutes_of(reading, self.notebook.reference.teams.get(reading.team, ""))
        with self.notebook.store.reading() as connection:
            freeze = freeze_of(connection, visit)
        return ToRead(minutes, minutes_paper(minutes), code_of(freeze.content) if freeze else "")

    async def draw_up(self, visit: str) -> DrawnUp | None:
        """The minutes as a PDF; None when one is being made already. Raises OSError when the fonts are not there."""
        from app.minutes.pdf import minutes_pdf

        if self.drawing_up is not None:
            return None
        self.drawing_up = 0.0
        try:
            await self.open_photos()
            read = self.minutes(visit)
            minutes = read.minutes
            slices = minutes_pdf(minutes, self.device.assets / "fonts", self.photo_bytes, read.code)
            shown = self.device.now()
            while True:
                try:
                    done = next(slices)
                except StopIteration as made:
                    return DrawnUp(minutes, file_name(minutes, "pdf"), made.value)
                if self.device.now() - shown >= STEP_SHOWN_MS:
                    shown = self.device.now()
                    self.drawing_up = done
                await asyncio.sleep(0)
        finally:
            self.drawing_up = None

    async def minutes_word(self, visit: str) -> tuple[str, bytes]:
        """(name, bytes) of the minutes for Word. Raises OSError when the fonts it is measured by are not there."""
        from app.minutes.docx import minutes_docx

        await self.open_photos()
        read, fonts = self.minutes(visit), self.device.assets / "fonts"
        minutes = read.minutes
        made = await self.device.in_background(lambda: minutes_docx(minutes, fonts, self.photo_bytes, read.code))
        return file_name(minutes, "docx"), made

    async def supplement_file(self, visit: str, number: int) -> tuple[str, bytes]:
        """(name, bytes) of a supplement as a PDF, numbered from 1. Raises OSError when the fonts are not there."""
        from app.minutes.pdf import drained, supplement_pdf

        read, fonts = self.minutes(visit), self.device.assets / "fonts"
        minutes = read.minutes
        supplement = minutes.supplements[number - 1]
        own = code_of(supplement.content) if supplement.content else ""
        made = await self.device.in_background(
            lambda: drained(supplement_pdf(minutes, supplement, fonts, read.code, own))
        )
        return file_name(minutes, "pdf", f"bien-ban-bo-sung-{number}"), made

    async def absences_file(self, visit: str) -> tuple[str, bytes]:
        """(name, bytes) of the sheet with the names of those absent without a reason, of limited circulation."""
        from app.minutes.pdf import absences_pdf, drained

        minutes, absences = self.minutes(visit).minutes, self.absences(visit)
        fonts = self.device.assets / "fonts"
        made = await self.device.in_background(lambda: drained(absences_pdf(minutes, absences, fonts)))
        return file_name(minutes, "pdf", "luu-hanh-han-che-phu-luc-4"), made

    def absences(self, visit: str) -> tuple[Absence, ...]:
        """Who was absent without a reason, as far as names were written down."""
        assert self.notebook is not None
        return absences_of(self.notebook.visit(visit))
