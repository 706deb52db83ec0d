"""A sweep of a crystal form that is known comes out in its setting; another form costs a warning only."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from wedges_for_tests import mtz_of, n_alike, wedges_of

from autoproc.config import Config
from autoproc.stages.pipeline import Processing, find_symmetry

SWAP = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])


class Observer:
    def __init__(self):
        self.reports = {}

    def stage(self, name, report):
        self.reports[name] = report

    def keep(self, *_):
        pass

    def busy(self, _):
        return nullcontext()


def found(path, wedges):
    config = Config()
    config = config.model_copy(update={"combine": config.combine.model_copy(update={"reference": str(path)})})
    processing, observer = Processing(wedges.experiments[0]), Observer()
    processing.integrated = SimpleNamespace(experiments=wedges.experiments, reflections=wedges.reflections)
    find_symmetry(processing, config, observer)
    return processing, observer.reports["symmetry"]


@pytest.mark.parametrize("change", [np.eye(3), SWAP])
def test_the_setting_is_that_of_the_reference(tmp_path, change):
    wedges = wedges_of("P 3", 1, 0, seed=3, degrees=(60, 80))
    processing, report = found(mtz_of(tmp_path / "known.mtz", "P 3", wedges, change), wedges)
    own = processing.symmetry.change_of_basis[0] @ wedges.operators[0]
    assert n_alike("P 3", [own, change.astype(float)]) == 2
    assert "Reference (merged data): CC of E^2 0.9" in report
    assert not processing.warnings


def test_a_reference_of_another_form_is_a_warning(tmp_path):
    wedges = wedges_of("P 3", 1, 0, seed=3, degrees=(60, 80))
    other = wedges_of("P 4", 1, 0, seed=3, degrees=(60, 80))
    processing, report = found(mtz_of(tmp_path / "known.mtz", "P 4", other, np.eye(3)), wedges)
    (warning,) = processing.warnings
    assert warning.startswith("the setting is not that of the reference: ")
    assert processing.symmetry.space_group.point_group_hm() == "3"
    assert "Reference" not in report
