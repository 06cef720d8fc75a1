"""What the screens of recording say (rooms, items, photos), in Vietnamese and English; part of `words.WORDS`."""

RECORDING_WORDS: dict[str, tuple[str, str]] = {
    # rooms of a count
    "rooms_title": ("Đếm quân số", "Headcount"),
    "room_list": ("Về danh sách", "To the list"),
    "rooms_counts": ("Các lần đếm", "Counts"),
    "rooms_main": ("{moment} · chính", "{moment} · main"),
    "rooms_same_minute": ("Đã có lần đếm lúc {moment}.", "There is a count at {moment} already."),
    "rooms_make_main": ("Lấy lần đếm này làm số liệu chính", "Make this the main count"),
    "rooms_empty": ("Chưa có phòng nào", "No rooms yet"),
    "rooms_empty_how": (
        "Chọn phòng ở dưới, gõ tên phòng, hoặc đếm chung cả đơn vị.",
        "Choose a room below, type its name, or count the whole unit as one.",
    ),
    "rooms_use_known": ("Dùng {count} phòng của lần trước", "Use the {count} rooms of last time"),
    "rooms_use_whole": ("Đếm chung toàn đơn vị", "Count the whole unit as one"),
    "rooms_suggested": ("Phòng thường gặp", "Usual rooms"),
    "rooms_add": ("Thêm phòng: tên phòng", "One more room: its name"),
    "rooms_add_do": ("Thêm", "Add"),
    "rooms_total": ("Cộng toàn đơn vị", "The unit in all"),
    "rooms_line": ("{present}/{total} có mặt", "{present}/{total} present"),
    "rooms_not_counted": ("chưa đếm", "not counted"),
    "room_rename": ("Đổi tên phòng", "Rename the room"),
    "room_remove": ("Bỏ phòng này", "Remove this room"),
    "room_removed": ("Đã bỏ phòng. Bấm Hoàn tác để lấy lại.", "Room removed. Undo brings it back."),
    "rooms_edit": ("Sửa danh sách", "Edit the list"),
    "rooms_edit_done": ("Xong", "Done"),
    # items of a section
    "section_nothing": ("Không có mục nào cần ghi ở đây", "Nothing to record here"),
    "section_nothing_how": (
        "Các mục của phần này chỉ hiện khi câu trả lời ở phần khác cần đến.",
        "Items of this section appear when answers elsewhere call for them.",
    ),
    "rows_empty_directives": ("Chưa ghi văn bản nào", "No directive recorded yet"),
    "rows_empty_notices": ("Chưa ghi thông báo nào", "No notice recorded yet"),
    "rows_empty_how": (
        "Gõ số, ký hiệu rồi bấm Thêm, hoặc chọn trong danh sách gợi ý.",
        "Type its number and press Add, or choose a suggestion.",
    ),
    "rows_name": ("Số, ký hiệu, ngày", "Number, date"),
    "rows_add": ("Thêm", "Add"),
    "rows_suggested": ("Gợi ý", "Suggestions"),
    "row_remove": ("Bỏ: {name}", "Remove: {name}"),
    # where one is
    "position": ("Ghi vị trí", "Record the position"),
    "position_on": ("Bật", "On"),
    "position_off": ("Tắt", "Off"),
    "position_not_yet": ("chưa có vị trí", "no position yet"),
    "position_of": ("Vị trí", "Position"),
    "position_at": ("{latitude}, {longitude} (±{accuracy} m)", "{latitude}, {longitude} (±{accuracy} m)"),
    "no_position_refused": (
        "Chưa ghi được vị trí: máy chưa được phép. Mọi thứ khác vẫn ghi bình thường. "
        "Muốn có vị trí, hãy cho phép trong cài đặt của trình duyệt.",
        "No position: it is not allowed. Everything else is recorded as usual. "
        "To have positions, allow them in the browser's settings.",
    ),
    "no_position_none": (
        "Chưa ghi được vị trí: máy không có định vị, hoặc định vị đang tắt. Mọi thứ khác vẫn ghi bình thường.",
        "No position: this phone has no location service, or it is off. Everything else is recorded as usual.",
    ),
    "no_position_late": (
        "Chưa bắt được vị trí trong 10 giây. Mọi thứ khác vẫn ghi bình thường, chỉ thiếu vị trí.",
        "No position within 10 seconds. Everything else is recorded as usual, without it.",
    ),
    "section_done": ("{done}/{of} mục", "{done}/{of} items"),
}

COMMON_ROOMS = (
    "Văn phòng HĐND và UBND",
    "Phòng Kinh tế",
    "Phòng Văn hóa – Xã hội",
    "Trung tâm Phục vụ hành chính công",
    "Công an xã",
    "Ban Chỉ huy quân sự",
)
"""Rooms of a commune since July 2025, offered where none are known; their names are Vietnamese in both languages."""
