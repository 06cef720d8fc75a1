"""Two phones of one team on a hotspot in the hills: real notebooks, a real socket, and nobody else is let in."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app import handover
from app.device.hotspot import WRONG_MAX, Answer, Endpoint, Unreachable, own_addresses, way_to
from app.handover import NotHandedOver, Receiving, hand_over
from tests.field import Phone
from tests.sync.test_two_phones import assert_all_agree, photograph
from tests.test_carrying import a_morning, quiet, written
from tests.valley import Valley, dump, told

CODE = "7F3K-29QX"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


@asynccontextmanager
async def receiving(phone: Phone) -> AsyncIterator[str]:
    """The other phone's screen is open; its address."""
    endpoint = Endpoint(CODE, Receiving(phone.book, phone.files, lambda: None).answer)
    port = await endpoint.start("127.0.0.1")
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await endpoint.stop()


def equal(one: Phone, other: Phone) -> bool:
    return (
        written(one) == written(other)
        and dump(one.book.store) == dump(other.book.store)
        and one.files.names() == other.files.names()
    )


async def both_worked(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("dung")
    valley.dung.book.answer(valley.visit, "badge_missing_count", 2)
    await photograph(valley.dung, valley.visit, 7)


@told
async def test_both_phones_end_equal_and_a_second_meeting_moves_nothing(valley: Valley) -> None:
    await both_worked(valley)
    async with receiving(valley.cuc) as address:
        handed = await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)
        assert handed.entries and handed.photos == 1 and handed.arrived.entries and handed.arrived.photos == 2
        assert handed.arrived.refused == [] and equal(valley.cuc, valley.dung)
        again = await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)
    assert (again.entries, again.photos, again.arrived.entries, again.arrived.photos) == (0, 0, 0, 0)
    assert valley.cuc.book.verify() is None and valley.dung.book.verify() is None
    await valley.sync_until_quiet("dung", "cuc")
    assert_all_agree(valley, [valley.visit])


@pytest.mark.parametrize("cut_at", range(5))
@pytest.mark.parametrize("is_heard", [False, True], ids=["lost on the way", "answer lost"])
@told
async def test_a_line_cut_anywhere_goes_on_from_there(
    valley: Valley, cut_at: int, is_heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "PART_BYTES", 1)
    await both_worked(valley)
    async with receiving(valley.cuc) as address:
        ask, asked = way_to(address, CODE), 0

        async def broken(path: str, body: bytes) -> tuple[int, bytes]:
            nonlocal asked
            asked += 1
            if asked > cut_at and is_heard:
                await ask(path, body)
            if asked > cut_at:
                raise Unreachable("out of reach")
            return await ask(path, body)

        with pytest.raises(Unreachable):
            await hand_over(valley.dung.book, valley.dung.files, broken, quiet)
        assert valley.cuc.book.verify() is None and valley.dung.book.verify() is None
        await hand_over(valley.dung.book, valley.dung.files, ask, quiet)
    assert equal(valley.cuc, valley.dung)


@told
async def test_half_a_request_changes_nothing_and_the_next_is_answered(valley: Valley) -> None:
    await both_worked(valley)
    before = written(valley.cuc)
    async with receiving(valley.cuc) as address:
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /take HTTP/1.1\r\nAuthorization: Bearer {CODE}\r\nContent-Length: 100000\r\n\r\n"
        writer.write(head.encode() + bytes(5000))
        await writer.drain()
        writer.close()
        _, noise = await asyncio.open_connection(host, int(port))
        noise.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        await noise.drain()
        noise.close()
        assert written(valley.cuc) == before
        await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)
    assert equal(valley.cuc, valley.dung)


@told
async def test_a_wrong_code_opens_nothing_and_guessing_ends_soon(valley: Valley) -> None:
    before = written(valley.cuc)
    async with receiving(valley.cuc) as address:
        for _ in range(WRONG_MAX):
            with pytest.raises(NotHandedOver, match="Sai mã"):
                await hand_over(valley.dung.book, valley.dung.files, way_to(address, "0000-0000"), quiet)
        with pytest.raises(NotHandedOver, match="Sai mã"):
            await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)
    assert written(valley.cuc) == before
    with pytest.raises(Unreachable):
        await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)


@told
async def test_another_team_and_another_central_get_and_bring_nothing(valley: Valley) -> None:
    await both_worked(valley)
    who = valley.dung.book.enrolment
    assert who is not None
    async with receiving(valley.cuc) as address:
        before = written(valley.cuc)
        with pytest.raises(NotHandedOver, match="đoàn khác"):
            await hand_over(valley.hoa.book, valley.hoa.files, way_to(address, CODE), quiet)
        valley.dung.book.enrol(replace(who, server_id="another"))
        with pytest.raises(NotHandedOver, match="trung tâm khác"):
            await hand_over(valley.dung.book, valley.dung.files, way_to(address, CODE), quiet)
        assert written(valley.cuc) == before


@pytest.mark.parametrize("version", [{"protocol": 2}, {"schema": 9}, {"schema": 0}], ids=str)
@told
async def test_an_older_or_newer_app_is_told_to_be_updated(valley: Valley, version: dict[str, int]) -> None:
    async with receiving(valley.cuc) as address:
        ask: Answer = way_to(address, CODE)

        async def other(path: str, body: bytes) -> tuple[int, bytes]:
            return await ask(path, json.dumps({**json.loads(body), **version}).encode())

        with pytest.raises(NotHandedOver, match="cập nhật máy cũ hơn"):
            await hand_over(valley.dung.book, valley.dung.files, other, quiet)


@told
async def test_nothing_else_can_be_read_there(valley: Valley) -> None:
    async with receiving(valley.cuc) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        bearer = {"Authorization": f"Bearer {CODE}"}
        for path in ("/", "/notebook.sqlite", "/photos/x", "/api/v1/sync"):
            assert (await client.get(path, headers=bearer)).status_code == 404
            assert (await client.post(path, headers=bearer)).status_code == 404
        assert (await client.post("/take", headers=bearer, content=b"PK")).status_code == 404, "before it was met"
        assert (await client.post("/give", headers=bearer, content=b"[" * 100_000)).status_code == 409
        for said in (
            {"holds": [1], "files": []},
            {"holds": [["d", "e", "1", 2]], "files": []},
            {"holds": [], "files": [1]},
        ):
            assert (await client.post("/hello", headers=bearer, json=said)).status_code == 409
        assert (await client.post("/hello")).status_code == 401


def test_addresses_are_of_local_networks_only() -> None:
    assert all(address.startswith(("192.168.", "172.20.10.", "10.42.0.")) for address in own_addresses())
