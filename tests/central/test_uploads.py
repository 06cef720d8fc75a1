"""Photos on their way to central, as any tus client may send them."""

import base64
import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from central import uploads
from central.photo_store import PhotoStore, StoreFull, WrongOffset

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 800
NAME = hashlib.sha256(PHOTO).hexdigest()
UPLOAD = f"/api/v1/uploads/{NAME}"
TUS = {"Tus-Resumable": "1.0.0"}

Phone = dict[str, str]
Enrol = Callable[[str], Phone]


def announcement(length: int, name: str = NAME) -> dict[str, str]:
    named = base64.b64encode(name.encode()).decode()
    return {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"filename YW5oLmpwZw==,sha256 {named}"}


def announce(client: httpx.Client, phone: Phone, length: int = len(PHOTO), name: str = NAME) -> httpx.Response:
    return client.post("/api/v1/uploads", headers=phone | announcement(length, name))


def patch(client: httpx.Client, phone: Phone, offset: int, data: bytes, **more: str) -> httpx.Response:
    headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset), **more}
    return client.patch(UPLOAD, content=data, headers=phone | headers)


def held(client: httpx.Client, phone: Phone) -> int:
    answer = client.head(UPLOAD, headers=phone | TUS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Tus-Resumable"] == "1.0.0"
    return int(answer.headers["Upload-Offset"])


def problem(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    body = answer.json()
    assert (
        body["status"] == answer.status_code and " / " in body["title"] and body["retry"] in ("never", "now", "later")
    )
    return str(body["type"]).rpartition("/")[2]


def test_a_photo_arrives_in_three_pieces(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    created = announce(client, phone)
    assert (created.status_code, created.headers["Location"]) == (201, f"http://testserver{UPLOAD}")
    assert created.headers["Upload-Offset"] == "0"
    assert created.headers["Upload-Expires"] == "Mon, 21 Dec 2026 05:00:00 GMT"
    for start, end in ((0, 70_000), (70_000, 70_001), (70_001, len(PHOTO))):
        assert held(client, phone) == start
        answer = patch(client, phone, start, PHOTO[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end))
    assert held(client, phone) == len(PHOTO)
    assert client.get(f"/api/v1/photos/{NAME}", headers=phone).content == PHOTO


def test_announcing_again_is_harmless_and_says_how_far_it_got(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    patch(client, phone, 0, PHOTO[:1000])
    again = announce(client, phone)
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (f"http://testserver{UPLOAD}", "1000")
    patch(client, phone, 1000, PHOTO[1000:])
    whole = announce(client, phone)
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, str(len(PHOTO)))
    assert "Upload-Expires" not in whole.headers
    assert patch(client, phone, len(PHOTO), b"").status_code == 204


def test_what_central_can_do_is_asked_with_options(client: httpx.Client, enrolled: Enrol) -> None:
    answer = client.options("/api/v1/uploads", headers=enrolled("dung"))
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip
    assert answer.headers["Tus-Max-Size"] == "5242880"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256"


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus-version"),
        ({"Upload-Length": ""}, 400, "malformed"),
        ({"Upload-Length": "-1"}, 400, "malformed"),
        ({"Upload-Length": "0"}, 400, "malformed"),
        ({"Upload-Length": "١٢"}, 400, "malformed"),
        ({"Upload-Length": str(5 * 1024 * 1024 + 1)}, 413, "too-large"),
        ({"Upload-Metadata": ""}, 400, "malformed"),
        ({"Upload-Metadata": "sha256 không"}, 400, "malformed"),
        ({"Upload-Metadata": "sha256 Li4vLi4vZXRjL3Bhc3N3ZA=="}, 400, "malformed"),
        ({"Authorization": "Bearer unknown"}, 401, "token-expired"),
    ],
)
def test_an_announcement_that_cannot_be_taken(
    client: httpx.Client, enrolled: Enrol, headers: dict[str, str], status: int, name: str
) -> None:
    given = enrolled("dung") | announcement(len(PHOTO)) | headers
    answer = client.post("/api/v1/uploads", headers={key: value.encode() for key, value in given.items()})
    assert (answer.status_code, problem(answer)) == (status, name)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if status == 412:
        assert answer.headers["Tus-Version"] == "1.0.0"
    if status == 413:
        assert answer.headers["Tus-Max-Size"] == "5242880"


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"Tus-Resumable": "2.0.0"}, 412, "tus-version"),
        ({"Content-Type": "application/octet-stream"}, 415, "unsupported-media-type"),
        ({"Upload-Offset": "999"}, 409, "mismatching-upload-offset"),
        ({"Upload-Offset": "0"}, 409, "mismatching-upload-offset"),
        ({"Upload-Offset": "nine"}, 400, "malformed"),
        ({"Upload-Checksum": "md5 AAAA"}, 400, "malformed"),
        ({"Upload-Checksum": "sha256 ???"}, 400, "malformed"),
        ({"Authorization": ""}, 401, "token-expired"),
    ],
)
def test_bytes_that_cannot_be_taken_change_nothing(
    client: httpx.Client, enrolled: Enrol, headers: dict[str, str], status: int, name: str
) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    patch(client, phone, 0, PHOTO[:1000])
    answer = patch(client, phone, 1000, PHOTO[1000:], **headers)
    assert (answer.status_code, problem(answer)) == (status, name)
    if status == 409:
        assert (answer.json()["expected_offset"], answer.json()["retry"]) == (1000, "now")
    assert held(client, phone) == 1000


def test_more_bytes_than_announced_are_refused(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    declared = patch(client, phone, 0, PHOTO + b"!")
    assert (declared.status_code, problem(declared)) == (413, "too-large")

    def chunked() -> object:
        yield PHOTO[:5000]
        yield PHOTO[5000:] + b"!"

    headers = phone | TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    undeclared = client.patch(UPLOAD, content=chunked(), headers=headers)  # type: ignore[arg-type]
    assert (undeclared.status_code, problem(undeclared)) == (413, "too-large")
    at = held(client, phone)
    assert patch(client, phone, at, PHOTO[at:]).status_code == 204


def test_what_was_never_announced_is_unknown(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    assert problem(patch(client, phone, 0, PHOTO)) == "upload-unknown"
    assert client.head(UPLOAD, headers=phone | TUS).status_code == 404
    assert client.delete(UPLOAD, headers=phone | TUS).status_code == 404
    assert client.head("/api/v1/uploads/ABC", headers=phone | TUS).status_code == 400


def test_people_without_a_phone_send_no_photos(client: httpx.Client) -> None:
    session = client.post("/api/v1/sessions", json={"user": "binh", "password": "mưa rào Mường Lống 2026"}).json()
    answer = announce(client, {"Authorization": f"Bearer {session['token']}"})
    assert (answer.status_code, problem(answer)) == (403, "not-a-device")


def test_altered_bytes_are_found_at_the_end_and_thrown_away(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    for altered in (PHOTO[:-1] + b"\0", b"\0" + PHOTO[1:], PHOTO[:100] + b"\0" + PHOTO[101:]):
        patch(client, phone, 0, altered[:50_000])
        answer = patch(client, phone, 50_000, altered[50_000:])
        assert (answer.status_code, problem(answer)) == (460, "digest-mismatch")
        assert client.get(f"/api/v1/photos/{NAME}", headers=phone).status_code == 404
        assert held(client, phone) == 0
    assert patch(client, phone, 0, PHOTO).status_code == 204
    assert client.get(f"/api/v1/photos/{NAME}", headers=phone).content == PHOTO


def test_a_checked_piece_that_was_damaged_on_its_way_is_not_written(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    piece = PHOTO[:60_000]
    checksum = "sha256 " + base64.b64encode(hashlib.sha256(piece).digest()).decode()
    damaged = patch(client, phone, 0, b"\0" + piece[1:], **{"Upload-Checksum": checksum})
    assert (damaged.status_code, problem(damaged), held(client, phone)) == (460, "checksum-mismatch", 0)
    assert patch(client, phone, 0, piece, **{"Upload-Checksum": checksum}).headers["Upload-Offset"] == "60000"


def test_an_upload_waits_thirty_days_and_can_be_announced_anew(
    client: httpx.Client, enrolled: Enrol, central: FastAPI, clock: Any
) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    patch(client, phone, 0, PHOTO[:1000])
    clock.pass_minutes(30 * 24 * 60)
    late = patch(client, phone, 1000, PHOTO[1000:])
    assert (late.status_code, problem(late)) == (410, "upload-expired")
    assert client.head(UPLOAD, headers=phone | TUS).status_code == 410
    part = central.state.settings.photos / "parts" / NAME
    os.utime(part, (clock() / 1000, clock() / 1000))
    assert announce(client, phone).headers["Upload-Offset"] == "1000", "what was held is not asked for again"
    clock.pass_minutes(31 * 24 * 60)
    announce(client, phone, name="0" * 64)
    assert not part.exists(), "parts nobody completes are cleared away"


def test_an_upload_can_be_given_up_by_the_phone_that_announced_it(client: httpx.Client, enrolled: Enrol) -> None:
    phone, other = enrolled("dung"), enrolled("hoa")
    announce(client, phone)
    patch(client, phone, 0, PHOTO[:1000])
    refused = client.delete(UPLOAD, headers=other | TUS)
    assert (refused.status_code, problem(refused)) == (403, "not-your-upload")
    assert client.delete(UPLOAD, headers=phone | TUS).status_code == 204
    assert client.head(UPLOAD, headers=phone | TUS).status_code == 404
    announce(client, phone)
    assert held(client, phone) == 0


def test_a_photo_received_is_evidence_and_stays(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    patch(client, phone, 0, PHOTO)
    answer = client.delete(UPLOAD, headers=phone | TUS)
    assert (answer.status_code, problem(answer)) == (409, "photo-received")
    assert client.get(f"/api/v1/photos/{NAME}", headers=phone).content == PHOTO


def test_a_wrong_length_is_corrected_by_announcing_again(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    announce(client, phone, length=len(PHOTO) - 5)
    cut_short = patch(client, phone, 0, PHOTO[:-5])
    assert problem(cut_short) == "digest-mismatch"
    assert announce(client, phone).headers["Upload-Offset"] == "0"
    assert patch(client, phone, 0, PHOTO).status_code == 204


def test_a_part_complete_when_central_was_stopped_is_finished_on_asking(
    client: httpx.Client, enrolled: Enrol, central: FastAPI
) -> None:
    phone = enrolled("dung")
    announce(client, phone)
    central.state.photos.append(NAME, 0, PHOTO)
    assert not central.state.photos.has(NAME)
    assert held(client, phone) == len(PHOTO)
    assert central.state.photos.is_intact(NAME)


def test_a_full_store_says_so_and_asks_to_come_back(client: httpx.Client, enrolled: Enrol, central: FastAPI) -> None:
    class Full(PhotoStore):
        def append(self, sha256: str, offset: int, data: bytes) -> int:
            raise StoreFull

    phone = enrolled("dung")
    announce(client, phone)
    central.state.photos = Full(central.state.settings.photos)
    answer = patch(client, phone, 0, PHOTO)
    assert (answer.status_code, problem(answer), answer.json()["retry"]) == (507, "storage-full", "later")


def test_on_a_full_disk_the_part_is_exactly_as_long_as_it_says(tmp_path: Path) -> None:
    story = """
        import os, sys
        from pathlib import Path
        from central.photo_store import PhotoStore, StoreFull
        store, name = PhotoStore(Path(sys.argv[1]) / "photos"), "a" * 64
        data, at = os.urandom(3_000_000), 0
        try:
            while True:
                at = store.append(name, at, data[at : at + 300_000])
        except StoreFull:
            held = store.offset(name)
        assert held >= at > 500_000
        part = Path(sys.argv[1]) / "photos" / "parts" / name
        assert part.read_bytes() == data[:held]
        os.truncate(part, 600_000)
        assert store.append(name, 600_000, data[600_000:700_000]) == 700_000
    """
    small_disk = f'mount -t tmpfs -o size=1m small "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    try:
        subprocess.run(["unshare", "-rm", "true"], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no private mounts here (unshare -rm)")
    subprocess.run(["unshare", "-rm", "sh", "-c", small_disk, textwrap.dedent(story)], check=True)


def test_two_workers_of_central_never_write_over_each_other(tmp_path: Path) -> None:
    """Stateless workers share the folder and nothing else."""
    one, two = PhotoStore(tmp_path), PhotoStore(tmp_path)
    assert one.append(NAME, 0, PHOTO[:1000]) == 1000
    with pytest.raises(WrongOffset) as overtaken:
        two.append(NAME, 0, PHOTO[:500])
    assert overtaken.value.expected == 1000
    two.append(NAME, 1000, PHOTO[1000:])
    two.finish(NAME)
    with pytest.raises(WrongOffset) as finished:
        one.append(NAME, 1000, PHOTO[1000:])
    assert finished.value.expected == len(PHOTO)
    one.finish(NAME)
    assert one.is_intact(NAME) and one.missing([NAME, "b" * 64, "../x"]) == ["b" * 64, "../x"]
    (tmp_path / NAME[:2] / NAME[2:4] / NAME).write_bytes(PHOTO[:-1] + b"x")
    assert not one.is_intact(NAME)


def test_health_tells_a_photo_folder_that_cannot_be_written(client: httpx.Client, central: FastAPI) -> None:
    assert client.get("/api/v1/healthz").status_code == 200
    parts = central.state.settings.photos / "parts"
    parts.rmdir()
    parts.write_text("a file in its place")
    assert client.get("/api/v1/healthz").status_code == 503


def announce_with_bytes(client: httpx.Client, phone: dict[str, str], body: bytes, **more: str) -> httpx.Response:
    headers = short_announcement(NAME, len(PHOTO)) | {"Content-Type": "application/offset+octet-stream"} | more
    return client.post("/api/v1/uploads", headers=phone | headers, content=body)


def short_announcement(name: str, length: int) -> dict[str, str]:
    short = base64.b64encode(bytes.fromhex(name)).decode()
    return {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"sha256 {short}"}


def test_a_small_photo_comes_with_its_announcement(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    answer = announce_with_bytes(client, phone, PHOTO)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(PHOTO)))
    assert client.get(f"/api/v1/photos/{NAME}", headers=phone).content == PHOTO
    again = announce_with_bytes(client, phone, PHOTO)
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(PHOTO)))


def test_an_announcement_repeated_with_its_bytes_skips_what_is_held(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    assert announce_with_bytes(client, phone, PHOTO[:1000]).headers["Upload-Offset"] == "1000"
    assert announce_with_bytes(client, phone, PHOTO[:700]).headers["Upload-Offset"] == "1000"
    assert announce_with_bytes(client, phone, PHOTO).headers["Upload-Offset"] == str(len(PHOTO))
    assert client.get(f"/api/v1/photos/{NAME}", headers=phone).content == PHOTO


def test_bytes_with_an_announcement_are_measured_and_checked_like_others(client: httpx.Client, enrolled: Enrol) -> None:
    phone = enrolled("dung")
    assert announce_with_bytes(client, phone, PHOTO + b"?").status_code == 413
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    damaged = announce_with_bytes(client, phone, PHOTO, **{"Upload-Checksum": f"sha256 {wrong}"})
    assert damaged.status_code == 460 and held(client, phone) == 0


def test_a_phone_with_too_much_unfinished_is_told_what_to_do_first(
    client: httpx.Client, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PENDING_FILES_MAX", 2)
    phone, other = enrolled("dung"), enrolled("cuc")
    names = [hashlib.sha256(bytes([n])).hexdigest() for n in range(3)]

    def announce_one(name: str, whose: dict[str, str]) -> httpx.Response:
        return client.post("/api/v1/uploads", headers=whose | short_announcement(name, 100))

    assert [announce_one(name, phone).status_code for name in names] == [201, 201, 507]
    refused = announce_one(names[2], phone)
    assert refused.json()["type"].endswith("/too-much-pending") and refused.json()["retry"] == "later"
    assert refused.json()["pending_files"] == refused.json()["max_files"] == 2
    assert announce_one(names[0], phone).status_code == 201, "what is announced already goes on"
    assert announce_one(names[2], other).status_code == 201, "another phone's affair"
    assert client.delete(f"/api/v1/uploads/{names[0]}", headers=phone | {"Tus-Resumable": "1.0.0"}).status_code == 204
    assert announce_with_bytes(client, phone, PHOTO).status_code == 201, "a finished photo makes room again"
    monkeypatch.setattr(uploads, "PENDING_FILES_MAX", 10)
    monkeypatch.setattr(uploads, "PENDING_BYTES_MAX", 250)
    assert [announce_one(hashlib.sha256(bytes([n])).hexdigest(), phone).status_code for n in (8, 9)] == [201, 507]
