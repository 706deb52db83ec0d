"""Integrated reflections made ready for scaling: corrected intensities and what may be used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import gemmi
import numpy as np

from autoproc.errors import NoCrystal, NoReflections
from autoproc.geometry.corrections import Kind, correction_of, lp_over_efficiency, partiality_of, share_of
from autoproc.merging.groups import EquivalentGroups, equivalents_of
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.model import ScaleCoordinates

MIN_VARIANCE = 0.1
"""A variance below this part of the intensity, which by Poisson's law it cannot be below, is a failed estimate."""
MIN_RELATIVE_VARIANCE = 1e-3
"""So is one below this part of the median variance."""


@dataclass(frozen=True, slots=True, eq=False)
class Intensities:
    """Corrected intensities and variances (N,), not scaled; NaN where there is none."""

    value: np.ndarray
    variance: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Intensities:
        return Intensities(self.value[rows], self.variance[rows])


@dataclass(frozen=True, eq=False)
class UnscaledObservations:
    """The reflections (N,) that may enter merged data, and the context they are scaled in.

    row : (N,) intp, their rows in the reflection table; experiment : (N,) intp
    profile, summation : two estimates of each intensity, one of which may be NaN
    raw : (N,) summation intensity over partiality, photons, before LP and efficiency
    correction : (N,) LP over efficiency, what one photon counts in the two estimates
    background : (N,) variance of the background under the peak, photons^2; 0 where it is not known
    partiality : (N,); at : where each was measured; groups : its equivalents; d : (N,) resolution, Angstrom
    sweep : (N,) the first experiment of the same scan; place : (N,) a number for each sweep and panel
    position : (N, 3) on it, px, px, frame
    span : (N, 2) intp, first frame that was measured of each, and the one after the last
    """

    row: np.ndarray
    experiment: np.ndarray
    profile: Intensities
    summation: Intensities
    raw: np.ndarray
    correction: np.ndarray
    background: np.ndarray
    partiality: np.ndarray
    at: ScaleCoordinates
    groups: EquivalentGroups
    d: np.ndarray
    sweep: np.ndarray
    place: np.ndarray
    position: np.ndarray
    span: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def rows_of_each(self, n_experiments: int) -> list[np.ndarray]:
        """Rows of each of so many experiments, ascending; in one pass, for there may be hundreds."""
        return [self._rows.get(n, np.zeros(0, np.intp)) for n in range(n_experiments)]

    @cached_property
    def _rows(self) -> dict[int, np.ndarray]:
        return rows_by_experiment(self.experiment)

    @cached_property
    def group_d(self) -> np.ndarray:
        """(G,) resolution of each group, Angstrom."""
        d = np.zeros(len(self.groups))
        d[self.groups.group] = self.d
        return d


def observations_for_scaling(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    min_partiality: float,
    min_i_over_sigma: float,
    d_min: float | None,
    d_max: float | None,
    excluded: np.ndarray | None = None,
    keep_first: float = 1.0,
    apart: Collection[int] = (),
) -> UnscaledObservations:
    """Choose the reflections that were integrated well enough, and correct their intensities.

    excluded : (N,) bool, reflections that are left out; None for none
    keep_first : part of the images of each scan, from its first, whose reflections are wanted
    apart : experiments that agree with no other: each is compared with itself only, and says nothing of the others
    Raises NoReflections or NoCrystal.
    """
    if all(e.crystal is None for e in experiments):
        raise NoCrystal(n=len(experiments))
    profile, summation, raw, correction = corrected_intensities(reflections)
    d = shared_cell(experiments).calculate_d_array(reflections["hkl"])
    keep = is_usable(experiments, reflections, min_partiality)
    keep &= _is_measured(profile, min_i_over_sigma) | _is_measured(summation, min_i_over_sigma)
    if excluded is not None:
        keep &= ~excluded
    keep &= (d >= (d_min or 0.0)) & (d <= (d_max or np.inf))
    if keep_first < 1:
        keep &= _is_early(experiments, reflections, keep_first)
    if not keep.any():
        limits = (
            f"{len(reflections)} given, none integrated well enough between {d_max or 'infinity'} and {d_min or 0} A"
        )
        raise NoReflections(stage="scaling", reason=limits)
    row = np.flatnonzero(keep)
    crystal = next(e.crystal for e in experiments if e.crystal is not None)
    position, frame = _places(reflections, row)
    images = reflections["imageset_id"] if "imageset_id" in reflections else reflections["experiment_id"]
    experiment = reflections["experiment_id"][row].astype(np.intp)
    panel = reflections["panel"][row].astype(np.intp)
    background = reflections["background_variance"] if "background_variance" in reflections else np.zeros(len(keep))
    return UnscaledObservations(
        row,
        experiment,
        profile[row],
        summation[row],
        raw[row],
        correction[row],
        np.nan_to_num(background[row]),
        partiality_of(reflections)[row],
        ScaleCoordinates(frame, reflections["s1"][row] if "s1" in reflections else np.zeros((len(row), 3)), d[row]),
        _groups(crystal.space_group, reflections, row, experiment, apart),
        d[row],
        _sweeps(experiments)[experiment],
        images[row].astype(np.intp) * (panel.max() + 1) + panel,
        position,
        _span(reflections, row, position[:, 2]),
    )


def _groups(
    space_group: gemmi.SpaceGroup, reflections: Reflections, row: np.ndarray, experiment: np.ndarray,
    apart: Collection[int],
) -> EquivalentGroups:  # fmt: skip
    groups = equivalents_of(space_group, reflections, row)
    if not apart:
        return groups
    return groups.apart(np.where(np.isin(experiment, list(apart)), experiment + 1, 0))


def _is_early(experiments: Sequence[Experiment], reflections: Reflections, keep_first: float) -> np.ndarray:
    """(N,) bool: measured within the first part of the images of its scan."""
    frame = _places(reflections, np.arange(len(reflections)))[1]
    n_images = np.array([e.scan.n_images for e in experiments] or [0])
    return frame <= keep_first * n_images[np.clip(reflections["experiment_id"], 0, len(n_images) - 1)]


def _places(reflections: Reflections, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n, 3) px, px, frame and frames (n,) of some rows; 0 where they are not known."""
    known = [reflections[name][row] for name in ("xyz_cal_px", "xyz_obs_px") if name in reflections]
    if not known:
        return np.zeros((len(row), 3)), np.zeros(len(row))
    return np.nan_to_num(known[0]), known[-1][:, 2]


def _sweeps(experiments: Sequence[Experiment]) -> np.ndarray:
    """(experiments,) the first experiment of the same scan: lattices on one sweep share it."""
    first: dict[int, int] = {}
    return np.array([first.setdefault(id(e.scan), n) for n, e in enumerate(experiments)], np.intp)


def _span(reflections: Reflections, row: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """(n, 2) frames that the shoeboxes of some rows reach over, at least that of their centres (n,)."""
    centre = np.maximum(np.floor(frame), 0).astype(np.intp)
    if "bbox" not in reflections:
        return np.column_stack([centre, centre + 1])
    box = reflections["bbox"][row].astype(np.intp)
    return np.column_stack([np.clip(box[:, 4], 0, centre), np.maximum(box[:, 5], centre + 1)])


def corrected_intensities(reflections: Reflections) -> tuple[Intensities, Intensities, np.ndarray, np.ndarray]:
    """Profile-fitted and summation intensities times LP over efficiency, the latter also over partiality.

    Also the raw summation intensity over partiality, and LP over efficiency. NaN where an estimate failed or its
    variance is nonsense.
    """
    flags = reflections["flags"]
    correction = lp_over_efficiency(reflections)
    raw = reflections["intensity_sum"] / share_of(reflections, "sum")
    result = []
    kinds: tuple[tuple[Kind, Flag], ...] = (("prf", Flag.INTEGRATED_PRF), ("sum", Flag.INTEGRATED_SUM))
    for name, flag in kinds:
        if f"intensity_{name}" not in reflections:
            result.append(Intensities(np.full(len(flags), np.nan), np.full(len(flags), np.nan)))
            continue
        value, variance = reflections[f"intensity_{name}"], reflections[f"variance_{name}"]
        good = reflections.has_flag(flag) & np.isfinite(value) & (variance > 0)
        floor = MIN_RELATIVE_VARIANCE * np.median(variance[good]) if good.any() else 0.0
        good &= variance > np.maximum(MIN_VARIANCE * value, floor)
        good &= np.isfinite(correction) & (correction > 0)
        factor = correction_of(reflections, name)
        result.append(Intensities(np.where(good, value * factor, np.nan), np.where(good, variance * factor**2, np.nan)))
    return result[0], result[1], raw, correction


def is_usable(experiments: Sequence[Experiment], reflections: Reflections, min_partiality: float) -> np.ndarray:
    """(N,) bool: indexed, of a known experiment, not overloaded, mostly recorded, not excluded by hand."""
    experiment = reflections["experiment_id"]
    usable = np.any(reflections["hkl"] != 0, axis=1) & (experiment >= 0) & (experiment < len(experiments))
    has_crystal = np.array([e.crystal is not None for e in experiments] or [False])
    usable &= has_crystal[np.clip(experiment, 0, len(has_crystal) - 1)]
    rejected = Flag.OVERLOADED | Flag.USER_EXCLUDED_IN_SCALING | Flag.DONT_INTEGRATE
    usable &= ~reflections.has_any_flag(rejected)
    return usable & (partiality_of(reflections) >= min_partiality)


def _is_measured(intensities: Intensities, min_i_over_sigma: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return intensities.value > min_i_over_sigma * np.sqrt(intensities.variance)
