"""Data sets whose cell is that of the others made larger or smaller: of a wrong wavelength or distance, it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autoproc.combining.comparable import compare_settings, make_comparable
from autoproc.combining.placing import Placed
from autoproc.errors import ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import renumbered
from autoproc.models.reflections import Reflections
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.uniform_ratio import in_every_direction


def words_of_ratio(experiment: Experiment, ratio: float, placed: Placed | None = None) -> str:
    """That the cell of a data set is so many times that of the others, and what may be the cause.

    placed : how its intensities agree with theirs once it is as large; None where that was not looked at
    """
    if placed is not None and placed.is_other:
        return (
            f"it is {ratio:.3f} times theirs in every direction, but its intensities do not agree with theirs, "
            f"CC {placed.cc:.2f}: rather another crystal than a wrong header"
        )
    agree = f"; its intensities agree with theirs, CC {placed.cc:.2f}" if placed is not None and placed.agrees else ""
    wavelength = experiment.beam.wavelength
    would = f"with a wavelength of {wavelength / ratio:.4f} A, not {wavelength:.4f}, it would be as theirs"
    return f"it is {in_every_direction(ratio, 'theirs')}{agree}; {would}"


def placed_by_intensities(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    form: Sequence[int],
    ratios: Mapping[int, float],
    params: SymmetryParams,
) -> dict[int, Placed]:
    """How data sets whose cells are larger or smaller by a ratio agree with others, once they are as large as those.

    form : the data sets that they are compared with; ratios : of each of the others
    """
    listed = [*form, *ratios]
    if not ratios or not form:
        return {}
    alike = [_of_size(experiments[n], ratios.get(n, 1.0)) for n in listed]
    table = renumbered(reflections, {old: new for new, old in enumerate(listed)})
    try:
        compared = compare_settings(make_comparable(alike, table, params)).settings
    except ProcessingError:
        return {}  # what is wrong with the form itself is told when that is compared
    placed = {listed[p.experiment]: p for p in compared.placed} if compared is not None else {}
    return {n: placed[n] for n in ratios if n in placed}


def _of_size(experiment: Experiment, ratio: float) -> Experiment:
    """The same with a cell that is smaller by a ratio."""
    crystal = experiment.crystal
    assert crystal is not None
    return replace(experiment, crystal=Crystal(ratio * crystal.A, crystal.space_group))
