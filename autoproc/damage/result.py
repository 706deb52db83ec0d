"""What an analysis of damage gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from autoproc.damage.by_crystal import CrystalDamage
from autoproc.damage.coverage import CompletenessByDose
from autoproc.damage.decay import Decay
from autoproc.damage.dose import DoseAxis
from autoproc.damage.drift import Drift
from autoproc.damage.pairs import PairStatistics
from autoproc.damage.parts import DosePart


@dataclass(frozen=True, slots=True)
class Exposure:
    """A sweep: its name, the number of its crystal from 1, and the first and last dose of its observations."""

    name: str
    crystal: int
    first: float
    last: float


@dataclass(frozen=True, slots=True, eq=False)
class DamageResult:
    """What changed with dose.

    axis : of the steps of dose (K); unit : of dose, in words; shells : of resolution, (d_max, d_min) Angstrom each
    pairs, completeness : by step; parts, decay : in N_PARTS equal parts of the dose, that end at part_ends
    drift : what intensities change by beyond scale and B; None where multiplicity is too low to tell
    cell : (n, 6) of the first crystal over its scan; None where it does not vary
    exposures : of each sweep, in order; crystals : what each of several crystals took, none of a single one
    """

    axis: DoseAxis
    unit: str
    shells: tuple[tuple[float, float], ...]
    n_observations: int
    n_unique: int
    pairs: PairStatistics
    completeness: CompletenessByDose
    parts: tuple[DosePart, ...]
    decay: Decay
    drift: Drift | None
    cell: np.ndarray | None
    exposures: tuple[Exposure, ...] = ()
    crystals: tuple[CrystalDamage, ...] = ()

    @property
    def b_growth(self) -> float | None:
        """B that the intensities gained from the first to the last part of the dose, Angstrom^2."""
        known = self.decay.b[np.isfinite(self.decay.b)]
        return float(known[-1] - known[0]) if len(known) > 1 else None

    @property
    def cell_growth(self) -> float | None:
        """Relative change of the cell's volume from the first to the last image, by its edges."""
        if self.cell is None:
            return None
        return float(np.prod(self.cell[-1, :3] / self.cell[0, :3]) - 1)

    def renamed(self, names: Mapping[str, str]) -> DamageResult:
        """The same with other names of sweeps; those that are not among `names` keep theirs."""
        exposures = tuple(replace(one, name=names.get(one.name, one.name)) for one in self.exposures)
        crystals = tuple(
            replace(one, sweeps=tuple(names.get(name, name) for name in one.sweeps)) for one in self.crystals
        )
        return replace(self, exposures=exposures, crystals=crystals)
