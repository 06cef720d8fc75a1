"""What the screens say about the minutes as a paper. The minutes themselves are Vietnamese in both languages."""

PAPER_WORDS: dict[str, tuple[str, str]] = {
    "minutes_title": ("Biên bản", "Minutes"),
    "minutes_open": ("Xem biên bản, làm tệp PDF", "Read the minutes, make the PDF"),
    "minutes_draft": ("Bản nháp, chưa ký", "Draft, not signed"),
    "minutes_signed": ("Đã ký", "Signed"),
    "minutes_code": ("Mã biên bản: {code}", "Code of the minutes: {code}"),
    "minutes_how": (
        "Đọc lại trước khi ký. Tệp PDF lập ngay trên máy, không cần mạng.",
        "Read it through before signing. The PDF is made on this phone, no network needed.",
    ),
    "minutes_photos_missing": (
        "{count} ảnh không có trên máy này; trong tệp chỉ có khung ảnh.",
        "Photos not on this phone: {count}. The file has their frames only.",
    ),
    "minutes_make": ("Lập tệp PDF", "Make the PDF"),
    "minutes_making": ("Đang lập tệp: {done}%", "Making the file: {done}%"),
    "minutes_made": ("Đã lập xong: {name}, {size}", "Made: {name}, {size}"),
    "minutes_share": ("Chia sẻ", "Share"),
    "minutes_save": ("Lưu tệp, in", "Save, print"),
    "minutes_word": ("Lưu bản Word (.docx)", "Save as Word (.docx)"),
    "minutes_supplement": ("Lưu biên bản bổ sung {number}", "Save supplement {number}"),
    "minutes_limited": ("Lưu Phụ lục IV", "Save annex IV"),
    "minutes_limited_how": (
        "Phụ lục IV có tên người vắng không lý do: lưu hành hạn chế, để riêng, không kèm theo biên bản.",
        "Annex IV names who was absent without a reason: limited circulation, kept apart from the minutes.",
    ),
    "minutes_not_made": (
        "Chưa lập được tệp. Mọi điều đã ghi vẫn an toàn. Hãy mở lại ứng dụng rồi thử lại.",
        "The file could not be made. Everything recorded is safe. Open the app again, then try again.",
    ),
}
