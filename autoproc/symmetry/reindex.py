"""Change of basis: its notation ("b+c,a+c,a+b"), and its effect on crystals and reflections."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.geometry.cell_errors import errors_in_basis
from autoproc.geometry.constraints import constrain_setting
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import rotations_of
from autoproc.wording import counted


class BadChangeOfBasis(ConfigurationError):
    """A change-of-basis operator that is not one."""

    what = "{operator!r} is not a change of basis ({reason})"
    hint = 'give the new axes in terms of the old, right-handed, for example "b+c,a+c,a+b"'


def parse_basis(text: str) -> np.ndarray:
    """(3, 3) matrix of an operator such as "b+c,a+c,a+b" or "1/2*a-1/2*b,b,c".

    hkl notation ("k+l,h+l,h+k") means the same, because hkl transform as the axes do.
    Raises BadChangeOfBasis.
    """
    xyz = text.lower().translate(str.maketrans("abchkl", "xyzxyz"))
    try:
        operator = gemmi.Op(xyz)
    except RuntimeError as error:
        raise BadChangeOfBasis(operator=text, reason=str(error)) from error
    matrix = np.array(operator.rot, float) / gemmi.Op.DEN
    if any(operator.tran):
        raise BadChangeOfBasis(operator=text, reason="it shifts the origin")
    if np.linalg.det(matrix) < 1e-6:
        raise BadChangeOfBasis(operator=text, reason="it is singular or changes the hand")
    return matrix


def format_basis(matrix: np.ndarray) -> str:
    """The operator of a matrix: [[0, 1, 1], [1, 0, 1], [1, 1, 0]] is "b+c,a+c,a+b"."""
    return ",".join(_axis(row) for row in np.asarray(matrix, float))


def _axis(row: np.ndarray) -> str:
    terms = ""
    for value, letter in zip(row, "abc", strict=True):
        fraction = Fraction(float(value)).limit_denominator(24)
        if fraction:
            sign = "-" if fraction < 0 else "+" if terms else ""
            terms += sign + ("" if abs(fraction) == 1 else f"{abs(fraction)}*") + letter
    return terms or "0"


def tidiest(matrix: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Of the basis changes that rotations (n, 3, 3) of the new cell make equivalent, the plainest.

    No change at all if that is among them, so that data in the right setting stay as they are; otherwise
    the one with the fewest minus signs.
    """
    equivalents = np.swapaxes(np.asarray(rotations, float), 1, 2) @ matrix

    def plainness(m: np.ndarray) -> tuple[float, ...]:
        return (-float(np.abs(m - np.eye(3)).max() > 1e-6), round(m.sum(), 6), *m.ravel().round(6))

    return max(equivalents, key=plainness)


def operator_of(matrix: np.ndarray) -> gemmi.Op:
    """The gemmi operator whose apply_to_hkl is hkl' = M hkl."""
    operator = gemmi.Op()
    operator.rot = np.rint(np.asarray(matrix, float).T * gemmi.Op.DEN).astype(int).tolist()
    return operator


def reindex_hkl(hkl: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(N, 3) int32 M hkl. Indices that would become fractional raise BadChangeOfBasis."""
    new = np.asarray(hkl) @ np.asarray(matrix, float).T
    rounded = np.rint(new)
    if len(new) and np.abs(new - rounded).max() > 1e-3:
        n_bad = int(np.any(np.abs(new - rounded) > 1e-3, axis=1).sum())
        reason = f"{counted(n_bad, 'reflection')} would have fractional indices"
        raise BadChangeOfBasis(operator=format_basis(matrix), reason=reason)
    return rounded.astype(np.int32)


def reindex_reflections(reflections: Reflections, matrices: dict[int, np.ndarray]) -> Reflections:
    """Apply to each experiment's reflections its matrix; 0 0 0 stays 0 0 0."""
    hkl = reflections["hkl"].copy()
    for experiment_id, rows in rows_by_experiment(reflections["experiment_id"]).items():
        if experiment_id in matrices:
            hkl[rows] = reindex_hkl(hkl[rows], matrices[experiment_id])
    return reflections.replace(hkl=hkl)


def reindex_crystal(crystal: Crystal, matrix: np.ndarray, space_group: gemmi.SpaceGroup) -> Crystal:
    """The crystal in the new basis, its metric made to obey the space group, with the uncertainties of its cell."""
    moved = crystal.reindexed(operator_of(matrix), space_group)
    new = constrain_crystal(moved)
    if crystal.B_covariance is None:
        return new
    basis = np.linalg.inv(crystal.A) @ moved.A
    esd, covariance = errors_in_basis(crystal.B, crystal.B_covariance, basis, rotations_of(space_group))
    return replace(new, cell_esd=esd, B_covariance=covariance)


def reindex_experiment(experiment: Experiment, matrix: np.ndarray, space_group: gemmi.SpaceGroup) -> Experiment:
    """The experiment with its crystal in the new basis and space group."""
    if experiment.crystal is None:
        return experiment
    return replace(experiment, crystal=reindex_crystal(experiment.crystal, matrix, space_group))


def constrain_crystal(crystal: Crystal, space_group: gemmi.SpaceGroup | None = None) -> Crystal:
    """The crystal nearest to this one whose cell obeys the space group, at every scan point."""
    group = space_group or crystal.space_group
    rotations = rotations_of(group)
    points = crystal.A_at_scan_points
    return Crystal(
        constrain_setting(crystal.A, rotations),
        group,
        None if points is None else constrain_setting(points, rotations),
    )
