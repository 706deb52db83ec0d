from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.combining.rotation_group import RotationGroup
from autoproc.models.space_group import rotations_of


def group_of(name: str) -> RotationGroup:
    return RotationGroup.of(rotations_of(gemmi.SpaceGroup(name)))


def members_of(name: str, group: RotationGroup) -> tuple[int, ...]:
    own = {w.tobytes() for w in rotations_of(gemmi.SpaceGroup(name))}
    return tuple(n for n, w in enumerate(group.rotations) if w.tobytes() in own)


@pytest.mark.parametrize("name", ["P 1", "P 6 2 2", "P 4 3 2", "P 2 2 2"])
def test_products_and_inverses(name):
    group = group_of(name)
    for a in range(len(group)):
        np.testing.assert_array_equal(group.rotations[a] @ group.rotations[group.inverse[a]], np.eye(3))
        for b in (0, len(group) // 2, len(group) - 1):
            expected = group.rotations[a] @ group.rotations[b]
            np.testing.assert_array_equal(group.rotations[group.product[a, b]], expected)


@pytest.mark.parametrize(("name", "of", "n"), [("P 3", "P 6 2 2", 4), ("P 4", "P 4 3 2", 6), ("P 2 3", "P 4 3 2", 2)])
def test_settings_are_the_cosets(name, of, n):
    group = group_of(of)
    members = members_of(name, group)
    settings = group.settings(members)
    assert len(settings) == n
    assert settings[0] == 0
    coset = group.coset_of(members)
    for g in range(len(group)):
        assert {int(coset[group.product[h, g]]) for h in members} == {int(coset[g])}


@pytest.mark.parametrize(("name", "n"), [("P 4 3 2", 11), ("P 6 2 2", 10), ("P 4 2 2", 8), ("P 1", 1)])
def test_one_subgroup_of_each_class(name, n):
    subgroups = group_of(name).subgroups()
    assert len(subgroups) == n
    assert len(subgroups[0]) == len(group_of(name))
    assert subgroups[-1] == (0,)


def test_the_change_of_basis_undoes_the_setting():
    group = group_of("P 6 2 2")
    hkl = np.array([[1, 2, 3]])
    for setting in range(len(group)):
        turned = hkl @ group.rotations[setting]
        np.testing.assert_array_equal(turned @ group.change_of_basis(setting).T, hkl)
