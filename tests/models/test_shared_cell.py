from __future__ import annotations

import pytest
from models_for_tests import crystal, experiment

from autoproc.models.experiment import shared_cell


def test_one_crystal_that_is_out_does_not_move_the_shared_cell():
    cells = [(77.0 + x, 77.0, 38.0, 90.0, 90.0, 90.0) for x in (0.0, 0.1, 0.2, 0.1, 9.0)]
    experiments = [experiment(crystal(cell, "P 1")) for cell in cells]
    assert shared_cell(experiments).parameters == pytest.approx((77.1, 77.0, 38.0, 90.0, 90.0, 90.0))
