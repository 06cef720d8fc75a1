"""What phones carry with them: fetched once, asked after cheaply, taken up where the line broke, cut to the team."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sync.journal import Change
from central.intake import write_as_central
from tests.valley import NOON, Valley, told, unit_of

REFERENCE = "/api/v1/reference"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def fetch(valley: Valley, who: str = "cuc", **headers: str) -> httpx.Response:
    """With `identity` unless asked otherwise, so that bytes can be compared."""
    given = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    valley.clients[who].headers.pop("Authorization", None)
    return await valley.clients[who].get(REFERENCE, headers=valley.bearer(who) | given)


def write(valley: Valley, *changes: Change) -> None:
    state = valley.app.state
    with state.db.writing() as connection:
        write_as_central(connection, state.db.central_device, "an", changes, NOON)


@told
async def test_what_has_not_changed_is_not_sent_again(valley: Valley) -> None:
    first = await fetch(valley)
    tag = first.headers["etag"]
    assert first.status_code == 200 and tag.startswith('"') and first.headers["cache-control"] == "private, no-cache"
    for asked in (tag, f'"other", {tag}', "*", f"W/{tag}"):
        again = await fetch(valley, If_None_Match=asked)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    write(valley, Change("round", "dot-2", {"name": "Đợt 2", "starts_on": "2026-12-01", "teams": ["doan-1"]}, ""))
    changed = await fetch(valley, If_None_Match=tag)
    assert changed.status_code == 200 and changed.headers["etag"] != tag
    assert [r["id"] for r in changed.json()["rounds"]] == ["dot-1", "dot-2"]


@told
async def test_packed_and_plain_are_one_document_with_tags_of_their_own(valley: Valley) -> None:
    plain = await fetch(valley)
    packed = await fetch(valley, Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip" and packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"] and "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    again = await fetch(valley, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert (again.status_code, again.headers["etag"]) == (304, packed.headers["etag"])


@told
async def test_a_broken_download_goes_on_where_it_stopped(valley: Valley) -> None:
    whole = await fetch(valley)
    tag, size = whole.headers["etag"], len(whole.content)
    half = size // 2
    spans = {
        f"bytes=0-{half - 1}": whole.content[:half], f"bytes={half}-": whole.content[half:], "bytes=-10": whole.content[-10:],
        f"bytes=5-{size + 100}": whole.content[5:], f"bytes=-{size + 5}": whole.content,
    }  # fmt: skip
    for asked, content in spans.items():
        part = await fetch(valley, Range=asked, If_Range=tag)
        assert part.status_code == 206 and part.content == content, asked
        start = size - len(content) if asked.startswith("bytes=-") else int(asked[6:].split("-")[0])
        assert part.headers["content-range"] == f"bytes {start}-{start + len(content) - 1}/{size}"
    changed = await fetch(valley, Range=f"bytes={half}-", If_Range='"of yesterday"')
    assert changed.status_code == 200 and changed.content == whole.content
    for nonsense in ("bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,5-6"):
        assert (await fetch(valley, Range=nonsense)).status_code == 200, nonsense
    beyond = await fetch(valley, Range=f"bytes={size}-")
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.json()["type"].endswith("/range-not-satisfiable")


@told
async def test_a_team_gets_its_rounds_and_itself_and_the_office_gets_all(valley: Valley) -> None:
    write(
        valley,
        Change("round", "cua-1", {"name": "Của đoàn 1", "teams": ["doan-1"]}, ""),
        Change("round", "cua-2", {"name": "Của đoàn 2", "teams": ["doan-2"]}, ""),
    )
    documents = {who: (await fetch(valley, who)).json() for who in ("cuc", "hoa")}
    assert [r["id"] for r in documents["cuc"]["rounds"]] == ["cua-1", "dot-1"]
    assert [r["id"] for r in documents["hoa"]["rounds"]] == ["cua-2", "dot-1"]
    assert [t["id"] for t in documents["hoa"]["teams"]] == ["doan-2"]
    office = (await valley.clients["cuc"].get(REFERENCE, headers=await valley.office())).json()
    assert [r["id"] for r in office["rounds"]] == ["cua-1", "cua-2", "dot-1"]
    assert [t["id"] for t in office["teams"]] == ["doan-1", "doan-2"]
    assert (await fetch(valley, "cuc")).headers["etag"] != (await fetch(valley, "hoa")).headers["etag"]


@told
async def test_the_next_visit_to_a_unit_finds_its_rooms_and_what_had_failed(valley: Valley) -> None:
    """Those of the last visit that is over, whichever team made it; an open visit is not over."""
    book = valley.cuc.book
    book.add_rooms(valley.visit, [("Phòng Nội vụ", 5), ("Văn phòng", 12)])
    book.answer(valley.visit, "one_stop_arrangement", "in_offices")
    await valley.sync("cuc")
    assert (await fetch(valley, "hoa")).json()["unit_rooms"] == {}
    book.close_visit(valley.visit)
    await valley.sync("cuc")
    document = (await fetch(valley, "hoa")).json()
    assert document["unit_rooms"] == {"16831": [["Phòng Nội vụ", 5], ["Văn phòng", 12]]}
    [finding] = document["findings"]
    assert (finding["unit_code"], finding["item"], finding["severity"], finding["visit_id"]) == (
        "16831", "one_stop_arrangement", "major", valley.visit,
    )  # fmt: skip
    assert await valley.sync("hoa") is None
    mine = valley.hoa.book.start_visit(unit_of(valley.hoa))
    rooms = valley.hoa.book.known_rooms(valley.hoa.book.visit(mine))
    assert [(room.name, room.roll) for room in rooms] == [("Phòng Nội vụ", 5), ("Văn phòng", 12)]


@told
async def test_a_new_checklist_and_new_units_reach_the_phone_and_old_visits_keep_theirs(valley: Valley) -> None:
    body: dict[str, Any] = json.loads(Path("assets/checklist.json").read_text(encoding="utf-8"))
    head = body["template"]
    newer = body | {"template": head | {"version": head["version"] + 1}}
    id = f"{head['code']}@{head['version'] + 1}"
    template = {"code": head["code"], "version": head["version"] + 1, "title": head["title_vi"], "body": newer}
    unit = {"code": "99999", "name": "Xã Mới", "level": "commune", "valid_from": "2026-11-01", "folded": "xa moi"}
    write(valley, Change("template", id, template, ""), Change("unit", "99999@2026-11-01", unit, ""))
    assert await valley.sync("cuc") is None
    assert valley.cuc.book.visit(valley.visit).template.version == head["version"]
    fresh = valley.cuc.book.start_visit(unit_of(valley.cuc, "99999"))
    assert valley.cuc.book.visit(fresh).template.version == head["version"] + 1
    before = len(valley.lines["cuc"].asked)
    assert await valley.sync("cuc") is None
    answer = await fetch(valley, If_None_Match=valley.cuc.book.etag, Accept_Encoding="gzip")
    assert answer.status_code == 304 and valley.lines["cuc"].asked[before:].count(f"GET {REFERENCE}") == 1


@told
async def test_half_a_packed_document_is_not_taken(valley: Valley) -> None:
    packed = await fetch(valley, Accept_Encoding="gzip")
    cut = gzip.compress(packed.content)[:-20]
    before = list(valley.cuc.book.reference.units)
    valley.forget_reference("cuc")
    valley.lines["cuc"].overheard = lambda request, _body: (
        httpx.Response(200, headers={"Content-Encoding": "gzip", "ETag": '"cut"'}, stream=httpx.ByteStream(cut))
        if request.url.path == REFERENCE
        else None
    )
    assert await valley.sync("cuc") is not None
    assert list(valley.cuc.book.reference.units) == before and valley.cuc.book.etag != '"cut"'
    valley.lines["cuc"].overheard = lambda _request, _body: None
    assert await valley.sync("cuc") is None
