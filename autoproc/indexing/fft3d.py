"""Periodicities of reciprocal space by a three-dimensional Fourier transform.

Bricogne 1986 (Proc. EEC workshop on position-sensitive detector software); Campbell 1998, J. Appl. Cryst. 31, 407.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import scipy

from autoproc.threads import available_cores

GRID = 256
COARSE_GRID = 128
"""An eighth of the work: for as long axes, to half of the resolution."""
POINTS_PER_CELL = 5.0
EDGE_WEIGHT = 0.05
MIN_HEIGHT_RMS = 15.0
MAX_PEAKS = 400
MAX_VOXELS = 400_000


def transform_d_min(max_cell: float, grid: int = GRID) -> float:
    """Resolution of the transform, Angstrom, whose map reaches 1.25 max_cell from the origin."""
    return POINTS_PER_CELL * max_cell / grid


def find_vectors(rlp: np.ndarray, d_min: float, min_cell: float, max_length: float, grid: int = GRID) -> np.ndarray:
    """Real space vectors, (K, 3) Angstrom, at which the points are periodic, the highest peak first.

    rlp : (N, 3) 1/Angstrom; only points to d_min are used. Vectors have lengths of min_cell to max_length.
    grid : points of the transform along each axis
    """
    step = 2 / (d_min * grid)
    power = _power(rlp, d_min, step, grid)
    peaks = _peaks(power, min_cell, max_length, 1 / (grid * step))
    height = power[tuple(peaks.T)]
    order = np.lexsort((*peaks.T, -height))[:MAX_PEAKS]
    return _signed(_sub_voxel(power, peaks[order]), grid) / (grid * step)


def _power(rlp: np.ndarray, d_min: float, step: float, grid: int) -> np.ndarray:
    """(grid, grid, grid // 2 + 1) |FFT|**2 of the points, damped to EDGE_WEIGHT at d_min."""
    length = np.einsum("ij,ij->i", rlp, rlp)
    inside = length < 1 / d_min**2
    index = np.rint(rlp[inside] / step).astype(np.int64) % grid
    weight = np.exp(np.log(EDGE_WEIGHT) * length[inside] * d_min**2)
    flat = (index[:, 0] * grid + index[:, 1]) * grid + index[:, 2]
    density = np.zeros(grid**3, np.float32)
    np.maximum.at(density, flat, weight.astype(np.float32))
    transform = scipy.fft.rfftn(density.reshape(grid, grid, grid), workers=available_cores(), overwrite_x=True)
    power = np.square(transform.real)
    power += np.square(transform.imag)
    return power


def _peaks(power: np.ndarray, min_cell: float, max_length: float, spacing: float) -> np.ndarray:
    """(K, 3) indices of local maxima at a distance of min_cell to max_length from the origin."""
    rms = float(np.sqrt(np.mean(np.square(power, dtype=np.float64))))
    voxel = np.argwhere(power >= _threshold(power, MIN_HEIGHT_RMS * rms))
    length = np.linalg.norm(_signed(voxel, len(power)), axis=1) * spacing
    voxel = voxel[(length >= min_cell) & (length <= max_length)]
    value = power[tuple(voxel.T)]
    is_peak = np.ones(len(voxel), bool)
    for shift in product((-1, 0, 1), repeat=3):
        if any(shift):
            is_peak &= value >= _neighbour(power, voxel + shift)
    return voxel[is_peak]


def _threshold(power: np.ndarray, wanted: float) -> float:
    """The wanted height, or that which leaves at least MAX_VOXELS // 100 voxels and about MAX_VOXELS at most."""
    n = np.count_nonzero(power >= wanted)
    least = MAX_VOXELS // 100
    return wanted if least <= n <= MAX_VOXELS else _kth_largest(power, least if n < least else MAX_VOXELS)


def _kth_largest(power: np.ndarray, k: int) -> float:
    flat = power.reshape(-1)
    return float(np.partition(flat, len(flat) - k)[len(flat) - k])


def _neighbour(power: np.ndarray, voxel: np.ndarray) -> np.ndarray:
    """Values at indices that may lie outside the stored half: the map is periodic and centrosymmetric."""
    grid = len(power)
    voxel = voxel % grid
    beyond = voxel[:, 2] > grid // 2
    voxel = np.where(beyond[:, None], -voxel % grid, voxel)
    return power[tuple(voxel.T)]


def _signed(index: np.ndarray, grid: int) -> np.ndarray:
    return (index + grid / 2) % grid - grid / 2


def _sub_voxel(power: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Peaks (K, 3) as floats: a parabola through the neighbours on each axis."""
    centre = power[tuple(peaks.T)].astype(float)
    result = peaks.astype(float)
    for axis in range(3):
        shift = np.eye(3, dtype=int)[axis]
        left, right = _neighbour(power, peaks - shift), _neighbour(power, peaks + shift)
        curvature = 2 * centre - left - right
        with np.errstate(divide="ignore", invalid="ignore"):
            offset = 0.5 * (right.astype(float) - left) / curvature
        result[:, axis] += np.where(curvature > 0, np.clip(offset, -0.5, 0.5), 0.0)
    return result
