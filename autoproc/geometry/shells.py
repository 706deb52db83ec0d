"""Resolution shells: of equal volume in reciprocal space, or with equal numbers of reflections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EDGE = 1e-6
"""The outermost shells are widened by this part of the range in 1/d^2, so that no reflection falls off; the first one
by no more than this part of its own limit, which would be another one in print."""
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Shells:
    """Consecutive shells: shell i holds edges[i] <= 1/d^2 < edges[i + 1], 1/Angstrom^2, lowest resolution first."""

    edges: np.ndarray

    def __len__(self) -> int:
        return len(self.edges) - 1

    def index(self, d: np.ndarray) -> np.ndarray:
        """(N,) intp shell of each resolution d, Angstrom; -1 where it is outside all of them."""
        shell = np.searchsorted(self.edges, 1.0 / np.square(d), side="right") - 1
        return np.where((shell >= 0) & (shell < len(self)), shell, -1)

    def limits(self, shell: int) -> tuple[float, float]:
        """d_max and d_min of a shell, Angstrom."""
        return float(self.edges[shell] ** -0.5), float(self.edges[shell + 1] ** -0.5)


def equal_volume_shells(d: np.ndarray, n_shells: int) -> Shells:
    """Shells that divide the range of resolutions d (N,) into equal volumes of reciprocal space."""
    low, high = np.max(d) ** -2.0, np.min(d) ** -2.0
    margin = EDGE * (high - low)
    low, high = low - min(margin, EDGE * low) - ROUNDING * low, high + margin + ROUNDING * high
    edges = np.linspace(low**1.5, high**1.5, n_shells + 1) ** (2.0 / 3.0)
    edges[0], edges[-1] = low, high
    return Shells(edges)


def shells_of_equal_number(s2: np.ndarray, per_shell: int, most: int | None = None, least: int = 1) -> list[np.ndarray]:
    """Rows of the reflections, with s2 = 1/d^2 (N,), of shells of about `per_shell` each, lowest resolution first.

    There are at least `least` and at most `most` shells, whatever that makes of their size.
    """
    n_shells = len(s2) // per_shell if most is None else min(most, len(s2) // per_shell)
    return np.array_split(np.argsort(s2, kind="stable"), max(least, n_shells))
