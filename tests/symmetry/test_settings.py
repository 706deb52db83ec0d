from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.models.space_group import primitive_basis, rotations_of
from autoproc.symmetry.lattice_symmetry import averaged_metric, cell_of, lattice_symmetry, metric_of, niggli
from autoproc.symmetry.settings import (
    centring,
    conventional_basis,
    crystal_system,
    group_operations,
    in_basis,
    lattice_points,
    normalises,
    right_handed,
)

LATTICES = {
    "P 1": (30, 40, 50, 80, 85, 95), "P 1 2 1": (30, 40, 50, 90, 105, 90), "C 1 2 1": (60, 30, 50, 90, 110, 90),
    "P 2 2 2": (30, 40, 50, 90, 90, 90), "C 2 2 2": (30, 70, 50, 90, 90, 90), "I 2 2 2": (30, 40, 55, 90, 90, 90),
    "F 2 2 2": (30, 40, 55, 90, 90, 90), "P 4 2 2": (40, 40, 60, 90, 90, 90), "I 4 2 2": (40, 40, 90, 90, 90, 90),
    "P 3 2 1": (40, 40, 60, 90, 90, 120), "R 3 2": (60, 60, 90, 90, 90, 120), "P 6 2 2": (40, 40, 60, 90, 90, 120),
    "P 4 3 2": (50, 50, 50, 90, 90, 90), "I 4 3 2": (50, 50, 50, 90, 90, 90), "F 4 3 2": (50, 50, 50, 90, 90, 90),
}  # fmt: skip


def reduced(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The rotations of a group in its reduced primitive cell, and that cell's metric."""
    primitive = primitive_basis(gemmi.SpaceGroup(name))
    metric = primitive @ metric_of(LATTICES[name]) @ primitive.T
    to_reduced = niggli(cell_of(metric))
    basis = to_reduced @ primitive
    return in_basis(rotations_of(gemmi.SpaceGroup(name)), basis), to_reduced @ metric @ to_reduced.T


@pytest.mark.parametrize("name", list(LATTICES))
def test_the_conventional_cell_comes_back(name):
    rotations, metric = reduced(name)
    basis = conventional_basis(rotations, metric)
    cell = cell_of(basis @ metric @ basis.T)
    expected = LATTICES[name]
    if name != "P 1":
        assert cell == pytest.approx(expected, abs=1e-6)
    assert np.linalg.det(basis) > 0
    kind = centring(basis)
    assert kind == gemmi.SpaceGroup(name).centring_type()
    system = gemmi.SpaceGroup(name).crystal_system_str()
    assert crystal_system(rotations) == system
    found = gemmi.find_spacegroup_by_ops(group_operations(rotations, basis))
    assert found.number == gemmi.SpaceGroup(name).number


@pytest.mark.parametrize(("setting", "kind"), [("C2", "C"), ("I2", "I")])
def test_a_centred_monoclinic_cell_is_c_or_i_as_asked(setting, kind):
    rotations, metric = reduced("C 1 2 1")
    basis = conventional_basis(rotations, metric, setting)
    assert centring(basis) == kind
    a, b, c, alpha, beta, gamma = cell_of(basis @ metric @ basis.T)
    assert (alpha, gamma) == pytest.approx((90.0, 90.0))
    assert beta >= 90
    assert b == pytest.approx(30.0)
    volume = gemmi.UnitCell(a, b, c, alpha, beta, gamma).volume
    assert volume == pytest.approx(gemmi.UnitCell(*LATTICES["C 1 2 1"]).volume)


@settings(max_examples=15)
@given(a=st.floats(25, 70), c=st.floats(25, 70), beta=st.floats(91, 119))
def test_the_best_monoclinic_cell_is_the_least_oblique(a, c, beta):
    """No pair of short vectors across b makes a cell of the same area with an angle nearer 90."""
    cell = (a, 40.0, c, 90.0, beta, 90.0)
    metric, to_reduced = metric_of(cell), niggli(cell)
    g = to_reduced @ metric @ to_reduced.T
    basis = conventional_basis(in_basis(np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])]), to_reduced), g)
    p, q, r, s = np.array(np.meshgrid(*[np.arange(-4, 5)] * 4)).reshape(4, -1)
    same_area = np.abs(p * s - q * r) == 1
    u, v = np.stack([p, q], axis=1)[same_area], np.stack([r, s], axis=1)[same_area]
    flat = metric[np.ix_([0, 2], [0, 2])]
    dot, uu, vv = (np.einsum("ni,ij,nj->n", x, flat, y) for x, y in ((u, v), (u, u), (v, v)))
    found = cell_of(basis @ g @ basis.T)[4]
    assert found >= 90 - 1e-6
    assert -np.cos(np.radians(found)) == pytest.approx(np.abs(dot / np.sqrt(uu * vv)).min(), abs=1e-6)


@pytest.mark.parametrize(
    ("points", "name"),
    [([(0, 0.5, 0.5)], "A"), ([(0.5, 0, 0.5)], "B"), ([(0.5, 0.5, 0)], "C"), ([(0.5, 0.5, 0.5)], "I"), ([], "P")],
)
def test_centring_by_its_lattice_points(points, name):
    """A primitive basis with the extra point as one of its axes."""
    if not points:
        cell = np.eye(3)
    else:
        point = np.array(points[0])
        kept = [n for n in range(3) if n != int(np.flatnonzero(point)[0])]
        primitive = np.array([point, *np.eye(3)[kept]])
        cell = np.linalg.inv(primitive)
    assert centring(cell) == name
    found = {tuple(p) for p in np.round(lattice_points(cell), 4)}
    assert found == {(0, 0, 0), *points}


@pytest.mark.parametrize(("sign", "name"), [(1, "R"), (-1, "reverse")])
def test_obverse_and_reverse(sign, name):
    """Obverse has -h + k + l = 3n: points at 2/3 1/3 1/3 and 1/3 2/3 2/3 (International Tables)."""
    third = np.array([2, 1, 1]) / 3 if sign > 0 else np.array([1, 2, 1]) / 3
    primitive = np.array([third, np.eye(3)[0], np.eye(3)[1]])
    assert centring(np.linalg.inv(primitive)) == name


def test_rotations_in_another_basis_turn_the_same_vectors():
    lattice = lattice_symmetry((40, 40, 60, 90, 90, 90), 1.0)
    basis = np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 1]])
    for w, turned in zip(lattice.rotations, in_basis(lattice.rotations, basis), strict=True):
        for u in np.eye(3, dtype=int):
            # u in the new basis is M^T u in the old one
            np.testing.assert_array_equal(basis.T @ (turned @ u), w @ (basis.T @ u))


def test_a_group_is_normalised_by_what_takes_it_to_itself():
    monoclinic = np.array([np.eye(3, dtype=int), np.diag([-1, 1, -1])])
    four_fold_b, four_fold_c = (
        np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
        np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    )
    assert normalises(four_fold_b, monoclinic)
    assert not normalises(four_fold_c, monoclinic)
    orthorhombic = np.array([np.diag(d) for d in ((1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, 1))])
    assert normalises(four_fold_c, orthorhombic)


@pytest.mark.parametrize("name", ["P 1", "C 1 2 1", "P 3 2 1"])
def test_right_handed(name):
    basis = np.diag([-1, 1, 1])
    assert np.linalg.det(right_handed(basis)) == pytest.approx(1)
    assert right_handed(np.eye(3, dtype=int)) is not None
    rotations, metric = reduced(name)
    mean = averaged_metric(metric, rotations)
    np.testing.assert_allclose(mean, metric, atol=1e-6 * np.trace(metric))  # an exact lattice obeys already
