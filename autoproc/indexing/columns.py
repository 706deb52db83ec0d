"""The columns that indexing adds to spots, as DIALS writes them to indexed.refl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.geometry.detector import px_to_mm
from autoproc.geometry.reciprocal import in_mm, is_entering, predict_near
from autoproc.indexing.reciprocal_spots import ReciprocalSpots
from autoproc.indexing.solve import IndexingSolution
from autoproc.models.experiment import Detector, Experiment
from autoproc.models.reflections import Flag, Reflections


def indexed_columns(
    experiments: Sequence[Experiment],
    n_sweeps: int,
    spots: Reflections,
    placed: ReciprocalSpots,
    solution: IndexingSolution,
) -> Reflections:
    """All spots with hkl, experiment, positions observed and calculated, s1 and rlp.

    placed : the spots seen with the refined geometry
    """
    n = len(spots)
    assignment, fit = solution.assignment, solution.fit
    experiment_id = np.where(assignment.is_indexed, assignment.lattice * n_sweeps + placed.sweep, -1)
    observed_mm, variance_mm = _observed_mm(experiments[:n_sweeps], spots, placed)
    cal_px, cal_mm, entering = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros(n, bool)
    for number, experiment in enumerate(experiments):
        rows = np.flatnonzero(experiment_id == number)
        entering[rows] = is_entering(experiment.goniometer, experiment.beam, placed.s1[rows])
        for index in range(len(experiment.detector)):
            here = rows[placed.panel[rows] == index]
            cal_px[here], cal_mm[here] = _calculated(experiment, index, assignment.hkl[here], placed.phi[here])
    table = spots.replace(
        hkl=assignment.hkl,
        experiment_id=experiment_id,
        imageset_id=placed.sweep,
        xyz_obs_mm=observed_mm,
        xyz_obs_mm_variance=variance_mm,
        xyz_cal_px=cal_px,
        xyz_cal_mm=cal_mm,
        s1=placed.s1,
        rlp=placed.rlp,
        d=placed.d,
        entering=entering,
        flags=spots["flags"] if "flags" in spots else np.full(n, Flag.STRONG, np.uint64),
    )
    used = np.zeros(n, bool)
    used[fit.used[fit.weight > 0]] = True
    outlier = np.zeros(n, bool)
    outlier[fit.used[fit.weight <= 0]] = True
    table = table.without_flag(Flag.INDEXED | Flag.USED_IN_REFINEMENT | Flag.CENTROID_OUTLIER)
    table = table.with_flag(Flag.INDEXED, assignment.is_indexed)
    table = table.with_flag(Flag.USED_IN_REFINEMENT, used).with_flag(Flag.CENTROID_OUTLIER, outlier)
    return table.with_identifiers({n: e.identifier for n, e in enumerate(experiments)})


def _observed_mm(
    sweeps: Sequence[Experiment], spots: Reflections, placed: ReciprocalSpots
) -> tuple[np.ndarray, np.ndarray]:
    """Centroids (mm, mm, radians) and their variances."""
    xyz, scale = np.zeros((len(spots), 3)), np.ones((len(spots), 3))
    for number, sweep in enumerate(sweeps):
        here = placed.sweep == number
        xyz[here], scale[here] = in_mm(sweep, placed.panel[here], spots["xyz_obs_px"][here])
    if "xyz_obs_px_variance" in spots:
        return xyz, spots["xyz_obs_px_variance"] * scale**2
    return xyz, scale**2


def _calculated(experiment: Experiment, panel: int, hkl: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predicted positions, px and frames, mm and radians; zeros for what cannot diffract, as in DIALS."""
    assert experiment.crystal is not None
    one_panel = replace(experiment, detector=Detector((experiment.detector[panel],)))
    xyz = predict_near(one_panel, experiment.crystal.A, hkl, phi)
    px = np.column_stack([xyz[:, :2], experiment.scan.frame_at(xyz[:, 2])])
    mm = np.column_stack([px_to_mm(experiment.detector[panel], xyz[:, :2]), xyz[:, 2]])
    known = np.isfinite(xyz).all(axis=1, keepdims=True)
    return np.where(known, px, 0.0), np.where(known, mm, 0.0)
