"""Which data sets are of one wavelength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.numbering import renumbered
from autoproc.models.reflections import Reflections
from autoproc.models.shell_statistics import MergingStatistics

SAME_WAVELENGTH = 2e-4
"""Relative: monochromators hold their energy to 1 eV of 12,000, and MAD wavelengths lie 3 eV and more apart."""


@dataclass(frozen=True, slots=True, eq=False)
class OneWavelength:
    """Data of one of several wavelengths, scaled with the others and merged by themselves.

    wavelength : mean of its data sets, Angstrom; names : of these; statistics : of the observations in `merged`
    """

    wavelength: float
    names: tuple[str, ...]
    merged: Merged
    statistics: MergingStatistics


def alike(wavelengths: Sequence[float]) -> list[list[int]]:
    """Numbers of the data sets of each wavelength, ascending: those within SAME_WAVELENGTH of the next are one."""
    order = sorted(range(len(wavelengths)), key=lambda n: wavelengths[n])
    sets: list[list[int]] = []
    for n in order:
        if sets and wavelengths[n] <= wavelengths[sets[-1][-1]] * (1 + SAME_WAVELENGTH):
            sets[-1].append(n)
        else:
            sets.append([n])
    return [sorted(members) for members in sets]


def by_wavelength(
    experiments: Sequence[Experiment], reflections: Reflections
) -> list[tuple[float, list[Experiment], Reflections]]:
    """The mean wavelength, Angstrom, of each set of experiments that share one, ascending, with their reflections."""
    sets = alike([e.beam.wavelength for e in experiments])
    if len(sets) == 1:
        return [(_mean(experiments), list(experiments), reflections)]
    found = []
    for members in sets:
        own = [experiments[n] for n in members]
        found.append((_mean(own), own, renumbered(reflections, {old: new for new, old in enumerate(members)})))
    return found


def _mean(experiments: Sequence[Experiment]) -> float:
    return sum(e.beam.wavelength for e in experiments) / len(experiments)


def of_wavelength(path: Path, wavelength: float) -> Path:
    """The name of the file of one of several wavelengths: merged_0.9795A.mtz of merged.mtz."""
    return path.with_name(f"{path.stem}_{in_name(wavelength)}{path.suffix}")


def in_name(wavelength: float) -> str:
    """A wavelength, Angstrom, as names of files and data sets have it: 0.9795A."""
    return f"{wavelength:.4f}A"
