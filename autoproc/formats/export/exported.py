"""What is written for other programs: observations, those rejected, merged data and their statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.errors import ConfigurationError, ProcessingError
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.shell_statistics import MergingStatistics

LEAST_PARTIALITY = 0.01
"""By which an intensity is divided at most; what is less was hardly measured. As in unmerged MTZ files."""


class NeedsScaledData(ConfigurationError):
    """A format of scaled data was asked for, and the data are not scaled."""

    what = "format={format} holds scaled data, and these are only integrated"
    hint = "scale them first: autoproc scale symmetrized.expt symmetrized.refl, then export scaled.expt scaled.refl"


class DoesNotFit(ProcessingError):
    """Data that a format has no room for."""

    what = "{format} cannot hold these data: {reason}"
    hint = "{to_do}"


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """All that a writer may need.

    observations : scaled ones that are no outliers, or all integrated ones; frames from the scans' starts
    rejected : outliers of scaling, with the same columns
    every : all reflections that were given, of any stage
    merged, statistics : None where the observations are not scaled
    name : for titles; remark : what was changed for the format's sake, in words
    """

    name: str
    experiments: Sequence[Experiment]
    observations: Reflections
    rejected: Reflections
    every: Reflections
    merged: Merged | None = None
    statistics: MergingStatistics | None = None
    remark: str = ""

    @property
    def is_scaled(self) -> bool:
        """The observations are on one scale."""
        return "inverse_scale" in self.every


def exportable(reflections: Reflections) -> Reflections:
    """What belongs in an unmerged file: scaled observations that are no outliers, or all integrated ones."""
    if "inverse_scale" in reflections:
        good = reflections.has_flag(Flag.SCALED) & ~reflections.has_any_flag(Flag.BAD_FOR_SCALING)
        return reflections[good & (reflections["inverse_scale"] > 0) & (reflections["variance_scale"] > 0)]
    return reflections[reflections.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)]


def outliers(reflections: Reflections) -> Reflections:
    """Observations that scaling rejected for their intensity; none where they are not scaled."""
    if "inverse_scale" not in reflections:
        return reflections[np.zeros(len(reflections), bool)]
    known = (reflections["inverse_scale"] > 0) & (reflections["variance_scale"] > 0)
    return reflections[known & reflections.has_flag(Flag.OUTLIER_IN_SCALING)]


def intensities(r: Reflections) -> tuple[np.ndarray, np.ndarray]:
    """(N,) intensity and its sigma: on one scale, or corrected for LP, efficiency and partiality.

    Integrated ones are by profile where it was fitted, summed elsewhere.
    """
    if "inverse_scale" in r:
        return r["intensity_scale"] / r["inverse_scale"], np.sqrt(r["variance_scale"]) / r["inverse_scale"]
    value, variance = r["intensity_sum"], r["variance_sum"]
    if "intensity_prf" in r:
        is_fitted = r.has_flag(Flag.INTEGRATED_PRF)
        value = np.where(is_fitted, r["intensity_prf"], value)
        variance = np.where(is_fitted, r["variance_prf"], variance)
    factor = corrections(r)
    return value * factor, np.sqrt(np.maximum(variance, 0.0)) * factor


def corrections(r: Reflections) -> np.ndarray:
    """(N,) what counted photons are multiplied by: Lorentz, polarisation, efficiency and partiality."""
    return lp_and_efficiency(r) / np.maximum(r["partiality"], LEAST_PARTIALITY)


def lp_and_efficiency(r: Reflections) -> np.ndarray:
    """(N,) correction for Lorentz factor, polarisation and the sensor's efficiency; 1 where they are not known."""
    factor = np.ones(len(r))
    if "lp" in r:
        factor = factor * r["lp"]
    return factor / r["qe"] if "qe" in r else factor


def one_line(text: str, longest: int = 200) -> str:
    """ASCII without control characters, for formats that know no other."""
    return "".join(c if " " <= c <= "~" else "_" for c in text)[:longest]
