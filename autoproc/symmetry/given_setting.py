"""A space group that the user gives, in the setting in which it was given: which axes are a, b and c."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.models.space_group import primitive_basis, proper_rotations_of, rotations_of, symbol
from autoproc.symmetry.absences import CLOSE, Absences, absence_signature
from autoproc.symmetry.consistency import unimodular
from autoproc.symmetry.lattice_symmetry import cell_of, metric_of
from autoproc.symmetry.reindex import format_basis
from autoproc.symmetry.settings import centring
from autoproc.symmetry.subgroups import Subgroup

MAX_LENGTH_ERROR = 0.05
"""Relative; a known cell is looked for within the same limits in indexing."""
MAX_ANGLE_ERROR = 5.0
"""Degrees, likewise."""

LARGEST_SHEAR = 3
"""Elements of changes of a and c: every tabulated monoclinic setting is reached from any other with 2 (simulated)."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenSetting:
    """A given space group, and where its axes lie.

    change : (3, 3) from the conventional cell of the subgroup; score : of its absences, None if they are not known
    has_cell : the axes are those of the cell that was given, or none was given
    told_by : what decided which axes are a, b and c where there was a choice, in words
    """

    group: gemmi.SpaceGroup
    change: np.ndarray
    score: float | None
    has_cell: bool = True
    told_by: str = ""


def given_setting(
    wanted: gemmi.SpaceGroup,
    subgroup: Subgroup,
    absences: Absences,
    unit_cell: Sequence[float] | None,
    kept: np.ndarray | None,
) -> GivenSetting | None:
    """The axes in which the group holds that was given; None where the lattice has no such setting.

    The user's unit cell decides, then the absences, then the axes that the crystal has (`kept`, (3, 3) from the
    conventional cell, None if it has none of its own), then convention: a <= b <= c as far as the setting
    leaves a choice, the least oblique monoclinic cell.
    """
    changes = possible_changes(wanted, subgroup)
    if not len(changes):
        return None
    cells = _cells_after(changes, subgroup)
    has_cell = True
    if unit_cell is not None:
        near = _is_near(cells, np.array(unit_cell))
        has_cell = bool(near.any())
        changes, cells = (changes[near], cells[near]) if has_cell else (changes, cells)
    probabilities = _probabilities(absences)
    scores = np.array([probabilities.get(absence_signature(wanted, m), 0.0) for m in changes])
    likely = scores >= CLOSE * scores.max()
    is_told = bool(absences.screw_axes) and not likely.all()
    changes, cells, scores = changes[likely], cells[likely], scores[likely]
    strangeness = _from_cell(cells, unit_cell) if unit_cell is not None and has_cell else unusual(cells)
    is_kept = np.zeros(len(changes), bool) if kept is None else np.abs(changes - kept).max(axis=(1, 2)) < 1e-6
    if unit_cell is not None and has_cell:
        is_kept &= strangeness <= strangeness.min() + MAX_LENGTH_ERROR
    plain = np.array([np.abs(m - np.eye(3)).sum() for m in changes])
    best = int(np.lexsort((plain.round(6), strangeness.round(6), ~is_kept))[0])
    by_cell = unit_cell is not None and has_cell
    why = "the unit cell that was given" if by_cell else "the absences" if is_told else "convention"
    score = float(scores[best]) if absences.screw_axes else None
    return GivenSetting(wanted, changes[best], score, has_cell, why)


def axes_words(
    group: gemmi.SpaceGroup, change: np.ndarray, before: Sequence[float], after: Sequence[float], told_by: str
) -> str:
    """That the axes of a given space group are not those of the crystal before, in a sentence; "" where they are.

    change : (3, 3) from those to these; before, after : cells, of which the lengths, Angstrom, are told
    """
    if np.allclose(np.abs(change), np.eye(3)):
        return ""
    were, are = (" ".join(f"{length:.2f}" for length in cell[:3]) for cell in (before, after))
    return (
        f"the axes a, b, c of {symbol(group)} are {format_basis(change)} of the crystal before ({were} A is now "
        f"{are} A), by {told_by}; unit_cell= with the lengths in your order decides otherwise"
    )


def setting_with_cell(
    found: gemmi.SpaceGroup, subgroup: Subgroup, absences: Absences, unit_cell: Sequence[float]
) -> GivenSetting | None:
    """The tabulated setting of a space group that was found, and its axes, with a known cell; None if it has none.

    found : in the axes of the subgroup; it keeps its screw axes where they are
    """
    signature = absence_signature(found)
    fitting: list[tuple[float, int, gemmi.SpaceGroup, np.ndarray]] = []
    for group in gemmi.spacegroup_table():
        if group.number != found.number:
            continue
        near = [c for c in possible_changes(group, subgroup) if absence_signature(group, c) == signature]
        cells = _cells_after(np.array(near).reshape(-1, 3, 3), subgroup)
        is_near = _is_near(cells, np.array(unit_cell))
        distance = _from_cell(cells, unit_cell)
        fitting += [(round(distance[n], 6), len(fitting), group, near[n]) for n in np.flatnonzero(is_near)]
    if not fitting:
        return None
    group, change = min(fitting, key=lambda fit: (fit[0], np.abs(fit[3] - np.eye(3)).sum().round(6), fit[1]))[2:]
    return GivenSetting(group, change, None)


def possible_changes(wanted: gemmi.SpaceGroup, subgroup: Subgroup) -> np.ndarray:
    """(n, 3, 3) changes from the conventional cell to cells in which the rotations and the centring are `wanted`'s."""
    to_wanted = from_reference(wanted)
    from_conventional = np.linalg.inv(from_reference(subgroup.space_group))
    changes = to_wanted @ changes_of_reference(wanted) @ from_conventional
    ours, theirs = rotations_of(subgroup.space_group), proper_rotations_of(wanted)
    keys = {w.tobytes() for w in theirs}
    if len(ours) != len(theirs):
        return changes[:0]
    inverse = np.swapaxes(np.linalg.inv(changes), 1, 2)
    fits = np.ones(len(changes), bool)
    for w in ours:
        turned = inverse @ w @ np.swapaxes(changes, 1, 2)
        whole = np.rint(turned).astype(int)
        exact = np.abs(turned - whole).max(axis=(1, 2)) < 1e-6
        fits &= exact & np.array([m.tobytes() in keys for m in whole])
    kind = centring(np.linalg.inv(primitive_basis(wanted)))
    return np.array([m for m in changes[fits] if centring(m @ subgroup.basis) == kind]).reshape(-1, 3, 3)


def _cells_after(changes: np.ndarray, subgroup: Subgroup) -> np.ndarray:
    """(n, 6) cells, Angstrom and degrees, after changes (n, 3, 3) of the conventional cell."""
    metric = metric_of(subgroup.cell)
    return np.array([cell_of(m @ metric @ m.T) for m in changes]).reshape(-1, 6)


def changes_of_reference(group: gemmi.SpaceGroup) -> np.ndarray:
    """(n, 3, 3) int changes of the reference setting's cell that may keep its symmetry; monoclinic: of a and c.

    The C-centred cell of an I-centred one, or a cell chosen by another program, can be several shears away.
    """
    if group.crystal_system() != gemmi.CrystalSystem.Monoclinic:
        return unimodular()
    within = np.arange(-LARGEST_SHEAR, LARGEST_SHEAR + 1)
    p, q, r, s = np.array(np.meshgrid(within, within, within, within)).reshape(4, -1)
    determinant = p * s - q * r
    changes = np.zeros((len(p), 3, 3), int)
    changes[:, 0, 0], changes[:, 0, 2], changes[:, 2, 0], changes[:, 2, 2] = p, q, r, s
    changes[:, 1, 1] = determinant
    return changes[np.abs(determinant) == 1]


def from_reference(group: gemmi.SpaceGroup) -> np.ndarray:
    """(3, 3) the axes of a setting in terms of those of the reference setting."""
    return np.linalg.inv(np.array(group.basisop.rot) / gemmi.Op.DEN).T


def _probabilities(absences: Absences) -> dict[bytes, float]:
    """Signature of absences -> probability of the possible space groups that have them."""
    result: dict[bytes, float] = {}
    for candidate in absences.candidates:
        signature = absence_signature(candidate.groups[0])
        result[signature] = result.get(signature, 0.0) + candidate.score
    return result


def _is_near(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    lengths = np.abs(cells[:, :3] / known[:3] - 1).max(axis=1)
    angles = np.abs(cells[:, 3:] - known[3:]).max(axis=1)
    return (lengths < MAX_LENGTH_ERROR) & (angles < MAX_ANGLE_ERROR)


def _from_cell(cells: np.ndarray, known: Sequence[float]) -> np.ndarray:
    """(n,) distance from a known cell: relative lengths, and angles in radians."""
    given = np.array(known)
    return np.abs(cells[:, :3] / given[:3] - 1).sum(axis=1) + np.radians(np.abs(cells[:, 3:] - given[3:])).sum(axis=1)


def unusual(cells: np.ndarray) -> np.ndarray:
    """(n,) how far cells are from convention: oblique before long, long before acute, acute before unordered."""
    oblique = np.abs(np.cos(np.radians(cells[:, 3:]))).sum(axis=1)
    length = cells[:, :3].sum(axis=1)
    acute = (cells[:, 3:] < 90 - 1e-3).sum(axis=1)
    unordered = np.sum(np.diff(cells[:, :3], axis=1) < -1e-3 * cells[:, 1:3], axis=1)
    order = np.lexsort((cells[:, 0].round(3), unordered, acute, length.round(3), oblique.round(5)))
    keys = np.column_stack([oblique.round(5), length.round(3), acute, unordered, cells[:, 0].round(3)])[order]
    ranks = np.concatenate([[0], np.cumsum(np.any(np.diff(keys, axis=0) != 0, axis=1))])
    result = np.empty(len(cells))
    result[order] = ranks
    return result
