"""Whether scaled intensities that come from several files are on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.errors import ProcessingError
from autoproc.geometry.asu import group_unique, to_asu
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.wavelengths import alike
from autoproc.robust import robust_sigma

MAX_OFF = 0.15
"""Relative difference of two scales. Sweeps that were scaled together are within 1.2% in every shell (four real ones of
L-cysteine) or 7.5% (simulated crystals, the weakest shell of all); those of separate runs are off by anything."""
SURE = 4.0
"""Standard errors by which a ratio is off before that counts."""
BLOCKS = 20
LEAST_BLOCKS = 8
"""Parts of the common reflections, whose sums are compared: sums have no bias of choosing the strong ones, and an
outlier spoils but its own. With fewer blocks the spread of their ratios is not known."""
PER_BLOCK = 10
MEDIAN_TO_MEAN = np.sqrt(np.pi / 2)
"""Standard error of the median of many values over that of their mean, normally distributed."""
SHELLS, PER_SHELL = 5, 200
"""Shells in which the ratio is compared too, for scales that differ by resolution, and reflections at the least."""


class ScalesDiffer(ProcessingError):
    """Scaled files that are each on a scale of its own."""

    what = "the files are not on one scale: {which}"
    hint = "run `autoproc scale` on them together, and merge what it writes; check_forms=false merges them as they are"


def require_one_scale(
    experiments: Sequence[Experiment], scaled: Reflections, origins: Sequence[int], names: Sequence[str]
) -> None:
    """Raises ScalesDiffer. Data sets of different wavelengths are merged apart, and are not compared.

    origins : of each experiment, the number of the file that it came from; names : of the files
    """
    if len(set(origins)) < 2:
        return
    is_good = scaled.has_flag(Flag.SCALED) & ~scaled.has_any_flag(Flag.BAD_FOR_SCALING)
    is_good &= (scaled["variance_scale"] > 0) & (scaled["experiment_id"] >= 0)
    scaled = scaled[is_good]
    origin = np.asarray(origins)[scaled["experiment_id"]]
    for members in alike([e.beam.wavelength for e in experiments]):
        rows = np.isin(scaled["experiment_id"], members)
        found = _apart(experiments[members[0]], scaled[rows], origin[rows])
        if found is not None:
            number, to, words = found
            raise ScalesDiffer(which=f"the intensities of {names[number]} are {words} {_listed(names, to)}")


def _listed(names: Sequence[str], numbers: Sequence[int]) -> str:
    return names[numbers[0]] if len(numbers) == 1 else f"{names[numbers[0]]} and {len(numbers) - 1} more"


def _apart(experiment: Experiment, scaled: Reflections, origin: np.ndarray) -> tuple[int, list[int], str] | None:
    """The first file that is off the scale of larger ones, which those are, and by how much; None if there is none."""
    if experiment.crystal is None or not len(scaled):
        return None
    crystal = experiment.crystal
    hkl, group = group_unique(to_asu(scaled["hkl"], crystal.space_group)[0])
    d = crystal.unit_cell.calculate_d_array(hkl)
    value = scaled["intensity_scale"] / scaled["inverse_scale"]
    weight = scaled["inverse_scale"] ** 2 / scaled["variance_scale"]
    numbers, counts = np.unique(origin, return_counts=True)
    together = np.zeros((2, len(hkl)))  # sums of weights, and of weighted intensities
    before: list[int] = []
    for number in numbers[np.argsort(-counts, kind="stable")]:
        own = origin == number
        sums = np.array([np.bincount(group[own], w, len(hkl)) for w in (weight[own], (weight * value)[own])])
        common = (sums[0] > 0) & (together[0] > 0)
        here, there = (s[1, common] / s[0, common] for s in (sums, together))
        words = off_scale(here, there, d[common])
        if words:
            return int(number), before, words
        together += sums
        before.append(int(number))
    return None


def off_scale(one: np.ndarray, other: np.ndarray, d: np.ndarray) -> str:
    """How intensities `one` (N,) are off the scale of `other`, of the same reflections of d (N,); empty if they fit."""
    order = np.argsort(-d, kind="stable")
    one, other, d = one[order], other[order], d[order]
    ratio = _ratio(one, other)
    if _is_off(ratio):
        return f"{_times(ratio[0])} those of"
    n_shells = min(SHELLS, len(one) // PER_SHELL)
    for rows in np.array_split(np.arange(len(one)), n_shells) if n_shells > 1 else ():
        ratio = _ratio(one[rows], other[rows])
        if _is_off(ratio):
            return f"at {d[rows[0]]:.2f} to {d[rows[-1]]:.2f} A {_times(ratio[0])} those of"
    return ""


def _times(log_ratio: float) -> str:
    return f"{np.exp(log_ratio):.3g} times"


def _ratio(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The logarithm of the ratio of intensities (N,), a median over blocks, and its standard error; or 0, infinity."""
    n_blocks = min(BLOCKS, len(one) // PER_BLOCK)
    if n_blocks < LEAST_BLOCKS:
        return 0.0, np.inf
    block = np.arange(len(one)) % n_blocks
    sums = np.array([np.bincount(block, values, n_blocks) for values in (one, other)])
    if (sums <= 0).any():
        return 0.0, np.inf
    logs = np.log(sums[0] / sums[1])
    middle = float(np.median(logs))
    return middle, MEDIAN_TO_MEAN * float(robust_sigma(logs - middle)) / np.sqrt(n_blocks)


def _is_off(ratio: tuple[float, float]) -> bool:
    return abs(ratio[0]) > max(np.log1p(MAX_OFF), SURE * ratio[1])
