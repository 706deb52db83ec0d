"""Crystal: a setting matrix and a space group, fixed or varying over the scan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import gemmi
import numpy as np


def cell_from_real_matrix(real: np.ndarray) -> tuple[float, float, float, float, float, float]:
    """Cell (Angstrom, degrees) of the real space basis, rows a, b, c of a (3, 3) array."""
    return tuple(map(float, cells_from_real_matrices(real)))  # type: ignore[return-value]


def cells_from_real_matrices(real: np.ndarray) -> np.ndarray:
    """(..., 6) cells (Angstrom, degrees) of real space bases, rows a, b, c of (..., 3, 3)."""
    lengths = np.linalg.norm(real, axis=-1)
    unit = real / lengths[..., None]
    cosines = [unit[..., i, None, :] @ unit[..., j, :, None] for i, j in ((1, 2), (0, 2), (0, 1))]
    angles = np.degrees(np.arccos(np.clip(np.concatenate(cosines, axis=-1)[..., 0, :], -1, 1)))
    return np.concatenate([lengths, angles], axis=-1)


def b_matrix(cell: tuple[float, ...]) -> np.ndarray:
    """(3, 3) B matrix, 1/Angstrom, Busing & Levy 1967 orthogonalisation as in cctbx and DIALS.

    It is the transposed inverse of the PDB orthogonalisation matrix's transpose: a along x, b in the
    xy plane, so that B is lower triangular and h_cart = B hkl.
    """
    orthogonalisation = np.array(gemmi.UnitCell(*cell).orth.mat.tolist())
    return np.linalg.inv(orthogonalisation).T


@dataclass(frozen=True, slots=True, eq=False)
class Crystal:
    """One lattice.

    A : (3, 3) setting matrix UB, 1/Angstrom, at phi = 0 in the goniometer's datum frame, so that
        the reciprocal lattice vector in the laboratory is S R(phi) F A hkl.
    space_group : gemmi.SpaceGroup
    A_at_scan_points : (n_images + 1, 3, 3) or None; at the start of each image and the end of the last
    cell_esd : six standard uncertainties, Angstrom and degrees, or None
    B_covariance : (9, 9) or None, kept for DIALS
    """

    A: np.ndarray
    space_group: gemmi.SpaceGroup = field(default_factory=lambda: gemmi.SpaceGroup("P 1"))
    A_at_scan_points: np.ndarray | None = None
    cell_esd: tuple[float, ...] | None = None
    B_covariance: np.ndarray | None = None

    @property
    def real_space(self) -> np.ndarray:
        """(3, 3) rows a, b, c, Angstrom."""
        return np.linalg.inv(self.A)

    @property
    def cell(self) -> tuple[float, float, float, float, float, float]:
        """a, b, c (Angstrom), alpha, beta, gamma (degrees)."""
        return cell_from_real_matrix(self.real_space)

    @property
    def unit_cell(self) -> gemmi.UnitCell:
        """The cell as gemmi knows it."""
        return gemmi.UnitCell(*self.cell)

    @property
    def B(self) -> np.ndarray:
        """(3, 3) orthogonalisation of the reciprocal cell, 1/Angstrom."""
        return b_matrix(self.cell)

    @property
    def U(self) -> np.ndarray:
        """(3, 3) rotation, A = U B."""
        return self.A @ np.linalg.inv(self.B)

    @property
    def n_scan_points(self) -> int:
        """0 for a static crystal."""
        return 0 if self.A_at_scan_points is None else len(self.A_at_scan_points)

    def A_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, 3, 3) setting matrices at array indices `frame` (0 at the start of the scan).

        Linear interpolation between scan points; the static A where the crystal does not vary.
        """
        frame = np.atleast_1d(np.asarray(frame, float))
        if self.A_at_scan_points is None:
            return np.broadcast_to(self.A, (len(frame), 3, 3))
        position = np.clip(frame, 0, self.n_scan_points - 1)
        low = np.minimum(position.astype(int), self.n_scan_points - 2)
        weight = (position - low)[:, None, None]
        return (1 - weight) * self.A_at_scan_points[low] + weight * self.A_at_scan_points[low + 1]

    def static(self) -> Crystal:
        """The same crystal without its variation over the scan."""
        return replace(self, A_at_scan_points=None)

    def reindexed(self, operator: gemmi.Op, space_group: gemmi.SpaceGroup | None = None) -> Crystal:
        """The crystal in another basis; `operator` acts on hkl as gemmi.Op.apply_to_hkl does.

        The reciprocal lattice points stay where they are: A' = A P^-1 with hkl' = P hkl.
        """
        transform = np.array([operator.apply_to_hkl(list(h)) for h in np.eye(3, dtype=int) * 12]).T / 12.0
        inverse = np.linalg.inv(transform)
        points = None if self.A_at_scan_points is None else self.A_at_scan_points @ inverse
        return Crystal(self.A @ inverse, space_group or gemmi.SpaceGroup("P 1"), points)
