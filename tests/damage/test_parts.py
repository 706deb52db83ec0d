from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.damage.parts import parts_of
from autoproc.merging.groups import group_equivalents


def made(noise_of_last):
    random = np.random.default_rng(5)
    hkl = np.array(gemmi.make_miller_array(gemmi.UnitCell(20, 30, 40, 90, 90, 90), gemmi.SpaceGroup("P 2 2 2"), 3.0))
    groups = group_equivalents(gemmi.SpaceGroup("P 2 2 2"), np.tile(hkl, (8, 1)))
    part = np.repeat([0, 1], 4 * len(hkl))
    true = random.exponential(100, len(hkl))[groups.group]
    sigma = np.where(part == 1, noise_of_last, 5.0)
    return parts_of(groups, true + sigma * random.normal(size=len(true)), sigma, part, np.array([10.0, 20.0]))


def test_each_part_is_judged_by_itself_and_with_those_before():
    first, last = made(200.0)
    assert (first.dose, last.dose) == (10.0, 20.0)
    assert first.cc_half > 0.99
    assert last.cc_half < 0.7 < last.cc_half_so_far
    assert (first.cc_first, last.cc_first is None) == (None, False)
    assert first.i_over_sigma > 10 * last.i_over_sigma
    assert (first.multiplicity, last.multiplicity) == (4.0, 8.0)


def test_a_part_without_observations_is_a_gap():
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.array([(1, 0, 0), (1, 0, 0)]))
    empty, full = parts_of(groups, np.ones(2), np.ones(2), np.ones(2, int), np.array([1.0, 2.0]))
    assert (empty.n, empty.i_over_sigma, empty.cc_half, empty.multiplicity) == (0, None, None, 0.0)
    assert full.multiplicity == pytest.approx(2.0)
