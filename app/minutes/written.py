"""How days, times, numbers and names of papers are written: decree 30/2020, Appendix I."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from app.records import TIME_ZONE_HOURS

DOTS = "………"
"""A place for a pen."""
DASH = "–"


def here(ms: int) -> datetime:
    """A moment as clocks in Viet Nam show it."""
    return datetime.fromtimestamp(ms / 1000, UTC) + timedelta(hours=TIME_ZONE_HOURS)


def long_day(iso: str) -> str:
    """ngày 05 tháng 02 năm 2026: a zero before days below 10 and months 1 and 2; dots for an unknown day."""
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return "ngày …… tháng …… năm ………"
    return f"ngày {day.day:02d} tháng {day.month:02d} năm {day.year}" if day.month < 3 else (
        f"ngày {day.day:02d} tháng {day.month} năm {day.year}"
    )  # fmt: skip


def short_day(iso: str) -> str:
    """05/02/2026; empty for none."""
    try:
        return date.fromisoformat(iso).strftime("%d/%m/%Y")
    except ValueError:
        return iso


def clock(ms: int | None) -> str:
    """16 giờ 15 phút; dots when it is not known."""
    return here(ms).strftime("%H giờ %M phút") if ms is not None else "…… giờ …… phút"


def figure(value: int | None) -> str:
    """1.234; a dash for what was not counted."""
    return f"{value:,}".replace(",", ".") if value is not None else DASH


def percent(rate: str) -> str:
    return f"{rate.replace('.', ',')}%"


def two_digits(value: int | None) -> str:
    return f"{value:02d}" if value is not None else "……"


def number_and_mark(document_number: str) -> str:
    """Số: 05/BB-ĐKT; a place for the number while the records office has given none."""
    number, slash, mark = document_number.partition("/")
    number, mark = number.strip(), mark.strip() if slash else "BB-ĐKT"
    if number.isdecimal() and len(number) < 2:
        number = number.zfill(2)
    return f"Số: {number or '……'}/{mark}"


def ended(words: str, end: str = ".") -> str:
    """A sentence with its end mark."""
    words = words.strip()
    return words if words.endswith((".", "!", "?", "…", ";", ":")) else words + end


def photos_named(numbers: Sequence[int]) -> str:
    """A reference to photos by their numbers in the annex, behind what they show."""
    return f" (ảnh {', '.join(map(str, numbers))})" if numbers else ""
