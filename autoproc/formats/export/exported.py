"""What is written for other programs: observations, those rejected, merged data and their statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.errors import ConfigurationError, ProcessingError
from autoproc.geometry.corrections import corrected
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.shell_statistics import MergingStatistics


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
    """(N,) intensity and its sigma: on one scale, or whole and corrected for LP and efficiency.

    Integrated ones are by profile where it was fitted, summed elsewhere.
    """
    if "inverse_scale" in r:
        return r["intensity_scale"] / r["inverse_scale"], np.sqrt(r["variance_scale"]) / r["inverse_scale"]
    value, sigma = corrected(r, "sum")
    if "intensity_prf" not in r:
        return value, sigma
    is_fitted, (profile, error) = r.has_flag(Flag.INTEGRATED_PRF), corrected(r, "prf")
    return np.where(is_fitted, profile, value), np.where(is_fitted, error, sigma)


def one_line(text: str, longest: int = 200) -> str:
    """ASCII without control characters, for formats that know no other."""
    return "".join(c if " " <= c <= "~" else "_" for c in text)[:longest]
