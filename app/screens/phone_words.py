"""What the screens say about the phone itself: newer releases, storage that may be cleared, codes read by the camera."""

PHONE_WORDS: dict[str, tuple[str, str]] = {
    # a newer release
    "release_waits": ("Đã có bản mới của ứng dụng.", "A new version of the app is ready."),
    "release_safe": ("Sổ và ảnh giữ nguyên; ứng dụng mở lại sau vài giây.", "Everything stays; it reopens in seconds."),
    "release_switch": ("Dùng bản mới", "Use it now"),
    # storage that the browser may clear
    "kept_safe": ("Trình duyệt giữ sổ", "Kept by the browser"),
    "kept_safe_yes": ("có, không tự xóa", "yes, never cleared by itself"),
    "kept_safe_no": ("chưa chắc", "not promised"),
    "kept_safe_unasked": ("hỏi sau lần ghi đầu tiên", "asked after the first entry"),
    "kept_safe_how": (
        "Trình duyệt có thể xóa sổ khi máy đầy. Hãy thêm ứng dụng vào màn hình chính, và đồng bộ mỗi ngày.",
        "The browser may clear the notebook when the phone is full. Add the app to the home screen and sync every day.",
    ),
    # reading a code
    "scan": ("Quét mã QR", "Scan the QR code"),
    "scan_title": ("Quét mã ghi danh", "Scan the enrolment code"),
    "scan_how": ("Đưa mã vào giữa khung hình", "Hold the code in the middle"),
    "scan_not_ours": (
        "Đây không phải mã ghi danh. Hãy quét mã của trung tâm.",
        "This is no enrolment code. Scan central's.",
    ),
    "scan_type": ("Nhập mã bằng tay", "Type the code instead"),
}
