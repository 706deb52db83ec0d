"""The crystals are of one protein, and what each is like can be found out from its images."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.decisions.probe import PROBED
from autoproc.demonstration.collecting import params_of
from autoproc.demonstration.crystals import CRYSTALS, GROUP, RATE
from autoproc.service.sweeps.sample_groups import SweepPlace, sample_groups
from autoproc.simulation.params import SimulateParams

PARAMS = [params_of(crystal, RATE) for crystal in CRYSTALS]


def test_they_are_of_one_structure_and_lie_differently():
    assert len(CRYSTALS) == 3
    for what in ("cell", "space_group", "structure_seed", "wavelength", "detector", "distance"):
        assert len({str(getattr(one, what)) for one in PARAMS}) == 1, what
    assert PARAMS[0].structure_seed is not None
    assert len({one.seed for one in PARAMS}) == 3


def test_one_is_split_and_another_one_is_damaged():
    assert [one.n_lattices for one in PARAMS] == [1, 2, 1]
    assert [one.decay_b > 5 and one.structural_damage > 0.1 for one in PARAMS] == [False, False, True]
    turned = np.linalg.norm(PARAMS[1].second_lattice)
    assert f"{turned:.1f} degrees" in CRYSTALS[1].what
    assert 2 < turned < 10, "a few degrees"


@pytest.mark.parametrize("params", PARAMS, ids=[crystal.name for crystal in CRYSTALS])
def test_each_is_probed_while_it_is_collected(params: SimulateParams):
    assert params.n_images * params.width >= PROBED[1]


def test_the_program_takes_them_for_one_sample():
    places = [SweepPlace(one.name, f"/d/images/{one.name}_#####.cbf", 1, 72) for one in CRYSTALS]
    (group,) = sample_groups(places)
    assert group.name == GROUP
    assert len(group.sweeps) == 3
