"""How far apart two lattices are, whatever cells describe them.

Reduced cells jump where a lattice is near the edge between two kinds (Andrews & Bernstein 1988, Acta A44, 1009), so a
lattice is compared not in its reduced cell alone but in all those near it.
"""

from __future__ import annotations

import itertools
from functools import cache

import gemmi
import numpy as np

Cell = tuple[float, float, float, float, float, float]


def lattice_distances(cell: Cell, centring: str, others: np.ndarray) -> np.ndarray:
    """(n,) how far a lattice is from each of n others, as a strain: 0.01 is 1% of an edge, or 0.6 degrees of an angle.

    cell, centring : of one, conventional (P, A, B, C, I, F, R); others : (n, 6) reduced cells, Angstrom and degrees
    The greatest difference of the three edges, relative, and of the three angles, radians, for the basis of the lattice
    that makes it least among those whose axes are sums and differences of reduced ones.
    """
    metric = _metric(np.array(reduced_cell(cell, centring)))
    bases = _unimodular()
    metrics = np.einsum("nij,jk,nlk->nil", bases, metric, bases)
    candidates = _cells(metrics)
    edges = np.abs(candidates[:, None, :3] / others[None, :, :3] - 1).max(axis=2)
    angles = np.abs(np.radians(candidates[:, None, 3:] - others[None, :, 3:])).max(axis=2)
    least: np.ndarray = np.maximum(edges, angles).min(axis=0)
    return least


def reduced_cell(cell: Cell, centring: str) -> Cell:
    """The Niggli cell of a lattice; of cells that are none, as they are."""
    vector = gemmi.GruberVector(gemmi.UnitCell(*cell), centring if centring != "H" else "R")
    vector.niggli_reduce(epsilon=1e-6)
    a, b, c, alpha, beta, gamma = vector.cell_parameters()
    return (a, b, c, alpha, beta, gamma)


def _metric(cell: np.ndarray) -> np.ndarray:
    """(3, 3) scalar products of the axes."""
    a, b, c = cell[:3]
    p, q, r = np.cos(np.radians(cell[3:]))
    return np.array([[a * a, a * b * r, a * c * q], [a * b * r, b * b, b * c * p], [a * c * q, b * c * p, c * c]])


def _cells(metrics: np.ndarray) -> np.ndarray:
    """(n, 6) cells of metrics (n, 3, 3)."""
    edges = np.sqrt(np.einsum("nii->ni", metrics))
    cosines = np.column_stack([metrics[:, j, k] / (edges[:, j] * edges[:, k]) for j, k in ((1, 2), (0, 2), (0, 1))])
    return np.column_stack([edges, np.degrees(np.arccos(np.clip(cosines, -1, 1)))])


@cache
def _unimodular() -> np.ndarray:
    """(3480, 3, 3) changes of basis whose elements are -1, 0 or 1 and whose determinant is 1."""
    every = np.array(list(itertools.product((-1, 0, 1), repeat=9))).reshape(-1, 3, 3)
    return every[np.rint(np.linalg.det(every)) == 1]
