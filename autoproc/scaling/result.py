"""What scaling gives: scaled reflections and how well it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.scaling.combine import IntensityChoice
from autoproc.scaling.error_model import MIN_OBSERVATIONS, ErrorBin, ErrorModel
from autoproc.scaling.links import words_of_parts
from autoproc.scaling.solve import Start
from autoproc.wording import number_ranges

LISTED = 8
"""Stretches of images that are named."""
TOO_FEW_REPEATS = "too few repeats to estimate ISa"


@dataclass(frozen=True, slots=True, eq=False)
class ImageScales:
    """Of one experiment, by image: number (n,), scale c, relative B (Angstrom^2), and observed over expected ratio."""

    image: np.ndarray
    scale: np.ndarray
    b: np.ndarray
    ratio: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class ScaleResult:
    """Scaled reflections and all that a report wants to know.

    experiments : with their scaling models; reflections : all that came in, with intensity_scale, variance_scale
        (after the error model), inverse_scale and flags
    n_given, n_scaled, n_outliers, n_shadowed : observations; blank_images : (experiment, image number)
    odd_images : (experiment, image number, part of the intensity of those beside it), in order
    unsteady : (experiment, images that are off, of how many) of sweeps in which these are too many to be left out
    candidates : intensity choices tried, the best first; rms : weighted residual after each step of the last fit
    start : for scaling the same reflections again within narrower limits
    parts : of each experiment, which of those that have reflections in common it is of
    others : of each experiment that agrees with the others in no setting, a warning; compared with itself only
    alone : warnings of experiments that have too little in common with the others to be compared
    apart : of each experiment that is left out for having nothing in common with the others, a warning
    uncorrected : why the correction of absorption that was asked for was not made; empty where it was
    rest : writes what no decision asks for, the variances of inverse_scale, into their column; None once that is done
    """

    experiments: tuple[Experiment, ...]
    reflections: Reflections
    error_model: ErrorModel
    error_bins: tuple[ErrorBin, ...]
    statistics: MergingStatistics
    images: tuple[ImageScales, ...]
    candidates: tuple[IntensityChoice, ...]
    i_mid: float
    rms: tuple[float, ...]
    n_cycles: int
    converged: bool
    n_parameters: dict[str, int]
    n_given: int
    n_scaled: int
    n_outliers: int
    n_shadowed: int
    blank_images: tuple[tuple[int, int], ...]
    odd_images: tuple[tuple[int, int, float], ...]
    unsteady: tuple[tuple[int, int, int], ...]
    start: Start
    parts: tuple[int, ...] = ()
    others: Mapping[int, str] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    apart: Mapping[int, str] = field(default_factory=dict)
    uncorrected: str = ""
    rest: Callable[[], None] | None = None

    @property
    def whole(self) -> ScaleResult:
        """With what was put off."""
        if self.rest is None:
            return self
        self.rest()
        return replace(self, rest=None)

    @property
    def isa(self) -> float | None:
        """Asymptotic I/sigma, 1/(a b); None where the error model was not fitted, and a and b are assumed."""
        is_fitted = self.start.params.error_model and sum(b.n for b in self.error_bins) >= MIN_OBSERVATIONS
        return self.error_model.isa if is_fitted and np.isfinite(self.error_model.isa) else None

    @property
    def errors_in_words(self) -> str:
        """ISa, or why there is none."""
        if self.isa is not None:
            return f"ISa {self.isa:.1f}"
        if not self.start.params.error_model:
            return "ISa is not estimated, as asked for: the sigmas may be too small"
        return f"{TOO_FEW_REPEATS}: the sigmas may be too small"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, in plain words."""
        left_out = [
            f"{words}: left out with what reaches into them; was the beam lost, or the shutter late?"
            for words in self.odd_image_words
        ]
        uncorrected = [self.uncorrected] if self.uncorrected else []
        return (*self.apart_words, *uncorrected, *self.blank_image_words, *left_out, *self.unsteady_words)

    @property
    def apart_words(self) -> list[str]:
        """Data sets that are not on one scale with the rest, a sentence for each kind."""
        linked = {n: part for n, part in enumerate(self.parts) if n not in self.others and n not in self.apart}
        return [*self.apart.values(), *self.others.values(), *self.alone, *words_of_parts(linked)]

    @property
    def blank_image_words(self) -> list[str]:
        """Images without signal, a sentence for each sweep that has some."""
        is_one_sweep = len({id(e.scan) for e in self.experiments}) == 1
        found = []
        for experiment in sorted({n for n, _ in self.blank_images}):
            numbers = sorted({image for n, image in self.blank_images if n == experiment})
            of = "" if is_one_sweep else f" of experiment {experiment}"
            images, have = ("image", "has") if len(numbers) == 1 else ("images", "have")
            found.append(
                f"{images} {number_ranges(numbers, LISTED)}{of} {have} no signal and {have} been left out; was the "
                "beam off, the shutter closed, or the crystal out of the beam?"
            )
        return found

    @property
    def unsteady_words(self) -> list[str]:
        """Sweeps whose intensities jump from image to image, a sentence for each."""
        of = [f" of experiment {n}" if len(self.experiments) > 1 else "" for n, *_ in self.unsteady]
        return [
            f"{n_off} of {n_images} images{sweep} have intensities that are off from those of the images beside them: "
            "which of them are good cannot be told, and all are kept; look at the beam, the shutter, and whether the "
            "crystal stayed in the beam"
            for (_, n_off, n_images), sweep in zip(self.unsteady, of, strict=True)
        ]

    @property
    def odd_image_words(self) -> list[str]:
        """Images whose intensities are off, and how far, a sentence for each sweep."""
        is_one_sweep = len({id(e.scan) for e in self.experiments}) == 1
        found = []
        for experiment in sorted({n for n, _, _ in self.odd_images}):
            here = [(image, ratio) for n, image, ratio in self.odd_images if n == experiment]
            found.append(_words(here, "" if is_one_sweep else f" of experiment {experiment}"))
        return found


def _words(odd: Sequence[tuple[int, float]], of: str) -> str:
    """Image numbers and the part of their neighbours' intensity, in order; of : which sweep's."""
    ratios = [f"{ratio:.2f}" for _, ratio in sorted(odd, key=lambda one: one[1])]
    several = ratios[0] if ratios[0] == ratios[-1] else f"{ratios[0]} to {ratios[-1]}"
    images, whose = ("image", "its") if len(odd) == 1 else ("images", "their")
    numbers = number_ranges([image for image, _ in odd], LISTED)
    return f"{images} {numbers}{of}: intensities {several} of {whose} neighbours'"
