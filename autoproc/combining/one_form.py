"""Whether what is to be put together is of one crystal form: one space group, and cells that are alike."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.combining.cells import cluster_cells, ratios_of_cells
from autoproc.combining.params import MAX_CELL_DIFFERENCE
from autoproc.errors import ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import sweeps_of
from autoproc.symmetry.uniform_ratio import in_every_direction

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
    """Raises GroupsDiffer or CellsDiffer; lattices of one sweep are taken as one data set, by the first."""
    firsts = [min(numbers) for numbers in sweeps_of(experiments)]
    crystals = {n: crystal for n in firsts if (crystal := experiments[n].crystal) is not None}
    _require_one_group(crystals)
    if len(crystals) < 2:
        return
    numbers = list(crystals)
    clusters = cluster_cells(list(crystals.values()), [1.0] * len(crystals), MAX_CELL_DIFFERENCE)
    out = [n for n, cluster in enumerate(clusters.cluster) if cluster]
    if out:
        others = ", ".join(f"experiment {numbers[n]}" for n in out[:MOST_NAMED]) + (" ..." * (len(out) > MOST_NAMED))
        verb = "differs" if len(out) == 1 else "differ"
        sizes = _sizes(numbers, ratios_of_cells(list(crystals.values()), clusters), out)
        raise CellsDiffer(others=f"{others} {verb}", difference=float(clusters.distance[out].max()), sizes=sizes)


def _sizes(numbers: Sequence[int], ratios: dict[int, float], out: Sequence[int]) -> str:
    """Which of those that differ have the cell of the others made larger or smaller; empty where none has."""
    like = [f"; experiment {numbers[n]}: {in_every_direction(ratios[n], 'theirs')}" for n in out if n in ratios]
    return "".join(like[:MOST_SIZES])


def _require_one_group(crystals: dict[int, Crystal]) -> None:
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
