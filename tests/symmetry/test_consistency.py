from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from integrated_for_tests import experiment_of

from autoproc.errors import NoCrystal
from autoproc.symmetry.consistency import IncompatibleCells, common_lattice
from autoproc.symmetry.lattice_symmetry import lattice_symmetry
from autoproc.symmetry.reindex import operator_of, parse_basis

CELL = (40, 40, 50, 90, 90, 90)


def test_other_bases_of_the_same_lattice_are_brought_together():
    reference = experiment_of("P 1", (30, 40, 50, 80, 95, 102))
    other = replace(reference, crystal=reference.crystal.reindexed(operator_of(parse_basis("a+b,b,c-b"))))
    lattice, matrices = common_lattice([reference, other], 2.0)
    for n, experiment in enumerate((reference, other)):
        crystal = experiment.crystal.reindexed(operator_of(matrices[n]))
        np.testing.assert_allclose(crystal.cell, lattice.cell, rtol=1e-6)


def test_centred_input_is_taken_to_its_primitive_cell():
    lattice, matrices = common_lattice([experiment_of("I 2 3", (78, 78, 78, 90, 90, 90))], 2.0)
    assert len(lattice.rotations) == 24
    assert np.linalg.det(matrices[0]) == pytest.approx(0.5)
    assert lattice.cell[0] == pytest.approx(67.55, abs=0.01)
    assert len(lattice_symmetry(lattice.cell, 1.0).rotations) == 24


def test_experiments_that_are_not_indexed_are_refused():
    with pytest.raises(NoCrystal, match="no crystal in 1 experiment$|no crystal in 1 experiment:"):
        common_lattice([replace(experiment_of("P 1", CELL), crystal=None)], 2.0)


def test_different_crystals_are_refused():
    experiments = [experiment_of("P 1", (30, 40, 50, 80, 95, 102)), experiment_of("P 1", (33, 48, 57, 80, 95, 102))]
    with pytest.raises(IncompatibleCells, match="experiment 1, 33.00 48.00 57.00"):
        common_lattice(experiments, 2.0)


def test_the_lattice_is_that_of_the_mean_cell_whatever_the_order():
    cells = [(40 + d, 40 - d, 50 + 2 * d, 90, 90, 90) for d in (0.4, -0.1, -0.3)]
    experiments = [experiment_of("P 1", cell) for cell in cells]
    lattice, _ = common_lattice(experiments, 2.0)
    again, _ = common_lattice(experiments[::-1], 2.0)
    np.testing.assert_allclose(lattice.cell, again.cell, rtol=1e-9)
    np.testing.assert_allclose(sorted(lattice.cell[:3]), [40, 40, 50], rtol=1e-3)
