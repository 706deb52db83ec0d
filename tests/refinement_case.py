"""Spots of a known crystal on a known geometry, for the tests of refinement.

Positions come from geometry.reciprocal, not from the code under test.
"""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np

from autoproc.formats.dials.expt import goniometer_from_axes
from autoproc.geometry.detector import is_on_panel, px_from_s1
from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import lab_from_crystal, rotation_matrix
from autoproc.integration.predict import detector_d_min
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag, Reflections
from autoproc.refinement.problem import NormalEquations, RefinedModels, RefinementProblem

PIXEL = 0.172
U = rotation_matrix(np.array([0.48, 0.6, 0.64]), 1.1)


def flat_detector(distance: float = 150.0, n_panels: int = 1) -> Detector:
    """One panel of 500 x 600 pixels, or several side by side along x, with a sensor that has parallax."""

    def panel(n: int) -> Panel:
        origin = np.array([-43.0 + 90.0 * (n - (n_panels - 1) / 2), 51.0, -distance])
        fast, slow = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
        return Panel(fast, slow, origin, (PIXEL, PIXEL), (500, 600), thickness=0.32, mu=3.9)

    return Detector(tuple(panel(n) for n in range(n_panels)))


def kappa_goniometer() -> Goniometer:
    """A scan of phi with kappa and omega away from zero: fixed is the identity, setting is not."""
    axes = np.array([[1.0, 0, 0], [0.643, -0.766, 0], [1.0, 0, 0]])
    return goniometer_from_axes(axes, ("phi", "kappa", "omega"), (0.0, -40.0, 25.0), 0)


def experiment(
    cell: tuple[float, ...] = (38.0, 47.0, 55.0, 82.0, 95.0, 101.0),
    group: str = "P 1",
    n_images: int = 120,
    width: float = 0.5,
    **models: object,
) -> Experiment:
    """A crystal of `cell` with its true setting on a detector at 150 mm."""
    crystal = Crystal(U @ b_matrix(cell), gemmi.SpaceGroup(group))
    default = Experiment(
        Beam(0.98), flat_detector(), Goniometer(), Scan((1, n_images), (10.0, width)), crystal=crystal, identifier="a"
    )
    return replace(default, **models)


def spots(
    experiment: Experiment, seed: int = 0, n: int = 3000, noise: float = 1.0, experiment_id: int = 0
) -> Reflections:
    """n spots (or all) as the experiment's crystal makes them, with centroid errors of 0.1 px, 0.1 px, 0.15 image."""
    rng = np.random.default_rng(seed)
    crystal, scan = experiment.crystal, experiment.scan
    assert crystal is not None
    limit = [int(length / 1.8) for length in crystal.cell[:3]]
    axes = [np.arange(-m, m + 1) for m in limit]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    # the crystal may grow or shrink a little over the scan
    near = np.linalg.norm(hkl @ crystal.A.T, axis=1) < 1.02 / detector_d_min(experiment)
    hkl = hkl[np.any(hkl != 0, axis=1) & near]
    tables = [_crossing(experiment, hkl, branch) for branch in (0, 1)]
    hkl, panel, xyz = (np.concatenate(c) for c in zip(*tables, strict=True))
    keep = rng.permutation(len(hkl))[:n]
    hkl, panel, xyz = hkl[keep], panel[keep], xyz[keep]
    sigma = np.array([0.1, 0.1, 0.15])
    observed = xyz + noise * rng.normal(size=xyz.shape) * sigma
    observed[:, 2] = np.clip(observed[:, 2], 0, scan.n_images)
    return Reflections(
        {
            "hkl": hkl, "experiment_id": np.full(len(hkl), experiment_id), "panel": panel,
            "imageset_id": np.zeros(len(hkl)), "flags": np.full(len(hkl), int(Flag.STRONG | Flag.INDEXED)),
            "xyz_obs_px": observed, "xyz_obs_px_variance": np.tile(sigma**2, (len(hkl), 1)),
        },
        {experiment_id: experiment.identifier},
    )  # fmt: skip


def _crossing(experiment: Experiment, hkl: np.ndarray, branch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One of the two crossings of the sphere; twice, so that A is that of the crossing's own frame."""
    crystal, scan = experiment.crystal, experiment.scan
    assert crystal is not None
    frame = np.full(len(hkl), scan.n_images / 2)
    for _ in range(4 if crystal.n_scan_points else 1):
        rlp = np.einsum("nij,nj->ni", crystal.A_at(frame), hkl.astype(float))
        with np.errstate(invalid="ignore"):
            phi = ewald_angles(experiment.goniometer, experiment.beam, rlp)[:, branch]
        start = scan.phi_at(0)
        phi = start + (phi - start) % (2 * np.pi)
        frame = np.nan_to_num(scan.frame_at(phi), nan=-1)
    s1 = lab_from_crystal(experiment.goniometer, phi, rlp) + experiment.beam.s0
    found, panel = np.zeros(len(hkl), bool), np.zeros(len(hkl), int)
    xy = np.zeros((len(hkl), 2))
    for index, model in enumerate(experiment.detector.panels):
        here = px_from_s1(model, s1)
        hit = is_on_panel(model, here) & ~found
        panel[hit], xy[hit] = index, here[hit]
        found |= hit
    found &= (frame >= 0) & (frame <= scan.n_images)
    return hkl[found], panel[found], np.column_stack([xy, frame])[found]


def linearised(problem: RefinementProblem, state: RefinedModels) -> NormalEquations:
    """The normal equations at a state."""
    return problem.linearise(problem.evaluate(state))
