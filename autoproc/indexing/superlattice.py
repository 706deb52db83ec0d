"""Is the cell a multiple or a part of the right one? Counted in the spots, not guessed from the metric."""

from __future__ import annotations

from itertools import product

import numpy as np

from autoproc.indexing.assign import fractional
from autoproc.robust import robust_sigma

CLASS_TOLERANCE = 0.1
MIN_CLASS_FRACTION = 0.03
MIN_OVER_CHANCE = 5.0
MIN_SPOTS = 10
N_SIGMA_CLOSE = 2.5
MIN_SIGMA = 1e-3
MAX_SPREAD = 1.6
PRIMES = (2, 3)


def _classes(prime: int) -> list[tuple[int, ...]]:
    """Directions modulo a prime whose first component that is not 0 is 1: 7 for 2, 13 for 3."""
    found: list[tuple[int, ...]] = []
    for candidate in product(range(prime), repeat=3):
        multiples = {tuple(int(m * c) % prime for c in candidate) for m in range(1, prime)}
        if any(candidate) and not multiples & set(found):
            found.append(candidate)
    return found


def superlattice(A: np.ndarray, rlp: np.ndarray) -> np.ndarray | None:
    """Setting matrix of a larger cell, if spots lie between the lattice points of A; else None.

    Of the spots that A does not index, those at a half or a third of a lattice row are counted. They make a
    superlattice when they are 3% of the indexed ones, five times as many as chance would put there, and gathered
    about those points as closely as the others about theirs: the spots of a second lattice, turned a little, are
    strewn along lines instead.
    """
    hkl, residual = fractional(A, rlp)
    on_lattice = np.all(np.abs(residual) < CLASS_TOLERANCE, axis=1)
    rest = (hkl + residual)[~on_lattice]
    width = np.minimum(N_SIGMA_CLOSE * _sigma(residual[on_lattice]), 0.5 * CLASS_TOLERANCE)
    best: tuple[int, np.ndarray] | None = None
    for prime in PRIMES:
        chance = len(rest) * np.prod(2 * width) * (prime - 1)
        needed = max(MIN_SPOTS, MIN_OVER_CHANCE * chance, MIN_CLASS_FRACTION * on_lattice.sum())
        for direction in _classes(prime):
            count = _near_class(rest, np.array(direction) / prime, prime, width)
            around = _near_class(rest, np.array(direction) / prime, prime, 2 * width)
            if count > max(needed, best[0] if best else 0) and around < MAX_SPREAD * count:
                best = count, _with_extra_point(A, direction, prime)
    return best[1] if best else None


def sublattice(A: np.ndarray, rlp: np.ndarray) -> np.ndarray | None:
    """Setting matrix of a smaller cell, if almost all points are on a sublattice of A's; else None.

    For a prime p and integers n the sublattice is n . h = 0 modulo p, of which 1 / p is expected by chance. Only
    points close to the lattice count, so that few are there by chance.
    """
    hkl, residual = fractional(A, rlp)
    hkl = hkl[np.all(np.abs(residual) <= N_SIGMA_CLOSE * _sigma(residual), axis=1)]
    if len(hkl) < MIN_SPOTS:
        return None
    for prime in PRIMES:
        for direction in _classes(prime):
            outside = np.count_nonzero((hkl @ np.array(direction)) % prime)
            if outside < MIN_CLASS_FRACTION * len(hkl):
                real = np.linalg.inv(A)
                return np.linalg.inv(_with_extra_vector(real, np.array(direction) @ real / prime, direction))
    return None


def _sigma(residual: np.ndarray) -> np.ndarray:
    """(3,) robust standard deviations of fractional indices from integers."""
    if not len(residual):
        return np.full(3, MIN_SIGMA)
    return np.maximum(robust_sigma(residual), MIN_SIGMA)


def _near_class(values: np.ndarray, offset: np.ndarray, prime: int, width: np.ndarray) -> int:
    near = np.zeros(len(values), bool)
    for multiple in range(1, prime):
        shifted = values - multiple * offset
        near |= np.all(np.abs(shifted - np.rint(shifted)) < width, axis=1)
    return int(np.count_nonzero(near))


def _with_extra_point(A: np.ndarray, direction: tuple[int, ...], prime: int) -> np.ndarray:
    """Reciprocal basis of the lattice of A with the point A direction / prime."""
    extra = A @ np.array(direction) / prime
    return _with_extra_vector(A.T, extra, direction).T


def _with_extra_vector(rows: np.ndarray, extra: np.ndarray, direction: tuple[int, ...]) -> np.ndarray:
    """Basis (rows) of the lattice spanned by `rows` and `extra` = direction . rows / prime.

    It takes the place of the row whose coefficient is 1, which can be had back from the others.
    """
    basis = rows.copy()
    basis[int(np.flatnonzero(direction)[0])] = extra
    return basis
