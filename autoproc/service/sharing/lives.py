"""Signs of life in a folder: a file of each process, which changes while it lives."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autoproc.service.processes.stillness import Stillness

BEAT = 1.0
"""Seconds between two signs of life."""
SILENCE = 20.0
"""Seconds without one after which a process is taken to be gone. NFS may show a file as it was for 3 to 60 s (acregmin,
acregmax): one that is given up too early costs its piece of work, done twice. A judgement."""
ALIVE = ".alive"


def token() -> str:
    """A name of this process, told from all others."""
    return f"{os.uname().nodename}.{os.getpid()}.{secrets.token_hex(4)}"


@contextmanager
def seen_alive(folder: Path, who: str, every: float = BEAT) -> Iterator[None]:
    """A sign of life every so many seconds meanwhile."""
    path, is_over = folder / f"{who}{ALIVE}", threading.Event()

    def beat_on() -> None:
        n = 0
        while not is_over.wait(every):
            n += 1
            with suppress(OSError):
                path.write_text(str(n), encoding="utf-8")

    path.write_text("0", encoding="utf-8")
    thread = threading.Thread(target=beat_on, name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        with suppress(OSError):
            path.unlink(missing_ok=True)


class Lives:
    """Who of those that work on a folder lives, as far as can be seen."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._still = folder, Stillness(clock)

    def is_alive(self, who: str) -> bool:
        """It has been heard of not long ago, or was looked for only since then."""
        try:
            told = (self._folder / f"{who}{ALIVE}").read_text(encoding="utf-8")
        except OSError:
            return False
        return self._still.seconds(who, told) < SILENCE

    def all(self) -> list[str]:
        """Those who live."""
        names: list[str] = []
        with suppress(OSError):
            names = os.listdir(self._folder)
        every = (name.removesuffix(ALIVE) for name in names if name.endswith(ALIVE))
        return sorted(who for who in every if self.is_alive(who))
