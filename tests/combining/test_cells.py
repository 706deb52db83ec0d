from __future__ import annotations

import gemmi
import numpy as np

from autoproc.combining.cells import cluster_cells
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
