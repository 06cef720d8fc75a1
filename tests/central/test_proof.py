"""Anybody can check: a code off the page, or the PDF, against what was signed; one byte changed is named, honest copies are not."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.minutes.content import minutes_of
from app.minutes.pdf import drained, minutes_pdf
from app.proof import code_of, read_code
from central.attempts import LIMIT
from central.cli import main
from central.minutes import FONTS
from tests.sync.test_exchange import a_morning
from tests.sync.test_signed import STROKES
from tests.valley import Valley

NAME = "Vi Văn Pó"


class Evening:
    """A visit signed on Cúc's phone, the PDF she gave away right after the first signature, and central after the evening."""

    def __init__(self, folder: Path):
        self.valley = Valley(folder)
        with ThreadPoolExecutor(1) as beside:
            beside.submit(lambda: asyncio.run(self._play())).result()

    async def _play(self) -> None:
        phone = self.valley.cuc
        self.visit = self.valley.visit
        await a_morning(phone, self.visit)
        phone.book.sign(self.visit, "unit_representative", NAME, "Chủ tịch UBND xã", strokes=STROKES)
        self.handed_over = self.made()
        phone.clock.advance(60_000)  # type: ignore[attr-defined]
        phone.book.sign(self.visit, "team_leader", "Lê Thị Cúc", method="on_paper")
        await self.valley.sync_until_quiet()
        proof = phone.book.proof(self.visit)
        assert proof
        self.code = proof.code

    def made(self) -> bytes:
        """The minutes as Cúc's phone makes them now."""
        phone = self.valley.cuc
        reading = phone.book.visit(self.visit)
        minutes = minutes_of(reading, phone.book.reference.teams.get(reading.team, ""))
        proof = phone.book.proof(self.visit)
        assert proof
        return drained(minutes_pdf(minutes, FONTS, phone.files.read, proof.code))


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    evening = Evening(tmp_path_factory.mktemp("evening"))
    yield evening
    evening.valley.close()


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(evening: Evening, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`kiemtra verify …`: its status and all it says."""
    monkeypatch.setenv("KIEMTRA_DATA", str(evening.valley.settings.data))

    def verify(*arguments: str) -> tuple[int, str]:
        status = main(["verify", *arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return verify


@pytest.fixture
def page(evening: Evening) -> Iterator[httpx.Client]:
    with evening.valley.app.state.db.writing() as connection:
        connection.execute(text("DELETE FROM attempt"))
    client = TestClient(evening.valley.app, base_url="http://testserver", follow_redirects=False)
    yield client


def test_the_code_of_the_page_is_that_of_the_minutes_and_of_the_phone(evening: Evening) -> None:
    first, second = evening.valley.cuc.book.visit(evening.visit).evidence.signatures
    assert evening.code == code_of(first.content) == code_of(second.content)
    assert read_code(evening.code) == evening.code


def test_the_command_takes_a_code_a_visit_or_a_pdf(evening: Evening, run: Run, tmp_path: Path) -> None:
    for shown in (evening.code, evening.code.lower().replace("-", " "), evening.visit):
        status, said = run(shown)
        assert status == 0 and NAME in said and evening.code in said and "Trung tâm nhận lần đầu" in said
    for nth, copy in enumerate((evening.handed_over, evening.made())):
        file = tmp_path / f"{nth}.pdf"
        file.write_bytes(copy)
        assert run(str(file))[0] == 0, "the copy with one signature is as honest as the one with two"
    assert run("0000-0000-0000-0000") == (1, run("0000-0000-0000-0000")[1]) and run("Mường Lống")[0] == 1


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_one_byte_of_the_file_is_enough_and_what_it_is_part_of_is_named(
    evening: Evening, run: Run, tmp_path: Path
) -> None:
    honest, file = evening.handed_over, tmp_path / "changed.pdf"
    photos = [evening.valley.cuc.files.read(p.sha256) for p in evening.valley.cuc.book.visit(evening.visit).photos]
    places = {honest.index(photo) + len(photo) // 2: f"ảnh {n}" for n, photo in enumerate(photos, 1) if photo in honest}
    streams = [found.end() for found in re.finditer(rb"stream\n", honest)]
    places |= {streams[len(streams) // 2] + 30: "PDF", 10: "PDF", len(honest) - 3: "PDF"}
    for at, named in places.items():
        file.write_bytes(changed(honest, at))
        status, said = run(str(file))
        assert status == 1 and named in said, said
    file.write_bytes(honest[:-100])
    assert run(str(file))[0] == 1
    keywords = honest.index(b"/Keywords") + 20
    file.write_bytes(changed(honest, keywords))
    assert run(str(file))[0] == 1


@pytest.mark.parametrize("what", ["an answer in the journal", "a figure in the tables", "the signature", "a photo"])
def test_one_byte_at_central_is_enough_and_is_named(evening: Evening, run: Run, page: httpx.Client, what: str) -> None:
    valley, visit = evening.valley, evening.visit
    alterations = {
        "an answer in the journal": ("UPDATE entry SET patch = replace(patch, '\"value\":4', '\"value\":5') WHERE visit = ?", "số liệu"),
        "a figure in the tables": ("UPDATE answer SET value = '5' WHERE value = '4' AND visit = ?", "bảng answer"),
        "the signature": ("UPDATE signature SET name = 'Ai đó' WHERE method = 'drawn_on_screen' AND visit = ?", "bảng signature"),
    }  # fmt: skip
    if what == "a photo":
        name = valley.cuc.book.visit(visit).photos[0].sha256
        file = valley.settings.photos / name[:2] / name[2:4] / name
        held = file.read_bytes()
        file.write_bytes(changed(held, 20))
        status, said = run(evening.code)
        answered = page.post("/verify", data={"code": evening.code}).text
        file.write_bytes(held)
        assert status == 1 and "ảnh 1" in said and "ảnh 1" in answered and "Không đúng" in answered
        return
    statement, named = alterations[what]
    with sqlite3.connect(valley.settings.data / "central.sqlite") as connection, sqlite3.connect(":memory:") as kept:
        connection.backup(kept)
        assert connection.execute(statement, (visit,)).rowcount > 0
        connection.commit()
        status, said = run(evening.code)
        kept.backup(connection)
    assert status == 1 and named in said, said
    assert run(evening.code)[0] == 0


def test_the_page_answers_anybody_and_tells_no_more_than_it_must(evening: Evening, page: httpx.Client) -> None:
    assert page.get("/verify").status_code == 200
    answer = page.post("/verify", data={"code": evening.code.lower()})
    assert answer.status_code == 200 and "Đúng là bản đã ký" in answer.text
    for told in (NAME, "Lê Thị Cúc", "Đại diện đơn vị", "Trung tâm nhận lần đầu", "Xã Mường Lống"):
        assert told in answer.text
    for kept_back in ("Phòng Nội vụ", "Đường xa", evening.visit, evening.valley.cuc.book.chain[0]):  # type: ignore[index]
        assert kept_back not in answer.text
    sent = page.post("/verify", files={"file": ("bien-ban.pdf", evening.handed_over, "application/pdf")})
    assert sent.status_code == 200 and "Đúng là bản đã ký" in sent.text
    at = evening.handed_over.index(b"stream\n") + 40
    other = page.post("/verify", files={"file": ("bien-ban.pdf", changed(evening.handed_over, at), "application/pdf")})
    assert "Không đúng với bản đã ký" in other.text
    assert page.post("/verify", data={"code": "xin chào"}).status_code == 422
    assert page.post("/verify", files={"file": ("x.pdf", b"%PDF-1.4", "application/pdf")}).status_code == 422
    unknown = page.post("/verify", data={"code": "0000-0000-0000-0000"})
    assert unknown.status_code == 404 and "chưa có biên bản nào mang mã này" in unknown.text
    assert page.get("/verify", params={"code": evening.code}).status_code == 200


def test_codes_cannot_be_tried_out_one_after_another(evening: Evening, page: httpx.Client) -> None:
    seen = [page.post("/verify", data={"code": f"0000-0000-0000-{n:04}"}).status_code for n in range(LIMIT + 1)]
    assert seen == [404] * LIMIT + [429]
    assert "Retry-After" in page.post("/verify", data={"code": evening.code}).headers
