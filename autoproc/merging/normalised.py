"""E^2: merged intensities over what is to be expected of them at their resolution and in their direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.wilson_model import cartesian_rotations, reciprocal_vectors, wilson_model
from autoproc.models.merged import Merged


@dataclass(frozen=True, slots=True, eq=False)
class NormalisedIntensities:
    """E^2 and its sigma, (n,), of some merged reflections: the mean of E^2 is 1, epsilon taken out."""

    e2: np.ndarray
    sigma: np.ndarray


def normalised(merged: Merged, rows: np.ndarray) -> NormalisedIntensities:
    """Of the rows of an index array (n,), finite ones, by a Wilson model of these alone."""
    hkl = merged.hkl[rows]
    operations = merged.space_group.operations()
    epsilon = np.asarray(operations.epsilon_factor_without_centering_array(hkl), float)
    s = reciprocal_vectors(merged.cell, hkl)
    intensity, sigma = merged.intensity[rows] / epsilon, merged.sigma[rows] / epsilon
    known = np.nan_to_num(sigma, nan=0.0)
    rotations = cartesian_rotations(merged.space_group, merged.cell)
    expected = wilson_model(s, intensity, known, merged.is_centric[rows], rotations).expected(s)
    return NormalisedIntensities(intensity / expected, sigma / expected)
