"""tus 1.0 as it stands in headers, answers and refusals; which upload holds what is `uploads`' business."""

import base64
import binascii
import re
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from central.problems import Problem, malformed, of_validation

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
LENGTH_MAX = 5 * 1024 * 1024
"""Bytes of one photo (Tus-Max-Size)."""
MEDIA_TYPE = "application/offset+octet-stream"


class TusRoute(APIRoute):
    """Speaks tus 1.0 only, and says so on every answer, refusals included."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def resumably(request: Request) -> Response:
            try:
                if request.method != "OPTIONS" and request.headers.get("tus-resumable") != VERSION:
                    raise other_version()
                response = await handle(request)
            except Problem as problem:
                response = problem.response()
            except RequestValidationError as error:
                response = of_validation(list(error.errors())).response()
            response.headers["Tus-Resumable"] = VERSION
            return response

        return resumably


# --- headers ---------------------------------------------------------------------------------------------------------


def number(request: Request, name: str) -> int:
    given = request.headers.get(name, "")
    if not re.fullmatch(r"[0-9]{1,15}", given):
        raise malformed(name, f"{name} phải là số nguyên không âm", f"{name} must be an integer from 0")
    return int(given)


def upload_length(request: Request) -> int:
    length = number(request, "upload-length")
    if length == 0:
        raise malformed("upload-length", "Ảnh không thể có 0 byte", "A photo cannot have 0 bytes")
    if length > LENGTH_MAX:
        raise too_long(LENGTH_MAX)
    return length


def announced_name(request: Request) -> str:
    """The photo's SHA-256 from Upload-Metadata: `key base64,key base64`, of its 64 hex digits or, shorter, its 32 bytes."""
    for pair in request.headers.get("upload-metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "sha256":
            try:
                given = base64.b64decode(value, validate=True)
                name = given.hex() if len(given) == 32 else given.decode("ascii")
            except (binascii.Error, UnicodeDecodeError, ValueError):
                break
            if re.fullmatch(r"[0-9a-f]{64}", name):
                return name
    raise malformed(
        "upload-metadata", "Upload-Metadata phải có sha256 của ảnh", "Upload-Metadata must carry the photo's sha256"
    )


def checksum(request: Request) -> bytes | None:
    given = request.headers.get("upload-checksum")
    if given is None:
        return None
    algorithm, _, value = given.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm != "sha256" or len(digest) != 32:
        raise malformed("upload-checksum", "Chỉ nhận tổng kiểm sha256", "Only checksums by sha256 are taken")
    return digest


def brings_bytes(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


def refuse_excess(request: Request, offset: int, length: int) -> None:
    """Raise Problem 413 when the declared body reaches beyond the announced length; nothing of it need be read."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and offset + int(declared) > length:
        raise too_long(length)


def expiry(expires: int | None) -> dict[str, str]:
    return {} if expires is None else {"Upload-Expires": formatdate(expires / 1000, usegmt=True)}


# --- refusals --------------------------------------------------------------------------------------------------------


def other_version() -> Problem:
    return Problem(
        412, "tus-version", "Chỉ dùng tus 1.0.0", "Only tus 1.0.0 is spoken here", headers={"Tus-Version": VERSION}
    )


def mismatching_offset(held: int) -> Problem:
    return Problem(
        409, "mismatching-upload-offset", "Trung tâm đang giữ số byte khác; gửi tiếp từ đó",
        "Central holds another number of bytes; go on from there", "now",
        headers={"Upload-Offset": str(held)}, expected_offset=held,
    )  # fmt: skip


def too_long(limit: int) -> Problem:
    return Problem(
        413, "too-large", "Ảnh lớn hơn mức cho phép hoặc lớn hơn đã báo",
        "The photo is larger than allowed or announced",
        headers={"Tus-Max-Size": str(LENGTH_MAX)}, max_bytes=limit,
    )  # fmt: skip


def digest_mismatch() -> Problem:
    return Problem(
        460, "digest-mismatch", "Ảnh nhận được không đúng mã SHA-256, đã bỏ; hãy gửi lại từ đầu",
        "What arrived does not have the announced SHA-256 and was discarded; send it again from the start", "now",
        expected_offset=0,
    )  # fmt: skip


def store_full() -> Problem:
    return Problem(
        507,
        "storage-full",
        "Trung tâm hết chỗ lưu ảnh. Máy sẽ tự gửi lại",
        "Central has no room for photos left",
        "later",
    )


def too_much_pending(files: int, size: int, files_max: int, size_max: int) -> Problem:
    return Problem(
        507, "too-much-pending",
        "Máy này còn quá nhiều ảnh gửi dở ở trung tâm. Ảnh vẫn an toàn trên máy; hãy gửi xong các ảnh dở trước",
        "This phone has too many unfinished uploads here. Its photos are safe on the phone; finish those first, or give them up",
        "later", pending_files=files, pending_bytes=size, max_files=files_max, max_bytes=size_max,
    )  # fmt: skip


def line_cut(held: int) -> Problem:
    return Problem(
        408, "line-cut", "Đường truyền ngắt giữa chừng; gửi tiếp từ chỗ đã nhận",
        "The line broke; go on from what is held",
        "now", headers={"Upload-Offset": str(held)}, expected_offset=held,
    )  # fmt: skip


# --- what OpenAPI is told --------------------------------------------------------------------------------------------


def header(name: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": schema}


RESUMABLE = header("Tus-Resumable", {"type": "string", "enum": [VERSION]})
NUMBER = {"type": "integer", "minimum": 0, "maximum": LENGTH_MAX}
METADATA = {
    "type": "string",
    "pattern": "^sha256 ([MNOYZ][A-Za-z0-9+/]{85}==|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$",
    "description": "The key `sha256` and the base64 of the 64 hex digits or of the 32 bytes; other keys beside it are ignored",
}
BODY = {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
