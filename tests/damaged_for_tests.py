"""Scaled observations of a made-up crystal that takes damage."""

from __future__ import annotations

import numpy as np
from scaled_for_tests import Recipe, synthetic

from autoproc.models.reflections import Flag
from autoproc.stages.damage_analysis import DamageParams, damage_analysis


def scaled(recipe=None, change=0.0, experiment_id=0):
    """Observations with their true scales, and intensities that drift by `change` (rms) over the sweep."""
    recipe = recipe or Recipe(n_observations=15000)
    made = synthetic(recipe, experiment_id)
    table, g = made.reflections, made.factor
    dose = table["xyz_cal_px"][:, 2] / recipe.n_images
    key = np.abs(np.sort(np.abs(table["hkl"][:, :2]), axis=1) @ [7, 31] + 113 * np.abs(table["hkl"][:, 2]))
    value = table["intensity_prf"] * (1 + change * np.sqrt(2) * np.sin(key) * dose)
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
