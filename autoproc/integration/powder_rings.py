"""Powder rings of ice in the background between the spots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.ice_rings import HALF_WIDTH, ice_ring_inverse_d2
from autoproc.integration.scattering import Scattering, ring_width
from autoproc.integration.shadow import ring_levels
from autoproc.kernels.integrate_survey import BackgroundSum
from autoproc.models.experiment import Experiment

D_MIN = 1.9
"""Angstrom; beyond it the rings of ice are faint and stand so close that no background is left beside them."""
MIN_RATIO = 1.25
"""Of the background beside it, from which a ring matters. Without ice no ring of five simulated sweeps, each with a
broad solvent ring, is above 1.06; the rings of one with ice up to three times the background are seen as 1.5 to 2.8.
Of six measured frames five have none above 1.04; the sixth has rings of 1.58 and 1.27 at 3.90 and 2.25 A."""
MIN_SIGMA = 8.0
"""Standard uncertainties, by counting, that a ring stands above what is beside it."""


@dataclass(frozen=True, slots=True)
class PowderRing:
    """A sharp ring in the background: d, Angstrom, and its level as a multiple of the background beside it."""

    d: float
    ratio: float


def ice_rings(
    experiment: Experiment, where: Scattering, seen: BackgroundSum, usable: np.ndarray, min_ratio: float = MIN_RATIO
) -> tuple[PowderRing, ...]:
    """Rings of hexagonal ice that stand at least min_ratio times as high as the smooth background on both sides.

    usable : (slow, fast) bool, pixels in no shadow and not hot; the level of a ring is the median over its sectors,
    so that neither spots nor a texture of a few crystallites make one
    """
    exposure = np.where(usable, seen.number, np.uint16(0)) * where.polarisation
    counts = np.where(usable, seen.total, np.int32(0)) / np.float32(experiment.detector[0].gain)
    levels = ring_levels(counts, exposure, where.ring, where.sector)
    weight = np.bincount(where.ring.ravel(), exposure.ravel(), len(levels))
    return rings_of_profile(_inverse_d2(experiment, len(levels)), levels, weight, min_ratio)


def _inverse_d2(experiment: Experiment, n_rings: int) -> np.ndarray:
    """(n_rings,) 1/d^2 of the middle of each of the rings of `scattering`."""
    two_theta = (np.arange(n_rings) + 0.5) * ring_width(experiment.detector[0])
    return (2 * np.sin(two_theta / 2) / experiment.beam.wavelength) ** 2


def rings_of_profile(
    inverse_d2: np.ndarray, levels: np.ndarray, weight: np.ndarray, min_ratio: float = MIN_RATIO
) -> tuple[PowderRing, ...]:
    """Rings of ice in a radial profile, by falling d.

    inverse_d2 : (R,) ascending, 1/Angstrom^2; levels : (R,) photons per unit of exposure; weight : (R,) exposure
    """
    known = np.flatnonzero(weight > 0)
    inverse_d2, levels, weight = inverse_d2[known], levels[known], weight[known]
    lines = ice_ring_inverse_d2(D_MIN)
    near = np.min(np.abs(inverse_d2[:, None] - lines), axis=1) if len(inverse_d2) else np.zeros(0)
    found = []
    for line in lines:
        away = inverse_d2 - line
        on = np.abs(away) <= HALF_WIDTH
        beside = (near > 2 * HALF_WIDTH) & (np.abs(away) <= 7 * HALF_WIDTH)
        if not on.any() or not (beside & (away < 0)).any() or not (beside & (away > 0)).any():
            continue
        slope, level = np.polyfit(away[beside], levels[beside], 1, w=np.sqrt(weight[beside]))
        expected = level + slope * away
        excess = float(np.sum((weight * (levels - expected))[on]))
        variance = float(np.sum((weight * levels)[on])) * (1 + np.sum(weight[on]) / np.sum(weight[beside]))
        top = int(np.flatnonzero(on)[np.argmax(levels[on])])
        if expected[top] > 0 and excess > MIN_SIGMA * np.sqrt(variance) and levels[top] >= min_ratio * expected[top]:
            found.append(PowderRing(float(line**-0.5), float(levels[top] / expected[top])))
    return tuple(found)
