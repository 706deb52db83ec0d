from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.combining.cells import cluster_cells, ratios_of_cells
from autoproc.combining.report import cell_tree
from autoproc.models.crystal import Crystal, b_matrix


def crystals(*cells):
    return [Crystal(b_matrix(cell), gemmi.SpaceGroup("P 1")) for cell in cells]


BOX, OTHER = (40.0, 50.0, 60.0, 90.0, 90.0, 90.0), (40.0, 52.5, 60.0, 90.0, 90.0, 90.0)
TURNED, NEAR = (50.0, 60.0, 40.0, 90.0, 90.0, 90.0), (40.1, 50.1, 60.1, 90.0, 90.0, 90.0)


def test_the_form_with_the_most_reflections_comes_first():
    found = cluster_cells(crystals(BOX, OTHER, TURNED, NEAR), [100, 1000, 100, 100], 0.03)
    assert found.cluster.tolist() == [1, 0, 1, 1]
    found = cluster_cells(crystals(BOX, OTHER, TURNED, NEAR), [100, 100, 100, 100], 0.03)
    assert found.cluster.tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(found.distance[1], np.log(1.05), atol=0.002)


def test_a_larger_difference_joins_them():
    assert cluster_cells(crystals(BOX, OTHER), [1, 1], 0.06).cluster.tolist() == [0, 0]


def test_the_tree_shows_who_joins_whom_and_where():
    clusters = cluster_cells(crystals(BOX, OTHER, TURNED, NEAR), [1, 1, 1, 1], 0.03)
    lines = cell_tree(clusters, [10, 11, 12, 13]).splitlines()[3:-1]
    joins = {int(line.split("|")[1]): line.split("|")[4].strip() for line in lines}
    assert set(joins) == {10, 11, 12, 13}
    assert joins[11] == "" or float(joins[11]) > 4
    np.testing.assert_allclose(sorted(float(j) for j in joins.values() if j), [0.0, 0.22, 4.8], atol=0.1)


def test_one_crystal_is_a_cluster():
    found = cluster_cells(crystals(BOX), [1], 0.03)
    assert found.order == [0]
    assert "40.00 50.00 60.00" in cell_tree(found, [0])


def larger(cell, ratio):
    return (*(ratio * length for length in cell[:3]), *cell[3:])


OBLIQUE = (41.0, 52.0, 60.0, 95.0, 101.0, 112.0)


@pytest.mark.parametrize("ratio", [0.9, 0.976, 1.024, 1.2])
@pytest.mark.parametrize("cell", [BOX, OBLIQUE])
def test_a_cell_larger_in_every_direction_is_told_with_its_ratio(cell, ratio):
    spread = (*np.multiply(cell[:3], (1.002, 0.999, 1.0)), *cell[3:])
    given = crystals(cell, spread, larger(cell, ratio))
    found = ratios_of_cells(given, cluster_cells(given, [10, 10, 10], 0.01))
    assert list(found) == [2]
    assert found[2] == pytest.approx(ratio, abs=0.002)


UNEQUAL, SKEW = (40.8, 51.0, 62.4, 90.0, 90.0, 90.0), (41.0, 51.0, 61.0, 90.0, 92.0, 90.0)


@pytest.mark.parametrize("other", [OTHER, larger(BOX, 1.008), larger(BOX, 1.35), UNEQUAL, SKEW])
def test_one_axis_another_angle_too_little_or_too_much_are_no_ratio(other):
    given = crystals(BOX, NEAR, other)
    assert ratios_of_cells(given, cluster_cells(given, [10, 10, 10], 0.03)) == {}
