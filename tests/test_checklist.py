"""The whole checklist, item by item: what is asked when, what fails, which photos are missing.

The expectations are written down here by hand, from the document, and not read from the template.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checklist import Item, Outcome, Refusal, Template, check_value, head_items, read_template

ROOT = Path(__file__).parents[1]
BODY: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "domain" / "checklist_spot_check.yaml").read_text("utf-8"))
TEMPLATE = read_template(BODY)

SECTIONS = {
    "attendance": 2, "attendance_room": 8, "badges_conduct": 6, "one_stop": 7, "notice_board": 8, "directives": 4,
    "internal_documents": 5, "earlier_notices": 3, "remarks": 2,
}  # fmt: skip
REPEATED = {"attendance_room": "per_room", "directives": "per_directive", "earlier_notices": "per_notice"}

DESKS = ["own_desk", "service_centre", "reception_point"]
POSTED = ["paper_board", "electronic", "both", "unspecified"]
WITH_ROWS = ["per_room", "whole_unit"]

ASKED_WHEN: dict[str, list[dict[str, Any]]] = {
    # item: answers, any of which makes it asked; what else the item needs is in NEEDS
    "rooms_checked_count": [{"attendance_mode": m} for m in (*WITH_ROWS, "full_no_figures")],
    "absence_reasons": [{"head_absent_excused": 1}, {"head_absent_excused": 40}],
    "absence_evidence_shown": [{"head_absent_excused": 1}],
    "badge_missing_count": [{"badge_worn_all": "no"}],
    "one_stop_equipment_adequate": [{"one_stop_arrangement": d} for d in DESKS],
    "one_stop_camera_working": [{"one_stop_arrangement": d} for d in DESKS],
    "duty_roster_posted": [{"one_stop_arrangement": d} for d in DESKS],
    "duty_roster_followed": [{"one_stop_arrangement": d, "duty_roster_posted": "yes"} for d in DESKS],
    "dossiers_taken_elsewhere": [{"one_stop_arrangement": d} for d in DESKS],
    "receipt_and_tracking_kept": [{"one_stop_arrangement": d} for d in (*DESKS, "in_offices")],
    "tthc_posting_compliant": [{"tthc_posting_form": p} for p in POSTED],
    "tthc_up_to_date": [{"tthc_posting_form": p} for p in POSTED],
    "tthc_board_accessible": [{"tthc_posting_form": p} for p in POSTED],
    "directive_disseminated": [{"directive_ref": "Chỉ thị 26"}],
    "implementing_document_ref": [{"directive_ref": "Chỉ thị 26", "directive_disseminated": "yes"}],
    "implementing_document_date": [{"directive_ref": "Chỉ thị 26", "directive_disseminated": "yes"}],
    "self_inspection_team_count": [{"self_inspection_done": "yes"}],
    "remediation_document_ref": [{"prior_notice_ref": "TB 2917"}],
    "remediation_status": [{"prior_notice_ref": "TB 2917"}],
}  # fmt: skip
NOT_ASKED_WHEN: dict[str, list[dict[str, Any]]] = {
    "rooms_checked_count": [{}, {"attendance_mode": "not_checked"}],
    "absence_reasons": [{}, {"head_absent_excused": 0}, {"head_absent_unexcused": 3}],
    "absence_evidence_shown": [{}, {"head_absent_excused": 0}],
    "badge_missing_count": [{}, {"badge_worn_all": "yes"}, {"badge_worn_all": "na"}],
    **{
        item: [{}, *({"one_stop_arrangement": o} for o in ("in_offices", "none", "not_applicable"))]
        for item in ("one_stop_equipment_adequate", "one_stop_camera_working", "duty_roster_posted", "dossiers_taken_elsewhere")
    },
    "duty_roster_followed": [
        {"one_stop_arrangement": "own_desk"},
        {"one_stop_arrangement": "own_desk", "duty_roster_posted": "no"},
        {"one_stop_arrangement": "own_desk", "duty_roster_posted": "na"},
        {"one_stop_arrangement": "in_offices", "duty_roster_posted": "yes"},
        {"duty_roster_posted": "yes"},
    ],
    "receipt_and_tracking_kept": [{}, {"one_stop_arrangement": "none"}, {"one_stop_arrangement": "not_applicable"}],
    **{
        item: [{}, {"tthc_posting_form": "none"}]
        for item in ("tthc_posting_compliant", "tthc_up_to_date", "tthc_board_accessible")
    },
    "directive_disseminated": [{}, {"directive_ref": ""}],
    "implementing_document_ref": [
        {"directive_ref": "Chỉ thị 26"}, {"directive_ref": "Chỉ thị 26", "directive_disseminated": "no"},
        {"directive_disseminated": "yes"},
    ],
    "implementing_document_date": [{"directive_ref": "Chỉ thị 26", "directive_disseminated": "na"}],
    "self_inspection_team_count": [{}, {"self_inspection_done": "no"}, {"self_inspection_done": "na"}],
    "remediation_document_ref": [{}, {"prior_notice_ref": ""}],
    "remediation_status": [{}],
}  # fmt: skip
SECTION_ASKED = {
    "attendance_room": ("attendance_mode", WITH_ROWS, ["full_no_figures", "not_checked", None]),
    "notice_board": ("one_stop_arrangement", [*DESKS, "in_offices", "none"], ["not_applicable", None]),
}

FAILS: dict[str, tuple[str, list[Any], list[Any]]] = {
    # item: severity, answers that fail, answers that do not
    "head_absent_unexcused": ("major", [1, 2, 9999], [0]),
    "head_absent_unclear": ("minor", [1], [0]),
    "absence_evidence_shown": ("minor", ["no"], ["yes", "na"]),
    "late_or_left_early_count": ("minor", [1], [0]),
    "badge_worn_all": ("minor", ["no"], ["yes", "na"]),
    "name_plate_displayed": ("minor", ["no"], ["yes", "na"]),
    "dress_and_manner_proper": ("major", ["no"], ["yes", "na"]),
    "private_activity_seen": ("major", ["yes"], ["no", "na"]),
    "alcohol_or_smoking_seen": ("critical", ["yes"], ["no", "na"]),
    "one_stop_arrangement": ("major", ["in_offices", "none"], [*DESKS, "not_applicable"]),
    "one_stop_equipment_adequate": ("minor", ["no"], ["yes", "na"]),
    "one_stop_camera_working": ("minor", ["no"], ["yes", "na"]),
    "duty_roster_posted": ("minor", ["no"], ["yes", "na"]),
    "duty_roster_followed": ("major", ["no"], ["yes", "na"]),
    "dossiers_taken_elsewhere": ("major", ["yes"], ["no", "na"]),
    "receipt_and_tracking_kept": ("major", ["no"], ["yes", "na"]),
    "tthc_posting_form": ("major", ["none"], POSTED),
    "tthc_posting_compliant": ("major", ["no"], ["yes", "na"]),
    "tthc_up_to_date": ("major", ["no"], ["yes", "na"]),
    "tthc_board_accessible": ("minor", ["no"], ["yes", "na"]),
    "fees_posted": ("major", ["no"], ["yes", "na"]),
    "feedback_channel_posted": ("minor", ["no"], ["yes", "na"]),
    "tthc_published_online": ("minor", ["no"], ["yes", "na"]),
    "directive_disseminated": ("major", ["no"], ["yes", "na"]),
    "internal_rules_updated": ("minor", ["no"], ["yes", "na"]),
    "work_programme_issued": ("minor", ["no"], ["yes", "na"]),
    "par_plan_issued": ("minor", ["no"], ["yes", "na"]),
    "self_inspection_done": ("minor", ["no"], ["yes", "na"]),
    "remediation_status": ("major", ["partly", "not_done"], ["done", "document_only", "not_due"]),
}
PHOTO_ALWAYS = ["duty_roster_posted", "tthc_board_photo"]
PHOTO_ON_FAIL = [
    "one_stop_equipment_adequate", "duty_roster_followed", "tthc_posting_compliant", "tthc_up_to_date",
    "tthc_board_accessible", "feedback_channel_posted",
]  # fmt: skip


def item(code: str) -> Item:
    return TEMPLATE.items[code]


def row_of(code: str) -> str:
    return "row-1" if item(code).section in REPEATED else ""


def outcome(
    answers: Mapping[str, Any], photos: tuple[str, ...] = (), rows: tuple[str, ...] = ("row-1",), template: Template = TEMPLATE
) -> Outcome:  # fmt: skip
    """What the checklist makes of answers; those to items of repeated sections stand in row-1."""
    return Outcome(
        template,
        {(row_of(code), code): value for code, value in answers.items()},
        dict.fromkeys(REPEATED, rows),
        {(row_of(code), code) for code in photos},
    )


def context(code: str) -> dict[str, Any]:
    """The least that has to be answered for an item to be asked."""
    answers: dict[str, Any] = {}
    section = item(code).section
    if section in SECTION_ASKED:
        answers[SECTION_ASKED[section][0]] = SECTION_ASKED[section][1][0]
    return answers | (ASKED_WHEN[code][0] if code in ASKED_WHEN else {})


def test_the_shipped_checklist_is_the_document() -> None:
    assert json.loads((ROOT / "assets" / "checklist.json").read_text("utf-8")) == BODY
    assert TEMPLATE.id == "spot_check_default@1"


def test_all_sections_and_items_are_there_in_their_order() -> None:
    assert {section.code: len(section.items) for section in TEMPLATE.sections} == SECTIONS
    assert [section.code for section in TEMPLATE.sections] == list(SECTIONS)
    assert len(TEMPLATE.items) == sum(SECTIONS.values()) == 45
    assert {section.code: section.repeat for section in TEMPLATE.sections if section.is_repeated} == REPEATED
    assert [i.code for i in head_items(TEMPLATE)][:5] == [
        "head_total", "head_present", "head_absent_excused", "head_absent_unexcused", "head_absent_unclear",
    ]  # fmt: skip
    for one in TEMPLATE.items.values():
        assert one.label.vi and one.label.en and one.help, one.code
    assert TEMPLATE.by_section["attendance_room"].row_label is not None


def test_the_expectations_below_leave_no_rule_of_the_template_out() -> None:
    assert {i.code for i in TEMPLATE.items.values() if i.relevant_if} == set(ASKED_WHEN) == set(NOT_ASKED_WHEN)
    assert {i.code for i in TEMPLATE.items.values() if i.fails_if} == set(FAILS)
    assert {i.code for i in TEMPLATE.items.values() if i.photo_when} == {*PHOTO_ALWAYS, *PHOTO_ON_FAIL}
    assert {s.code for s in TEMPLATE.sections if s.relevant_if} == set(SECTION_ASKED)


@pytest.mark.parametrize("code", list(ASKED_WHEN))
def test_an_item_is_asked_when_its_condition_holds_and_not_otherwise(code: str) -> None:
    section = item(code).section
    around = {SECTION_ASKED[section][0]: SECTION_ASKED[section][1][0]} if section in SECTION_ASKED else {}
    for answers in ASKED_WHEN[code]:
        assert outcome(around | answers).is_relevant(item(code), row_of(code)), answers
    for answers in NOT_ASKED_WHEN[code]:
        assert not outcome(around | answers).is_relevant(item(code), row_of(code)), answers


def test_items_without_a_condition_are_always_asked() -> None:
    for code, one in TEMPLATE.items.items():
        if code not in ASKED_WHEN and one.section not in SECTION_ASKED:
            assert outcome({}).is_relevant(one, row_of(code)), code


@pytest.mark.parametrize("code", list(SECTION_ASKED))
def test_a_section_is_asked_when_its_condition_holds_and_its_items_go_with_it(code: str) -> None:
    deciding, yes, no = SECTION_ASKED[code]
    section = TEMPLATE.by_section[code]
    for answer in (*yes, *no):
        made = outcome({deciding: answer} if answer is not None else {})
        assert made.is_asked(section) is (answer in yes)
        for one in section.items:
            assert made.is_relevant(one, row_of(one.code)) <= (answer in yes)


@pytest.mark.parametrize("code", list(FAILS))
def test_an_answer_fails_exactly_when_the_document_says_so(code: str) -> None:
    severity, failing, passing = FAILS[code]
    for value in failing:
        made = outcome({**context(code), code: value})
        assert made.fails(item(code), row_of(code)), value
        assert [(f.item, f.severity) for f in made.failures if f.item == code] == [(code, severity)]
    for value in passing:
        made = outcome({**context(code), code: value})
        assert not made.fails(item(code), row_of(code)) and made.failures == [], value
    assert outcome(context(code)).failures == [], "without an answer nothing fails"


@pytest.mark.parametrize("code", [c for c in FAILS if c in ASKED_WHEN])
def test_an_item_that_is_not_asked_never_fails_and_misses_no_photo(code: str) -> None:
    _, failing, _ = FAILS[code]
    for answers in NOT_ASKED_WHEN[code]:
        made = outcome({**answers, code: failing[0]})
        assert code not in {f.item for f in made.failures}
        assert code not in {missing for _, missing in made.missing_photos}


@pytest.mark.parametrize("code", PHOTO_ON_FAIL)
def test_a_failing_answer_wants_its_photo(code: str) -> None:
    _, failing, passing = FAILS[code]
    key = (row_of(code), code)
    assert key in outcome({**context(code), code: failing[0]}).missing_photos
    assert key not in outcome({**context(code), code: failing[0]}, photos=(code,)).missing_photos
    for value in passing:
        assert key not in outcome({**context(code), code: value}).missing_photos


def test_a_photo_that_is_always_wanted_is_wanted_once_there_is_an_answer() -> None:
    around = {"one_stop_arrangement": "own_desk"}
    roster = ("", "duty_roster_posted")
    assert roster not in outcome(around).missing_photos
    for answer in ("yes", "no", "na"):
        assert roster in outcome({**around, "duty_roster_posted": answer}).missing_photos
    assert roster not in outcome({**around, "duty_roster_posted": "yes"}, ("duty_roster_posted",)).missing_photos
    assert roster not in outcome({"one_stop_arrangement": "none", "duty_roster_posted": "yes"}).missing_photos


def test_a_photo_item_wants_its_photo_as_soon_as_it_is_asked() -> None:
    board = ("", "tthc_board_photo")
    assert board in outcome({"one_stop_arrangement": "in_offices"}).missing_photos
    assert board not in outcome({"one_stop_arrangement": "in_offices"}, ("tthc_board_photo",)).missing_photos
    assert board not in outcome({"one_stop_arrangement": "not_applicable"}).missing_photos
    assert board not in outcome({}).missing_photos


def test_conditions_and_failures_look_at_their_own_row() -> None:
    values: dict[tuple[str, str], Any] = {
        ("", "attendance_mode"): "per_room",
        ("a", "head_absent_excused"): 2, ("a", "absence_evidence_shown"): "no", ("a", "head_absent_unexcused"): 1,
        ("b", "head_absent_excused"): 0, ("b", "absence_evidence_shown"): "no", ("b", "head_absent_unexcused"): 3,
        ("x", "directive_ref"): "CT 26", ("x", "directive_disseminated"): "no",
        ("y", "directive_disseminated"): "no",
        ("gone", "head_absent_unexcused"): 5,
    }  # fmt: skip
    made = Outcome(TEMPLATE, values, {"attendance_room": ["a", "b"], "directives": ["x", "y"]})
    evidence = item("absence_evidence_shown")
    assert made.is_relevant(evidence, "a") and not made.is_relevant(evidence, "b")
    assert [(f.item, f.row) for f in made.failures] == [
        ("head_absent_unexcused", "a"), ("head_absent_unexcused", "b"), ("absence_evidence_shown", "a"),
        ("directive_disseminated", "x"),
    ], "checklist order, rows in theirs; a row taken out of the visit is not looked at"  # fmt: skip


def test_an_answer_comes_back_with_its_item() -> None:
    answers = {"one_stop_arrangement": "own_desk", "duty_roster_posted": "yes", "duty_roster_followed": "no"}
    followed = item("duty_roster_followed")
    assert outcome(answers).value(followed) == "no" and len(outcome(answers).failures) == 1
    hidden = outcome({**answers, "one_stop_arrangement": "not_applicable"})
    assert hidden.value(followed) is None and hidden.failures == []
    assert hidden.values[("", "duty_roster_followed")] == "no", "kept, not thrown away"
    assert outcome(answers).value(followed) == "no"


def test_progress_counts_what_is_asked_and_answered() -> None:
    one_stop = TEMPLATE.by_section["one_stop"]
    assert outcome({}).progress(one_stop) == (0, 1)
    assert outcome({"one_stop_arrangement": "own_desk"}).progress(one_stop) == (1, 6)
    assert outcome({"one_stop_arrangement": "own_desk", "duty_roster_posted": "yes"}).progress(one_stop) == (2, 7)
    assert outcome({"one_stop_arrangement": "none", "duty_roster_posted": "yes"}).progress(one_stop) == (1, 1)
    board = TEMPLATE.by_section["notice_board"]
    asked = {"one_stop_arrangement": "none"}
    assert [i.code for i in outcome(asked).open_items(board)][:2] == ["tthc_posting_form", "tthc_board_photo"]
    assert "tthc_board_photo" not in [i.code for i in outcome(asked, ("tthc_board_photo",)).open_items(board)]
    rooms = TEMPLATE.by_section["attendance_room"]
    assert outcome({"attendance_mode": "per_room", "head_total": 8}, rows=("row-1", "row-2")).progress(rooms) == (1, 12)


def test_rules_that_chase_each_other_are_false_and_not_endless() -> None:
    body = json.loads(json.dumps(BODY))
    rules = {i["code"]: i for s in body["sections"] for i in s["items"]}
    rules["good_practice"]["relevant_if"] = {"item": "objective_difficulty", "answered": True}
    rules["objective_difficulty"]["relevant_if"] = {"item": "good_practice", "answered": True}
    made = outcome({"good_practice": "a", "objective_difficulty": "b"}, template=read_template(body))
    assert not made.is_relevant(made.template.items["good_practice"])


def test_any_and_all_combine_conditions_and_an_unknown_item_is_false() -> None:
    body = json.loads(json.dumps(BODY))
    rules = {i["code"]: i for s in body["sections"] for i in s["items"]}
    rules["good_practice"]["relevant_if"] = {
        "any": [{"item": "no_such_item", "answered": True}, {"item": "par_plan_issued", "in": ["yes", "na"]}]
    }
    template = read_template(body)
    for answer, asked in (("yes", True), ("na", True), ("no", False)):
        made = outcome({"par_plan_issued": answer}, template=template)
        assert made.is_relevant(template.items["good_practice"]) is asked


@pytest.mark.parametrize(
    ("code", "good", "bad"),
    [
        ("head_present", [0, 1, 9999], [-1, 10_000, 1.5, 2.0, "5", True, False, None, [1]]),
        ("badge_worn_all", ["yes", "no", "na"], ["", "Yes", True, 1, ["yes"]]),
        ("attendance_mode", ["per_room", "not_checked"], ["", "room", ["per_room"], 3]),
        (
            "absence_reasons",
            [["meeting"], ["other", "meeting"], []],
            ["meeting", ["meeting", "meeting"], ["party"], [3]],
        ),
        ("good_practice", ["", "x" * 2000], ["x" * 2001, 5, ["x"], True]),
        (
            "implementing_document_date",
            ["2026-02-28", "2024-02-29"],
            ["2026-02-29", "2026-2-1", "28/02/2026", "20260228", 5],
        ),
        ("tthc_board_photo", [], ["a photo", 1, None]),
    ],
)
def test_an_item_takes_the_answers_it_can_hold_and_no_others(code: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check_value(item(code), value)
    for value in bad:
        with pytest.raises(Refusal, match=" / "):
            check_value(item(code), value)


keys = [
    (row, code) for code, one in TEMPLATE.items.items() for row in (("a", "b") if one.section in REPEATED else ("",))
]
said = st.sampled_from(
    ["yes", "no", "na", 0, 3, "own_desk", "in_offices", "none", "per_room", "paper_board", "done", "x"]
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(keys), said, max_size=40), st.sets(st.sampled_from(keys)))
def test_whatever_is_answered_the_rules_agree_with_each_other(answers: dict[Any, Any], photos: set[Any]) -> None:
    made = Outcome(TEMPLATE, answers, dict.fromkeys(REPEATED, ("a", "b")), photos)
    for row, code in keys:
        one = item(code)
        asked = made.is_relevant(one, row)
        assert (made.value(one, row) is not None) == (asked and (row, code) in answers)
        if made.fails(one, row) or made.misses_photo(one, row):
            assert asked
        if (row, code) in photos:
            assert not made.misses_photo(one, row)
    for section in TEMPLATE.sections:
        answered, questions = made.progress(section)
        assert 0 <= answered <= questions <= len(section.items) * len(made.rows_of(section))
    assert len(made.failures) == len({(f.item, f.row) for f in made.failures})
