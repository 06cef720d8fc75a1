"""Photographed boards are read at central, found by what they say, and held against the announced procedures."""

import asyncio
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image, ImageDraw, ImageFont

from app.sync.journal import Change
from app.sync.stamp import fold
from central import boards
from central.boards import NoReader, Tesseract, read_next
from central.database import rows
from central.demo import PROCEDURES
from central.hq import boards as pages
from central.imports import ImportRefused
from central.intake import write_as_central
from central.procedures import BoardLine, Procedure, compare, load_procedures, take_procedures
from tests.central.conftest import NOON, Clock, Office
from tests.field import ASSETS, FieldClock, Phone

NEEDS_READER = pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
POSTED = ["1.001193 Đăng ký khai sinh", "1.000894 Đăng ký kết hôn", "Cấp bản sao Trích lục hộ tịch"]
OLD = "Đăng ký tạm trú vào sổ giấy"


def board(lines: list[str]) -> bytes:
    """A JPEG of a board, upright and sharp."""
    image = Image.new("RGB", (1600, 200 + 90 * len(lines)), (246, 244, 236))
    brush = ImageDraw.Draw(image)
    font = ImageFont.truetype(ASSETS / "fonts" / "Roboto-Regular.ttf", 44)
    for number, line in enumerate(lines, 1):
        brush.text((90, 80 + 90 * (number - 1)), f"{number}. {line}", fill=(20, 20, 20), font=font)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=85)
    return held.getvalue()


@dataclass
class Evening:
    """Central after a phone has synced one visit with two photos, one of them of a board."""

    app: FastAPI
    visit: str
    clock: Clock
    phone: Phone
    client: Callable[[], httpx.AsyncClient]

    def read_all(self, reader: Tesseract) -> int:
        read = 0
        while read_next(self.app.state.db, self.app.state.photos, reader, self.clock):
            read += 1
        return read

    def ask(self, sql: str, **binds: object) -> list[dict[str, Any]]:
        with self.app.state.db.reading() as connection:
            return rows(connection, sql, **binds)

    def sync(self) -> None:
        async def once() -> None:
            async with self.client() as client:
                await self.phone.sync(client)

        asyncio.run(once())


@pytest.fixture
def evening(central: FastAPI, new_code: Callable[[str], str], clock: Clock, tmp_path: Path) -> Iterator[Evening]:
    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(central), base_url="http://central")

    phone = Phone(tmp_path / "cuc", FieldClock(NOON), seed=1)

    async def record() -> str:
        async with client() as wire:
            await phone.enrol(wire, new_code("cuc"))
            visit = phone.book.start_visit(phone.book.find_units("muong long")[0])
            facts = await phone.keep(board([*POSTED, OLD]))
            phone.book.add_photo(visit, facts, item="tthc_board_photo", caption="Bảng ở tiền sảnh")
            wall = io.BytesIO()
            Image.new("RGB", (640, 480), (150, 150, 140)).save(wall, "JPEG")
            phone.book.add_photo(visit, await phone.keep(wall.getvalue()), caption="Tường trống")
            await phone.sync(wire)
            return visit

    with central.state.db.writing() as connection:
        take_procedures(connection, PROCEDURES.read_bytes(), is_demo=True)
        template = phone.book.reference.templates["spot_check_default@1"]
        fields = {
            "code": template.code,
            "version": template.version,
            "title": template.title.vi,
            "body": dict(template.body),
        }
        change = Change("template", template.id, fields, "")
        write_as_central(connection, central.state.db.central_device, "an", [change], NOON)
    yield Evening(central, asyncio.run(record()), clock, phone, client)
    phone.close()


@NEEDS_READER
def test_a_board_is_found_by_what_it_says_and_held_against_the_list(
    evening: Evening, office: Callable[[str], Office]
) -> None:
    desk = office("binh")
    assert "Chưa đọc được chữ trên ảnh nào" in desk.open(f"/hq/visits/{evening.visit}/boards").text
    assert evening.read_all(Tesseract()) == 2
    assert evening.read_all(Tesseract()) == 0, "nothing is read twice"

    found = desk.open("/hq/boards?q=trich luc ho tich").text
    assert "Bảng ở tiền sảnh" in found and "Cấp bản sao Trích lục hộ tịch" in found
    assert "Không ảnh nào có" in desk.open("/hq/boards?q=giấy phép lái tàu").text

    with evening.app.state.db.reading() as connection:
        reading = evening.app.state.readings.visit(connection, evening.visit)
        texts = boards.texts_of(connection, [p.sha256 for p in reading.photos])
        compared, confidence = pages.held_against(connection, reading, texts)
    assert confidence is not None and confidence > boards.LEGIBLE
    standing = {c.procedure.name: c.standing for c in compared}
    assert [standing[name.split(" ", 1)[1] if name[0].isdigit() else name] for name in POSTED] == ["posted"] * 3
    assert standing[OLD] == "outdated"
    assert standing["Hòa giải tranh chấp đất đai"] == standing["Đăng ký lại khai sinh"] == "missing"


@NEEDS_READER
def test_only_what_a_person_confirms_becomes_a_finding_and_it_reaches_the_phone(
    evening: Evening, office: Callable[[str], Office]
) -> None:
    evening.read_all(Tesseract())
    desk, path = office("binh"), f"/hq/visits/{evening.visit}/boards"
    assert evening.ask("SELECT * FROM finding") == []
    for standing, said in (("missing", "Chưa niêm yết «Hòa giải tranh chấp đất đai» (mã 1.003554)"), ("open", None)):
        answer = desk.submit(f"{path}/1.003554", path, standing=standing)
        assert answer.status_code == 303
        evening.sync()
        findings = evening.phone.book.visit(evening.visit).evidence.findings
        assert [f.text for f in findings] == ([said] if said else [])
    assert desk.submit(f"{path}/1.003554", path, standing="missing").status_code == 303
    assert desk.submit(f"{path}/0.000000", path, standing="missing").status_code == 404
    assert desk.submit(f"{path}/1.003554", path, standing="burnt").status_code == 400
    assert "Trần Thị Bình" in desk.open(path).text


def test_without_a_reader_all_else_works_and_says_so(
    evening: Evening, office: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoReader, match="apt install tesseract-ocr"):
        Tesseract()
    desk = office("binh")
    assert "Chưa cài phần đọc chữ" in desk.open("/hq/boards").text
    assert "Bảng ở tiền sảnh" in desk.open(f"/hq/visits/{evening.visit}").text


def test_a_reader_that_crashes_leaves_a_photo_alone_and_goes_on(evening: Evening, tmp_path: Path) -> None:
    crashing = tmp_path / "tesseract"
    crashing.write_text(
        "#!/bin/sh\ncase $1 in --list-langs) echo vie;; --version) echo tesseract 5;; *) kill -SEGV $$;; esac\n"
    )
    crashing.chmod(0o755)
    reader = Tesseract(str(crashing))
    assert evening.read_all(reader) == 2
    assert {r["state"] for r in evening.ask("SELECT state FROM board_text")} == {"failed"}


def test_a_photo_that_kills_the_process_itself_is_tried_three_times(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL in the middle of a photo: nothing more is written."""

    class Dying:
        version = "x"

        def read(self, photo: bytes) -> boards.BoardText:
            raise Killed

    for _ in range(2 * boards.TRIES):
        with pytest.raises(Killed):
            read_next(evening.app.state.db, evening.app.state.photos, Dying(), evening.clock)  # type: ignore[arg-type]
    assert evening.read_all(Dying()) == 0  # type: ignore[arg-type]
    with evening.app.state.db.reading() as connection:
        assert boards.progress(connection) == {"held": 2, "done": 0, "failed": 2, "waiting": 0}


@NEEDS_READER
def test_the_process_of_its_own_reads_everything_and_ends(evening: Evening) -> None:
    settings = evening.app.state.settings
    done = subprocess.run(
        [sys.executable, "-m", "central", "read-boards"],
        env={**os.environ, "KIEMTRA_DATA": str(settings.data)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {r["state"] for r in evening.ask("SELECT state FROM board_text")} == {"read"}


def a_procedure(name: str, code: str = "1.000001", valid_to: str = "") -> Procedure:
    return Procedure(code, name, "commune", "", "", "2025-07-01", valid_to, "", False)


def test_a_longer_name_is_not_taken_for_the_shorter_one_in_it() -> None:
    short, long = a_procedure("Đăng ký khai sinh"), a_procedure("Đăng ký khai sinh có yếu tố nước ngoài", "1.000002")
    lines = [BoardLine("1. Đăng ký khai sinh có yếu tố", "p"), BoardLine("nước ngoài", "p")]
    standing = {c.procedure.name: c.standing for c in compare([short, long], lines, "2026-01-01", 90)}
    assert standing[long.name] == "posted" and standing[short.name] != "posted"


def test_a_board_one_cannot_read_proves_no_absence() -> None:
    for confidence, standing in ((None, "unsure"), (boards.LEGIBLE - 1, "unsure"), (boards.LEGIBLE, "missing")):
        (one,) = compare([a_procedure("Đăng ký kết hôn")], [], "2026-01-01", confidence)
        assert one.standing == standing


def test_misread_letters_still_find_the_procedure() -> None:
    (one,) = compare([a_procedure("Đăng ký kết hôn")], [BoardLine("Il. Đảng ky kêt hön", "p")], "2026-01-01", 80)
    assert one.standing == "posted" and fold("Đảng ky kêt hön") in fold(one.line.text if one.line else "")


def test_a_list_with_duplicate_codes_is_refused_whole(evening: Evening, office: Callable[[str], Office]) -> None:
    head = "code,name_vi,level,field,decision,valid_from,valid_to,replaced_by\n"
    twice = head + "1.000001,Một,commune,,,2025-07-01,,\n1.000001,Hai,commune,,,2026-01-01,,\n"
    desk = office("an")
    form = {"csrf": desk.token("/hq/procedures")}
    answer = desk.post("/hq/procedures", data=form, files={"file": ("a.csv", twice.encode(), "text/csv")})
    assert answer.status_code == 422 and "trùng thời gian hiệu lực với dòng 2" in answer.text
    with evening.app.state.db.writing() as connection:
        assert all(p.is_demo for p in load_procedures(connection)), "nothing was taken"
        with pytest.raises(ImportRefused) as refused:
            take_procedures(connection, (head + "x y,,village,,,hôm qua,2020,\n").encode())
        assert {fault.line for fault in refused.value.faults} == {2} and len(refused.value.faults) >= 4
    good = head + "1.000001,Một,commune,,,2025-07-01,2025-12-31,\n1.000001,Hai,commune,,,2026-01-01,,\n"
    answer = desk.post("/hq/procedures", data=form, files={"file": ("a.csv", good.encode(), "text/csv")})
    assert answer.status_code == 200 and "tệp có 2 thủ tục" in answer.text
    with evening.app.state.db.reading() as connection:
        assert [p.name for p in load_procedures(connection)] == ["Một", "Hai"], "the demo's list has made room"
