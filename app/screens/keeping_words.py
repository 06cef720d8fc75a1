"""What the screens say of keeping the notebook safe: files out and in, a damaged notebook; part of `words.WORDS`."""

KEEPING_WORDS: dict[str, tuple[str, str]] = {
    # everything out in one file, and in from one
    "set_export": ("Xuất toàn bộ sổ và ảnh ra tệp", "Export everything to a file"),
    "set_export_how": (
        "Một tệp chứa mọi điều đã ghi và mọi ảnh trên máy này. Tệp không khóa: chỉ giao cho người phụ trách.",
        "One file with everything recorded and every photo on this phone. It is not locked: give it to nobody else.",
    ),
    "set_import": ("Nhập sổ từ tệp", "Import from a file"),
    "set_import_how": (
        "Lấy lại các cuộc kiểm tra và ảnh từ tệp đã xuất. Những gì đang có trên máy vẫn giữ nguyên.",
        "Brings back visits and photos from an exported file. What is on this phone stays as it is.",
    ),
    "carry_out": ("Đang xuất sổ ra tệp…", "Exporting…"),
    "carry_in": ("Đang nhập sổ từ tệp…", "Importing…"),
    "carried_entries": ("{done}/{of} mục", "Entries: {done}/{of}"),
    "carried_photos": ("{done}/{of} ảnh", "Photos: {done}/{of}"),
    "arrived": (
        "Đã nhập {entries} mục, {visits} cuộc, {photos} ảnh.",
        "New: entries {entries}, visits {visits}, photos {photos}.",
    ),
    "arrived_known": ("{count} mục trong tệp đã có sẵn trên máy.", "Entries that were here already: {count}."),
    "arrived_nothing": ("Mọi thứ trong tệp đã có trên máy.", "Everything in the file is on this phone already."),
    "arrived_refused": ("Không nhận {count} phần bị hỏng:", "Damaged parts that were not taken: {count}"),
    "arrived_more": ("và {count} phần khác", "and others: {count}"),
    "arrived_read": ("Xem các cuộc đã nhập", "See the imported visits"),
    "understood": ("Đã rõ", "Understood"),
}
