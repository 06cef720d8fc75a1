"""Figures of many visits as Home Affairs takes them away: the answer of `GET /summary`, CSV and XLSX."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter
from sqlalchemy import Connection

from app.checklist import Template
from app.figures import summarize
from app.records import HEADS
from app.sync.stamp import fold
from central.readings import Filter, Readings

COLUMNS: dict[str, str] = {
    "visit_id": "Mã cuộc",
    "unit_code": "Mã đơn vị",
    "unit_name": "Đơn vị",
    "unit_level": "Cấp",
    "visit_date": "Ngày kiểm tra",
    "attendance_mode": "Cách ghi quân số",
    "rooms_checked": "Số phòng",
    "head_total": "Tổng số",
    "head_present": "Có mặt",
    "head_absent_excused": "Vắng có lý do",
    "head_absent_unexcused": "Vắng không lý do",
    "head_absent_unclear": "Vắng chưa rõ",
    "attendance_rate": "Tỷ lệ có mặt (%)",
    "excused_rate": "Tỷ lệ vắng có lý do (%)",
    "unexcused_rate": "Tỷ lệ vắng không lý do (%)",
    "failed_items": "Mục không đạt",
    "critical": "Nghiêm trọng",
    "major": "Phải khắc phục",
    "minor": "Nhắc nhở",
    "missing_required_photos": "Thiếu ảnh bắt buộc",
    "photos": "Số ảnh",
    "rank": "Xếp hạng",
    "unranked_reason": "Lý do không xếp hạng",
}
"""Columns of the downloads: name in CSV and in the API → heading in XLSX."""

UNIT_COLUMNS = [c for c in COLUMNS if c not in ("visit_id", "visit_date", "attendance_mode")]

REASONS = {
    "full_no_figures": "Có mặt đầy đủ, không ghi số",
    "not_checked": "Không kiểm tra quân số",
    "not_recorded": "Chưa ghi cách đếm",
    "incomplete": "Số liệu còn thiếu",
    "zero_total": "Tổng số bằng 0",
}
"""Why a visit has no figures or no rank, in words."""

LEVELS = {
    "province": "Tỉnh",
    "commune": "Cấp xã",
    "legacy_district": "Cấp huyện (trước 1/7/2025)",
    "legacy_commune": "Cấp xã (trước 1/7/2025)",
}

MODES = {
    "per_room": "Đếm theo từng phòng",
    "whole_unit": "Đếm chung toàn đơn vị",
    "full_no_figures": "Có mặt đầy đủ, không ghi số",
    "not_checked": "Không kiểm tra nội dung này",
}


def summary(readings: Readings, connection: Connection, wanted: Filter) -> dict[str, Any]:
    """The document of `GET /summary` (design §5)."""
    return {
        "from": wanted.first_day or None,
        "to": wanted.last_day or None,
        "round": wanted.round or None,
        "unit": wanted.unit or None,
        **summarize(readings.lines(connection, wanted)),
    }


def _row(line: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: line.get(name) for name in COLUMNS}
    for severity in ("critical", "major", "minor"):
        row[severity] = line["findings_by_severity"][severity]
    for name in ("failed_items", "missing_required_photos"):
        row[name] = " ".join(line.get(name) or ())
    return row


def as_csv(document: Mapping[str, Any]) -> bytes:
    """One line per visit, then a line of totals (`visit_id` is `total`); UTF-8 with a mark, so that Excel reads it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    for line in document["visits"]:
        writer.writerow({name: disarmed(value) for name, value in _row(line).items()})
    total = _row(document["total"]) | {"visit_id": "total"}
    writer.writerow({name: disarmed(value) for name, value in total.items()})
    return ("\ufeff" + out.getvalue()).encode()


def disarmed(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is disarmed."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + value
    return value


def as_xlsx(document: Mapping[str, Any], template: Template | None, title: str, mark: str = "") -> bytes:
    """Four sheets: visits, units, totals, findings by item; headings in Vietnamese, numbers as numbers, empty left empty.

    `mark` is printed under the title (a demo says so).
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format(
            {"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter", "bg_color": "#E8EEF4"}
        ),
        "text": book.add_format({"border": 1}),
        "number": book.add_format({"border": 1, "num_format": "0"}),
        "rate": book.add_format({"border": 1, "num_format": "0.00"}),
        "bold": book.add_format({"border": 1, "bold": True}),
    }
    labels = {code: item.label.vi for code, item in template.items.items()} if template else {}
    _sheet(book, formats, "Cuộc kiểm tra", title, mark, list(COLUMNS), document["visits"], labels)
    _sheet(book, formats, "Đơn vị", title, mark, UNIT_COLUMNS, document["units"], labels)
    _totals_sheet(book, formats, title, mark, document["total"])
    _items_sheet(book, formats, title, mark, document["total"]["findings_by_item"], template)
    book.close()
    return out.getvalue()


def _sheet(
    book: Any, formats: Mapping[str, Any], name: str, title: str, mark: str, columns: Sequence[str],
    lines: Sequence[Mapping[str, Any]], labels: Mapping[str, str],
) -> None:  # fmt: skip
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, title, formats["title"])
    if mark:
        sheet.write_string(1, 0, mark)
    head = 2
    for x, column in enumerate(columns):
        sheet.write_string(head, x, COLUMNS[column], formats["head"])
        sheet.set_column(x, x, 34 if column in ("unit_name", "failed_items") else 13)
    sheet.freeze_panes(head + 1, 0)
    sheet.repeat_rows(head)
    for y, line in enumerate(lines, head + 1):
        row = _row(line)
        row["failed_items"] = "; ".join(labels.get(code, code) for code in line["failed_items"])
        row["missing_required_photos"] = "; ".join(labels.get(code, code) for code in line["missing_required_photos"])
        row["unit_level"] = LEVELS.get(row["unit_level"] or "", row["unit_level"])
        row["attendance_mode"] = MODES.get(row["attendance_mode"] or "", row["attendance_mode"])
        row["unranked_reason"] = REASONS.get(row["unranked_reason"] or "", row["unranked_reason"])
        for x, column in enumerate(columns):
            _write(sheet, formats, y, x, column, row[column])
    if lines:
        sheet.autofilter(head, 0, head + len(lines), len(columns) - 1)


def _write(sheet: Any, formats: Mapping[str, Any], y: int, x: int, column: str, value: Any) -> None:
    if value is None:
        sheet.write_blank(y, x, None, formats["text"])
    elif column.endswith("_rate"):
        sheet.write_number(y, x, float(value), formats["rate"])
    elif isinstance(value, int):
        sheet.write_number(y, x, value, formats["number"])
    else:
        sheet.write_string(y, x, str(value), formats["text"])


def _totals_sheet(book: Any, formats: Mapping[str, Any], title: str, mark: str, total: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet("Tổng hợp")
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 16)
    sheet.write_string(0, 0, title, formats["title"])
    if mark:
        sheet.write_string(1, 0, mark)
    lines: list[tuple[str, str, Any]] = [
        ("Số cuộc kiểm tra", "", total["visit_count"]),
        ("Số cuộc có số liệu quân số", "", total["visits_with_figures"]),
    ]
    lines += [
        (f"Số cuộc không có số liệu: {REASONS.get(r, r)}", "", n) for r, n in total["visits_without_figures"].items()
    ]
    lines += [(COLUMNS[head], "", total[head]) for head in HEADS]
    lines += [(COLUMNS[rate], rate, total[rate]) for rate in ("attendance_rate", "excused_rate", "unexcused_rate")]
    lines += [(f"Tồn tại: {COLUMNS[s]}", "", n) for s, n in total["findings_by_severity"].items()]
    lines += [("Số đơn vị có tồn tại", "", total["units_with_findings"]), ("Số ảnh", "", total["photos"])]
    for y, (label, column, value) in enumerate(lines, 2):
        sheet.write_string(y, 0, label, formats["text"])
        _write(sheet, formats, y, 1, column, value)


def _items_sheet(
    book: Any, formats: Mapping[str, Any], title: str, mark: str, by_item: Mapping[str, int], template: Template | None
) -> None:
    sheet = book.add_worksheet("Tồn tại theo mục")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 60)
    sheet.set_column(2, 3, 16)
    sheet.write_string(0, 0, title, formats["title"])
    if mark:
        sheet.write_string(1, 0, mark)
    for x, heading in enumerate(("Mã mục", "Mục kiểm tra", "Mức độ", "Số lần")):
        sheet.write_string(2, x, heading, formats["head"])
    ordered = sorted(by_item.items(), key=lambda pair: (-pair[1], pair[0]))
    for y, (code, number) in enumerate(ordered, 3):
        item = template.items.get(code) if template else None
        severity = template.severities[item.severity].vi if template and item and item.severity else ""
        for x, words in enumerate((code, item.label.vi if item else code, severity)):
            sheet.write_string(y, x, words, formats["text"])
        sheet.write_number(y, 3, number, formats["number"])


def file_name(wanted: Filter, kind: str, province: str = "nghe-an") -> str:
    """A name that sorts: `tong-hop_2026-Q4_nghe-an.xlsx` for a whole quarter, else the days or the round."""
    quarter = re.fullmatch(r"(\d{4})-(\d\d)-01\|\1-(\d\d)-\d\d", f"{wanted.first_day}|{wanted.last_day}")
    if quarter and (int(quarter[2]), int(quarter[3])) in ((1, 3), (4, 6), (7, 9), (10, 12)):
        period = f"{quarter[1]}-Q{int(quarter[3]) // 3}"
    elif wanted.first_day or wanted.last_day:
        period = f"{wanted.first_day or 'dau'}_{wanted.last_day or 'nay'}"
    else:
        period = re.sub(r"[^a-z0-9_-]+", "-", fold(wanted.round)) or "tat-ca"
    return f"tong-hop_{period}_{province}.{kind}"
