"""The demo that `make run` shows: people of two teams, rounds, units of two provinces; marked as a demo on every page."""

import csv
import json
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Connection

from app.sync.journal import Change
from app.units import unit_id, unit_patch
from central import access
from central.database import rows
from central.intake import write_as_central
from central.people import Role, add_user
from central.procedures import take_procedures

ASSETS = Path(__file__).parents[1] / "assets"
PROCEDURES = Path(__file__).parent / "demo_procedures.csv"

HQ_USER = "so-noi-vu"
HQ_PASSWORD = "ban-thu-ky-son-2026"
"""Known to everybody on purpose: the demo holds no real data and `kiemtra serve` without --demo never makes it."""

DEMO_ROUND = "ban-thu-nghe-an-2021-02"
TRY_ROUND = "ban-thu-dot-2-2026"

PEOPLE: list[tuple[str, str, Role, str | None]] = [
    ("quan-tri", "Quản trị bản thử", "administrator", None),
    (HQ_USER, "Cán bộ Sở Nội vụ (bản thử)", "home_affairs", None),
    ("truong-doan-1", "Nguyễn Văn An (bản thử)", "team_leader", "doan-1"),
    ("thanh-vien-1", "Lô Thị Bình (bản thử)", "inspector", "doan-1"),
    ("thanh-vien-2", "Vi Văn Cường (bản thử)", "inspector", "doan-2"),
    ("ghi-lai-bao-chi", "Người nhập số liệu báo chí (bản thử)", "inspector", "doan-1"),
]

PLANNED = ["16831", "16813", "16816", "16819", "16822", "17248"]
"""Communes of the west of Nghệ An, for the round to try."""

CODE_VALID_MS = 30 * 24 * 3_600_000


def make_demo(app: FastAPI, folder: Path) -> dict[str, object]:
    """Fill an empty central, hand out fresh enrolment codes where the last ones are used up, and write `demo.json`."""
    state = app.state
    now = state.now()
    password_hash = state.passwords.hash(HQ_PASSWORD)
    with state.db.writing() as connection:
        is_new = not rows(connection, "SELECT id FROM round WHERE id = :id", id=DEMO_ROUND)
        if is_new:
            for id, name, role, team in PEOPLE:
                add_user(
                    connection,
                    id,
                    name,
                    role,
                    team,
                    password_hash if role in ("administrator", "home_affairs") else None,
                )
            write_as_central(connection, state.db.central_device, "quan-tri", _reference_changes(), now)
            take_procedures(connection, PROCEDURES.read_bytes(), is_demo=True)
    kept_file = folder / "demo.json"
    kept = json.loads(kept_file.read_text(encoding="utf-8")) if kept_file.exists() else {}
    users = ("truong-doan-1", "thanh-vien-1", "thanh-vien-2")
    codes = list(kept.get("enrolment_codes") or ["", "", ""])
    with state.db.writing() as connection:
        for i, user in enumerate(users):
            if not _is_usable(app, connection, codes[i], now):
                codes[i] = access.new_code(connection, state.settings.secret, user, "quan-tri", now, CODE_VALID_MS)
        seed_code = kept.get("seed_code") or access.new_code(
            connection, state.settings.secret, "ghi-lai-bao-chi", "quan-tri", now, CODE_VALID_MS
        )
    facts: dict[str, object] = {
        "about": "Bản thử: số liệu minh họa / demo data",
        "url": state.settings.public_url,
        "hq_user": HQ_USER,
        "hq_password": HQ_PASSWORD,
        "enrolment_codes": codes,
        "enrolment_teams": ["doan-1", "doan-1", "doan-2"],
        "round": TRY_ROUND,
        "demo_round": DEMO_ROUND,
        "seed_code": seed_code,
    }
    fresh = kept_file.with_suffix(".new")
    fresh.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    fresh.replace(kept_file)
    return facts


def _is_usable(app: FastAPI, connection: Connection, code: str, now: int) -> bool:
    if not code:
        return False
    found = rows(
        connection,
        "SELECT used_at FROM enrolment_code WHERE code_hash = :hash AND used_at IS NULL AND expires_at > :now",
        hash=access.code_hash(app.state.settings.secret, code),
        now=now,
    )
    return bool(found)


def _reference_changes() -> list[Change]:
    """Teams, rounds, units, the checklist and two holidays, as central's own entries."""
    changes = [
        Change("team", "doan-1", {"name": "Đoàn liên ngành số 1 (bản thử)", "team_kind": "interagency_team"}, ""),
        Change("team", "doan-2", {"name": "Đoàn kiểm tra số 2 (bản thử)", "team_kind": "inspection_team"}, ""),
    ]
    with (ASSETS / "units.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            patch = unit_patch(row)
            changes.append(Change("unit", unit_id(patch["code"], patch["valid_from"]), patch, ""))
    body = json.loads((ASSETS / "checklist.json").read_text(encoding="utf-8"))
    head = body["template"]
    template = {"code": head["code"], "version": head["version"], "title": head["title_vi"], "body": body}
    changes.append(Change("template", f"{head['code']}@{head['version']}", template, ""))
    changes.append(
        Change(
            "round",
            DEMO_ROUND,
            {
                "name": "Nghệ An, tháng 2/2021 (theo báo chí, bản thử)", "starts_on": "2021-02-01", "ends_on": "2021-02-28",
                "teams": ["doan-1"], "planned_units": [], "is_demo": True,
            },
            "",
        )
    )  # fmt: skip
    changes.append(
        Change(
            "round",
            TRY_ROUND,
            {
                "name": "Đợt 2/2026 (bản thử)", "starts_on": "2026-10-01", "ends_on": "2026-12-31", "teams": ["doan-1", "doan-2"],
                "planned_units": [[code, "2025-07-01"] for code in PLANNED], "is_demo": True,
            },
            "",
        )
    )  # fmt: skip
    for day, note in (("2026-09-02", "Quốc khánh"), ("2027-01-01", "Tết Dương lịch")):
        changes.append(Change("calendar_day", day, {"day": day, "hours": [], "note": note}, ""))
    return changes
