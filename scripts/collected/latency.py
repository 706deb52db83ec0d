"""The time from the last image of a sweep until its merged MTZ is there, and what it is made of."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from collected.beamline import Beamline
from collected.live import Followed, followed
from collected.program import QueueFile, autoproc, stop

PATIENCE = 1800.0
"""Seconds after the last image to wait for the last result."""
POLL = 0.2
AT_WORK = 60.0
"""Seconds in which a program has begun to watch."""
TIMES = "SELECT name, started_at, finished_at, state FROM jobs WHERE finished_at IS NOT NULL AND kind != 'combined'"


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one sweep, in seconds after its last image; ended : when that was, since 1970.

    written : seconds that its images took to come
    taken : its order was given to a worker; total : its merged MTZ was in its place; None where there is none
    stages : seconds of each after the last image, by itself; some run side by side
    known : what had been done by then; None of a sweep that was not followed
    """

    name: str
    ended: float
    written: float
    taken: float
    total: float | None
    state: str
    stages: Mapping[str, float]
    known: Followed | None

    @property
    def besides(self) -> float:
        """What is no stage: until a worker began, writing, putting in place."""
        return (self.total or 0.0) - sum(self.stages.values())

    @property
    def known_words(self) -> str:
        """What had been done when the last image came."""
        if self.known is None:
            return "it was not followed"
        return f"{self.known.words} ({self.known.age:.1f} s before, as was told last)"


@dataclass(slots=True)
class Visit:
    """A program that watches a folder into which a simulated beamline writes. A context.

    known : what had been done of each sweep when its last image came
    """

    home: Path
    settings: tuple[str, ...] = ()
    known: dict[str, Followed] = field(default_factory=dict)
    program: subprocess.Popen[bytes] = field(init=False)

    @property
    def images(self) -> Path:
        """Where sweeps come."""
        return self.home / "visit"

    @property
    def output(self) -> Path:
        """Where results go."""
        return self.home / "processed"

    def __enter__(self) -> Visit:
        """Begin, and wait until it watches."""
        self.images.mkdir(parents=True)
        self.begin()
        deadline = time.monotonic() + AT_WORK
        while not QueueFile(self.output).ask("SELECT * FROM programs") and time.monotonic() < deadline:
            time.sleep(POLL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop(self.program)

    def begin(self) -> None:
        """Begin the program, the first time or again."""
        self.program = autoproc("run", self.images, "--output", self.output, *self.settings, start_new_session=True)

    def beamline(self, *options: object) -> Beamline:
        """Begin to write sweeps."""
        return Beamline(self.images, *options, tell=self._note)

    def _note(self, name: str) -> None:
        self.known |= {one.name: one for one in followed(self.output) if one.name == name}

    def latencies(self, beamline: Beamline) -> list[Latency]:
        """Of the sweeps that have ended and are settled, in the order of their results."""
        rows = QueueFile(self.output).ask(f"{TIMES} ORDER BY finished_at")
        return [
            self._latency(name, beamline, started, finished, state)
            for name, started, finished, state in rows
            if name in beamline.ended
        ]

    def _latency(self, name: str, beamline: Beamline, started: float, finished: float, state: str) -> Latency:
        ended, written = beamline.ended[name], beamline.seconds[name]
        folder = self.output / name
        stages = {}
        if (folder / "summary.json").exists():
            stages = json.loads((folder / "summary.json").read_text())["timings"]
        total = finished - ended if (folder / "merged.mtz").exists() else None
        return Latency(name, ended, written, started - ended, total, state, stages, self.known.get(name))


def measure(source: Path, rate: float, home: Path, settings: tuple[str, ...] = ()) -> tuple[Latency, float, float]:
    """One sweep, written again at so many images a second; the load of the machine before and after.

    Raises SystemExit where it has no result.
    """
    before = os.getloadavg()[0]
    with Visit(home, settings) as visit:
        beamline = visit.beamline("--source", source, "--rate", rate)
        beamline.wait()
        deadline = time.monotonic() + PATIENCE
        while not (found := visit.latencies(beamline)) and time.monotonic() < deadline:
            time.sleep(POLL)
    if not found:
        raise SystemExit(f"{source} was written to {home}, and has no result")
    return found[0], before, os.getloadavg()[0]
