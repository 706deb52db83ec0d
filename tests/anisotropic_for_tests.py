"""Merged and unmerged intensities of a crystal that falls off differently in each direction, with their truth."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.merging.groups import EquivalentGroups, group_equivalents
from autoproc.merging.wilson_model import cartesian_rotations, reciprocal_vectors
from autoproc.simulation.intensities import wilson_intensities


@dataclass
class Case:
    """Observations (N,) with errors sigma, their groups, and what is true of these (G,)."""

    cell: gemmi.UnitCell
    group: gemmi.SpaceGroup
    hkl: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    groups: EquivalentGroups
    truth: np.ndarray
    tensor: np.ndarray
    b: float

    @property
    def s(self):
        return reciprocal_vectors(self.cell, self.groups.hkl)

    @property
    def rotations(self):
        return cartesian_rotations(self.group, self.cell)

    @property
    def merged(self):
        return self.groups.weighted_mean(self.intensity, self.sigma**2)

    @property
    def epsilon(self):
        return np.asarray(self.group.operations().epsilon_factor_without_centering_array(self.groups.hkl), float)

    def limit(self, axis: int, cc: float) -> float:
        """d at which CC1/2 of reflections along an axis of an orthogonal cell falls to a value, Angstrom."""
        n = len(self.intensity) / len(self.groups)
        mean = np.sqrt(2 * self.sigma[0] ** 2 / n * cc / (1 - cc))
        return float(np.sqrt((self.b + self.tensor[axis, axis]) / (-2 * np.log(mean))))


def anisotropic_case(
    extra=(0.0, 25.0, 70.0), seed=0, sigma=0.06, n=4, d_min=2.2, name="C 2 2 21", cell=(50, 80, 64, 90, 90, 90), b=20.0
):
    """Intensities with mean exp(-(b s^2 + s^T diag(extra) s) / 2), each measured n times."""
    unit_cell, group = gemmi.UnitCell(*cell), gemmi.SpaceGroup(name)
    rng = np.random.default_rng(seed)
    true = wilson_intensities(unit_cell, group, rng, d_min=d_min, b=b, anomalous=0)
    s = reciprocal_vectors(unit_cell, true.hkl)
    truth = true.plus * np.exp(-0.5 * s**2 @ np.array(extra))
    hkl = np.repeat(true.hkl, n, axis=0)
    groups = group_equivalents(group, hkl)
    order = np.zeros(len(groups), int)
    order[groups.group] = np.repeat(np.arange(len(truth)), n)
    observed = np.repeat(truth, n) + rng.normal(0, sigma, len(hkl))
    return Case(unit_cell, group, hkl, observed, np.full(len(hkl), sigma), groups, truth[order], np.diag(extra), b)
