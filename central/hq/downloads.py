"""The summary to take away: the same figures as on the page, as CSV or XLSX, under a name that sorts."""

import re
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from app.figures import summarize
from app.readings import load_units
from app.sync.stamp import fold
from app.units import bare_name
from central.hq.door import AtDesk
from central.hq.wanted import Asked, Wanted
from central.hq.words import day
from central.readings import Filter
from central.summary import as_csv, as_xlsx, file_name
from central.summary_api import CSV_TYPE, XLSX_TYPE

router = APIRouter()

LEVELS_UP = 3
"""From an old commune over its district to the province, and one to spare."""
DEMO_MARK = "BẢN THỬ – dữ liệu minh họa"


def _document(request: Request, connection: Connection, wanted: Wanted, kind: str) -> tuple[dict[str, Any], str]:
    """The figures and the name of the file."""
    lines = wanted.lines(request.app.state.readings, connection)
    units = {unit.code: unit for unit in load_units(connection)}
    provinces = set()
    for code in {line.unit_code for line in lines}:
        unit = units.get(code or "")
        for _ in range(LEVELS_UP):
            if unit is not None and unit.level != "province":
                unit = units.get(unit.parent_code)
        if unit is not None and unit.level == "province":
            provinces.add(re.sub(r"[^a-z0-9]+", "-", bare_name(fold(unit.name))).strip("-"))
    place = provinces.pop() if len(provinces) == 1 else "cac-tinh"
    chosen = Filter(wanted.first, wanted.last, wanted.round, wanted.unit)
    return summarize(lines), file_name(chosen, kind, place)


@router.get("/summary.csv")
def get_csv(request: Request, _desk: AtDesk, wanted: Asked) -> Response:
    with request.app.state.db.reading() as connection:
        document, name = _document(request, connection, wanted.for_figures, "csv")
    return Response(as_csv(document), media_type=CSV_TYPE, headers=as_file(name))


@router.get("/summary.xlsx")
def get_xlsx(request: Request, _desk: AtDesk, wanted: Asked) -> Response:
    state = request.app.state
    with state.db.reading() as connection:
        document, name = _document(request, connection, wanted.for_figures, "xlsx")
        templates = state.readings.templates(connection)
    newest = max(templates.values(), key=lambda template: template.version, default=None)
    days = f", từ {day(wanted.first)} đến {day(wanted.last)}" if wanted.first or wanted.last else ""
    mark = DEMO_MARK if state.settings.is_demo else ""
    sheets = as_xlsx(document, newest, f"Tổng hợp kiểm tra{days}", mark)
    return Response(sheets, media_type=XLSX_TYPE, headers=as_file(name))


def as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
