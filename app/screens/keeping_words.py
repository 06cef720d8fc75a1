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
    "arrived_others": (
        "Những gì máy khác ghi sẽ được gửi về trung tâm từ máy này khi có mạng, nếu trung tâm chưa có.",
        "What other phones recorded goes to central from this phone when there is a network, unless central has it.",
    ),
    "brought": ("Nhập từ tệp", "From a file"),
    "photo_state_brought": ("Do máy khác ghi, nhập từ tệp", "Recorded on another phone, from a file"),
    "arrived_nothing": ("Mọi thứ trong tệp đã có trên máy.", "Everything in the file is on this phone already."),
    "arrived_refused": ("Không nhận {count} phần bị hỏng:", "Damaged parts that were not taken: {count}"),
    "arrived_more": ("và {count} phần khác", "and others: {count}"),
    "arrived_read": ("Xem các cuộc đã nhập", "See the imported visits"),
    # phone to phone
    "meet_title": ("Chuyển trực tiếp giữa hai máy", "Phone to phone"),
    "meet_title_how": (
        "Hai máy cùng đoàn chuyển cho nhau số liệu và ảnh qua Wi-Fi của một máy, không cần Internet.",
        "Two phones of a team give each other figures and photos over one phone's Wi-Fi, without Internet.",
    ),
    "meet_how": (
        "Bật điểm phát Wi-Fi (hotspot) trên một máy, nối máy kia vào đó. Một máy bấm Chờ máy kia, máy còn lại nhập địa chỉ và mã.",
        "Switch on the hotspot of one phone and join it with the other. One waits, the other types its address and code.",
    ),
    "meet_receive": ("Máy này chờ", "This phone waits"),
    "meet_wait": ("Chờ máy kia", "Wait for the other phone"),
    "meet_waiting": (
        "Nhập địa chỉ và mã này trên máy kia. Rời màn hình này là máy thôi nhận.",
        "Type this address and code on the other phone. Leaving this screen ends it.",
    ),
    "meet_stop": ("Thôi chờ", "Stop waiting"),
    "meet_send": ("Máy này tìm đến", "This phone goes there"),
    "meet_address": ("Địa chỉ", "Address"),
    "meet_code": ("Mã", "Code"),
    "meet_go": ("Bắt đầu chuyển", "Begin"),
    "meet_going": ("Đang chuyển…", "Handing over…"),
    "meet_both": (
        "Chuyển xong, hai máy có như nhau. Đứt giữa chừng thì làm lại, máy chuyển tiếp phần còn thiếu.",
        "Afterwards both phones hold the same. If it breaks off, do it again: it goes on from there.",
    ),
    "meet_received": ("Máy này nhận {entries} mục, {photos} ảnh.", "Taken here: entries {entries}, photos {photos}."),
    "meet_given": ("Máy kia nhận {entries} mục, {photos} ảnh.", "Taken there: entries {entries}, photos {photos}."),
    # a damaged notebook
    "failure_sent": (
        "Những gì đã gửi thì trung tâm vẫn giữ; ảnh vẫn nằm trên máy.",
        "Central still has what was sent; the photos are still on this phone.",
    ),
    "failure_steps": (
        "Hãy lưu tệp sổ ra ngoài và gửi cho người phụ trách. Sau đó có thể bắt đầu sổ mới.",
        "Save the file elsewhere and send it to the person in charge. Then you can begin a new notebook.",
    ),
    "anew": ("Bắt đầu sổ mới", "Begin a new notebook"),
    "anew_ask": (
        "Sổ hỏng được cất sang bên, không xóa. Máy mở sổ mới và lấy lại từ trung tâm những gì đã gửi.",
        "The damaged notebook is set aside, not deleted. A new one begins and fetches from central what was sent.",
    ),
    "anew_loses": (
        "Những gì chưa gửi chỉ còn trong tệp sổ hỏng: nên lưu tệp ra ngoài trước.",
        "What was not sent is in the damaged file only: better save that first.",
    ),
    "anew_yes": ("Cất sổ hỏng, bắt đầu sổ mới", "Set it aside and begin anew"),
    "recovery_begun": ("Đây là sổ mới.", "This is a new notebook."),
    "recovery_waits": (
        "Khi có mạng, máy lấy lại từ trung tâm những gì đã gửi trước đây. Vẫn ghi tiếp bình thường.",
        "With a network, this phone fetches from central what was sent before. You can go on recording meanwhile.",
    ),
    "recovery_done": (
        "Đã lấy lại từ trung tâm {entries} mục của {visits} cuộc.",
        "Back from central: entries {entries}, of visits {visits}.",
    ),
    "recovery_newest": (
        "Mục mới nhất của bạn mà trung tâm có được ghi lúc {moment}. Những gì ghi sau đó không có ở trung tâm.",
        "The newest entry of yours that central has is of {moment}. What was recorded later is not at central.",
    ),
    "recovery_none": ("Trung tâm chưa có mục nào của bạn.", "Central has no entry of yours."),
    "recovery_photos": (
        "{count} tệp ảnh trên máy không thuộc mục nào lấy lại được; các tệp ấy vẫn được giữ.",
        "Photo files on this phone that nothing that came back names, and that are kept: {count}",
    ),
    "recovery_aside": ("Sổ hỏng vẫn nằm trên máy: {name}", "The damaged notebook is still on this phone: {name}"),
    "recovery_save": ("Lưu tệp sổ hỏng ra ngoài", "Save the damaged file"),
    "understood": ("Đã rõ", "Understood"),
}
