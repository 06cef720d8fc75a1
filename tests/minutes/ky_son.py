"""Kỳ Sơn, nine rooms: the visit that minutes are made of in these stories, with everything a team writes down before leaving."""

import asyncio
from typing import Any

from app.recorder import Change
from tests.field import Phone, cases
from tools.demo import enter_case

STARTED, ENDED = 1_612_486_800_000, 1_612_494_900_000
"""2021-02-05, 08:00 and 10:15 at +07:00."""

GROUNDS = (
    ("Quyết định", "246/QĐ-UBND", "2021-01-25", "Chủ tịch Ủy ban nhân dân tỉnh Nghệ An", "về việc thành lập Đoàn kiểm tra liên ngành"),
    ("Kế hoạch", "05/KH-ĐKT", "2021-02-01", "Đoàn kiểm tra liên ngành", "kiểm tra đột xuất quý I năm 2021"),
)  # fmt: skip
PEOPLE = (
    ("team_leader", "TS. Nguyễn Hữu Thuận", "Phó Giám đốc", "Sở Nội vụ"),
    ("team_secretary", "Đặng Thị Quỳnh Ngọc", "Chuyên viên", "Sở Nội vụ"),
    ("team_member", "Vừ Bá Ỷ", "Thanh tra viên", "Thanh tra tỉnh"),
    ("unit_representative", "Lỳ Y Dờ", "Chánh Văn phòng", "Ủy ban nhân dân huyện Kỳ Sơn"),
    ("witness", "Phỉ Ðăng Ẵm", "Trưởng ban Tiếp công dân", ""),
    ("absent_excused", "Hoàng Thị Vắng Mặt", "Chuyên viên", ""),
    ("absent_unexcused", "Trần Văn Không Phép", "Nhân viên", ""),
)
FINDINGS = (
    (
        "major",
        "par_plan_issued",
        "Chưa ban hành kế hoạch cải cách hành chính năm 2021",
        "Đang trình Chủ tịch huyện ký.",
    ),
    ("minor", "duty_roster_followed", "Lịch trực đã niêm yết nhưng 02 công chức trực không đúng lịch", ""),
    ("critical", "", "Còn 13/40 người vắng mặt khi có công dân chờ giải quyết hồ sơ", ""),
)
OBSERVATIONS = (
    ("strength", "Lãnh đạo huyện đã quán triệt Chỉ thị 17 và Chỉ thị 26 đến từng phòng"),
    ("good_practice", "Nhóm nhắn tin nội bộ nhắc giờ làm việc mỗi sáng"),
    ("objective_cause", "Địa bàn rộng, nhiều cuộc họp ở cơ sở"),
    ("subjective_cause", "Người đứng đầu một số phòng chưa thường xuyên kiểm tra"),
)
OPINION = "Đơn vị nhất trí với nội dung biên bản.\nĐề nghị ghi nhận 07 người đang đi cơ sở theo lịch công tác."


def recommendations() -> list[tuple[str, str, str, str]]:
    """The four that the round gives to all units, each with an owner; one without a deadline."""
    from tools.demo import read_cases

    given = read_cases()["round"]["recommendations_to_all_units"]
    owners = ("Văn phòng huyện", "Trung tâm Một cửa", "Chủ tịch Ủy ban nhân dân huyện", "Các phòng, ban")
    days = ("2021-03-31", "2021-04-15", "", "2021-12-05")
    return [(r["text_vi"], owner, day, "Sở Nội vụ") for r, owner, day in zip(given, owners, days, strict=True)]


def record(phone: Phone, visit: str, kind: str, place: str, /, **patch: Any) -> str:
    """One record of a visit, as the phone's screens would write it."""
    id = f"{kind}-{place}-{visit}"
    phone.book._record([Change(kind, id, {"visit": visit, **patch}, visit)])
    return id


def visit_ky_son(phone: Phone) -> str:
    """Record the visit up to the moment of signing; its id."""
    case = dict(cases()["pub_ky_son"]) | {"visit_date": "2021-02-05"}
    visit = asyncio.run(enter_case(phone.book, case, phone.photograph, rooms=True))
    phone.book.reopen_visit(visit)
    phone.book.edit_visit(visit, started_at=STARTED)
    for item, value in (
        ("par_plan_issued", "no"), ("one_stop_arrangement", "own_desk"), ("duty_roster_posted", "yes"),
        ("duty_roster_followed", "no"), ("badge_worn_all", "yes"), ("rooms_checked_count", 9),
    ):  # fmt: skip
        phone.book.answer(visit, item, value)
    fill(phone, visit)
    for place, item in enumerate(("tthc_board_photo", "duty_roster_posted", "par_plan_issued", "one_stop")):
        facts = asyncio.run(phone.photograph(f"Kỳ Sơn {place}"))
        phone.book.add_photo(visit, facts, item=item, caption=f"Ảnh chụp số {place + 2}: bảng niêm yết ở tầng một")
    phone.book.close_visit(visit)
    phone.book._record([Change("visit", visit, {"visit_ended_at": ENDED}, visit)])
    return visit


def fill(phone: Phone, visit: str) -> None:
    facts = {
        "parent_body_name": "Ủy ban nhân dân tỉnh Nghệ An",
        "issuing_body_name": "Đoàn kiểm tra liên ngành kỷ luật, kỷ cương hành chính",
        "document_number": "5/BB-ĐKT", "place_name": "Kỳ Sơn", "place": "trụ sở Ủy ban nhân dân huyện Kỳ Sơn, thị trấn Mường Xén",
        "period_checked": "từ ngày 01 tháng 01 năm 2021 đến thời điểm kiểm tra", "unit_opinion": OPINION, "copy_count": 3,
    }  # fmt: skip
    phone.book._record([Change("visit", visit, facts, visit)])
    for n, (type_, number, day, issuer, subject) in enumerate(GROUNDS):
        record(
            phone,
            visit,
            "ground",
            str(n),
            document_type=type_,
            document_number=number,
            issued_on=day,
            issuer=issuer,
            subject=subject,
            position=n,
        )
    for n, (role, name, post, body) in enumerate(PEOPLE):
        record(phone, visit, "person", str(n), role=role, name=name, post=post, body=body, position=n)
    for n, (severity, item, text, told) in enumerate(FINDINGS):
        record(
            phone,
            visit,
            "finding",
            str(n),
            severity=severity,
            item=item,
            row="",
            text=text,
            unit_explanation=told,
            position=n,
        )
    for n, (kind, text) in enumerate(OBSERVATIONS):
        record(phone, visit, "observation", str(n), observation_kind=kind, text=text, position=n)
    for n, (text, owner, day, to) in enumerate(recommendations()):
        record(
            phone,
            visit,
            "recommendation",
            str(n),
            text=text,
            owner=owner,
            report_to=to,
            position=n,
            **({"deadline": day} if day else {}),
        )
    record(
        phone,
        visit,
        "document",
        "0",
        document_type="Lịch công tác",
        document_number="06/LCT-VP",
        issued_on="2021-01-30",
        subject="Lịch công tác tuần 5 của Văn phòng",
        position=0,
    )
    record(
        phone,
        visit,
        "document",
        "1",
        document_type="Đơn xin nghỉ",
        subject="Đơn nghỉ ốm của một chuyên viên",
        circulation="limited",
        position=1,
    )
    record(
        phone,
        visit,
        "remediation",
        "0",
        about_kind="notice",
        about="112/TB-SNV",
        text="Thông báo số 112/TB-SNV: bổ sung biển chức danh",
        remediation_status="partly",
        document_number="31/BC-UBND",
        issued_on="2020-10-09",
        remediation_deadline="2020-12-31",
        position=0,
    )


SIGNED = (
    ("unit_representative", "Lỳ Y Dờ", "on_paper"),
    ("team_secretary", "Đặng Thị Quỳnh Ngọc", "drawn_on_screen"),
    ("team_leader", "TS. Nguyễn Hữu Thuận", "drawn_on_screen"),
)
STROKES = [
    [
        80,
        260,
        140,
        120,
        210,
        60,
        250,
        150,
        220,
        280,
        150,
        300,
        300,
        240,
        420,
        120,
        480,
        200,
        520,
        260,
        600,
        140,
        700,
        230,
    ],
    [120, 330, 400, 310, 760, 300],
    [800, 180],
]


def sign(phone: Phone, visit: str) -> str:
    """All three sign and the witness refuses; the code of what was signed."""
    for role, name, method in SIGNED:
        phone.book.sign(visit, role, name, method=method, strokes=STROKES if method == "drawn_on_screen" else ())
    phone.book.sign(visit, "witness", "Phỉ Ðăng Ẵm", method="refused", reason="Không có thời gian đọc lại")
    proof = phone.book.proof(visit)
    assert proof is not None and proof.is_as_signed
    return proof.code
