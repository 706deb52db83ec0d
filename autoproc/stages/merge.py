"""Merge scaled observations into unique reflections, with amplitudes and free-R flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.combining.flags_of_reference import with_flags_of
from autoproc.combining.mergeable import Mergeable, require_mergeable
from autoproc.combining.one_crystal import same_crystals
from autoproc.damage.dose import doses_of, starts_of, sweep_numbers
from autoproc.damage.taken_back import taken_back
from autoproc.damage.zero_dose import HONEST, ZeroDose, powers, zero_dose
from autoproc.errors import NoCrystal, NoReflections
from autoproc.formats.observed.free_flags import FreeFlags
from autoproc.geometry.shells import shells_of_equal_number
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.correlation import HalfSets, agreement_within_shells, half_set_means
from autoproc.merging.free_r import free_r_flags
from autoproc.merging.french_wilson import french_wilson
from autoproc.merging.groups import EquivalentGroups, equivalents_of
from autoproc.merging.no_agreement import doubts_of_agreement
from autoproc.merging.params import MergeParams
from autoproc.merging.usable import OUTLIERS, unusable
from autoproc.merging.wilson_model import WilsonModel, cartesian_rotations, reciprocal_vectors, wilson_model
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.left_out import first_reasons
from autoproc.models.merged import Merged
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.anisotropy import Anisotropy
from autoproc.wording import accounted, counted

MIN_WILSON_SIGNAL = 3.0
"""Standard errors by which a shell's mean intensity exceeds zero; shells of noise have no slope."""

"""Columns that are merged."""
WILSON_D_MAX = 4.0
MIN_WILSON_SHELLS, MAX_WILSON_SHELLS, PER_WILSON_SHELL = 5, 30, 100


@single_threaded_blas
def merge(
    experiments: Sequence[Experiment],
    scaled: Reflections,
    params: MergeParams,
    within: Anisotropy | None = None,
    flags: FreeFlags | None = None,
) -> Merged:
    """Average symmetry equivalents with weights 1/variance.

    within : limits by direction, beyond which reflections are left out, and what is to be expected within
    flags : free-R flags to carry on; params.reference is not read here
    scaled : reflections with intensity_scale, variance_scale and inverse_scale; those not flagged
        as scaled, or as bad for scaling, are left out. All lattices share one space group, and one cell,
        the median. Raises NoReflections, NoCrystal, GroupsDiffer, CellsDiffer, GivenTwice, SettingsDisagree or
        NoTwoAgree; with flags also ReferenceDoesNotFit or OtherAxes.
    """
    crystal = experiments[0].crystal
    if crystal is None:
        raise NoCrystal(n=len(experiments))
    agreed = require_mergeable(experiments, scaled, is_scaled=True) if params.check_forms else Mergeable()
    experiments, scaled = agreed.kept(experiments, scaled)
    cell, group = shared_cell(experiments), crystal.space_group
    rules = unusable(scaled, cell, group, params.d_min, params.d_max)
    if within is not None:
        rules["beyond the limit of their direction"] = ~within.surface.holds(reciprocal_vectors(cell, scaled["hkl"]))
    if params.zero_dose:
        rules[OUTLIERS] = rules[OUTLIERS] & ~_taken_back(experiments, scaled, rules)
    kept = ~np.any(list(rules.values()), axis=0)
    if not kept.any():
        limits = f"between {params.d_max or 'infinity'} and {params.d_min or 0} A"
        raise NoReflections(stage="merging", reason=f"{len(scaled)} scaled, none usable {limits}")
    observed, remark = _on_one_scale(scaled, kept, group), ""
    groups, d = observed.groups, cell.calculate_d_array(observed.groups.hkl)
    if params.zero_dose:
        observed, remark = _at_zero_dose(experiments, scaled[kept], observed, d)
    parts = [observed.merged(here) for here in (groups.group >= 0, groups.is_plus, ~groups.is_plus)]
    (mean, sigma, n), (plus, sigma_plus, n_plus), (minus, sigma_minus, n_minus) = parts
    epsilon = np.asarray(group.operations().epsilon_factor_without_centering_array(groups.hkl), float)
    model = (
        within.model
        if within is not None
        else expected_by_direction(groups, mean / epsilon, sigma / epsilon, cell, group)
    )
    expected = model.expected(reciprocal_vectors(cell, groups.hkl)) * epsilon
    amplitudes = [french_wilson(intensity, error, expected, groups.is_centric) for intensity, error, _ in parts]
    free_r = free_r_flags(groups.hkl, group, params.free_r_sets, params.free_r_seed)
    halves = half_set_means(groups, observed.value, np.sqrt(observed.variance))
    doubts = (*agreed.words, *doubts_of_agreement(agreement_within_shells(HalfSets.of_means(halves), d)))
    merged = Merged(
        groups.hkl, cell, group, float(np.mean([e.beam.wavelength for e in experiments])),
        mean, sigma, plus, sigma_plus, minus, sigma_minus, n, n_plus, n_minus,
        *amplitudes[0], *amplitudes[1], *amplitudes[2],
        groups.is_centric, free_r, wilson_b(mean / epsilon, d), model.delta_b, model.uncertainty,
        halves, remark, doubts=doubts,
        left_out=first_reasons(~kept, rules.items(), ""),
    )  # fmt: skip
    return merged if flags is None else with_flags_of(merged, flags, params.free_r_seed)


def expected_by_direction(
    groups: EquivalentGroups, mean: np.ndarray, sigma: np.ndarray, cell: gemmi.UnitCell, group: gemmi.SpaceGroup
) -> WilsonModel:
    """The intensity to be expected in every direction, from merged ones (G,), both divided by epsilon."""
    s = reciprocal_vectors(cell, groups.hkl)
    return wilson_model(s, mean, sigma, groups.is_centric, cartesian_rotations(group, cell))


def wilson_b(intensity: np.ndarray, d: np.ndarray) -> float:
    """B, Angstrom^2, from the slope of ln <I> against 1/d^2 beyond 4 Angstrom (Wilson 1942).

    <I> ~ exp(-B / (2 d^2)) without the atoms' form factors: good to a few units, a figure of merit.
    """
    high = d < WILSON_D_MAX
    if high.sum() < MIN_WILSON_SHELLS * 50:
        return float("nan")
    inverse_d2, intensity = d[high] ** -2.0, intensity[high]
    shells = shells_of_equal_number(inverse_d2, PER_WILSON_SHELL, MAX_WILSON_SHELLS, MIN_WILSON_SHELLS)
    s2 = np.array([np.mean(inverse_d2[s]) for s in shells])
    mean = np.array([np.mean(intensity[s]) for s in shells])
    spread = np.array([np.std(intensity[s]) / np.sqrt(len(s)) for s in shells])
    is_signal = mean > MIN_WILSON_SIGNAL * spread
    if is_signal.sum() < MIN_WILSON_SHELLS:
        return float("nan")
    slope = median_slope(s2[is_signal], np.log(mean[is_signal]))
    return float(-2.0 * slope)


def median_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Theil and Sen's slope of y (N,) over x (N,): the median of those of all pairs; nan of one point."""
    i, j = np.triu_indices(len(x), 1)
    apart = x[i] != x[j]
    if not apart.any():
        return float("nan")
    return float(np.median((y[j] - y[i])[apart] / (x[j] - x[i])[apart]))


@dataclass(frozen=True, slots=True, eq=False)
class _Observed:
    """Observations (N,) on one scale.

    position : (N,) on the axis of dose, and slope_variance : (G,), of those that are extrapolated
    """

    groups: EquivalentGroups
    value: np.ndarray
    variance: np.ndarray
    position: np.ndarray | None = None
    before: ZeroDose | None = None

    def merged(self, here: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weighted mean and its sigma for each group over the observations of a mask, NaN for none; their numbers."""
        own, variance = self.groups.subset(here), self.variance[here]
        mean, sigma = own.weighted_mean(self.value[here], variance)
        if self.position is not None and self.before is not None:
            reach = [own.weighted_mean(column, variance)[0] for column in powers(self.position[here]).T]
            sigma = np.sqrt(sigma**2 + self.before.extra_variance(np.stack(reach, axis=1)))
        return mean, sigma, own.count


def _on_one_scale(scaled: Reflections, rows: np.ndarray, group: gemmi.SpaceGroup) -> _Observed:
    intensity, variance, scale = (scaled[name][rows] for name in ("intensity_scale", "variance_scale", "inverse_scale"))
    return _Observed(equivalents_of(group, scaled, rows), intensity / scale, variance / scale**2)


def _positions(experiments: Sequence[Experiment], table: Reflections) -> np.ndarray:
    """(N,) part of the range of dose, 0..1: images that the crystal of each observation was exposed on before."""
    frame = table["xyz_obs_px" if "xyz_obs_px" in table else "xyz_cal_px"][:, 2]
    per_image = np.ones(len(experiments))
    starts = starts_of(experiments, per_image, same_crystals(experiments))
    dose = doses_of(experiments, frame, table["experiment_id"], per_image, starts)
    return dose / max(float(dose.max()), 1e-9)


def _taken_back(experiments: Sequence[Experiment], scaled: Reflections, rules: Mapping[str, np.ndarray]) -> np.ndarray:
    """(N,) bool: outliers of scaling that are where damage had them, and that no other rule leaves out."""
    crystal, back = experiments[0].crystal, np.zeros(len(scaled), bool)
    allowed = ~np.any([of for name, of in rules.items() if name != OUTLIERS], axis=0)
    kept = allowed & ~rules[OUTLIERS]
    outliers = allowed & rules[OUTLIERS] & ~scaled.has_any_flag(Flag.BAD_FOR_SCALING & ~Flag.OUTLIER_IN_SCALING)
    if crystal is None or not kept.any():
        return back
    group = equivalents_of(crystal.space_group, scaled, np.arange(len(scaled))).group
    rows = np.flatnonzero(kept | outliers & np.isin(group, group[kept]))
    seen = _on_one_scale(scaled, rows, crystal.space_group)
    d = shared_cell(experiments).calculate_d_array(seen.groups.hkl)
    position = _positions(experiments, scaled[rows])
    back[rows] = taken_back(seen.groups, d, seen.value, seen.variance, position, outliers[rows])
    return back


def _at_zero_dose(
    experiments: Sequence[Experiment], kept: Reflections, observed: _Observed, d: np.ndarray
) -> tuple[_Observed, str]:
    """The observations as they would be without damage, and what was done in words; d : (G,) Angstrom."""
    position = _positions(experiments, kept)
    found = zero_dose(observed.groups, d, observed.value, observed.variance, position)
    if found is None:
        return observed, "No change of the intensities with dose is significant: none is extrapolated"
    value = observed.value - found.taken(observed.groups.group, position)
    remark = (
        f"Intensities are extrapolated to no dose: they change by {found.change:.1%} over it; {found.n_told} of "
        f"{len(d)} reflections tell of their own change, the others have an error for it"
    )
    n_back = int(kept.has_flag(Flag.OUTLIER_IN_SCALING).sum())
    if n_back:
        remark += f"; {counted(n_back, 'observation')} that scaling took for outliers: damage moved them, they count"
    sweeps, crystals = np.array(sweep_numbers(experiments))[kept["experiment_id"]], same_crystals(experiments)
    n_crystals = len({crystals[n] for n in np.unique(sweeps)})
    if n_crystals > 1:
        remark += f"; doses are counted for each of {n_crystals} crystals from its first image on"
    if found.change > HONEST:
        remark += f"; of a change beyond {HONEST:.0%} it is not known whether their standard uncertainties are right"
    return _Observed(observed.groups, value, found.variance, position, found), remark


def format_merge(merged: Merged) -> str:
    """What was merged, in a few lines."""
    rejected, is_free = int(np.isnan(merged.amplitude).sum()), merged.free_r == 0
    lines = [
        f"Merged {counted(int(merged.n.sum()), 'observation')} into {counted(len(merged), 'unique reflection')}",
        f"Space group {merged.space_group.hm}, cell {', '.join(f'{x:.3f}' for x in merged.cell.parameters)}",
        f"Amplitudes by French & Wilson; {rejected} rejected as impossibly negative",
        f"Free-R test set: {counted(int(is_free.sum()), 'reflection')} ({is_free.mean():.1%})",
    ]
    if merged.free_r_origin:
        lines.append(merged.free_r_origin)
    if merged.remark:
        lines.append(merged.remark)
    if np.isfinite(merged.delta_b_uncertainty):
        lines.append(f"B differs by {merged.delta_b:.1f} +- {merged.delta_b_uncertainty:.1f} A^2 between directions")
    if np.isfinite(merged.wilson_b):
        lines.append(f"Wilson B (without form factors): {merged.wilson_b:.1f} A^2")
    lines += [f"Warning: {doubt}" for doubt in merged.doubts]
    lines.append(accounted(int(merged.n.sum()), merged.left_out, "merged"))
    return "\n".join(lines)
