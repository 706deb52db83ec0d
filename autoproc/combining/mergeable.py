"""Whether data sets may be scaled and merged together as they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from autoproc.combining.doubts import NothingAgrees, why_not, words_of_alone, words_of_left_out, words_of_others
from autoproc.combining.given_twice import require_each_once
from autoproc.combining.one_form import require_one_form
from autoproc.combining.one_scale import require_one_scale
from autoproc.combining.one_setting import require_one_setting
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import renumbered, sweeps_of
from autoproc.models.reflections import Reflections

KEEPS_IN = {False: "check_settings=false", True: "check_forms=false"}
"""The parameter of scaling, and of merging, that asks for no data set to be compared."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Of each experiment, the number of the file that it came from; the names of the files."""

    of: tuple[int, ...]
    names: tuple[str, ...]


class NoTwoAgree(NothingAgrees):
    """Data sets that are given to be scaled or merged, and have nothing in common."""

    hint = "process each by itself, or look at them with `autoproc combine`; {unless} takes them as they are"


@dataclass(frozen=True, slots=True)
class Mergeable:
    """What of several data sets may be scaled and merged together, a sentence for each that is told of, by its number.

    left_out : what plainly does not belong, its intensities having no more in common with the others' than chance gives
    doubtful : what agrees with the others far less than is to be expected, and in no setting
    alone : that some have too little in common with the others to be compared
    """

    left_out: Mapping[int, str] = field(default_factory=dict)
    doubtful: Mapping[int, str] = field(default_factory=dict)
    alone: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All warnings."""
        return (*self.left_out.values(), *self.doubtful.values(), *self.alone)

    def kept(
        self, experiments: Sequence[Experiment], reflections: Reflections
    ) -> tuple[Sequence[Experiment], Reflections]:
        """Those that are not left out, with their reflections, numbered anew."""
        if not self.left_out:
            return experiments, reflections
        stay = [n for n in range(len(experiments)) if n not in self.left_out]
        return [experiments[n] for n in stay], renumbered(reflections, {old: new for new, old in enumerate(stay)})


def require_mergeable(
    experiments: Sequence[Experiment], reflections: Reflections, is_scaled: bool = False, origins: Origins | None = None
) -> Mergeable:
    """Which data sets belong together; `autoproc combine` sets the others aside as well.

    is_scaled : compare scaled intensities; the integrated ones otherwise
    origins : the files, where they were scaled one by one, perhaps, and shall be on one scale
    Raises GroupsDiffer, CellsDiffer, GivenTwice, SettingsDisagree, NoTwoAgree or ScalesDiffer.
    """
    require_one_form(experiments)
    require_each_once(reflections)
    found = require_one_setting(experiments, reflections, is_scaled)
    names, unless = data_set_names(experiments), KEEPS_IN[is_scaled]
    plain = [p for p in found.others if p.is_plain_other]
    if plain and not found.n_agreeing and len(sweeps_of(experiments)) > 1:
        raise NoTwoAgree(n=len(experiments), reason=why_not(plain[0]), unless=unless)
    left_out = words_of_left_out(plain, names, unless)
    kept = [p for p in found.others if p.experiment not in left_out]
    if is_scaled and origins is not None:
        rows = ~np.isin(reflections["experiment_id"], list(left_out))
        require_one_scale(experiments, reflections[rows], origins.of, origins.names)
    return Mergeable(left_out, words_of_others(kept, names), words_of_alone(found.alone, names))
