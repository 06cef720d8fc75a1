"""`GET /summary`: figures per visit, unit and in total, as JSON, CSV or XLSX."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from central.access import Caller, require_caller
from central.people import OFFICE_ROLES
from central.problems import malformed, problem_responses
from central.readings import Filter
from central.summary import as_csv, as_xlsx, file_name, summary

router = APIRouter(prefix="/api/v1", tags=["figures"])

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="ISO day at +07:00")]
Named = Annotated[str | None, Query(max_length=200)]


class SummaryGiven(BaseModel):
    """Design §5. Figures not known are null; rates are text with a point (`67.50`)."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    first_day: Annotated[str | None, Field(alias="from")]
    last_day: Annotated[str | None, Field(alias="to")]
    round: str | None
    visits: list[dict[str, Any]]
    units: list[dict[str, Any]]
    total: dict[str, Any]


def checked_day(value: str | None, field: str) -> str:
    """An ISO day that is on the calendar, or empty. Problem 400 `malformed`."""
    if not value:
        return ""
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise malformed(field, "Không có ngày này, cần dạng năm-tháng-ngày", "Not a day (ISO 8601)") from None


def team_of(caller: Caller) -> str | None:
    """The team whose visits a caller may see; None for all."""
    return None if caller.role in OFFICE_ROLES else (caller.team or "")


def wanted_format(request: Request, asked: str | None) -> str:
    if asked:
        return asked
    accept = request.headers.get("accept", "")
    if "text/csv" in accept:
        return "csv"
    return "xlsx" if XLSX_TYPE in accept else "json"


@router.get(
    "/summary",
    response_model=SummaryGiven,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
            }
        },
        **problem_responses(400, 401, 403),
    },
)
def get_summary(
    request: Request,
    caller: Annotated[Caller, Depends(require_caller)],
    first_day: Annotated[Day, Query(alias="from")] = None,
    last_day: Annotated[Day, Query(alias="to")] = None,
    round: Named = None,
    unit: Named = None,
    format: Literal["json", "csv", "xlsx"] | None = None,
) -> Response:
    """Figures of the visits between two days (both included), of a round, of a unit; inspectors get their team's."""
    first, last = checked_day(first_day, "from"), checked_day(last_day, "to")
    if first and last and first > last:
        raise malformed("from", "Ngày đầu sau ngày cuối", "The first day is after the last")
    wanted = Filter(first, last, round or "", unit or "", team_of(caller))
    state = request.app.state
    with state.db.reading() as connection:
        document = summary(state.readings, connection, wanted)
        templates = state.readings.templates(connection)
    kind = wanted_format(request, format)
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{file_name(wanted, kind)}"'}
    if kind == "csv":
        return Response(as_csv(document), media_type=CSV_TYPE, headers=headers)
    if kind == "xlsx":
        newest = max(templates.values(), key=lambda t: t.version, default=None)
        mark = "BẢN THỬ – dữ liệu minh họa" if state.settings.is_demo else ""
        return Response(as_xlsx(document, newest, "Tổng hợp kiểm tra", mark), media_type=XLSX_TYPE, headers=headers)
    return JSONResponse(document, headers={"Vary": "Accept"})
