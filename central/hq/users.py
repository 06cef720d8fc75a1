"""Who may use the system; an administrator stops those who have left."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from central.access import role_denied
from central.database import rows
from central.hq.devices import team_names
from central.hq.door import AtDesk, Desk, SentForm, go_to, page
from central.people import all_users, find_user, set_active
from central.problems import Problem

router = APIRouter()


@router.get("/users")
def get_users(request: Request, desk: AtDesk) -> Response:
    with request.app.state.db.reading() as connection:
        counted = "SELECT user_id, count(*) AS n FROM device WHERE revoked_at IS NULL GROUP BY user_id"
        machines = {row["user_id"]: row["n"] for row in rows(connection, counted)}
        users, teams = all_users(connection), team_names(connection)
    return page(request, "users.html", desk, users=users, teams=teams, machines=machines)


def _set_active(request: Request, desk: Desk, user: str, active: bool) -> Response:
    if not desk.is_administrator or user == desk.caller.user:
        raise role_denied()
    with request.app.state.db.writing() as connection:
        if find_user(connection, user) is None:
            raise Problem(404, "not-found", "Không có người dùng này", "There is no such user")
        set_active(connection, user, active)
    return go_to("/hq/users")


@router.post("/users/{user}/stop")
def post_stop(request: Request, user: str, desk: AtDesk, _form: SentForm) -> Response:
    return _set_active(request, desk, user, False)


@router.post("/users/{user}/resume")
def post_resume(request: Request, user: str, desk: AtDesk, _form: SentForm) -> Response:
    return _set_active(request, desk, user, True)
