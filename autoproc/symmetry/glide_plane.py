"""One glide plane, and what the zone of reflections that it acts on is called."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class GlidePlane:
    """One possible glide: the plane, the condition on its zone of reflections, and how these look.

    normal : of the plane, as a direction of the lattice: hkl with normal . hkl = 0 are its zone
    condition, period : those of the zone that stay have condition . hkl divisible by the period
    score : probability of the space groups that have it
    """

    normal: tuple[int, int, int]
    condition: tuple[int, int, int]
    period: int
    score: float
    n_present: int
    n_absent: int
    i_present: float
    i_absent: float
    i_over_sigma_present: float
    i_over_sigma_absent: float

    @property
    def name(self) -> str:
        """The zone and its condition, "h0l: h + l = 2n"."""
        terms = [f"{'' if n == 1 else n}{letter}" for n, letter in zip(self.condition, "hkl", strict=True) if n]
        return f"{_zone(self.normal)}: {' + '.join(terms)} = {self.period}n"

    def in_axes(self, change: np.ndarray) -> GlidePlane:
        """The same after a change of axes (3, 3), hkl_new = change @ hkl_old."""
        back = np.linalg.inv(change)
        normal, condition = (np.rint(np.array(v) @ back).astype(int) for v in (self.normal, self.condition))
        return replace(self, normal=towards_positive(normal), condition=towards_positive(np.abs(condition)))


def _zone(normal: tuple[int, int, int]) -> str:
    if sum(map(abs, normal)) == 1:
        return "".join("0" if n else letter for n, letter in zip(normal, "hkl", strict=True))
    return {(1, -1, 0): "hhl", (1, 1, 0): "h-hl"}.get(normal, f"zone of {list(normal)}")


def towards_positive(vector: np.ndarray) -> tuple[int, int, int]:
    """The vector or its opposite, whose first number that is not 0 is positive."""
    first = next((int(n) for n in vector if n), 1)
    h, k, m = (int(n) if first > 0 else -int(n) for n in vector)
    return h, k, m
