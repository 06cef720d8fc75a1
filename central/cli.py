"""The command `kiemtra`: central for real, codes, imports, exports, and proof that nothing was altered.

Every command but `app` reads its settings from the environment (KIEMTRA_DATA, KIEMTRA_SECRET, …); all end with status 0
when all went well, 1 when something is wrong with what they were given or found, 2 when they were called wrongly.
"""

import argparse
import getpass
import io
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import segno
import uvicorn
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DatabaseError

from app.proof import read_code
from app.readings import NoTemplate
from app.records import READINGS
from app.schema import NewerSchema
from app.sync import merge
from app.sync.bundle import Bundle, NotABundle
from central import access, demo
from central.app import create_app, system_clock
from central.backup import back_up
from central.board_reader import Beside, work
from central.bundle_commands import add_bundle_commands
from central.bundles import NotTaken
from central.database import Database, rows
from central.field_app import NotBuilt, read_build
from central.holes import holes
from central.hq.words import moment, number
from central.imports import ImportRefused, is_day
from central.office import Taken, take_notices, take_template, take_units, take_users
from central.parser import KEEP_ALIVE_S, Parser
from central.passwords import Passwords
from central.people import OFFICE_ROLES, find_user, set_password
from central.photo_store import PhotoStore
from central.procedures import take_procedures
from central.proof import Proof, code_in_pdf, find_signed, prove
from central.readings import Filter, Readings
from central.receipts import broken
from central.settings import DEMO_SECRET, Settings, SettingsError
from central.summary import as_csv, as_xlsx, file_name, summary
from central.verify import counted, verify
from central.visits import visit_document
from web.build import BuildFailed, ensure, wire_bytes

SHOWN_FINDINGS = 50


class Refused(Exception):
    """A command cannot be carried out; the message says why and what to do, Vietnamese first."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.run(asked)
        return status
    except NoTemplate:
        print(
            "Chưa có phiếu kiểm tra nào; nạp trước bằng: kiemtra import template TỆP. / Import a checklist first.",
            file=sys.stderr,
        )
    except (Refused, SettingsError, BuildFailed, NotBuilt, NotTaken) as reason:
        print(reason, file=sys.stderr)
    except ImportRefused as refused:
        print(f"{asked.file}: chưa nhập gì, có {len(refused.faults)} chỗ sai / nothing taken in", file=sys.stderr)
        for fault in refused.faults:
            print(f"  {fault}", file=sys.stderr)
    except NewerSchema:
        print("Dữ liệu do bản mới hơn ghi. Hãy cập nhật. / The data was written by a newer version.", file=sys.stderr)
    except DatabaseError as error:
        print(f"Không đọc được cơ sở dữ liệu ({error.orig}). / The database cannot be read.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiemtra", description="Sổ kiểm tra: trung tâm / central")
    commands = parser.add_subparsers(required=True, metavar="lệnh/command")

    serve = commands.add_parser("serve", help="chạy trung tâm / run central")
    serve.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)

    app = commands.add_parser("app", help="dựng ứng dụng trên điện thoại / build the field app")
    app.set_defaults(run=_app)

    enrol = commands.add_parser("enrol", help="tạo mã ghi danh dùng một lần / a one-time enrolment code")
    enrol.add_argument("--user", required=True)
    enrol.add_argument("--hours", type=int, default=24, choices=range(1, 721), metavar="1-720")
    enrol.set_defaults(run=_enrol)

    password = commands.add_parser("password", help="đặt mật khẩu / set a password (asked for, or one line on stdin)")
    password.add_argument("--user", required=True)
    password.set_defaults(run=_password)

    take = commands.add_parser("import", help="nhập tệp, tất cả hoặc không gì cả / all or nothing")
    take.add_argument("what", choices=("units", "template", "users", "procedures", "notices"))
    take.add_argument("file", type=Path)
    take.set_defaults(run=_import)

    export = commands.add_parser("export", help="xuất số liệu và các cuộc kiểm tra / figures and visits")
    export.add_argument("--from", dest="first", default="", metavar="2026-10-01")
    export.add_argument("--to", dest="last", default="", metavar="2026-12-31")
    export.add_argument("--round", default="")
    export.add_argument("--unit", default="", metavar="CODE")
    export.add_argument("--format", choices=("csv", "xlsx", "json"), default="csv")
    export.add_argument(
        "--output", type=Path, help="tệp ghi ra / file to write; else stdout, or a named file at a terminal"
    )
    export.set_defaults(run=_export)

    add_bundle_commands(commands, _opened)

    check = commands.add_parser("verify", help="soát chuỗi băm và ảnh / walk the chains, check the photos")
    check.add_argument(
        "visit", nargs="?",
        help="chỉ một cuộc, một mã in trên biên bản, hay tệp PDF / one visit, a code off the minutes, or a PDF file",
    )  # fmt: skip
    check.add_argument(
        "--receipts", type=Path, metavar="FILE",
        help="biên nhận máy giữ: tệp sổ do máy xuất, hay mỗi dòng một biên nhận / a bundle, or one receipt a line",
    )  # fmt: skip
    check.set_defaults(run=_verify)

    backup = commands.add_parser(
        "backup", help="sao lưu ra thư mục ở máy khác / back up to a folder on another machine"
    )
    backup.add_argument("folder", type=Path)
    backup.set_defaults(run=_backup)

    restored = commands.add_parser("restored", help="sau khi khôi phục từ bản sao lưu / after restoring a backup")
    restored.set_defaults(run=_restored)

    boards = commands.add_parser("read-boards", help="đọc chữ trên ảnh bảng niêm yết / read photographed boards")
    boards.add_argument("--beside", type=int, help=argparse.SUPPRESS)
    boards.set_defaults(run=_read_boards)

    rebuild = commands.add_parser("rebuild", help="dựng lại các bảng từ nhật ký / typed tables from the journal")
    rebuild.set_defaults(run=_rebuild)
    return parser


# --- serving ---------------------------------------------------------------------------------------------------------


def _serve(asked: argparse.Namespace) -> int:
    settings = Settings.from_environment(start_demo=asked.demo)
    if settings.is_demo and not asked.demo:
        raise Refused(
            f"{settings.data} là dữ liệu bản thử (có {DEMO_SECRET}). Hãy chọn thư mục khác cho KIEMTRA_DATA. / "
            "This folder holds a demo; choose another KIEMTRA_DATA."
        )
    _refuse_taken_port(settings)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = _with_field_app(settings)
    app = create_app(settings)
    if settings.is_demo:
        demo.make_demo(app, settings.data)
    with app.state.db.reading() as connection:
        is_empty = not rows(connection, 'SELECT id FROM "user" WHERE password_hash IS NOT NULL LIMIT 1')
    for line in _greeting(settings, is_empty):
        _say(line)
    with Beside():
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            http=Parser,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=5,
        )
    return 0


def _read_boards(asked: argparse.Namespace) -> int:
    settings, db = _opened()
    db.close()
    return work(settings, system_clock, beside=asked.beside)


def _app(_asked: argparse.Namespace) -> int:
    build = read_build(ensure(_say))
    print(f"Ứng dụng trên điện thoại / field app: {build.folder}")
    print(f"Phiên bản / version: {build.version}")
    print(f"Số tệp / files: {len(build.files)}")
    print(f"Tải về lần đầu / first visit, over the wire: {number(wire_bytes(build.folder))} byte")
    return 0


def _with_field_app(settings: Settings) -> Settings:
    """With the field app: the build KIEMTRA_FIELD_APP names, else our own, built first when it is missing or old.

    Central runs without it too: what is synced matters more.
    """
    try:
        folder = settings.field_app or ensure(_say)
        read_build(folder)
    except (BuildFailed, NotBuilt) as reason:
        _say(
            "Chưa có ứng dụng trên điện thoại ở trang đầu, trung tâm vẫn chạy / central runs without the field app: "
            + " ".join(str(reason).split())
        )
        return replace(settings, field_app=None)
    return replace(settings, field_app=folder)


def _say(line: str) -> None:
    print(line, flush=True)


def _greeting(settings: Settings, is_empty: bool) -> list[str]:
    lines = [f"Trung tâm chạy tại {settings.public_url}/hq/ (dừng: Ctrl-C) / central is running (stop: Ctrl-C)"]
    if settings.field_app:
        lines.append(f"Ứng dụng trên điện thoại / field app: {settings.public_url}/")
    if is_empty:
        lines.append(
            "Chưa ai đăng nhập được. Chạy: kiemtra import users TỆP.csv, rồi kiemtra password --user TÀI-KHOẢN / "
            "Nobody can sign in yet: import users, then set a password"
        )
    if not settings.is_https and settings.host not in ("127.0.0.1", "::1", "localhost"):
        lines.append(
            "Cảnh báo: mật khẩu đi qua mạng không mã hóa và điện thoại không cài được ứng dụng. Đặt máy chủ HTTPS phía trước "
            "và KIEMTRA_PUBLIC_URL=https://… / Warning: passwords travel unprotected and phones cannot install the app; "
            "put HTTPS in front"
        )
    return lines


def _refuse_taken_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as reason:
            raise Refused(
                f"Không mở được {settings.host}:{settings.port} ({reason.strerror}). Hãy đặt KIEMTRA_PORT khác. / "
                "The address cannot be used; choose another KIEMTRA_PORT."
            ) from None


# --- people ----------------------------------------------------------------------------------------------------------


def _enrol(asked: argparse.Namespace) -> int:
    settings, db = _opened(needs_secret=True)
    now = system_clock()
    with db.writing() as connection:
        user = find_user(connection, asked.user)
        if user is None or not user.active:
            raise _no_such_user(asked.user)
        valid_ms = asked.hours * access.HOUR_MS
        code = access.new_code(connection, settings.secret, user.id, "kiemtra enrol", now, valid_ms)
    link = access.enrolment_link(settings.public_url, code)
    drawn = io.StringIO()
    segno.make(link, error="m").terminal(drawn, compact=True)
    print(drawn.getvalue())
    print(f"Mã ghi danh của {user.name}, dùng một lần / one-time enrolment code: {code}")
    print(f"Đường dẫn / link: {link}")
    print(f"Hết hạn / expires: {moment(now + valid_ms)} (+07:00)")
    return 0


def _password(asked: argparse.Namespace) -> int:
    settings, db = _opened()
    with db.reading() as connection:
        user = find_user(connection, asked.user)
    if user is None:
        raise _no_such_user(asked.user)
    if user.role not in OFFICE_ROLES:
        raise Refused(
            f"{user.id} dùng điện thoại, không cần mật khẩu: hãy chạy kiemtra enrol --user {user.id}. / "
            "Field users need no password; enrol their phone."
        )
    if sys.stdin.isatty():
        given = getpass.getpass("Mật khẩu mới / new password: ")
        if getpass.getpass("Gõ lại / again: ") != given:
            raise Refused("Hai lần gõ không giống nhau. / The two do not match.")
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    try:
        password_hash = Passwords(settings.password_cost).hash(given)
    except ValueError as fault:
        raise Refused(f"{fault} / The password is too short or too long.") from None
    with db.writing() as connection:
        set_password(connection, user.id, password_hash)
    print(f"Đã đặt mật khẩu cho {user.name}. / Password set.")
    return 0


def _no_such_user(user: str) -> Refused:
    return Refused(f"Không có người dùng {user!r} đang hoạt động. / There is no such active user.")


# --- files in and out ------------------------------------------------------------------------------------------------

_TAKES = {
    "units": take_units,
    "template": take_template,
    "users": take_users,
    "notices": take_notices,
    "procedures": lambda connection, _device, _author, raw, _now: take_procedures(connection, raw),
}


def _import(asked: argparse.Namespace) -> int:
    _settings, db = _opened(may_make=True)
    try:
        raw = asked.file.read_bytes()
    except OSError as reason:
        raise Refused(f"Không đọc được tệp {asked.file}: {reason.strerror}. / The file cannot be read.") from None
    with db.writing() as connection:
        taken: Taken = _TAKES[asked.what](connection, db.central_device, "kiemtra import", raw, system_clock())
    print(f"Đã nhập {taken.named}, mới hoặc thay đổi {taken.changed}. / {taken.named} read, {taken.changed} changed.")
    return 0


def _export(asked: argparse.Namespace) -> int:
    for name, day in (("--from", asked.first), ("--to", asked.last)):
        if day and not is_day(day):
            raise Refused(f"{name} {day!r}: cần ngày dạng 2026-10-01. / A day such as 2026-10-01 is needed.")
    settings, db = _opened()
    wanted = Filter(asked.first, asked.last, asked.round, asked.unit)
    with db.reading() as connection:
        content = _exported(connection, wanted, asked.format, settings.is_demo)
    if asked.output is None and not sys.stdout.isatty():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    target: Path = asked.output or Path(file_name(wanted, asked.format, "kiemtra"))
    try:
        target.write_bytes(content)
    except OSError as reason:
        raise Refused(f"Không ghi được {target}: {reason.strerror}. / The file cannot be written.") from None
    print(target)
    return 0


def _exported(connection: Connection, wanted: Filter, kind: str, is_demo: bool) -> bytes:
    """The figures; as JSON with every visit whole beside them."""
    readings = Readings()
    document = summary(readings, connection, wanted)
    if kind == "csv":
        return as_csv(document)
    templates = readings.templates(connection)
    if kind == "xlsx":
        newest = max(templates.values(), key=lambda template: template.version, default=None)
        return as_xlsx(document, newest, "Tổng hợp kiểm tra", "BẢN THỬ – dữ liệu minh họa" if is_demo else "")
    found = [visit_document(readings.visit(connection, visit)) for visit in readings.find(connection, wanted)]
    return (json.dumps({**document, "recorded": found}, ensure_ascii=False, indent=1) + "\n").encode()


# --- proof -----------------------------------------------------------------------------------------------------------


def _verify(asked: argparse.Namespace) -> int:
    settings, db = _opened(needs_secret=asked.receipts is not None)
    photos = PhotoStore(settings.photos)
    handed = _receipts_of(asked.receipts) if asked.receipts else []
    code, pdf = _shown(asked.visit)
    with db.reading() as connection:
        visit = find_signed(connection, code) if code else asked.visit
        if code and not visit:
            raise Refused(f"Trung tâm không có biên bản nào mang mã {code}. / No minutes here have this code.")
        if visit and not rows(connection, "SELECT device FROM entry WHERE visit = :v LIMIT 1", v=visit):
            raise Refused(f"Không có cuộc kiểm tra {visit!r}. / There is no such visit.")
        proof = prove(connection, photos, Readings(), visit, code, pdf) if visit else None
        differing = proof.differences if proof else ()
        findings = [*differing, *verify(connection, photos, visit), *broken(connection, settings.secret, handed)]
        much = {} if findings else counted(connection)
    if proof:
        _tell(proof)
    for finding in findings[:SHOWN_FINDINGS]:
        print(finding)
    if findings:
        print(
            f"{len(findings)} chỗ không còn như khi ghi. / {len(findings)} places are not as written.", file=sys.stderr
        )
        return 1
    if asked.receipts:
        print(f"{len(handed)} biên nhận khớp. / {len(handed)} receipts match.")
    print(
        f"Nguyên vẹn: {much['entries']} mục, {much['visits']} cuộc, {much['photos']} ảnh. / "
        "Everything is as it was written."
    )
    return 0


def _shown(named: str | None) -> tuple[str, bytes | None]:
    """(code, PDF) of what `kiemtra verify` was shown; neither when that was a visit, or nothing. Raises Refused."""
    if named is None or ((code := read_code(named)) is None and not Path(named).is_file()):
        return "", None
    if code is not None:
        return code, None
    pdf = Path(named).read_bytes()
    if (code := code_in_pdf(pdf)) is None:
        raise Refused(
            f"Tệp {named} không mang mã biên bản, hoặc phần mang mã đã bị sửa. / The file carries no code of signed minutes."
        )
    return code, pdf


def _tell(proof: Proof) -> None:
    """What is known of a signed visit, whether all is as it was or not."""
    print(f"Biên bản / minutes: {proof.unit_name}, {proof.visit_date}, mã / code {proof.code}")
    for signer in proof.signers:
        print(f"  {signer.role}: {signer.name} ({signer.method}), {moment(signer.signed_at)}")
    print(f"Trung tâm nhận lần đầu / first received: {moment(proof.received_at)}")
    if proof.missing:
        print(f"Chưa về {proof.missing} trên {proof.photos} ảnh / photos not here yet")


def _receipts_of(file: Path) -> list[str]:
    try:
        data = file.read_bytes()
    except OSError as reason:
        raise Refused(f"Không đọc được tệp {file}: {reason.strerror}. / The file cannot be read.") from None
    try:
        found = Bundle(data).receipts() if data.startswith(b"PK") else data.decode("ascii", "replace").splitlines()
    except NotABundle as reason:
        raise Refused(str(reason)) from None
    if not (found := [line for line in found if line.strip()]):
        raise Refused(f"Tệp {file} không có biên nhận nào. / There is no receipt in the file.")
    return found


def _backup(asked: argparse.Namespace) -> int:
    settings, db = _opened()
    try:
        backup = back_up(db, settings.photos, asked.folder, system_clock())
    except OSError as reason:
        raise Refused(
            f"Không ghi được vào {asked.folder}: {reason.strerror}. / The folder cannot be written."
        ) from None
    for finding in [*backup.altered, *backup.lacking][:SHOWN_FINDINGS]:
        print(finding)
    if backup.altered:
        raise Refused(
            "Bản sao không nguyên vẹn, bản sao lần trước vẫn giữ. / The copy is not whole; the one before it is kept."
        )
    print(
        f"Đã sao lưu và soát {backup.entries} mục, {backup.photos} ảnh ({backup.copied} ảnh mới). / Backed up and verified."
    )
    if os.stat(asked.folder).st_dev == os.stat(settings.data).st_dev:
        print("Cảnh báo: thư mục ở cùng ổ đĩa với dữ liệu, hỏng ổ là mất cả hai. / The folder is on the same disk.")
    return 1 if backup.lacking else 0


def _restored(_asked: argparse.Namespace) -> int:
    """To be run with central stopped; what opening the database has found out by itself is not found out twice."""
    _settings, db = _opened()
    db.restored()
    with db.reading() as connection:
        missing = holes(connection)
    print(
        f"Trung tâm có mã mới {db.server_id}. Khởi động lại trung tâm: các máy sẽ tự gửi lại phần còn thiếu. / "
        "Central has a new identity; start it, and phones send again what is missing."
    )
    for hole in missing:
        print(f"Thiếu / missing: máy {hole.device} nhánh {hole.epoch} mục {hole.first}–{hole.last}")
    return 0


def _rebuild(_asked: argparse.Namespace) -> int:
    _settings, db = _opened()
    with db.writing() as connection:
        read = merge.rebuild(connection, list(READINGS))
    print(f"Đã dựng lại các bảng từ {read} mục. / Rebuilt from {read} entries.")
    return 0


def _opened(*, needs_secret: bool = False, may_make: bool = False) -> tuple[Settings, Database]:
    """The settings and the database; Refused when there is none and the command would only find it empty."""
    settings = Settings.from_environment(needs_secret=needs_secret)
    file = make_url(settings.database_url).database
    if not may_make and not (file and Path(file).exists()):
        raise Refused(
            f"Chưa có dữ liệu ở {file}: hãy xem lại KIEMTRA_DATA. / There is no data here; check KIEMTRA_DATA."
        )
    return settings, Database(settings.database_url, settings.witness)
