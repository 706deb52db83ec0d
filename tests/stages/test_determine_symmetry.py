from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from integrated_for_tests import integrated, to_setting, unique_intensity
from pydantic import ValidationError
from shared_data import shared

from autoproc.errors import NoReflections
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import primitive_basis, rotations_of, space_group_named
from autoproc.stages.determine_symmetry import (
    SymmetryParams,
    SymmetryResult,
    determine_symmetry,
    format_symmetry,
)
from autoproc.symmetry.known_group import ImpossibleSpaceGroup
from autoproc.symmetry.reindex import parse_basis

CUBE = (40, 40, 40, 90, 90, 90)
TETRAGONAL = (40, 40, 50, 90, 90, 90)
HEXAGONAL = (40, 40, 50, 90, 90, 120)
BOX = (30, 40, 50, 90, 90, 90)

# Every Laue group, where possible on a lattice more symmetric than it needs.
CASES = [
    ("P 1", (30, 40, 50, 80, 95, 102)),
    ("P 1", BOX),
    ("P 1", CUBE),
    ("P 1 21 1", BOX),
    ("P 1 21 1", CUBE),
    ("C 1 2 1", (60, 40, 50, 90, 110, 90)),
    ("P 21 21 21", BOX),
    ("P 21 21 2", TETRAGONAL),
    ("C 2 2 21", (40, 40 * 3**0.5, 50, 90, 90, 90)),
    ("F 2 2 2", (40, 60, 70, 90, 90, 90)),
    ("P 41", TETRAGONAL),
    ("I 4", (40, 40, 60, 90, 90, 90)),
    ("P 43 21 2", CUBE),
    ("P 31", HEXAGONAL),
    ("R 3:H", (60, 60, 50, 90, 90, 120)),
    ("P 31 2 1", HEXAGONAL),
    ("P 32 1 2", HEXAGONAL),
    ("R 3 2:H", (60, 60, 50, 90, 90, 120)),
    ("P 61", HEXAGONAL),
    ("P 63 2 2", HEXAGONAL),
    ("P 21 3", CUBE),
    ("I 2 3", (60, 60, 60, 90, 90, 90)),
    ("P 41 3 2", CUBE),
    ("F 4 3 2", (80, 80, 80, 90, 90, 90)),
]


def in_some_basis(group: str, cell: tuple[float, ...], **kwargs) -> SymmetryResult:
    """Symmetry of data indexed in P 1 in a primitive basis that is not the conventional one."""
    d_min = 3.0 if max(cell[:3]) < 55 else 4.0
    experiment, reflections = integrated(group, cell, d_min=d_min, **kwargs)
    matrix = np.array([[0, 1, 0], [0, 1, 1], [1, 0, 0]]) @ primitive_basis(experiment.crystal.space_group)
    experiment, reflections = to_setting(experiment, reflections, matrix)
    return determine_symmetry([experiment], reflections, SymmetryParams())


def is_right(result: SymmetryResult, group: str) -> bool:
    return gemmi.SpaceGroup(group).number in {g.number for g in (result.space_group, *result.alternatives)}


@pytest.mark.parametrize(("group", "cell"), CASES)
def test_every_laue_group_is_found_on_lattices_that_allow_more(group, cell):
    result = in_some_basis(group, cell)
    assert is_right(result, group)
    found = result.experiments[0].crystal
    assert np.linalg.det(found.A) > 0
    if group != "P 1":
        np.testing.assert_allclose(sorted(found.cell[:3]), sorted(cell[:3]), rtol=1e-3)
    _assert_consistent(result)


def _assert_consistent(result: SymmetryResult) -> None:
    """Reindexed hkl still point to the same spots."""
    crystal, table = result.experiments[0].crystal, result.reflections
    observed = 1 / np.linalg.norm(table["s1"] - result.experiments[0].beam.s0, axis=1)
    calculated = 1 / np.linalg.norm(table["hkl"] @ crystal.A.T, axis=1)
    np.testing.assert_allclose(calculated, observed, rtol=1e-6)


@pytest.mark.parametrize("group", ["P 41", "P 1 21 1", "P 21 21 2", "P 43 21 2"])
def test_strong_absorption_does_not_hide_the_symmetry(group):
    cell = CUBE if group == "P 43 21 2" else TETRAGONAL if group != "P 1 21 1" else BOX
    assert is_right(in_some_basis(group, cell, absorption=1.0), group)


def test_without_prescaling_strong_absorption_would_hide_it():
    experiment, reflections = integrated("P 41", TETRAGONAL, absorption=1.0)
    result = determine_symmetry([experiment], reflections, SymmetryParams(prescale=False))
    assert result.laue_group.xhm() != "P 4/m"


def test_a_strong_anomalous_signal_does_not_hide_the_symmetry():
    assert is_right(in_some_basis("P 41", TETRAGONAL, anomalous=0.3), "P 41")


@pytest.mark.parametrize(("share", "laue"), [(0.1, "P 4/m m m"), (0.4, "P m m m"), (0.8, "P m m m")])
def test_pseudo_symmetry_is_told_from_symmetry(share, laue):
    """Intensities of P 21 21 2 mixed with those of a nearly true four-fold axis."""
    experiment, reflections = integrated("P 21 21 2", TETRAGONAL)
    higher = unique_intensity(reflections["hkl"], gemmi.SpaceGroup("P 4 21 2"), TETRAGONAL, 7)
    mixed = (1 - share) * higher + share * reflections["intensity_prf"]
    table = reflections.replace(intensity_prf=mixed, intensity_sum=mixed)
    result = determine_symmetry([experiment], table, SymmetryParams())
    assert result.laue_group.xhm() == laue
    assert any("pseudo-symmetry or twinning" in w for w in result.warnings) == (share == 0.4)


def test_noisy_data_still_show_their_symmetry():
    assert is_right(in_some_basis("P 21 21 2", TETRAGONAL, noise=0.5), "P 21 21 2")


def test_twenty_degrees_are_enough_and_unseen_screw_axes_are_confessed():
    result = in_some_basis("P 21 21 21", BOX, n_images=20)
    assert result.laue_group.xhm() == "P m m m"
    assert is_right(result, "P 21 21 21")
    assert any("cannot be told apart" in w for w in result.warnings)


def test_data_in_the_right_setting_stay_as_they_are():
    experiment, reflections = integrated("I 2 3", (60, 60, 60, 90, 90, 90), d_min=4.0)
    result = determine_symmetry([experiment], reflections, SymmetryParams())
    np.testing.assert_allclose(result.change_of_basis[0], np.eye(3), atol=1e-9)
    assert [g.xhm() for g in result.alternatives] == ["I 21 3"]


def test_monoclinic_setting_is_the_users():
    experiment, reflections = integrated("C 1 2 1", (96.4, 51.2, 62.3, 90, 112.7, 90), d_min=4.5)
    best = determine_symmetry([experiment], reflections, SymmetryParams())
    c2 = determine_symmetry([experiment], reflections, SymmetryParams(monoclinic_setting="C2"))
    assert (best.space_group.xhm(), c2.space_group.xhm()) == ("I 1 2 1", "C 1 2 1")
    assert best.experiments[0].crystal.cell[4] == pytest.approx(105.76, abs=0.01)
    assert c2.experiments[0].crystal.cell[4] == pytest.approx(112.7, abs=0.01)
    assert "setting of C2" in format_symmetry(best)


def test_a_known_space_group_is_taken():
    experiment, reflections = integrated("P 43 21 2", TETRAGONAL)
    result = determine_symmetry([experiment], reflections, SymmetryParams(space_group="P43212"))
    assert result.space_group.xhm() == "P 43 21 2"
    assert result.alternatives == ()
    assert result.warnings == ()
    text = format_symmetry(result)
    assert "Space group, as it was given: P 43 21 2" in text
    assert "Recommended" not in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("P 4 21 2", "the absences speak against P 4 21 2, which was given, and for P 41 21 2 or P 43 21 2"),
        ("P 21 21 21", "the Laue group of P 21 21 21, which was given, is not that of the intensities"),
    ],
)
def test_a_known_space_group_that_the_data_contradict_is_warned_of(given, said):
    experiment, reflections = integrated("P 43 21 2", TETRAGONAL)
    result = determine_symmetry([experiment], reflections, SymmetryParams(space_group=given))
    assert result.space_group.xhm() == given
    assert any(said in warning for warning in result.warnings)


def test_screw_axes_that_are_given_need_not_be_seen():
    """An axis along the spindle cannot be told; the user who knows it is not asked to look."""
    experiment, reflections = integrated("P 21 21 21", BOX, n_images=20)
    assert any("told apart" in w for w in determine_symmetry([experiment], reflections, SymmetryParams()).warnings)
    given = determine_symmetry([experiment], reflections, SymmetryParams(space_group="P 21 21 21"))
    assert not any("told apart" in w for w in given.warnings)


@pytest.mark.parametrize(
    ("asked", "given"), [("C2", "C 1 2 1"), ("C 1 2 1", "C 1 2 1"), ("I2", "I 1 2 1"), ("C 1 2/c 1", "C 1 2/c 1")]
)
def test_a_known_monoclinic_space_group_decides_the_setting(asked, given):
    experiment, reflections = integrated("C 1 2 1", (96.4, 51.2, 62.3, 90, 112.7, 90), d_min=4.5)
    result = determine_symmetry([experiment], reflections, SymmetryParams(space_group=asked))
    assert result.space_group.xhm() == given
    assert result.experiments[0].crystal.cell[4] == pytest.approx(112.7 if given[0] == "C" else 105.76, abs=0.01)


def test_an_impossible_space_group_is_refused():
    experiment, reflections = integrated("P 1", BOX)
    with pytest.raises(ImpossibleSpaceGroup, match="at most P m m m"):
        determine_symmetry([experiment], reflections, SymmetryParams(space_group="P 43 21 2"))


def test_two_lattices_of_a_split_crystal_are_brought_to_one_indexing():
    first = integrated("P 41", TETRAGONAL, n_images=60, orientation=1)
    second = to_setting(*integrated("P 41", TETRAGONAL, n_images=60, orientation=2), parse_basis("b,a,-c"))
    tables = [table.replace(experiment_id=np.full(len(table), n)) for n, (_, table) in enumerate((first, second))]
    result = determine_symmetry([first[0], second[0]], Reflections.concatenate(tables), SymmetryParams())
    assert result.laue_group.xhm() == "P 4/m"
    assert is_right(result, "P 41")
    assert not np.array_equal(result.change_of_basis[0], result.change_of_basis[1])


def test_too_few_intensities_are_an_error():
    experiment, reflections = integrated("P 1", BOX)
    with pytest.raises(NoReflections, match="9 usable intensities"):
        determine_symmetry([experiment], reflections[np.arange(9)], SymmetryParams())
    nothing = {name: np.zeros(len(reflections)) for name in ("intensity_sum", "intensity_prf") if name in reflections}
    with pytest.raises(NoReflections, match="all intensities are 0"):
        determine_symmetry([experiment], reflections.replace(**nothing), SymmetryParams())


def test_the_answer_does_not_depend_on_the_order_of_the_reflections():
    experiment, reflections = integrated("P 31 2 1", HEXAGONAL)
    shuffled = reflections[np.random.default_rng(4).permutation(len(reflections))]
    one = determine_symmetry([experiment], reflections, SymmetryParams())
    other = determine_symmetry([experiment], shuffled, SymmetryParams())
    assert one.space_group.xhm() == other.space_group.xhm()
    np.testing.assert_allclose([e.cc for e in one.elements], [e.cc for e in other.elements], atol=0.02)


def test_report_has_the_tables_of_the_tutorial():
    experiment, reflections = integrated("P 43 21 2", TETRAGONAL)
    text = format_symmetry(determine_symmetry([experiment], reflections, SymmetryParams()))
    assert "|   likelihood |   Z-CC |   CC |" in text
    assert "| *** | 4 |(0, 0, 1)" in text
    assert "| P 4/m m m         | *** |" in text
    assert "Best solution: P 4/m m m" in text
    assert "| 41c " in text
    assert "Recommended space group: P 41 21 2" in text
    assert "It could as well be P 43 21 2" in text


def test_real_l_cysteine_is_p212121():
    experiments, tables = [], []
    for n, name in enumerate(("20", "25", "30", "35")):
        experiments += read_expt(shared(f"real/l_cysteine_integrated/{name}_integrated.expt"))
        table = read_refl(shared(f"real/l_cysteine_integrated/{name}_integrated.refl"))
        tables.append(table.replace(experiment_id=np.where(table["experiment_id"] < 0, -1, n)))
    result = determine_symmetry(experiments, Reflections.concatenate(tables), SymmetryParams())
    assert result.laue_group.xhm() == "P m m m"
    assert result.space_group.xhm() == "P 21 21 21"
    assert result.probability > 0.95
    assert result.absences.is_certain
    assert result.warnings == ()


UNEQUAL = (30, 44, 37, 90, 90, 90)
"""Of P 2 21 21 and P 21 2 2: the odd axis is the shortest."""


@pytest.mark.parametrize(
    ("truth", "asked", "unit_cell", "cell"),
    [
        ("P 2 21 21", "P21212", None, (37, 44, 30)),
        ("P 2 21 21", "18", None, (37, 44, 30)),
        ("P 2 21 21", "P21212", (44, 37, 30, 90, 90, 90), (44, 37, 30)),
        ("P 2 21 21", "P22121", (30, 44, 37, 90, 90, 90), (30, 44, 37)),
        ("P 2 21 21", "P22121", None, (30, 37, 44)),
        ("P 2 21 21", "P21221", None, (37, 30, 44)),
        ("P 21 2 2", "P2221", None, (37, 44, 30)),
        ("P 21 2 2", "P2212", None, (37, 30, 44)),
        ("P 21 2 2", "P2122", (30, 44, 37, 90, 90, 90), (30, 44, 37)),
    ],
)
@pytest.mark.parametrize("basis", ["a,b,c", "c,a,b", "-b,-a,-c"])
def test_a_given_setting_has_its_odd_axis_where_the_absences_have_it(truth, asked, unit_cell, cell, basis):
    experiment, reflections = to_setting(*integrated(truth, UNEQUAL, d_min=3.5), parse_basis(basis))
    result = determine_symmetry([experiment], reflections, SymmetryParams(space_group=asked, unit_cell=unit_cell))
    assert result.space_group == space_group_named(asked)
    assert result.experiments[0].crystal.space_group == space_group_named(asked)
    np.testing.assert_allclose(result.experiments[0].crystal.cell[:3], cell, rtol=1e-3)
    absent = np.asarray(result.space_group.operations().systematic_absences(result.reflections["hkl"]), bool)
    assert np.median(result.reflections["intensity_prf"][absent]) < 10
    assert not any("speak against" in warning for warning in result.warnings)
    has_new_order = not np.allclose(result.experiments[0].crystal.cell[:3], experiment.crystal.cell[:3], rtol=1e-3)
    assert bool(result.new_axes) == has_new_order
    if has_new_order:
        before, after = (" ".join(f"{x:.2f}" for x in e.crystal.cell[:3]) for e in (experiment, result.experiments[0]))
        why = "the absences" if unit_cell is None else "the unit cell that was given"
        assert f"({before} A is now {after} A), by {why}; unit_cell=" in result.new_axes
        assert f"Note: {result.new_axes}" in format_symmetry(result)
    _assert_consistent(result)


def test_axes_that_the_user_gave_hold_against_the_absences_and_it_is_said():
    experiment, reflections = integrated("P 2 21 21", UNEQUAL, d_min=3.5)
    params = SymmetryParams(space_group="P 21 21 2", unit_cell=UNEQUAL)
    result = determine_symmetry([experiment], reflections, params)
    np.testing.assert_allclose(result.experiments[0].crystal.cell[:3], UNEQUAL[:3], rtol=1e-3)
    said = "the absences speak against P 21 21 2, which was given, and for P 2 21 21 with these axes"
    assert any(warning.startswith(said) for warning in result.warnings)


def test_a_cell_that_is_none_of_the_space_group_is_told_of():
    experiment, reflections = integrated("P 2 21 21", UNEQUAL, d_min=3.5)
    params = SymmetryParams(space_group="P 21 21 2", unit_cell=(30, 44, 57, 90, 90, 90))
    result = determine_symmetry([experiment], reflections, params)
    assert any("unit cell that was given" in warning for warning in result.warnings)


SETTINGS = [
    ("C 1 2 1", (60, 40, 50, 90, 110, 90), ("C 1 2 1", "I 1 2 1", "A 1 2 1", "B 1 1 2", "A 1 1 2", "C 2 1 1")),
    ("P 1 21 1", (30, 40, 50, 90, 104, 90), ("P 1 21 1", "P 1 1 21", "P 21 1 1")),
    ("C 2 2 21", (44, 61, 37, 90, 90, 90), ("C 2 2 21", "A 21 2 2", "B 2 21 2")),
    ("R 3:H", (60, 60, 50, 90, 90, 120), ("R 3:H", "R 3:R")),
    ("R 3 2:H", (60, 60, 50, 90, 90, 120), ("R 3 2:H", "R 3 2:R")),
    ("P 31 2 1", HEXAGONAL, ("P 31 2 1",)),
    ("F 2 2 2", (40, 60, 70, 90, 90, 90), ("F 2 2 2",)),
    ("I 21 21 21", (40, 50, 60, 90, 90, 90), ("I 21 21 21",)),
]


@pytest.mark.parametrize(("truth", "cell", "asked"), [(t, c, a) for t, c, every in SETTINGS for a in every])
def test_every_tabulated_setting_can_be_asked_for(truth, cell, asked):
    experiment, reflections = integrated(truth, cell, d_min=4.0)
    primitive = to_setting(experiment, reflections, primitive_basis(experiment.crystal.space_group))
    result = determine_symmetry([primitive[0]], primitive[1], SymmetryParams(space_group=asked))
    found = result.experiments[0].crystal
    assert found.space_group.xhm() == asked
    assert not np.asarray(result.space_group.operations().derive_symmorphic()
                          .systematic_absences(result.reflections["hkl"]), bool).any()  # fmt: skip
    assert not any("speak against" in warning for warning in result.warnings)
    _assert_consistent(result)
    metric = found.real_space @ found.real_space.T
    for w in rotations_of(found.space_group):
        np.testing.assert_allclose(w.T @ metric @ w, metric, rtol=1e-6, atol=1e-6)
    n_points = len(found.space_group.operations().cen_ops)
    volume = experiment.crystal.unit_cell.volume / len(experiment.crystal.space_group.operations().cen_ops)
    assert found.unit_cell.volume / n_points == pytest.approx(volume, rel=1e-3)


@pytest.mark.parametrize(
    ("truth", "simplest"), [("P 61 2 2", "P 6 2 2"), ("P 31 2 1", "P 3 2 1"), ("P 41", "P 4"), ("P 63", "P 6")]
)
def test_a_screw_axis_that_no_reflection_shows_is_not_claimed(truth, simplest):
    cell = TETRAGONAL if truth == "P 41" else HEXAGONAL
    experiment, reflections = integrated(truth, cell, d_min=3.5)
    off_axis = np.any(reflections["hkl"][:, :2] != 0, axis=1)
    result = determine_symmetry([experiment], reflections[off_axis], SymmetryParams())
    assert result.space_group.xhm() == simplest
    others = {g.number for g in result.alternatives}
    enantiomorph = {"P 61 2 2": "P 65 2 2", "P 31 2 1": "P 32 2 1", "P 41": "P 43", "P 63": "P 63"}[truth]
    assert others >= {gemmi.SpaceGroup(truth).number, gemmi.SpaceGroup(enantiomorph).number}


@pytest.mark.parametrize(
    ("setting", "group", "cell"),
    [
        ("best", "P 21 21 2", (37, 44, 30)),
        ("standard", "P 21 21 2", (37, 44, 30)),
        ("abc", "P 2 21 21", (30, 37, 44)),
        ("I2", "P 21 21 2", (37, 44, 30)),
    ],
)
@pytest.mark.parametrize("basis", ["a,b,c", "c,a,b"])
def test_the_setting_orders_orthorhombic_axes(setting, group, cell, basis):
    experiment, reflections = to_setting(*integrated("P 2 21 21", UNEQUAL, d_min=3.5), parse_basis(basis))
    result = determine_symmetry([experiment], reflections, SymmetryParams(setting=setting))
    assert result.space_group.xhm() == group
    np.testing.assert_allclose(result.experiments[0].crystal.cell[:3], cell, rtol=1e-3)
    _assert_consistent(result)


@pytest.mark.parametrize(
    ("params", "group"),
    [
        ({"setting": "best"}, "I 1 2 1"),
        ({"setting": "standard"}, "C 1 2 1"),
        ({"setting": "C2"}, "C 1 2 1"),
        ({"setting": "I2"}, "I 1 2 1"),
        ({"setting": "abc", "monoclinic_setting": "C2"}, "C 1 2 1"),
        ({"setting": "C2", "space_group": "I2"}, "I 1 2 1"),
        ({"setting": "I2", "space_group": "C2"}, "C 1 2 1"),
        ({"unit_cell": (96.4, 51.2, 62.3, 90, 112.7, 90)}, "C 1 2 1"),
        ({"unit_cell": (62.3, 51.2, 92.4, 90, 105.8, 90)}, "I 1 2 1"),
        ({"setting": "C2", "unit_cell": (62.3, 51.2, 92.4, 90, 105.8, 90)}, "I 1 2 1"),
    ],
)
def test_c2_or_i2_by_setting_space_group_or_cell(params, group):
    experiment, reflections = integrated("C 1 2 1", (96.4, 51.2, 62.3, 90, 112.7, 90), d_min=4.5)
    result = determine_symmetry([experiment], reflections, SymmetryParams(**params))
    assert result.space_group.xhm() == group
    _assert_consistent(result)


@pytest.mark.parametrize(("setting", "monoclinic"), [("standard", "I2"), ("C2", "I2"), ("I2", "C2")])
def test_settings_that_contradict_each_other_are_refused(setting, monoclinic):
    with pytest.raises(ValidationError, match="give one of them"):
        SymmetryParams(setting=setting, monoclinic_setting=monoclinic)


@pytest.mark.parametrize(
    ("truth", "cell", "group"),
    [
        ("P 21 21 21", (44, 30, 37, 90, 90, 90), "P 21 21 21"),
        ("P 2 21 21", (44, 30, 37, 90, 90, 90), "P 21 2 21"),
        ("P 2 21 21", (30, 44, 37, 90, 90, 90), "P 2 21 21"),
        ("P 2 21 21", (44, 37, 30, 90, 90, 90), "P 21 21 2"),
    ],
)
def test_a_cell_without_a_space_group_decides_the_axes(truth, cell, group):
    experiment, reflections = integrated(truth, UNEQUAL, d_min=3.5)
    result = determine_symmetry([experiment], reflections, SymmetryParams(unit_cell=cell))
    assert result.space_group.xhm() == group
    assert not result.is_given
    np.testing.assert_allclose(result.experiments[0].crystal.cell[:3], cell[:3], rtol=1e-3)
    _assert_consistent(result)


def test_a_cell_that_is_not_the_crystals_changes_nothing():
    experiment, reflections = integrated("P 2 21 21", UNEQUAL, d_min=3.5)
    result = determine_symmetry([experiment], reflections, SymmetryParams(unit_cell=(20, 20, 20, 80, 80, 80)))
    assert result.space_group.xhm() == "P 21 21 2"


SOHNCKE = [g for g in gemmi.spacegroup_table() if g.is_sohncke() and g.hm[1:] != " 1"]


def generic_cell(group: gemmi.SpaceGroup) -> tuple[float, ...]:
    """A cell of a space group, and of no higher one where the system leaves a choice."""
    system = group.crystal_system_str()
    angles = [90.0, 90.0, 90.0]
    if system == "monoclinic":
        angles["abc".index(group.monoclinic_unique_axis())] = 104.0
    if group.ext == "R":
        return (40, 40, 40, 75, 75, 75)
    lengths = {
        "tetragonal": (40, 40, 53), "trigonal": (40, 40, 53), "hexagonal": (40, 40, 53), "cubic": (52, 52, 52),
    }.get(system, (31, 44, 37))  # fmt: skip
    if system in ("trigonal", "hexagonal"):
        angles[2] = 120.0
    return (*lengths, *angles)


@settings(max_examples=6, deadline=None)
@given(group=st.sampled_from(SOHNCKE), basis=st.sampled_from(["a,b,c", "c,a,b", "b,a+c,c", "-b,-a,-c"]))
def test_given_axes_are_kept_and_otherwise_the_setting_is_conventional(group, basis):
    cell = generic_cell(group)
    experiment, reflections = integrated(group.xhm(), cell, d_min=4.5)
    matrix = parse_basis(basis) @ primitive_basis(group)
    experiment, reflections = to_setting(experiment, reflections, matrix)
    kept = determine_symmetry([experiment], reflections, SymmetryParams(space_group=group.xhm(), unit_cell=cell))
    assert kept.space_group == group
    np.testing.assert_allclose(kept.experiments[0].crystal.cell, cell, rtol=1e-3)
    assert not any("given" in warning for warning in kept.warnings)
    free = determine_symmetry([experiment], reflections, SymmetryParams())
    assert group.number in {g.number for g in (free.space_group, *free.alternatives)}
    assert free.space_group.is_reference_setting() or free.space_group.xhm() == "I 1 2 1"


@pytest.mark.parametrize(
    ("truth", "cell", "simplest"),
    [
        ("P 61 2 2", HEXAGONAL, "P 6 2 2"),
        ("P 31 2 1", HEXAGONAL, "P 3 2 1"),
        ("P 41", TETRAGONAL, "P 4"),
        ("P 43 21 2", TETRAGONAL, "P 4 2 2"),
    ],
)
@pytest.mark.parametrize("orientation", [1, 4])
def test_a_wedge_that_misses_the_axes_names_no_screw_axis_and_lists_the_others(truth, cell, simplest, orientation):
    experiment, reflections = integrated(truth, cell, d_min=3.5, n_images=25, orientation=orientation)
    assert not np.any(np.count_nonzero(reflections["hkl"], axis=1) == 1), "the wedge has axial reflections"
    result = determine_symmetry([experiment], reflections, SymmetryParams())
    assert result.space_group.xhm() == simplest
    assert gemmi.SpaceGroup(truth) in result.alternatives
    text = format_symmetry(result)
    assert f"Recommended space group: {simplest}" in text
    assert f" or {truth}" in text or f"be {truth}" in text
    assert any("cannot be told apart" in warning for warning in result.warnings)


def test_everything_is_told_in_the_setting_of_the_result():
    """Where the screw that was seen lies, alternatives have it too, and the tables call it so."""
    experiment, reflections = integrated("P 21 2 2", UNEQUAL, d_min=3.5)
    keep = ~((reflections["hkl"][:, [0, 2]] == 0).all(axis=1))  # nothing tells of a screw along b
    result = determine_symmetry([experiment], reflections[keep], SymmetryParams())
    best = result.absences.candidates[0].groups
    assert result.space_group in best
    screws = {s.name: s for s in result.absences.screw_axes}
    odd = [axis for axis in "abc" if screws[f"21{axis}"].score > 0.9]
    hkl = np.eye(3, dtype=np.int32)[["abc".index(axis) for axis in odd]]
    assert np.all(result.space_group.operations().systematic_absences(hkl))
    assert result.alternatives
    for other in result.alternatives:
        assert np.all(other.operations().systematic_absences(hkl)), "the axis that was seen is where it was seen"
        assert other.xhm() in format_symmetry(result)
