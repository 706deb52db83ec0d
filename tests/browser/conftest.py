"""A browser as people have one, and pages served to it; tests are skipped where Chromium is not installed."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette

from autoproc.dashboard.access.guard import Keys
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.patience import server_of
from autoproc.viewing.subject import subject_of_files

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IDLE = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    requestIdleCallback(done, { timeout: 1000 }))))"""
"""Two frames are drawn, and nothing waits to be run."""
DRAWN = (
    "() => !document.querySelector('#viewer:not([data-whole])')",
    "() => !document.querySelector('#lattice .view:not([data-drawn])')",
    "() => document.fonts.status === 'loaded'",
)
"""What viewers say of themselves once they show what was asked for."""
POLL = 5
"""Milliseconds between two looks at what is under way."""
SIZES = {"desk": (1400, 900), "phone": (390, 844)}


@pytest.fixture(scope="package")
def chromium():
    """The browser, one for all tests of this folder that a process runs.

    Its driver takes the thread's event loop, so that it has to be gone before other tests want one.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Window:
    """A page of the browser, and what it had to complain about."""

    def __init__(self, browser, address: str, size: str, scheme: str) -> None:
        width, height = SIZES[size]
        self.complaints: list[str] = []
        self.address = address
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self._complain(said.text, said.type == "error" or self._warns(said)))
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("request", lambda asked: self._complain(asked.url, not asked.url.startswith((address, "data:"))))
        self.under_way: set[object] = set()
        self.page.on("request", self._begun)
        for ended in ("requestfinished", "requestfailed"):
            self.page.on(ended, self._ended)

    @staticmethod
    def _warns(said) -> bool:
        """What a driver says of its own speed when a test reads what it has drawn is none of ours."""
        return said.type == "warning" and "GL Driver Message" not in said.text

    def _begun(self, asked) -> None:
        """Events are listened to without an end."""
        if asked.resource_type != "eventsource":
            self.under_way.add(asked)

    def _ended(self, asked) -> None:
        self.under_way.discard(asked)

    def settle(self) -> None:
        """Wait until the page has all that it asked for, and its scripts have drawn what they draw of it."""
        while True:
            self.page.evaluate(IDLE)
            if not self.under_way:
                break
            self.page.wait_for_timeout(POLL)
        for drawn in DRAWN:
            self.page.wait_for_function(drawn)

    def _complain(self, what: str, really: bool = True) -> None:
        if really:
            self.complaints.append(what)


@pytest.fixture
def window(chromium):
    """window(address, size="desk", scheme="light"): a page; nothing it asks or says may be amiss in the end."""
    with windows_of(chromium) as opens:
        yield lambda *looks, **named: opens(*looks, **named).page


@contextmanager
def windows_of(browser) -> Iterator[Callable[..., Window]]:
    """A function that opens windows, which are closed in the end and may then have nothing to complain about."""
    opened: list[Window] = []

    def opens(address: str, size: str = "desk", scheme: str = "light") -> Window:
        opened.append(Window(browser, address, size, scheme))
        return opened[-1]

    yield opens
    for one in opened:
        one.context.close()
    assert [complaint for one in opened for complaint in one.complaints] == []


@pytest.fixture(scope="module")
def lasting_window(chromium):
    """The same for all tests of a module, with what tells when a page has settled: see Window."""
    with windows_of(chromium) as opens:
        yield opens


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The address at which an application is served."""
    server, listening = server_of(app), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def served():
    """served(app): a context in which it is served."""
    return serving


class Viewers:
    """The viewers of files, served for all tests of a module: nothing that a browser asks changes what it sees next."""

    def __init__(self, address: str, keys: Keys) -> None:
        self.address, self._keys = address, keys

    def open(self, page, path: str, ready: str):
        """The page at a path, such as images?image=5, once there is an element that says that it is ready."""
        page.request.get(f"{self.address}/{path.partition('?')[0]}?token={self._keys.token}", max_redirects=0)
        page.goto(f"{self.address}/{path}")
        page.wait_for_selector(ready)
        return page


@contextmanager
def viewing(files: Sequence[Path]) -> Iterator[Viewers]:
    """The viewers of files, as a user names them."""
    keys = Keys("secret")
    with serving(file_viewer(subject_of_files(files), ServeParams(), keys)) as address:
        yield Viewers(address, keys)


@pytest.fixture(scope="session")
def viewers_of():
    """viewers_of(files): a context in which they are served."""
    return viewing
