"""Which strong spots belong to which true lattice, and how many of those were indexed on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.image_numbers import to_scan_frames
from autoproc.formats.dials.refl import read_refl
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.models.crystal import b_matrix
from autoproc.models.reflections import Flag
from validation.truth import Truth

NEAR = 0.2


@dataclass(frozen=True, slots=True)
class LatticeSpots:
    """n_spots : strong spots nearest to this lattice's points; n_indexed : those indexed, all on one found lattice."""

    n_spots: int
    n_indexed: int

    @property
    def fraction(self) -> float:
        """Indexed ones."""
        return self.n_indexed / max(self.n_spots, 1)


def count_lattice_spots(truth: Truth, stages: Path) -> list[LatticeSpots]:
    """For every true lattice, from the stage files of a run of autoproc.

    A spot belongs to the lattice whose points it is nearest to, if it is within a fifth of an index of one, in
    the refined geometry. Indexed spots count only on the one found lattice that has most of them.
    """
    experiments = read_expt(stages / "refined.expt")
    indexed = to_scan_frames(read_refl(stages / "indexed.refl"), read_expt(stages / "indexed.expt"))
    rlp = map_to_reciprocal_space(experiments[0], indexed)["rlp"]
    B = b_matrix(truth.cell.parameters)
    distances = np.stack([_distance(rlp @ np.linalg.inv(U @ B).T) for U in truth.U])
    nearest, near = distances.argmin(axis=0), distances.min(axis=0) < NEAR
    has_index = indexed.has_flag(Flag.INDEXED)
    counts = []
    for lattice in range(len(truth.U)):
        here = near & (nearest == lattice)
        on = np.bincount(indexed["experiment_id"][here & has_index], minlength=1)
        counts.append(LatticeSpots(int(here.sum()), int(on.max())))
    return counts


def _distance(hkl: np.ndarray) -> np.ndarray:
    return np.abs(hkl - np.rint(hkl)).max(axis=1)
