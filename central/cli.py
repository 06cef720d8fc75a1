"""The command `kiemtra` (design §8): serve, enrol, import, export, verify, rebuild.

Exit status 0 when done, 1 when something was refused or is not as it should be; one clear line says which.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from getpass import getpass
from pathlib import Path

import segno
import uvicorn
from sqlalchemy.exc import OperationalError

from app.records import CENTRAL_KINDS, READINGS, TIME_ZONE_HOURS
from app.schema import NewerSchema
from app.sync import merge
from central import access, office
from central.app import create_app, system_clock
from central.database import Database
from central.demo import make_demo
from central.imports import ImportRefused
from central.passwords import Passwords
from central.people import find_user, set_password
from central.photo_store import PhotoStore
from central.readings import Filter, Readings
from central.settings import Settings, SettingsError
from central.summary import as_csv, as_xlsx, summary
from central.verify import counted, verify


class CannotDo(Exception):
    """Why a command did nothing, in words for the administrator."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(start_demo=getattr(asked, "demo", False))
        run: Callable[[argparse.Namespace, Settings], int] = asked.run
        return run(asked, settings)
    except (CannotDo, SettingsError, ImportRefused) as reason:
        print(reason, file=sys.stderr)
    except NewerSchema:
        print(
            "Dữ liệu do phiên bản mới hơn ghi, chưa bị động đến. Hãy cập nhật phần mềm. / "
            "The data was written by a newer version and has not been touched. Update the program.",
            file=sys.stderr,
        )
    except OperationalError as error:
        print(f"Cơ sở dữ liệu không trả lời / the database does not answer: {error.orig}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("kiemtra", description="Sổ kiểm tra: trung tâm / central")
    commands = parser.add_subparsers(required=True, metavar="LỆNH")
    serve = commands.add_parser("serve", help="chạy trung tâm / run central")
    serve.add_argument("--demo", action="store_true", help="dữ liệu minh họa, chỉ để thử / demo data, to try things")
    serve.set_defaults(run=_serve)
    enrol = commands.add_parser("enrol", help="mã ghi danh một lần, có QR / a one-time enrolment code with QR")
    enrol.add_argument("--user", required=True)
    enrol.set_defaults(run=_enrol)
    imports = commands.add_parser("import", help="nhập đơn vị, phiếu, người dùng / take in units, a template, users")
    imports.add_argument("what", choices=("units", "template", "users"))
    imports.add_argument("file", type=Path)
    imports.set_defaults(run=_import)
    export = commands.add_parser("export", help="xuất số liệu / figures and visits")
    export.add_argument("--from", dest="first", type=_day, default="")
    export.add_argument("--to", dest="last", type=_day, default="")
    export.add_argument("--round", default="")
    export.add_argument("--format", choices=("csv", "xlsx", "json"), default="csv")
    export.add_argument("--output", type=Path, help="mặc định: ra màn hình / default: standard output")
    export.set_defaults(run=_export)
    check = commands.add_parser("verify", help="kiểm tra không gì bị sửa / check that nothing was altered")
    check.add_argument("visit", nargs="?")
    check.set_defaults(run=_verify)
    rebuild = commands.add_parser("rebuild", help="lập lại các bảng từ nhật ký / typed tables from the journal")
    rebuild.set_defaults(run=_rebuild)
    password = commands.add_parser("password", help="đặt mật khẩu (đọc từ bàn phím) / set a password (read from stdin)")
    password.add_argument("--user", required=True)
    password.set_defaults(run=_password)
    return parser


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: cần dạng năm-tháng-ngày / an ISO day is needed") from None


def _serve(asked: argparse.Namespace, settings: Settings) -> int:
    if settings.is_demo and not asked.demo:
        raise CannotDo(
            "Thư mục này là bản thử; dữ liệu thật cần thư mục khác. / This folder holds a demo; real data needs another."
        )
    app = create_app(settings)
    if settings.is_demo:
        make_demo(app, settings.data)
    print(f"Trung tâm / central: {settings.public_url} ({settings.host}:{settings.port})", flush=True)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", server_header=False)
    return 0


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    db = Database(settings.database_url)
    try:
        yield db
    finally:
        db.close()


def _enrol(asked: argparse.Namespace, settings: Settings) -> int:
    now = system_clock()
    with _database(settings) as db, db.writing() as connection:
        user = find_user(connection, asked.user)
        if user is None or not user.active:
            raise CannotDo(f"Không có người dùng {asked.user!r} / there is no such user.")
        code = access.new_code(connection, settings.secret, user.id, "kiemtra enrol", now)
    link = access.enrolment_link(settings.public_url, code)
    expires = datetime.fromtimestamp((now + access.CODE_VALID_MS) / 1000, UTC) + timedelta(hours=TIME_ZONE_HOURS)
    qr = io.StringIO()
    segno.make(link, error="m").terminal(qr, compact=True)
    print(f"{user.name} ({user.id})\nMã ghi danh / code: {code}\nĐường link / link: {link}")
    print(f"Dùng một lần, đến / once, until: {expires:%H:%M %d/%m/%Y}\n{qr.getvalue()}")
    return 0


def _import(asked: argparse.Namespace, settings: Settings) -> int:
    try:
        raw = asked.file.read_bytes()
    except OSError as error:
        raise CannotDo(f"Không đọc được {asked.file} / cannot be read: {error.strerror}") from None
    take = {"units": office.take_units, "template": office.take_template, "users": office.take_users}[asked.what]
    with _database(settings) as db, db.writing() as connection:
        taken = take(connection, db.central_device, "kiemtra import", raw, system_clock())
    print(f"{taken.named} bản ghi, {taken.changed} mới hoặc thay đổi / records, {taken.changed} new or changed")
    return 0


def _export(asked: argparse.Namespace, settings: Settings) -> int:
    wanted = Filter(asked.first, asked.last, asked.round)
    readings = Readings()
    with _database(settings) as db, db.reading() as connection:
        document = summary(readings, connection, wanted)
        template = max(readings.templates(connection).values(), key=lambda t: t.version, default=None)
    if asked.format == "json":
        body = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
    elif asked.format == "csv":
        body = as_csv(document)
    else:
        body = as_xlsx(
            document, template, "Tổng hợp kiểm tra", "BẢN THỬ – dữ liệu minh họa" if settings.is_demo else ""
        )
    if asked.output:
        asked.output.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    return 0


def _verify(asked: argparse.Namespace, settings: Settings) -> int:
    photos = PhotoStore(settings.photos)
    with _database(settings) as db, db.reading() as connection:
        number = counted(connection)
        found = list(verify(connection, photos, asked.visit))
    for finding in found:
        print(f"BỊ SỬA / ALTERED  {finding}")
    if found:
        return 1
    print(
        f"Nguyên vẹn / intact: {number['entries']} mục nhật ký / entries, {number['visits']} cuộc / visits, "
        f"{number['photos']} ảnh / photos"
    )
    return 0


def _rebuild(_asked: argparse.Namespace, settings: Settings) -> int:
    kinds = [kind for kind in READINGS if kind not in CENTRAL_KINDS] + list(CENTRAL_KINDS)
    with _database(settings) as db, db.writing() as connection:
        read = merge.rebuild(connection, kinds)
    print(f"Đã đọc lại {read} mục nhật ký / entries read again")
    return 0


def _password(asked: argparse.Namespace, settings: Settings) -> int:
    typed = getpass("Mật khẩu mới / new password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(typed) < 12:
        raise CannotDo("Mật khẩu cần ít nhất 12 ký tự / a password needs at least 12 characters.")
    with _database(settings) as db, db.writing() as connection:
        if find_user(connection, asked.user) is None:
            raise CannotDo(f"Không có người dùng {asked.user!r} / there is no such user.")
        set_password(connection, asked.user, Passwords(settings.password_cost).hash(typed))
    print("Đã đặt mật khẩu / password set")
    return 0
