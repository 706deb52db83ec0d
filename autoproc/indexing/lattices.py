"""How one lattice is turned against another."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.geometry.rotation import GENERATORS, nearest_rotation, turned_by
from autoproc.indexing.candidates import niggli_reduced
from autoproc.models.crystal import cell_from_real_matrix

LATTICE_OBLIQUITY = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class LatticeRotation:
    """The smallest rotation that brings lattice `first` onto lattice `second`, in the crystal's frame.

    matrix (3, 3); axis (3,) unit vector; angle in degrees, 0 to 180
    widest_axis, widest_angle : of the widest of the equivalent rotations; near 180 degrees where a lattice is split
        by a two-fold operation that is not its own
    """

    first: int
    second: int
    matrix: np.ndarray
    axis: np.ndarray
    angle: float
    widest_axis: np.ndarray
    widest_angle: float


@dataclass(frozen=True, slots=True, eq=False)
class LatticeNumbers:
    """What tells whether a lattice is one: a real one explains many of the spots that those before it left over.

    n_spots : that it indexes; n_left : on no earlier lattice; angle : degrees from the first lattice, 0 for the first
    x_px, y_px, z_images : RMSDs, the worst of its sweeps; information : bits that it saved in telling the places of
        the spots left over, when it was found; sharpness : the same for a spot on it
    """

    n_spots: int
    n_left: int
    angle: float
    x_px: float
    y_px: float
    z_images: float
    information: float
    sharpness: float

    @property
    def share(self) -> float:
        """Fraction of the spots left over that it explains."""
        return self.n_spots / max(1, self.n_left)


def rotation_between(A1: np.ndarray, A2: np.ndarray, first: int = 0, second: int = 1) -> LatticeRotation:
    """The smallest rotation from the lattice of A1 to that of A2, up to the lattice's own symmetry."""
    real1, real2 = niggli_reduced(np.linalg.inv(A1)), niggli_reduced(np.linalg.inv(A2))
    rotations = np.array([nearest_rotation(real2.T @ np.linalg.inv((op @ real1).T)) for op in proper_symmetry(real1)])
    angles = turned_by(rotations)
    best, widest = rotations[int(np.argmin(angles))], rotations[int(np.argmax(angles))]
    return LatticeRotation(first, second, best, _axis(best), float(angles.min()), _axis(widest), float(angles.max()))


def proper_symmetry(real: np.ndarray) -> np.ndarray:
    """(K, 3, 3) proper symmetry of a lattice: integer matrices that turn a basis (rows) into an equivalent one."""
    operations = gemmi.find_lattice_symmetry(gemmi.UnitCell(*cell_from_real_matrix(real)), "P", LATTICE_OBLIQUITY)
    matrices = np.array([np.array(op.rot).T // gemmi.Op.DEN for op in operations.sym_ops])
    return matrices[np.linalg.det(matrices) > 0]


def _axis(rotation: np.ndarray) -> np.ndarray:
    """The axis about which a rotation turns by a positive angle."""
    values, vectors = np.linalg.eig(rotation)
    axis = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    sense = np.einsum("ij,kij->k", rotation, GENERATORS)
    return axis * (1.0 if sense @ axis >= 0 else -1.0) / np.linalg.norm(axis)
