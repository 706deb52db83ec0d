"""Integrated wedges of many crystals, without images: true intensities, errors, and a setting of its own for each."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
from pydantic import Field
from scipy.spatial.transform import Rotation

from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import primitive_basis, rotations_of
from autoproc.params import Params
from autoproc.simulation.intensities import crystal_symmetry, expand, wilson_intensities
from autoproc.simulation.passages import find_passages

HOLOHEDRAL = {
    "triclinic": "P 1", "monoclinic": "P 1 2 1", "orthorhombic": "P 2 2 2", "tetragonal": "P 4 2 2",
    "trigonal": "P 6 2 2", "hexagonal": "P 6 2 2", "cubic": "P 4 3 2",
}  # fmt: skip
"""The rotations of each system's lattice, of rhombohedral ones in hexagonal axes those of both their settings."""

WAVELENGTH = 1.0


class WedgesParams(Params):
    """What crystals, and what was collected of them."""

    space_group: str = "P 3"
    """Hermann-Mauguin symbol."""
    cell: tuple[float, float, float, float, float, float] = (60.0, 60.0, 70.0, 90.0, 90.0, 120.0)
    """Angstrom, degrees."""
    n_wedges: int = Field(12, ge=1)
    """Wedges of the crystal form."""
    n_impostors: int = Field(0, ge=0)
    """Wedges of another structure in the same space group and nearly the same cell, put among them."""
    degrees: tuple[float, float] = (10.0, 40.0)
    """Least and greatest rotation of a wedge; 1 degree an image."""
    cell_spread: float = Field(0.003, ge=0)
    """Standard deviation of each cell length, relative."""
    d_min: float = Field(3.0, gt=0)
    """Angstrom."""
    photons: float = Field(300.0, gt=0)
    """Mean intensity at low resolution."""
    scales: tuple[float, float] = (0.4, 1.6)
    """Least and greatest scale of a crystal; it varies by 20% more with rotation."""
    decays: tuple[float, float] = (0.0, 3.0)
    """Least and greatest relative B of a crystal, Angstrom^2."""
    systematic: float = Field(0.05, ge=0)
    """Error of every intensity, relative."""
    twinning: float = Field(0.0, ge=0, le=0.5)
    """Fraction of each crystal in another orientation of its lattice."""
    any_setting: bool = True
    """Each wedge indexed in a setting of its own, of those that its lattice cannot tell apart."""
    as_indexed: bool = True
    """In a primitive basis and P 1; otherwise in the space group's own."""
    seed: int = Field(0, ge=0)
    """Another seed, other crystals."""


@dataclass(frozen=True, slots=True, eq=False)
class Wedges:
    """Experiments, their integrated reflections, and the truth.

    operators : (3, 3) of each, hkl_given = operator hkl_true; is_impostor : (D,)
    hkl, intensity : (N, 3), (N,) of the true form, every index of the sphere
    factor : of each observation, its expected intensity over the true one
    """

    experiments: list[Experiment]
    reflections: Reflections
    operators: list[np.ndarray]
    is_impostor: np.ndarray
    hkl: np.ndarray
    intensity: np.ndarray
    factor: np.ndarray


def simulate_wedges(params: WedgesParams) -> Wedges:
    """Wedges in random orientations. Raises ImpossibleCrystal."""
    cell, group = crystal_symmetry(params.cell, params.space_group)
    rng = np.random.default_rng(params.seed)
    forms = [_form(cell, group, rng, params) for _ in range(2)]
    n = params.n_wedges + params.n_impostors
    is_impostor = np.zeros(n, bool)
    is_impostor[rng.permutation(n)[: params.n_impostors]] = True
    made = [_wedge(number, forms[int(odd)], group, rng, params) for number, odd in enumerate(is_impostor)]
    return Wedges(
        [experiment for experiment, _, _, _ in made],
        Reflections.concatenate([table for _, table, _, _ in made]),
        [operator for _, _, operator, _ in made],
        is_impostor,
        *forms[0],
        np.concatenate([factor for _, _, _, factor in made]),
    )


def _form(
    cell: gemmi.UnitCell, group: gemmi.SpaceGroup, rng: np.random.Generator, params: WedgesParams
) -> tuple[np.ndarray, np.ndarray]:
    """Every index and its true intensity."""
    true = wilson_intensities(cell, group, rng, d_min=params.d_min, b=20.0, anomalous=0.02)
    hkl, intensity = expand(true, group)
    if params.twinning:
        mate = _twin(group)
        key = {tuple(h): n for n, h in enumerate(hkl.tolist())}
        other = np.array([key[tuple(h)] for h in (hkl @ mate).tolist()])
        intensity = (1 - params.twinning) * intensity + params.twinning * intensity[other]
    return hkl, params.photons * intensity


def _twin(group: gemmi.SpaceGroup) -> np.ndarray:
    own = {w.tobytes() for w in rotations_of(group)}
    return next((w for w in _lattice_rotations(group) if w.tobytes() not in own), np.eye(3, dtype=int))


def _lattice_rotations(group: gemmi.SpaceGroup) -> np.ndarray:
    found = rotations_of(gemmi.SpaceGroup(HOLOHEDRAL[group.crystal_system_str()]))
    if group.hm[0] != "R":
        return found
    obverse = primitive_basis(group)
    kept = [w for w in found if np.allclose(p := obverse @ w.T @ np.linalg.inv(obverse), np.rint(p))]
    return np.array(kept)


def _wedge(
    number: int, form: tuple[np.ndarray, np.ndarray], group: gemmi.SpaceGroup, rng: np.random.Generator,
    params: WedgesParams,
) -> tuple[Experiment, Reflections, np.ndarray, np.ndarray]:  # fmt: skip
    hkl, intensity = form
    lengths = np.array(params.cell[:3]) * (1 + params.cell_spread * rng.normal(size=3))
    orientation = Rotation.random(rng=rng).as_matrix()
    setting = orientation @ b_matrix((*lengths, *params.cell[3:]))
    n_images = int(np.rint(rng.uniform(*params.degrees)))
    start = float(rng.uniform(0, 360))
    rows, phi, s1 = _recorded(hkl @ setting.T, np.radians([start, start + n_images]))
    scale = rng.uniform(*params.scales) * (1 + 0.2 * np.sin(phi + rng.uniform(0, 6)))
    factor = scale * np.exp(-rng.uniform(*params.decays) * np.sum((hkl[rows] @ setting.T) ** 2, axis=1) / 2)
    true = intensity[rows] * factor
    sigma = np.sqrt(true + 20.0 + (params.systematic * true) ** 2)
    observed = true + sigma * rng.normal(size=len(true))
    change = _change(group, rng, params)
    space_group = gemmi.SpaceGroup("P 1") if params.as_indexed else group
    crystal = Crystal(setting @ np.linalg.inv(change), space_group)
    panel = Panel(
        np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([-200.0, 200.0, -150.0]), (0.2, 0.2), (2000, 2000)
    )
    experiment = Experiment(
        Beam(WAVELENGTH), Detector((panel,)), Goniometer(), Scan((1, n_images), (start, 1.0)), crystal=crystal,
        identifier=f"wedge-{params.seed}-{number}",
    )  # fmt: skip
    given = np.rint(hkl[rows] @ change.T).astype(np.int32)
    return experiment, _table(number, experiment, given, (observed, sigma), s1, phi), change, factor


def _change(group: gemmi.SpaceGroup, rng: np.random.Generator, params: WedgesParams) -> np.ndarray:
    """(3, 3) hkl_given = M hkl_true."""
    rotations = _lattice_rotations(group)
    turn = rotations[rng.integers(len(rotations))].T if params.any_setting else np.eye(3)
    return primitive_basis(group) @ turn if params.as_indexed else np.asarray(turn, float)


def _recorded(r: np.ndarray, scan: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of reflections that cross the sphere within the scan, the angle, and s1 of each."""
    axis, s0 = np.array([1.0, 0, 0]), np.array([0, 0, -1.0 / WAVELENGTH])
    found = find_passages(r, s0, axis, 1e-7, (float(scan[0]), float(scan[1])))
    phi = (found.low + found.high) / 2
    inside = (phi >= scan[0]) & (phi < scan[1])
    rows, phi = found.reflection[inside], phi[inside]
    s1 = Rotation.from_rotvec(phi[:, None] * axis).apply(r[rows]) + s0
    onto = s1[:, 2] < -0.3
    return rows[onto], phi[onto], s1[onto]


def _table(
    number: int, experiment: Experiment, hkl: np.ndarray, measured: tuple[np.ndarray, np.ndarray], s1: np.ndarray,
    phi: np.ndarray,
) -> Reflections:  # fmt: skip
    n, panel = len(hkl), experiment.detector[0]
    intensity, sigma = measured
    d = 1 / np.linalg.norm(s1 - experiment.beam.s0, axis=1)
    at = s1 * (panel.origin[2] / s1[:, 2])[:, None] - panel.origin
    mm = np.column_stack([at @ panel.fast_axis, at @ panel.slow_axis, phi])
    frame = experiment.scan.frame_at(phi)
    px = np.column_stack([mm[:, :2] / panel.pixel_size[0], frame])
    first = np.clip(np.floor(frame), 0, experiment.scan.n_images - 1).astype(np.int32)
    corner = np.floor(px[:, :2]).astype(np.int32)
    bbox = np.column_stack([corner[:, 0] - 2, corner[:, 0] + 3, corner[:, 1] - 2, corner[:, 1] + 3, first, first + 1])
    return Reflections(
        {
            "hkl": hkl, "experiment_id": np.full(n, number), "panel": np.zeros(n, int),
            "flags": np.full(n, int(Flag.PREDICTED | Flag.INDEXED | Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)),
            "intensity_sum": intensity, "variance_sum": sigma**2, "intensity_prf": intensity, "variance_prf": sigma**2,
            "background_sum": np.full(n, 20.0), "background_variance": np.full(n, 1.0),
            "lp": np.ones(n), "qe": np.ones(n), "partiality": np.ones(n), "s1": s1, "d": d,
            "xyz_cal_mm": mm, "xyz_obs_mm": mm, "xyz_cal_px": px, "xyz_obs_px": px, "bbox": bbox,
        },
        {number: experiment.identifier},
    )  # fmt: skip
