"""How much of a crystal's reflections a rotation records."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.geometry.asu import PLACES, linear_code, to_asu

NEARLY_ALL = 0.99
"""Of what a whole turn gives, from which nothing is worth more rotation. A judgement."""
MOST = (0.9, 0.95)
"""Of what a whole turn gives, which are told beside it: the last per cents may take as much rotation as all others."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Of the unique reflections to a resolution d_min, Angstrom, Friedel mates taken as one.

    after : (n,) part recorded after each of `angles` (n,), degrees from the first image on, ascending
    n_recorded : (n,) how often any was recorded; n_unique : of them all
    """

    angles: np.ndarray
    after: np.ndarray
    n_recorded: np.ndarray
    n_unique: int
    d_min: float

    @property
    def blind(self) -> float:
        """Part that no rotation records: beside the spindle, or off the detector."""
        return 1.0 - float(self.after[-1])

    @property
    def enough(self) -> float:
        """Degrees after which nearly all is recorded that the last angle gives."""
        return self.reaching(NEARLY_ALL)

    def reaching(self, part: float) -> float:
        """Degrees after which this part is recorded of what the last angle gives."""
        return float(self.angles[int(np.argmax(self.after >= part * self.after[-1]))])

    def at(self, rotation: float) -> float:
        """Part recorded after so many degrees."""
        return float(np.interp(rotation, self.angles, self.after))

    def n_recorded_at(self, rotation: float) -> float:
        """How often any was recorded after so many degrees."""
        return float(np.interp(rotation, self.angles, self.n_recorded))


def completeness_by_rotation(
    hkl: np.ndarray,
    rotation: np.ndarray,
    cell: gemmi.UnitCell,
    group: gemmi.SpaceGroup,
    d_min: float,
    step: float = 1.0,
) -> Completeness:
    """How a rotation completes the data.

    hkl : (N, 3) reflections of a whole turn with d >= d_min; rotation : (N,) degrees from the first image at which each
    is recorded; group : whose Laue symmetry makes them equivalent
    """
    n_unique = len(gemmi.make_miller_array(cell, group, d_min))
    asu, _ = to_asu(hkl, group)
    codes, which = np.unique(linear_code(asu.T.astype(np.int64), PLACES), return_inverse=True)
    first = np.full(len(codes), np.inf)
    np.minimum.at(first, which, rotation)
    angles = np.arange(0.0, 360.0 + step, step)
    after = np.searchsorted(np.sort(first), angles, side="right") / max(1, n_unique)
    n_recorded = np.searchsorted(np.sort(rotation), angles, side="right")
    return Completeness(angles, np.minimum(after, 1.0), n_recorded, n_unique, d_min)
