"""How fast images come, and whether they seem to have come to an end."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 10
"""Images from which their pace is known; sweeps of fewer are processed in no time. A judgement."""
QUIET = 1.0
"""Seconds without an image after which no more may come: a busy file server holds files back for about as long. Who is
wrong has lost a few seconds of a processor that had nothing else to do. A judgement."""
SLOW = 4.0
"""The same as a multiple of the time between images, where that is longer. A judgement."""


@dataclass(slots=True)
class ArrivalPace:
    """When images of a sweep were seen, by the clock that is passed in.

    pause : the longest after which more came though they had seemed to have come to an end, seconds
    """

    n: int = 0
    first: float = 0.0
    latest: float = 0.0
    pause: float = 0.0

    def come(self, n: int, now: float) -> None:
        """So many images are there."""
        if self.n == 0:
            self.first = now
        elif self.seems_over(now):
            self.pause = max(self.pause, now - self.latest)
        self.n, self.latest = n, now

    def seems_over(self, now: float) -> bool:
        """Nothing has come for longer than usual, and for twice as long as it once took until more came."""
        if self.n < FEWEST:
            return False
        interval = (self.latest - self.first) / (self.n - 1)
        return now - self.latest >= max(QUIET, SLOW * interval, 2 * self.pause)
