"""A worker for tests of shared sweeps, which are small: whoever has one waits for a helper before there is work."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from autoproc.service.executing.execution import execute
from autoproc.service.executing.worker import work
from autoproc.service.processing.process_job import process_job
from autoproc.service.sharing import leader

LONGEST = 120.0
"""Seconds until a helper has come, on the slowest machine."""
PUBLISH = leader.Leader._in_turn


def in_turn(self, *what):
    """Publish a stage when a helper is there, and begin when it has taken a piece: the pieces are quickly made here."""
    end = time.monotonic() + LONGEST
    while self._n_stages == 0 and not self._helpers() and time.monotonic() < end:
        time.sleep(0.01)
    turn = PUBLISH(self, *what)
    while turn._pieces is not None and self._helpers() and not turn._pieces.claimed() and time.monotonic() < end:
        time.sleep(0.01)
    return turn


def main(arguments: list[str]) -> int:
    leader.MEGAPIXELS, leader.FEWEST_BLOCKS, leader.Leader._in_turn = 0.3, 1, in_turn
    if arguments[0] == "--reports":
        work(int(arguments[1]), process_job)
        return 0
    return execute(Path(arguments[0]), process_job)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
