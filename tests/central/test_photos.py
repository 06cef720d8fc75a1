"""Photos as central gives them back: to whom, in what form, and only what changed."""

import hashlib
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
PREVIEW = b"RIFF\x10\x04\0\0WEBPVP8 " + bytes(1000)
NAME, SMALL = hashlib.sha256(PHOTO).hexdigest(), hashlib.sha256(PREVIEW).hexdigest()
ADDRESS = f"/api/v1/photos/{NAME}"

Phone = dict[str, str]
Enrol = Callable[[str], Phone]


def receive(central: FastAPI, *photos: bytes) -> None:
    for data in photos:
        name = hashlib.sha256(data).hexdigest()
        central.state.photos.append(name, 0, data)
        central.state.photos.finish(name)


def record(central: FastAPI, team: str, sha256: str = NAME, preview: str | None = SMALL) -> None:
    """A visit of a team with one photo record, as the journal would have been read."""
    with central.state.db.writing() as connection:
        connection.execute(
            text("INSERT INTO visit (id, team) VALUES (:id, :team)"), {"id": f"visit-{team}", "team": team}
        )
        connection.execute(
            text("INSERT INTO photo (id, visit, sha256, preview) VALUES (:id, :visit, :sha256, :preview)"),
            {"id": f"photo-{team}", "visit": f"visit-{team}", "sha256": sha256, "preview": preview},
        )


@pytest.fixture
def office(client: httpx.Client) -> Callable[[str], Phone]:
    def sign_in(user: str) -> Phone:
        answer = client.post("/api/v1/sessions", json={"user": user, "password": "mưa rào Mường Lống 2026"})
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    return sign_in


@pytest.fixture
def phone(central: FastAPI, enrolled: Enrol) -> Phone:
    """A phone of doan-1, whose visit names a photo that central holds, and its preview."""
    receive(central, PHOTO, PREVIEW)
    record(central, "doan-1")
    return enrolled("dung")


@pytest.mark.parametrize(("user", "may_see"), [("cuc", True), ("dung", True), ("giang", True), ("hoa", False)])
def test_a_team_sees_the_photos_of_its_visits(
    client: httpx.Client, phone: Phone, enrolled: Enrol, user: str, may_see: bool
) -> None:
    given = enrolled(user)
    for address, bytes_there in ((ADDRESS, PHOTO), (f"/api/v1/photos/{SMALL}", PREVIEW)):
        answer = client.get(address, headers=given)
        if may_see:
            assert (answer.status_code, answer.content) == (200, bytes_there)
        else:
            assert answer.status_code == 404 and answer.json()["type"].endswith("/photo-not-received")
            assert bytes_there not in answer.content


@pytest.mark.parametrize("user", ["an", "binh"])
def test_the_office_sees_every_photo_even_before_its_record_arrived(
    client: httpx.Client, central: FastAPI, office: Callable[[str], Phone], user: str
) -> None:
    receive(central, PHOTO)
    assert client.get(ADDRESS, headers=office(user)).content == PHOTO


def test_nobody_sees_photos_without_a_token_or_with_a_revoked_one(
    client: httpx.Client, central: FastAPI, phone: Phone
) -> None:
    assert client.get(ADDRESS).status_code == 401
    with central.state.db.writing() as connection:
        connection.execute(text("UPDATE device SET revoked_at = 1"))
    assert client.get(ADDRESS, headers=phone).status_code == 403


def test_a_photo_not_here_yet_is_asked_for_again_later(
    client: httpx.Client, central: FastAPI, enrolled: Enrol, office: Callable[[str], Phone]
) -> None:
    record(central, "doan-1")
    for given in (enrolled("dung"), office("binh")):
        for address in (ADDRESS, f"{ADDRESS}?size=preview"):
            answer = client.get(address, headers=given)
            assert (answer.status_code, answer.json()["retry"]) == (404, "later")
            assert answer.json()["type"].endswith("/photo-not-received")
            assert "immutable" not in answer.headers["Cache-Control"]


def test_a_photo_is_shown_safely_and_kept_by_the_browser(client: httpx.Client, phone: Phone) -> None:
    answer = client.get(ADDRESS, headers=phone)
    assert answer.headers["ETag"] == f'"{NAME}"'
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == f'inline; filename="anh-{NAME[:12]}.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in client.get(ADDRESS, headers=phone | {"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("data", "media_type", "disposition"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "image/png", "inline"),
        (PREVIEW, "image/webp", "inline"),
        (b"<html><script>alert(1)</script>", "application/octet-stream", "attachment"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream", "attachment"),
        (b"\xff", "application/octet-stream", "attachment"),
    ],
)
def test_what_is_no_photo_is_never_shown_in_a_page(
    client: httpx.Client,
    central: FastAPI,
    office: Callable[[str], Phone],
    data: bytes,
    media_type: str,
    disposition: str,
) -> None:
    receive(central, data)
    answer = client.get(f"/api/v1/photos/{hashlib.sha256(data).hexdigest()}", headers=office("binh"))
    assert (answer.content, answer.headers["Content-Type"]) == (data, media_type)
    assert answer.headers["Content-Disposition"].startswith(disposition + ";")


@pytest.mark.parametrize("given", [f'"{NAME}"', f'W/"{NAME}"', f'"other", "{NAME}"', "*"])
def test_an_unchanged_photo_costs_no_bytes(client: httpx.Client, phone: Phone, given: str) -> None:
    answer = client.get(ADDRESS, headers=phone | {"If-None-Match": given})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", f'"{NAME}"')
    assert client.get(ADDRESS, headers=phone | {"If-None-Match": f'"{SMALL}"'}).status_code == 200


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, len(PHOTO)),
        ("bytes=-50", len(PHOTO) - 50, len(PHOTO)),
        ("bytes=-999999", 0, len(PHOTO)),
        (f"bytes={len(PHOTO) - 1}-{len(PHOTO) + 500}", len(PHOTO) - 1, len(PHOTO)),
    ],
)
def test_a_download_goes_on_where_it_was_cut(
    client: httpx.Client, phone: Phone, given: str, start: int, end: int
) -> None:
    answer = client.get(ADDRESS, headers=phone | {"Range": given, "If-Range": f'"{NAME}"'})
    assert (answer.status_code, answer.content) == (206, PHOTO[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(PHOTO)}"
    changed = client.get(ADDRESS, headers=phone | {"Range": given, "If-Range": f'"{SMALL}"'})
    assert (changed.status_code, changed.content) == (200, PHOTO)


@pytest.mark.parametrize("given", [f"bytes={len(PHOTO)}-", "bytes=-0"])
def test_a_range_outside_the_photo_is_refused_with_its_size(client: httpx.Client, phone: Phone, given: str) -> None:
    answer = client.get(ADDRESS, headers=phone | {"Range": given})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(PHOTO)}")
    assert answer.json()["type"].endswith("/range-not-satisfiable")


@pytest.mark.parametrize(
    "given", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "rooms=1-2", "bytes=a-b", "bytes=٠-١"]
)
def test_nonsense_and_several_ranges_get_the_whole_photo(client: httpx.Client, phone: Phone, given: str) -> None:
    answer = client.get(ADDRESS, headers=phone | {"Range": given.encode()})  # type: ignore[dict-item]
    assert (answer.status_code, answer.content) == (200, PHOTO)


def test_the_small_copy_is_shown_first_and_the_photo_stands_in_until_it_is_here(
    client: httpx.Client, central: FastAPI, enrolled: Enrol
) -> None:
    record(central, "doan-1")
    phone = enrolled("dung")
    receive(central, PHOTO)
    stand_in = client.get(f"{ADDRESS}?size=preview", headers=phone)
    assert (stand_in.content, stand_in.headers["ETag"]) == (PHOTO, f'"{NAME}"')
    assert stand_in.headers["Cache-Control"] == "private, no-cache", "it is asked for again"
    receive(central, PREVIEW)
    preview = client.get(f"{ADDRESS}?size=preview", headers=phone | {"If-None-Match": f'"{NAME}"'})
    assert (preview.status_code, preview.content, preview.headers["ETag"]) == (200, PREVIEW, f'"{SMALL}"')
    assert "immutable" in preview.headers["Cache-Control"]
    assert client.get(f"{ADDRESS}?size=huge", headers=phone).status_code == 400


def test_the_preview_alone_is_already_shown(client: httpx.Client, central: FastAPI, enrolled: Enrol) -> None:
    record(central, "doan-1")
    receive(central, PREVIEW)
    phone = enrolled("dung")
    assert client.get(f"{ADDRESS}?size=preview", headers=phone).content == PREVIEW
    assert client.get(ADDRESS, headers=phone).status_code == 404


def test_a_photo_stays_seen_by_the_phone_that_sent_it_before_its_record_arrives(
    client: httpx.Client, enrolled: Enrol
) -> None:
    import base64

    phone, other = enrolled("dung"), enrolled("giang")
    metadata = "sha256 " + base64.b64encode(NAME.encode()).decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(PHOTO)), "Upload-Metadata": metadata}
    client.post("/api/v1/uploads", headers=phone | tus)
    piece = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    client.patch(f"/api/v1/uploads/{NAME}", headers=phone | piece, content=PHOTO)
    client.post("/api/v1/uploads", headers=other | tus)
    assert client.get(ADDRESS, headers=phone).content == PHOTO
    assert client.get(ADDRESS, headers=other).status_code == 404, "knowing a hash is no right to the photo"


def test_a_record_naming_nonsense_breaks_nothing(client: httpx.Client, central: FastAPI, enrolled: Enrol) -> None:
    receive(central, PHOTO)
    record(central, "doan-1", preview="../../central.sqlite")
    answer = client.get(f"{ADDRESS}?size=preview", headers=enrolled("dung"))
    assert (answer.status_code, answer.content) == (200, PHOTO)
