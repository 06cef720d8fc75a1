"""A checklist template as YAML: all that `app.checklist` and `app.figures` rely on is checked here, with line numbers.

The form is explained in the head of `checklist_spot_check.yaml`. Misspelt keys are faults too: a condition written
under a wrong name would silently never hold.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from app.checklist import ITEM_TYPES, REPEATS, SEVERITIES, YES_NO_NA
from app.figures import MODES_WITH_ROWS
from app.records import ATTENDANCE_SECTION, HEADS, NAME_MAX, TEXT_MAX
from central.imports import Fault, ImportRefused, decoded, is_day

DEPTH_MAX = 20
SCHEMA_VERSION = 1

_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
_ROOT_KEYS = {"schema_version", "template", "severities", "sections"}
_HEAD_KEYS = {"code", "version", "title_vi", "title_en", "applies_from"}
_SECTION_KEYS = {
    "code", "order", "repeat", "title_vi", "title_en", "items", "row_key", "row_note_vi", "row_note_en", "relevant_if",
    "checks",
}  # fmt: skip
_ITEM_KEYS = {
    "code", "type", "label_vi", "label_en", "help_vi", "legal_basis", "severity_if_failed", "fails_if",
    "photo_required", "photo_when", "relevant_if", "options", "multiple",
}  # fmt: skip
_TESTS = {"equals", "in", "gt", "answered"}

Path = tuple[str | int, ...]


def check_template(raw: bytes) -> dict[str, Any]:
    """The data of a template, ready for `app.checklist.read_template`. Raises ImportRefused."""
    body, lines = _load(raw)
    check = _Check(lines)
    check.root(body)
    if check.faults:
        raise ImportRefused(check.faults)
    return body


def _load(raw: bytes) -> tuple[Any, dict[Path, int]]:
    """The data of a YAML text and the line of every part of it."""
    text = decoded(raw)
    try:
        _refuse_traps(text)
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Path, int] = {(): 1}
            twice = list(_walk(node, (), lines)) if node is not None else [Fault(1, "tệp không có nội dung")]
            if twice:
                raise ImportRefused(twice)
            return loader.construct_document(node), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ImportRefused([Fault(mark.line + 1 if mark else 1, f"không đọc được YAML: {error.problem}")]) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise ImportRefused([Fault(line, "có ký tự lạ, không đọc được YAML")]) from None
    except ValueError as error:
        raise ImportRefused([Fault(1, f"có giá trị không đọc được: {error}")]) from None


def _refuse_traps(text: str) -> None:
    """Aliases can unfold without end and deep nesting exhausts the parser: neither belongs in a template."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise ImportRefused([Fault(line, "không dùng tham chiếu YAML (dấu *)")])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                raise ImportRefused([Fault(line, f"lồng quá {DEPTH_MAX} tầng")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Iterator[Fault]:
    """Notes the line of every node; yields keys that are no plain text or occur twice."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                yield Fault(line, "tên mục phải là chữ")
                continue
            if key.value in seen:
                yield Fault(line, f"«{key.value}» ghi hai lần")
            seen.add(key.value)
            lines[(*path, key.value)] = line
            yield from _walk(value, (*path, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, (*path, number), lines)


class _Check:
    """One pass over a template's data, collecting faults by line."""

    def __init__(self, lines: Mapping[Path, int]):
        self.lines = lines
        self.faults: list[Fault] = []
        self.items: dict[str, tuple[Path, dict[str, Any], str]] = {}
        """Item code → (where, its data, code of its section)."""
        self.sections: dict[str, dict[str, Any]] = {}

    def fault(self, path: Path, message: str) -> None:
        while path not in self.lines:
            path = path[:-1]
        self.faults.append(Fault(self.lines[path], message))

    def mapping(self, value: Any, path: Path, keys: set[str], needed: set[str]) -> dict[str, Any]:
        """The value if it is a mapping, else an empty one; unknown and absent keys are faults."""
        if not isinstance(value, dict):
            self.fault(path, "cần các mục dạng «tên: giá trị»")
            return {}
        for key in value:
            if key not in keys:
                self.fault((*path, key), f"không có mục «{key}» trong mẫu")
        for key in sorted(needed - set(value)):
            self.fault(path, f"thiếu mục «{key}»")
        return value

    def listed(self, value: Any, path: Path, what: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            self.fault(path, f"cần danh sách {what}, ít nhất một")
            return []
        return value

    def line_of_text(
        self, data: Mapping[str, Any], key: str, path: Path, *, needed: bool, limit: int = NAME_MAX
    ) -> None:
        value = data.get(key)
        if value is None and not needed:
            return
        if not isinstance(value, str):
            self.fault((*path, key), f"«{key}» cần chữ; hãy đặt trong dấu ngoặc kép")
        elif (needed and not value.strip()) or len(value) > limit:
            self.fault((*path, key), f"«{key}» không được trống và tối đa {limit} ký tự")

    def code(self, value: Any, path: Path) -> str:
        if isinstance(value, str) and _CODE.fullmatch(value):
            return value
        self.fault(path, f"mã {value!r}: chỉ dùng chữ thường không dấu, chữ số và gạch dưới, bắt đầu bằng chữ")
        return ""

    def one_of(self, value: Any, path: Path, allowed: tuple[str, ...]) -> bool:
        if value in allowed and isinstance(value, str):
            return True
        self.fault(path, f"{value!r}: chỉ nhận {', '.join(allowed)}")
        return False

    def root(self, body: Any) -> None:
        body = self.mapping(body, (), _ROOT_KEYS, _ROOT_KEYS)
        if "schema_version" in body and body["schema_version"] != SCHEMA_VERSION:
            self.fault(("schema_version",), f"bản này chỉ đọc schema_version {SCHEMA_VERSION}")
        self.head(body.get("template"))
        self.severities(body.get("severities"))
        for number, section in enumerate(self.listed(body.get("sections"), ("sections",), "phần")):
            self.section(section, ("sections", number))
        orders = [s.get("order") for s in self.sections.values()]
        if len(set(map(repr, orders))) != len(orders):
            self.fault(("sections",), "hai phần có cùng số thứ tự «order»")
        for code in sorted(set(self.items) & set(self.sections)):
            self.fault(self.items[code][0], f"mã {code!r} vừa là mục vừa là phần")
        self.attendance()
        self.conditions()

    def head(self, value: Any) -> None:
        path: Path = ("template",)
        head = self.mapping(value, path, _HEAD_KEYS, _HEAD_KEYS - {"applies_from"})
        if "code" in head:
            self.code(head["code"], (*path, "code"))
        version = head.get("version", 1)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            self.fault((*path, "version"), "«version» cần số nguyên từ 1")
        for key in ("title_vi", "title_en"):
            self.line_of_text(head, key, path, needed=key == "title_vi")
        if "applies_from" in head and not (isinstance(head["applies_from"], str) and is_day(head["applies_from"])):
            self.fault((*path, "applies_from"), '«applies_from» cần ngày trong dấu ngoặc kép, ví dụ "2025-07-01"')

    def severities(self, value: Any) -> None:
        path: Path = ("severities",)
        for code, names in self.mapping(value, path, set(SEVERITIES), set(SEVERITIES)).items():
            names = self.mapping(names, (*path, code), {"vi", "en", "meaning_vi"}, {"vi"})
            for key in ("vi", "en", "meaning_vi"):
                self.line_of_text(names, key, (*path, code), needed=key == "vi")

    def section(self, value: Any, path: Path) -> None:
        section = self.mapping(value, path, _SECTION_KEYS, {"code", "order", "repeat", "title_vi", "items"})
        code = self.code(section["code"], (*path, "code")) if "code" in section else ""
        if code in self.sections:
            self.fault((*path, "code"), f"phần {code!r} đã có")
        self.sections[code] = section
        if "order" in section and (isinstance(section["order"], bool) or not isinstance(section["order"], int)):
            self.fault((*path, "order"), "«order» cần số nguyên")
        if "repeat" in section:
            self.one_of(section["repeat"], (*path, "repeat"), REPEATS)
        for key in ("title_vi", "title_en"):
            self.line_of_text(section, key, path, needed=key == "title_vi")
        if "row_key" in section:
            keys = {"code", "label_vi", "label_en", "note_en"}
            row_key = self.mapping(section["row_key"], (*path, "row_key"), keys, {"label_vi"})
            self.line_of_text(row_key, "label_vi", (*path, "row_key"), needed=True)
        for number, item in enumerate(self.listed(section.get("items"), (*path, "items"), "mục")):
            self.item(item, (*path, "items", number), code)

    def item(self, value: Any, path: Path, section: str) -> None:
        item = self.mapping(value, path, _ITEM_KEYS, {"code", "type", "label_vi"})
        code = self.code(item["code"], (*path, "code")) if "code" in item else ""
        if code and code in self.items:
            self.fault((*path, "code"), f"mục {code!r} đã có; mỗi mã chỉ dùng một lần")
        elif code:
            self.items[code] = (path, item, section)
        is_typed = "type" in item and self.one_of(item["type"], (*path, "type"), ITEM_TYPES)
        for key, needed, limit in (
            ("label_vi", True, NAME_MAX), ("label_en", False, NAME_MAX), ("help_vi", False, TEXT_MAX),
            ("legal_basis", False, TEXT_MAX),
        ):  # fmt: skip
            if key in item:
                self.line_of_text(item, key, path, needed=needed, limit=limit)
        for key in ("multiple", "photo_required"):
            if not isinstance(item.get(key, False), bool):
                self.fault((*path, key), f"«{key}» cần true hoặc false")
        if is_typed:
            self.options(item, path)
            self.failing(item, path)

    def options(self, item: dict[str, Any], path: Path) -> None:
        if item["type"] != "choice":
            for key in ("options", "multiple"):
                if item.get(key):
                    self.fault((*path, key), f"«{key}» chỉ dùng cho loại choice")
            return
        codes: set[str] = set()
        for number, value in enumerate(self.listed(item.get("options"), (*path, "options"), "lựa chọn")):
            here = (*path, "options", number)
            option = self.mapping(value, here, {"code", "vi", "en"}, {"code", "vi"})
            code = self.code(option["code"], (*here, "code")) if "code" in option else ""
            if code and code in codes:
                self.fault(here, f"lựa chọn {code!r} ghi hai lần")
            codes.add(code)
            for key in ("vi", "en"):
                self.line_of_text(option, key, here, needed=key == "vi")

    def failing(self, item: dict[str, Any], path: Path) -> None:
        severity, test = item.get("severity_if_failed"), item.get("fails_if") or {}
        if severity is not None:
            self.one_of(severity, (*path, "severity_if_failed"), SEVERITIES)
        if bool(severity) != bool(test):
            self.fault(path, "«severity_if_failed» và «fails_if» phải cùng có hoặc cùng trống")
        if test and self.test(test, (*path, "fails_if"), item) and "answered" in test:
            self.fault((*path, "fails_if"), "«fails_if» chỉ nhận equals, in, gt")
        when = item.get("photo_when")
        if item.get("photo_required"):
            self.one_of(when, (*path, "photo_when"), ("always", "on_fail"))
            if when == "on_fail" and not test:
                self.fault((*path, "photo_when"), "«on_fail» cần có «fails_if»")
        elif when is not None:
            self.fault((*path, "photo_when"), "«photo_when» cần «photo_required: true»")

    def test(self, test: Any, path: Path, item: Mapping[str, Any]) -> bool:
        """Whether one of equals, in, gt, answered stands here, with values that the item can have."""
        if not isinstance(test, dict) or len(set(test) & _TESTS) != 1:
            self.fault(path, "cần đúng một trong equals, in, gt, answered")
            return False
        (name,) = set(test) & _TESTS
        value = test[name]
        if name == "answered":
            is_right = value is True
        elif name == "gt":
            is_right = item.get("type") == "count" and isinstance(value, int) and not isinstance(value, bool)
        else:
            several = value if name == "in" and isinstance(value, list) else [value]
            is_right = isinstance(value, list) == (name == "in") and all(_can_be(item, v) for v in several)
        if not is_right:
            hint = ' (viết "yes", "no" trong dấu ngoặc kép)' if isinstance(value, bool) else ""
            self.fault((*path, name), f"«{name}: {value!r}» không hợp với mục loại {item.get('type')}{hint}")
        return is_right

    def attendance(self) -> None:
        """What headcounts rest on: the section of rooms, its five figures and how attendance was recorded."""
        for code, section in self.sections.items():
            if (code == ATTENDANCE_SECTION) != (section.get("repeat") == "per_room"):
                self.fault(("sections",), f"chỉ phần {ATTENDANCE_SECTION!r} lặp theo phòng (per_room)")
        if ATTENDANCE_SECTION not in self.sections:
            return
        for code in HEADS:
            _, item, home = self.items.get(code, ((), {}, ""))
            if item.get("type") != "count" or home != ATTENDANCE_SECTION:
                self.fault(("sections",), f"phần {ATTENDANCE_SECTION!r} cần mục {code!r} loại count")
        mode = self.items.get("attendance_mode", ((), {}, ""))[1]
        has_modes = all(_can_be(mode, code) for code in MODES_WITH_ROWS)
        if mode.get("type") != "choice" or mode.get("multiple") or not has_modes:
            self.fault(("sections",), f"cần mục attendance_mode loại choice có {', '.join(MODES_WITH_ROWS)}")

    def conditions(self) -> None:
        needs: dict[str, set[str]] = {}
        for number, section in enumerate(self.sections.values()):
            found = self.condition(section.get("relevant_if"), ("sections", number, "relevant_if"), "")
            for code, (path, item, home) in self.items.items():
                if self.sections.get(home) is section:
                    more = self.condition(item.get("relevant_if"), (*path, "relevant_if"), home)
                    needs[code] = found | more
        for code in needs:
            if code in _reached(needs[code], lambda item: needs.get(item, set())):
                self.fault(self.items[code][0], f"điều kiện của mục {code!r} chạy vòng về chính nó")

    def condition(self, value: Any, path: Path, section: str) -> set[str]:
        """Checks a condition; gives the items it looks at."""
        if value is None or value == {}:
            return set()
        if not isinstance(value, dict):
            self.fault(path, "điều kiện không đúng mẫu")
            return set()
        for name in ("all", "any"):
            if name in value:
                if set(value) != {name}:
                    self.fault(path, f"«{name}» phải đứng một mình")
                parts = self.listed(value[name], (*path, name), "điều kiện")
                found = [self.condition(part, (*path, name, number), section) for number, part in enumerate(parts)]
                return set().union(*found)
        self.mapping(value, path, {"item", *_TESTS}, {"item"})
        code = value.get("item")
        if not isinstance(code, str) or code not in self.items:
            self.fault(path, f"điều kiện nói đến mục không có: {code!r}")
            return set()
        _, item, of_section = self.items[code]
        if self.sections[of_section].get("repeat") != "once" and of_section != section:
            self.fault(path, f"mục {code!r} nằm trong phần lặp lại; chỉ cùng phần đó mới dùng làm điều kiện được")
        self.test(value, path, item)
        return {code}


def _can_be(item: Mapping[str, Any], value: Any) -> bool:
    """Whether an answer to this item could equal the value."""
    match item.get("type"):
        case "yes_no_na":
            return value in YES_NO_NA
        case "choice":
            options = item.get("options")
            return isinstance(options, list) and any(isinstance(o, dict) and o.get("code") == value for o in options)
        case "count":
            return isinstance(value, int) and not isinstance(value, bool)
        case "text" | "date":
            return isinstance(value, str)
    return False


def _reached(start: set[str], further: Callable[[str], set[str]]) -> set[str]:
    """Everything that can be reached from `start`, itself included."""
    found: set[str] = set()
    todo = list(start)
    while todo:
        code = todo.pop()
        if code not in found:
            found.add(code)
            todo += further(code)
    return found
