"""Periodicities along many directions, each by a one-dimensional Fourier transform.

Steller, Bolotovsky & Rossmann 1997, J. Appl. Cryst. 30, 1036.
"""

from __future__ import annotations

import numpy as np
import scipy

STEP = 0.029
BINS_PER_PERIOD = 5.0
BLOCK = 256
PEAKS_PER_DIRECTION = 3
MAX_PEAKS = 400


def hemisphere(step: float) -> np.ndarray:
    """(K, 3) unit vectors about `step` radians apart, one of each pair of opposites."""
    polar = np.arange(0, np.pi / 2 + step / 2, step)
    directions = []
    for theta in polar:
        n = max(1, int(np.ceil(2 * np.pi * np.sin(theta) / step)))
        psi = 2 * np.pi * np.arange(n) / n
        ring = [np.sin(theta) * np.cos(psi), np.sin(theta) * np.sin(psi), np.full(n, np.cos(theta))]
        directions.append(np.stack(ring, axis=1))
    return np.concatenate(directions)


def nearest_direction(vectors: np.ndarray, step: float) -> np.ndarray:
    """(...) index of the direction of hemisphere(step) that is nearest to each vector (..., 3), or to its opposite."""
    polar = np.arange(0, np.pi / 2 + step / 2, step)
    size = np.maximum(1, np.ceil(2 * np.pi * np.sin(polar) / step).astype(np.intp))
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    upper = vectors * np.where(vectors[..., 2:] < 0, -1.0, 1.0)
    theta = np.arctan2(np.hypot(upper[..., 0], upper[..., 1]), upper[..., 2])
    ring = np.minimum(np.rint(theta / step).astype(np.intp), len(polar) - 1)
    turn = np.arctan2(upper[..., 1], upper[..., 0]) / (2 * np.pi)
    return np.asarray(start[ring] + np.rint(turn * size[ring]).astype(np.intp) % size[ring])


def find_vectors(rlp: np.ndarray, min_cell: float, max_length: float) -> np.ndarray:
    """Real space vectors (K, 3), Angstrom, the highest peak first, at which points (N, 3) are periodic."""
    if not len(rlp):
        return np.empty((0, 3))
    reach = float(np.linalg.norm(rlp, axis=1).max())
    bin_width = 1 / (BINS_PER_PERIOD * max_length)
    n_bins = scipy.fft.next_fast_len(int(2 * reach / bin_width) + 2, real=True)
    length = np.arange(n_bins // 2 + 1) / (n_bins * bin_width)
    allowed = (length >= min_cell) & (length <= max_length)
    vectors, heights = [], []
    directions = hemisphere(STEP)
    for start in range(0, len(directions), BLOCK):
        block = directions[start : start + BLOCK]
        index = np.rint((rlp @ block.T + reach) / bin_width).astype(np.int64) % n_bins
        flat = (index + np.arange(len(block)) * n_bins).ravel()
        counts = np.bincount(flat, minlength=len(block) * n_bins).reshape(len(block), n_bins)
        power = np.abs(scipy.fft.rfft(counts.astype(np.float32), axis=1))
        power[:, ~allowed] = 0
        power[:, 1:-1] *= (power[:, 1:-1] >= power[:, :-2]) & (power[:, 1:-1] >= power[:, 2:])
        best = np.argsort(-power, axis=1, kind="stable")[:, :PEAKS_PER_DIRECTION]
        rows = np.repeat(np.arange(len(block)), PEAKS_PER_DIRECTION)
        vectors.append(block[rows] * length[best.ravel()][:, None])
        heights.append(power[rows, best.ravel()])
    order = np.argsort(-np.concatenate(heights), kind="stable")[:MAX_PEAKS]
    return np.concatenate(vectors)[order]
