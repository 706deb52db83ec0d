"""Refine, score and choose real space vectors: what every search method ends with."""

from __future__ import annotations

import numpy as np

WIDTH = 0.12
N_CYCLES = 8
FIRST_CYCLES = 3
FIRST_POINTS = 1000
"""About so many points, spread evenly, bring a vector near to its place, from where the others move it little."""
STAYS = 1e-5
"""Of its length, by which a vector moves that has found its place: 1000 times less than tells two apart."""
BATCH = 16
"""Vectors that are moved at a time, so that what lies between stays in the cache."""
MIN_RELATIVE_SCORE = 0.4
MIN_PROMISING = 0.2
"""Of the best score: half of what a good vector needs in the end, once some of the points have moved it."""
SAME_VECTOR = 0.02
MAX_VECTORS = 60


def refine_vectors(vectors: np.ndarray, rlp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (K, 3) moved to the nearest best periodicity of the points (N, 3), and their scores (K,).

    The mean over the points of exp(-e**2 / (2 WIDTH**2)) is maximised, e the distance of r.v from the
    nearest integer: points of another lattice or of none hardly count. The score is that mean less its value
    for points without any order, divided so that a perfect lattice has 1. Some of the points tell which
    vectors may be good; the others stay where these have brought them.
    """
    vectors, some = np.array(vectors, float), rlp[:: max(1, len(rlp) // FIRST_POINTS)]
    if not len(vectors):
        return vectors, np.empty(0)
    first = _moved(vectors, some, FIRST_CYCLES)
    scores = _scores(first, some)
    may_be_good = scores >= MIN_PROMISING * scores.max()
    first[may_be_good] = _moved(first[may_be_good], rlp, N_CYCLES - FIRST_CYCLES)
    return first, _scores(first, rlp)


def _scores(vectors: np.ndarray, rlp: np.ndarray) -> np.ndarray:
    means = [_weights(vectors[some], rlp)[1].mean(axis=0) for some in _batches(np.arange(len(vectors)))]
    by_chance = WIDTH * np.sqrt(2 * np.pi)
    return (np.concatenate(means) - by_chance) / (1 - by_chance)


def _moved(vectors: np.ndarray, rlp: np.ndarray, n_cycles: int) -> np.ndarray:
    """Vectors (K, 3) moved to the nearest best periodicity of the points, each until it stays."""
    vectors = vectors.copy()
    products = (rlp[:, :, None] * rlp[:, None, :]).reshape(-1, 9)
    moving = np.arange(len(vectors))
    for _ in range(n_cycles):
        shifts = np.concatenate([_shift(vectors[some], rlp, products) for some in _batches(moving)] or [vectors[:0]])
        vectors[moving] -= shifts
        moving = moving[np.linalg.norm(shifts, axis=1) > STAYS * np.linalg.norm(vectors[moving], axis=1)]
    return vectors


def _batches(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _shift(vectors: np.ndarray, rlp: np.ndarray, products: np.ndarray) -> np.ndarray:
    """(K, 3) by which vectors go too far; products : (N, 9) of the points' coordinates with one another."""
    residual, weight = _weights(vectors, rlp)
    matrices = (weight.T @ products).reshape(-1, 3, 3)
    residual *= weight
    right = residual.T @ rlp
    ridge = 1e-9 * np.trace(matrices, axis1=1, axis2=2) + 1e-30
    return np.linalg.solve(matrices + ridge[:, None, None] * np.eye(3), right[..., None])[..., 0]


def _weights(vectors: np.ndarray, rlp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) distances from the nearest integer, and their weights."""
    residual = rlp @ vectors.T
    residual -= np.rint(residual)
    weight = np.square(residual)
    weight *= -0.5 / WIDTH**2
    return residual, np.exp(weight, out=weight)


def choose_vectors(
    vectors: np.ndarray, scores: np.ndarray, min_length: float, max_length: float, limit: int = MAX_VECTORS
) -> tuple[np.ndarray, np.ndarray]:
    """The shortest of the good vectors, without repetitions and opposites; with their scores."""
    length = np.linalg.norm(vectors, axis=1)
    good = (length >= min_length) & (length <= max_length) & np.isfinite(scores)
    if not good.any():
        return np.empty((0, 3)), np.empty(0)
    # points with less order than chance has give scores below zero, of which the best is as little as the others
    good &= scores >= max(0.0, MIN_RELATIVE_SCORE * scores[good].max())
    if not good.any():
        return np.empty((0, 3)), np.empty(0)
    order = np.flatnonzero(good)
    order = order[np.lexsort((order, -scores[order]))]
    kept = order[_first_of_each(vectors[order])]
    chosen = np.array(sorted(kept, key=lambda i: length[i])[:limit])
    return vectors[chosen], scores[chosen]


def _first_of_each(vectors: np.ndarray) -> list[int]:
    length = np.linalg.norm(vectors, axis=1)
    kept: list[int] = []
    for index, v in enumerate(vectors):
        others = vectors[kept]
        distance = np.minimum(np.linalg.norm(others - v, axis=1), np.linalg.norm(others + v, axis=1))
        if not np.any(distance < SAME_VECTOR * length[index]):
            kept.append(index)
    return kept
