from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from synthetic_spots import setting

from autoproc.geometry.constraints import constrain_setting
from autoproc.indexing.candidates import niggli_reduced
from autoproc.indexing.lattices import rotation_between
from autoproc.indexing.settings import (
    allowed_modes,
    in_setting,
    is_near_cell,
    known_reduced_basis,
)
from autoproc.models.crystal import b_matrix, cell_from_real_matrix
from autoproc.models.space_group import primitive_basis, rotations_of

GROUPS = [
    ("I 21 3", (78.1, 78.1, 78.1, 90, 90, 90), 1),
    ("C 1 2 1", (96.4, 51.2, 62.3, 90, 112.7, 90), 4),
    ("P 63/m m c", (3.231, 3.231, 5.145, 90, 90, 120), 2),
    ("R 3 2:H", (100, 100, 250, 90, 90, 120), 2),
    ("F 2 3", (100, 100, 100, 90, 90, 90), 1),
    ("P 21 21 21", (5.49, 8.2, 12.147, 90, 90, 90), 3),
    ("P 43 21 2", (77.6, 77.6, 37.4, 90, 90, 90), 2),
    ("P 1", (31, 42, 55, 83, 97, 102), 6),
]


@pytest.mark.parametrize(("name", "cell", "n_cell"), GROUPS)
@pytest.mark.parametrize("cell_is_known", [True, False])
def test_conventional_cell_from_any_primitive_basis(name, cell, n_cell, cell_is_known):
    group = gemmi.SpaceGroup(name)
    conventional = np.linalg.inv(setting(cell, 5))
    errors = 1 + 1e-3 * np.random.default_rng(0).normal(size=(3, 3))
    primitive = niggli_reduced(primitive_basis(group) @ conventional * errors)
    found = in_setting(primitive, group, cell if cell_is_known else None)
    assert found is not None
    assert np.linalg.det(found) > 0
    wanted = cell if cell_is_known or name != "P 1" else cell_from_real_matrix(known_reduced_basis(cell, group))
    got = np.array(cell_from_real_matrix(found))
    if not cell_is_known:
        got, wanted = np.sort(got), np.sort(wanted)
    np.testing.assert_allclose(got[:3], np.array(wanted)[:3], rtol=5e-3)
    np.testing.assert_allclose(got[3:], np.array(wanted)[3:], atol=0.3)


def test_no_setting_for_a_foreign_lattice():
    triclinic = np.linalg.inv(setting((31, 42, 55, 83, 97, 102), 1))
    assert in_setting(triclinic, gemmi.SpaceGroup("P 4"), None) is None
    assert in_setting(triclinic, gemmi.SpaceGroup("P 1"), (31, 42, 60, 83, 97, 102)) is None


@pytest.mark.parametrize(("name", "cell", "n_cell"), GROUPS)
def test_modes_are_rotations_and_the_free_cell_parameters(name, cell, n_cell):
    group = gemmi.SpaceGroup(name)
    A = setting(cell, 3)
    modes = allowed_modes(A, group)
    assert len(modes) == 3 + n_cell
    for mode in modes[3:]:
        changed = (np.eye(3) + 1e-4 * mode) @ A
        np.testing.assert_allclose(changed, constrain_setting(changed, rotations_of(group)), atol=1e-9)


def test_primitive_cell_of_a_centred_one():
    cell = cell_from_real_matrix(known_reduced_basis((78.1, 78.1, 78.1, 90, 90, 90), gemmi.SpaceGroup("I 21 3")))
    np.testing.assert_allclose(cell, [67.6366] * 3 + [109.4712] * 3, rtol=1e-5)


@pytest.mark.parametrize("angle", [4.0, 20.0, 43.0])
def test_rotation_between_lattices_up_to_their_symmetry(angle):
    """A tetragonal lattice turned by its own four-fold as well: the smallest rotation is found."""
    cell = (77.6, 77.6, 37.4, 90, 90, 90)
    A = setting(cell, 1)
    axis = np.array([0.6, 0.0, 0.8])
    turn = Rotation.from_rotvec(np.radians(angle) * axis).as_matrix()
    fourfold = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    found = rotation_between(A, turn @ A @ fourfold)
    assert found.angle == pytest.approx(angle, abs=1e-6)
    np.testing.assert_allclose(found.axis, axis, atol=1e-6)
    np.testing.assert_allclose(found.matrix, turn, atol=1e-6)
    assert found.widest_angle >= found.angle


def test_rotation_between_split_cubic_lattices_shows_its_twofold():
    A = setting((78.1, 78.1, 78.1, 90, 90, 90), 4)
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    found = rotation_between(A, Rotation.from_rotvec(np.pi * 0.999 * axis).as_matrix() @ A)
    assert found.widest_angle > 178
    assert found.angle < 63


def test_b_matrix_of_known_cell_is_kept():
    np.testing.assert_allclose(cell_from_real_matrix(np.linalg.inv(b_matrix(GROUPS[1][1]))), GROUPS[1][1])


def test_cells_near_the_known_one():
    known = (50.0, 60.0, 70.0, 90.0, 95.0, 90.0)
    assert is_near_cell((51.0, 59.0, 71.0, 90.0, 97.0, 89.0), known)
    assert not is_near_cell((54.0, 60.0, 70.0, 90.0, 95.0, 90.0), known)
    assert not is_near_cell((50.0, 60.0, 70.0, 90.0, 101.0, 90.0), known)


CENTRED = [g for g in gemmi.spacegroup_table() if g.is_sohncke()]


@given(group=st.sampled_from(CENTRED), turn=st.sampled_from([[0, 1, 0, 0, 1, 1, 1, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1]]))
def test_every_tabulated_setting_has_its_centring_and_its_axes(group, turn):
    system, angles = group.crystal_system_str(), [90.0, 90.0, 90.0]
    if system == "monoclinic":
        angles["abc".index(group.monoclinic_unique_axis())] = 104.0
    lengths = {"cubic": (40, 40, 40), "tetragonal": (40, 40, 53)}.get(system, (31, 44, 37))
    if system in ("trigonal", "hexagonal"):
        lengths, angles = ((40, 40, 40), [75.0] * 3) if group.ext == "R" else ((40, 40, 53), [90.0, 90.0, 120.0])
    cell = (*map(float, lengths), *angles)
    real = np.reshape(turn, (3, 3)) @ primitive_basis(group) @ np.linalg.inv(b_matrix(cell))
    for known in (cell, None):
        found = in_setting(real, group, known)
        assert abs(np.linalg.det(found)) == pytest.approx(gemmi.UnitCell(*cell).volume)
        metric = found @ found.T
        if known is not None:
            assert np.sqrt(np.diag(metric)) == pytest.approx(lengths)
        for w in rotations_of(group):
            np.testing.assert_allclose(w.T @ metric @ w, metric, rtol=1e-6, atol=1e-6)
