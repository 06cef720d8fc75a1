"""The demo of `make run`: six visits of a press report, recorded in a notebook and synced like any others.

`python -m tools.demo DATA` reads DATA/demo.json, enrols a phone of the demo at central and records the cases there, once.
`enter_case` is also how the tests enter cases.
"""

import asyncio
import hashlib
import io
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from app.notebook import Notebook, PhotoFacts
from app.photos.disk import FolderOnDisk
from app.photos.pillow import PillowPictures
from app.photos.prepare import prepare
from app.photos.store import PhotoFiles
from app.recorder import Enrolment
from app.sync import exchange
from app.units import UnitReading

ASSETS = Path(__file__).parents[1] / "assets"
CASES = ASSETS / "demo_cases.yaml"

Photographer = Callable[[str], Awaitable[PhotoFacts]]


def read_cases() -> dict[str, Any]:
    """The public cases: `visits`, `round`, `roll_up_example`."""
    document: dict[str, Any] = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    return document


def unit_of_case(book: Notebook, case: Mapping[str, Any]) -> UnitReading:
    """The unit of a case among the units known here: the old division for visits before 1 July 2025."""
    code = case["unit"]["code"]
    return book.reference.units.get(code, "") or next(u for u in book.reference.units if u.code == code)


async def enter_case(
    book: Notebook, case: Mapping[str, Any], photograph: Photographer, *, round_id: str = "", rooms: bool = False
) -> str:
    """Record a case through the notebook and return the visit's id; with `rooms` its illustrative rooms instead of one sum."""
    inputs = case["inputs"]
    visit = book.start_visit(
        unit_of_case(book, case), round_id=round_id, visit_date=case.get("visit_date"), started_at=None
    )
    rows = inputs.get("attendance_room", [])
    if rooms:
        rows = case["illustrative_rows"]["rows"]
    book.answer(visit, "attendance_mode", "per_room" if rooms else inputs["attendance_mode"])
    if rows:
        moment = book.now()
        count = book.add_count(visit, moment)
        for row in rows:
            room = book.add_room(visit, row["room_name"], count)
            book.set_heads(visit, room, {code: value for code, value in row.items() if code.startswith("head_")})
    template = book.visit(visit).template
    for name, value in inputs.items():
        if name in ("directives", "earlier_notices"):
            for entry in value:
                reference = template.by_section[name].items[0].code
                line = book.add_row(visit, name, entry[reference])
                book.answers(visit, [(item, v, line) for item, v in entry.items() if item != reference])
        elif name in template.items and name not in ("attendance_mode", "attendance_room"):
            book.answer(visit, name, value)
    for photo in inputs.get("photos", ()):
        for number in range(photo["count"]):
            facts = await photograph(f"{case['id']} {photo['item']} {number}")
            caption = "Ảnh minh họa của bản thử"
            book.add_photo(visit, facts, item=photo["item"] or "", caption=caption)
    book.close_visit(visit)
    return visit


def draw_photo(words: str) -> bytes:
    """A picture that says it is none: a grey board with the words on it, JPEG."""
    from PIL import Image, ImageDraw, ImageFont

    shade = 180 + int(hashlib.sha256(words.encode()).hexdigest()[:2], 16) // 4
    image = Image.new("RGB", (1280, 960), (shade, shade, shade - 20))
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(ASSETS / "fonts" / "Roboto-Medium.ttf"), 56)
    pen.rectangle((80, 80, 1200, 880), outline=(60, 60, 60), width=8)
    pen.multiline_text((140, 300), f"ẢNH MINH HỌA\nBẢN THỬ\n{words}", fill=(30, 30, 30), font=font, spacing=24)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def keeper(files: PhotoFiles) -> Callable[[bytes], Awaitable[PhotoFacts]]:
    """Prepares and keeps a picture as the app would."""

    async def keep(picture: bytes) -> PhotoFacts:
        photo = await prepare(picture, PillowPictures())
        await files.keep(photo.sha256, photo.data)
        await files.keep(photo.preview_sha256, photo.preview)
        return PhotoFacts(
            photo.sha256,
            len(photo.data),
            photo.width,
            photo.height,
            photo.media_type,
            photo.preview_sha256,
            len(photo.preview),
        )

    return keep


def photographer(files: PhotoFiles) -> Photographer:
    """Draws, prepares and keeps photos as the app would."""
    keep = keeper(files)

    async def photograph(words: str) -> PhotoFacts:
        return await keep(draw_photo(words))

    return photograph


async def seed(data: Path) -> int:
    """Record and sync the six cases at the central of DATA/demo.json; returns how many, 0 when they are there already."""
    demo = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    folder = data / "demo_phone"
    if (folder / "done").exists():
        return 0
    files = PhotoFiles(FolderOnDisk(folder / "photos"))
    book = Notebook(
        folder / "notebook.sqlite",
        now=lambda: time.time_ns() // 1_000_000,
        entropy=secrets.token_bytes,
        assets=ASSETS,
    )
    cases = read_cases()["visits"]
    async with httpx.AsyncClient(base_url=demo["url"], timeout=30) as client:
        if book.enrolment is None:
            given = await exchange.enrol(client, demo["seed_code"], "Máy của bản thử", book.install)
            team = given["team"]
            book.enrol(
                Enrolment(
                    given["device_id"],
                    given["token"],
                    given["server_id"],
                    demo["url"],
                    given["user"]["id"],
                    given["user"]["name"],
                    given["user"]["role"],
                    team["id"],
                    team["name"],
                )
            )
        if book.visit_count() == 0:
            for case in cases:
                await enter_case(book, case, photographer(files), round_id=demo["demo_round"])
        assert book.enrolment is not None
        client.headers["Authorization"] = f"Bearer {book.enrolment.token}"

        async def read_file(name: str) -> bytes:
            return files.read(name)

        await exchange.run(
            exchange.Run(
                book.store,
                client,
                book.enrolment.token,
                book.now,
                secrets.token_bytes,
                read_file,
                lambda _: None,
                book.changed_by_sync,
                book.reload,
            )
        )
    book.close()
    (folder / "done").write_text("")
    return len(cases)


if __name__ == "__main__":
    print(asyncio.run(seed(Path(sys.argv[1]))))
