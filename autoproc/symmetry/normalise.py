"""E^2: intensities divided by their expected mean, a smooth function of resolution, rotation and direction.

The mean is estimated from the distribution of the intensities alone (no equivalents are needed),
so absorption, decay and changes of volume are taken out before any symmetry is assumed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from autoproc.symmetry.observations import Observations

PER_SHELL = 300
PER_PARAMETER = 150
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


def normalise(observations: Observations, prescale: bool = True) -> Normalised:
    """E^2 of observations.

    With `prescale` the expected mean varies smoothly with rotation angle and with the direction of
    the diffracted beam in the crystal, as well as with resolution; a gamma regression with a
    logarithmic link finds it, because Wilson intensities scatter as their mean.
    """
    mean = shell_mean(observations.s2, observations.intensity, observations.experiment)
    if prescale:
        for _ in range(2):
            scale = smooth_scale(observations, mean)
            mean = scale * shell_mean(observations.s2, observations.intensity / scale, observations.experiment)
    return Normalised(observations.intensity / mean, observations.sigma / mean, mean)


def shell_mean(s2: np.ndarray, intensity: np.ndarray, experiment: np.ndarray) -> np.ndarray:
    """(N,) mean intensity as a piecewise linear function of log I against s2, for each experiment."""
    mean = np.empty(len(s2))
    for n in np.unique(experiment):
        rows = experiment == n
        mean[rows] = _shell_mean(s2[rows], intensity[rows])
    return mean


def _shell_mean(s2: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    order = np.argsort(s2, kind="stable")
    shells = np.array_split(order, max(1, min(60, len(s2) // PER_SHELL)))
    centres = np.array([s2[rows].mean() for rows in shells])
    floor = 1e-3 * max(float(np.mean(np.abs(intensity))), 1e-30)
    means = np.log([max(_trimmed_mean(intensity[rows]), floor) for rows in shells])
    return np.exp(np.interp(s2, centres, means))


def _trimmed_mean(intensity: np.ndarray) -> float:
    """Mean with values beyond 12 times the mean brought down to it: ice spots and zingers."""
    mean = float(intensity.mean())
    for _ in range(3):
        mean = float(np.minimum(intensity, 12 * abs(mean)).mean())
    return mean


def smooth_scale(observations: Observations, mean: np.ndarray) -> np.ndarray:
    """(N,) smooth factor by which intensities differ from `mean`, 1 on average, for each experiment."""
    scale = np.ones(len(observations))
    for n in np.unique(observations.experiment):
        rows = np.flatnonzero(observations.experiment == n)
        part = observations[rows]
        design = _design(part, len(rows) // PER_PARAMETER)
        if design.shape[1]:
            noise = part.sigma / mean[rows]
            scale[rows] = _gamma_regression(design, part.intensity / mean[rows], 1 / (1 + noise**2))
    return scale


def _design(part: Observations, max_terms: int) -> np.ndarray:
    """(N, p) smooth functions of rotation, direction, and of both with resolution; p <= max_terms."""
    low, high = part.phi.min(), part.phi.max()
    x = 2 * (part.phi - low) / max(high - low, 1e-9) - 1
    s = part.s2 / part.s2.max() - 0.5
    n_phi = int(np.clip(np.degrees(high - low) / 10, 1, 12))
    phi_terms = np.polynomial.legendre.legvander(x, n_phi).T[1:]
    candidates = [*phi_terms[:2], x * s, *_surface(part.direction, 2), *phi_terms[2:], x**2 * s]
    if max_terms >= len(candidates) + 20:
        candidates += _surface(part.direction, 4)
    return np.array(candidates[:max_terms]).T.reshape(len(part), -1)


def _surface(direction: np.ndarray, degree: int) -> list[np.ndarray]:
    """Polynomials on the sphere: monomials of `degree` and `degree` - 1 span all spherical harmonics up to it."""
    powers = [p for p in itertools.product(range(degree + 1), repeat=3) if sum(p) in (degree - 1, degree)]
    return [np.prod(direction ** np.array(p), axis=1) for p in powers]


def _gamma_regression(design: np.ndarray, ratio: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N,) exp(X b), the mean of `ratio`; Fisher scoring, with ratios beyond 8 clipped."""
    n = len(ratio)
    x = np.column_stack([np.ones(n), design])
    information = (x * weight[:, None]).T @ x
    ridge = 1e-3 * n * np.eye(x.shape[1])
    ridge[0, 0] = 0.0
    solve = np.linalg.inv(information + ridge)
    b = np.zeros(x.shape[1])
    fitted = np.ones(n)
    for _ in range(10):
        residual = np.minimum(ratio / fitted, CLIP) - 1
        step = solve @ (x.T @ (weight * residual) - ridge @ b)
        b += np.clip(step, -1, 1)
        fitted = np.exp(np.clip(x @ b, -4, 4))
    return fitted
