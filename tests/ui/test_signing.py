"""Minutes signed with a finger on 360 pixels, and what the phone shows and refuses after that."""

from pathlib import Path

from tests.ui.driver import Phone, serving
from tests.ui.test_screens import MAIN, enrol, ky_son, notebook


def draw(phone: Phone, *points: tuple[float, float]) -> None:
    """A finger goes over the field to sign in; points are shares of its sides."""
    x, y, width, height = phone.box("signature-pad")
    mouse = phone.page.mouse
    mouse.move(x + points[0][0] * width, y + points[0][1] * height)
    mouse.down()
    for across, down in points[1:]:
        mouse.move(x + across * width, y + down * height, steps=8)
    mouse.up()


def test_the_chairman_signs_with_a_finger_and_the_visit_is_locked(tmp_path: Path, phone: Phone) -> None:
    with notebook(tmp_path) as book:
        enrol(book)
        visit = ky_son(book)
        book.set_setting("text_size", "150")
    with serving(MAIN, tmp_path, KIEMTRA_DATA=str(tmp_path)) as app:
        phone.open(app.url, "Bắt đầu cuộc kiểm tra")
        phone.go(f"/visit/{visit}/review", "Ký biên bản")
        phone.scroll_to("sign")
        phone.tap("sign")
        phone.sees("Chữ ký đầu tiên kết thúc cuộc kiểm tra")
        phone.scroll_to("sign-name")
        phone.type_into("Họ tên người ký", "Vi Văn Pó")
        phone.scroll_to("sign-drawn-on-screen")
        phone.tap("sign-drawn-on-screen")
        phone.sees("ký bằng ngón tay")
        assert phone.unnamed() == [] and phone.small_targets() == []
        draw(phone, (0.5, 0.5), (0.501, 0.5))
        phone.tap("pad-sign")
        phone.sees("quá ngắn")
        phone.tap("pad-clear")
        draw(phone, (0.1, 0.6), (0.3, 0.3), (0.35, 0.7), (0.6, 0.4), (0.9, 0.5))
        draw(phone, (0.2, 0.8), (0.8, 0.75))
        phone.shot("signing-pad-150", moving=True)
        phone.tap("pad-sign")
        phone.sees("Đã ghi chữ ký của Vi Văn Pó")
        phone.sees("giữ nguyên như lúc ký")
        phone.tap("check-code")
        phone.sees("Đúng: nội dung trên máy này là nội dung đã ký")
        phone.shot("signing-signed-150", moving=True)
        phone.scroll_to("signature-1")
        phone.go(f"/visit/{visit}", "đã ký")
        assert not phone.has("close-visit") and not phone.has("reopen")
        app.kill()
    with notebook(tmp_path) as book:
        reading = book.visit(visit)
        [signature] = reading.evidence.signatures
        proof = book.proof(visit)
    assert reading.is_signed and proof and proof.is_as_signed
    assert len(signature.strokes) == 2 and len(signature.strokes[0]) >= 20
    assert all(0 <= x <= 1000 for stroke in signature.strokes for x in stroke[::2])
    assert min(signature.strokes[0][::2]) < 150 and max(signature.strokes[0][::2]) > 850, "as wide as it was drawn"
