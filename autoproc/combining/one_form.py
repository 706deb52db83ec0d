"""Whether what is to be put together is of one crystal form: one space group, and cells that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autoproc.combining.cells import cluster_cells, ratios_of_cells
from autoproc.combining.params import MAX_CELL_DIFFERENCE
from autoproc.errors import ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import sweeps_of
from autoproc.symmetry.lattice_lengths import length_differences, reduced_metric
from autoproc.symmetry.uniform_ratio import in_every_direction

MAX_LATTICE_DIFFERENCE = 0.05
"""Relative difference of the cells of two lattices of a sweep up to which they are of one form: as far as indexing goes
for lattices that few spots tell of (indexing/settings.py)."""
MOST_NAMED, MOST_SIZES = 10, 3


class GroupsDiffer(ProcessingError):
    """Data sets that are given as of different space groups."""

    what = "the data sets are of different space groups: {groups}"
    hint = (
        "give them one: `autoproc symmetry` or `autoproc combine` on all of them together finds it, and "
        "`autoproc reindex` with space_group= states it"
    )


class CellsDiffer(ProcessingError):
    """Data sets whose cells are too different to be of one crystal form."""

    what = "the cells of the data sets are not alike: {others} by {difference:.1%} from the others{sizes}"
    hint = "leave out what is of another crystal form; `autoproc combine` sorts them, and says which belong together"


def require_one_form(experiments: Sequence[Experiment]) -> None:
    """Raises GroupsDiffer or CellsDiffer. Of several lattices of a sweep the first stands for its cell."""
    crystals = {n: crystal for n, e in enumerate(experiments) if (crystal := e.crystal) is not None}
    _require_one_group(crystals)
    sweeps = [[n for n in numbers if n in crystals] for numbers in sweeps_of(experiments)]
    for first, *further in filter(None, sweeps):
        _require_like_first(crystals, first, further)
    numbers = sorted(numbers[0] for numbers in sweeps if numbers)
    if len(numbers) < 2:
        return
    clusters = cluster_cells([crystals[n] for n in numbers], [1.0] * len(numbers), MAX_CELL_DIFFERENCE)
    out = [n for n, cluster in enumerate(clusters.cluster) if cluster]
    if out:
        others = ", ".join(f"experiment {numbers[n]}" for n in out[:MOST_NAMED]) + (" ..." * (len(out) > MOST_NAMED))
        verb = "differs" if len(out) == 1 else "differ"
        sizes = _sizes(numbers, ratios_of_cells([crystals[n] for n in numbers], clusters), out)
        raise CellsDiffer(others=f"{others} {verb}", difference=float(clusters.distance[out].max()), sizes=sizes)


def _require_like_first(crystals: Mapping[int, Crystal], first: int, others: Sequence[int]) -> None:
    """Raise CellsDiffer for a lattice that is not of the form of the first one of its sweep."""
    if not others:
        return
    metrics = np.array([reduced_metric(crystals[n]) for n in (first, *others)])
    for n, difference in zip(others, length_differences(metrics)[0, 1:], strict=True):
        if difference > MAX_LATTICE_DIFFERENCE:
            named = f"experiment {n}, another lattice of the sweep of experiment {first}, differs"
            raise CellsDiffer(others=named, difference=float(difference), sizes="")


def _sizes(numbers: Sequence[int], ratios: dict[int, float], out: Sequence[int]) -> str:
    """Which of those that differ have the cell of the others made larger or smaller; empty where none has."""
    like = [f"; experiment {numbers[n]}: {in_every_direction(ratios[n], 'theirs')}" for n in out if n in ratios]
    return "".join(like[:MOST_SIZES])


def _require_one_group(crystals: Mapping[int, Crystal]) -> None:
    groups: dict[str, list[int]] = {}
    for number, crystal in crystals.items():
        groups.setdefault(crystal.space_group.xhm(), []).append(number)
    if len(groups) > 1:
        named = [
            f"{group} (experiment{'s' * (len(of) > 1)} {', '.join(map(str, of[:MOST_NAMED]))}"
            f"{' ...' * (len(of) > MOST_NAMED)})"
            for group, of in groups.items()
        ]
        raise GroupsDiffer(groups=", ".join(named))
