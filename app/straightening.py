"""Straightening a photo of a board, as AppState does it: where its corners are, and the photo made of what lies within them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from app.device import Device
from app.message import Message
from app.photos import perspective
from app.photos.prepare import NotAPhoto, PreparedPhoto, board_corners, is_worth_straightening, straightened
from app.readings import PhotoReading

Corners: TypeAlias = perspective.Corners

NOT_HERE = (
    "Máy này không có tệp của ảnh nên chưa nắn được. Ảnh vẫn như cũ. Hãy nắn trên máy đã chụp. / "
    "This phone does not have the photo's file, so nothing was straightened. The photo is as it was. "
    "Straighten it on the phone that took it."
)


class Straightening:
    """A part of AppState."""

    device: Device
    open_photos: Callable[[], Awaitable[None]]
    photo_bytes: Callable[[str], bytes | None]
    keep_made: Callable[[PhotoReading, PreparedPhoto], Awaitable[str | None]]
    tell: Callable[[Message], None]
    _camera: tuple[str, bytes] = ("", b"")
    """Of the photo taken last: under which name it is kept, and as the camera gave it."""

    async def find_corners(self, photo: PhotoReading) -> Corners | None:
        """Where the board on a kept photo ends, in the photo's pixels; None when none is found or the file is not here."""
        await self.open_photos()
        whole = self.photo_bytes(photo.sha256)
        try:
            return await board_corners(whole, self.device.pictures) if whole else None
        except NotAPhoto:
            return None  # whoever then straightens it is told

    async def is_worth_straightening(self, photo: PreparedPhoto) -> bool:
        """Whether a photo not kept yet is offered to be straightened."""
        return await is_worth_straightening(photo, self.device.pictures)

    def can_straighten(self, corners: Corners) -> bool:
        """Whether they go round a board."""
        return perspective.is_board_shape(corners)

    async def straighten_photo(self, photo: PhotoReading, corners: Corners) -> str | None:
        """Keep what lies within these corners as it looks from the front, as a photo made of this one; returns the new one's id.

        Of the photo taken last it is made from what the camera gave, of others from what was kept. None with a message when that
        could not be done; the photo itself stays as it is.
        """
        await self.open_photos()
        whole = self.photo_bytes(photo.sha256)
        if whole is None:
            self.tell(Message.of(NOT_HERE))
            return None
        try:
            name, camera = self._camera
            made = await straightened(whole, corners, self.device.pictures, camera if name == photo.sha256 else b"")
        except NotAPhoto as problem:
            self.tell(Message(problem.message_vi, problem.message_en))
            return None
        return await self.keep_made(photo, replace(made, taken_at=photo.taken_at))
