"""How well the spots' positions fit the cell that a symmetry demands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import gemmi
import numpy as np

from autoproc.errors import RefinementFailed
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.stages.refine import RefineParams, RefineResult, refine
from autoproc.symmetry.reindex import reindex_reflections

NOTABLE_DELTA = 0.1
"""Degrees by which a refined cell may miss a symmetry for no reason but errors: below it, nothing is compared."""
SPOTS_PER_DEGREE = 60.0
"""Enough for a comparison of RMSDs to 2% over 30 degrees."""


def position_ratio(symmetry: SymmetryResult, spots: Reflections) -> float | None:
    """RMSD of the first lattice's spots with the cell that the symmetry demands, over that with a free cell.

    spots : indexed in the basis that symmetry was determined from. Both are refined for this alone, without variation
    over the scan, with the detector free to make up for what it can; the worst of x, y and z counts. The same spots
    serve both: not those that were outliers when they were refined, of which one would hide the difference. None where
    the free cell is so close to the symmetry that the answer is known to be 1, or the spots are too few.
    """
    if symmetry.best.subgroup.delta < NOTABLE_DELTA:
        return None
    experiment = symmetry.experiments[0]
    turned = reindex_reflections(spots, symmetry.change_of_basis)
    turned = turned[turned["experiment_id"] == 0]
    if "flags" in turned:
        turned = turned[~turned.has_flag(Flag.CENTROID_OUTLIER)]
    try:
        constrained = _refined(experiment, symmetry.space_group, turned)
        free = _refined(experiment, gemmi.SpaceGroup("P 1"), turned)
    except RefinementFailed:
        return None
    pairs = zip(_rmsd(constrained), _rmsd(free), strict=True)
    return float(max(a / max(b, 1e-6) for a, b in pairs))


def _refined(experiment: Experiment, group: gemmi.SpaceGroup, spots: Reflections) -> RefineResult:
    assert experiment.crystal is not None
    start = replace(experiment, crystal=Crystal(experiment.crystal.A, group))
    params = RefineParams(scan_varying=False, outliers="none", reflections_per_degree=SPOTS_PER_DEGREE)
    return refine([start], spots, params)


def _rmsd(result: RefineResult) -> Sequence[float]:
    rmsd = result.rmsds[0]
    return np.array([rmsd.x_px, rmsd.y_px, rmsd.z_images]).tolist()
