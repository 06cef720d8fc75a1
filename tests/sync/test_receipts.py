"""Receipts: the phone keeps what central acknowledged, and central can be asked whether it still holds it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.carrying import carry_out
from app.sync import receipts
from central.cli import main
from central.receipts import broken, read_receipt
from tests.field import Phone
from tests.sync.test_exchange import a_morning
from tests.sync.test_two_phones import own_entries
from tests.valley import Valley, told


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


def kept(phone: Phone) -> list[str]:
    with phone.book.store.reading() as connection:
        return receipts.kept(connection)


def findings(valley: Valley, receipts: list[str], secret: bytes = b"k" * 32) -> list[str]:
    with valley.app.state.db.reading() as connection:
        return [str(finding) for finding in broken(connection, secret, receipts)]


@told
async def test_the_phone_keeps_one_receipt_for_each_end_that_was_acknowledged(valley: Valley) -> None:
    before = len(kept(valley.cuc))
    await a_morning(valley.cuc, valley.visit)
    for cuts in (["after"], [], [], ["twice"]):
        await valley.sync("cuc", cuts)
    valley.clock.advance(60_000)
    valley.cuc.book.answer(valley.visit, "badge_missing_count", 2)
    await valley.sync("cuc")
    mine = own_entries(valley.cuc)
    new = [read_receipt(valley.settings.secret, receipt) for receipt in kept(valley.cuc)[before:]]
    ends = [(facts.device, facts.epoch, facts.seq, facts.head) for facts in new if facts]
    assert ends == [mine[-2], mine[-1]]
    assert new[-1] and new[-1].received_at == valley.clock()
    assert findings(valley, kept(valley.cuc)) == []


@told
async def test_a_receipt_shows_what_central_lost_or_rewrote(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    receipt, (device, epoch, seq, _) = kept(valley.cuc)[-1], own_entries(valley.cuc)[-1]
    key = f"device = '{device}' AND epoch = '{epoch}' AND seq = {seq}"
    with valley.app.state.db.writing() as connection:  # with its entry and its own receipt rewritten together
        connection.exec_driver_sql(f"UPDATE entry SET hash = '{'ab' * 32}' WHERE {key}")
    [altered] = findings(valley, [receipt])
    assert f"mục {seq}" in altered and "khác biên nhận" in altered
    with valley.app.state.db.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM entry WHERE {key}")
    [gone] = findings(valley, [receipt])
    assert "mà nay không còn" in gone


@told
async def test_a_receipt_that_central_never_gave_is_told_from_one_it_gave(valley: Valley) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    receipt = kept(valley.cuc)[-1]
    facts, _, seal = receipt.partition(".")
    later = base64.urlsafe_b64decode(facts).replace(b"1795237", b"1795238")
    for made_up in ("", "x", "a.b", f"{facts}.", f"{base64.urlsafe_b64encode(later).decode()}.{seal}", "ế.é"):
        assert "không phải của trung tâm này" in findings(valley, [made_up])[0]
    assert "không phải của trung tâm này" in findings(valley, [receipt], b"x" * 32)[0]


@pytest.mark.parametrize("form", ["bundle", "lines"])
@told
async def test_the_command_checks_receipts_that_an_inspector_hands_in(
    valley: Valley, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await a_morning(valley.cuc, valley.visit)
    await valley.sync("cuc")
    monkeypatch.setenv("KIEMTRA_DATA", str(valley.settings.data))
    monkeypatch.setenv("KIEMTRA_SECRET", "k" * 32)
    monkeypatch.setattr("central.settings._secret", lambda text: text.encode())
    file = valley.folder / "handed-in"
    if form == "bundle":
        file.write_bytes(await carry_out(valley.cuc.book, valley.cuc.files, lambda *_: None))
    else:
        file.write_text("\n".join(kept(valley.cuc)) + "\n")
    assert main(["verify", "--receipts", str(file)]) == 0
    assert f"{len(kept(valley.cuc))} biên nhận khớp" in capsys.readouterr().out
    valley.back_up_central("now")
    with valley.app.state.db.writing() as connection:
        seq = own_entries(valley.cuc)[-1][2]
        for table in ("entry", "receipt"):  # the end of the chain, with central's own note of it
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE seq = {seq}")
    assert main(["verify", "--receipts", str(file)]) == 1
    assert "máy còn giữ biên nhận" in capsys.readouterr().out
    empty = valley.folder / "empty"
    empty.write_text("\n")
    assert main(["verify", "--receipts", str(empty)]) == 1
    assert main(["verify", "--receipts", str(valley.folder / "none")]) == 1
