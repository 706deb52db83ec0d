"""True intensities: Wilson statistics with the symmetry of the space group."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError


class ImpossibleCrystal(ConfigurationError):
    """A cell and a space group that do not go together."""

    what = "space group {space_group} is unknown or contradicts the cell {cell}"
    hint = "give a Hermann-Mauguin symbol and a cell with its lattice's symmetry"


@dataclass(frozen=True, slots=True, eq=False)
class TrueIntensities:
    """hkl : (N, 3) int32, the reciprocal asymmetric unit of gemmi (CCP4); plus, minus : (N,) photons."""

    hkl: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


def crystal_symmetry(cell: tuple[float, ...], space_group: str) -> tuple[gemmi.UnitCell, gemmi.SpaceGroup]:
    """Cell and space group as gemmi has them. Raises ImpossibleCrystal."""
    group, unit_cell = gemmi.find_spacegroup_by_name(space_group), gemmi.UnitCell(*cell)
    if group is None or not unit_cell.volume > 0 or not unit_cell.is_compatible_with_spacegroup(group):
        raise ImpossibleCrystal(space_group=space_group, cell=cell)
    return unit_cell, group


def wilson_intensities(
    cell: gemmi.UnitCell,
    group: gemmi.SpaceGroup,
    rng: np.random.Generator,
    *,
    d_min: float,
    b: float,
    anomalous: float,
    extra_b: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> TrueIntensities:
    """Random intensities with mean exp(-b / (2 d^2)) times the multiplicity of special reflections.

    extra_b : added along x, y and z of the cell's Cartesian frame, Angstrom^2
    Acentric |E|^2 are exponential, centric ones chi-squared with one degree of freedom (Wilson 1949).
    `anomalous` is the rms of (I(+) - I(-)) / (I(+) + I(-)), acentric only. Systematic absences are left out.
    """
    hkl = np.asarray(gemmi.make_miller_array(cell, group, d_min), np.int32)
    hkl = hkl[np.lexsort(hkl.T[::-1])]
    operations = group.operations()
    centric = np.asarray(operations.centric_flag_array(hkl), bool)
    epsilon = np.asarray(operations.epsilon_factor_without_centering_array(hkl), float)
    e_squared = np.where(centric, rng.standard_normal(len(hkl)) ** 2, rng.standard_exponential(len(hkl)))
    mean = epsilon * e_squared * np.exp(-0.5 * b * np.asarray(cell.calculate_1_d2_array(hkl)))
    if any(extra_b):
        mean *= np.exp(-0.5 * (hkl @ np.array(cell.frac.mat.tolist())) ** 2 @ np.array(extra_b))
    bijvoet = np.where(centric, 0.0, np.clip(anomalous * rng.standard_normal(len(hkl)), -0.9, 0.9))
    return TrueIntensities(hkl, mean * (1 + bijvoet), mean * (1 - bijvoet))


def structural_changes(
    cell: gemmi.UnitCell, group: gemmi.SpaceGroup, hkl: np.ndarray, rng: np.random.Generator, *, b: float
) -> tuple[np.ndarray, np.ndarray]:
    """Structure factors (N,) that damage takes away, along those of the crystal and across, of rms 1 at d = infinity.

    They follow Wilson's statistics, independent of the crystal's own; those of centric reflections are along.
    """
    operations = group.operations()
    centric = np.asarray(operations.centric_flag_array(hkl), bool)
    epsilon = np.asarray(operations.epsilon_factor_without_centering_array(hkl), float)
    rms = np.sqrt(epsilon * np.exp(-0.5 * b * np.asarray(cell.calculate_1_d2_array(hkl))))
    along, across = rng.standard_normal((2, len(hkl))) * rms
    share = np.where(centric, 1.0, 0.5**0.5)
    return along * share, np.where(centric, 0.0, across * share)


def expand(true: TrueIntensities, group: gemmi.SpaceGroup) -> tuple[np.ndarray, np.ndarray]:
    """All symmetry mates and Friedel mates: hkl (M, 3) int32, each once, and their intensities (M,)."""
    rotations = np.unique([np.array(op.rot) // op.DEN for op in group.operations().sym_ops], axis=0)
    mates = np.concatenate([true.hkl @ rotation for rotation in rotations])
    hkl = np.concatenate([mates, -mates])
    n = len(rotations)
    intensity = np.concatenate([np.tile(true.plus, n), np.tile(true.minus, n)])
    shifted = hkl.astype(np.int64) + 4096
    _, first = np.unique((shifted[:, 0] * 8192 + shifted[:, 1]) * 8192 + shifted[:, 2], return_index=True)
    return hkl[first].astype(np.int32), intensity[first]


def with_pseudo_symmetry(truth: TrueIntensities, space_group: str, strength: float) -> TrueIntensities:
    """Intensities mixed with the mean over what a higher symmetry makes equivalent; hands stay apart by as much.

    Raises ImpossibleCrystal for an unknown space group.
    """
    group = gemmi.find_spacegroup_by_name(space_group)
    if group is None:
        raise ImpossibleCrystal(space_group=space_group, cell="given")
    rotations = np.array([operation.rot for operation in group.operations().sym_ops]) // gemmi.Op.DEN
    mates = np.stack(
        [truth.hkl @ rotation for rotation in rotations] + [-truth.hkl @ rotation for rotation in rotations]
    )
    size = 2 * int(np.abs(mates).max()) + 1
    codes = (mates[..., 0] * size + mates[..., 1]) * size + mates[..., 2]
    _, orbit = np.unique(codes.max(axis=0), return_inverse=True)
    mean = 0.5 * (truth.plus + truth.minus)
    shared = (np.bincount(orbit, mean) / np.bincount(orbit))[orbit]
    ratio = 1 - strength + strength * np.divide(shared, mean, out=np.ones_like(mean), where=mean > 0)
    return TrueIntensities(truth.hkl, truth.plus * ratio, truth.minus * ratio)
