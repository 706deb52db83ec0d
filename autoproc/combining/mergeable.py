"""Whether data sets may be scaled and merged together as they are given."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.combining.doubts import words_of_others
from autoproc.combining.given_twice import require_each_once
from autoproc.combining.one_form import require_one_form
from autoproc.combining.one_setting import require_one_setting
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections


def require_mergeable(
    experiments: Sequence[Experiment], reflections: Reflections, is_scaled: bool = False
) -> dict[int, str]:
    """A warning for each data set, by its number, that agrees with the others in no setting.

    is_scaled : compare scaled intensities; the integrated ones otherwise
    Raises GroupsDiffer, CellsDiffer, GivenTwice or SettingsDisagree.
    """
    require_one_form(experiments)
    require_each_once(reflections)
    others = require_one_setting(experiments, reflections, is_scaled)
    return words_of_others(others, data_set_names(experiments)) if others else {}
