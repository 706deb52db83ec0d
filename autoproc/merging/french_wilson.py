"""Amplitudes from intensities that may be negative (French & Wilson 1978, Acta Cryst. A34, 517).

The posterior mean of J and of F = sqrt(J) under Wilson's prior depends on one number h alone:
acentric: p(J) ~ exp(-(J/sigma - h)^2 / 2), J >= 0, with h = I/sigma - sigma/S; centric: the same
times J^(-1/2), with h = I/sigma - sigma/(2 S); S is the mean intensity of the reflection's shell.
The moments are tabulated once by quadrature and interpolated; for large h, F = sqrt(J), and for very
negative h (a shell without signal) the posterior is the prior's exponential or gamma tail.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy

REJECT_BELOW = -4.0
TABLE = np.arange(-30.0, 12.0, 0.02)
MAX_ROOT = 4.6
"""Upper end of the quadrature over sqrt(J/sigma): what lies beyond adds less than 1e-12 for every h of the table."""
N_NODES = 160


def french_wilson(
    intensity: np.ndarray, sigma: np.ndarray, mean_intensity: np.ndarray, is_centric: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean amplitudes and their standard deviations.

    intensity, sigma, mean_intensity : (N,) on one scale, sigma and mean_intensity > 0, the latter
        the expected intensity of the reflection (epsilon included)
    is_centric : (N,) bool
    Returns F, sigF : (N,). NaN where the intensity is below -4 sigma: French and Wilson reject those
    as measurements that cannot be.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        h = intensity / sigma - sigma / np.where(is_centric, 2.0 * mean_intensity, mean_intensity)
    amplitude = np.full(len(h), np.nan)
    spread = np.full(len(h), np.nan)
    possible = (intensity > REJECT_BELOW * sigma) & (sigma > 0)
    far = possible & (h >= TABLE[-1])
    positive = np.sqrt(np.maximum(h[far] * sigma[far], 0.0))
    amplitude[far], spread[far] = positive, 0.5 * sigma[far] / positive
    hopeless = possible & (h <= TABLE[0])
    shape = np.where(is_centric[hopeless], 0.5, 1.0)
    mean_f = scipy.special.gamma(shape + 0.5) / scipy.special.gamma(shape)
    scale = np.sqrt(sigma[hopeless] / -h[hopeless])
    amplitude[hopeless], spread[hopeless] = scale * mean_f, scale * np.sqrt(shape - mean_f**2)
    for centric in (False, True):
        near = possible & ~far & ~hopeless & (is_centric == centric)
        mean_f, sd_f = _moments(centric)
        root = np.sqrt(sigma[near])
        amplitude[near] = root * np.interp(h[near], TABLE, mean_f)
        spread[near] = root * np.interp(h[near], TABLE, sd_f)
    return amplitude, spread


@lru_cache(maxsize=2)
def _moments(centric: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of sqrt(J/sigma) over TABLE.

    With J/sigma = t^2 the centric weight J^(-1/2) dJ becomes 2 dt, and the acentric one 2 t dt.
    """
    nodes, gauss = np.polynomial.legendre.leggauss(N_NODES)
    t = 0.5 * MAX_ROOT * (nodes + 1)
    exponent = -0.5 * (t[None, :] ** 2 - TABLE[:, None]) ** 2
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True)) * gauss
    if not centric:
        weight *= t
    total = weight.sum(axis=1)
    mean = (weight * t).sum(axis=1) / total
    square = (weight * t**2).sum(axis=1) / total
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
