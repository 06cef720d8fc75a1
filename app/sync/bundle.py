"""The file road: a whole journal with its photos in one file, to be carried where the network does not reach.

A bundle is a ZIP whose members are stored as they are, so that one damaged byte costs one line or one photo:

    bundle.json       format, version, schema, exported_at (ms UTC), device_id, server_id, counts; never a token
    entries.jsonl     every entry, one JSON array a line, as the wire writes pulled entries (position null where unknown)
    sums.txt          for every line of it 16 hex digits of its SHA-256: what vouches for an entry behind a gap in its chain
    verdicts.jsonl    [device, epoch, seq, effective_ms, effective_counter, verdict, problem] of entries that central
                      dated otherwise than their author, refused, or that were entered again in a newer epoch
    receipts.txt      central's sealed receipts of what it had of this phone's journal, one a line; not there when there are none
    reference.json    rounds, teams, units, templates and calendar as `GET /reference` gives them
    photos/<sha256>   previews/<sha256>

Reading believes nothing: what is not as it was written is refused by name, the rest is given out. Nothing here knows
whether it runs on a phone or at central, and no step takes long, so that whoever calls can do other things in between.
"""

import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from app.sync.journal import JournalEntry
from app.sync.wire import Malformed, from_central, to_phone

if TYPE_CHECKING:
    from mmap import mmap

FORMAT, VERSION = "so-kiem-tra-bundle", 1
HEAD, ENTRIES, SUMS = "bundle.json", "entries.jsonl", "sums.txt"
VERDICTS, REFERENCE, RECEIPTS = "verdicts.jsonl", "reference.json", "receipts.txt"
FOLDERS = {"photo": "photos/", "preview": "previews/"}
"""Role of a file → the folder it lies in."""
FILE_MAX = 64 * 1024 * 1024
LINE_MAX = 1024 * 1024
PAGE = 50
"""Entries written between two rests."""

_FILE = re.compile(r"(photos|previews)/([0-9a-f]{64})")
_LOCAL = struct.Struct("<4s5H3L2H")
_NOT_A_ZIP = (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OverflowError, OSError, struct.error)
_NOT_READABLE = (*_NOT_A_ZIP, RuntimeError, zlib.error)
_VERDICTS = ("applied", "rejected", "moved")


class NotABundle(Exception):
    """The file as a whole cannot be taken; the words ("Vietnamese / English") say to a phone's user why and what to do."""


class NewerBundle(NotABundle):
    """The file is of a newer version than this program reads."""


class Refused(NamedTuple):
    """A part that is not as it was written, by its name in the file and in words ("Vietnamese / English")."""

    part: str
    words: str


class Line(NamedTuple):
    """An entry and the number of its line. `is_vouched`: the bundle's own sum says that the line is as it was written."""

    number: int
    entry: JournalEntry
    is_vouched: bool


class File(NamedTuple):
    """A photo or preview of a bundle."""

    role: str
    sha256: str


@dataclass(frozen=True)
class Head:
    """What a bundle says of itself; counts are of entries, visits, photos, previews."""

    schema: int
    exported_at: int
    device_id: str | None
    server_id: str | None
    counts: Mapping[str, int] = field(default_factory=dict)


def write(
    sink: BinaryIO,
    head: Head,
    pages: Iterable[Sequence[JournalEntry]],
    reference: Mapping[str, Any],
    files: Iterable[tuple[File, bytes]],
    receipts: Sequence[str] = (),
) -> Iterator[None]:
    """Write a bundle to `sink` (seekable), step by step: each `next` does a page of entries or one file.

    `pages` and `files` are asked for one after the other, so that no more than one file is held besides what is written.
    """
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        about = {
            "format": FORMAT, "version": VERSION, "schema": head.schema, "exported_at": head.exported_at,
            "device_id": head.device_id, "server_id": head.server_id, "counts": dict(head.counts),
        }  # fmt: skip
        archive.writestr(_member(HEAD), json.dumps(about, ensure_ascii=False, indent=1))
        said: list[str] = []
        sums = bytearray()
        with archive.open(_member(ENTRIES), "w") as lines:
            for page in pages:
                for entry in page:
                    line = _line(to_phone(entry)).encode()
                    lines.write(line)
                    sums += _sum(line[:-1]) + b"\n"
                    if verdict := _verdict(entry):
                        said.append(_line(verdict))
                yield
        archive.writestr(_member(SUMS), bytes(sums))
        archive.writestr(_member(VERDICTS), "".join(said))
        archive.writestr(_member(REFERENCE), _line(reference))
        if receipts:
            archive.writestr(_member(RECEIPTS), "".join(f"{receipt}\n" for receipt in receipts))
        yield
        for file, data in files:
            archive.writestr(_member(FOLDERS[file.role] + file.sha256), data)
            yield


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)  # with ZIP's own first day as its date: equal contents give equal bytes
    member.external_attr = 0o600 << 16
    return member


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


SUM = 16
"""Bytes of a line of sums.txt, without its end."""


def _sum(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest()[:SUM].encode()


def _verdict(entry: JournalEntry) -> list[Any] | None:
    """What central said of an entry, if it is more than that it was taken as it is."""
    is_plain = (entry.effective_ms, entry.effective_counter, entry.verdict) == (entry.ms, entry.counter, "applied")
    if is_plain:
        return None
    return [
        entry.device, entry.epoch, entry.seq, entry.effective_ms, entry.effective_counter, entry.verdict, entry.problem,
    ]  # fmt: skip


class Bundle:
    """A bundle opened for reading. `faults` are the parts found damaged so far."""

    def __init__(self, data: "bytes | mmap"):
        """Raises NotABundle for any other file, NewerBundle for one of a newer version; nothing else is read yet."""
        self._archive = _Archive(data)
        if not {HEAD, ENTRIES} & set(self._archive.names):
            raise NotABundle(
                "Tệp này không phải tệp sổ do ứng dụng xuất ra. Sổ trên máy không thay đổi. Hãy chọn tệp có tên bắt đầu "
                "bằng so-kiem-tra. / This file was not exported by this app. Nothing on this phone has changed. Choose "
                "the file whose name begins with so-kiem-tra."
            )
        self.faults: list[Refused] = []
        if self._archive.is_cut:
            words = (
                "Tệp bị cắt cụt hoặc hỏng phần mục lục; chỉ lấy được những gì còn đọc được. / "
                "The file was cut short or its list of contents is damaged; only what can still be read is taken."
            )
            self.faults.append(Refused("zip", words))
        self.head = self._read_head()
        self.files = [
            File("photo" if found[1] == "photos" else "preview", found[2])
            for name in self._archive.names
            if (found := _FILE.fullmatch(name))
        ]

    def _read_head(self) -> Head | None:
        try:
            about = json.loads(self._archive.read(HEAD, LINE_MAX))
            if about["format"] != FORMAT:
                raise ValueError(about["format"])
            head = Head(
                int(about["schema"]),
                int(about["exported_at"]),
                about.get("device_id"),
                about.get("server_id"),
                {str(name): int(number) for name, number in about["counts"].items()},
            )
            version = int(about["version"])
        except (_Unreadable, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            words = "Phần đầu của tệp bị hỏng / The head of the file is damaged"
            self.faults.append(Refused(HEAD, words))
            return None
        if version > VERSION:
            raise NewerBundle(
                "Tệp do phiên bản mới hơn của ứng dụng xuất ra. Sổ trên máy không thay đổi. Hãy cập nhật ứng dụng rồi "
                "nhập lại. / A newer version of the app exported this file. Nothing on this phone has changed. Update the "
                "app, then import it again."
            )
        return head

    def lines(self) -> Iterator[Line | Refused]:
        """Every line in order; an entry's hash is yet to be held against the one before.

        Entries carry no position (it belongs to the central the writer knew), and what the bundle says of their verdict.
        """
        said = self._verdicts()
        for number, raw in self._lines_of(ENTRIES):
            try:
                line = json.loads(raw)
                if isinstance(line, list) and line and line[0] is None:
                    line[0] = 0
                entry = from_central(line, {})._replace(position=None)
            except Malformed as bad:
                yield damaged_line(number, bad.why)
            except (ValueError, RecursionError):
                yield damaged_line(number)
            else:
                verdict = said.get((entry.device, entry.epoch, entry.seq))
                yield Line(number, entry._replace(**verdict) if verdict else entry, self._sum_of(number) == _sum(raw))

    def _sum_of(self, number: int) -> bytes:
        try:
            data, first, end = self._archive.place(SUMS, FILE_MAX)
        except _Unreadable:
            return b""
        at = first + (number - 1) * (SUM + 1)
        return data[at : min(at + SUM, end)]

    def _verdicts(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        said = {}
        for number, raw in self._lines_of(VERDICTS):
            try:
                device, epoch, seq, ms, counter, verdict, problem = json.loads(raw)
                if verdict not in _VERDICTS or not isinstance(problem, str | None):
                    raise ValueError(verdict)
                key = str(device), str(epoch), int(seq)
                said[key] = {
                    "effective_ms": int(ms), "effective_counter": int(counter), "verdict": verdict, "problem": problem,
                }  # fmt: skip
            except (ValueError, TypeError, RecursionError):
                words = f"Dòng {number} của phần nhận xét bị hỏng / Line {number} of the verdicts is damaged"
                self.faults.append(Refused(f"{VERDICTS}:{number}", words))
        return said

    def _lines_of(self, member: str) -> Iterator[tuple[int, bytes]]:
        try:
            data, at, end = self._archive.place(member, FILE_MAX)
        except _Unreadable:
            words = f"Không đọc được phần {member} của tệp / The part {member} of the file cannot be read"
            self.faults.append(Refused(member, words))
            return
        number = 0
        while at < end:
            number += 1
            stop = data.find(b"\n", at, end)
            stop = end if stop < 0 else stop
            yield number, data[at : min(stop, at + LINE_MAX)]
            at = stop + 1

    def receipts(self) -> list[str]:
        """Central's receipts as they stand there; whether they are genuine only central can tell."""
        if RECEIPTS not in self._archive.names:
            return []
        return [line.decode("ascii", "replace") for _, line in self._lines_of(RECEIPTS)]

    def reference(self) -> dict[str, Any] | None:
        """The reference data as it stands there; None, and a fault, when it cannot be read."""
        try:
            document = json.loads(self._archive.read(REFERENCE, FILE_MAX))
            if isinstance(document, dict):
                return document
        except (_Unreadable, ValueError, RecursionError):
            pass
        words = "Danh mục đơn vị, phiếu kiểm tra trong tệp bị hỏng / The units and checklists in the file are damaged"
        self.faults.append(Refused(REFERENCE, words))
        return None

    def lacking(self, lines: int) -> list[Refused]:
        """What was there when the bundle was written and is not any more; `lines` is how many lines of entries were found."""
        counts, faults = self.head.counts if self.head else {}, []
        if (gone := counts.get("entries", 0) - lines) > 0:
            words = f"Tệp thiếu {gone} mục so với lúc xuất / Entries missing since the file was made: {gone}"
            faults.append(Refused(ENTRIES, words))
        if (gone := counts.get("photos", 0) - sum(file.role == "photo" for file in self.files)) > 0:
            words = f"Tệp thiếu {gone} ảnh so với lúc xuất / Photos missing since the file was made: {gone}"
            faults.append(Refused("photos", words))
        return faults

    def read(self, file: File) -> bytes | None:
        """The bytes of a photo or preview; None when they are not those its name promises."""
        try:
            data = self._archive.read(FOLDERS[file.role] + file.sha256, FILE_MAX)
        except _Unreadable:
            return None
        return data if hashlib.sha256(data).hexdigest() == file.sha256 else None


def damaged_line(number: int, why: str | None = None) -> Refused:
    """The refusal of a line that was damaged or altered since it was written; `why` is "Vietnamese / English"."""
    vi, _, en = (why or "").partition(" / ")
    vi, en = (f" ({vi})", f" ({en or vi})") if vi else ("", "")
    return Refused(
        f"{ENTRIES}:{number}", f"Dòng {number}: bị hỏng hoặc bị sửa{vi} / Line {number}: damaged or altered{en}"
    )


def damaged_file(file: File, names: Sequence[str]) -> Refused:
    """The refusal of a photo or preview, called what the records call it (caption, unit), else by its own name."""
    named = ", ".join(names) or f"{file.sha256[:12]}…"
    vi, en = ("Ảnh", "Photo") if file.role == "photo" else ("Ảnh xem trước", "Small photo")
    words = f"{vi} {named}: tệp ảnh bị hỏng / {en} {named}: the photo file is damaged"
    return Refused(FOLDERS[file.role] + file.sha256, words)


class _Unreadable(Exception):
    """A member is not there, or not as it was written."""


class _Archive:
    """The members of a ZIP, also of one whose end is missing. What is stored is read in place, whatever its check sum says:
    that one of a thousand lines is damaged shows in that line."""

    def __init__(self, data: "bytes | mmap"):
        self._data, self._zip = data, None
        self.is_cut = False
        self._stored: dict[str, tuple[int, int]] = {}
        """Name → (first byte, size)."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)  # type: ignore[arg-type]
        except _NOT_A_ZIP:
            self._stored = _found(data)
            self.is_cut = True
            self.names = list(self._stored)
            return
        self.names = list(dict.fromkeys(self._zip.namelist()))
        for info in self._zip.infolist():
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                head = data[info.header_offset : info.header_offset + _LOCAL.size]
                name_and_extra = len(info.filename.encode())
                if len(head) == _LOCAL.size and head.startswith(b"PK\3\4"):
                    name_and_extra = sum(_LOCAL.unpack(head)[-2:])
                self._stored[info.filename] = (info.header_offset + _LOCAL.size + name_and_extra, info.file_size)

    def place(self, name: str, most: int) -> "tuple[bytes | mmap, int, int]":
        """(bytes, first, end) of a member. Raises _Unreadable."""
        if name in self._stored:
            first, size = self._stored[name]
            return self._data, first, min(first + size, len(self._data))
        if self._zip is None:
            raise _Unreadable(name)
        try:
            with self._zip.open(name) as member:  # packed anew by somebody: then its check sum is all there is
                data = member.read(most + 1)
        except (KeyError, *_NOT_READABLE) as error:
            raise _Unreadable(name) from error
        if len(data) > most:
            raise _Unreadable(name)
        return data, 0, len(data)

    def read(self, name: str, most: int) -> bytes:
        data, first, end = self.place(name, most)
        if end - first > most:
            raise _Unreadable(name)
        return data[first:end]


def _found(data: "bytes | mmap") -> dict[str, tuple[int, int]]:
    """Stored members found by their own heads, for a ZIP without its list of contents; the last one may be cut short."""
    found = {}
    at = data.find(b"PK\3\4", 0)  # a mapped file would begin where it was read last
    while 0 <= at <= len(data) - _LOCAL.size:
        _, _, _, method, _, _, _, _, size, name_length, extra = _LOCAL.unpack_from(data, at)
        first = at + _LOCAL.size + name_length + extra
        name = data[at + _LOCAL.size : at + _LOCAL.size + name_length].decode("utf-8", "replace")
        is_ours = name in (HEAD, ENTRIES, SUMS, VERDICTS, REFERENCE, RECEIPTS) or _FILE.fullmatch(name)
        if is_ours and method == zipfile.ZIP_STORED:
            found[name] = (first, size)
            at = first + size if first + size <= len(data) else first
        else:
            at += 4
        at = data.find(b"PK\3\4", at)
    return found
