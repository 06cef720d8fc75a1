"""The house rules that a machine can hold: who may import whom, what the hot core may not ask, what may be tracked.

Each rule is a function from source text (or a file's name and bytes) to the faults it finds; every rule is shown to
find something before it is trusted to find nothing.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WORDS = ("app.records", "app.schema", "app.checklist", "app.figures")
READINGS = (*WORDS, "app.readings", "app.evidence", "app.matters", "app.units", "app.geopoint")
TABLES = ("sqlmodel", "sqlalchemy", "pydantic")
BROWSER = ("js", "pyodide")
"""What Python has only in a browser: app.device alone may ask for it."""
MEETING = (
    "app.sync.stamp",
    "app.sync.journal",
    "app.sync.upcast",
    "app.sync.freeze",
    "app.sync.merge",
    "app.sync.wire",
    "app.sync.bundle",
)
"""What phone and central share of sync."""
IN_THE_BROWSER = ("app.device.browser", "app.device.fetch", "app.device.canvas", "app.device.opfs")
"""The only modules that know JavaScript; nothing imports them natively."""
HOT_CORE = (*MEETING, "app.checklist", "app.figures")


@dataclass(frozen=True)
class Part:
    """A part of the house (design §2). Names are module prefixes; None as `outside` allows any package but `never`."""

    modules: tuple[str, ...]
    ours: tuple[str, ...]
    outside: tuple[str, ...] | None
    never: tuple[str, ...] = ()
    only_in: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Packages that only these modules of the part may use."""
    late: tuple[str, ...] = ()
    """Packages never imported while the module itself is being imported."""


PARTS = (
    Part(WORDS, WORDS, TABLES),
    Part(
        ("app.readings", "app.evidence", "app.matters", "app.units", "app.geopoint"),
        (*READINGS, "app.sync.stamp"),
        TABLES,
    ),
    Part(("app.reference",), ("app.reference", *READINGS), TABLES),
    Part(("app.store",), ("app.store", "app.schema", "app.records"), TABLES),
    Part(
        ("app.sync",),
        ("app.sync", "app.reference", *WORDS),
        (*TABLES, "httpx"),
        only_in={"httpx": ("app.sync.exchange", "app.sync.uploads", "app.sync.delivery")},
    ),
    Part(("app.proof",), MEETING, ("sqlalchemy",)),
    Part(
        (
            "app.notebook",
            "app.counting",
            "app.concluding",
            "app.remembering",
            "app.signing",
            "app.recorder",
            "app.carrying",
            "app.handover",
            "app.recovery",
        ),
        (
            "app.notebook",
            "app.counting",
            "app.concluding",
            "app.remembering",
            "app.signing",
            "app.proof",
            "app.recorder",
            "app.carrying",
            "app.recovery",
            "app.store",
            "app.reference",
            *READINGS,
            "app.sync",
            "app.photos",
        ),
        TABLES,
    ),
    Part(
        ("app.photos", "app.minutes"),
        (
            "app.photos",
            "app.minutes",
            "app.records",
            "app.figures",
            "app.checklist",
            "app.readings",
            "app.evidence",
            "app.units",
        ),
        ("PIL", "segno"),
        late=("PIL", "segno"),
    ),
    Part(
        ("app.device",),
        ("app.device", "app.photos"),
        ("httpx", "httpcore", *BROWSER),
        only_in=dict.fromkeys(BROWSER, IN_THE_BROWSER) | {"httpcore": ("app.device.lines",)},
    ),
    Part(
        (
            "app.state",
            "app.sending",
            "app.safekeeping",
            "app.paperwork",
            "app.straightening",
            "app.meeting",
            "app.message",
            "app.lettering",
        ),
        (
            "app.state",
            "app.sending",
            "app.safekeeping",
            "app.paperwork",
            "app.straightening",
            "app.meeting",
            "app.message",
            "app.lettering",
            "app.store",
            "app.notebook",
            "app.recorder",
            "app.carrying",
            "app.handover",
            "app.recovery",
            "app.photos",
            "app.minutes",
            "app.signing",
            "app.proof",
            "app.sync",
            "app.device",
            *READINGS,
        ),
        ("flet", "httpx"),
    ),
    Part(
        ("app.screens",),
        ("app.screens", "app.state", "app.minutes.blocks", "app.photos.marks", *READINGS),
        None,
        never=("sqlmodel", "sqlalchemy", "httpx", "PIL", *BROWSER),
    ),
    Part(("web",), ("web",), ("brotli", "flet_web", "PIL"), late=("PIL", "flet_web")),
    Part(
        ("central",),
        ("central", *READINGS, "app.minutes", "app.proof", *MEETING),
        None,
        never=("flet", "flet_camera", "flet_geolocator", "flet_web"),
    ),
    Part(
        ("central.cli",),
        ("central", *READINGS, "app.proof", *MEETING, "web.build"),
        None,
        never=("flet", "flet_camera", "flet_web", *BROWSER),
    ),
)


def lies_under(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def part_of(module: str) -> Part | None:
    """The part whose prefix fits a module best; None for the entry and empty packages, which belong to no part."""
    fitting = [(len(prefix), part) for part in PARTS for prefix in part.modules if lies_under(module, (prefix,))]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def imports(module: str, source: str, *, is_package: bool = False) -> Iterator[tuple[str, int, bool]]:
    """(imported name, line, whether it happens while the module is imported) of every import in a source."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[str, int, bool]]:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            at_import = False
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            at_import = False
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, at_import
        if isinstance(node, ast.ImportFrom):
            package = module.split(".") if is_package else module.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                yield ".".join([*above, *filter(None, [node.module]), alias.name]), node.lineno, at_import
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_import)

    yield from walk(ast.parse(source), True)


def import_faults(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """What a module imports that its part of the house may not."""
    part = part_of(module)
    if part is None:
        return []
    faults = []
    for name, line, at_import in imports(module, source, is_package=is_package):
        top = name.split(".")[0]
        where = f"{module}:{line} imports {name}"
        if top in ("app", "central", "main", "bench", "tests", "tools", "web"):
            if not lies_under(name, part.ours):
                faults.append(f"{where}, a part it may not use")
        elif top not in sys.stdlib_module_names:
            if top in part.never or (part.outside is not None and top not in part.outside):
                faults.append(f"{where}, a package it may not use")
            if top in part.only_in and module not in part.only_in[top]:
                faults.append(f"{where}, which only {', '.join(part.only_in[top])} may")
            if top in part.late and at_import:
                faults.append(f"{where} while being imported; the browser has no {top}")
    return faults


ASKING = {"time", "time_ns", "monotonic", "perf_counter", "now", "utcnow", "today", "urandom", "getrandbits"}
ASKING_NAMES = {"uuid1", "uuid4", "uuid7", "token_hex", "token_bytes"}


def asking_faults(module: str, source: str) -> list[str]:
    """Where the hot core asks for time, randomness or ids instead of being told."""
    if module not in HOT_CORE:
        return []
    faults = [
        f"{module}:{line} imports {name}"
        for name, line, _ in imports(module, source)
        if name.split(".")[0] in ("time", "random", "secrets") or name.split(".")[-1] in ASKING_NAMES
    ]
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ASKING | ASKING_NAMES:
            faults.append(f"{module}:{node.lineno} calls {ast.unparse(called)}")
    return faults


def platform_faults(module: str, source: str) -> list[str]:
    """Where a part other than app.device asks which platform it runs on."""
    if not module.startswith("app.") or lies_under(module, ("app.device",)):
        return []
    return [
        f"{module}:{node.lineno} asks {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.platform", "platform.system")
    ]


NOWHERE = {"utils", "util", "helpers", "helper", "common", "manager", "handler", "handlers", "misc"}


def name_faults(path: str) -> list[str]:
    """Modules and folders named after nothing."""
    return [f"{path}: say what it is about" for part in Path(path).with_suffix("").parts if part.lower() in NOWHERE]


MIB = 1024 * 1024
# Put together from pieces, so that this file does not name what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.])/(" + "|".join(["work/", "root/", "home/[a-z]", "tmp/[a-z]"]) + ")")
INDEX_ADDRESS = re.compile("|".join([r"pypi" + r"\.org", r"python" + r"hosted\.", r"registry" + r"\.npmjs"]))


def tracked_faults(path: str, content: bytes) -> list[str]:
    """What a tracked file may not be or say: too large, a path of one machine, the address of a package index."""
    faults = [f"{path}: {len(content)} bytes, over 1 MiB"] if len(content) > MIB else []
    if b"\0" in content:
        return faults
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if MACHINE_PATH.search(line):
            faults.append(f"{path}:{number} names a path of one machine: {line.strip()[:120]}")
        if INDEX_ADDRESS.search(line):
            faults.append(f"{path}:{number} names a package index: {line.strip()[:120]}")
    return faults


def modules() -> list[tuple[str, Path]]:
    """Every module of the phone and of central, with its file."""
    files = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "central").rglob("*.py")])
    return [(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), file) for file in files]


def tracked_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listing.decode().split("\0") if name and (ROOT / name).is_file()]


def test_every_module_imports_only_what_its_part_of_the_house_may() -> None:
    faults = [
        fault
        for module, file in modules()
        for fault in import_faults(module, file.read_text("utf-8"), is_package=file.name == "__init__.py")
    ]
    assert faults == []


def test_every_module_has_a_place_in_the_house() -> None:
    entries = {"app", "app.start"}
    assert [module for module, _ in modules() if part_of(module) is None and module not in entries] == []


def test_the_hot_core_is_told_time_randomness_and_ids() -> None:
    faults = [fault for module, file in modules() for fault in asking_faults(module, file.read_text("utf-8"))]
    assert faults == []


def test_only_the_device_knows_the_platform() -> None:
    faults = [fault for module, file in modules() for fault in platform_faults(module, file.read_text("utf-8"))]
    assert faults == []


def test_nothing_is_named_after_nothing() -> None:
    assert [fault for path in tracked_files() for fault in name_faults(path)] == []


def test_tracked_files_are_small_and_name_no_machine_and_no_package_index() -> None:
    assert [fault for path in tracked_files() for fault in tracked_faults(path, (ROOT / path).read_bytes())] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app.figures", "from app.sync import stamp"),
        ("app.records", "import httpx"),
        ("app.sync.merge", "import flet as ft"),
        ("app.sync.merge", "from app import device"),
        ("app.sync.merge", "from ..notebook import Notebook"),
        ("app.sync.journal", "import httpx"),
        ("app.notebook", "from app.device import choose"),
        ("app.notebook", "def late():\n    import httpx"),
        ("app.photos.prepare", "from PIL import Image"),
        ("app.minutes", "import flet"),
        ("app.device.native", "from app.records import Visit"),
        ("app.photos.prepare", "from app.device import this_device"),
        ("app.photos.prepare", "def late():\n    import js"),
        ("app.screens.today", "import js"),
        ("app.sync.exchange", "from pyodide.ffi import to_js"),
        ("app.state", "from app.screens import today"),
        ("app.screens.today", "from app.notebook import Notebook"),
        ("app.screens.today", "import sqlmodel"),
        ("central.sync_api", "import flet"),
        ("central.sync_api", "from app.sync.exchange import exchange"),
        ("central.sync_api", "from app import notebook"),
        ("central.hq.pages", "from app.screens.parts import card"),
        ("central.field_app", "from web.build import ensure"),
    ],
)
def test_an_import_across_the_house_is_found(module: str, source: str) -> None:
    assert import_faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app.figures", "from app.records import HEADS\nfrom decimal import Decimal"),
        ("app.sync.exchange", "import httpx\nfrom . import journal, merge"),
        ("app.photos.prepare", "def shrink():\n    from PIL import Image"),
        ("app.device.canvas", "import js\nfrom pyodide.ffi import to_js\nfrom app.photos.prepare import fitted"),
        ("app.screens.today", "import flet as ft\nfrom app.state import use_app"),
        ("central.sync_api", "import fastapi\nfrom app.sync import stamp\nfrom app.sync.journal import Fault"),
    ],
)
def test_an_import_that_fits_is_left_alone(module: str, source: str) -> None:
    assert import_faults(module, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import time_ns",
        "import random",
        "import secrets",
        "from uuid import uuid4",
        "import uuid\nx = uuid.uuid4()",
        "import uuid\nx = uuid.uuid7()",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import date\nx = date.today()",
        "import os\nx = os.urandom(8)",
    ],
)
def test_a_question_in_the_hot_core_is_found(source: str) -> None:
    assert asking_faults("app.sync.merge", source)
    assert asking_faults("app.notebook", source) == []


def test_a_question_for_the_platform_is_found() -> None:
    source = "import sys\nif sys.platform == 'emscripten': pass"
    assert platform_faults("app.screens.today", source)
    assert platform_faults("app.device", source) == []


@pytest.mark.parametrize("path", ["app/utils.py", "central/common/pages.py", "web/helpers.js"])
def test_a_name_after_nothing_is_found(path: str) -> None:
    assert name_faults(path)


@pytest.mark.parametrize(
    "content",
    [
        b"x" * (MIB + 1),
        b"cd /" + b"work/main",
        b"PATH = '/" + b"root/x'",
        b"open('/" + b"home/lan/so.db')",
        b"out=/" + b"tmp/so.db",
        b"--index-url https://pypi" + b".org/simple",
    ],
)
def test_a_file_that_may_not_be_tracked_is_found(content: bytes) -> None:
    assert tracked_faults("some/file", content)


def test_central_starts_without_the_screens_being_installed() -> None:
    """What imports say is true when run: nothing that central loads brings flet in."""
    question = "import sys, central.app; sys.exit(any(m == 'flet' or m.startswith('flet_') for m in sys.modules))"
    subprocess.run([sys.executable, "-c", question], cwd=ROOT, check=True)
