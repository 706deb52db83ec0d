"""Merging statistics: how well equivalent observations agree, overall and by resolution shell.

R factors after Diederichs & Karplus (1997), Nat. Struct. Biol. 4, 269 and Weiss (2001), J. Appl. Cryst.
34, 130; CC1/2 after Karplus & Diederichs (2012), Science 336, 1030.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import gemmi
import numpy as np

from autoproc.errors import NoReflections
from autoproc.geometry.asu import complete_set
from autoproc.geometry.shells import Shells, equal_volume_shells
from autoproc.merging.agreement import GroupAgreement, group_agreement
from autoproc.merging.anomalous import AnomalousSignal, anomalous_signal
from autoproc.merging.correlation import HalfSets, agreement_within_shells, half_set_correlations, is_significant
from autoproc.merging.groups import EquivalentGroups, equivalents_of
from autoproc.merging.usable import unusable
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.reflections import Reflections
from autoproc.models.shell_statistics import MergingStatistics, ShellStatistics


@dataclass(frozen=True, eq=False)
class ScaledObservations:
    """Observations that enter the statistics, on one scale; what compares them is worked out once.

    intensity, sigma : (N,) intensity_scale / inverse_scale and its standard uncertainty
    groups : their equivalents; d : (G,) Angstrom; cell, space_group : of all of them
    rows : (N,) intp, where they stand among the reflections that were given
    """

    intensity: np.ndarray
    sigma: np.ndarray
    groups: EquivalentGroups
    d: np.ndarray
    cell: gemmi.UnitCell
    space_group: gemmi.SpaceGroup
    rows: np.ndarray

    @cached_property
    def agreement(self) -> GroupAgreement:
        """Of all equivalents."""
        return group_agreement(self.groups, self.intensity, self.sigma)

    @cached_property
    def halves(self) -> HalfSets:
        """Random half sets."""
        return half_set_correlations(self.groups, self.intensity, self.sigma)


_Limits = tuple[float | None, float | None, tuple[float, ...], str]
_KNOWN: WeakKeyDictionary[Reflections, dict[_Limits, ScaledObservations]] = WeakKeyDictionary()
"""Of tables that are still in use, by limits, cell and space group: several stages ask for those of one scaling."""


def scaled_observations(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    d_min: float | None = None,
    d_max: float | None = None,
) -> ScaledObservations:
    """The observations that enter merged data (merging.usable). Limits d_min and d_max in Angstrom.

    Those of a table, which does not change, are looked for once. Raises NoReflections.
    """
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    cell, group = shared_cell(experiments), crystals[0].space_group
    known = _KNOWN.setdefault(reflections, {})
    limits = (d_min, d_max, tuple(cell.parameters), group.xhm())
    if limits not in known:
        known[limits] = _observations_of(reflections, cell, group, d_min, d_max)
    return known[limits]


def _observations_of(
    reflections: Reflections, cell: gemmi.UnitCell, group: gemmi.SpaceGroup, d_min: float | None, d_max: float | None
) -> ScaledObservations:
    kept = ~np.any(list(unusable(reflections, cell, group, d_min, d_max).values()), axis=0)
    if not kept.any():
        raise NoReflections(stage="merging statistics", reason=f"none of {len(reflections)} is scaled and in range")
    groups = equivalents_of(group, reflections, kept)
    scale = reflections["inverse_scale"][kept]
    return ScaledObservations(
        reflections["intensity_scale"][kept] / scale,
        np.sqrt(reflections["variance_scale"][kept]) / scale,
        groups,
        cell.calculate_d_array(groups.hkl),
        cell,
        group,
        np.flatnonzero(kept),
    )


def merging_statistics(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    d_min: float | None = None,
    d_max: float | None = None,
    n_shells: int = 20,
) -> MergingStatistics:
    """Statistics of scaled reflections in shells of equal volume.

    reflections : with hkl, flags, intensity_scale, variance_scale, inverse_scale; those flagged bad for
        scaling are left out. Limits d_min and d_max in Angstrom. The half sets of CC1/2 are drawn by a fixed
        seed and do not depend on the order of the reflections. Raises NoReflections.
    """
    return statistics_of(scaled_observations(experiments, reflections, d_min, d_max), n_shells)


def statistics_of(observations: ScaledObservations, n_shells: int = 20) -> MergingStatistics:
    """Statistics of observations that were already chosen and scaled."""
    return MergingTables(observations).statistics(n_shells)


@dataclass(frozen=True, slots=True)
class HalfSetShell:
    """What tells whether a resolution range holds data: limits in Angstrom, CC1/2 without extremes, and <I/sigma>."""

    d_max: float
    d_min: float
    n_unique: int
    i_over_sigma: float | None
    cc_half: float | None


class HalfSetTables:
    """Sums over groups, computed once, for the steady CC1/2 of any shells: for decisions that no observation turns."""

    def __init__(self, observations: ScaledObservations) -> None:
        self.d, self.mean, self.halves = observations.d, observations.agreement, observations.halves

    def shells(self, n_shells: int, d_min: float = 0.0) -> tuple[HalfSetShell, ...]:
        """Shells of equal volume as far as d_min, Angstrom, lowest resolution first."""
        shells = _as_far_as(self.d, n_shells, d_min)
        shell = shells.index(self.d)
        return tuple(self._shell(shell == n, shells.limits(n)) for n in range(len(shells)))

    def _shell(self, here: np.ndarray, limits: tuple[float, float]) -> HalfSetShell:
        mean = self.mean[here]
        return HalfSetShell(*limits, len(mean), mean.i_over_sigma, self.halves.steady_cc_half(here)[0])


class MergingTables:
    """Sums over groups, computed once, from which every shell is summarised."""

    def __init__(self, observations: ScaledObservations) -> None:
        groups = observations.groups
        self.d, self.mean, self.halves = observations.d, observations.agreement, observations.halves
        self.friedel = group_agreement(groups.anomalous(), observations.intensity, observations.sigma)
        self.signal: AnomalousSignal = anomalous_signal(self.friedel, groups.is_centric)
        shells = equal_volume_shells(self.d, 1)
        expected = complete_set(
            observations.cell, observations.space_group, float(shells.edges[1] ** -0.5), float(shells.edges[0] ** -0.5)
        )
        operations = observations.space_group.operations()
        self.expected_d = observations.cell.calculate_d_array(expected)
        self.expected_acentric = ~np.asarray(operations.centric_flag_array(expected), bool)

    def statistics(self, n_shells: int) -> MergingStatistics:
        """Statistics of all observations, and in shells of equal volume."""
        every = equal_volume_shells(self.d, 1)
        whole_range = (float(self.d.max()), float(self.d.min()))
        signal = self.signal
        return MergingStatistics(
            self.summarise(every, whole_range)[0],
            self.shells(n_shells),
            signal.slope,
            signal.df_over_f,
            signal.di_over_sigma_di,
            agreement_within_shells(self.halves, self.d),
        )

    def shells(self, n_shells: int, d_min: float = 0.0) -> tuple[ShellStatistics, ...]:
        """Statistics in shells of equal volume as far as d_min, Angstrom."""
        return tuple(self.summarise(_as_far_as(self.d, n_shells, d_min)))

    def summarise(self, shells: Shells, limits: tuple[float, float] | None = None) -> list[ShellStatistics]:
        """One summary for each shell; `limits` replaces the printed limits of a single one."""
        shell = shells.index(self.d)
        expected = shells.index(self.expected_d)
        return [
            self._summary(shell == n, expected == n, limits if limits is not None else shells.limits(n))
            for n in range(len(shells))
        ]

    def _summary(self, here: np.ndarray, expected: np.ndarray, limits: tuple[float, float]) -> ShellStatistics:
        mean, friedel = self.mean[here], self.friedel[np.repeat(here, 2)]
        n_observations, n_unique = int(mean.count.sum()), len(mean)
        cc_half, n_half = self.halves.cc_half(here)
        cc_anom, n_anom = self.halves.cc_anom(here)
        n_pairs = np.count_nonzero(self.signal.is_pair & here)
        return ShellStatistics(
            *limits,
            n_observations=n_observations,
            n_unique=n_unique,
            completeness=_percent(n_unique, np.count_nonzero(expected)),
            multiplicity=n_observations / n_unique if n_unique else 0.0,
            mean_intensity=mean.mean_intensity,
            i_over_sigma=mean.i_over_sigma,
            r_merge=mean.r_merge,
            r_meas=mean.r_meas,
            r_pim=mean.r_pim,
            r_merge_anom=friedel.r_merge,
            r_meas_anom=friedel.r_meas,
            r_pim_anom=friedel.r_pim,
            r_anom=self.signal.r_anom(here),
            cc_half=cc_half,
            cc_half_significant=is_significant(cc_half, n_half),
            cc_anom=cc_anom,
            cc_anom_significant=is_significant(cc_anom, n_anom),
            anomalous_completeness=_percent(n_pairs, np.count_nonzero(expected & self.expected_acentric)),
            anomalous_multiplicity=n_observations / len(friedel) if len(friedel) else 0.0,
            steady_r_meas=mean.steady_r_meas,
        )


def _as_far_as(d: np.ndarray, n_shells: int, d_min: float) -> Shells:
    inside = d[d >= d_min]
    return equal_volume_shells(inside, max(1, min(n_shells, len(inside))))


def _percent(part: int | np.integer, whole: int | np.integer) -> float:
    return min(100.0, 100.0 * int(part) / int(whole)) if whole else 0.0
