"""One basis for several crystals or sweeps, with indexing ambiguities resolved by their intensities."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from autoproc.errors import NoCrystal, ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.space_group import primitive_basis
from autoproc.symmetry.elements import hkl_key, merge_friedel, span_of
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry, cell_of, lattice_symmetry, metric_of, niggli
from autoproc.symmetry.observations import Observations

MAX_STRAIN = 0.05
MIN_COMMON = 10
MIN_GAIN = 0.1


class IncompatibleCells(ProcessingError):
    """Crystals that are not of one lattice."""

    what = "the cell of experiment {experiment}, {cell}, is not that of experiment {reference}, {reference_cell}"
    hint = "run `autoproc symmetry` on each by itself, and scale together those whose cells agree"


def common_lattice(
    experiments: Sequence[Experiment], max_delta: float
) -> tuple[LatticeSymmetry, dict[int, np.ndarray]]:
    """The lattice of the first crystal and, for each experiment, its basis change to the reduced cell.

    Raises NoCrystal, IncompatibleCells.
    """
    crystals = {n: e.crystal for n, e in enumerate(experiments) if e.crystal is not None}
    if not crystals:
        raise NoCrystal(n=len(experiments))
    reference = min(crystals)
    first = primitive_basis(crystals[reference].space_group)
    lattice = lattice_symmetry(cell_of(_transformed(crystals[reference], first)), max_delta)
    matrices = {reference: lattice.to_reduced @ first}
    for n, crystal in crystals.items():
        if n != reference:
            matrix = _matching_basis(crystal, lattice, matrices[reference])
            if matrix is None:
                cells = {"cell": _text(crystal.cell), "reference_cell": _text(crystals[reference].cell)}
                raise IncompatibleCells(experiment=n, reference=reference, **cells)
            matrices[n] = matrix
    return lattice, matrices


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


def resolve_ambiguity(observations: Observations, e2: np.ndarray, rotations: np.ndarray) -> dict[int, np.ndarray]:
    """For each experiment, the lattice rotation (as a basis change) that makes it agree with those before it.

    Only a rotation whose CC is better than the identity's by 0.1 and by 3 sigma is applied.
    """
    ids = [int(n) for n in np.unique(observations.experiment)]
    matrices = {n: np.eye(3, dtype=int) for n in ids}
    hkl = observations.hkl.copy()
    for n in ids[1:]:
        rows = observations.experiment == n
        before = np.isin(observations.experiment, ids[: ids.index(n)])
        best = _best_rotation((hkl[before], e2[before]), (hkl[rows], e2[rows]), rotations)
        matrices[n] = rotations[best].T
        hkl[rows] = hkl[rows] @ rotations[best]
    return matrices


def _best_rotation(
    reference: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], rotations: np.ndarray
) -> int:
    a, b = merge_friedel(*reference), merge_friedel(*other)
    span = max(span_of(a.hkl), span_of(b.hkl))
    key = hkl_key(a.hkl, span)
    order = np.argsort(key)
    key, mean = key[order], (a.total / a.count)[order]
    scores = [_cc(key, mean, hkl_key(b.hkl @ w, span), b.total / b.count) for w in rotations]
    (cc_identity, _), ccs = scores[0], np.array([cc for cc, _ in scores])
    best = int(np.argmax(ccs))
    gain = max(MIN_GAIN, 3 / np.sqrt(max(scores[best][1], 1)))
    return best if ccs[best] > max(cc_identity, 0) + gain else 0


def _cc(key: np.ndarray, mean: np.ndarray, other_key: np.ndarray, other: np.ndarray) -> tuple[float, int]:
    place = np.minimum(np.searchsorted(key, other_key), len(key) - 1)
    found = key[place] == other_key
    n = int(found.sum())
    if n < MIN_COMMON:
        return 0.0, n
    return float(np.corrcoef(mean[place[found]], other[found])[0, 1]), n


def compose(first: Mapping[int, np.ndarray], then: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Basis changes one after the other, for each experiment."""
    return {n: then.get(n, np.eye(3, dtype=int)) @ matrix for n, matrix in first.items()}
