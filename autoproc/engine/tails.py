"""Reports on the first parts of a scaled sweep, as the decision to leave out a damaged end wants them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.drift import drift_of
from autoproc.damage.tail import tail_of
from autoproc.decisions.damage import TailReport
from autoproc.merging.groups import EquivalentGroups
from autoproc.merging.merging_statistics import scaled_observations
from autoproc.scaling.result import ScaleResult


@dataclass(frozen=True, slots=True, eq=False)
class ScaledSweep:
    """Observations (N,) of a sweep on one scale; position : (N,) part of the sweep; b_growth : Angstrom^2."""

    groups: EquivalentGroups
    intensity: np.ndarray
    sigma: np.ndarray
    position: np.ndarray
    b_growth: float | None

    def report(self, kept: float, most_lost: float) -> TailReport:
        """What the first part of the sweep is worth; `kept` of it, 1 for the whole."""
        values = self.groups.group, len(self.groups), self.intensity, self.sigma, self.position
        here = self.position <= kept
        n_seen = int(np.count_nonzero(self.groups.subset(here).count))
        drift = drift_of(self.groups, self.intensity, self.sigma, self.position) if kept == 1.0 else None
        return TailReport(
            kept,
            tail_of(*values, kept).deviance,
            n_seen / len(self.groups),
            self._n_pairs(here) / max(1, self._n_pairs(np.ones_like(here))),
            float(here.sum() / max(1, n_seen)),
            most_lost,
            None if drift is None or drift.change < 0 else drift.sigmas,
            self.b_growth,
        )

    def _n_pairs(self, here: np.ndarray) -> int:
        """Acentric reflections that a mask (N,) of the observations has both hands of."""
        hands = [np.zeros(len(self.groups), bool) for _ in range(2)]
        for seen, of_hand in zip(hands, (self.groups.is_plus, ~self.groups.is_plus), strict=True):
            seen[self.groups.group[here & of_hand]] = True
        return int((hands[0] & hands[1]).sum())


def scaled_sweep(scaled: ScaleResult, d_min: float | None) -> ScaledSweep:
    """The observations of a scaling to d_min, Angstrom, where the data will be cut."""
    table = scaled.reflections
    observations = scaled_observations(scaled.experiments, table, d_min)
    rows = observations.rows
    n_images = np.array([e.scan.n_images for e in scaled.experiments])[table["experiment_id"][rows]]
    frame = table["xyz_obs_px" if "xyz_obs_px" in table else "xyz_cal_px"][rows, 2]
    position = np.clip(frame / n_images, 0.0, 1.0)
    return ScaledSweep(
        observations.groups, observations.intensity, observations.sigma, position, b_growth_of(scaled)
    )  # fmt: skip


def b_growth_of(scaled: ScaleResult) -> float | None:
    """B that the first lattice gained from the first to the last tenth of its images, Angstrom^2, by its scales."""
    b = scaled.images[0].b if scaled.images else np.empty(0)
    b = b[np.isfinite(b)]
    tenth = max(1, len(b) // 10)
    return float(b[:tenth].mean() - b[-tenth:].mean()) if len(b) > 1 else None
