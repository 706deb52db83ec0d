from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.models.crystal import Crystal, b_matrix
from autoproc.symmetry.consistency import unimodular
from autoproc.symmetry.lattice_lengths import class_lengths, length_differences, reduced_metric
from autoproc.symmetry.reindex import operator_of

LENGTH, ANGLE = st.floats(20, 90), st.floats(70, 110)
CELLS = st.tuples(LENGTH, LENGTH, LENGTH, ANGLE, ANGLE, ANGLE)
quick = settings(max_examples=30, deadline=None)


def crystal(cell, group="P 1"):
    return Crystal(b_matrix(cell), gemmi.SpaceGroup(group))


def distance(*crystals):
    return length_differences(np.array([reduced_metric(c) for c in crystals]))


@quick
@given(cell=CELLS, n=st.integers(0, len(unimodular()) - 1))
def test_another_basis_is_no_distance(cell, n):
    one = crystal(cell)
    assert distance(one, one.reindexed(operator_of(unimodular()[n])))[0, 1] == pytest.approx(0, abs=1e-6)


@quick
@given(cell=CELLS, scale=st.floats(0.9, 1.1))
def test_a_lattice_that_grows_is_as_far_as_it_grew(cell, scale):
    larger = crystal((*(scale * x for x in cell[:3]), *cell[3:]))
    assert distance(crystal(cell), larger)[0, 1] == pytest.approx(abs(np.log(scale)), rel=1e-6, abs=1e-9)


@quick
@given(cells=st.lists(CELLS, min_size=3, max_size=3))
def test_it_is_a_metric(cells):
    d = distance(*map(crystal, cells))
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_allclose(np.diag(d), 0, atol=1e-12)
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-9


@quick
@given(cell=CELLS, change=st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_a_small_deformation_is_a_small_distance_across_every_border_of_reduction(cell, change):
    deformed = tuple(x * (1 + 1e-3 * d) for x, d in zip(cell, change, strict=True))
    assert distance(crystal(cell), crystal(deformed))[0, 1] < 0.02


def test_a_centred_cell_is_its_primitive_one():
    body = crystal((78, 78, 78, 90, 90, 90), "I 2 3")
    primitive = crystal((67.55, 67.55, 67.55, 109.4712, 109.4712, 109.4712))
    assert distance(body, primitive)[0, 1] < 1e-4


def test_the_lengths_are_those_of_the_shortest_vectors():
    lengths = class_lengths(np.diag([900.0, 1600.0, 2500.0]))
    expected = [50, 40, np.hypot(40, 50), 30, np.hypot(30, 50), 50, np.sqrt(5000)]
    np.testing.assert_allclose(lengths, expected)
