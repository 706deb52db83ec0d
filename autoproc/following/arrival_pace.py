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
    """When images of a sweep were seen, by the clock that is passed in; what nobody looked at is no pause.

    n_first, first : images at the first look that saw any, and when that was
    n, latest : all images, and when the last of them were seen; looked : when somebody looked last
    pause : the longest after which more came though they had seemed to have come to an end, seconds
    """

    n: int = 0
    n_first: int = 0
    first: float = 0.0
    latest: float = 0.0
    looked: float = 0.0
    pause: float = 0.0

    def look(self, n: int, now: float) -> None:
        """So many images are there."""
        if n != self.n:
            if self.n == 0:
                self.n_first, self.first = n, now
            elif self.seems_over:
                self.pause = max(self.pause, now - self.latest)
            self.n, self.latest = n, now
        self.looked = now

    @property
    def seems_over(self) -> bool:
        """At the last look nothing had come for longer than usual, and for twice as long as once before more came."""
        if self.n < FEWEST:
            return False
        n_seen = self.n - self.n_first  # coming: how fast those came that were there before, nobody knows
        interval = (self.latest - self.first) / n_seen if n_seen > 0 else 0.0
        return self.looked - self.latest >= max(QUIET, SLOW * interval, 2 * self.pause)
