"""Every string a screen shows, in Vietnamese and English, and how numbers, rates, days and times are written.

Short, polite, no blame, no technical terms; one word per thing, the glossary's. Only glyphs of the shipped fonts: marks
are icons. English avoids plurals ("left: 2"), so that no string needs grammar.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from app.screens.concluding_words import CONCLUDING_WORDS
from app.screens.keeping_words import KEEPING_WORDS
from app.screens.paper_words import PAPER_WORDS
from app.screens.phone_words import PHONE_WORDS
from app.screens.photo_words import PHOTO_WORDS
from app.screens.recording_words import RECORDING_WORDS
from app.screens.screen_words import SCREEN_WORDS
from app.screens.signing_words import SIGNING_WORDS
from app.screens.straighten_words import STRAIGHTEN_WORDS

LANGUAGES = ("vi", "en")
NOTHING = "–"
"""Shown where nothing was recorded; a zero is a record."""

_HERE = timezone(timedelta(hours=7))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORDS: dict[str, tuple[str, str]] = {
    "app": ("Sổ kiểm tra", "Inspection book"),
    # the bottom bar
    "tab_today": ("Hôm nay", "Today"),
    "tab_visits": ("Các cuộc", "Visits"),
    "tab_sync": ("Đồng bộ", "Sync"),
    "tab_settings": ("Cài đặt", "Settings"),
    # what every screen may say
    "back": ("Quay lại", "Back"),
    "undo": ("Hoàn tác", "Undo"),
    "progress_of": ("{done}/{of} mục", "{done}/{of} items"),
    "failed_items": ("{count} không đạt", "{count} failed"),
    "missing_photos": ("thiếu {count} ảnh", "photos missing: {count}"),
    "broke_title": ("Màn hình này chưa vẽ được", "This screen could not be drawn"),
    "broke_safe": ("Mọi điều đã ghi vẫn nằm nguyên trên máy.", "Everything recorded is safe on this phone."),
    "broke_do": (
        "Hãy quay lại rồi mở lại. Nếu vẫn vậy, vào Cài đặt, chọn xuất dữ liệu và báo người phụ trách.",
        "Go back and open it again. If it stays so, export the data in Settings and tell the person in charge.",
    ),
    "text_length": ("{length}/{most} ký tự", "{length}/{most} characters"),
    # headcount
    "head_total": ("Tổng số", "Total"),
    "head_present": ("Có mặt", "Present"),
    "head_absent_excused": ("Vắng có lý do", "Absent, excused"),
    "head_absent_unexcused": ("Vắng không lý do", "Absent, no reason"),
    "head_absent_unclear": ("Vắng chưa rõ", "Absent, unclear"),
    "count_moment": ("Lần đếm {moment}", "Count at {moment}"),
    "count_add": ("Thêm lần đếm", "Add a count"),
    "room_place": ("{number}/{of}", "{number}/{of}"),
    "one_more": ("{figure}, thêm một", "{figure}, one more"),
    "one_less": ("{figure}, bớt một", "{figure}, one less"),
    "figure_is": ("{figure}: {value}", "{figure}: {value}"),
    "figure_empty": ("{figure}: chưa ghi", "{figure}: not counted"),
    "roll_as_before": ("Lần trước: {roll} – Đúng", "Last time: {roll} – Correct"),
    "all_present": ("Có mặt đủ", "All present"),
    "rest_unclear": ("{rest} người còn lại: chưa rõ", "Other {rest}: unclear"),
    "rest_unclear_roll": (
        "Tổng {roll} như lần trước, {rest} chưa rõ",
        "Total {roll} as before, {rest} unclear",
    ),
    "rest_none": ("Các ô trống: ghi 0", "Empty figures: 0"),
    "rest_none_roll": ("Tổng {roll} như lần trước, ô trống: 0", "Total {roll} as before, the rest 0"),
    "sum_no_roll": ("chưa có tổng số", "no total yet"),
    "sum_left": ("còn {count} người chưa rõ", "left to find: {count}"),
    "sum_over": ("thừa {count} người so với tổng số", "{count} more than the total"),
    "sum_even": ("đủ {count} người", "adds up: {count}"),
    "sum_even_open": ("đủ {count} người, còn ô trống", "adds up: {count}, some figures empty"),
    "room_previous": ("Phòng trước", "Previous"),
    "room_next": ("Phòng sau", "Next room"),
    "room_reasons": ("Lý do", "Reasons"),
    "room_late": ("Đi muộn", "Late"),
    "room_photos": ("Ảnh", "Photos"),
    "room_note": ("Ghi chú", "Note"),
    "to_figures": ("Về số đếm", "Back to the figures"),
    "room_note_label": ("Ghi chú về phòng", "Note on the room"),
    "room_reasons_none": (
        "Chỉ cần ghi lý do khi có người vắng có lý do.",
        "Reasons are asked for when someone is absent, excused.",
    ),
    # keypad
    "key_clear": ("xóa", "clear"),
    "key_next": ("tiếp", "next"),
    "key_done": ("xong", "done"),
    "keypad_close": ("Đóng bàn phím số", "Close the keypad"),
    "key_clear_name": ("Xóa số của {figure}", "Clear {figure}"),
    # items
    "yes": ("Có", "Yes"),
    "no": ("Không", "No"),
    "na": ("Không áp dụng", "N/A"),
    "fails": ("Không đạt", "Fails"),
    "minor": ("Nhắc nhở", "Minor"),
    "major": ("Phải khắc phục", "Major"),
    "critical": ("Nghiêm trọng", "Critical"),
    "photo_needed": ("Cần ảnh", "Photo needed"),
    "legal_basis": ("Căn cứ", "Legal basis"),
    "legal_basis_of": ("Căn cứ pháp lý: {item}", "Legal basis: {item}"),
    "remark": ("Ghi chú", "Remark"),
    "remark_on": ("Ghi chú: {item}", "Remark: {item}"),
    "photo": ("Ảnh", "Photo"),
    "photo_take": ("Chụp ảnh", "Take photo"),
    "photo_take_for": ("Chụp ảnh: {item}", "Take photo: {item}"),
    "photo_open": ("Mở ảnh {number}: {caption}", "Open photo {number}: {caption}"),
    "photo_uncaptioned": ("chưa có chú thích", "no caption"),
    "answer_of": ("{answer}: {item}", "{answer}: {item}"),
    "date_label": ("Ngày (ngày/tháng/năm)", "Date (day/month/year)"),
    "date_pick": ("Chọn trên lịch: {item}", "Choose on a calendar: {item}"),
    "date_wrong": ("Hãy ghi ngày như 22/11/2026", "Write the date like 22/11/2026"),
    "date_choose": ("Chọn ngày", "Choose the day"),
    "ok": ("Đồng ý", "OK"),
    "cancel": ("Thôi", "Cancel"),
    # photo
    "shutter": ("Chụp", "Shoot"),
    "torch": ("Đèn", "Torch"),
    "photo_pick": ("Chọn ảnh có sẵn", "Choose a photo"),
    "photo_use": ("Dùng", "Use"),
    "photo_again": ("Chụp lại", "Take again"),
    "photo_shown": ("Ảnh vừa chụp", "The photo just taken"),
    "photo_caption": ("Chú thích", "Caption"),
    "camera_starting": ("Đang mở máy ảnh…", "Opening the camera…"),
    "camera_denied": (
        "Máy ảnh chưa được phép dùng. Hãy cho phép trong cài đặt của trình duyệt, hoặc chọn ảnh có sẵn ở dưới.",
        "The camera is not allowed. Allow it in the browser's settings, or choose a photo below.",
    ),
    "camera_none": (
        "Máy này không mở được máy ảnh tại đây. Hãy chụp bằng nút chọn ảnh ở dưới.",
        "The camera cannot be opened here. Take the photo with the button below.",
    ),
    "camera_busy": (
        "Máy ảnh đang bị ứng dụng khác dùng. Hãy đóng ứng dụng đó rồi mở lại máy ảnh, hoặc chọn ảnh có sẵn ở dưới.",
        "Another app is using the camera. Close it and open the camera again, or choose a photo below.",
    ),
    "camera_silent": (
        "Máy ảnh không trả lời. Hãy mở lại máy ảnh, hoặc chọn ảnh có sẵn ở dưới.",
        "The camera does not answer. Open it again, or choose a photo below.",
    ),
    "camera_again": ("Mở lại máy ảnh", "Open the camera again"),
    "photo_working": ("Đang xử lý ảnh…", "Preparing the photo…"),
    "caption_board": ("Bảng niêm yết", "Notice board"),
    "caption_roster": ("Lịch trực", "Duty roster"),
    "caption_desk": ("Quầy một cửa", "One-stop desk"),
    "caption_locked": ("Phòng khóa cửa", "Locked room"),
    "caption_empty_room": ("Phòng vắng người", "Empty room"),
    "caption_document": ("Văn bản", "Document"),
}

WORDS |= SCREEN_WORDS | CONCLUDING_WORDS | RECORDING_WORDS | PHONE_WORDS | PAPER_WORDS | KEEPING_WORDS
WORDS |= SIGNING_WORDS | PHOTO_WORDS | STRAIGHTEN_WORDS


def word(key: str, language: str, **values: object) -> str:
    """The string `key` in `language` (vi or en) with `{names}` filled in; KeyError for what is not in the table."""
    text = WORDS[key][LANGUAGES.index(language)]
    return text.format(**values) if values else text


def number(value: int | None, language: str = "vi") -> str:
    """1234 → 1.234 (English 1,234); None → –."""
    if value is None:
        return NOTHING
    return f"{value:,}".replace(",", ".") if language == "vi" else f"{value:,}"


def percent(value: str | None, language: str = "vi") -> str:
    """A rate as the figures give it, "67.50" → 67,50% (English 67.50%); None → –."""
    if value is None:
        return NOTHING
    return f"{value.replace('.', ',') if language == 'vi' else value}%"


def day(value: str | None, language: str = "vi") -> str:
    """An ISO day → 22/11/2026 (English 22 Nov 2026); None → –."""
    if not value:
        return NOTHING
    it = date.fromisoformat(value)
    return f"{it.day:02}/{it.month:02}/{it.year}" if language == "vi" else f"{it.day} {_MONTHS[it.month - 1]} {it.year}"


def read_day(typed: str) -> str | None:
    """What a person writes for a day (22/11/2026, 22.11.26, 22112026) → the ISO day; None for blank, ValueError for
    no day.
    """
    digits = re.findall(r"\d+", typed)
    if not digits:
        if typed.strip():
            raise ValueError(typed)
        return None
    if len(digits) == 1 and len(digits[0]) in (6, 8):
        digits = [digits[0][:2], digits[0][2:4], digits[0][4:]]
    if len(digits) != 3 or len(digits[2]) not in (2, 4):
        raise ValueError(typed)
    year = int(digits[2]) + (2000 if len(digits[2]) == 2 else 0)
    return date(year, int(digits[1]), int(digits[0])).isoformat()


def clock(ms: int | None) -> str:
    """ms UTC → 07:45 in Viet Nam; None → –. For tables and narrow places."""
    return NOTHING if ms is None else f"{_local(ms):%H:%M}"


def moment(ms: int | None, language: str = "vi") -> str:
    """ms UTC → 16 giờ 15 in Viet Nam (English 16:15); None → –."""
    if ms is None:
        return NOTHING
    return f"{_local(ms).hour} giờ {_local(ms):%M}" if language == "vi" else f"{_local(ms):%H:%M}"


def day_and_moment(ms: int | None, language: str = "vi") -> str:
    """ms UTC → 16 giờ 15, 22/11/2026 in Viet Nam; None → –."""
    return NOTHING if ms is None else f"{moment(ms, language)}, {day(f'{_local(ms):%Y-%m-%d}', language)}"


def size(octets: int, language: str = "vi") -> str:
    """Bytes → 850 kB, 2,8 MB, 1,2 GB (decimal units)."""
    if octets < 1_000_000:
        return f"{number(-(-octets // 1000), language)} kB"
    text = f"{octets / 1e6:.1f} MB" if octets < 1_000_000_000 else f"{octets / 1e9:.1f} GB"
    return text.replace(".", ",") if language == "vi" else text


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(_HERE)
