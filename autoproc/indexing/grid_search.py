"""The axes of a known cell, looked for in every direction.

Gildea et al. 2014, Acta Cryst. D70, 2652.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from autoproc.indexing.fft1d import hemisphere
from autoproc.indexing.settings import MAX_LENGTH_ERROR
from autoproc.indexing.vectors import refine_vectors, without_repetitions

STEP = 0.02
BLOCK = 512
BEST_PER_LENGTH = 40
SAME_LENGTH = 0.01
NEIGHBOURHOOD = 2.5


def find_vectors(rlp: np.ndarray, unit_cell: tuple[float, ...]) -> np.ndarray:
    """Vectors (K, 3), Angstrom, of the lengths of the cell's axes, that suit the points (N, 3) best; refined."""
    directions = hemisphere(STEP)
    neighbours = cKDTree(np.concatenate([directions, -directions])).query_ball_point(directions, NEIGHBOURHOOD * STEP)
    lengths: list[float] = []
    for length in sorted(unit_cell[:3]):
        if not lengths or length > lengths[-1] * (1 + SAME_LENGTH):
            lengths.append(length)
    found = []
    for length in lengths:
        score = _scores(rlp, length * directions)
        both = np.concatenate([score, score])
        peaks = np.flatnonzero([score[i] >= both[near].max() for i, near in enumerate(neighbours)])
        best = peaks[np.argsort(-score[peaks], kind="stable")[:BEST_PER_LENGTH]]
        refined, _ = refine_vectors(length * directions[best], rlp)
        kept = np.abs(np.linalg.norm(refined, axis=1) / length - 1) < MAX_LENGTH_ERROR
        found.append(refined[kept])
    return without_repetitions(np.concatenate(found))


def _scores(rlp: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(K,) sum over the points of cos(2 pi r.v)."""
    points = (2 * np.pi * rlp).astype(np.float32)
    blocks = [
        np.cos(points @ vectors[i : i + BLOCK].T.astype(np.float32)).sum(axis=0) for i in range(0, len(vectors), BLOCK)
    ]
    return np.concatenate(blocks)
