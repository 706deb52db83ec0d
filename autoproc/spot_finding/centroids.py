"""Centroids, intensities and extents of spots from their strong pixels."""

from __future__ import annotations

import numpy as np

from autoproc.models.reflections import Flag, Reflections
from autoproc.spot_finding.pixels import SpotPixels

PIXEL_VARIANCE = 1 / 12
"""Variance of a position that is known to lie somewhere in a pixel."""


def measure_spots(pixels: SpotPixels, overload: float = np.inf) -> Reflections:
    """Centroid, its variance, intensity, extent and flags of each spot.

    The centroid is the mean of the pixels' centres weighted by their counts; its variance is the
    squared standard error of that weighted mean and a twelfth of a pixel or frame. The intensity is
    the sum of the counts, as DIALS has it for strong spots, background included.
    """
    weight = pixels.counts.astype(float)
    total = _reduce(np.add, weight, pixels)
    freedom = total - _reduce(np.add, weight**2, pixels) / total
    centroid = np.empty((len(pixels), 3))
    variance = np.empty((len(pixels), 3))
    extent = np.empty((len(pixels), 6), np.int32)
    for axis, position in enumerate((pixels.x, pixels.y, pixels.z)):
        mean = _reduce(np.add, weight * (position + 0.5), pixels) / total
        squares = _reduce(np.add, weight * (position + 0.5 - np.repeat(mean, pixels.size)) ** 2, pixels)
        centroid[:, axis] = mean
        # a spot of one pixel has no spread, and no degree of freedom to divide by
        variance[:, axis] = squares / np.where(freedom > 0, freedom, 1.0) / total + PIXEL_VARIANCE
        extent[:, 2 * axis] = _reduce(np.minimum, position, pixels)
        extent[:, 2 * axis + 1] = _reduce(np.maximum, position, pixels) + 1
    overloaded = _reduce(np.logical_or, pixels.counts >= overload, pixels)
    return Reflections(
        {
            "experiment_id": np.zeros(len(pixels)),
            "panel": np.zeros(len(pixels)),
            "flags": np.where(overloaded, Flag.STRONG | Flag.OVERLOADED, Flag.STRONG),
            "bbox": extent,
            "xyz_obs_px": centroid,
            "xyz_obs_px_variance": variance,
            "intensity_sum": total,
            "variance_sum": total,
            "n_signal": pixels.size,
        }
    )


def peak_pixel(pixels: SpotPixels) -> np.ndarray:
    """(S,) where in the pixel arrays the highest pixel of each spot is; the first of equals."""
    highest = np.repeat(_reduce(np.maximum, pixels.counts, pixels), pixels.size)
    candidates = np.flatnonzero(pixels.counts == highest)
    return candidates[np.searchsorted(candidates, pixels.start[:-1])]


def peak_distance(pixels: SpotPixels, centroid: np.ndarray) -> np.ndarray:
    """(S,) distance from the centre of the highest pixel to the centroid (S, 3), px and frames alike."""
    peak = peak_pixel(pixels)
    position = np.column_stack([pixels.x[peak], pixels.y[peak], pixels.z[peak]]) + 0.5
    return np.linalg.norm(position - centroid, axis=1)


def _reduce(operation: np.ufunc, values: np.ndarray, pixels: SpotPixels) -> np.ndarray:
    """(S,) the operation over the pixels of each spot; none for no spots."""
    return operation.reduceat(values, pixels.start[:-1])
