"""All pages of /hq/ and their style sheet."""

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response

from central.hq import boards, devices, downloads, follow_up, rounds, sign_in, summary, units, users, visit, visits
from central.hq.door import FOLDER, go_to
from central.problems import Problem

PARTS = (sign_in, rounds, visits, visit, boards, summary, downloads, follow_up, units, devices, users)

router = APIRouter(include_in_schema=False)
for part in PARTS:
    router.include_router(part.router, prefix="/hq")

_STATIC = {
    name: ((FOLDER / "static" / name).read_bytes(), media_type)
    for name, media_type in (("hq.css", "text/css"), ("hq.js", "text/javascript"))
}


@router.get("/hq/static/{name}")
def get_static(name: str, request: Request) -> Response:
    if name not in _STATIC:
        raise Problem(404, "not-found", "Không có địa chỉ này", "There is nothing at this address")
    content, media_type = _STATIC[name]
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@router.get("/hq")
def get_without_slash() -> Response:
    return go_to("/hq/")
