"""Work that is done again and again, but may take only such a part of the time, however long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Share:
    """When some work is due again: so much after its end that it takes no more than its part of the time.

    part : of the time, in (0, 1]; least : seconds between the end of the work and its next beginning at least
    """

    def __init__(self, part: float, least: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._part, self._least, self._clock = part, least, clock
        self._due = self._soonest = self._ended = clock()

    @property
    def is_due(self) -> bool:
        """The work may be done now."""
        return self.wait == 0.0

    @property
    def wait(self) -> float:
        """Seconds until it may be done."""
        return max(0.0, self._due - self._clock())

    @property
    def wait_after(self) -> float:
        """Seconds that it had to wait at least after the last time."""
        return self._soonest - self._ended

    def hurry(self) -> None:
        """Do it as soon as its part of the time allows."""
        self._due = self._soonest

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Do the work within this."""
        begun = self._clock()
        try:
            yield
        finally:
            self._ended = ended = self._clock()
            self._soonest = ended + (ended - begun) * (1 / self._part - 1)
            self._due = max(self._soonest, ended + self._least)
