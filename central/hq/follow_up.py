"""Follow-up: what units were told to put right, until when, what papers they sent and what the next visit saw."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.sync.stamp import fold
from central.follow_up import STATES, Chain, as_csv, as_xlsx, chains, counted
from central.hq.door import AtDesk, Desk, SentFile, page
from central.hq.downloads import DEMO_MARK, as_file
from central.hq.wanted import choices, of_page, page_number
from central.hq.words import MATTERS, REMEDIATIONS, day, local_day
from central.imports import Fault, ImportRefused, is_day
from central.office import Taken, take_notices
from central.summary_api import CSV_TYPE, XLSX_TYPE

router = APIRouter()

SIZE = 100
"""Matters on one page."""
STATE_NAMES = {"open": "Chưa xong", "overdue": "Quá hạn", "closed": "Đã xong"}
SEVERITY_NAMES = {"critical": "Nghiêm trọng", "major": "Phải khắc phục", "minor": "Nhắc nhở"}


@dataclass(frozen=True)
class Wanted:
    """`first` and `last` are ISO days on which something was said, both included; `state` open includes what is overdue."""

    state: str = ""
    kind: str = ""
    round: str = ""
    unit: str = ""
    q: str = ""
    first: str = ""
    last: str = ""

    def address(self, path: str, **changes: str | int) -> str:
        """The path with what is wanted, changed in some respects; `from` and `to` stand for the days."""
        named = {**asdict(self), **changes}
        renamed = {{"first": "from", "last": "to"}.get(name, name): value for name, value in named.items() if value}
        return f"{path}?{urlencode(renamed)}" if renamed else path

    def keeps(self, chain: Chain, today: str) -> bool:
        m, state = chain.matter, chain.state(today)
        if self.state and state != self.state and not (self.state == "open" and state == "overdue"):
            return False
        if self.q and not all(word in fold(chain.unit_name) for word in fold(self.q).split()):
            return self.q == m.unit_code
        if (self.first and m.day < self.first) or (self.last and m.day > self.last):
            return False
        return self.kind in ("", m.kind) and self.round in ("", chain.round) and self.unit in ("", m.unit_code)


def from_address(
    state: str = "",
    kind: str = "",
    round: Annotated[str, Query(max_length=200)] = "",
    unit: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
) -> Wanted:
    """What the address asks for; what it cannot ask for asks for nothing."""
    return Wanted(
        state if state in STATES else "", kind if kind in MATTERS else "", round, unit, q.strip(),
        first if is_day(first) else "", last if is_day(last) else "",
    )  # fmt: skip


Asked = Annotated[Wanted, Depends(from_address)]


@router.get("/follow-up")
def get_follow_up(request: Request, desk: AtDesk, wanted: Asked) -> Response:
    return _follow_up_page(request, desk, wanted)


@router.post("/follow-up")
def post_notices(request: Request, desk: AtDesk, raw: SentFile) -> Response:
    """Take a file of notices in, whole or not at all."""
    state = request.app.state
    try:
        with state.db.writing() as connection:
            taken = take_notices(connection, state.db.central_device, desk.caller.user, raw, state.now())
    except ImportRefused as refused:
        return _follow_up_page(request, desk, Wanted(), 422, faults=refused.faults)
    return _follow_up_page(request, desk, Wanted(), taken=taken)


def _follow_up_page(
    request: Request,
    desk: Desk,
    wanted: Wanted,
    status: int = 200,
    taken: Taken | None = None,
    faults: Sequence[Fault] = (),
) -> Response:
    state = request.app.state
    today = local_day(state.now())
    with state.db.reading() as connection:
        every = chains(state.readings, connection)
        offered = choices(connection)
    within = [chain for chain in every if replace(wanted, state="").keeps(chain, today)]
    found = [chain for chain in within if wanted.keeps(chain, today)]
    shown, number, pages = of_page(_by_urgency(found, today), page_number(request, "page"), SIZE)
    return page(
        request,
        "follow_up.html",
        desk,
        status,
        taken=taken,
        faults=faults,
        wanted=wanted,
        chains=shown,
        figures=counted(within, today),
        shown_count=len(found),
        today=today,
        state_names=STATE_NAMES,
        severity_names=SEVERITY_NAMES,
        matters=MATTERS,
        choices=offered,
        number_of_page=number,
        pages=pages,
    )


def _by_urgency(found: Sequence[Chain], today: str) -> list[Chain]:
    """Overdue first, then open by deadline, then what is closed; without a deadline after those with one."""
    order = {"overdue": 0, "open": 1, "closed": 2}
    return sorted(found, key=lambda c: (order[c.state(today)], c.matter.deadline or "9999", c.matter.day, c.unit_name))


@router.get("/follow-up.csv")
def get_csv(request: Request, _desk: AtDesk, wanted: Asked) -> Response:
    found, today = _found(request, wanted)
    return Response(as_csv(found, today), media_type=CSV_TYPE, headers=as_file(f"theo-doi-khac-phuc_{today}.csv"))


@router.get("/follow-up.xlsx")
def get_xlsx(request: Request, _desk: AtDesk, wanted: Asked) -> Response:
    found, today = _found(request, wanted)
    words = {"kind": MATTERS, "state": STATE_NAMES, "status": REMEDIATIONS, "severity": SEVERITY_NAMES}
    mark = DEMO_MARK if request.app.state.settings.is_demo else ""
    sheet = as_xlsx(found, today, f"Theo dõi khắc phục, ngày {day(today)}", words, mark)
    return Response(sheet, media_type=XLSX_TYPE, headers=as_file(f"theo-doi-khac-phuc_{today}.xlsx"))


def _found(request: Request, wanted: Wanted) -> tuple[list[Chain], str]:
    state = request.app.state
    today = local_day(state.now())
    with state.db.reading() as connection:
        every = chains(state.readings, connection)
    return _by_urgency([chain for chain in every if wanted.keeps(chain, today)], today), today
