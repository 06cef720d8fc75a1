"""EOD-1, a team's day from a seed: 8 visits, 607 entries, 120 photos of 200 kB, each preview as heavy as the app lets one be.

Eight visits of 71 records each (the visit, nine rooms, forty answers of which some carry a remark, six findings, fifteen
photos), 31 answers corrected later, each visit closed at the end: 8 × (71 + 1) + 31 = 607 entries.
"""

import hashlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.notebook import Notebook
from app.photos.disk import FolderOnDisk
from app.photos.prepare import PREVIEW_BYTES
from app.photos.store import PhotoFiles
from app.recorder import Enrolment
from app.records import ATTENDANCE_SECTION
from app.sync.files import queue_photo
from app.sync.journal import Change
from app.sync.stamp import answer_id, count_id, new_uuid7, row_id

ASSETS = Path(__file__).parents[2] / "assets"
VISITS, ROOMS, PHOTOS = 8, 9, 15
PHOTO_BYTES = 200_000
CORRECTED = 31
SINGLE = (
    "badge_worn_all", "name_plate_displayed", "dress_and_manner_proper", "private_activity_seen", "alcohol_or_smoking_seen",
    "one_stop_equipment_adequate", "one_stop_camera_working", "duty_roster_posted", "duty_roster_followed",
    "dossiers_taken_elsewhere", "receipt_and_tracking_kept", "tthc_posting_compliant", "tthc_up_to_date",
    "tthc_board_accessible", "fees_posted", "feedback_channel_posted", "tthc_published_online", "internal_rules_updated",
    "work_programme_issued", "par_plan_issued", "self_inspection_done", "badge_missing_count",
)  # fmt: skip
"""22 answers of a visit; two per room make the other 18."""
REMARKS = (
    "Cán bộ trực đi họp ở huyện, chưa có giấy ủy quyền", "Bảng niêm yết cũ, thiếu ba thủ tục mới", "Đã nhắc, hẹn sửa trong tuần",
    "Sổ theo dõi ghi đến ngày 12, chưa cập nhật", "Máy lấy số hỏng từ tháng trước", "Hai người chưa đeo thẻ, đang làm lại",
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """A photo of the day, nothing but random bytes: as incompressible as a JPEG."""

    data: bytes
    preview: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def preview_sha256(self) -> str:
        return hashlib.sha256(self.preview).hexdigest()


def snapshot(dice: random.Random) -> Snapshot:
    jpeg = b"\xff\xd8\xff"
    return Snapshot(jpeg + dice.randbytes(PHOTO_BYTES - 3), jpeg + dice.randbytes(PREVIEW_BYTES - 3))


class DayClock:
    """Unix ms UTC that the day moves on: a quick day, a few minutes long, so that the clock agrees with central's."""

    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.ms


async def record_day(
    folder: Path,
    seed: int,
    enrolment: Enrolment,
    settle: Callable[[Notebook], Awaitable[None]],
    visits: int = VISITS,
) -> Notebook:
    """A notebook in `folder` with the day in it, photo files in `folder/photos`, everything waiting to be sent.

    `settle` syncs the empty notebook once, over a good line, before the day begins.
    """
    dice = random.Random(seed)
    clock = DayClock()
    book = Notebook(folder / "notebook.sqlite", now=clock, entropy=dice.randbytes, assets=ASSETS)
    book.enrol(enrolment)
    await settle(book)
    files = PhotoFiles(FolderOnDisk(folder / "photos"))
    for number in range(visits):
        clock.ms += 1000
        correct = (CORRECTED * (number + 1)) // VISITS - (CORRECTED * number) // VISITS
        await _record_visit(book, files, clock, dice, number, correct)
    return book


async def _record_visit(
    book: Notebook, files: PhotoFiles, clock: DayClock, dice: random.Random, number: int, corrected: int
) -> None:
    visit = new_uuid7(clock.ms, dice.randbytes(10))
    count = count_id(visit, clock.ms)
    unit = book.find_units("muong")[number]
    enrolment = book.enrolment
    assert enrolment is not None

    def record(*changes: Change, queue: Callable[[Any], None] | None = None) -> None:
        clock.ms += dice.randrange(20, 400)
        book._record(changes, queue)

    record(
        Change(
            "visit", visit,
            {
                "round": "dot-1", "team": enrolment.team, "unit_code": unit.code, "unit_valid_from": unit.valid_from,
                "unit_name": unit.name, "unit_level": unit.level, "visit_kind": "surprise_visit",
                "visit_date": "2026-11-21", "visit_started_at": clock.ms, "status": "open", "template": "spot_check_default",
                "template_version": 1, "main_count": count,
            },
            visit,
        )
    )  # fmt: skip
    rooms = [row_id(visit, ATTENDANCE_SECTION, count, f"Phòng số {n + 1}") for n in range(ROOMS)]
    for n, room in enumerate(rooms):
        patch = {
            "visit": visit,
            "section": ATTENDANCE_SECTION,
            "count": count,
            "name": f"Phòng số {n + 1}",
            "position": n,
        }
        record(Change("row", room, patch, visit))
    asked = [(room, item) for room in rooms for item in ("head_total", "head_present")] + [
        ("", item) for item in SINGLE
    ]
    for row, item in asked:
        value: Any = (
            dice.randrange(3, 12) if item.startswith("head") or item.endswith("count") else dice.choice(["yes", "no"])
        )
        patch = {"visit": visit, "row": row, "item": item, "value": value}
        if dice.random() < 0.3:
            patch["remark"] = dice.choice(REMARKS)
        record(Change("answer", answer_id(visit, row, item), patch, visit))
    for n in range(6):
        patch = {"visit": visit, "item": SINGLE[n], "severity": "medium", "text": dice.choice(REMARKS)}
        record(Change("finding", new_uuid7(clock.ms, dice.randbytes(10)), patch, visit))
    for n in range(PHOTOS):
        shot = snapshot(dice)
        await files.keep(shot.sha256, shot.data)
        await files.keep(shot.preview_sha256, shot.preview)
        patch = {
            "visit": visit, "row": rooms[n % ROOMS], "item": "attendance_room", "sha256": shot.sha256, "bytes": PHOTO_BYTES,
            "width": 1600, "height": 1200, "media_type": "image/jpeg", "taken_at": clock.ms, "preview": shot.preview_sha256,
        }  # fmt: skip

        def queue(connection: Any, shot: Snapshot = shot) -> None:
            queue_photo(connection, visit, shot.sha256, PHOTO_BYTES, shot.preview_sha256, len(shot.preview))

        record(Change("photo", new_uuid7(clock.ms, dice.randbytes(10)), patch, visit), queue=queue)
    for row, item in dice.sample(asked, corrected):
        patch = {"value": dice.randrange(12, 20) if "head" in item or item.endswith("count") else "na"}
        record(Change("answer", answer_id(visit, row, item), patch, visit))
    record(Change("visit", visit, {"status": "closed", "visit_ended_at": clock.ms}, visit))


def wire_bytes(body: dict[str, Any]) -> bytes:
    """A request's JSON as the phone writes it, unpacked."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
