"""Files the office brings in: read whole or not at all, and every fault named with its line."""

import copy
import json
import unicodedata
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checklist import read_template
from app.readings import load_templates
from app.reference import load_units
from app.sync.journal import chains, verify_chain
from central.database import rows
from central.imports import ImportRefused, check_units, check_users
from central.office import Taken, take_template, take_units, take_users
from central.people import find_user
from central.template_file import check_template
from tests.central.conftest import Clock

DOMAIN = Path(__file__).parent.parent / "domain"
ASSETS = Path(__file__).parent.parent.parent / "assets"
TEMPLATE = (DOMAIN / "checklist_spot_check.yaml").read_bytes()

UNITS_HEAD = "code,name_vi,level,parent_code,valid_from,valid_to,successor_codes\n"
NGHE_AN = "40,Tỉnh Nghệ An,province,,,,\n"


def faults_of(refused: pytest.ExceptionInfo[ImportRefused]) -> list[tuple[int, str]]:
    return [(fault.line, fault.message) for fault in refused.value.faults]


def test_all_1305_units_of_two_provinces_are_read() -> None:
    assert len(check_units((ASSETS / "units.csv").read_bytes())) == 1305


def test_a_file_saved_by_excel_is_read(tmp_path: Path) -> None:
    """Byte order mark, Windows line ends, quotes, decomposed letters."""
    text = UNITS_HEAD + NGHE_AN + '17713,"Xã Đại Đồng",commune,40,2025-07-01,,\n\n'
    rows = check_units(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert [row["name_vi"] for row in rows] == ["Tỉnh Nghệ An", "Xã Đại Đồng"]
    again = check_units(unicodedata.normalize("NFD", text).encode())
    assert again[1]["name_vi"] == "Xã Đại Đồng"


def test_every_fault_of_a_units_file_is_named_with_its_line() -> None:
    text = (
        UNITS_HEAD
        + NGHE_AN
        + "16831,Xã Mường Lống,commune,99,2025-07-01,,\n"
        + "16832,Xã Mường Lống,xã,40,01/07/2025,,\n"
        + "16833,,commune,40,2025-07-01,2025-06-30,\n"
        + "16834,Xã Hữu Kiệm,commune,40\n"
        + "40,Tỉnh Nghệ An cũ,province,,,2020-01-01,\n"
        + "16835,Xã Na Ngoi,commune,40,,,12345\n"
    )
    with pytest.raises(ImportRefused) as refused:
        check_units(text.encode())
    found = faults_of(refused)
    assert [line for line, _ in found] == [3, 4, 4, 5, 5, 6, 7, 8]
    named = ["parent_code '99'", "level 'xã'", "valid_from '01/07/2025'", "name_vi", "valid_to 2025-06-30", "có 4 ô",
             "trùng thời gian hiệu lực với dòng 2", "successor_codes '12345'"]  # fmt: skip
    messages = "\n".join(message for _, message in found)
    assert all(name in messages for name in named), messages


@pytest.mark.parametrize(
    ("raw", "line", "word"),
    [
        (b"", 1, "dòng đầu"),
        (b"ma,ten\n1,x\n", 1, "dòng đầu"),
        (UNITS_HEAD.encode(), 1, "không có dòng dữ liệu"),
        ((UNITS_HEAD + NGHE_AN).encode() + "Xã Mường".encode("cp1258", "replace") + b"\xff", 3, "UTF-8"),
        ((UNITS_HEAD + NGHE_AN).encode("utf-16"), 1, "UTF-8"),
        ((UNITS_HEAD + NGHE_AN + "\0").encode(), 3, "không phải CSV"),
        ((UNITS_HEAD + NGHE_AN + '1,"chưa đóng,commune,40,,,\n').encode(), 3, "không đọc được"),
        ((UNITS_HEAD + "40,Tỉnh\u0007,province,,,,\n").encode(), 2, "ký tự lạ"),
        ((UNITS_HEAD + "40,Tỉnh,province,,,2025-02-30,\n").encode(), 2, "2025-02-30"),
    ],
)
def test_a_file_that_is_no_units_file_says_so(raw: bytes, line: int, word: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        check_units(raw)
    assert faults_of(refused)[0][0] == line and word in faults_of(refused)[0][1]


def test_people_and_their_teams_are_read_together() -> None:
    file = check_users(
        "id,name,role,team,team_name,team_kind\n"
        "cuc,Lê Thị Cúc,team_leader,doan-1,Đoàn liên ngành số 1,interagency_team\n"
        "dung,Phạm Dũng,inspector,doan-1,,\n"
        "binh,Trần Thị Bình,home_affairs,,,\n".encode()
    )
    assert file.teams == {"doan-1": ("Đoàn liên ngành số 1", "interagency_team")}
    assert file.users[1:] == [
        ("dung", "Phạm Dũng", "inspector", "doan-1"),
        ("binh", "Trần Thị Bình", "home_affairs", None),
    ]


def test_every_fault_of_a_users_file_is_named_with_its_line() -> None:
    text = (
        "id,name,role,team\n"
        "dung,Phạm Dũng,inspector,doan-9\n"
        "Bình,Trần Thị Bình,home_affairs,\n"
        "cuc,Lê Thị Cúc,boss,\n"
        "dung,,inspector,\n"
        "an,Nguyễn Văn An,administrator,doan-1\n"
    )
    with pytest.raises(ImportRefused) as refused:
        check_users(text.encode(), known_teams=["doan-1"])
    assert [line for line, _ in faults_of(refused)] == [2, 3, 4, 5, 5, 5, 6]
    with pytest.raises(ImportRefused, match="chưa có đoàn này"):
        check_users(text.encode())


def test_the_default_template_passes_and_is_read() -> None:
    body = check_template(TEMPLATE)
    assert read_template(body).id == "spot_check_default@1"
    assert sum(len(section["items"]) for section in body["sections"]) == 45


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("type: yes_no_na\n", "type: yes_no\n", "'yes_no': chỉ nhận"),
        ('fails_if: {equals: "no"}', "fails_if: {equals: no}", "dấu ngoặc kép"),
        ("severity_if_failed: major", "severity_if_failed: huge", "'huge'"),
        ("code: badge_worn_all", "code: attendance_mode", "đã có"),
        ("code: badge_worn_all", "code: notice_board", "vừa là mục vừa là phần"),
        ("code: badge_worn_all", "code: Thẻ", "chữ thường không dấu"),
        ("{item: badge_worn_all, equals", "{item: badge_worn, equals", "không có: 'badge_worn'"),
        ("{item: head_absent_excused, gt: 0}", "{item: head_absent_excused, gt: ba}", "không hợp"),
        ("{item: attendance_mode, in: [per_room, whole_unit]}", "{item: attendance_mode, in: [by_room]}", "không hợp"),
        ("repeat: once", "repeat: daily", "'daily'"),
        ("photo_when: on_fail", "photo_when: sometimes", "'sometimes'"),
        ("relevant_if: {}", "relevantif: {}", "không có mục «relevantif»"),
        ("  version: 1\n", "  version: một\n", "số nguyên từ 1"),
        ('applies_from: "2025-07-01"', "applies_from: 2025-07-01", "ngày trong dấu ngoặc kép"),
        ("code: head_present", "code: head_here", "'head_present' loại count"),
        ('label_vi: "Có mặt"', 'label_vi: ""', "không được trống"),
        ("relevant_if: {}", "relevant_if: {item: directive_ref, answered: true}", "phần lặp lại"),
    ],
)
def test_a_fault_of_a_template_is_named_with_its_line(before: str, after: str, word: str) -> None:
    text = TEMPLATE.decode()
    assert before in text
    broken = text.replace(before, after, 1)

    with pytest.raises(ImportRefused) as refused:
        check_template(broken.encode())

    hits = [(line, message) for line, message in faults_of(refused) if word in message]
    assert hits, faults_of(refused)
    if "loại count" not in word:
        near = broken.splitlines()[max(0, hits[0][0] - 1) : hits[0][0] + 12]
        assert any(after.strip().splitlines()[0] in line for line in near) or "phần" in word, (hits, near)


def test_a_condition_that_runs_in_a_circle_is_a_fault() -> None:
    text = TEMPLATE.decode().replace("relevant_if: {}", "relevant_if: {item: badge_missing_count, gt: 0}  # badge", 99)
    with pytest.raises(ImportRefused, match="chạy vòng"):
        check_template(text.encode())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("template: [", 1),
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a: &x [1]\nb: *x\n", 2),
        ("[" * 40, 1),
        ("x: 2025-13-45\n", 1),
        ("- 1\n", 1),
        ("x: \x07\n", 1),
        ("? [a]\n: 1\n", 1),
        ("!!python/object/apply:os.system ['true']\n", 1),
    ],
)
def test_yaml_with_traps_is_refused_in_words(text: str, line: int) -> None:
    with pytest.raises(ImportRefused) as refused:
        check_template(text.encode())
    assert faults_of(refused)[0][0] == line


PARSED = yaml.safe_load(TEMPLATE)
STRANGE = st.sampled_from([None, True, -1, 2.5, "", "x", [], {}, [[]], [{"code": {}}], {"item": []}, {"all": 3}, "no"])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_put_anywhere_in_a_template_is_refused_or_can_be_read(data: st.DataObject) -> None:
    body = copy.deepcopy(PARSED)
    place = body
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(STRANGE)
        break
    try:
        read = check_template(json.dumps(body, ensure_ascii=False).encode())  # JSON is YAML
    except ImportRefused as refused:
        assert refused.faults
        return
    assert read_template(read).sections


def test_units_are_taken_in_once_and_only_what_differs_is_written_again(central: FastAPI, clock: Clock) -> None:
    raw = (ASSETS / "units.csv").read_bytes()
    db = central.state.db
    with db.writing() as connection:
        first = take_units(connection, db.central_device, "an", raw, clock())
    with db.writing() as connection:
        again = take_units(connection, db.central_device, "an", raw, clock())
        renamed = raw.replace("Xã Đại Đồng,commune".encode(), "Xã Đại Đồng mới,commune".encode())
        third = take_units(connection, db.central_device, "an", renamed, clock())

    assert (first, again, third) == (Taken(1305, 1305), Taken(1305, 0), Taken(1305, 1))
    with db.reading() as connection:
        found = [unit.name for unit in load_units(connection).search("dai dong moi", "2026-11-22")]
        assert found == ["Xã Đại Đồng mới"]
        assert all(verify_chain(entries) is None for _, entries in chains(connection))


def test_a_faulty_file_leaves_everything_as_it_was(central: FastAPI, clock: Clock) -> None:
    db = central.state.db
    with pytest.raises(ImportRefused), db.writing() as connection:
        take_users(connection, db.central_device, "an", "id,name,role,team\nmoi,Mới,inspector,la\n".encode(), clock())
    with db.reading() as connection:
        assert rows(connection, "SELECT * FROM entry") == []
        assert find_user(connection, "moi") is None


def test_people_keep_their_passwords_when_their_names_are_put_right(central: FastAPI, clock: Clock) -> None:
    db = central.state.db
    raw = (
        "id,name,role,team,team_name\nbinh,Trần Thị Bình Minh,home_affairs,,\n"
        "em,Vi Văn Em,inspector,doan-3,Đoàn số 3\n"
    ).encode()  # fmt: skip
    with db.writing() as connection:
        assert take_users(connection, db.central_device, "an", raw, clock()) == Taken(2, 2)
        assert take_users(connection, db.central_device, "an", raw, clock()) == Taken(2, 0)
    with db.reading() as connection:
        binh = find_user(connection, "binh")
        assert binh is not None and binh.name == "Trần Thị Bình Minh" and binh.password_hash
        assert rows(connection, "SELECT name FROM team WHERE id = 'doan-3'") == [{"name": "Đoàn số 3"}]


def test_a_version_of_a_checklist_once_taken_is_never_changed(central: FastAPI, clock: Clock) -> None:
    db = central.state.db
    with db.writing() as connection:
        assert take_template(connection, db.central_device, "an", TEMPLATE, clock()) == Taken(1, 1)
        assert take_template(connection, db.central_device, "an", TEMPLATE, clock()) == Taken(1, 0)
    other = TEMPLATE.replace("Đeo thẻ đầy đủ".encode(), "Đeo thẻ".encode())
    with pytest.raises(ImportRefused, match="tăng «version»"), db.writing() as connection:
        take_template(connection, db.central_device, "an", other, clock())
    with db.writing() as connection:
        next_version = other.replace(b"\n  version: 1\n", b"\n  version: 2\n")
        assert take_template(connection, db.central_device, "an", next_version, clock()) == Taken(1, 1)
        assert set(load_templates(connection)) == {"spot_check_default@1", "spot_check_default@2"}
