"""Stretches of a sweep that are integrated while it is still being collected, by a thread of its own."""

from __future__ import annotations

import threading

from autoproc.config import Config
from autoproc.errors import UNREADABLE
from autoproc.following.coming import ImagesThere
from autoproc.following.frames_there import FramesThere
from autoproc.formats.images.frames import ImageReader
from autoproc.integration.milestones import milestones
from autoproc.models.experiment import Experiment
from autoproc.spot_finding.gathering import Gathering
from autoproc.stages.early_work import EarlyStretches, milestone_key
from autoproc.stages.find_spots import spots_of
from autoproc.stages.integrate_stretches import next_milestone
from autoproc.stages.pipeline import stretches_params


class EarlyIntegration:
    """Integrates a sweep stretch by stretch, each when all images until its milestone, and one more, are searched."""

    def __init__(self, config: Config, n_threads: int) -> None:
        self._params, self._n_threads = stretches_params(config), n_threads
        self._done = EarlyStretches()
        self._thread: threading.Thread | None = None
        self._is_useless = False
        self._trouble: list[Exception] = []

    def require_well(self) -> None:
        """Raises what has gone wrong since."""
        if self._trouble:
            raise self._trouble.pop()

    @property
    def is_busy(self) -> bool:
        """A stretch is being integrated."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def n_images(self) -> int:
        """How many of the first images it has got to."""
        return self._done.n_images

    def result(self) -> EarlyStretches:
        """What was made, when the stretch that is under way is done."""
        if self._thread is not None:
            self._thread.join()
        return self._done

    def due(self, there: ImagesThere, n_ready: int) -> int | None:
        """The next milestone, if it can be integrated until there: a number of images, of which all were searched.

        n_ready : first images that were searched, none of them lost
        """
        if self.is_busy or self._is_useless:
            return None
        width, how = there.experiment.scan.oscillation[1], self._params.integrate.stretches
        reached = milestones(n_ready, width, how, there.announced)
        return next((n for n in reached if n > self._done.n_images), None)

    def begin(self, n_images: int, there: ImagesThere, frames: FramesThere, gathering: Gathering) -> None:
        """Integrate until a milestone that is due; gathering : of these images and maybe more."""
        try:
            reader = frames.reader.apart(n_images)
        except UNREADABLE:
            return
        if reader is None:
            self._is_useless = True
            return
        arguments = there.experiment, n_images, gathering.copy(), reader
        self._thread = threading.Thread(target=self._integrate, args=arguments, daemon=True)
        self._thread.start()

    def _integrate(self, experiment: Experiment, n_images: int, gathering: Gathering, reader: ImageReader) -> None:
        """Whatever goes wrong, the sweep is integrated when it is complete."""
        try:
            found = spots_of(experiment, gathering, (n_images,))
            assert found.by_milestone is not None
            spots = found.by_milestone.until(n_images)
            key = milestone_key(experiment, n_images, spots, self._params)
            integrating = next_milestone(
                self._done.integrating, experiment, n_images, spots, reader, self._params, self._n_threads
            )
            self._done = EarlyStretches((*self._done.keys, key), n_images, integrating)
        except Exception as error:  # the edge of a thread: raised by the next turn
            self._is_useless = True
            self._trouble.append(error)
