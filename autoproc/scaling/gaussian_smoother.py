"""A smooth function of one coordinate: Gaussian weighted means of equally spaced parameters.

The scheme of AIMLESS (Evans & Murshudov 2013, Acta D69, 1204) with the positions and weights of DIALS, so
that its parameters mean the same in DIALS files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels.scaling_model import smoothed, smoother_weights

N_AVERAGE = 3
SIGMA = 0.65 + 0.05 * (N_AVERAGE - 2)
"""Width of the Gaussian in units of the spacing."""


@dataclass(frozen=True, slots=True)
class GaussianSmoother:
    """Parameters at unit spacing over [0, n_intervals].

    With more than two intervals the parameters stand half a spacing beside the edges of the intervals, one
    of them outside the range at either end; with one or two they stand on the edges.
    """

    n_intervals: int

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return self.n_intervals + (2 if self.n_intervals > 2 else 1)

    @property
    def positions(self) -> np.ndarray:
        """(n_parameters,) where the parameters stand."""
        return np.arange(self.n_parameters) - (0.5 if self.n_intervals > 2 else 0.0)

    def weights(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parameters that make the value at each x (N,), and their weights, of sum 1; both (N, k), k = 2 or 3.

        The value is weighted_sum(parameters, index, weight).
        """
        width = min(N_AVERAGE, self.n_parameters)
        return smoother_weights(x, self.n_parameters, width, float(self.positions[0]), SIGMA)

    def values(self, x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """(N,) the values at each x (N,), of parameters (n_parameters,)."""
        return smoothed(x, parameters, min(N_AVERAGE, self.n_parameters), float(self.positions[0]), SIGMA)


def weighted_sum(parameters: np.ndarray, index: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N,) sum over k of parameters[index] * weight, both (N, k): what GaussianSmoother.weights gives, made its values.

    Column by column, to the same last bit as along the rows: numpy sums rows of three five times as slowly.
    """
    parts = parameters.take(index)
    parts *= weight
    total = np.zeros(len(parts))
    for column in parts.T:
        total += column
    return total


def smoother_for_range(width: float, spacing: float) -> GaussianSmoother:
    """A smoother over a range of `width` with about one parameter each `spacing` (same unit)."""
    return GaussianSmoother(max(1, int(np.ceil(width / spacing - 1e-6))))
