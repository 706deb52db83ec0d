"""The pages of `autoproc serve`, asked as a browser asks that has them open, and how long each answer takes."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from collected.program import stop

PLACES = ("/", "/api/live", "/list", "/api/live")
"""What is asked for in turn: the page, and what it asks again and again itself."""
EVERY = 1.0
"""Seconds between two questions; pages ask for sweeps that are collected as often."""
LONGEST = 60.0
"""Seconds after which an answer does not come."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server of pages: its process, host and port, and the cookie of a browser that it knows."""

    process: subprocess.Popen[str]
    host: str
    cookie: str

    def fetch(self, place: str) -> tuple[float, int]:
        """Seconds until a page was there, and its bytes. Raises OSError where it is not answered with a page."""
        begin = time.monotonic()
        connection = http.client.HTTPConnection(self.host, timeout=LONGEST)
        try:
            connection.request("GET", place, headers={"cookie": self.cookie})
            answer = connection.getresponse()
            size = len(answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"{place}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"{place}: status {answer.status}")
        return time.monotonic() - begin, size

    def events(self) -> Iterator[bytes]:
        """The data of the events that pages follow, as long as they come."""
        connection = http.client.HTTPConnection(self.host)
        connection.request("GET", "/api/events", headers={"cookie": self.cookie})
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data:"):
                yield line


@contextmanager
def served(output: Path) -> Iterator[Served]:
    """Serve a folder of results."""
    command = [sys.executable, "-m", "autoproc", "serve", str(output), "serve.port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        link = urlsplit(process.stdout.readline().strip())
        threading.Thread(target=process.stdout.read, daemon=True).start()
        connection = http.client.HTTPConnection(link.netloc)
        connection.request("GET", f"/?{link.query}")
        cookie = connection.getresponse().headers["set-cookie"].split(";")[0]
        connection.close()
        yield Served(process, link.netloc, cookie)
    finally:
        stop(process)


@dataclass(slots=True)
class OpenPage:
    """A page that is open, which follows the events and asks every second. A context.

    taken : seconds of each answer; failed : questions without one
    """

    served: Served
    taken: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    n_events: int = 0
    _is_closed: threading.Event = field(default_factory=threading.Event)
    _asking: threading.Thread = field(init=False)

    def __enter__(self) -> OpenPage:
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._asking.start()
        threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        self._asking.join()

    @property
    def words(self) -> str:
        """How it was answered."""
        if not self.taken:
            return "the page was never answered"
        times = f"in the middle {1000 * median(self.taken):.0f} ms, at worst {1000 * max(self.taken):.0f} ms"
        lost = f"; {len(self.failed)} without an answer, the first: {self.failed[0]}" if self.failed else ""
        return f"the page asked {len(self.taken)} times, and heard {self.n_events} events: {times}{lost}"

    def _ask(self) -> None:
        n = 0
        while not self._is_closed.is_set():
            try:
                self.taken.append(self.served.fetch(PLACES[n % len(PLACES)])[0])
            except OSError as error:
                self.failed.append(str(error))
            n += 1
            self._is_closed.wait(EVERY)

    def _follow(self) -> None:
        for _ in self.served.events():
            self.n_events += 1
