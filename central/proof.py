"""Whether minutes, figures and photos are the ones that were signed: from the code on a printed page, or from the PDF itself.

What was signed is made again from the journal and its hash held against the one the first signature names; each photo against
its name; a PDF byte by byte against the one made anew, as it was before or after later signatures and the number.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.minutes.content import Minutes
from app.minutes.pdf import drained, minutes_pdf
from app.proof import code_of, content_hash, hex_of, read_code, signed_document
from app.sync.freeze import Freeze, freeze_of
from central.database import rows
from central.minutes import FONTS, Told, told_minutes
from central.photo_store import Photos
from central.readings import Readings
from central.verify import Finding


@dataclass(frozen=True)
class Signer:
    """Somebody who signed the minutes, or refused to; `signed_at` is ms UTC by the phone's clock."""

    role: str
    name: str
    method: str
    signed_at: int | None
    is_same: bool
    """Whether it was put under the content that counts."""


@dataclass(frozen=True)
class Proof:
    """What there is to say of a code or a PDF. `received_at`, ms UTC: when central first had the signature that froze the visit."""

    visit: str
    code: str
    unit_name: str
    visit_date: str
    signers: tuple[Signer, ...]
    received_at: int | None
    photos: int
    missing: int
    """Photos that have not arrived at central yet: nothing can be said of them here."""
    differences: tuple[Finding, ...]
    """What is not as it was signed, the gravest first; nothing when all is."""


def find_signed(connection: Connection, code: str) -> str | None:
    """The visit somebody signed under this code (as `app.code.read_code` gives it); None when central knows none."""
    found = rows(
        connection,
        "SELECT visit FROM signature WHERE substr(content, 1, 20) = :begun AND coalesce(supplement, '') = '' "
        "ORDER BY covers IS NULL, visit LIMIT 1",
        begun=hex_of(code),
    )
    return found[0]["visit"] if found else None


def code_in_pdf(data: bytes) -> str | None:
    """The code that a PDF names among its own facts; None when it names none."""
    found = re.search(rb"/Keywords <FEFF((?:00[0-9A-Fa-f]{2})+)>", data)
    return read_code(bytes.fromhex(found[1].decode()).decode("utf-16-be")) if found else None


def prove(
    connection: Connection, photos: Photos, readings: Readings, visit: str, code: str = "", pdf: bytes | None = None
) -> Proof | None:
    """Hold what central has of a signed visit against what was signed; None while it is not signed."""
    freeze = freeze_of(connection, visit)
    if freeze is None:
        return None
    reading = readings.visit(connection, visit)
    told = told_minutes(connection, reading)
    differences = [*_content(connection, freeze, visit, code)]
    missing = 0
    numbers = {photo.sha256: photo.number for photo in told.minutes.photos}
    for photo in reading.photos:
        name = numbers.get(photo.sha256, photo.sha256[:12])
        if not photos.has(photo.sha256):
            missing += 1
        elif not photos.is_intact(photo.sha256):
            differences.append(Finding(f"ảnh {name} / photo {name}", _OTHER_PHOTO))
    if pdf is not None:
        differences += _pdf(told, photos, pdf)
    signed = [s for s in reading.evidence.signatures if not s.supplement]
    return Proof(
        visit,
        code_of(freeze.content),
        reading.unit_name,
        reading.visit_date,
        tuple(Signer(s.role, s.name, s.method, s.signed_at, s.content == freeze.content) for s in signed),
        _received_at(connection, freeze),
        len(reading.photos),
        missing,
        tuple(differences),
    )


_OTHER_PHOTO = "không phải ảnh lúc ký / is not the photo that was signed"


def _content(connection: Connection, freeze: Freeze, visit: str, code: str) -> Iterator[Finding]:
    if code and code_of(freeze.content) != code:
        yield Finding(
            f"mã / code {code}",
            f"ký cùng lúc dưới nội dung khác, bản được tính có mã {code_of(freeze.content)} / "
            "signed at the same time under other content; another code counts",
        )
    if content_hash(signed_document(connection, visit)) != freeze.content:
        yield Finding(
            "số liệu và nội dung / figures and content",
            "nhật ký không còn cho ra nội dung đã ký / the journal does not give what was signed any more",
        )


def _received_at(connection: Connection, freeze: Freeze) -> int | None:
    found = rows(
        connection, "SELECT received_at FROM receipt WHERE device = :d AND epoch = :e AND seq = :s",
        d=freeze.order.device, e=freeze.order.epoch, s=freeze.order.seq,
    )  # fmt: skip
    return found[0]["received_at"] if found else None


# The file itself


def _pdf(told: Told, photos: Photos, data: bytes) -> list[Finding]:
    """The first place where a PDF is not one that was honestly made of these minutes; nothing when it is one."""
    nearest, agreed = b"", -1
    for honest in _honest(told, photos):
        if honest == data:
            return []
        same = _same(honest, data)
        if same > agreed:
            nearest, agreed = honest, same
    return [_place(told.minutes, photos, nearest, agreed)]


def _honest(told: Told, photos: Photos) -> Iterator[bytes]:
    """The minutes as they could be made: now, before the number was given, and after each signature."""
    minutes = told.minutes
    signed = sorted(minutes.signatures, key=lambda s: s.signed_at or 0)
    made = set()
    for many in range(len(signed), 0, -1):
        kept = tuple(s for s in minutes.signatures if s in signed[:many])
        for number in dict.fromkeys((minutes.document_number, "")):
            if (kept, number) not in made:
                made.add((kept, number))
                variant = replace(minutes, signatures=kept, document_number=number)
                yield drained(minutes_pdf(variant, FONTS, _reading(photos), told.code))


def _reading(photos: Photos) -> Callable[[str], bytes | None]:
    return lambda sha256: photos.read(sha256) if photos.has(sha256) else None


def _same(one: bytes, other: bytes) -> int:
    """How many bytes two files begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _place(minutes: Minutes, photos: Photos, honest: bytes, at: int) -> Finding:
    """What stands in the honest file where the other one begins to differ."""
    starts = [found.start() for found in re.finditer(rb"(?<=\n)[0-9]+ 0 obj\n", honest)]
    begin = max((start for start in starts if start <= at), default=0)
    end = min((start for start in starts if start > at), default=len(honest))
    part = honest[begin:end]
    for photo in minutes.photos:
        if photos.has(photo.sha256) and photos.read(photo.sha256) in part:
            return Finding(f"PDF, ảnh {photo.number} / photo {photo.number}", _OTHER_PHOTO)
    number = int(part.split(b" ", 1)[0]) if begin else 0
    pages = re.findall(rb"/Type /Page\b[^>]*?/Contents ([0-9]+) 0 R", honest, re.DOTALL)
    for page, contents in enumerate(pages, 1):
        if int(contents) == number:
            return Finding(f"PDF, trang {page} / page {page}", _OTHER_WORDS)
    return Finding(f"PDF, byte {at}", _OTHER_WORDS)


_OTHER_WORDS = "biên bản trong tệp khác với biên bản đã ký / the minutes in the file differ from those that were signed"
