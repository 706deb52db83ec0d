from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from integrated_for_tests import experiment_of, integrated, to_setting

from autoproc.errors import NoCrystal
from autoproc.models.reflections import Reflections
from autoproc.symmetry.consistency import IncompatibleCells, common_lattice, resolve_ambiguity
from autoproc.symmetry.lattice_symmetry import lattice_symmetry
from autoproc.symmetry.normalise import normalise
from autoproc.symmetry.observations import observations_of
from autoproc.symmetry.reindex import operator_of, parse_basis

CELL = (40, 40, 50, 90, 90, 90)


def two_crystals(operator: str, group: str = "P 41") -> tuple[list, Reflections]:
    """Two orientations of the same crystal; the second indexed after a change of basis."""
    first = integrated(group, CELL, n_images=60, orientation=1)
    second = to_setting(*integrated(group, CELL, n_images=60, orientation=2), parse_basis(operator))
    tables = [table.replace(experiment_id=np.full(len(table), n)) for n, (_, table) in enumerate((first, second))]
    return [first[0], second[0]], Reflections.concatenate(tables)


@pytest.mark.parametrize("operator", ["b,a,-c", "-a,b,-c"])
def test_an_indexing_ambiguity_is_seen(operator):
    experiments, reflections = two_crystals(operator)
    turned = _resolved(experiments, reflections)
    assert not np.array_equal(turned[1], np.eye(3))
    assert turned[1][2, 2] == -1


@pytest.mark.parametrize("operator", ["a,b,c", "b,-a,c", "-a,-b,c"])
def test_what_the_laue_group_makes_equivalent_is_left_alone(operator):
    np.testing.assert_array_equal(_resolved(*two_crystals(operator))[1], np.eye(3))


def _resolved(experiments, reflections) -> dict[int, np.ndarray]:
    lattice, matrices = common_lattice(experiments, 2.0)
    observations = observations_of(experiments, reflections).reindexed(matrices)
    turned = resolve_ambiguity(observations, normalise(observations).e2, lattice.rotations)
    to_input = np.linalg.inv(matrices[0])
    return {n: np.rint(to_input @ m @ matrices[0]).astype(int) for n, m in turned.items()}


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
    with pytest.raises(NoCrystal, match="none of the 1 experiments"):
        common_lattice([replace(experiment_of("P 1", CELL), crystal=None)], 2.0)


def test_different_crystals_are_refused():
    experiments = [experiment_of("P 1", (30, 40, 50, 80, 95, 102)), experiment_of("P 1", (33, 48, 57, 80, 95, 102))]
    with pytest.raises(IncompatibleCells, match="experiment 1, 33.00 48.00 57.00"):
        common_lattice(experiments, 2.0)
