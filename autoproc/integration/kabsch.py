"""The reflection's own frame (Kabsch 2010), linear over a spot and in units of the spot's width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from autoproc.geometry.detector import s1_from_px
from autoproc.integration.predict import Predictions
from autoproc.models.experiment import Experiment

MAX_DRIFT = 6.0
"""Of a spot along e1, for each mosaic width in phi that it lasts: nearer the spindle the boxes would be enormous."""


@dataclass(frozen=True, slots=True, eq=False)
class SpotFrames:
    """Where each pixel lies in the frame of its reflection, in standard deviations of the spot.

    centre : (N, 3) px, px, frame
    transform : (N, 2, 2); (eps1, eps2) / sigma_b = transform (dx, dy) for pixels (dx, dy) off the centre
    rate : (N,) eps3 / sigma_m per frame, |zeta| oscillation / sigma_m
    """

    centre: np.ndarray
    transform: np.ndarray
    rate: np.ndarray

    def __len__(self) -> int:
        return len(self.rate)

    def __getitem__(self, rows: np.ndarray) -> SpotFrames:
        """The rows of a mask or index array."""
        return SpotFrames(self.centre[rows], self.transform[rows], self.rate[rows])

    def half_widths_px(self, radius: float) -> np.ndarray:
        """(N, 2) half-width, px along fast and slow, of the ellipse of `radius` standard deviations."""
        (a, b), (c, d) = self.transform.transpose(1, 2, 0)
        return np.column_stack([np.hypot(b, d), np.hypot(a, c)]) * (radius / np.abs(a * d - b * c))[:, None]

    def recorded_fraction(self, n_images: int) -> np.ndarray:
        """(N,) fraction of the rocking curve within a scan of n_images."""
        z = self.centre[:, 2]
        return scipy.special.ndtr(self.rate * (n_images - z)) - scipy.special.ndtr(-self.rate * z)


def kabsch_axes(s0: np.ndarray, s1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors e1 = s1 x s0 and e2 = s1 x e1, (N, 3) each (Kabsch 2010, eq. 13)."""
    e1 = np.cross(s1, s0)
    e1 /= np.maximum(np.linalg.norm(e1, axis=1, keepdims=True), 1e-12)
    e2 = np.cross(s1, e1)
    e2 /= np.linalg.norm(e2, axis=1, keepdims=True)
    return e1, e2


def pixel_transform(experiment: Experiment, s1: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(N, 2, 2) d(eps1, eps2)/d(fast, slow), radians per px, at positions xy (N, 2) px on the first panel.

    eps = e . (s' - s1)/|s1|, by differences over half a pixel each way, parallax included.
    """
    e1, e2 = kabsch_axes(experiment.beam.s0, s1)
    panel, beam = experiment.detector[0], experiment.beam
    columns = []
    for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5])):
        change = (s1_from_px(panel, beam, xy + step) - s1_from_px(panel, beam, xy - step)) * beam.wavelength
        columns.append(np.stack([np.sum(e1 * change, axis=1), np.sum(e2 * change, axis=1)], axis=1))
    return np.stack(columns, axis=2)


def mosaic_lever(experiment: Experiment, s1: np.ndarray) -> np.ndarray:
    """(N,) what the mosaic spread is to be multiplied by to give a spot's spread along e1.

    Mosaic blocks are turned about every axis. About e1 that changes when they diffract; about the normal
    to it and to the reciprocal lattice vector r it moves their rays by wavelength |r| along e1. And
    a block that diffracts later has been turned farther about the spindle, which moves its ray
    along e1 too, the more so the nearer the spindle.
    """
    beam = experiment.beam
    e1, _ = kabsch_axes(beam.s0, s1)
    r = s1 - beam.s0
    length = np.maximum(np.linalg.norm(r, axis=1), 1e-12)
    axis = experiment.goniometer.lab_axis
    across = np.cross(e1, r) @ axis / length
    drift = np.minimum(np.abs(across) / np.maximum(np.abs(e1 @ axis), 1e-6), MAX_DRIFT)
    return beam.wavelength * length * np.sqrt(1 + drift**2)


def spot_frames(
    experiment: Experiment, predictions: Predictions, sigma_b: float, sigma_m: float, spread: float = 0.0
) -> SpotFrames:
    """Frames of predicted reflections for spot widths sigma_b and sigma_m and mosaic spread along e1, radians."""
    transform = pixel_transform(experiment, predictions.s1, predictions.xyz[:, :2]) / sigma_b
    widening = np.hypot(1.0, mosaic_lever(experiment, predictions.s1) * spread / sigma_b)
    transform[:, 0, :] /= widening[:, None]
    width = abs(np.radians(experiment.scan.oscillation[1]))
    return SpotFrames(predictions.xyz, transform, np.abs(predictions.zeta) * width / sigma_m)


def bounding_boxes(frames: SpotFrames, n_sigma: float, border: int, n_images: int) -> np.ndarray:
    """(N, 6) int32 x0 x1 y0 y1 z0 z1: peak of n_sigma and a border of background around it.

    The border is `border` pixels or the peak's half-width, whichever is wider: the background needs
    several times the peak's pixels. z is cut at the ends of the scan, x and y are not.
    """
    half = frames.half_widths_px(n_sigma)
    half = half + np.maximum(half, border)
    depth = n_sigma / frames.rate
    low = np.floor(np.column_stack([frames.centre[:, :2] - half, frames.centre[:, 2] - depth]))
    high = np.ceil(np.column_stack([frames.centre[:, :2] + half, frames.centre[:, 2] + depth]))
    low[:, 2], high[:, 2] = np.clip(low[:, 2], 0, n_images), np.clip(high[:, 2], 0, n_images)
    return np.stack([low, high], axis=2).reshape(-1, 6).astype(np.int32)
