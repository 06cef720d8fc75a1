"""What units have been told to put right, and what has become of it: notice or visit, then the unit's paper, then the check."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from sqlalchemy import Connection, text

from app.figures import percent
from app.matters import Matter, notice_matter, seen_since
from central.readings import Readings, seen_of_matters
from central.summary import disarmed

STATES = ("open", "overdue", "closed")


@dataclass(frozen=True)
class Check:
    """What one visit saw of a matter; `document_number` and `issued_on` are those of the unit's paper."""

    visit: str
    day: str
    status: str
    document_number: str
    issued_on: str
    remark: str


@dataclass(frozen=True)
class Chain:
    """A matter, where it comes from, and every check of it, oldest first. `round` is that of its visit."""

    matter: Matter
    unit_name: str
    round: str
    checks: tuple[Check, ...]

    @property
    def last(self) -> Check | None:
        return self.checks[-1] if self.checks else None

    @property
    def paper(self) -> Check | None:
        """The last check that named a paper of the unit."""
        return next((check for check in reversed(self.checks) if check.document_number), None)

    def state(self, today: str) -> str:
        """open, overdue (still open after its deadline) or closed."""
        if not self.matter.is_open:
            return "closed"
        return "overdue" if self.matter.deadline and self.matter.deadline < today else "open"


def chains(readings: Readings, connection: Connection) -> list[Chain]:
    """Every finding and recommendation of visits that are over, and every notice; by day."""
    seen = seen_of_matters(connection)
    statuses = [(s.about_kind, s.about, s.remediation_status) for s in seen]
    notices = connection.execute(text("SELECT * FROM notice ORDER BY issued_on, id"))
    matters = [*readings.matters(connection), *seen_since(map(notice_matter, notices), statuses)]
    visits = {v.id: v for v in connection.execute(text("SELECT id, unit_name, round FROM visit"))}
    names: dict[str, str] = {
        code: name for code, name in connection.execute(text("SELECT code, name FROM unit ORDER BY valid_from"))
    }
    checks: dict[tuple[str, str], list[Check]] = {}
    for s in seen:
        check = Check(
            s.visit,
            s.visit_date or "",
            s.remediation_status,
            s.document_number or "",
            s.issued_on or "",
            s.remark or "",
        )
        checks.setdefault((s.about_kind, s.about), []).append(check)
    found = []
    for m in matters:
        visit = visits.get(m.visit)
        name = visit.unit_name if visit else names.get(m.unit_code)
        found.append(
            Chain(m, name or m.unit_code, (visit.round if visit else "") or "", tuple(checks.get((m.kind, m.id), ())))
        )
    return sorted(found, key=lambda chain: (chain.matter.day, chain.unit_name))


def counted(found: Sequence[Chain], today: str) -> dict[str, Any]:
    """How many there are, how many in each state, and the share that is closed (text, per cent, None of none)."""
    states = [chain.state(today) for chain in found]
    closed = states.count("closed")
    return {
        "total": len(found), "open": len(found) - closed, "overdue": states.count("overdue"), "closed": closed,
        "closed_share": percent(closed, len(found)),
    }  # fmt: skip


COLUMNS = {
    "unit_code": "Mã đơn vị",
    "unit_name": "Đơn vị",
    "kind": "Loại",
    "said_on": "Ngày nêu",
    "text": "Nội dung",
    "severity": "Mức độ",
    "deadline": "Thời hạn",
    "state": "Tình trạng",
    "status": "Kết quả khắc phục",
    "document_number": "Văn bản khắc phục",
    "issued_on": "Ngày văn bản",
    "checked_on": "Ngày kiểm tra lại",
    "remark": "Ghi chú",
    "visit_id": "Mã cuộc nêu",
    "checked_in": "Mã cuộc kiểm tra lại",
}
"""Columns of the downloads: name in CSV → heading in XLSX."""


def row_of(chain: Chain, today: str) -> dict[str, str]:
    """A line of the downloads: codes and ISO days."""
    m, last, paper = chain.matter, chain.last, chain.paper
    return {
        "unit_code": m.unit_code, "unit_name": chain.unit_name, "kind": m.kind, "said_on": m.day, "text": m.text,
        "severity": m.severity, "deadline": m.deadline, "state": chain.state(today), "status": m.status,
        "document_number": paper.document_number if paper else "", "issued_on": paper.issued_on if paper else "",
        "checked_on": last.day if last else "", "remark": last.remark if last else "", "visit_id": m.visit,
        "checked_in": last.visit if last else "",
    }  # fmt: skip


def as_csv(found: Sequence[Chain], today: str) -> bytes:
    """One line a matter; UTF-8 with a mark, so that Excel reads it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    for chain in found:
        writer.writerow({name: disarmed(value) for name, value in row_of(chain, today).items()})
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(found: Sequence[Chain], today: str, title: str, words: Mapping[str, Mapping[str, str]], mark: str) -> bytes:
    """The same as one sheet; `words` gives, per column, what its codes are called. `mark` says that it is a demo."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    bold = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format({"bold": True, "text_wrap": True, "border": 1, "bg_color": "#E8EEF4"})
    cell = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("Theo dõi khắc phục")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, title, bold)
    sheet.write_string(1, 0, mark)
    for x, (name, heading) in enumerate(COLUMNS.items()):
        sheet.write_string(2, x, heading, head)
        sheet.set_column(x, x, 50 if name == "text" else 30 if name == "unit_name" else 15)
    for y, chain in enumerate(found, 3):
        for x, (name, value) in enumerate(row_of(chain, today).items()):
            sheet.write_string(y, x, words.get(name, {}).get(value, value), cell)
    sheet.freeze_panes(3, 0)
    sheet.repeat_rows(2)
    book.close()
    return out.getvalue()
