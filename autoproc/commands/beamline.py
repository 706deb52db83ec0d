"""`autoproc _beamline`: the simulated beamline of `autoproc demo`; not for people."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from autoproc.commands.beside import depend_on
from autoproc.commands.leaving import leaving_well
from autoproc.demonstration.collecting import collect_crystals
from autoproc.demonstration.crystals import CRYSTALS


def beamline_command(folder: Path, rate: float, beside: int) -> None:
    """Write the crystals' images from when the standard input ends on, and tell of each on the standard output."""
    depend_on(beside)
    with leaving_well():
        collect_crystals(CRYSTALS, folder, rate, lambda told: print(json.dumps(told), flush=True), sys.stdin.read)
