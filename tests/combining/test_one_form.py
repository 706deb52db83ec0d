"""What is put together has one space group and one cell, or that is said."""

from __future__ import annotations

import re
from dataclasses import replace

import gemmi
import pytest
from wedges_for_tests import wedges_of

from autoproc.combining.one_form import CellsDiffer, GroupsDiffer, require_one_form
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import ImageSet
from autoproc.scaling.params import ScaleParams
from autoproc.stages.merge import MergeParams, merge
from autoproc.stages.scale import scale


@pytest.fixture(scope="module")
def wedges():
    return wedges_of("P 4", 4, any_setting=False, as_indexed=False)


def in_group(experiment, group):
    return replace(experiment, crystal=replace(experiment.crystal, space_group=gemmi.SpaceGroup(group)))


def with_cell(experiment, stretch):
    cell = experiment.crystal.cell
    longer = (*(stretch * length for length in cell[:3]), *cell[3:])
    return replace(experiment, crystal=Crystal(b_matrix(longer), experiment.crystal.space_group))


def test_wedges_of_one_form_are_taken(wedges):
    require_one_form(wedges.experiments)


def test_another_space_group_is_named_with_its_experiment(wedges):
    experiments = [*wedges.experiments[:3], in_group(wedges.experiments[3], "P 1")]
    with pytest.raises(GroupsDiffer, match=r"P 4 \(experiments 0, 1, 2\), P 1 \(experiment 3\)"):
        require_one_form(experiments)


@pytest.mark.parametrize("number", [0, 2])
def test_a_cell_of_another_form_is_named_with_its_difference(wedges, number):
    experiments = [*wedges.experiments]
    experiments[number] = with_cell(experiments[number], 1.05)
    with pytest.raises(CellsDiffer, match=rf"experiment {number} differs by [45]\.\d% from the others") as told:
        require_one_form(experiments)
    assert re.search(rf"experiment {number}: 1\.0[45]\d times theirs in every direction", str(told.value))


def test_of_two_cells_neither_is_the_mean(wedges):
    with pytest.raises(CellsDiffer):
        require_one_form([wedges.experiments[0], with_cell(wedges.experiments[1], 0.95)])


@pytest.mark.parametrize("stretch", [0.99, 1.01])
def test_crystals_that_froze_differently_are_of_one_form(wedges, stretch):
    require_one_form([wedges.experiments[0], with_cell(wedges.experiments[1], stretch)])


def test_lattices_of_one_sweep_are_one_data_set(wedges):
    first = replace(wedges.experiments[0], imageset=ImageSet("cbf", "a_####.cbf"))
    require_one_form([first, with_cell(first, 1.05)])
    named = "experiment 1, another lattice of the sweep of experiment 0, differs by 1"
    with pytest.raises(CellsDiffer, match=named):
        require_one_form([first, with_cell(first, 1.2)])
    with pytest.raises(GroupsDiffer):
        require_one_form([first, in_group(first, "P 1")])
    with pytest.raises(CellsDiffer):
        require_one_form([first, replace(with_cell(first, 1.05), imageset=ImageSet("cbf", "b_####.cbf"))])


def test_scaling_and_merging_ask_for_it_unless_they_are_told_not_to(wedges):
    scaled = scale(wedges.experiments, wedges.reflections, ScaleParams())
    other = [*wedges.experiments[:3], with_cell(wedges.experiments[3], 1.05)]
    with pytest.raises(CellsDiffer):
        scale(other, wedges.reflections, ScaleParams())
    with pytest.raises(CellsDiffer):
        merge(other, scaled.reflections, MergeParams())
    assert len(merge(other, scaled.reflections, MergeParams(check_forms=False)).hkl)
