from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.models.space_group import primitive_basis
from autoproc.symmetry.consistency import unimodular
from autoproc.symmetry.lattice_symmetry import (
    cell_of,
    lattice_symmetry,
    metric_of,
    niggli,
    obliquity,
    rotation_axis,
    rotation_order,
)

UNIMODULAR = unimodular()
LATTICES = [
    ("P 1", (30, 41, 52, 81, 95, 103), 1),
    ("P 1 2 1", (30, 41, 52, 90, 103, 90), 2),
    ("C 1 2 1", (61, 41, 52, 90, 107, 90), 2),
    ("P 2 2 2", (30, 41, 52, 90, 90, 90), 4),
    ("C 2 2 2", (30, 41, 52, 90, 90, 90), 4),
    ("F 2 2 2", (30, 41, 52, 90, 90, 90), 4),
    ("I 2 2 2", (30, 41, 52, 90, 90, 90), 4),
    ("P 4 2 2", (30, 30, 52, 90, 90, 90), 8),
    ("I 4 2 2", (30, 30, 52, 90, 90, 90), 8),
    ("P 6 2 2", (30, 30, 52, 90, 90, 120), 12),
    ("R 3 2:H", (60, 60, 52, 90, 90, 120), 6),
    ("P 4 3 2", (50, 50, 50, 90, 90, 90), 24),
    ("I 4 3 2", (50, 50, 50, 90, 90, 90), 24),
    ("F 4 3 2", (50, 50, 50, 90, 90, 90), 24),
]


@given(lattice=st.sampled_from(LATTICES), choice=st.integers(0, len(UNIMODULAR) - 1))
@settings(max_examples=60, deadline=None)
def test_the_group_is_found_from_any_basis(lattice, choice):
    group, cell, order = lattice
    matrix = UNIMODULAR[choice] @ primitive_basis(gemmi.SpaceGroup(group))
    found = lattice_symmetry(cell_of(matrix @ metric_of(cell) @ matrix.T), 1.0)
    assert len(found.rotations) == order
    for w in found.rotations:
        np.testing.assert_allclose(w.T @ found.metric @ w, found.metric, rtol=1e-6, atol=1e-6 * found.metric.max())


@given(st.lists(st.floats(5, 60), min_size=3, max_size=3), st.lists(st.floats(65, 115), min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_reduced_cell_is_the_same_lattice(lengths, angles):
    cell = (*lengths, *angles)
    if gemmi.UnitCell(*cell).volume < 0.2 * np.prod(lengths):
        return
    matrix = niggli(cell)
    assert round(np.linalg.det(matrix)) == 1
    reduced = cell_of(matrix @ metric_of(cell) @ matrix.T)
    assert sum(reduced[:3]) <= sum(lengths) + 1e-6
    assert gemmi.UnitCell(*reduced).volume == pytest.approx(gemmi.UnitCell(*cell).volume, rel=1e-6)


def test_distortion_is_tolerated_up_to_max_delta():
    cell = (30.0, 30.0, 50.0, 90.0, 90.0, 91.0)
    assert len(lattice_symmetry(cell, 2.0).rotations) == 8
    assert len(lattice_symmetry(cell, 0.5).rotations) == 4


def test_obliquity_is_the_angle_between_the_axes():
    metric = metric_of((30, 40, 50, 90, 90, 92))
    about_c = np.diag([-1, -1, 1])
    about_a = np.diag([1, -1, -1])
    assert obliquity(about_c, metric) == pytest.approx(0, abs=1e-6)
    assert obliquity(about_a, metric) == pytest.approx(2.0, abs=1e-6)
    assert obliquity(np.eye(3, dtype=int), metric) == 0


def test_order_and_axis_of_a_rotation():
    six = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert rotation_order(six) == 6
    np.testing.assert_array_equal(rotation_axis(six), [0, 0, 1])
    three = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert rotation_order(three) == 3
    np.testing.assert_array_equal(rotation_axis(three), [1, 1, 1])
