"""What radiation did to the crystal: agreement, completeness, decay and cell against dose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from autoproc.combining.one_crystal import same_crystals
from autoproc.damage.by_crystal import CrystalDamage, CrystalObservations, crystal_damage
from autoproc.damage.coverage import completeness_by_dose
from autoproc.damage.decay import decay_of
from autoproc.damage.dose import dose_axis, doses_of, starts_of, sweep_numbers
from autoproc.damage.drift import drift_of
from autoproc.damage.pairs import pair_statistics
from autoproc.damage.params import DamageParams
from autoproc.damage.parts import parts_of
from autoproc.damage.result import DamageResult, Exposure
from autoproc.damage.text import format_damage_analysis
from autoproc.errors import ConfigurationError, NoCrystal
from autoproc.geometry.asu import complete_set
from autoproc.geometry.shells import Shells
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.merging_statistics import ScaledObservations, scaled_observations
from autoproc.models.data_set_names import data_set_names, sweep_part
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement.by_image import crystal_by_image

__all__ = ["DamageParams", "DamageResult", "damage_analysis", "format_damage_analysis"]
N_PARTS = 10
"""Parts of the dose that the table has a line for."""
WIDEN = 1e-8
"""1/Angstrom^2 by which the shells reach beyond the last reflection, as in DIALS."""


T = TypeVar("T")


class WrongDoses(ConfigurationError):
    """Lists of doses or crystals that do not fit the experiments."""

    what = "damage_analysis.{name} has {given} values, and there are {needed} experiments"
    hint = "give one value for all, or one for each experiment in the order of the .expt file"


class UnknownExposure(ConfigurationError):
    """A dose rate without the time that it is to be multiplied with."""

    what = "damage_analysis.dose_rate is given, and the exposure time of experiment {number} is not known"
    hint = "give damage_analysis.dose_per_image, the dose of an image, instead"


@single_threaded_blas
def damage_analysis(experiments: Sequence[Experiment], scaled: Reflections, params: DamageParams) -> DamageResult:
    """Analyse scaled reflections against dose, frames counted from the start of each scan.

    Raises NoReflections, NoCrystal, MissingColumn, WrongDoses or UnknownExposure.
    """
    if not any(e.crystal is not None for e in experiments):
        raise NoCrystal(n=len(experiments))
    observations = scaled_observations(experiments, scaled, params.d_min, params.d_max)
    table = scaled.only("experiment_id", "dose", "inverse_scale", "xyz_obs_px", "xyz_cal_px")[observations.rows]
    dose, per_image = observed_doses(experiments, table, params)
    axis = dose_axis(dose, per_image)
    step = axis.step_of(dose)
    groups = observations.groups
    shells = _shells(observations.d, params.n_shells)
    shell = shells.index(observations.d)
    hands = 2 * groups.group + ~groups.is_plus if params.anomalous else groups.group
    values = observations.intensity, observations.sigma
    part = step * N_PARTS // axis.n_steps
    ends = axis.start + axis.width * axis.n_steps * np.arange(1, N_PARTS + 1) / N_PARTS
    first = next(e for e in experiments if e.crystal is not None)
    crystals = _crystal_numbers(experiments, params)
    exposures = _exposures(experiments, table, dose, crystals)
    return DamageResult(
        axis,
        "images" if _counts_images(params) and not _has_doses(scaled, params) else "dose",
        tuple(shells.limits(n) for n in range(len(shells))),
        len(step),
        len(groups),
        pair_statistics(hands, *values, step, shell[groups.group], len(shells), axis),
        completeness_by_dose(groups, step, shell, _expected(observations, shells), axis),
        parts_of(groups, *values, part, ends),
        decay_of(table["inverse_scale"], observations.d[groups.group], part, N_PARTS),
        drift_of(groups, *values, (step + 0.5) / axis.n_steps),
        crystal_by_image(first).cell if first.crystal is not None and first.crystal.n_scan_points else None,
        exposures,
        _by_crystal(observations, table["inverse_scale"], step, crystals[table["experiment_id"]], exposures),
    )


def _exposures(
    experiments: Sequence[Experiment], table: Reflections, dose: np.ndarray, crystals: np.ndarray
) -> tuple[Exposure, ...]:
    """Of each sweep that has observations: whose crystal it is of, and the doses of these."""
    ids, sweeps = table["experiment_id"], np.array(sweep_numbers(experiments))
    names, found = data_set_names(experiments), []
    for n in np.unique(sweeps):
        own = dose[sweeps[ids] == n]
        if len(own):
            found.append(Exposure(sweep_part(names[n]), int(crystals[n]), float(own.min()), float(own.max())))
    return tuple(found)


def _crystal_numbers(experiments: Sequence[Experiment], params: DamageParams) -> np.ndarray:
    """(E,) number, from 1, of the crystal of each experiment; lattices of one sweep are taken for one crystal."""
    sweeps = sweep_numbers(experiments)
    crystals = _crystals(experiments, params.crystals) or [0] * len(experiments)
    numbers = {crystal: n for n, crystal in enumerate(dict.fromkeys(crystals[n] for n in np.unique(sweeps)), 1)}
    return np.array([numbers[crystals[n]] for n in sweeps])


def _by_crystal(
    observations: ScaledObservations, inverse_scale: np.ndarray, step: np.ndarray, crystal: np.ndarray,
    exposures: Sequence[Exposure],
) -> tuple[CrystalDamage, ...]:  # fmt: skip
    """Of each of several crystals; inverse_scale, step, crystal : (N,) of the observations."""
    numbers = dict.fromkeys(one.crystal for one in exposures)
    if len(numbers) < 2:
        return ()
    group = observations.groups.group
    columns = (
        2 * group + ~observations.groups.is_plus, observations.intensity, observations.sigma, inverse_scale,
        observations.d[group], step,
    )  # fmt: skip
    found = []
    for number in numbers:
        here = crystal == number
        sweeps = tuple(one.name for one in exposures if one.crystal == number)
        found.append(crystal_damage(number, sweeps, CrystalObservations(*(column[here] for column in columns))))
    return tuple(found)


def observed_doses(
    experiments: Sequence[Experiment], table: Reflections, params: DamageParams
) -> tuple[np.ndarray, np.ndarray]:
    """Dose (N,) of each observation, and of an image of each experiment (E,).

    That of the parameters; where these tell none, of the reflections' own column; else the number of images.
    """
    if _has_doses(table, params):
        ids = table["experiment_id"]
        spans = [_span(table["dose"][ids == n]) for n in range(len(experiments))]
        return table["dose"], np.array(spans) / [e.scan.n_images for e in experiments]
    per_image = _dose_per_image(experiments, params)
    if params.starting_doses:
        starts = np.array(_for_each(params.starting_doses, "starting_doses", len(experiments)))
    else:
        starts = starts_of(experiments, per_image, _crystals(experiments, params.crystals))
    frame = table["xyz_obs_px" if "xyz_obs_px" in table else "xyz_cal_px"][:, 2]
    return doses_of(experiments, frame, table["experiment_id"], per_image, starts), per_image


def _counts_images(params: DamageParams) -> bool:
    return not params.dose_per_image and params.dose_rate is None


def _span(dose: np.ndarray) -> float:
    return float(np.ptp(dose)) if len(dose) else 0.0


def _has_doses(table: Reflections, params: DamageParams) -> bool:
    """Reflections tell their doses, and the parameters do not."""
    if "dose" not in table or not _counts_images(params) or params.starting_doses:
        return False
    dose = table["dose"]
    return bool(len(dose)) and bool(np.isfinite(dose).all()) and float(np.ptp(dose)) > 0


def _dose_per_image(experiments: Sequence[Experiment], params: DamageParams) -> np.ndarray:
    if params.dose_per_image:
        return np.array(_for_each(params.dose_per_image, "dose_per_image", len(experiments)))
    if params.dose_rate is None:
        return np.ones(len(experiments))
    doses = []
    for number, experiment in enumerate(experiments):
        times = experiment.scan.exposure_times
        seconds = 0.0 if times is None or not len(times) else float(np.mean(times))
        if not seconds > 0:
            raise UnknownExposure(number=number)
        doses.append(params.dose_rate * seconds)
    return np.array(doses)


def _crystals(experiments: Sequence[Experiment], crystals: str) -> list[int] | None:
    """A number of the crystal of each experiment; None for one crystal."""
    if crystals == "one":
        return None
    if crystals == "auto":
        return same_crystals(experiments)
    if crystals == "each":
        return list(range(len(experiments)))
    return [int(n) for n in _for_each(crystals.split(","), "crystals", len(experiments))]


def _for_each(values: Sequence[T], name: str, n: int) -> list[T]:
    if len(values) not in (1, n):
        raise WrongDoses(name=name, given=len(values), needed=n)
    return list(values) * (n if len(values) == 1 else 1)


def _shells(d: np.ndarray, n_shells: int) -> Shells:
    """Of equal width in 1/d^2, as pairs are compared in DIALS."""
    s2 = d**-2.0
    return Shells(np.linspace(s2.min() * (1 - 1e-12), s2.max() + WIDEN, n_shells + 1))


def _expected(observations: ScaledObservations, shells: Shells) -> np.ndarray:
    """(S,) unique reflections that there are in each shell."""
    (d_max, _), (_, d_min) = shells.limits(0), shells.limits(len(shells) - 1)
    hkl = complete_set(observations.cell, observations.space_group, d_min, d_max)
    index = shells.index(observations.cell.calculate_d_array(hkl))
    return np.bincount(index[index >= 0], minlength=len(shells))
