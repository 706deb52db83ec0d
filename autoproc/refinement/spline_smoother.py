"""A smooth function of the frame number from a few coefficients.

A uniform quadratic B-spline: at any frame three coefficients count, with weights that add up to one, the
curve and its slope are continuous, and straight lines and parabolas are reproduced exactly (a
Gaussian smoother over three neighbours, which it replaces, does none of these but the first).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class SplineSmoother:
    """n_intervals equal intervals over n_frames; n_intervals = 0 is a constant (one coefficient)."""

    n_frames: float
    n_intervals: int

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients of the curve."""
        return self.n_intervals + 2 if self.n_intervals else 1

    @property
    def n_active(self) -> int:
        """How many of them count at one frame."""
        return 3 if self.n_intervals else 1

    def weights(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first active coefficient (N,) int and the weights (N, n_active) at frames (N,)."""
        frame = np.asarray(frame, float)
        if not self.n_intervals:
            return np.zeros(len(frame), int), np.ones((len(frame), 1))
        position = np.clip(frame / self.n_frames, 0.0, 1.0) * self.n_intervals
        first = np.minimum(position.astype(int), self.n_intervals - 1)
        u = position - first
        return first, np.stack([0.5 * (1 - u) ** 2, 0.5 + u * (1 - u), 0.5 * u**2], axis=1)

    def matrix(self, frame: np.ndarray) -> np.ndarray:
        """(N, n_coefficients) weights of all coefficients at frames (N,)."""
        first, active = self.weights(frame)
        dense = np.zeros((len(first), self.n_coefficients))
        np.put_along_axis(dense, first[:, None] + np.arange(self.n_active), active, axis=1)
        return dense
