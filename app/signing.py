"""Signing the minutes, and what is said after that.

The first signature closes the visit and freezes it (`app.sync.freeze`); the others sign the same content. What comes later,
because somebody still had it on another phone or found something wrong, goes to a supplement with signatures of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist
from typing import Any

from sqlalchemy import Connection

from app.checklist import Refusal
from app.proof import code_of, content_hash, signed_document, supplement_document
from app.readings import VisitReading
from app.recorder import NotEnrolled, Recorder, VisitShut, clean_name, clean_text
from app.records import SIGNATURE_ROLES
from app.sync import merge
from app.sync.freeze import GIVEN_LATER, Freezes, freeze_of, held_spans
from app.sync.journal import Change
from app.sync.ledger import acked
from app.sync.stamp import new_uuid7, signature_id
from app.sync.upcast import present_fields

METHODS = ("drawn_on_screen", "on_paper", "refused")
"""How somebody can sign, or not, on this phone."""
SHORTEST_PATH = 250
"""Thousandths of the field's width that a finger must have travelled: less is a dot or a slip."""
STROKES_MAX = 9000
"""Characters of the strokes' JSON; an entry holds 16 KiB, and what it covers has to go in beside them."""

Strokes = Sequence[Sequence[int]]
"""Each stroke is x, y, x, y, … in thousandths of the width of the field."""


@dataclass(frozen=True)
class Late:
    """A field that an entry outside of what was signed would change; `at` is ms UTC by the author's phone.

    `signed` and `later` are values as the journal has them, None where nothing stands or is taken away.
    """

    kind: str
    id: str
    field: str
    signed: Any
    later: Any
    author: str
    at: int
    device: str
    is_own: bool
    """Whether it was written on this phone."""


@dataclass(frozen=True)
class Proof:
    """What this phone can say by itself of a visit's signed content; `code` is the one printed under the minutes."""

    code: str
    content: str
    is_as_signed: bool
    """Whether what the visit says is, byte for byte, what the first signature was put under."""
    signatures_of_other_content: tuple[str, ...]
    """Names of those who signed, on another phone at the same time, something else."""


class Signing(Recorder):
    """What an inspector does when the visit is over."""

    def sign(
        self,
        visit: str,
        role: str,
        name: str,
        post: str = "",
        method: str = "drawn_on_screen",
        strokes: Strokes = (),
        reason: str = "",
        *,
        person: str = "",
        supplement: str = "",
    ) -> str:
        """Somebody signs the minutes (or a supplement), on the screen or on paper, or refuses with a reason; returns the id.

        The first signature of the minutes closes the visit and freezes it, in one tap. Raises Refusal for a signature that
        cannot be one, a second one of the same person, and while a room does not add up.
        """
        if self.enrolment is None or self._writer is None:
            raise NotEnrolled
        reading = self.visit(visit)
        patch = _signature(visit, role, name, post, method, strokes, reason)
        signature = signature_id(visit, supplement, role, patch["name"])
        if any(signed.id == signature for signed in reading.evidence.signatures):
            raise Refusal(f"{patch['name']} đã ký rồi. / {patch['name']} has signed already.")
        if person:
            patch["person"] = person
        now = self.now()
        patch["signed_at"] = now
        before: list[Change] = []
        with self.store.reading() as connection:
            if supplement:
                said = merge.load(connection, "supplement", supplement).fields
                if said.get("visit") != visit:
                    raise LookupError(supplement)
                patch |= {
                    "supplement": supplement, "content": content_hash(supplement_document(visit, supplement, said)),
                }  # fmt: skip
            elif freeze := freeze_of(connection, visit):
                patch["content"] = freeze.content
            else:
                _check_rooms(reading)
                closing: dict[str, Any] = {}
                if reading.is_open:
                    closing = {"visit_ended_at": now}
                    before = [Change("visit", visit, {"status": "closed", **closing}, visit)]
                chain = (self._writer.device, self._writer.epoch)
                patch |= {
                    "content": content_hash(signed_document(connection, visit, closing)),
                    "covers": held_spans(connection, visit, chain, acked(connection, chain[1])),
                }  # fmt: skip
        after = [] if supplement else [Change("visit", visit, {"status": "signed"}, visit)]
        self._record([*before, Change("signature", signature, patch, visit), *after], undoable=False)
        self._undo.pop(visit, None)
        return signature

    def supplement(self, visit: str, words: str, reason: str = "") -> str:
        """Begin a supplement (biên bản bổ sung) to signed minutes; returns its id. What it says is not changed any more."""
        reading = self.visit(visit)
        if not reading.is_signed:
            raise VisitShut(
                "Biên bản chưa ký: cứ sửa trong cuộc kiểm tra. / The minutes are not signed yet; change the visit itself."
            )
        said = clean_text(words)
        if not said:
            raise Refusal("Chưa ghi nội dung bổ sung. / Say what is to be added.")
        id = new_uuid7(self.now(), self._entropy(10))
        patch: dict[str, Any] = {
            "visit": visit, "text": said, "position": max((s.position for s in reading.evidence.supplements), default=0) + 1,
        }  # fmt: skip
        if clean_reason := clean_text(reason):
            patch["reason"] = clean_reason
        self._record([Change("supplement", id, patch, visit)], undoable=False)
        return id

    def give_number(self, visit: str, number: str, supplement: str = "") -> None:
        """The number of the minutes, or of a supplement, as the records office gives it; days later too. Empty takes it away."""
        said = clean_name(number, "Số biên bản / The number") if number.strip() else None
        kind, record = ("supplement", supplement) if supplement else ("visit", visit)
        self._record([Change(kind, record, {GIVEN_LATER: said}, visit)], undoable=False)

    def supplement_of(self, visit: str) -> list[Late]:
        """What entries say that came after the first signature and are not part of what was signed, field by field."""
        with self.store.reading() as connection:
            return late_fields(connection, visit, self.enrolment.device if self.enrolment else "")

    def proof(self, visit: str) -> Proof | None:
        """Whether the visit still says what was signed; None while it is not signed."""
        reading = self.visit(visit)
        with self.store.reading() as connection:
            freeze = freeze_of(connection, visit)
            if freeze is None:
                return None
            content = content_hash(signed_document(connection, visit))
        others = tuple(s.name for s in reading.evidence.signatures if not s.supplement and s.content != freeze.content)
        return Proof(code_of(freeze.content), freeze.content, content == freeze.content, others)


def late_fields(connection: Connection, visit: str, own: str) -> list[Late]:
    """As `Signing.supplement_of`; `own` is the device that asks."""
    freezes = Freezes(connection)
    last: dict[tuple[str, str, str], Late] = {}
    for entry in merge.left_out(connection, visit, is_new=True):
        signed = merge.read_anew(connection, entry.kind, entry.record, freezes)
        fields: Mapping[str, Any] = signed.fields if signed else {}
        if fields.get("visit", visit) != visit:
            fields = {}  # it was moved on to another visit
        for name, later in present_fields(entry).items():
            key = (entry.kind, entry.record, name)
            if name not in ("visit", "row", "item") and (later != fields.get(name) or key in last):
                last[key] = Late(
                    *key, fields.get(name), later, entry.author, entry.ms, entry.device, entry.device == own
                )  # fmt: skip
    return list(last.values())


def _signature(
    visit: str, role: str, name: str, post: str, method: str, strokes: Strokes, reason: str
) -> dict[str, Any]:
    """The fields of a signature. Raises Refusal."""
    if role not in SIGNATURE_ROLES:
        raise Refusal("Chưa chọn ký với tư cách gì. / Choose in which role.")
    if method not in METHODS:
        raise Refusal("Chưa chọn cách ký. / Choose how to sign.")
    patch: dict[str, Any] = {
        "visit": visit, "role": role, "name": clean_name(name, "Họ tên người ký / The name"), "method": method,
    }  # fmt: skip
    if post.strip():
        patch["post"] = clean_name(post, "Chức vụ / The post")
    if method == "drawn_on_screen":
        patch["strokes"] = drawn(strokes)
    if method == "refused":
        patch["reason"] = clean_text(reason)
        if not patch["reason"]:
            raise Refusal("Chưa ghi lý do không ký. / Say why it was not signed.")
    return patch


def drawn(strokes: Strokes) -> list[list[int]]:
    """Strokes as they are kept, thinned until they fit. Raises Refusal for a dot, or for nothing."""
    kept = [_thinned(stroke, 4) for stroke in strokes if len(stroke) >= 2]
    way = sum(
        dist(stroke[at : at + 2], stroke[at + 2 : at + 4]) for stroke in kept for at in range(0, len(stroke) - 2, 2)
    )
    if way < SHORTEST_PATH:
        raise Refusal(
            "Chữ ký trên màn hình quá ngắn, mới như một dấu chấm. Hãy xóa rồi ký lại cho rõ; chưa có gì bị khóa. / "
            "What was drawn is too short, hardly more than a dot. Clear it and sign again; nothing is locked yet."
        )
    nearest = 4
    while len(json.dumps(kept)) > STROKES_MAX:
        nearest *= 2
        kept = [_thinned(stroke, nearest) for stroke in kept][: STROKES_MAX // 20]
    return kept


def _thinned(stroke: Sequence[int], nearest: int) -> list[int]:
    """A stroke without points nearer than `nearest` to the one kept before; its end stays."""
    points = [(int(stroke[at]), int(stroke[at + 1])) for at in range(0, len(stroke) - 1, 2)]
    kept = points[:1]
    for point in points[1:]:
        if dist(point, kept[-1]) >= nearest:
            kept.append(point)
    if len(kept) > 1 and kept[-1] != points[-1]:
        kept[-1] = points[-1]
    return [number for point in kept for number in point]


def _check_rooms(reading: VisitReading) -> None:
    """Rule: a room that does not add up blocks signing (design §5)."""
    wrong = [reading.row_name(row) for row, check in reading.figures.checks.items() if check.is_wrong]
    if wrong:
        rooms = ", ".join(wrong[:3]) + ("…" if len(wrong) > 3 else "")
        raise Refusal(
            f"Chưa ký được: số liệu chưa khớp ở {rooms}. Hãy sửa số đếm rồi ký. / "
            f"Not yet: figures do not add up in {rooms}. Put them right, then sign."
        )
