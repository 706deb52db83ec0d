"""The simulated beamline: crystal after crystal, image after image, each made when it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autoproc.demonstration.crystals import PROTEIN, DemoCrystal
from autoproc.simulation.params import SimulateParams
from autoproc.simulation.simulate import simulate
from autoproc.simulation.sweep import SimulatedSweep
from autoproc.simulation.write import minicbf_writer

MOUNTING = 2.0
"""Seconds between two crystals: a robot takes 20 to 60, for which nobody wants to wait here."""

Tell = Callable[[dict[str, Any]], None]


def collect_crystals(
    crystals: Sequence[DemoCrystal],
    folder: Path,
    rate: float,
    tell: Tell,
    wait: Callable[[], object] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Write the images of one crystal after the other into a folder, at so many a second or as fast as they are made.

    tell : of every crystal that is mounted, and of every image that is written
    wait : until the first image may come; the first crystal is simulated before. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, crystal in enumerate(crystals):
        sweep = simulate(params_of(crystal, rate))
        if number:
            sleep(MOUNTING)
        else:
            wait()
        tell({"crystal": crystal.name, "image": 0})
        due = clock()
        for image in _written(sweep, folder, crystal.name):
            tell({"crystal": crystal.name, "image": image})
            due = max(due + 1 / rate, clock())
            sleep(max(0.0, due - clock()))


def params_of(crystal: DemoCrystal, rate: float) -> SimulateParams:
    """What a crystal is made of."""
    return SimulateParams(**PROTEIN, **crystal.own, exposure_time=1 / rate)


def _written(sweep: SimulatedSweep, folder: Path, name: str) -> Iterator[int]:
    """The number of each image when it is there. The headers say how many there will be."""
    write = minicbf_writer(sweep, folder, name, notes_number=True)
    for frame in range(sweep.n_frames):
        write(frame)
        yield frame + 1
