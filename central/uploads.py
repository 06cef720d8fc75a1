"""Photos on their way to central: tus 1.0 uploads whose address follows from the photo's SHA-256.

The newest request for an upload wins (`turns`). No lock is held while the network is waited for; each piece is compared
with the part's end as it is written (`photo_store`), so that a request overtaken meanwhile is refused instead of mixing
its bytes in. What arrived before a line broke is kept.
"""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import Connection, text

from central import tus
from central.access import Caller, require_device
from central.database import rows
from central.intake import note_received
from central.photo_store import DigestMismatch, Photos, StoreFull, WrongOffset
from central.problems import API, Problem, problem_responses
from central.turns import LineCut, Turn, Turns

DAY_MS = 24 * 3_600_000
VALID_MS = 30 * DAY_MS
"""How long an upload waits to be completed, from when it was last announced."""
PENDING_FILES_MAX, PENDING_BYTES_MAX = 200, 500_000_000
"""What one phone may have announced and not finished; our own app has six at most."""

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the photo, hex")]
Phone = Annotated[Caller, Depends(require_device)]

router = APIRouter(prefix=API, route_class=tus.TusRoute, tags=["uploads"])


@router.options("/uploads", status_code=204, responses=problem_responses(401, 403))
def options_uploads(caller: Phone) -> Response:
    """What this server can do."""
    return Response(
        status_code=204,
        headers={
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(tus.LENGTH_MAX),
            "Tus-Checksum-Algorithm": "sha256",
        },
    )


@router.post(
    "/uploads",
    status_code=201,
    responses=problem_responses(400, 401, 403, 408, 409, 412, 413, 460, 507),
    response_class=Response,
    openapi_extra={
        "parameters": [
            tus.RESUMABLE,
            tus.header("Upload-Length", {"type": "integer", "minimum": 1, "maximum": tus.LENGTH_MAX}),
            tus.header("Upload-Metadata", tus.METADATA),
        ]
    },
)
async def post_upload(request: Request, caller: Phone) -> Response:
    """Announce a photo, or announce and send it at once (a body of tus' media type). `Upload-Offset` says how much is held.

    Repeating is harmless: what is held already is skipped in the body.
    """
    length, sha256 = tus.upload_length(request), tus.announced_name(request)
    checksum = tus.checksum(request)
    await run_in_threadpool(_announce, request, caller, sha256, length)
    _, held, expires = await run_in_threadpool(_standing, request, sha256)
    if held < length and tus.brings_bytes(request):
        tus.refuse_excess(request, 0, length)
        with _turns(request).taken(sha256) as turn:
            held, expires = await _take(request, turn, sha256, held, (length, expires), checksum, skip=held)
    # Absolute as the client sees this server: some clients (aiotus 1.1) cannot follow a path alone.
    location = request.base_url.replace(path=f"{API}/uploads/{sha256}")
    headers = {"Location": str(location), "Upload-Offset": str(held), **tus.expiry(expires)}
    return Response(status_code=201, headers=headers)


@router.head(
    "/uploads/{sha256}",
    responses=problem_responses(400, 401, 403, 404, 410, 412, 507),
    response_class=Response,
    openapi_extra={"parameters": [tus.RESUMABLE]},
)
async def head_upload(sha256: Sha256, request: Request, caller: Phone) -> Response:
    """How much of a photo is held, durably. Ends a PATCH still running, so that the answer stays true."""
    _turns(request).end(sha256)
    length, held, expires = await run_in_threadpool(_standing, request, sha256)
    headers = {
        "Upload-Offset": str(held),
        "Upload-Length": str(length),
        "Cache-Control": "no-store",
        **tus.expiry(expires),
    }
    return Response(headers=headers)


@router.patch(
    "/uploads/{sha256}",
    status_code=204,
    responses=problem_responses(400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 460, 507),
    openapi_extra={
        "parameters": [
            tus.RESUMABLE,
            tus.header("Upload-Offset", tus.NUMBER),
            tus.header("Upload-Checksum", {"type": "string", "pattern": "^sha256 [A-Za-z0-9+/]{43}=$"}, required=False),
        ],
        "requestBody": tus.BODY,
    },
)
async def patch_upload(sha256: Sha256, request: Request, caller: Phone) -> Response:
    """Send bytes from an offset on. What arrives before a line breaks is kept; the last byte makes it a photo."""
    if not tus.brings_bytes(request):
        raise Problem(415, "unsupported-media-type", f"Chỉ nhận {tus.MEDIA_TYPE}", f"Only {tus.MEDIA_TYPE} is taken")
    offset = tus.number(request, "upload-offset")
    checksum = tus.checksum(request)
    with _turns(request).taken(sha256) as turn:
        length, held, expires = await run_in_threadpool(_standing, request, sha256)
        if offset != held:
            raise tus.mismatching_offset(held)
        tus.refuse_excess(request, offset, length)
        offset, expires = await _take(request, turn, sha256, offset, (length, expires), checksum)
    return Response(status_code=204, headers={"Upload-Offset": str(offset), **tus.expiry(expires)})


@router.delete(
    "/uploads/{sha256}",
    status_code=204,
    responses=problem_responses(400, 401, 403, 404, 409, 410, 412, 507),
    openapi_extra={"parameters": [tus.RESUMABLE]},
)
async def delete_upload(sha256: Sha256, request: Request, caller: Phone) -> Response:
    """Give up an upload that was announced by this phone. A photo received is evidence and stays."""
    await run_in_threadpool(_may_give_up, request, sha256, caller)
    _turns(request).end(sha256)
    await run_in_threadpool(_give_up, request, sha256)
    return Response(status_code=204)


def _announce(request: Request, caller: Caller, sha256: str, length: int) -> None:
    """Write an upload down unless the photo is here. Raises Problem 507 when this phone has too much unfinished."""
    state = request.app.state
    now = state.now()
    _sweep(request, now)
    if state.photos.has(sha256):
        return
    with state.db.writing() as connection:
        known = rows(connection, "SELECT length FROM upload WHERE sha256 = :sha256", sha256=sha256)
        if not known:
            _refuse_too_much(connection, caller, length, now)
        connection.execute(
            text(
                """INSERT INTO upload (sha256, length, device, created_at) VALUES (:sha256, :length, :device, :now)
                   ON CONFLICT (sha256) DO UPDATE SET length = excluded.length, created_at = excluded.created_at"""
            ),
            {"sha256": sha256, "length": length, "device": caller.device, "now": now},
        )
        if known and known[0]["length"] != length:
            state.photos.discard(sha256)  # one of the two lengths is wrong, and so may be what came under it


def _refuse_too_much(connection: Connection, caller: Caller, length: int, now: int) -> None:
    pending = rows(
        connection,
        "SELECT count(*) AS files, coalesce(sum(length), 0) AS bytes FROM upload "
        "WHERE device = :d AND done = 0 AND created_at > :since",
        d=caller.device,
        since=now - VALID_MS,
    )[0]
    if pending["files"] >= PENDING_FILES_MAX or pending["bytes"] + length > PENDING_BYTES_MAX:
        raise tus.too_much_pending(pending["files"], pending["bytes"], PENDING_FILES_MAX, PENDING_BYTES_MAX)


async def _take(
    request: Request,
    turn: Turn,
    sha256: str,
    offset: int,
    announced: tuple[int, int | None],
    checksum: bytes | None,
    skip: int = 0,
) -> tuple[int, int | None]:
    """Append the request's body to a part from `offset` on, without its first `skip` bytes; (bytes held, when it expires).

    `announced` is the photo's length and when the upload expires. Raises Problem when the body is refused, cut or overtaken.
    """
    photos: Photos = request.app.state.photos
    length, expires = announced
    pieces = turn.pieces(request)
    if checksum is not None:
        pieces = _checked(pieces, checksum, length - offset + skip)
    try:
        async for piece in pieces:
            piece, skip = piece[skip:], max(0, skip - len(piece))
            if offset + len(piece) > length:
                raise tus.too_long(length)
            if piece:
                offset = await run_in_threadpool(photos.append, sha256, offset, piece)
        if offset == length:
            await run_in_threadpool(_finish, request, sha256)
            return offset, None
        return await run_in_threadpool(photos.offset, sha256), expires
    except WrongOffset as overtaken:
        raise tus.mismatching_offset(overtaken.expected) from overtaken
    except DigestMismatch as error:
        raise tus.digest_mismatch() from error
    except StoreFull as error:
        raise tus.store_full() from error
    except LineCut as error:
        held = await run_in_threadpool(photos.offset, sha256)
        raise tus.mismatching_offset(held) if turn.is_over else tus.line_cut(held) from error


def _standing(request: Request, sha256: str) -> tuple[int, int, int | None]:
    """(length, bytes held, when it expires in ms; None once received). Problems: 404, 410, 507.

    A part that is complete but was never finished (central was stopped in between) is finished here.
    """
    photos: Photos = request.app.state.photos
    size = photos.size(sha256)
    if size is not None:
        return size, size, None
    with request.app.state.db.reading() as connection:
        known = rows(connection, "SELECT length, created_at FROM upload WHERE sha256 = :sha256", sha256=sha256)
    if not known:
        raise Problem(404, "upload-unknown", "Ảnh này chưa được báo gửi", "This upload has not been announced")
    length, expires = known[0]["length"], known[0]["created_at"] + VALID_MS
    if request.app.state.now() >= expires:
        raise Problem(
            410, "upload-expired", "Lượt gửi ảnh đã hết hạn, hãy gửi lại", "The upload expired, announce it anew"
        )
    held = photos.offset(sha256)
    if held < length:
        return length, held, expires
    try:
        _finish(request, sha256)
    except (DigestMismatch, WrongOffset):
        return length, photos.size(sha256) or 0, expires
    except StoreFull as error:
        raise tus.store_full() from error
    return length, length, None


def _finish(request: Request, sha256: str) -> None:
    """Make a complete part a photo and note that it was received. Raises DigestMismatch, WrongOffset or StoreFull."""
    state = request.app.state
    state.photos.finish(sha256)
    with state.db.writing() as connection:
        note_received(connection, [sha256], state.now())
        connection.execute(text("UPDATE upload SET done = 1 WHERE sha256 = :sha256"), {"sha256": sha256})


def _may_give_up(request: Request, sha256: str, caller: Caller) -> None:
    length, held, _ = _standing(request, sha256)
    if held == length:
        raise Problem(
            409, "photo-received", "Trung tâm đã nhận ảnh này và giữ lại", "Central has this photo and keeps it"
        )
    with request.app.state.db.reading() as connection:
        uploader = rows(connection, "SELECT device FROM upload WHERE sha256 = :sha256", sha256=sha256)
    if uploader and uploader[0]["device"] != caller.device:
        raise Problem(403, "not-your-upload", "Ảnh này do máy khác gửi", "Another phone announced this upload")


def _give_up(request: Request, sha256: str) -> None:
    request.app.state.photos.discard(sha256)
    with request.app.state.db.writing() as connection:
        connection.execute(text("DELETE FROM upload WHERE sha256 = :sha256"), {"sha256": sha256})


def _sweep(request: Request, now: int) -> None:
    """Once a day parts that will not be completed any more are cleared away."""
    state = request.app.state
    if now - getattr(state, "uploads_swept_at", 0) >= DAY_MS:
        state.uploads_swept_at = now
        state.photos.expire(now - VALID_MS)


def _turns(request: Request) -> Turns:
    state = request.app.state
    if not hasattr(state, "upload_turns"):
        state.upload_turns = Turns()
    turns: Turns = state.upload_turns
    return turns


async def _checked(pieces: AsyncIterator[bytes], checksum: bytes, room: int) -> AsyncIterator[bytes]:
    """The whole body at once, when it has the SHA-256 the phone gave; unchecked bytes are never written."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > room:
            break  # the caller refuses what is too long
    else:
        if hashlib.sha256(body).digest() != checksum:
            raise Problem(
                460,
                "checksum-mismatch",
                "Đoạn ảnh bị hỏng trên đường truyền",
                "The bytes were damaged on their way",
                "now",
            )
    if body:
        yield bytes(body)
