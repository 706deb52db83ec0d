from __future__ import annotations

import numpy as np
import pytest
from integrated_for_tests import integrated

from autoproc.stages.determine_symmetry import SymmetryParams, determine_symmetry, format_symmetry
from autoproc.symmetry.occurrence import PERCENT, SELDOM, percent_of

SMALL = (8.0, 11.0, 14.0, 90.0, 100.0, 90.0)
LARGE = (31.0, 42.0, 53.0, 90.0, 100.0, 90.0)
BOX = (7.0, 11.0, 17.0, 90.0, 90.0, 90.0)


def found(group, cell, d_min, **params):
    experiment, reflections = integrated(group, cell, d_min=d_min)
    return determine_symmetry([experiment], reflections, SymmetryParams(**params))


def test_a_small_cell_with_a_glide_is_taken_for_a_small_molecule():
    result = found("P 1 21/c 1", SMALL, 1.0)
    assert result.space_group.number == 14
    assert not result.alternatives
    said = format_symmetry(result)
    assert "as for a small molecule" in said
    assert "with a centre of symmetry it would be" in said
    planes = {plane.name: plane for plane in result.absences.glide_planes}
    named = "h0l: h + l = 2n" if "n" in result.space_group.hm else "h0l: l = 2n"
    assert planes[named].score > 0.95
    assert planes[named].i_over_sigma_absent < 1 < planes[named].i_over_sigma_present
    assert named in said
    np.testing.assert_allclose(sorted(result.experiments[0].crystal.cell[:3]), sorted(SMALL[:3]), rtol=1e-3)


def test_not_if_it_is_said_to_be_none():
    result = found("P 1 21/c 1", SMALL, 1.0, small_molecule=False)
    assert result.space_group.is_sohncke()
    assert "small molecule" not in format_symmetry(result)


@pytest.mark.parametrize(("group", "cell", "d_min"), [("P 21 21 21", BOX, 1.0), ("P 1 21 1", SMALL, 1.0)])
def test_a_small_chiral_crystal_stays_chiral(group, cell, d_min):
    for small_molecule in ("auto", True):
        result = found(group, cell, d_min, small_molecule=small_molecule)
        assert result.space_group.xhm() == group


def test_a_large_cell_is_compared_with_chiral_groups_alone():
    result = found("P 1 21/c 1", LARGE, 3.0)
    assert result.absences.centre is None
    assert result.space_group.is_sohncke()


def test_a_large_cell_may_be_said_to_be_of_small_molecules():
    result = found("P 1 21/c 1", LARGE, 3.0, small_molecule=True)
    assert result.space_group.number == 14


@pytest.mark.parametrize("name", ["P 1 21/c 1", "P 1 21/n 1", "14"])
def test_a_given_group_with_a_glide_is_used(name):
    result = found("P 1 21/c 1", SMALL, 1.0, space_group=name)
    assert result.space_group.number == 14
    assert result.is_given


def test_orthorhombic_axes_are_those_of_international_tables():
    """P 21 n b has its two-fold along a."""
    result = found("P 21 n b", BOX, 1.0)
    assert result.space_group.xhm() == "P n a 21"
    a, b, c = BOX[:3]
    np.testing.assert_allclose(result.experiments[0].crystal.cell[2], a, rtol=1e-3)
    assert {round(x) for x in result.experiments[0].crystal.cell[:2]} == {round(b), round(c)}


@pytest.mark.parametrize(("group", "setting"), [("C 1 2/c 1", "C2"), ("I 1 2/a 1", "best"), ("C 1 2/c 1", "standard")])
def test_centred_monoclinic_cells_can_be_described_otherwise(group, setting):
    result = found(group, (20.0, 9.0, 14.0, 90.0, 95.0 if group[0] == "I" else 105.0, 90.0), 1.2, setting=setting)
    assert result.space_group.number == 15
    assert f"The cell is {result.space_group.hm[0]}-centred" in format_symmetry(result)
    if setting == "standard":
        assert result.space_group.xhm() == "C 1 2/c 1"


def test_how_often_groups_occur_is_a_share_of_all():
    assert sum(percent_of(number) for number in range(1, 231)) == pytest.approx(100, abs=3)
    assert percent_of(14) == max(PERCENT.values())
    assert percent_of(230) == SELDOM
