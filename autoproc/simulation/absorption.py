"""The crystal's absorption: a smooth surface over the directions in the crystal's frame."""

from __future__ import annotations

import numpy as np


class AbsorptionSurface:
    """log transmission = strength (f(diffracted) + f(towards the source)) / sqrt(2), f of unit variance on the sphere.

    f is a sum of Legendre polynomials of degrees 1 to 4 about random directions.
    """

    def __init__(self, strength: float, rng: np.random.Generator) -> None:
        self.strength = strength
        directions = rng.standard_normal((4, 5, 3))
        self._directions = directions / np.linalg.norm(directions, axis=2, keepdims=True)
        self._weights = rng.standard_normal((4, 5)) / np.array([1.0, 1.0, 2.0, 3.0])[:, None]
        self._mean, self._rms = 0.0, 1.0
        over_sphere = self._surface(_fibonacci_sphere(2000))
        self._mean, self._rms = float(over_sphere.mean()), float(over_sphere.std())

    def transmission(self, s1: np.ndarray, to_source: np.ndarray) -> np.ndarray:
        """(N,) for unit vectors s1 (N, 3) and to_source (3,) in the crystal's frame."""
        if self.strength == 0:
            return np.ones(len(s1))
        both = self._surface(s1) + self._surface(to_source[None])
        return np.exp(self.strength * both / np.sqrt(2))

    def _surface(self, u: np.ndarray) -> np.ndarray:
        total = np.zeros(len(u))
        for degree in range(1, 5):
            coefficients = np.zeros(degree + 1)
            coefficients[degree] = 1.0
            values = np.polynomial.legendre.legval(u @ self._directions[degree - 1].T, coefficients)
            total += values @ self._weights[degree - 1]
        return (total - self._mean) / self._rms


def _fibonacci_sphere(n: int) -> np.ndarray:
    """(n, 3) unit vectors, evenly spread."""
    k = np.arange(n) + 0.5
    z, azimuth = 1 - 2 * k / n, k * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=1)
