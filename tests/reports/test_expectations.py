"""What the crystal was thought to be: said where it is so, warned of where it is not."""

from dataclasses import replace

import gemmi
import pytest
from processed import processed_sweep

from autoproc.reports.expectations import expectations, warnings_of
from autoproc.reports.story import story


@pytest.fixture(scope="module")
def processing(tmp_path_factory):
    return processed_sweep(tmp_path_factory)


def told(processing, **expected):
    return expectations(replace(processing, expected_cell=processing.merged.cell.parameters, **expected))[1:]


def test_nothing_is_said_where_nothing_was_expected(processing):
    assert told(processing) == []


def test_the_group_that_was_expected_in_whatever_setting(processing):
    number = processing.symmetry.space_group.number
    (one,) = told(processing, expected_group=str(number))
    assert one.is_met
    assert one.words.startswith("the space group is the one that was expected, ")


def test_a_group_that_the_data_cannot_tell_is_no_contradiction(processing):
    symmetry = replace(processing.symmetry, alternatives=(gemmi.SpaceGroup("P 43 21 2"),))
    (one,) = told(replace(processing, symmetry=symmetry), expected_group="P43212")
    assert one.is_met
    assert one.words.endswith('P 43 21 2, cannot be told from this one: symmetry.space_group="P 43 21 2" takes it')


def test_another_group_is_a_warning(processing):
    (one,) = told(processing, expected_group="P 4 3 2")
    assert not one.is_met
    assert one.words == "the space group is not the one that was expected, P 4 3 2, nor is its Laue group"
    symmetry = replace(processing.symmetry, alternatives=())
    (one,) = told(replace(processing, symmetry=symmetry), expected_group="P 2 2 2")
    assert warnings_of([one]) == ["the space group is not the one that was expected, P 2 2 2"]


def test_another_cell_is_a_warning_and_stands_in_the_story(processing):
    other = replace(processing, expected_cell=(99, 109, 119, 90, 90, 90))
    (warning,) = warnings_of(expectations(other))
    assert warning.startswith("the cell is not the one that was expected, 99 109 119 90 90 90")
    assert [line.text for line in story(other) if line.label == "Identity"] == [warning]


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_scatterer_whose_signal_is_not_seen_is_a_warning(processing, is_seen):
    overall = replace(processing.scaled.statistics.overall, cc_anom_significant=is_seen)
    scaled = replace(processing.scaled, statistics=replace(processing.scaled.statistics, overall=overall))
    (one,) = told(replace(processing, scaled=scaled), expected_element="Zn")
    assert one.is_met == is_seen
    assert ("none is seen" in one.words) != is_seen
    assert one.words.endswith("(f'' is 2.5 electrons at 0.9763 A in theory)")


def test_of_elements_that_theory_does_not_know_no_figure_is_given(processing):
    (one,) = told(processing, expected_element="Pu")
    assert "f''" not in one.words
