"""Whether data sets may be scaled and merged together as they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoproc.combining.doubts import words_of_others
from autoproc.combining.given_twice import require_each_once
from autoproc.combining.one_form import require_one_form
from autoproc.combining.one_scale import require_one_scale
from autoproc.combining.one_setting import require_one_setting
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections


@dataclass(frozen=True, slots=True)
class Origins:
    """Of each experiment, the number of the file that it came from; the names of the files."""

    of: tuple[int, ...]
    names: tuple[str, ...]


def require_mergeable(
    experiments: Sequence[Experiment], reflections: Reflections, is_scaled: bool = False, origins: Origins | None = None
) -> dict[int, str]:
    """A warning for each data set, by its number, that agrees with the others in no setting.

    is_scaled : compare scaled intensities; the integrated ones otherwise
    origins : the files, where they were scaled one by one, perhaps, and shall be on one scale
    Raises GroupsDiffer, CellsDiffer, GivenTwice, SettingsDisagree or ScalesDiffer.
    """
    require_one_form(experiments)
    require_each_once(reflections)
    others = require_one_setting(experiments, reflections, is_scaled)
    if is_scaled and origins is not None:
        require_one_scale(experiments, reflections, origins.of, origins.names)
    return words_of_others(others, data_set_names(experiments)) if others else {}
