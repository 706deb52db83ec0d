"""E^2: intensities divided by their expected mean, a smooth function of resolution, rotation and direction.

The mean is estimated from the distribution of the intensities alone (no equivalents are needed),
so absorption, decay and changes of volume are taken out before any symmetry is assumed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.models.numbering import rows_by_experiment
from autoproc.robust import without_extremes
from autoproc.symmetry.corrected_observations import CorrectedObservations
from autoproc.threads import map_in_order

PER_SHELL, MAX_SHELLS = 300, 60
PER_PARAMETER = 150
MAX_FITTED = 20000
BLOCK = 16384
N_ROUNDS = 2
N_SCORING = 10
RIDGE = 1e-3
CLIP = 8.0
MAX_E2 = 16.0


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """E^2 and its sigma, (N,), of observations, and the expected mean intensity, (N,)."""

    e2: np.ndarray
    sigma: np.ndarray
    mean: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Normalised:
        """The rows of a mask or index array."""
        return Normalised(self.e2[rows], self.sigma[rows], self.mean[rows])


def normalise(observations: CorrectedObservations, prescale: bool = True) -> Normalised:
    """E^2 of observations.

    With `prescale` the expected mean varies smoothly with rotation angle and with the direction of
    the diffracted beam in the crystal, as well as with resolution; a gamma regression with a
    logarithmic link finds it, because Wilson intensities scatter as their mean.
    """
    mean = np.empty(len(observations))
    for rows in rows_by_experiment(observations.experiment).values():
        mean[rows] = _expected_mean(observations[rows], prescale)
    return Normalised(observations.intensity / mean, observations.sigma / mean, mean)


def _expected_mean(part: CorrectedObservations, prescale: bool) -> np.ndarray:
    """(N,) expected intensity of the observations of one experiment."""
    shells = _shells(part.s2)
    mean = shell_mean(part.s2, part.intensity, shells)
    n_terms = len(part) // PER_PARAMETER
    if not prescale or not n_terms:
        return mean
    extent = (float(part.phi.min()), float(part.phi.max()), float(part.s2.max()))
    some = np.random.default_rng(2).permutation(len(part))[:MAX_FITTED]
    design = _design(part[some], extent, n_terms)
    blocks = [np.arange(start, min(start + BLOCK, len(part))) for start in range(0, len(part), BLOCK)]
    scale = np.ones(len(part))
    for _ in range(N_ROUNDS):
        noise = part.sigma[some] / mean[some]
        b = _gamma_regression(design, part.intensity[some] / mean[some], 1 / (1 + noise**2))
        surfaces = map_in_order(partial(_factors, part, extent, n_terms, b), blocks, 1 if len(blocks) == 1 else 0)
        for rows, factors in zip(blocks, surfaces, strict=True):
            scale[rows] *= factors
        mean = scale * shell_mean(part.s2, part.intensity / scale, shells)
    return mean


def _factors(
    part: CorrectedObservations, extent: tuple[float, float, float], n_terms: int, b: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """(n,) of some rows, by the coefficients b of their smooth functions."""
    return np.exp(np.clip(_design(part[rows], extent, n_terms) @ b, -4, 4))


def _shells(s2: np.ndarray) -> list[np.ndarray]:
    return shells_of_equal_number(s2, PER_SHELL, MAX_SHELLS)


def shell_mean(s2: np.ndarray, intensity: np.ndarray, shells: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """(N,) mean intensity: log I piecewise linear in s2 between `shells`, rows of equal numbers if not given."""
    shells = _shells(s2) if shells is None else shells
    centres = np.array([s2[rows].mean() for rows in shells])
    floor = 1e-3 * max(float(np.mean(np.abs(without_extremes(intensity)))), 1e-30)
    means = np.log([max(_trimmed_mean(intensity[rows]), floor) for rows in shells])
    return np.exp(np.interp(s2, centres, means))


def _trimmed_mean(intensity: np.ndarray) -> float:
    """Mean with values beyond 12 times the mean, either way, brought to it: ice spots, zingers and failed fits."""
    mean = float(without_extremes(intensity).mean())
    for _ in range(3):
        mean = float(np.clip(intensity, -12 * abs(mean), 12 * abs(mean)).mean())
    return mean


def _design(part: CorrectedObservations, extent: tuple[float, float, float], max_terms: int) -> np.ndarray:
    """(N, p) smooth functions of rotation, direction, and of both with resolution; p <= max_terms.

    extent : least and greatest phi, radians, and greatest s2 of all observations that share the functions.
    """
    low, high, outer = extent
    x = 2 * (part.phi - low) / max(high - low, 1e-9) - 1
    s = part.s2 / outer - 0.5
    n_phi = int(np.clip(np.degrees(high - low) / 10, 1, 12))
    phi_terms = np.polynomial.legendre.legvander(x, n_phi).T[1:]
    candidates = [*phi_terms[:2], x * s, *_surface(part.direction, 2), *phi_terms[2:], x**2 * s]
    if max_terms >= len(candidates) + 20:
        turning = (np.cos(part.phi), np.sin(part.phi))
        candidates += [t * axis for t in turning for axis in part.direction.T] + _surface(part.direction, 4)
    return np.array(candidates[:max_terms]).T.reshape(len(part), -1)


def _surface(direction: np.ndarray, degree: int) -> list[np.ndarray]:
    """Polynomials on the sphere: monomials of `degree` and `degree` - 1 span all spherical harmonics up to it."""
    powers = [np.ones_like(direction.T)]
    for _ in range(degree):
        powers.append(powers[-1] * direction.T)
    exponents = [p for p in itertools.product(range(degree + 1), repeat=3) if sum(p) in (degree - 1, degree)]
    return [powers[i][0] * powers[j][1] * powers[k][2] for i, j, k in exponents]


def _gamma_regression(design: np.ndarray, ratio: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(p,) b such that exp(X b + constant) is the mean of `ratio`; Fisher scoring, ratios beyond 8 times it clipped."""
    n = len(ratio)
    x = np.column_stack([np.ones(n), design])
    ridge = RIDGE * n * np.eye(x.shape[1])
    ridge[0, 0] = 0.0
    solve = np.linalg.inv((x * weight[:, None]).T @ x + ridge)
    b = np.zeros(x.shape[1])
    for _ in range(N_SCORING):
        residual = np.minimum(ratio * np.exp(-np.clip(x @ b, -4, 4)), CLIP) - 1
        b += np.clip(solve @ (x.T @ (weight * residual) - ridge @ b), -1, 1)
    return b[1:]
