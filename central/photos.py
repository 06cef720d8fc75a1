"""The road back: `GET /photos/{sha256}` for those who may see a photo.

Home Affairs sees every photo; a team those its visits name; a phone also those it sent itself. Whoever may not see a
photo is told what everybody is told about one that has not arrived.
"""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access import Caller, require_caller
from central.database import rows
from central.people import OFFICE_ROLES
from central.photo_store import Photos
from central.problems import API, Problem, problem_responses
from central.uploads import Sha256

FOREVER = "private, max-age=31536000, immutable"

_KINDS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", "jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", "png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", "webp"),
)

_BYTES: dict[str, Any] = {media: {"schema": {"type": "string", "format": "binary"}} for _, media, _ in _KINDS}
_BYTES["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix=API, tags=["photos"])


@router.get(
    "/photos/{sha256}",
    response_class=Response,
    responses={
        200: {"description": "The photo", "content": _BYTES},
        206: {"description": "A part of it", "content": _BYTES},
        304: {"description": "Unchanged"},
        **problem_responses(400, 401, 403, 404, 416),
    },
    openapi_extra={
        "parameters": [
            {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
            for name in ("Range", "If-Range", "If-None-Match")
        ]
    },
)
def get_photo(
    sha256: Sha256,
    request: Request,
    caller: Annotated[Caller, Depends(require_caller)],
    size: Literal["preview"] | None = None,
) -> Response:
    """A photo, or with `size=preview` its small copy if that has arrived."""
    return answer_photo(request, caller, sha256, wants_preview=size == "preview")


def answer_photo(request: Request, caller: Caller, sha256: str, *, wants_preview: bool) -> Response:
    """The photo as an answer to `request`. Problems: 404 `photo-not-received`, 416 `range-not-satisfiable`."""
    photos: Photos = request.app.state.photos
    with request.app.state.db.reading() as connection:
        may_see = caller.role in OFFICE_ROLES or _is_named(connection, sha256, caller)
        previews = _previews(connection, sha256, caller) if wants_preview and may_see else []
    found = [name for name in (*previews, sha256) if may_see and photos.has(name)]
    if not found:
        raise Problem(
            404,
            "photo-not-received",
            "Trung tâm chưa nhận được ảnh này",
            "Central has not received this photo yet",
            "later",
        )
    is_stand_in = wants_preview and found[0] == sha256
    return _answer(request, photos, found[0], "private, no-cache" if is_stand_in else FOREVER)


def _is_named(connection: Connection, sha256: str, caller: Caller) -> bool:
    return bool(
        rows(
            connection,
            """SELECT 1 FROM photo p JOIN visit v ON v.id = p.visit
               WHERE (p.sha256 = :sha256 OR p.preview = :sha256) AND v.team = :team
               UNION SELECT 1 FROM upload WHERE sha256 = :sha256 AND device = :device""",
            sha256=sha256,
            team=caller.team,
            device=caller.device,
        )
    )


def _previews(connection: Connection, sha256: str, caller: Caller) -> list[str]:
    """Names of small copies, as records the caller may read tell them."""
    found = rows(
        connection,
        """SELECT p.preview FROM photo p LEFT JOIN visit v ON v.id = p.visit
           WHERE p.sha256 = :sha256 AND p.preview IS NOT NULL AND (:sees_all = 1 OR v.team = :team) ORDER BY p.id""",
        sha256=sha256,
        team=caller.team,
        sees_all=int(caller.role in OFFICE_ROLES),
    )
    return [row["preview"] for row in found]


def _answer(request: Request, photos: Photos, name: str, caching: str) -> Response:
    tag = f'"{name}"'
    headers = {"ETag": tag, "Cache-Control": caching, "Accept-Ranges": "bytes"}
    if is_unchanged(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    media_type, disposition = _kind(photos.read(name, 0, 12), name)
    headers["Content-Disposition"] = disposition
    size = photos.size(name) or 0
    wanted = _range(request.headers.get("range", ""), size)
    if wanted is None or request.headers.get("if-range", tag) != tag:
        return Response(photos.read(name), headers=headers, media_type=media_type)
    start, end = wanted
    if start >= end:
        raise Problem(
            416, "range-not-satisfiable", "Đoạn yêu cầu nằm ngoài ảnh", "The range lies outside the photo",
            headers={"Content-Range": f"bytes */{size}"},
        )  # fmt: skip
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(photos.read(name, start, end), 206, headers=headers, media_type=media_type)


def is_unchanged(if_none_match: str, tag: str) -> bool:
    """Whether If-None-Match names the ETag, weakly compared as RFC 9110 §13.1.2 asks."""
    given = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return tag in given or "*" in given


def _range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end exclusive) of a single byte range; None for none, several or nonsense: then all is sent (RFC 9110).

    Start is not below end when nothing of the range lies within the photo.
    """
    match = re.fullmatch(r"bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*", header)
    if not match or match[0].strip().endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def _kind(head: bytes, name: str) -> tuple[str, str]:
    """(media type, Content-Disposition) by the first bytes; what is no photo is never shown in a page."""
    for magic, media_type, ending in _KINDS:
        if magic.match(head):
            return media_type, f'inline; filename="anh-{name[:12]}.{ending}"'
    return "application/octet-stream", f'attachment; filename="anh-{name[:12]}.bin"'
