from __future__ import annotations

import numpy as np
import pytest

from autoproc.symmetry.elements import ElementScore, PairSums, elements_of
from autoproc.symmetry.lattice_symmetry import lattice_symmetry, rotation_axis, rotation_order
from autoproc.symmetry.laue_group import SubgroupScore, score_subgroups
from autoproc.symmetry.subgroups import find_subgroups

LATTICE = lattice_symmetry((40, 50, 60, 90, 90, 90), 1.0)
SUBGROUPS = find_subgroups(LATTICE)


def scored(likelihoods: dict[tuple[int, int, int], float], cc: float = 0.9) -> tuple[ElementScore, ...]:
    """Elements of the orthorhombic lattice with likelihoods by axis."""
    result = []
    for members in elements_of(LATTICE.rotations):
        w = LATTICE.rotations[members[0]]
        order = rotation_order(w)
        axis = (0, 0, 0) if order == 1 else tuple(rotation_axis(w).tolist())
        p = likelihoods.get(axis, 0.9)
        sums = PairSums(100.0, 50, 200.0, 600.0, 100.0 + 100 * (p > 0.5))
        result.append(ElementScore(members, order, axis, sums, cc * p, 0.1, p))
    return tuple(result)


AXES = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


def test_likelihood_is_the_product_over_elements():
    """Five groups: 222 has all three axes, 2 one and 1 none of them."""
    p = {AXES[0]: 0.9, AXES[1]: 0.2, AXES[2]: 0.7}
    raw = {(): 1.0, (0,): 1.0, (1,): 1.0, (2,): 1.0, (0, 1, 2): 1.0}
    for group in raw:
        for n, axis in enumerate(AXES):
            raw[group] *= p[axis] if n in group else 1 - p[axis]
    total = sum(raw.values())
    found = score_subgroups(SUBGROUPS, scored(p))
    assert sorted(s.likelihood for s in found) == pytest.approx(sorted(v / total for v in raw.values()))
    assert [s.likelihood for s in found] == sorted((s.likelihood for s in found), reverse=True)
    best, second = found[0].likelihood, found[1].likelihood
    assert best == pytest.approx(raw[(0,)] / total)
    assert found[0].confidence == pytest.approx(np.sqrt(best * (best - second)))
    assert found[1].confidence == 0.0


def test_all_elements_there_or_none():
    full = score_subgroups(SUBGROUPS, scored(dict.fromkeys(AXES, 0.95)))
    assert (full[0].subgroup.order, full[0].stars) == (4, "***")
    none = score_subgroups(SUBGROUPS, scored(dict.fromkeys(AXES, 0.05)))
    assert (none[0].subgroup.order, none[0].stars) == (1, "***")


def test_among_equals_the_smaller_group_comes_first():
    even = score_subgroups(SUBGROUPS, scored(dict.fromkeys(AXES, 0.5)))
    assert [s.subgroup.order for s in even] == [1, 2, 2, 2, 4]
    assert [s.likelihood for s in even] == pytest.approx([0.2] * 5)
    assert {s.confidence for s in even} == {0.0}


def test_impossible_likelihoods_stay_finite():
    found = score_subgroups(SUBGROUPS, scored({AXES[0]: 1.0, AXES[1]: 0.0, AXES[2]: 0.0}))
    assert found[0].subgroup.order == 2
    assert found[0].likelihood == pytest.approx(1.0)


def test_z_cc_speaks_for_and_against():
    found = score_subgroups(SUBGROUPS, scored({AXES[0]: 0.9, AXES[1]: 0.2, AXES[2]: 0.1}))
    best = found[0]
    # identity and a at z = 0.9 * 0.9 / 0.1, b and c at 1.8 and 0.9
    assert best.z_cc_for == pytest.approx(8.1)
    assert best.z_cc_against == pytest.approx(1.35)
    assert best.net_z_cc == pytest.approx(6.75)
    # pooled: mean 1, mean square 3, of products 2 inside, 1 outside
    assert best.cc_for == pytest.approx((2 - 1) / (3 - 1))
    assert best.cc_against == pytest.approx(0.0)


def test_elements_without_pairs_speak_for_nothing():
    elements = [ElementScore(e.members, e.order, e.axis, PairSums(), 0.0, 1.0, 0.5) for e in scored({})]
    best = score_subgroups(SUBGROUPS, elements)[0]
    assert (best.z_cc_for, best.z_cc_against, best.cc_for) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("p", "stars"), [(0.39, ""), (0.41, "*"), (0.61, "**"), (0.81, "***")])
def test_stars(p, stars):
    assert SubgroupScore(SUBGROUPS[0], p, 0, 0, 0, 0, 0).stars == stars
