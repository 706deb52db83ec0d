"""Scaled observations of a made-up crystal that takes damage."""

from __future__ import annotations

import gemmi
import numpy as np
from scaled_for_tests import Recipe, synthetic

from autoproc.merging.groups import group_equivalents
from autoproc.models.reflections import Flag
from autoproc.stages.damage_analysis import DamageParams, damage_analysis

CELL, GROUP = gemmi.UnitCell(30, 40, 50, 90, 90, 90), gemmi.SpaceGroup("P 2 2 2")


def scaled(recipe=None, change=0.0, experiment_id=0):
    """Observations with their true scales, and intensities that drift by `change` (rms) over the sweep."""
    recipe = recipe or Recipe(n_observations=15000)
    made = synthetic(recipe, experiment_id)
    table, g = made.reflections, made.factor
    dose = table["xyz_cal_px"][:, 2] / recipe.n_images
    key = np.abs(np.sort(np.abs(table["hkl"][:, :2]), axis=1) @ [7, 31] + 113 * np.abs(table["hkl"][:, 2]))
    phase = 2 * np.pi * (key.astype(np.int64) * 2654435761 % 2**32) / 2**32  # its own for each, unlike its neighbours'
    value = table["intensity_prf"] * (1 + change * np.sqrt(2) * np.sin(phase) * dose)
    columns = {
        "intensity_scale": value, "variance_scale": table["variance_prf"] + (0.02 * value) ** 2, "inverse_scale": g,
        "flags": table["flags"] | np.uint64(Flag.SCALED),
    }  # fmt: skip
    return made.experiment, table.replace(**columns)


def analysed(recipe=None, change=0.0, **params):
    experiment, table = scaled(recipe, change)
    return damage_analysis([experiment], table, DamageParams(**params))


def drifting(change, seed=0, n_groups=1500, multiplicity=8, understated=1.0):
    """Intensities that drift by `change` (rms, relative) over the dose; errors told `understated` times too small."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), multiplicity)
    position = random.uniform(0, 1, len(group))
    true = random.exponential(100.0, n_groups)
    slope = change * true * random.normal(size=n_groups)
    error = 0.05 * true[group] + 3
    value = (true[group] + slope[group] * position) + error * random.normal(size=len(group))
    return group, n_groups, value, error / understated, position


def changing(change, multiplicity=10, inflated=1.0, seed=0):
    """Groups, their d, values, variances, positions, and the true intensities before damage."""
    random = np.random.default_rng(seed)
    hkl = np.array(gemmi.make_miller_array(CELL, GROUP, 2.2))
    groups = group_equivalents(GROUP, np.tile(hkl, (multiplicity, 1)))
    true = random.exponential(100.0, len(groups))
    along, across = 10 * change * random.normal(size=(2, len(true))) / 2**0.5  # structure factors that are added
    position = random.uniform(0, 1, len(groups.group))
    sigma = np.sqrt(9 + (0.03 * true) ** 2)[groups.group]
    amplitude = np.sqrt(true)[groups.group] + position * along[groups.group]
    value = amplitude**2 + (position * across[groups.group]) ** 2 + sigma * random.normal(size=len(position))
    return groups, CELL.calculate_d_array(groups.hkl), value, (inflated * sigma) ** 2, position, true
