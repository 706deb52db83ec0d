"""Whether reflections belong to experiments: their indices, by the crystal's setting, lie where they were seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.geometry.reciprocal import in_mm, s1_of_spots
from autoproc.geometry.rotation import crystal_from_lab
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections

MAX_INDEX_ERROR = 0.5
MAX_RELATIVE_ERROR = 0.02
"""Of a reciprocal lattice point's length, as by 1.1 degrees: no refinement changes a model that much."""

SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Misfit:
    """How the reflections of one experiment miss its lattice.

    index_error : median over reflections of the largest deviation of an index; n : reflections compared
    """

    experiment_id: int
    index_error: float
    n: int


def misfits(experiments: Sequence[Experiment], reflections: Reflections) -> list[Misfit]:
    """Experiments whose reflections have indices of another basis, or are those of another crystal.

    Frames count from the start of each scan. Reflections without indices or positions, and experiments
    without a crystal, say nothing.
    """
    found = (_misfit(e, n, reflections) for n, e in enumerate(experiments))
    return [m for m in found if m is not None]


def _misfit(experiment: Experiment, number: int, reflections: Reflections) -> Misfit | None:
    name = next((name for name in ("xyz_cal_px", "xyz_obs_px") if name in reflections), None)
    if experiment.crystal is None or name is None or "hkl" not in reflections:
        return None
    xyz, hkl = reflections[name], reflections["hkl"]
    rows = np.flatnonzero((reflections["experiment_id"] == number) & hkl.any(axis=1) & xyz.any(axis=1))
    rows = rows[np.isfinite(xyz[rows]).all(axis=1)]  # places that another program did not tell
    rows = rows[:: max(1, len(rows) // SAMPLE)]
    if not len(rows):
        return None
    seen = _reciprocal_points(experiment, reflections["panel"][rows], xyz[rows])
    A = experiment.crystal.A_at(xyz[rows, 2])
    missed = np.einsum("nij,nj->ni", np.linalg.inv(A), seen) - hkl[rows]
    index_error = float(np.median(np.abs(missed).max(axis=1)))
    distance = np.linalg.norm(np.einsum("nij,nj->ni", A, missed), axis=1)
    relative_error = float(np.median(distance / np.maximum(np.linalg.norm(seen, axis=1), 1e-12)))
    if index_error <= MAX_INDEX_ERROR or relative_error <= MAX_RELATIVE_ERROR:
        return None
    return Misfit(number, index_error, len(rows))


def _reciprocal_points(experiment: Experiment, panel: np.ndarray, xyz_px: np.ndarray) -> np.ndarray:
    """(N, 3) reciprocal lattice points at phi = 0, 1/Angstrom, of positions (px, px, frame)."""
    s1 = s1_of_spots(experiment.detector, experiment.beam, panel, xyz_px[:, :2])
    phi = in_mm(experiment, panel, xyz_px)[0][:, 2]
    return crystal_from_lab(experiment.goniometer, phi, s1 - experiment.beam.s0)
