"""How far lattices are from one another, whatever bases they are given in.

The seven classes of lattice vectors modulo twice the lattice each have a least length, and these seven lengths
determine the lattice (Conway & Sloane 1992, Proc. R. Soc. A436, 55). They change continuously where a cell is
deformed, across every border at which reduced cells change their form, and a change of basis only permutes them, by one
of the 168 matrices of GL(3, 2). The distance is the least over these of the greatest relative difference in length: a
metric.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from autoproc.models.crystal import Crystal
from autoproc.models.space_group import primitive_basis
from autoproc.symmetry.lattice_symmetry import cell_of, metric_of, niggli

CLASSES = np.array([(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)])
REACH = 2
"""Indices, in a reduced basis, within which the shortest vector of each class lies."""


def reduced_metric(crystal: Crystal) -> np.ndarray:
    """(3, 3) metric of a crystal's Niggli-reduced cell, Angstrom^2."""
    primitive = primitive_basis(crystal.space_group)
    metric = primitive @ metric_of(crystal.cell) @ primitive.T
    change = niggli(cell_of(metric))
    return np.asarray(change @ metric @ change.T)


def class_lengths(metric: np.ndarray) -> np.ndarray:
    """(7,) least length, Angstrom, of the vectors of each class, of a reduced metric."""
    vectors, place = _vectors()
    squares = np.einsum("ni,ij,nj->n", vectors, metric, vectors)
    return np.sqrt([squares[place == k].min() for k in range(len(CLASSES))])


def length_differences(metrics: np.ndarray) -> np.ndarray:
    """(n, n) distances of lattices with reduced metrics (n, 3, 3): the greatest relative difference in length."""
    logs = np.log([class_lengths(metric) for metric in metrics])
    permuted = logs[:, _permutations()]
    rows = [np.abs(permuted - one).max(axis=2).min(axis=1) for one in logs]
    return np.minimum(rows, np.transpose(rows))


def log_ratios(metric: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(168, 7) logarithms of the class lengths of a reduced metric over another's, for each way to pair them."""
    found: np.ndarray = np.log(class_lengths(metric))[_permutations()] - np.log(class_lengths(other))
    return found


@cache
def _vectors() -> tuple[np.ndarray, np.ndarray]:
    every = np.array([v for v in itertools.product(range(-REACH, REACH + 1), repeat=3) if np.any(np.mod(v, 2))])
    odd = np.mod(every, 2)
    return every, odd @ (4, 2, 1) - 1


@cache
def _permutations() -> np.ndarray:
    """(168, 7) where each class goes under the invertible matrices modulo 2."""
    matrices = np.array(list(itertools.product((0, 1), repeat=9))).reshape(-1, 3, 3)
    invertible = np.mod(np.rint(np.linalg.det(matrices)), 2) == 1
    return np.mod(CLASSES @ matrices[invertible], 2) @ (4, 2, 1) - 1
