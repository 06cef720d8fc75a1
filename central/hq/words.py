"""Numbers, days and moments as people read them here, and the Vietnamese words for codes."""

from datetime import UTC, datetime, timedelta, timezone

from app.geopoint import read_geopoint
from app.records import TIME_ZONE_HOURS
from central.people import ROLE_NAMES
from central.summary import LEVELS, MODES, REASONS

DASH = "–"
LOCAL = timezone(timedelta(hours=TIME_ZONE_HOURS))

OBSERVATIONS = {
    "strength": "Ưu điểm", "good_practice": "Cách làm hay", "objective_cause": "Nguyên nhân khách quan",
    "subjective_cause": "Nguyên nhân chủ quan",
}  # fmt: skip
PARTS_TAKEN = {
    "team_leader": "Trưởng đoàn", "team_secretary": "Thư ký", "team_member": "Thành viên",
    "unit_representative": "Đại diện đơn vị", "witness": "Người chứng kiến",
}  # fmt: skip
REMEDIATIONS = {
    "done": "Đã khắc phục", "partly": "Đang khắc phục", "not_done": "Chưa khắc phục", "document_only": "Mới có văn bản",
    "not_due": "Chưa đến hạn",
}  # fmt: skip
MATTERS = {"finding": "Tồn tại", "recommendation": "Kiến nghị", "notice": "Thông báo"}

STATUS_NAMES = {"open": "Đang làm", "closed": "Đã đóng", "signed": "Đã ký"}


def number(value: int | None) -> str:
    """1.234; a dash for what was not counted."""
    return DASH if value is None else f"{value:,}".replace(",", ".")


def percent(value: str | None) -> str:
    """`"67.50"` as 67,50%; a dash over an empty or zero total."""
    return DASH if value is None else f"{value.replace('.', ',')}%"


def day(value: str | None) -> str:
    """An ISO day as 22/11/2026; the text itself when it is no such day."""
    if not value:
        return DASH
    parts = value.split("-")
    return "/".join(reversed(parts)) if len(parts) == 3 else value


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC).astimezone(LOCAL) + timedelta(milliseconds=ms)


def clock(ms: int | None) -> str:
    """Unix ms as 16 giờ 15, local."""
    return DASH if ms is None else _local(ms).strftime("%H giờ %M")


def moment(ms: int | None) -> str:
    """Unix ms as 22/11/2026 16 giờ 15, local."""
    return DASH if ms is None else _local(ms).strftime("%d/%m/%Y %H giờ %M")


def local_day(ms: int) -> str:
    """Unix ms as an ISO day, local."""
    return _local(ms).date().isoformat()


def size(count: int | None) -> str:
    """Bytes as 2,8 MB or 412 kB."""
    if count is None:
        return DASH
    return f"{count / 1e6:.1f} MB".replace(".", ",") if count >= 1_000_000 else f"{-(-count // 1000)} kB"


def place(written: str | None) -> str:
    """A geopoint as coordinates a map takes, and how far off they may be; a dash for none."""
    point = read_geopoint(written or "")
    return f"{point.latitude}, {point.longitude} (±{number(point.accuracy_m)} m)" if point else DASH


def level(code: str | None) -> str:
    return LEVELS.get(code or "", DASH)


def role(code: str) -> str:
    return ROLE_NAMES.get(code, code)


def reason(code: str | None) -> str:
    """Why a visit has no figures or no rank."""
    return REASONS.get(code or "", code or "")


def mode(code: str | None) -> str:
    """How attendance was recorded."""
    return MODES.get(code or "", "Chưa ghi")


def status(code: str | None) -> str:
    return STATUS_NAMES.get(code or "", code or DASH)


def observation(code: str) -> str:
    return OBSERVATIONS.get(code, code)


def part_taken(code: str) -> str:
    """What somebody was at a visit."""
    return PARTS_TAKEN.get(code, code)


def remediation(code: str | None) -> str:
    return REMEDIATIONS.get(code or "", code or "Chưa xem")


def matter(code: str) -> str:
    return MATTERS.get(code, code)


def vietnamese(words: str) -> str:
    """The first half of "Vietnamese / English"."""
    return words.partition(" / ")[0]


FILTERS = {
    "vietnamese": vietnamese,
    "number": number,
    "percent": percent,
    "day": day,
    "clock": clock,
    "moment": moment,
    "size": size,
    "place": place,
    "level": level,
    "role": role,
    "reason": reason,
    "mode": mode,
    "status": status,
    "observation": observation,
    "part_taken": part_taken,
    "remediation": remediation,
    "matter": matter,
}
