"""Integrated reflections of a known space group, without images: for tests of symmetry."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
from models_for_tests import crystal as made_crystal

from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag, Reflections
from autoproc.symmetry.reindex import operator_of


def experiment_of(group: str, cell: tuple[float, ...], n_images: int = 180, seed: int = 0) -> Experiment:
    """A wide detector and `n_images` degrees of rotation."""
    flat = Panel(
        np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([-200.0, 200.0, -120.0]), (0.2, 0.2), (2000, 2000)
    )
    scan = Scan((1, n_images), (0.0, 1.0))
    crystal = made_crystal(cell, group, seed)
    return Experiment(Beam(1.0), Detector((flat,)), Goniometer(), scan, crystal=crystal, identifier=f"x{seed}")


def all_indices(cell: tuple[float, ...], d_min: float) -> np.ndarray:
    """(N, 3) every hkl with d >= d_min."""
    unit = gemmi.UnitCell(*cell)
    hkl = np.asarray(gemmi.make_miller_array(unit, gemmi.SpaceGroup("P 1"), d_min), np.int32)
    return np.concatenate([hkl, -hkl])


def unique_intensity(hkl: np.ndarray, group: gemmi.SpaceGroup, cell: tuple[float, ...], seed: int) -> np.ndarray:
    """Wilson-distributed intensities, equal for equivalents and Friedel mates, 0 where absent."""
    operations = group.operations()
    rotations = np.array([op.rot for op in operations.sym_ops]) // gemmi.Op.DEN
    images = np.concatenate([hkl @ rotations, -(hkl @ rotations)])
    key = ((images[..., 0] * 2000 + images[..., 1]) * 2000 + images[..., 2]).max(axis=0)
    _, inverse = np.unique(key, return_inverse=True)
    rng = np.random.default_rng(seed)
    n_unique = inverse.max() + 1
    has_centre = group.is_centrosymmetric()
    e2 = (rng.standard_normal(n_unique) ** 2 if has_centre else rng.exponential(size=n_unique))[inverse]
    e2 *= np.asarray(operations.epsilon_factor_without_centering_array(hkl), float)
    s2 = np.asarray(gemmi.UnitCell(*cell).calculate_1_d2_array(hkl), float)
    e2[np.asarray(operations.systematic_absences(hkl), bool)] = 0.0
    return 1000.0 * e2 * np.exp(-10 * s2)


def integrated(
    group: str,
    cell: tuple[float, ...],
    *,
    d_min: float = 3.0,
    n_images: int = 180,
    noise: float = 0.05,
    absorption: float = 0.0,
    anomalous: float = 0.0,
    seed: int = 0,
    orientation: int | None = None,
    intensities_of: str | None = None,
) -> tuple[Experiment, Reflections]:
    """An experiment in the conventional setting of `group` with the reflections that its scan records.

    absorption : amplitude of a smooth factor exp(a f(direction, phi)) on the intensities
    anomalous : fractional scatter between Friedel mates; intensities_of : a lower group than the metric's
    """
    experiment = experiment_of(group, cell, n_images, seed if orientation is None else orientation)
    space_group = gemmi.SpaceGroup(intensities_of or group)
    hkl = all_indices(cell, d_min)
    hkl = hkl[~np.asarray(gemmi.SpaceGroup(group).operations().derive_symmorphic().systematic_absences(hkl), bool)]
    intensity = unique_intensity(hkl, space_group, cell, seed)
    rng = np.random.default_rng(seed + 1)
    if anomalous:
        intensity = intensity * np.exp(anomalous * rng.normal(size=len(hkl)))
    rows, phi, s1, direction = _recorded(experiment, hkl)
    true = intensity[rows] * np.exp(absorption * (direction[:, 0] + 0.7 * np.sin(phi) + direction[:, 1] * np.cos(phi)))
    sigma = noise * true + 2.0
    observed = true + sigma * rng.normal(size=len(true))
    return experiment, _table(experiment, hkl[rows], observed, sigma, s1, phi)


def _recorded(experiment: Experiment, hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rlp = hkl @ experiment.crystal.A.T
    angles = ewald_angles(experiment.goniometer, experiment.beam, rlp) % (2 * np.pi)
    rows, which = np.nonzero(angles < np.radians(experiment.scan.n_images))
    phi = angles[rows, which]
    s1 = lab_from_crystal(experiment.goniometer, phi, rlp[rows]) + experiment.beam.s0
    direction = lab_from_crystal(experiment.goniometer, -phi, s1)
    return rows, phi, s1, direction


def _table(
    experiment: Experiment,
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
    s1: np.ndarray,
    phi: np.ndarray,
) -> Reflections:
    n = len(hkl)
    panel = experiment.detector[0]
    scaled = s1 * (panel.origin[2] / s1[:, 2])[:, None] - panel.origin
    mm = np.column_stack([scaled @ panel.fast_axis, scaled @ panel.slow_axis, phi])
    return Reflections(
        {
            "hkl": hkl,
            "experiment_id": np.zeros(n, int),
            "panel": np.zeros(n, int),
            "flags": np.full(n, int(Flag.INDEXED | Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)),
            "intensity_sum": intensity,
            "variance_sum": sigma**2,
            "intensity_prf": intensity,
            "variance_prf": sigma**2,
            "lp": np.ones(n),
            "partiality": np.ones(n),
            "s1": s1,
            "xyz_cal_mm": mm,
            "xyz_obs_mm": mm,
        },
        {0: experiment.identifier},
    )


def to_setting(experiment: Experiment, reflections: Reflections, matrix: np.ndarray) -> tuple[Experiment, Reflections]:
    """The same data indexed in another basis, in P 1; reflections of fractional index must not occur."""
    assert experiment.crystal is not None
    crystal: Crystal = experiment.crystal.reindexed(operator_of(matrix))
    hkl = np.rint(reflections["hkl"] @ np.asarray(matrix, float).T).astype(np.int32)
    return replace(experiment, crystal=crystal), reflections.replace(hkl=hkl)
