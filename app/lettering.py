"""What AppState writes on photos: whether the font has the letters, and the band that says when and where."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.device import Device
from app.geopoint import read_geopoint
from app.message import Message
from app.notebook import Notebook
from app.photos.marks import Lettering, load_lettering, one_line
from app.photos.prepare import PreparedPhoto, banded
from app.records import TIME_ZONE_HOURS


class LettersOnPhotos:
    """A part of AppState."""

    device: Device
    notebook: Notebook | None
    tell: Callable[[Message], None]

    @property
    def lettering(self) -> Lettering:
        """The font that photos are drawn on with. Raises OSError when it is not there."""
        return load_lettering(self.device.assets)

    def writable(self, typed: str) -> str:
        """What was typed as it can be written on a photo; empty, with a message, when letters are missing from the font."""
        words = one_line(typed)
        missing = self.lettering.missing(words)
        if missing:
            shown = ", ".join(f"U+{ord(letter):04X}" for letter in missing[:3])
            self.tell(
                Message.of(
                    f"Không viết được {len(missing)} ký tự lên ảnh ({shown}): phông chữ không có. Ảnh vẫn như cũ. "
                    "Hãy bỏ biểu tượng, chỉ dùng chữ, số và dấu câu. / "
                    f"{len(missing)} characters cannot be written on a photo ({shown}): the font lacks them. "
                    "The photo is as it was. Use letters, figures and punctuation only."
                )
            )
            return ""
        return words

    async def with_band(self, photo: PreparedPhoto, visit: str, geopoint: str) -> PreparedPhoto:
        """The photo with its band, where the visit has one; else as it is. It is then a photo of that moment.

        The position stands in the pixels only while the visit records positions, and only when it is known by now.
        """
        assert self.notebook is not None
        if not self.notebook.is_banded(visit):
            return photo
        taken_at = photo.taken_at or self.device.now()
        position = geopoint if self.notebook.is_positioned(visit) else ""
        lines = band_lines(taken_at, self.notebook.visit(visit).unit_name, position)
        drawable = ["".join(letter for letter in line if self.lettering.face.glyph(letter)) for line in lines]
        return replace(await banded(photo, drawable, self.lettering, self.device.pictures), taken_at=taken_at)


def band_lines(taken_at: int, unit_name: str, geopoint: str) -> list[str]:
    """What the band below a photo says: day and time at +07:00, the unit, and the position where it is given."""
    there = datetime.fromtimestamp(taken_at / 1000, UTC) + timedelta(hours=TIME_ZONE_HOURS)
    lines = [f"{there:%d/%m/%Y %H:%M:%S} (+{TIME_ZONE_HOURS:02}:00)", unit_name]
    point = read_geopoint(geopoint)
    if point is not None:
        lines.append(f"{point.latitude}, {point.longitude} (±{point.accuracy_m} m)")
    return [line for line in lines if line]
