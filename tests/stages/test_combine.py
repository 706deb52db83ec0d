from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from wedges_for_tests import CELLS, n_alike, wedges_of

from autoproc.errors import NoCrystal
from autoproc.models.crystal import Crystal
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Reflections
from autoproc.reports.combine_page import combine_page
from autoproc.simulation.wedges import WedgesParams, simulate_wedges
from autoproc.stages.combine import CombineParams, combine, format_combine, selected
from autoproc.symmetry.params import SymmetryParams


@pytest.fixture(scope="module")
def wedges():
    return wedges_of("P 63", 6, 1)


@pytest.fixture(scope="module")
def combined(wedges):
    return combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams())


def test_data_sets_in_one_setting_and_space_group(wedges, combined):
    kept = [f for f in combined.data_sets if f.is_kept]
    assert combined.n_kept == len(kept) == 6
    assert n_alike("P 63", [f.change_of_basis @ wedges.operators[f.number] for f in kept]) == 6
    groups = {g.xhm() for g in (combined.symmetry.space_group, *combined.symmetry.alternatives)}
    assert "P 63" in groups
    assert {e.crystal.space_group.xhm() for e in combined.experiments} == {combined.symmetry.space_group.xhm()}


def test_the_impostor_is_set_aside_with_the_reason(wedges, combined):
    (aside,) = [f for f in combined.data_sets if not f.is_kept]
    assert aside.number == int(np.flatnonzero(wedges.is_impostor)[0])
    assert aside.why_aside.startswith("it agrees with the others in no setting: CC ")
    assert aside.change_of_basis is None


def test_reflections_are_those_of_the_experiments(combined):
    for n, experiment in enumerate(combined.experiments):
        rows = combined.reflections["experiment_id"] == n
        observed = np.linalg.norm(combined.reflections["s1"][rows] - experiment.beam.s0, axis=1)
        calculated = np.linalg.norm(combined.reflections["hkl"][rows] @ experiment.crystal.A.T, axis=1)
        np.testing.assert_allclose(calculated, observed, rtol=0.01)
        assert combined.reflections.identifiers[n] == experiment.identifier
    assert set(combined.reflections["experiment_id"]) == set(range(6))


def test_the_story_is_told(wedges, combined):
    told = format_combine(combined)
    assert "6 of 7 data sets are in one setting." in told
    named = [replace(e, imageset=ImageSet("cbf", f"/data/xt_{n}_####.cbf")) for n, e in enumerate(wedges.experiments)]
    assert data_set_names(named) == [f"xt_{n}" for n in range(7)]
    facts = tuple(replace(f, name=name) for f, name in zip(combined.data_sets, data_set_names(named), strict=True))
    told = format_combine(replace(combined, data_sets=facts))
    assert all(told.count(f"xt_{n} ") >= 2 for n in range(7))
    assert f"Set aside: xt_{next(f.number for f in facts if not f.is_kept)}: " in told
    assert "Recommended space group" in told
    page = combine_page(combined)
    assert "Tree of the cells" in page
    assert "Coordinates" in page
    assert page == combine_page(combined)


def test_another_cell_and_what_is_not_indexed_are_set_aside(wedges):
    cell = (44.0, 44.0, 50.0, 90.0, 90.0, 120.0)
    other = simulate_wedges(WedgesParams(space_group="P 63", cell=cell, n_wedges=1, d_min=3.2, seed=9))
    good = [n for n in range(7) if not wedges.is_impostor[n]]
    experiments, table = selected(wedges.experiments, wedges.reflections, good)
    last = other.reflections.replace(experiment_id=np.full(len(other.reflections), 6)).with_identifiers({})
    experiments = [*experiments, other.experiments[0], replace(experiments[0], crystal=None)]
    result = combine(experiments, Reflections.concatenate([table, last]), CombineParams(), SymmetryParams())
    assert [f.is_kept for f in result.data_sets] == [True] * 6 + [False] * 2
    assert result.data_sets[6].why_aside.startswith("its cell differs by ")
    assert result.data_sets[7].why_aside == "it is not indexed"


def test_a_space_group_that_is_known(wedges):
    good = [n for n in range(7) if not wedges.is_impostor[n]]
    part = selected(wedges.experiments, wedges.reflections, good)
    result = combine(*part, CombineParams(), SymmetryParams(space_group="P 3"))
    assert result.symmetry.space_group.xhm() == "P 3"


def test_one_data_set_is_as_good_as_determined_symmetry(wedges):
    part = selected(wedges.experiments, wedges.reflections, [0])
    result = combine(*part, CombineParams(), SymmetryParams())
    assert result.n_kept == 1
    assert result.comparable.settings is None


def test_nothing_indexed_is_refused(wedges):
    experiments = [replace(e, crystal=None) for e in wedges.experiments]
    with pytest.raises(NoCrystal):
        combine(experiments, wedges.reflections, CombineParams(), SymmetryParams())


@pytest.mark.parametrize("group", ["R 3", "C 1 2 1", "I 2 3"])
def test_centred_lattices(group):
    wedges = wedges_of(group, 5)
    result = combine(wedges.experiments, wedges.reflections, CombineParams(), SymmetryParams())
    assert n_alike(group, [f.change_of_basis @ wedges.operators[f.number] for f in result.data_sets]) == 5
    assert sorted(result.experiments[0].crystal.cell[:3]) == pytest.approx(sorted(CELLS[group][:3]), rel=0.01)


def with_wrong_wavelength(experiment, ratio):
    """As indexed from a header whose wavelength is too long by a ratio."""
    crystal = Crystal(experiment.crystal.A / ratio, experiment.crystal.space_group)
    beam = replace(experiment.beam, wavelength=ratio * experiment.beam.wavelength)
    return replace(experiment, crystal=crystal, beam=beam)


def combined_with_wrong_wavelengths(ratio):
    """The first wedge that is true and the impostor have it."""
    wedges = wedges_of("P 1 21 1", 5, 1)
    wrong = [int(np.argmin(wedges.is_impostor)), int(np.argmax(wedges.is_impostor))]
    experiments = [with_wrong_wavelength(e, ratio) if n in wrong else e for n, e in enumerate(wedges.experiments)]
    found = combine(experiments, wedges.reflections, CombineParams(), SymmetryParams())
    return found, found.data_sets[wrong[0]], found.data_sets[wrong[1]]


def test_the_cell_of_a_wrong_wavelength_is_told_and_what_the_intensities_say():
    found, true, impostor = combined_with_wrong_wavelengths(1.06)
    assert found.n_kept == 4
    assert true.why_aside.startswith("its cell differs by 6")
    assert "times theirs in every direction (a wrong wavelength or distance in its header?)" in true.why_aside
    assert "; its intensities agree with theirs, CC 0.9" in true.why_aside
    wavelength = float(re.search(r"with a wavelength of (\d\.\d+) A, not 1\.0600", true.why_aside)[1])
    assert wavelength == pytest.approx(1.0, abs=0.003)
    assert "but its intensities do not agree with theirs" in impostor.why_aside
    assert "header?" not in impostor.why_aside


def test_a_wrong_wavelength_within_what_one_form_may_differ_by_is_a_warning():
    found, true, impostor = combined_with_wrong_wavelengths(1.024)
    assert true.is_kept
    assert not impostor.is_kept
    (told,) = [warning for warning in found.warnings if "in every direction" in warning]
    assert told.startswith(f"the cell of {true.name} is not quite that of the others: it is 1.02")
    assert told in format_combine(found)
