"""Spots of a crystal on a rotation sweep, with a known answer: positions only, no images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from autoproc.geometry.detector import is_on_panel, px_from_s1
from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.crystal import b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag, Reflections


def sweep(
    distance: float = 150.0, width: float = 0.5, n_images: int = 120, size: int = 1000, start: float = 0.0,
    wavelength: float = 1.0, px: float = 0.172,
) -> Experiment:  # fmt: skip
    """A square detector centred on the beam."""
    half = size * px / 2
    panel = Panel(
        np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([-half, half, -distance]), (px, px), (size, size)
    )
    return Experiment(Beam(wavelength), Detector((panel,)), Goniometer(), Scan((1, n_images), (start, width)))


def setting(cell: tuple[float, ...], seed: int = 0) -> np.ndarray:
    """A = U B with a random orientation."""
    return Rotation.random(random_state=seed).as_matrix() @ b_matrix(cell)


def miller_indices(A: np.ndarray, d_min: float) -> np.ndarray:
    """All hkl to d_min but 0 0 0."""
    lengths = np.linalg.norm(np.linalg.inv(A), axis=1)
    ranges = [np.arange(-int(n / d_min) - 1, int(n / d_min) + 2) for n in lengths]
    hkl = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    q = np.linalg.norm(hkl @ A.T, axis=1)
    return hkl[(q > 0) & (q <= 1 / d_min)]


def spots_of(
    experiment: Experiment, A: np.ndarray, d_min: float = 2.0, *, keep: float = 1.0, noise_px: float = 0.1,
    noise_frames: float = 0.1, seed: int = 0, hkl: np.ndarray | None = None, sweep_id: int = 0,
) -> Reflections:  # fmt: skip
    """Spots with centroid errors; a random fraction `keep` of them. The column hkl holds the truth."""
    rng = np.random.default_rng(seed)
    hkl = miller_indices(A, d_min) if hkl is None else hkl
    first, last = experiment.scan.phi_at(np.array([0.0, experiment.scan.n_images]))
    angles = ewald_angles(experiment.goniometer, experiment.beam, hkl @ A.T)
    found = []
    for column in range(2):
        phi = first + (angles[:, column] - first) % (2 * np.pi)
        rows = np.flatnonzero(np.isfinite(phi) & (phi < last))
        s1 = lab_from_crystal(experiment.goniometer, phi[rows], hkl[rows] @ A.T) + experiment.beam.s0
        px = px_from_s1(experiment.detector[0], s1)
        good = is_on_panel(experiment.detector[0], px)
        xyz = np.column_stack([px, experiment.scan.frame_at(phi[rows])])[good]
        found.append((hkl[rows][good], xyz))
    indices, xyz = (np.concatenate(part) for part in zip(*found, strict=True))
    chosen = rng.random(len(xyz)) < keep
    indices, xyz = indices[chosen], xyz[chosen]
    xyz = xyz + rng.normal(size=xyz.shape) * (noise_px, noise_px, noise_frames)
    return table(xyz, indices, sweep_id)


def random_spots(experiment: Experiment, n: int, seed: int = 0, sweep_id: int = 0) -> Reflections:
    """Spots that belong to no lattice, anywhere on the detector."""
    rng = np.random.default_rng(seed)
    xyz = rng.random((n, 3)) * (*experiment.detector[0].image_size, experiment.scan.n_images)
    return table(xyz, np.zeros((n, 3), int), sweep_id)


def table(xyz: np.ndarray, hkl: np.ndarray, sweep_id: int) -> Reflections:
    """A spot list as spot finding makes it, but for the true hkl."""
    n = len(xyz)
    return Reflections(
        {
            "hkl": hkl,
            "experiment_id": np.full(n, sweep_id),
            "imageset_id": np.full(n, sweep_id),
            "panel": np.zeros(n, int),
            "flags": np.full(n, int(Flag.STRONG)),
            "xyz_obs_px": xyz,
            "xyz_obs_px_variance": np.tile([0.01, 0.01, 0.01], (n, 1)),
        }
    )


def beam_shifted(experiment: Experiment, shift_px: tuple[float, float]) -> Experiment:
    """The sweep with a header whose beam centre is wrong by some pixels."""
    panel = experiment.detector[0]
    shift = shift_px[0] * panel.pixel_size[0] * panel.fast_axis + shift_px[1] * panel.pixel_size[1] * panel.slow_axis
    return replace(experiment, detector=Detector((replace(panel, origin=panel.origin - shift),)))
