"""Finding a unit among all 1,305, as one types it, with its parent, the one valid on the day first."""

import csv
import unicodedata
from pathlib import Path

import pytest

from app.sync.stamp import fold
from app.units import UnitReading, Units, bare_name, unit_patch

DAY = "2026-11-21"


@pytest.fixture(scope="module")
def units() -> Units:
    path = Path(__file__).parents[1] / "assets" / "units.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return Units([unit_patch(row) for row in csv.DictReader(file)])


def line(unit: UnitReading) -> tuple[str, str, str]:
    return unit.name, unit.parent_name, unit.valid_to


def test_all_units_are_there(units: Units) -> None:
    assert len(units) == 1305 and len({(u.code, u.valid_from) for u in units}) == 1305


@pytest.mark.parametrize("typed", ["ky son", "KỲ SƠN", "Kỳ Sơn", "  kỳ   sơn ", unicodedata.normalize("NFD", "kỳ sơn")])
def test_ky_son_is_the_old_district_then_the_old_commune_of_that_name(units: Units, typed: str) -> None:
    found = units.search(typed, DAY)
    assert [line(u) for u in found[:2]] == [
        ("Huyện Kỳ Sơn", "Tỉnh Nghệ An", "2025-06-30"),
        ("Xã Kỳ Sơn", "Huyện Tân Kỳ", "2025-06-30"),
    ]
    assert "Xã Mường Lống" in {u.name for u in found[2:] if u.parent_name == "Huyện Kỳ Sơn"}, "its communes follow"


def test_muong_long_is_one_code_with_two_lives_the_current_one_first(units: Units) -> None:
    found = units.search("muong long", DAY)
    assert [line(u) for u in found] == [
        ("Xã Mường Lống", "Tỉnh Nghệ An", ""),
        ("Xã Mường Lống", "Huyện Kỳ Sơn", "2025-06-30"),
    ]
    assert {u.code for u in found} == {"16831"}


def test_dai_dong_is_two_communes_with_two_codes(units: Units) -> None:
    found = units.search("dai dong", DAY)
    assert [(u.name, u.code, u.parent_name, u.valid_to) for u in found[:2]] == [
        ("Xã Đại Đồng", "17713", "Tỉnh Nghệ An", ""),
        ("Xã Đại Đồng", "17749", "Huyện Thanh Chương", "2025-06-30"),
    ]
    assert found[1].successor_codes == ("17713",)


def test_for_a_day_before_july_2025_the_old_division_comes_first(units: Units) -> None:
    assert [u.valid_to for u in units.search("dai dong", "2025-06-30")] == ["2025-06-30", ""]
    assert [u.valid_to for u in units.search("dai dong", "2025-07-01")] == ["", "2025-06-30"]


def test_half_words_the_parents_name_and_codes_find_it_too(units: Units) -> None:
    assert [u.name for u in units.search("muong lo", DAY)][:1] == ["Xã Mường Lống"]
    assert line(units.search("dai dong thanh chuong", DAY)[0]) == ("Xã Đại Đồng", "Huyện Thanh Chương", "2025-06-30")
    assert {u.code for u in units.search("16831", DAY)} == {"16831"}
    assert units.search("xa muong long", DAY)[0].name == "Xã Mường Lống"


def test_nothing_finds_nothing_and_a_long_list_is_cut(units: Units) -> None:
    assert units.search("", DAY) == units.search("   ", DAY) == units.search("khong co xa nay", DAY) == []
    assert len(units.search("xa", DAY)) == 50 and len(units.search("xa", DAY, limit=7)) == 7


def test_every_unit_is_found_by_its_own_name_folded_or_not(units: Units) -> None:
    for number, unit in enumerate(list(units)[::4]):
        typed = (unit.name, fold(unit.name).upper(), bare_name(fold(unit.name)))[number % 3]
        assert unit in units.search(typed, DAY, limit=200), (unit, typed)


def test_current_units_always_come_before_old_ones(units: Units) -> None:
    for typed in ("son", "muong", "dong", "phuong", "thanh"):
        validity = [u.is_valid_on(DAY) for u in units.search(typed, DAY, limit=500)]
        assert validity == sorted(validity, reverse=True) and True in validity and False in validity


def test_parents_are_those_of_the_same_time(units: Units) -> None:
    for unit in units:
        if unit.level == "commune":
            assert unit.parent_name.startswith("Tỉnh ") or unit.parent_name.startswith("Thành phố "), unit
        if unit.level == "legacy_commune":
            assert unit.parent_name.startswith(("Huyện ", "Thị xã ", "Thành phố ")), unit
        if unit.level == "province":
            assert unit.parent_name == ""


def test_a_code_that_lives_on_lends_its_name_to_those_of_its_time_only() -> None:
    rows = [
        {"code": "417", "name": "Huyện Kỳ Sơn", "valid_to": "2025-06-30"},
        {"code": "417", "name": "Phường Mới", "valid_from": "2025-07-01"},
        {"code": "1", "name": "Xã Cũ", "parent_code": "417", "valid_to": "2025-06-30"},
        {"code": "2", "name": "Xã Mới", "parent_code": "417", "valid_from": "2025-07-01"},
    ]
    for given in (rows, rows[::-1]):
        assert {u.name: u.parent_name for u in Units(given) if u.parent_code} == {
            "Xã Cũ": "Huyện Kỳ Sơn",
            "Xã Mới": "Phường Mới",
        }
