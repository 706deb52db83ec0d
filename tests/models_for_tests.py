"""Small experiments and reflection tables for tests."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, ImageSet, Panel, Scan
from autoproc.models.reflections import Flag, Reflections


def panel(distance: float = 100.0, parallax: bool = True) -> Panel:
    return Panel(
        fast_axis=np.array([1.0, 0.0, 0.0]),
        slow_axis=np.array([0.0, -1.0, 0.0]),
        origin=np.array([-43.0, 50.0, -distance]),
        pixel_size=(0.172, 0.172),
        image_size=(487, 619),
        trusted_range=(-1.0, 1e6),
        thickness=0.32 if parallax else 0.0,
        mu=3.9 if parallax else 0.0,
        material="Si",
        mask=((0, 195, 487, 212),),
    )


def rotation(seed: int) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def crystal(cell=(77.6, 77.6, 37.4, 90, 90, 90), group: str = "P 43 21 2", seed: int = 0) -> Crystal:
    return Crystal(rotation(seed) @ b_matrix(cell), gemmi.SpaceGroup(group))


def experiment(made: Crystal | None = None, n_images: int = 40, width: float = 0.5) -> Experiment:
    return Experiment(
        Beam(0.9763),
        Detector((panel(),)),
        Goniometer(),
        Scan((1, n_images), (10.0, width), np.full(n_images, 0.02), np.arange(n_images) * 0.02),
        ImageSet("cbf", "/data/a visit/x_#####.cbf"),
        made if made is not None else crystal(),
        identifier="11111111-2222-3333-4444-555555555555",
    )


def scaled(
    made: Crystal, d_min: float = 4.0, multiplicity: int = 6, seed: int = 0, noise: float = 0.05,
    structure_seed: int | None = None,
) -> Reflections:  # fmt: skip
    """Observations of symmetry mates with a known intensity for each unique reflection.

    structure_seed : of the intensities, for several sweeps of one structure; seed, where it is not given
    """
    rng = np.random.default_rng(seed)
    unique = np.asarray(gemmi.make_miller_array(made.unit_cell, made.space_group, d_min), np.int32)
    truth = rng.exponential(100.0, len(unique))
    if structure_seed is not None:
        truth = np.random.default_rng(structure_seed).exponential(100.0, len(unique))
    rotations = np.array([op.rot for op in made.space_group.operations().sym_ops]) // gemmi.Op.DEN
    which = np.repeat(np.arange(len(unique)), multiplicity)
    mates = np.einsum("ni,nij->nj", unique[which], rotations[rng.integers(0, len(rotations), len(which))])
    mates *= rng.choice([-1, 1], len(which))[:, None]
    sigma = noise * truth[which] + 1.0
    intensity = truth[which] + sigma * rng.normal(size=len(which))
    n = len(which)
    frame = rng.uniform(0, 40, n)
    return Reflections(
        {
            "hkl": mates.astype(np.int32),
            "experiment_id": np.zeros(n, np.int32),
            "flags": np.full(n, int(Flag.SCALED | Flag.INTEGRATED_SUM), np.uint64),
            "intensity_scale": 2.0 * intensity,
            "variance_scale": 4.0 * sigma**2,
            "inverse_scale": np.full(n, 2.0),
            "partiality": np.ones(n),
            "xyz_cal_px": np.column_stack([rng.uniform(0, 487, n), rng.uniform(0, 619, n), frame]),
            "xyz_cal_mm": np.column_stack([np.zeros(n), np.zeros(n), np.radians(10 + 0.5 * frame)]),
        },
        {0: "11111111-2222-3333-4444-555555555555"},
    )


def fading(fall_d: float, sharp: float, seed: int = 1) -> tuple[list[Experiment], Reflections]:
    """Observations whose signal falls off around fall_d (Angstrom) with a width in 1/d^2."""
    made = crystal()
    table = scaled(made, d_min=2.2, multiplicity=6, seed=seed, noise=0.02)
    s2 = 1 / made.unit_cell.calculate_d_array(table["hkl"]) ** 2
    signal = 0.5 * (1 - np.tanh((s2 - 1 / fall_d**2) / sharp))
    noise = np.random.default_rng(seed).normal(0, 20.0, len(table))
    faded = table["intensity_scale"] * signal + 2.0 * noise
    return [experiment(made)], table.replace(intensity_scale=faded, variance_scale=np.full(len(table), 1600.0))
