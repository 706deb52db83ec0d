"""The pieces of a stage as whoever has the sweep takes them: from the first on, while helpers take them from the last.

So all that come after a piece that a helper has are made, or being made, and there is nothing to go on with meanwhile:
the piece is waited for, but no longer than is sensible, and then made here. Whatever helpers do, the stage ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from autoproc.service.sharing.lives import Lives
from autoproc.service.sharing.pieces import Arrays, Pieces, UnusableArrays

T = TypeVar("T")
LEADER = "leader"
PATIENCE = 2.0
"""Times that a piece takes here for which a helper's is waited for. As long is lost at most for each helper that hangs,
and one that is half as fast is still of use. A judgement."""
LEAST_PATIENCE = 5.0
"""Seconds that it is waited for at least: NFS may show a new file as late as 3 s after it was made (acdirmin is more,
but a folder that changes is asked for sooner). A judgement."""
MOST_TOLD = 10
"""Troubles with helpers at one stage that are told in the log."""
LOOK = 0.02
"""Seconds between two looks for an answer: one listing of a folder."""


@dataclass(slots=True)
class Tally:
    """Who has made how many pieces, and what went wrong."""

    n_pieces: int = 0
    by_helper: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)

    @property
    def told(self) -> list[str]:
        """What went wrong, each once, and no more than somebody reads."""
        told = list(dict.fromkeys(self.troubles))
        more = len(told) - MOST_TOLD
        return [*told[:MOST_TOLD], *([f"{more} more"] if more > 0 else [])]

    def count(self, who: str) -> None:
        """A piece of a helper's was taken."""
        self.by_helper[who] = self.by_helper.get(who, 0) + 1


class PiecesInTurn:
    """Takes pieces, in order of their numbers. pieces : None where they could not be published."""

    def __init__(
        self, pieces: Pieces | None, lives: Lives, tally: Tally, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pieces, self._lives, self._tally, self._clock = pieces, lives, tally, clock
        self._began: float | None = None
        self._pace = 0.0

    def take(self, number: int, use: Callable[[Arrays], T]) -> T | None:
        """What `use` makes of what a helper gives for a piece; None: it is to be made here.

        use : raises KeyError, ValueError, IndexError or TypeError for what it cannot use
        """
        if self._began is not None:
            self._pace = max(self._pace, self._clock() - self._began)
            self._began = None
        self._tally.n_pieces += 1
        found = self._taken(number, use)
        if found is None:
            self._began = self._clock()
        return found

    def _taken(self, number: int, use: Callable[[Arrays], T]) -> T | None:
        if self._pieces is None:
            return None
        try:
            if self._pieces.claim(number, LEADER):
                return None
            theirs = self._waited_for(self._pieces, number)
            if theirs is None:
                return None
            used = use(theirs)
            self._tally.count(self._pieces.holder(number))
        except (OSError, UnusableArrays) as error:
            self._tally.troubles.append(f"{error}")
            return None
        except (KeyError, ValueError, IndexError, TypeError) as error:
            self._tally.troubles.append(f"what a helper gave is of no use: {error}")
            return None
        return used

    def _waited_for(self, pieces: Pieces, number: int) -> Arrays | None:
        """Raises OSError and UnusableArrays."""
        deadline = self._clock() + max(PATIENCE * self._pace, LEAST_PATIENCE)
        while not pieces.is_answered(number):
            who = pieces.holder(number)
            if who in self._tally.given_up:
                return None
            why = pieces.why_declined(number)
            if why is not None:
                self._tally.troubles.append(f"{who} did not make a piece: {why}")
                return None
            if self._clock() > deadline or (who and not self._lives.is_alive(who)):
                self._tally.given_up.add(who)
                self._tally.troubles.append(f"{who or 'somebody'} took a piece, and was given up")
                return None
            time.sleep(LOOK)
        return pieces.read(number)
