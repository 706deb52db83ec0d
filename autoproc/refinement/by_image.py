"""Refined models and residuals against image number, for plots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.rotation import GENERATORS, nearest_rotation
from autoproc.models.crystal import cells_from_real_matrices
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections


@dataclass(frozen=True, slots=True, eq=False)
class CrystalByImage:
    """A crystal's cell and orientation against frame number.

    frame : (n,); cell : (n, 6) Angstrom, degrees
    rotation : (n, 3) degrees from the first point, about x, y, z of the goniometer's datum frame
    """

    frame: np.ndarray
    cell: np.ndarray
    rotation: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class RmsdByImage:
    """frame : (n,) middle of each image; n_spots : (n,); rmsd : (n, 3) px, px, images; NaN without spots."""

    frame: np.ndarray
    n_spots: np.ndarray
    rmsd: np.ndarray


def crystal_by_image(experiment: Experiment) -> CrystalByImage:
    """Cell and orientation of an experiment's crystal at the start of every image and the end of the last."""
    if experiment.crystal is None:
        raise ValueError("the experiment has no crystal")
    frame = np.arange(experiment.scan.n_images + 1.0)
    A = experiment.crystal.A_at(frame)
    cell = cells_from_real_matrices(np.linalg.inv(A))
    turn = nearest_rotation(A @ np.linalg.inv(A[0]))
    sine = np.einsum("nij,kij->nk", turn, GENERATORS) / 2
    return CrystalByImage(frame, cell, np.degrees(np.arcsin(np.clip(sine, -1, 1))))


def rmsd_by_image(experiment: Experiment, reflections: Reflections, experiment_id: int) -> RmsdByImage:
    """Root mean square deviations of the spots that refinement used, by the image where they were seen."""
    used = reflections.has_flag(Flag.USED_IN_REFINEMENT) & (reflections["experiment_id"] == experiment_id)
    difference = (reflections["xyz_cal_px"] - reflections["xyz_obs_px"])[used]
    n_images = experiment.scan.n_images
    image = np.clip(reflections["xyz_obs_px"][used, 2].astype(int), 0, n_images - 1)
    count = np.bincount(image, minlength=n_images)
    squares = np.stack([np.bincount(image, weights=d**2, minlength=n_images) for d in difference.T], axis=1)
    with np.errstate(invalid="ignore"):
        rmsd = np.sqrt(np.where(count[:, None] > 0, squares, np.nan) / np.maximum(count, 1)[:, None])
    return RmsdByImage(np.arange(n_images) + 0.5, count, rmsd)
