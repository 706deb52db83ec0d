"""What scaling gives: scaled reflections and how well it went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.scaling.combine import Candidate
from autoproc.scaling.error_model import ErrorBin, ErrorModel
from autoproc.scaling.solve import Start


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
    candidates : intensity choices tried, the best first; rms : weighted residual after each step of the last fit
    start : for scaling the same reflections again within narrower limits
    """

    experiments: tuple[Experiment, ...]
    reflections: Reflections
    error_model: ErrorModel
    error_bins: tuple[ErrorBin, ...]
    statistics: MergingStatistics
    images: tuple[ImageScales, ...]
    candidates: tuple[Candidate, ...]
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
    start: Start

    @property
    def isa(self) -> float:
        """Asymptotic I/sigma, 1/(a b)."""
        return self.error_model.isa
