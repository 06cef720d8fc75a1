"""The page /verify: anybody, without signing in, holds a code or a PDF against what was signed.

It says yes or no, the unit, the day, who signed in which role and when central first had it; nothing else of the visit.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from app.proof import read_code
from central import attempts
from central.access import address
from central.hq.door import page, text_of
from central.problems import Problem
from central.proof import code_in_pdf, find_signed, prove

router = APIRouter(include_in_schema=False)

ROLES = {
    "unit_representative": "Đại diện đơn vị", "team_secretary": "Thư ký đoàn", "team_leader": "Trưởng đoàn",
    "witness": "Người chứng kiến",
}  # fmt: skip
METHODS = {
    "drawn_on_screen": "ký trên màn hình", "on_paper": "ký trên bản giấy", "refused": "không ký",
    "digital_certificate": "ký số",
}  # fmt: skip

NO_CODE = "Mã gồm 16 chữ và số, chia bốn nhóm, in ở chân trang biên bản. Hãy xem lại và nhập lại."
NO_PDF = "Tệp này không phải biên bản do Sổ kiểm tra lập, hoặc phần mang mã trong tệp đã bị sửa. Hãy nhập mã in ở chân trang."
UNKNOWN = "Trung tâm chưa có biên bản nào mang mã này. Có thể gõ nhầm mã, hoặc điện thoại của đoàn chưa gửi về; hãy hỏi đoàn kiểm tra."


@router.get("/verify")
def get_verify(request: Request, code: str = "") -> Response:
    """The form; with a code in the address, what there is to say of it."""
    return _answer(request, code[:100]) if code else _said(request, 200, "")


@router.post("/verify")
async def post_verify(request: Request) -> Response:
    """Hold a typed code, or a file, against what was signed."""
    form = await request.form(max_files=1, max_fields=5)
    file = form.get("file")
    data = await file.read() if isinstance(file, UploadFile) else b""
    return await run_in_threadpool(_answer, request, text_of(form, "code")[:100], data or None)


def _answer(request: Request, typed: str, pdf: bytes | None = None) -> Response:
    state = request.app.state
    now = state.now()
    bucket = attempts.of_address(address(request), "verify")
    code = read_code(typed) if pdf is None else code_in_pdf(pdf)
    try:
        with state.db.writing() as connection:
            attempts.note(connection, [bucket], now)
    except Problem as problem:
        answer = _said(request, problem.status, typed, message=problem.title_vi)
        answer.headers.update({k: v for k, v in (problem.headers or {}).items() if k == "Retry-After"})
        return answer
    if code is None:
        return _said(request, 422, typed, message=NO_CODE if pdf is None else NO_PDF)
    with state.db.reading() as connection:
        visit = find_signed(connection, code)
        proof = prove(connection, state.photos, state.readings, visit, code, pdf) if visit else None
    if proof is None:
        return _said(request, 404, typed, message=UNKNOWN)
    if pdf is None:  # a file costs central work whether it is right or not
        with state.db.writing() as connection:
            attempts.take_back(connection, bucket, now)
    return _said(request, 200, code, proof=proof, is_file=pdf is not None)


def _said(request: Request, status: int, code: str, **facts: Any) -> Response:
    told = {"proof": None, "message": "", "is_file": False, "roles": ROLES, "methods": METHODS} | facts
    return page(request, "verify.html", None, status, code=code, **told)
