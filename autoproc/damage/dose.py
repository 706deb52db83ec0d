"""The dose that a crystal had taken when each reflection was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.models.experiment import Experiment

MOST_STEPS = 5000
"""Steps on the axis of dose; sweeps of more images have several in a step."""


@dataclass(frozen=True, slots=True, eq=False)
class DoseAxis:
    """Equal steps of dose: step k, from 0, is from start + k width to start + (k + 1) width."""

    start: float
    width: float
    n_steps: int

    @property
    def ends(self) -> np.ndarray:
        """(n_steps,) dose at the end of each step."""
        return self.start + self.width * np.arange(1, self.n_steps + 1)

    @property
    def differences(self) -> np.ndarray:
        """(n_steps,) differences of dose, a step apart, from 0."""
        return self.width * np.arange(self.n_steps)

    def step_of(self, dose: np.ndarray) -> np.ndarray:
        """(N,) intp: the step in which each dose is; what is outside is in the first or the last."""
        step = np.ceil((dose - self.start) / self.width - 1e-9).astype(np.intp) - 1
        return np.clip(step, 0, self.n_steps - 1)


def sweep_numbers(experiments: Sequence[Experiment]) -> list[int]:
    """The first experiment of the same images, for each: lattices of one sweep share what they were exposed to."""
    keys = [_images_of(e, n) for n, e in enumerate(experiments)]
    return [keys.index(key) for key in keys]


def _images_of(experiment: Experiment, number: int) -> tuple[object, ...]:
    images = experiment.imageset
    return (id(experiment.scan),) if images is None else (images.template, experiment.scan.image_range, images.indices)


def starts_of(experiments: Sequence[Experiment], per_image: np.ndarray, crystals: Sequence[int] | None) -> np.ndarray:
    """(E,) dose at the start of each experiment's scan: sweeps of one crystal follow each other as they are listed.

    per_image : (E,) dose of an image; crystals : (E,) a number of the crystal of each; None means the same for all
    """
    taken: dict[int, float] = {}
    start: dict[int, float] = {}
    for number, sweep in enumerate(sweep_numbers(experiments)):
        crystal = 0 if crystals is None else crystals[number]
        if sweep not in start:
            start[sweep] = taken.get(crystal, 0.0)
            taken[crystal] = start[sweep] + per_image[number] * experiments[number].scan.n_images
    return np.array([start[sweep] for sweep in sweep_numbers(experiments)])


def doses_of(
    experiments: Sequence[Experiment], frame: np.ndarray, experiment: np.ndarray, per_image: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(N,) dose at frames (N,), from the start of each scan, of experiments (N,)."""
    last = np.array([float(e.scan.n_images) for e in experiments])[experiment]
    within = np.clip(np.where(np.isfinite(frame), frame, 0.0), 0.0, last)
    return starts[experiment] + within * per_image[experiment]


def dose_axis(dose: np.ndarray, per_image: np.ndarray) -> DoseAxis:
    """Steps of the smallest dose of an image that reach over all doses (N,)."""
    low, high = float(dose.min(initial=0.0)), float(dose.max(initial=0.0))
    width = float(min((p for p in per_image if p > 0), default=1.0))
    start = width * np.floor(low / width)
    width = max(width, (high - start) / MOST_STEPS)
    return DoseAxis(float(start), float(width), max(1, int(np.ceil((high - start) / width - 1e-9))))
