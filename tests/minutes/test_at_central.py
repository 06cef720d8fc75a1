"""Central makes the same minutes from what it was sent: for Home Affairs, and for the team whose visit it is."""

import asyncio
import io
from collections.abc import Iterator

import httpx
import pypdf
import pytest

from app.minutes.content import minutes_of
from app.minutes.pdf import drained, minutes_pdf
from tests.central.conftest import Office
from tests.field import ASSETS
from tests.minutes.ky_son import sign, visit_ky_son
from tests.valley import PASSWORD, Valley


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Valley, str]]:
    """The valley, and the signed visit."""
    valley = Valley(tmp_path_factory.mktemp("valley"))
    visit = visit_ky_son(valley.cuc)
    sign(valley.cuc, visit)
    assert asyncio.run(valley.sync("cuc")) is None
    yield valley, visit
    valley.close()


def ask(valley: Valley, path: str, headers: dict[str, str]) -> httpx.Response:
    client = valley.clients["hoa"]
    client.headers.pop("Authorization", None)
    return asyncio.run(client.get(path, headers=headers))


def office(valley: Valley) -> dict[str, str]:
    return asyncio.run(valley.office())


def test_central_and_phone_make_the_same_file(valley: tuple[Valley, str]) -> None:
    at, visit = valley
    answer = ask(at, f"/api/v1/visits/{visit}/minutes.pdf", office(at))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert (
        answer.headers["content-disposition"]
        == 'attachment; filename="bien-ban_2021-02-05_uy-ban-nhan-dan-huyen-ky-son.pdf"'
    )
    book = at.cuc.book
    reading = book.visit(visit)
    minutes = minutes_of(reading, book.reference.teams.get(reading.team, ""))
    proof = book.proof(visit)
    assert proof is not None
    assert answer.content == drained(minutes_pdf(minutes, ASSETS / "fonts", at.cuc.files.read, proof.code))
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    assert proof.code in text and "67,50%" in text and "Vắng Mặt" not in text and "Không Phép" not in text


def test_a_supplement_has_a_file_of_its_own(valley: tuple[Valley, str]) -> None:
    at, visit = valley
    at.cuc.book.supplement(visit, "Đơn vị đã gửi kế hoạch", "Bổ sung tài liệu")
    assert asyncio.run(at.sync("cuc")) is None
    answer = ask(at, f"/api/v1/visits/{visit}/supplements/1.pdf", office(at))
    assert answer.headers["content-disposition"].startswith('attachment; filename="bien-ban-bo-sung-1_2021-02-05')
    text = pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Đơn vị đã gửi kế hoạch" in text and "BẢN NHÁP" in text
    assert ask(at, f"/api/v1/visits/{visit}/supplements/2.pdf", office(at)).status_code == 404


def test_only_who_may_see_the_visit_gets_its_minutes(valley: tuple[Valley, str]) -> None:
    at, visit = valley
    path = f"/api/v1/visits/{visit}/minutes.pdf"
    token = at.hoa.book.enrolment.token  # type: ignore[union-attr]
    assert ask(at, path, {}).status_code == 401
    theirs = ask(at, path, {"Authorization": f"Bearer {token}"})
    assert theirs.status_code == 404 and theirs.json()["type"].endswith("/not-found")
    ours = at.dung.book.enrolment.token  # type: ignore[union-attr]
    assert ask(at, path, {"Authorization": f"Bearer {ours}"}).status_code == 200
    assert ask(at, "/api/v1/visits/0199c0de-0000-7000-8000-00000000dead/minutes.pdf", office(at)).status_code == 404


def test_home_affairs_finds_them_on_the_visits_page(valley: tuple[Valley, str]) -> None:
    at, visit = valley

    window = Office(at.app, base_url="http://central", follow_redirects=False)
    assert window.submit("/hq/sign-in", "/hq/sign-in", user="binh", password=PASSWORD).status_code == 303
    assert f'href="/hq/visits/{visit}/minutes.pdf"' in window.get(f"/hq/visits/{visit}").text
    file = window.get(f"/hq/visits/{visit}/minutes.pdf")
    assert file.headers["content-type"] == "application/pdf" and file.content.startswith(b"%PDF-1.5")
    word = window.get(f"/hq/visits/{visit}/minutes.docx")
    assert word.content == ask(at, f"/api/v1/visits/{visit}/minutes.docx", office(at)).content
    assert word.headers["content-disposition"].endswith('ky-son.docx"')
