"""Which visits a page is about, as its address says: a link can be mailed, and every figure links to its visits."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from sqlalchemy import Connection

from app.figures import SummaryVisit
from app.sync.stamp import fold
from central.database import rows
from central.hq.words import STATUS_NAMES, local_day
from central.imports import is_day
from central.readings import Filter, Readings

_Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Wanted:
    """`first` and `last` are ISO days, both included; empty is any. `item`, `severity` and `reason` look at the figures:
    visits in which the item failed, with findings of the severity, without figures for the reason (`figures`: with some).
    """

    round: str = ""
    first: str = ""
    last: str = ""
    unit: str = ""
    q: str = ""
    team: str = ""
    status: str = ""
    item: str = ""
    severity: str = ""
    reason: str = ""

    def address(self, path: str, **changes: str | int) -> str:
        """The path with what is wanted, changed in some respects; `from` and `to` stand for the days."""
        named = {**asdict(self), **changes}
        renamed = {{"first": "from", "last": "to"}.get(name, name): value for name, value in named.items() if value}
        return f"{path}?{urlencode(renamed)}" if renamed else path

    @property
    def for_figures(self) -> "Wanted":
        """The part that chooses whole visits; what looks into their figures is left out."""
        return replace(self, item="", severity="", reason="")

    def keeps(self, line: SummaryVisit) -> bool:
        """Whether a visit, found by its own fields, is wanted by its figures and its unit's name too."""
        figures = line.figures
        if self.q and not all(word in fold(line.unit_name or "") for word in fold(self.q).split()):
            return self.q.strip() == line.unit_code
        if self.item and self.item not in figures.findings_by_item:
            return False
        if self.severity and not figures.findings_by_severity.get(self.severity):
            return False
        if self.reason == "figures":
            return figures.without_figures is None
        return not self.reason or figures.without_figures == self.reason

    def lines(self, readings: Readings, connection: Connection) -> list[SummaryVisit]:
        """The visits, by day and unit, with their figures."""
        chosen = Filter(self.first, self.last, self.round, self.unit, self.team or None, self.status)
        return [line for line in readings.lines(connection, chosen) if self.keeps(line)]


def from_address(
    round: _Text = "",
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    unit: _Text = "",
    q: _Text = "",
    team: _Text = "",
    status: _Text = "",
    item: _Text = "",
    severity: _Text = "",
    reason: _Text = "",
) -> Wanted:
    """What the address asks for; days that are none and a status that is none ask for nothing."""
    return Wanted(
        round, first if is_day(first) else "", last if is_day(last) else "", unit, q.strip(), team,
        status if status in STATUS_NAMES else "", item, severity, reason,
    )  # fmt: skip


Asked = Annotated[Wanted, Depends(from_address)]


@dataclass(frozen=True)
class Choices:
    """What the filter's lists offer: (id, name)."""

    rounds: Sequence[tuple[str, str]]
    teams: Sequence[tuple[str, str]]

    @property
    def round_names(self) -> dict[str, str]:
        return dict(self.rounds)

    @property
    def team_names(self) -> dict[str, str]:
        return dict(self.teams)


def choices(connection: Connection) -> Choices:
    """All rounds, newest first, and all teams; also those that only visits name."""
    rounds = rows(
        connection,
        """SELECT id, name, starts_on FROM round
           UNION SELECT DISTINCT v.round, NULL, NULL FROM visit v
               WHERE v.round <> '' AND NOT EXISTS (SELECT 1 FROM round r WHERE r.id = v.round)
           ORDER BY 3 DESC, 1""",
    )
    teams = rows(
        connection,
        """SELECT id, name FROM team
           UNION SELECT DISTINCT v.team, NULL FROM visit v
               WHERE v.team <> '' AND NOT EXISTS (SELECT 1 FROM team t WHERE t.id = v.team)
           ORDER BY 1""",
    )
    return Choices(
        [(row["id"], row["name"] or row["id"]) for row in rounds],
        [(row["id"], row["name"] or row["id"]) for row in teams],
    )


def quarters(now: int) -> list[tuple[str, str, str]]:
    """(name, first day, last day) of this calendar quarter and the three before it."""
    year, month = (int(part) for part in local_day(now).split("-")[:2])
    number = (month - 1) // 3
    found = []
    for _ in range(4):
        end = ("03-31", "06-30", "09-30", "12-31")[number]
        found.append((f"Quý {number + 1}/{year}", f"{year}-{3 * number + 1:02}-01", f"{year}-{end}"))
        year, number = (year, number - 1) if number else (year - 1, 3)
    return found


def of_page(lines: Sequence[Any], page: int, size: int) -> tuple[Sequence[Any], int, int]:
    """(the lines of a page counted from 1, that page's number, how many pages there are)."""
    pages = max(1, -(-len(lines) // size))
    page = min(max(page, 1), pages)
    return lines[(page - 1) * size : page * size], page, pages


def page_number(request: Request, name: str) -> int:
    """A page's number in the address; 1 for none or nonsense."""
    given = request.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1
