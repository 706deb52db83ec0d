"""Refine, score and choose real space vectors: what every search method ends with."""

from __future__ import annotations

import numpy as np

WIDTH = 0.12
N_CYCLES = 8
MIN_RELATIVE_SCORE = 0.4
SAME_VECTOR = 0.02
MAX_VECTORS = 60


def refine_vectors(vectors: np.ndarray, rlp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (K, 3) moved to the nearest best periodicity of the points (N, 3), and their scores (K,).

    The mean over the points of exp(-e**2 / (2 WIDTH**2)) is maximised, e the distance of r.v from the
    nearest integer: points of another lattice or of none hardly count. The score is that mean less its value
    for points without any order, divided so that a perfect lattice has 1.
    """
    vectors = np.array(vectors, float)
    products = np.stack([rlp[:, i] * rlp[:, j] for i in range(3) for j in range(3)], axis=1)
    for _ in range(N_CYCLES):
        residual, weight = _weights(vectors, rlp)
        matrices = (weight.T @ products).reshape(-1, 3, 3)
        right = (weight * residual).T @ rlp
        ridge = 1e-9 * np.trace(matrices, axis1=1, axis2=2) + 1e-30
        vectors -= np.linalg.solve(matrices + ridge[:, None, None] * np.eye(3), right[..., None])[..., 0]
    _, weight = _weights(vectors, rlp)
    by_chance = WIDTH * np.sqrt(2 * np.pi)
    return vectors, (weight.mean(axis=0) - by_chance) / (1 - by_chance)


def _weights(vectors: np.ndarray, rlp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) distances from the nearest integer, and their weights."""
    residual = rlp @ vectors.T
    residual -= np.rint(residual)
    return residual, np.exp(-0.5 * np.square(residual / WIDTH))


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
