"""Work on a sweep's images that several processes may share: what the stages ask of whoever has it shared."""

from __future__ import annotations

from typing import Protocol

from autoproc.integration.passes import Measure
from autoproc.stages.find_spots import Early


class Sharing(Protocol):
    """Gives what comes out where a sweep is processed by one process alone, to the bit."""

    def found(self, n_frames: int) -> Early:
        """What others find on so many frames, for a search that asks for them in order."""

    @property
    def measure(self) -> Measure:
        """Measures blocks of rotation."""
