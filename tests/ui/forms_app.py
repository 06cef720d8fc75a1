"""The forms alone, on a state in memory: `/headcount`, `/items`, `/photo`, `/parts`, with `?lang=en&dark=1&text=150`.

Further: `rooms=100` and `long=1` (names of 120 characters) for the headcount, `roll=0` for rooms without a roll of last
time, `signed=1` to look without changing.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flet as ft

from app.records import HEADS
from app.screens.frame import bar, bottom_bar, screen
from app.screens.headcount import RoomView
from app.screens.headcount_form import HeadcountForm
from app.screens.item_card import ItemCard
from app.screens.items import ItemView, OptionView, PhotoView
from app.screens.parts import (
    badge,
    button,
    chips,
    empty_state,
    error_panel,
    keyed,
    list_row,
    section_card,
)
from app.screens.photo_form import PhotoForm, Verdict
from app.screens.text_line import TextLine
from app.screens.theme import Look, dress

ASSETS = Path(__file__).parents[2] / "assets"
NAMES = ("Phòng Kinh tế", "Phòng Văn hóa – Xã hội", "Văn phòng Hội đồng nhân dân và Ủy ban nhân dân")
LONG = "Phòng tiếp công dân và giải quyết khiếu nại, tố cáo, phản ánh, kiến nghị của tổ chức, cá nhân trên địa bàn " * 2
REASONS = ("Đi công tác, đi cơ sở", "Họp, hội nghị", "Nghỉ phép", "Ốm, thai sản, việc gia đình")


@dataclass
class Wanted:
    """What the address asks for."""

    form: str
    look: Look
    options: dict[str, str]

    def has(self, name: str) -> bool:
        return self.options.get(name, "0") != "0"


def wanted(route: str) -> Wanted:
    parts = urlsplit(route)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    look = Look(options.get("lang", "vi"), int(options.get("text", "100")))
    return Wanted(parts.path.strip("/") or "headcount", look, options)


@ft.observable
@dataclass(eq=False)
class Counting:
    """Rooms in memory: figures, what was said besides, and what was before each tap."""

    rooms: tuple[RoomView, ...]
    at: int = 0
    said: str = ""
    past: list[tuple[RoomView, ...]] = field(default_factory=list)

    def change(self, **changes: Any) -> None:
        self.past = [*self.past, self.rooms]
        room = replace(self.rooms[self.at], **changes)
        self.rooms = (*self.rooms[: self.at], room, *self.rooms[self.at + 1 :])

    def undo(self) -> None:
        if self.past:
            self.rooms = self.past[-1]
            self.past = list(self.past[:-1])

    def go(self, step: int) -> None:
        self.at = min(max(self.at + step, 0), len(self.rooms) - 1)


def rooms(want: Wanted) -> tuple[RoomView, ...]:
    of = int(want.options.get("rooms", "9"))
    empty: dict[str, int | None] = dict.fromkeys(HEADS)
    return tuple(
        RoomView(
            id=f"room-{n}",
            name=LONG[:120] if want.has("long") else NAMES[n % len(NAMES)],
            number=n + 1,
            of=of,
            moment_text="07:45",
            figures=empty,
            roll_hint=int(want.options.get("roll", "8")) or None,
            can_edit=not want.has("signed"),
            items=(
                ItemView(
                    code="absence_reasons",
                    type="choice",
                    label="Các lý do vắng",
                    help="Đánh dấu các lý do được nêu, tính chung cho cả phòng, không gắn với từng người.",
                    options=tuple(OptionView(f"reason_{i}", label) for i, label in enumerate(REASONS)),
                    multiple=True,
                    row=f"room-{n}",
                ),
                ItemView(
                    code="late_or_left_early_count",
                    type="count",
                    label="Đi muộn, về sớm",
                    severity="minor",
                    row=f"room-{n}",
                ),
            ),
        )
        for n in range(of)
    )


@ft.component
def Headcount(want: Wanted, counting: Counting) -> ft.Control:
    state, _ = ft.use_state(counting)
    room = replace(state.rooms[state.at], can_undo=bool(state.past))

    def on_set(figures: dict[str, int | None]) -> None:
        state.change(figures={**state.rooms[state.at].figures, **figures})

    def on_answer(code: str, value: Any) -> None:
        items = tuple(
            replace(
                i,
                value=tuple(value) if isinstance(value, list) else value,
                fails=i.severity is not None and bool(value),
            )
            if i.code == code
            else i
            for i in room.items
        )
        state.change(items=items)

    return keyed(
        room.id,
        HeadcountForm,
        want.look,
        room,
        on_set,
        on_undo=state.undo,
        on_previous=(lambda: state.go(-1)) if state.at else None,
        on_next=(lambda: state.go(1)) if state.at < len(state.rooms) - 1 else None,
        on_rooms=lambda: state.change(remark="danh sách phòng"),
        on_back=lambda: None,
        on_add_count=lambda: None,
        on_answer=on_answer,
        on_item_remark=lambda code, words: state.change(
            items=tuple(replace(i, remark=words) if i.code == code else i for i in room.items)
        ),
        on_item_photo=lambda code: None,
        on_photo=lambda: None,
        on_open_photo=lambda photo: None,
        on_remark=lambda words: state.change(remark=words),
    )


def items() -> tuple[ItemView, ...]:
    basis = "Quyết định số 06/2008/QĐ-BNV; Quy chế văn hóa công sở kèm theo Quyết định số 129/2007/QĐ-TTg"
    return (
        ItemView(
            "badge_worn_all",
            "yes_no_na",
            "Đeo thẻ đầy đủ khi làm việc",
            help="Mọi người đoàn gặp đều đeo thẻ đúng vị trí.",
            legal_basis=basis,
            options=(OptionView("no", "", True),),
            severity="minor",
        ),
        ItemView(
            "alcohol_or_smoking_seen",
            "yes_no_na",
            "Phát hiện uống rượu bia, hút thuốc tại nơi làm việc",
            options=(OptionView("yes", "", True),),
            severity="critical",
        ),
        ItemView(
            "one_stop_arrangement",
            "choice",
            "Bố trí bộ phận một cửa",
            options=(
                OptionView("own_desk", "Có bộ phận một cửa riêng"),
                OptionView("in_offices", "Chưa bố trí, tiếp nhận tại phòng làm việc", True),
            ),
            severity="major",
        ),
        ItemView("self_inspection_team_count", "count", "Số cuộc tự kiểm tra"),
        ItemView("directive_ref", "text", "Văn bản chỉ đạo"),
        ItemView("implementing_document_date", "date", "Ngày văn bản triển khai"),
        ItemView("tthc_board_photo", "photo", "Ảnh bảng niêm yết thủ tục", photo_required_now=True),
    )


@ft.component
def Items(want: Wanted) -> ft.Control:
    kept, keep = ft.use_state({item.code: replace(item, can_edit=not want.has("signed")) for item in items()})

    def change(code: str, **changes: Any) -> None:
        keep(lambda now: {**now, code: replace(now[code], **changes)})

    def card(item: ItemView) -> ft.Control:
        def answer(value: Any) -> None:
            fails = any(option.code == value and option.fails for option in item.options)
            change(item.code, value=value, fails=fails, photo_required_now=fails and item.code == "badge_worn_all")

        def photo() -> None:
            shot = PhotoView(f"p{len(item.photos)}", "icon.png", "Bảng niêm yết")
            change(item.code, photos=(*item.photos, shot), photo_required_now=False)

        return keyed(
            item.code,
            ItemCard,
            want.look,
            item,
            answer,
            on_remark=lambda words: change(item.code, remark=words),
            on_photo=photo,
            on_open_photo=lambda _: None,
        )

    told = " | ".join(f"{i.code}={i.value!r}" for i in kept.values() if i.value is not None)
    notes = " | ".join(i.remark for i in kept.values() if i.remark)
    return screen(
        [*(card(item) for item in kept.values()), ft.Text(f"đã lưu: {told}"), ft.Text(f"ghi chú: {notes}")],
        head=bar(want.look, "Đeo thẻ, văn hóa công sở", lambda: None),
    )


@ft.component
def Photo(want: Wanted) -> ft.Control:
    raw, set_raw = ft.use_state(b"")
    used, use = ft.use_state("")
    if used:
        return screen([ft.Text(f"đã dùng: {used}")])
    return PhotoForm(
        want.look,
        raw or None,
        Verdict("Ảnh rõ", "good") if raw else None,
        on_raw=set_raw,
        on_use=use,
        on_retake=lambda: set_raw(b""),
        on_back=lambda: None,
        has_camera=not want.has("nocamera"),
    )


@ft.component
def Parts(want: Wanted) -> ft.Control:
    look = want.look
    tab, choose = ft.use_state("today")
    picked, pick = ft.use_state("a")
    note, set_note = ft.use_state("Ghi chú đầu")
    return screen(
        [
            section_card(
                look, "Quân số theo phòng", 6, 9, lambda: None, failed=2, missing_photos=1, identifier="section"
            ),
            section_card(look, "Bộ phận một cửa, Trung tâm Phục vụ hành chính công", 7, 7, lambda: None),
            list_row(look, "UBND xã Mường Lống", lambda: None, subtitle="6/9 phòng · 14/31 mục", trailing="67,50%"),
            ft.Row(
                [badge(look, ft.Icons.CLOUD_OFF, "ngoại tuyến"), badge(look, ft.Icons.CHECK, "Đã gửi", "good")],
                wrap=True,
            ),
            chips(look, [("a", "Hôm nay"), ("b", "Tuần này"), ("c", "Cả đợt kiểm tra")], [picked], pick),
            TextLine(look, "Ghi chú của cuộc kiểm tra", note, set_note, lines=2, identifier="note"),
            ft.Text(f"đã lưu: {note}"),
            button(look, "Bắt đầu cuộc kiểm tra", lambda _: None, kind="main", height=56, size=18, icon=ft.Icons.ADD),
            button(look, "Không làm được lúc này", None),
            error_panel(look, "Chưa gửi được: mất mạng.", "Mọi điều đã ghi vẫn ở trên máy.", "Máy sẽ tự gửi lại."),
            empty_state(look, ft.Icons.FOLDER_OPEN, "Chưa có cuộc nào", "Các cuộc đã kiểm tra sẽ nằm ở đây."),
        ],
        head=bar(look, "Sổ kiểm tra", subtitle="Đoàn liên ngành · Đợt 2/2026"),
        foot=bottom_bar(look, tab, choose, waiting=2),
    )


def main(page: ft.Page) -> None:
    want = wanted(page.route)
    dress(page, want.look, "dark" if want.has("dark") else "light")
    if want.form == "headcount":
        page.render(Headcount, want, Counting(rooms(want)))
    else:
        page.render({"items": Items, "photo": Photo, "parts": Parts}[want.form], want)


if __name__ == "__main__":
    ft.run(main, no_cdn=True, assets_dir=str(ASSETS), web_renderer=ft.WebRenderer.CANVAS_KIT)
