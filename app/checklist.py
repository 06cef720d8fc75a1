"""Checklist templates: sections, items, when an item is asked, when an answer fails, which photos are required. Pure.

A template is data (JSON or YAML, `domain/checklist_spot_check.yaml`), read into frozen values. The rules are those in the
head of that file:
- a condition on an item without an answer is false; an item that is not relevant counts as having no answer;
- in a repeated section a condition on an item of the same section looks at the same row;
- an item that is not relevant never fails and misses no photo;
- a required photo is missing when none is attached to the item and either `photo_when` is always, the item is relevant and
  (its type is photo or it has an answer), or `photo_when` is on_fail and the item failed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from app.records import ATTENDANCE_SECTION, COUNT_MAX, TEXT_MAX

ITEM_TYPES = ("count", "yes_no_na", "choice", "text", "photo", "date")
SEVERITIES = ("critical", "major", "minor")
"""From heavy to light, as findings are listed."""
REPEATS = ("once", "per_room", "per_directive", "per_notice")
YES_NO_NA = ("yes", "no", "na")

Value = int | str | Sequence[str]
Key = tuple[str, str]
"""(row id, item code); the row is empty outside repeated sections."""


@dataclass(frozen=True)
class Label:
    """A text in both languages of the screens."""

    vi: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" and self.en else self.vi


@dataclass(frozen=True)
class Option:
    code: str
    label: Label


@dataclass(frozen=True)
class Item:
    """One question. `fails_if` and `relevant_if` are conditions as the template writes them, {} for never and always."""

    code: str
    type: str
    label: Label
    help: str
    section: str
    legal_basis: str
    severity: str | None
    fails_if: Mapping[str, Any]
    photo_when: str | None
    relevant_if: Mapping[str, Any]
    options: tuple[Option, ...] = ()
    multiple: bool = False

    def option(self, code: str) -> Option | None:
        return next((o for o in self.options if o.code == code), None)


@dataclass(frozen=True)
class Section:
    code: str
    order: int
    repeat: str
    title: Label
    items: tuple[Item, ...]
    relevant_if: Mapping[str, Any]
    row_label: Label | None = None

    @property
    def is_repeated(self) -> bool:
        return self.repeat != "once"


@dataclass(frozen=True)
class Template:
    """A version of a checklist. Id in the journal is `code@version`."""

    code: str
    version: int
    title: Label
    sections: tuple[Section, ...]
    severities: Mapping[str, Label]
    body: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        return f"{self.code}@{self.version}"

    @cached_property
    def items(self) -> dict[str, Item]:
        """Item code → item, in checklist order."""
        return {item.code: item for section in self.sections for item in section.items}

    @cached_property
    def by_section(self) -> dict[str, Section]:
        return {section.code: section for section in self.sections}


def _label(data: Mapping[str, Any], name: str) -> Label:
    return Label(str(data.get(f"{name}_vi") or ""), str(data.get(f"{name}_en") or ""))


def read_template(body: Mapping[str, Any]) -> Template:
    """A template from its data (already checked; `central.imports` reports faults with line numbers).

    Raises KeyError or TypeError when a part that the rules need is absent.
    """
    sections = []
    for raw in body["sections"]:
        items = tuple(
            Item(
                code=i["code"],
                type=i["type"],
                label=_label(i, "label"),
                help=i.get("help_vi") or "",
                section=raw["code"],
                legal_basis=i.get("legal_basis") or "",
                severity=i.get("severity_if_failed"),
                fails_if=i.get("fails_if") or {},
                photo_when=i.get("photo_when") if i.get("photo_required") else None,
                relevant_if=i.get("relevant_if") or {},
                options=tuple(Option(o["code"], Label(o["vi"], o.get("en", ""))) for o in i.get("options") or ()),
                multiple=bool(i.get("multiple")),
            )
            for i in raw["items"]
        )
        key = raw.get("row_key")
        sections.append(
            Section(
                raw["code"],
                raw["order"],
                raw["repeat"],
                _label(raw, "title"),
                items,
                raw.get("relevant_if") or {},
                _label(key, "label") if key else None,
            )
        )
    head = body["template"]
    return Template(
        head["code"],
        head["version"],
        _label(head, "title"),
        tuple(sorted(sections, key=lambda s: s.order)),
        {code: Label(s["vi"], s.get("en", "")) for code, s in body["severities"].items()},
        body,
    )


class Refusal(ValueError):
    """An answer that the item cannot hold; the message says why, Vietnamese first."""


def check_value(item: Item, value: Any) -> None:
    """Refuse with Refusal an answer that does not fit the item: type, range, unknown option, text too long, no such day."""
    if item.type == "count":
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refusal("chỉ nhận số nguyên / a whole number is needed")
        if not 0 <= value <= COUNT_MAX:
            raise Refusal(f"số phải từ 0 đến {COUNT_MAX} / must be 0 to {COUNT_MAX}")
    elif item.type == "yes_no_na":
        if value not in YES_NO_NA:
            raise Refusal("chỉ nhận có, không, không áp dụng / yes, no or na")
    elif item.type == "choice":
        codes = value if item.multiple and isinstance(value, list) else [value]
        if item.multiple and not isinstance(value, list):
            raise Refusal("cần một danh sách lựa chọn / a list of options is needed")
        known = {o.code for o in item.options}
        unknown = [c for c in codes if not isinstance(c, str) or c not in known]
        if unknown:
            raise Refusal(f"không có lựa chọn {unknown[0]!r} / no such option")
        if len(set(codes)) != len(codes):
            raise Refusal("một lựa chọn ghi hai lần / an option twice")
    elif item.type == "text":
        if not isinstance(value, str):
            raise Refusal("cần chữ / text is needed")
        if len(value) > TEXT_MAX:
            raise Refusal(f"dài {len(value)} ký tự, tối đa {TEXT_MAX} / at most {TEXT_MAX} characters")
    elif item.type == "date":
        if not is_day(value):
            raise Refusal("ngày không có trên lịch, cần dạng năm-tháng-ngày / not a day (ISO 8601)")
    else:
        raise Refusal("mục này chỉ nhận ảnh / this item takes photos only")


def is_day(value: Any) -> bool:
    """Whether it is a day of the calendar written year-month-day (ISO 8601)."""
    if not isinstance(value, str) or len(value) != 10:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Failure:
    """One failing item; in a repeated section one per failing row."""

    item: str
    row: str
    severity: str


class Outcome:
    """What a template makes of the answers of one visit.

    `values` maps (row id, item code) to answers, `rows` a repeated section's code to its row ids in order, `photos` is
    the set of (row id, item or section code) that photos are attached to.
    """

    def __init__(
        self,
        template: Template,
        values: Mapping[Key, Any],
        rows: Mapping[str, Sequence[str]],
        photos: Collection[Key] = (),
    ):
        self.template, self.values, self.rows = template, values, rows
        self.photos = frozenset(photos)
        self._relevant: dict[Key, bool] = {}
        self._sections: dict[tuple[str, str], bool] = {}

    def rows_of(self, section: Section) -> Sequence[str]:
        """Row ids of a section; one empty row outside repeated sections."""
        return self.rows.get(section.code, ()) if section.is_repeated else ("",)

    def is_asked(self, section: Section, row: str = "") -> bool:
        """Whether a section is shown at all."""
        key = (section.code, row)
        if key not in self._sections:
            self._sections[key] = False  # a circle of conditions is false, not endless
            self._sections[key] = self._holds(section.relevant_if, section.code, row)
        return self._sections[key]

    def is_relevant(self, item: Item, row: str = "") -> bool:
        """Whether an item is shown for this row."""
        key = (row, item.code)
        if key not in self._relevant:
            self._relevant[key] = False
            section = self.template.by_section[item.section]
            self._relevant[key] = self.is_asked(section, row) and self._holds(item.relevant_if, section.code, row)
        return self._relevant[key]

    def value(self, item: Item, row: str = "") -> Any:
        """The answer that counts: None when there is none or the item is not relevant."""
        if not self.is_relevant(item, row):
            return None
        return self.values.get((row, item.code))

    def _holds(self, condition: Mapping[str, Any], section: str, row: str) -> bool:
        if not condition:
            return True
        if "all" in condition:
            return all(self._holds(c, section, row) for c in condition["all"])
        if "any" in condition:
            return any(self._holds(c, section, row) for c in condition["any"])
        item = self.template.items.get(condition["item"])
        if item is None:
            return False
        looked_at = row if item.section == section and self.template.by_section[section].is_repeated else ""
        value = self.value(item, looked_at)
        return value is not None and value != "" and value != [] and _matches(condition, value)

    def fails(self, item: Item, row: str = "") -> bool:
        """Whether the answer to a relevant item is a failing one."""
        value = self.value(item, row)
        return value is not None and would_fail(item, value)

    def misses_photo(self, item: Item, row: str = "") -> bool:
        """Whether a required photo is missing; it warns and never blocks."""
        if item.photo_when is None or (row, item.code) in self.photos:
            return False
        if item.photo_when == "on_fail":
            return self.fails(item, row)
        return self.is_relevant(item, row) and (item.type == "photo" or self.value(item, row) is not None)

    @cached_property
    def failures(self) -> list[Failure]:
        """Failing items in checklist order, rows in their order."""
        return [
            Failure(item.code, row, item.severity or "")
            for section in self.template.sections
            for item in section.items
            if item.severity and item.fails_if
            for row in self.rows_of(section)
            if self.fails(item, row)
        ]

    @cached_property
    def missing_photos(self) -> list[Key]:
        """(row, item) of required photos that are missing, in checklist order."""
        return [
            (row, item.code)
            for section in self.template.sections
            for item in section.items
            if item.photo_when
            for row in self.rows_of(section)
            if self.misses_photo(item, row)
        ]

    def open_items(self, section: Section, row: str = "") -> list[Item]:
        """Relevant items of a row without an answer (a photo item counts as answered once it has a photo)."""
        return [
            item
            for item in section.items
            if self.is_relevant(item, row)
            and self.values.get((row, item.code)) is None
            and not (item.type == "photo" and (row, item.code) in self.photos)
        ]

    def progress(self, section: Section) -> tuple[int, int]:
        """(answered, asked) over all rows of a section."""
        asked = answered = 0
        for row in self.rows_of(section):
            relevant = sum(self.is_relevant(item, row) for item in section.items)
            asked += relevant
            answered += relevant - len(self.open_items(section, row))
        return answered, asked


def _matches(condition: Mapping[str, Any], value: Any) -> bool:
    """Whether an answer fulfils {equals}, {in}, {gt} or {answered}; a list of codes matches when any of them does."""
    several = list(value) if isinstance(value, list | tuple) else [value]
    if "equals" in condition:
        return condition["equals"] in several
    if "in" in condition:
        return any(v in condition["in"] for v in several)
    if "gt" in condition:
        return any(isinstance(v, int) and v > condition["gt"] for v in several)
    return bool(condition.get("answered"))


def would_fail(item: Item, answer: Any) -> bool:
    """Whether this answer to a relevant item would be a failing one."""
    return bool(item.severity and item.fails_if) and _matches(item.fails_if, answer)


def naming_item(section: Section) -> Item | None:
    """The item that is a row's own name (the directive, the notice): the first one, when rows have no key of their own."""
    if section.is_repeated and section.row_label is None and section.items and section.items[0].type == "text":
        return section.items[0]
    return None


def unique_items(codes: Sequence[str]) -> list[str]:
    """Item codes in their order, each once."""
    return list(dict.fromkeys(codes))


def head_items(template: Template) -> tuple[Item, ...]:
    """The items of the headcount section, in order; empty when a template has none."""
    section = template.by_section.get(ATTENDANCE_SECTION)
    return section.items if section else ()
