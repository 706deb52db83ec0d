"""Periods of the reciprocal lattice from differences between spots, whatever the beam centre."""

from __future__ import annotations

import numpy as np
import scipy

GRID = 192
"""Points of the Fourier grid along each axis."""

N_CANDIDATES = 4000
"""Highest points of the transform among which its peaks are looked for."""

MIN_POWER = 0.1
"""Of the highest point: peaks below it are not looked for."""


def wedges(phi: np.ndarray, width: float, n_wedges: int) -> np.ndarray:
    """(N,) the wedge of each spot, -1 for none: at most n_wedges of `width` radians, spread over the scan."""
    if not len(phi):
        return np.empty(0, np.intp)
    slot = ((phi - phi.min()) / width).astype(np.intp)
    n_slots = int(slot.max()) + 1
    chosen = np.unique(np.linspace(0, n_slots - 1, min(n_slots, n_wedges)).round().astype(np.intp))
    place = np.full(n_slots, -1, np.intp)
    place[chosen] = np.arange(len(chosen))
    return place[slot]


def strongest(group: np.ndarray, intensity: np.ndarray, n_each: int) -> np.ndarray:
    """Ascending indices of the at most n_each strongest of every group from 0 on."""
    order = np.lexsort((-intensity, group))
    order = order[group[order] >= 0]
    first = np.searchsorted(group[order], group[order])
    return np.sort(order[np.arange(len(order)) - first < n_each])


def pair_differences(points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(M, 3) differences between the points (N, 3) of the same group, each pair once."""
    parts = []
    for g in np.unique(group):
        here = points[group == g]
        i, j = np.triu_indices(len(here), 1)
        parts.append(here[j] - here[i])
    return np.concatenate(parts) if parts else np.empty((0, 3))


def longest_period(points: np.ndarray, group: np.ndarray) -> float:
    """A bound of the cell's longest edge, in units of 1/points, from the distances to near neighbours."""
    nearest = []
    for g in np.unique(group):
        here = points[group == g]
        if len(here) > 1:
            distance = np.linalg.norm(here[:, None] - here[None], axis=2)
            np.fill_diagonal(distance, np.inf)
            nearest.append(distance.min(axis=1))
    close = np.percentile(np.concatenate(nearest), 10) if nearest else np.inf
    return float(1.3 / max(close, 1e-6))


def find_periods(
    differences: np.ndarray, max_period: float, min_period: float, n_periods: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors t for which exp(2 pi i d . t) agrees best among the differences d, one of each pair t, -t.

    differences : (M, 3), 1/Angstrom; max_period, min_period : bounds of |t|, Angstrom
    Returns (K, 3) Angstrom, by falling power, and their power (K,), 1 for perfect agreement. The
    power is that of the spots of each wedge, summed over wedges: no shift of a whole wedge changes it.
    """
    d_min = 5 * max_period / GRID
    near = np.linalg.norm(differences, axis=1) < 1 / d_min
    if not near.any():
        return np.empty((0, 3)), np.empty(0)
    differences = differences[near]
    power = _transform(differences, d_min)
    vectors, heights = _peaks(power, d_min / 2, min_period, max_period)
    return vectors[:n_periods], heights[:n_periods]


def _transform(differences: np.ndarray, d_min: float) -> np.ndarray:
    """Real half of the normalised transform of the differences; spacing d_min / 2 along each axis."""
    # the far differences fade out, so that the transform has no ripples around its peaks
    weight = np.exp(np.log(0.05) * (d_min**2) * np.sum(differences**2, axis=1))
    place = np.rint(differences * (d_min / 2 * GRID)).astype(np.intp) % GRID
    flat = np.ravel_multi_index(tuple(place.T), (GRID,) * 3)
    density = np.bincount(flat, weight, minlength=GRID**3).astype(np.float32).reshape((GRID,) * 3)
    return scipy.fft.rfftn(density, overwrite_x=True).real / np.sum(weight)


def _peaks(power: np.ndarray, step: float, shortest: float, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Local maxima of the half grid between the two lengths, interpolated, by falling height."""
    axis = scipy.fft.fftfreq(GRID, 1 / GRID)
    length2 = axis[:, None, None] ** 2 + axis[:, None] ** 2 + np.arange(power.shape[2]) ** 2
    masked = np.where((length2 > (shortest / step) ** 2) & (length2 < (longest / step) ** 2), power, -1)
    flat = np.flatnonzero(masked > max(MIN_POWER * float(masked.max()), 0.0))
    if len(flat) > N_CANDIDATES:
        flat = flat[np.argpartition(masked.ravel()[flat], -N_CANDIDATES)[-N_CANDIDATES:]]
    place = np.column_stack(np.unravel_index(flat, power.shape))
    place = place[place[:, 2] < power.shape[2] - 1]
    offsets = np.indices((3, 3, 3)).reshape(3, -1).T - 1
    around = place[:, None] + offsets
    # the half below the plane l = 0 is the mirror image of that above
    around = np.where(around[..., 2:] < 0, -around, around)
    around[..., :2] %= GRID
    heights = power[around[..., 0], around[..., 1], around[..., 2]].reshape(-1, 3, 3, 3)
    is_peak = heights[:, 1, 1, 1] >= heights.reshape(-1, 27).max(axis=1)
    place, heights = place[is_peak], heights[is_peak]
    vector = np.where(place[:, :2] >= GRID // 2, place[:, :2] - GRID, place[:, :2])
    vector = (np.column_stack([vector, place[:, 2]]) + _vertex(heights)) * step
    top = heights[:, 1, 1, 1]
    upper = (vector @ np.array([1e-6, 1e-3, 1.0])) > 0
    order = np.argsort(-top[upper], kind="stable")
    return vector[upper][order], top[upper][order]


def _vertex(heights: np.ndarray) -> np.ndarray:
    """(K, 3) place of the top of the parabolas through the neighbours along each axis."""
    centre = heights[:, 1, 1, 1]
    below = np.column_stack([heights[:, 0, 1, 1], heights[:, 1, 0, 1], heights[:, 1, 1, 0]])
    above = np.column_stack([heights[:, 2, 1, 1], heights[:, 1, 2, 1], heights[:, 1, 1, 2]])
    curvature = 2 * centre[:, None] - below - above
    return np.clip(0.5 * (above - below) / np.where(curvature > 0, curvature, np.inf), -0.5, 0.5)
