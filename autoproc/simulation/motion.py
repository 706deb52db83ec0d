"""How the crystal sits and moves: orientation, wobble and growth of the cell over the sweep."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
from scipy.spatial.transform import Rotation

from autoproc.simulation.params import SimulateParams


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """U : (L, 3, 3) one a lattice, at rest; B : (3, 3) at the first image, 1/Angstrom.

    waves : (K, 2, 3) cosine and sine amplitudes of the wobble's rotation vector, radians, for k = 1 .. K turns
    drift : relative growth of the cell from the first to the last image
    """

    U: np.ndarray
    B: np.ndarray
    waves: np.ndarray
    drift: float
    n_images: int

    def wobble_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, 3) rotation vectors, radians, at positions `frame` (0 = start of the first image)."""
        k = np.arange(1, len(self.waves) + 1)
        turn = 2 * np.pi * k * np.asarray(frame, float)[:, None] / max(self.n_images, 1)
        return np.cos(turn) @ self.waves[:, 0] + np.sin(turn) @ self.waves[:, 1]

    def U_at(self, lattice: int, frame: np.ndarray) -> np.ndarray:
        """(N, 3, 3) orientations at positions `frame`."""
        return Rotation.from_rotvec(self.wobble_at(frame)).as_matrix() @ self.U[lattice]

    def A_at(self, lattice: int, frame: np.ndarray) -> np.ndarray:
        """(N, 3, 3) setting matrices UB at positions `frame`."""
        growth = 1 + self.drift * np.asarray(frame, float) / max(self.n_images, 1)
        return self.U_at(lattice, frame) @ self.B / growth[:, None, None]

    @property
    def largest_wobble(self) -> float:
        """A bound of the wobble's angle, radians."""
        return float(np.linalg.norm(self.waves, axis=2).sum())


def unit_axis(params: SimulateParams) -> np.ndarray:
    """(3,) unit vector of the rotation axis."""
    axis = np.asarray(params.rotation_axis)
    return axis / np.linalg.norm(axis)


def crystal_motion(params: SimulateParams, cell: gemmi.UnitCell, rng: np.random.Generator) -> Motion:
    """Orientation and movement of every lattice; `rng` draws the wobble."""
    first = _orientation(params)
    orientations = [first]
    if params.second_lattice is not None:
        orientations.append(Rotation.from_rotvec(params.second_lattice, degrees=True).as_matrix() @ first)
    waves = rng.standard_normal((3, 2, 3))
    waves *= np.radians(params.wobble) / np.linalg.norm(waves, axis=2).sum()
    reciprocal_basis = np.array(cell.frac.mat.tolist()).T
    return Motion(np.array(orientations), reciprocal_basis, waves, params.cell_drift, params.n_images)


def _orientation(params: SimulateParams) -> np.ndarray:
    if params.orientation is not None:
        given = np.reshape(params.orientation, (3, 3))
        left, _, right = np.linalg.svd(given)
        return left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(given))]) @ right
    seed = params.seed if params.orientation_seed is None else params.orientation_seed
    quaternion = np.random.default_rng([seed, 101]).standard_normal(4)
    return Rotation.from_quat(quaternion).as_matrix()
