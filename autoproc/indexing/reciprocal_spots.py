"""Spots of all sweeps as points of reciprocal space, in the crystal's frame at phi = 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoproc.geometry.detector import lab_of_spots
from autoproc.geometry.rotation import turn_to_crystal
from autoproc.kernels.spot_positions import reciprocal_points
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.threads import map_in_order

MIN_ZETA = 0.1
LEAST_VARIANCE = 0.1
BLOCK = 8192
"""Spots that are worked on at a time, so that what lies between stays in the cache; fixed, so that no sum depends on
the number of threads."""


@dataclass(frozen=True, slots=True, eq=False)
class ReciprocalSpots:
    """What indexing needs of N spots; unchanged by refinement of the geometry, but for s1, rlp and smear.

    sweep, panel : (N,) int
    xy_px : (N, 2); phi : (N,) radians; sigma : (N, 3) relative uncertainties of x, y and phi
    s1 : (N, 3) 1/Angstrom; rlp : (N, 3) 1/Angstrom; d : (N,) Angstrom
    smear : (N, 3) 1/Angstrom, how far rlp goes wrong for one image of error in phi, divided by zeta: where the
        point lies is uncertain along this line, for a spot seen on one image, or cut slowly by the sphere
    """

    sweep: np.ndarray
    panel: np.ndarray
    xy_px: np.ndarray
    phi: np.ndarray
    sigma: np.ndarray
    s1: np.ndarray
    rlp: np.ndarray
    d: np.ndarray
    smear: np.ndarray

    def __len__(self) -> int:
        return len(self.phi)

    def __getitem__(self, rows: np.ndarray | slice) -> ReciprocalSpots:
        return ReciprocalSpots(
            self.sweep[rows], self.panel[rows], self.xy_px[rows], self.phi[rows], self.sigma[rows],
            self.s1[rows], self.rlp[rows], self.d[rows], self.smear[rows],
        )  # fmt: skip


def sweep_of(spots: Reflections) -> np.ndarray:
    """(N,) the sweep of each spot: imageset_id where there is one, else the experiment of a spot list."""
    if "imageset_id" in spots:
        return np.maximum(spots["imageset_id"], 0)
    if "experiment_id" in spots:
        return np.maximum(spots["experiment_id"], 0)
    return np.zeros(len(spots), np.int32)


def spots_in_reciprocal_space(experiments: Sequence[Experiment], spots: Reflections) -> ReciprocalSpots:
    """Spots of sweeps, one experiment a sweep, in reciprocal space. ValueError for spots of another sweep."""
    sweep = sweep_of(spots)
    if len(sweep) and sweep.max() >= len(experiments):
        raise ValueError(f"spots of sweep {sweep.max()}, but {len(experiments)} sweeps")
    xyz = spots["xyz_obs_px"]
    phi = np.zeros(len(spots))
    for index, experiment in enumerate(experiments):
        here = sweep == index
        phi[here] = experiment.scan.phi_at(xyz[here, 2])
    panel = spots["panel"].astype(int) if "panel" in spots else np.zeros(len(spots), int)
    variance = spots["xyz_obs_px_variance"] if "xyz_obs_px_variance" in spots else np.ones_like(xyz)
    usual = np.median(variance, axis=0) if len(xyz) else np.ones(3)
    sigma = np.sqrt(np.clip(variance, LEAST_VARIANCE * usual, None))
    empty = np.zeros((len(spots), 3))
    return mapped_anew(
        experiments, ReciprocalSpots(sweep, panel, xyz[:, :2], phi, sigma, empty, empty, np.zeros(len(spots)), empty)
    )


def mapped_anew(
    experiments: Sequence[Experiment], spots: ReciprocalSpots, turns: np.ndarray | None = None
) -> ReciprocalSpots:
    """The same spots seen with another geometry: s1, rlp, d and smear anew.

    turns : (S, 3, 3) of the crystal on each sweep, undone in rlp
    Many spots are taken a block at a time, on several threads.
    """
    if len(spots) <= BLOCK:
        s1, rlp, d, smear = _placed(experiments, turns, spots)
    else:
        blocks = (spots[slice(at, at + BLOCK)] for at in range(0, len(spots), BLOCK))
        found = list(map_in_order(partial(_placed, experiments, turns), blocks))
        s1, rlp, d, smear = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return ReciprocalSpots(spots.sweep, spots.panel, spots.xy_px, spots.phi, spots.sigma, s1, rlp, d, smear)


def _placed(
    experiments: Sequence[Experiment], turns: np.ndarray | None, spots: ReciprocalSpots
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """s1, rlp, d and smear."""
    s1, rlp, smear = (np.zeros((len(spots), 3)) for _ in range(3))
    d = np.zeros(len(spots))
    for index, experiment in enumerate(experiments):
        here = spots.sweep == index
        rows: np.ndarray | slice = slice(None) if here.all() else np.flatnonzero(here)
        beam, goniometer = experiment.beam, experiment.goniometer
        turn = np.eye(3) if turns is None else turns[index]
        s1[rows], rlp[rows], d[rows], smear[rows] = reciprocal_points(
            lab_of_spots(experiment.detector, spots.panel[rows], spots.xy_px[rows]),
            spots.phi[rows],
            (beam.wavelength, beam.s0),
            turn_to_crystal(goniometer) @ turn,
            (goniometer.lab_axis, turn.T @ goniometer.fixed.T @ goniometer.axis),
            np.radians(abs(experiment.scan.oscillation[1])),
            MIN_ZETA,
        )
    return s1, rlp, d, smear
