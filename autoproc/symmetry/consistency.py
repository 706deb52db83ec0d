"""One reduced basis for several crystals or sweeps of one lattice."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from autoproc.errors import NoCrystal, ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.space_group import primitive_basis
from autoproc.symmetry.lattice_lengths import length_differences, reduced_metric
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry, cell_of, lattice_symmetry, metric_of, niggli

MAX_STRAIN = 0.05


class IncompatibleCells(ProcessingError):
    """Crystals that are not of one lattice."""

    what = "the cell of experiment {experiment}, {cell}, is not that of experiment {reference}, {reference_cell}"
    hint = "run `autoproc symmetry` on each by itself, and scale together those whose cells agree"


def common_lattice(
    experiments: Sequence[Experiment], max_delta: float
) -> tuple[LatticeSymmetry, dict[int, np.ndarray]]:
    """The lattice of the mean cell and, for each experiment, its basis change to the reduced mean cell.

    Bases are compared with that of the crystal whose cell is nearest to all others', whatever the order of the
    experiments. Raises NoCrystal, IncompatibleCells.
    """
    crystals = {n: e.crystal for n, e in enumerate(experiments) if e.crystal is not None}
    if not crystals:
        raise NoCrystal(n=len(experiments))
    reference = _most_central(crystals)
    first = primitive_basis(crystals[reference].space_group)
    own = lattice_symmetry(cell_of(_transformed(crystals[reference], first)), max_delta)
    matrices = {reference: own.to_reduced @ first}
    for n, crystal in crystals.items():
        if n != reference:
            matrix = _matching_basis(crystal, own, matrices[reference])
            if matrix is None:
                cells = {"cell": _text(crystal.cell), "reference_cell": _text(crystals[reference].cell)}
                raise IncompatibleCells(experiment=n, reference=reference, **cells)
            matrices[n] = matrix
    mean = np.mean([_transformed(crystals[n], matrices[n]) for n in sorted(crystals)], axis=0)
    lattice = lattice_symmetry(cell_of(mean), max_delta)
    return lattice, {n: lattice.to_reduced @ matrices[n] for n in sorted(crystals)}


def _most_central(crystals: Mapping[int, Crystal]) -> int:
    """The crystal whose lattice has the least sum of distances to the others; of equals that of the least cell."""
    if len(crystals) == 1:
        return next(iter(crystals))
    distances = length_differences(np.array([reduced_metric(crystal) for crystal in crystals.values()]))
    total = dict(zip(crystals, np.round(distances.sum(axis=1), 9), strict=True))
    return min(crystals, key=lambda n: (total[n], crystals[n].cell))


def _text(cell: tuple[float, ...]) -> str:
    return " ".join(f"{x:.2f}" for x in cell)


def _transformed(crystal: Crystal, matrix: np.ndarray) -> np.ndarray:
    return matrix @ metric_of(crystal.cell) @ matrix.T


def _matching_basis(crystal: Crystal, lattice: LatticeSymmetry, as_reference: np.ndarray) -> np.ndarray | None:
    """The change to a basis like the reference's reduced one: the reference's own change, if that will do."""
    if _strain(_transformed(crystal, as_reference)[None], lattice.metric)[0] < MAX_STRAIN / 2:
        return as_reference
    primitive = primitive_basis(crystal.space_group)
    start = niggli(cell_of(_transformed(crystal, primitive))) @ primitive
    changes = unimodular()
    strains = _strain(changes @ _transformed(crystal, start) @ np.swapaxes(changes, 1, 2), lattice.metric)
    best = int(np.argmin(strains))
    return changes[best] @ start if strains[best] < MAX_STRAIN else None


@cache
def unimodular() -> np.ndarray:
    """(n, 3, 3) int, all of determinant 1 with elements -1, 0, 1; not to be written to."""
    every = np.array(list(itertools.product((-1, 0, 1), repeat=9))).reshape(-1, 3, 3)
    determinant = np.einsum("ni,ni->n", every[:, 0], np.cross(every[:, 1], every[:, 2]))
    found = every[determinant == 1]
    found.flags.writeable = False
    return found


def _strain(metrics: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(n,) greatest relative difference of metrics (n, 3, 3) from a reference."""
    scale = np.sqrt(np.outer(np.diag(reference), np.diag(reference)))
    return np.abs((metrics - reference) / scale).max(axis=(1, 2)) / 2


def compose(first: Mapping[int, np.ndarray], then: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Basis changes one after the other, for each experiment."""
    return {n: then.get(n, np.eye(3, dtype=int)) @ matrix for n, matrix in first.items()}
