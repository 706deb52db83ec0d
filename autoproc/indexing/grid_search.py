"""The orientation of a known cell: its shortest lattice vectors, looked for in every direction.

The function of a direction that tells how well the spots are periodic along it is that of Gildea et al. 2014, Acta
Cryst. D70, 2652. Orientations of the whole cell are scored by it, with all short vectors at once: where nine spots in
ten are of something else, no single axis stands out.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import scipy

from autoproc.geometry.rotation import cross
from autoproc.indexing.fft1d import hemisphere, nearest_direction
from autoproc.indexing.vectors import refine_vectors

STEP = 0.02
BLOCK = 512
DIRECTIONS_PER_LENGTH = 100
SAME_LENGTH = 0.01
NEIGHBOURHOOD = 2.5
MAX_RELATIVE_LENGTH = 1.5
MAX_LENGTHS = 6
MAX_CHANGE = 0.1
N_TURNS = 314
"""Steps of the turn about a direction: of the same size as those between directions."""
N_ORIENTATIONS = 60
SAME_ORIENTATION = 0.08
"""Of the length of its vectors, by which two orientations are one."""


def find_bases(rlp: np.ndarray, basis: np.ndarray) -> list[np.ndarray]:
    """The basis (rows, Angstrom) turned to where it suits the points (N, 3) best, the best first; vectors refined."""
    directions = hemisphere(STEP)
    vectors, kind, lengths = _short_vectors(basis)
    maps = np.stack([_scores(rlp, length * directions) for length in lengths])
    neighbours = scipy.spatial.cKDTree(np.concatenate([directions, -directions])).query_ball_point(
        directions, NEIGHBOURHOOD * STEP
    )
    found, scores = [], []
    for axis in _axes(kind):
        best = directions[_highest(maps[kind[axis]], neighbours)]
        bases, score = _turned(basis, vectors, kind, axis, best, maps)
        found.append(bases)
        scores.append(score)
    every, score = np.concatenate(found), np.concatenate(scores)
    distinct = _distinct(every[np.argsort(-score, kind="stable")])
    refined = refine_vectors(distinct.reshape(-1, 3), rlp)[0].reshape(-1, 3, 3)
    change = np.linalg.norm(refined - distinct, axis=2) / np.linalg.norm(distinct, axis=2)
    return list(refined[np.all(change < MAX_CHANGE, axis=1)])


def _short_vectors(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(V, 3) the shortest lattice vectors, the basis first; (V,) the class of length of each; the lengths."""
    others = [c for c in product((1, 0, -1), repeat=3) if sum(map(abs, c)) > 1 and next(x for x in c if x) > 0]
    vectors = np.concatenate([basis, np.array(others) @ basis])
    length = np.linalg.norm(vectors, axis=1)
    lengths: list[float] = []
    kind = np.full(len(vectors), -1)
    longest = MAX_RELATIVE_LENGTH * length[:3].max()
    for n in [0, 1, 2, *(3 + np.argsort(length[3:], kind="stable"))]:
        same = [k for k, other in enumerate(lengths) if abs(other / length[n] - 1) < SAME_LENGTH]
        if not same and (n < 3 or (length[n] < longest and len(lengths) < MAX_LENGTHS)):
            lengths.append(float(length[n]))
            same = [len(lengths) - 1]
        kind[n] = same[0] if same else -1
    return vectors[kind >= 0], kind[kind >= 0], np.array(lengths)


def _axes(kind: np.ndarray) -> list[int]:
    """The first basis vector of each length."""
    return [int(n) for n in range(3) if kind[n] not in kind[:n]]


def _highest(score: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Indices of the highest local maxima over the directions."""
    both = np.concatenate([score, score])
    peaks = np.flatnonzero([score[i] >= both[near].max() for i, near in enumerate(neighbours)])
    return peaks[np.argsort(-score[peaks], kind="stable")[:DIRECTIONS_PER_LENGTH]]


def _turned(
    basis: np.ndarray, vectors: np.ndarray, kind: np.ndarray, axis: int, directions: np.ndarray, maps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bases (K, 3, 3) with one axis along each of the directions, at its best turns about it; their scores.

    A lattice has a centre, so the axis points along the direction, and both hands of the rest are tried.
    """
    own = _frame(basis[axis])
    frames = np.stack([_frame(d) for d in directions])
    angle = 2 * np.pi * np.arange(N_TURNS) / N_TURNS
    turn = np.zeros((2, N_TURNS, 3, 3))
    turn[:, :, 0, 0] = 1
    turn[:, :, 1, 1] = turn[:, :, 2, 2] = np.cos(angle)
    turn[:, :, 1, 2], turn[:, :, 2, 1] = -np.sin(angle), np.sin(angle)
    turn[1, :, 2] *= -1
    # rotation of each direction, hand and turn: rows of `own` and `frames` are axes
    turns = np.einsum("kai,htab,bj->khtij", frames, turn, own).reshape(len(directions), -1, 3, 3)
    score = np.zeros(turns.shape[:2])
    for vector, k in zip(vectors, kind, strict=True):
        score += maps[k][nearest_direction(turns @ vector, STEP)]
    best = np.argsort(-score, axis=1, kind="stable")[:, :4]
    rows = np.arange(len(directions))[:, None]
    bases = np.einsum("kij,nj->kni", turns[rows, best].reshape(-1, 3, 3), basis)
    return bases * np.sign(np.linalg.det(bases) * np.linalg.det(basis))[:, None, None], score[rows, best].ravel()


def _frame(vector: np.ndarray) -> np.ndarray:
    """(3, 3) orthonormal rows, right-handed, the first along a vector."""
    first = vector / np.linalg.norm(vector)
    second = cross(first, np.eye(3)[int(np.argmin(np.abs(first)))])
    second /= np.linalg.norm(second)
    return np.stack([first, second, cross(first, second)])


def _distinct(bases: np.ndarray) -> np.ndarray:
    """The first of nearly equal bases (K, 3, 3), up to N_ORIENTATIONS."""
    length = np.linalg.norm(bases[0], axis=1)
    kept: list[int] = []
    for n, basis in enumerate(bases):
        apart = np.linalg.norm(bases[kept] - basis, axis=2) / length
        if not np.any(apart.max(axis=1, initial=0) < SAME_ORIENTATION):
            kept.append(n)
        if len(kept) == N_ORIENTATIONS:
            break
    return bases[kept]


def _scores(rlp: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(K,) sum over the points of cos(2 pi r.v)."""
    points = (2 * np.pi * rlp).astype(np.float32)
    blocks = [
        np.cos(points @ vectors[i : i + BLOCK].T.astype(np.float32)).sum(axis=0) for i in range(0, len(vectors), BLOCK)
    ]
    return np.concatenate(blocks)
