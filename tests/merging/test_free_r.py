from __future__ import annotations

import gemmi
import numpy as np

from autoproc.geometry.asu import complete_set
from autoproc.merging.free_r import free_r_flags

CELL = gemmi.UnitCell(77.6, 77.6, 37.4, 90, 90, 90)


def test_five_percent_and_even_sets():
    hkl = complete_set(CELL, gemmi.SpaceGroup("P 43 21 2"), 1.8)
    counts = np.bincount(free_r_flags(hkl, gemmi.SpaceGroup("P 43 21 2")), minlength=20) / len(hkl)
    assert len(counts) == 20
    assert np.abs(counts - 0.05).max() < 0.01


def test_flags_do_not_depend_on_resolution_or_order():
    group = gemmi.SpaceGroup("P 43 21 2")
    hkl = complete_set(CELL, group, 3.0)
    flags = free_r_flags(hkl, group)
    order = np.random.default_rng(0).permutation(len(hkl))
    np.testing.assert_array_equal(free_r_flags(hkl[order], group), flags[order])


def test_mates_of_the_lattice_share_a_flag():
    group = gemmi.SpaceGroup("P 4")
    hkl = complete_set(CELL, group, 4.0)
    np.testing.assert_array_equal(free_r_flags(hkl, group), free_r_flags(hkl[:, [1, 0, 2]], group))
    np.testing.assert_array_equal(free_r_flags(hkl, group), free_r_flags(-hkl, group))


def test_another_seed_is_another_choice():
    group = gemmi.SpaceGroup("P 4")
    hkl = complete_set(CELL, group, 4.0)
    assert (free_r_flags(hkl, group) != free_r_flags(hkl, group, seed=1)).mean() > 0.8
