"""Drives the real app in Chromium as a thumb does: what is seen is waited for, what is touched is counted.

The app draws on a canvas; what tests find and press are the nodes of its semantics tree, the same ones a screen reader
uses. Touching a node means a click of the mouse at its middle, so a control that is covered or off the screen fails.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import FloatRect, Locator, Page
from playwright.sync_api import TimeoutError as NotSeen

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
WITH_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
"""As on a phone, but by the processor; slow."""
WITHOUT_WEBGL = ["--disable-gpu", "--disable-3d-apis"]
"""CanvasKit draws by itself: the same screens with half of the work for the processor."""
PHONE = (360, 640)
PATIENCE = 60.0
"""Seconds until something not seen counts as missing; only failures take that long."""
BLANK = 6000
"""Bytes of a PNG of an empty screen, generously."""
SHOTS = Path(__file__).parents[2] / ".cache" / "shots"


def free_port() -> int:
    """A TCP port nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(true: Callable[[], object], what: str | Callable[[], str], patience: float = PATIENCE) -> None:
    """Looks again and again until `true()` holds; AssertionError naming `what` after `patience` seconds."""
    give_up = time.monotonic() + patience
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {patience:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


@dataclass
class App:
    """A field app served on its own port, with its own data folder."""

    process: subprocess.Popen[bytes]
    url: str
    data: Path
    log: Path

    def kill(self) -> None:
        """SIGKILL, as a phone does to an app it needs the memory of."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(script: Path, data: Path, **environment: str) -> Iterator[App]:
    """Runs `script` in Flet's server mode until the block ends; its output goes to `data/app.log`."""
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = data / "app.log"
    env = {
        **os.environ,
        "FLET_FORCE_WEB_SERVER": "true",
        "FLET_SERVER_IP": "127.0.0.1",
        "FLET_SERVER_PORT": str(port),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **environment,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(script)], env=env, stdout=output, stderr=output, start_new_session=True
        )
    app = App(process, f"http://127.0.0.1:{port}", data, log)

    def answers() -> bool:
        assert process.poll() is None, f"the app ended: {log.read_text()[-2000:]}"
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers, f"{script.name} answers on {port}")
        yield app
    finally:
        if process.poll() is None:
            app.kill()


@dataclass
class Phone:
    """One open app on one screen. `taps` counts touches since the last `count_taps()`."""

    page: Page
    taps: int = 0
    complaints: list[str] = field(default_factory=list)
    is_moving: bool = False

    def open(self, url: str, seeing: str | None = None) -> "Phone":
        """Loads `url`, wakes the semantics tree and waits until `seeing` is on the screen."""
        self.page.goto(url)
        self.page.wait_for_selector("flt-semantics-placeholder", state="attached", timeout=PATIENCE * 2000)
        self.page.evaluate("document.querySelector('flt-semantics-placeholder').click()")
        if seeing is not None:
            self.sees(seeing)
        return self

    def go(self, path: str, seeing: str | None = None) -> None:
        """Changes the address as a link inside the page would, without loading the app again."""
        self.page.evaluate(
            "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate', { state: null })); }",
            path,
        )
        if seeing is not None:
            self.sees(seeing)

    # finding ------------------------------------------------------------------------------------------------

    def node(self, name: str) -> Locator:
        """The control with this test identifier, or else this accessible name, or else this text.

        `row-2/text-note` is a control inside another one.
        """
        if re.fullmatch(r"[a-z0-9_-]+(/[a-z0-9_-]+)+", name):
            inside = " ".join(f'[flt-semantics-identifier="{part}"]' for part in name.split("/"))
            return self.page.locator(inside).first
        if re.fullmatch(r"[a-z0-9_-]+", name):
            return self.page.locator(f'[flt-semantics-identifier="{name}"]').first
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        for role in ("button", "textbox", "checkbox", "switch", "radio", "tab"):
            found = self.page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
            if found.count():
                return found.first
        return self.page.locator(f'[aria-label*="{quoted}"]').or_(self.page.get_by_text(name)).first

    def sees(self, text: str, patience: float = PATIENCE) -> None:
        """Waits until `text` can be read somewhere on the screen, in a text, a name or a field."""
        until(lambda: text in self.reading(), lambda: f"{text!r} on the screen:\n{self.reading()}", patience)

    def sees_not(self, text: str, patience: float = PATIENCE) -> None:
        """Waits until `text` can no longer be read."""
        until(lambda: text not in self.reading(), f"{text!r} gone from the screen", patience)

    def has(self, name: str) -> bool:
        """Whether a control of this identifier or name is there now."""
        return self.node(name).count() > 0

    def texts(self) -> list[str]:
        """All that can be read now, in the order of the semantics tree: texts, names and the contents of fields."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('flt-semantics-host *')].flatMap(e => {
                const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim());
                return [e.getAttribute('aria-label'), e.value, ...own].filter(t => typeof t === 'string' && t);
            })"""
        )
        return found

    def reading(self) -> str:
        """`texts()` as one string, a line each."""
        return "\n".join(self.texts())

    def box(self, name: str) -> tuple[float, float, float, float]:
        """(x, y, width, height) of a control in logical pixels; waits until it is there."""
        found: FloatRect | None = None

        def is_there() -> bool:
            nonlocal found
            found = self.node(name).bounding_box() if self.node(name).count() else None
            return found is not None

        until(is_there, lambda: f"{name!r} is there:\n{self.reading()}")
        assert found is not None
        return found["x"], found["y"], found["width"], found["height"]

    def here(self) -> str:
        """The path one is at; `page.url` lags behind while nothing else is asked of the page."""
        path: str = self.page.evaluate("location.pathname")
        return path

    # touching -----------------------------------------------------------------------------------------------

    def tap(self, name: str) -> None:
        """One touch in the middle of a control, scrolled to first when it is below or above the screen."""
        x, y, width, height = self.scroll_to(name)
        self.page.mouse.click(x + width / 2, y + height / 2)
        self.taps += 1
        self.is_moving = not re.search(r"(^key-|-plus$|-minus$)", name)  # keys and counters move nothing

    def back(self) -> None:
        """One touch on the arrow back, and once more when the page was still gliding in and did not hear it."""
        left = self.here()
        for _ in range(2):
            self.tap("back")
            try:
                until(lambda: self.here() != left, f"back from {left}", patience=4)
            except AssertionError:
                continue
            return
        raise AssertionError(f"no way back from {left}:\n{self.reading()}")

    def awake(self, name: str) -> str:
        """Waits until a control can be pressed (it rests until what it needs is there), and gives its name back."""
        until(lambda: self.node(name).locator("[flt-tappable]").count(), lambda: f"{name!r} wakes:\n{self.reading()}")
        return name

    def tap_until(self, name: str, text: str) -> None:
        """One touch, then waits for what it brings."""
        self.tap(name)
        self.sees(text)

    def long_press(self, name: str) -> None:
        """Holds a control for a second: a long press takes 500 ms, and begins late while semantics are on."""
        x, y, width, height = self.scroll_to(name)
        self.page.mouse.click(x + width / 2, y + height / 2, delay=1000)
        self.taps += 1

    def swipe(self, towards: str) -> None:
        """A thumb across the middle of the screen, to the `left` or `right`."""
        size = self.page.viewport_size
        assert size is not None
        start, end = (0.8, 0.2) if towards == "left" else (0.2, 0.8)
        y = size["height"] * 0.3
        self.page.mouse.move(size["width"] * start, y)
        self.page.mouse.down()
        for step in range(1, 9):
            self.page.mouse.move(size["width"] * (start + (end - start) * step / 8), y)
        self.page.mouse.up()
        self.taps += 1

    def type_into(self, label: str, text: str) -> None:
        """Touches the field called `label` and types, until the text stands there; leaves the focus there.

        A screen that is being dressed takes the focus away again, and the engine drops keys while it changes fields:
        a person touches and types once more, and so does this.
        """
        self.tap(label)
        cdp = self.page.context.new_cdp_session(self.page)
        tapped = time.monotonic()

        def has_focus() -> bool:
            return bool(self.node(label).evaluate("e => e.contains(document.activeElement)"))

        def is_listening() -> bool:
            """The engine hears the keys of a field only some frames after the field has the focus."""
            field = cdp.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
            heard = cdp.send("DOMDebugger.getEventListeners", {"objectId": field})["listeners"]
            return any(listener["type"] == "input" for listener in heard)

        def stands() -> bool:
            """What was typed is still in the field after it was drawn."""
            nonlocal tapped
            if has_focus() and is_listening():
                self.page.keyboard.press("Control+A")
                self.page.keyboard.insert_text(text)
                self.settle()
                if has_focus() and bool(self.page.evaluate("() => document.activeElement.value ?? ''")) == bool(text):
                    return True
            if time.monotonic() - tapped > 2:
                self.page.evaluate("() => document.activeElement.blur()")  # a field that has it is not given it anew
                x, y, width, height = self.box(label)
                self.page.mouse.click(x + width / 2, y + height / 2)
                tapped = time.monotonic()
            return False

        until(stands, lambda: f"{text!r} stands in {label!r}:\n{self.reading()}", patience=20)
        cdp.detach()
        self.is_moving = True  # a field that is typed into glides into view

    def scroll_to(self, name: str) -> tuple[float, float, float, float]:
        """Turns the wheel until the control's middle is on the screen and not under a foot, and says where it is.

        A control far away is not in the tree at all: then it is looked for downwards first, then upwards.
        """
        size = self.page.viewport_size
        assert size is not None
        give_up = time.monotonic() + PATIENCE
        lost = 0
        before = None
        while True:
            node = self.node(name)
            found = node.bounding_box() if node.count() else None
            if found is not None and self.is_moving and found != before:
                before = found  # what glides is not where it seems to be
            elif found is not None:
                self.is_moving = False
                middle = found["y"] + found["height"] / 2
                if 0 < middle < size["height"] and node.evaluate(
                    """e => {
                        const r = e.getBoundingClientRect();
                        const hit = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
                        const touched = '[flt-tappable], input, textarea';
                        const acts = e.matches(touched) || e.querySelector(touched);
                        return e.contains(hit) || !acts && (!hit || hit.contains(e));
                    }"""
                ):
                    return found["x"], found["y"], found["width"], found["height"]
                self._wheel(120 if middle > size["height"] / 2 else -120)
            else:
                lost += 1
                if lost > 3:
                    self._wheel(240 if lost < 40 else -240)
            if time.monotonic() > give_up:
                raise AssertionError(f"{name!r} is not on the screen:\n{self.reading()}")
            self.settle()

    def _wheel(self, distance: float) -> None:
        size = self.page.viewport_size
        assert size is not None
        self.page.mouse.move(size["width"] / 2, size["height"] / 2)
        self.page.mouse.wheel(0, distance)
        self.is_moving = True

    def settle(self) -> None:
        """Waits for two drawn frames."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def count_taps(self) -> None:
        """Starts counting touches anew."""
        self.taps = 0

    # judging ------------------------------------------------------------------------------------------------

    def unnamed(self) -> list[str]:
        """Everything that can be pressed or typed into and has no accessible name, as HTML."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('flt-semantics-host *')].filter(e => {
                const role = e.getAttribute('role');
                const acts = ['button', 'textbox', 'checkbox', 'switch', 'radio', 'link', 'tab', 'combobox',
                              'menuitem'].includes(role) || ['INPUT', 'TEXTAREA'].includes(e.tagName)
                              || e.hasAttribute('flt-tappable');
                if (!acts || e.type === 'file') return false;
                const said = (e.getAttribute('aria-label') || '') + (e.textContent || '') + (e.value || '');
                return !said.trim();
            }).map(e => e.outerHTML.slice(0, 300))"""
        )
        return found

    def small_targets(self, at_least: float = 48) -> list[str]:
        """Buttons narrower or lower than a finger, as `name width×height`."""
        found: list[str] = self.page.evaluate(
            """least => [...document.querySelectorAll('flt-semantics-host [role=button]')].flatMap(e => {
                const r = e.getBoundingClientRect();
                if (r.width >= least - .5 && r.height >= least - .5) return [];
                return [`${e.getAttribute('aria-label') || e.textContent} ${r.width}×${r.height}`];
            })""",
            at_least,
        )
        return found

    def shot(self, name: str, *, moving: bool = False) -> Path:
        """A picture of the screen in `.cache/shots/`, for a person to look at: once two in a row are alike and not blank.

        The semantics tree is ahead of what is painted, by seconds while fonts are still loading. What is `moving` (a
        live camera) need not come to rest.
        """
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        before = b""

        def has_settled() -> bool:
            nonlocal before
            now = self.page.screenshot()
            alike = (moving or now == before) and len(now) > BLANK
            before = now
            return alike

        until(has_settled, f"the picture {name} comes to rest")
        path.write_bytes(before)
        return path


__all__ = [
    "CHROMIUM",
    "CHROMIUM_ARGUMENTS",
    "PHONE",
    "SHOTS",
    "WITHOUT_WEBGL",
    "WITH_WEBGL",
    "App",
    "NotSeen",
    "Phone",
    "free_port",
    "serving",
    "until",
]
