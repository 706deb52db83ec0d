"""Lattices are compared, not the cells that describe them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.geometry.lattice_distance import lattice_distances, reduced_cell
from autoproc.models.crystal import b_matrix, cell_from_real_matrix

EDGE = st.floats(5.0, 200.0)
CELLS = st.tuples(EDGE, EDGE, EDGE, *[st.floats(75.0, 110.0)] * 3).filter(lambda c: gemmi.UnitCell(*c).volume > 30)
BASES = ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[1, 0, 0], [-1, 1, 0], [1, 2, 1]])


def in_basis(cell, basis):
    return cell_from_real_matrix(np.array(basis) @ np.linalg.inv(b_matrix(cell)))


@given(CELLS, st.sampled_from(BASES))
@settings(max_examples=25, deadline=None)
def test_whatever_cell_describes_it(cell, basis):
    other = np.array([reduced_cell(in_basis(cell, basis), "P")])
    assert lattice_distances(cell, "P", other)[0] < 1e-4


@given(CELLS, st.floats(0.001, 0.02))
@settings(max_examples=25, deadline=None)
def test_a_longer_edge_is_as_far_as_it_is_longer(cell, strain):
    a, *rest = cell
    found = lattice_distances(cell, "P", np.array([reduced_cell((a * (1 + strain), *rest), "P")]))[0]
    assert found <= 5 * strain
    scaled = tuple(x * (1 + strain) for x in cell[:3]) + cell[3:]
    found = lattice_distances(cell, "P", np.array([reduced_cell(scaled, "P")]))[0]
    assert found <= strain * 1.001


@pytest.mark.parametrize("off", [0.02, -0.02])
def test_near_the_edge_between_kinds_of_reduced_cells(off):
    """90 degrees and a little: Niggli's angles are all acute or all obtuse, and the other way round beyond it."""
    exact = np.array([reduced_cell((50, 60, 70, 90, 90, 90), "P")])
    assert lattice_distances((50, 60, 70, 90 + off, 90 - off, 90 + off), "P", exact)[0] < 0.0005
    body = np.array([reduced_cell((61.95, 86.05, 89.1, 90, 90, 90), "I")])
    assert lattice_distances((62.0, 86.1, 89.0, 90 + off, 90 - off, 90 + off), "I", body)[0] < 0.002


@pytest.mark.parametrize("centring", "CIF")
def test_centred_cells_are_not_primitive_ones(centring):
    other = np.array([reduced_cell((50, 60, 70, 90, 90, 90), "P")])
    assert lattice_distances((50, 60, 70, 90, 90, 90), centring, other)[0] > 0.05
