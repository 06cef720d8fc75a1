"""Users and their roles."""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, text

from central.database import rows

Role = Literal["administrator", "home_affairs", "team_leader", "inspector"]
ROLES: tuple[Role, ...] = get_args(Role)

OFFICE_ROLES: tuple[Role, ...] = ("administrator", "home_affairs")
"""Who signs in with a password, works at /hq/ and reads every visit."""
FIELD_ROLES: tuple[Role, ...] = ("team_leader", "inspector")
"""Who works with a phone, within one team."""

ROLE_NAMES: dict[str, str] = {
    "administrator": "Quản trị viên",
    "home_affairs": "Sở Nội vụ",
    "team_leader": "Trưởng đoàn",
    "inspector": "Thành viên đoàn",
}


@dataclass(frozen=True)
class User:
    """A person who may use the system. `team` is the id of a team, None in the office."""

    id: str
    name: str
    role: Role
    team: str | None
    password_hash: str | None
    active: bool


def add_user(
    connection: Connection,
    id: str,
    name: str,
    role: Role,
    team: str | None = None,
    password_hash: str | None = None,
) -> None:
    """Add a user, or correct name, role and team of one already there; a password is kept unless given."""
    connection.execute(
        text(
            """INSERT INTO "user" (id, name, role, team, password_hash, active)
               VALUES (:id, :name, :role, :team, :password_hash, 1)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, team = excluded.team,
                   password_hash = coalesce(excluded.password_hash, "user".password_hash), active = 1"""
        ),
        {"id": id, "name": name, "role": role, "team": team, "password_hash": password_hash},
    )


def find_user(connection: Connection, id: str) -> User | None:
    found = rows(connection, 'SELECT id, name, role, team, password_hash, active FROM "user" WHERE id = :id', id=id)
    return _user(found[0]) if found else None


def all_users(connection: Connection) -> list[User]:
    """Everybody, by role from the administrator down, then by name."""
    found = [_user(row) for row in rows(connection, 'SELECT * FROM "user"')]
    return sorted(found, key=lambda user: (ROLES.index(user.role), user.name, user.id))


def set_password(connection: Connection, id: str, password_hash: str) -> None:
    """Replace the password; every session of the user ends."""
    connection.execute(
        text('UPDATE "user" SET password_hash = :hash WHERE id = :id'), {"id": id, "hash": password_hash}
    )
    connection.execute(text("DELETE FROM session WHERE user_id = :id"), {"id": id})


def set_active(connection: Connection, id: str, active: bool) -> None:
    """Let a user in again, or keep them and their phones out; what they recorded stays."""
    connection.execute(text('UPDATE "user" SET active = :active WHERE id = :id'), {"id": id, "active": int(active)})
    if not active:
        connection.execute(text("DELETE FROM session WHERE user_id = :id"), {"id": id})


def _user(row: dict[str, object]) -> User:
    return User(**{**row, "active": bool(row["active"])})  # type: ignore[arg-type]
