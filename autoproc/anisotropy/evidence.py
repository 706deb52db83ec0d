"""Whether the reflections around a direction say that its limit is another than that of all directions together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from autoproc.merging.correlation import MIN_PAIRS, HalfSets

SIGNIFICANT = 2.33
"""Standard uncertainties by which what limits that differ take in, or leave out, must be off the threshold in all
directions together: 1% by chance."""
LIKELY = 1.0
"""The same in one direction. With SIGNIFICANT there, limits from 2.4 to 3.0 A of 9000 reflections came out as 2.5
to 2.6 (simulated)."""
LEAST_PAIRS = 0.5
"""Part of a cone's reflections that must have been measured twice for its CC1/2 to be taken; else I/sigma tells."""
AROUND = 100
"""Reflections on either side of a limit: their mean I/sigma is known to 0.1."""
LEAST_SIGNAL = 0.5
"""I/sigma that no threshold is below: noise has 0. Chosen."""
STEPS = 6
"""Halvings of what lies between two limits, after which the rest is no difference worth a test."""


@dataclass(frozen=True, eq=False)
class Cone:
    """Unique reflections around a direction.

    rows : (M,) which of the halves and i_over_sigma (G,), in order of 1/d; length : (M,) 1/d, 1/Angstrom
    i_over_sigma : of merged intensities; thresholds : of CC1/2, and of the mean of I/sigma
    """

    rows: np.ndarray
    length: np.ndarray
    halves: HalfSets
    i_over_sigma: np.ndarray
    thresholds: tuple[float, float]

    @classmethod
    def of_all(
        cls, length: np.ndarray, halves: HalfSets, i_over_sigma: np.ndarray, thresholds: tuple[float, float]
    ) -> Cone:
        """All reflections; length : (G,) 1/d."""
        rows = np.argsort(length, kind="stable")
        return cls(rows, length[rows], halves, i_over_sigma, thresholds)

    def of_signal_at(self, common: float) -> Cone:
        """The same with the threshold of I/sigma no higher than its mean around a limit, 1/d, that CC1/2 has set."""
        at = int(np.searchsorted(self.length, common))
        around = self.rows[max(at - AROUND, 0) : at + AROUND]
        cc, misigma = self.thresholds
        least = min(LEAST_SIGNAL, misigma)
        return replace(self, thresholds=(cc, float(np.clip(self.i_over_sigma[around].mean(), least, misigma))))

    def part(self, here: np.ndarray) -> Cone:
        """Those of a mask (G,) of all reflections."""
        is_in = here[self.rows]
        return replace(self, rows=self.rows[is_in], length=self.length[is_in])

    @cached_property
    def by_signal(self) -> bool:
        """Too few were measured twice for CC1/2, and I/sigma tells."""
        return bool(np.mean(~np.isnan(self.halves.first[0, self.rows])) < LEAST_PAIRS)

    @property
    def threshold(self) -> float:
        """Of what tells."""
        return self.thresholds[int(self.by_signal)]

    @property
    def end(self) -> float:
        """1/d of the last reflection."""
        return float(self.length[-1])

    def value(self, here: np.ndarray) -> tuple[float, int]:
        """CC1/2 or the mean of I/sigma of some of the rows, and the number of reflections behind it."""
        rows = self.rows[here]
        if self.by_signal:
            return float(self.i_over_sigma[rows].mean()) if len(rows) else 0.0, len(rows)
        cc, n = self.halves.steady_cc_half(rows)
        return (0.0 if cc is None else cc), n

    def off_threshold(self, here: np.ndarray) -> float:
        """By how many standard uncertainties some of the rows are above it; 0 of too few.

        Of a correlation by Fisher's z, of a mean by the scatter, at least that of noise: 1.
        """
        value, n = self.value(here)
        if n <= MIN_PAIRS:
            return 0.0
        if self.by_signal:
            scatter = max(float(np.std(self.i_over_sigma[self.rows[here]], ddof=1)), 1.0)
            return (value - self.threshold) / scatter * float(n**0.5)
        off = np.arctanh(np.clip(value, -0.999, 0.999)) - np.arctanh(self.threshold)
        return float(off * (n - MIN_PAIRS) ** 0.5)

    def off_between(self, low: float, high: float) -> float:
        """The same of the reflections from low to high, 1/d."""
        return self.off_threshold(
            np.arange(np.searchsorted(self.length, low), np.searchsorted(self.length, high, "right"))
        )


def believed(cone: Cone, own: float, common: float) -> float:
    """1/d of the limit nearest to the cone's `own` that its reflections bear out against the `common` one.

    A farther limit needs signal in all that lies between, and not in its inner half alone; a nearer one that signal is
    missing there. Where that is not likely the difference is halved, and at last it is none.
    """
    for _ in range(STEPS):
        middle = 0.5 * (own + common)
        if own > common:
            is_likely = cone.off_between(common, own) > LIKELY and cone.off_between(middle, own) > -LIKELY
        else:
            is_likely = cone.off_between(own, common) < -LIKELY
        if is_likely:
            return own
        own = middle
    return common


def is_borne_out(cone: Cone, is_inside: np.ndarray, common: float) -> bool:
    """What lies within limits that differ, (G,) bool of all reflections, says that they are not the common one.

    The reflections beyond the common limit and within must hold signal, and those that are left out must not: together
    with significance, and neither may significantly say the contrary. Where all limits are common, or the data end
    there, one of them is empty.
    """
    is_inside, is_beyond = is_inside[cone.rows], cone.length > common
    gain = cone.off_threshold(np.flatnonzero(is_inside & is_beyond))
    loss = -cone.off_threshold(np.flatnonzero(~is_inside & ~is_beyond))
    n_known = max((gain != 0) + (loss != 0), 1)
    return bool((gain + loss) / n_known**0.5 > SIGNIFICANT and min(gain, loss) > -SIGNIFICANT)
