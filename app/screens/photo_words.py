"""What the screens say of what is done with photos, in Vietnamese and English; part of `words.WORDS`."""

PHOTO_WORDS: dict[str, tuple[str, str]] = {
    # drawing on a photo
    "mark": ("Vẽ lên ảnh", "Mark up"),
    "mark_open": ("Vẽ, ghi chữ, che mặt hoặc tên", "Draw, write, cover a face or a name"),
    "mark_arrow": ("Mũi tên", "Arrow"),
    "mark_ring": ("Khoanh", "Circle"),
    "mark_words": ("Chữ", "Text"),
    "mark_cover": ("Che", "Cover"),
    "mark_arrow_how": ("Kéo từ đuôi đến đầu mũi tên.", "Drag from the tail to the head."),
    "mark_ring_how": ("Kéo chéo qua chỗ cần khoanh.", "Drag across what to circle."),
    "mark_words_how": ("Chạm vào chỗ cần ghi chữ.", "Touch where the text goes."),
    "mark_cover_how": (
        "Chạm vào chỗ cần che; trong ảnh mới chỗ đó bị xóa hẳn.",
        "Touch what to cover; it is wiped out of the new photo.",
    ),
    "mark_picture": ("Ảnh, đã đặt {count} dấu", "The photo, {count} marks on it"),
    "mark_text": ("Chữ ghi lên ảnh", "Text on the photo"),
    "mark_text_do": ("Đặt", "Put"),
    "mark_undo": ("Bỏ dấu cuối", "Undo"),
    "mark_save": ("Lưu ảnh mới", "Save"),
    "mark_saved": ("Đã lưu thành ảnh mới; ảnh gốc vẫn còn.", "Saved as a new photo; the original is kept."),
    "cover_small": ("Ô nhỏ", "Small"),
    "cover_middle": ("Ô vừa", "Medium"),
    "cover_large": ("Ô lớn", "Large"),
    "cover_done": (
        "Đã lưu ảnh đã che. Ảnh gốc vẫn còn trong cuộc kiểm tra. Bỏ ảnh gốc để chỉ còn ảnh đã che?",
        "The covered photo is saved. The original is still in the visit. Take it out, so that only the covered one remains?",
    ),
    "cover_drop": ("Bỏ ảnh gốc", "Take the original out"),
    "cover_keep": ("Giữ cả hai", "Keep both"),
}
