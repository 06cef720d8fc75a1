"""An inspector's thumb: records a case of `assets/demo_cases.yaml` through the screens, as one walks an office."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.checklist import Template, read_template
from app.records import HEADS
from tests.field import ASSETS
from tests.ui.driver import Phone

COUNTERS = ("total", "present", "absent-excused", "absent-unexcused", "absent-unclear")
"""The counters of a room, in the order of HEADS."""


def checklist() -> Template:
    """The shipped checklist."""
    return read_template(json.loads((ASSETS / "checklist.json").read_text(encoding="utf-8")))


def slug(code: str) -> str:
    return code.replace("_", "-")


@dataclass
class Inspector:
    """Touches, types and photographs on one phone; every step waits until the screen shows what it did."""

    phone: Phone
    template: Template = field(default_factory=checklist)

    def enrol(self, code: str, name: str = "Máy của đoàn 1") -> None:
        phone = self.phone
        phone.type_into("enrol-name", name)  # first, while the code's field still gets its focus and loses it
        phone.type_into("enrol-code", code)
        phone.tap("enrol")
        phone.sees("Bắt đầu cuộc kiểm tra")

    def start(self, case: Mapping[str, Any], words: str) -> str:
        """Finds the unit of the case: one of the old division, which is said and not forbidden."""
        phone, code = self.phone, case["unit"]["code"]
        phone.tap("start-visit")
        phone.box("not-listed")
        phone.type_into("search", words)
        phone.tap(f"unit-{code}")
        phone.sees("Đơn vị này chỉ có đến 30/06/2025")
        phone.tap("begin-anyway")
        phone.box("review")
        return phone.here().split("/visit/")[1]

    def count_by_room(self, rooms: list[dict[str, Any]], after: int = 0) -> None:
        """From the visit's screen and back to it; `after` rooms are counted already. The first one is photographed."""
        phone = self.phone
        phone.tap("section-attendance-room")
        for place, room in enumerate(rooms, after + 1):
            phone.sees("Chưa có phòng nào" if place == 1 else "Cộng toàn đơn vị")
            phone.type_into("room-name", room["room_name"])
            phone.tap(phone.awake("room-add"))
            phone.sees(f"{place}/{place}")
            self.put_figures(room, with_keypad=place != 2)
            if place == 1:
                phone.tap("matter-photos")
                phone.tap("photo-take")
                self.photograph()
                phone.sees("Ảnh · 1")
            phone.tap("title")
        phone.sees("Cộng toàn đơn vị")
        phone.back()
        phone.sees(f"{after + len(rooms)}/{after + len(rooms)} phòng")

    def count_as_one(self, room: dict[str, Any]) -> None:
        phone = self.phone
        phone.tap("section-attendance-room")
        phone.tap("use-whole")
        phone.sees("Toàn đơn vị")
        self.put_figures(room, with_keypad=True)
        phone.back()
        phone.sees("1/1 phòng")

    def put_figures(self, room: Mapping[str, Any], *, with_keypad: bool) -> None:
        """The five figures by the keypad from the roll on, or each by + and −; nothing counts by itself."""
        phone = self.phone
        phone.sees("chưa có tổng số")
        figures = [room[head] for head in HEADS]
        if with_keypad:
            phone.tap_until("total", "Xóa số của")
            for digit in str(figures[0]):
                phone.tap(f"key-{digit}")
            phone.tap_until("key-next", "còn ")
            for figure in figures[1:]:
                for digit in str(figure):
                    phone.tap(f"key-{digit}")
                if figure > 0 and figure * 10 <= figures[0]:
                    phone.tap("key-next")
            phone.sees_not("Xóa số của")
        else:
            for counter, figure in zip(COUNTERS, figures, strict=True):
                for _ in range(figure):
                    phone.tap(f"{counter}-plus")
                if not figure:
                    phone.tap(f"{counter}-minus")
        phone.sees(f"đủ {room['head_total']} người")
        phone.sees_not("còn ô trống")

    def photograph(self) -> None:
        self.phone.tap(self.phone.awake("shutter"))
        self.phone.tap("use-photo")

    def answer_sections(self, inputs: Mapping[str, Any]) -> None:
        """Every answer of the case outside the headcount, section by section as one walks."""
        phone = self.phone
        for section in self.template.sections:
            answers = {i.code: inputs[i.code] for i in section.items if inputs.get(i.code) is not None}
            if section.code in ("attendance", "attendance_room") or not (answers or inputs.get(section.code)):
                continue
            phone.tap(f"section-{slug(section.code)}")
            phone.sees(section.title.vi)
            for place, entry in enumerate(inputs.get(section.code, []), 1):
                naming, *rest = section.items
                phone.type_into("row-name", entry[naming.code])
                phone.tap(phone.awake("row-add"))
                phone.box(f"row-{place}")
                for item in rest:
                    if entry.get(item.code) is not None:
                        self.answer(item.code, item.type, entry[item.code], f"row-{place}/")
            for code, value in answers.items():
                self.answer(code, self.template.items[code].type, value)
            phone.back()
            phone.box("review")

    def answer(self, code: str, kind: str, value: Any, row: str = "") -> None:
        phone, name = self.phone, slug(code)
        if kind == "count":
            phone.tap(name)
            for digit in str(value):
                phone.tap(f"key-{digit}")
            phone.tap("key-next")
            phone.sees(f"{self.template.items[code].label.vi}: {value}")
        elif kind == "text":
            phone.type_into(f"{row}text-{name}", value)
        else:
            phone.tap(f"{row}{name}-{slug(value)}")
