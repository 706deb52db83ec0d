"""Which reflections cross the Ewald sphere on which images.

A reflection at rotation angle phi is off the Bragg condition by eps = alpha - alpha_bragg, where alpha is
the angle between its reciprocal lattice vector and the incident beam. cos(alpha) is a sinusoid of phi, so the
ranges of phi in which |eps| stays below a margin follow in closed form, for grazing reflections too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """One row for each time that a reflection comes within the margin of the Ewald sphere.

    reflection : (M,) row of the list of reflections; low, high : (M,) rotation angles, radians
    """

    reflection: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __len__(self) -> int:
        return len(self.reflection)


@dataclass(frozen=True, slots=True, eq=False)
class ImageIndex:
    """The passages that each image sees: passage[start[i] : start[i + 1]] for image i."""

    start: np.ndarray
    passage: np.ndarray

    def on(self, frame: int) -> np.ndarray:
        """Passages seen by image `frame`, counted from 0."""
        return self.passage[self.start[frame] : self.start[frame + 1]]


def bragg_angle_to_beam(length: np.ndarray, wavelength: float) -> np.ndarray:
    """alpha_bragg, radians: angle between the incident beam and a vector of that length (1/Angstrom) on the sphere."""
    return np.arccos(np.clip(-0.5 * wavelength * length, -1.0, 1.0))


def find_passages(
    r: np.ndarray, s0: np.ndarray, axis: np.ndarray, margin: float, scan: tuple[float, float]
) -> Passages:
    """Passages within the scan.

    r : (N, 3) reciprocal lattice vectors at phi = 0, 1/Angstrom; margin : radians; scan : (from, to) radians
    """
    length = np.linalg.norm(r, axis=1)
    wavelength = 1.0 / float(np.linalg.norm(s0))
    beam = s0 * wavelength
    along = r @ axis
    constant = along * (axis @ beam)
    cosine = r @ beam - constant
    sine = np.cross(axis, r) @ beam
    amplitude, centre = np.hypot(cosine, sine), np.arctan2(sine, cosine)
    alpha = bragg_angle_to_beam(length, wavelength)
    with np.errstate(divide="ignore", invalid="ignore"):
        nearest = (length * np.cos(np.clip(alpha - margin, 0, np.pi)) - constant) / amplitude
        farthest = (length * np.cos(np.clip(alpha + margin, 0, np.pi)) - constant) / amplitude
    reached = (0.5 * wavelength * length < 1) & (amplitude > 0) & (farthest < 1) & (nearest > -1)
    rows = np.flatnonzero(reached)
    inner = np.arccos(np.clip(nearest[rows], -1, 1))
    outer = np.arccos(np.clip(farthest[rows], -1, 1))
    return _within_scan(*_arcs(rows, centre[rows], inner, outer), scan)


def _arcs(
    rows: np.ndarray, centre: np.ndarray, inner: np.ndarray, outer: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two arcs a turn, or one where they touch at the near or at the far side."""
    near, far = inner <= 0, outer >= np.pi
    apart, beyond = ~near & ~far, far & ~near
    row = np.concatenate([rows[apart], rows[apart], rows[near], rows[beyond]])
    low = [(centre + inner)[apart], (centre - outer)[apart], (centre - outer)[near], (centre + inner)[beyond]]
    high = [(centre + outer)[apart], (centre - inner)[apart], (centre + outer)[near], (centre - inner)[beyond]]
    high[-1] = high[-1] + 2 * np.pi
    return row, np.concatenate(low), np.concatenate(high)


def _within_scan(rows: np.ndarray, low: np.ndarray, high: np.ndarray, scan: tuple[float, float]) -> Passages:
    turn = 2 * np.pi
    shift = np.floor((scan[0] - high) / turn) * turn + turn
    low, high = low + shift, high + shift
    n_turns = int((scan[1] - scan[0]) // turn) + 2
    repeated = [(rows, low + k * turn, high + k * turn) for k in range(n_turns)]
    rows, low, high = map(np.concatenate, zip(*repeated, strict=True))
    seen = (high >= scan[0]) & (low <= scan[1])
    order = np.argsort(low[seen], kind="stable")
    return Passages(rows[seen][order], low[seen][order], high[seen][order])


def index_by_image(passages: Passages, start: float, width: float, n_images: int) -> ImageIndex:
    """Which passages each image sees; start and width in radians. A still (width 0) sees them all.

    Where one image sees both passages of a reflection it is entered once, since what the image records is
    computed from the whole of its rotation.
    """
    if width == 0:
        first, last = np.zeros(len(passages), int), np.full(len(passages), n_images - 1)
    else:
        first = np.clip(np.floor((passages.low - start) / width).astype(int), 0, n_images - 1)
        last = np.clip(np.floor((passages.high - start) / width).astype(int), 0, n_images - 1)
    count = last - first + 1
    passage = np.repeat(np.arange(len(passages)), count)
    image = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    n_reflections = int(passages.reflection.max(initial=0)) + 1
    _, unique = np.unique(image * n_reflections + passages.reflection[passage], return_index=True)
    return ImageIndex(np.searchsorted(image[unique], np.arange(n_images + 1)), passage[unique])
