from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoproc.kernels.refinement_gradients import position_gradients, predicted_positions

EVERY = np.arange(6), np.arange(5)


def arguments(n=4, panel=0):
    spots = tuple(np.random.default_rng(0).normal(size=(n, 3)) for _ in range(6))
    eye, zero = np.eye(3), np.zeros(3)
    goniometer = (eye[0], eye[0], eye, eye)
    models = np.full(n, panel), (eye[None], eye, zero), eye[:1], goniometer, (eye, np.ones((6, 2)))
    return spots, *models, EVERY, np.ones((n, 1)), np.ones((n, 3))


def test_shapes_of_the_results():
    found = position_gradients(*arguments())
    assert found.shape == (4, 3, 6 + 1 + 5)
    np.testing.assert_array_equal(found[:, 2, :6], 0)


def test_no_spots():
    assert position_gradients(*arguments(0)).shape == (0, 3, 12)


def test_columns_are_chosen_weighted_and_repeated_for_each_coefficient():
    *models, _, _, _ = arguments()
    every = position_gradients(*arguments())
    rng = np.random.default_rng(8)
    curve, root = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    found = position_gradients(*models, (np.array([0, 4]), np.array([1, 2, 4])), curve, root)
    expected = [every[:, :, [0, 4]], every[:, :, 6:7], *(every[:, :, [8, 9, 11]] * w[:, None, None] for w in curve.T)]
    np.testing.assert_array_equal(found, np.concatenate(expected, axis=2) * root[:, :, None])


def test_columns_that_are_not_there_are_refused():
    *models, _, curve, root = arguments()
    with pytest.raises(ValueError, match="crystal must lie in"):
        position_gradients(*models, (np.arange(6), np.array([5])), curve, root)
    with pytest.raises(ValueError, match="detector must lie in"):
        position_gradients(*models, (np.array([6]), np.arange(5)), curve, root)


def test_more_strains_than_a_cell_has_are_refused():
    spots, panel, panels, ds0, goniometer, _, *rest = arguments()
    with pytest.raises(ValueError, match="7 strains"):
        position_gradients(spots, panel, panels, ds0, goniometer, (np.eye(3), np.ones((6, 7))), *rest)


def test_wrong_panel_is_refused():
    with pytest.raises(ValueError, match="panel must lie in"):
        position_gradients(*arguments(panel=1))


def test_wrong_shapes_are_refused():
    spots, panel, panels, ds0, goniometer, crystal, *rest = arguments()
    with pytest.raises(ValueError, match="expected"):
        position_gradients((spots[0][:2], *spots[1:]), panel, panels, ds0, goniometer, crystal, *rest)
    with pytest.raises(ValueError, match="strain basis"):
        position_gradients(spots, panel, panels, ds0, goniometer, (np.eye(3), np.ones((5, 2))), *rest)
    with pytest.raises(ValueError, match="root"):
        position_gradients(spots, panel, panels, ds0, goniometer, crystal, *rest[:2], np.ones((3, 3)))


def by_crystal(omega):
    """Derivatives of the same four spots, with every rotation vector `omega` times its own direction."""
    _, panel, panels, ds0, goniometer, *_ = arguments()
    *spots, directions = np.random.default_rng(3).normal(size=(6, 4, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    turn = Rotation.from_euler("xyz", [0.3, -0.5, 0.7]).as_matrix()
    crystal, free = (turn, np.eye(6)[:, :5]), (np.arange(0), np.arange(8))
    models = panel, panels, ds0[:0], goniometer, crystal
    return position_gradients((*spots, omega * directions), *models, free, np.ones((4, 1)), np.ones((4, 3)))


def test_derivatives_by_a_small_rotation_go_over_into_those_by_none_and_by_a_large_one():
    """The series for small angles and the formula for others meet at a thousandth, and begin at nothing."""
    below, above = by_crystal(0.9999e-3), by_crystal(1.0001e-3)
    scale = np.abs(below).max()
    np.testing.assert_allclose(below / scale, above / scale, atol=1e-6)
    slope = [(by_crystal(h) - by_crystal(0.0)) / h for h in (1e-5, 1e-4, 0.9e-3, 1.1e-3)]
    for one in slope[1:]:
        np.testing.assert_allclose(one / scale, slope[0] / scale, atol=2e-3)
    assert np.abs(slope[0]).max() > 0.05 * scale


def crossings(n=50, n_coefficients=3, size=1e-2, **changed):
    """Arguments of predicted_positions for reflections of a cell of 50 A about a tilted axis."""
    rng = np.random.default_rng(6)
    axis = Rotation.from_euler("xyz", [0.1, 0.2, -0.1]).apply([1.0, 0.0, 0.0])
    detector = np.column_stack([[1, 0, 0], [0, -1, 0], [-100, 100, -150]]).astype(float)
    right = {
        "spots": (rng.integers(-9, 10, (n, 3)), rng.integers(0, 2, n).astype(bool), rng.uniform(-9, 9, n)),
        "panel": np.zeros(n, int),
        "curve": (
            rng.integers(0, n_coefficients - 1, n), rng.uniform(0, 1, (n, 2)),
            rng.normal(0, size, (n_coefficients, 3)), rng.normal(0, size, (n_coefficients, 6)),
        ),
        "crystal": (Rotation.random(rng=rng).as_matrix(), np.eye(3) / 50),
        "inverse_d": np.linalg.inv(detector)[None],
        "s0": np.array([0.0, 0.0, -1.0]),
        "goniometer": (axis, Rotation.random(rng=rng).as_matrix(), Rotation.random(rng=rng).as_matrix()),
    }  # fmt: skip
    return right | changed


@pytest.mark.parametrize("size", [0.0, 1e-5, 1e-2, 1.0])
def test_reciprocal_vectors_are_those_of_the_crystal_where_the_spot_is(size):
    right = crossings(size=size)
    (hkl, *_), (first, active, omega, strain), (U, B) = right["spots"], right["curve"], right["crystal"]
    _, q, _, _ = predicted_positions(**right)
    for n in range(len(hkl)):
        xx, yy, zz, yz, xz, xy = active[n] @ strain[first[n] : first[n] + 2]
        stretch = np.eye(3) + [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]
        turn = Rotation.from_rotvec(active[n] @ omega[first[n] : first[n] + 2]).as_matrix()
        np.testing.assert_allclose(q[n], turn @ U @ stretch @ B @ hkl[n], atol=1e-14)


def test_rays_end_on_the_sphere_from_the_side_that_was_asked_for():
    right = crossings(n=300)
    (_, entering, near), s0, (axis, setting, fixed) = right["spots"], right["s0"], right["goniometer"]
    xyz, q, r, s1 = predicted_positions(**right)
    crossing = np.isfinite(xyz[:, 2])
    assert 100 < crossing.sum() < 300
    np.testing.assert_allclose(np.linalg.norm(s1[crossing], axis=1), 1.0, atol=1e-13)
    np.testing.assert_array_equal((s1 @ np.cross(s0, setting @ axis) < 0)[crossing], entering[crossing])
    assert np.abs(xyz[crossing, 2] - near[crossing]).max() <= np.pi
    for n in np.flatnonzero(crossing):
        turn = setting @ Rotation.from_rotvec(axis * xyz[n, 2]).as_matrix() @ fixed
        np.testing.assert_allclose(r[n], turn @ q[n], atol=1e-14)
        np.testing.assert_allclose(s1[n], r[n] + s0, atol=1e-15)


def test_positions_are_where_rays_meet_the_panel_in_front_of_them():
    right = crossings(n=300)
    xyz, _, _, s1 = predicted_positions(**right)
    v = s1 @ right["inverse_d"][0].T
    ahead = v[:, 2] > 0
    assert ahead.sum() > 20
    np.testing.assert_allclose(xyz[ahead, :2], v[ahead, :2] / v[ahead, 2:], rtol=1e-12)
    assert np.isnan(xyz[~ahead, :2]).all()


def test_positions_of_what_never_crosses_are_no_numbers():
    right = crossings(n=3)
    xyz, *_ = predicted_positions(**right | {"spots": ([[0, 0, 0], [900, 0, 0], [0, 900, 5]], *right["spots"][1:])})
    assert np.isnan(xyz).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"panel": np.ones(50, int)}, "panel must lie in"),
        ({"panel": np.zeros(49, int)}, "49 panels for 50 spots"),
        ({"s0": np.zeros(2)}, "s0"),
        ({"inverse_d": np.eye(3)}, "inverse d matrices"),
        ({"crystal": (np.eye(2), np.eye(3))}, "U"),
        ({"goniometer": (np.zeros(3), np.eye(3), np.zeros(3))}, "goniometer"),
    ],
)
def test_positions_of_wrong_shapes_are_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        predicted_positions(**crossings(**changed))


def test_coefficients_beyond_the_last_are_refused():
    right = crossings()
    _, active, omega, strain = right["curve"]
    with pytest.raises(ValueError, match="first coefficient must lie in"):
        predicted_positions(**right | {"curve": (np.full(50, 2), active, omega, strain)})
    with pytest.raises(ValueError, match="first coefficient must lie in"):
        predicted_positions(**right | {"curve": (np.zeros(50, int), np.ones((50, 4)), omega, strain)})
    with pytest.raises(ValueError, match="strain"):
        predicted_positions(**right | {"curve": (np.zeros(50, int), active, omega, strain[:2])})
