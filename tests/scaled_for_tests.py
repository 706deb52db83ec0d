"""Observations of a made-up crystal with known intensities and known scales."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag, Reflections

CELL = (40.0, 40.0, 60.0, 90.0, 90.0, 90.0)
SPACE_GROUP = gemmi.SpaceGroup("P 41 21 2")
D_MIN = 2.2


@dataclass(frozen=True)
class Recipe:
    """What to make. scale: factor at a fraction 0..1 of the sweep; noise: relative, besides counting."""

    n_observations: int = 12000
    n_images: int = 180
    width: float = 0.5
    b_end: float = 0.0
    scale_amplitude: float = 0.3
    absorption: float = 0.0
    noise: float = 0.02
    strength: float = 300.0
    anomalous: float = 0.0
    seed: int = 0


def experiment(recipe: Recipe) -> Experiment:
    panel = Panel(
        np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([-100.0, 100.0, -150.0]), (0.2, 0.2), (1000, 1000)
    )
    return Experiment(
        Beam(1.0), Detector((panel,)), Goniometer(), Scan((1, recipe.n_images), (0.0, recipe.width)),
        crystal=Crystal(b_matrix(CELL), SPACE_GROUP), identifier=f"synthetic-{recipe.seed}",
    )  # fmt: skip


def true_intensities(seed: int = 99) -> tuple[np.ndarray, np.ndarray]:
    """Unique indices in the asymmetric unit and intensities of mean 1 that follow Wilson's statistics."""
    hkl = np.asarray(gemmi.make_miller_array(gemmi.UnitCell(*CELL), SPACE_GROUP, D_MIN))
    return hkl, np.random.default_rng(seed).exponential(1.0, len(hkl))


@dataclass(frozen=True)
class Synthetic:
    """Experiment, its integrated reflections, and the truth behind each of them (true I without scale, and g)."""

    experiment: Experiment
    reflections: Reflections
    intensity: np.ndarray
    factor: np.ndarray


def synthetic(recipe: Recipe, experiment_id: int = 0) -> Synthetic:
    random = np.random.default_rng(recipe.seed)
    n = recipe.n_observations
    hkl, intensity = true_intensities()
    which = random.integers(0, len(hkl), n)
    operations = [np.array(op.rot) // op.DEN for op in SPACE_GROUP.operations().sym_ops]
    turns = np.array(operations)[random.integers(0, len(operations), n)]
    friedel = random.choice([-1, 1], n)
    observed_hkl = np.einsum("ni,nij->nj", hkl[which], turns) * friedel[:, None]
    acentric = ~np.asarray(SPACE_GROUP.operations().centric_flag_array(hkl), bool)[which]
    true = recipe.strength * intensity[which] * (1 + recipe.anomalous * acentric * friedel * np.cos(which))
    frame = random.uniform(0, recipe.n_images, n)
    s1 = random.normal(size=(n, 3))
    s1 /= np.linalg.norm(s1, axis=1, keepdims=True)
    d = gemmi.UnitCell(*CELL).calculate_d_array(observed_hkl)
    fraction = frame / recipe.n_images
    factor = 1 + recipe.scale_amplitude * np.cos(2 * np.pi * fraction)
    factor *= np.exp(-recipe.b_end * fraction / (2 * d**2))
    phi = np.radians(frame * recipe.width)
    along = s1[:, 1] * np.cos(phi) + s1[:, 2] * np.sin(phi)  # s1 in the crystal's frame, one component
    factor *= 1 + recipe.absorption * along
    background = 20.0
    expected = true * factor * (1 + recipe.noise * random.normal(size=n))
    value = expected + np.sqrt(np.maximum(expected, 0) + background) * random.normal(size=n)
    variance = np.maximum(value, 0) + background
    rougher = value + np.sqrt(0.5 * variance) * random.normal(size=n)
    position = np.column_stack([random.uniform(0, 1000, (n, 2)), frame])
    flags = np.full(n, int(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF | Flag.PREDICTED), np.uint64)
    columns = {
        "hkl": observed_hkl, "experiment_id": np.full(n, experiment_id), "imageset_id": np.full(n, experiment_id),
        "panel": np.zeros(n), "flags": flags, "xyz_obs_px": position, "xyz_cal_px": position, "s1": s1, "d": d,
        "intensity_prf": value, "variance_prf": variance, "intensity_sum": rougher, "variance_sum": variance * 1.5,
        "partiality": np.ones(n), "lp": np.ones(n), "qe": np.ones(n),
    }  # fmt: skip
    made = experiment(recipe)
    return Synthetic(made, Reflections(columns, {experiment_id: made.identifier}), true, factor)
