"""A phone as most inspectors have it: a browser with its own profile, which can be killed and started again.

The browser is a process of ours, so that its death is real: SIGKILL of the whole process group, as when a battery ends.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Worker

from tests.ui.driver import CHROMIUM, CHROMIUM_ARGUMENTS, PATIENCE, PHONE, WITH_WEBGL, Phone, until

WARM_SECONDS = 180.0
"""Until the app's first screen; only failures take that long."""


def _end_with_the_test() -> None:
    """Linux ends a browser whose test was killed outright, so that none goes on drawing for nobody."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@dataclass
class Pocket:
    """One browser profile. `start` it, `open` the app, `kill` it, `start` it again."""

    playwright: Playwright
    profile: Path
    size: tuple[int, int] = PHONE
    arguments: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    browser: Browser | None = None
    requests: list[str] = field(default_factory=list)
    """Every address any page, worker or service worker asked for, in this life of the browser and those before."""
    origins: set[str] = field(default_factory=set)
    """Where pages were opened from."""
    complaints: list[str] = field(default_factory=list)

    @property
    def strangers(self) -> list[str]:
        """Requests that left the origin of every page opened here."""
        return [url for url in self.requests if not url.startswith((*self.origins, "data:", "blob:", "about:"))]

    def start(self) -> "Pocket":
        self.profile.mkdir(parents=True, exist_ok=True)
        port_file = self.profile / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        log = (self.profile.parent / f"{self.profile.name}.log").open("ab")
        self.process = subprocess.Popen(
            [
                CHROMIUM,
                "--headless=new",
                f"--user-data-dir={self.profile}",
                "--remote-debugging-port=0",
                "--lang=vi",
                f"--window-size={self.size[0]},{self.size[1]}",
                "--disable-features=Translate",
                *CHROMIUM_ARGUMENTS,
                *WITH_WEBGL,
                *self.arguments,
                "about:blank",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_the_test if sys.platform == "linux" else None,
        )
        until(lambda: port_file.exists() and port_file.read_text().count("\n"), "the browser listens")
        port = port_file.read_text().split()[0]
        self.browser = self.playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        self.context.on("request", lambda request: self.requests.append(request.url))
        return self

    @property
    def context(self) -> BrowserContext:
        assert self.browser is not None
        return self.browser.contexts[0]

    def kill(self) -> None:
        """SIGKILL to the browser and all its children; the profile is as a dead battery leaves it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.browser = None
        for lock in self.profile.glob("Singleton*"):
            lock.unlink()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def forget(self) -> None:
        """A new phone: nothing of the old one is left."""
        shutil.rmtree(self.profile, ignore_errors=True)

    def page(self, url: str) -> Page:
        """A new tab at `url`."""
        page = self.context.new_page()
        page.set_viewport_size({"width": self.size[0], "height": self.size[1]})
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.origins.add("/".join(url.split("/")[:3]) + "/")
        page.goto(url)
        return page

    def open(self, url: str, seeing: str | None = None) -> Phone:
        """The app in a new tab, once its first screen (with `seeing` on it) is there."""
        return shown(self.page(url), seeing)

    def reopened(self, page: Page) -> Phone:
        """The app of a page that is being loaded again."""
        page.wait_for_selector("#opening", state="attached", timeout=PATIENCE * 1000)
        return shown(page)

    def installed(self, page: Page) -> None:
        """Waits until the offline copy is whole and in charge: Chromium may crash a page that is left in between."""
        until(
            lambda: page.evaluate(
                """async () => {
                    const kept = await navigator.serviceWorker.getRegistration();
                    const names = await caches.keys();
                    return Boolean(kept?.active && navigator.serviceWorker.controller && names.length === 1 && await (await caches.open(names[0])).match('/release.json'));
                }"""
            ),
            "the app is installed for offline use",
            WARM_SECONDS,
        )


def shown(page: Page, seeing: str | None = None) -> Phone:
    """The app of a page once its opening screen is gone and a screen reader could read it."""
    until(
        lambda: page.query_selector("#opening") is None,
        lambda: f"the app opens: {page.evaluate('document.body.innerText')!r}",
        WARM_SECONDS,
    )
    page.wait_for_selector("flt-semantics-placeholder", state="attached", timeout=PATIENCE * 1000)
    page.evaluate("document.querySelector('flt-semantics-placeholder').click()")
    phone = Phone(page)
    if seeing is not None:
        phone.sees(seeing)
    return phone


def worker_of(page: Page) -> Worker:
    """The worker in which Python runs."""
    until(lambda: any(w.url.endswith("/worker.js") for w in page.workers), "Python's worker runs")
    return next(w for w in page.workers if w.url.endswith("/worker.js"))


def python(page: Page, code: str) -> Any:
    """Runs code in the app's Python; the value of its last expression comes back through JSON."""
    answer = worker_of(page).evaluate(
        """async code => {
            const scope = self.pyodide.toPy({});
            const value = await self.pyodide.runPythonAsync(code, { globals: scope });
            scope.set('_value', value);
            return self.pyodide.runPython('import json; json.dumps(_value)', { globals: scope });
        }""",
        code,
    )
    return json.loads(answer)
