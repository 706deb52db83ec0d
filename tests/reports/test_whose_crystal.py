"""Hints of whose crystal it is: by the lattice, whatever its setting; never without one."""

from __future__ import annotations

import re

import gemmi
import numpy as np
import pytest
from models_for_tests import panel, rotation

from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Scan
from autoproc.reports.known_crystals import PROTEINS, SMALL
from autoproc.reports.story import story
from autoproc.reports.summary import summarise
from autoproc.reports.whose_crystal import hints, known_crystals_like, whose_crystal
from autoproc.stages.pipeline import Processing


def crystal(cell, group="P 1"):
    return Crystal(rotation(1) @ b_matrix(cell), gemmi.SpaceGroup(group))


LYSOZYME = (77.3, 77.3, 37.3, 90, 90, 90)


@pytest.mark.parametrize("known", [*PROTEINS, *SMALL], ids=lambda k: k.name)
def test_each_is_known_again_and_is_what_its_space_group_allows(known):
    group = gemmi.SpaceGroup(known.space_group)
    found = known_crystals_like(known.cell, group)
    assert found[0].known is known
    assert found[0].distance < 1e-4
    assert found[0].same_laue_group
    assert group.is_sohncke() or known in SMALL
    free = np.array(gemmi.UnitCell(*known.cell).orth.mat.tolist())
    metric = free.T @ free
    for op in group.operations().sym_ops:
        turn = np.array(op.rot) / op.DEN
        np.testing.assert_allclose(turn.T @ metric @ turn, metric, rtol=1e-6, atol=1e-6 * metric.max())


def test_every_protein_has_its_entry_in_the_protein_data_bank():
    codes = [known.code for known in PROTEINS]
    assert not [known.name for known in PROTEINS if not re.fullmatch("[1-9][0-9A-Z]{3}", known.code)]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("cell", "group", "code"),
    [((64.5, 30.9, 34.7, 90, 106.0, 90), "P 1 21 1", "1MBN"), ((128.5, 128.5, 116.3, 90, 90, 90), "P 43 21 2", "1GPB"),
     ((183.7, 183.7, 183.7, 90, 90, 90), "F 4 3 2", "1DAT")],
)  # fmt: skip
def test_the_cells_of_entries_are_those_of_their_files(cell, group, code):
    (known,) = [known for known in PROTEINS if known.code == code]
    assert (known.cell, known.space_group) == (cell, group)


def test_tetragonal_lysozyme_in_its_group_and_in_none():
    (hint,) = hints(crystal(LYSOZYME, "P 43 21 2"), None)
    assert hint == "this may be hen egg-white lysozyme (PDB 193L, P 43 21 2): its cell within 1.6%"
    (hint,) = hints(crystal((37.3, 77.3, 77.3, 90, 90, 90)), None)
    assert hint.endswith("within 1.6%, in another Laue group")


def test_a_rhombohedral_setting_of_a_hexagonal_cell():
    rhombohedral = gemmi.SpaceGroup("R 3:R")
    a = np.sqrt(82.5**2 / 3 + 34.0**2 / 9)
    alpha = np.degrees(2 * np.arcsin(82.5 / (2 * a)))
    assert known_crystals_like((a, a, a, alpha, alpha, alpha), rhombohedral)[0].known.name == "insulin with zinc"


@pytest.mark.parametrize(
    ("cell", "group", "name"),
    [((83.2, 83.2, 162.9, 90, 90, 90), "P 43 2 2", "Can"), ((120.0, 120.0, 60.1, 90, 90, 120), "P 61", "CRP"),
     ((131.9, 112.0, 185.9, 90, 96.5, 90), "C 1 2 1", "GlmS"), ((150.0, 150.0, 150.0, 90, 90, 90), "P 41 3 2", "ArnA"),
     ((75.2, 75.2, 182.5, 90, 90, 90), "P 43 21 2", "TEV")],
)  # fmt: skip
def test_what_comes_with_the_host_or_the_purification_is_named(cell, group, name):
    assert name in known_crystals_like(cell, gemmi.SpaceGroup(group))[0].in_words


def test_another_crystal_is_nobodys():
    assert hints(crystal((61.3, 73.9, 112.4, 90, 97.2, 90), "P 1 21 1"), None) == []


def test_what_was_expected():
    other = (61.3, 73.9, 112.4, 90, 97.2, 90)
    (hint,) = hints(crystal(other, "P 1 21 1"), (61.0, 74.1, 112.2, 90, 97, 90))
    assert hint.startswith("the cell is the one that was expected, 61 74.1 112.2 90 97 90, within 0.5%")
    first, second = hints(crystal(LYSOZYME, "P 43 21 2"), other)
    assert first.startswith("the cell is not the one that was expected")
    assert "lysozyme" in second
    assert len(hints(crystal(LYSOZYME, "P 43 21 2"), LYSOZYME)) == 1


def test_what_was_expected_may_be_of_a_centred_cell():
    c2 = (96.4, 51.2, 62.3, 90, 112.7, 90)
    assert "is the one" in hints(crystal(c2, "C 1 2 1"), c2)[0]


def experiment(made):
    return Experiment(Beam(1.0), Detector((panel(),)), Goniometer(), Scan((1, 10), (0.0, 1.0)), crystal=made)


class Found:
    """As much of a result as has a crystal."""

    def __init__(self, made):
        self.experiments = [experiment(made)]


def test_nothing_is_said_before_there_is_a_crystal():
    processing = Processing(experiment(None), expected_cell=LYSOZYME)
    assert not [line for line in story(processing) if line.label == "Identity"]
    assert summarise("x", processing, None)["may_be"] == []


def test_the_last_stage_that_has_a_crystal_tells():
    processing = Processing(experiment(None))
    processing.indexed = Found(crystal((61.3, 73.9, 112.4, 90, 97.2, 90)))
    assert whose_crystal(processing) == []
    processing.refined = Found(crystal(LYSOZYME))
    assert "lysozyme" in whose_crystal(processing)[0]


EXPECTED = (62.0, 71.0, 84.0, 90, 98.0, 90)


@pytest.mark.parametrize("group", ["P 1 21 1", "C 1 2 1"])
def test_an_expected_cell_that_is_off_by_one_ratio_makes_one_ask_for_the_header(group):
    (told, *_) = hints(crystal((*np.multiply(EXPECTED[:3], 1.03), *EXPECTED[3:]), group), EXPECTED)
    assert told.startswith(
        "the cell is not the one that was expected, 62 71 84 90 98 90, but 1.030 times that in every"
    )
    assert told.endswith("direction (a wrong wavelength or distance in the header?)")
    (told, *_) = hints(crystal((62.0, 71.0, 88.0, 90, 98.0, 90), group), EXPECTED)
    assert told == "the cell is not the one that was expected, 62 71 84 90 98 90"
