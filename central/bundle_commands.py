"""`kiemtra bundle export|import FILE`: the file road, as an administrator types it."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from central.app import system_clock
from central.bundles import Arrived, NotTaken, Wanted, mapped, take_in, write_bundle
from central.database import Database
from central.photo_store import PhotoStore
from central.readings import Readings
from central.settings import Settings

Opened = Callable[[], tuple[Settings, Database]]


def add_bundle_commands(commands: Any, opened: Opened) -> None:
    """Add them to the commands of `kiemtra`; `opened` gives the settings and the database."""
    road = commands.add_parser("bundle", help="tệp sổ mang tay: xuất, nhận / visits and photos carried in a file")
    ways = road.add_subparsers(required=True, metavar="export|import")

    out = ways.add_parser("export", help="xuất ra tệp cho máy hay trung tâm khác nhận / for phones or another central")
    out.add_argument("file", type=Path)
    out.add_argument("--team", default="", metavar="TEAM", help="chỉ các cuộc của một đoàn / visits of one team")
    out.add_argument(
        "--visit", action="append", default=[], metavar="ID", help="chỉ cuộc này, nhiều lần được / this one"
    )
    out.set_defaults(run=lambda asked: _export(asked, opened))

    take = ways.add_parser(
        "import", help="nhận tệp do máy hay trung tâm xuất, nhiều lần cũng được / harmless to repeat"
    )
    take.add_argument("file", type=Path)
    take.add_argument(
        "--from", dest="of", default="", metavar="ID", help="tin tệp của trung tâm này / believe this central"
    )
    take.set_defaults(run=lambda asked: _import(asked, opened))


def _export(asked: argparse.Namespace, opened: Opened) -> int:
    settings, db = opened()
    wanted = Wanted(asked.team, tuple(dict.fromkeys(asked.visit)))
    try:
        counts = write_bundle(db, PhotoStore(settings.photos), Readings(), asked.file, wanted, system_clock())
    except OSError as reason:
        raise NotTaken(f"Không ghi được tệp {asked.file}: {reason.strerror}. / The file cannot be written.") from None
    print(
        f"Đã xuất {counts['visits']} cuộc, {counts['entries']} mục, {counts['photos']} ảnh ra {asked.file}. / "
        f"{counts['visits']} visits, {counts['entries']} entries, {counts['photos']} photos written."
    )
    return 0


def _import(asked: argparse.Namespace, opened: Opened) -> int:
    settings, db = opened()
    try:
        with asked.file.open("rb") as file:
            arrived = take_in(
                db, PhotoStore(settings.photos), Readings(), mapped(file), system_clock(), "kiemtra bundle import", asked.of
            )  # fmt: skip
    except OSError as reason:
        raise NotTaken(f"Không đọc được tệp {asked.file}: {reason.strerror}. / The file cannot be read.") from None
    _tell(asked.file, arrived)
    return 0 if arrived.is_whole else 1


def _tell(file: Path, arrived: Arrived) -> None:
    print(
        f"Đã nhận {arrived.entries} mục của {len(arrived.visits)} cuộc, {arrived.photos} ảnh; {arrived.known} mục đã có từ "
        f"trước. / {arrived.entries} entries of {len(arrived.visits)} visits and {arrived.photos} photos taken; "
        f"{arrived.known} entries were here already."
    )
    for remark in arrived.remarks:
        print(remark)
    if arrived.stopped:
        print(arrived.stopped, file=sys.stderr)
    if arrived.refused:
        print(
            f"{file}: không nhận {len(arrived.refused)} phần; phần còn lại đã nhận. Hãy xuất tệp lại từ máy rồi nhận thêm lần "
            f"nữa, nhận lại không sinh bản đôi. / {len(arrived.refused)} parts not taken, the rest is. Export the file again "
            "on the phone and take it in once more; nothing is doubled.",
            file=sys.stderr,
        )
        for refused in arrived.refused:
            print(f"  {refused.part}: {refused.words}", file=sys.stderr)
