"""What is said while a board photographed from the side is straightened; part of `words.WORDS`."""

STRAIGHTEN_WORDS: dict[str, tuple[str, str]] = {
    "straighten": ("Nắn thẳng", "Straighten"),
    "straighten_offer": ("Bảng chụp nghiêng: dùng rồi nắn thẳng", "A tilted board: use it, then straighten it"),
    "straighten_looking": ("Đang tìm bốn góc của bảng…", "Looking for the board's four corners…"),
    "straighten_found": (
        "Bốn góc của bảng đã được tìm. Góc nào lệch thì kéo lại; có thể đặt ngón tay bên cạnh góc.",
        "The board's four corners were found. Drag any that is off; your finger may lie beside the corner.",
    ),
    "straighten_not_found": (
        "Chưa tìm được góc của bảng. Kéo từng góc vào góc của bảng; có thể đặt ngón tay bên cạnh góc.",
        "The board's corners were not found. Drag each one onto the board's; your finger may lie beside the corner.",
    ),
    "straighten_picture": ("Ảnh với bốn góc: kéo để chỉnh", "The photo with four corners: drag to adjust"),
    "straighten_wrong": (
        "Bốn góc đang chéo nhau hoặc lõm vào. Hãy kéo lại cho bao quanh bảng.",
        "The corners cross or bend inwards. Drag them so that they go round the board.",
    ),
    "straighten_corner": ("Góc: {corner}", "Corner: {corner}"),
    "straighten_next": (
        "Đang chỉnh góc {corner}, chạm để sang góc kế",
        "Moving the corner {corner}; touch for the next one",
    ),
    "corner_1": ("Trái trên", "Upper left"),
    "corner_2": ("Phải trên", "Upper right"),
    "corner_3": ("Phải dưới", "Lower right"),
    "corner_4": ("Trái dưới", "Lower left"),
    "corner_to_left": ("Dịch góc sang trái", "Move the corner left"),
    "corner_to_right": ("Dịch góc sang phải", "Move the corner right"),
    "corner_up": ("Dịch góc lên", "Move the corner up"),
    "corner_down": ("Dịch góc xuống", "Move the corner down"),
    "straighten_again": ("Đặt lại như lúc đầu", "Back to how they were"),
    "straighten_do": ("Nắn và lưu", "Straighten and save"),
    "straighten_done": (
        "Đã lưu ảnh đã nắn. Ảnh gốc vẫn còn trong cuộc kiểm tra. Bỏ ảnh gốc ra?",
        "The straightened photo is saved. The original is still in the visit. Take it out?",
    ),
    "straighten_drop": ("Bỏ ảnh gốc", "Take the original out"),
    "straighten_keep": ("Giữ cả hai", "Keep both"),
    "set_original": ("Ảnh gốc sau khi nắn thẳng", "The original after straightening"),
    "set_original_keep": ("Luôn giữ", "Always keep"),
    "set_original_ask": ("Hỏi mỗi lần", "Ask each time"),
}
