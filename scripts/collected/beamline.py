"""scripts/simulate_beamline as a process, and when each of its sweeps was written."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "simulate_beamline"


class Beamline:
    """Writes sweeps crystalN_1 into VISIT/crystalN.

    ended : when the last image of each was written, seconds since 1970, by the name of the sweep
    seconds : that writing it took. Another thread fills both
    """

    def __init__(self, visit: Path, *options: object, tell: Callable[[str], None] = lambda name: None) -> None:
        """options : of scripts/simulate_beamline; tell : is told the name of each sweep as soon as it is written."""
        self.ended: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self._tell = tell
        command = [sys.executable, str(SCRIPT), str(visit), *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    @property
    def is_writing(self) -> bool:
        """Its last sweep is not written yet."""
        return self._hearing.is_alive()

    def wait(self) -> None:
        """Wait for its last sweep. Raises SystemExit if it could not write."""
        self._hearing.join()
        if self.process.wait():
            sys.exit("the simulated beamline failed; what it said stands above")

    def stop(self) -> None:
        """End it, wherever it is."""
        self.process.terminate()
        self.process.wait()
        self._hearing.join()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                words = line.split()
                if words[2:4] == ["is", "written"]:
                    name = f"{words[1]}_1"
                    self.seconds[name] = float(words[5])
                    self.ended[name] = time.time()
                    self._tell(name)
