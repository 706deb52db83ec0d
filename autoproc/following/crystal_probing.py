"""Looks at the crystal while its images come, by a thread of its own: what is found meanwhile does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from autoproc.config import Config
from autoproc.decisions.probe import PROBED, ProbeReport
from autoproc.decisions.provisional import PARTS, ProvisionalReport
from autoproc.following.coming import ImagesThere
from autoproc.models.experiment import Experiment
from autoproc.models.image_facts import ImageFacts
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.gathering import Gathering
from autoproc.spot_finding.images import SearchedFrame, without_counts
from autoproc.stages.find_spots import FoundSpots, spots_of
from autoproc.stages.integrate_stretches import first_images
from autoproc.stages.probe_sweep import Probe, ProbeParams, probe_sweep
from autoproc.stages.provisional_statistics import provisional_statistics

MOST_MISSING = 0.1
"""Of the images that a probe is made of may never have come: they were lost, and the others tell as much."""
BEHIND = "images come faster than they are searched"


@dataclass(frozen=True, slots=True)
class ImagesSoFar:
    """What was found on images, what each shows, by its number, and the spots on the first of them."""

    early: EarlySearch
    facts: Mapping[int, ImageFacts]
    gathering: Gathering


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The first images of a sweep: the experiment with their scan, what each shows, and what was found on them.

    gathering : of the first of them; later : what was found on those after a lost one, nothing on the lost
    """

    experiment: Experiment
    facts: list[ImageFacts]
    planned: int | None
    gathering: Gathering
    later: list[SearchedFrame]

    @classmethod
    def of(cls, n: int, there: ImagesThere, searched: ImagesSoFar) -> _Part:
        """The first n images as they are now, whatever is found meanwhile."""
        part, gathering = first_images(there.experiment, n), searched.gathering.copy()
        first, last = part.scan.image_range
        facts = [searched.facts[number] for number in range(first, last + 1) if number in searched.facts]
        found = ((frame, searched.early.find(first + frame)) for frame in range(gathering.n_frames, n))
        later = [without_counts(frame) if one is None else one._replace(frame=frame) for frame, one in found]
        return cls(part, facts, there.planned, gathering, later)

    def spots(self) -> FoundSpots:
        """The spots of the images."""
        for found in self.later:
            self.gathering.add(found)
        return spots_of(self.experiment, self.gathering)


class CrystalProbing:
    """Probes a crystal at some angles of rotation, and says what its sweep comes to at some parts of the plan."""

    def __init__(self, config: Config, tell: Callable[[ProbeReport | ProvisionalReport], None]) -> None:
        self._tell = tell
        self._params = ProbeParams(config.index, config.refine, config.bravais_settings)
        self._thread: threading.Thread | None = None
        self._trouble: list[Exception] = []
        self._probed, self._told = 0.0, 0.0
        self._lattice = Probe(ProbeReport(0.0, None, 0, 0, 0.0))

    def require_well(self) -> None:
        """Raises what has gone wrong since."""
        if self._trouble:
            raise self._trouble.pop()

    def look(self, there: ImagesThere, searched: ImagesSoFar, falls_behind: bool) -> None:
        """Begin what is due by now, unless something is under way.

        falls_behind : images go first; what a first probe finds is worth it all the same, all else is not
        """
        if self._thread is not None and self._thread.is_alive():
            return
        scan = there.experiment.scan
        n = n_searched(range(scan.image_range[0], scan.image_range[1] + 1), searched.facts.keys(), there.numbers)
        if n < searched.gathering.n_frames:  # some were taken away: what is there is looked at when that has settled
            return
        rotation = n * abs(scan.oscillation[1])
        angles = [angle for angle in PROBED if self._probed < angle <= rotation]
        shares = [share for share in PARTS if there.planned and self._told < share <= n / there.planned]
        if angles and not (self._probed and falls_behind):
            self._probed = angles[-1]
            part = _Part.of(n, there, searched)
            self._begin(lambda: self._probe(part))
        elif shares and falls_behind:
            self._told = shares[-1]
            self._tell(ProvisionalReport(shares[-1], n, rotation, why_not=BEHIND))
        elif shares:
            self._told = shares[-1]
            part = _Part.of(n, there, searched)
            self._begin(lambda: self._tell_so_far(part, shares[-1]))

    def finish(self) -> None:
        """Wait for what is under way."""
        if self._thread is not None:
            self._thread.join()

    def _begin(self, what: Callable[[], None]) -> None:
        def looked() -> None:
            try:
                what()
            except Exception as error:  # the edge of a thread: raised by the next turn
                self._trouble.append(error)

        self._thread = threading.Thread(target=looked, daemon=True)
        self._thread.start()

    def _probe(self, part: _Part) -> None:
        found = part.spots()
        probe = probe_sweep(part.experiment, found, part.facts, part.planned, self._params)
        self._lattice = probe
        self._tell(probe.report)

    def _tell_so_far(self, part: _Part, share: float) -> None:
        found = part.spots()
        self._tell(provisional_statistics(part.experiment, found, part.facts, share, self._lattice))


def n_searched(numbers: range, searched: Collection[int], there: Iterable[int]) -> int:
    """How many of these images, from the first on, tell of a rotation: all that are there were searched.

    A few of them may not be there, and are not the last.
    """
    is_there = set(map(int, there))
    n_lost, n_enough = 0, 0
    for n, number in enumerate(numbers, 1):
        if number in searched:
            n_enough = n if n_lost <= MOST_MISSING * n else n_enough
        elif number in is_there:
            break
        else:
            n_lost += 1
    return n_enough
