"""What the camera of a test phone sees: a drawn notice board, as the video file Chromium's fake camera plays."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.field import ASSETS

SIZE = (1280, 720)


def board(title: str = "BỘ THỦ TỤC HÀNH CHÍNH", lines: int = 14) -> Image.Image:
    """A sharp picture of a board with notices on a wall."""
    image = Image.new("RGB", SIZE, (150, 140, 120))
    brush = ImageDraw.Draw(image)
    brush.rectangle((60, 40, 1220, 680), fill=(245, 243, 235), outline=(70, 50, 30), width=12)
    head = ImageFont.truetype(ASSETS / "fonts" / "Roboto-Bold.ttf", 48)
    small = ImageFont.truetype(ASSETS / "fonts" / "Roboto-Regular.ttf", 26)
    brush.text((110, 70), title, fill=(150, 20, 20), font=head)
    for line in range(lines):
        brush.text(
            (110, 150 + line * 36),
            f"{line + 1}. Đăng ký khai sinh, lưu động, số {line * 7 + 3}/QĐ-UBND",
            fill=0,
            font=small,
        )
    return image


def as_video(image: Image.Image, path: Path) -> Path:
    """A motion JPEG for `--use-file-for-fake-video-capture`, held by a hand that is never quite still."""
    out = io.BytesIO()
    for shake in range(12):
        image.rotate(shake / 40).save(out, "JPEG", quality=92)
    path.write_bytes(out.getvalue())
    return path
