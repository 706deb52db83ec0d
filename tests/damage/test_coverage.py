from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.damage.coverage import completeness_by_dose
from autoproc.damage.dose import DoseAxis
from autoproc.merging.groups import group_equivalents

P222 = gemmi.SpaceGroup("P 2 2 2")


def covered(hkl, step, n_expected, shell=None):
    groups = group_equivalents(P222, np.array(hkl, np.int32))
    shell = np.zeros(len(groups), int) if shell is None else np.array(shell)
    return completeness_by_dose(groups, np.array(step), shell, np.array(n_expected), DoseAxis(0, 1, 4))


def test_reflections_count_from_when_they_are_first_seen():
    found = covered([(1, 2, 3), (-1, -2, 3), (-1, -2, -3), (2, 3, 4)], [2, 1, 3, 0], [4])
    assert found.either.tolist() == [0.25, 0.5, 0.5, 0.5]
    assert found.both.tolist() == [0, 0, 0, 0.25]
    assert found.plus.tolist() == [0.25, 0.5, 0.5, 0.5]
    assert found.minus.tolist() == [0, 0, 0, 0.25]


def test_centric_reflections_are_both_hands():
    found = covered([(1, 2, 0)], [1], [1])
    assert found.both.tolist() == found.minus.tolist() == [0, 1, 1, 1]


def test_shells_have_their_own_completeness():
    found = covered([(1, 2, 3), (2, 3, 4)], [0, 3], [1, 2], shell=[0, 1])
    assert found.either_shells[:, -1] == pytest.approx([1.0, 0.5])
    assert found.either[-1] == pytest.approx(2 / 3)
