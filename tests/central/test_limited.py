"""Names of people absent and what is of limited circulation: the team has them, and nothing that leaves the team does."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sync import journal
from app.sync.journal import Change
from app.sync.stamp import Stamp, new_uuid7
from central.cli import _exported
from central.readings import Filter
from tests.central.conftest import Office
from tests.sync.test_two_phones import photograph
from tests.valley import PASSWORD, Valley, told

SECRETS = ("Moong Văn Bảy", "Ốm nặng", "Lò Văn Đổi", "Danh sách kỷ luật mật", "Ảnh người nhà", "Xồng Bá Lỳ")
SAID = "Vi Văn Sơn"


@pytest.fixture
def valley(tmp_path: Path) -> Iterator[Valley]:
    valley = Valley(tmp_path)
    yield valley
    valley.close()


async def recorded(valley: Valley) -> tuple[str, str]:
    """The visit with people absent, one of them first taken for a witness, a limited document and photo; and the photo's name."""
    book, visit = valley.cuc.book, valley.visit
    book.answer(visit, "badge_worn_all", "no")
    book.write_down(visit, "person", role="unit_representative", name=SAID)
    book.write_down(visit, "person", role="absent_excused", name=SECRETS[0], reason=SECRETS[1])
    changed = book.write_down(visit, "person", role="witness", name=SECRETS[2])
    book.amend(visit, "person", changed, role="absent_unexcused")
    bare = {"visit": visit, "role": "absent_unclear", "name": SECRETS[5]}  # as a program that says no more would
    book._record([Change("person", new_uuid7(book.now(), bytes(10)), bare, visit)])
    book.write_down(visit, "document", subject=SECRETS[3], circulation="limited")
    await photograph(valley.cuc, visit, 1)
    photo = book.visit(visit).photos[0]
    book.edit_photo(photo, caption=SECRETS[4], is_limited=True)
    book.write_down(visit, "recommendation", text="Đeo thẻ", deadline="2026-12-01")
    book.keep_findings(visit)
    book.close_visit(visit)
    await valley.sync_until_quiet()
    return visit, photo.sha256


def unpacked(content: bytes) -> str:
    """All text of a download; of a workbook that of all its parts."""
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


@told
async def test_what_is_limited_is_in_nothing_that_leaves_the_team(valley: Valley) -> None:
    visit, sha256 = await recorded(valley)
    persons = valley.dung.book.visit(visit).evidence.persons
    assert {SECRETS[0], SECRETS[2], SECRETS[5], SAID} == {p.name for p in persons}, "a phone of the team has them"
    token = await valley.office()
    office = Office(valley.app, base_url="http://testserver", follow_redirects=False)
    office.sign_in("binh", PASSWORD)
    api = ("", "/journal")
    found = {path: office.get(f"/api/v1/visits/{visit}{path}", headers=token).content for path in api}
    for path in ("summary", "summary?format=csv", "summary?format=xlsx", "visits", "reference"):
        found[path] = office.get(f"/api/v1/{path}", headers=token).content
    pages = (
        f"visits/{visit}", f"visits/{visit}/journal", "visits", "summary", "summary.csv", "summary.xlsx", "follow-up",
        "follow-up.csv", "follow-up.xlsx", "units", "devices",
    )  # fmt: skip
    for path in pages:
        answer = office.get(f"/hq/{path}")
        assert answer.status_code == 200, path
        found[f"/hq/{path}"] = answer.content
    with valley.app.state.db.reading() as connection:
        for kind in ("json", "csv", "xlsx"):
            found[f"export {kind}"] = _exported(connection, Filter(), kind, False)
    for name, content in found.items():
        text = unpacked(content)
        assert not [secret for secret in SECRETS if secret in text], name
    for name in ("", f"/hq/visits/{visit}", "export json", "/journal", f"/hq/visits/{visit}/journal"):
        assert SAID in unpacked(found[name]), f"{name} would show a name"
    assert "Đeo thẻ" in unpacked(found["/hq/follow-up.xlsx"]) and "Đeo thẻ" in unpacked(found["/hq/follow-up.csv"])
    assert office.get(f"/hq/photos/{sha256}").status_code == 404
    assert sha256 not in unpacked(found[""]) + unpacked(found[f"/hq/visits/{visit}"])


@told
async def test_a_journal_with_what_is_limited_still_verifies(valley: Valley) -> None:
    visit, _ = await recorded(valley)
    document = valley.clients["cuc"]
    answer = await document.get(f"/api/v1/visits/{visit}/journal", headers=await valley.office())
    entries = answer.json()["entries"]
    withheld = [entry for entry in entries if isinstance(entry[12], str)]
    assert {entry[10] for entry in withheld} == {"person", "document", "photo"} and len(withheld) == 7
    heads: dict[tuple[str, str], str] = {}
    for entry in entries:
        _, device, epoch, seq, ms, counter, tx, seen, schema, author, kind, record, patch, digest = entry
        life = (device, epoch)
        before = heads.get(life, journal.genesis(epoch) if seq == 1 else None)
        fingerprint = patch if isinstance(patch, str) else journal.sha256(journal.canonical(patch))
        chained = [
            "skt1", before, device, epoch, seq, *Stamp(ms, counter), tx, seen, schema, author, kind, record, fingerprint,
        ]  # fmt: skip
        assert before is not None and journal.sha256(journal.canonical(chained)) == digest
        heads[life] = digest
